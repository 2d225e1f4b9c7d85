import type { CatalogueItem } from '../shop.ts';
import type { Product, Site } from './site.ts';

/** A variable product and the SKUs that are its variations. */
export interface VariableProduct {
  sku: string;
  title: string;
  of: string[];
}

const EVERY = 5;
const VARIATIONS_EACH = 3;

/** Every fifth item becomes a variation, three under one variable product; the rest are simple. */
export function defaultVariables(catalogue: CatalogueItem[]): VariableProduct[] {
  const chosen = catalogue.filter((_, index) => index % EVERY === EVERY - 1);
  const variables: VariableProduct[] = [];
  for (let at = 0; at < chosen.length; at += VARIATIONS_EACH) {
    const group = chosen.slice(at, at + VARIATIONS_EACH);
    const number = variables.length + 1;
    variables.push({
      sku: `WOO-SET-${number}`,
      title: `Çoklu ürün ${number}`,
      of: group.map((item) => item.sku),
    });
  }
  return variables;
}

/** Fills the shelves. A variable product gets its id right before its first variation's. */
export function stockShelves(site: Site, catalogue: CatalogueItem[], variables: VariableProduct[]): void {
  const parents = new Map<string, Product>();
  catalogue.forEach((item, index) => {
    const { sku, stock } = item;
    const variable = variables.find((candidate) => candidate.of.includes(sku));
    if (variable === undefined) {
      addProduct(site, { type: 'simple', name: item.title, sku, price: `${11 + (index % 500)}.00`, stock });
      return;
    }
    const price = '99.90';
    const { sku: parentSku, title } = variable;
    const parent =
      parents.get(parentSku) ??
      addProduct(site, { type: 'variable', name: title, sku: parentSku, price, stock: null });
    parents.set(parentSku, parent);
    const option = sku.split('-').at(-1) ?? sku;
    addProduct(site, {
      type: 'variation',
      parentId: parent.id,
      name: `${title} - ${option}`,
      sku,
      price,
      stock,
      options: [{ name: 'Size', option }],
    });
  });
}

/** Puts a new product into the tables; a null stock means that the stock is not managed. Emits nothing. */
export function addProduct(
  site: Site,
  given: Pick<Product, 'type' | 'name' | 'sku' | 'price' | 'stock'> & Partial<Product>,
): Product {
  const now = site.seconds();
  const id = site.nextPostId();
  const product: Product = {
    id,
    parentId: 0,
    status: 'publish',
    slug: slugOf(given.name),
    manageStock: given.stock !== null,
    previousStock: given.stock,
    stockStatus: 'instock',
    backorders: 'no',
    totalSales: 0,
    options: [],
    meta: [],
    createdAt: now,
    modifiedAt: now,
    ...given,
  };
  site.products.set(id, product);
  return product;
}

function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
