import type { Command } from 'commander';
import { parseDuration } from '../../config/text.ts';
import { countText, EXIT, type ExitCode } from '../../errors.ts';
import type { SavedPlan } from '../../sync/plan.ts';
import { answer } from '../answer.ts';
import { usage } from '../args.ts';
import { askEngine } from '../ask.ts';
import { type Books, channelNamed, unknownSku, withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { findPlan, keepPlan, planOf, writePlan } from '../plan-file.ts';
import { consent, paint, printLine } from '../print.ts';
import { type ReconcileResult, reconcileResult } from '../results.ts';
import { printPlanLines } from './reconcile-print.ts';
import { nearSku } from './stock-list.ts';

interface Options {
  dryRun?: boolean;
  channel?: string;
  sku?: string[];
  out?: string;
  exitCode?: boolean;
  apply?: string;
  show?: string;
  overBrake?: boolean;
  yes?: boolean;
  wait?: string;
}

const longestWaitMs = 600_000;

/** `invsync reconcile`: compares what channels show with the books and puts it right. */
export function register(command: Command, cli: Cli): void {
  define(
    command
      .option('--dry-run', 'find out and print the plan; write nothing to a channel')
      .option('--channel <name>', 'only this channel')
      .option('--sku <sku...>', 'only the listings of these SKUs')
      .option('--out <file>', 'also write the plan to a file')
      .option(
        '--apply <plan>',
        'carry out a saved plan (its id, or a file); lines that changed since are skipped',
      )
      .option('--show <plan>', 'print a saved plan and stop')
      .option('--exit-code', 'exit 8 when something is not as it should be')
      .option('--over-brake', 'do it although a brake would hold it')
      .option('--wait <time>', 'wait so long for the first answers of the channels (default: 60s)')
      .option('--yes', 'do not ask before a plan is applied'),
    cli,
    {
      examples: ['invsync reconcile --dry-run --out plan.json', 'invsync reconcile --apply plan.json --yes'],
      exits: [
        EXIT.ok,
        EXIT.failed,
        EXIT.usage,
        EXIT.partial,
        EXIT.brake,
        EXIT.temporary,
        EXIT.refused,
        EXIT.daemon,
        EXIT.drift,
      ],
      prints: 'data',
    },
    perform,
  );
}

function perform(invocation: Invocation<Options>): Promise<ExitCode> {
  const { io, options } = invocation;
  if (options.apply !== undefined && (options.channel !== undefined || options.sku !== undefined)) {
    throw usage('--apply takes its channels and SKUs from the plan');
  }
  const waitMs = waitOf(options.wait);
  return withBooks(invocation, async (books) => {
    if (options.show !== undefined) return show(invocation, books, options.show);
    const found = options.apply === undefined ? null : await findPlan(io.cwd, books, options.apply);
    if (options.channel !== undefined) channelNamed(books, options.channel);
    for (const sku of options.sku ?? []) {
      if ((await books.store.stock.get(sku)) === null) throw unknownSku(sku, await nearSku(books, sku));
    }
    if (found !== null && options.dryRun !== true) await agreeTo(invocation, found.plan);
    const result = reconcileResult.parse(
      await askEngine(io, books, 'reconcile', {
        channel: options.channel ?? null,
        skus: options.sku ?? null,
        dry_run: options.dryRun === true,
        over_brake: options.overBrake === true,
        exit_code: options.exitCode === true,
        wait_ms: waitMs,
        ...(found === null
          ? {}
          : found.kept === 'store'
            ? { plan_id: found.plan.plan_id }
            : { plan: found.plan }),
      }),
    );
    return report(invocation, books, result);
  });
}

function waitOf(text: string | undefined): number {
  if (text === undefined) return 60_000;
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : parseDuration(text);
  if (ms !== null && ms <= longestWaitMs) return ms;
  throw usage(`--wait "${text}" is not a time to wait`, 'seconds or a duration, at most 10m: 30s');
}

async function agreeTo(invocation: Invocation<Options>, plan: SavedPlan): Promise<void> {
  await consent(invocation.io, {
    yes: invocation.options.yes === true,
    json: invocation.json,
    question: `Apply plan ${plan.plan_id} of ${plan.created_at}?`,
    plan,
    show: (io) => printPlanLines(io, plan.lines, {}),
  });
}

async function show(invocation: Invocation<Options>, books: Books, named: string): Promise<ExitCode> {
  const row = await books.store.duties.plan(named);
  if (row?.cause === 'command') {
    answer(invocation, { plan: row.body, state: row.state }, books.warnings, (io) => {
      printLine(io, JSON.stringify(row.body, null, 2));
    });
    return EXIT.ok;
  }
  const { plan } = await findPlan(invocation.io.cwd, books, named);
  answer(invocation, { plan, state: row?.state ?? 'open' }, books.warnings, (io) => {
    printLine(io, `plan ${plan.plan_id} of ${plan.created_at} (${plan.cause})`);
    printPlanLines(io, plan.lines, {});
  });
  return EXIT.ok;
}

async function report(
  invocation: Invocation<Options>,
  books: Books,
  result: ReconcileResult,
): Promise<ExitCode> {
  const { io, options } = invocation;
  const { report: run, failed, braked, skipped } = result;
  const cause = options.dryRun === true ? 'dry-run' : 'command';
  const plan = planOf(run, cause, io.now());
  if (options.out !== undefined) writePlan(io.cwd, options.out, plan);
  if (options.dryRun === true && options.apply === undefined) await keepPlan(books, plan);
  const document = {
    plan_id: run.plan_id,
    created_at: plan.created_at,
    cause,
    lines: run.lines,
    counts: run.counts,
    failed,
    braked,
    skipped,
  };
  answer(invocation, document, [...books.warnings, ...run.warnings], (to) => {
    printPlanLines(to, run.lines, run.counts);
    for (const { channel, reason } of failed) printLine(to, paint(to, 'bad', `${channel} failed: ${reason}`));
    printNext(to, result, options);
  });
  return Object.values(EXIT).find((code) => code === result.exit_code) ?? EXIT.failed;
}

/** What to type next. */
function printNext(io: Io, { report: run, braked, skipped }: ReconcileResult, options: Options): void {
  if (skipped > 0)
    printLine(io, `${countText(skipped, 'line was', 'lines were')} skipped: changed since the plan`);
  // What a guard holds has no plan to apply: its warning says what lets it go.
  const held = braked.length > 0 && run.lines.some((line) => line.note?.startsWith('held by a brake'));
  const open = run.lines.some((line) => !line.done && (line.action === 'lower' || line.action === 'raise'));
  const plan = options.out ?? run.plan_id;
  if (held)
    printLine(
      io,
      `A brake holds ${braked.join(', ')}. To let it go: invsync reconcile --apply ${plan} --over-brake`,
    );
  else if (options.dryRun === true && open)
    printLine(io, `To apply exactly this: invsync reconcile --apply ${plan}`);
}
