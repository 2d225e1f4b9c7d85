import { iso } from '../clock.ts';
import { brake, type Move, type Shares } from '../stock/brake.ts';
import {
  allListings,
  type ChannelRow,
  type ChannelSetup,
  type CounterView,
  pages,
  sameOffer,
} from '../store/store.ts';
import { type BrakeGround, setBrake } from './brakes.ts';
import type { PlanLine } from './plan.ts';
import { isPlanned } from './push-context.ts';

/** What a change of ours would do to one counter. */
export interface ReachMove extends Move {
  /** The counter as the change leaves it. */
  view: CounterView;
  listing: CounterView['listings'][number];
}

/**
 * What a change would do to each counter of a channel, whoever makes it: a command, a configuration, a mapping. A
 * number that nobody knows is not counted: it is judged when it has been read.
 */
export function movesBetween(
  row: ChannelRow,
  before: ReadonlyMap<number, CounterView>,
  after: Iterable<CounterView>,
): ReachMove[] {
  const moves: ReachMove[] = [];
  for (const view of after) {
    const [listing] = view.listings.filter((each) => each.mode === 'on' && each.unwritable === null);
    if (view.channelId !== row.id || view.target.kind !== 'number' || listing === undefined) continue;
    const number = numberOf(before.get(view.counterId));
    const { quantity } = view.target;
    if (number === quantity) continue;
    moves.push({
      counterId: view.counterId,
      before: number,
      after: quantity,
      explained: number === null,
      view,
      listing,
    });
  }
  return moves;
}

/** What the counter should show without the change; where it has no target, or a brake holds it, what it was seen to show. */
export function numberOf(view: CounterView | undefined): number | null {
  if (view === undefined) return null;
  if (view.target.kind === 'number' && view.held === null) return view.target.quantity;
  return view.lastRead?.shown ?? view.anchor?.number ?? null;
}

/** How many numbers a channel has, for the shares. */
export async function countersOn({ store }: Pick<BrakeGround, 'store'>, row: ChannelRow): Promise<number> {
  const counters = new Set<number>();
  for await (const listing of allListings(store, { channel: row.name })) {
    const offered = listing.mode === 'on' && !listing.vanished;
    if (offered && (listing.parts.length > 0 || listing.fixed !== null)) counters.add(listing.counterId);
  }
  return counters.size;
}

function isOffered(view: CounterView): boolean {
  const offered = view.listings.some((listing) => listing.mode === 'on' && !listing.vanished);
  return offered && view.target.kind !== 'unmapped';
}

/** Is something pushed to this channel as things are? Becoming live is judged by its own plan. */
export function isPushed(row: ChannelRow): boolean {
  return row.mode === 'live' && !row.paused && isPlanned(row);
}

/** A change that is about to be made, as far as one channel is concerned. */
export interface Change {
  row: ChannelRow;
  shares: Shares;
  moves: ReachMove[];
  listings: number;
  /** Counters that are held and whose targets it brings back to what they show: nothing is in doubt any more. */
  back: { counterId: number; upTo: number }[];
  /** What it is, for people: `the configuration`. */
  what: string;
}

/**
 * Holds what a change would move beyond the shares, before it is made: raises and zeros stay where they are as the
 * channel's brake plan. Answers the plan's id, null when all of it may leave.
 */
export async function brakeBeyond(ground: BrakeGround, change: Change): Promise<string | null> {
  const { row, moves } = change;
  const braking = brake(moves, change.listings, change.shares);
  const held = moves.filter((move) => braking.held.has(move.counterId) && !move.explained);
  if (held.length + change.back.length === 0) return null;
  const known = await ground.store.outbox.doubts(row.id);
  const decided = new Set([
    ...held.map((move) => move.counterId),
    ...change.back.map((each) => each.counterId),
  ]);
  const keep = known.filter((each) => each.held !== null && !decided.has(each.counterId));
  return setBrake(ground, row, {
    reason: `by ${change.what} ${braking.reason ?? 'some listings stay held'}`,
    lines: held.map((move) => lineOf(row, move)),
    keep: new Set(keep.map((each) => each.counterId)),
    hold: held.map(({ counterId, after }) => ({ counterId, target: after, doubt: 'in flight' })),
    release: change.back,
    pass: [],
  });
}

function lineOf(row: ChannelRow, { view, listing, before, after }: ReachMove): PlanLine {
  return {
    channel: row.name,
    listing_id: listing.listingId,
    sku: listing.channelSku,
    shown: before,
    expected: before === null ? null : [before, before],
    target: after,
    cause: 'in flight',
    orders: [],
    action: before === null || after > before ? 'raise' : 'lower',
    done: false,
    until: null,
    note: null,
    explained: false,
    read_at: iso(view.lastRead?.askedAt ?? null),
    low_since: null,
    counter_id: view.counterId,
  };
}

/**
 * Brings the channels in line with the configuration. A changed offer is bound by the same shares as a command: what
 * it moves beyond them is held, whichever process takes the file in.
 */
export async function configureWithin(
  ground: BrakeGround,
  file: { setups: ChannelSetup[]; textHash: string | undefined },
  shares: Shares,
): Promise<ChannelRow[]> {
  const { setups, textHash } = file;
  const { store, clock } = ground;
  const rows = await store.channels.list();
  for (const setup of setups) {
    const row = rows.find((each) => each.name === setup.name && each.type === setup.type);
    if (row === undefined || !isPushed(row) || sameOffer(row.setup, setup)) continue;
    await brakeOffer(ground, row, { setup, shares });
  }
  return store.channels.configure(setups, clock.now(), textHash);
}

async function brakeOffer(
  ground: BrakeGround,
  row: ChannelRow,
  { setup, shares }: { setup: ChannelSetup; shares: Shares },
): Promise<void> {
  const moves: ReachMove[] = [];
  const back: Change['back'] = [];
  let listings = 0;
  for await (const [before, after] of offersOn(ground, row, setup)) {
    if (isOffered(after)) listings += 1;
    const own = movesBetween(row, new Map([[before.counterId, before]]), [after]);
    if (own.length === 0 && before.held !== null && after.target.kind === 'number')
      back.push({ counterId: before.counterId, upTo: after.target.quantity });
    moves.push(...own);
  }
  await brakeBeyond(ground, { row, shares, moves, listings, back, what: 'the changed configuration' });
}

/** Each counter of a channel as it is, and as another setup would make it. */
async function* offersOn(
  { store }: BrakeGround,
  row: ChannelRow,
  setup: ChannelSetup,
): AsyncIterable<[CounterView, CounterView]> {
  const ask = async (from: number) => {
    const [now, then] = await Promise.all([
      store.outbox.page(row.id, from, 500),
      store.outbox.page(row.id, from, 500, setup),
    ]);
    const known = new Map(then.map((view) => [view.counterId, view]));
    return now.map((view) => ({ view, after: known.get(view.counterId) }));
  };
  for await (const page of pages(0, ask, ({ view }) => view.counterId))
    for (const { view, after } of page) if (after !== undefined) yield [view, after];
}
