import { AppError } from '../../errors.ts';
import { platformMs } from '../kit/time.ts';
import type { SellRequest, SellResult, ShopOrder } from '../shop.ts';
import type { Notifier } from './notifier.ts';
import {
  isMerchantFulfilled,
  isPlatformFulfilled,
  type Line,
  type Listing,
  moveNumber,
  type Order,
  type Site,
} from './site.ts';

/** What buyers, the seller and the platform do to orders (AMZ-6.3, last verified 2026-11). */
export interface Orders {
  sell(request: SellRequest): SellResult;
  /** One piece of a SKU, if there is one: the sale that slips in between somebody's read and write. */
  sellOne(sku: string): void;
  /** `restock` false: the seller cancels because he has none, and the number stays down. */
  cancel(order: Order, how: { restock: boolean }): void;
  /** Money only: neither the order's state nor the listing's number moves. */
  refund(order: Order, request: { lineId: string | undefined; quantity: number }): void;
  /** Units are cancelled out of an open order. A higher number changes nothing: a buyer who wants more orders again. */
  edit(order: Order, request: { lineId: string; quantity: number }): void;
  ship(order: Order): void;
  /** Throws AppError `unknown_order`. */
  find(orderId: string): Order;
}

export interface OrderDeps {
  site: Site;
  notifier: Notifier;
}

