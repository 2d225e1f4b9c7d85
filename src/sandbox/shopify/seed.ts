import type { Random } from '../kit/random.ts';
import type { ShopOptions } from '../shop.ts';
import {
  addLevel,
  countSku,
  type Ids,
  type InventoryItem,
  type Location,
  type Product,
  type ShopState,
  type Variant,
} from './state.ts';

/** The seeded catalogue: one product, variant and inventory item per entry, and the oddities below. */
export function createState(options: ShopOptions, random: Random, now: number): ShopState {
  const ids = createIds(random);
  const bornAt = now - 30 * 86_400_000;
  const location = (name: string, active: boolean, fulfillsOnline: boolean): Location => ({
    id: ids.next('Location'),
    name,
    active,
    fulfillsOnline,
    createdAt: bornAt,
  });
  const main = location('Main shelf', true, true);
  const state: ShopState = {
    name: options.name,
    domain: domainOf(options.name),
    shopId: ids.next('Shop'),
    main,
    locations: [main, location('Back room', true, false), location('Closed branch', false, false)],
    products: [],
    variants: [],
    items: [],
    itemsById: new Map(),
    skuCounts: new Map(),
    orders: [],
    ordersById: new Map(),
    ids,
  };
  options.catalogue.forEach((entry, index) => {
    const variant = addProduct(state, { ...entry, at: bornAt });
    // SHP-4.1: every seventh product has two variants that share one inventory item, hence one number.
    if (index % 7 === 6) addVariant(state, variant.product, variant.item, 'Gift wrapped', bornAt);
    // Stock that is not ours to sell: a reader that adds up locations goes wrong here (SHP-9.12).
    const back = state.locations[1];
    if (index % 5 === 4 && back !== undefined)
      addLevel(state, variant.item, { location: back, available: 7, at: bornAt });
  });
  addOddities(state, bornAt);
  return state;
}

function addOddities(state: ShopState, at: number): void {
  const components = state.variants.slice(0, 2).map((variant) => ({ variant, quantity: 1 }));
  const card = addProduct(state, { sku: 'GIFT-CARD', title: 'Gift card', stock: 0, at });
  card.item.tracked = false;
  card.product.giftCard = true;
  if (components.length > 0) {
    const parent = addProduct(state, { sku: 'BUNDLE-PARENT', title: 'Starter set', stock: 0, at });
    parent.components = components;
  }
  addProduct(state, { sku: 'DUP-1', title: 'Twin, left', stock: 4, at });
  addProduct(state, { sku: 'DUP-1', title: 'Twin, right', stock: 6, at });
}

function addProduct(
  state: ShopState,
  entry: { sku: string; title: string; stock: number; at: number },
): Variant {
  const product: Product = {
    id: state.ids.next('Product'),
    title: entry.title,
    status: 'ACTIVE',
    giftCard: false,
    variants: [],
    createdAt: entry.at,
    updatedAt: entry.at,
  };
  const item: InventoryItem = {
    id: state.ids.next('InventoryItem'),
    sku: entry.sku,
    tracked: true,
    variants: [],
    levels: [],
    createdAt: entry.at,
    updatedAt: entry.at,
  };
  addLevel(state, item, { location: state.main, available: entry.stock, at: entry.at });
  state.products.push(product);
  state.items.push(item);
  state.itemsById.set(item.id, item);
  countSku(state, entry.sku, 1);
  return addVariant(state, product, item, 'Default Title', entry.at);
}

function addVariant(
  state: ShopState,
  product: Product,
  item: InventoryItem,
  title: string,
  at: number,
): Variant {
  const variant: Variant = {
    id: state.ids.next('ProductVariant'),
    product,
    title,
    item,
    policy: 'DENY',
    components: [],
    createdAt: at,
    updatedAt: at,
  };
  product.variants.push(variant);
  item.variants.push(variant);
  state.variants.push(variant);
  return variant;
}

/** SHP-1.1: letters, digits and hyphens, then `.myshopify.com`. */
function domainOf(name: string): string {
  const label = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `${label.replace(/^-+|-+$/g, '') || 'shop'}.myshopify.com`;
}

/** Order-side ids lie beyond 2^53 so that a reader that goes through doubles loses digits. */
const firstIds: Record<string, bigint> = {
  Order: 820982911946154600n,
  LineItem: 866550311766439100n,
  Refund: 890088186047892400n,
  RefundLineItem: 487817672276298600n,
  Fulfillment: 255858046014300100n,
  FulfillmentOrder: 9007199254740993n,
  InventoryItem: 49148385100000n,
  Location: 655441491n,
};

function createIds(random: Random): Ids {
  const last = new Map<string, bigint>();
  return {
    next(kind) {
      const before = last.get(kind) ?? firstIds[kind] ?? 1068778100n;
      const id = before + BigInt(random.int(1, 37));
      last.set(kind, id);
      return id;
    },
  };
}
