import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory } from '../../src/channels/memory/index.ts';
import {
  dropMemoryPlatform,
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/channels/memory/platform.ts';
import type { MemoryHook, MemoryOptions } from '../../src/channels/memory/state.ts';
import type { Clock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { createWakes, type Engine, type LiveChannel } from '../../src/sync/engine.ts';
import { createReceiver, type HookAnswer, type Receiver } from '../../src/sync/inbound/receive.ts';

/** A clock that moves only when told; sleepers wake in the order of their times. */
export interface FakeClock extends Clock {
  /** Moves on, and lets everything that comes due happen on the way. */
  advance(ms: number): Promise<void>;
  /** Jumps without letting sleepers wake at their own times. */
  jump(ms: number): void;
  sleepers(): number;
}

/** Lets promise chains run that are ready to. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

export function fakeClock(start = Date.UTC(2026, 10, 23, 10)): FakeClock {
  let now = start;
  let sleepers: { at: number; wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = { at: now + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener(
          'abort',
          () => {
            sleepers = sleepers.filter((each) => each !== sleeper);
            resolve();
          },
          { once: true },
        );
      }),
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = sleepers.filter((each) => each.at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        sleepers = sleepers.filter((each) => each !== next);
        now = Math.max(now, next.at);
        next.wake();
        await settle();
      }
      now = end;
    },
    jump(ms) {
      now += ms;
    },
    sleepers: () => sleepers.length,
  };
}

export interface World {
  clock: FakeClock;
  store: Store;
  engine: Engine;
  receiver: Receiver;
  platforms: Map<string, MemoryPlatform>;
  /** Delivers a hook to a channel as the listener would. */
  deliver(channel: string, hook: MemoryHook, changes?: Partial<Record<string, string>>): Promise<HookAnswer>;
  live(name: string): LiveChannel;
  platform(name: string): MemoryPlatform;
  /** Makes a SKU with so many pieces (null: uncounted), listed on every channel under its own name. */
  stock(sku: string, quantity: number | null): Promise<void>;
  available(sku: string): Promise<number | null>;
  close(): Promise<void>;
}

/** Channels in memory over a real store in a folder of its own. */
export async function makeWorld(
  channels: Record<string, MemoryOptions & { pollMs?: number | null }> = { shop: {} },
): Promise<World> {
  const clock = fakeClock();
  const dataDir = mkdtempSync(join(tmpdir(), 'invsync-inbound-'));
  const store = await openSqliteStore({ dataDir, writer: 'caller' });
  const setups = Object.entries(channels).map(([name, options]) => ({
    name,
    type: 'memory',
    mode: 'live' as const,
    offer: { buffer: null, percent: null, max: null },
    oversell: 'alert' as const,
    basis: options.capabilities?.basis ?? ('net' as const),
    maxQuantity: 1_000_000,
    clockMarginMs: 0,
    presumeGoneMs: null,
  }));
  const rows = await store.channels.configure(setups, clock.now());
  const lives = new Map<number, LiveChannel>();
  const platforms = new Map<string, MemoryPlatform>();
  const token = randomBytes(4).toString('hex');
  for (const setup of setups) {
    const row = rows.find((each) => each.name === setup.name);
    if (row === undefined) throw new Error(`no row for ${setup.name}`);
    const options = channels[setup.name] ?? {};
    const name = `${setup.name}-${token}`;
    platforms.set(setup.name, memoryPlatform(name, { clock, ...options }));
    const channel = memory.create(
      { platform: name, secret: 'a shared secret' },
      {
        name: setup.name,
        clock,
        log: silentLog,
        randomHex: (bytes) => randomBytes(bytes).toString('hex'),
        publicUrl: null,
        baseUrl: null,
        timeoutMs: 10_000,
        vault: { get: async () => null, set: async () => undefined },
      },
    );
    lives.set(row.id, {
      id: row.id,
      name: setup.name,
      type: 'memory',
      channel,
      capabilities: channel.capabilities,
      setup,
      webhooks: true,
      pollMs: options.pollMs === undefined ? 60_000 : options.pollMs,
      raiseAfterMs: 86_400_000,
      timeoutMs: 10_000,
    });
  }
  const engine: Engine = {
    store,
    clock,
    log: silentLog,
    channels: lives,
    settings: {
      schedule: '0 * * * *',
      timezone: 'UTC',
      maxChange: 0.2,
      maxZero: 0.05,
      keepKeysMs: 30 * 86_400_000,
      keepPayloadsMs: 14 * 86_400_000,
      publicUrl: null,
    },
    wakes: createWakes(),
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
  };
  const receiver = createReceiver(engine);
  const live = (name: string): LiveChannel => {
    const found = [...lives.values()].find((each) => each.name === name);
    if (found === undefined) throw new Error(`no channel ${name}`);
    return found;
  };
  const platform = (name: string): MemoryPlatform => {
    const found = platforms.get(name);
    if (found === undefined) throw new Error(`no platform ${name}`);
    return found;
  };
  const by = { by: 'test', reason: null };
  return {
    clock,
    store,
    engine,
    receiver,
    platforms,
    live,
    platform,
    deliver: (channel, hook, changes = {}) => {
      const headers: Record<string, string> = { ...hook.headers };
      for (const [name, value] of Object.entries(changes)) {
        if (value === undefined) delete headers[name];
        else headers[name] = value;
      }
      return receiver.receive(channel, {
        method: 'POST',
        path: '',
        query: '',
        headers,
        body: hook.body,
        receivedAt: clock.now(),
      });
    },
    async stock(sku, quantity) {
      const now = clock.now();
      if (quantity === null) await store.listings.createSku(sku, by, now);
      else {
        await store.stock.change(
          [
            {
              sku,
              kind: 'count',
              quantity,
              basis: 'free',
              asOf: now - 1,
              create: true,
              ref: null,
              presumeGoneMs: {},
            },
          ],
          by,
          now,
        );
      }
      for (const each of lives.values()) {
        const listing = platform(each.name).list({ sku, shown: quantity ?? 0 });
        await store.listings.upsert(
          each.id,
          [
            {
              listingId: listing.listingId,
              counterKey: listing.counterKey,
              channelSku: sku,
              title: sku,
              aliases: [`alias-of-${sku}`],
              unwritable: null,
              ambiguous: false,
              shown: quantity,
              facts: null,
            },
          ],
          now,
        );
        const row = await store.listings.find(each.name, listing.listingId);
        if (row === null || row === 'ambiguous') throw new Error(`no listing ${sku} on ${each.name}`);
        await store.listings.map(row.id, [{ sku, units: 1 }], by, now);
      }
    },
    available: async (sku) => (await store.stock.get(sku))?.available ?? null,
    async close() {
      await store.close();
      for (const { name } of platforms.values()) dropMemoryPlatform(name);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
