import type { Command } from 'commander';
import type { ChannelDefinition } from '../channels/channel.ts';
import type { BooksConfig } from '../config/books-config.ts';
import type { LoadedConfig } from '../config/config.ts';
import type { SoundConfig } from '../config/load.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import type { Io } from './io.ts';

/** What `register` hands on to `define`. */
export interface Cli {
  io: Io;
  /** Those of `wanted` types that are built in; all without it. */
  definitions(wanted?: readonly string[]): Promise<ChannelDefinition[]>;
  finish(code: ExitCode): void;
}

/** What every command's help ends with, and whether it prints data. */
export interface Manual {
  /** Command lines as typed, without what they print. */
  examples: readonly [string, string];
  exits: readonly ExitCode[];
  /** `data`: takes `--json`. */
  prints: 'data' | 'talk';
}

/** One run of a command. `Options` are its options by commander's names, `args` its arguments as typed. */
export interface Invocation<Options> {
  io: Io;
  args: readonly string[];
  options: Options;
  json: boolean;
  /** Absolute path of the configuration file, which need not exist. Throws AppError `config`. */
  configFile(): Promise<string>;
  /** Throws AppError `config` with all problems in `details.problems`. */
  loadConfig(): Promise<LoadedConfig>;
  /** What is sound of the file, without secrets. Throws AppError `config` where it is no sound YAML or is not there. */
  soundConfig(): Promise<SoundConfig>;
  /** Where the books lie; judges no other line of the file. Throws AppError `config` when there is no file. */
  booksConfig(): Promise<BooksConfig>;
}

interface GlobalOptions {
  config?: string;
  json?: boolean;
  color?: boolean;
}

export const meanings: Readonly<Record<ExitCode, string>> = {
  [EXIT.ok]: 'done, or nothing to do',
  [EXIT.failed]: 'failed',
  [EXIT.usage]: 'wrong usage or configuration',
  [EXIT.partial]: 'finished, some items failed',
  [EXIT.brake]: 'a brake or guard stopped a write',
  [EXIT.temporary]: 'temporary, retry later',
  [EXIT.refused]: 'credentials refused',
  [EXIT.daemon]: 'daemon not reachable or already running',
  [EXIT.drift]: 'drift or dead items found (with --exit-code)',
};

/** What a command does, loaded only when it is run: a noun has many verbs, and most need more than the others. */
export function lazily<Options>(
  load: () => Promise<(invocation: Invocation<Options>) => Promise<ExitCode>>,
): (invocation: Invocation<Options>) => Promise<ExitCode> {
  return async (invocation) => (await load())(invocation);
}

/**
 * Makes a command out of its manual and what it does: adds the options that all commands share, two examples and the
 * exit codes. Arguments such as `-4` are taken as they are, as long as the command has no option `-4`.
 */
export function define<Options extends object>(
  command: Command,
  cli: Cli,
  manual: Manual,
  perform: (invocation: Invocation<Options>) => Promise<ExitCode>,
): void {
  command.option(
    '--config <file>',
    'configuration file (default: $INVSYNC_CONFIG, config.yaml, invsync.yaml)',
  );
  if (manual.prints === 'data')
    command
      .option('--json', 'print one JSON document')
      .option('--wide', 'print all columns in full, however narrow the terminal is');
  command.option('--no-color', 'print without colour');
  const codes = manual.exits.map((code) => `  ${code}  ${meanings[code]}`);
  const examples = manual.examples.map((line) => `  ${line}`);
  command.addHelpText('after', ['', 'Examples:', ...examples, '', 'Exit codes:', ...codes].join('\n'));
  command.action(async () => {
    const options = command.optsWithGlobals<Options & GlobalOptions>();
    const json = options.json === true;
    const files = filesOf(cli, options.config);
    cli.finish(await perform({ io: cli.io, args: command.args, options, json, ...files }));
  });
}

/** The readings of the configuration file that a command may ask for; each imports only what it needs. */
export function filesOf(
  cli: Cli,
  wanted: string | undefined,
): Pick<Invocation<object>, 'configFile' | 'loadConfig' | 'soundConfig' | 'booksConfig'> {
  const configFile = async () => (await import('../config/locate.ts')).locateConfig(wanted, cli.io);
  const envOf = async (file: string) => {
    const { withSecrets } = await import('../config/secrets-file.ts');
    const { env, remarks } = withSecrets(file, cli.io.env);
    for (const remark of remarks) cli.io.stderr(`warning: ${remark}\n`);
    return env;
  };
  const soundConfig = async () => {
    const { readText } = await import('../config/books-config.ts');
    const { parseSound } = await import('../config/load.ts');
    const file = await configFile();
    const text = readText(file);
    const env = await envOf(file);
    // Only the types that the file names are loaded; a faulty file is judged with all, whose keys make better hints.
    const types = [...text.matchAll(/\btype:[ \t]*["']?([\w-]+)/g)].map(([, type]) => type ?? '');
    const narrow = parseSound(text, { file, env, definitions: await cli.definitions(types) });
    if (narrow.refused === null) return narrow;
    return parseSound(text, { file, env, definitions: await cli.definitions() });
  };
  return {
    configFile,
    soundConfig,
    loadConfig: async () => {
      const { refused, ...loaded } = await soundConfig();
      if (refused !== null) throw refused;
      return loaded;
    },
    booksConfig: async () => {
      const { booksConfig, readText } = await import('../config/books-config.ts');
      const file = await configFile();
      return booksConfig(readText(file), { file, env: await envOf(file) });
    },
  };
}
