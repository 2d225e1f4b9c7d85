import { AppError } from '../../errors.ts';
import type { Random } from '../kit/random.ts';
import { platformMs } from '../kit/time.ts';
import type { SellRequest, SellResult, ShopOrder } from '../shop.ts';
import { istLong } from './moment.ts';
import type { Notifier } from './notifier.ts';
import type { Returns } from './returns.ts';
import { dispatch, freeAt, giveBack, list, take } from './shelves.ts';
import {
  type Canceller,
  type Item,
  isCancelled,
  isDispatched,
  type Listing,
  type Place,
  type Shipment,
  type Site,
  type Stage,
} from './site.ts';
import { createdAttributes } from './views.ts';

/** One line of a purchase. */
interface Wish {
  listing: Listing;
  quantity: number;
  location: string;
  /** Lines of one group are cancelled together; null: a group of its own. */
  groupId: string | null;
}

/** What buyers, couriers and the merchant do to shipments (FK-2.6, FK-5, last verified 2026-11). */
export interface Orders {
  sell(request: SellRequest): SellResult;
  /** A purchase that the API's test call makes. Answers its shipments. */
  place(wishes: readonly Wish[], type: string): Shipment[];
  /** By shipment id or by order id, which may lead to several. Throws AppError `unknown_order`. */
  find(id: string): Shipment[];
  /** Every item that is left. `emptied`: the seller has none, and the number falls to 0. After dispatch: it comes back. */
  cancel(shipment: Shipment, how: { emptied: boolean }): void;
  cancelItems(
    shipment: Shipment,
    items: readonly Item[],
    how: { by: Canceller; reason: string; subReason: string },
  ): void;
  /** Units are called off; a higher number changes nothing: a buyer who wants more orders again. */
  edit(shipment: Shipment, item: Item, quantity: number): void;
  /** Before dispatch with restock: called off. After it: that many returns. Without restock: money alone, nothing shows. */
  refund(shipment: Shipment, item: Item, how: { quantity: number; restock: boolean }): void;
  ship(shipment: Shipment): void;
  hold(shipment: Shipment): void;
  unhold(shipment: Shipment): void;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Starts without orders. */
export function createOrders(deps: {
  site: Site;
  notifier: Notifier;
  returns: Returns;
  random: Random;
}): Orders {
  const { site, notifier, returns, random } = deps;
  const { faults, life, timeScale } = site;

  const after = (realMs: number, run: () => void) =>
    life.add({ afterMs: platformMs(realMs, timeScale), group: 'life', run });

  const changed = (shipment: Shipment) => {
    shipment.changedAt = site.now();
    shipment.revision += 1;
    touch(site, shipment);
  };

  const placeOf = (shipment: Shipment, item: Item): Place | undefined =>
    item.listing.places.get(shipment.location);

  // ---------------------------------------------------------------------------------------------------- selling

  /** The platform alone decides on the location: the first that has enough, the main one before others. */
  const wishesOf = (request: SellRequest): Wish[] | 'unknown_sku' | 'out_of_stock' => {
    const wanted = new Map<Place, number>();
    const wishes: Wish[] = [];
    for (const { sku, quantity } of request.lines) {
      const listing = site.listings.get(sku);
      if (listing === undefined) return 'unknown_sku';
      if (listing.status !== 'ACTIVE') return 'out_of_stock';
      const order = [...site.locations, 'FBF'];
      const places = [...listing.places].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
      const fits = ([, place]: [string, Place]) => freeAt(site, place) - (wanted.get(place) ?? 0) >= quantity;
      const chosen = places.find(fits) ?? (request.force === true ? places[0] : undefined);
      if (chosen === undefined) return 'out_of_stock';
      const [location, place] = chosen;
      wanted.set(place, (wanted.get(place) ?? 0) + quantity);
      wishes.push({ listing, quantity, location, groupId: null });
    }
    return wishes;
  };

  const itemOf = (
    { listing, quantity, location, groupId }: Wish,
    marks: { mps: boolean; replacement: boolean },
  ): Item => {
    const place = listing.places.get(location);
    return {
      id: site.ids.item(),
      groupId: groupId ?? site.ids.group(),
      listing,
      quantity,
      called: 0,
      drawn: place === undefined ? 0 : take(site, place, quantity),
      cancelled: null,
      replacement: marks.replacement,
      packageIds: Array.from({ length: marks.mps ? random.int(2, 3) : 1 }, () => site.ids.package()),
    };
  };

  const open = (wishes: readonly Wish[], orderId: string, type: string): Shipment => {
    const now = site.now();
    const marks = { mps: faults.hits('mps'), replacement: faults.hits('replacement') };
    const [first] = wishes;
    const dispatchAfter = now + (random.chance(0.3) ? random.int(1, 4) * dayMs : 0);
    const shipment: Shipment = {
      number: site.ids.next(),
      id: site.ids.shipment(),
      orderId,
      location: first?.location ?? '',
      stage: 'APPROVED',
      hold: false,
      profile: first?.listing.profile ?? 'NON_FBF',
      type,
      paymentType: random.chance(0.6) ? 'COD' : 'PREPAID',
      items: wishes.map((wish) => itemOf(wish, marks)),
      placedAt: now,
      updatedAt: now,
      changedAt: now,
      dispatchAfter,
      dispatchBy: dispatchAfter + dayMs,
      searchableAt: 0,
      revision: 0,
      heard: -1,
    };
    site.shipments.set(shipment.id, shipment);
    if (faults.hits('hold')) shipment.hold = true;
    changed(shipment);
    notifier.shipmentEvent('shipment_created', shipment, createdAttributes(site, shipment, random));
    if (shipment.hold) {
      tellHold(shipment);
      after(random.int(1, 6) * hourMs, () => unhold(shipment));
    }
    if (faults.hits('dates_changed')) moveDates(shipment);
    return shipment;
  };

  const moveDates = (shipment: Shipment) => {
    shipment.dispatchAfter += dayMs;
    shipment.dispatchBy += dayMs;
    touch(site, shipment);
    notifier.shipmentEvent('shipment_dispatch_dates_changed', shipment, {
      dispatchAfterDate: istLong(shipment.dispatchAfter),
      dispatchByDate: istLong(shipment.dispatchBy),
    });
  };

  const place: Orders['place'] = (wishes, type) => {
    const orderId = site.ids.order();
    const parts = new Map<string, Wish[]>();
    const alone = faults.hits('split_order');
    for (const [at, wish] of wishes.entries()) {
      const key = alone ? `${at}` : `${wish.location} ${wish.listing.profile}`;
      parts.set(key, [...(parts.get(key) ?? []), wish]);
    }
    return [...parts.values()].map((part) => open(part, orderId, type));
  };

  const sellPlatformStock = () => {
    const stocked = [...site.listings.values()].find(({ profile }) => profile === 'FBF');
    const listing =
      stocked ?? list(site, { sku: 'FBF-MORE', title: 'Lamp', units: { FBF: 9 }, profile: 'FBF' });
    place([{ listing, quantity: 1, location: 'FBF', groupId: null }], 'NORMAL');
  };

  const sell: Orders['sell'] = (request) => {
    const wishes = wishesOf(request);
    if (typeof wishes === 'string') return { sold: false, reason: wishes };
    if (faults.hits('fbf_orders')) sellPlatformStock();
    const shipments = place(wishes, 'NORMAL');
    return {
      sold: true,
      order_id: shipments[0]?.id ?? '',
      lines: shipments
        .flatMap(({ items }) => items)
        .map(({ id, listing, quantity }) => ({ line_id: id, sku: listing.sku, quantity })),
    };
  };

  // ----------------------------------------------------------------------------------------------- calling off

  const callOff = (
    shipment: Shipment,
    calls: readonly { item: Item; units: number }[],
    { by, reason, subReason }: { by: Canceller; reason: string; subReason: string },
  ) => {
    const counts = faults.hits('cumulative_cancellation');
    const rows = calls.map(({ item, units }) => {
      const spot = placeOf(shipment, item);
      if (spot !== undefined) giveBack(site, spot, { item, units, emptied: by === 'sellerCancellation' });
      item.called += units;
      if (units === item.quantity) item.cancelled = { by, reason, subReason, at: site.now() };
      else item.quantity -= units;
      return { orderItemId: item.id, quantity: counts ? item.called : units, reason, subReason };
    });
    if (rows.length === 0) return;
    changed(shipment);
    notifier.shipmentEvent('shipment_cancelled', shipment, { status: 'CANCELLED', orderItems: rows });
  };

  const byBuyer = () => ({
    by: faults.hits('marketplace_cancel')
      ? ('marketplaceCancellation' as const)
      : ('buyerCancellation' as const),
    reason: 'buyer_cancellation',
    subReason: random.pick(['changed_my_mind', 'ordered_by_mistake', 'found_cheaper']),
  });
  const bySeller = {
    by: 'sellerCancellation',
    reason: 'seller_cancellation',
    subReason: 'not_enough_inventory',
  } as const;

  const cancelItems: Orders['cancelItems'] = (shipment, items, how) =>
    callOff(
      shipment,
      items.filter(({ cancelled }) => cancelled === null).map((item) => ({ item, units: item.quantity })),
      how,
    );

  const cancel: Orders['cancel'] = (shipment, { emptied }) => {
    if (!isDispatched(shipment)) return cancelItems(shipment, shipment.items, emptied ? bySeller : byBuyer());
    // Nothing can be called off any more: the parcel turns round (FK-2.6).
    for (const item of shipment.items)
      if (item.cancelled === null) returns.open(shipment, item, item.quantity, 'courier_return');
  };

  const edit: Orders['edit'] = (shipment, item, quantity) => {
    if (isDispatched(shipment)) throw new AppError('order_closed', `shipment ${shipment.id} has left`);
    const units = item.quantity - Math.max(0, quantity);
    if (item.cancelled === null && units > 0) callOff(shipment, [{ item, units }], byBuyer());
  };

  const refund: Orders['refund'] = (shipment, item, { quantity, restock }) => {
    if (item.cancelled !== null || !restock) return;
    if (quantity > item.quantity) throw new AppError('refund_too_large', `item ${item.id} has fewer units`);
    if (isDispatched(shipment)) returns.open(shipment, item, quantity, 'customer_return');
    else callOff(shipment, [{ item, units: quantity }], byBuyer());
  };

  // ------------------------------------------------------------------------------------------ holding, shipping

  const tellHold = (shipment: Shipment) => {
    const rows = shipment.items.map((item) => ({ orderItemId: item.id, holdQuantity: item.quantity }));
    notifier.shipmentEvent('shipment_hold', shipment, { orderItems: rows }, 'unnamed');
  };

  const hold: Orders['hold'] = (shipment) => {
    if (shipment.hold || isDispatched(shipment) || isCancelled(shipment)) return;
    shipment.hold = true;
    changed(shipment);
    tellHold(shipment);
  };

  const unhold: Orders['unhold'] = (shipment) => {
    if (!shipment.hold || isCancelled(shipment)) return;
    shipment.hold = false;
    changed(shipment);
    notifier.shipmentEvent('shipment_unhold', shipment, { status: shipment.stage }, 'unnamed');
  };

  const move = (shipment: Shipment, stage: Stage, event: string | null) => {
    const left = isDispatched(shipment);
    shipment.stage = stage;
    if (!left && isDispatched(shipment)) {
      for (const item of shipment.items) {
        const spot = placeOf(shipment, item);
        if (item.cancelled === null && spot !== undefined) dispatch(site, spot, item.quantity);
      }
    }
    changed(shipment);
    if (event !== null) notifier.shipmentEvent(event, shipment, { status: stage }, 'unnamed');
  };

  const way: readonly [Stage, string | null][] = [
    ['PACKING_IN_PROGRESS', null],
    ['PACKED', 'shipment_packed'],
    ['READY_TO_DISPATCH', 'shipment_ready_to_dispatch'],
    ['PICKUP_COMPLETE', 'shipment_pickup_complete'],
    ['SHIPPED', 'shipment_shipped'],
  ];

  /** Along the way to SHIPPED from where it is. `until`: how many steps of the way are taken at most. */
  const proceed = (shipment: Shipment, until: number) => {
    if (isCancelled(shipment)) return;
    const from = way.findIndex(([stage]) => stage === shipment.stage) + 1;
    for (const [stage, event] of way.slice(from, until)) move(shipment, stage, event);
    if (shipment.stage === 'SHIPPED') after(3 * dayMs, () => arrive(shipment));
  };

  const arrive = (shipment: Shipment) => {
    if (shipment.stage !== 'SHIPPED') return;
    move(shipment, 'DELIVERED', 'shipment_delivered');
    if (!faults.hits('completed')) return;
    after(10 * dayMs, () => {
      if (shipment.stage === 'DELIVERED') move(shipment, 'COMPLETED', null);
    });
  };

  const ship: Orders['ship'] = (shipment) => {
    if (isCancelled(shipment) || isDispatched(shipment)) return;
    unhold(shipment);
    if (faults.hits('form_failed')) move(shipment, 'FORM_FAILED', 'shipment_form_failed');
    if (!faults.hits('late_pickup')) return proceed(shipment, way.length);
    proceed(shipment, random.int(1, 3));
    after(6 * hourMs, () => {
      if (!isDispatched(shipment)) proceed(shipment, way.length);
    });
  };

  return {
    sell,
    place,
    find(id) {
      const one = site.shipments.get(id);
      if (one !== undefined) return [one];
      const all = [...site.shipments.values()].filter(({ orderId }) => orderId === id);
      if (all.length === 0) throw new AppError('unknown_order', `no shipment or order ${id} in this shop`);
      return all;
    },
    cancel,
    cancelItems,
    edit,
    refund,
    ship,
    hold,
    unhold,
  };
}

/** A change that the platform's time of change tells, without one of what the shipment holds. */
export function touch(site: Site, shipment: Shipment): void {
  shipment.updatedAt = Math.max(shipment.updatedAt, site.now());
  const lagMs = site.faults.dueMs('order_lag');
  if (lagMs !== null) shipment.searchableAt = Math.max(shipment.searchableAt, shipment.updatedAt + lagMs);
}

/** The shop's own truth of a shipment: what was called off is free, what the courier took is gone, returned or not. */
export function recordOf(shipment: Shipment): ShopOrder {
  const gone = isDispatched(shipment);
  return {
    order_id: shipment.id,
    placed_at: shipment.placedAt,
    changed_at: shipment.changedAt,
    status: isCancelled(shipment) ? 'cancelled' : shipment.hold ? 'on_hold' : shipment.stage.toLowerCase(),
    lines: shipment.items.map((item) => {
      const taken = item.cancelled === null ? item.quantity : 0;
      return { line_id: item.id, sku: item.listing.sku, taken, gone: gone ? taken : 0 };
    }),
    heard: shipment.heard >= shipment.revision,
  };
}
