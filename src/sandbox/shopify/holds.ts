import type { Call } from './call.ts';
import { gid, idIn } from './gid.ts';
import type { Orders } from './orders.ts';
import type { FulfillmentOrder, Order, ShopState } from './state.ts';
import { fulfillmentOrderStatus, type Views } from './views.ts';
import type { Webhooks } from './webhooks.ts';

export interface HoldInput {
  reason: string;
  reasonNotes?: string | null;
  handle?: string | null;
  fulfillmentOrderLineItems?: { id: string; quantity: number }[] | null;
}

/** Most holds of one app on one fulfilment order, and the longest handle (SHP-8). */
const holdLimit = 10;
const handleLimit = 64;

/** Holding and releasing fulfilment orders, lines and splits included (SHP-8). */
export function createHolds(deps: { state: ShopState; views: Views; orders: Orders; webhooks: Webhooks }) {
  const { state, views, orders, webhooks } = deps;

  const find = (id: string): { order: Order; fulfillmentOrder: FulfillmentOrder } | null => {
    const wanted = idIn(id, 'FulfillmentOrder');
    for (const order of state.orders) {
      const fulfillmentOrder = order.fulfillmentOrders.find((one) => one.id === wanted);
      if (fulfillmentOrder !== undefined) return { order, fulfillmentOrder };
    }
    return null;
  };

  const publish = (topic: string, order: Order, fulfillmentOrder: FulfillmentOrder) =>
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

  /** Parts the named units from the rest; what is left gets a fulfilment order of its own. */
  const split = (
    order: Order,
    from: FulfillmentOrder,
    wanted: { row: FulfillmentOrder['rows'][number]; quantity: number }[],
  ): FulfillmentOrder | null => {
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
    const now = Date.now();
    const remaining: FulfillmentOrder = {
      id: state.ids.next('FulfillmentOrder'),
      createdAt: now,
      updatedAt: now,
      rows: rest,
      holds: [],
      cancelled: false,
    };
    order.fulfillmentOrders.push(remaining);
    return remaining;
  };

  const refused = (code: string, field: string[], message: string) => ({
    fulfillmentHold: null,
    fulfillmentOrder: null,
    remainingFulfillmentOrder: null,
    userErrors: [{ code, field, message }],
  });

  return {
    find,

    fulfillmentOrderHold(args: { id: string; fulfillmentHold: HoldInput }, _call: Call) {
      const found = find(args.id);
      if (found === null) {
        return refused('FULFILLMENT_ORDER_NOT_FOUND', ['id'], 'Fulfillment order does not exist.');
      }
      const { order, fulfillmentOrder } = found;
      const input = args.fulfillmentHold;
      const handle = input.handle ?? '';
      const named = input.fulfillmentOrderLineItems ?? [];
      const status = fulfillmentOrderStatus(fulfillmentOrder);
      if (fulfillmentOrder.holds.some((hold) => hold.handle === handle)) {
        return refused(
          'DUPLICATE_FULFILLMENT_HOLD_HANDLE',
          ['fulfillmentHold', 'handle'],
          'The handle provided for the fulfillment hold is already in use by this app for another hold on this fulfillment order.',
        );
      }
      if (handle.length > handleLimit) {
        return refused(
          'TAKEN',
          ['fulfillmentHold', 'handle'],
          'Handle is too long (maximum is 64 characters).',
        );
      }
      if (status === 'CLOSED' || status === 'CANCELLED') {
        return refused(
          'TAKEN',
          ['id'],
          `The fulfillment order is ${status.toLowerCase()} and cannot be held.`,
        );
      }
      if (fulfillmentOrder.holds.length >= holdLimit) {
        return refused(
          'FULFILLMENT_ORDER_HOLD_LIMIT_REACHED',
          ['id'],
          'The maximum number of fulfillment holds for this fulfillment order has been reached for this app.',
        );
      }
      if (named.length > 0 && status === 'ON_HOLD') {
        return refused(
          'FULFILLMENT_ORDER_NOT_SPLITTABLE',
          ['fulfillmentHold', 'fulfillmentOrderLineItems'],
          'The fulfillment order is not in a splittable state.',
        );
      }
      const wanted = wantedRows(fulfillmentOrder, named);
      if (!Array.isArray(wanted)) return refused(wanted.code, wanted.field, wanted.message);
      const remaining = named.length === 0 ? null : split(order, fulfillmentOrder, wanted);
      const hold = {
        id: state.ids.next('FulfillmentHold'),
        reason: input.reason,
        notes: input.reasonNotes ?? null,
        handle,
      };
      fulfillmentOrder.holds.push(hold);
      fulfillmentOrder.updatedAt = Date.now();
      publish('FULFILLMENT_ORDERS_PLACED_ON_HOLD', order, fulfillmentOrder);
      orders.touch(order);
      return {
        fulfillmentHold: views.hold(hold),
        fulfillmentOrder: views.fulfillmentOrder(order, fulfillmentOrder),
        remainingFulfillmentOrder: remaining === null ? null : views.fulfillmentOrder(order, remaining),
        userErrors: [],
      };
    },

    /** Without ids everybody's holds go (SHP-8). */
    fulfillmentOrderReleaseHold(args: { id: string; holdIds?: string[] | null }, _call: Call) {
      const found = find(args.id);
      if (found === null) {
        const error = {
          code: 'FULFILLMENT_ORDER_NOT_FOUND',
          field: ['id'],
          message: 'Fulfillment order does not exist.',
        };
        return { fulfillmentOrder: null, userErrors: [error] };
      }
      const { order, fulfillmentOrder } = found;
      const ids = args.holdIds?.map((id) => idIn(id, 'FulfillmentHold')) ?? null;
      fulfillmentOrder.holds =
        ids === null ? [] : fulfillmentOrder.holds.filter(({ id }) => !ids.includes(id));
      fulfillmentOrder.updatedAt = Date.now();
      publish('FULFILLMENT_ORDERS_HOLD_RELEASED', order, fulfillmentOrder);
      orders.touch(order);
      return { fulfillmentOrder: views.fulfillmentOrder(order, fulfillmentOrder), userErrors: [] };
    },
  };
}

function wantedRows(fulfillmentOrder: FulfillmentOrder, named: { id: string; quantity: number }[]) {
  const path = (index: number, last: string) => [
    'fulfillmentHold',
    'fulfillmentOrderLineItems',
    String(index),
    last,
  ];
  const wanted: { row: FulfillmentOrder['rows'][number]; quantity: number }[] = [];
  for (const [index, { id, quantity }] of named.entries()) {
    const row = fulfillmentOrder.rows.find((one) => one.id === idIn(id, 'FulfillmentOrderLineItem'));
    if (quantity <= 0) {
      return {
        code: 'GREATER_THAN_ZERO',
        field: path(index, 'quantity'),
        message: 'The fulfillment order line item quantity must be greater than 0.',
      };
    }
    if (row === undefined || quantity > row.remaining) {
      return {
        code: 'INVALID_LINE_ITEM_QUANTITY',
        field: path(index, 'quantity'),
        message: 'The fulfillment order line item quantity is invalid.',
      };
    }
    if (wanted.some((one) => one.row === row)) {
      return {
        code: 'DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS',
        field: path(index, 'id'),
        message: 'The fulfillment order line items are not unique.',
      };
    }
    wanted.push({ row, quantity });
  }
  return wanted;
}
