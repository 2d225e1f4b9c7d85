import { Command, CommanderError, Option } from 'commander';
import { AppError, EXIT, type ExitCode } from '../errors.ts';
import type { Cli } from './command.ts';
import { groupOf, helpEnd } from './help-groups.ts';
import type { Io } from './io.ts';

/** One word after `invsync`. Its module is imported only when that word is typed. */
export interface Noun {
  name: string;
  /** One line for `invsync --help`. */
  summary: string;
  load(): Promise<{ register(command: Command, cli: Cli): void }>;
}

const nouns: readonly Noun[] = [
  {
    name: 'demo',
    summary: 'watch it work: sandbox shops, shoppers, and a proof at the end',
    load: () => import('./commands/demo.ts'),
  },
  {
    name: 'serve',
    summary: 'the daemon: takes webhooks in and keeps every channel right',
    load: () => import('./commands/serve.ts'),
  },
  {
    name: 'sandbox',
    summary: 'the sandbox shops alone, to try it without an account',
    load: () => import('./commands/sandbox.ts'),
  },
  {
    name: 'check',
    summary: 'what would go wrong later, and how to mend it',
    load: () => import('./commands/check.ts'),
  },
  {
    name: 'status',
    summary: 'how things stand: channels, events, pushes, oversells',
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'stock',
    summary: 'the numbers themselves: list, count, receive, import, …',
    load: () => import('./commands/stock.ts'),
  },
  {
    name: 'reconcile',
    summary: 'compare what channels show with the books and put it right',
    load: () => import('./commands/reconcile.ts'),
  },
  {
    name: 'explain',
    summary: 'why a number is what it is',
    load: () => import('./commands/explain.ts'),
  },
  {
    name: 'channels',
    summary: 'the accounts that stock is shown on: modes, pause, resume',
    load: () => import('./commands/channels.ts'),
  },
  {
    name: 'listings',
    summary: 'which SKU stands behind what a channel offers',
    load: () => import('./commands/listings.ts'),
  },
  {
    name: 'orders',
    summary: 'what the channels sold',
    load: () => import('./commands/orders.ts'),
  },
  {
    name: 'oversells',
    summary: 'order lines that stock could not fill',
    load: () => import('./commands/oversells.ts'),
  },
  {
    name: 'reservations',
    summary: 'units kept for a checkout or an order that is still to come',
    load: () => import('./commands/reservations.ts'),
  },
  {
    name: 'alerts',
    summary: 'what needs a person: list, show, acknowledge',
    load: () => import('./commands/alerts.ts'),
  },
  {
    name: 'events',
    summary: 'what the platforms told us; replay',
    load: () => import('./commands/events.ts'),
  },
  {
    name: 'pushes',
    summary: 'numbers on their way to the channels',
    load: () => import('./commands/pushes.ts'),
  },
  {
    name: 'webhooks',
    summary: 'subscriptions at the platforms',
    load: () => import('./commands/webhooks.ts'),
  },
  {
    name: 'web',
    summary: 'a link that opens the page in a browser',
    load: () => import('./commands/web.ts'),
  },
  {
    name: 'config',
    summary: 'show the configuration in effect, or check the file',
    load: () => import('./commands/config.ts'),
  },
  {
    name: 'health',
    summary: 'does the daemon live? for supervisors and containers',
    load: () => import('./commands/health.ts'),
  },
  {
    name: 'completion',
    summary: 'completes commands, channels and SKUs in bash, zsh and fish',
    load: () => import('./commands/completion.ts'),
  },
  {
    name: 'backup',
    summary: 'copies of the books: create, list, verify, restore',
    load: () => import('./commands/backup.ts'),
  },
  {
    name: 'export',
    summary: 'your data to take away: orders, ledger, stock as CSV or JSON lines',
    load: () => import('./commands/export.ts'),
  },
  {
    name: 'db',
    summary: 'check or migrate the database',
    load: () => import('./commands/db.ts'),
  },
];

/**
 * Runs one command line and returns its exit code; never throws, never exits. `argv` is what follows the program's
 * name. Tests hand in their own nouns and channel types.
 */
