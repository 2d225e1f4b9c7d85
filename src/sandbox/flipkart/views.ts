import type { Random } from '../kit/random.ts';
import { shownTo } from '../kit/shelves.ts';
import { isMps } from './filter.ts';
import { ist, istLong, utc } from './moment.ts';
import { dayMs, type Item, type Listing, type Return, type Shipment, type Site } from './site.ts';

/** A listing as the stock call shows it, which may trail a write (FK-3.2). */
export function listingView(site: Site, listing: Listing): Record<string, unknown> {
  const places = listing.profile === 'FBF' ? [] : [...listing.places.values()];
  return {
    listing_id: listing.listingId,
    product_id: listing.fsn,
    listing_status: listing.status,
    fulfillment_profile: listing.profile,
    archived_status: listing.archived,
    price: { mrp: listing.price + 200, selling_price: listing.price, currency: 'INR' },
    locations: places.map((place) => {
      const { inventory, pending: pending_inventory } = shownTo(place.stale, site.now(), place);
      const status = place.enabled ? 'ENABLED' : 'DISABLED';
      return { id: place.location, status, inventory, pending_inventory };
    }),
  };
}

/** A shipment as lists and look-ups show it (FK-5.2). */
export function shipmentView(site: Site, shipment: Shipment): Record<string, unknown> {
  return {
    shipmentId: shipment.id,
    ...shipmentFields(shipment),
    updatedAt: istLong(shipment.updatedAt),
    locationId: shipment.location,
    shipmentType: shipment.type,
    orderItems: shipment.items.map((item) => ({
      ...itemView(site, shipment, item),
      serviceProfile: shipment.profile === 'FBF' ? 'Flipkart_Fulfilment' : 'Seller_Fulfilment',
      courierReturn: returnsOf(site, item).some(({ source }) => source === 'courier_return'),
      is_replacement: item.replacement,
      ...(item.cancelled === null
        ? {}
        : {
            cancellationDate: utc(item.cancelled.at),
            cancellationReason: item.cancelled.reason,
            cancellationSubReason: item.cancelled.subReason,
          }),
    })),
  };
}

/** What look-ups and the event of a new shipment tell alike. */
function shipmentFields({ dispatchBy, dispatchAfter, hold, items }: Shipment): Record<string, unknown> {
  const packages = items.flatMap(({ packageIds }) => packageIds);
  return {
    dispatchByDate: istLong(dispatchBy),
    dispatchAfterDate: istLong(dispatchAfter),
    hold,
    mps: isMps(items),
    packagingPolicy: 'DEFAULT',
    subShipments: packages.map((packageId, at) => ({
      subShipmentId: `SS-${at + 1}`,
      packages: [{ packageId, packageSku: null, externalTitle: null }],
    })),
    forms: [],
  };
}

/** What came back of an item, or is on its way. */
export function returnsOf(site: Site, item: Item): Return[] {
  return [...site.returns.values()].filter((one) => one.item === item);
}

function itemView(site: Site, shipment: Shipment, item: Item): Record<string, unknown> {
  const { listing, quantity } = item;
  const total = item.replacement ? 0 : listing.price * quantity;
  return {
    orderItemId: item.id,
    orderId: shipment.orderId,
    cancellationGroupId: item.groupId,
    orderDate: utc(shipment.placedAt),
    paymentType: shipment.paymentType,
    status: statusOf(site, shipment, item),
    quantity,
    fsn: listing.fsn,
    sku: listing.sku,
    listingId: listing.listingId,
    hsn: '69111011',
    title: listing.title,
    packageIds: item.packageIds,
    priceComponents: {
      sellingPrice: total,
      totalPrice: total,
      shippingCharge: 0,
      customerPrice: total,
      flipkartDiscount: 0,
    },
  };
}

/** What an item's state is called (FK-5.4). */
function statusOf(site: Site, shipment: Shipment, item: Item): string {
  if (item.cancelled !== null) return 'CANCELLED';
  const returns = returnsOf(site, item);
  const back = returns.filter(({ status }) => status === 'COMPLETED').length;
  if (back >= item.quantity) return 'RETURNED';
  return returns.some(({ status }) => status === 'CREATED') ? 'RETURN_REQUESTED' : shipment.stage;
}

/** What the event of a new shipment says (FK-2.3); the schema spells the mark of a replacement in two ways. */
export function createdAttributes(site: Site, shipment: Shipment, random: Random): Record<string, unknown> {
  const mark = random.chance(0.5) ? 'is_replacement' : 'isReplacement';
  return {
    ...shipmentFields(shipment),
    updatedAt: ist(shipment.updatedAt),
    orderItems: shipment.items.map((item) => ({
      ...itemView(site, shipment, item),
      [mark]: item.replacement,
    })),
  };
}

/** A return as the list shows it (FK-5.5). */
export function returnView(one: Return): Record<string, unknown> {
  return {
    ...returnFields(one),
    orderId: one.shipment.orderId,
    status: one.status,
    type: one.source,
    locationId: one.shipment.location,
    createdDate: istLong(one.createdAt),
    updatedDate: istLong(one.updatedAt),
  };
}

/** The row of a return in its events. */
export function returnItemView(one: Return): Record<string, unknown> {
  return {
    ...returnFields(one),
    source: one.source,
    action: one.source === 'courier_return' ? 'courier_return' : 'refund',
    replacementOrderItemId: null,
    productId: one.item.listing.fsn,
    listingId: one.item.listing.listingId,
    expectedDate: istLong(one.createdAt + 5 * dayMs),
  };
}

function returnFields({ id, item, shipment, reason, trackingId }: Return): Record<string, unknown> {
  const ids = { returnId: id, orderItemId: item.id, shipmentId: shipment.id, trackingId };
  return { ...ids, quantity: 1, reason, subReason: 'other' };
}
