import { shownTo } from '../kit/shelves.ts';
import { iso } from './order-view.ts';
import { type Counter, controlsOutOfStock, type Listing, type State, unitsOf } from './state.ts';
import { element } from './xml.ts';

const monthMs = 30 * 86_400_000;

/** When a good-till-cancelled listing is renewed next, or ended. */
export function endOf(state: State, listing: Listing): number {
  if (listing.endedAt !== null) return listing.endedAt;
  const months = Math.floor((state.now() - listing.startedAt) / monthMs) + 1;
  return listing.startedAt + months * monthMs;
}

/** Units left as reads show them, which may trail a write. */
function unitsRead(state: State, counter: Counter): number {
  return shownTo(counter.stale, state.now(), unitsOf(counter));
}

/** EBAY-4.2: outside GetMyeBaySelling's own field the quantity contains the units sold. */
function variation(state: State, counter: Counter): string {
  return element('Variation', [
    // An empty tag where there is no SKU.
    element('SKU', counter.sku ?? ''),
    element('StartPrice', '10.0', ' currencyID="USD"'),
    element('Quantity', String(unitsRead(state, counter) + counter.sold)),
    element('SellingStatus', [element('QuantitySold', String(counter.sold))]),
    element('VariationSpecifics', [
      element('NameValueList', [element('Name', 'Color'), element('Value', counter.aspect ?? '')]),
    ]),
  ]);
}

function sums(state: State, listing: Listing): { left: number; sold: number } {
  const left = listing.counters.reduce((sum, counter) => sum + unitsRead(state, counter), 0);
  return { left, sold: listing.counters.reduce((sum, counter) => sum + counter.sold, 0) };
}

function head(listing: Listing): string[] {
  const sku = listing.multi ? null : (listing.counters[0]?.sku ?? null);
  return [
    element('ItemID', listing.itemId),
    element('Title', listing.title),
    ...(sku === null ? [] : [element('SKU', sku)]),
    element('ListingType', listing.auction ? 'Chinese' : 'FixedPriceItem'),
  ];
}

function variations(state: State, listing: Listing): string[] {
  if (!listing.multi) return [];
  return [
    element(
      'Variations',
      listing.counters.map((counter) => variation(state, counter)),
    ),
  ];
}

/** An item in the active list: the one place with `QuantityAvailable`. */
export function activeItem(state: State, listing: Listing): string {
  const { left, sold } = sums(state, listing);
  return element('Item', [
    ...head(listing),
    element('Quantity', String(left + sold)),
    element('QuantityAvailable', String(left)),
    element('SellingStatus', [element('QuantitySold', String(sold)), element('CurrentPrice', '10.0')]),
    ...variations(state, listing),
  ]);
}

/** An item as GetItem and GetSellerList show it. */
export function wholeItem(state: State, listing: Listing): string {
  const { left, sold } = sums(state, listing);
  const status = listing.endedAt === null ? 'Active' : 'Completed';
  return element('Item', [
    ...head(listing),
    element('InventoryTrackingMethod', 'ItemID'),
    element('ListingDuration', 'GTC'),
    element('ListingDetails', [
      element('StartTime', iso(listing.startedAt)),
      element('EndTime', iso(endOf(state, listing))),
    ]),
    element('OutOfStockControl', String(controlsOutOfStock(state))),
    element('Quantity', String(left + sold)),
    element('SellingStatus', [element('QuantitySold', String(sold)), element('ListingStatus', status)]),
    element('Site', 'US'),
    ...variations(state, listing),
  ]);
}
