import { randomBytes } from 'node:crypto';
import type { Capabilities, Channel, Json } from './channels/channel.ts';
import { type Clock, systemClock } from './clock.ts';
import { levelsOf } from './config/alerts.ts';
import type { ChannelConfig, Config } from './config/config.ts';
import type { Log } from './log.ts';
import type { ChannelSetup, Store } from './store/store.ts';
import { createWakes, type Engine, type EngineSettings, type LiveChannel } from './sync/engine.ts';
import { configureWithin } from './sync/reach.ts';

/** What the store must know of a channel to compute targets and to allocate. */
export function setupOf(channel: ChannelConfig): ChannelSetup {
  const { definition } = channel;
  const capabilities = definition.capabilitiesFor?.(channel.own) ?? definition.capabilities;
  return {
    name: channel.name,
    type: channel.type,
    mode: channel.mode,
    offer: { buffer: channel.buffer, percent: Math.round(channel.percent * 100), max: channel.max },
    oversell: channel.oversell,
    basis: capabilities.basis,
    maxQuantity: capabilities.maxQuantity,
    clockMarginMs: capabilities.clockMarginMs,
    presumeGoneMs: capabilities.reportsGone ? null : channel.presume_gone_after,
    pollMs: channel.poll,
    proofAfterMs: capabilitiesOf(channel, capabilities).orderLagMs ?? channel.raise_after,
  };
}

/** The type's facts with the configuration's overrides laid over. */
export function capabilitiesOf(channel: ChannelConfig, declared: Capabilities): Capabilities {
  return {
    ...declared,
    orderLagMs: channel.order_lag ?? declared.orderLagMs,
    indexLagMs: channel.index_lag ?? declared.indexLagMs,
    settleMs: channel.settle ?? declared.settleMs,
    maxExecutionMs: channel.max_execution ?? declared.maxExecutionMs,
    webhooks: declared.webhooks && channel.webhooks,
  };
}

/** An engine over an open store, and the way to end its connections. */
export interface Composition {
  engine: Engine;
  close(): Promise<void>;
}

/** Creates the channels of a configuration and binds them to their rows in the store. Talks to no network. */
export async function compose(
  config: Config,
  store: Store,
  deps: { log: Log; clock?: Clock },
): Promise<Composition> {
  const clock = deps.clock ?? systemClock;
  const settings = settingsOf(config);
  const ground = { store, clock, log: deps.log, randomHex: hex };
  const file = { setups: config.channels.map(setupOf), textHash: config.textHash };
  const rows = await configureWithin(ground, file, settings);
  const channels = new Map<number, LiveChannel>();
  for (const channel of config.channels) {
    const row = rows.find((candidate) => candidate.name === channel.name);
    if (row === undefined) continue;
    channels.set(
      row.id,
      liveChannel(channel, row.id, { store, clock, log: deps.log, publicUrl: settings.publicUrl }),
    );
  }
  const engine: Engine = {
    store,
    clock,
    log: deps.log,
    channels,
    settings,
    wakes: createWakes(),
    randomHex: hex,
  };
  return {
    engine,
    close: async () => {
      await Promise.all([...channels.values()].map((live) => live.channel.close()));
    },
  };
}

function settingsOf(config: Config): EngineSettings {
  return {
    schedule: config.reconcile.schedule,
    timezone: config.reconcile.timezone,
    maxChange: config.reconcile.max_change,
    maxZero: config.reconcile.max_zero,
    keepKeysMs: config.retention.event_ids,
    keepPayloadsMs: config.retention.payloads,
    publicUrl: config.server.public_url?.replace(/\/+$/, '') ?? null,
    levels: levelsOf(config.alerts),
  };
}

function liveChannel(
  channel: ChannelConfig,
  id: number,
  deps: { store: Store; clock: Clock; log: Log; publicUrl: string | null },
): LiveChannel {
  const { store } = deps;
  const adapter: Channel = channel.definition.create(channel.own, {
    name: channel.name,
    clock: deps.clock,
    log: deps.log.child({ channel: channel.name }),
    randomHex: hex,
    baseUrl: channel.base_url,
    timeoutMs: channel.timeout,
    publicUrl: deps.publicUrl,
    vault: {
      get: (key) => store.channels.vaultGet(id, key),
      set: (key, value) => store.channels.vaultSet(id, key, value),
    },
  });
  return {
    id,
    name: channel.name,
    type: channel.type,
    channel: adapter,
    capabilities: capabilitiesOf(channel, adapter.capabilities),
    setup: setupOf(channel),
    webhooks: channel.webhooks && adapter.capabilities.webhooks,
    pollMs: channel.poll,
    raiseAfterMs: channel.raise_after,
    timeoutMs: channel.timeout,
  };
}

/** Random bytes as hex. */
export function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

/** A first contact may find that the account had a channel before, whose row goes on: then everything is composed anew. */
async function composeOnAccounts(config: Config, store: Store, log: Log): Promise<Composition> {
  const { admit } = await import('./sync/account/account.ts');
  const made = await compose(config, store, { log });
  const { signal } = new AbortController();
  let moved = false;
  for (const live of made.engine.channels.values()) {
    if ((await store.channels.channel(live.id))?.accountId !== null) continue;
    await admit(made.engine, live, signal);
    if ((await store.channels.channel(live.id)) === null) moved = true;
  }
  if (!moved) return made;
  await made.close();
  return compose(config, store, { log });
}

/**
 * Carries one request out in this process, which must hold the engine lock: what a command does when no daemon runs.
 */
export async function runHandler(
  config: Config,
  store: Store,
  wish: { kind: string; args: Json; progress: (text: string) => void },
  signal: AbortSignal,
): Promise<Json> {
  const { createLog } = await import('./log.ts');
  const { createPusher } = await import('./sync/outbound/push.ts');
  const { createIngest } = await import('./sync/inbound/ingest.ts');
  const { requestHandlers } = await import('./sync/duties/handlers.ts');
  const { beginEpoch } = await import('./sync/duties/epoch.ts');
  const { correctAtStart } = await import('./sync/duties/clock.ts');
  const { engine, close } = await composeOnAccounts(config, store, createLog('error'));
  try {
    await store.outbox.recover(engine.clock.now());
    await beginEpoch(engine);
    await correctAtStart(engine);
    const handlers = requestHandlers(engine, { pusher: createPusher(engine), ingest: createIngest(engine) });
    const handler = handlers[wish.kind];
    if (handler === undefined) throw new Error(`no request is called ${wish.kind}`);
    return await handler(wish.args, wish.progress, signal);
  } finally {
    await store.duties.markEpoch();
    await close();
  }
}
