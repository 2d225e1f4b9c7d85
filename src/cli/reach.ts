import { randomBytes } from 'node:crypto';
import type { Json } from '../channels/channel.ts';
import { iso } from '../clock.ts';
import { AppError, EXIT } from '../errors.ts';
import { brake, fewestBraked, type Move } from '../stock/brake.ts';
import type { ChannelRow, CounterView, LevelAfter, RehearsalStep, StockOutcome } from '../store/store.ts';
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
    const moves = movesOn(row, before, after);
    reach.lines.push(...moves.map(({ line }) => line));
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

type LineMove = Move & { line: ReachLine };

function movesOn(
  row: ChannelRow,
  before: ReadonlyMap<number, CounterView>,
  after: ReadonlyMap<number, CounterView>,
): LineMove[] {
  const moves: LineMove[] = [];
  for (const view of after.values()) {
    const [listing] = view.listings.filter((each) => each.mode === 'on' && each.unwritable === null);
    if (view.channelId !== row.id || view.target.kind !== 'number' || listing === undefined) continue;
    const number = numberOf(before.get(view.counterId));
    const { quantity } = view.target;
    if (number === quantity) continue;
    const { listingId, channelSku } = listing;
    const line = {
      channel: row.name,
      listing_id: listingId,
      channel_sku: channelSku,
      before: number,
      after: quantity,
    };
    moves.push({
      counterId: view.counterId,
      before: number,
      after: quantity,
      explained: number === null,
      line,
    });
  }
  return moves;
}

/** What the counter should show without the command; where it had no target, what the channel was seen to show. */
function numberOf(view: CounterView | undefined): number | null {
  if (view === undefined) return null;
  if (view.target.kind === 'number') return view.target.quantity;
  return view.lastRead?.shown ?? view.anchor?.number ?? null;
}

async function brakeOn(books: Books, row: ChannelRow, moves: readonly LineMove[]): Promise<string | null> {
  if (moves.length < fewestBraked) return null;
  const { max_change, max_zero } = (await books.settings()).reconcile;
  const listings = await listingsOn(books, row);
  return brake(moves, listings, { maxChange: max_change, maxZero: max_zero }).reason;
}

async function listingsOn(books: Books, row: ChannelRow): Promise<number> {
  const counters = new Set<number>();
  let after = 0;
  for (;;) {
    const page = await books.store.listings.list({ channel: row.name, after, limit: 1_000 });
    const last = page.at(-1);
    if (last === undefined) return counters.size;
    after = last.id;
    for (const listing of page) {
      const offered = listing.mode === 'on' && !listing.vanished;
      if (offered && (listing.parts.length > 0 || listing.fixed !== null)) counters.add(listing.counterId);
    }
  }
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
