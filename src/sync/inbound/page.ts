import type { Delivery, DeliveryContent, Json } from '../../channels/channel.ts';
import { digestOf } from '../../channels/kit/hook.ts';
import type { OrderSnapshot } from '../../stock/order.ts';
import type { AppliedOrder, ApplyRequest } from '../../store/store.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { tellOrders } from './apply.ts';
import { lookUp } from './lookup.ts';
import { ownKinds } from './read.ts';
import { rowOf } from './receive.ts';

/** What one page of orders holds, read. */
export interface PageBooking {
  orders: OrderSnapshot[];
  missing: string[];
  /** Items that the adapter could not read. */
  unreadable: Json[];
  lookAgain: { orderId: string; afterMs: number }[];
}

/** A page with nothing on it. */
export function emptyPage(): PageBooking {
  return { orders: [], missing: [], unreadable: [], lookAgain: [] };
}

/** Adds what an item says; orders whose state is not settled are looked at again later. */
export function noteContent(booking: PageBooking, content: DeliveryContent): void {
  for (const order of content.orders) {
    if (order.lookAgainMs === undefined) booking.orders.push(order);
    else booking.lookAgain.push({ orderId: order.orderId, afterMs: order.lookAgainMs });
  }
}

/** Looks orders up by id and adds what is found. One that cannot be read is left to the inbox, where it is seen. */
export async function addLooks(
  engine: Engine,
  live: LiveChannel,
  wanted: { booking: PageBooking; ids: string[] },
  signal: AbortSignal,
): Promise<void> {
  const found = await lookUp(engine, live, { ids: wanted.ids, looks: 0 }, signal);
  for (const orderId of wanted.ids) {
    const one = found.get(orderId);
    if (one?.kind === 'found') noteContent(wanted.booking, one.content);
    else if (one?.kind === 'missing') wanted.booking.missing.push(orderId);
    else wanted.booking.lookAgain.push({ orderId, afterMs: 0 });
  }
}

/**
 * Applies a page. When this resolves, everything on it is either applied or in the inbox as a delivery of our own,
 * so that the watermark may move past it. Throws the channel's `ChannelError` and the store's refusals.
 */
export async function bookPage(
  engine: Engine,
  live: LiveChannel,
  page: { booking: PageBooking; source: 'pull' | 'sweep' },
  signal: AbortSignal,
): Promise<AppliedOrder[]> {
  const { booking, source } = page;
  const lookAgain = [...booking.lookAgain];
  const first = await applyEach(engine, live, { orders: booking.orders, missing: booking.missing, source });
  const applied = [...first.applied];
  if (first.undecided.length > 0) {
    const settled = await decideById(engine, live, { ids: first.undecided, source }, signal);
    applied.push(...settled.applied);
    lookAgain.push(...settled.lookAgain);
  }
  for (const orderId of first.failed) lookAgain.push({ orderId, afterMs: 0 });
  await keepForLater(engine, live, lookAgain, booking.unreadable);
  if (applied.some((order) => order.counterIds.length > 0)) engine.wakes.push(null);
  return applied;
}

interface Applied {
  applied: AppliedOrder[];
  /** Orders whose versions decide nothing. */
  undecided: string[];
  failed: string[];
}

/** One request per order, so that a bad one stands alone. */
async function applyEach(
  engine: Engine,
  live: LiveChannel,
  wanted: { orders: OrderSnapshot[]; missing: string[]; source: 'pull' | 'sweep' },
): Promise<Applied> {
  const of = (orders: OrderSnapshot[], missing: string[]): ApplyRequest => ({
    channelId: live.id,
    source: wanted.source,
    delivery: null,
    orders,
    missing,
  });
  const requests = wanted.orders.map((order) => of([order], []));
  if (wanted.missing.length > 0) requests.push(of([], wanted.missing));
  const result: Applied = { applied: [], undecided: [], failed: [] };
  if (requests.length === 0) return result;
  const outcomes = await engine.store.orders.apply(requests, engine.clock.now());
  for (const [index, outcome] of outcomes.entries()) {
    const order = wanted.orders[index];
    if ('failed' in outcome) {
      engine.log.error(
        { channel: live.name, order: order?.orderId, error: outcome.failed },
        'order not applied',
      );
      if (order !== undefined) result.failed.push(order.orderId);
      continue;
    }
    for (const each of outcome.orders) {
      if (each.verdict === 'fetch') result.undecided.push(each.orderId);
      else result.applied.push(each);
    }
    if (order !== undefined) await tellOrders(engine, live, [order], outcome.orders);
  }
  return result;
}

async function decideById(
  engine: Engine,
  live: LiveChannel,
  wanted: { ids: string[]; source: 'pull' | 'sweep' },
  signal: AbortSignal,
): Promise<{ applied: AppliedOrder[]; lookAgain: PageBooking['lookAgain'] }> {
  const booking = emptyPage();
  await addLooks(engine, live, { booking, ids: wanted.ids }, signal);
  const { orders, missing, lookAgain } = booking;
  const settled = await applyEach(engine, live, { orders, missing, source: wanted.source });
  for (const orderId of [...settled.undecided, ...settled.failed])
    lookAgain.push({ orderId, afterMs: 1_000 });
  return { applied: settled.applied, lookAgain };
}

/** What cannot be applied now becomes a delivery of our own: durable, retried, visible, replayable. */
async function keepForLater(
  engine: Engine,
  live: LiveChannel,
  lookAgain: PageBooking['lookAgain'],
  unreadable: Json[],
): Promise<void> {
  const kept: Delivery[] = unreadable.map((item) => {
    const body = Buffer.from(JSON.stringify(item));
    // The same unreadable item comes with every pull of the overlap: its hash is its key.
    return { key: `item/${digestOf(body)}`, kind: ownKinds.item, meta: null, body };
  });
  for (const { orderId, afterMs } of lookAgain) {
    const body = Buffer.from(JSON.stringify({ fetch: [orderId] }));
    const key = `look-again/${engine.randomHex(12)}`;
    kept.push({ key, kind: ownKinds.lookAgain, meta: { after_ms: afterMs }, body });
  }
  if (kept.length === 0) return;
  await engine.store.inbox.takeIn(kept.map((delivery) => rowOf(live, delivery, engine.clock.now())));
  engine.wakes.inbox();
}
