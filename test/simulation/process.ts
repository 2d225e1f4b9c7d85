import { memory } from '../../src/channels/memory/index.ts';
import { silentLog } from '../../src/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import {
  type ApplyOutcome,
  type ApplyRequest,
  alertLevels,
  type ChannelSetup,
  type PushPlan,
  type Store,
} from '../../src/store/store.ts';
import { type Actions, createActions } from '../../src/sync/duties/actions.ts';
import { createWakes, type Engine, type LiveChannel } from '../../src/sync/engine.ts';
import { createIngest, type Ingest } from '../../src/sync/inbound/ingest.ts';
import { createPoll, type Poll } from '../../src/sync/inbound/poll.ts';
import { createReceiver, type Receiver } from '../../src/sync/inbound/receive.ts';
import { createPusher, type Pusher } from '../../src/sync/outbound/push.ts';
import { createProofs, type Proofs } from '../../src/sync/reconcile/proof.ts';
import { type Life, mortalChannel, mortalClock, mortalStore, type Witness } from './life.ts';
import { judgeRaise } from './raises.ts';
import type { ChannelPlan } from './scenario.ts';
import type { World } from './world.ts';

/** One life of invsync on the world's file: its store, its duties, and what it has applied. */
export interface Process {
  life: Life;
  /** The store past the process: for people at the command line and for the checks. */
  store: Store;
  engine: Engine;
  receiver: Receiver;
  ingest: Ingest;
  pusher: Pusher;
  poll: Poll;
  actions: Actions;
  live(name: string): LiveChannel;
  end(): Promise<void>;
}

const secret = 'a shared secret';
const timeoutMs = 10_000;

/** Opens the file and builds the engine, as the daemon does at its start. Starts no timer. */
export async function boot(world: World, registered: (name: string) => string): Promise<Process> {
  const store = await openSqliteStore({
    dataDir: world.dataDir,
    writer: 'caller',
    synchronous: 'NORMAL',
    randomHex: world.hex,
  });
  const life: Life = { dead: false, operations: 0, crashAt: null };
  const mortal = mortalStore(store, life, witnessOf(world, life), (name) => {
    const busy = !world.calm && !world.catching && world.locked.chance(world.busy);
    if (busy) world.say(`the store is busy at ${name}`);
    return busy;
  });
  const clock = mortalClock(world.clock, life);
  const setups = world.scenario.channels.map(setupOf);
  const rows = await store.channels.configure(setups, world.clock.now());
  const channels = new Map<number, LiveChannel>();
  for (const plan of world.scenario.channels) {
    const id = rows.find((row) => row.name === plan.name)?.id ?? 0;
    const inner = memory.create(
      { platform: registered(plan.name), secret },
      {
        name: plan.name,
        clock: world.clock,
        log: silentLog,
        randomHex: world.hex,
        publicUrl: null,
        baseUrl: null,
        timeoutMs,
        vault: { get: async () => null, set: async () => undefined },
      },
    );
    const channel = mortalChannel(inner, life, {
      clock: world.clock,
      random: world.random.fork(`wire ${plan.name} ${world.clock.now()}`),
      longestMs: plan.longestMs,
      timeoutMs,
      sending: (lines) =>
        world.say(
          `${plan.name} is sent ${lines.map((line) => `${line.counterKey}=${line.quantity} from ${line.base}`).join(' ')}`,
        ),
      answered: (lines, outcomes) => {
        world.say(`${plan.name} answers ${outcomes.map((outcome) => outcome.kind).join(' ')}`);
        for (const [index, line] of lines.entries()) {
          const note = world.sent.get(line.key);
          if (note !== undefined) note.answer = outcomes[index]?.kind ?? null;
        }
      },
    });
    channels.set(id, {
      id,
      name: plan.name,
      type: 'memory',
      channel,
      capabilities: inner.capabilities,
      setup: setupOf(plan),
      webhooks: plan.webhooks,
      pollMs: 60_000,
      raiseAfterMs: 2 * 3_600_000,
      timeoutMs,
    });
  }
  const engine: Engine = {
    store: mortal,
    clock,
    log: silentLog,
    channels,
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
    randomHex: world.hex,
  };
  await store.outbox.recover(world.clock.now());
  for (const id of channels.keys()) await store.channels.markFeed(id, { gapAt: world.clock.now() });
  const pusher = createPusher(engine, { onLow: (...low) => proofs.expectLow(...low) });
  const proofs: Proofs = createProofs(engine, { pusher });
  if (world.telling === 'all') proofs.start();
  return {
    life,
    store,
    engine,
    receiver: createReceiver(engine),
    ingest: createIngest(engine),
    pusher: world.telling === 'all' ? pusher : createPusher(engine),
    poll: createPoll(engine),
    actions: createActions(engine),
    live(name) {
      const found = [...channels.values()].find((each) => each.name === name);
      if (found === undefined) throw new Error(`no channel ${name}`);
      return found;
    },
    async end() {
      life.dead = true;
      await store.close();
    },
  };
}

