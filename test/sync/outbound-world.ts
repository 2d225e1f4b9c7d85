import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  dropMemoryPlatform,
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/channels/memory/platform.ts';
import type { MemoryOrder } from '../../src/channels/memory/state.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { CounterView, Store } from '../../src/store/store.ts';
import { type Actions, createActions } from '../../src/sync/duties/actions.ts';
import type { Engine, LiveChannel } from '../../src/sync/engine.ts';
import { createIngest, type Ingest } from '../../src/sync/inbound/ingest.ts';
import { type Pulled, pullOrders } from '../../src/sync/inbound/pull.ts';
import { createPusher, type Pusher } from '../../src/sync/outbound/push.ts';
import { createProofs, type Proofs } from '../../src/sync/reconcile/proof.ts';
import { type ReconcileWish, reconcile } from '../../src/sync/reconcile/reconcile.ts';
import type { ReconcileOutcome } from '../../src/sync/reconcile/result.ts';
import { afterTest } from '../kit/stage.ts';
import {
  by,
  type ChannelOptions,
  count,
  engineOf,
  type FakeClock,
  fakeClock,
  listSku,
  liveNamed,
  liveOf,
  platformNamed,
  setupOf,
} from './world.ts';

export type { ChannelOptions };

/** Channels in memory, a real store on disk, and the outbound duties, driven by hand. */
export interface Outbound {
  clock: FakeClock;
  readonly store: Store;
  readonly engine: Engine;
  readonly pusher: Pusher;
  readonly proofs: Proofs;
  readonly actions: Actions;
  platform(name: string): MemoryPlatform;
  live(name: string): LiveChannel;
  /** Makes a SKU of so many pieces (null: never counted) and lists it everywhere under its own name, shown so. */
  stock(sku: string, quantity: number | null, shown?: number): Promise<void>;
  change(sku: string, kind: 'count' | 'receive' | 'adjust', quantity: number): Promise<void>;
  available(sku: string): Promise<number | null>;
  counter(channel: string, sku: string): Promise<CounterView>;
  /** The webhook of the order's present state arrives and is worked on. */
  hear(channel: string, order: MemoryOrder): Promise<void>;
  pull(channel: string): Promise<Pulled>;
  pullAll(): Promise<void>;
  /** Time goes by, and then the orders of all channels are pulled. */
  pullAfter(ms: number): Promise<void>;
  push(): Promise<void>;
  /** Pushes what is due; answers what the channel then shows. */
  shownAfterPush(channel: string, sku: string): Promise<number | null>;
  reconcile(wish?: Partial<ReconcileWish>): Promise<ReconcileOutcome>;
  /** kill -9: everything in memory is gone, the store is opened by a new boot. */
  reboot(): Promise<void>;
  close(): Promise<void>;
}

/** A world that sells these pieces on all its channels, after its first reconcile. */
export async function makeSelling(
  channels: Record<string, ChannelOptions>,
  pieces: Record<string, number | null>,
): Promise<Outbound> {
  const world = await makeOutbound(channels);
  for (const [sku, quantity] of Object.entries(pieces)) await world.stock(sku, quantity);
  await world.reconcile();
  return world;
}

let worlds = 0;

