import { z } from 'zod';
import type { ActionOutcome, OversoldOrder } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { actionOutcome as failedAction } from '../kit/outcomes.ts';
import { connectionPages, type ShopifyApi } from './api.ts';
import { lacksScope } from './failures.ts';
import { gid, plainId } from './gid.ts';
import { connection } from './graphql-order.ts';

const FulfillmentOrder = z.object({
  id: z.string(),
  status: z.string(),
  supportedActions: z.array(z.object({ action: z.string() })),
  fulfillmentHolds: z.array(z.object({ handle: z.string().nullish(), heldByRequestingApp: z.boolean() })),
  lineItems: connection(z.object({ remainingQuantity: z.int(), lineItem: z.object({ id: z.string() }) })),
});
type FulfillmentOrder = z.infer<typeof FulfillmentOrder>;

const OrderData = z.object({
  order: z
    .object({ cancelledAt: z.string().nullish(), fulfillmentOrders: connection(FulfillmentOrder) })
    .nullable(),
});
const HoldData = z.object({
  fulfillmentOrderHold: z
    .object({ userErrors: z.array(z.object({ code: z.string().nullish(), message: z.string() })) })
    .nullable(),
});
const TagData = z.object({
  tagsAdd: z.object({ userErrors: z.array(z.object({ message: z.string() })) }).nullable(),
});

/**
 * Holds the fulfilment orders that contain a short line, as a whole: naming lines would split them and is refused where
 * a hold exists already (SHP-8). The handle makes a repeat harmless. Then tags the order, as far as that is allowed.
 */
export async function hold(
  api: ShopifyApi,
  order: OversoldOrder,
  signal: AbortSignal,
): Promise<ActionOutcome> {
  const id = gid('Order', order.orderId);
  const found = await fulfillmentOrders(api, id, signal);
  if (found === 'missing') return { kind: 'refused', error: 'Shopify has no such order any more' };
  if (found === 'cancelled') return { kind: 'done', detail: 'the order is cancelled already' };
  // Handles are unique per app and fulfilment order and at most 64 characters.
  const handle = `invsync-${plainId(id)}`.slice(0, 64);
  const short = new Set(order.lines.map((line) => line.lineKey));
  const affected = found.filter((candidate) => concerns(candidate, short));
  if (affected.length === 0)
    return { kind: 'refused', error: 'nothing of the short lines waits for shipping' };
  for (const candidate of affected) {
    const refusal = await holdOne(api, { candidate, handle, order }, signal);
    if (refusal !== null) return { kind: 'refused', error: refusal };
  }
  const tag = await addTag(api, id, signal);
  return { kind: 'done', detail: `held ${affected.length} fulfilment order(s)${tag}` };
}

async function fulfillmentOrders(
  api: ShopifyApi,
  id: string,
  signal: AbortSignal,
): Promise<FulfillmentOrder[] | 'missing' | 'cancelled'> {
  const found: FulfillmentOrder[] = [];
  const pages = connectionPages(
    { what: 'the list of fulfilment orders' },
    ({ after }) =>
      api.call(
        { document: 'FulfillmentOrders', variables: { id, after }, data: OrderData, priority: 'push' },
        signal,
      ),
    ({ data }) => data.order?.fulfillmentOrders.pageInfo ?? { hasNextPage: false },
  );
  for await (const { data } of pages) {
    if (data.order === null) return 'missing';
    if (typeof data.order.cancelledAt === 'string') return 'cancelled';
    found.push(...data.order.fulfillmentOrders.nodes);
  }
  return found;
}

/** A fulfilment order with more lines than were read is held too: better one too many than a short one shipped. */
function concerns(candidate: FulfillmentOrder, short: ReadonlySet<string>): boolean {
  if (['CLOSED', 'CANCELLED'].includes(candidate.status)) return false;
  const { nodes, pageInfo } = candidate.lineItems;
  return (
    pageInfo.hasNextPage || nodes.some((line) => line.remainingQuantity > 0 && short.has(line.lineItem.id))
  );
}

/** Null when held, by this call or an earlier one; else why not. */
async function holdOne(
  api: ShopifyApi,
  at: { candidate: FulfillmentOrder; handle: string; order: OversoldOrder },
  signal: AbortSignal,
): Promise<string | null> {
  const { candidate, handle, order } = at;
  const isHeld = candidate.fulfillmentHolds.some(
    (held) => held.heldByRequestingApp && held.handle === handle,
  );
  if (isHeld) return null;
  if (!candidate.supportedActions.some(({ action }) => action === 'HOLD')) {
    return `the fulfilment order is ${candidate.status.toLowerCase()} and cannot be held`;
  }
  const { data } = await api.call(
    {
      document: 'HoldFulfillment',
      variables: { id: candidate.id, hold: holdInput(handle, order) },
      data: HoldData,
      priority: 'push',
    },
    signal,
  );
  const error = data.fulfillmentOrderHold?.userErrors[0];
  if (error === undefined || error.code === 'DUPLICATE_FULFILLMENT_HOLD_HANDLE') return null;
  return `Shopify: ${error.message.slice(0, 200)}`;
}

function holdInput(handle: string, order: OversoldOrder) {
  const missing = order.lines.map(
    (line) => `${line.shortfall} x ${line.channelSku ?? plainId(line.lineKey)}`,
  );
  return {
    reason: 'INVENTORY_OUT_OF_STOCK',
    reasonNotes: `Out of stock: ${missing.join(', ')}`.slice(0, 250),
    handle,
    notifyMerchant: true,
  };
}

/** The tag is a convenience: without write_orders the hold stands all the same. Its own words for the detail. */
async function addTag(api: ShopifyApi, id: string, signal: AbortSignal): Promise<string> {
  try {
    const { data } = await api.call(
      { document: 'TagOrder', variables: { id, tags: ['oversold'] }, data: TagData },
      signal,
    );
    if (data.tagsAdd?.userErrors.length === 0) return ' and tagged the order';
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
  }
  return '; the order could not be tagged';
}

/** A failed request as the outcome of an action. `unknown` may be repeated: holding and cancelling read the state first. */
export function actionOutcome(error: unknown): ActionOutcome {
  // Scopes for actions are optional: lacking them must not stop the stock of the whole channel.
  if (lacksScope(error)) return { kind: 'refused', error: error.message };
  return failedAction(error);
}
