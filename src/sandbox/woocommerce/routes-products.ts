import { found } from '../kit/untyped.ts';
import { runBatch } from './batch.ts';
import { addProduct } from './catalogue.ts';
import { filterDates, filterIds, pageOf, sortRows } from './listing.ts';
import { asFields, asFlag, asList, asText, type Fields, intval } from './php.ts';
import { RestProblem, wooProblem } from './problem.ts';
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

const orderings = ['price', 'popularity', 'rating', 'menu_order'];

/** Products, or the variations of one product: the same verbs at two addresses, in two shapes. */
interface Shelf {
  /** `status`: of the refusal of an id that nothing bears. */
  find(id: unknown, status: number): Product;
  /** What a write answers. */
  view(product: Product): Fields;
  /** Of what is made here. */
  parent(): Product | null;
}

const productShelf = (site: Site): Shelf => ({
  find(id, status) {
    const product = needProduct(site, id, status);
    if (product.type !== 'variation') return product;
    const message =
      'To manipulate product variations you should use the /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint.';
    throw wooProblem('invalid_product_id', message, 404);
  },
  view: (product) => productView(site, product, 'edit'),
  parent: () => null,
});

const variationShelf = (site: Site, { ids: [parentId] }: RestCall): Shelf => ({
  find(id) {
    const variation = site.products.get(intval(id));
    if (variation?.type === 'variation' && variation.parentId === intval(parentId)) return variation;
    throw wooProblem('product_variation_invalid_id', 'Invalid ID.', 404);
  },
  view: (product) => variationView(site, product),
  parent() {
    const parent = needProduct(site, parentId, 404);
    if (parent.type === 'variation') throw wooProblem('product_invalid_id', 'Invalid ID.', 404);
    return parent;
  },
});

function shelfOf(site: Site, call: RestCall): Shelf {
  return call.route.includes('/variations') ? variationShelf(site, call) : productShelf(site);
}

function needProduct(site: Site, id: unknown, status: number): Product {
  const product = site.products.get(intval(id));
  return found(product, () => wooProblem('product_invalid_id', 'Invalid ID.', status));
}

// ------------------------------------------------------------------------------------------------ reading

export function listProducts(site: Site, call: RestCall): RestResult {
  const { query } = call;
  validate(query, { type: { oneOf: ['simple', 'grouped', 'external', 'variable'] } });
  const { type } = query;
  const parents = query['parent'] === undefined ? null : listParam(query['parent']).map(Number);
  // A SKU filter finds variations too, `include` does not (WOO-O.2).
  const isHere = (product: Product) =>
    (product.type !== 'variation' || listParam(query['sku']).length > 0) &&
    (type === undefined || product.type === type) &&
    (parents?.includes(product.parentId) ?? true);
  const rows = sortRows(matching(site, query, isHere), query, orderings);
  const stale = site.faults.hits('stale_read');
  return pageOf(site, call, rows, (product) => productView(site, product, 'view', stale));
}

/** Of the product in the address, which must be there, or of all. */
export function listVariations(site: Site, call: RestCall): RestResult {
  const parent = call.ids.length === 0 ? null : needProduct(site, call.ids[0], 404);
  const isHere = (product: Product) =>
    product.type === 'variation' && (parent === null || product.parentId === parent.id);
  const rows = sortRows(matching(site, call.query, isHere), call.query, ['menu_order']);
  const stale = site.faults.hits('stale_read');
  return pageOf(site, call, rows, (product) => variationView(site, product, stale));
}

/** The products that all filters of both lists let through. */
function matching(site: Site, query: Fields, isHere: (product: Product) => boolean): Product[] {
  validate(query, {
    status: { oneOf: ['any', 'trash', ...STATUSES] },
    stock_status: { oneOf: STOCK_STATUSES },
  });
  const status = asText(query['status'] ?? 'any');
  const stockStatus = query['stock_status'];
  const search = asText(query['search']).toLowerCase();
  const skus = listParam(query['sku']).map((sku) => sku.toLowerCase());
  const rows = [...site.products.values()].filter(
    (product) =>
      isHere(product) &&
      (skus.length === 0 || skus.includes(product.sku.toLowerCase())) &&
      (status === 'any' ? product.status !== 'trash' : product.status === status) &&
      (stockStatus === undefined || stockStatusOf(site, product) === stockStatus) &&
      (search === '' || product.name.toLowerCase().includes(search)),
  );
  return filterDates(site, filterIds(rows, query), query);
}

/** A variation is found here too, in product shape. */
export function getProduct(site: Site, call: RestCall): RestResult {
  const product = needProduct(site, call.ids[0], 404);
  const context = call.query['context'] === 'edit' ? 'edit' : 'view';
  return { status: 200, body: productView(site, product, context, site.faults.hits('stale_read')) };
}

export function getVariation(site: Site, call: RestCall): RestResult {
  const variation = variationShelf(site, call).find(call.ids[1], 404);
  return { status: 200, body: variationView(site, variation, site.faults.hits('stale_read')) };
}

// ------------------------------------------------------------------------------------------------ writing

export async function updateProduct(site: Site, call: RestCall): Promise<RestResult> {
  const shelf = shelfOf(site, call);
  const product = shelf.find(call.ids.at(-1), 400);
  validate(call.body, WRITE_SCHEMA);
  await write(site, call, product, call.body);
  return { status: 200, body: shelf.view(product) };
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
  applyMeta(site, product.meta, body['meta_data']);
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
  const shelf = shelfOf(site, call);
  const parent = shelf.parent();
  validate(call.body, WRITE_SCHEMA);
  return { status: 201, body: shelf.view(create(site, call.body, parent)) };
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
  applyMeta(site, product.meta, body['meta_data']);
  site.emit('product.created', product.id);
  return product;
}

/** Without force to the trash, answered with the state before; with force gone, and nobody is told. */
export function deleteProduct(site: Site, call: RestCall): RestResult {
  const shelf = shelfOf(site, call);
  const product = shelf.find(call.ids.at(-1), 404);
  const body = shelf.view(product);
  if (forced(call)) remove(site, product);
  else trash(site, product);
  return { status: 200, body };
}

function trash(site: Site, product: Product): void {
  if (product.status === 'trash') {
    throw wooProblem('already_trashed', 'The product has already been deleted.', 410);
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
  const shelf = shelfOf(site, call);
  const parent = shelf.parent();
  return runBatch(call, {
    breaksOff: () => site.faults.hits('half_batch_504'),
    create: (row) => shelf.view(create(site, row, parent)),
    update: async (row) => {
      const product = shelf.find(row['id'], 400);
      await write(site, call, product, row);
      return shelf.view(product);
    },
    remove: (id) => {
      const product = shelf.find(id, 404);
      const body = shelf.view(product);
      remove(site, product);
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
