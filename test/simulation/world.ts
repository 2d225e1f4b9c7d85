import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PushOutcome } from '../../src/channels/channel.ts';
import {
  dropMemoryPlatform,
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/channels/memory/platform.ts';
import type { MemoryHook, MemoryLine, MemoryOrder, MemoryWrite } from '../../src/channels/memory/state.ts';
import { AppError } from '../../src/errors.ts';
import { createRandom, type Random } from '../../src/sandbox/kit/random.ts';
import type { SavedPlan } from '../../src/sync/plan.ts';
import { turn, type VirtualClock, virtualClock } from './clock.ts';
import type { Life } from './life.ts';
import { boot, type Process } from './process.ts';
import { type ChannelPlan, drawScenario, type Piece, type Scenario } from './scenario.ts';

/** A count that a person has made and not yet typed in. */
export interface HeldCount {
  sku: string;
  quantity: number;
  basis: 'shelf' | 'free';
  asOf: number;
}

/** A push as the engine decided it, by its key. */
export interface SentNote {
  channel: string;
  counterKey: string;
  version: number;
  quantity: number;
  base: number | null;
  at: number;
  life: Life;
  /** What the process heard of it; null: nothing. */
  answer: PushOutcome['kind'] | null;
}

/**
 * How a seed's story is told. `first`: the steps of the first version, so that a seed that failed once stays the same
 * story; `all`: upkeep and proofs too. `busy`: share of writes that another process keeps waiting for too long.
 */
export interface Telling {
  steps: 'first' | 'all';
  busy: number;
}

/** Everything outside the process: platforms, mail, shelves, and what is true. */
export interface World {
  seed: number;
  random: Random;
  clock: VirtualClock;
  scenario: Scenario;
  process: Process;
  dataDir: string;
  trace: string[];
  failures: string[];
  /** Pieces on the shelf. */
  shelf: Map<string, number>;
  /** What each listing physically is, per `channel/listing`. */
  pieces: Map<string, Piece[]>;
  /** What each sold line physically is, fixed when it was sold. */
  sold: Map<string, Piece[]>;
  /** Units of reservations that became sales of our own. */
  ownSales: Map<string, number>;
  /** Every delivery that reached the process and was answered 2xx. */
  heard: { channel: string; hook: MemoryHook }[];
  /** Mail that is under way; weather decides whether it arrives. */
  calm: boolean;
  counts: HeldCount[];
  holds: { id: string; expiresAt: number }[];
  sent: Map<string, SentNote>;
  /** What the process has booked of each line, per `channel id/line key`. */
  known: Map<string, { taken: number; gone: number }>;
  /** When a channel last became live. */
  liveSince: Map<string, number>;
  /** Channels that are not live: their orders need not be known. */
  quiet: Set<string>;
  counters: Map<number, { channel: string; counterKey: string }>;
  counterOf(counterId: number): { channel: string; counterKey: string };
  /** Hand edits by `channel/counter`, and when. */
  edited: Map<string, number>;
  background: Set<Promise<unknown>>;
  platform(name: string): MemoryPlatform;
  plan(name: string): ChannelPlan;
  say(text: string): void;
  fail(text: string): void;
  /** Runs a duty to its end, moving the clock when it waits; false when the process died meanwhile. */
  drive(work: Promise<unknown>): Promise<boolean>;
  /** Lets a duty run beside what happens next. */
  leave(work: Promise<unknown>): void;
  hex(bytes: number): string;
  /** Dry runs whose plans nobody has applied yet. */
  plans: SavedPlan[];
  /** Everything is taken in before a count: the store is not busy. */
  catching: boolean;
  /** Keys were pruned that the retention of a real configuration would have kept. */
  pruned: boolean;
  /** Share of writes that find the store busy, and the chance that says which. */
  busy: number;
  locked: Random;
  telling: Telling['steps'];
  reboot(downMs: number): Promise<void>;
  close(): Promise<void>;
}

/** One world at a time in this process; names must not depend on how many came before. */
const registered = (name: string) => `sim-${name}`;

function isBusy(error: unknown): boolean {
  return error instanceof AppError && error.code === 'store_busy';
}

/** A duty that has not ended after so many wakings never does. */
const mostTurns = 20_000;

/** Builds the world of a seed and starts the first process in it. */
export async function makeWorld(seed: number, { busy, steps }: Telling): Promise<World> {
  const random = createRandom(seed);
  const clock = virtualClock();
  const scenario = drawScenario(random.fork('scenario'));
  const chance = random.fork('hex');
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const dataDir = mkdtempSync(join(parent, 'invsync-sim-'));
  const platforms = new Map<string, MemoryPlatform>();
  for (const plan of scenario.channels) {
    platforms.set(plan.name, memoryPlatform(registered(plan.name), { ...plan.platform, clock }));
  }
  const platform = (name: string): MemoryPlatform => {
    const found = platforms.get(name);
    if (found === undefined) throw new Error(`no platform ${name}`);
    return found;
  };
  const world: World = {
    seed,
    random: random.fork('steps'),
    clock,
    scenario,
    process: undefined as unknown as Process,
    dataDir,
    trace: [],
    failures: [],
    shelf: new Map(scenario.skus.map(({ code, start }) => [code, start])),
    pieces: new Map(),
    sold: new Map(),
    ownSales: new Map(),
    heard: [],
    plans: [],
    catching: false,
    pruned: false,
    busy,
    locked: random.fork('locked'),
    telling: steps,
    calm: true,
    counts: [],
    holds: [],
    sent: new Map(),
    known: new Map(),
    liveSince: new Map(),
    quiet: new Set(),
    counters: new Map(),
    counterOf: (counterId) =>
      world.counters.get(counterId) ?? { channel: '?', counterKey: String(counterId) },
    edited: new Map(),
    background: new Set(),
    platform,
    plan(name) {
      const found = scenario.channels.find((each) => each.name === name);
      if (found === undefined) throw new Error(`no channel ${name}`);
      return found;
    },
    say: (text) => void world.trace.push(`${new Date(clock.now()).toISOString().slice(11, 23)} ${text}`),
    fail(text) {
      world.say(`VIOLATION ${text}`);
      world.failures.push(text);
    },
    async drive(work) {
      let ended = false;
      const { life } = world.process;
      const done = () => {
        ended = true;
      };
      work.then(done, (error: unknown) => {
        // The duty's loop rests and begins anew.
        if (isBusy(error)) return done();
        world.fail(`a duty threw: ${error instanceof Error ? error.stack : String(error)}`);
        done();
      });
      for (let turns = 0; turns < mostTurns; turns += 1) {
        await turn();
        if (ended || life.dead) return !life.dead;
        if (!(await clock.wakeNext())) throw new Error('a duty waits for nothing');
      }
      throw new Error('a duty never ends');
    },
    leave(work) {
      world.background.add(work);
      const { life } = world.process;
      work
        .catch((error: unknown) => {
          if (!life.dead && !isBusy(error))
            world.fail(`a duty threw: ${error instanceof Error ? error.stack : String(error)}`);
        })
        .finally(() => world.background.delete(work));
    },
    hex: (bytes) => chance.hex(bytes * 2),
    async reboot(downMs) {
      world.background.clear();
      await world.process.end();
      await clock.advance(downMs);
      world.say('a new process starts');
      world.process = await boot(world, registered);
    },
    async close() {
      await world.process.end();
      for (const plan of scenario.channels) dropMemoryPlatform(registered(plan.name));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  for (const plan of scenario.channels) putUp(world, plan);
  world.process = await boot(world, registered);
  return world;
}

function putUp(world: World, plan: ChannelPlan): void {
  const platform = world.platform(plan.name);
  for (const listing of plan.listings) {
    const [piece] = listing.pieces;
    const start = world.scenario.skus.find((each) => each.code === piece?.sku)?.start ?? 0;
    world.pieces.set(`${plan.name}/${listing.listingId}`, listing.pieces);
    const { shown } = platform.state.counters.get(listing.counterKey) ?? {};
    platform.list({
      listingId: listing.listingId,
      counterKey: listing.counterKey,
      sku: listing.mapped ? (piece?.sku ?? null) : `${plan.name}:${listing.listingId}`,
      unwritable: listing.unwritable,
      shown: shown ?? Math.max(0, start + world.random.int(-2, 2)),
    });
  }
  const { writes } = platform.state;
  const push = writes.push.bind(writes);
  writes.push = (...added: MemoryWrite[]) => {
    for (const write of added) noteWrite(world, plan.name, write);
    return push(...added);
  };
}

function noteWrite(world: World, channel: string, write: MemoryWrite): void {
  const { counterKey, from, to, applied, key } = write;
  const what = key === 'hand' ? 'a person writes' : key === 'late' ? 'a late write' : 'a push writes';
  world.say(`${channel} ${counterKey}: ${what} ${from} -> ${to}${applied ? '' : ' (refused)'}`);
  if (key === 'hand') {
    world.edited.set(`${channel}/${counterKey}`, world.clock.now());
    return;
  }
  world.edited.delete(`${channel}/${counterKey}`);
  if (key === 'late' || !applied) return;
  const note = world.sent.get(key);
  if (note === undefined) {
    world.fail(`${channel} ${counterKey} was written with a key that nobody stored`);
    return;
  }
  // A dead process's request was on the wire: nobody can call it back, and the next read must find it.
  if (note.life.dead) return;
  for (const other of platformWrites(world, channel, counterKey)) {
    if (other.version > note.version)
      world.fail(`${channel} ${counterKey}: version ${note.version} lands over ${other.version}`);
  }
}

function platformWrites(world: World, channel: string, counterKey: string): SentNote[] {
  return world
    .platform(channel)
    .writes()
    .filter((write) => write.counterKey === counterKey)
    .flatMap((write) => world.sent.get(write.key) ?? []);
}

/** What a platform's line physically is; fixed the first time anybody asks, which is when it was sold. */
export function piecesOf(world: World, channel: string, line: MemoryLine): Piece[] {
  const key = `${channel}/${line.key}`;
  const known = world.sold.get(key);
  if (known !== undefined) return known;
  const pieces = world.pieces.get(`${channel}/${line.listing}`) ?? [];
  world.sold.set(key, pieces);
  return pieces;
}

/** Pieces of a SKU that orders everywhere still wait for, by the platforms' own books. */
export function openUnits(world: World, sku: string): number {
  let open = world.ownSales.get(sku) ?? 0;
  for (const [channel, line] of allLines(world)) {
    const units = piecesOf(world, channel, line).find((piece) => piece.sku === sku)?.units ?? 0;
    open += units * (line.taken - line.gone);
  }
  return open;
}

/** Every line of every platform. */
export function* allLines(world: World): Generator<[string, MemoryLine, MemoryOrder]> {
  for (const { name } of world.scenario.channels) {
    for (const order of world.platform(name).orders())
      for (const line of order.lines) yield [name, line, order];
  }
}

/** SHA-256 of everything that happened. */
export function traceHash(world: World): string {
  return createHash('sha256').update(world.trace.join('\n')).digest('hex');
}
