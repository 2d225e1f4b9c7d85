import { ChannelError } from '../../channels/errors.ts';
import { countText, messageOf } from '../../errors.ts';
import type { ChannelRow } from '../../store/store.ts';
import { askAccount, lookAtAccount } from '../account/account.ts';
import { noteFailure } from '../contact.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { feedsOf, freshness } from '../fresh.ts';
import type { Pusher } from '../outbound/push.ts';
import type { SavedPlan } from '../plan.ts';
import { isPassing } from '../surely.ts';
import { correct } from './correct.ts';
import { markDone, skipChanged } from './finish.ts';
import { type OrdersFirst, pullFirst } from './orders.ts';
import { keepRun, recordRun } from './record.ts';
import { countsOf, type FailedChannel, type ReconcileOutcome } from './result.ts';
import { type Survey, survey } from './survey.ts';

/** What to reconcile and how. */
export interface ReconcileWish {
  /** Null: all configured channels. */
  channels: string[] | null;
  /** Only counters of these SKUs; null: all. */
  skus: string[] | null;
  /** Only these counters; null: all. */
  counterIds?: number[] | null;
  /** Steps 1 to 4 in memory; writes nothing. */
  dryRun: boolean;
  /** Wait at most so long for the first answers of the pushes. */
  waitMs: number;
  /** Repeat this plan's lines and skip what changed. */
  plan?: SavedPlan;
  overBrake?: boolean;
}

/** What a run works with besides the engine. */
export interface ReconcileTools {
  pusher: Pick<Pusher, 'runUntilIdle'>;
  /** Told of each raise that waits for its proof. */
  onWait?: (channelId: number, counterId: number, until: number) => void;
  progress?: (text: string) => void;
}

interface Run {
  wish: ReconcileWish;
  tools: ReconcileTools;
  planId: string;
  counterIds: number[] | null;
  first: OrdersFirst;
  feeds: 'fresh' | 'stale';
  outcome: ReconcileOutcome;
  /** Counters made due, per channel. */
  touched: Map<number, number[]>;
  /** Listings in sync that are counted, not listed. */
  quiet: number;
}

interface Target {
  row: ChannelRow;
  live: LiveChannel;
}

/**
 * One reconcile run: orders of all its channels first, then per channel the identity, a live read, what each number
 * means, brakes, and counters made due for the pushers. One channel's trouble never stops the next.
 */
export async function reconcile(
  engine: Engine,
  tools: ReconcileTools,
  wish: ReconcileWish,
  signal: AbortSignal,
): Promise<ReconcileOutcome> {
  const wanted = await targetsOf(engine, wish);
  const counterIds = await countersOf(engine, wish);
  const unasked = await unbound(engine, wanted, wish, signal);
  const targets = wanted.filter(({ live }) => !unasked.has(live.id));
  const into = wish.dryRun ? 'memory' : 'store';
  tools.progress?.(`reading the orders of ${countText(targets.length, 'channel')}`);
  const first = await pullFirst(engine, { channels: targets.map(({ live }) => live), into }, signal);
  if (!wish.dryRun) await pullStale(engine, first, signal);
  const run: Run = {
    wish,
    tools,
    planId: wish.plan?.plan_id ?? engine.randomHex(4),
    counterIds,
    first,
    feeds: await feedsAfter(engine, first, wish),
    touched: new Map(),
    quiet: 0,
    outcome: {
      report: { plan_id: '', lines: [], counts: {}, warnings: [] },
      passed: [],
      failed: [...unasked.values()],
      braked: [],
      skipped: 0,
    },
  };
  run.outcome.report.plan_id = run.planId;
  for (const { channel, reason, kind } of unasked.values())
    if (kind === 'held') run.outcome.report.warnings.push(`${channel}: ${reason}`);
  await Promise.all(targets.map((target) => reconcileChannel(engine, run, target, signal)));
  run.outcome.report.lines.sort((a, b) => a.channel.localeCompare(b.channel) || a.counter_id - b.counter_id);
  await markDone(engine, { ...run, pusher: tools.pusher, waitMs: wish.waitMs }, signal);
  run.outcome.report.counts = countsOf(run.outcome.report.lines, run.quiet);
  if (wish.plan !== undefined) await closePlan(engine, run, wish.plan);
  else if (!wish.dryRun && counterIds === null) {
    await recordRun(engine, run.outcome);
    await keepRun(engine, run.outcome);
  }
  if (run.quiet > 0)
    run.outcome.report.warnings.push(`${run.quiet} listings in sync are counted, not listed`);
  return run.outcome;
}

