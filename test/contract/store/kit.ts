import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Json, Listing } from '../../../src/channels/channel.ts';
import type { Basis } from '../../../src/stock/level.ts';
import type { OrderSnapshot, SnapshotLine } from '../../../src/stock/order.ts';
import type {
  AppliedOrder,
  ApplyOutcome,
  ApplyRequest,
  ChannelSetup,
  NewDelivery,
  StockOutcome,
  StockRow,
  Store,
} from '../../../src/store/store.ts';

/** A place where a store keeps its data: opened any number of times, also side by side, and removed at the end. */
export interface StoreBench {
  open(): Promise<Store>;
  remove(): Promise<void>;
}

export const noon = Date.UTC(2026, 10, 23, 12);
export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
export const actor = { by: 'test', reason: null };

/** Listings, orders and counts in few words, on a store under test. `at` is the store's time; it moves on by itself. */
export interface Kit {
  store: Store;
  now(): number;
  moveTo(at: number): void;
  channel(name: string, over?: Partial<ChannelSetup>): Promise<number>;
  /** Makes the SKUs, the listing of the same name, and maps it. */
  listing(channelId: number, listingId: string, parts?: Record<string, number>): Promise<number>;
  discover(channelId: number, listingId: string, over?: Partial<Listing>): Promise<number>;
  map(channelId: number, listingId: string, parts: Record<string, number>): Promise<number>;
  count(sku: string, quantity: number, how?: { basis?: Basis; asOf?: number }): Promise<StockOutcome>;
  receive(sku: string, quantity: number, how?: { asOf?: number; ref?: string }): Promise<StockOutcome>;
  adjust(sku: string, quantity: number): Promise<StockOutcome>;
  apply(channelId: number, ...orders: OrderSnapshot[]): Promise<AppliedOrder[]>;
  request(request: ApplyRequest): Promise<ApplyOutcome>;
  level(sku: string): Promise<StockRow>;
  available(sku: string): Promise<number>;
  shortfalls(): Promise<Record<string, number>>;
  /** Ledger, lines and levels agree, and so do docket and lines. */
  booksClose(): Promise<void>;
}

export function setupOf(name: string, over: Partial<ChannelSetup> = {}): ChannelSetup {
  return {
    name,
    type: 'memory',
    mode: 'live',
    offer: { buffer: null, percent: null, max: null },
    oversell: 'alert',
    basis: 'net',
    maxQuantity: 1_000_000,
    clockMarginMs: 1_000,
    presumeGoneMs: null,
    ...over,
  };
}

export function listingOf(listingId: string, over: Partial<Listing> = {}): Listing {
  return {
    listingId,
    counterKey: listingId,
    channelSku: listingId,
    title: listingId,
    aliases: [],
    unwritable: null,
    ambiguous: false,
    shown: null,
    facts: null,
    ...over,
  };
}

/** `[lineKey, listing, taken, gone]`. */
export type LineWords = [key: string, listing: string | null, taken: number, gone?: number];

export function lineOf([lineKey, listingId, taken, gone = 0]: LineWords): SnapshotLine {
  return { lineKey, listingId, channelSku: listingId, taken, gone, takenAt: null, goneAt: null };
}

/** A snapshot as a webhook brings it; `version` is the time of the state unless said otherwise. */
export function order(
  orderId: string,
  at: number,
  lines: (LineWords | SnapshotLine)[],
  over: Partial<OrderSnapshot> = {},
): OrderSnapshot {
  return {
    orderId,
    number: `#${orderId}`,
    version: at,
    clock: 'updated_at',
    obtained: 'delivered',
    askedAt: at,
    answeredAt: at,
    complete: true,
    placedAt: at,
    changedAt: at,
    status: 'open',
    cancelled: false,
    lines: lines.map((line) => (Array.isArray(line) ? lineOf(line) : line)),
    ...over,
  };
}

export function delivery(channelId: number, key: string, over: Partial<NewDelivery> = {}): NewDelivery {
  const body = over.body ?? new TextEncoder().encode(`{"order":"${key}"}`);
  return {
    channelId,
    key,
    kind: 'orders/create',
    meta: { topic: 'orders/create' },
    body,
    bodyHash: createHash('sha256').update(body).digest('hex'),
    receivedAt: noon,
    ...over,
  };
}

