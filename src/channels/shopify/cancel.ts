import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { ActionOutcome, OversoldOrder } from '../channel.ts';
import type { ShopifyApi } from './api.ts';
import { gid } from './gid.ts';

/** How often and how long apart the cancelling job is asked for; a later attempt reads the order's state again. */
const polls = 5;
const pollMs = 1_000;

const StateData = z.object({ order: z.object({ cancelledAt: z.string().nullish() }).nullable() });
const CancelData = z.object({
  orderCancel: z
    .object({
      job: z.object({ id: z.string(), done: z.boolean() }).nullish(),
      orderCancelUserErrors: z.array(z.object({ code: z.string().nullish(), message: z.string() })),
    })
    .nullable(),
});
const JobData = z.object({ job: z.object({ done: z.boolean() }).nullable() });

/**
 * Cancels the whole order with restock and refund to the original payment (SHP-8). Irreversible and asynchronous:
 * the job is polled for a few seconds, then the order itself must say that it is cancelled. The restock raises the
 * shop's `available`; the refund rows come back as news of the order and the engine pushes the right number.
 */
export async function cancel(
  context: { api: ShopifyApi; clock: Clock },
  order: OversoldOrder,
  signal: AbortSignal,
): Promise<ActionOutcome> {
  const { api, clock } = context;
  const id = gid('Order', order.orderId);
  const before = await stateOf(api, id, signal);
  if (before === 'missing') return { kind: 'refused', error: 'Shopify has no such order any more' };
  if (before === 'cancelled') return { kind: 'done', detail: 'the order is cancelled already' };
  const note = 'Cancelled by invsync: out of stock';
  const { data } = await api.call(
    { document: 'CancelOrder', variables: { id, note }, data: CancelData, priority: 'push' },
    signal,
  );
  const error = data.orderCancel?.orderCancelUserErrors[0];
  if (error?.code === 'INTERNAL_ERROR')
    return { kind: 'retry', error: `Shopify: ${error.message.slice(0, 200)}` };
  if (error !== undefined) return { kind: 'refused', error: `Shopify: ${error.message.slice(0, 200)}` };
  const job = data.orderCancel?.job ?? null;
  if (job !== null && !job.done && !(await jobEnds(api, { id: job.id, clock }, signal))) {
    return { kind: 'retry', error: 'Shopify is still cancelling the order', afterMs: pollMs * polls };
  }
  const after = await stateOf(api, id, signal);
  if (after === 'cancelled') return { kind: 'done', detail: 'the order was cancelled with restock' };
  return { kind: 'refused', error: 'Shopify ended the cancellation but the order is not cancelled' };
}

async function stateOf(
  api: ShopifyApi,
  id: string,
  signal: AbortSignal,
): Promise<'open' | 'cancelled' | 'missing'> {
  const { data } = await api.call(
    { document: 'OrderState', variables: { id }, data: StateData, priority: 'push' },
    signal,
  );
  if (data.order === null) return 'missing';
  return typeof data.order.cancelledAt === 'string' ? 'cancelled' : 'open';
}

async function jobEnds(
  api: ShopifyApi,
  job: { id: string; clock: Clock },
  signal: AbortSignal,
): Promise<boolean> {
  for (let poll = 0; poll < polls && !signal.aborted; poll += 1) {
    await job.clock.sleep(pollMs, signal);
    const { data } = await api.call(
      { document: 'JobState', variables: { id: job.id }, data: JobData },
      signal,
    );
    // A job that is no longer known has ended; the order's state tells how.
    if (data.job === null || data.job.done) return true;
  }
  return false;
}
