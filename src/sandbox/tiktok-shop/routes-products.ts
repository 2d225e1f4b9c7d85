import type { Rate } from '../kit/buckets.ts';
import { shownTo } from '../kit/shelves.ts';
import { listOf } from '../kit/untyped.ts';
import { type Call, idsIn, invalid, malformed, type Route, refused, route, timeIn, wordIn } from './call.ts';
import type { Notifier } from './notifier.ts';
import { pageOf } from './pages.ts';
import { type Product, type ProductStatus, productStatuses, type Sku, type State, seconds } from './state.ts';
import { availableOf, committedOf } from './stock.ts';

/** TTS-3.1: no search goes further. */
const rowsReachable = 10_000;

type SetStatus = (product: Product, status: ProductStatus) => void;

/** Product search, counts, and taking products off sale (TTS-3 and TTS-7.3). */
export function productRoutes(
  state: State,
  rates: { read: Rate; write: Rate },
  setStatus: SetStatus,
): Route[] {
  const read = { scope: 'seller.product.basic', rate: rates.read };
  const move = { scope: 'seller.product.write', rate: rates.write };
  const shelve = (status: ProductStatus) => (call: Call) =>
    moveProducts(state, call, (one) => setStatus(one, status));
  return [
    route('POST /product/202309,202312,202502/products/search', read, (call) => searchProducts(state, call)),
    route('POST /product/202309/inventory/search', read, ({ body }) => searchInventory(state, body)),
    route('POST /product/202309/products/deactivate', move, shelve('SELLER_DEACTIVATED')),
    // TTS-7.3: a product that comes back is audited again.
    route('POST /product/202309/products/activate', move, shelve('PENDING')),
  ];
}

function searchProducts(state: State, call: Call): Record<string, unknown> {
  const { body } = call;
  const skus = listOf(body['seller_skus']);
  if (skus.length > 10) throw refused(12019027, 'The number of seller SKUs exceeds the limit of 10.');
  const status = wordIn(body, 'status', ['ALL', ...productStatuses]) ?? 'ALL';
  const times = {
    createdFrom: timeIn(body, 'create_time_ge'),
    createdTo: timeIn(body, 'create_time_le'),
    updatedFrom: timeIn(body, 'update_time_ge'),
    updatedTo: timeIn(body, 'update_time_le'),
  };
  const filters = { status, skus, ...times };
  const rows = [...state.products.values()].filter(
    (product) =>
      (status === 'ALL' || product.status === status) &&
      (skus.length === 0 || product.skus.some(({ sellerSku }) => skus.includes(sellerSku))) &&
      upTo(product.createdAt, times.createdFrom, times.createdTo) &&
      upTo(product.updatedAt, times.updatedFrom, times.updatedTo),
  );
  const keyed = rows.map((row) => ({ row, at: 0, id: row.id }));
  const reach = (end: number) => {
    if (end <= rowsReachable || rows.length <= rowsReachable) return;
    throw refused(12052180, 'The search reaches at most 10000 products; narrow its filters.');
  };
  const page = pageOf(call, keyed, { size: [100, 10], filters, by: 'offset', reach });
  return {
    total_count: rows.length,
    next_page_token: page.next,
    products: page.rows.map((product) => productView(state, product)),
  };
}

/** Both ends count (TTS-3.1). */
function upTo(atMs: number, fromMs: number | null, toMs: number | null): boolean {
  const at = seconds(atMs);
  return (fromMs === null || at >= seconds(fromMs)) && (toMs === null || at <= seconds(toMs));
}

function productView(state: State, product: Product): Record<string, unknown> {
  return {
    id: product.id,
    title: product.title,
    status: product.status,
    create_time: seconds(product.createdAt),
    update_time: seconds(product.updatedAt),
    sales_regions: [state.seller.region],
    is_not_for_sale: false,
    skus: product.skus.map((sku) => ({
      id: sku.id,
      seller_sku: sku.sellerSku,
      price: { currency: 'USD', tax_exclusive_price: sku.price },
      inventory: searchedInventory(state, sku),
    })),
  };
}

