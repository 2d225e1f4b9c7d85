import { createGround } from '../kit/ground.ts';
import type { OrderHistory } from '../kit/orders.ts';
import { platformMs } from '../kit/time.ts';
import type { ShopOptions } from '../shop.ts';
import { FAULTS } from './faults.ts';
import { asFields, asList, asText, intval } from './php.ts';

/** What the WordPress site holds: its tables, its settings, its clock. Times in seconds, but those of the ground. */

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

export interface Order extends OrderHistory {
  id: number;
  status: string;
  createdAt: number;
  modifiedAt: number;
  paidAt: number | null;
  completedAt: number | null;
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

/** What the site can be told beside what every shop can. */
export interface SiteOptions extends ShopOptions {
  /**
   * The home URL the shop believes it has, no slash at the end; default: its own loopback address, plain http, so
   * that OAuth 1.0a is checked. With an https one every request counts as TLS and Basic is taken.
   */
  home?: string;
  /** Hours east of GMT; default 3. */
  zoneHours?: number;
  /** The flat `/variations` list is there; false is a shop before WooCommerce 10.3. Default true. */
  flatVariations?: boolean;
  /** Quantities at or below this count as out of stock (`woocommerce_notify_no_stock_amount`). Default 0. */
  noStockAmount?: number;
  /** First id of products and orders. Default 11. */
  firstId?: number;
  /** The shop's clock, ms since 1970; default the machine's. Timers stay the machine's. */
  now?: () => number;
}

export type Site = ReturnType<typeof createSite>;

/** Deliveries and pings are given up after this. */
const TIMEOUT_MS = 60_000;

export function createSite(options: SiteOptions) {
  const ground = createGround(options, {
    faults: FAULTS,
    limits: {},
    patience: {
      answerMs: platformMs(TIMEOUT_MS, options.timeScale),
      sockets: 4,
      connectionClose: true,
    },
  });
  const { random } = ground;
  const keys: ApiKey[] = [];
  return {
    ...ground,
    zoneHours: options.zoneHours ?? 3,
    noStockAmount: options.noStockAmount ?? 0,
    flatVariations: options.flatVariations ?? true,
    random: random.fork('site'),
    salt: random.hex(32),
    /** What the shop believes it is called, without a slash at the end. */
    home: options.home ?? '',
    products: new Map<number, Product>(),
    orders: new Map<number, Order>(),
    webhooks: new Map<number, Webhook>(),
    keys,
    addKey(permissions: ApiKey['permissions']): ApiKey {
      const [key, secret] = [`ck_${random.hex(40)}`, `cs_${random.hex(40)}`];
      const entry = { key, secret, permissions, nonces: new Map<string, number>() };
      keys.push(entry);
      return entry;
    },
    seconds: () => Math.floor(ground.now() / 1000),
    /** Products, orders and refunds are all posts and draw from one sequence. */
    nextPostId: sequence(options.firstId ?? 11),
    nextLineId: sequence(1),
    nextMetaId: sequence(19),
    nextNoteId: sequence(1),
    nextWebhookId: sequence(1),
    /** Tells the webhooks of `topic` that something happened to `arg`. */
    emit: (_topic: string, _arg: number): void => undefined,
    /** Runs later, unless the site stops first; counts as pending. */
    later: (afterMs: number, run: () => void) => ground.agenda.add({ afterMs, group: 'later', run }),
  };
}

function sequence(first: number): () => number {
  let next = first;
  return () => next++;
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
export function applyMeta(site: Site, meta: Meta[], input: unknown): void {
  for (const entry of asList(input).map(asFields)) {
    const [id, key, value] = [intval(entry['id']), asText(entry['key']), entry['value'] ?? null];
    const known = id > 0 ? meta.find((candidate) => candidate.id === id) : findMeta(meta, key);
    if (value === null) {
      if (known !== undefined) meta.splice(meta.indexOf(known), 1);
    } else if (known === undefined) {
      meta.push({ id: site.nextMetaId(), key, value });
    } else {
      known.value = value;
      if (key !== '') known.key = key;
    }
  }
}
