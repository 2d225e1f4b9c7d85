import { describe, expect, test } from 'vitest';
import type { StoreCase } from '../store.ts';
import { actor, delivered, delivery, hour, listingOf, minute, noon, order } from './kit.ts';

/** Listings: discovery, mapping, and the sales that wait for it. */
export function listingPromises(each: StoreCase): void {
  describe('listings', () => {
    const open = async () => {
      const { kit, channel } = await each.shop();
      return { kit, channel, listings: kit.store.listings };
    };

    test('finds a listing by its id, its SKU if that is unique, and its facts by an alias', async () => {
      const { kit, channel, listings } = await open();
      await kit.discover(channel, 'p1', { channelSku: 'TEE', aliases: ['v1'], facts: { item: 7 } });
      await kit.discover(channel, 'p2', { channelSku: 'DUP' });
      await kit.discover(channel, 'p3', { channelSku: 'DUP' });
      expect(await listings.find('shop', 'TEE')).toMatchObject({ listingId: 'p1', parts: [], mode: 'on' });
      expect(await listings.find('shop', 'DUP')).toBe('ambiguous');
      expect(await listings.find('shop', 'none')).toBeNull();
      const refs = await listings.refs(channel, ['p1', 'v1', 'none']);
      expect([...refs.keys()]).toEqual(['p1', 'v1']);
      expect(refs.get('v1')).toMatchObject({ listingId: 'p1', facts: { item: 7 } });
    });

    test('marks what a complete walk did not see, and takes it back when it is seen again', async () => {
      const { kit, channel, listings } = await open();
      await kit.discover(channel, 'a');
      await kit.discover(channel, 'b');
      const began = noon + hour;
      await listings.upsert(channel, [listingOf('a')], began + 1);
      expect(await listings.finishWalk(channel, began)).toEqual({ present: 1, vanished: 1 });
      expect(await listings.find('shop', 'b')).toMatchObject({ vanished: true });
      await listings.upsert(channel, [listingOf('b')], began + 2);
      expect(await listings.find('shop', 'b')).toMatchObject({ vanished: false });
    });

    test('keeps a sale without a mapping, with its payload, and settles its delivery at the mapping', async () => {
      const { kit, channel } = await open();
      await kit.count('tee', 10, { asOf: noon });
      await kit.discover(channel, 'p1');
      kit.moveTo(noon + hour);
      const [taken] = await kit.store.inbox.takeIn([delivery(channel, 'a')]);
      const outcome = await kit.request(
        delivered(channel, taken?.id ?? 0, [order('1', noon + minute, [['l1', 'p1', 2]])]),
      );
      expect(outcome.orders).toMatchObject([{ unmappedLines: 1, given: 0, short: 0 }]);
      expect(await kit.store.inbox.list({ limit: 1 })).toMatchObject([{ status: 'unmapped', hasBody: true }]);
      expect((await kit.store.reports.status(noon)).unmappedSales).toBe(1);
      const [counter] = await kit.store.outbox.countersOf(channel, ['p1']);
      expect(await kit.store.outbox.view([counter ?? 0])).toMatchObject([{ clouded: true }]);
      const row = await kit.store.listings.find('shop', 'p1');
      const id = row !== null && row !== 'ambiguous' ? row.id : 0;
      const parts = [{ sku: 'tee', units: 1 }];
      expect(await kit.store.listings.map(id, parts, actor, kit.now())).toMatchObject({ lines: 1, units: 2 });
      expect(await kit.available('tee')).toBe(8);
      expect(await kit.store.inbox.list({ limit: 1 })).toMatchObject([{ status: 'applied', hasBody: false }]);
      expect(await kit.store.outbox.view([counter ?? 0])).toMatchObject([{ clouded: false }]);
      await kit.booksClose();
    });

    test('settles an unmapped delivery when its order is cancelled', async () => {
      const { kit, channel } = await open();
      await kit.discover(channel, 'p1');
      const [taken] = await kit.store.inbox.takeIn([delivery(channel, 'a')]);
      await kit.request(delivered(channel, taken?.id ?? 0, [order('1', noon, [['l1', 'p1', 2]])]));
      await kit.apply(channel, order('1', noon + 1, [['l1', 'p1', 0]], { cancelled: true }));
      expect(await kit.store.inbox.list({ limit: 1 })).toMatchObject([{ status: 'applied', hasBody: false }]);
    });

    test('lets a sale under an alias, seen before the catalogue was, count at the mapping', async () => {
      const { kit, channel } = await open();
      await kit.count('tee', 10, { asOf: noon - hour });
      await kit.apply(channel, order('1', noon, [['l1', 'v9', 2]]));
      await kit.discover(channel, 'p1', { aliases: ['v9'] });
      const [counter] = await kit.store.outbox.countersOf(channel, ['v9']);
      expect(await kit.store.outbox.view([counter ?? 0])).toMatchObject([{ clouded: true }]);
      await kit.map(channel, 'p1', { tee: 1 });
      expect(await kit.available('tee')).toBe(8);
    });

    test('makes counters due by the mapping, a setting and a component of a bundle', async () => {
      const { kit, channel, listings } = await open();
      const kitRow = await kit.listing(channel, 'set', { tee: 1, mug: 2 });
      await kit.count('tee', 10);
      await kit.count('mug', 5);
      const [counter] = await kit.store.outbox.countersOf(channel, ['set']);
      const view = async () => (await kit.store.outbox.view([counter ?? 0]))[0];
      expect(await view()).toMatchObject({ target: { kind: 'number', quantity: 2 } });
      let { version } = (await view()) ?? { version: 0 };
      const grows = async () => {
        const next = (await view())?.version ?? 0;
        expect(next).toBeGreaterThan(version);
        version = next;
      };
      await kit.receive('mug', 1);
      await grows();
      await listings.set(kitRow, { offer: { buffer: 1 } }, actor, kit.now());
      await grows();
      expect(await view()).toMatchObject({ target: { quantity: 2 } });
      await listings.set(kitRow, { fixed: 9 }, actor, kit.now());
      expect(await view()).toMatchObject({ target: { quantity: 9 } });
      await listings.set(kitRow, { fixed: null }, actor, kit.now());
      await listings.unmap(kitRow, actor, kit.now());
      await grows();
      expect(await view()).toMatchObject({ target: { kind: 'unmapped' } });
    });

    test('never lets a made-to-order sale be short, counted or not, and ships it without taking more', async () => {
      const { kit, channel, listings } = await open();
      const row = await kit.listing(channel, 'mug');
      await listings.set(row, { fixed: 50 }, actor, noon);
      await kit.apply(channel, order('0', noon - 1, [['l0', 'mug', 2]]));
      await kit.count('mug', 1);
      expect(await kit.shortfalls()).toEqual({});
      kit.moveTo(noon + hour);
      await kit.apply(channel, order('1', noon + 1, [['l1', 'mug', 4]]));
      expect(await kit.level('mug')).toMatchObject({ onHand: 1, committed: 1, available: 0 });
      await kit.apply(channel, order('1', noon + 2, [['l1', 'mug', 4, 4]]));
      expect(await kit.shortfalls()).toEqual({});
      await kit.receive('mug', 3);
      expect(await kit.available('mug')).toBe(3);
      const bare = await kit.discover(channel, 'engraving');
      await listings.set(bare, { fixed: 5 }, actor, noon);
      expect(await kit.apply(channel, order('2', noon + 3, [['l2', 'engraving', 7]]))).toMatchObject([
        { short: 0, unmappedLines: 0 },
      ]);
      await kit.booksClose();
    });

    test('matches only a SKU text that is unique on both sides', async () => {
      const { kit, channel, listings } = await open();
      await listings.createSku('TEE', actor, noon);
      await kit.discover(channel, 'p1', { channelSku: 'TEE' });
      await kit.discover(channel, 'p2', { channelSku: 'NEW' });
      await kit.discover(channel, 'p3', { channelSku: 'DUP' });
      await kit.discover(channel, 'p4', { channelSku: 'DUP' });
      await kit.discover(channel, 'p5', { channelSku: 'TWO', ambiguous: true });
      const matched = async (create: boolean) =>
        (await listings.matches('shop', create, 9)).map((match) => [
          match.listingId,
          match.sku,
          match.create,
        ]);
      expect(await matched(false)).toEqual([['p1', 'TEE', false]]);
      expect(await matched(true)).toEqual([
        ['p1', 'TEE', false],
        ['p2', 'NEW', true],
      ]);
    });

    test('takes a SKU text without the blanks at its ends, and never one that cannot be a SKU', async () => {
      const { kit, channel, listings } = await open();
      await kit.discover(channel, 'p1', { channelSku: 'TEE ' });
      await kit.discover(channel, 'p2', { channelSku: 'A\u200bB' });
      expect(await listings.matches('shop', true, 9)).toMatchObject([{ listingId: 'p1', sku: 'TEE' }]);
      expect(await listings.find('shop', 'TEE')).toMatchObject({ listingId: 'p1' });
      expect(await listings.find('shop', 'p2')).toMatchObject({
        fault: 'contains an invisible character (U+200B)',
      });
      await expect(listings.createSku('A\u200bB', actor, noon)).rejects.toMatchObject({ code: 'bad_sku' });
    });

    test('gives the SKU of a listing that is gone to the one that has it now', async () => {
      const { kit, channel, listings } = await open();
      await kit.count('TEE', 5);
      await listings.upsert(channel, [listingOf('id-1', { channelSku: 'TEE' })], noon);
      const [first] = await listings.matches('shop', false, 9);
      await listings.map(first?.listingRowId ?? 0, [{ sku: 'TEE', units: 1 }], actor, noon, 'sku');
      await listings.upsert(channel, [listingOf('id-2', { channelSku: 'TEE' })], noon + hour);
      expect(await listings.matches('shop', false, 9), 'two there: not unique').toEqual([]);
      expect(await listings.find('shop', 'TEE')).toBe('ambiguous');
      await listings.finishWalk(channel, noon + hour);
      expect(await listings.matches('shop', false, 9)).toMatchObject([{ listingId: 'id-2', sku: 'TEE' }]);
      expect(await listings.find('shop', 'TEE')).toMatchObject({
        listingId: 'id-2',
        known: 'TEE',
        twin: false,
      });
      expect(await listings.succeed(channel, actor, noon + hour)).toEqual([
        { gone: 'id-1', heir: 'id-2', parts: 'TEE' },
      ]);
      expect(await listings.find('shop', 'id-1')).toMatchObject({ vanished: true, heir: 'id-2' });
      const [counter] = await kit.store.outbox.countersOf(channel, ['id-1']);
      expect(await kit.store.outbox.view([counter ?? 0])).toMatchObject([{ target: { kind: 'unmapped' } }]);
      expect(await listings.find('shop', 'id-2')).toMatchObject({ mappedBy: 'sku', doubt: null });
      expect(await listings.succeed(channel, actor, noon + hour)).toEqual([]);
    });

    test('leaves an heir the recipe and the settings of a person, and each its own sales', async () => {
      const { kit, channel, listings } = await open();
      await kit.count('tee', 20);
      const old = await kit.discover(channel, 'pack-1', { channelSku: 'PACK', aliases: ['v1'] });
      await kit.map(channel, 'pack-1', { tee: 5 });
      await listings.set(old, { offer: { buffer: 1, max: 3 } }, actor, noon);
      await kit.apply(channel, order('1', noon + 1, [['l1', 'v1', 1]]));
      await kit.apply(channel, order('2', noon + 2, [['l2', 'pack-2', 1]]));
      await listings.upsert(
        channel,
        [listingOf('pack-2', { channelSku: 'PACK', aliases: ['v2'] })],
        noon + hour,
      );
      await listings.finishWalk(channel, noon + hour);
      await listings.succeed(channel, actor, noon + hour);
      expect(await kit.available('tee')).toBe(10);
      expect(await listings.find('shop', 'pack-2')).toMatchObject({
        parts: [{ sku: 'tee', units: 5 }],
        offer: { buffer: 1, percent: null, max: 3 },
        mappedBy: 'name',
      });
      kit.moveTo(noon + 2 * hour);
      await kit.apply(channel, order('1', noon + 3, [['l1', 'v1', 0]], { cancelled: true }));
      expect(await kit.available('tee')).toBe(15);
      await kit.booksClose();
    });

    test('knows an heir without a SKU by another of its ids, which it took over', async () => {
      const { kit, channel, listings } = await open();
      await kit.count('tee', 20);
      await kit.discover(channel, 'A/7', { channelSku: null, aliases: ['7'] });
      await kit.map(channel, 'A/7', { tee: 1 });
      await listings.upsert(channel, [listingOf('B/7', { channelSku: null, aliases: ['7'] })], noon + hour);
      await listings.finishWalk(channel, noon + hour);
      expect(await listings.succeed(channel, actor, noon + hour)).toMatchObject([
        { gone: 'A/7', heir: 'B/7' },
      ]);
    });

    test('takes a listing that is gone out of what is due, dead and exposed, and back under its old id', async () => {
      const { kit, channel, listings } = await open();
      await kit.listing(channel, 'tee');
      await kit.count('tee', 5);
      const [counter] = await kit.store.outbox.countersOf(channel, ['tee']);
      const view = async () => (await kit.store.outbox.view([counter ?? 0]))[0];
      const { version = 0 } = (await view()) ?? {};
      const dead = { kind: 'dead', counterId: counter ?? 0, version, error: 'no', dueAt: null } as const;
      await kit.store.outbox.begin([{ ...dead, exposed: true }], kit.now());
      await listings.finishWalk(channel, noon + hour);
      await kit.receive('tee', 1);
      expect(await view()).toMatchObject({ dead: false, exposed: false, lastRead: null });
      expect(await kit.store.outbox.due(channel, 9, noon + 2 * hour)).toEqual([]);
      expect(await kit.store.reports.status(noon)).toMatchObject({ exposed: 0, outbox: { due: 0 } });
      expect(await kit.store.reports.countersOfSku('tee')).toEqual([]);
      await listings.upsert(channel, [listingOf('tee')], noon + 3 * hour);
      expect(await view()).toMatchObject({ target: { kind: 'number', quantity: 6 }, anchor: null });
      expect(await kit.store.outbox.due(channel, 9, noon + 4 * hour)).toHaveLength(1);
    });

    test('lets what is gone bind no shared number', async () => {
      const { kit, channel, listings } = await open();
      await kit.count('a', 2);
      await kit.count('b', 9);
      for (const sku of ['a', 'b']) {
        await kit.discover(channel, sku, { counterKey: 'parent' });
        await kit.map(channel, sku, { [sku]: 1 });
      }
      const [counter] = await kit.store.outbox.countersOf(channel, ['a']);
      const target = async () => (await kit.store.outbox.view([counter ?? 0]))[0]?.target;
      expect(await target()).toMatchObject({ quantity: 2 });
      expect(await listings.sharedNumbers(channel, 9)).toEqual([{ listings: ['a', 'b'], skus: ['a', 'b'] }]);
      await listings.upsert(channel, [listingOf('b', { counterKey: 'parent' })], noon + hour);
      await listings.finishWalk(channel, noon + hour);
      expect(await target()).toMatchObject({ quantity: 9 });
      expect(await listings.sharedNumbers(channel, 9)).toEqual([]);
    });

    test('maps listings that share one number and one SKU, and not those with numbers of their own', async () => {
      const { kit, channel, listings } = await open();
      await kit.count('TEE', 10);
      for (const id of ['11/12', '11/13'])
        await kit.discover(channel, id, { channelSku: 'TEE', counterKey: '11' });
      expect((await listings.matches('shop', false, 9)).map((match) => match.listingId)).toEqual([
        '11/12',
        '11/13',
      ]);
      await kit.discover(channel, '11/14', { channelSku: 'TEE' });
      expect(await listings.matches('shop', false, 9)).toEqual([]);
    });

    test('lets a sale count under a name that a later walk finds to be one of a mapped listing', async () => {
      const { kit, channel } = await open();
      await kit.count('tee', 5);
      await kit.listing(channel, 'p1', { tee: 1 });
      await kit.apply(channel, order('1', noon + minute, [['l1', 'v2', 1]]));
      expect(await kit.available('tee')).toBe(5);
      await kit.store.listings.upsert(channel, [listingOf('p1', { aliases: ['v2'] })], noon + hour);
      expect(await kit.available('tee')).toBe(4);
      expect((await kit.store.reports.status(noon)).unmappedSales).toBe(0);
      await kit.booksClose();
    });

    test('made to order from now on, lets no earlier sale wait or be short, and clouds no number', async () => {
      const { kit, channel, listings } = await open();
      const bare = await kit.discover(channel, 'engraving');
      await kit.apply(channel, order('1', noon + minute, [['l1', 'engraving', 1]]));
      await listings.set(bare, { fixed: 5 }, actor, noon + hour);
      expect((await kit.store.reports.status(noon)).unmappedSales).toBe(0);
      const [counter] = await kit.store.outbox.countersOf(channel, ['engraving']);
      expect(await kit.store.outbox.view([counter ?? 0])).toMatchObject([{ clouded: false }]);
      const mug = await kit.listing(channel, 'mug');
      await kit.count('mug', 0);
      await kit.apply(channel, order('2', noon + minute, [['l2', 'mug', 2]]));
      expect(await kit.shortfalls()).toEqual({ l2: 2 });
      await listings.set(mug, { fixed: 5 }, actor, noon + hour);
      expect(await kit.shortfalls()).toEqual({});
      await kit.receive('mug', 1);
      expect(await kit.available('mug')).toBe(1);
      await kit.booksClose();
    });

    describe('a mapping that was made because the SKUs were equal', () => {
      const bySku = async () => {
        const opened = await open();
        const { kit, channel, listings } = opened;
        for (const sku of ['A', 'B']) {
          await kit.count(sku, 10);
          const id = await kit.discover(channel, sku.toLowerCase(), { channelSku: sku });
          await listings.map(id, [{ sku, units: 1 }], actor, noon, 'sku');
        }
        const see = (listingId: string, channelSku: string | null) =>
          listings.upsert(channel, [listingOf(listingId, { channelSku })], noon + hour);
        const changed = async () =>
          (await listings.list({ changed: true, limit: 9 })).map((row) => [row.listingId, row.doubt]);
        return { ...opened, see, changed };
      };

      test('loses its reason when the SKU at the channel becomes another one, and gets it back', async () => {
        const { kit, see, changed } = await bySku();
        expect(await changed()).toEqual([]);
        await see('a', 'B');
        expect(await changed()).toEqual([['a', { kind: 'other', sku: 'B' }]]);
        expect((await kit.store.reports.status(noon)).skuChanged).toBe(1);
        const [counter] = await kit.store.outbox.countersOf(1, ['a']);
        expect(await kit.store.outbox.view([counter ?? 0])).toMatchObject([
          { listings: [{ doubted: true }], target: { quantity: 10 } },
        ]);
        await see('a', 'A ');
        expect(await changed()).toEqual([]);
        await see('a', '');
        expect(await changed()).toEqual([['a', { kind: 'emptied' }]]);
        await see('a', 'NEW');
        expect(await changed()).toEqual([['a', { kind: 'unknown' }]]);
        await kit.store.stock.rename('A', 'NEW', actor, noon);
        expect(await changed()).toEqual([]);
      });

      test('that two listings have swapped is a swap, and one that became a bundle is named with its parts', async () => {
        const { kit, channel, see, changed } = await bySku();
        await see('a', 'B');
        await see('b', 'A');
        expect(await changed()).toEqual([
          ['a', { kind: 'swapped', with: 'b' }],
          ['b', { kind: 'swapped', with: 'a' }],
        ]);
        await see('b', 'B');
        await kit.discover(channel, 'five', { channelSku: 'A-5' });
        await kit.map(channel, 'five', { A: 5 });
        await see('a', 'A-5');
        expect(await changed()).toEqual([['a', { kind: 'bundle', parts: 'A=5' }]]);
      });

      test('is sure again once a person has named the SKU, whatever the channel prints, and the alert ends', async () => {
        const { kit, channel, listings, see, changed } = await bySku();
        await see('a', 'B');
        const alert = { channelId: channel, kind: 'sku_changed', subject: 'shop', message: 'look' } as const;
        await kit.store.duties.raiseAlert(alert, noon);
        const row = await listings.find('shop', 'a');
        if (row === null || row === 'ambiguous') throw new Error('no listing a');
        await listings.map(row.id, [{ sku: 'A', units: 1 }], actor, noon + hour);
        expect(await changed()).toEqual([]);
        expect(await kit.store.duties.alerts(true, 9)).toEqual([]);
      });
    });

    describe('a sale without a listing', () => {
      test('is told with its order, counts once its name is mapped, though no catalogue brought it', async () => {
        const { kit, channel, listings } = await open();
        await kit.count('tee', 5);
        await kit.apply(channel, order('1', noon + minute, [['l1', 'gone-7', 2]]));
        expect(await listings.waitingSales({}, 9)).toEqual([
          { channel: 'shop', name: 'gone-7', channelSku: 'gone-7', orders: ['1'], lines: 1, units: 2 },
        ]);
        await listings.adopt(channel, 'gone-7', noon + hour);
        await kit.map(channel, 'gone-7', { tee: 1 });
        expect(await kit.available('tee')).toBe(3);
        expect(await listings.waitingSales({}, 9)).toEqual([]);
        expect(await listings.find('shop', 'gone-7')).toMatchObject({ vanished: true });
      });

      test('is settled by a person by its order or its event, and stays so whatever becomes of the order', async () => {
        const { kit, channel, listings } = await open();
        const [taken] = await kit.store.inbox.takeIn([delivery(channel, 'a')]);
        const id = taken?.id ?? 0;
        await kit.request(delivered(channel, id, [order('1', noon, [['l1', null, 2]])]));
        expect(await listings.waitingSales({ channel: 'shop' }, 9)).toMatchObject([{ name: null, units: 2 }]);
        expect(await kit.store.inbox.dismiss([id], actor, noon + minute)).toBe(1);
        expect(await kit.store.inbox.list({ limit: 1 })).toMatchObject([
          { status: 'applied', hasBody: false },
        ]);
        await kit.apply(channel, order('2', noon, [['l2', null, 1]]));
        expect(await listings.dismissSales(channel, ['#2', 'none'], actor, noon)).toEqual({
          lines: 1,
          units: 1,
        });
        expect((await kit.store.reports.status(noon)).unmappedSales).toBe(0);
        await kit.apply(channel, order('2', noon + hour, [['l2', null, 3, 3]]));
        await kit.apply(channel, order('1', noon + hour, [['l1', null, 0]], { cancelled: true }));
        expect(await kit.shortfalls()).toEqual({});
        expect((await kit.store.reports.status(noon)).unmappedSales).toBe(0);
        await kit.booksClose();
      });
    });

    test('answers an unknown SKU of a recipe by its name and maps nothing', async () => {
      const { kit, channel, listings } = await open();
      const id = await kit.discover(channel, 'p1');
      expect(await listings.map(id, [{ sku: 'none', units: 1 }], actor, noon)).toEqual({
        unknownSku: 'none',
      });
      expect(await listings.list({ channel: 'shop', unmapped: true, limit: 9 })).toHaveLength(1);
    });
  });
}
