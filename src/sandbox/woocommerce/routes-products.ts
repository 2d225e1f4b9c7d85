import { runBatch } from './batch.ts';
import { addProduct } from './catalogue.ts';
import { filterDates, filterIds, pageOf, sortRows } from './listing.ts';
import { asFields, asFlag, asList, asText, type Fields, intval } from './php.ts';
import { RestProblem } from './problem.ts';
import { productView, variationView } from './product-view.ts';
import {
  parentOf,
  putStock,
  savedProduct,
  shownStock,
  stockHolder,
  stockStatusOf,
  variationsOf,
} from './products.ts';
import { forced, listParam, type RestCall, type RestResult, validate } from './request.ts';
import { applyMeta, type Product, type Site } from './site.ts';
import { sellBeforeWrite } from './storefront.ts';

const STATUSES = ['draft', 'pending', 'private', 'publish', 'future'];
const STOCK_STATUSES = ['instock', 'outofstock', 'onbackorder'];

const WRITE_SCHEMA = {
  stock_quantity: 'integer',
  inventory_delta: 'integer',
  manage_stock: 'boolean',
  sku: 'string',
  name: 'string',
  status: { oneOf: STATUSES },
  stock_status: { oneOf: STOCK_STATUSES },
  backorders: { oneOf: ['no', 'notify', 'yes'] },
} as const;

// ------------------------------------------------------------------------------------------------ reading

export function listProducts(site: Site, call: RestCall): RestResult {
  const { query } = call;
  validate(query, { type: { oneOf: ['simple', 'grouped', 'external', 'variable'] } });
  const skus = listParam(query['sku']).map((sku) => sku.toLowerCase());
  // A SKU filter finds variations too, `include` does not (WOO-O.2).
  let rows = [...site.products.values()].filter((product) => product.type !== 'variation' || skus.length > 0);
  if (skus.length > 0) rows = rows.filter((product) => skus.includes(product.sku.toLowerCase()));
  rows = byStatus(rows, query);
  if (query['type'] !== undefined) rows = rows.filter((product) => product.type === query['type']);
  if (query['parent'] !== undefined) {
    const parents = listParam(query['parent']).map(Number);
    rows = rows.filter((product) => parents.includes(product.parentId));
  }
  rows = commonFilters(site, rows, query);
  const stale = site.faults.hits('stale_read');
  return pageOf(
    site,
    call,
    sortRows(rows, query, ['price', 'popularity', 'rating', 'menu_order']),
    (product) => productView(site, product, 'view', stale),
  );
}

export function listVariations(site: Site, call: RestCall, parent: Product | null): RestResult {
  const { query } = call;
  let rows = [...site.products.values()].filter(
    (product) => product.type === 'variation' && (parent === null || product.parentId === parent.id),
  );
  const skus = listParam(query['sku']).map((sku) => sku.toLowerCase());
  if (skus.length > 0) rows = rows.filter((product) => skus.includes(product.sku.toLowerCase()));
  rows = commonFilters(site, byStatus(rows, query), query);
  const stale = site.faults.hits('stale_read');
  return pageOf(site, call, sortRows(rows, query, ['menu_order']), (product) =>
    variationView(site, product, stale),
  );
}

function byStatus(rows: Product[], query: Fields): Product[] {
  validate(query, { status: { oneOf: ['any', 'trash', ...STATUSES] } });
  const status = asText(query['status'] ?? 'any');
  return rows.filter((product) =>
    status === 'any' ? product.status !== 'trash' : product.status === status,
  );
}

function commonFilters(site: Site, rows: Product[], query: Fields): Product[] {
  validate(query, { stock_status: { oneOf: STOCK_STATUSES } });
  const status = query['stock_status'];
  const search = asText(query['search']).toLowerCase();
  const kept = rows.filter(
    (product) =>
      (status === undefined || stockStatusOf(site, product) === status) &&
      (search === '' || product.name.toLowerCase().includes(search)),
  );
  return filterDates(site, filterIds(kept, query), query);
}

/** A variation is found here too, in product shape. */
export function getProduct(site: Site, call: RestCall): RestResult {
  const product = needProduct(site, call.ids[0], 404);
  const context = call.query['context'] === 'edit' ? 'edit' : 'view';
  return { status: 200, body: productView(site, product, context, site.faults.hits('stale_read')) };
}

export function getVariation(site: Site, call: RestCall): RestResult {
  const variation = needVariation(site, call.ids[0], call.ids[1]);
  return { status: 200, body: variationView(site, variation, site.faults.hits('stale_read')) };
}

export function needProduct(site: Site, id: unknown, status: number): Product {
  const product = site.products.get(intval(id));
  if (product === undefined)
    throw new RestProblem('woocommerce_rest_product_invalid_id', 'Invalid ID.', status);
  return product;
}

function needVariation(site: Site, parentId: unknown, id: unknown): Product {
  const variation = site.products.get(intval(id));
  if (variation === undefined || variation.type !== 'variation' || variation.parentId !== intval(parentId)) {
    throw new RestProblem('woocommerce_rest_product_variation_invalid_id', 'Invalid ID.', 404);
  }
  return variation;
}

