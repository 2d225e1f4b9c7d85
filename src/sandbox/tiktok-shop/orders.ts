import { AppError } from '../../errors.ts';
import type { Agenda } from '../kit/agenda.ts';
import type { Random } from '../kit/random.ts';
import { platformMs } from '../kit/time.ts';
import type { SellRequest, SellResult } from '../shop.ts';
import type { Notifier } from './notifier.ts';
import { onSale } from './shelves.ts';
import type { Cancellation, CancelStatus, Order, OrderStatus, Return, Sku, State, Unit } from './state.ts';
import { seconds } from './state.ts';
import { availableOf, type Stock } from './stock.ts';
import { type LineGrain, linesOf } from './units.ts';

/** What shoppers, the seller and the platform do to orders (TTS-5). */
export interface Orders {
  sell(request: SellRequest): SellResult;
  /**
   * Calls units off that have not left; the platform gives them back to the listing, whatever the seller wants. Null
   * when all of them have left.
   */
  cancel(order: Order, wish: CancelWish): Cancellation | null;
  /** The goods were lost after collection: CANCELLED, and nothing comes back. */
  loseParcel(order: Order): void;
  /** Units called off (before shipping, with restock) or a return case, which moves no stock. */
  refund(order: Order, request: { lineId: string | undefined; quantity: number; restock: boolean }): void;
  /** Fewer units: the rest is called off. More: the platform has no such thing; the order is only told again. */
  edit(order: Order, request: { lineId: string; quantity: number }): void;
  ship(order: Order): void;
  /** Delivered, then completed. */
  arrive(order: Order): void;
  /** By id. Throws AppError `unknown_order`. */
  find(orderId: string): Order;
  /** Tasks that only move an order from one open state to the next. */
  sleeping(): number;
}

/** Who calls off what. `pending`: somebody has to decide first. */
interface CancelWish {
  units: readonly Unit[];
  role: Cancellation['role'];
  /** Default: a buyer's words. */
  reason?: string;
  pending?: true;
}

const hourMs = 3_600_000;

/** Units that can still be called off. */
export function heldUnits(order: Order): Unit[] {
  return order.units.filter((unit) => unit.status !== 'CANCELLED' && !unit.shipped);
}

