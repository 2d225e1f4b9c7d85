import { AppError } from '../../errors.ts';
import type { Faults } from '../kit/faults.ts';
import type { Random } from '../kit/random.ts';
import { platformMs } from '../kit/time.ts';
import type { SellRequest, SellResult } from '../shop.ts';
import { editBody, fulfillmentBody, levelBody, orderBody, productBody, refundBody } from './bodies.ts';
import { wholeSeconds } from './moment.ts';
import {
  activeLevelAt,
  bundleStock,
  current,
  type Fulfillment,
  type InventoryItem,
  type Level,
  type Line,
  levelAt,
  move,
  type Order,
  type Refund,
  refundableFulfilled,
  type ShopState,
  unfulfilled,
  type Variant,
} from './state.ts';
import type { Webhooks } from './webhooks.ts';

/** What shoppers and the merchant do. Quantities move as SHP-2.6 to SHP-2.7 tells; each act is one event. */
export interface Orders {
  sell(request: SellRequest): SellResult;
  cancel(order: Order, how: { restock: boolean; reason: string; staffNote: string | null }): void;
  refund(order: Order, request: { lineId: string | undefined; quantity: number; restock: boolean }): void;
  edit(order: Order, request: { lineId: string; quantity: number }): void;
  ship(order: Order): void;
  /** Sets what the level shows, by hand or by a write, and tells the world. */
  setAvailable(level: Level, quantity: number): void;
  /** A draft order that reserves: available falls, and no order topic fires (SHP-6). */
  reserveDraft(item: InventoryItem, quantity: number): void;
  /** The same for one unit of anything that is in stock. */
  reserveAny(): void;
  /** By number or gid. Throws AppError `not_found`. */
  find(orderId: string): Order;
  /** Stamps a change that moves no stock (tags, holds) and publishes it. */
  touch(order: Order): void;
  levelsChanged(levels: Iterable<Level>, eventId?: string): void;
}

export interface OrderDeps {
  state: ShopState;
  webhooks: Webhooks;
  faults: Faults;
  random: Random;
  timeScale: number;
}

interface Wish {
  variant: Variant;
  quantity: number;
  bundle: Line['bundle'];
}