// ------------------------------------------------------------------------------------------------ writing

export async function updateProduct(site: Site, call: RestCall): Promise<RestResult> {
  const product = writable(site, call.ids[0], 400);
  validate(call.body, WRITE_SCHEMA);
  await write(site, call, product, call.body);
  return { status: 200, body: productView(site, product, 'edit') };
}

export async function updateVariation(site: Site, call: RestCall): Promise<RestResult> {
  const variation = needVariation(site, call.ids[0], call.ids[1]);
  validate(call.body, WRITE_SCHEMA);
  await write(site, call, variation, call.body);
  return { status: 200, body: variationView(site, variation) };
}

function writable(site: Site, id: unknown, status: number): Product {
  const product = needProduct(site, id, status);
  if (product.type === 'variation') {
    throw new RestProblem(
      'woocommerce_rest_invalid_product_id',
      'To manipulate product variations you should use the /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint.',
      404,
    );
  }
  return product;
}

/**
 * Saves what the caller sent; unknown fields are ignored and the product is saved all the same. Nothing is validated
 * here: a batch row with garbage for a quantity empties the shelf (WOO-O.2).
 */
async function write(site: Site, call: RestCall, product: Product, body: Fields): Promise<void> {
  const named = 'stock_quantity' in body;
  if (named && site.faults.hits('sale_before_write')) sellBeforeWrite(site, product);
  checkSku(site, product, body);
  const before = shownStock(site, product);
  if (body['name'] !== undefined) product.name = asText(body['name']);
  if (body['status'] !== undefined) product.status = asText(body['status']);
  if (body['regular_price'] !== undefined) product.price = Number(asText(body['regular_price'])).toFixed(2);
  applyMeta(site, product.meta, metaInput(body['meta_data']));
  if (body['manage_stock'] !== undefined) setManaged(product, asFlag(body['manage_stock']));
  if (product.manageStock) {
    const backorders = asText(body['backorders']);
    if (backorders === 'no' || backorders === 'notify' || backorders === 'yes')
      product.backorders = backorders;
    if (named) putStock(product, intval(body['stock_quantity']));
    else if (body['inventory_delta'] !== undefined)
      await addDelta(site, product, intval(body['inventory_delta']));
  } else if (body['stock_status'] !== undefined) {
    product.stockStatus = asText(body['stock_status']);
  }
  if (named || body['inventory_delta'] !== undefined) noteWrite(site, call, product, body, before);
  savedProduct(site, product);
}

/** Long enough for requests that arrive together to read the same number. */
const DELTA_GAP_MS = 5;

/** Read, think, write an absolute number: `inventory_delta` is not atomic (WOO-O.2). */
async function addDelta(site: Site, product: Product, delta: number): Promise<void> {
  const read = product.stock ?? 0;
  await new Promise<void>((resolve) => site.later(DELTA_GAP_MS, resolve));
  putStock(product, read + delta);
}

/** Turning management off forgets the number; turning it on again starts from nothing. */
function setManaged(product: Product, managed: boolean): void {
  if (product.manageStock === managed) return;
  product.manageStock = managed;
  product.stockStatus = 'instock';
  product.backorders = 'no';
  putStock(product, null);
}

function noteWrite(site: Site, call: RestCall, product: Product, body: Fields, from: number | null): void {
  const shown = shownStock(site, product);
  const wanted =
    'stock_quantity' in body ? intval(body['stock_quantity']) : (shown ?? intval(body['inventory_delta']));
  // Dropped in silence where nobody, or the parent, holds the number.
  const applied = product.manageStock && shown === wanted;
  const write = { sku: product.sku, from, to: wanted, applied, answered: false, key: null };
  call.writes.push(site.records.write(write));
}

export function metaInput(value: unknown): { id: number; key: string; value: unknown }[] {
  return asList(value).map((entry) => {
    const fields = asFields(entry);
    return { id: intval(fields['id']), key: asText(fields['key']), value: fields['value'] ?? null };
  });
}

function checkSku(site: Site, product: Product | null, body: Fields): void {
  if (body['sku'] === undefined) return;
  const sku = asText(body['sku']);
  const owner = [...site.products.values()].find(
    (candidate) => candidate.sku.toLowerCase() === sku.toLowerCase() && candidate !== product,
  );
  if (sku !== '' && owner !== undefined) {
    throw new RestProblem('product_invalid_sku', 'Invalid or duplicated SKU.', 400, {
      resource_id: owner.id,
      unique_sku: `${sku}-1`,
    });
  }
  if (product !== null) product.sku = sku;
}

// ------------------------------------------------------------------------------------- creating, deleting

export function createProduct(site: Site, call: RestCall): RestResult {
  validate(call.body, WRITE_SCHEMA);
  return { status: 201, body: productView(site, create(site, call.body, null), 'edit') };
}