async function targetsOf(engine: Engine, wish: ReconcileWish): Promise<Target[]> {
  const rows = await engine.store.channels.list();
  const names =
    wish.plan === undefined ? wish.channels : [...new Set(wish.plan.lines.map((line) => line.channel))];
  return rows.flatMap((row) => {
    const live = engine.channels.get(row.id);
    const wanted = names === null || names.includes(row.name);
    return live === undefined || row.orphaned || !wanted ? [] : [{ row, live }];
  });
}

async function countersOf(engine: Engine, wish: ReconcileWish): Promise<number[] | null> {
  if (wish.plan !== undefined) return wish.plan.lines.map((line) => line.counter_id);
  if (wish.skus === null) return wish.counterIds ?? null;
  const found = await Promise.all(wish.skus.map((sku) => engine.store.reports.countersOfSku(sku)));
  return [...new Set(found.flat().map((view) => view.counterId))];
}

/** Raising needs every live channel's orders, also those of channels that this run is not about. */
async function pullStale(engine: Engine, first: OrdersFirst, signal: AbortSignal): Promise<void> {
  const stale = (await freshness(engine)).filter(
    (feed) => feed.stale !== null && feed.stale !== 'pending' && !first.pulls.has(feed.channelId),
  );
  const channels = stale.flatMap((feed) => engine.channels.get(feed.channelId) ?? []);
  if (channels.length > 0) await pullFirst(engine, { channels, into: 'store' }, signal);
}

async function feedsAfter(
  engine: Engine,
  first: OrdersFirst,
  wish: ReconcileWish,
): Promise<'fresh' | 'stale'> {
  const feeds = await freshness(engine);
  if (!wish.dryRun) return feedsOf(feeds);
  // A dry run marks no feed: what it has read itself counts as read.
  const open = feeds.filter(
    (feed) => feed.stale === 'pending' || first.pulls.get(feed.channelId)?.complete !== true,
  );
  return feedsOf(open);
}

async function reconcileChannel(
  engine: Engine,
  run: Run,
  target: Target,
  signal: AbortSignal,
): Promise<void> {
  const { row, live } = target;
  try {
    const found = await survey(engine, surveyWish(run, target), signal);
    const pull = run.first.pulls.get(live.id);
    if (run.wish.plan !== undefined) run.outcome.skipped += skipChanged(found, run.wish.plan);
    await correctChannel(engine, run, target, found);
    if (pull?.complete === false) run.outcome.failed.push(failureOf(row, pull.error));
    else run.outcome.passed.push(row.name);
  } catch (error) {
    if (error instanceof ChannelError && !signal.aborted) await noteFailure(engine, live, error);
    engine.log.debug({ channel: row.name, error: messageOf(error) }, 'the channel could not be reconciled');
    run.outcome.failed.push(failureOf(row, error));
  }
}

function surveyWish(run: Run, { row, live }: Target): Parameters<typeof survey>[1] {
  const pull = run.first.pulls.get(live.id);
  const lowSince = new Map<number, { since: number; number: number }>();
  for (const line of run.wish.plan?.lines ?? []) {
    if (line.low_since !== null && line.shown !== null)
      lowSince.set(line.counter_id, { since: Date.parse(line.low_since), number: line.shown });
  }
  return {
    row,
    live,
    progress: run.tools.progress,
    counterIds: run.counterIds,
    book: run.wish.dryRun ? 'dry' : 'book',
    first: run.first,
    evidence: {
      pull: pull === undefined ? null : { complete: pull.complete, beganAt: pull.beganAt },
      feeds: run.feeds,
      orderLagMs: live.capabilities.orderLagMs,
      raiseAfterMs: live.raiseAfterMs,
      // A person replaces a bound that is not known; a known one is waited for in any case.
      askedByPerson: run.wish.plan !== undefined && live.capabilities.orderLagMs === null,
    },
    lowSince,
  };
}

