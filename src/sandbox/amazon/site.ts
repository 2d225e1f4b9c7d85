import { type Buckets, createBuckets } from '../kit/buckets.ts';
import { createGround, type Ground } from '../kit/ground.ts';
import type { OrderHistory } from '../kit/orders.ts';
import type { Random } from '../kit/random.ts';
import type { CatalogueItem, ShopOptions } from '../shop.ts';
import { faultNames } from './faults.ts';
import { type Marketplace, type Region, regions } from './marketplaces.ts';

/** What the account can be told beside what every shop can. */
export interface SiteOptions extends ShopOptions {
  /** Default `na`. */
  region?: Region['name'];
  /** How many times the published rates this seller may call: plans follow the volume of sales (AMZ-6.2). Default 1. */
  usagePlan?: number;
  /** What is younger than this no search tells, in ms of the platform. Default: its two minutes (AMZ-6.1). */
  unsearchableMs?: number;
  /** The shop's clock, ms since 1970; default the machine's. Timers stay the machine's. */
  now?: () => number;
}

/** What the seller's account holds, its clock and its chance. Times in ms since 1970. */
export interface Site extends Ground {
  readonly credentials: Credentials;
  /** Calls that are left, by operation. */
  readonly buckets: Buckets;
  /** The seller's plan: so many times the published rates; bursts are the same for all (AMZ-6.2). */
  readonly usagePlan: number;
  /** No search tells what is younger than this, in ms of the platform. */
  readonly unsearchableMs: number;
  readonly region: Region;
  readonly sellerId: string;
  /** The merchant's own AWS account: where queue and topic are. */
  readonly awsAccountId: string;
  /** How the queue and the topic are called there. */
  readonly awsName: string;
  readonly storeName: string;
  /** Where the seller takes part; the first is where orders come from. */
  readonly marketplaces: Marketplace[];
  readonly listings: Map<string, Listing>;
  readonly orders: Map<string, Order>;
  /** A version 4 UUID out of the seed. */
  uuid(): string;
  nextOrderNumber(): number;
  nextItemNumber(): number;
}

/** Of the application and of the merchant's AWS account. */
export type Credentials = ReturnType<typeof createCredentials>;

/** One SKU. A listing without `channelCode` is a variation parent: nothing of it can be bought. */
export interface Listing {
  sku: string;
  title: string;
  asin: string;
  productType: string;
  parentSku: string | null;
  /** DEFAULT: the merchant ships; AMAZON_NA and the like: the platform does; else a supply source of a location. */
  channelCode: string | null;
  /** What can be bought now. */
  quantity: number;
  /** What the API shows: follows `quantity` after the settle time of each write, and sales at once. */
  seen: number;
  /** Writes that are not shown yet, oldest first. */
  hidden: { value: number }[];
  /** Shown before the last change, and when that was: what a stale search still tells. */
  seenBefore: number;
  seenChangedAt: number;
  leadTimeDays: number | null;
  restockDate: string | null;
  createdAt: number;
  updatedAt: number;
}

export type OrderStatus = 'PENDING' | 'UNSHIPPED' | 'PARTIALLY_SHIPPED' | 'SHIPPED' | 'CANCELLED';

export interface Order extends OrderHistory {
  id: string;
  status: OrderStatus;
  /** AFN: the platform ships; MFN: the merchant. */
  fulfilledBy: 'AFN' | 'MFN';
  marketplaceId: string;
  /** What the API calls the last update; moves for refunds, too. */
  updatedAt: number;
  /** When searches find the last update at the earliest; mostly 0, the two-minute rule comes on top. */
  searchableAt: number;
  cancelledBy: 'BUYER' | 'MERCHANT' | 'AMAZON' | null;
  /** Free text, of who executed it. */
  cancelReason: string | null;
  /** Cancelled lines tell 0 units in some orders and the ordered ones in others (AMZ-2.4). */
  zeroWhenCancelled: boolean;
  lines: Line[];
}

export interface Line {
  id: string;
  sku: string;
  title: string;
  asin: string;
  quantity: number;
  shipped: number;
  cancelRequested: boolean;
}

/** Deliveries of the topic in flight at once. */
const topicDeliveries = 10;

export function createSite(options: SiteOptions): Site {
  const ground = createGround(options, {
    faults: faultNames,
    limits: { topic: topicDeliveries },
    patience: { answerMs: 15_000, sockets: 20 }, // AMZ-2.7
  });
  const { random } = ground;
  const region = regions[options.region ?? 'na'];
  const own = random.fork('site');
  let orderNumber = 1_000_000 + own.int(0, 999);
  let itemNumber = 70_000_000_000_000 + own.int(0, 999_999);
  return {
    ...ground,
    random: own,
    credentials: createCredentials(own.fork('credentials')),
    buckets: createBuckets(ground.now, ground.timeScale),
    usagePlan: options.usagePlan ?? 1,
    unsearchableMs: options.unsearchableMs ?? 120_000,
    region,
    sellerId: `A${own.hex(13).toUpperCase()}`,
    awsAccountId: String(random.fork('aws account').int(100_000_000_000, 999_999_999_999)),
    awsName: `invsync-${options.name.replace(/[^A-Za-z0-9_-]+/g, '-')}`,
    storeName: options.name,
    marketplaces: region.marketplaces.slice(0, 2),
    listings: new Map(),
    orders: new Map(),
    uuid: () => {
      const hex = own.hex(30);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
    },
    // The last block of an order id is never used twice in a shop.
    nextOrderNumber: () => {
      orderNumber += own.int(1, 3);
      return orderNumber;
    },
    nextItemNumber: () => {
      itemNumber += own.int(1, 9999);
      return itemNumber;
    },
  };
}

