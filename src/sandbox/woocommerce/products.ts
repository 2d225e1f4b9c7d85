import type { Product, Site } from './site.ts';

/** The stock rules of products and variations. WOO-O.2, last verified 2026-11. */

export function parentOf(site: Site, product: Product): Product | undefined {
  return product.parentId === 0 ? undefined : site.products.get(product.parentId);
}

export function variationsOf(site: Site, product: Product): Product[] {
  if (product.type !== 'variable') return [];
  return [...site.products.values()].filter((candidate) => candidate.parentId === product.id);
}

/** Who holds the number: the product itself, a variation's parent where that one manages, or nobody. */
export function stockHolder(site: Site, product: Product): Product | undefined {
  if (product.manageStock) return product;
  const parent = parentOf(site, product);
  return parent?.manageStock === true ? parent : undefined;
}

/** REST's `manage_stock`: true, false, or "parent" for a variation whose parent manages. */
export function manageStockOf(site: Site, product: Product): boolean | 'parent' {
  if (product.manageStock) return true;
  return parentOf(site, product)?.manageStock === true ? 'parent' : false;
}

/** The number that REST shows; null: not managed. */
export function shownStock(site: Site, product: Product): number | null {
  return stockHolder(site, product)?.stock ?? null;
}

/** A managed product's status follows its quantity, a variable product's its variations', any other's its own. */
export function stockStatusOf(site: Site, product: Product): string {
  const holder = stockHolder(site, product);
  if (holder !== undefined && product.type !== 'variable') {
    if (holder.stock !== null && holder.stock > site.noStockAmount) return 'instock';
    return holder.stock !== null && holder.backorders !== 'no' ? 'onbackorder' : 'outofstock';
  }
  if (product.type !== 'variable') return product.stockStatus;
  const children = variationsOf(site, product).map((child) => stockStatusOf(site, child));
  if (children.length === 0) return product.stockStatus;
  return ['instock', 'onbackorder'].find((status) => children.includes(status)) ?? 'outofstock';
}

/** Every save moves the date, a variation's also its parent's, and fires the hook, changed or not. */
export function savedProduct(site: Site, product: Product): void {
  product.modifiedAt = site.seconds();
  const parent = parentOf(site, product);
  if (parent !== undefined) parent.modifiedAt = product.modifiedAt;
  site.emit('product.updated', product.id);
}

export function putStock(product: Product, quantity: number | null): void {
  product.previousStock = product.stock;
  product.stock = quantity;
}

/** `wc_update_product_stock`: atomic, whatever else is going on. Returns the number before and after. */
export function moveStock(site: Site, holder: Product, delta: number): { from: number; to: number } {
  const from = holder.stock ?? 0;
  putStock(holder, from + delta);
  savedProduct(site, holder);
  site.emit('action.woocommerce_product_set_stock', holder.id);
  return { from, to: from + delta };
}

/** By SKU, ignoring case; the trash does not count. */
export function productBySku(site: Site, sku: string): Product | undefined {
  if (sku === '') return undefined;
  const wanted = sku.toLowerCase();
  return [...site.products.values()].find(
    (product) => product.sku.toLowerCase() === wanted && product.status !== 'trash',
  );
}
