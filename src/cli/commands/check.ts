import type { Command } from 'commander';
import { backupCheck } from '../../backup/health.ts';
import type { CheckItem } from '../../channels/channel.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import { answer } from '../answer.ts';
import { askEngine } from '../ask.ts';
import { type Books, withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { machineChecks } from '../machine-checks.ts';
import { printable, printLine, printTable } from '../print.ts';
import { checkResult } from '../results.ts';

/** One finding; `channel` is null for what concerns this machine. */
type Finding = CheckItem & { channel: string | null };

/** `invsync check`: everything that would go wrong later, found now, each with its remedy. */
export function register(command: Command, cli: Cli): void {
  define(
    command.option('--offline', 'ask no channel'),
    cli,
    {
      examples: ['invsync check', 'invsync check --offline --json'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.refused, EXIT.daemon],
      prints: 'data',
    },
    perform,
  );
}

async function perform(invocation: Invocation<{ offline?: boolean }>): Promise<ExitCode> {
  const { io, options } = invocation;
  // What is wrong with the file is the first thing to mend, and says so by itself.
  const { config, warnings } = await invocation.loadConfig();
  const machine = machineChecks(config.data_dir, io.now()).map(here);
  const findings: Finding[] = [
    here({ name: 'configuration', level: 'ok', detail: config.file, remedy: '' }),
    ...warnings.map((problem) =>
      here({
        name: 'configuration',
        level: 'warn',
        detail: `line ${problem.line}: ${problem.path}: ${problem.message}`,
        remedy: problem.hint,
      }),
    ),
    ...machine,
  ];
  const usable = machine.every((finding) => finding.level !== 'fail');
  const notes: string[] = [];
  if (usable) {
    await withBooks(invocation, async (books) => {
      notes.push(...books.warnings);
      findings.push(...(await booksChecks(books)), here(backupCheck(config, io.now())));
      if (options.offline !== true) findings.push(...(await channelChecks(io, books)));
    });
  } else notes.push('the database and the channels were not checked: mend this machine first');
  const count = (level: CheckItem['level']) => findings.filter((finding) => finding.level === level).length;
  const counts = { ok: count('ok'), warn: count('warn'), fail: count('fail') };
  answer(invocation, { ok: counts.fail === 0, checks: findings, counts }, notes, (to) =>
    print(to, findings, counts),
  );
  return exitOf(findings);
}

function here(item: CheckItem): Finding {
  return { channel: null, ...item };
}

async function booksChecks(books: Books): Promise<Finding[]> {
  const items = await books.store.duties.check(false);
  const orphaned = books.channels.filter((row) => row.orphaned);
  return [
    ...items.map((item) => here({ ...item, name: `database ${item.name}` })),
    ...orphaned.map((row) => ({
      channel: row.name,
      name: 'orphaned',
      level: 'warn' as const,
      detail: 'it is not in the configuration file any more',
      remedy: `put it back, or: invsync channels rename ${row.name} NEW, or: invsync channels remove ${row.name}`,
    })),
  ];
}

async function channelChecks(io: Io, books: Books): Promise<Finding[]> {
  const { channels } = checkResult.parse(await askEngine(io, books, 'check', {}));
  return channels.flatMap(({ channel, items }) => items.map((item) => ({ channel, ...item })));
}

function print(
  io: Io,
  findings: readonly Finding[],
  counts: { ok: number; warn: number; fail: number },
): void {
  const styles = { ok: 'good', warn: 'warn', fail: 'bad' } as const;
  printTable(
    io,
    [
      { title: '', value: (row) => row.level, style: (row) => styles[row.level] },
      { title: 'where', worth: 8, value: (row) => row.channel ?? 'here' },
      { title: 'check', worth: 8, value: (row) => row.name },
      { title: 'found', room: 40, worth: 9, exact: true, value: (row) => row.detail },
      { title: 'remedy', room: 60, worth: 1, value: (row) => (row.remedy === '' ? '' : row.remedy) },
    ],
    findings,
  );
  // A terminal has no room for what mends it beside what was found.
  if (io.isTty && !io.wide)
    for (const { level, name, detail, remedy, channel } of findings)
      if (level !== 'ok' && remedy !== '')
        printLine(
          io,
          printable(`${level} ${channel === null ? '' : `${channel} `}${name}: ${detail}; ${remedy}`),
        );
  printLine(io, `${counts.ok} ok, ${counts.warn} to look at, ${counts.fail} to mend`);
}

/** Refused credentials have their own code when they are all that fails. */
function exitOf(findings: readonly Finding[]): ExitCode {
  const failed = findings.filter((finding) => finding.level === 'fail');
  if (failed.length === 0) return EXIT.ok;
  return failed.every((finding) => finding.name === 'credentials') ? EXIT.refused : EXIT.failed;
}
