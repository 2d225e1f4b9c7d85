import { AppError } from '../../errors.ts';
import { orderOf, recordOf } from '../kit/orders.ts';
import { picksOf } from '../kit/shelves.ts';
import type { SellRequest, SellResult, ShopOrder } from '../shop.ts';
import { istLong } from './moment.ts';
import type { Floor } from './notifier.ts';
import { dispatch, freeAt, giveBack, list, take } from './shelves.ts';
import {
  after,
  type Cause,
  change,
  dayMs,
  hourMs,
  type Item,
  isCancelled,
  isDispatched,
  type Line,
  newItem,
  newReturn,
  newShipment,
  type Place,
  type Return,
  type Shipment,
  type Stage,
  touch,
  type Wish,
} from './site.ts';
import { createdAttributes, returnItemView, returnsOf } from './views.ts';

/** What buyers, couriers and the merchant do to shipments (FK-2.6, FK-5, last verified 2026-11). */

/** By shipment id or by order id, which may lead to several. Throws AppError `unknown_order`. */
export function find({ shipments }: Floor, id: string): Shipment[] {
  const all = [...shipments.values()].filter(({ orderId }) => orderId === id);
  return all.length > 0 ? all : [orderOf(shipments, id)];
}

// ------------------------------------------------------------------------------------------------------ selling

/** The platform alone decides on the location: the first that has enough, the main one before others. */
export function sell(floor: Floor, request: SellRequest): SellResult {
  const order = [...floor.locations, 'FBF'];
  const placesOf = (sku: string) => {
    const { status, places } = floor.listings.get(sku) ?? {
      status: 'ACTIVE',
      places: new Map<string, Place>(),
    };
    if (status !== 'ACTIVE') return 'out_of_stock';
    return [...places.values()].sort((a, b) => order.indexOf(a.location) - order.indexOf(b.location));
  };
  const picks = picksOf(request, placesOf, (place) => freeAt(floor, place));
  if (typeof picks === 'string') return { sold: false, reason: picks };
  if (floor.faults.hits('fbf_orders')) sellPlatformStock(floor);
  const wishes = picks.flatMap(({ sku, quantity, place: { location } }) => {
    const listing = floor.listings.get(sku);
    return listing === undefined ? [] : [{ listing, quantity, location }];
  });
  const shipments = place(floor, wishes, 'NORMAL');
  const items = shipments.flatMap((shipment) => shipment.items);
  return {
    sold: true,
    order_id: shipments[0]?.id ?? '',
    lines: items.map(({ id, listing, quantity }) => ({ line_id: id, sku: listing.sku, quantity })),
  };
}

function sellPlatformStock(floor: Floor): void {
  const stocked = [...floor.listings.values()].find(({ profile }) => profile === 'FBF');
  const listing =
    stocked ?? list(floor, { sku: 'FBF-MORE', title: 'Lamp', units: { FBF: 9 }, profile: 'FBF' });
  place(floor, [{ listing, quantity: 1, location: 'FBF' }], 'NORMAL');
}

/** One purchase. Answers its shipments: one for each location and warehouse, or under `split_order` for each line. */
export function place(floor: Floor, wishes: readonly Wish[], type: string): Shipment[] {
  const orderId = floor.ids.order();
  const parts = new Map<string, Wish[]>();
  const alone = floor.faults.hits('split_order');
  for (const [at, wish] of wishes.entries()) {
    const key = alone ? `${at}` : `${wish.location} ${wish.listing.profile}`;
    parts.set(key, [...(parts.get(key) ?? []), wish]);
  }
  return [...parts.values()].flatMap((part) => open(floor, part, { orderId, type }));
}

function open(floor: Floor, wishes: readonly Wish[], facts: Pick<Shipment, 'orderId' | 'type'>): Shipment[] {
  const { faults, notifier } = floor;
  const { orders: random } = floor.chance;
  const [spot] = wishes;
  if (spot === undefined) return [];
  const marks = { mps: faults.hits('mps'), replacement: faults.hits('replacement') };
  const items = () => wishes.map((wish) => sold(floor, wish, newItem(floor, wish, marks)));
  const shipment = newShipment(floor, { ...facts, items, spot });
  floor.shipments.set(shipment.id, shipment);
  if (faults.hits('hold')) shipment.hold = true;
  change(floor, shipment);
  notifier.shipmentEvent('shipment_created', shipment, createdAttributes(floor, shipment, random));
  if (shipment.hold) {
    tellHold(floor, shipment);
    after(floor, random.int(1, 6) * hourMs, () => unhold(floor, shipment));
  }
  if (faults.hits('dates_changed')) moveDates(floor, shipment);
  return [shipment];
}

function sold(floor: Floor, { listing, location, quantity }: Wish, item: Item): Item {
  const spot = listing.places.get(location);
  if (spot !== undefined) item.drawn = take(floor, spot, quantity);
  return item;
}

