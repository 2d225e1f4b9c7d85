import { wholeSecond } from './call.ts';
import type { Line, Order, OrderStatus } from './site.ts';

/**
 * One order as the three worlds tell it: the notification, Orders v0, Orders 2026-01-01 (AMZ-2.3, AMZ-6.1, AMZ-6.2).
 * What is undefined is left out of the answer.
 */

const oldNames: Record<OrderStatus, string> = {
  PENDING: 'Pending',
  UNSHIPPED: 'Unshipped',
  PARTIALLY_SHIPPED: 'PartiallyShipped',
  SHIPPED: 'Shipped',
  // One L here, two in the newest API.
  CANCELLED: 'Canceled',
};

/** The spelling of notifications and Orders v0. */
export function oldStatus(order: Order): string {
  return oldNames[order.status];
}

function toldQuantity(order: Order, line: Line): number {
  return order.status === 'CANCELLED' && order.zeroWhenCancelled ? 0 : line.quantity;
}

function open(order: Order, line: Line): number {
  return order.status === 'CANCELLED' ? 0 : line.quantity - line.shipped;
}

function sum(lines: Line[], of: (line: Line) => number): number {
  return lines.reduce((total, line) => total + of(line), 0);
}

const dayMs = 86_400_000;

/** `Summary` of ORDER_CHANGE, with all lines or, at the item level, with those. */
export function summaryView(order: Order, lines: Line[]): Record<string, unknown> {
  return {
    MarketplaceId: order.marketplaceId,
    OrderStatus: oldStatus(order),
    PurchaseDate: new Date(order.placedAt).toISOString(),
    DestinationPostalCode: order.status === 'PENDING' ? null : '10001',
    FulfillmentType: order.fulfilledBy,
    OrderType: 'StandardOrder',
    NumberOfItemsShipped: sum(order.lines, (line) => line.shipped),
    NumberOfItemsUnshipped: sum(order.lines, (line) => open(order, line)),
    EarliestShipDate: new Date(order.placedAt + dayMs).toISOString(),
    LatestShipDate: new Date(order.placedAt + 3 * dayMs).toISOString(),
    OrderPrograms: [],
    ShippingPrograms: [],
    OrderItems: lines.map((line) => ({
      OrderItemId: line.id,
      SellerSKU: line.sku,
      SupplySourceId: null,
      OrderItemStatus: line.shipped > 0 && line.shipped === line.quantity ? 'Shipped' : 'Unshipped',
      Quantity: toldQuantity(order, line),
      QuantityShipped: line.shipped,
      IsBuyerRequestedCancel: line.cancelRequested,
    })),
  };
}

const unitPrice = 19.9;

function money(amount: number): { CurrencyCode: string; Amount: string } {
  return { CurrencyCode: 'USD', Amount: amount.toFixed(2) };
}

export function v0View(order: Order): Record<string, unknown> {
  const units = sum(order.lines, (line) => toldQuantity(order, line));
  return {
    AmazonOrderId: order.id,
    SellerOrderId: order.id,
    PurchaseDate: wholeSecond(order.placedAt),
    LastUpdateDate: wholeSecond(order.updatedAt),
    OrderStatus: oldStatus(order),
    FulfillmentChannel: order.fulfilledBy,
    SalesChannel: 'Amazon.com',
    OrderTotal: order.status === 'PENDING' ? undefined : money(units * unitPrice),
    NumberOfItemsShipped: sum(order.lines, (line) => line.shipped),
    NumberOfItemsUnshipped: sum(order.lines, (line) => open(order, line)),
    MarketplaceId: order.marketplaceId,
    OrderType: 'StandardOrder',
    EarliestShipDate: wholeSecond(order.placedAt + dayMs),
    LatestShipDate: wholeSecond(order.placedAt + 3 * dayMs),
    IsBusinessOrder: false,
    IsPrime: false,
    IsReplacementOrder: false,
  };
}

export function v0ItemView(order: Order, line: Line): Record<string, unknown> {
  return {
    ASIN: line.asin,
    SellerSKU: line.sku,
    OrderItemId: line.id,
    Title: line.title,
    QuantityOrdered: toldQuantity(order, line),
    QuantityShipped: line.shipped,
    ItemPrice: order.status === 'PENDING' ? undefined : money(line.quantity * unitPrice),
    IsGift: 'false',
    BuyerRequestedCancel: line.cancelRequested
      ? { IsBuyerRequestedCancel: 'true', BuyerCancelReason: 'No longer needed' }
      : undefined,
  };
}

/** `included`: the data sets asked for; `FULFILLMENT` and `CANCELLATION` are left out unless they are (AMZ-6.1). */
export function orderView(order: Order, included: readonly string[]): Record<string, unknown> {
  const fulfillment = {
    fulfillmentStatus: order.status,
    fulfilledBy: order.fulfilledBy === 'AFN' ? 'AMAZON' : 'MERCHANT',
    fulfillmentServiceLevel: 'STANDARD',
    shipByWindow: {
      earliestDateTime: wholeSecond(order.placedAt + dayMs),
      latestDateTime: wholeSecond(order.placedAt + 3 * dayMs),
    },
  };
  return {
    orderId: order.id,
    createdTime: wholeSecond(order.placedAt),
    lastUpdatedTime: wholeSecond(order.updatedAt),
    programs: [],
    salesChannel: {
      channelName: 'AMAZON',
      marketplaceId: order.marketplaceId,
      marketplaceName: 'Amazon.com',
    },
    fulfillment: included.includes('FULFILLMENT') ? fulfillment : undefined,
    orderItems: order.lines.map((line) => itemView(order, line, included)),
  };
}

function itemView(order: Order, line: Line, included: readonly string[]): Record<string, unknown> {
  const price = { unitPrice: { amount: unitPrice.toFixed(2), currencyCode: 'USD' } };
  return {
    orderItemId: line.id,
    quantityOrdered: toldQuantity(order, line),
    product: {
      asin: line.asin,
      title: line.title,
      sellerSku: line.sku,
      // Prices of pending orders are not to be relied on: they are not there (AMZ-6.1).
      price: order.status === 'PENDING' ? undefined : price,
    },
    fulfillment: included.includes('FULFILLMENT')
      ? { quantityFulfilled: line.shipped, quantityUnfulfilled: open(order, line) }
      : undefined,
    cancellation: included.includes('CANCELLATION') ? cancellationView(order, line) : undefined,
  };
}

function cancellationView({ cancelledBy, cancelReason }: Order, line: Line): Record<string, unknown> {
  const request = { requester: 'BUYER', cancelReason: 'No longer needed' };
  const execution = { cancelledBy, cancelReason: cancelReason ?? undefined };
  return {
    cancellationRequest: line.cancelRequested ? request : undefined,
    cancellationExecution: cancelledBy === null ? undefined : execution,
  };
}