/** Starts without orders. */
export function createOrders(deps: {
  state: State;
  stock: Stock;
  agenda: Agenda;
  notifier: Notifier;
  random: Random;
  grain: LineGrain;
}): Orders {
  const { state, stock, agenda, notifier, random, grain } = deps;
  const { faults } = state;
  let sleeping = 0;

  /** Later changes of an order become findable later. */
  const touch = (order: Order) => {
    const now = state.now();
    order.updatedAt = Math.max(now, order.updatedAt);
    const ownMs = platformMs(random.int(100, 2_000), state.timeScale);
    const lagMs = Math.max(ownMs, faults.dueMs('order_lag') ?? 0);
    const before = order.indexed.at(-1)?.visibleAt ?? 0;
    order.indexed.push({ updatedAt: order.updatedAt, visibleAt: Math.max(before, now + lagMs) });
    while (order.indexed.length > 1 && (order.indexed[1]?.visibleAt ?? now) < now) order.indexed.shift();
  };

  /** Units moved: what was heard so far is not the final state. */
  const moved = (order: Order) => {
    order.changedAt = state.now();
    order.revision += 1;
    touch(order);
  };

  const tellStatus = (order: Order) => {
    const { status } = order;
    // TTS-2.2: deliveries have another word for a cancelled order, and none for one that left in part.
    const told = status === 'PARTIALLY_SHIPPING' ? 'AWAITING_SHIPMENT' : status;
    const short = status === 'CANCELLED' && !faults.hits('cancelled_spelling');
    const data = {
      is_on_hold_order: status === 'ON_HOLD',
      order_id: order.id,
      order_status: short ? 'CANCEL' : told,
      update_time: seconds(order.updatedAt),
    };
    notifier.tell('ORDER_STATUS_CHANGE', order.id, data, order);
  };

  const enter = (order: Order, status: OrderStatus) => {
    order.status = status;
    for (const unit of order.units) {
      const waits = status === 'PARTIALLY_SHIPPING' && !unit.shipped;
      if (unit.status !== 'CANCELLED') unit.status = waits ? 'AWAITING_SHIPMENT' : status;
    }
    touch(order);
    tellStatus(order);
  };

  /** Runs later unless the order has gone on by itself; `pending` does not count these. */
  const later = (order: Order, from: OrderStatus, afterMs: number, act: () => void) => {
    sleeping += 1;
    agenda.add({
      afterMs,
      group: 'states',
      run() {
        sleeping -= 1;
        if (order.status === from) act();
      },
    });
  };

  const release = (order: Order) => {
    if (order.status === 'ON_HOLD') enter(order, 'AWAITING_SHIPMENT');
  };
  const pay = (order: Order) => {
    if (order.status !== 'UNPAID') return;
    order.paidAt = state.now();
    enter(order, 'ON_HOLD');
    later(order, 'ON_HOLD', platformMs(hourMs, state.timeScale), () => release(order));
  };

  const newOrder = (units: Unit[], changes: Partial<Order> = {}): Order => {
    const now = state.now();
    const order: Order = {
      id: state.ids.order(),
      status: 'UNPAID',
      createdAt: now,
      paidAt: null,
      updatedAt: now,
      collectedAt: null,
      cancelledAt: null,
      cancelledBy: null,
      asksToCancel: false,
      sample: faults.hits('sample_order'),
      replaces: null,
      byPlatform: units.some(({ sku }) => sku.holdings[0]?.warehouse.platform === true),
      units,
      changedAt: now,
      revision: 0,
      heardRevision: 0,
      lostRevision: 0,
      indexed: [],
      ...changes,
    };
    state.orders.push(order);
    state.ordersById.set(order.id, order);
    moved(order);
    return order;
  };

  const newUnits = (sku: Sku, quantity: number, facts: Partial<Unit> = {}): Unit[] =>
    Array.from({ length: quantity }, () => ({
      id: state.ids.lineItem(),
      sku,
      status: 'UNPAID',
      type: 'NORMAL',
      gift: false,
      shipped: false,
      refunded: false,
      cancelledBy: '',
      cancelReason: '',
      packageId: '',
      takes: stock.take(sku),
      ...facts,
    }));

  const wishesOf = (request: SellRequest): { sku: Sku; quantity: number }[] | null => {
    const wanted = new Map<Sku, number>();
    const wishes: { sku: Sku; quantity: number }[] = [];
    for (const { sku: sellerSku, quantity } of request.lines) {
      const listed = onSale(state, sellerSku);
      const left = (sku: Sku) => buyableOf(state, sku) - (wanted.get(sku) ?? 0);
      const sku = listed.find((one) => left(one) >= quantity) ?? listed[0];
      if (sku === undefined) return null;
      wanted.set(sku, (wanted.get(sku) ?? 0) + quantity);
      wishes.push({ sku, quantity });
    }
    return wishes;
  };

  const sell: Orders['sell'] = (request) => {
    const wishes = wishesOf(request);
    if (wishes === null) return { sold: false, reason: 'unknown_sku' };
    const wanted = new Map<Sku, number>();
    for (const { sku, quantity } of wishes) wanted.set(sku, (wanted.get(sku) ?? 0) + quantity);
    const there = [...wanted].every(([sku, quantity]) => buyableOf(state, sku) >= quantity);
    if (!there && request.force !== true) return { sold: false, reason: 'out_of_stock' };
    const type = faults.hits('pre_order') ? 'PRE_ORDER' : 'NORMAL';
    const units = wishes.flatMap(({ sku, quantity }) => newUnits(sku, quantity, { type }));
    const [first] = wishes;
    if (first !== undefined && availableOf(first.sku) > 0 && faults.hits('gift_line')) {
      units.push(...newUnits(first.sku, 1, { gift: true }));
    }
    const order = newOrder(units);
    tellStatus(order);
    startLife(order);
    const lines = linesOf(order, grain).map((line) => ({
      line_id: line.id,
      sku: line.sku,
      quantity: line.units.length,
    }));
    return { sold: true, order_id: order.id, lines };
  };

  /** Most buyers pay as they order; some take a minute, and some never do. */
  const startLife = (order: Order) => {
    const unpaidMs = faults.ms('unpaid');
    const stays = faults.hits('unpaid');
    if (faults.hits('never_pays')) {
      const afterMs = unpaidMs > 0 ? unpaidMs : platformMs(hourMs, state.timeScale);
      later(order, 'UNPAID', afterMs, () => void cancel(order, { units: heldUnits(order), role: 'SYSTEM' }));
    } else if (stays) {
      const afterMs = unpaidMs > 0 ? unpaidMs : platformMs(hourMs / 2, state.timeScale);
      later(order, 'UNPAID', afterMs, () => pay(order));
    } else if (random.chance(0.3)) {
      later(order, 'UNPAID', platformMs(random.int(5_000, 60_000), state.timeScale), () => pay(order));
    } else pay(order);
  };

  // ------------------------------------------------------------------------------------- cancellations, returns

  const tellCancel = (cancellation: Cancellation, status: CancelStatus) => {
    cancellation.status = status;
    cancellation.updatedAt = state.now();
    const { id, order, role, createdAt } = cancellation;
    const data = {
      order_id: order.id,
      cancellations_role: role,
      cancel_status: status,
      cancel_id: id,
      create_time: seconds(createdAt),
    };
    notifier.tell('CANCELLATION_STATUS_CHANGE', order.id, data, order);
  };

  const succeed = (cancellation: Cancellation) => {
    const { order, role } = cancellation;
    cancellation.units = cancellation.units.filter((unit) => unit.status !== 'CANCELLED' && !unit.shipped);
    for (const unit of cancellation.units) {
      stock.giveBack(unit);
      unit.status = 'CANCELLED';
      unit.cancelledBy = role;
      unit.cancelReason = cancellation.reason;
      // It is taken out of its parcel before the carrier comes.
      unit.packageId = '';
    }
    order.asksToCancel = false;
    moved(order);
    const kept = order.units.filter((unit) => unit.status !== 'CANCELLED');
    if (kept.length === 0) {
      order.cancelledAt = state.now();
      order.cancelledBy = role;
      order.status = 'CANCELLED';
    }
    tellCancel(cancellation, 'CANCELLATION_REQUEST_SUCCESS');
    if (kept.length === 0) tellStatus(order);
    else if (kept.every((unit) => unit.shipped)) enter(order, 'IN_TRANSIT');
    tellCancel(cancellation, 'CANCELLATION_REQUEST_COMPLETE');
  };

  const withdraw = (cancellation: Cancellation) => {
    if (cancellation.status !== 'CANCELLATION_REQUEST_PENDING') return;
    cancellation.order.asksToCancel = false;
    touch(cancellation.order);
    tellCancel(cancellation, 'CANCELLATION_REQUEST_CANCELLED');
  };

  const cancel: Orders['cancel'] = (order, { units, role, pending, reason }) => {
    const held = units.filter((unit) => heldUnits(order).includes(unit));
    if (held.length === 0) return null;
    const now = state.now();
    const cancellation: Cancellation = {
      id: state.ids.cancellation(),
      order,
      units: held,
      type: role === 'BUYER' ? 'BUYER_CANCEL' : 'CANCEL',
      role,
      reason: reason ?? 'No longer needed',
      status: 'CANCELLATION_REQUEST_PENDING',
      createdAt: now,
      updatedAt: now,
    };
    state.cancellations.push(cancellation);
    if (pending !== true) {
      succeed(cancellation);
      return cancellation;
    }
    order.asksToCancel = true;
    touch(order);
    tellCancel(cancellation, 'CANCELLATION_REQUEST_PENDING');
    agenda.add({
      afterMs: platformMs(48 * hourMs, state.timeScale),
      group: 'decisions',
      run() {
        if (cancellation.status !== 'CANCELLATION_REQUEST_PENDING') return;
        if (faults.hits('cancel_withdrawn')) withdraw(cancellation);
        else succeed(cancellation);
      },
    });
    return cancellation;
  };

  const openReturn = (order: Order, units: Unit[], type: Return['type']) => {
    const now = state.now();
    const flow =
      type === 'REPLACEMENT'
        ? ['REPLACEMENT_REQUEST_PENDING', 'REPLACEMENT_REQUEST_COMPLETE']
        : type === 'REFUND'
          ? ['RETURN_OR_REFUND_REQUEST_PENDING', 'RETURN_OR_REFUND_REQUEST_COMPLETE']
          : ['RETURN_OR_REFUND_REQUEST_PENDING', 'BUYER_SHIPPED_ITEM', 'RETURN_OR_REFUND_REQUEST_COMPLETE'];
    const made: Return = {
      id: state.ids.return(),
      order,
      units,
      type,
      role: 'BUYER',
      status: '',
      createdAt: now,
      updatedAt: now,
    };
    state.returns.push(made);
    for (const unit of units) unit.refunded = true;
    touch(order);
    for (const status of flow) {
      made.status = status;
      const data = {
        order_id: order.id,
        return_role: made.role,
        return_type: type,
        return_status: status,
        return_id: made.id,
        create_time: seconds(made.createdAt),
        update_time: seconds(made.updatedAt),
      };
      notifier.tell('RETURN_STATUS_CHANGE', order.id, data, order);
    }
    if (type === 'REPLACEMENT') sendAgain(order, units);
  };

  /** TTS-2.2: a replacement is a new order, and takes stock again. */
  const sendAgain = (order: Order, units: Unit[]) => {
    const fresh = units.flatMap(({ sku }) => newUnits(sku, 1));
    const replacement = newOrder(fresh, { replaces: order.id, paidAt: state.now() });
    enter(replacement, 'AWAITING_SHIPMENT');
  };

  const unitsOfLine = (order: Order, lineId: string): Unit[] => {
    const units = order.units.filter((unit) => unit.id === lineId || unit.sku.id === lineId);
    const [only] = units;
    if (only === undefined) throw new AppError('unknown_line', `order ${order.id} has no line ${lineId}`);
    // A line that is named by its first unit stands for all units of the SKU where lines are told that way.
    if (grain !== 'first') return units;
    return order.units.filter((unit) => unit.sku === only.sku);
  };

  const refund: Orders['refund'] = (order, { lineId, quantity, restock }) => {
    const all = lineId === undefined ? order.units : unitsOfLine(order, lineId);
    const left = all.filter((unit) => unit.status !== 'CANCELLED' && !unit.refunded);
    if (left.length === 0) {
      throw new AppError('nothing_to_refund', `order ${order.id} has no such units left to refund`);
    }
    const units = left.slice(-quantity);
    const held = units.filter((unit) => !unit.shipped);
    if (restock && held.length > 0) cancel(order, { units: held, role: 'SELLER' });
    const rest = restock ? units.filter((unit) => unit.shipped) : units;
    if (rest.length === 0) return;
    const back = restock ? (faults.hits('replacement') ? 'REPLACEMENT' : 'RETURN_AND_REFUND') : 'REFUND';
    openReturn(order, rest, back);
  };

  // ------------------------------------------------------------------------------------------------- edit, ship

  const ship: Orders['ship'] = (order) => {
    pay(order);
    release(order);
    // TTS-7.11: shipping rejects a cancellation that waits.
    for (const one of state.cancellations) if (one.order === order) withdraw(one);
    const held = heldUnits(order);
    if (held.length === 0) return;
    const part = held.length > 1 && faults.hits('partial_ship');
    const leaving = part ? held.slice(0, Math.ceil(held.length / 2)) : held;
    const packageId = state.ids.package();
    for (const unit of leaving) unit.packageId = packageId;
    const sc_package = { package_id: packageId, order_id_list: [order.id] };
    notifier.tell('PACKAGE_UPDATE', order.id, { sc_type: 1, role_type: 1, package_list: [sc_package] });
    const collect = () => {
      order.collectedAt ??= state.now();
      for (const unit of leaving) {
        if (unit.status === 'CANCELLED' || unit.shipped) continue;
        stock.ship(unit);
        unit.shipped = true;
      }
      moved(order);
      enter(order, part && heldUnits(order).length > 0 ? 'PARTIALLY_SHIPPING' : 'IN_TRANSIT');
    };
    if (!part) enter(order, 'AWAITING_COLLECTION');
    if (part || !faults.hits('slow_collection')) return collect();
    const afterMs = platformMs(hourMs, state.timeScale);
    agenda.add({
      afterMs,
      group: 'decisions',
      run: () => (order.status === 'AWAITING_COLLECTION' ? collect() : undefined),
    });
  };

  return {
    sell,
    cancel,
    refund,
    ship,
    loseParcel(order) {
      if (order.status === 'CANCELLED') return;
      order.cancelledAt = state.now();
      order.cancelledBy = 'SYSTEM';
      moved(order);
      enter(order, 'CANCELLED');
    },
    edit(order, { lineId, quantity }) {
      const units = unitsOfLine(order, lineId).filter((unit) => unit.status !== 'CANCELLED');
      const fewer = units.filter((unit) => !unit.shipped).slice(0, Math.max(0, units.length - quantity));
      if (fewer.length > 0) return void cancel(order, { units: fewer.reverse(), role: 'SELLER' });
      touch(order);
      tellStatus(order);
    },
    arrive(order) {
      if (order.status !== 'IN_TRANSIT') return;
      enter(order, 'DELIVERED');
      enter(order, 'COMPLETED');
    },
    find(orderId) {
      const order = state.ordersById.get(orderId);
      if (order === undefined) throw new AppError('unknown_order', `no order ${orderId} in this shop`);
      return order;
    },
    sleeping: () => sleeping,
  };
}

/** What a shopper can buy: nothing of a RESTRICTED or disabled warehouse, nothing that is reserved. */
function buyableOf(state: State, sku: Sku): number {
  if (state.faults.armed().includes('holiday_mode')) return 0;
  const open = sku.holdings.filter(({ warehouse }) => warehouse.status === 'ENABLED');
  if (sku.parts.length > 0) return availableOf(sku);
  const there = open.reduce((sum, { available }) => sum + available, 0);
  return Math.max(0, there - sku.campaign - sku.creator);
}
