import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OrderSnapshot } from '../../src/stock/order.ts';
import type { Store } from '../../src/store/store.ts';
import {
  actor,
  day,
  delivered,
  delivery,
  hour,
  type Kit,
  kitOn,
  lineOf,
  minute,
  noon,
  order,
  pulled,
} from '../contract/store/kit.ts';
import { sqliteBench } from './bench.ts';

/** Each must fail when the rule that it names is taken away (shared/reference/interleavings.md, same numbers). */

let bench: Awaited<ReturnType<typeof sqliteBench>>;
let store: Store;
let kit: Kit;
let shop: number;

beforeEach(async () => {
  bench = await sqliteBench('caller');
  store = await bench.open();
  kit = kitOn(store);
  shop = await kit.channel('shop');
  await kit.listing(shop, 'tee');
});
afterEach(async () => {
  await kit.booksClose();
  await store.close();
  await bench.remove();
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  );
}

describe('interleaving 2: orders that predate the take-over', () => {
  const old = (n: number, over: Partial<OrderSnapshot> = {}) =>
    order(`${n}`, noon - 7 * day, [[`l${n}`, 'tee', 1]], over);

  test('open orders of last week lower a shelf count, before or after it was typed', async () => {
    kit.moveTo(noon - day);
    await kit.apply(shop, old(1));
    kit.moveTo(noon + hour);
    await kit.count('tee', 10, { basis: 'shelf', asOf: noon });
    expect(await kit.available('tee')).toBe(9);
    await kit.apply(shop, old(2), old(3));
    expect(await kit.level('tee')).toMatchObject({ onHand: 10, committed: 3, available: 7 });
    await kit.apply(shop, order('2', noon + minute, [['l2', 'tee', 1, 1]]));
    await kit.apply(shop, order('3', noon + minute, [['l3', 'tee', 0]]));
    expect(await kit.level('tee')).toMatchObject({ onHand: 9, committed: 1, available: 8 });
  });

  test('open orders of last week do not touch a free count, until one is cancelled', async () => {
    kit.moveTo(noon - day);
    await kit.apply(shop, old(1));
    kit.moveTo(noon + hour);
    await kit.count('tee', 7, { basis: 'free', asOf: noon });
    await kit.apply(shop, old(2), old(3));
    expect(await kit.level('tee')).toMatchObject({ onHand: 10, committed: 3, available: 7 });
    await kit.apply(shop, order('2', noon + minute, [['l2', 'tee', 1, 1]]));
    expect(await kit.available('tee')).toBe(7);
    await kit.apply(shop, order('3', noon + 2 * minute, [['l3', 'tee', 0]]));
    expect(await kit.level('tee')).toMatchObject({ onHand: 9, committed: 1, available: 8 });
  });
});

describe('interleaving 3: what left the shelf is not what was promised', () => {
  test('a no_restock refund of an oversold unit frees the receipt that comes later', async () => {
    await kit.count('tee', 0);
    await kit.apply(shop, order('1', noon + 1, [['l1', 'tee', 1]]));
    expect(await kit.shortfalls()).toEqual({ l1: 1 });
    await kit.apply(shop, order('1', noon + 2, [['l1', 'tee', 1, 1]]));
    expect(await kit.shortfalls()).toEqual({});
    kit.moveTo(noon + hour);
    await kit.receive('tee', 1);
    expect(await kit.level('tee')).toMatchObject({ onHand: 1, committed: 0, available: 1 });
  });

  test('a shipped piece that is refunded with return is back on the shelf', async () => {
    await kit.count('tee', 2);
    await kit.apply(shop, order('1', noon + 1, [['l1', 'tee', 1, 1]]));
    expect(await kit.level('tee')).toMatchObject({ onHand: 1, available: 1 });
    await kit.apply(shop, order('1', noon + 2, [['l1', 'tee', 0]]));
    expect(await kit.level('tee')).toMatchObject({ onHand: 2, committed: 0, available: 2 });
  });

  test('a shop that never ships does not sink a stocktake', async () => {
    await kit.count('tee', 480, { asOf: noon - 200 * day });
    for (let n = 1; n <= 43; n += 1) {
      await kit.apply(shop, order(`${n}`, noon - (200 - n) * day, [[`l${n}`, 'tee', 10]]));
    }
    const [counted] = await store.stock.change(
      [
        {
          sku: 'tee',
          kind: 'count',
          quantity: 50,
          basis: 'shelf',
          asOf: noon,
          create: false,
          ref: null,
          presumeGoneMs: { [shop]: 14 * day },
        },
      ],
      actor,
      noon,
    );
    expect(counted).toMatchObject({ kind: 'done', short: 0, row: { onHand: 50, available: 50 } });
  });
});

