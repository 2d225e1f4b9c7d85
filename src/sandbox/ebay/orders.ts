import { AppError } from '../../errors.ts';
import type { Agenda } from '../kit/agenda.ts';
import type { Random } from '../kit/random.ts';
import { platformMs } from '../kit/time.ts';
import type { SellRequest, SellResult, ShopOrder } from '../shop.ts';
import type { Notifier } from './notifier.ts';
import type { Counter, Order, OrderLine, State } from './state.ts';
import { shownOf } from './state.ts';
import type { Stock } from './stock.ts';

/** How an order is called off. `restores`: the flow gives the units back to the listing (EBAY-6: only some do). */
export interface CancelWish {
  restores: boolean;
  initiator: 'BUYER' | 'SELLER';
  reason: string;
  /** How long it stays IN_PROGRESS, on the platform's clock; 0: not at all. */
  takesMs: number;
}

/** What shoppers and the merchant do (EBAY-6). */
export interface Orders {
  sell(request: SellRequest): SellResult;
  cancel(order: Order, wish: CancelWish): void;
  /** Money only: a refund moves no stock on this platform, whatever the merchant wants. */
  refund(order: Order, request: { lineId: string | undefined; quantity: number }): void;
  ship(order: Order): void;
  /** Invoices open orders together; answers the new order. */
  combine(orders: readonly Order[]): Order;
  /** By any id it ever had. Throws AppError `unknown_order`. */
  find(orderId: string): Order;
}

const dayMs = 86_400_000;

/** Starts without orders. */
export function createOrders(deps: {
  state: State;
  stock: Stock;
  agenda: Agenda;
  notifier: Notifier;
  random: Random;
}): Orders {
  const { state, stock, agenda, notifier, random } = deps;
  const { faults } = state;

  /** The search index follows seconds behind; changes become findable in their order. */
  const changed = (order: Order) => {
    const now = state.now();
    // Two changes never share a time, so that the time of change tells versions apart.
    order.modifiedAt = order.revision === 0 ? now : Math.max(now, order.modifiedAt + 1);
    order.changedAt = now;
    order.revision += 1;
    const ownMs = platformMs(random.int(500, 4_000), state.timeScale);
    const lagMs = Math.max(ownMs, faults.dueMs('order_lag') ?? 0);
    const before = order.indexed.at(-1)?.visibleAt ?? 0;
    order.indexed.push({ modifiedAt: order.modifiedAt, visibleAt: Math.max(before, now + lagMs) });
    while (order.indexed.length > 1 && (order.indexed[1]?.visibleAt ?? now) < now) order.indexed.shift();
    if (order.revision === 1) order.listedFrom = order.indexed[0]?.visibleAt ?? now;
  };

  const wishesOf = (request: SellRequest): { counter: Counter; quantity: number }[] | 'unknown' | 'ended' => {
    const wanted = new Map<Counter, number>();
    const wishes: { counter: Counter; quantity: number }[] = [];
    for (const { sku, quantity } of request.lines) {
      const listed = (state.bySku.get(sku) ?? []).filter(({ listing }) => listing !== null);
      if (listed.length === 0) return 'unknown';
      const live = listed.filter((counter) => shownOf(counter) !== null);
      const left = (counter: Counter) => (shownOf(counter) ?? 0) - (wanted.get(counter) ?? 0);
      const counter = live.find((one) => left(one) >= quantity) ?? live[0];
      if (counter === undefined) return 'ended';
      wanted.set(counter, (wanted.get(counter) ?? 0) + quantity);
      wishes.push({ counter, quantity });
    }
    return wishes;
  };

  const newLine = (counter: Counter, quantity: number): OrderLine => ({
    lineItemId: state.ids.lineItem(),
    transactionId: state.ids.transaction(),
    counter,
    itemId: counter.listing?.itemId ?? '',
    variationId: counter.variationId,
    sku: counter.sku,
    title: counter.title,
    quantity,
    refunded: 0,
    committedAt: state.now(),
  });

  const newOrder = (lines: OrderLine[], paid: boolean): Order => {
    const now = state.now();
    const order: Order = {
      orderId: state.ids.order(),
      state: 'committed',
      createdAt: now,
      modifiedAt: now,
      paid,
      cancel: null,
      shippedAt: null,
      lines,
      changedAt: now,
      revision: 0,
      heardRevision: -1,
      listedFrom: Number.POSITIVE_INFINITY,
      indexed: [],
    };
    state.orders.push(order);
    state.ordersById.set(order.orderId, order);
    return order;
  };

  /** The buyer goes through checkout: from now on there is an order. */
  const checkOut = (order: Order) => {
    if (order.state === 'placed' || !state.orders.includes(order)) return;
    order.state = 'placed';
    order.createdAt = state.now();
    changed(order);
    for (const line of order.lines) {
      notifier.confirmed(order, line);
      notifier.told('AuctionCheckoutComplete', { counter: line.counter, line, order });
    }
  };

  const dissolve = (order: Order) => {
    state.orders.splice(state.orders.indexOf(order), 1);
  };

  const dropCommitment = (order: Order) => {
    dissolve(order);
    for (const line of order.lines) stock.giveBack(line.counter, line.quantity);
  };

  const waitForCheckout = (order: Order, afterMs: number) =>
    agenda.add({
      afterMs,
      group: 'buyers',
      run() {
        if (order.state === 'placed' || !state.orders.includes(order)) return;
        if (faults.hits('never_pays')) dropCommitment(order);
        else checkOut(order);
      },
    });

  const sell = (request: SellRequest): SellResult => {
    const wishes = wishesOf(request);
    if (wishes === 'unknown') return { sold: false, reason: 'unknown_sku' };
    if (wishes === 'ended') return { sold: false, reason: 'out_of_stock' };
    if (request.force !== true && !inStock(wishes)) return { sold: false, reason: 'out_of_stock' };
    if (faults.hits('marked_down')) notifier.markDown();
    const order = newOrder(
      wishes.map(({ counter, quantity }) => newLine(counter, quantity)),
      random.chance(0.9),
    );
    for (const line of order.lines) {
      stock.take(line.counter, line.quantity);
      notifier.told('FixedPriceTransaction', { counter: line.counter, line, order: null });
    }
    const commitmentMs = faults.dueMs('unpaid_commitment');
    if (commitmentMs !== null) {
      const days = platformMs(random.int(dayMs, 4 * dayMs), state.timeScale);
      waitForCheckout(order, commitmentMs > 0 ? commitmentMs : days);
    } else {
      checkOut(order);
      const partner = state.orders.findLast((other) => other !== order && isOpen(other));
      if (partner !== undefined && faults.hits('combine_orders')) combine([partner, order]);
    }
    return {
      sold: true,
      order_id: order.orderId,
      lines: order.lines.map((line) => ({
        line_id: line.lineItemId,
        sku: line.sku ?? '',
        quantity: line.quantity,
      })),
    };
  };

  const combine: Orders['combine'] = (parts) => {
    const lines = parts.flatMap((part) => part.lines);
    const createdAt = Math.min(...parts.map((part) => part.createdAt));
    for (const part of parts) dissolve(part);
    const whole = newOrder(
      lines,
      parts.every((part) => part.paid),
    );
    whole.state = 'placed';
    whole.createdAt = createdAt;
    for (const [id, order] of state.ordersById) if (parts.includes(order)) state.ordersById.set(id, whole);
    changed(whole);
    for (const line of lines) notifier.confirmed(whole, line);
    return whole;
  };

  const finishCancel = (order: Order, wish: CancelWish) => {
    if (order.cancel === null || order.cancel.state === 'CANCELED') return;
    order.cancel.state = 'CANCELED';
    order.cancel.doneAt = state.now();
    if (wish.restores && order.shippedAt === null) {
      for (const line of order.lines) stock.giveBack(line.counter, line.quantity);
    }
    changed(order);
  };

  const cancel: Orders['cancel'] = (order, wish) => {
    if (order.state === 'committed') return dropCommitment(order);
    if (order.cancel !== null) return;
    order.cancel = {
      id: state.ids.cancellation(),
      state: 'IN_PROGRESS',
      requestedAt: state.now(),
      doneAt: null,
      initiator: wish.initiator,
      reason: wish.reason,
    };
    if (wish.takesMs === 0) return finishCancel(order, wish);
    changed(order);
    agenda.add({
      afterMs: platformMs(wish.takesMs, state.timeScale),
      group: 'buyers',
      run: () => finishCancel(order, wish),
    });
  };

  const refund: Orders['refund'] = (order, { lineId, quantity }) => {
    checkOut(order);
    // A cancelled order was refunded whole.
    if (order.cancel?.state === 'CANCELED') return;
    const left = (line: OrderLine) => line.quantity - line.refunded;
    const line =
      lineId === undefined
        ? order.lines.find((one) => left(one) > 0)
        : order.lines.find((one) => one.lineItemId === lineId);
    if (line === undefined || left(line) < 1) {
      throw new AppError('nothing_to_refund', `order ${order.orderId} has no such units left to refund`);
    }
    line.refunded += Math.min(quantity, left(line));
    order.paid = true;
    changed(order);
  };

  return {
    sell,
    cancel,
    refund,
    combine,
    ship(order) {
      checkOut(order);
      if (order.shippedAt !== null || order.cancel?.state === 'CANCELED') return;
      order.shippedAt = state.now();
      order.paid = true;
      changed(order);
    },
    find(orderId) {
      const order = state.ordersById.get(orderId);
      if (order === undefined) throw new AppError('unknown_order', `no order ${orderId} in this shop`);
      return order;
    },
  };
}

