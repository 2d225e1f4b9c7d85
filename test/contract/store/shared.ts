import { describe, expect, test } from 'vitest';
import type { StoreCase } from '../store.ts';
import { actor, delivery, minute, noon, order, pulled } from './kit.ts';

/** Several at once: rehearsals, readers beside writers, two instances on the same data, reopening, closing. */
export function sharedPromises(each: StoreCase): void {
  describe('side by side', () => {
    const open = async (units = 100) => {
      const { kit, channel } = await each.shop('tee');
      await kit.count('tee', units);
      return { kit, channel };
    };

    test('rehearses orders, counts and mappings and leaves no trace', async () => {
      const { kit, channel } = await open();
      const bare = await kit.discover(channel, 'bare');
      const state = async () =>
        JSON.stringify([
          await kit.store.stock.list({ limit: 9 }),
          await kit.store.orders.list({ limit: 9 }),
          await kit.store.reports.entries('tee', null, 9),
          await kit.store.outbox.page(channel, 0, 9),
          await kit.store.inbox.list({ limit: 9 }),
        ]);
      await kit.apply(channel, order('0', noon + 1, [['l0', 'bare', 2]]));
      const before = await state();
      const change = { sku: 'tee', kind: 'adjust', quantity: -40, basis: 'shelf', asOf: noon + 2 } as const;
      const rehearsal = await kit.store.rehearse(
        [
          { kind: 'apply', requests: [pulled(channel, order('1', noon + 1, [['l1', 'tee', 3]]))] },
          { kind: 'change', changes: [{ ...change, create: false, ref: 'r', presumeGoneMs: {} }], actor },
          { kind: 'map', listingRowId: bare, parts: [{ sku: 'tee', units: 1 }], actor },
        ],
        null,
        noon + 2,
      );
      expect(rehearsal.applied).toMatchObject([{ orders: [{ orderId: '1', given: 3 }] }]);
      expect(rehearsal.changed).toMatchObject([{ kind: 'done', row: { available: 57 } }]);
      expect(rehearsal.mapped).toMatchObject([{ lines: 1, units: 2 }]);
      expect(rehearsal.counters.map((view) => view.target)).toEqual([
        { kind: 'number', quantity: 55 },
        { kind: 'number', quantity: 55 },
      ]);
      expect(rehearsal.levels).toMatchObject([{ counted: true, available: 55 }]);
      expect(await state()).toBe(before);
      const as = await kit.store.outbox.view([rehearsal.counters[0]?.counterId ?? 0], rehearsal.levels);
      expect(as.map((view) => view.target)).toEqual([{ kind: 'number', quantity: 55 }]);
      const [again] = await kit.store.orders.apply(
        [pulled(channel, order('1', noon + 1, [['l1', 'tee', 3]]))],
        noon + 2,
      );
      expect(again).toMatchObject({ orders: [{ verdict: 'applied', given: 3 }] });
    });

    test('shows what another instance committed, and says that something changed', async () => {
      const { kit, channel } = await open();
      const other = await each.another();
      other.changedSince();
      expect(other.changedSince()).toBe(false);
      await kit.apply(channel, order('1', noon + 1, [['l1', 'tee', 1]]));
      expect(other.changedSince()).toBe(true);
      expect(other.changedSince()).toBe(false);
      expect((await other.stock.get('tee'))?.available).toBe(99);
      kit.store.changedSince();
      await kit.store.duties.ping(noon);
      expect(kit.store.changedSince()).toBe(true);
    });

    test('serves readers while writers write, and never shows half an order', async () => {
      const { kit, channel } = await open(200);
      await kit.listing(channel, 'mug');
      await kit.count('mug', 200);
      const reader = await each.another();
      const writing = Array.from({ length: 40 }, (_, n) =>
        kit.store.orders.apply(
          [
            pulled(
              channel,
              order(`${n}`, noon + n, [
                [`t${n}`, 'tee', 1],
                [`m${n}`, 'mug', 1],
              ]),
            ),
          ],
          noon + minute,
        ),
      );
      const seen: [number, number][] = [];
      for (let n = 0; n < 40; n += 1) {
        const [mug, tee] = await reader.stock.list({ limit: 2 });
        seen.push([mug?.available ?? -1, tee?.available ?? -1]);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(writing);
      expect(seen.filter(([mug, tee]) => mug !== tee)).toEqual([]);
      expect(await kit.available('tee')).toBe(160);
      await kit.booksClose();
    });

    test('commits what several callers ask for at once, each with its own answer', async () => {
      const { kit, channel } = await open();
      const answers = await Promise.allSettled([
        kit.store.inbox.takeIn([delivery(channel, 'a')]),
        kit.store.channels.rename('nowhere', 'x', noon),
        kit.apply(channel, order('1', noon + 1, [['l1', 'tee', 1]])),
        kit.store.inbox.takeIn([delivery(channel, 'b')]),
      ]);
      expect(answers.map((answer) => answer.status)).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
        'fulfilled',
      ]);
      expect(await kit.store.inbox.list({ limit: 9 })).toHaveLength(2);
      expect(await kit.available('tee')).toBe(99);
    });

    test('finds everything again after it was closed, and its claims are free', async () => {
      const { kit, channel } = await open();
      await kit.store.inbox.takeIn([delivery(channel, 'a')]);
      expect(await kit.store.inbox.claim(1, noon)).toHaveLength(1);
      await kit.apply(channel, order('1', noon + 1, [['l1', 'tee', 4]]));
      await kit.store.close();
      const again = await each.another();
      expect((await again.stock.get('tee'))?.available).toBe(96);
      expect(await again.inbox.claim(1, noon)).toMatchObject([{ key: 'a' }]);
      expect((await again.duties.check(false)).every((item) => item.level === 'ok')).toBe(true);
    });

    test('finishes what it was asked before it closes, closes twice without harm, and takes nothing after', async () => {
      const { kit, channel } = await open();
      const writing = kit.store.inbox.takeIn([delivery(channel, 'a')]);
      const closing = kit.store.close();
      await kit.store.close();
      await closing;
      expect(await writing).toMatchObject([{ kind: 'accepted' }]);
      await expect(kit.store.duties.ping(noon)).rejects.toMatchObject({ code: 'store_closed' });
      expect(await (await each.another()).inbox.list({ limit: 9 })).toHaveLength(1);
    });
  });
}
