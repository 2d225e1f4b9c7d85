import type { ShopRecords } from '../shop.ts';
import type { Books } from './books.ts';

/** What one shop recorded, under its channel's name. */
export interface ShopSide extends ShopRecords {
  channel: string;
  basis: 'net' | 'gross';
}

/** What the run itself knows. */
export interface RunFacts {
  seed: number;
  seconds: number;
  timeScale: number;
  chaos: 'none' | 'normal' | 'hell';
  kills: number;
  /** What was counted at the start, per SKU. */
  start: ReadonlyMap<string, number>;
  warnings: string[];
}

/** The sum at the end. Computed from what the shops recorded and from the database file; uses nothing of the engine. */
export interface Proof {
  ok: boolean;
  seed: number;
  seconds: number;
  time_scale: number;
  channels: string[];
  orders: number;
  deliveries: number;
  duplicates_absorbed: number;
  kills: number;
  timed_out_writes: number;
  webhooks_lost: number;
  orders_unheard: number;
  recovered_by_pull: number;
  sold_units: number;
  allocated_units: number;
  shortfall_units: number;
  oversold_by_engine: number;
  books_close: boolean;
  listings_in_sync: number;
  listings_total: number;
  ack_ms: { p50: number; p99: number };
  propagation_ms: { p50: number; p95: number; p99: number };
  /** Each line of the proof that failed, in words; empty when `ok`. */
  failures: string[];
  warnings: string[];
}

/** Adds up both sides. */
export function prove(shops: readonly ShopSide[], books: Books, run: RunFacts): Proof {
  const failures: string[] = [];
  const orders = compareOrders(shops, books, run, failures);
  const closed = closeBooks(books, run, failures);
  const listings = compareListings(shops, books, run, failures);
  const calls = shops.flatMap((shop) => shop.calls);
  const hooks = calls.filter((call) => call.kind === 'webhook');
  const duplicates = hooks.filter((call) => call.duplicate && call.outcome === 'ok').length;
  const lost = hooks.filter((call) => call.outcome === 'dropped').length;
  const timedOut = calls.filter((call) => call.kind === 'write' && call.applied && !call.answered).length;
  if (books.integrity !== 'ok') failures.push(`integrity check of the database: ${books.integrity}`);
  if (books.pendingDeliveries > 0) failures.push(`${books.pendingDeliveries} deliveries are still waiting`);
  if (run.chaos === 'hell') {
    if (orders.recovered < 3)
      failures.push(`only ${orders.recovered} orders were recovered by a pull, 3 are needed to prove it`);
    if (run.kills < 1) failures.push('the daemon was never killed');
    if (duplicates < 1) failures.push('no delivery came twice');
    if (timedOut < 1) failures.push('no write timed out after it was applied');
  }
  return {
    ok: failures.length === 0,
    seed: run.seed,
    seconds: run.seconds,
    time_scale: run.timeScale,
    channels: shops.map((shop) => shop.channel),
    orders: shops.reduce((sum, shop) => sum + shop.orders.length, 0),
    deliveries: hooks.filter((call) => call.outcome !== 'dropped').length,
    duplicates_absorbed: duplicates,
    kills: run.kills,
    timed_out_writes: timedOut,
    webhooks_lost: lost,
    orders_unheard: orders.unheard,
    recovered_by_pull: orders.recovered,
    sold_units: orders.sold,
    allocated_units: orders.allocated,
    shortfall_units: orders.shortfall,
    oversold_by_engine: closed.oversold,
    books_close: closed.close,
    listings_in_sync: listings.inSync,
    listings_total: listings.total,
    ack_ms: percentiles(
      hooks.filter((call) => call.outcome === 'ok').map((call) => call.ms),
      ['p50', 'p99'],
    ),
    propagation_ms: percentiles(propagation(shops), ['p50', 'p95', 'p99']),
    failures,
    warnings: run.warnings,
  };
}

/** Ids differ in dress (`gid://…/123`, `123`), never in their digits. */
function digits(id: string): string {
  return /(\d+)\D*$/.exec(id)?.[1] ?? id;
}

interface OrderSums {
  sold: number;
  allocated: number;
  shortfall: number;
  unheard: number;
  recovered: number;
}

