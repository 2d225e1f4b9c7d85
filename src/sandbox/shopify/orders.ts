import { AppError } from '../../errors.ts';
import { changed, index, newHistory } from '../kit/orders.ts';
import { platformMs } from '../kit/time.ts';
import type { SellRequest, SellResult } from '../shop.ts';
import { type Body, editBody, fulfillmentBody, orderBody, refundBody } from './bodies.ts';
import type { Floor } from './floor.ts';
import { wholeSeconds } from './moment.ts';
import type { Shelves } from './shelves.ts';
import {
  activeLevelAt,
  current,
  type Fulfillment,
  type FulfillmentOrder,
  type InventoryItem,
  type Level,
  type Line,
  levelAt,
  move,
  newFulfillmentOrder,
  type Order,
  type Refund,
  refundableFulfilled,
  unfulfilled,
  type Variant,
} from './state.ts';

interface Wish {
  variant: Variant;
  quantity: number;
  bundle: Line['bundle'];
}

/** A topic of an order whose body shows the whole order, or one with a body of its own that only names the order. */
type Telling = string | [topic: string, body: () => Body];

/** What shoppers and the merchant do. Quantities move as SHP-2.6 to SHP-2.7 tells; each act is one event. */
export class Orders {
  readonly #floor: Floor;
  readonly #shelves: Shelves;
  readonly #random: Floor['ground']['random'];

  constructor(floor: Floor, shelves: Shelves) {
    this.#floor = floor;
    this.#shelves = shelves;
    this.#random = floor.ground.random.fork('orders');
  }

  // ------------------------------------------------------------------------------------------------ publishing