/** Lows that one run has found are proved in one go: brakes judge them together, or would miss what came in drops. */
function expectProofs(run: Run, live: LiveChannel, found: Survey): void {
  const beganAt = run.first.pulls.get(live.id)?.beganAt ?? Number.MAX_SAFE_INTEGER;
  const waiting = found.lines.flatMap(({ line, verdict: { action, until, low } }) => {
    if (action !== 'wait' || until === null) return [];
    return [{ counterId: line.counter_id, until, isNew: low !== null && low.since >= beganAt }];
  });
  const last = Math.max(0, ...waiting.filter((each) => each.isNew).map((each) => each.until));
  for (const { counterId, until, isNew } of waiting)
    run.tools.onWait?.(live.id, counterId, isNew ? last : until);
}

async function correctChannel(engine: Engine, run: Run, target: Target, found: Survey): Promise<void> {
  const { row, live } = target;
  const { wish, outcome } = run;
  const corrected = await correct(engine, found, {
    row,
    counterIds: run.counterIds,
    brakes: wish.overBrake === true ? 'overridden' : 'kept',
    write: wish.dryRun ? 'dry' : 'write',
  });
  const { held, savedPlanId } = corrected;
  if (held !== null) {
    // The id that is printed is the one that a person applies.
    if (savedPlanId !== null && outcome.braked.length === 0) outcome.report.plan_id = savedPlanId;
    outcome.braked.push(row.name);
    const where = savedPlanId === null ? 'held' : `held as plan ${savedPlanId}`;
    outcome.report.warnings.push(`${row.name}: ${held.reason}; ${where}`);
  }
  if (corrected.remark !== null) outcome.report.warnings.push(`${row.name}: ${corrected.remark}`);
  if (corrected.touched.length > 0) run.touched.set(live.id, corrected.touched);
  run.quiet += found.quiet;
  for (const { line } of found.lines) outcome.report.lines.push(line);
  if (!wish.dryRun) expectProofs(run, live, found);
  if (wish.dryRun) return;
  const lows = found.lines.filter(({ verdict }) => verdict.low !== null).length;
  engine.log.debug(
    { channel: row.name, listings: found.mapped, corrected: corrected.touched.length, lows },
    'reconciled',
  );
}

/** Is it still the shop that we know? Of another one nothing is read and nothing is written there. */
async function unbound(
  engine: Engine,
  targets: readonly Target[],
  wish: ReconcileWish,
  signal: AbortSignal,
): Promise<Map<number, FailedChannel>> {
  const failed = new Map<number, FailedChannel>();
  await Promise.all(
    targets.map(async ({ row, live }) => {
      const standing = await (wish.dryRun ? lookAtAccount : askAccount)(engine, live, signal);
      if (standing.kind === 'unreachable') failed.set(live.id, failureOf(row, standing.error));
      if (standing.kind === 'refused')
        failed.set(live.id, { channel: row.name, reason: standing.reason, kind: 'held' });
    }),
  );
  return failed;
}

function failureOf(row: ChannelRow, error: unknown): FailedChannel {
  const reason = error === null ? 'its orders could not all be read' : messageOf(error);
  return { channel: row.name, reason, kind: kindOf(error) };
}

function kindOf(error: unknown): FailedChannel['kind'] {
  if (error === null || isPassing(error)) return 'temporary';
  if (!(error instanceof ChannelError)) return 'failed';
  return error.kind === 'auth' ? 'auth' : error.kind === 'rejected' ? 'failed' : 'temporary';
}

async function closePlan(engine: Engine, run: Run, plan: SavedPlan): Promise<void> {
  const { outcome } = run;
  if (outcome.failed.length > 0 || outcome.braked.length > 0) return;
  if ((await engine.store.duties.plan(plan.plan_id)) !== null)
    await engine.store.duties.closePlan(plan.plan_id, 'applied');
}
