import { z } from 'zod';
import type { ActionOutcome, OversoldOrder } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { actionOutcome } from '../kit/outcomes.ts';
import { capabilities } from './capabilities.ts';
import { orderState } from './schema.ts';
import type { Shop } from './shop.ts';

/** Meta of the order that carries the key of the action, so that a repeat finds its own work (WOO-8). */
const marker = '_invsync_oversell';

interface Action {
  verb: 'hold' | 'cancel';
  target: 'on-hold' | 'cancelled';
  from: readonly string[];
}
/** A pending order holds nothing: on-hold would make the shop take its stock (WOO-O.5). */
const hold: Action = { verb: 'hold', target: 'on-hold', from: ['processing', 'on-hold'] };
const cancel: Action = {
  verb: 'cancel',
  target: 'cancelled',
  from: ['processing', 'on-hold', 'pending', 'failed'],
};

/** Puts the order on hold with a private note. Its stock stays taken in the shop; the buyer gets the on-hold mail. */
export function holdOrder(shop: Shop, order: OversoldOrder, signal: AbortSignal): Promise<ActionOutcome> {
  return act({ shop, signal }, order, hold).catch(failed);
}

/**
 * Cancels the order with a private note; the shop gives its stock back at once. Moves no money: refunding is the
 * merchant's. Two cancels at the same time restock twice (95 to 105, WOO-O.5): the state is read first, and after a request
 * without an answer the next attempt waits until PHP cannot be working on the first any more.
 */
export function cancelOrder(shop: Shop, order: OversoldOrder, signal: AbortSignal): Promise<ActionOutcome> {
  return act({ shop, signal }, order, cancel).catch(failed);
}

function failed(error: unknown): ActionOutcome {
  return actionOutcome(error, capabilities.maxExecutionMs);
}

interface Means {
  shop: Shop;
  signal: AbortSignal;
}

async function act(means: Means, order: OversoldOrder, action: Action): Promise<ActionOutcome> {
  const { shop, signal } = means;
  const { verb, target, from } = action;
  const path = `/orders/${order.orderId}`;
  const about = {
    path,
    query: { _fields: 'id,status,meta_data' },
    data: orderState,
    priority: 'push',
  } as const;
  const { data: now } = await shop.api.call({ ...about, method: 'GET' }, signal);
  const isMarked = now.meta_data.some((entry) => entry.key === marker && entry.value === order.key);
  if (now.status === target && (isMarked || verb === 'cancel'))
    return { kind: 'done', detail: `was ${target} already` };
  if (isMarked) {
    const error = `was set to ${target} before; somebody made it ${now.status} since`;
    return { kind: 'refused', error };
  }
  if (!from.includes(now.status))
    return { kind: 'refused', error: `the order is ${now.status}: ${verb} would be wrong` };
  const body = { status: target, meta_data: [{ key: marker, value: order.key }] };
  const { data: after } = await shop.api.call({ ...about, method: 'PUT', body }, signal);
  if (after.status !== target) return { kind: 'refused', error: `the shop left the order ${after.status}` };
  return { kind: 'done', detail: `${target}, ${await note(means, order, action)}` };
}

/** The note is for the merchant's eyes; a lost one is told and not repeated, since notes are not idempotent. */
async function note({ shop, signal }: Means, order: OversoldOrder, { target }: Action): Promise<string> {
  const short = order.lines.map((line) => `${line.shortfall} x ${line.channelSku ?? `line ${line.lineKey}`}`);
  const text = `Oversold: ${short.join(', ')} missing. invsync set this order to ${target}.`;
  const body = { note: text, customer_note: false, added_by_user: false };
  const path = `/orders/${order.orderId}/notes`;
  try {
    await shop.api.call({ method: 'POST', path, body, data: z.unknown(), priority: 'push' }, signal);
    return 'with a note';
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    return `but the note was not written (${error.message})`;
  }
}
