import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OrderSnapshot } from '../../src/stock/order.ts';
import { actor, type Kit, kitOn, lineOf, minute, noon, order } from '../contract/store/kit.ts';
import { sqliteBench } from './bench.ts';

/** Properties of the whole store. fast-check prints seed and path; `fc.assert(…, { seed, path })` repeats a failure. */

/** A fresh store per run; runs are bounded so that all of this file takes seconds. */
async function inWorld(run: (kit: Kit, shop: number) => Promise<void>): Promise<void> {
  const bench = await sqliteBench('caller', 'NORMAL');
  const store = await bench.open();
  try {
    const kit = kitOn(store);
    await run(kit, await kit.channel('shop'));
  } finally {
    await store.close();
    await bench.remove();
  }
}

const runs = (numRuns: number) => ({ numRuns, endOnFailure: false });
const skus = ['tee', 'mug'] as const;
const basis = fc.constantFrom<'shelf' | 'free'>('shelf', 'free');

interface Wish {
  orderId: string;
  /** Per state: units of each line (one line per SKU). */
  states: (readonly [number, number])[];
}

const wishes = (maxUnits: number): fc.Arbitrary<Wish[]> =>
  fc
    .array(fc.array(fc.tuple(fc.nat(maxUnits), fc.nat(maxUnits)), { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((all) => all.map((states, n) => ({ orderId: `${n}`, states })));

/** Snapshots of one wish in the order in which they came about; the last may be shipped. */
function snapshotsOf({ orderId, states }: Wish, shipped = false): OrderSnapshot[] {
  const placedAt = noon + (Number(orderId) + 1) * minute;
  return states.map((units, n) => {
    const lines = skus.map((sku, index) => {
      const taken = units[index] ?? 0;
      return lineOf([`${orderId}-${sku}`, sku, taken, shipped && n === states.length - 1 ? taken : 0]);
    });
    return order(orderId, placedAt + n * 1_000, lines, { placedAt });
  });
}

async function prepare(kit: Kit, shop: number, units: number, how: 'shelf' | 'free'): Promise<void> {
  for (const sku of skus) {
    await kit.listing(shop, sku);
    await kit.count(sku, units, { basis: how, asOf: noon });
  }
  kit.moveTo(noon + 60 * minute);
}

async function shown(kit: Kit): Promise<unknown> {
  const levels = [];
  for (const sku of skus) {
    const { onHand, committed, reserved } = await kit.level(sku);
    levels.push({ sku, onHand, committed, reserved });
  }
  const short = Object.entries(await kit.shortfalls());
  const sums = skus.map((sku) =>
    short.filter(([key]) => key.endsWith(sku)).reduce((sum, [, units]) => sum + units, 0),
  );
  return { levels, sums };
}

describe('deliveries', () => {
  test('in any order, repeated or not, end in the same levels and the same sum of shortfalls', async () => {
    await fc.assert(
      fc.asyncProperty(
        wishes(3),
        fc.nat(6),
        basis,
        fc.infiniteStream(fc.nat(1_000)),
        fc.boolean(),
        async (all, units, how, chance, repeated) => {
          const snapshots = all.flatMap((wish) => snapshotsOf(wish));
          const keyed = snapshots.map((snapshot) => ({ snapshot, key: chance.next().value ?? 0 }));
          const shuffled = keyed.sort((a, b) => a.key - b.key).map((each) => each.snapshot);
          const ends: unknown[] = [];
          for (const sequence of [snapshots, repeated ? [...shuffled, ...snapshots] : shuffled]) {
            await inWorld(async (kit, shop) => {
              await prepare(kit, shop, units, how);
              for (const snapshot of sequence) await kit.apply(shop, snapshot);
              await kit.booksClose();
              ends.push(await shown(kit));
            });
          }
          expect(ends[1]).toEqual(ends[0]);
        },
      ),
      runs(60),
    );
  });

  test('shipped where there is enough, in any order, end in the same levels', async () => {
    await fc.assert(
      fc.asyncProperty(wishes(3), basis, fc.infiniteStream(fc.nat(1_000)), async (all, how, chance) => {
        const snapshots = all.flatMap((wish) => snapshotsOf(wish, true));
        const keyed = snapshots.map((snapshot) => ({ snapshot, key: chance.next().value ?? 0 }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map((each) => each.snapshot);
        const ends: unknown[] = [];
        for (const sequence of [snapshots, shuffled]) {
          await inWorld(async (kit, shop) => {
            await prepare(kit, shop, 40, how);
            for (const snapshot of sequence) await kit.apply(shop, snapshot);
            await kit.booksClose();
            ends.push(await shown(kit));
          });
        }
        expect(ends[1]).toEqual(ends[0]);
      }),
      runs(30),
    );
  });

  test('a second time change nothing, not even the ledger', async () => {
    await fc.assert(
      fc.asyncProperty(wishes(3), fc.nat(6), basis, async (all, units, how) => {
        await inWorld(async (kit, shop) => {
          await prepare(kit, shop, units, how);
          const snapshots = all.flatMap((wish) => snapshotsOf(wish, true));
          const booked = async () => (await kit.store.reports.audit()).entries;
          for (const snapshot of snapshots) await kit.apply(shop, snapshot);
          const once = { end: await shown(kit), entries: await booked() };
          for (const snapshot of snapshots) await kit.apply(shop, snapshot);
          expect({ end: await shown(kit), entries: await booked() }).toEqual(once);
        });
      }),
      runs(40),
    );
  });

  test('give no more than was there, and put the rest on the docket', async () => {
    await fc.assert(
      fc.asyncProperty(wishes(4), fc.nat(6), basis, async (all, units, how) => {
        await inWorld(async (kit, shop) => {
          await prepare(kit, shop, units, how);
          for (const wish of all) for (const snapshot of snapshotsOf(wish)) await kit.apply(shop, snapshot);
          for (const [index, sku] of skus.entries()) {
            const wanted = all.reduce((sum, wish) => sum + (wish.states.at(-1)?.[index] ?? 0), 0);
            const { committed } = await kit.level(sku);
            expect(committed).toBe(Math.min(units, wanted));
          }
          await kit.booksClose();
        });
      }),
      runs(40),
    );
  });

  test('of an order that is cancelled leave no trace', async () => {
    await fc.assert(
      fc.asyncProperty(wishes(3), fc.nat(6), basis, fc.nat(20), async (all, units, how, place) => {
        const others = all.flatMap((wish) => snapshotsOf(wish));
        const [made, edited] = snapshotsOf({
          orderId: '9',
          states: [
            [2, 1],
            [3, 0],
          ],
        });
        const cancelled = order('9', noon + 30 * minute, [], { cancelled: true });
        const ends: unknown[] = [];
        for (const guests of [[], [made, edited, cancelled]]) {
          await inWorld(async (kit, shop) => {
            await prepare(kit, shop, units, how);
            const sequence: (OrderSnapshot | undefined)[] = [...others];
            guests.forEach((guest, n) => {
              sequence.splice(Math.min(sequence.length, (place + 3 * n) % (sequence.length + 1)), 0, guest);
            });
            for (const snapshot of sequence) if (snapshot !== undefined) await kit.apply(shop, snapshot);
            await kit.booksClose();
            ends.push(await shown(kit));
          });
        }
        expect(ends[1]).toEqual(ends[0]);
      }),
      runs(40),
    );
  });
});

/** One change of a line at a known time. */
interface Change {
  at: number;
  taken: number;
  gone: number;
}

const changes = fc
  .array(fc.record({ gap: fc.integer({ min: 1, max: 20 }), taken: fc.nat(3), gone: fc.nat(3) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((states): Change[] => {
    let at = noon;
    return states.map(({ gap, taken, gone }) => {
      at += gap * minute;
      return { at, taken, gone: Math.min(taken, gone) };
    });
  });

interface Learning {
  lives: Change[][];
  asOf: number;
  /** Where among the deliveries the count is typed and the listing mapped; beyond the end: after all. */
  countAt: number;
  mapAt: number;
  countedBefore: boolean;
  order: number[];
}

const learning: fc.Arbitrary<Learning> = fc.record({
  lives: fc.array(changes, { minLength: 1, maxLength: 4 }),
  asOf: fc.nat(90).map((minutes) => noon + minutes * minute + 30_000),
  countAt: fc.nat(16),
  mapAt: fc.nat(16),
  countedBefore: fc.boolean(),
  order: fc.array(fc.nat(3), { minLength: 16, maxLength: 16 }),
});

function stateBefore(life: Change[], time: number): Change {
  return life.findLast((change) => change.at < time) ?? { at: 0, taken: 0, gone: 0 };
}

/** Each line's states come in their order; lines come in any; the count and the mapping come anywhere between. */
async function learn(kit: Kit, shop: number, wanted: Learning, how: 'shelf' | 'free', quantity: number) {
  kit.moveTo(noon + 300 * minute);
  await kit.discover(shop, 'p1');
  if (wanted.countedBefore) await kit.count('tee', 500, { asOf: noon - minute });
  else await kit.store.listings.createSku('tee', actor, noon);
  const left = wanted.lives.map((life) => [...life]);
  const count = () => kit.count('tee', quantity, { basis: how, asOf: wanted.asOf });
  let step = 0;
  const between = async () => {
    if (step === wanted.mapAt) await kit.map(shop, 'p1', { tee: 1 });
    if (step === wanted.countAt) await count();
    step += 1;
  };
  for (const pick of [...wanted.order, 0, 1, 2, 3]) {
    for (let n = 0; n < left.length; n += 1) {
      const index = (pick + n) % left.length;
      const change = left[index]?.shift();
      if (change === undefined) continue;
      await between();
      const line = { ...lineOf([`l${index}`, 'p1', change.taken, change.gone]), goneAt: change.at };
      const placedAt = wanted.lives[index]?.[0]?.at ?? noon;
      await kit.apply(shop, order(`${index}`, change.at, [line], { placedAt }));
      break;
    }
  }
  while (step <= 16) await between();
}

describe('a count', () => {
  test('means the same whenever lines, count and mapping are learned, where there is enough', async () => {
    await fc.assert(
      fc.asyncProperty(learning, basis, async (wanted, how) => {
        await inWorld(async (kit, shop) => {
          await learn(kit, shop, wanted, how, 100);
          const sum = (value: (now: Change, then: Change) => number) =>
            wanted.lives.reduce(
              (total, life) => total + value(stateBefore(life, Infinity), stateBefore(life, wanted.asOf)),
              0,
            );
          const committed = sum((now) => now.taken - now.gone);
          const onHand =
            how === 'shelf'
              ? 100 - sum((now, then) => now.gone - then.gone)
              : 100 - sum((now, then) => now.taken - then.taken) + committed;
          expect(await kit.level('tee')).toMatchObject({ onHand, committed, available: onHand - committed });
          await kit.booksClose();
        });
      }),
      runs(40),
    );
  });

  test('means the same whenever it is learned, where there is too little of what nobody shipped', async () => {
    await fc.assert(
      fc.asyncProperty(learning, basis, fc.nat(5), async (wanted, how, quantity) => {
        const lives = wanted.lives.map((life) => life.map((change) => ({ ...change, gone: 0 })));
        await inWorld(async (kit, shop) => {
          await learn(kit, shop, { ...wanted, lives }, how, quantity);
          const open = lives.reduce((sum, life) => sum + stateBefore(life, Infinity).taken, 0);
          const known = lives.reduce((sum, life) => sum + stateBefore(life, wanted.asOf).taken, 0);
          const left = quantity - (how === 'shelf' ? open : open - known);
          const short = Object.values(await kit.shortfalls()).reduce((sum, units) => sum + units, 0);
          expect({ free: await kit.available('tee'), short }).toEqual({
            free: Math.max(0, left),
            short: Math.max(0, -left),
          });
          await kit.booksClose();
        });
      }),
      runs(40),
    );
  });
});

/** An order of one line around a count: sold, perhaps shipped, perhaps given back or cancelled; minutes after noon. */
const lives = fc.record({
  soldAt: fc.integer({ min: -30, max: 29 }),
  units: fc.integer({ min: 1, max: 2 }),
  ships: fc.option(fc.integer({ min: 1, max: 30 })),
  ends: fc.option(fc.integer({ min: 31, max: 60 })),
});

function livedBy(
  life: { soldAt: number; units: number; ships: number | null; ends: number | null },
  n: number,
) {
  const { soldAt, units, ships, ends } = life;
  // No two changes at one moment: which came first would be anybody's guess.
  const placedAt = noon + soldAt * minute + n * 1_000 + 500;
  const at = (minutes: number, taken: number, gone: number) =>
    order(`${n}`, placedAt + minutes * minute, [lineOf([`${n}-tee`, 'tee', taken, gone])], { placedAt });
  const states = [at(0, units, 0)];
  if (ships !== null) states.push(at(ships, units, units));
  if (ends !== null) states.push(at(ends, 0, 0));
  return states;
}

describe('a count', () => {
  test('leaves the same for sale whenever the orders around it are learned, also where more left than was counted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(lives, { minLength: 1, maxLength: 5 }),
        fc.nat(3),
        basis,
        fc.infiniteStream(fc.nat(1_000)),
        async (all, quantity, how, chance) => {
          const type = 'the count is typed';
          const queues: (OrderSnapshot | typeof type)[][] = [[type], ...all.map(livedBy)];
          const ends: unknown[] = [];
          for (let round = 0; round < 2; round += 1) {
            const left = queues.map((queue) => [...queue]);
            await inWorld(async (kit, shop) => {
              await kit.listing(shop, 'tee');
              await kit.count('tee', 4, { asOf: noon - 60 * minute });
              kit.moveTo(noon + 120 * minute);
              while (left.some((queue) => queue.length > 0)) {
                const open = left.filter((queue) => queue.length > 0);
                const next = open[(chance.next().value ?? 0) % open.length]?.shift();
                if (next === type) await kit.count('tee', quantity, { basis: how, asOf: noon });
                else if (next !== undefined) await kit.apply(shop, next);
              }
              await kit.booksClose();
              ends.push(await kit.available('tee'));
            });
          }
          expect(ends[1]).toEqual(ends[0]);
        },
      ),
      runs(40),
    );
  });
});