/** The numbers as the search's index has them, a moment behind; newer markets add fields (TTS-3.1). */
function searchedInventory(state: State, sku: Sku): Record<string, unknown>[] {
  if (sku.parts.length > 0) {
    const main = state.warehouses.find(({ isDefault }) => isDefault);
    return [{ warehouse_id: main?.id ?? '', quantity: availableOf(sku) }];
  }
  const stale = shownTo(sku.stale, state.now(), null);
  return sku.holdings.map(({ warehouse, available }) => ({
    warehouse_id: warehouse.id,
    quantity: stale?.get(warehouse.id) ?? available,
    backorder_quantity: 0,
    handling_time: 0,
  }));
}

/** TTS-3.2: what is deleted or foreign is left out; `sku_ids` win over `product_ids`. */
function searchInventory(state: State, body: Record<string, unknown>): Record<string, unknown> {
  const skuIds = idsIn(body, 'sku_ids', 600);
  const productIds = idsIn(body, 'product_ids', 100);
  if ((skuIds ?? productIds) === null) throw invalid(`Either 'product_ids' or 'sku_ids' is required.`);
  const wanted =
    skuIds !== null && skuIds.length > 0
      ? [...new Set(skuIds)].flatMap((id) => state.skus.get(id) ?? [])
      : [...new Set(productIds ?? [])].flatMap((id) => state.products.get(id)?.skus ?? []);
  const byProduct = new Map<Product, Sku[]>();
  for (const sku of wanted) {
    if (sku.product.status === 'DELETED') continue;
    byProduct.set(sku.product, [...(byProduct.get(sku.product) ?? []), sku]);
  }
  const inventory = [...byProduct].map(([product, skus]) => ({
    product_id: product.id,
    skus: skus.map((sku) => countView(state, sku)),
  }));
  return { inventory };
}

function countView(state: State, sku: Sku): Record<string, unknown> {
  const available = availableOf(sku);
  const { campaign, creator } = sku;
  const [main] = state.warehouses;
  const rows =
    sku.parts.length > 0
      ? [{ warehouse_id: main?.id ?? '', available_quantity: available, committed_quantity: 0 }]
      : sku.holdings.map((holding) => ({
          warehouse_id: holding.warehouse.id,
          available_quantity: holding.available,
          committed_quantity: holding.committed,
        }));
  return {
    id: sku.id,
    seller_sku: sku.sellerSku,
    total_available_quantity: available,
    total_committed_quantity: committedOf(sku),
    warehouse_inventory: rows,
    total_available_inventory_distribution: {
      in_shop_inventory: { quantity: available - campaign - creator },
      campaign_inventory: campaign === 0 ? [] : [{ campaign_name: 'Autumn', quantity: campaign }],
      creator_inventory: creator === 0 ? [] : [{ creator_name: 'somebody', quantity: creator }],
    },
  };
}

function moveProducts(
  state: State,
  { body }: Call,
  move: (product: Product) => void,
): Record<string, unknown> {
  const ids = idsIn(body, 'product_ids', 20);
  if (ids === null || ids.length === 0) throw malformed('product_ids');
  const errors = ids.flatMap((product_id) => {
    const product = state.products.get(product_id);
    const message = 'The product was not found';
    if (product === undefined || product.status === 'DELETED')
      return [{ code: 12052032, message, detail: { product_id } }];
    move(product);
    return [];
  });
  return errors.length === 0 ? {} : { errors };
}

/** Topics 5 and 27 (TTS-2.2). */
export function tellProduct(state: State, notifier: Notifier, product: Product): void {
  const data = { product_id: product.id, status: product.status, update_time: seconds(state.now()) };
  notifier.tell('PRODUCT_STATUS_CHANGE', product.id, data);
}

/** A SKU crossed from plenty to little, to none, or back. */
export function tellLevel(state: State, notifier: Notifier, sku: Sku): void {
  const reserved = { creator: sku.creator, campaign: sku.campaign };
  const available = availableOf(sku);
  const committed = committedOf(sku);
  const data = {
    product_id: sku.product.id,
    sku_id: sku.id,
    trigger_reason: { alert_type: 'REALTIME', lead_days: 0, low_stock_threshold: 3 },
    current_inventory_status: sku.level,
    inventory_distribution: {
      total_quantity: available + committed,
      available_quantity: available - reserved.creator - reserved.campaign,
      creator_reserved_quantity: reserved.creator,
      campaign_reserved_quantity: reserved.campaign,
      committed_quantity: committed,
    },
    update_time: seconds(state.now()),
  };
  notifier.tell('INVENTORY_STATUS_CHANGE', sku.id, data);
}
