import { AppError } from '../../errors.ts';
import { newHistory, orderOf, changed as stateChanged, recordOf as truthOf } from '../kit/orders.ts';
import { picksOf } from '../kit/shelves.ts';
import { platformMs } from '../kit/time.ts';
import type { SellRequest, SellResult, Shop, ShopOrder } from '../shop.ts';
import type { Floor } from './notifier.ts';
import {
  isMerchantFulfilled,
  isPlatformFulfilled,
  type Line,
  type Listing,
  moveNumber,
  type Order,
} from './site.ts';

/** What buyers, the seller and the platform do to orders (AMZ-6.3, last verified 2026-11). */

export function verbsOf(floor: Floor): Pick<Shop, 'sell' | 'cancel' | 'refund' | 'edit' | 'ship'> {
  const find = (id: string) => orderOf(floor.orders, id);
  return {
    sell: (request) => sell(floor, request),
    /** `restock` false: the seller cancels because he has none, and the number stays down. */
    cancel: ({ order_id, restock }) => cancel(floor, find(order_id), { restock: restock ?? true }),
    /** Money only: neither the order's state nor the listing's number moves. */
    refund({ order_id, line_id, quantity }) {
      const order = find(order_id);
      const line = line_id === undefined ? order.lines[0] : lineOf(order, line_id);
      if (line === undefined || quantity > line.quantity) {
        throw new AppError('refund_too_large', `order ${order.id} has fewer units`);
      }
      touched(floor, order);
    },
    /** Units are cancelled out of an open order. A higher number changes nothing: a buyer who wants more orders again. */
    edit: ({ order_id, line_id, quantity }) => edit(floor, find(order_id), { lineId: line_id, quantity }),
    ship: ({ order_id }) => ship(floor, find(order_id)),
  };
}

// ---------------------------------------------------------------------------------------------------- selling

function sell(floor: Floor, request: SellRequest): SellResult {
  const listingsOf = (sku: string) => {
    const listing = floor.listings.get(sku);
    return listing === undefined || listing.channelCode === null ? [] : [listing];
  };
  const picks = picksOf(request, listingsOf, ({ quantity }) => quantity);
  if (typeof picks === 'string') return { sold: false, reason: picks };
  const wanted = picks.map(({ place: listing, quantity }) => ({ listing, quantity }));
  if (floor.faults.hits('fba_orders')) sellPlatformStock(floor);
  // One order never mixes what the merchant ships with what the platform ships.
  const own = wanted.filter(({ listing }) => !isPlatformFulfilled(listing));
  const order = own.length > 0 ? place(floor, own, 'MFN') : place(floor, wanted, 'AFN');
  const lines = order.lines.map(({ id, sku, quantity }) => ({ line_id: id, sku, quantity }));
  return { sold: true, order_id: order.id, lines };
}

/** One piece of a SKU, if there is one: the sale that slips in between somebody's read and write. */
export function sellOne(floor: Floor, sku: string): void {
  const listing = floor.listings.get(sku);
  if (listing === undefined || !isMerchantFulfilled(listing) || listing.quantity < 1) return;
  place(floor, [{ listing, quantity: 1 }], 'MFN');
}

function sellPlatformStock(floor: Floor): void {
  const stocked = [...floor.listings.values()].filter(
    (listing) => isPlatformFulfilled(listing) && listing.quantity > 0,
  );
  if (stocked.length > 0) place(floor, [{ listing: floor.random.pick(stocked), quantity: 1 }], 'AFN');
}

function place(
  floor: Floor,
  wanted: { listing: Listing; quantity: number }[],
  fulfilledBy: Order['fulfilledBy'],
): Order {
  const { random, notifier } = floor;
  const now = floor.now();
  const order: Order = {
    ...newHistory(now),
    id: `${random.int(111, 114)}-${random.int(1_000_000, 9_999_999)}-${floor.nextOrderNumber()}`,
    status: 'PENDING',
    fulfilledBy,
    marketplaceId: floor.marketplaces[0]?.id ?? '',
    updatedAt: now,
    searchableAt: 0,
    cancelledBy: null,
    cancelReason: null,
    zeroWhenCancelled: random.chance(0.5),
    lines: wanted.map(({ listing: { sku, title, asin }, quantity }) => ({
      id: String(floor.nextItemNumber()),
      sku,
      title,
      asin,
      quantity,
      shipped: 0,
      cancelRequested: false,
    })),
  };
  floor.orders.set(order.id, order);
  // The platform lowers its own number at once, payment or not.
  for (const { listing, quantity } of wanted) {
    moveNumber(floor, listing, -quantity);
    notifier.numberChanged(listing);
  }
  changed(floor, order, 'Order placed');
  const fails = floor.faults.hits('payment_failed');
  floor.agenda.add({
    afterMs: platformMs(random.int(20_000, 240_000), floor.timeScale),
    group: 'payments',
    run: () => settlePayment(floor, order, fails),
  });
  return order;
}

function settlePayment(floor: Floor, order: Order, fails: boolean) {
  if (order.status !== 'PENDING') return;
  if (fails) return cancelAs(floor, order, 'AMAZON');
  order.status = 'UNSHIPPED';
  changed(floor, order, 'Payment authorized');
  // What the platform ships leaves its warehouse without anybody's doing.
  if (order.fulfilledBy === 'AFN') shipAll(floor, order);
}

