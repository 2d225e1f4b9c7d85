import type { CatalogueItem } from '../shop.ts';
import type { Holding, Product, Sku, State, Warehouse } from './state.ts';
import { availableOf, levelOf } from './stock.ts';

/** SKUs beside the catalogue, for what not every listing has. */
export const oddities = {
  /** A draft, a frozen product, one kept by the platform: what is listed tells that no number can be written. */
  unwritable: ['DRAFT-1', 'FROZEN-1', 'PLATFORM-1'],
  /** A combo, one that is sold across borders, a deleted one: only the refusal of a write tells it. */
  refused: ['COMBO-1', 'GLOBAL-1', 'GONE-1'],
  /** On two products. */
  ambiguous: ['DUP-1'],
  /** Two SKUs of one product that must show one number (TTS-4.2, 12052503). */
  shared: ['TWIN-A', 'TWIN-B'],
} as const;

/** Of ten items of the catalogue the fifth and sixth, and the last two, are SKUs of one product. */
const joinsNext = (index: number) => index % 10 === 4 || index % 10 === 8;
/** Every fifth item lies in two warehouses. */
const liesInTwo = (index: number) => index % 5 === 4;

/** The warehouses that the shop opens with (TTS-3.3: one place appears for sales and for returns). */
function openWarehouses(state: State) {
  const add = (name: string, changes: Partial<Warehouse> = {}): Warehouse => {
    const id = state.ids.warehouse();
    const usual = { type: 'SALES_WAREHOUSE', status: 'ENABLED', isDefault: false, platform: false } as const;
    const warehouse = { id, name, ...usual, ...changes };
    state.warehouses.push(warehouse);
    return warehouse;
  };
  const [main, second] = [add('Main', { isDefault: true }), add('Second')];
  add('Main', { type: 'RETURN_WAREHOUSE', isDefault: true });
  add('Overflow');
  add('Old cellar', { status: 'DISABLED' });
  return { main, second, platform: add('Platform', { platform: true }) };
}

/** The warehouses whose stock is the merchant's to keep: `warehouses` of the configuration. */
export function managedWarehouses(state: State): Warehouse[] {
  return state.warehouses
    .filter(({ type, status, platform }) => type === 'SALES_WAREHOUSE' && status !== 'DISABLED' && !platform)
    .slice(0, 2);
}

/** Lists the catalogue and the oddities. */
export function stockShelves(state: State, catalogue: readonly CatalogueItem[]): void {
  const { main, second, platform } = openWarehouses(state);
  let product: Product | null = null;
  for (const [index, item] of catalogue.entries()) {
    product ??= openProduct(state, item.title);
    const apart = liesInTwo(index) ? Math.floor(item.stock / 3) : 0;
    const holdings = [hold(main, item.stock - apart)];
    if (liesInTwo(index)) holdings.push(hold(second, apart));
    addSku(state, product, { sellerSku: item.sku, holdings });
    if (!joinsNext(index)) product = null;
  }
  addOddities(state, main, platform);
}

function addOddities(state: State, main: Warehouse, platform: Warehouse): void {
  const single = (sellerSku: string, units: number, changes: Partial<Product> = {}) => {
    const product = openProduct(state, `Odd ${sellerSku}`.trim(), changes);
    return addSku(state, product, { sellerSku, holdings: [hold(main, units)] });
  };
  single('DRAFT-1', 5, { status: 'DRAFT' });
  single('FROZEN-1', 5, { status: 'FREEZE' });
  single('GONE-1', 5, { status: 'DELETED' });
  const combo = addSku(state, openProduct(state, 'Odd COMBO-1'), { sellerSku: 'COMBO-1', holdings: [] });
  combo.parts = [
    { sku: single('PART-1', 9), count: 2 },
    { sku: single('PART-2', 4), count: 1 },
  ];
  const distant = { sellerSku: 'PLATFORM-1', holdings: [hold(platform, 6)] };
  addSku(state, openProduct(state, 'Odd PLATFORM-1'), distant);
  single('GLOBAL-1', 7, { global: true });
  single('DUP-1', 3);
  single('DUP-1', 4);
  single('', 2);
  const twins = openProduct(state, 'Odd twins');
  const one = addSku(state, twins, { sellerSku: 'TWIN-A', holdings: [hold(main, 8)] });
  const other = addSku(state, twins, { sellerSku: 'TWIN-B', holdings: one.holdings });
  one.sharedWith = [other];
  other.sharedWith = [one];
}

function hold(warehouse: Warehouse, available: number): Holding {
  return { warehouse, available, committed: 0 };
}

function openProduct(state: State, title: string, changes: Partial<Product> = {}): Product {
  const now = state.now();
  const product: Product = {
    id: state.ids.product(),
    title,
    status: 'ACTIVATE',
    createdAt: now,
    updatedAt: now,
    skus: [],
    global: false,
    ...changes,
  };
  state.products.set(product.id, product);
  return product;
}

function addSku(state: State, product: Product, fields: Pick<Sku, 'sellerSku' | 'holdings'>): Sku {
  const sku: Sku = {
    id: state.ids.sku(),
    product,
    price: '9.99',
    campaign: 0,
    creator: 0,
    parts: [],
    sharedWith: [],
    stale: null,
    level: 'SUFFICIENT_STOCK',
    ...fields,
  };
  sku.level = levelOf(availableOf(sku));
  product.skus.push(sku);
  state.skus.set(sku.id, sku);
  return sku;
}

/** The SKUs on sale under a seller's SKU. */
export function onSale(state: State, sellerSku: string): Sku[] {
  return [...state.skus.values()].filter(
    (sku) => sku.sellerSku === sellerSku && sku.product.status === 'ACTIVATE',
  );
}