describe('interleaving 7: an oversold order is cancelled', () => {
  test('makes its counter due although no level moves, and names the rise as the channel’s own', async () => {
    await kit.count('tee', 0);
    await kit.apply(shop, order('1', noon + 1, [['l1', 'tee', 1]]));
    const [counterId = 0] = await store.outbox.countersOf(shop, ['tee']);
    const [before] = await store.outbox.view([counterId]);
    const [cancelled] = await kit.apply(shop, order('1', noon + 2, [['l1', 'tee', 0]], { cancelled: true }));
    expect(cancelled?.counterIds).toEqual([counterId]);
    expect(await kit.available('tee')).toBe(0);
    const [after] = await store.outbox.view([counterId]);
    expect(after?.version).toBe((before?.version ?? 0) + 1);
    expect(after?.own.map((change) => change.delta)).toEqual([-1, 1]);
  });
});

describe('interleaving 8: a mapping after a count', () => {
  test('thirty old shipped sales that the count knew act on nothing; what came after it does', async () => {
    await kit.discover(shop, 'p1');
    for (let n = 1; n <= 30; n += 1) {
      await kit.apply(shop, order(`${n}`, noon - (41 - n) * day, [[`l${n}`, 'p1', 1, 1]]));
    }
    await kit.apply(shop, order('new', noon + minute, [['new', 'p1', 2]]));
    kit.moveTo(noon + hour);
    await kit.count('mug', 12, { asOf: noon });
    const listing = await store.listings.find('shop', 'p1');
    const id = listing !== null && listing !== 'ambiguous' ? listing.id : 0;
    const effect = await store.listings.map(id, [{ sku: 'mug', units: 1 }], actor, kit.now());
    expect(effect).toMatchObject({ lines: 31, units: 2 });
    expect(await kit.level('mug')).toMatchObject({ onHand: 12, committed: 2, available: 10 });
    expect(await kit.shortfalls()).toEqual({});
  });

  test('a sale that was partly shipped and edited while it waited acts by each change’s own time', async () => {
    await kit.discover(shop, 'p1');
    const at = (time: number, taken: number, gone: number) =>
      order('1', time, [['l1', 'p1', taken, gone]], { placedAt: noon - day });
    await kit.apply(shop, at(noon - day, 4, 0));
    await kit.apply(shop, at(noon - hour, 4, 2));
    await kit.apply(shop, at(noon + hour, 5, 3));
    kit.moveTo(noon + 2 * hour);
    for (const [sku, basis, quantity, expected] of [
      ['shelf', 'shelf', 10, { onHand: 9, committed: 2, available: 7 }],
      ['free', 'free', 10, { onHand: 11, committed: 2, available: 9 }],
    ] as const) {
      await kit.count(sku, quantity, { basis, asOf: noon });
      const other = await kit.channel(`other-${sku}`);
      await kit.discover(other, 'p1');
      for (const [time, taken, gone] of [
        [noon - day, 4, 0],
        [noon - hour, 4, 2],
        [noon + hour, 5, 3],
      ] as const) {
        await kit.apply(other, at(time, taken, gone));
      }
      await kit.map(other, 'p1', { [sku]: 1 });
      expect(await kit.level(sku)).toMatchObject(expected);
    }
  });
});

