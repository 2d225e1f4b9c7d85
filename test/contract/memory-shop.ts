import type { MemoryFault } from '../../src/channels/memory/faults.ts';
import { dropMemoryPlatform, memoryPlatform } from '../../src/channels/memory/platform.ts';
import type { MemoryHook } from '../../src/channels/memory/state.ts';
import type { Shop, ShopOptions } from '../../src/sandbox/shop.ts';

/** A memory platform with the verbs of a shop. */
export interface MemoryShop extends Shop {
  /** Sends what waits, with its retries; an address that never answers well is forgotten, as platforms do. */
  settle(): Promise<void>;
}

/** What the shops call a fault, in the platform's own words. */
const faults: Readonly<Record<string, MemoryFault>> = {
  auth: 'auth',
  throttle: 'throttle',
  error_500: 'error',
  error_500_after: 'apply_then_timeout',
  timeout: 'timeout',
  apply_then_timeout: 'apply_then_timeout',
  sale_before_write: 'sale_before_write',
  slow: 'slow',
};
const tries = 9;

/**
 * The catalogue's items, SET-1 that may not be written, two listings (TWIN) that share a SKU and a number, and two with
 * one SKU (TWICE) that have a number each.
 */
export function createMemoryShop(options: ShopOptions): MemoryShop {
  const name = `${options.name}-${options.seed}-${Math.random().toString(36).slice(2)}`;
  const platform = memoryPlatform(name, { pageSize: 50 });
  const secret = `memory-secret-${options.seed}`;
  const waiting: MemoryHook[] = [];
  let doubled = 0;

  const send = async (hook: MemoryHook): Promise<void> => {
    const url = platform.state.hookUrl;
    for (let attempt = 0; url !== null && attempt < tries; attempt += 1) {
      const answer = await fetch(url, {
        method: 'POST',
        headers: hook.headers,
        body: new Uint8Array(hook.body),
      });
      if (answer.ok) return;
    }
    platform.state.hookUrl = null;
  };

  return {
    type: 'memory',
    name: options.name,
    url: '',
    channelConfig: () => ({ type: 'memory', mode: 'live', platform: name, secret }),
    async start() {
      for (const { sku, title, stock } of options.catalogue) platform.list({ sku, title, shown: stock });
      platform.list({ sku: 'SET-1', shown: 3, unwritable: 'a bundle' });
      platform.list({ sku: 'TWIN', listingId: 'twin-a', counterKey: 'twin', shown: 10 });
      platform.list({ sku: 'TWIN', listingId: 'twin-b', counterKey: 'twin', shown: 10 });
      for (const listingId of ['twice-a', 'twice-b']) platform.list({ sku: 'TWICE', listingId, shown: 10 });
      platform.sendTo((hook) => {
        waiting.push(hook);
        for (; doubled > 0; doubled -= 1) waiting.push(hook);
      });
    },
    async stop() {
      platform.sendTo(null);
      dropMemoryPlatform(name);
    },
    async settle() {
      for (let hook = waiting.shift(); hook !== undefined; hook = waiting.shift()) await send(hook);
    },
    sell(request) {
      const order = platform.sell({
        lines: request.lines.map(({ sku, quantity }) => ({ ref: sku, quantity })),
        force: request.force ?? false,
      });
      if (order === null) return { sold: false, reason: 'out_of_stock' };
      return {
        sold: true,
        order_id: order.id,
        lines: order.lines.map(({ key, sku, taken }) => ({ line_id: key, sku: sku ?? '', quantity: taken })),
      };
    },
    cancel: ({ order_id, restock }) => platform.cancel(order_id, { restock: restock ?? true }),
    refund({ order_id, line_id, quantity, restock }) {
      const line = line_id ?? platform.order(order_id)?.lines[0]?.key ?? '';
      platform.refund(order_id, { line, quantity, restock });
    },
    edit: ({ order_id, line_id, quantity }) => platform.edit(order_id, { line: line_id, quantity }),
    ship: ({ order_id }) => platform.ship(order_id),
    set: ({ sku, quantity }) => platform.set(sku, quantity),
    fault({ name: wanted, count, ms, clear }) {
      if (clear === true) platform.faults.clear();
      if (wanted === undefined) return;
      if (wanted === 'duplicate_webhook') {
        doubled = count ?? 1;
        return;
      }
      const fault = faults[wanted];
      if (fault === undefined) throw new Error(`no fault "${wanted}" here`);
      platform.faults.arm(fault, { count: count ?? null, ms: ms ?? (wanted === 'throttle' ? 1_000 : 0) });
    },
    pending: () => waiting.length,
    records: () => ({
      orders: platform.orders().map((order) => ({
        order_id: order.id,
        placed_at: order.placed_at,
        changed_at: order.changed_at,
        status: order.status,
        lines: order.lines.map(({ key, sku, taken, gone }) => ({
          line_id: key,
          sku: sku ?? '',
          taken,
          gone,
        })),
        heard: false,
      })),
      calls: platform.writes().map(({ at, counterKey, from, to, applied, answered, key }) => ({
        at,
        kind: 'write' as const,
        sku: counterKey,
        from,
        to,
        applied,
        answered,
        key,
      })),
      listings: [...platform.state.listings.values()].map(({ listingId, sku }) => ({
        sku: sku ?? '',
        listing_id: listingId,
        shown: platform.shown(listingId),
      })),
    }),
  };
}
