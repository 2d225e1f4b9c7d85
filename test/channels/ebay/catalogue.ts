import type { Call, Reply } from './scripted-ebay.ts';

/** A SKU of the Inventory API. `own`: the number that its offer carries. */
export interface Sku {
  sku: string;
  quantity: number;
  itemId?: string;
  own?: number;
  format?: string;
  distributed?: boolean;
}

/** A listing made on the site; `sold` units are part of the quantity that GetItem tells. */
export interface Made {
  itemId: string;
  sku?: string;
  type?: string;
  available?: number;
  sold?: number;
  variations?: { sku?: string; color: string; available: number; sold?: number }[];
}

/** A seller account in both models that answers as documented (EBAY-4 and EBAY-5) and obeys writes. */
export interface Account {
  skus: Sku[];
  made: Made[];
  outOfStockControl: boolean;
  /** Refuses these SKUs and ItemIDs, with a REST error id or an error code. */
  refused: Map<string, number>;
  writes: { path: string; rows: unknown[] }[];
}

export function account(change: Partial<Account> = {}): Account {
  const { skus = [], made = [] } = structuredClone({ skus: change.skus, made: change.made });
  return { outOfStockControl: true, refused: new Map(), writes: [], ...change, skus, made };
}

/** The script of an account. */
export function answers(state: Account): (call: Call) => Reply | undefined {
  return (call) => {
    const inventory = call.path.replace('/sell/inventory/v1/', '');
    if (inventory === 'inventory_item') return itemPage(state, call);
    if (inventory === 'offer') return offers(state, call);
    if (inventory.startsWith('offer/')) return oneOffer(state, inventory.slice(6));
    if (inventory === 'bulk_get_inventory_item') return bulkGet(state, call);
    if (inventory === 'bulk_update_price_quantity') return bulkUpdate(state, call);
    if (call.path === 'GetMyeBaySelling') return activePage(state, call);
    if (call.path === 'GetItem') return getItem(state, call);
    if (call.path === 'ReviseInventoryStatus') return revise(state, call);
    if (call.path === 'GetUserPreferences')
      return { xml: `<OutOfStockControlPreference>${state.outOfStockControl}</OutOfStockControlPreference>` };
    return undefined;
  };
}

function itemOf({ sku, quantity, distributed }: Sku) {
  const shipToLocationAvailability = {
    quantity,
    ...(distributed ? { availabilityDistributions: [{ merchantLocationKey: 'w1', quantity }] } : {}),
  };
  return { sku, product: { title: `Thing ${sku}` }, availability: { shipToLocationAvailability } };
}

function itemPage(state: Account, { query }: Call): Reply {
  const limit = Number(query.get('limit'));
  const page = Number(query.get('offset'));
  const rows = state.skus.slice(page * limit, (page + 1) * limit);
  const more = (page + 1) * limit < state.skus.length;
  return {
    json: {
      total: state.skus.length,
      inventoryItems: rows.map(itemOf),
      ...(more ? { next: `/x?offset=${page + 1}` } : {}),
    },
  };
}

function offerOf(sku: Sku) {
  return {
    offerId: `offer-${sku.sku}`,
    marketplaceId: 'EBAY_DE',
    format: sku.format ?? 'FIXED_PRICE',
    status: 'PUBLISHED',
    ...(sku.own === undefined ? {} : { availableQuantity: sku.own }),
    listing: { listingId: sku.itemId, listingStatus: 'ACTIVE' },
  };
}

function offers(state: Account, { query }: Call): Reply {
  const sku = state.skus.find((each) => each.sku === query.get('sku'));
  if (sku?.itemId === undefined)
    return { status: 404, json: { errors: [{ errorId: 25713, message: 'not available' }] } };
  return { json: { offers: [offerOf(sku)] } };
}

function oneOffer(state: Account, id: string): Reply {
  const sku = state.skus.find((each) => `offer-${each.sku}` === decodeURIComponent(id));
  return sku === undefined ? { status: 404, json: {} } : { json: offerOf(sku) };
}

function bulkGet(state: Account, call: Call): Reply {
  const { requests } = call.body as { requests: { sku: string }[] };
  const responses = requests.map(({ sku }) => {
    const found = state.skus.find((each) => each.sku === sku);
    if (found === undefined)
      return { sku, statusCode: 404, errors: [{ errorId: 25710, message: 'not found' }] };
    return { sku, statusCode: 200, inventoryItem: itemOf(found), errors: [] };
  });
  return { status: 207, json: { responses } };
}