describe('interleaving 9: equal versions, different contents', () => {
  const state = (...lines: [string, number][]) =>
    order(
      '42',
      noon,
      lines.map(([key, taken]) => lineOf([key, 'tee', taken])),
    );
  const states = [state(['a', 3]), state(['a', 5], ['b', 2]), state(['b', 2])];
  const truth = state(['b', 2]);

  test.each(permutations([0, 1, 2]).map((sequence) => [sequence.join(' ')]))(
    'order 42 ends right when its states come as %s, and a late copy revives nothing',
    async (sequence) => {
      await kit.count('tee', 20);
      let now = noon;
      for (const index of [...sequence.split(' ').map(Number), 0, 1]) {
        now += 10;
        kit.moveTo(now);
        const seen = states[index] ?? truth;
        const [answer] = await kit.apply(shop, { ...seen, askedAt: now, answeredAt: now });
        if (answer?.verdict !== 'fetch') continue;
        const look = { obtained: 'fetched', askedAt: now + 1, answeredAt: now + 2 } as const;
        await kit.apply(shop, { ...truth, ...look });
      }
      expect(await kit.level('tee')).toMatchObject({ committed: 2, available: 18 });
    },
  );

  test('a look by id wins over a version of another clock, and a shop whose clock was set back is heard', async () => {
    await kit.count('tee', 5);
    await kit.apply(shop, order('1', noon + 5_000, [['l1', 'tee', 2]], { clock: 'EventTime' }));
    const cancelled = order('1', noon + 2_000, [['l1', 'tee', 0]]);
    expect(await kit.apply(shop, cancelled)).toMatchObject([{ verdict: 'fetch' }]);
    const look = { obtained: 'fetched', askedAt: noon + 9_000, answeredAt: noon + 9_001 } as const;
    expect(await kit.apply(shop, { ...cancelled, ...look })).toMatchObject([{ verdict: 'applied' }]);
    expect(await kit.available('tee')).toBe(5);
    const setBack = order('1', noon - hour, [['l1', 'tee', 1]], {
      obtained: 'listed',
      askedAt: noon + 10_000,
      answeredAt: noon + 10_001,
    });
    expect(await kit.apply(shop, setBack)).toMatchObject([{ verdict: 'fetch' }]);
  });
});

describe('interleaving 10: a partial snapshot', () => {
  test('an OrderItemLevel notice of a three-line order touches the line that it names', async () => {
    await kit.count('tee', 9);
    const lines = ['a', 'b', 'c'].map((key) => lineOf([key, 'tee', 1]));
    await kit.apply(shop, order('1', noon, lines));
    await kit.apply(shop, order('1', noon + 1, [['b', 'tee', 1, 1]], { complete: false }));
    expect(await kit.level('tee')).toMatchObject({ onHand: 8, committed: 2, available: 6 });
    await kit.apply(
      shop,
      order('1', noon + 2, [
        ['a', 'tee', 1],
        ['b', 'tee', 1, 1],
      ]),
    );
    expect(await kit.level('tee')).toMatchObject({ onHand: 8, committed: 1, available: 7 });
  });
});

describe('interleaving 11: a stocktake has one time', () => {
  const parcel = (n: number, goneAt: number) =>
    order(`${n}`, noon - day, [{ ...lineOf([`l${n}`, 'tee', 1, 1]), goneAt }], { version: noon + n });

  test('a parcel that left before the count and one that left after it, each learned before and after', async () => {
    kit.moveTo(noon - 2 * day);
    await kit.count('tee', 30);
    kit.moveTo(noon + 20 * minute);
    await kit.apply(shop, parcel(1, noon - 10 * minute), parcel(2, noon + 10 * minute));
    kit.moveTo(noon + hour);
    await kit.count('tee', 8, { asOf: noon });
    expect(await kit.level('tee')).toMatchObject({ onHand: 7, available: 7 });
    await kit.apply(shop, parcel(3, noon - 10 * minute), parcel(4, noon + 30 * minute));
    expect(await kit.level('tee')).toMatchObject({ onHand: 6, available: 6 });
  });

  test('a count below what is promised names the orders that go without', async () => {
    await kit.count('tee', 10);
    kit.moveTo(noon + hour);
    for (let n = 1; n <= 4; n += 1) await kit.apply(shop, order(`${n}`, noon + n, [[`l${n}`, 'tee', 2]]));
    await kit.count('tee', 5);
    expect(await kit.level('tee')).toMatchObject({ onHand: 5, committed: 5, available: 0 });
    expect(await kit.shortfalls()).toEqual({ l3: 1, l4: 2 });
  });
});

