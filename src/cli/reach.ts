import { randomBytes } from 'node:crypto';
import type { Json } from '../channels/channel.ts';
import { iso } from '../clock.ts';
import { AppError, EXIT } from '../errors.ts';
import { brake, fewestBraked } from '../stock/brake.ts';
import type { ChannelRow, CounterView, LevelAfter, RehearsalStep, StockOutcome } from '../store/store.ts';
import { countersOn, movesBetween, type ReachMove } from '../sync/reach.ts';
import type { Books } from './books.ts';
import { inSlices } from './slices.ts';

/** One number at a channel that a command would change. */
export interface ReachLine {
  channel: string;
  listing_id: string;
  channel_sku: string | null;
  /** Null: not known. */
  before: number | null;
  after: number;
}

/** What a command would do to the numbers at channels, and which channel's brake closes over it. */
export interface Reach {
  lines: ReachLine[];
  braked: { channel: string; reason: string }[];
  /** What would become of the changes of stock, in their order. */
  changed: StockOutcome[];
}

/**
 * Judges the reach of a command by rehearsing it. Only live channels count: for the others nothing is pushed, and
 * becoming live is judged by its own plan. A number that nobody has read yet is judged when it is.
 */
export async function reachOf(books: Books, steps: readonly RehearsalStep[], now: number): Promise<Reach> {
  const { after, changed } = await rehearsed(books, steps, now);
  const before = await viewed(books, [...after.keys()], []);
  const reach: Reach = { lines: [], braked: [], changed };
  for (const row of books.channels) {
    if (row.mode !== 'live' || row.paused || row.orphaned) continue;
    const moves = movesBetween(row, before, after.values());
    reach.lines.push(...moves.map((move) => lineOf(row, move)));
    const reason = await brakeOn(books, row, moves);
    if (reason !== null) reach.braked.push({ channel: row.name, reason });
  }
  return reach;
}

interface Rehearsed {
  /** Counters as the steps would leave them. */
  after: Map<number, CounterView>;
  changed: StockOutcome[];
}

/** Each slice alone is undone, so what the slices made of the levels is laid together at the end. */
async function rehearsed(books: Books, steps: readonly RehearsalStep[], now: number): Promise<Rehearsed> {
  const after = new Map<number, CounterView>();
  const changed: StockOutcome[] = [];
  const restocked = new Set<number>();
  const levels = new Map<number, LevelAfter>();
  await inSlices(steps.flatMap(singly), async (slice) => {
    const rehearsal = await books.store.rehearse(slice, null, now);
    const plain = slice.every((step) => step.kind === 'change');
    changed.push(...rehearsal.changed);
    for (const level of rehearsal.levels) levels.set(level.skuId, level);
    for (const view of rehearsal.counters) {
      after.set(view.counterId, view);
      if (plain) restocked.add(view.counterId);
    }
  });
  for (const [id, view] of await viewed(books, [...restocked], [...levels.values()])) after.set(id, view);
  return { after, changed };
}

/** One change to a step: a slice may end between any two. */
function singly(step: RehearsalStep): RehearsalStep[] {
  return step.kind === 'change' ? step.changes.map((change) => ({ ...step, changes: [change] })) : [step];
}

async function viewed(books: Books, ids: number[], levels: LevelAfter[]): Promise<Map<number, CounterView>> {
  const views = new Map<number, CounterView>();
  for (let at = 0; at < ids.length; at += 500) {
    for (const view of await books.store.outbox.view(ids.slice(at, at + 500), levels))
      views.set(view.counterId, view);
  }
  return views;
}

function lineOf(row: ChannelRow, { listing, before, after }: ReachMove): ReachLine {
  const { listingId, channelSku } = listing;
  return { channel: row.name, listing_id: listingId, channel_sku: channelSku, before, after };
}

async function brakeOn(books: Books, row: ChannelRow, moves: readonly ReachMove[]): Promise<string | null> {
  if (moves.length < fewestBraked) return null;
  const { max_change, max_zero } = (await books.settings()).reconcile;
  const listings = await countersOn(books, row);
  return brake(moves, listings, { maxChange: max_change, maxZero: max_zero }).reason;
}

/**
 * Lets a command within the brakes pass. One that a brake holds is saved as a plan to look at and ends with AppError
 * `brake` (exit code 4); `--over-brake` is the only way past.
 */
export async function heedBrakes(
  books: Books,
  reach: Reach,
  held: { command: string; overBrake: boolean | undefined; now: number },
): Promise<void> {
  const [first] = reach.braked;
  if (first === undefined || held.overBrake === true) return;
  const id = randomBytes(4).toString('hex');
  const body: Json = {
    plan_id: id,
    created_at: iso(held.now),
    cause: 'command',
    command: held.command,
    braked: reach.braked.map((each) => ({ ...each })),
    lines: reach.lines.map((line) => ({ ...line })),
  };
  await books.store.duties.savePlan({ id, createdAt: held.now, cause: 'command', state: 'open', body });
  const more = reach.braked.length > 1 ? ` (and ${reach.braked.length - 1} more channels)` : '';
  throw new AppError('brake', `nothing was changed: on ${first.channel} ${first.reason}${more}`, {
    hint: `saved as plan ${id}: look at it with invsync reconcile --show ${id}, then repeat the command with --over-brake`,
    exitCode: EXIT.brake,
    details: { plan_id: id, braked: reach.braked, lines: reach.lines },
  });
}
