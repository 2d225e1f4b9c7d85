import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import Database from 'better-sqlite3';
import { z } from 'zod';
import type { Json } from '../channels/channel.ts';
import { systemClock } from '../clock.ts';
import type { Store } from '../store/store.ts';
import type { LiveChannel } from '../sync/engine.ts';
import { createIngest } from '../sync/inbound/ingest.ts';
import { rowOf } from '../sync/inbound/receive.ts';
import { chunksOf, deliveryKey, openEngine, orderBody, skuCount, stockUp } from './fixture.ts';
import type { Verbs } from './role.ts';

const sliceArgs = z.object({ count: z.int() });
const openArgs = z.object({ dir: z.string(), first: z.int(), warmUp: z.int() });

/** Works so many orders off; answers how many seconds that took. */
type Slice = (first: number, count: number) => Promise<number>;

let slice: Slice | null = null;
let next = 0;

/** The two sides of `process_vs_raw`, and what they start from. */
export const processVerbs: Verbs = {
  /** A database with every SKU counted, listed and (so many times) sold; answers whether its books close. */
  stock: async (args) => {
    const { dir, sold } = z.object({ dir: z.string(), sold: z.int() }).parse(args);
    const { store, engine, live, close } = await openEngine(dir, 'own');
    await stockUp(store, live.id);
    const ingest = createIngest(engine);
    await accept(store, live, { first: 0, count: sold * skuCount });
    await ingest.runUntilIdle();
    await ingest.stop();
    await close();
    return null;
  },
  /** Answers how many SKUs' books do not close; none may. */
  audit: async (args) => {
    const { dir } = z.object({ dir: z.string() }).parse(args);
    const { store, close } = await openEngine(dir, 'caller');
    const { open, entries } = await store.reports.audit();
    await close();
    return { open: open.length, entries };
  },
  /** Opens the real store, writer thread and ingest duty on these books. */
  'open ours': (args) => open(args, ours),
  /** Opens the loop that does no more than it must. */
  'open raw': (args) => open(args, raw),
  /** Orders per second, from accepted to applied. */
  slice: async (args) => {
    const { count } = sliceArgs.parse(args);
    if (slice === null) throw new Error('open a side first');
    const seconds = await slice(next, count);
    next += count;
    return count / seconds;
  },
};

async function open(args: Json, make: (dir: string) => Promise<Slice>): Promise<null> {
  const { dir, first, warmUp } = openArgs.parse(args);
  slice = await make(dir);
  await slice(first, warmUp);
  next = first + warmUp;
  return null;
}

/** Accepting is not what is measured; every delivery of a slice must be applied within it. */
async function ours(dir: string): Promise<Slice> {
  const { store, engine, live } = await openEngine(dir, 'own');
  const ingest = createIngest(engine);
  return async (first, count) => {
    await accept(store, live, { first, count });
    const began = performance.now();
    await ingest.runUntilIdle();
    const seconds = (performance.now() - began) / 1_000;
    const listed = await store.inbox.list({ status: 'applied', limit: count });
    const done = listed.filter((row) => row.attempts === 0).length;
    const { inbox } = await store.reports.status(systemClock.now());
    if (inbox.pending > 0 || inbox.dead > 0 || done < count)
      throw new Error(`${done} of ${count} deliveries were applied`);
    return seconds;
  };
}

async function raw(dir: string): Promise<Slice> {
  const db = rawDatabase(join(dir, 'raw.db'));
  return async (first, count) => {
    const began = performance.now();
    rawLoop(db, first, count);
    return (performance.now() - began) / 1_000;
  };
}

async function accept(
  store: Store,
  live: LiveChannel,
  { first, count }: { first: number; count: number },
): Promise<void> {
  const placedAt = systemClock.now();
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  for (const some of chunksOf(numbers, 500)) {
    const rows = some.map((n) => {
      const delivery = { key: deliveryKey(n), kind: 'order', meta: null, body: orderBody(n, placedAt) };
      return rowOf(live, delivery, placedAt);
    });
    await store.inbox.takeIn(rows);
  }
}

/** A unique (channel, key, body) row in a rowid table and one conditional update, 100 to a commit. */
function rawDatabase(path: string): Database.Database {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('wal_autocheckpoint = 4000');
  db.exec(`
    create table event (id integer primary key, channel integer not null, key text not null, body blob not null, unique (channel, key)) strict;
    create table stock (sku integer primary key, available integer not null) strict, without rowid;
  `);
  const add = db.prepare('insert into stock values (?, 1000000)');
  db.transaction(() => {
    for (let sku = 0; sku < skuCount; sku += 1) add.run(sku);
  })();
  return db;
}

function rawLoop(db: Database.Database, first: number, count: number): void {
  const insert = db.prepare('insert into event (channel, key, body) values (1, ?, ?) on conflict do nothing');
  const take = db.prepare('update stock set available = available - 1 where sku = ? and available >= 1');
  const body = Buffer.alloc(1_536, 'x');
  const commit = db.transaction((from: number, to: number) => {
    for (let n = from; n < to; n += 1) {
      if (insert.run(deliveryKey(n), body).changes === 1) take.run((n * 7_919) % skuCount);
    }
  });
  for (let from = first; from < first + count; from += 100)
    commit.immediate(from, Math.min(from + 100, first + count));
}