export function createOrders({ site, notifier }: OrderDeps): Orders {
  const { random, faults } = site;

  const changed = (order: Order) => {
    order.changedAt = site.now();
    order.revision += 1;
    touched(order);
  };

  const touched = (order: Order) => {
    // Two changes never share a time, so that the time of change tells their order.
    order.updatedAt = order.revision <= 1 ? site.now() : Math.max(site.now(), order.updatedAt + 1);
    const lagMs = site.faults.dueMs('order_lag');
    if (lagMs !== null) order.searchableAt = Math.max(order.searchableAt, order.updatedAt + lagMs);
  };

  const restore = (line: Line, units: number) => {
    const listing = site.listings.get(line.sku);
    if (listing === undefined || !isMerchantFulfilled(listing) || faults.hits('number_not_restored')) return;
    moveNumber(site, listing, units);
    notifier.numberChanged(listing);
  };

  // ---------------------------------------------------------------------------------------------------- selling

  const sell = (request: SellRequest): SellResult => {
    const wanted: { listing: Listing; quantity: number }[] = [];
    for (const { sku, quantity } of request.lines) {
      const listing = site.listings.get(sku);
      if (listing === undefined || listing.channelCode === null) {
        return { sold: false, reason: 'unknown_sku' };
      }
      wanted.push({ listing, quantity });
    }
    if (request.force !== true && !inStock(wanted)) return { sold: false, reason: 'out_of_stock' };
    if (faults.hits('fba_orders')) sellPlatformStock();
    // One order never mixes what the merchant ships with what the platform ships.
    const own = wanted.filter(({ listing }) => !isPlatformFulfilled(listing));
    const order = place(own.length > 0 ? own : wanted, own.length > 0 ? 'MFN' : 'AFN');
    const lines = order.lines.map(({ id, sku, quantity }) => ({ line_id: id, sku, quantity }));
    return { sold: true, order_id: order.id, lines };
  };

  const inStock = (wanted: { listing: Listing; quantity: number }[]): boolean => {
    const sums = new Map<Listing, number>();
    for (const { listing, quantity } of wanted) sums.set(listing, (sums.get(listing) ?? 0) + quantity);
    return [...sums].every(([listing, quantity]) => listing.quantity >= quantity);
  };

  const sellPlatformStock = () => {
    const stocked = [...site.listings.values()].filter(
      (listing) => isPlatformFulfilled(listing) && listing.quantity > 0,
    );
    if (stocked.length > 0) place([{ listing: random.pick(stocked), quantity: 1 }], 'AFN');
  };

  const place = (wanted: { listing: Listing; quantity: number }[], fulfilledBy: 'AFN' | 'MFN'): Order => {
    const now = site.now();
    const order: Order = {
      id: `${random.int(111, 114)}-${random.int(1_000_000, 9_999_999)}-${site.nextOrderNumber()}`,
      status: 'PENDING',
      fulfilledBy,
      marketplaceId: site.marketplaces[0]?.id ?? '',
      createdAt: now,
      changedAt: now,
      updatedAt: now,
      searchableAt: 0,
      cancelledBy: null,
      cancelReason: null,
      zeroWhenCancelled: random.chance(0.5),
      lines: wanted.map(({ listing, quantity }) => ({
        id: String(site.nextItemNumber()),
        sku: listing.sku,
        title: listing.title,
        asin: listing.asin,
        quantity,
        shipped: 0,
        cancelRequested: false,
      })),
      revision: 0,
      heard: -1,
    };
    site.orders.set(order.id, order);
    // The platform lowers its own number at once, payment or not.
    for (const { listing, quantity } of wanted) {
      moveNumber(site, listing, -quantity);
      notifier.numberChanged(listing);
    }
    changed(order);
    notifier.orderChanged(order, { reason: 'Order placed' });
    const fails = faults.hits('payment_failed');
    site.agenda.add({
      afterMs: platformMs(random.int(20_000, 240_000), site.timeScale),
      group: 'payments',
      run: () => settlePayment(order, fails),
    });
    return order;
  };

  const settlePayment = (order: Order, fails: boolean) => {
    if (order.status !== 'PENDING') return;
    if (fails) return cancelAs(order, 'AMAZON', true);
    order.status = 'UNSHIPPED';
    changed(order);
    notifier.orderChanged(order, { reason: 'Payment authorized' });
    // What the platform ships leaves its warehouse without anybody's doing.
    if (order.fulfilledBy === 'AFN') shipAll(order);
  };

  // ------------------------------------------------------------------------------------------ cancel, edit, ship

  const cancelAs = (order: Order, who: NonNullable<Order['cancelledBy']>, gives: boolean) => {
    order.status = 'CANCELLED';
    order.cancelledBy = who;
    if (who === 'MERCHANT') order.cancelReason = gives ? 'Buyer requested cancellation' : 'NoInventory';
    if (gives) for (const line of order.lines) restore(line, line.quantity - line.shipped);
    changed(order);
    notifier.orderChanged(order, { reason: `Canceled by ${who.toLowerCase()}` });
  };

  const cancel = (order: Order, { restock }: { restock: boolean }) => {
    needOpen(order);
    // A pending order is out of the seller's reach: the buyer cancels it.
    if (order.status === 'PENDING') return cancelAs(order, 'BUYER', true);
    if (restock && random.chance(0.5)) {
      for (const line of order.lines) line.cancelRequested = true;
      changed(order);
      notifier.cancelRequested(order);
    }
    cancelAs(order, 'MERCHANT', restock);
  };

  const needOpen = (order: Order) => {
    if (order.status === 'SHIPPED' || order.status === 'CANCELLED') {
      throw new AppError('order_closed', `order ${order.id} is ${order.status} already`);
    }
  };

  const edit = (order: Order, { lineId, quantity }: { lineId: string; quantity: number }) => {
    needOpen(order);
    const line = lineOf(order, lineId);
    const fewer = line.quantity - Math.max(quantity, line.shipped);
    if (fewer <= 0) return;
    settlePayment(order, false);
    const left = order.lines.reduce((sum, one) => sum + one.quantity, 0) - fewer;
    if (left === 0) return cancelAs(order, 'MERCHANT', true);
    line.quantity -= fewer;
    restore(line, fewer);
    changed(order);
    notifier.orderChanged(order, { reason: 'Quantity canceled' });
  };

  const ship = (order: Order) => {
    needOpen(order);
    // A pending order cannot be shipped: the merchant waits for the payment.
    settlePayment(order, false);
    if (order.fulfilledBy === 'AFN') return;
    const open = order.lines.filter((line) => line.quantity > line.shipped);
    const [firstLine] = open;
    if (firstLine === undefined || open.length < 2 || !faults.hits('partial_shipment')) return shipAll(order);
    firstLine.shipped = firstLine.quantity;
    order.status = 'PARTIALLY_SHIPPED';
    changed(order);
    notifier.orderChanged(order, { reason: 'Shipment confirmed', lines: [firstLine] });
    notifier.orderChanged(order, { reason: 'Shipment confirmed' });
    site.agenda.add({
      afterMs: platformMs(60_000, site.timeScale),
      group: 'shipments',
      run: () => {
        if (order.status === 'PARTIALLY_SHIPPED') shipAll(order);
      },
    });
  };

  const shipAll = (order: Order) => {
    for (const line of order.lines) line.shipped = line.quantity;
    order.status = 'SHIPPED';
    changed(order);
    notifier.orderChanged(order, { reason: 'Shipment confirmed' });
  };

  return {
    sell,
    sellOne(sku) {
      const listing = site.listings.get(sku);
      if (listing === undefined || !isMerchantFulfilled(listing) || listing.quantity < 1) return;
      place([{ listing, quantity: 1 }], 'MFN');
    },
    cancel,
    refund(order, { lineId, quantity }) {
      const line = lineId === undefined ? order.lines[0] : lineOf(order, lineId);
      if (line === undefined || quantity > line.quantity) {
        throw new AppError('refund_too_large', `order ${order.id} has fewer units`);
      }
      touched(order);
    },
    edit,
    ship,
    find(orderId) {
      const order = site.orders.get(orderId);
      if (order === undefined) throw new AppError('unknown_order', `the shop has no order "${orderId}"`);
      return order;
    },
  };
}

function lineOf(order: Order, lineId: string): Line {
  const line = order.lines.find(({ id }) => id === lineId);
  if (line === undefined) throw new AppError('unknown_line', `order ${order.id} has no line "${lineId}"`);
  return line;
}

/** The shop's own truth. A cancelled order keeps only what was shipped before. */
export function recordOf(order: Order): ShopOrder {
  const over = order.status === 'CANCELLED';
  return {
    order_id: order.id,
    placed_at: order.createdAt,
    changed_at: order.changedAt,
    status: order.status,
    lines: order.lines.map((line) => ({
      line_id: line.id,
      sku: line.sku,
      taken: over ? line.shipped : line.quantity,
      gone: line.shipped,
    })),
    heard: order.heard >= order.revision,
  };
}