function moveDates(floor: Floor, shipment: Shipment): void {
  shipment.dispatchAfter += dayMs;
  shipment.dispatchBy += dayMs;
  touch(floor, shipment);
  floor.notifier.shipmentEvent('shipment_dispatch_dates_changed', shipment, {
    dispatchAfterDate: istLong(shipment.dispatchAfter),
    dispatchByDate: istLong(shipment.dispatchBy),
  });
}

// -------------------------------------------------------------------------------------------------- calling off

function callOff(floor: Floor, shipment: Shipment, how: Cause & { calls: readonly [Item, number][] }): void {
  const { calls, by, reason, subReason } = how;
  const counts = floor.faults.hits('cumulative_cancellation');
  const orderItems = calls.map(([item, units]) => {
    const spot = item.listing.places.get(shipment.location);
    if (spot !== undefined) giveBack(floor, spot, { item, units, emptied: by === 'sellerCancellation' });
    item.called += units;
    if (units === item.quantity) item.cancelled = { by, reason, subReason, at: floor.now() };
    else item.quantity -= units;
    return { orderItemId: item.id, quantity: counts ? item.called : units, reason, subReason };
  });
  if (orderItems.length === 0) return;
  change(floor, shipment);
  floor.notifier.shipmentEvent('shipment_cancelled', shipment, { status: 'CANCELLED', orderItems });
}

function byBuyer({ faults, chance }: Floor): Cause {
  return {
    by: faults.hits('marketplace_cancel') ? 'marketplaceCancellation' : 'buyerCancellation',
    reason: 'buyer_cancellation',
    subReason: chance.orders.pick(['changed_my_mind', 'ordered_by_mistake', 'found_cheaper']),
  };
}

/** The seller has none: the number falls to 0. */
export const bySeller = (subReason: string): Cause => ({
  by: 'sellerCancellation',
  reason: 'seller_cancellation',
  subReason,
});

/** Those of the items that are left. */
export function cancelItems(floor: Floor, shipment: Shipment, how: Cause & { items: readonly Item[] }): void {
  const calls = how.items.flatMap((item): [Item, number][] =>
    item.cancelled === null ? [[item, item.quantity]] : [],
  );
  callOff(floor, shipment, { ...how, calls });
}

/** Every item that is left. `emptied`: the seller has none. After dispatch it comes back. */
export function cancel(floor: Floor, shipment: Shipment, { emptied }: { emptied: boolean }): void {
  const { items } = shipment;
  if (!isDispatched(shipment)) {
    const cause = emptied ? bySeller('not_enough_inventory') : byBuyer(floor);
    cancelItems(floor, shipment, { items, ...cause });
    return;
  }
  // Nothing can be called off any more: the parcel turns round (FK-2.6).
  for (const item of items)
    if (item.cancelled === null)
      openReturns(floor, { shipment, item }, { source: 'courier_return', units: item.quantity });
}

/** Units are called off; a higher number changes nothing: a buyer who wants more orders again. */
export function edit(floor: Floor, { shipment, item }: Line, quantity: number): void {
  if (isDispatched(shipment)) throw new AppError('order_closed', `shipment ${shipment.id} has left`);
  const units = item.quantity - Math.max(0, quantity);
  if (item.cancelled === null && units > 0)
    callOff(floor, shipment, { calls: [[item, units]], ...byBuyer(floor) });
}

/** Before dispatch: called off. After it: that many returns. Without restock money alone moves, which nothing shows. */
export function sendBack(floor: Floor, line: Line, units: number): void {
  const { shipment, item } = line;
  if (item.cancelled !== null) return;
  if (units > item.quantity) throw new AppError('refund_too_large', `item ${item.id} has fewer units`);
  if (isDispatched(shipment)) openReturns(floor, line, { source: 'customer_return', units });
  else callOff(floor, shipment, { calls: [[item, units]], ...byBuyer(floor) });
}

// --------------------------------------------------------------------------------------------- holding, shipping

function tellHold({ notifier }: Floor, shipment: Shipment): void {
  const orderItems = shipment.items.map(({ id, quantity }) => ({ orderItemId: id, holdQuantity: quantity }));
  notifier.shipmentEvent('shipment_hold', shipment, { orderItems });
}

export function hold(floor: Floor, shipment: Shipment): void {
  if (shipment.hold || isDispatched(shipment) || isCancelled(shipment)) return;
  shipment.hold = true;
  change(floor, shipment);
  tellHold(floor, shipment);
}

export function unhold(floor: Floor, shipment: Shipment): void {
  if (!shipment.hold || isCancelled(shipment)) return;
  shipment.hold = false;
  change(floor, shipment);
  floor.notifier.shipmentEvent('shipment_unhold', shipment, { status: shipment.stage });
}

