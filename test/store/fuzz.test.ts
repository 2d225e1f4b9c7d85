import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OrderSnapshot, SnapshotLine } from '../../src/stock/order.ts';
import type { Store } from '../../src/store/store.ts';
import {
  actor,
  day,
  hour,
  type Kit,
  kitOn,
  lineOf,
  minute,
  noon,
  order,
  setupOf,
} from '../contract/store/kit.ts';
import { sqliteBench } from './bench.ts';

/** Anything in any order: no operation may fail, and after each of them the books close. */

const skus = ['tee', 'mug', 'cap'] as const;
const listings = ['tee', 'mug', 'kit', 'late', 'made'] as const;
const recipes: Record<string, number>[] = [
  { tee: 1 },
  { mug: 2 },
  { tee: 1, mug: 1 },
  { tee: 2, mug: 1, cap: 1 },
];

const sku = fc.constantFrom(...skus);
const units = fc.nat(6);
const past = fc.nat(40).map((n) => n * minute);
const line = fc.record({
  key: fc.nat(2),
  listing: fc.constantFrom(...listings, null),
  taken: fc.nat(4),
  gone: fc.nat(4),
  goneAgo: fc.option(past),
  takenAgo: fc.option(past),
});

type Op =
  | {
      kind: 'order';
      n: number;
      lines: Line[];
      complete: boolean;
      obtained: OrderSnapshot['obtained'];
      ago: number;
    }
  | { kind: 'count'; sku: string; units: number; basis: 'shelf' | 'free'; ago: number; presume: boolean }
  | { kind: 'receive' | 'adjust'; sku: string; units: number; ago: number }
  | { kind: 'hold'; sku: string; units: number; tied: number | null }
  | { kind: 'end'; hold: number; as: 'commit' | 'release' | 'expire' }
  | { kind: 'map'; listing: string; recipe: number }
  | { kind: 'fix'; listing: string; fixed: number | null }
  | { kind: 'resolve'; as: 'filled' | 'cancelled' | 'written-off' }
  | { kind: 'action'; as: 'done' | 'refused' | 'retry' }
  | { kind: 'policy'; oversell: 'alert' | 'hold' | 'cancel'; basis: 'net' | 'gross' };
