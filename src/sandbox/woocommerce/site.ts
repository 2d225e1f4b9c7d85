import type { Faults } from '../kit/faults.ts';
import type { Random } from '../kit/random.ts';
import type { ShopCall } from '../shop.ts';

/** What the WordPress site holds: its tables, its settings, its clock. Times in seconds unless they say `Ms`. */

export interface Meta {
  id: number;
  key: string;
  value: unknown;
}

export interface Product {
  id: number;
  /** 0 but for a variation. */
  parentId: number;
  type: 'simple' | 'variable' | 'variation';
  status: string;
  name: string;
  slug: string;
  sku: string;
  price: string;
  manageStock: boolean;
  stock: number | null;
  /** What a stale cache still shows: the number before the last change. */
  previousStock: number | null;
  /** Counts only while the stock is not managed; else it follows the quantity. */
  stockStatus: string;
  backorders: 'no' | 'notify' | 'yes';
  totalSales: number;
  /** Of a variation: its options; of a variable product: none. */
  options: { name: string; option: string }[];
  meta: Meta[];
  createdAt: number;
  modifiedAt: number;
}

export interface Line {
  id: number;
  name: string;
  productId: number;
  variationId: number;
  quantity: number;
  subtotal: number;
  total: number;
  meta: Meta[];
  /** At the time of the sale, for the records only: REST looks the SKU up when read. */
  soldSku: string;
  /** Last edited without the stock step (`edit_without_stock`). */
  unseen: boolean;
}

export interface Refund {
  id: number;
  createdAt: number;
  amount: number;
  reason: string;
  lines: Line[];
  meta: Meta[];
}

export interface Note {
  id: number;
  createdAt: number;
  note: string;
  author: string;
  customerNote: boolean;
}

export interface Order {
  id: number;
  status: string;
  createdAt: number;
  modifiedAt: number;
  paidAt: number | null;
  completedAt: number | null;
  placedMs: number;
  changedMs: number;
  orderKey: string;
  billing: Record<string, string>;
  shipping: Record<string, string>;
  paymentMethod: string;
  createdVia: string;
  customerNote: string;
  customerId: number;
  meta: Meta[];
  lines: Line[];
  refunds: Refund[];
  notes: Note[];
  /** The order's own flag `_order_stock_reduced`. */
  stockReduced: boolean;
  /** A plugin forbade the stock step: no `_reduced_stock` ever. */
  untracked: boolean;
  /** Deleted for good: no longer in REST, still in the records. */
  deleted: boolean;
  /** Grows with every change of what a reader would see; `heard` is the one last delivered and answered 2xx. */
  revision: number;
  heard: number;
}

export interface Webhook {
  id: number;
  name: string;
  status: 'active' | 'paused' | 'disabled';
  topic: string;
  deliveryUrl: string;
  secret: string;
  createdAt: number;
  modifiedAt: number | null;
  failureCount: number;
  lastDeliveryId: string | null;
}

export interface ApiKey {
  key: string;
  secret: string;
  permissions: 'read' | 'write' | 'read_write';
  nonces: Map<string, number>;
}

/** A write of stock at the API's border, before it is known whether the caller heard the answer. */
export type StockWrite = Extract<ShopCall, { kind: 'write' }>;

export interface Site {
  readonly timeScale: number;
  readonly zoneHours: number;
  /** Quantities at or below this are out of stock (`woocommerce_notify_no_stock_amount`). */
  readonly noStockAmount: number;
  /** The flat `/variations` list exists (WooCommerce 10.3 and later). */
  readonly flatVariations: boolean;
  readonly random: Random;
  readonly faults: Faults;
  readonly salt: string;
  /** Home URL without a slash at the end: what the shop believes it is called. */
  home: string;
  readonly products: Map<number, Product>;
  readonly orders: Map<number, Order>;
  readonly webhooks: Map<number, Webhook>;
  readonly keys: ApiKey[];
  nowMs(): number;
  seconds(): number;
  /** Products, orders and refunds are all posts and draw from one sequence. */
  nextPostId(): number;
  nextLineId(): number;
  nextMetaId(): number;
  nextNoteId(): number;
  nextWebhookId(): number;
  /** Tells the webhooks of `topic` that something happened to `arg`. */
  emit(topic: string, arg: number): void;
  /** Runs later, unless the site stops first; counts as pending. */
  later(ms: number, act: () => void): void;
}

export function findMeta(meta: Meta[], key: string): Meta | undefined {
  return meta.find((entry) => entry.key === key);
}

/** `update_meta_data`: replaces the value under the key, or adds one. */
export function putMeta(site: Site, meta: Meta[], key: string, value: unknown): void {
  const known = findMeta(meta, key);
  if (known === undefined) meta.push({ id: site.nextMetaId(), key, value });
  else known.value = value;
}

export function dropMeta(meta: Meta[], key: string): void {
  const index = meta.findIndex((entry) => entry.key === key);
  if (index !== -1) meta.splice(index, 1);
}

/** REST's `meta_data`: an id addresses one entry, a key the first of that name; null deletes. */
export function applyMeta(
  site: Site,
  meta: Meta[],
  input: { id: number; key: string; value: unknown }[],
): void {
  for (const entry of input) {
    const known =
      entry.id > 0 ? meta.find((candidate) => candidate.id === entry.id) : findMeta(meta, entry.key);
    if (entry.value === null) {
      if (known !== undefined) meta.splice(meta.indexOf(known), 1);
    } else if (known === undefined) {
      meta.push({ id: site.nextMetaId(), key: entry.key, value: entry.value });
    } else {
      known.value = entry.value;
      if (entry.key !== '') known.key = entry.key;
    }
  }
}