/** To a stage, and who hears of it. */
type Step = readonly [Stage, string | null];

const way: readonly Step[] = [
  ['PACKING_IN_PROGRESS', null],
  ['PACKED', 'shipment_packed'],
  ['READY_TO_DISPATCH', 'shipment_ready_to_dispatch'],
  ['PICKUP_COMPLETE', 'shipment_pickup_complete'],
  ['SHIPPED', 'shipment_shipped'],
];

function move(floor: Floor, shipment: Shipment, [stage, event]: Step): void {
  const left = isDispatched(shipment);
  shipment.stage = stage;
  if (!left && isDispatched(shipment)) {
    for (const { listing, quantity, cancelled } of shipment.items) {
      const spot = listing.places.get(shipment.location);
      if (cancelled === null && spot !== undefined) dispatch(floor, spot, quantity);
    }
  }
  change(floor, shipment);
  if (event !== null) floor.notifier.shipmentEvent(event, shipment, { status: stage });
}

/** Along the way to SHIPPED from where it is. `until`: how many steps of the way are taken at most. */
function proceed(floor: Floor, shipment: Shipment, until: number): void {
  if (isCancelled(shipment)) return;
  const from = way.findIndex(([stage]) => stage === shipment.stage) + 1;
  for (const step of way.slice(from, until)) move(floor, shipment, step);
  if (shipment.stage === 'SHIPPED') after(floor, 3 * dayMs, () => arrive(floor, shipment));
}

function arrive(floor: Floor, shipment: Shipment): void {
  if (shipment.stage !== 'SHIPPED') return;
  move(floor, shipment, ['DELIVERED', 'shipment_delivered']);
  if (!floor.faults.hits('completed')) return;
  after(floor, 10 * dayMs, () => {
    if (shipment.stage === 'DELIVERED') move(floor, shipment, ['COMPLETED', null]);
  });
}

export function ship(floor: Floor, shipment: Shipment): void {
  const { faults, chance } = floor;
  if (isCancelled(shipment) || isDispatched(shipment)) return;
  unhold(floor, shipment);
  if (faults.hits('form_failed')) move(floor, shipment, ['FORM_FAILED', 'shipment_form_failed']);
  const late = faults.hits('late_pickup');
  proceed(floor, shipment, late ? chance.orders.int(1, 3) : way.length);
  if (!late) return;
  after(floor, 6 * hourMs, () => {
    if (!isDispatched(shipment)) proceed(floor, shipment, way.length);
  });
}

// ------------------------------------------------------------------------------------------------------ returns

/** What comes back: one return for each unit (FK-5.5). None of it moves a number of the platform. */
function openReturns(
  floor: Floor,
  line: Line,
  { source, units }: Pick<Return, 'source'> & { units: number },
): void {
  const known = returnsOf(floor, line.item).filter(({ status }) => status !== 'CANCELLED').length;
  const left = Math.min(units, line.item.quantity - known);
  for (let unit = 0; unit < left; unit += 1) begin(floor, newReturn(floor, line, source));
}

function begin(floor: Floor, one: Return): void {
  const { faults, ids } = floor;
  floor.returns.set(one.id, one);
  const tell = (event: string, attributes: Record<string, unknown>) => {
    one.updatedAt = floor.now();
    touch(floor, one.shipment);
    floor.notifier.returnEvent(event, one, attributes);
  };
  tell('return_created', { status: 'RETURN_CREATED', returnItems: [returnItemView(one)] });
  if (faults.hits('return_changes')) {
    one.trackingId = ids.tracking();
    for (const event of ['return_tracking_id_update', 'return_expected_date_changed'])
      tell(event, { returnItems: [returnItemView(one)] });
  }
  const returnItems = [{ orderItemId: one.item.id }];
  const cancelled = faults.hits('return_cancelled');
  after(floor, 2 * dayMs, () => {
    if (!cancelled) tell('return_picked_up', { returnItems });
  });
  after(floor, 5 * dayMs, () => {
    one.status = cancelled ? 'CANCELLED' : 'COMPLETED';
    const status = `RETURN_${one.status}`;
    tell(status.toLowerCase(), { status, returnItems });
  });
}

/** The shop's own truth of a shipment: what was called off is free, what the courier took is gone, returned or not. */
export function truthOf(shipment: Shipment): ShopOrder {
  const gone = isDispatched(shipment);
  return recordOf(shipment, {
    order_id: shipment.id,
    status: isCancelled(shipment) ? 'cancelled' : shipment.hold ? 'on_hold' : shipment.stage.toLowerCase(),
    lines: shipment.items.map(({ id, listing, cancelled, quantity }) => {
      const taken = cancelled === null ? quantity : 0;
      return { line_id: id, sku: listing.sku, taken, gone: gone ? taken : 0 };
    }),
  });
}