export function setupOf(plan: ChannelPlan): ChannelSetup {
  const { capabilities } = plan.platform;
  return {
    name: plan.name,
    type: 'memory',
    mode: 'live',
    offer: { buffer: plan.buffer, percent: null, max: null },
    oversell: plan.oversell,
    basis: capabilities.basis ?? 'net',
    maxQuantity: 1_000_000,
    clockMarginMs: capabilities.clockMarginMs ?? 0,
    presumeGoneMs: null,
  };
}

function witnessOf(world: World, life: Life): Witness {
  return {
    committed(name, args, result) {
      if (name === 'orders.apply')
        noteApplied(world, args[0] as ApplyRequest[], result as (ApplyOutcome | { failed: string })[]);
      if (name === 'outbox.begin') noteBegun(world, life, args[0] as PushPlan[], result as number[]);
    },
    died(name, side, args, result) {
      world.say(`the process dies ${side} ${name}`);
      if (name === 'outbox.begin' && side === 'after')
        letRequestsOut(world, args[0] as PushPlan[], result as number[]);
    },
  };
}

function noteApplied(
  world: World,
  requests: ApplyRequest[],
  outcomes: (ApplyOutcome | { failed: string })[],
): void {
  for (const [index, request] of requests.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined || 'failed' in outcome) {
      world.fail(`orders were not applied: ${outcome?.failed}`);
      continue;
    }
    for (const [at, applied] of outcome.orders.entries()) {
      const snapshot = request.orders[at];
      if (snapshot === undefined) continue;
      world.say(
        `order ${request.channelId}/${applied.orderId} v${snapshot.version} ${snapshot.obtained}: ${applied.verdict} +${applied.takenUp} -${applied.takenDown} given ${applied.given} short ${applied.short}`,
      );
      if (applied.verdict !== 'applied' && applied.verdict !== 'same') continue;
      for (const line of snapshot.lines)
        world.known.set(`${request.channelId}/${line.lineKey}`, { taken: line.taken, gone: line.gone });
    }
  }
}

function noteBegun(world: World, life: Life, plans: PushPlan[], holding: number[]): void {
  for (const plan of plans) {
    if (plan.kind !== 'send' || !holding.includes(plan.counterId)) continue;
    const where = world.counterOf(plan.counterId);
    const { version, quantity, base } = plan;
    world.sent.set(plan.key, { ...where, version, quantity, base, at: plan.sentAt, life, answer: null });
    judgeRaise(world, plan);
  }
}

/** The process died with its requests already on the wire: some of them land within their deadline. */
function letRequestsOut(world: World, plans: PushPlan[], holding: number[]): void {
  for (const plan of plans) {
    if (plan.kind !== 'send' || !holding.includes(plan.counterId) || world.random.chance(0.4)) continue;
    const { channel, counterKey } = world.counterOf(plan.counterId);
    const counter = world.platform(channel).state.counters.get(counterKey);
    const at = world.clock.now() + world.random.int(0, plan.deadline - plan.sentAt);
    counter?.late.push({ at, quantity: plan.quantity, base: plan.base });
  }
}