/** Nothing has been shipped or called off. */
export function isOpen(order: Order): boolean {
  return order.state === 'placed' && order.shippedAt === null && order.cancel === null;
}

function inStock(wishes: { counter: Counter; quantity: number }[]): boolean {
  const wanted = new Map<Counter, number>();
  for (const { counter, quantity } of wishes) wanted.set(counter, (wanted.get(counter) ?? 0) + quantity);
  return [...wanted].every(([counter, quantity]) => (shownOf(counter) ?? 0) >= quantity);
}

/**
 * The shop's truth of an order: units of a cancelled one are free unless they had been shipped, refunded ones are not
 * (EBAY-6). Commitments are no orders yet.
 */
export function recordOf(order: Order): ShopOrder {
  const free = order.cancel?.state === 'CANCELED' && order.shippedAt === null;
  return {
    order_id: order.orderId,
    placed_at: order.createdAt,
    changed_at: order.changedAt,
    status: statusOf(order),
    lines: order.lines.map((line) => ({
      line_id: line.lineItemId,
      sku: line.sku ?? '',
      taken: free ? 0 : line.quantity,
      gone: order.shippedAt === null ? 0 : line.quantity,
    })),
    heard: order.heardRevision >= order.revision,
  };
}

function statusOf(order: Order): string {
  if (order.cancel !== null) return order.cancel.state === 'CANCELED' ? 'cancelled' : 'cancelling';
  if (order.shippedAt !== null) return 'shipped';
  return order.paid ? 'paid' : 'unpaid';
}