describe('interleaving 13: holds, wants and was given are three things', () => {
  const first = order('A', noon + 1, [['a', 'tee', 2]]);
  const second = order('B', noon + 2, [['b', 'tee', 2]]);
  const cancel = order('A', noon + 3, [['a', 'tee', 0]], { cancelled: true, placedAt: noon + 1 });

  test.each(
    permutations([first, second, cancel]).map((orders) => [
      orders.map((each) => `${each.orderId}${each.cancelled ? ' cancelled' : ''}`).join(', '),
      orders,
    ]),
  )('three pieces and %s: B has two, one is free', async (_words, orders) => {
    await kit.count('tee', 3);
    for (const each of orders) await kit.apply(shop, each);
    expect(await kit.level('tee')).toMatchObject({ committed: 2, available: 1 });
    expect(await kit.shortfalls()).toEqual({});
  });

  test('a partial cancel shrinks the shortfall first, and what it frees goes to the oldest that waits', async () => {
    await kit.count('tee', 1);
    await kit.apply(shop, order('1', noon + 1, [['l1', 'tee', 3]]));
    await kit.apply(shop, order('1', noon + 2, [['l1', 'tee', 2]], { placedAt: noon + 1 }));
    expect(await kit.level('tee')).toMatchObject({ committed: 1, available: 0 });
    expect(await kit.shortfalls()).toEqual({ l1: 1 });
    await kit.apply(shop, order('0', noon, [['l0', 'tee', 1]]));
    await kit.apply(shop, order('1', noon + 3, [['l1', 'tee', 1]], { placedAt: noon + 1 }));
    expect(await kit.shortfalls()).toEqual({ l0: 1 });
    await kit.apply(shop, order('0', noon + 4, [['l0', 'tee', 0]], { placedAt: noon }));
    await kit.apply(shop, order('3', noon + 9, [['l3', 'tee', 1]]));
    await kit.apply(shop, order('2', noon + 5, [['l2', 'tee', 1]]));
    await kit.apply(shop, order('1', noon + 10, [['l1', 'tee', 0]], { placedAt: noon + 1 }));
    expect(await kit.shortfalls()).toEqual({ l3: 1 });
  });
});

describe('interleaving 16: two writers on one order', () => {
  test('two processes that work on the same orders at once give each unit once', async () => {
    const shared = await sqliteBench('own');
    const one = await shared.open();
    const two = await shared.open();
    const first = kitOn(one);
    const channel = await first.channel('shop');
    await first.listing(channel, 'tee');
    await first.count('tee', 60);
    const orders = Array.from({ length: 60 }, (_, n) => order(`${n}`, noon + n, [[`l${n}`, 'tee', 2]]));
    const writing = orders.flatMap((each, n) =>
      (n % 2 === 0 ? [one, two] : [two, one]).map((writer) =>
        writer.orders.apply([pulled(channel, each)], noon + hour),
      ),
    );
    const outcomes = (await Promise.all(writing)).flat();
    const verdicts = outcomes.map((each) => ('failed' in each ? each.failed : each.orders[0]?.verdict));
    expect(verdicts.filter((verdict) => verdict === 'applied')).toHaveLength(60);
    expect(verdicts.filter((verdict) => verdict === 'same')).toHaveLength(60);
    expect(await first.level('tee')).toMatchObject({ onHand: 60, committed: 60, available: 0 });
    expect(Object.values(await first.shortfalls()).reduce((sum, units) => sum + units, 0)).toBe(60);
    await first.booksClose();
    await Promise.all([one.close(), two.close()]);
    await shared.remove();
  });
});