function bulkUpdate(state: Account, call: Call): Reply {
  const { requests } = call.body as {
    requests: {
      sku: string;
      shipToLocationAvailability: { quantity: number };
      offers?: { offerId: string; availableQuantity: number }[];
    }[];
  };
  state.writes.push({ path: 'bulk', rows: requests });
  const responses = requests.map(({ sku, shipToLocationAvailability, offers: own }) => {
    const found = state.skus.find((each) => each.sku === sku);
    const code = state.refused.get(sku);
    if (found === undefined || code !== undefined) {
      const statusCode = code === 25001 ? 500 : 400;
      return { sku, statusCode, errors: [{ errorId: code ?? 25710, message: 'refused' }], warnings: [] };
    }
    found.quantity = shipToLocationAvailability.quantity;
    if (own?.[0] !== undefined) found.own = own[0].availableQuantity;
    return { sku, statusCode: 200, errors: [], warnings: [] };
  });
  return { json: { responses } };
}

function inner(text: string, tag: string): string | undefined {
  return new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1];
}

function madeXml(item: Made, manner: 'active' | 'item'): string {
  const count = (available = 0, sold = 0): string =>
    manner === 'active'
      ? `<Quantity>${available + sold}</Quantity><QuantityAvailable>${available}</QuantityAvailable>`
      : `<Quantity>${available + sold}</Quantity><SellingStatus><QuantitySold>${sold}</QuantitySold></SellingStatus>`;
  const variations = (item.variations ?? []).map(
    ({ sku, color, available, sold }) =>
      `<Variation>${sku === undefined ? '' : `<SKU>${sku}</SKU>`}<Quantity>${available + (sold ?? 0)}</Quantity><SellingStatus><QuantitySold>${sold ?? 0}</QuantitySold></SellingStatus><VariationSpecifics><NameValueList><Name>Color</Name><Value>${color}</Value></NameValueList></VariationSpecifics></Variation>`,
  );
  return `<Item><ItemID>${item.itemId}</ItemID>${item.sku === undefined ? '' : `<SKU>${item.sku}</SKU>`}<Title>Cup &amp; saucer</Title><ListingType>${item.type ?? 'FixedPriceItem'}</ListingType>${variations.length === 0 ? count(item.available, item.sold) : `<Variations>${variations.join('')}</Variations>`}</Item>`;
}

function activePage(state: Account, call: Call): Reply {
  const of = Number(inner(String(call.body), 'EntriesPerPage'));
  const page = Number(inner(String(call.body), 'PageNumber'));
  const own = state.skus.flatMap(({ sku, itemId, quantity }): Made[] =>
    itemId === undefined ? [] : [{ itemId, sku, available: quantity }],
  );
  const rows = [...own, ...state.made];
  const shown = rows.slice((page - 1) * of, page * of).map((item) => madeXml(item, 'active'));
  const pages = Math.max(1, Math.ceil(rows.length / of));
  return {
    xml: `<ActiveList><ItemArray>${shown.join('')}</ItemArray><PaginationResult><TotalNumberOfPages>${pages}</TotalNumberOfPages><TotalNumberOfEntries>${rows.length}</TotalNumberOfEntries></PaginationResult></ActiveList>`,
  };
}

function failure(code: number, severity = 'Failure'): string {
  return `<Ack>${severity}</Ack><Errors><ShortMessage>no</ShortMessage><ErrorCode>${code}</ErrorCode><SeverityCode>Error</SeverityCode></Errors>`;
}

function getItem(state: Account, call: Call): Reply {
  const item = state.made.find((each) => each.itemId === inner(String(call.body), 'ItemID'));
  return { xml: item === undefined ? failure(17) : madeXml(item, 'item') };
}

function revise(state: Account, call: Call): Reply {
  const nodes = String(call.body).match(/<InventoryStatus>.*?<\/InventoryStatus>/g) ?? [];
  const rows = nodes.map((node) => ({
    itemId: inner(node, 'ItemID') ?? '',
    sku: inner(node, 'SKU')?.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))),
    quantity: Number(inner(node, 'Quantity')),
  }));
  state.writes.push({ path: 'revise', rows });
  if (rows.length > 4) return { xml: failure(21916799) };
  const bad = rows.find(({ itemId }) => state.refused.has(itemId));
  if (bad !== undefined) return { xml: failure(state.refused.get(bad.itemId) ?? 0) };
  for (const { itemId, sku, quantity } of rows) {
    const item = state.made.find((each) => each.itemId === itemId);
    const variation = item?.variations?.find((each) => each.sku === sku);
    if (variation !== undefined) variation.available = quantity;
    else if (item !== undefined) item.available = quantity;
  }
  return { xml: '<Ack>Warning</Ack>' };
}