/** A request that says what a delivery brought. */
export function delivered(
  channelId: number,
  id: number,
  orders: OrderSnapshot[],
  over: { fields?: Json; ignored?: string; lookAgainAt?: number; missing?: string[] } = {},
): ApplyRequest {
  const { fields = { kept: true }, ignored = null, lookAgainAt = null, missing = [] } = over;
  const facts = { id, fields, ignored, lookAgainAt, replay: false };
  return { channelId, source: 'delivery', delivery: facts, orders, missing };
}

export function pulled(channelId: number, ...orders: OrderSnapshot[]): ApplyRequest {
  return { channelId, source: 'pull', delivery: null, orders, missing: [] };
}

export function kitOn(store: Store, start = noon): Kit {
  let at = start;
  const setups: ChannelSetup[] = [];
  const change = async (
    sku: string,
    kind: 'count' | 'receive' | 'adjust',
    quantity: number,
    how: { basis?: Basis; asOf?: number; ref?: string },
  ): Promise<StockOutcome> => {
    const [outcome] = await store.stock.change(
      [
        {
          sku,
          kind,
          quantity,
          basis: how.basis ?? 'shelf',
          asOf: how.asOf ?? at,
          create: true,
          ref: how.ref ?? null,
          presumeGoneMs: {},
        },
      ],
      actor,
      at,
    );
    if (outcome === undefined) throw new Error('no outcome');
    return outcome;
  };
  const rowId = async (channelId: number, listingId: string): Promise<number> => {
    const channel = (await store.channels.list()).find((each) => each.id === channelId)?.name ?? '';
    const found = await store.listings.find(channel, listingId);
    if (found === null || found === 'ambiguous') throw new Error(`listing ${listingId}: ${found}`);
    return found.id;
  };
  const kit: Kit = {
    store,
    now: () => at,
    moveTo(time) {
      at = time;
    },
    async channel(name, over = {}) {
      setups.push(setupOf(name, over));
      const rows = await store.channels.configure(setups, at);
      const row = rows.find((each) => each.name === name);
      if (row === undefined) throw new Error(`channel ${name} was not made`);
      return row.id;
    },
    async discover(channelId, listingId, over = {}) {
      await store.listings.upsert(channelId, [listingOf(listingId, over)], at);
      return rowId(channelId, listingId);
    },
    async listing(channelId, listingId, parts = { [listingId]: 1 }) {
      await kit.discover(channelId, listingId);
      return kit.map(channelId, listingId, parts);
    },
    async map(channelId, listingId, parts) {
      for (const sku of Object.keys(parts)) await store.listings.createSku(sku, actor, at);
      const id = await rowId(channelId, listingId);
      const recipe = Object.entries(parts).map(([sku, units]) => ({ sku, units }));
      expect(await store.listings.map(id, recipe, actor, at)).not.toHaveProperty('unknownSku');
      return id;
    },
    count: (sku, quantity, how = {}) => change(sku, 'count', quantity, how),
    receive: (sku, quantity, how = {}) => change(sku, 'receive', quantity, how),
    adjust: (sku, quantity) => change(sku, 'adjust', quantity, {}),
    async apply(channelId, ...orders) {
      const outcome = await kit.request(pulled(channelId, ...orders));
      return outcome.orders;
    },
    async request(request) {
      const [outcome] = await store.orders.apply([request], at);
      if (outcome === undefined || 'failed' in outcome) throw new Error(outcome?.failed ?? 'no outcome');
      return outcome;
    },
    async level(sku) {
      const row = await store.stock.get(sku);
      if (row === null) throw new Error(`SKU ${sku} is unknown`);
      return row;
    },
    available: async (sku) => (await kit.level(sku)).available,
    async shortfalls() {
      const rows = await store.reports.oversells({ status: 'open', limit: 1_000 });
      return Object.fromEntries(rows.map((row) => [row.lineKey, row.shortfall]));
    },
    async booksClose() {
      const { open } = await store.reports.audit();
      expect(open, 'SKUs whose ledger, lines and level disagree').toEqual([]);
      const orders = await store.orders.list({ limit: 10_000 });
      const lines = orders.flatMap((each) => each.lines).filter((line) => line.shortfall > 0);
      const short = Object.fromEntries(lines.map((line) => [line.lineKey, line.shortfall]));
      expect(await kit.shortfalls(), 'the docket holds every shortfall').toEqual(short);
    },
  };
  return kit;
}
