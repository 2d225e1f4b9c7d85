import type { Call, Reply } from './scripted-shop.ts';

/** A product or variation of the documented kind. */
export interface Item {
  id: number;
  parent_id?: number;
  name?: string;
  sku?: string;
  type?: string;
  status?: string;
  manage_stock?: boolean | 'parent';
  stock_quantity?: number | null;
  variations?: number[];
}

const v3 = '/wp-json/wc/v3';

/**
 * The documented answers to reads and writes of stock (WOO-4, WOO-5; O.2, O.3) over a list of rows. `flat` switches
 * GET /variations off for an old shop. Numbers of unmanaged rows are dropped silently.
 */
export function catalogue(
  items: Item[],
  options: { flat?: boolean; most?: number } = {},
): (call: Call) => Reply {
  return (call) => {
    const path = call.path.slice(v3.length);
    const parent = /^\/products\/(\d+)\/variations/.exec(path)?.[1];
    const rest = parent === undefined ? path : path.replace(/^\/products\/\d+\/variations/, '/products');
    const scope = items.filter((item) =>
      path === '/variations' || parent !== undefined
        ? item.parent_id !== undefined && (parent === undefined || item.parent_id === Number(parent))
        : item.parent_id === undefined,
    );
    if (path === '/variations' && options.flat === false) return noRoute;
    if (rest === '/products' || path === '/variations') return listOf(scope, call);
    if (rest === '/products/batch') return batch(scope, parent, call, options.most ?? 100);
    const one = scope.find(({ id }) => rest === `/products/${id}`);
    if (one === undefined) return { status: 404, json: invalid(parent, 404) };
    if (call.method !== 'GET') write(one, (call.body as { stock_quantity: number }).stock_quantity);
    return { json: one };
  };
}

const noRoute: Reply = {
  status: 404,
  json: { code: 'rest_no_route', message: 'No route was found matching the URL.', data: { status: 404 } },
};

function listOf(scope: readonly Item[], { query }: Call): Reply {
  const wanted = query.get('include')?.split(',').map(Number);
  const matching = scope
    .filter(({ id, status }) => status !== 'trash' && (wanted === undefined || wanted.includes(id)))
    .sort((a, b) => a.id - b.id);
  const perPage = Number(query.get('per_page') ?? 10);
  const page = Number(query.get('page') ?? 1);
  return {
    json: matching.slice((page - 1) * perPage, page * perPage),
    headers: {
      'x-wp-total': String(matching.length),
      'x-wp-totalpages': String(Math.ceil(matching.length / perPage)),
    },
  };
}

function batch(scope: readonly Item[], parent: string | undefined, call: Call, most: number): Reply {
  const rows = (call.body as { update: { id: number; stock_quantity: number }[] }).update;
  if (rows.length > most) {
    const message = `Unable to accept more than ${most} items for this request.`;
    return {
      status: 413,
      json: { code: 'woocommerce_rest_request_entity_too_large', message, data: { status: 413 } },
    };
  }
  const update = rows.map(({ id, stock_quantity: quantity }) => {
    const item = scope.find((candidate) => candidate.id === id);
    if (item === undefined) return { id, error: invalid(parent, 400) };
    write(item, quantity);
    return { ...item, description: 'a long text' };
  });
  return { json: { update } };
}

function write(item: Item, quantity: number): void {
  if (item.manage_stock === true) item.stock_quantity = quantity;
}

function invalid(parent: string | undefined, status: number) {
  const code =
    parent === undefined
      ? 'woocommerce_rest_product_invalid_id'
      : 'woocommerce_rest_product_variation_invalid_id';
  return { code, message: 'Invalid ID.', data: { status } };
}