export async function run(
  argv: readonly string[],
  io: Io,
  using: { nouns?: readonly Noun[]; definitions?: Cli['definitions'] } = {},
): Promise<number> {
  const flags = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const json = flags.includes('--json') ? 'json' : 'plain';
  const color = io.color && !flags.includes('--no-color');
  const seen: Io = { ...io, color, wide: flags.includes('--wide') };
  let code: number = EXIT.ok;
  const cli: Cli = {
    io: seen,
    definitions:
      using.definitions ?? (async (wanted) => (await import('../channels/registry.ts')).definitions(wanted)),
    finish: (result) => {
      code = result;
    },
  };
  const known = using.nouns ?? nouns;
  try {
    if (argv[0] === completer) return await complete(argv.slice(1), cli, known);
    if (argv[0] === 'help' && (await printTopic(seen, argv[1]))) return EXIT.ok;
    const program = await build(argv, cli, { nouns: known, json });
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return await failed(seen, error, json);
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return EXIT.ok;
    // Commander has just written the help of a command line that ends too early to stderr.
    if (error.code === 'commander.help' && json === 'plain')
      return argv.includes('help') ? EXIT.ok : EXIT.usage;
    return await failed(seen, usageError(error), json);
  }
}

/** Help and version need nothing that prints. */
async function failed(io: Io, error: unknown, json: 'json' | 'plain'): Promise<number> {
  return (await import('./print.ts')).printError(io, error, json);
}

/** What the scripts of `completion` call, with the words up to the cursor; nothing that a person types. */
const completer = '__complete';

/** Prints what may stand at the cursor; where that cannot be found out, nothing: a shell shows no errors. */
async function complete(words: readonly string[], cli: Cli, known: readonly Noun[]): Promise<ExitCode> {
  const { printCandidates } = await import('./completion/print.ts');
  const program = await build(words, cli, { nouns: known, json: 'json' });
  await printCandidates(program, words, cli);
  return EXIT.ok;
}

async function printTopic(io: Io, name: string | undefined): Promise<boolean> {
  if (name === undefined) return false;
  const { topicText } = await import('./topics.ts');
  const text = topicText(name);
  if (text !== null) io.stdout(text);
  return text !== null;
}

async function build(
  argv: readonly string[],
  cli: Cli,
  from: { nouns: readonly Noun[]; json: 'json' | 'plain' },
): Promise<Command> {
  const { io } = cli;
  const program = new Command('invsync')
    .description("Keeps one merchant's stock right on every sales channel.")
    .version(io.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help; after a command, what it does and takes')
    .usage('<command> [options]')
    .commandsGroup(groupOf('help'))
    .helpCommand('help [command]', 'the same as --help, and pages on what all share')
    .addHelpText('after', `\n${helpEnd}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout(text),
      writeErr: (text) => (from.json === 'plain' ? io.stderr(text) : undefined),
      outputError: () => undefined,
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
    });
  // Also accepted before the noun; each command lists them in its own help.
  for (const flags of ['--config <file>', '--json', '--wide', '--no-color'])
    program.addOption(new Option(flags).hideHelp());
  const typed = nounIn(argv);
  for (const noun of from.nouns) {
    const command = program
      .command(noun.name)
      .description(noun.summary)
      .helpGroup(groupOf(noun.name))
      .helpCommand(false);
    if (noun.name === typed) (await noun.load()).register(command, cli);
  }
  return program;
}

/** The first word that is no option, nor the value of `--config`, nor `help`. */
function nounIn(argv: readonly string[]): string | undefined {
  const words = argv.filter((word, at) => !word.startsWith('-') && argv[at - 1] !== '--config');
  return words[0] === 'help' ? words[1] : words[0];
}

/** Commander's sentence, less its prefix; a guess at what was meant becomes the hint. */
function usageError(error: CommanderError): AppError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const guess = rest.join(' ').replace(/^\(|\)$/g, '');
  const message = error.code === 'commander.help' ? 'a command is missing' : first;
  return new AppError('usage', message, { hint: guess || 'see --help', exitCode: EXIT.usage });
}
