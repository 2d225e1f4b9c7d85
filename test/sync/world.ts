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
import { alertLevels, type ChannelSetup, type Mode, type Store } from '../../src/store/store.ts';
import { createWakes, type Engine, type LiveChannel } from '../../src/sync/engine.ts';
import { createReceiver, type HookAnswer, type Receiver } from '../../src/sync/inbound/receive.ts';
import { afterTest } from '../kit/stage.ts';

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

/** Channels in memory over a real store in a folder of its own. It ends with the test, where a test makes it. */
export async function makeWorld(
  channels: Record<string, MemoryOptions & { pollMs?: number | null }> = { shop: {} },
): Promise<World> {
  const clock = fakeClock();
  const dataDir = mkdtempSync(join(tmpdir(), 'invsync-inbound-'));
  const store = await openSqliteStore({ dataDir, writer: 'caller' });
  const setups = Object.entries(channels).map(([name, options]) => setupOf(name, options));
  const rows = await store.channels.configure(setups, clock.now());
  const lives = new Map<number, LiveChannel>();
  const platforms = new Map<string, MemoryPlatform>();
  const token = randomBytes(4).toString('hex');
  const randomHex = (bytes: number) => randomBytes(bytes).toString('hex');
  for (const setup of setups) {
    const row = rows.find((each) => each.name === setup.name);
    if (row === undefined) throw new Error(`no row for ${setup.name}`);
    const options = channels[setup.name] ?? {};
    const name = `${setup.name}-${token}`;
    platforms.set(setup.name, memoryPlatform(name, { clock, ...options }));
    const made = liveOf(row.id, setup, name, { clock, randomHex });
    lives.set(row.id, { ...made, pollMs: options.pollMs === undefined ? 60_000 : options.pollMs });
  }
  const engine = engineOf(store, lives, { clock, randomHex });
  const receiver = createReceiver(engine);
  const live = (name: string): LiveChannel => liveNamed(engine, name);
  const platform = (name: string): MemoryPlatform => platformNamed(platforms, name);
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= store.close().then(() => {
      for (const { name } of platforms.values()) dropMemoryPlatform(name);
      rmSync(dataDir, { recursive: true, force: true });
    });
    return closing;
  };
  afterTest(close);
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
      if (quantity === null) await store.listings.createSku(sku, by, clock.now());
      else await count(engine, { sku, kind: 'count', quantity, asOf: clock.now() - 1 });
      for (const each of lives.values()) {
        const { listingId, counterKey } = platform(each.name).list({ sku, shown: quantity ?? 0 });
        const aliases = [`alias-of-${sku}`];
        await listSku(engine, each, { sku, listingId, counterKey, aliases, shown: quantity });
      }
    },
    available: async (sku) => (await store.stock.get(sku))?.available ?? null,
    close,
  };
}

/** Who does what the tests do. */
export const by = { by: 'test', reason: null };

/** How a channel of a world differs from the quiet default. */
export interface ChannelOptions extends MemoryOptions {
  mode?: Mode;
  oversell?: ChannelSetup['oversell'];
}

export function setupOf(name: string, options: ChannelOptions): ChannelSetup {
  return {
    name,
    type: 'memory',
    mode: options.mode ?? 'live',
    offer: { buffer: null, percent: null, max: null },
    oversell: options.oversell ?? 'alert',
    basis: options.capabilities?.basis ?? 'net',
    maxQuantity: 1_000_000,
    clockMarginMs: options.capabilities?.clockMarginMs ?? 0,
    presumeGoneMs: null,
  };
}

export function liveOf(
  id: number,
  setup: ChannelSetup,
  platformName: string,
  deps: { clock: FakeClock; randomHex: (bytes: number) => string },
): LiveChannel {
  const channel = memory.create(
    { platform: platformName, secret: 'a shared secret' },
    {
      name: setup.name,
      ...deps,
      log: silentLog,
      publicUrl: null,
      baseUrl: null,
      timeoutMs: 10_000,
      vault: { get: async () => null, set: async () => undefined },
    },
  );
  return {
    id,
    name: setup.name,
    type: 'memory',
    channel,
    capabilities: channel.capabilities,
    setup,
    webhooks: true,
    pollMs: 60_000,
    raiseAfterMs: 86_400_000,
    timeoutMs: 10_000,
  };
}

type Chance = Pick<Engine, 'clock' | 'randomHex'>;

/** An engine over these channels, with the settings that a configuration has by default. */
export function engineOf(store: Store, channels: Engine['channels'], chance: Chance): Engine {
  return {
    store,
    channels,
    ...chance,
    log: silentLog,
    settings: {
      schedule: '0 * * * *',
      timezone: 'UTC',
      maxChange: 0.2,
      maxZero: 0.05,
      keepKeysMs: 30 * 86_400_000,
      levels: alertLevels,
      keepPayloadsMs: 14 * 86_400_000,
      publicUrl: null,
    },
    wakes: createWakes(),
  };
}

export function liveNamed(engine: Engine, name: string): LiveChannel {
  const found = [...engine.channels.values()].find((each) => each.name === name);
  if (found === undefined) throw new Error(`no channel ${name}`);
  return found;
}

export function platformNamed(platforms: ReadonlyMap<string, MemoryPlatform>, name: string): MemoryPlatform {
  const found = platforms.get(name);
  if (found === undefined) throw new Error(`no platform ${name}`);
  return found;
}

/** Counts, receives or adjusts pieces of a SKU, which is made when it is new. */
export async function count(
  { store, clock }: Engine,
  change: { sku: string; kind: 'count' | 'receive' | 'adjust'; quantity: number; asOf: number },
): Promise<void> {
  const one = { ...change, basis: 'free' as const, create: true, ref: null, presumeGoneMs: {} };
  await store.stock.change([one], by, clock.now());
}

/** What a catalogue would bring of a SKU, mapped to it. */
export async function listSku(
  { store, clock }: Engine,
  live: LiveChannel,
  listing: { sku: string; aliases: string[]; shown: number | null; listingId?: string; counterKey?: string },
): Promise<void> {
  const { sku, ...rest } = listing;
  const plain = { listingId: sku, counterKey: sku, channelSku: sku, title: sku };
  const state = { unwritable: null, ambiguous: false, facts: null };
  await store.listings.upsert(live.id, [{ ...plain, ...state, ...rest }], clock.now());
  const row = await store.listings.find(live.name, rest.listingId ?? sku);
  if (row === null || row === 'ambiguous') throw new Error(`no listing ${sku} on ${live.name}`);
  await store.listings.map(row.id, [{ sku, units: 1 }], by, clock.now());
}