/** A world whose channels are live; nothing is pushed before a first `reconcile()`. It ends with the test. */
export async function makeOutbound(channels: Record<string, ChannelOptions>): Promise<Outbound> {
  worlds += 1;
  const clock = fakeClock();
  const dataDir = mkdtempSync(join(tmpdir(), 'invsync-outbound-'));
  const names = Object.keys(channels);
  const platformName = (name: string) => `outbound-${worlds}-${name}`;
  const platforms = new Map<string, MemoryPlatform>();
  for (const name of names)
    platforms.set(name, memoryPlatform(platformName(name), { clock, ...channels[name] }));
  let draws = 0;
  const randomHex = (bytes: number): string => {
    draws += 1;
    return createHash('sha256')
      .update(`${worlds} ${draws}`)
      .digest('hex')
      .slice(0, bytes * 2);
  };
  const open = () => openSqliteStore({ dataDir, writer: 'caller', randomHex });

  const boot = async () => {
    const store = await open();
    const setups = names.map((name) => setupOf(name, channels[name] ?? {}));
    const rows = await store.channels.configure(setups, clock.now());
    const lives = new Map<number, LiveChannel>();
    for (const row of rows) {
      const setup = setups.find((each) => each.name === row.name);
      if (setup === undefined) throw new Error(`no setup for ${row.name}`);
      lives.set(row.id, liveOf(row.id, setup, platformName(setup.name), { clock, randomHex }));
    }
    const engine = engineOf(store, lives, { clock, randomHex });
    await store.outbox.recover(clock.now());
    const pusher = createPusher(engine, {
      onLow: (channelId, counterId, since) => proofs.expectLow(channelId, counterId, since),
      onDoubt: (channelId, counterId) => proofs.expectDoubt(channelId, counterId),
    });
    const proofs: Proofs = createProofs(engine, { pusher });
    return { store, engine, pusher, proofs, ingest: createIngest(engine), actions: createActions(engine) };
  };

  let now: Awaited<ReturnType<typeof boot>> & { ingest: Ingest } = await boot();
  const live = (name: string): LiveChannel => liveNamed(now.engine, name);
  const platform = (name: string): MemoryPlatform => platformNamed(platforms, name);
  const signal = new AbortController().signal;
  const pull = (name: string) => pullOrders(now.engine, live(name), { kind: 'changes' }, signal);
  const pullAll = async () => {
    for (const name of names) await pull(name);
  };
  const push = () => now.pusher.runUntilIdle();
  const change: Outbound['change'] = (sku, kind, quantity) =>
    count(now.engine, { sku, kind, quantity, asOf: clock.now() });

  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= now.store.close().then(() => {
      for (const name of names) dropMemoryPlatform(platformName(name));
      rmSync(dataDir, { recursive: true, force: true });
    });
    return closing;
  };
  afterTest(close);

  return {
    clock,
    get store() {
      return now.store;
    },
    get engine() {
      return now.engine;
    },
    get pusher() {
      return now.pusher;
    },
    get proofs() {
      return now.proofs;
    },
    get actions() {
      return now.actions;
    },
    platform,
    live,
    change,
    pull,
    async stock(sku, quantity, shown) {
      if (quantity === null) await now.store.listings.createSku(sku, by, clock.now());
      else await change(sku, 'count', quantity);
      for (const name of names) {
        platform(name).list({ sku, shown: shown ?? quantity ?? 0 });
        await listSku(now.engine, live(name), { sku, aliases: [], shown: null });
      }
      clock.jump(1);
    },
    available: async (sku) => (await now.store.stock.get(sku))?.available ?? null,
    async counter(channel, sku) {
      const [id] = await now.store.outbox.countersOf(live(channel).id, [sku]);
      const [view] = await now.store.outbox.view(id === undefined ? [] : [id]);
      if (view === undefined) throw new Error(`no counter ${sku} on ${channel}`);
      return view;
    },
    async hear(channel, order) {
      const hook = platform(channel).hookForOrder(order.id);
      const receipt = live(channel).channel.receive({
        method: 'POST',
        path: '',
        query: '',
        headers: hook.headers,
        body: hook.body,
        receivedAt: clock.now(),
      });
      if (receipt.kind !== 'deliveries') throw new Error(`refused: ${receipt.kind}`);
      const bodyHash = createHash('sha256').update(hook.body).digest('hex');
      await now.store.inbox.takeIn(
        receipt.deliveries.map((delivery) => ({
          ...delivery,
          channelId: live(channel).id,
          bodyHash,
          receivedAt: clock.now(),
        })),
      );
      await now.ingest.runUntilIdle();
    },
    pullAll,
    async pullAfter(ms) {
      clock.jump(ms);
      await pullAll();
    },
    push,
    async shownAfterPush(channel, sku) {
      await push();
      return platform(channel).shown(sku);
    },
    reconcile: (wish = {}) =>
      reconcile(
        now.engine,
        { pusher: now.pusher, onWait: (...proof) => now.proofs.expect(...proof) },
        { channels: null, skus: null, dryRun: false, waitMs: 0, ...wish },
        signal,
      ),
    async reboot() {
      await now.store.close();
      now = await boot();
    },
    close,
  };
}
