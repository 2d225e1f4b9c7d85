import type { Order, OrderLine, State } from './state.ts';

/** An order as the Fulfillment API shows it (EBAY-6.1), buyer and all. `single`: asked for by its id alone. */
export function orderView(state: State, order: Order, single: boolean): Record<string, unknown> {
  const total = order.lines.reduce((sum, line) => sum + line.quantity, 0);
  return {
    orderId: order.orderId,
    legacyOrderId: order.orderId,
    creationDate: iso(order.placedAt),
    lastModifiedDate: iso(order.updatedAt),
    orderFulfillmentStatus: order.shippedAt === null ? 'NOT_STARTED' : 'FULFILLED',
    orderPaymentStatus: paymentOf(order),
    sellerId: state.seller.username,
    buyer: {
      username: 'buyer_canary',
      buyerRegistrationAddress: {
        fullName: 'Canary Shopper',
        primaryPhone: { phoneNumber: '+1 555-0199' },
        email: 'canary@members.example.com',
      },
    },
    pricingSummary: { total: money(total * price) },
    cancelStatus: cancelView(order, single),
    paymentSummary: {
      totalDueSeller: money(total * price),
      refunds: refundsOf(order),
      payments: [{ paymentMethod: 'EBAY', paymentStatus: order.paid ? 'PAID' : 'PENDING' }],
    },
    fulfillmentStartInstructions: [
      {
        fulfillmentInstructionsType: 'SHIP_TO',
        shippingStep: {
          shipTo: {
            fullName: 'Canary Shopper',
            contactAddress: {
              addressLine1: '1 Test Street',
              city: 'Berlin',
              postalCode: '10115',
              countryCode: 'DE',
            },
          },
        },
      },
    ],
    fulfillmentHrefs: [],
    lineItems: order.lines.map((line) => lineView(state, order, line)),
    salesRecordReference: order.orderId.slice(-5).replace(/^0+(?=\d)/, ''),
    ebayCollectAndRemitTax: false,
  };
}

const price = 10;

/** EBAY-6: `cancelRequests` is always empty in the list. */
function cancelView(order: Order, single: boolean): Record<string, unknown> {
  const { cancel } = order;
  if (cancel === null) return { cancelState: 'NONE_REQUESTED', cancelRequests: [] };
  const request = {
    cancelReason: cancel.reason,
    cancelRequestedDate: iso(cancel.requestedAt),
    cancelInitiator: cancel.initiator,
    cancelRequestId: cancel.id,
    cancelRequestState: cancel.state === 'CANCELED' ? 'COMPLETED' : 'REQUESTED',
    ...(cancel.doneAt === null ? {} : { cancelCompletedDate: iso(cancel.doneAt) }),
  };
  return {
    cancelState: cancel.state,
    ...(cancel.doneAt === null ? {} : { cancelledDate: iso(cancel.doneAt) }),
    cancelRequests: single ? [request] : [],
  };
}

/** A line: a Trading listing without a SKU has none here either, and only variations have a variation id. */
function lineView(state: State, order: Order, line: OrderLine): Record<string, unknown> {
  return {
    lineItemId: line.lineItemId,
    legacyItemId: line.itemId,
    ...(line.variationId === null ? {} : { legacyVariationId: line.variationId }),
    ...(line.sku === null ? {} : { sku: line.sku }),
    title: line.title,
    lineItemCost: money(line.quantity * price),
    quantity: line.quantity,
    soldFormat: line.counter.listing?.auction === true ? 'AUCTION' : 'FIXED_PRICE',
    listingMarketplaceId: state.marketplace,
    purchaseMarketplaceId: state.marketplace,
    lineItemFulfillmentStatus: order.shippedAt === null ? 'NOT_STARTED' : 'FULFILLED',
    total: money(line.quantity * price),
    deliveryCost: { shippingCost: money(0) },
    appliedPromotions: [],
    taxes: [],
    properties: { buyerProtection: true },
    ...(line.refunded === 0 ? {} : { refunds: [{ amount: money(line.refunded * price) }] }),
    variationAspects: line.counter.aspect === null ? [] : [{ name: 'Color', value: line.counter.aspect }],
  };
}

function refundsOf(order: Order): unknown[] {
  const units = order.lines.reduce((sum, line) => sum + line.refunded, 0);
  return units === 0 ? [] : [{ amount: money(units * price), refundStatus: 'REFUNDED' }];
}

/** `PENDING`, `PAID`, `PARTIALLY_REFUNDED` or `FULLY_REFUNDED`. */
export function paymentOf(order: Order): string {
  if (!order.paid) return 'PENDING';
  if (order.cancel?.state === 'CANCELED') return 'FULLY_REFUNDED';
  if (order.lines.every((line) => line.refunded === line.quantity)) return 'FULLY_REFUNDED';
  return order.lines.some((line) => line.refunded > 0) ? 'PARTIALLY_REFUNDED' : 'PAID';
}

function money(value: number): { value: string; currency: string } {
  return { value: value.toFixed(1), currency: 'USD' };
}

/** UTC with milliseconds, as REST and Trading both write it. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
