import { datePair } from './dates.ts';
import { manageStockOf, parentOf, shownStock, stockHolder, stockStatusOf, variationsOf } from './products.ts';
import type { Product, Site } from './site.ts';

/** `view` is what GET and webhooks show, `edit` what writes answer with. */
export type Context = 'view' | 'edit';

/** What the sandbox has nothing to tell of. */
const DOWNLOADS = {
  virtual: false,
  downloadable: false,
  downloads: [],
  download_limit: -1,
  download_expiry: -1,
};
const TAXES = { tax_status: 'taxable', tax_class: '' };
const SIZES = { weight: '', dimensions: { length: '', width: '', height: '' } };
const SHIPPING_CLASS = { shipping_class: '', shipping_class_id: 0 };

/** A product, or a variation in product shape, as GET /products/ID shows it (recorded shape, 2026-11). */
export function productView(
  site: Site,
  product: Product,
  context: Context,
  stale = false,
): Record<string, unknown> {
  const variation = product.type === 'variation';
  const permalink = permalinkOf(site, product);
  return {
    id: product.id,
    name: product.name,
    slug: product.slug,
    permalink,
    ...dates(site, product),
    type: product.type,
    status: product.status,
    featured: false,
    catalog_visibility: 'visible',
    description: '',
    short_description: '',
    sku: product.sku,
    ...prices(product),
    purchasable: product.status === 'publish',
    total_sales: variation ? String(product.totalSales) : product.totalSales,
    ...DOWNLOADS,
    external_url: '',
    button_text: '',
    ...TAXES,
    ...stockFields(site, product, stale),
    low_stock_amount: null,
    sold_individually: false,
    ...SIZES,
    shipping_required: true,
    shipping_taxable: true,
    ...SHIPPING_CLASS,
    reviews_allowed: !variation,
    average_rating: context === 'edit' ? '0' : '0.00',
    rating_count: 0,
    upsell_ids: [],
    cross_sell_ids: [],
    parent_id: product.parentId,
    purchase_note: '',
    categories: variation ? [] : [{ id: 15, name: 'Uncategorized', slug: 'uncategorized' }],
    brands: [],
    tags: [],
    images: [],
    attributes: attributes(site, product),
    default_attributes: [],
    variations: variationsOf(site, product).map((child) => child.id),
    grouped_products: [],
    menu_order: 0,
    price_html: `<span class="woocommerce-Price-amount amount"><bdi><span class="woocommerce-Price-currencySymbol" translate="no">&#8378;</span>${product.price}</bdi></span>`,
    related_ids: variation ? [] : relatedIds(site, product),
    meta_data: product.meta.map((entry) => ({ ...entry })),
    stock_status: stockStatusOf(site, product),
    has_options: product.type === 'variable',
    post_password: '',
    global_unique_id: '',
    ...(context === 'edit' && !variation
      ? { permalink_template: `${site.home}/product/%pagename%/`, generated_slug: product.slug }
      : {}),
    _links: links(site, `products/${product.id}`, variation ? `products/${product.parentId}` : null),
  };
}

/** A variation as the variations endpoints show it. */
export function variationView(site: Site, product: Product, stale = false): Record<string, unknown> {
  return {
    id: product.id,
    type: 'variation',
    ...dates(site, product),
    description: '',
    permalink: permalinkOf(site, product),
    sku: product.sku,
    global_unique_id: '',
    ...prices(product),
    status: product.status,
    purchasable: product.status === 'publish',
    ...DOWNLOADS,
    ...TAXES,
    ...stockFields(site, product, stale),
    stock_status: stockStatusOf(site, product),
    low_stock_amount: null,
    ...SIZES,
    ...SHIPPING_CLASS,
    image: null,
    attributes: attributes(site, product),
    menu_order: 0,
    meta_data: product.meta.map((entry) => ({ ...entry })),
    name: product.options.map((option) => option.option).join(', '),
    parent_id: product.parentId,
    _links: links(
      site,
      `products/${product.parentId}/variations/${product.id}`,
      `products/${product.parentId}`,
    ),
  };
}

function stockFields(site: Site, product: Product, stale: boolean): Record<string, unknown> {
  const holder = stockHolder(site, product);
  const shown = shownStock(site, product);
  const backorders = holder?.backorders ?? 'no';
  return {
    manage_stock: manageStockOf(site, product),
    stock_quantity: stale && holder !== undefined ? holder.previousStock : shown,
    backorders,
    backorders_allowed: backorders !== 'no',
    backordered: shown !== null && shown < 0 && backorders !== 'no',
  };
}

function dates(site: Site, product: Product): Record<string, unknown> {
  return {
    ...datePair(site, 'date_created', product.createdAt),
    ...datePair(site, 'date_modified', product.modifiedAt),
  };
}

function prices(product: Product): Record<string, unknown> {
  return {
    price: product.price,
    regular_price: product.price,
    sale_price: '',
    date_on_sale_from: null,
    date_on_sale_from_gmt: null,
    date_on_sale_to: null,
    date_on_sale_to_gmt: null,
    on_sale: false,
  };
}

function attributes(site: Site, product: Product): Record<string, unknown>[] {
  if (product.type === 'variation') {
    return product.options.map((option) => ({
      id: 0,
      name: option.name,
      slug: option.name.toLowerCase(),
      option: option.option,
    }));
  }
  if (product.type !== 'variable') return [];
  const options = variationsOf(site, product).flatMap((child) =>
    child.options.map((option) => option.option),
  );
  return [{ id: 0, name: 'Size', slug: 'Size', position: 0, visible: true, variation: true, options }];
}

function permalinkOf(site: Site, product: Product): string {
  const parent = parentOf(site, product);
  if (parent === undefined) return `${site.home}/product/${product.slug}/`;
  const query = product.options.map((option) => `attribute_${option.name.toLowerCase()}=${option.option}`);
  return `${site.home}/product/${parent.slug}/?${query.join('&')}`;
}

/** Five others, shuffled on every read: two reads of an unchanged product differ (WOO-O.2). */
function relatedIds(site: Site, product: Product): number[] {
  const ids = [...site.products.keys()];
  const chosen = new Set<number>();
  for (let tries = 0; tries < 12 && chosen.size < 5; tries += 1) {
    const id = site.random.pick(ids);
    if (id !== product.id && site.products.get(id)?.type !== 'variation') chosen.add(id);
  }
  return [...chosen];
}

/** The `_links` of any REST object. */
export function links(
  site: Site,
  self: string,
  up: string | null = null,
  allow: string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
): Record<string, unknown> {
  const href = (path: string) => `${site.home}/wp-json/wc/v3/${path}`;
  return {
    self: [{ href: href(self), targetHints: { allow } }],
    collection: [{ href: href(self.replace(/\/\d+$/, '')) }],
    ...(up === null ? {} : { up: [{ href: href(up) }] }),
  };
}
