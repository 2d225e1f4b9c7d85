import type { Ground } from '../kit/ground.ts';
import { type Indexed, newHistory } from '../kit/orders.ts';
import type { Stale } from '../kit/shelves.ts';
import type { Ids } from './ids.ts';

/** What the shop knows, in memory. Times are ms since 1970 on the platform's clock, which `clock_skew` moves; the API tells whole seconds. */
export interface State extends Ground {
  ids: Ids;
  seller: Seller;
  warehouses: Warehouse[];
  products: Map<string, Product>;
  skus: Map<string, Sku>;
  /** Oldest first. */
  orders: Map<string, Order>;
  cancellations: Cancellation[];
  returns: Return[];
}

/** The shop account. `cipher` holds characters that a URL reserves. */
interface Seller {
  shopId: string;
  cipher: string;
  code: string;
  name: string;
  region: string;
  openId: string;
}

export interface Warehouse {
  id: string;
  name: string;
  type: 'SALES_WAREHOUSE' | 'RETURN_WAREHOUSE';
  status: 'ENABLED' | 'DISABLED' | 'RESTRICTED';
  isDefault: boolean;
  /** Run by the platform itself: its numbers are not the seller's to write, and no list shows it. */
  platform: boolean;
}

export const productStatuses = [
  'DRAFT',
  'PENDING',
  'FAILED',
  'ACTIVATE',
  'SELLER_DEACTIVATED',
  'PLATFORM_DEACTIVATED',
  'FREEZE',
  'DELETED',
] as const;
export type ProductStatus = (typeof productStatuses)[number];

export interface Product {
  id: string;
  title: string;
  status: ProductStatus;
  createdAt: number;
  updatedAt: number;
  skus: Sku[];
  /** Sold across borders: its stock is written at the global product only. */
  global: boolean;
}

/** A SKU's number in one warehouse. */
export interface Holding {
  warehouse: Warehouse;
  /** What can be bought: net of orders, reserved parts included (TTS-3.2). */
  available: number;
  /** Ordered and not yet left the warehouse. */
  committed: number;
}

export interface Sku {
  id: string;
  product: Product;
  /** Empty when the seller gave none. */
  sellerSku: string;
  price: string;
  /** SKUs that share stock share this list. */
  holdings: Holding[];
  /** Of the available units, those that only a campaign or a creator may sell. */
  campaign: number;
  creator: number;
  /** What a combo is made of; empty for anything else. */
  parts: { sku: Sku; count: number }[];
  /** SKUs whose number must equal this one's. */
  sharedWith: Sku[];
  /** By warehouse, what the product search still shows. */
  stale: Stale<Map<string, number>>;
  level: StockLevel;
}

export type StockLevel = 'SUFFICIENT_STOCK' | 'LOW_STOCK' | 'OUT_OF_STOCK';

export const orderStatuses = [
  'UNPAID',
  'ON_HOLD',
  'AWAITING_SHIPMENT',
  'PARTIALLY_SHIPPING',
  'AWAITING_COLLECTION',
  'IN_TRANSIT',
  'DELIVERED',
  'COMPLETED',
  'CANCELLED',
] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export type Order = ReturnType<typeof newOrder>;

export function newOrder({ ids, now, faults }: State, units: Unit[]) {
  return {
    ...newHistory(now()),
    id: ids.order(),
    status: 'UNPAID' as OrderStatus,
    paidAt: null as number | null,
    updatedAt: now(),
    indexed: [] as Indexed['indexed'],
    /** The carrier took the first of it. */
    collectedAt: null as number | null,
    cancelledAt: null as number | null,
    cancelledBy: null as Cancellation['role'] | null,
    /** A buyer asks to cancel and nobody has decided. */
    asksToCancel: false,
    sample: faults.hits('sample_order'),
    /** The order whose goods came back and are sent again. */
    replaces: null as string | null,
    byPlatform: units.some(({ sku }) => sku.holdings[0]?.warehouse.platform === true),
    units,
    /** The revision whose message the fault `drop_webhook` has swallowed. */
    lostRevision: 0,
  };
}

/** One unit: a line item of the platform (TTS-5.2). */
export type Unit = ReturnType<typeof newUnit>;

/** `takes`: where it is committed, one entry for each piece of a combo; `fromShelf`: available fell for it. */
export function newUnit(id: string, sku: Sku, takes: { holding: Holding; fromShelf: boolean }[]) {
  return {
    id,
    sku,
    status: 'UNPAID' as OrderStatus,
    type: 'NORMAL' as 'NORMAL' | 'PRE_ORDER',
    gift: false,
    /** Left the shelf. */
    shipped: false,
    refunded: false,
    cancelledBy: '',
    cancelReason: '',
    packageId: '',
    takes,
  };
}

/** A matter of some units of an order. */
export interface Case {
  id: string;
  order: Order;
  units: Unit[];
  createdAt: number;
  updatedAt: number;
}

export interface Cancellation extends Case {
  type: 'CANCEL' | 'BUYER_CANCEL';
  role: 'BUYER' | 'SELLER' | 'SYSTEM';
  reason: string;
  status: CancelStatus;
}

/** As the deliveries spell it; the API writes `CANCELLATION_REQUEST_CANCEL` (TTS-2.2). */
export type CancelStatus =
  | 'CANCELLATION_REQUEST_PENDING'
  | 'CANCELLATION_REQUEST_SUCCESS'
  | 'CANCELLATION_REQUEST_CANCELLED'
  | 'CANCELLATION_REQUEST_COMPLETE';

export interface Return extends Case {
  type: 'REFUND' | 'RETURN_AND_REFUND' | 'REPLACEMENT';
  status: string;
}

/** Whole seconds, as the API tells times. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