/** Every order of every shop stands in the books exactly as the shop shows it: none lost, none counted twice. */
function compareOrders(
  shops: readonly ShopSide[],
  books: Books,
  run: RunFacts,
  failures: string[],
): OrderSums {
  const booked = new Map<string, { taken: number; gone: number; given: number; waived: number }>();
  for (const line of books.lines) {
    if (line.sku === null || !run.start.has(line.sku)) continue;
    const key = `${line.channel} ${digits(line.orderId)} ${line.sku}`;
    const sum = booked.get(key) ?? { taken: 0, gone: 0, given: 0, waived: 0 };
    sum.taken += line.taken;
    sum.gone += line.gone;
    sum.given += line.given;
    sum.waived += line.waived;
    booked.set(key, sum);
  }
  const sums: OrderSums = { sold: 0, allocated: 0, shortfall: 0, unheard: 0, recovered: 0 };
  let differing = 0;
  for (const shop of shops) {
    for (const order of shop.orders) {
      const wanted = new Map<string, number>();
      for (const line of order.lines) {
        if (run.start.has(line.sku)) wanted.set(line.sku, (wanted.get(line.sku) ?? 0) + line.taken);
      }
      let same = true;
      for (const [sku, taken] of wanted) {
        const key = `${shop.channel} ${digits(order.order_id)} ${sku}`;
        const found = booked.get(key)?.taken ?? 0;
        booked.delete(key);
        sums.sold += taken;
        if (found === taken) continue;
        same = false;
        differing += 1;
        if (differing <= 10)
          failures.push(
            `${shop.channel} order ${order.order_id}: the shop sold ${taken} of ${sku}, the books say ${found}`,
          );
      }
      if (order.heard) continue;
      sums.unheard += 1;
      if (same) sums.recovered += 1;
    }
  }
  if (differing > 10) failures.push(`… and ${differing - 10} more order lines differ`);
  for (const [key, sum] of booked) {
    if (sum.taken > 0) failures.push(`the books hold ${sum.taken} for ${key}, which no shop knows`);
  }
  for (const line of books.lines) {
    sums.allocated += line.given;
    sums.shortfall += line.taken - line.given;
  }
  if (sums.sold !== sums.allocated + sums.shortfall) {
    failures.push(`sold ${sums.sold} is not allocated ${sums.allocated} + short ${sums.shortfall}`);
  }
  if (books.openShortfall !== sums.shortfall) {
    failures.push(`the docket names ${books.openShortfall} units, the lines are short of ${sums.shortfall}`);
  }
  if (sums.recovered !== sums.unheard)
    failures.push(`${sums.unheard - sums.recovered} orders without a webhook were never found`);
  return sums;
}

/** Start + receipts + returns − gone − given-and-not-gone − reserved = available, by the ledger and by the levels. */
function closeBooks(books: Books, run: RunFacts, failures: string[]): { close: boolean; oversold: number } {
  let oversold = 0;
  let open = 0;
  for (const row of books.skus) {
    const start = run.start.get(row.sku) ?? 0;
    const available = row.onHand - row.committed - row.reserved;
    const byLedger = row.ledgerOnHand - row.ledgerCommitted - row.ledgerReserved;
    const bySum = row.put + row.found - row.gone - (row.given - row.gone) - row.reserved;
    const levels = row.ledgerOnHand === row.onHand && row.ledgerCommitted === row.committed;
    if (row.put !== start || available !== byLedger || available !== bySum || !levels || available < 0) {
      open += 1;
      if (open <= 10) {
        failures.push(
          `${row.sku}: counted ${row.put} (start ${start}), available ${available}, by ledger ${byLedger}, by lines ${bySum}`,
        );
      }
    }
    oversold += Math.max(0, row.given - row.put - row.found);
  }
  for (const sku of run.start.keys()) {
    if (!books.skus.some((row) => row.sku === sku)) failures.push(`${sku} is not in the books`);
  }
  if (oversold > 0) failures.push(`${oversold} units were given twice`);
  return { close: open === 0, oversold };
}

/** Every listing of every shop shows what the books say is there. */
function compareListings(
  shops: readonly ShopSide[],
  books: Books,
  run: RunFacts,
  failures: string[],
): { inSync: number; total: number } {
  const there = new Map(
    books.skus.map((row) => [row.sku, Math.max(0, row.onHand - row.committed - row.reserved)]),
  );
  let inSync = 0;
  let total = 0;
  for (const shop of shops) {
    const own = shop.basis === 'gross' ? openUnits(shop) : new Map<string, number>();
    for (const listing of shop.listings) {
      if (!run.start.has(listing.sku)) continue;
      total += 1;
      const wanted = (there.get(listing.sku) ?? Number.NaN) + (own.get(listing.sku) ?? 0);
      if (listing.shown === wanted) inSync += 1;
      else failures.push(`${shop.channel} shows ${listing.shown} of ${listing.sku}, it should be ${wanted}`);
    }
  }
  return { inSync, total };
}

/** Units of a shop's own orders that its number still contains. */
function openUnits(shop: ShopSide): Map<string, number> {
  const open = new Map<string, number>();
  for (const { sku, taken, gone } of shop.orders.flatMap((order) => order.lines))
    open.set(sku, (open.get(sku) ?? 0) + taken - gone);
  return open;
}

/** From a sale in one shop to the last other shop having applied its write for that SKU. */
function propagation(shops: readonly ShopSide[]): number[] {
  const times: number[] = [];
  const writes = new Map<string, number[]>();
  for (const shop of shops) {
    for (const call of shop.calls) {
      if (call.kind !== 'write' || !call.applied) continue;
      const key = `${shop.channel} ${call.sku}`;
      writes.set(key, [...(writes.get(key) ?? []), call.at]);
    }
  }
  for (const shop of shops) {
    for (const order of shop.orders) {
      const sku = order.lines[0]?.sku;
      if (sku === undefined || !order.heard) continue;
      const others = shops.filter((other) => other !== shop);
      const firsts = others.map((other) =>
        writes.get(`${other.channel} ${sku}`)?.find((at) => at >= order.placed_at),
      );
      const last = Math.max(...firsts.map((at) => at ?? Number.NaN));
      if (Number.isFinite(last)) times.push(last - order.placed_at);
    }
  }
  return times;
}

function percentiles<K extends string>(values: number[], names: readonly K[]): Record<K, number> {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return Object.fromEntries(
    names.map((name) => [name, Math.round(at(Number(name.slice(1)) / 100))]),
  ) as Record<K, number>;
}