describe('interleaving 19: the merchant’s own sale, held and sold', () => {
  const hold = (orderRef: string | null, quantity = 1) =>
    store.reservations.hold(
      {
        key: `k${orderRef}`,
        bodyHash: 'h',
        lines: [{ sku: 'tee', quantity }],
        ttlMs: hour,
        reference: null,
        channel: orderRef === null ? null : 'shop',
        orderRef,
      },
      noon,
    );

  test('the last piece is held and its order comes before the commit: sold once, not short', async () => {
    await kit.count('tee', 1);
    const held = await hold('1');
    const [applied] = await kit.apply(shop, order('1', noon + 1, [['l1', 'tee', 1]]));
    expect(applied).toMatchObject({ given: 1, short: 0 });
    const id = held.kind === 'held' ? held.reservation.id : '';
    expect(await store.reservations.commit(id, noon + 2)).toMatchObject({ status: 'committed' });
    expect(await kit.level('tee')).toMatchObject({ onHand: 1, committed: 1, reserved: 0, available: 0 });
  });

  test('a free count between hold and order makes the piece neither twice sold nor free', async () => {
    await kit.count('tee', 3);
    await hold('1');
    kit.moveTo(noon + 10 * minute);
    await kit.count('tee', 5, { basis: 'free' });
    expect(await kit.level('tee')).toMatchObject({ reserved: 1, available: 5 });
    await kit.apply(shop, order('1', noon + minute, [['l1', 'tee', 1]]));
    expect(await kit.level('tee')).toMatchObject({ committed: 1, reserved: 0, available: 5 });
    // A count of a time when the order was placed but the piece was still held means the same.
    kit.moveTo(noon + 20 * minute);
    await kit.count('tee', 5, { basis: 'free', asOf: noon + 5 * minute });
    expect(await kit.level('tee')).toMatchObject({ onHand: 6, committed: 1, available: 5 });
  });

  test('a commit at the very end finds the hold expired although no sweep was there, and others are served', async () => {
    await kit.count('tee', 1);
    const held = await hold(null);
    const id = held.kind === 'held' ? held.reservation.id : '';
    kit.moveTo(noon + hour);
    await kit.apply(shop, order('1', noon + hour, [['l1', 'tee', 1]]));
    expect(await store.reservations.commit(id, noon + hour)).toMatchObject({ status: 'expired' });
    expect(await kit.shortfalls()).toEqual({});
    expect(await kit.level('tee')).toMatchObject({ committed: 1, reserved: 0, available: 0 });
  });

  test('a commit that comes after the end finds the hold expired, and the piece sold to somebody else', async () => {
    await kit.count('tee', 1);
    const held = await hold(null);
    const id = held.kind === 'held' ? held.reservation.id : '';
    kit.moveTo(noon + hour);
    expect(await store.reservations.expire(noon + hour)).toBe(1);
    await kit.apply(shop, order('1', noon + hour, [['l1', 'tee', 1]]));
    expect(await store.reservations.commit(id, noon + hour)).toMatchObject({ status: 'expired' });
    expect(await kit.level('tee')).toMatchObject({ committed: 1, reserved: 0, available: 0 });
  });
});

describe('interleaving 20: units go back to the SKU that gave them', () => {
  test('a listing mapped by mistake and remapped gives back to the SKU that gave', async () => {
    await kit.count('tee', 10);
    await kit.count('mug', 10);
    await kit.listing(shop, 'p1', { tee: 2 });
    await kit.apply(shop, order('1', noon + 1, [['l1', 'p1', 2]]));
    await kit.map(shop, 'p1', { mug: 3 });
    await kit.apply(shop, order('2', noon + 2, [['l2', 'p1', 1]]));
    expect([await kit.available('tee'), await kit.available('mug')]).toEqual([6, 7]);
    await kit.apply(shop, order('1', noon + 3, [['l1', 'p1', 0]]));
    expect([await kit.available('tee'), await kit.available('mug')]).toEqual([10, 7]);
  });

  test('an edit of an order whose product was deleted keeps what it had, and ships from there', async () => {
    await kit.count('tee', 10);
    await kit.apply(shop, order('1', noon + 1, [['l1', 'tee', 3]]));
    await kit.apply(shop, order('1', noon + 2, [{ ...lineOf(['l1', null, 2]), channelSku: null }]));
    expect(await kit.level('tee')).toMatchObject({ committed: 2, available: 8 });
    await kit.apply(shop, order('1', noon + 3, [{ ...lineOf(['l1', 'renamed', 2, 2]) }]));
    expect(await kit.level('tee')).toMatchObject({ onHand: 8, committed: 0, available: 8 });
  });
});

describe('interleaving 23: line identity', () => {
  test('a line that reappears under a combined order moves there with what it has', async () => {
    await kit.count('tee', 10);
    await kit.apply(shop, order('O1', noon + 1, [['L', 'tee', 2]]));
    await kit.apply(
      shop,
      order('O2', noon + 2, [
        ['L', 'tee', 2],
        ['M', 'tee', 1],
      ]),
    );
    expect(await kit.level('tee')).toMatchObject({ committed: 3, available: 7 });
    await kit.apply(shop, order('O1', noon + 3, [], { cancelled: true }));
    expect(await kit.level('tee')).toMatchObject({ committed: 3, available: 7 });
  });

  test('an edit between two lines is no shortfall, whichever line comes first', async () => {
    await kit.count('tee', 1);
    const strict = await kit.channel('strict', { oversell: 'cancel' });
    await kit.listing(strict, 'tee');
    await kit.apply(strict, order('1', noon + 1, [['777', 'tee', 1]]));
    const lines = [lineOf(['888', 'tee', 1]), lineOf(['777', 'tee', 0])];
    const [edited] = await kit.apply(strict, order('1', noon + 2, lines));
    expect(edited).toMatchObject({ short: 0, takenUp: 1, takenDown: 1 });
    const swapped = [lineOf(['111', 'tee', 1]), lineOf(['888', 'tee', 0]), lineOf(['777', 'tee', 0])];
    await kit.apply(strict, order('1', noon + 3, swapped));
    expect(await store.reports.oversells({ limit: 9 })).toEqual([]);
    expect(await store.outbox.actionsDue(strict, 9, noon + hour)).toEqual([]);
    expect(await kit.available('tee')).toBe(0);
  });
});

