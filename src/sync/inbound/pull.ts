import type { OrderPage } from '../../channels/channel.ts';
import { ChannelError } from '../../channels/errors.ts';
import { countText, messageOf } from '../../errors.ts';
import type { AppliedOrder, ApplyRequest, FeedRow } from '../../store/store.ts';
import { admit } from '../account/account.ts';
import { openAlert } from '../alerts.ts';
import { answered, noteFailure } from '../contact.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { tellRises } from '../rises.ts';
import { addLooks, bookPage, emptyPage, noteContent, type PageBooking } from './page.ts';
import { readItems } from './read.ts';

/** `changes`: since the watermark · `sweep`: created in the last 7 days · `open`: everything that still holds stock. */
export interface PullWish {
  kind: 'changes' | 'sweep' | 'open';
  /**
   * `memory`: nothing is written, no watermark moves, the requests are handed back; the caller has looked at the account.
   * Default `store`.
   */
  into?: 'store' | 'memory';
}

/** What a pull did. Never throws for a channel's failure: `complete` is false and `error` says why. */
export interface Pulled {
  kind: PullWish['kind'];
  complete: boolean;
  beganAt: number;
  endedAt: number;
  orders: number;
  /** Orders seen here for the first time. */
  learned: string[];
  /** Orders that changed here although an earlier pull should have brought the change. */
  missedByFeed: string[];
  /** What applying did, order by order; empty in memory. */
  applied: AppliedOrder[];
  /** In memory only: what would be applied, one request per order. */
  requests: ApplyRequest[];
  error: ChannelError | null;
}

/** Queries reach back so far behind the watermark, and so far after a gap. */
const overlapMs = 2 * 60_000;
const overlapAfterGapMs = 15 * 60_000;
const sweepReachMs = 7 * 86_400_000;
const openReachMs = 60 * 86_400_000;
const maxPages = 10_000;

/**
 * Reads a channel's orders page by page and applies each page. The watermark is a time of the channel's clock less
 * its index lag, and moves only after the last page's orders are applied: a crash in between pulls again.
 */
export async function pullOrders(
  engine: Engine,
  live: LiveChannel,
  wish: PullWish,
  signal: AbortSignal,
): Promise<Pulled> {
  const pulled = nothingPulled(engine, wish);
  try {
    if (wish.into !== 'memory') await assertBound(engine, live, signal);
    const feed = await engine.store.channels.feed(live.id);
    const reachBack = wish.kind === 'sweep' ? null : await reachBackOf(engine, live, feed);
    const end = await walk(engine, live, { wish, feed, pulled, reachBack }, signal);
    pulled.endedAt = engine.clock.now();
    pulled.complete = true;
    if (wish.into === 'memory') return pulled;
    await markPulled(engine, live, { wish, feed, pulled, reachBack }, end);
    await answered(engine, live);
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    pulled.endedAt = engine.clock.now();
    pulled.error = error;
    if (wish.into !== 'memory') await markFailed(engine, live, error, signal);
  }
  return pulled;
}

/** Like `pullOrders`, but what is no failure of the channel (our store, a defect) is this pull's failure only. */
export async function pullApart(
  engine: Engine,
  live: LiveChannel,
  wish: PullWish,
  signal: AbortSignal,
): Promise<Pulled> {
  const before = nothingPulled(engine, wish);
  try {
    return await pullOrders(engine, live, wish, signal);
  } catch (cause) {
    const message = `${live.name}: its orders could not be taken in: ${messageOf(cause)}`;
    if (!signal.aborted) engine.log.error({ channel: live.name, error: messageOf(cause) }, 'pull failed');
    return { ...before, endedAt: engine.clock.now(), error: new ChannelError('retry', message, { cause }) };
  }
}