function createCredentials(random: Random) {
  return {
    clientId: `amzn1.application-oa2-client.${random.hex(32)}`,
    clientSecret: `amzn1.oa2-cs.v1.${random.hex(64)}`,
    refreshToken: `Atzr|IwEBI${random.hex(120)}`,
    accessKeyId: `AKIA${random.hex(16).toUpperCase()}`,
    secretAccessKey: random.hex(40),
  };
}

/** Changes what can be bought, as a sale or a cancellation does: shown at once, whatever writes are still hidden. */
export function moveNumber(site: Site, listing: Listing, delta: number): void {
  const next = Math.max(0, listing.quantity + delta);
  const moved = next - listing.quantity;
  listing.quantity = next;
  for (const write of listing.hidden) write.value += moved;
  show(site, listing, listing.seen + moved);
}

/** Sets what can be bought and shown, as a hand in Seller Central does. */
export function setNumber(site: Site, listing: Listing, quantity: number): void {
  listing.quantity = quantity;
  listing.hidden = [];
  show(site, listing, quantity);
}

/** Sets what can be bought; it is shown after `afterMs`. */
export function setNumberSlowly(site: Site, listing: Listing, quantity: number, afterMs: number): void {
  listing.quantity = quantity;
  const write = { value: quantity };
  listing.hidden.push(write);
  site.agenda.add({
    afterMs,
    group: 'visible',
    run: () => {
      const place = listing.hidden.indexOf(write);
      if (place === -1) return;
      listing.hidden.splice(0, place + 1);
      show(site, listing, write.value);
    },
  });
}

function show(site: Site, listing: Listing, value: number): void {
  const seen = Math.max(0, value);
  if (seen === listing.seen) return;
  listing.seenBefore = listing.seen;
  listing.seen = seen;
  listing.seenChangedAt = site.now();
  listing.updatedAt = site.now();
}

/** True for a listing whose number the merchant keeps. */
export function isMerchantFulfilled(listing: Listing): boolean {
  return listing.channelCode !== null && !isPlatformFulfilled(listing);
}

export function isPlatformFulfilled(listing: Listing): boolean {
  return listing.channelCode?.startsWith('AMAZON') ?? false;
}

const productTypes = ['DRINKING_CUP', 'BOWL', 'PLATE', 'VASE'];
const dayMs = 86_400_000;

/**
 * The catalogue as merchant-fulfilled listings, and beside it what a seller's account is never without: for every
 * sixth item a second SKU `FBA-…` of the same ASIN that the platform fulfils; one variation parent; one SKU that needs
 * careful percent-encoding; one that is stocked at a supply source of its own.
 */
export function stockShelves(site: Site, catalogue: readonly CatalogueItem[]): void {
  const { random } = site;
  const born = Math.floor((site.now() - 400 * dayMs) / 1000) * 1000;
  catalogue.forEach((item, index) => {
    const asin = newAsin(random);
    addListing(site, {
      ...item,
      asin,
      channelCode: 'DEFAULT',
      productType: productTypes[index % productTypes.length] ?? 'DRINKING_CUP',
      // Uploads come in lots: some share a second, so that windows by creation date have ties.
      createdAt: born + Math.floor(index / 3) * 60_000,
      leadTimeDays: index % 3 === 0 ? 2 + (index % 5) : null,
      restockDate: index % 9 === 0 ? '2027-02-01' : null,
    });
    if (index % 6 !== 5) return;
    addListing(site, {
      sku: `FBA-${item.sku}`,
      title: item.title,
      stock: 25,
      asin,
      channelCode: site.region.fulfilmentCode,
      createdAt: born + index * 60_000,
    });
  });
  const add = (sku: string, title: string, stock: number, channelCode: string | null) =>
    addListing(site, { sku, title, stock, channelCode, createdAt: born });
  add('PARENT-1', 'All pieces', 0, null);
  add('ODD/SKU #1+ü 100%', 'Odd piece', 6, 'DEFAULT');
  add('DEPOT-1', 'Piece in the depot', 9, site.uuid());
}

function addListing(
  site: Site,
  { stock, ...entry }: Pick<Listing, 'channelCode' | 'createdAt'> & Partial<Listing> & CatalogueItem,
): void {
  site.listings.set(entry.sku, {
    productType: 'DRINKING_CUP',
    parentSku: null,
    quantity: stock,
    seen: stock,
    hidden: [],
    seenBefore: stock,
    seenChangedAt: entry.createdAt,
    leadTimeDays: null,
    restockDate: null,
    updatedAt: entry.createdAt,
    ...entry,
    asin: entry.asin ?? newAsin(site.random),
  });
}

function newAsin(random: Random): string {
  return `B0${random.hex(8).toUpperCase()}`;
}
