import { AppError } from '../../errors.ts';
import { changed, index, orderOf } from '../kit/orders.ts';
import type { Random } from '../kit/random.ts';
import { picksOf } from '../kit/shelves.ts';
import { platformMs } from '../kit/time.ts';
import type { SellRequest, SellResult } from '../shop.ts';
import type { Notifier } from './notifier.ts';
import { onSale } from './shelves.ts';
import {
  type Cancellation,
  type CancelStatus,
  newOrder,
  newUnit,
  type Order,
  type OrderStatus,
  type Return,
  type Sku,
  type State,
  seconds,
  type Unit,
} from './state.ts';
import { availableOf, type Stock } from './stock.ts';
import { type LineGrain, linesOf } from './units.ts';

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

function keptUnits(order: Order): Unit[] {
  return order.units.filter((unit) => unit.status !== 'CANCELLED');
}

/** The states that the platform gives a return, by its type. */
const returnFlows: Readonly<Record<Return['type'], readonly string[]>> = {
  REPLACEMENT: ['REPLACEMENT_REQUEST_PENDING', 'REPLACEMENT_REQUEST_COMPLETE'],
  REFUND: ['RETURN_OR_REFUND_REQUEST_PENDING', 'RETURN_OR_REFUND_REQUEST_COMPLETE'],
  RETURN_AND_REFUND: [
    'RETURN_OR_REFUND_REQUEST_PENDING',
    'BUYER_SHIPPED_ITEM',
    'RETURN_OR_REFUND_REQUEST_COMPLETE',
  ],
};

/** What shoppers, the seller and the platform do to orders (TTS-5). */
export class Orders {
  readonly #state: State;
  readonly #stock: Stock;
  readonly #notifier: Notifier;
  readonly #grain: LineGrain;
  readonly #random: Random;

  /** Starts without orders. */
  constructor(state: State, deps: { stock: Stock; notifier: Notifier; grain: LineGrain }) {
    this.#state = state;
    this.#stock = deps.stock;
    this.#notifier = deps.notifier;
    this.#grain = deps.grain;
    this.#random = state.random.fork('orders');
  }

  /** By id. Throws AppError `unknown_order`. */
  find(orderId: string): Order {
    return orderOf(this.#state.orders, orderId);
  }

  /** Later changes of an order become findable later. */
  #touch(order: Order): void {
    const { now, faults } = this.#state;
    order.updatedAt = Math.max(now(), order.updatedAt);
    const ownMs = this.#scaled(this.#random.int(100, 2_000));
    index(order, now(), Math.max(ownMs, faults.dueMs('order_lag') ?? 0));
  }

  /** Units moved: what was heard so far is not the final state. */
  #moved(order: Order): void {
    changed(order, this.#state.now());
    this.#touch(order);
  }

