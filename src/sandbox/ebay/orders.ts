import { AppError } from '../../errors.ts';
import { changed, index, orderOf, recordOf } from '../kit/orders.ts';
import type { Random } from '../kit/random.ts';
import { picksOf } from '../kit/shelves.ts';
import { platformMs } from '../kit/time.ts';
import type { SellRequest, SellResult, ShopOrder } from '../shop.ts';
import type { Notifier } from './notifier.ts';
import {
  type Cancellation,
  newLine,
  newOrder,
  type Order,
  type OrderLine,
  type State,
  shownOf,
} from './state.ts';
import type { Stock } from './stock.ts';

/** How an order is called off. `restores`: the flow gives the units back to the listing (EBAY-6: only some do). */
export interface CancelWish extends Pick<Cancellation, 'initiator' | 'reason'> {
  restores: boolean;
  /** How long it stays IN_PROGRESS, on the platform's clock; 0: not at all. */
  takesMs: number;
}

const dayMs = 86_400_000;

/** What shoppers and the merchant do (EBAY-6). */
export class Orders {
  readonly #state: State;
  readonly #stock: Stock;
  readonly #notifier: Notifier;
  readonly #random: Random;

  /** Starts without orders. */
  constructor(state: State, { stock, notifier }: { stock: Stock; notifier: Notifier }) {
    this.#state = state;
    this.#stock = stock;
    this.#notifier = notifier;
    this.#random = state.random.fork('orders');
  }

  sell(request: SellRequest): SellResult {
    const { bySku, faults, orders } = this.#state;
    const placesOf = (sku: string) => {
      const listed = (bySku.get(sku) ?? []).filter(({ listing }) => listing !== null);
      const live = listed.filter((counter) => shownOf(counter) !== null);
      return listed.length > 0 && live.length === 0 ? 'out_of_stock' : live;
    };
    const picks = picksOf(request, placesOf, (counter) => shownOf(counter) ?? 0);
    if (typeof picks === 'string') return { sold: false, reason: picks };
    if (faults.hits('marked_down')) this.#notifier.markDown();
    const lines = picks.map(({ place, quantity }) => newLine(this.#state, place, quantity));
    const order = this.#open(lines, this.#random.chance(0.9));
    for (const line of lines) {
      this.#stock.take(line.counter, line.quantity);
      this.#notifier.told('FixedPriceTransaction', { counter: line.counter, line, order: null });
    }
    const commitmentMs = faults.dueMs('unpaid_commitment');
    if (commitmentMs !== null) this.#waitForCheckout(order, commitmentMs);
    else {
      this.#checkOut(order);
      const partner = orders.findLast((other) => other !== order && isOpen(other));
      if (partner !== undefined && faults.hits('combine_orders')) this.combine([partner, order]);
    }
    return {
      sold: true,
      order_id: order.orderId,
      lines: lines.map(({ lineItemId, sku, quantity }) => ({
        line_id: lineItemId,
        sku: sku ?? '',
        quantity,
      })),
    };
  }

  #open(lines: OrderLine[], paid: boolean): Order {
    const { orders, ordersById } = this.#state;
    const order = newOrder(this.#state, lines, paid);
    orders.push(order);
    ordersById.set(order.orderId, order);
    return order;
  }

  /** The search index follows seconds behind. */
  #changed(order: Order): void {
    const { faults, now, timeScale } = this.#state;
    // Two changes never share a time, so that the time of change tells versions apart.
    order.updatedAt = order.revision === 0 ? now() : Math.max(now(), order.updatedAt + 1);
    changed(order, now());
    const ownMs = platformMs(this.#random.int(500, 4_000), timeScale);
    index(order, now(), Math.max(ownMs, faults.dueMs('order_lag') ?? 0));
  }

  #waitForCheckout(order: Order, commitmentMs: number): void {
    const { agenda, faults, timeScale } = this.#state;
    const days = platformMs(this.#random.int(dayMs, 4 * dayMs), timeScale);
    agenda.add({
      afterMs: commitmentMs > 0 ? commitmentMs : days,
      group: 'buyers',
      run: () => {
        if (!this.#isCommitted(order)) return;
        if (faults.hits('never_pays')) this.#dropCommitment(order);
        else this.#checkOut(order);
      },
    });
  }

  #isCommitted(order: Order): boolean {
    return order.state === 'committed' && this.#state.orders.includes(order);
  }

  /** The buyer goes through checkout: from now on there is an order. */
  #checkOut(order: Order): void {
    if (!this.#isCommitted(order)) return;
    order.state = 'placed';
    order.placedAt = this.#state.now();
    this.#changed(order);
    for (const line of order.lines) {
      this.#notifier.confirmed(order, line);
      this.#notifier.told('AuctionCheckoutComplete', { counter: line.counter, line, order });
    }
  }

  #dissolve(order: Order): void {
    const { orders } = this.#state;
    orders.splice(orders.indexOf(order), 1);
  }

  #dropCommitment(order: Order): void {
    this.#dissolve(order);
    this.#restore(order);
  }