describe('interleaving 26: a false duplicate loses a sale', () => {
  test('two orders under one delivery id are two deliveries', async () => {
    await kit.count('tee', 10);
    const bodies = ['{"order":1}', '{"order":2}'].map((text) => new TextEncoder().encode(text));
    for (const [n, body] of bodies.entries()) {
      const [taken] = await store.inbox.takeIn([delivery(shop, 'one id', { body })]);
      expect(taken).toMatchObject({ kind: 'accepted', reused: n === 1 });
      const orders = [order(`${n}`, noon + n, [[`l${n}`, 'tee', 1]])];
      await kit.request(delivered(shop, taken?.id ?? 0, orders));
    }
    expect(await kit.available('tee')).toBe(8);
  });

  test('an archived order that comes again after its key was pruned changes nothing', async () => {
    await kit.count('tee', 10, { asOf: noon - 40 * day });
    const [taken] = await store.inbox.takeIn([delivery(shop, 'a', { receivedAt: noon - 35 * day })]);
    const sold = order('1', noon - 35 * day, [['l1', 'tee', 1, 1]]);
    await kit.request(delivered(shop, taken?.id ?? 0, [sold]));
    const before = noon - 31 * day;
    await store.duties.prune({ keys: before, payloads: before, pushes: before }, 99, noon);
    const [again] = await store.inbox.takeIn([delivery(shop, 'a')]);
    expect(again?.kind).toBe('accepted');
    await kit.request(delivered(shop, again?.id ?? 0, [{ ...sold, version: noon, changedAt: noon }]));
    expect(await kit.level('tee')).toMatchObject({ onHand: 9, available: 9 });
  });
});

describe('interleaving 30: bundles', () => {
  test('half a kit is not locked away from who wants the half', async () => {
    await kit.count('tee', 1);
    await kit.listing(shop, 'kit', { tee: 1, mug: 1 });
    await kit.count('mug', 0);
    await kit.apply(shop, order('K', noon + 1, [['k', 'kit', 1]]));
    expect(await kit.available('tee')).toBe(1);
    await kit.apply(shop, order('A', noon + 2, [['a', 'tee', 1]]));
    expect(await kit.shortfalls()).toEqual({ k: 1 });
    kit.moveTo(noon + minute);
    await kit.receive('tee', 1);
    expect(await kit.available('tee')).toBe(1);
    await kit.apply(shop, order('B', noon + 3, [['b', 'tee', 1]]));
    await kit.receive('mug', 1);
    expect(await kit.level('mug')).toMatchObject({ committed: 0, available: 1 });
    await kit.receive('tee', 1);
    expect(await kit.shortfalls()).toEqual({});
  });

  test.each([
    ['kit first', [lineOf(['1', 'kit', 1]), lineOf(['2', 'tee', 1])]],
    ['tee first', [lineOf(['2', 'tee', 1]), lineOf(['1', 'kit', 1])]],
  ])('which line of an order goes short does not depend on the payload (%s)', async (_words, lines) => {
    await kit.listing(shop, 'kit', { tee: 1, mug: 1 });
    await kit.count('tee', 1);
    await kit.count('mug', 9);
    await kit.apply(shop, order('1', noon + 1, lines));
    expect(await kit.shortfalls()).toEqual({ '2': 1 });
  });

  test('a component’s move makes every counter due whose recipe holds it', async () => {
    await kit.listing(shop, 'kit', { tee: 1, mug: 1 });
    await kit.count('tee', 5);
    await kit.count('mug', 5);
    const counters = await store.outbox.countersOf(shop, ['tee', 'kit']);
    const [sold] = await kit.apply(shop, order('A', noon + 1, [['a', 'tee', 1]]));
    expect([...(sold?.counterIds ?? [])].sort()).toEqual([...counters].sort());
  });
});