// ------------------------------------------------------------------------------------------ cancel, edit, ship

/** Gives the units back, unless the reason is that there are none. */
function cancelAs(
  floor: Floor,
  order: Order,
  who: NonNullable<Order['cancelledBy']>,
  reason = 'Buyer requested cancellation',
): void {
  order.status = 'CANCELLED';
  order.cancelledBy = who;
  if (who === 'MERCHANT') order.cancelReason = reason;
  if (reason !== noInventory)
    for (const line of order.lines) restore(floor, line, line.quantity - line.shipped);
  changed(floor, order, `Canceled by ${who.toLowerCase()}`);
}

const noInventory = 'NoInventory';

function cancel(floor: Floor, order: Order, { restock }: { restock: boolean }) {
  needOpen(order);
  // A pending order is out of the seller's reach: the buyer cancels it.
  if (order.status === 'PENDING') return cancelAs(floor, order, 'BUYER');
  if (restock && floor.random.chance(0.5)) {
    for (const line of order.lines) line.cancelRequested = true;
    touched(floor, order, 'state');
    floor.notifier.cancelRequested(order);
  }
  cancelAs(floor, order, 'MERCHANT', restock ? undefined : noInventory);
}

function edit(floor: Floor, order: Order, { lineId, quantity }: { lineId: string; quantity: number }) {
  needOpen(order);
  const line = lineOf(order, lineId);
  const fewer = line.quantity - Math.max(quantity, line.shipped);
  if (fewer <= 0) return;
  settlePayment(floor, order, false);
  const left = order.lines.reduce((sum, one) => sum + one.quantity, 0) - fewer;
  if (left === 0) return cancelAs(floor, order, 'MERCHANT');
  line.quantity -= fewer;
  restore(floor, line, fewer);
  changed(floor, order, 'Quantity canceled');
}

function ship(floor: Floor, order: Order) {
  needOpen(order);
  // A pending order cannot be shipped: the merchant waits for the payment.
  settlePayment(floor, order, false);
  if (order.fulfilledBy === 'AFN') return;
  const open = order.lines.filter((line) => line.quantity > line.shipped);
  const [line] = open;
  if (line === undefined || open.length < 2 || !floor.faults.hits('partial_shipment')) {
    return shipAll(floor, order);
  }
  line.shipped = line.quantity;
  order.status = 'PARTIALLY_SHIPPED';
  touched(floor, order, 'state');
  floor.notifier.orderChanged(order, { reason: 'Shipment confirmed', line });
  floor.notifier.orderChanged(order, { reason: 'Shipment confirmed' });
  floor.agenda.add({
    afterMs: platformMs(60_000, floor.timeScale),
    group: 'shipments',
    run: () => {
      if (order.status === 'PARTIALLY_SHIPPED') shipAll(floor, order);
    },
  });
}

function shipAll(floor: Floor, order: Order): void {
  for (const line of order.lines) line.shipped = line.quantity;
  order.status = 'SHIPPED';
  changed(floor, order, 'Shipment confirmed');
}

function needOpen({ id, status }: Order): void {
  if (status === 'SHIPPED' || status === 'CANCELLED') {
    throw new AppError('order_closed', `order ${id} is ${status} already`);
  }
}

function lineOf(order: Order, lineId: string): Line {
  const line = order.lines.find(({ id }) => id === lineId);
  if (line === undefined) throw new AppError('unknown_line', `order ${order.id} has no line "${lineId}"`);
  return line;
}

function restore(floor: Floor, line: Line, units: number): void {
  const listing = floor.listings.get(line.sku);
  if (listing === undefined || !isMerchantFulfilled(listing)) return;
  if (floor.faults.hits('number_not_restored')) return;
  moveNumber(floor, listing, units);
  floor.notifier.numberChanged(listing);
}

// ------------------------------------------------------------------------------------------------- its history

/** The order is another now, and its subscribers are told why. */
function changed(floor: Floor, order: Order, reason: string): void {
  touched(floor, order, 'state');
  floor.notifier.orderChanged(order, { reason });
}

function touched(floor: Floor, order: Order, what: 'state' | 'money' = 'money'): void {
  const now = floor.now();
  if (what === 'state') stateChanged(order, now);
  // Two changes never share a time, so that the time of change tells their order.
  order.updatedAt = order.revision <= 1 ? now : Math.max(now, order.updatedAt + 1);
  const lagMs = floor.faults.dueMs('order_lag');
  if (lagMs !== null) order.searchableAt = Math.max(order.searchableAt, order.updatedAt + lagMs);
}

/** The shop's own truth. A cancelled order keeps only what was shipped before. */
export function recordOf(order: Order): ShopOrder {
  const { id: order_id, status } = order;
  const lines = order.lines.map(({ id, sku, quantity, shipped: gone }) => ({
    line_id: id,
    sku,
    taken: status === 'CANCELLED' ? gone : quantity,
    gone,
  }));
  return truthOf(order, { order_id, status, lines });
}
