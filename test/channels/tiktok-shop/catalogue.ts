import type { Call, Reply, Script } from './scripted-tiktok.ts';

/** A SKU with its numbers by warehouse. */
export interface Sku {
  id: string;
  sku: string;
  levels: Record<string, number>;
}
export interface Product {
  id: string;
  status?: string;
  changedAt?: number;
  skus: Sku[];
}

/** A shop as documented (TTS-3 and TTS-4) that obeys writes. */
export interface Account {
  products: Product[];
  warehouses: unknown[];
  /** Rows that a search ends at. */
  limit: number;
  /** Codes for SKUs that are refused inside code 0. */
  refused: Map<string, number>;
  /** Codes for whole calls that contain the SKU. */
  refusedCalls: Map<string, number>;
  writes: {
    product: string;
    skus: { id: string; inventory: { warehouse_id?: string; quantity: number }[] }[];
  }[];
}

export function account(products: Product[], change: Partial<Account> = {}): Account {
  return {
    products: structuredClone(products),
    warehouses: [
      { id: '700', name: 'Main', type: 'SALES_WAREHOUSE', effect_status: 'ENABLED', is_default: true },
      { id: '701', name: 'East', type: 'SALES_WAREHOUSE', effect_status: 'ENABLED', is_default: false },
      { id: '799', name: 'Back', type: 'RETURN_WAREHOUSE', effect_status: 'ENABLED', is_default: false },
    ],
    limit: 10_000,
    refused: new Map(),
    refusedCalls: new Map(),
    writes: [],
    ...change,
  };
}

export function answers(state: Account): Script {
  return (call) => {
    if (call.path === '/product/202502/products/search') return page(state, call);
    if (call.path === '/product/202309/inventory/search') return search(state, call);
    if (call.path === '/logistics/202309/warehouses') return { data: { warehouses: state.warehouses } };
    if (call.path.endsWith('/inventory/update')) return update(state, call);
    return undefined;
  };
}

function page(state: Account, { query, body }: Call): Reply {
  const from = Number(body['update_time_ge'] ?? 0);
  const to = Number(body['update_time_le'] ?? Number.MAX_SAFE_INTEGER);
  const rows = state.products.filter(({ changedAt = 1 }) => changedAt >= from && changedAt <= to);
  const size = Number(query['page_size']);
  const at = Number((query['page_token'] ?? 'p+/0').slice(3));
  if (at >= state.limit) return { code: 12052180, message: 'too many results' };
  const products = rows.slice(at, at + size).map(({ id, status = 'ACTIVATE', skus }) => ({
    id,
    status,
    title: `Product ${id}`,
    skus: skus.map((sku) => ({
      id: sku.id,
      seller_sku: sku.sku,
      inventory: Object.entries(sku.levels).map(([warehouse_id, quantity]) => ({
        warehouse_id,
        quantity,
        backorder_quantity: 5,
      })),
    })),
  }));
  const more = at + size < rows.length;
  return {
    data: { total_count: rows.length, next_page_token: more ? `p+/${at + size}` : '', products },
  };
}

function search(state: Account, { body }: Call): Reply {
  const ids = body['sku_ids'] as string[];
  if (ids.length > 600) return { code: 36009004, message: 'too many sku_ids' };
  const inventory = state.products.flatMap(({ id, skus }) => {
    const wanted = skus.filter((sku) => ids.includes(sku.id));
    return wanted.length === 0 ? [] : [{ product_id: id, skus: wanted.map(stockOf) }];
  });
  return { data: { inventory } };
}

function stockOf({ id, sku, levels }: Sku) {
  const total = Object.values(levels).reduce((sum, level) => sum + level, 0);
  return {
    id,
    seller_sku: sku,
    total_available_quantity: total,
    total_committed_quantity: 3,
    warehouse_inventory: Object.entries(levels).map(([warehouse_id, available_quantity]) => ({
      warehouse_id,
      available_quantity,
      committed_quantity: 3,
    })),
    total_available_inventory_distribution: { in_shop_inventory: { quantity: total } },
  };
}

function update(state: Account, call: Call): Reply {
  const product = state.products.find(({ id }) => call.path.includes(`/${id}/`));
  const skus = call.body['skus'] as Account['writes'][number]['skus'];
  state.writes.push({ product: product?.id ?? '', skus });
  for (const { id } of skus) {
    const code = state.refusedCalls.get(id);
    if (code !== undefined) return { code, message: 'refused as a whole' };
  }
  const errors = skus.flatMap(({ id, inventory }) => {
    const own = product?.skus.find((sku) => sku.id === id);
    const isWhole = Object.keys(own?.levels ?? {}).every((place) =>
      inventory.some(({ warehouse_id }) => warehouse_id === place),
    );
    const code = state.refused.get(id) ?? (isWhole ? undefined : 12052037);
    if (own === undefined || code !== undefined) {
      return [{ code: code ?? 12052557, message: 'refused', detail: { sku_id: id, extra_errors: [] } }];
    }
    own.levels = Object.fromEntries(
      inventory.map(({ warehouse_id, quantity }) => [warehouse_id ?? '700', quantity]),
    );
    return [];
  });
  return { data: errors.length === 0 ? {} : { errors } };
}