  #tellStatus(order: Order): void {
    const { status } = order;
    // TTS-2.2: deliveries have another word for a cancelled order, and none for one that left in part.
    const told = status === 'PARTIALLY_SHIPPING' ? 'AWAITING_SHIPMENT' : status;
    const short = status === 'CANCELLED' && !this.#state.faults.hits('cancelled_spelling');
    const data = {
      is_on_hold_order: status === 'ON_HOLD',
      order_id: order.id,
      order_status: short ? 'CANCEL' : told,
      update_time: seconds(order.updatedAt),
    };
    this.#notifier.tell('ORDER_STATUS_CHANGE', order.id, data, order);
  }

  #enter(order: Order, status: OrderStatus): void {
    order.status = status;
    for (const unit of keptUnits(order)) {
      const waits = status === 'PARTIALLY_SHIPPING' && !unit.shipped;
      unit.status = waits ? 'AWAITING_SHIPMENT' : status;
    }
    this.#touch(order);
    this.#tellStatus(order);
  }

  #scaled(realMs: number): number {
    return platformMs(realMs, this.#state.timeScale);
  }

  /** Runs later unless the order has gone on by itself; a shop with only these to come is quiet. */
  #later(order: Order, afterMs: number, act: () => void): void {
    const { status } = order;
    const run = () => (order.status === status ? act() : undefined);
    this.#state.agenda.add({ afterMs, group: 'states', run });
  }

  #release(order: Order): void {
    if (order.status === 'ON_HOLD') this.#enter(order, 'AWAITING_SHIPMENT');
  }

  #pay(order: Order): void {
    if (order.status !== 'UNPAID') return;
    order.paidAt = this.#state.now();
    this.#enter(order, 'ON_HOLD');
    this.#later(order, this.#scaled(hourMs), () => this.#release(order));
  }

  // ---------------------------------------------------------------------------------------------------- selling

  sell(request: SellRequest): SellResult {
    const { faults } = this.#state;
    const placesOf = (sku: string) => onSale(this.#state, sku);
    const picks = picksOf(request, placesOf, (sku) => buyableOf(this.#state, sku));
    if (typeof picks === 'string') return { sold: false, reason: picks };
    const type = faults.hits('pre_order') ? 'PRE_ORDER' : 'NORMAL';
    const units = picks.flatMap(({ place, quantity }) => this.#newUnits(place, quantity, { type }));
    const first = picks[0]?.place;
    if (first !== undefined && availableOf(first) > 0 && faults.hits('gift_line')) {
      units.push(...this.#newUnits(first, 1, { gift: true }));
    }
    const order = this.#newOrder(units);
    this.#tellStatus(order);
    this.#startLife(order);
    const lines = linesOf(order, this.#grain);
    return {
      sold: true,
      order_id: order.id,
      lines: lines.map((line) => ({ line_id: line.id, sku: line.sku, quantity: line.units.length })),
    };
  }

  #newUnits(sku: Sku, quantity: number, facts: Partial<Unit> = {}): Unit[] {
    const { ids } = this.#state;
    return Array.from({ length: quantity }, () => {
      const id = ids.lineItem();
      return { ...newUnit(id, sku, this.#stock.take(sku)), ...facts };
    });
  }

  #newOrder(units: Unit[], changes: Partial<Order> = {}): Order {
    const order = { ...newOrder(this.#state, units), ...changes };
    this.#state.orders.set(order.id, order);
    this.#moved(order);
    return order;
  }

  /** Most buyers pay as they order; some take a minute, and some never do. */
  #startLife(order: Order): void {
    const { faults } = this.#state;
    const unpaidMs = faults.ms('unpaid');
    const stays = faults.hits('unpaid');
    const later = (realMs: number, act: () => void) =>
      this.#later(order, unpaidMs > 0 ? unpaidMs : this.#scaled(realMs), act);
    if (faults.hits('never_pays')) {
      later(hourMs, () => void this.cancel(order, { units: heldUnits(order), role: 'SYSTEM' }));
    } else if (stays) later(hourMs / 2, () => this.#pay(order));
    else if (this.#random.chance(0.3)) {
      this.#later(order, this.#scaled(this.#random.int(5_000, 60_000)), () => this.#pay(order));
    } else this.#pay(order);
  }

  // ------------------------------------------------------------------------------------- cancellations, returns

  #tellCancel(cancellation: Cancellation, status: CancelStatus): void {
    cancellation.status = status;
    cancellation.updatedAt = this.#state.now();
    const { id, order, role, createdAt } = cancellation;
    const data = {
      order_id: order.id,
      cancellations_role: role,
      cancel_status: status,
      cancel_id: id,
      create_time: seconds(createdAt),
    };
    this.#notifier.tell('CANCELLATION_STATUS_CHANGE', order.id, data, order);
  }

  #succeed(cancellation: Cancellation): void {
    const { order, role } = cancellation;
    cancellation.units = cancellation.units.filter((unit) => unit.status !== 'CANCELLED' && !unit.shipped);
    for (const unit of cancellation.units) {
      this.#stock.giveBack(unit);
      unit.status = 'CANCELLED';
      unit.cancelledBy = role;
      unit.cancelReason = cancellation.reason;
      // It is taken out of its parcel before the carrier comes.
      unit.packageId = '';
    }
    order.asksToCancel = false;
    this.#moved(order);
    const kept = keptUnits(order);
    if (kept.length === 0) {
      order.cancelledAt = this.#state.now();
      order.cancelledBy = role;
      order.status = 'CANCELLED';
    }
    this.#tellCancel(cancellation, 'CANCELLATION_REQUEST_SUCCESS');
    if (kept.length === 0) this.#tellStatus(order);
    else if (kept.every((unit) => unit.shipped)) this.#enter(order, 'IN_TRANSIT');
    this.#tellCancel(cancellation, 'CANCELLATION_REQUEST_COMPLETE');
  }

  #withdraw(cancellation: Cancellation): void {
    if (cancellation.status !== 'CANCELLATION_REQUEST_PENDING') return;
    cancellation.order.asksToCancel = false;
    this.#touch(cancellation.order);
    this.#tellCancel(cancellation, 'CANCELLATION_REQUEST_CANCELLED');
  }

  /**
   * Calls units off that have not left; the platform gives them back to the listing, whatever the seller wants. Null
   * when all of them have left.
   */
  cancel(
    order: Order,
    { units, role, pending, reason = 'No longer needed' }: CancelWish,
  ): Cancellation | null {
    const { agenda, cancellations, faults, ids, now } = this.#state;
    const held = units.filter((unit) => heldUnits(order).includes(unit));
    if (held.length === 0) return null;
    const cancellation: Cancellation = {
      id: ids.cancellation(),
      order,
      units: held,
      type: role === 'BUYER' ? 'BUYER_CANCEL' : 'CANCEL',
      role,
      reason,
      status: 'CANCELLATION_REQUEST_PENDING',
      createdAt: now(),
      updatedAt: now(),
    };
    cancellations.push(cancellation);
    if (pending !== true) {
      this.#succeed(cancellation);
      return cancellation;
    }
    order.asksToCancel = true;
    this.#touch(order);
    this.#tellCancel(cancellation, 'CANCELLATION_REQUEST_PENDING');
    agenda.add({
      afterMs: this.#scaled(48 * hourMs),
      group: 'decisions',
      run: () => {
        if (cancellation.status !== 'CANCELLATION_REQUEST_PENDING') return;
        if (faults.hits('cancel_withdrawn')) this.#withdraw(cancellation);
        else this.#succeed(cancellation);
      },
    });
    return cancellation;
  }

  #openReturn(order: Order, units: Unit[], type: Return['type']): void {
    const { ids, now, returns } = this.#state;
    const made: Return = {
      id: ids.return(),
      order,
      units,
      type,
      status: '',
      createdAt: now(),
      updatedAt: now(),
    };
    returns.push(made);
    for (const unit of units) unit.refunded = true;
    this.#touch(order);
    for (const status of returnFlows[type]) {
      made.status = status;
      const data = {
        order_id: order.id,
        return_role: 'BUYER',
        return_type: type,
        return_status: status,
        return_id: made.id,
        create_time: seconds(made.createdAt),
        update_time: seconds(made.updatedAt),
      };
      this.#notifier.tell('RETURN_STATUS_CHANGE', order.id, data, order);
    }
    if (type !== 'REPLACEMENT') return;
    // TTS-2.2: a replacement is a new order, and takes stock again.
    const fresh = units.flatMap(({ sku }) => this.#newUnits(sku, 1));
    this.#enter(this.#newOrder(fresh, { replaces: order.id, paidAt: now() }), 'AWAITING_SHIPMENT');
  }

  #unitsOfLine(order: Order, lineId: string): Unit[] {
    const units = order.units.filter((unit) => unit.id === lineId || unit.sku.id === lineId);
    const [only] = units;
    if (only === undefined) throw new AppError('unknown_line', `order ${order.id} has no line ${lineId}`);
    // A line that is named by its first unit stands for all units of the SKU where lines are told that way.
    if (this.#grain !== 'first') return units;
    return order.units.filter((unit) => unit.sku === only.sku);
  }

  /** Units called off (before shipping, with restock) or a return case, which moves no stock. */
  refund(
    order: Order,
    { lineId, quantity, restock }: { lineId: string | undefined; quantity: number; restock: boolean },
  ): void {
    const all = lineId === undefined ? order.units : this.#unitsOfLine(order, lineId);
    const left = all.filter((unit) => unit.status !== 'CANCELLED' && !unit.refunded);
    if (left.length === 0) {
      throw new AppError('nothing_to_refund', `order ${order.id} has no such units left to refund`);
    }
    const units = left.slice(-quantity);
    const held = units.filter((unit) => !unit.shipped);
    if (restock && held.length > 0) this.cancel(order, { units: held, role: 'SELLER' });
    const rest = restock ? units.filter((unit) => unit.shipped) : units;
    if (rest.length === 0) return;
    const again = restock && this.#state.faults.hits('replacement');
    this.#openReturn(order, rest, again ? 'REPLACEMENT' : restock ? 'RETURN_AND_REFUND' : 'REFUND');
  }

  // ------------------------------------------------------------------------------------------------- edit, ship

  /** Fewer units: the rest is called off. More: the platform has no such thing; the order is only told again. */
  edit(order: Order, { lineId, quantity }: { lineId: string; quantity: number }): void {
    const units = this.#unitsOfLine(order, lineId).filter((unit) => unit.status !== 'CANCELLED');
    const fewer = units.filter((unit) => !unit.shipped).slice(0, Math.max(0, units.length - quantity));
    if (fewer.length > 0) {
      this.cancel(order, { units: fewer.reverse(), role: 'SELLER' });
      return;
    }
    this.#touch(order);
    this.#tellStatus(order);
  }

  ship(order: Order): void {
    const { agenda, cancellations, faults, ids } = this.#state;
    this.#pay(order);
    this.#release(order);
    // TTS-7.11: shipping rejects a cancellation that waits.
    for (const one of cancellations) if (one.order === order) this.#withdraw(one);
    const held = heldUnits(order);
    if (held.length === 0) return;
    const part = held.length > 1 && faults.hits('partial_ship');
    const leaving = part ? held.slice(0, Math.ceil(held.length / 2)) : held;
    const packageId = ids.package();
    for (const unit of leaving) unit.packageId = packageId;
    const sc_package = { package_id: packageId, order_id_list: [order.id] };
    const data = { sc_type: 1, role_type: 1, package_list: [sc_package] };
    this.#notifier.tell('PACKAGE_UPDATE', order.id, data);
    if (!part) this.#enter(order, 'AWAITING_COLLECTION');
    if (part || !faults.hits('slow_collection')) {
      this.#collect(order, leaving);
      return;
    }
    const run = () => (order.status === 'AWAITING_COLLECTION' ? this.#collect(order, leaving) : undefined);
    agenda.add({ afterMs: this.#scaled(hourMs), group: 'decisions', run });
  }

  /** The carrier takes these along. */
  #collect(order: Order, leaving: readonly Unit[]): void {
    order.collectedAt ??= this.#state.now();
    for (const unit of leaving) {
      if (unit.status === 'CANCELLED' || unit.shipped) continue;
      this.#stock.ship(unit);
      unit.shipped = true;
    }
    this.#moved(order);
    this.#enter(order, heldUnits(order).length > 0 ? 'PARTIALLY_SHIPPING' : 'IN_TRANSIT');
  }

  /** The goods were lost after collection: CANCELLED, and nothing comes back. */
  loseParcel(order: Order): void {
    if (order.status === 'CANCELLED') return;
    order.cancelledAt = this.#state.now();
    order.cancelledBy = 'SYSTEM';
    this.#moved(order);
    this.#enter(order, 'CANCELLED');
  }

  /** Delivered, then completed. */
  arrive(order: Order): void {
    if (order.status !== 'IN_TRANSIT') return;
    this.#enter(order, 'DELIVERED');
    this.#enter(order, 'COMPLETED');
  }
}

/** What a shopper can buy: nothing of a RESTRICTED or disabled warehouse, nothing that is reserved. */
function buyableOf(state: State, sku: Sku): number {
  if (state.faults.armed().includes('holiday_mode')) return 0;
  const open = sku.holdings.filter(({ warehouse }) => warehouse.status === 'ENABLED');
  if (sku.parts.length > 0) return availableOf(sku);
  const there = open.reduce((sum, { available }) => sum + available, 0);
  return Math.max(0, there - sku.campaign - sku.creator);
}