  #restore(order: Order): void {
    for (const { counter, quantity } of order.lines) this.#stock.giveBack(counter, quantity);
  }

  /** Invoices open orders together; answers the new order. */
  combine(parts: readonly Order[]): Order {
    const { ordersById } = this.#state;
    for (const part of parts) this.#dissolve(part);
    const whole = this.#open(
      parts.flatMap((part) => part.lines),
      parts.every((part) => part.paid),
    );
    whole.state = 'placed';
    whole.placedAt = Math.min(...parts.map((part) => part.placedAt));
    for (const [id, order] of ordersById) if (parts.includes(order)) ordersById.set(id, whole);
    this.#changed(whole);
    for (const line of whole.lines) this.#notifier.confirmed(whole, line);
    return whole;
  }

  cancel(order: Order, wish: CancelWish): void {
    const { agenda, ids, now, timeScale } = this.#state;
    if (this.#isCommitted(order)) this.#dropCommitment(order);
    if (order.state === 'committed' || order.cancel !== null) return;
    const { initiator, reason, takesMs } = wish;
    const id = ids.cancellation();
    order.cancel = { id, state: 'IN_PROGRESS', requestedAt: now(), doneAt: null, initiator, reason };
    const finish = () => this.#finishCancel(order, wish);
    if (takesMs > 0) {
      this.#changed(order);
      agenda.add({ afterMs: platformMs(takesMs, timeScale), group: 'buyers', run: finish });
    } else finish();
  }

  #finishCancel(order: Order, { restores }: CancelWish): void {
    if (order.cancel === null || order.cancel.state === 'CANCELED') return;
    order.cancel.state = 'CANCELED';
    order.cancel.doneAt = this.#state.now();
    if (restores && order.shippedAt === null) this.#restore(order);
    this.#changed(order);
  }

  /** Money only: a refund moves no stock on this platform, whatever the merchant wants. */
  refund(order: Order, { lineId, quantity }: { lineId: string | undefined; quantity: number }): void {
    this.#checkOut(order);
    // A cancelled order was refunded whole.
    if (order.cancel?.state === 'CANCELED') return;
    const left = (line: OrderLine) => line.quantity - line.refunded;
    const line = order.lines.find((one) =>
      lineId === undefined ? left(one) > 0 : one.lineItemId === lineId,
    );
    if (line === undefined || left(line) < 1) {
      throw new AppError('nothing_to_refund', `order ${order.orderId} has no such units left to refund`);
    }
    line.refunded += Math.min(quantity, left(line));
    order.paid = true;
    this.#changed(order);
  }

  ship(order: Order): void {
    this.#checkOut(order);
    if (order.shippedAt !== null || order.cancel?.state === 'CANCELED') return;
    order.shippedAt = this.#state.now();
    order.paid = true;
    this.#changed(order);
  }

  /** By any id it ever had. Throws AppError `unknown_order`. */
  find(orderId: string): Order {
    return orderOf(this.#state.ordersById, orderId);
  }
}

/** Nothing has been shipped or called off. */
function isOpen(order: Order): boolean {
  return order.state === 'placed' && order.shippedAt === null && order.cancel === null;
}

/**
 * The shop's truth of an order: units of a cancelled one are free unless they had been shipped, refunded ones are not
 * (EBAY-6). Commitments are no orders yet.
 */
export function truthOf(order: Order): ShopOrder {
  const gone = order.shippedAt !== null;
  const free = order.cancel?.state === 'CANCELED' && !gone;
  return recordOf(order, {
    order_id: order.orderId,
    status: statusOf(order),
    lines: order.lines.map(({ lineItemId, sku, quantity }) => ({
      line_id: lineItemId,
      sku: sku ?? '',
      taken: free ? 0 : quantity,
      gone: gone ? quantity : 0,
    })),
  });
}

function statusOf(order: Order): string {
  if (order.cancel !== null) return order.cancel.state === 'CANCELED' ? 'cancelled' : 'cancelling';
  if (order.shippedAt !== null) return 'shipped';
  return order.paid ? 'paid' : 'unpaid';
}