  #publish(order: Order, tellings: Telling[], eventId: string) {
    for (const telling of tellings) {
      const happening = { eventId, subject: String(order.id), order };
      this.#floor.webhooks.publish(
        typeof telling === 'string'
          ? { ...happening, topic: telling, tells: 'state', body: () => orderBody(order) }
          : { ...happening, topic: telling[0], tells: 'name', body: telling[1] },
      );
    }
  }

  /** The search index follows seconds behind (SHP-6); the time is drawn per change. */
  #stamp(order: Order, now: number) {
    const { faults, timeScale } = this.#floor.ground;
    order.updatedAt = wholeSeconds(now);
    let lagMs = platformMs(this.#random.int(500, 4000), timeScale);
    for (const name of ['order_lag', 'search_lag']) lagMs = Math.max(lagMs, faults.dueMs(name) ?? 0);
    index(order, now, lagMs);
  }

  /** A change of stock or state: all its topics go out under one event. */
  #changed(order: Order, now: number, { tell, levels }: { tell: Telling[]; levels: Level[] }) {
    this.#stamp(order, now);
    changed(order, now);
    const eventId = this.#floor.webhooks.newEventId();
    this.#publish(order, tell, eventId);
    this.#shelves.changed(levels, eventId);
  }

  /** Stamps a change that moves no stock (tags, holds) and publishes it. */
  touch(order: Order) {
    this.#stamp(order, Date.now());
    this.#publish(order, ['ORDERS_UPDATED'], this.#floor.webhooks.newEventId());
  }

  // ---------------------------------------------------------------------------------------------------- selling

  sell(request: SellRequest): SellResult {
    const { state, ground } = this.#floor;
    if (ground.faults.hits('draft_reservation')) this.reserveAny();
    const wishes: Wish[] = [];
    for (const { sku, quantity } of request.lines) {
      const variants = state.variants.filter((variant) => variant.item.sku === sku);
      const [first] = variants;
      if (first === undefined) return { sold: false, reason: 'unknown_sku' };
      // Twins share the SKU but not the item; only variants of one item are interchangeable.
      const variant = this.#random.pick(variants.filter(({ item }) => item === first.item));
      wishes.push(...this.#wishesOf(variant, quantity));
    }
    if (request.force !== true && !this.#inStock(wishes)) return { sold: false, reason: 'out_of_stock' };
    if (ground.faults.hits('many_lines')) this.#fillUp(wishes);
    return this.#take(wishes);
  }

  /** SHP-9.10: the order carries the component lines; the parent is only their group. */
  #wishesOf(variant: Variant, quantity: number): Wish[] {
    if (variant.components.length === 0) return [{ variant, quantity, bundle: null }];
    const bundle = { id: this.#floor.state.ids.next('LineItemGroup'), parent: variant, quantity };
    return variant.components.map((part) => ({
      variant: part.variant,
      quantity: part.quantity * quantity,
      bundle,
    }));
  }

  #inStock(wishes: Wish[]): boolean {
    const wanted = new Map<InventoryItem, number>();
    for (const { variant, quantity } of wishes) {
      if (!variant.item.tracked || variant.policy === 'CONTINUE') continue;
      wanted.set(variant.item, (wanted.get(variant.item) ?? 0) + quantity);
    }
    return [...wanted].every(
      ([item, quantity]) =>
        (activeLevelAt(item, this.#floor.state.main)?.quantities.available ?? 0) >= quantity,
    );
  }

  /** SHP-10: an order that does not fit one page of lines. What is short is made up with untracked cards. */
  #fillUp(wishes: Wish[]) {
    const { variants } = this.#floor.state;
    const card = variants.find(({ product }) => product.giftCard);
    const goods = variants.filter(({ item, components }) => item.tracked && components.length === 0);
    for (let turn = 0; wishes.length < 120; turn += 1) {
      const variant = goods[turn];
      const wish = variant === undefined ? undefined : { variant, quantity: 1, bundle: null };
      if (wish !== undefined && this.#inStock([...wishes, wish])) wishes.push(wish);
      else if (turn >= goods.length) {
        if (card === undefined) return;
        wishes.push({ variant: card, quantity: 1, bundle: null });
      }
    }
  }

  #take(wishes: Wish[]): SellResult {
    const { state } = this.#floor;
    const now = Date.now();
    const order: Order = {
      ...newHistory(now),
      placedAt: wholeSeconds(now),
      id: state.ids.next('Order'),
      number: 1001 + state.orders.length,
      createdAt: wholeSeconds(now),
      updatedAt: wholeSeconds(now),
      cancelledAt: null,
      cancelReason: null,
      staffNote: null,
      edited: false,
      // SHP-9.3 and SHP-6: test orders move stock, and so do unpaid ones.
      test: this.#random.chance(0.03),
      unpaid: this.#random.chance(0.1),
      tags: [],
      lines: wishes.map((wish) => this.#newLine(wish)),
      refunds: [],
      fulfillments: [],
      fulfillmentOrders: [],
      indexed: [],
    };
    const levels = this.#toShip(order, order.lines, now);
    state.orders.push(order);
    state.ordersById.set(String(order.id), order);
    const tell = ['ORDERS_CREATE', 'ORDERS_UPDATED', ...(order.unpaid ? [] : ['ORDERS_PAID'])];
    this.#changed(order, now, { tell, levels });
    return {
      sold: true,
      order_id: String(order.id),
      lines: order.lines.map(({ id, sku, quantity }) => ({ line_id: String(id), sku, quantity })),
    };
  }

  #newLine({ variant, quantity, bundle }: Wish): Line {
    return {
      id: this.#floor.state.ids.next('LineItem'),
      variant,
      sku: variant.item.sku,
      title: variant.product.title,
      quantity,
      fulfilled: 0,
      cancelled: 0,
      returned: 0,
      writtenUnfulfilled: 0,
      writtenFulfilled: 0,
      bundle,
    };
  }

  /** New lines get a fulfilment order and take their units. Gives the levels that moved. */
  #toShip(order: Order, lines: Line[], now: number): Level[] {
    const rows = (): FulfillmentOrder['rows'] =>
      lines.map((line) => {
        const id = this.#floor.state.ids.next('FulfillmentOrderLineItem');
        return { id, line, total: line.quantity, remaining: line.quantity };
      });
    order.fulfillmentOrders.push(newFulfillmentOrder(this.#floor.state, rows, now));
    return lines.flatMap((line) =>
      this.#move(line, now, { available: -line.quantity, committed: line.quantity }),
    );
  }

  /** Moves units of a tracked line. Gives the level if what can be sold has changed. */
  #move(line: Line, now: number, by: { available: number; committed: number }): Level[] {
    const { item } = line.variant;
    const level = item.tracked ? levelAt(item, this.#floor.state.main) : undefined;
    if (level === undefined) return [];
    for (const name of ['available', 'committed'] as const) {
      if (by[name] !== 0) move(level, name, by[name], now);
    }
    return by.available === 0 ? [] : [level];
  }

  // ------------------------------------------------------------------------------------- cancel, refund, edit

  /** Takes units out of a line and writes the refund rows. Unfulfilled units go first. */
  #takeOut(line: Line, quantity: number, { restock, now }: { restock: boolean; now: number }) {
    const open = Math.min(quantity, unfulfilled(line));
    const shipped = Math.min(quantity - open, refundableFulfilled(line));
    const rows: Refund['rows'] = [];
    const levels: Level[] = [];
    const { state } = this.#floor;
    const row = (units: number, type: 'CANCEL' | 'RETURN') => {
      const id = state.ids.next('RefundLineItem');
      rows.push(
        restock
          ? { id, line, quantity: units, type, location: state.main }
          : { id, line, quantity: units, type: 'NO_RESTOCK', location: null },
      );
    };
    if (open > 0) {
      line[restock ? 'cancelled' : 'writtenUnfulfilled'] += open;
      levels.push(...this.#move(line, now, { available: restock ? open : 0, committed: -open }));
      row(open, 'CANCEL');
    }
    if (shipped > 0) {
      line[restock ? 'returned' : 'writtenFulfilled'] += shipped;
      levels.push(...this.#move(line, now, { available: restock ? shipped : 0, committed: 0 }));
      row(shipped, 'RETURN');
    }
    return { rows, levels };
  }

  #newRefund(order: Order, rows: Refund['rows'], now: number): Telling {
    const refund: Refund = { id: this.#floor.state.ids.next('Refund'), createdAt: now, rows };
    order.refunds.push(refund);
    return ['REFUNDS_CREATE', () => refundBody(order, refund)];
  }

  cancel(order: Order, how: { restock: boolean; reason: string; staffNote: string | null }) {
    if (order.cancelledAt !== null) return;
    const now = Date.now();
    const taken = order.lines.map((line) =>
      this.#takeOut(line, current(line), { restock: how.restock, now }),
    );
    const rows = taken.flatMap((part) => part.rows);
    order.cancelledAt = now;
    order.cancelReason = how.reason;
    order.staffNote = how.staffNote;
    for (const fulfillmentOrder of order.fulfillmentOrders) {
      fulfillmentOrder.holds = [];
      fulfillmentOrder.cancelled = fulfillmentOrder.rows.some(({ remaining }) => remaining > 0);
    }
    shrinkFulfillmentOrders(order, now);
    const tell: Telling[] = ['ORDERS_CANCELLED', 'ORDERS_UPDATED'];
    // SHP-2.7 [M]: a cancel writes refund rows of type cancel, or no_restock when nothing goes back.
    if (rows.length > 0) tell.push(this.#newRefund(order, rows, now));
    this.#changed(order, now, { tell, levels: taken.flatMap((part) => part.levels) });
  }

  /** Of the line of that id, or of the first with units left. */
  refund(order: Order, of: { lineId: string | undefined; quantity: number; restock: boolean }) {
    const refundable = (line: Line) => unfulfilled(line) + refundableFulfilled(line);
    const line =
      of.lineId === undefined
        ? order.lines.find((candidate) => refundable(candidate) > 0)
        : lineOf(order, of.lineId);
    const units = line === undefined ? 0 : Math.min(of.quantity, refundable(line));
    if (line === undefined || units <= 0) {
      throw new AppError('nothing_to_refund', `order ${order.id} has no such units left to refund`);
    }
    const now = Date.now();
    const { rows, levels } = this.#takeOut(line, units, { restock: of.restock, now });
    shrinkFulfillmentOrders(order, now);
    this.#changed(order, now, { tell: [this.#newRefund(order, rows, now), 'ORDERS_UPDATED'], levels });
  }

  edit(order: Order, { lineId, quantity }: { lineId: string; quantity: number }) {
    if (order.cancelledAt !== null) throw new AppError('not_editable', `order ${order.id} is cancelled`);
    const line = lineOf(order, lineId);
    const delta = quantity - current(line);
    const less = Math.min(-delta, unfulfilled(line));
    if (delta === 0 || (delta < 0 && less <= 0)) return;
    const now = Date.now();
    const levels: Level[] = [];
    const added: Line[] = [];
    const removed: { line: Line; quantity: number }[] = [];
    const tell: Telling[] = ['ORDERS_UPDATED'];
    if (delta > 0) {
      // SHP-9.19: what an edit adds comes as a line of its own.
      added.push(this.#newLine({ variant: line.variant, quantity: delta, bundle: line.bundle }));
      order.lines.push(...added);
      levels.push(...this.#toShip(order, added, now));
    } else {
      const out = this.#takeOut(line, less, { restock: true, now });
      levels.push(...out.levels);
      removed.push({ line, quantity: less });
      tell.push(this.#newRefund(order, out.rows, now));
      shrinkFulfillmentOrders(order, now);
    }
    order.edited = true;
    const body = editBody({ id: this.#floor.state.ids.next('OrderEdit'), at: now, added, removed }, order);
    this.#changed(order, now, { tell: [['ORDERS_EDITED', () => body], ...tell], levels });
  }

  // --------------------------------------------------------------------------------------------------- shipping

  ship(order: Order) {
    const { ids } = this.#floor.state;
    const now = Date.now();
    const rows: Fulfillment['rows'] = [];
    for (const fulfillmentOrder of order.fulfillmentOrders) {
      // Units on hold stay where they are (SHP-8).
      if (fulfillmentOrder.holds.length > 0) continue;
      for (const row of fulfillmentOrder.rows) {
        if (row.remaining === 0) continue;
        rows.push({ id: ids.next('FulfillmentLineItem'), line: row.line, quantity: row.remaining });
        this.#move(row.line, now, { available: 0, committed: -row.remaining });
        row.line.fulfilled += row.remaining;
        row.remaining = 0;
        fulfillmentOrder.updatedAt = now;
      }
    }
    if (rows.length === 0) return;
    const fulfillment: Fulfillment = { id: ids.next('Fulfillment'), createdAt: now, rows };
    order.fulfillments.push(fulfillment);
    const whole = order.lines.every((line) => unfulfilled(line) === 0);
    const tell: Telling[] = [
      ['FULFILLMENTS_CREATE', () => fulfillmentBody(order, fulfillment)],
      whole ? 'ORDERS_FULFILLED' : 'ORDERS_PARTIALLY_FULFILLED',
      'ORDERS_UPDATED',
    ];
    this.#changed(order, now, { tell, levels: [] });
  }

  /** By number or gid. */
  find(orderId: string): Order {
    const order = this.#floor.state.ordersById.get(orderId.split('/').at(-1) ?? '');
    if (order === undefined) throw new AppError('not_found', `no order ${orderId} in this shop`);
    return order;
  }

  /** A draft order takes one unit of anything that is in stock. */
  reserveAny() {
    const { state } = this.#floor;
    const inReach = state.items.filter(
      (item) => item.tracked && (activeLevelAt(item, state.main)?.quantities.available ?? 0) > 0,
    );
    if (inReach.length > 0) this.#shelves.reserveDraft(this.#random.pick(inReach), 1);
  }
}

function lineOf(order: Order, lineId: string): Line {
  const digits = lineId.split('/').at(-1) ?? '';
  const line = order.lines.find(({ id }) => String(id) === digits);
  if (line === undefined) throw new AppError('not_found', `no line ${lineId} in order ${order.id}`);
  return line;
}

/** Fulfilment orders follow what is left to ship, units on hold last. */
function shrinkFulfillmentOrders(order: Order, now: number) {
  const byHold = [...order.fulfillmentOrders].sort((a, b) => a.holds.length - b.holds.length);
  for (const line of order.lines) {
    const parts = byHold.flatMap((of) =>
      of.rows.filter((row) => row.line === line).map((row) => ({ of, row })),
    );
    let surplus = parts.reduce((sum, { row }) => sum + row.remaining, 0) - unfulfilled(line);
    for (const { of, row } of parts) {
      const units = Math.min(surplus, row.remaining);
      if (units <= 0) continue;
      row.remaining -= units;
      surplus -= units;
      of.updatedAt = now;
    }
  }
}