type Line = typeof line extends fc.Arbitrary<infer T> ? T : never;

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('order' as const),
      n: fc.nat(5),
      lines: fc.uniqueArray(line, { maxLength: 3, selector: (each) => each.key }),
      complete: fc.boolean(),
      obtained: fc.constantFrom('delivered' as const, 'listed' as const, 'fetched' as const),
      ago: past,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('count' as const),
      sku,
      units,
      basis: fc.constantFrom('shelf' as const, 'free' as const),
      ago: past,
      presume: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('receive' as const, 'adjust' as const),
      sku,
      units: fc.integer({ min: -4, max: 6 }),
      ago: past,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      sku,
      units: fc.integer({ min: 1, max: 4 }),
      tied: fc.option(fc.nat(5)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      hold: fc.nat(9),
      as: fc.constantFrom('commit' as const, 'release' as const, 'expire' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('map' as const),
      listing: fc.constantFrom(...listings),
      recipe: fc.nat(3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fix' as const),
      listing: fc.constantFrom(...listings),
      fixed: fc.option(fc.nat(9)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('resolve' as const),
      as: fc.constantFrom('filled' as const, 'cancelled' as const, 'written-off' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('action' as const),
      as: fc.constantFrom('done' as const, 'refused' as const, 'retry' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('policy' as const),
      oversell: fc.constantFrom('alert' as const, 'hold' as const, 'cancel' as const),
      basis: fc.constantFrom('net' as const, 'gross' as const),
    }),
  },
);

interface World {
  kit: Kit;
  shop: number;
  holds: string[];
}

function snapshotOf(wish: Extract<Op, { kind: 'order' }>, now: number): OrderSnapshot {
  const lines = wish.lines.map((each): SnapshotLine => {
    const told = lineOf([
      `${wish.n % 3}-${each.key}`,
      each.listing,
      each.taken,
      Math.min(each.taken, each.gone),
    ]);
    return {
      ...told,
      goneAt: each.goneAgo === null ? null : now - each.goneAgo,
      takenAt: each.takenAgo === null ? null : now - each.takenAgo,
    };
  });
  const { complete, obtained, ago, n } = wish;
  return order(`${n}`, now - ago, lines, { complete, obtained, askedAt: now, answeredAt: now });
}

async function rowId(kit: Kit, listing: string): Promise<number> {
  const found = await kit.store.listings.find('shop', listing);
  if (found === null || found === 'ambiguous') throw new Error(`no listing ${listing}`);
  return found.id;
}

async function carryOut({ kit, shop, holds }: World, wish: Op): Promise<void> {
  const { store } = kit;
  const now = kit.now();
  switch (wish.kind) {
    case 'order':
      await kit.apply(shop, snapshotOf(wish, now));
      return;
    case 'count': {
      const presumeGoneMs: Record<number, number> = wish.presume ? { [shop]: 10 * minute } : {};
      const { sku, units: quantity, basis, ago } = wish;
      const change = { sku, kind: 'count' as const, quantity, basis, asOf: now - ago };
      const [done] = await store.stock.change(
        [{ ...change, create: true, ref: null, presumeGoneMs }],
        actor,
        now,
      );
      expect(done?.kind).toBe('done');
      return;
    }
    case 'receive':
      await kit.receive(wish.sku, Math.max(0, wish.units), { asOf: now - wish.ago });
      return;
    case 'adjust':
      await kit.adjust(wish.sku, wish.units);
      return;
    case 'hold': {
      const tie = wish.tied === null ? null : { channel: 'shop', orderRef: `${wish.tied}` };
      const outcome = await store.reservations.hold(
        {
          key: `k${now}`,
          bodyHash: 'h',
          lines: [{ sku: wish.sku, quantity: wish.units }],
          ttlMs: hour,
          reference: null,
          channel: tie?.channel ?? null,
          orderRef: tie?.orderRef ?? null,
        },
        now,
      );
      if (outcome.kind === 'held') holds.push(outcome.reservation.id);
      return;
    }
    case 'end': {
      if (wish.as === 'expire') return void (await store.reservations.expire(now));
      const id = holds[wish.hold % Math.max(1, holds.length)];
      if (id !== undefined) await store.reservations[wish.as](id, now);
      return;
    }
    case 'map':
      await kit.map(shop, wish.listing, recipes[wish.recipe] ?? {});
      return;
    case 'fix':
      await store.listings.set(await rowId(kit, wish.listing), { fixed: wish.fixed }, actor, now);
      return;
    case 'resolve': {
      const [open] = await store.reports.oversells({ status: 'open', limit: 1 });
      if (open !== undefined) await store.reports.resolveOversell(open.id, wish.as, actor, now);
      return;
    }
    case 'action': {
      const [due] = await store.outbox.actionsDue(shop, 1, now);
      if (due === undefined) return;
      const outcome = wish.as === 'done' ? { kind: wish.as, detail: '' } : { kind: wish.as, error: 'e' };
      await store.outbox.settleAction(
        due.id,
        outcome as Parameters<typeof store.outbox.settleAction>[1],
        now,
        now,
      );
      return;
    }
    case 'policy':
      await store.channels.configure([setupOf('shop', { oversell: wish.oversell, basis: wish.basis })], now);
  }
}

/** What a gross counter adds to its target is what its listing's lines still have open. */
async function openUnitsAgree({ kit, shop }: World): Promise<void> {
  const targets = async (basis: 'net' | 'gross') => {
    await kit.store.channels.configure([setupOf('shop', { basis })], kit.now());
    return kit.store.outbox.page(shop, 0, 99);
  };
  // As it was kept while the channel was gross, if it is now, and as summed up where it becomes gross.
  const gross = await targets('gross');
  const net = await targets('net');
  const again = await targets('gross');
  expect(again.map((view) => view.target)).toEqual(gross.map((view) => view.target));
  const lines = (await kit.store.orders.list({ limit: 999 })).flatMap((each) => each.lines);
  for (const [n, { target, counterKey }] of gross.entries()) {
    const without = net[n]?.target;
    if (target.kind !== 'number' || without?.kind !== 'number') continue;
    const own = lines.filter((each) => each.listingId === counterKey);
    const open = own.reduce((sum, each) => sum + each.taken - each.gone, 0);
    expect(target.quantity - without.quantity, `open units of ${counterKey}`).toBe(open);
  }
}

/** A fresh shop with mapped, unmapped and made-to-order listings, in which nothing has been sold. */
async function openShop(store: Store, basis: 'net' | 'gross'): Promise<World> {
  const kit = kitOn(store, noon);
  const shop = await kit.channel('shop', { basis });
  for (const [n, name] of listings.entries()) {
    if (name === 'late') await kit.discover(shop, name);
    else await kit.listing(shop, name, recipes[n % recipes.length]);
  }
  await store.listings.set(await rowId(kit, 'made'), { fixed: 9 }, actor, noon);
  await kit.count('tee', 5, { asOf: noon - day });
  return { kit, shop, holds: [] };
}

/** All levels and lines, without the names that chance gave them. */
async function booksOf({ store }: Kit): Promise<unknown> {
  const lines = (await store.orders.list({ limit: 999 })).flatMap((each) => each.lines);
  return {
    levels: await store.stock.list({ limit: 99 }),
    lines: lines.map(({ sku, taken, given, gone, shortfall }) => ({ sku, taken, given, gone, shortfall })),
  };
}

describe('any sequence of orders, counts, receipts, holds, mappings and decisions', () => {
  test('fails nowhere and leaves books that close after every step', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 40, size: 'max' }), async (ops) => {
        const bench = await sqliteBench('caller', 'NORMAL');
        const store = await bench.open();
        try {
          const world = await openShop(store, ops.length % 2 === 0 ? 'gross' : 'net');
          const { kit } = world;
          for (const [n, wish] of ops.entries()) {
            kit.moveTo(noon + (n + 1) * 7 * minute);
            await carryOut(world, wish);
            await kit.booksClose();
          }
          // A presumed shipment is ours alone: the channel still counts the line as open.
          const presumed = ops.some((wish) => wish.kind === 'count' && wish.presume);
          if (!presumed) await openUnitsAgree(world);
        } finally {
          await store.close();
          await bench.remove();
        }
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 80) },
    );
  });

  test('means the same to a count that looks at what is in doubt and to one that looks at every line', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 5, maxLength: 40, size: 'max' }), async (ops) => {
        const benches = [
          await sqliteBench('caller', 'NORMAL'),
          await sqliteBench('caller', 'NORMAL'),
        ] as const;
        const stores = [await benches[0].open(), await benches[1].open()] as const;
        const raw = new Database(join(benches[1].dataDir, 'invsync.db'));
        try {
          const worlds = [await openShop(stores[0], 'net'), await openShop(stores[1], 'net')] as const;
          for (const [n, wish] of ops.entries()) {
            raw.exec('update level set settled_line = null, settled_at = null');
            for (const world of worlds) {
              world.kit.moveTo(noon + (n + 1) * 7 * minute);
              await carryOut(world, wish);
            }
            expect(await booksOf(worlds[0].kit)).toEqual(await booksOf(worlds[1].kit));
          }
        } finally {
          raw.close();
          for (const store of stores) await store.close();
          for (const bench of benches) await bench.remove();
        }
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 25) },
    );
  });
});
