import { describe, expect, test } from 'vitest';
import type { StoreCase } from '../store.ts';
import { delivered, delivery, lineOf, minute, noon, order, pulled } from './kit.ts';

/** Orders: whole, once, and never below zero. */
export function orderPromises(each: StoreCase): void {
  describe('orders', () => {
    const open = async (units = 10) => {
      const { kit, channel } = await each.shop('tee');
      await kit.count('tee', units);
      kit.moveTo(noon + minute);
      return { kit, channel, orders: kit.store.orders };
    };

    test('writes outcome, kept fields, removed body, lines, ledger, level and due counter together', async () => {
      const { kit, channel } = await open();
      const [taken] = await kit.store.inbox.takeIn([delivery(channel, 'a')]);
      const [counter] = await kit.store.outbox.countersOf(channel, ['tee']);
      const before = await kit.store.outbox.view([counter ?? 0]);
      const at = noon + minute;
      const outcome = await kit.request(
        delivered(channel, taken?.id ?? 0, [order('1', at, [['l1', 'tee', 3]])], { fields: { id: 1 } }),
      );
      expect(outcome.orders).toMatchObject([
        { orderId: '1', verdict: 'applied', takenUp: 3, given: 3, short: 0, learned: false },
      ]);
      expect(outcome.orders[0]?.counterIds).toEqual([counter]);
      expect(await kit.store.inbox.list({ limit: 1 })).toMatchObject([
        { status: 'applied', hasBody: false, fields: { id: 1 }, orders: ['1'], settledAt: at },
      ]);
      expect(await kit.level('tee')).toMatchObject({ onHand: 10, committed: 3, available: 7 });
      const [view] = await kit.store.outbox.view([counter ?? 0]);
      expect(view?.version).toBe((before[0]?.version ?? 0) + 1);
      expect(view).toMatchObject({ target: { kind: 'number', quantity: 7 } });
      expect(view?.version).toBeGreaterThan(view?.doneVersion ?? Number.NaN);
      expect(view?.dueAt).toBeLessThanOrEqual(at);
      expect(view?.own).toEqual([{ delta: -3, from: at, to: at }]);
      expect((await kit.store.reports.entries('tee', null, 1))[0]).toMatchObject({
        kind: 'sale',
        delta: -3,
        after: 7,
        channel: 'shop',
        orderId: '1',
        lineKey: 'l1',
      });
      await kit.booksClose();
    });

    test('refuses a delivery that somebody else settled meanwhile, and applies nothing of it', async () => {
      const { kit, channel } = await open();
      const [taken] = await kit.store.inbox.takeIn([delivery(channel, 'a')]);
      const id = taken?.id ?? 0;
      await kit.request(delivered(channel, id, [order('1', noon, [['l1', 'tee', 1]])]));
      const late = await kit.request(delivered(channel, id, [order('2', noon, [['l2', 'tee', 1]])]));
      expect(late).toEqual({ refused: true, orders: [] });
      expect(await kit.available('tee')).toBe(9);
      expect(await kit.store.orders.list({ orderId: '2', limit: 1 })).toEqual([]);
    });

    test('undoes a bad request alone: its neighbours and nothing of it are there', async () => {
      const { kit, channel, orders } = await open();
      const deliveries = await kit.store.inbox.takeIn(['a', 'b', 'c'].map((key) => delivery(channel, key)));
      const bad = lineOf(['l2', 'tee', Number.NaN]);
      const outcomes = await orders.apply(
        [
          delivered(channel, deliveries[0]?.id ?? 0, [order('1', noon, [['l1', 'tee', 1]])]),
          delivered(channel, deliveries[1]?.id ?? 0, [order('2', noon, [['l2a', 'tee', 1], bad])]),
          delivered(channel, deliveries[2]?.id ?? 0, [order('3', noon, [['l3', 'tee', 1]])]),
        ],
        kit.now(),
      );
      expect(outcomes[1]).toEqual({ failed: expect.any(String) });
      expect(outcomes[0]).toMatchObject({ orders: [{ verdict: 'applied' }] });
      expect(outcomes[2]).toMatchObject({ orders: [{ verdict: 'applied' }] });
      expect((await orders.list({ limit: 9 })).map((row) => row.orderId)).toEqual(['3', '1']);
      const rows = await kit.store.inbox.list({ limit: 9 });
      expect(rows.map((row) => [row.key, row.status])).toEqual([
        ['c', 'applied'],
        ['b', 'new'],
        ['a', 'applied'],
      ]);
      expect(await kit.available('tee')).toBe(8);
      await kit.booksClose();
    });

    test('knows the same snapshot again and changes nothing, however often it comes', async () => {
      const { kit, channel } = await open();
      const snapshot = order('1', noon, [['l1', 'tee', 2]]);
      await kit.apply(channel, snapshot);
      const entries = await kit.store.reports.entries('tee', null, 99);
      for (let round = 0; round < 20; round += 1) {
        expect(await kit.apply(channel, snapshot)).toMatchObject([{ verdict: 'same', takenUp: 0 }]);
      }
      expect(await kit.store.reports.entries('tee', null, 99)).toEqual(entries);
    });

    test('asks for a look by id where versions decide nothing, and takes what a later look found', async () => {
      const { kit, channel } = await open();
      await kit.apply(channel, order('1', noon, [['l1', 'tee', 2]]));
      const other = order('1', noon, [['l1', 'tee', 3]]);
      expect(await kit.apply(channel, other)).toMatchObject([{ verdict: 'fetch' }]);
      expect(await kit.available('tee')).toBe(8);
      const look = { obtained: 'fetched', askedAt: noon + 5, answeredAt: noon + 6 } as const;
      expect(await kit.apply(channel, { ...other, ...look, version: noon - 99 })).toMatchObject([
        { verdict: 'applied' },
      ]);
      expect(await kit.available('tee')).toBe(7);
    });

    test('keeps a delivery new while it must be looked at again, with its fields and a look counted', async () => {
      const { kit, channel } = await open();
      const [taken] = await kit.store.inbox.takeIn([delivery(channel, 'a')]);
      const id = taken?.id ?? 0;
      await kit.store.inbox.claim(1, noon);
      const later = kit.now() + minute;
      await kit.request(delivered(channel, id, [], { fields: { id: 7 }, lookAgainAt: later }));
      expect(await kit.store.inbox.claim(1, later - 1)).toEqual([]);
      expect(await kit.store.inbox.claim(1, later)).toMatchObject([
        { id, fields: { id: 7 }, body: null, looks: 1, attempts: 0 },
      ]);
    });

    test('records why a delivery says nothing', async () => {
      const { kit, channel } = await open();
      const [taken] = await kit.store.inbox.takeIn([delivery(channel, 'a')]);
      await kit.request(delivered(channel, taken?.id ?? 0, [], { ignored: 'test notification' }));
      expect(await kit.store.inbox.list({ limit: 1 })).toMatchObject([
        { status: 'ignored', outcome: 'test notification', hasBody: false },
      ]);
    });

    test('takes what is there and puts the rest on the docket, for the order that came second', async () => {
      const { kit, channel } = await open(1);
      await kit.apply(channel, order('1', noon + 1, [['l1', 'tee', 1]]));
      const [second] = await kit.apply(channel, order('2', noon + 2, [['l2', 'tee', 2]]));
      expect(second).toMatchObject({ verdict: 'applied', takenUp: 2, given: 0, short: 2 });
      expect(await kit.level('tee')).toMatchObject({ onHand: 1, committed: 1, available: 0 });
      expect(await kit.store.reports.oversells({ limit: 9 })).toMatchObject([
        { orderId: '2', lineKey: 'l2', shortfall: 2, status: 'open', cause: 'sale', policy: 'alert' },
      ]);
      await kit.booksClose();
    });

    test('flags an order that the platform no longer has and releases nothing', async () => {
      const { kit, channel } = await open();
      await kit.apply(channel, order('1', noon, [['l1', 'tee', 2]]));
      await kit.request({ channelId: channel, source: 'sweep', delivery: null, orders: [], missing: ['1'] });
      expect(await kit.store.orders.list({ limit: 1 })).toMatchObject([{ orderId: '1', missing: true }]);
      expect(await kit.available('tee')).toBe(8);
    });

    test('counts a missed webhook until the webhook comes after all', async () => {
      const { kit, channel, orders } = await open();
      const snapshot = order('1', noon, [['l1', 'tee', 1]]);
      expect(await kit.apply(channel, snapshot)).toMatchObject([{ learned: true }]);
      const later = kit.now() + 10 * minute;
      expect(await orders.missedWebhooks(later, 20 * minute)).toEqual(new Map());
      expect(await orders.missedWebhooks(later, minute)).toEqual(new Map([[channel, 1]]));
      const [taken] = await kit.store.inbox.takeIn([delivery(channel, 'a')]);
      await kit.request(delivered(channel, taken?.id ?? 0, [snapshot]));
      expect(await orders.missedWebhooks(later + 86_400_000, minute)).toEqual(new Map());
      expect(await orders.missedWebhooks(later, minute)).toEqual(new Map());
    });

    test('names orders that still hold stock and that nobody read for long', async () => {
      const { kit, channel, orders } = await open();
      await kit.apply(
        channel,
        order('open', noon, [['l1', 'tee', 1]]),
        order('shipped', noon, [['l2', 'tee', 1, 1]]),
        order('released', noon, [['l3', 'tee', 0]]),
      );
      expect(await orders.unread(channel, noon + 1, 9)).toEqual(['open']);
      const look = { obtained: 'fetched', askedAt: noon + 5, answeredAt: noon + 6 } as const;
      await kit.apply(channel, { ...order('open', noon, [['l1', 'tee', 1]]), ...look });
      expect(await orders.unread(channel, noon + 1, 9)).toEqual([]);
    });

    test('keeps an order open when a partial snapshot names only its shipped line', async () => {
      const { kit, channel, orders } = await open();
      await kit.apply(
        channel,
        order('1', noon, [
          ['l1', 'tee', 1],
          ['l2', 'tee', 1],
        ]),
      );
      await kit.apply(channel, order('1', noon + 5, [['l1', 'tee', 1, 1]], { complete: false }));
      expect(await orders.unread(channel, noon + 99, 9)).toEqual(['1']);
    });

    test('finds orders by id or by number, newest first', async () => {
      const { kit, channel, orders } = await open();
      await kit.apply(channel, order('1', noon, [['l1', 'tee', 1]]), order('2', noon, [['l2', 'tee', 1]]));
      expect((await orders.list({ limit: 9 })).map((row) => row.orderId)).toEqual(['2', '1']);
      expect(await orders.list({ orderId: '#1', limit: 9 })).toMatchObject([
        { orderId: '1', lines: [{ lineKey: 'l1', sku: 'tee', taken: 1, given: 1, allocation: 'held' }] },
      ]);
      const [newest] = await orders.list({ limit: 1 });
      expect(await orders.list({ channel: 'shop', before: newest?.id ?? 0, limit: 9 })).toHaveLength(1);
    });

    test('finds the order by its id before one that is called so', async () => {
      const { kit, channel, orders } = await open();
      await kit.apply(channel, order('1042', noon, [['l1', 'tee', 1]]));
      await kit.apply(channel, order('2000', noon, [['l2', 'tee', 1]], { number: '1042' }));
      const found = await orders.list({ orderId: '1042', limit: 9 });
      expect(found.map((row) => row.orderId)).toEqual(['1042', '2000']);
      expect(await orders.list({ orderId: '1042', limit: 1 })).toMatchObject([{ orderId: '1042' }]);
    });

    test('counts the line of an older notice that the newer one, of another line, did not speak of', async () => {
      const { kit, channel } = await open();
      const notice = (at: number, lines: Parameters<typeof order>[2]) =>
        order('1', at, lines, { complete: false, placedAt: noon });
      await kit.apply(channel, notice(noon + 2_000, [['l1', 'tee', 1]]));
      const [second] = await kit.apply(channel, notice(noon + 1_000, [['l2', 'tee', 2]]));
      expect(second).toMatchObject({ verdict: 'applied', takenUp: 2 });
      expect(await kit.available('tee')).toBe(7);
      for (const again of [notice(noon + 1_000, [['l2', 'tee', 2]]), notice(noon, [['l1', 'tee', 5]])])
        expect(await kit.apply(channel, again)).toMatchObject([{ verdict: 'stale' }]);
      expect(await kit.apply(channel, notice(noon + 2_000, [['l1', 'tee', 1]]))).toMatchObject([
        { verdict: 'same' },
      ]);
      expect(await kit.available('tee')).toBe(7);
      await kit.booksClose();
    });

    test('asks by id when an older notice says something else of a line that the newest did not speak of', async () => {
      const { kit, channel } = await open();
      await kit.apply(
        channel,
        order('1', noon, [
          ['l1', 'tee', 1],
          ['l2', 'tee', 1],
        ]),
      );
      const notice = (at: number, key: string, taken: number) =>
        order('1', at, [[key, 'tee', taken]], { complete: false, placedAt: noon });
      await kit.apply(channel, notice(noon + 2_000, 'l1', 2));
      expect(await kit.apply(channel, notice(noon + 1_000, 'l2', 0))).toMatchObject([{ verdict: 'fetch' }]);
      expect(await kit.apply(channel, notice(noon + 1_000, 'l2', 1))).toMatchObject([{ verdict: 'stale' }]);
      expect(await kit.available('tee')).toBe(7);
    });

    test('takes what a delivery carried of an order that is gone at the channel, where it is newer', async () => {
      const { kit, channel, orders } = await open();
      await kit.apply(channel, order('1', noon, [['l1', 'tee', 1]]));
      const gone = (at: number, taken: number) => ({
        ...pulled(channel, order('1', at, [['l1', 'tee', taken]])),
        missing: ['1'],
      });
      expect((await kit.request(gone(noon + 1_000, 3))).orders).toMatchObject([{ verdict: 'applied' }]);
      expect(await kit.available('tee')).toBe(7);
      expect(await orders.list({ limit: 1 })).toMatchObject([{ orderId: '1', missing: true }]);
      // Older, and one that only the channel could have decided.
      for (const at of [noon + 500, noon + 1_000])
        expect((await kit.request(gone(at, 5))).orders).toMatchObject([{ verdict: 'stale' }]);
      expect(await kit.available('tee')).toBe(7);
    });

    test('names for each order of a batch only the counters that this order moved', async () => {
      const { kit, channel, orders } = await open();
      await kit.listing(channel, 'mug');
      await kit.count('mug', 5);
      const [tee] = await kit.store.outbox.countersOf(channel, ['tee']);
      const [mug] = await kit.store.outbox.countersOf(channel, ['mug']);
      const outcomes = await orders.apply(
        [
          pulled(channel, order('1', noon, [['l1', 'tee', 1]])),
          pulled(channel, order('2', noon, [['l2', 'mug', 1]])),
          pulled(channel, order('3', noon, [['l3', 'mug', 0]])),
        ],
        kit.now(),
      );
      const named = outcomes.map((outcome) => ('failed' in outcome ? null : outcome.orders[0]?.counterIds));
      expect(named).toEqual([[tee], [mug], []]);
    });

    test('holds a short order at the channel by policy, fills nothing meanwhile, and fills after', async () => {
      const { kit } = await open(1);
      const hold = await kit.channel('holding', { oversell: 'hold' });
      await kit.listing(hold, 'tee');
      await kit.apply(hold, order('1', noon, [['l1', 'tee', 2]]));
      const [action] = await kit.store.outbox.actionsDue(hold, 9, kit.now());
      expect(action).toMatchObject({ orderId: '1', kind: 'hold', lines: [{ lineKey: 'l1', shortfall: 1 }] });
      await kit.receive('tee', 5);
      expect(await kit.shortfalls()).toEqual({ l1: 1 });
      const retry = { kind: 'retry', error: 'busy' } as const;
      await kit.store.outbox.settleAction(action?.id ?? 0, retry, kit.now() + minute, kit.now());
      expect(await kit.store.outbox.actionsDue(hold, 9, kit.now())).toEqual([]);
      const done = { kind: 'done', detail: 'on hold' } as const;
      await kit.store.outbox.settleAction(action?.id ?? 0, done, null, kit.now());
      expect(await kit.shortfalls()).toEqual({});
      expect(await kit.available('tee')).toBe(4);
      await kit.booksClose();
    });

    test('allocates nothing to an order that is being cancelled, and falls back to alert when that is refused', async () => {
      const { kit } = await open(3);
      const strict = await kit.channel('strict', { oversell: 'cancel' });
      await kit.listing(strict, 'tee');
      await kit.listing(strict, 'mug');
      await kit.count('mug', 4);
      await kit.apply(
        strict,
        order('1', noon, [
          ['l1', 'tee', 5],
          ['l2', 'mug', 4],
        ]),
      );
      expect(await kit.available('tee')).toBe(3);
      expect(await kit.available('mug')).toBe(4);
      expect(await kit.shortfalls()).toEqual({ l1: 5, l2: 4 });
      await kit.booksClose();
      const [action] = await kit.store.outbox.actionsDue(strict, 9, kit.now());
      const refused = { kind: 'refused', error: 'already packed' } as const;
      await kit.store.outbox.settleAction(action?.id ?? 0, refused, null, kit.now());
      expect(await kit.shortfalls()).toEqual({ l1: 2 });
      expect(await kit.store.outbox.actionsDue(strict, 9, kit.now())).toEqual([]);
      await kit.booksClose();
    });

    test('does not give stock to an order whose cancellation the channel confirmed but has not shown yet', async () => {
      const { kit } = await open(0);
      const strict = await kit.channel('strict', { oversell: 'cancel' });
      await kit.listing(strict, 'tee');
      await kit.apply(strict, order('1', noon, [['l1', 'tee', 1]]));
      const [action] = await kit.store.outbox.actionsDue(strict, 9, kit.now());
      await kit.store.outbox.settleAction(
        action?.id ?? 0,
        { kind: 'done', detail: 'cancelled' },
        null,
        kit.now(),
      );
      await kit.receive('tee', 1);
      expect(await kit.available('tee')).toBe(1);
      await kit.apply(strict, order('1', noon + 1, [['l1', 'tee', 0]], { cancelled: true }));
      expect(await kit.shortfalls()).toEqual({});
      expect(await kit.available('tee')).toBe(1);
    });

    test('fills an order that comes short again after its cancellation was not needed', async () => {
      const { kit } = await open(0);
      const { outbox } = kit.store;
      const strict = await kit.channel('strict', { oversell: 'cancel' });
      await kit.listing(strict, 'tee');
      await kit.apply(strict, order('1', noon, [['l1', 'tee', 1]]));
      const [action] = await outbox.actionsDue(strict, 9, kit.now());
      await kit.apply(strict, order('1', noon + 1, [['l1', 'tee', 0]]));
      const needless = { kind: 'needless', detail: 'nothing is missing any more' } as const;
      await outbox.settleAction(action?.id ?? 0, needless, null, kit.now());
      await kit.apply(strict, order('1', noon + 2, [['l1', 'tee', 1]]));
      expect(await outbox.actionsDue(strict, 9, kit.now())).toEqual([]);
      expect(await kit.shortfalls()).toEqual({ l1: 1 });
      await kit.receive('tee', 2);
      expect(await kit.shortfalls()).toEqual({});
      expect(await kit.available('tee')).toBe(1);
      await kit.booksClose();
    });

    test('closes an oversell as the person says and never fills it afterwards', async () => {
      const { kit, channel } = await open(0);
      await kit.apply(channel, order('1', noon, [['l1', 'tee', 2]]));
      const { reports } = kit.store;
      const [row] = await reports.oversells({ status: 'open', limit: 9 });
      const id = row?.id ?? 0;
      expect(await reports.resolveOversell(id, 'written-off', { by: 'ann', reason: null }, noon)).toBe(
        'done',
      );
      expect(await reports.resolveOversell(id, 'filled', { by: 'ann', reason: null }, noon)).toBe('closed');
      expect(await reports.resolveOversell(id + 1, 'filled', { by: 'ann', reason: null }, noon)).toBe(
        'unknown',
      );
      await kit.receive('tee', 2);
      expect(await kit.available('tee')).toBe(2);
      await kit.apply(channel, order('1', noon + 1, [['l1', 'tee', 3]]));
      expect(await kit.available('tee')).toBe(1);
      await kit.booksClose();
    });
  });
}
