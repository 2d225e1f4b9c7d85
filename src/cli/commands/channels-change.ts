import { AppError, countText, EXIT, type ExitCode } from '../../errors.ts';
import { allListings, type ChannelRow } from '../../store/store.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { choiceArg, usage } from '../args.ts';
import { type Books, channelNamed, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { consent, printLine } from '../print.ts';
import type { ReconcileResult } from '../results.ts';
import { printPlanLines } from './reconcile-print.ts';

const modes = ['observe', 'shadow', 'live'] as const;

/** `channels mode` */
export function mode(invocation: Invocation<ActorOptions & { yes?: boolean }>): Promise<ExitCode> {
  const { io, options } = invocation;
  const [named = '', wanted = ''] = invocation.args;
  const to = choiceArg(wanted, 'the mode', modes);
  return withBooks(invocation, async (books) => {
    const row = channelNamed(books, named);
    if (to === 'live' && row.mode !== 'live') await agreeToLive(invocation, books, row);
    await books.store.channels.setMode(row.name, to, actorOf(options), io.now());
    const document = { channel: row.name, mode: to, before: row.mode, mode_in_file: row.modeInFile };
    const warnings = [...books.warnings, ...modeWarnings(row, to)];
    answer(invocation, document, warnings, (print) => {
      printLine(
        print,
        row.mode === to ? `${row.name} is ${to} already` : `${row.name}: ${row.mode} -> ${to}`,
      );
    });
    return EXIT.ok;
  });
}

function modeWarnings(row: ChannelRow, to: ChannelRow['mode']): string[] {
  if (row.modeInFile === to || row.modeInFile === null) return [];
  return [`the file says mode: ${row.modeInFile}; this command rules until the file changes`];
}

/** What going live means here, before anything is pushed. */
async function agreeToLive(
  invocation: Invocation<{ yes?: boolean }>,
  books: Books,
  row: ChannelRow,
): Promise<void> {
  if (invocation.options.yes === true) return;
  const plan = { ...(await livePlan(books, row)), ...(await dryRun(invocation, books, row)) };
  await consent(invocation.io, {
    yes: false,
    json: invocation.json,
    question: `Make ${row.name} live?`,
    plan,
    show: (io) => {
      printLine(
        io,
        `${row.name} becomes live: it begins with a reconcile, and numbers change there within the brakes`,
      );
      printLine(
        io,
        `${countText(plan.mapped, 'listing')} with a SKU, ${plan.unmapped} without one and left alone`,
      );
      if (plan.reconcile === null) printLine(io, `what would change cannot be shown: ${plan.problem}`);
      else printPlanLines(io, plan.reconcile.lines, plan.reconcile.counts);
    },
  });
}

/** What the first reconcile would do now; a channel that cannot be read says why. */
async function dryRun(
  invocation: Invocation<object>,
  books: Books,
  row: ChannelRow,
): Promise<{
  reconcile: Pick<ReconcileResult['report'], 'lines' | 'counts'> | null;
  problem: string | null;
}> {
  try {
    const { askEngine } = await import('../ask.ts');
    const { reconcileResult } = await import('../results.ts');
    const args = { channel: row.name, dry_run: true };
    const { report, failed } = reconcileResult.parse(
      await askEngine(invocation.io, books, 'reconcile', args),
    );
    const problem = failed[0]?.reason ?? null;
    return { reconcile: problem === null ? { lines: report.lines, counts: report.counts } : null, problem };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { reconcile: null, problem: error.message };
  }
}

async function livePlan(books: Books, row: ChannelRow) {
  let mapped = 0;
  let unmapped = 0;
  for await (const listing of allListings(books.store, { channel: row.name })) {
    if (listing.vanished || listing.mode === 'off') continue;
    if (listing.parts.length > 0 || listing.fixed !== null) mapped += 1;
    else unmapped += 1;
  }
  return { channel: row.name, mode: 'live', before: row.mode, mapped, unmapped };
}

interface PauseOptions extends ActorOptions {
  all?: boolean;
}

/** `channels pause` */
export function pause(invocation: Invocation<PauseOptions>): Promise<ExitCode> {
  return setPaused(invocation, 'paused');
}

/** `channels resume` */
export function resume(invocation: Invocation<PauseOptions>): Promise<ExitCode> {
  return setPaused(invocation, 'resumed');
}

function setPaused(invocation: Invocation<PauseOptions>, to: 'paused' | 'resumed'): Promise<ExitCode> {
  const { io, options } = invocation;
  const [named] = invocation.args;
  if ((named === undefined) === (options.all !== true)) throw usage('name one channel, or give --all');
  return withBooks(invocation, async (books) => {
    const name = named === undefined ? null : channelNamed(books, named).name;
    const changed = await books.store.channels.pause(name, to === 'paused', actorOf(options), io.now());
    answer(invocation, { channels: changed, paused: to === 'paused' }, books.warnings, (print) => {
      const already =
        name === null
          ? `all channels were ${to} already`
          : `${name} was ${to === 'paused' ? 'paused' : 'running'} already`;
      printLine(print, changed.length === 0 ? already : `${to}: ${changed.join(', ')}`);
    });
    return EXIT.ok;
  });
}