export function createOrders(deps: OrderDeps): Orders {
  const { state, webhooks, faults, random, timeScale } = deps;

  // ------------------------------------------------------------------------------------------------ publishing

  const publishOrder = (topic: string, order: Order, eventId: string) =>
    webhooks.publish({
      topic,
      eventId,
      subject: String(order.id),
      order,
      tells: 'state',
      body: () => orderBody(order),
    });

  const publishNaming = (topic: string, order: Order, eventId: string, body: () => Record<string, unknown>) =>
    webhooks.publish({ topic, eventId, subject: String(order.id), order, tells: 'name', body });

  const levelsChanged = (levels: Iterable<Level>, eventId = webhooks.newEventId()) => {
    const products = new Set<Variant['product']>();
    for (const level of new Set(levels)) {
      webhooks.publish({
        topic: 'INVENTORY_LEVELS_UPDATE',
        eventId,
        subject: String(level.item.id),
        late: true,
        body: () => levelBody(level),
      });
      for (const { product } of level.item.variants) products.add(product);
    }
    // SHP-2.1: `products/update` also fires on changes of stock. It is a firehose (9.6).
    for (const product of products) {
      product.updatedAt = wholeSeconds(Date.now());
      webhooks.publish({
        topic: 'PRODUCTS_UPDATE',
        eventId,
        subject: String(product.id),
        body: () => productBody(product),
      });
    }
  };

  /** The search index follows seconds behind (SHP-6); the time is drawn per change. */
  const stamp = (order: Order, now: number) => {
    order.updatedAt = wholeSeconds(now);
    let lagMs = platformMs(random.int(500, 4000), timeScale);
    for (const name of ['order_lag', 'search_lag']) lagMs = Math.max(lagMs, faults.dueMs(name) ?? 0);
    // The index takes changes in order: a later one never becomes findable before an earlier one.
    const before = order.indexed.at(-1)?.visibleAt ?? 0;
    order.indexed.push({ updatedAt: order.updatedAt, visibleAt: Math.max(before, now + lagMs) });
    while (order.indexed.length > 1 && (order.indexed[1]?.visibleAt ?? now) < now) order.indexed.shift();
  };

  const changed = (order: Order, now: number) => {
    stamp(order, now);
    order.changedAt = now;
    order.revision += 1;
  };

  // ---------------------------------------------------------------------------------------------------- selling

  const sell = (request: SellRequest): SellResult => {
    if (faults.hits('draft_reservation')) reserveAny();
    const wishes: Wish[] = [];
    for (const { sku, quantity } of request.lines) {
      const variants = state.variants.filter((variant) => variant.item.sku === sku);
      const [first] = variants;
      if (first === undefined) return { sold: false, reason: 'unknown_sku' };
      // Twins share the SKU but not the item; only variants of one item are interchangeable.
      const variant = random.pick(variants.filter(({ item }) => item === first.item));
      wishes.push(...wishesOf(variant, quantity));
    }
    if (request.force !== true && !inStock(wishes)) return { sold: false, reason: 'out_of_stock' };
    if (faults.hits('many_lines')) fillUp(wishes);
    return take(wishes);
  };

  /** SHP-9.10: the order carries the component lines; the parent is only their group. */
  const wishesOf = (variant: Variant, quantity: number): Wish[] => {
    if (variant.components.length === 0) return [{ variant, quantity, bundle: null }];
    const bundle = { id: state.ids.next('LineItemGroup'), parent: variant, quantity };
    return variant.components.map((part) => ({
      variant: part.variant,
      quantity: part.quantity * quantity,
      bundle,
    }));
  };

  const inStock = (wishes: Wish[]): boolean => {
    const wanted = new Map<InventoryItem, number>();
    for (const { variant, quantity } of wishes) {
      if (!variant.item.tracked || variant.policy === 'CONTINUE') continue;
      wanted.set(variant.item, (wanted.get(variant.item) ?? 0) + quantity);
    }
    return [...wanted].every(
      ([item, quantity]) => (activeLevelAt(item, state.main)?.quantities.available ?? 0) >= quantity,
    );
  };

  /** SHP-10: an order that does not fit one page of lines. What is short is made up with untracked cards. */
  const fillUp = (wishes: Wish[]) => {
    const card = state.variants.find(({ product }) => product.giftCard);
    const goods = state.variants.filter(({ item, components }) => item.tracked && components.length === 0);
    for (let turn = 0; wishes.length < 120; turn += 1) {
      const variant = goods[turn];
      const wish = variant === undefined ? undefined : { variant, quantity: 1, bundle: null };
      if (wish !== undefined && inStock([...wishes, wish])) wishes.push(wish);
      else if (turn >= goods.length) {
        if (card === undefined) return;
        wishes.push({ variant: card, quantity: 1, bundle: null });
      }
    }
  };

  const take = (wishes: Wish[]): SellResult => {
    const now = Date.now();
    const order: Order = {
      id: state.ids.next('Order'),
      number: 1001 + state.orders.length,
      createdAt: wholeSeconds(now),
      updatedAt: wholeSeconds(now),
      cancelledAt: null,
      cancelReason: null,
      staffNote: null,
      edited: false,
      // SHP-9.3 and SHP-6: test orders move stock, and so do unpaid ones.
      test: random.chance(0.03),
      unpaid: random.chance(0.1),
      tags: [],
      lines: [],
      refunds: [],
      fulfillments: [],
      fulfillmentOrders: [],
      changedAt: now,
      revision: 0,
      heardRevision: -1,
      indexed: [],
    };
    order.lines = wishes.map((wish) => newLine(wish));
    order.fulfillmentOrders.push({
      id: state.ids.next('FulfillmentOrder'),
      createdAt: now,
      updatedAt: now,
      rows: order.lines.map((line) => foRow(line)),
      holds: [],
      cancelled: false,
    });
    const levels = order.lines.flatMap((line) => commit(line, line.quantity, now));
    changed(order, now);
    state.orders.push(order);
    state.ordersById.set(String(order.id), order);
    const eventId = webhooks.newEventId();
    publishOrder('ORDERS_CREATE', order, eventId);
    publishOrder('ORDERS_UPDATED', order, eventId);
    if (!order.unpaid) publishOrder('ORDERS_PAID', order, eventId);
    levelsChanged(levels, eventId);
    return {
      sold: true,
      order_id: String(order.id),
      lines: order.lines.map((line) => ({
        line_id: String(line.id),
        sku: line.sku,
        quantity: line.quantity,
      })),
    };
  };

  const newLine = ({ variant, quantity, bundle }: Wish): Line => ({
    id: state.ids.next('LineItem'),
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
  });

  const foRow = (line: Line) => ({
    id: state.ids.next('FulfillmentOrderLineItem'),
    line,
    total: line.quantity,
    remaining: line.quantity,
  });

  /** Units of a line from available to committed, or back when negative. Gives the levels that moved. */
  const commit = (line: Line, quantity: number, now: number): Level[] => {
    const level = tracked(line);
    if (level === undefined || quantity === 0) return [];
    move(level, 'available', -quantity, now);
    move(level, 'committed', quantity, now);
    return [level];
  };

  /** Committed units leave the shelf: shipped, or written off. */
  const leave = (line: Line, quantity: number, now: number) => {
    const level = tracked(line);
    if (level !== undefined) move(level, 'committed', -quantity, now);
  };

  const comeBack = (line: Line, quantity: number, now: number): Level[] => {
    const level = tracked(line);
    if (level === undefined || quantity === 0) return [];
    move(level, 'available', quantity, now);
    return [level];
  };

  const tracked = (line: Line): Level | undefined =>
    line.variant.item.tracked ? levelAt(line.variant.item, state.main) : undefined;

  // ------------------------------------------------------------------------------------- cancel, refund, edit

  /** Takes units out of a line and writes the refund rows. Unfulfilled units go first. */
  const takeOut = (line: Line, quantity: number, restock: boolean, now: number) => {
    const open = Math.min(quantity, unfulfilled(line));
    const shipped = Math.min(quantity - open, refundableFulfilled(line));
    const rows: Refund['rows'] = [];
    const levels: Level[] = [];
    const row = (units: number, type: 'CANCEL' | 'RETURN' | 'NO_RESTOCK') => {
      const location = type === 'NO_RESTOCK' ? null : state.main;
      rows.push({ id: state.ids.next('RefundLineItem'), line, quantity: units, type, location });
    };
    if (open > 0) {
      if (restock) {
        line.cancelled += open;
        levels.push(...commit(line, -open, now));
      } else {
        line.writtenUnfulfilled += open;
        leave(line, open, now);
      }
      row(open, restock ? 'CANCEL' : 'NO_RESTOCK');
    }
    if (shipped > 0) {
      if (restock) {
        line.returned += shipped;
        levels.push(...comeBack(line, shipped, now));
      } else line.writtenFulfilled += shipped;
      row(shipped, restock ? 'RETURN' : 'NO_RESTOCK');
    }
    return { rows, levels };
  };

  /** Fulfilment orders follow what is left to ship, units on hold last. */
  const shrinkFulfillmentOrders = (order: Order, now: number) => {
    for (const line of order.lines) {
      let surplus =
        order.fulfillmentOrders
          .flatMap(({ rows }) => rows)
          .filter((row) => row.line === line)
          .reduce((sum, row) => sum + row.remaining, 0) - unfulfilled(line);
      const byHold = [...order.fulfillmentOrders].sort((a, b) => a.holds.length - b.holds.length);
      for (const fulfillmentOrder of byHold) {
        for (const row of fulfillmentOrder.rows) {
          if (row.line !== line || surplus <= 0 || row.remaining === 0) continue;
          const units = Math.min(surplus, row.remaining);
          row.remaining -= units;
          surplus -= units;
          fulfillmentOrder.updatedAt = now;
        }
      }
    }
  };

  const newRefund = (order: Order, rows: Refund['rows'], now: number, note: string | null): Refund => {
    const refund: Refund = { id: state.ids.next('Refund'), createdAt: now, note, rows };
    order.refunds.push(refund);
    return refund;
  };

  const publishRefund = (order: Order, refund: Refund, eventId: string) =>
    publishNaming('REFUNDS_CREATE', order, eventId, () => refundBody(order, refund));

  const cancel: Orders['cancel'] = (order, { restock, reason, staffNote }) => {
    if (order.cancelledAt !== null) return;
    const now = Date.now();
    const taken = order.lines.map((line) => takeOut(line, current(line), restock, now));
    const rows = taken.flatMap((part) => part.rows);
    const levels = taken.flatMap((part) => part.levels);
    order.cancelledAt = now;
    order.cancelReason = reason;
    order.staffNote = staffNote;
    for (const fulfillmentOrder of order.fulfillmentOrders) {
      fulfillmentOrder.holds = [];
      fulfillmentOrder.cancelled = fulfillmentOrder.rows.some(({ remaining }) => remaining > 0);
    }
    shrinkFulfillmentOrders(order, now);
    // SHP-2.7 [M]: a cancel writes refund rows of type cancel, or no_restock when nothing goes back.
    const refund = rows.length > 0 ? newRefund(order, rows, now, null) : null;
    changed(order, now);
    const eventId = webhooks.newEventId();
    publishOrder('ORDERS_CANCELLED', order, eventId);
    publishOrder('ORDERS_UPDATED', order, eventId);
    if (refund !== null) publishRefund(order, refund, eventId);
    levelsChanged(levels, eventId);
  };

  const refund: Orders['refund'] = (order, { lineId, quantity, restock }) => {
    const refundable = (line: Line) => unfulfilled(line) + refundableFulfilled(line);
    const line =
      lineId === undefined
        ? order.lines.find((candidate) => refundable(candidate) > 0)
        : lineOf(order, lineId);
    const units = line === undefined ? 0 : Math.min(quantity, refundable(line));
    if (line === undefined || units <= 0) {
      throw new AppError('nothing_to_refund', `order ${order.id} has no such units left to refund`);
    }
    const now = Date.now();
    const { rows, levels } = takeOut(line, units, restock, now);
    shrinkFulfillmentOrders(order, now);
    const record = newRefund(order, rows, now, null);
    changed(order, now);
    const eventId = webhooks.newEventId();
    publishRefund(order, record, eventId);
    publishOrder('ORDERS_UPDATED', order, eventId);
    levelsChanged(levels, eventId);
  };

  const edit: Orders['edit'] = (order, { lineId, quantity }) => {
    if (order.cancelledAt !== null) throw new AppError('not_editable', `order ${order.id} is cancelled`);
    const line = lineOf(order, lineId);
    const delta = quantity - current(line);
    const removed = Math.min(-delta, unfulfilled(line));
    if (delta === 0 || (delta < 0 && removed <= 0)) return;
    const now = Date.now();
    const eventId = webhooks.newEventId();
    const levels: Level[] = [];
    const added: Line[] = [];
    let record: Refund | null = null;
    if (delta > 0) {
      // SHP-9.19: what an edit adds comes as a line of its own.
      const extra = newLine({ variant: line.variant, quantity: delta, bundle: line.bundle });
      order.lines.push(extra);
      added.push(extra);
      order.fulfillmentOrders.push({
        id: state.ids.next('FulfillmentOrder'),
        createdAt: now,
        updatedAt: now,
        rows: [foRow(extra)],
        holds: [],
        cancelled: false,
      });
      levels.push(...commit(extra, delta, now));
    } else {
      const out = takeOut(line, removed, true, now);
      levels.push(...out.levels);
      record = newRefund(order, out.rows, now, null);
      shrinkFulfillmentOrders(order, now);
    }
    order.edited = true;
    changed(order, now);
    const removals = delta < 0 ? [{ line, quantity: removed }] : [];
    const body = editBody({ id: state.ids.next('OrderEdit'), at: now, added, removed: removals }, order);
    publishNaming('ORDERS_EDITED', order, eventId, () => body);
    publishOrder('ORDERS_UPDATED', order, eventId);
    if (record !== null) publishRefund(order, record, eventId);
    levelsChanged(levels, eventId);
  };

  // --------------------------------------------------------------------------------------------------- shipping

  const ship = (order: Order) => {
    const now = Date.now();
    const rows: Fulfillment['rows'] = [];
    for (const fulfillmentOrder of order.fulfillmentOrders) {
      // Units on hold stay where they are (SHP-8).
      if (fulfillmentOrder.holds.length > 0) continue;
      for (const row of fulfillmentOrder.rows) {
        if (row.remaining === 0) continue;
        rows.push({ id: state.ids.next('FulfillmentLineItem'), line: row.line, quantity: row.remaining });
        leave(row.line, row.remaining, now);
        row.line.fulfilled += row.remaining;
        row.remaining = 0;
        fulfillmentOrder.updatedAt = now;
      }
    }
    if (rows.length === 0) return;
    const fulfillment: Fulfillment = { id: state.ids.next('Fulfillment'), createdAt: now, rows };
    order.fulfillments.push(fulfillment);
    changed(order, now);
    const eventId = webhooks.newEventId();
    const whole = order.lines.every((line) => unfulfilled(line) === 0);
    publishNaming('FULFILLMENTS_CREATE', order, eventId, () => fulfillmentBody(order, fulfillment));
    publishOrder(whole ? 'ORDERS_FULFILLED' : 'ORDERS_PARTIALLY_FULFILLED', order, eventId);
    publishOrder('ORDERS_UPDATED', order, eventId);
  };

  // ------------------------------------------------------------------------------------------------------ stock

  const setAvailable = (level: Level, quantity: number) => {
    move(level, 'available', quantity - level.quantities.available, Date.now());
    levelsChanged([level]);
  };

  const reserveDraft = (item: InventoryItem, quantity: number) => {
    const level = levelAt(item, state.main);
    if (level === undefined) return;
    const now = Date.now();
    move(level, 'available', -quantity, now);
    move(level, 'reserved', quantity, now);
    levelsChanged([level]);
  };

  const reserveAny = () => {
    const inReach = state.items.filter(
      (item) => item.tracked && (activeLevelAt(item, state.main)?.quantities.available ?? 0) > 0,
    );
    if (inReach.length > 0) reserveDraft(random.pick(inReach), 1);
  };

  const find = (orderId: string): Order => {
    const order = state.ordersById.get(orderId.split('/').at(-1) ?? '');
    if (order === undefined) throw new AppError('not_found', `no order ${orderId} in this shop`);
    return order;
  };

  const lineOf = (order: Order, lineId: string): Line => {
    const digits = lineId.split('/').at(-1) ?? '';
    const line = order.lines.find(({ id }) => String(id) === digits);
    if (line === undefined) throw new AppError('not_found', `no line ${lineId} in order ${order.id}`);
    return line;
  };

  const touch = (order: Order) => {
    stamp(order, Date.now());
    publishOrder('ORDERS_UPDATED', order, webhooks.newEventId());
  };

  return {
    sell,
    cancel,
    refund,
    edit,
    ship,
    setAvailable,
    reserveDraft,
    reserveAny,
    find,
    touch,
    levelsChanged,
  };
}

/** What the shop shows of a bundle parent or an item at its main location; null when there is no number. */
export function shownOf(state: ShopState, item: InventoryItem): number | null {
  if (!item.tracked) return null;
  const parent = item.variants.find(({ components }) => components.length > 0);
  if (parent !== undefined) return bundleStock(parent, state.main);
  return activeLevelAt(item, state.main)?.quantities.available ?? null;
}