export function createVariation(site: Site, call: RestCall): RestResult {
  const parent = variableParent(site, call.ids[0]);
  validate(call.body, WRITE_SCHEMA);
  return { status: 201, body: variationView(site, create(site, call.body, parent)) };
}

function variableParent(site: Site, id: unknown): Product {
  const parent = site.products.get(intval(id));
  if (parent === undefined || parent.type === 'variation') {
    throw new RestProblem('woocommerce_rest_product_invalid_id', 'Invalid ID.', 404);
  }
  return parent;
}

/** Fires product.created only (WOO-O.8). */
function create(site: Site, body: Fields, parent: Product | null): Product {
  checkSku(site, null, body);
  const managed = asFlag(body['manage_stock']);
  const quantity = body['stock_quantity'] === undefined ? null : intval(body['stock_quantity']);
  const options = asList(body['attributes']).map((entry) => {
    const fields = asFields(entry);
    return { name: asText(fields['name']) || 'Size', option: asText(fields['option']) };
  });
  const product = addProduct(site, {
    type: parent !== null ? 'variation' : body['type'] === 'variable' ? 'variable' : 'simple',
    parentId: parent?.id ?? 0,
    name: asText(body['name']) || parent?.name || 'Product',
    sku: asText(body['sku']),
    price: Number(asText(body['regular_price']) || '0').toFixed(2),
    status: asText(body['status']) || 'publish',
    manageStock: managed,
    stock: managed ? quantity : null,
    stockStatus: STOCK_STATUSES.find((status) => status === body['stock_status']) ?? 'instock',
    options: parent === null ? [] : options,
  });
  applyMeta(site, product.meta, metaInput(body['meta_data']));
  site.emit('product.created', product.id);
  return product;
}

/** Without force to the trash, answered with the state before; with force gone, and nobody is told. */
export function deleteProduct(site: Site, call: RestCall): RestResult {
  const product = writable(site, call.ids[0], 404);
  const body = productView(site, product, 'edit');
  if (forced(call)) remove(site, product);
  else trash(site, product);
  return { status: 200, body };
}

export function deleteVariation(site: Site, call: RestCall): RestResult {
  const variation = needVariation(site, call.ids[0], call.ids[1]);
  const body = variationView(site, variation);
  if (forced(call)) remove(site, variation);
  else trash(site, variation);
  return { status: 200, body };
}

function trash(site: Site, product: Product): void {
  if (product.status === 'trash') {
    throw new RestProblem('woocommerce_rest_already_trashed', 'The product has already been deleted.', 410);
  }
  product.status = 'trash';
  site.emit('product.deleted', product.id);
}

function remove(site: Site, product: Product): void {
  for (const child of variationsOf(site, product)) site.products.delete(child.id);
  const parent = parentOf(site, product);
  if (parent !== undefined) parent.modifiedAt = site.seconds();
  site.products.delete(product.id);
}

// -------------------------------------------------------------------------------------------------- batch

export function batchProducts(site: Site, call: RestCall): Promise<RestResult> {
  return runBatch(call, {
    breaksOff: () => site.faults.hits('half_batch_504'),
    create: (row) => productView(site, create(site, row, null), 'edit'),
    update: async (row) => {
      const product = writable(site, row['id'], 400);
      await write(site, call, product, row);
      return productView(site, product, 'edit');
    },
    remove: (id) => {
      const product = writable(site, id, 404);
      const body = productView(site, product, 'edit');
      remove(site, product);
      return body;
    },
  });
}

export function batchVariations(site: Site, call: RestCall): Promise<RestResult> {
  const parent = variableParent(site, call.ids[0]);
  return runBatch(call, {
    breaksOff: () => site.faults.hits('half_batch_504'),
    create: (row) => variationView(site, create(site, row, parent)),
    update: async (row) => {
      const variation = needVariation(site, parent.id, row['id']);
      await write(site, call, variation, row);
      return variationView(site, variation);
    },
    remove: (id) => {
      const variation = needVariation(site, parent.id, id);
      const body = variationView(site, variation);
      remove(site, variation);
      return body;
    },
  });
}

/** Stock writes that a call asks for, as if none were obeyed: what a refused or cut call leaves on record. */
export function intendedWrites(site: Site, call: RestCall) {
  const rows = call.route.endsWith('/batch')
    ? asList(call.body['update']).map(asFields)
    : [{ ...call.body, id: call.ids.at(-1) } as Fields];
  return rows.flatMap((row) => {
    const product = site.products.get(intval(row['id']));
    if (product === undefined || !('stock_quantity' in row)) return [];
    const from = stockHolder(site, product)?.stock ?? null;
    return [{ sku: product.sku, from, to: intval(row['stock_quantity']), applied: false, key: null }];
  });
}

/** Lists of one parent need the parent to be there. */
export function parentForList(site: Site, call: RestCall): Product {
  const parent = site.products.get(call.ids[0] ?? 0);
  if (parent === undefined) throw new RestProblem('woocommerce_rest_product_invalid_id', 'Invalid ID.', 404);
  return parent;
}
