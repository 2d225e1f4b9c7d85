import { z } from 'zod';
import type { ActionOutcome, OversoldOrder } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { shaped } from './answer.ts';
import type { Shop } from './shop.ts';

/** Meta of the order that carries the key of the action, so that a repeat finds its own work (WOO-8). */
const marker = '_invsync_oversell';
const orderState = z.object({
  status: z.string(),
  meta_data: z
    .array(z.object({ key: z.string(), value: z.unknown() }))
    .nullish()
    .transform((rows) => rows ?? []),
});

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
  return act(shop, order, hold, signal);
}

/**
 * Cancels the order with a private note; the shop gives its stock back at once. Moves no money: refunding is the
 * merchant's. Two cancels at the same time restock twice (95 to 105, WOO-O.5): the state is read first, and after a request
 * without an answer the next attempt waits until PHP cannot be working on the first any more.
 */
export function cancelOrder(shop: Shop, order: OversoldOrder, signal: AbortSignal): Promise<ActionOutcome> {
  return act(shop, order, cancel, signal);
}

/** As long as an unanswered request may still act; see capabilities. */
export const maxExecutionMs = 60_000;

async function act(
  shop: Shop,
  order: OversoldOrder,
  action: Action,
  signal: AbortSignal,
): Promise<ActionOutcome> {
  try {
    const path = `/orders/${order.orderId}`;
    const query = [['_fields', 'id,status,meta_data']] as const;
    const { json } = await shop.api.get({ path, query, signal, priority: 'push' });
    const now = shaped(orderState, json, 'order');
    const marked = now.meta_data.some((entry) => entry.key === marker && entry.value === order.key);
    if (now.status === action.target && (marked || action.verb === 'cancel')) {
      return { kind: 'done', detail: `was ${action.target} already` };
    }
    if (marked) {
      return {
        kind: 'refused',
        error: `was set to ${action.target} before; somebody made it ${now.status} since`,
      };
    }
    if (!action.from.includes(now.status)) {
      return { kind: 'refused', error: `the order is ${now.status}: ${action.verb} would be wrong` };
    }
    const answer = await shop.api.write(
      'PUT',
      { path, query, signal, priority: 'push' },
      { status: action.target, meta_data: [{ key: marker, value: order.key }] },
    );
    const after = shaped(orderState, answer.json, 'order', 'unknown');
    if (after.status !== action.target) {
      return { kind: 'refused', error: `the shop left the order ${after.status}` };
    }
    const noted = await note(shop, order, action, signal);
    return { kind: 'done', detail: `${action.target}, ${noted}` };
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    return failed(error);
  }
}

/** The note is for the merchant's eyes; a lost one is told and not repeated, since notes are not idempotent. */
async function note(shop: Shop, order: OversoldOrder, action: Action, signal: AbortSignal): Promise<string> {
  const short = order.lines.map((line) => `${line.shortfall} x ${line.channelSku ?? `line ${line.lineKey}`}`);
  const text = `Oversold: ${short.join(', ')} missing. invsync set this order to ${action.target}.`;
  try {
    await shop.api.write(
      'POST',
      { path: `/orders/${order.orderId}/notes`, signal, priority: 'push' },
      { note: text, customer_note: false, added_by_user: false },
    );
    return 'with a note';
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    return `but the note was not written (${error.message})`;
  }
}

function failed(error: ChannelError): ActionOutcome {
  if (error.kind === 'auth') return { kind: 'auth', error: error.message };
  if (error.kind === 'rejected') return { kind: 'refused', error: error.message };
  if (error.kind === 'unknown') return { kind: 'retry', error: error.message, afterMs: maxExecutionMs };
  return {
    kind: 'retry',
    error: error.message,
    ...(error.afterMs === undefined ? {} : { afterMs: error.afterMs }),
  };
}
