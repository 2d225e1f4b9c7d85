import { describe, expect, it } from 'vitest';
import type { StoreCase } from '../store.ts';
import { actor, delivered, delivery, hour, listingOf, minute, noon, order } from './kit.ts';

/** Listings: discovery, mapping, and the sales that wait for it. */
export function listingPromises(each: StoreCase): void {
  describe('listings', () => {
    const open = async () => {
      const kit = each.kit();
      const channel = await kit.channel('shop');
      return { kit, channel, listings: kit.store.listings };
    };

    it('finds a listing by its id, its SKU if that is unique, and its facts by an alias', async () => {
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

    it('marks what a complete walk did not see, and takes it back when it is seen again', async () => {
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

    it('keeps a sale without a mapping, with its payload, and settles its delivery at the mapping', async () => {
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

    it('settles an unmapped delivery when its order is cancelled', async () => {
      const { kit, channel } = await open();
      await kit.discover(channel, 'p1');
      const [taken] = await kit.store.inbox.takeIn([delivery(channel, 'a')]);
      await kit.request(delivered(channel, taken?.id ?? 0, [order('1', noon, [['l1', 'p1', 2]])]));
      await kit.apply(channel, order('1', noon + 1, [['l1', 'p1', 0]], { cancelled: true }));
      expect(await kit.store.inbox.list({ limit: 1 })).toMatchObject([{ status: 'applied', hasBody: false }]);
    });

    it('lets a sale under an alias, seen before the catalogue was, count at the mapping', async () => {
      const { kit, channel } = await open();
      await kit.count('tee', 10, { asOf: noon - hour });
      await kit.apply(channel, order('1', noon, [['l1', 'v9', 2]]));
      await kit.discover(channel, 'p1', { aliases: ['v9'] });
      const [counter] = await kit.store.outbox.countersOf(channel, ['v9']);
      expect(await kit.store.outbox.view([counter ?? 0])).toMatchObject([{ clouded: true }]);
      await kit.map(channel, 'p1', { tee: 1 });
      expect(await kit.available('tee')).toBe(8);
    });

    it('makes counters due by the mapping, a setting and a component of a bundle', async () => {
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

    it('never lets a made-to-order sale be short, counted or not, and ships it without taking more', async () => {
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

    it('matches only a SKU text that is unique on both sides', async () => {
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

    it('answers an unknown SKU of a recipe by its name and maps nothing', async () => {
      const { kit, channel, listings } = await open();
      const id = await kit.discover(channel, 'p1');
      expect(await listings.map(id, [{ sku: 'none', units: 1 }], actor, noon)).toEqual({
        unknownSku: 'none',
      });
      expect(await listings.list({ channel: 'shop', unmapped: true, limit: 9 })).toHaveLength(1);
    });
  });
}