/** Not one order of an account that is not known to be ours. */
async function assertBound(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<void> {
  const standing = await admit(engine, live, signal);
  if (standing.kind === 'unreachable') throw standing.error;
  if (standing.kind === 'refused') throw new ChannelError('rejected', `${live.name}: ${standing.reason}`);
}

interface Walk {
  wish: PullWish;
  feed: FeedRow | null;
  pulled: Pulled;
  /** Changes since then are read as well. */
  reachBack: number | null;
}

/**
 * A count that is older than what is known of the channel: what left the shelf in between is neither open nor newly
 * changed any more. Null: nothing is missing, or the platform tells no more.
 */
async function reachBackOf(engine: Engine, live: LiveChannel, feed: FeedRow | null): Promise<number | null> {
  const counted = await engine.store.stock.oldestCount();
  if (counted === null) return null;
  const now = engine.clock.now();
  const from = Math.max(counted, now - historyMs(live));
  return from < (feed?.knownFrom ?? now) ? from : null;
}

async function walk(
  engine: Engine,
  live: LiveChannel,
  state: Walk,
  signal: AbortSignal,
): Promise<{ channelClock: number }> {
  const end = await walkPages(engine, live, state, pagesOf(engine, live, state, signal), signal);
  if (state.reachBack === null) return end;
  const missed = live.channel.ordersSince(state.reachBack - overlapAfterGapMs, signal);
  await walkPages(engine, live, state, missed, signal);
  // The clock of the first walk's end: what changed during the second comes with the next pull.
  return end;
}

async function walkPages(
  engine: Engine,
  live: LiveChannel,
  state: Walk,
  list: AsyncIterable<OrderPage>,
  signal: AbortSignal,
): Promise<{ channelClock: number }> {
  let pages = 0;
  for await (const page of list) {
    pages += 1;
    const booking = await readPage(engine, live, page, signal);
    await take(engine, live, state, booking, signal);
    if (page.end !== null) return page.end;
    if (pages >= maxPages) break;
    if (signal.aborted) throw new ChannelError('unknown', `${live.name}: the pull was stopped`);
  }
  throw new ChannelError('retry', `${live.name}: no end of the order list after ${pages} pages`);
}

function pagesOf(
  engine: Engine,
  live: LiveChannel,
  state: Walk,
  signal: AbortSignal,
): AsyncIterable<OrderPage> {
  const { channel } = live;
  const now = engine.clock.now();
  const { kind } = state.wish;
  const watermark = state.feed?.watermark ?? null;
  if (kind === 'sweep') {
    // A feed that was silent for longer is swept for as long as it was.
    const silentMs = state.feed?.sweptAt == null ? 0 : now - state.feed.sweptAt;
    return channel.ordersCreatedSince(now - Math.max(sweepReachMs, silentMs), signal);
  }
  if (kind === 'changes' && watermark !== null) {
    const overlap = state.feed?.gapAt == null ? overlapMs : overlapAfterGapMs;
    return channel.ordersSince(watermark - overlap, signal);
  }
  if (channel.openOrders !== undefined) return channel.openOrders(signal);
  return channel.ordersCreatedSince(now - historyMs(live), signal);
}

function historyMs({ capabilities }: LiveChannel): number {
  return Math.min(capabilities.orderHistoryMs ?? openReachMs, openReachMs);
}

/** Reads a page; items that only name orders are looked up at once. */
async function readPage(
  engine: Engine,
  live: LiveChannel,
  page: OrderPage,
  signal: AbortSignal,
): Promise<PageBooking> {
  const { askedAt, answeredAt } = page;
  const how = { obtained: 'listed' as const, askedAt, answeredAt, attempt: 0 };
  const booking = emptyPage();
  const ids = new Set<string>();
  const items = page.items.map((item) => ({ item, how }));
  for (const read of await readItems(engine, live, items)) {
    if ('error' in read) {
      booking.unreadable.push(read.item);
      continue;
    }
    noteContent(booking, read.content);
    for (const id of read.content.fetch) ids.add(id);
  }
  await addLooks(engine, live, { booking, ids: [...ids] }, signal);
  return booking;
}

async function take(
  engine: Engine,
  live: LiveChannel,
  state: Walk,
  booking: PageBooking,
  signal: AbortSignal,
): Promise<void> {
  const { pulled, wish, feed } = state;
  pulled.orders += booking.orders.length + booking.missing.length;
  const source = wish.kind === 'sweep' ? 'sweep' : 'pull';
  if (wish.into === 'memory') {
    for (const order of booking.orders) {
      pulled.requests.push({ channelId: live.id, source, delivery: null, orders: [order], missing: [] });
    }
    return;
  }
  const booked = await bookPage(engine, live, { booking, source }, signal);
  for (const order of booked) {
    pulled.applied.push(order);
    if (order.learned) pulled.learned.push(order.orderId);
  }
  if (wish.kind === 'changes' || feed?.watermark == null) return;
  const known = feed.watermark - overlapMs;
  const changed = new Set(
    booked.filter((each) => each.verdict === 'applied' && moves(each)).map((each) => each.orderId),
  );
  for (const order of booking.orders) {
    if (changed.has(order.orderId) && order.changedAt < known) pulled.missedByFeed.push(order.orderId);
  }
}

function moves(order: AppliedOrder): boolean {
  return order.learned || order.takenUp > 0 || order.takenDown > 0;
}

async function markPulled(
  engine: Engine,
  live: LiveChannel,
  state: Walk,
  end: { channelClock: number },
): Promise<void> {
  const { wish, feed, pulled } = state;
  const facts: Parameters<typeof engine.store.channels.markFeed>[1] = { error: null };
  if (wish.kind === 'sweep') facts.sweptAt = pulled.beganAt;
  const first = (feed?.watermark ?? null) === null;
  if (wish.kind === 'changes' || (wish.kind === 'open' && first)) {
    facts.watermark = end.channelClock - live.capabilities.indexLagMs;
    facts.pulledFrom = pulled.beganAt;
    facts.pulledAt = pulled.endedAt;
    facts.knownFrom = state.reachBack ?? feed?.knownFrom ?? pulled.beganAt;
    // A gap that opened while we pulled is mended only by the next pull.
    facts.mendedBy = pulled.beganAt;
  }
  await engine.store.channels.markFeed(live.id, facts);
  if (wish.kind === 'changes') await tellRises(engine, live, pulled.beganAt);
  if (pulled.missedByFeed.length > 0) {
    const ids = pulled.missedByFeed.slice(0, 5).join(', ');
    const message = `${countText(pulled.missedByFeed.length, 'order')} missed by the feed of ${live.name}: ${ids}`;
    await openAlert(engine, { channelId: live.id, kind: 'missed_by_feed', subject: live.name, message });
  }
  engine.wakes.push(null);
}

async function markFailed(
  engine: Engine,
  live: LiveChannel,
  error: ChannelError,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  engine.log.debug({ channel: live.name, kind: error.kind, error: messageOf(error) }, 'pull failed');
  await engine.store.channels.markFeed(live.id, { error: error.message });
  await noteFailure(engine, live, error);
}

function nothingPulled(engine: Engine, wish: PullWish): Pulled {
  const now = engine.clock.now();
  return {
    kind: wish.kind,
    complete: false,
    beganAt: now,
    endedAt: now,
    orders: 0,
    learned: [],
    missedByFeed: [],
    applied: [],
    requests: [],
    error: null,
  };
}
