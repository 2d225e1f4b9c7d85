import type { Floor } from './floor.ts';
import { gid, idIn } from './gid.ts';
import type { Orders } from './orders.ts';
import {
  type FulfillmentOrder,
  fulfillmentOrderOf,
  fulfillmentOrderStatus,
  newFulfillmentOrder,
  type Order,
  type ShopState,
} from './state.ts';
import type { Views } from './views.ts';

interface HoldInput {
  reason: string;
  reasonNotes?: string | null;
  handle?: string | null;
  fulfillmentOrderLineItems?: { id: string; quantity: number }[] | null;
}

type Wanted = { row: FulfillmentOrder['rows'][number]; quantity: number }[];

/** Most holds of one app on one fulfilment order, and the longest handle (SHP-8). */
const holdLimit = 10;
const handleLimit = 64;

/** Holding and releasing fulfilment orders, lines and splits included (SHP-8). */
export function createHolds({ state, webhooks }: Floor, views: Views, orders: Orders) {
  const changed = (topic: string, order: Order, fulfillmentOrder: FulfillmentOrder) => {
    fulfillmentOrder.updatedAt = Date.now();
    webhooks.publish({
      topic,
      eventId: webhooks.newEventId(),
      subject: String(fulfillmentOrder.id),
      body: () => ({
        fulfillment_order: {
          id: gid('FulfillmentOrder', fulfillmentOrder.id),
          status: fulfillmentOrderStatus(fulfillmentOrder).toLowerCase(),
          order_id: gid('Order', order.id),
        },
      }),
    });
    orders.touch(order);
  };

  return {
    fulfillmentOrderHold(args: { id: string; fulfillmentHold: HoldInput }) {
      const found = fulfillmentOrderOf(state, args.id);
      if (found === undefined) return missing;
      const { order, fulfillmentOrder } = found;
      const input = args.fulfillmentHold;
      const handle = input.handle ?? '';
      const named = input.fulfillmentOrderLineItems ?? [];
      const wanted = refusal(fulfillmentOrder, handle, named) ?? wantedRows(fulfillmentOrder, named);
      if (!Array.isArray(wanted)) return wanted;
      const remaining = named.length === 0 ? null : split(state, fulfillmentOrder, wanted);
      if (remaining !== null) order.fulfillmentOrders.push(remaining);
      const id = state.ids.next('FulfillmentHold');
      const hold = { id, reason: input.reason, notes: input.reasonNotes ?? null, handle };
      fulfillmentOrder.holds.push(hold);
      changed('FULFILLMENT_ORDERS_PLACED_ON_HOLD', order, fulfillmentOrder);
      return {
        fulfillmentHold: views.hold(hold),
        fulfillmentOrder: views.fulfillmentOrder(order, fulfillmentOrder),
        remainingFulfillmentOrder: remaining === null ? null : views.fulfillmentOrder(order, remaining),
        userErrors: [],
      };
    },

    /** Without ids everybody's holds go (SHP-8). */
    fulfillmentOrderReleaseHold(args: { id: string; holdIds?: string[] | null }) {
      const found = fulfillmentOrderOf(state, args.id);
      if (found === undefined) return missing;
      const { order, fulfillmentOrder } = found;
      const ids = args.holdIds?.map((id) => idIn(id, 'FulfillmentHold')) ?? null;
      fulfillmentOrder.holds =
        ids === null ? [] : fulfillmentOrder.holds.filter(({ id }) => !ids.includes(id));
      changed('FULFILLMENT_ORDERS_HOLD_RELEASED', order, fulfillmentOrder);
      return { fulfillmentOrder: views.fulfillmentOrder(order, fulfillmentOrder), userErrors: [] };
    },
  };
}

const refused = (code: string, field: string[], message: string) => ({
  userErrors: [{ code, field, message }],
});
const missing = refused('FULFILLMENT_ORDER_NOT_FOUND', ['id'], 'Fulfillment order does not exist.');

/** Why a fulfilment order cannot be held so, whatever its lines. */
function refusal(fulfillmentOrder: FulfillmentOrder, handle: string, named: unknown[]) {
  const status = fulfillmentOrderStatus(fulfillmentOrder);
  const handleField = ['fulfillmentHold', 'handle'];
  if (fulfillmentOrder.holds.some((hold) => hold.handle === handle)) {
    return refused(
      'DUPLICATE_FULFILLMENT_HOLD_HANDLE',
      handleField,
      'The handle provided for the fulfillment hold is already in use by this app for another hold on this fulfillment order.',
    );
  }
  if (handle.length > handleLimit) {
    return refused('TAKEN', handleField, 'Handle is too long (maximum is 64 characters).');
  }
  if (status === 'CLOSED' || status === 'CANCELLED') {
    const message = `The fulfillment order is ${status.toLowerCase()} and cannot be held.`;
    return refused('TAKEN', ['id'], message);
  }
  if (fulfillmentOrder.holds.length >= holdLimit) {
    return refused(
      'FULFILLMENT_ORDER_HOLD_LIMIT_REACHED',
      ['id'],
      'The maximum number of fulfillment holds for this fulfillment order has been reached for this app.',
    );
  }
  if (named.length === 0 || status !== 'ON_HOLD') return null;
  return refused(
    'FULFILLMENT_ORDER_NOT_SPLITTABLE',
    ['fulfillmentHold', 'fulfillmentOrderLineItems'],
    'The fulfillment order is not in a splittable state.',
  );
}

/** Parts the named units from the rest; what is left gets a fulfilment order of its own. */
function split(state: ShopState, from: FulfillmentOrder, wanted: Wanted): FulfillmentOrder | null {
  const rest: FulfillmentOrder['rows'] = [];
  const kept: FulfillmentOrder['rows'] = [];
  for (const row of from.rows) {
    const units = wanted.find((one) => one.row === row)?.quantity ?? 0;
    const left = row.remaining - units;
    if (left > 0) {
      rest.push({ ...row, id: state.ids.next('FulfillmentOrderLineItem'), total: left, remaining: left });
    }
    if (units > 0) kept.push({ ...row, total: units, remaining: units });
  }
  if (rest.length === 0) return null;
  from.rows = kept;
  return newFulfillmentOrder(state, () => rest, Date.now());
}

function wantedRows(fulfillmentOrder: FulfillmentOrder, named: { id: string; quantity: number }[]) {
  const wanted: Wanted = [];
  for (const [index, { id, quantity }] of named.entries()) {
    const wrong = (code: string, field: string, what: string) =>
      refused(
        code,
        ['fulfillmentHold', 'fulfillmentOrderLineItems', String(index), field],
        `The fulfillment order line item${what}`,
      );
    const row = fulfillmentOrder.rows.find((one) => one.id === idIn(id, 'FulfillmentOrderLineItem'));
    if (quantity <= 0) return wrong('GREATER_THAN_ZERO', 'quantity', ' quantity must be greater than 0.');
    if (row === undefined || quantity > row.remaining) {
      return wrong('INVALID_LINE_ITEM_QUANTITY', 'quantity', ' quantity is invalid.');
    }
    if (wanted.some((one) => one.row === row)) {
      return wrong('DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS', 'id', 's are not unique.');
    }
    wanted.push({ row, quantity });
  }
  return wanted;
}
