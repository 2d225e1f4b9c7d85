import { describe, expect, test } from 'vitest';
import type { StockChange } from '../../../src/store/store.ts';
import type { StoreCase } from '../store.ts';
import { actor, day, hour, lineOf, minute, noon, order } from './kit.ts';

/** Counts, receipts and adjustments. */
export function stockPromises(each: StoreCase): void {
  describe('stock by hand', () => {
    const open = async () => {
      const { kit, channel } = await each.shop('tee');
      return { kit, channel, stock: kit.store.stock };
    };
    const change = (over: Partial<StockChange>): StockChange => ({
      sku: 'tee',
      kind: 'count',
      quantity: 0,
      basis: 'shelf',
      asOf: noon,
      create: false,
      ref: null,
      presumeGoneMs: {},
      ...over,
    });

    test('knows no level before the first count, and keeps sales until then without a docket', async () => {
      const { kit, channel } = await open();
      kit.moveTo(noon + hour);
      await kit.apply(channel, order('1', noon + minute, [['l1', 'tee', 2]]));
      expect(await kit.level('tee')).toMatchObject({ counted: false, onHand: 0, committed: 0, basis: null });
      expect(await kit.shortfalls()).toEqual({});
      const [view] = await kit.store.reports.countersOfSku('tee');
      expect(view?.target).toEqual({ kind: 'uncounted' });
      await kit.count('tee', 7, { asOf: noon });
      expect(await kit.level('tee')).toMatchObject({ counted: true, onHand: 7, committed: 2, available: 5 });
      await kit.booksClose();
    });

    test('takes a first receipt as the first count', async () => {
      const { kit } = await open();
      expect(await kit.receive('tee', 4)).toMatchObject({ kind: 'done', row: { onHand: 4, counted: true } });
      kit.moveTo(noon + minute);
      expect(await kit.receive('tee', 3)).toMatchObject({ row: { onHand: 7 }, before: { onHand: 4 } });
    });

    test('answers a repeated reference with the first outcome, also within one batch', async () => {
      const { kit, stock } = await open();
      await kit.count('tee', 1);
      kit.moveTo(noon + minute);
      const receipt = change({ kind: 'receive', quantity: 5, ref: 'PO-17', asOf: noon + minute });
      const [first, second] = await stock.change([receipt, receipt], actor, kit.now());
      expect(first).toMatchObject({ kind: 'done', repeated: false, row: { onHand: 6 } });
      expect(second).toMatchObject({ kind: 'done', repeated: true, row: { onHand: 6 } });
      const [third] = await stock.change([receipt], actor, kit.now());
      expect(third).toMatchObject({ repeated: true, row: { onHand: 6 } });
      expect((await kit.level('tee')).onHand).toBe(6);
    });

    test('names an unknown SKU with the nearest known one, and makes it only when asked', async () => {
      const { kit, stock } = await open();
      const typo = change({ sku: 'TEE', quantity: 3 });
      expect(await stock.change([typo], actor, noon)).toEqual([
        { kind: 'unknown_sku', sku: 'TEE', nearest: 'tee' },
      ]);
      expect(await stock.get('TEE')).toBeNull();
      const [made] = await stock.change([{ ...typo, create: true }], actor, noon);
      expect(made).toMatchObject({
        kind: 'done',
        created: true,
        before: null,
        row: { sku: 'TEE', onHand: 3 },
      });
      await kit.booksClose();
    });

    test('refuses another SKU, kind or number under a known reference, in words, and changes nothing', async () => {
      const kit = each.kit();
      const { stock } = kit.store;
      await kit.count('tee', 5);
      await kit.count('mug', 5);
      const receipt = change({ kind: 'receive', quantity: 3, ref: 'PO-17', asOf: noon + minute });
      expect(await stock.change([receipt], actor, noon + minute)).toMatchObject([{ kind: 'done' }]);
      const others: Partial<StockChange>[] = [{ sku: 'mug' }, { quantity: 4 }, { kind: 'adjust' }];
      for (const other of others) {
        expect(await stock.change([{ ...receipt, ...other }], actor, noon + hour)).toMatchObject([
          { kind: 'refused', message: expect.stringMatching(/PO-17 is known: .* "receive 3" of tee/) },
        ]);
      }
      expect([await kit.available('tee'), await kit.available('mug')]).toEqual([8, 5]);
      await stock.rename('tee', 'shirt', actor, noon);
      expect(await stock.change([{ ...receipt, sku: 'shirt' }], actor, noon + hour)).toMatchObject([
        { kind: 'done', repeated: true },
      ]);
      await kit.booksClose();
    });

    test('takes a count under a known reference for a repeat only while nothing newer counted its SKU', async () => {
      const kit = each.kit();
      const { stock } = kit.store;
      await kit.count('tee', 9);
      const row = change({ kind: 'count', quantity: 5, ref: 'import:a/2', asOf: noon });
      const [first] = await stock.change([row], actor, noon);
      expect(first).toMatchObject({ repeated: false });
      await kit.receive('tee', 2, { asOf: noon + minute });
      kit.moveTo(noon + hour);
      const again = { ...row, asOf: noon + hour };
      expect(await stock.change([again], actor, noon + hour)).toMatchObject([{ repeated: true }]);
      expect(await kit.available('tee')).toBe(7);
      await kit.count('tee', 4, { asOf: noon + hour });
      expect(await stock.change([again], actor, noon + hour)).toMatchObject([{ repeated: false }]);
      expect(await kit.available('tee')).toBe(5);
      expect(await stock.change([again], actor, noon + hour)).toMatchObject([{ repeated: true }]);
      await kit.booksClose();
    });

    test('refuses an adjustment of an uncounted SKU and one below zero', async () => {
      const { kit, stock } = await open();
      const down = change({ kind: 'adjust', quantity: -1 });
      expect(await stock.change([down], actor, noon)).toMatchObject([{ kind: 'refused' }]);
      await kit.count('tee', 2);
      expect(await stock.change([{ ...down, quantity: -3 }], actor, noon + 1)).toMatchObject([
        { kind: 'refused', message: expect.stringContaining('below zero') },
      ]);
      expect((await kit.level('tee')).onHand).toBe(2);
    });

    test('leaves out what had left the shelf before a shelf count, whenever that is learned', async () => {
      const { kit, channel } = await open();
      await kit.count('tee', 8, { asOf: noon });
      kit.moveTo(noon + hour);
      const line = { lineKey: 'l1', listingId: 'tee', channelSku: null, taken: 1, gone: 1, takenAt: null };
      const at = (goneAt: number) => [{ ...line, goneAt }];
      await kit.apply(channel, order('1', noon + hour, at(noon - minute), { placedAt: noon - day }));
      expect(await kit.level('tee')).toMatchObject({ onHand: 8, committed: 0, available: 8 });
      const later = at(noon + minute).map((each) => ({ ...each, lineKey: 'l2' }));
      await kit.apply(channel, order('2', noon + hour, later, { placedAt: noon - day }));
      expect(await kit.level('tee')).toMatchObject({ onHand: 7, committed: 0, available: 7 });
      await kit.booksClose();
    });

    test('makes a free count what may still be sold, whatever was sold before', async () => {
      const { kit, channel } = await open();
      await kit.apply(channel, order('1', noon - day, [['l1', 'tee', 3]]));
      await kit.count('tee', 7, { basis: 'free', asOf: noon });
      expect(await kit.level('tee')).toMatchObject({ onHand: 10, committed: 3, available: 7 });
      await kit.apply(channel, order('2', noon - day, [['l2', 'tee', 2]]));
      expect(await kit.level('tee')).toMatchObject({ committed: 5, available: 7 });
      kit.moveTo(noon + hour);
      await kit.apply(channel, order('3', noon + minute, [['l3', 'tee', 1]]));
      expect(await kit.available('tee')).toBe(6);
      await kit.apply(channel, order('1', noon + minute, [['l1', 'tee', 0]]));
      expect(await kit.available('tee')).toBe(9);
      await kit.booksClose();
    });

    test.each(['before', 'after'] as const)(
      'leaves older orders their pieces at a free count, learned %s it, and books what left beyond it as found',
      async (when) => {
        const { kit, channel: shop } = await each.shop();
        await kit.count('tee', 6, { asOf: noon - 2 * hour });
        await kit.listing(shop, 'tee');
        const older = order('1', noon - hour, [['l1', 'tee', 2]]);
        if (when === 'before') await kit.apply(shop, older);
        await kit.apply(shop, order('2', noon + minute, [['l2', 'tee', 1, 1]]));
        kit.moveTo(noon + hour);
        // Two were promised and none was free at noon; the one that left since was nobody's.
        expect(await kit.count('tee', 0, { basis: 'free', asOf: noon })).toMatchObject({
          short: 0,
          found: 1,
        });
        if (when === 'after') await kit.apply(shop, older);
        expect(await kit.level('tee')).toMatchObject({ onHand: 2, committed: 2, available: 0 });
        expect(await kit.shortfalls()).toEqual({});
        const found = (await kit.store.reports.entries('tee', null, 20)).filter(
          (row) => row.kind === 'found',
        );
        expect(found.map((row) => row.onHand)).toEqual([1]);
        // It comes back: it is the one that was found.
        await kit.apply(shop, order('2', noon + hour, [['l2', 'tee', 0]], { cancelled: true }));
        expect(await kit.available('tee')).toBe(0);
        await kit.booksClose();
      },
    );

    test('takes what was found for what it is once a person books goods in', async () => {
      const { kit, channel: shop } = await each.shop();
      await kit.count('tee', 0, { asOf: noon - hour });
      await kit.listing(shop, 'tee');
      await kit.apply(shop, order('1', noon, [['l1', 'tee', 1, 1]]));
      kit.moveTo(noon + minute);
      await kit.receive('tee', 3);
      expect(await kit.available('tee')).toBe(3);
      await kit.apply(shop, order('1', noon + minute, [['l1', 'tee', 0]], { cancelled: true }));
      expect(await kit.available('tee')).toBe(4);
      await kit.booksClose();
    });

    test.each(['before', 'after'] as const)(
      'counts an order that was placed before and paid after a free count, learned %s it was paid',
      async (when) => {
        const { kit, channel: shop } = await each.shop();
        await kit.count('tee', 5, { basis: 'free', asOf: noon });
        await kit.listing(shop, 'tee');
        const placedAt = noon - hour;
        if (when === 'before') await kit.apply(shop, order('1', placedAt, [['l1', 'tee', 0]], { placedAt }));
        const paid = { ...lineOf(['l1', 'tee', 1]), takenAt: noon + minute };
        await kit.apply(shop, order('1', noon + 2 * minute, [paid], { placedAt }));
        expect(await kit.available('tee')).toBe(4);
      },
    );

    test('knows at a free count an order that was paid before it, though its change is learned later', async () => {
      const { kit, channel: shop } = await each.shop();
      await kit.count('tee', 5, { basis: 'free', asOf: noon });
      await kit.listing(shop, 'tee');
      const placedAt = noon - 2 * hour;
      await kit.apply(shop, order('1', placedAt, [['l1', 'tee', 0]], { placedAt }));
      const paid = { ...lineOf(['l1', 'tee', 1]), takenAt: noon - hour };
      await kit.apply(shop, order('1', noon + minute, [paid], { placedAt }));
      expect(await kit.level('tee')).toMatchObject({ available: 5, committed: 1 });
    });

    test('counts receipts and adjustments only when they occurred after the count', async () => {
      const { kit } = await open();
      await kit.count('tee', 5, { asOf: noon - hour });
      await kit.receive('tee', 3, { asOf: noon - 2 * hour });
      expect((await kit.level('tee')).onHand).toBe(5);
      await kit.receive('tee', 3, { asOf: noon - minute });
      expect((await kit.level('tee')).onHand).toBe(8);
      kit.moveTo(noon + hour);
      await kit.count('tee', 20, { asOf: noon - 30 * minute });
      expect((await kit.level('tee')).onHand).toBe(23);
      await kit.booksClose();
    });

    test('takes a count below what is given from the youngest unshipped lines, on the docket', async () => {
      const { kit, channel } = await open();
      await kit.count('tee', 10, { asOf: noon });
      kit.moveTo(noon + hour);
      for (let n = 1; n <= 4; n += 1) {
        await kit.apply(channel, order(`${n}`, noon + n * minute, [[`l${n}`, 'tee', 2]]));
      }
      const counted = await kit.count('tee', 5);
      expect(counted).toMatchObject({
        kind: 'done',
        short: 3,
        row: { onHand: 5, committed: 5, available: 0 },
      });
      expect(await kit.shortfalls()).toEqual({ l3: 1, l4: 2 });
      const rows = await kit.store.reports.oversells({ status: 'open', limit: 9 });
      expect(new Set(rows.map((row) => row.cause))).toEqual(new Set(['count']));
      await kit.booksClose();
      kit.moveTo(noon + 2 * hour);
      expect(await kit.receive('tee', 2)).toMatchObject({ filled: 2 });
      expect(await kit.shortfalls()).toEqual({ l4: 1 });
      await kit.booksClose();
    });

    test('lets holds give up what a count did not find, so that no phantom piece is for sale later', async () => {
      const { kit } = await open();
      await kit.count('tee', 3);
      const held = await kit.store.reservations.hold(
        {
          key: 'k',
          bodyHash: 'h',
          lines: [{ sku: 'tee', quantity: 3 }],
          ttlMs: hour,
          reference: null,
          channel: null,
          orderRef: null,
        },
        noon,
      );
      kit.moveTo(noon + minute);
      expect(await kit.count('tee', 1)).toMatchObject({ row: { onHand: 1, reserved: 1, available: 0 } });
      await kit.booksClose();
      const id = held.kind === 'held' ? held.reservation.id : '';
      expect(await kit.store.reservations.release(id, kit.now())).toMatchObject({ status: 'released' });
      expect(await kit.level('tee')).toMatchObject({ onHand: 1, reserved: 0, available: 1 });
      await kit.booksClose();
    });

    test('puts on the docket what a commit lacks when a count shortened its hold', async () => {
      const { kit } = await open();
      await kit.count('tee', 3);
      const { reservations } = kit.store;
      const lines = [{ sku: 'tee', quantity: 3 }];
      const request = { key: 'k', bodyHash: 'h', lines, ttlMs: hour, reference: null };
      const held = await reservations.hold({ ...request, channel: null, orderRef: null }, noon);
      kit.moveTo(noon + minute);
      await kit.count('tee', 1);
      const id = held.kind === 'held' ? held.reservation.id : '';
      expect(await reservations.commit(id, kit.now())).toMatchObject({ status: 'committed' });
      expect(await kit.level('tee')).toMatchObject({ onHand: 1, committed: 1, reserved: 0 });
      expect(Object.values(await kit.shortfalls())).toEqual([2]);
      await kit.booksClose();
    });

    test('makes a backdated free count exact when a hold ended since', async () => {
      const { kit } = await open();
      await kit.count('tee', 6);
      const { reservations } = kit.store;
      const lines = [{ sku: 'tee', quantity: 1 }];
      const request = { key: 'k', bodyHash: 'h', lines, ttlMs: hour, reference: null };
      const held = await reservations.hold({ ...request, channel: null, orderRef: null }, noon + 1);
      await reservations.release(held.kind === 'held' ? held.reservation.id : '', noon + 2 * minute);
      kit.moveTo(noon + hour);
      await kit.count('tee', 5, { basis: 'free', asOf: noon + minute });
      expect(await kit.available('tee')).toBe(6);
      await kit.booksClose();
    });

    test('presumes old lines of a silent channel gone at a shelf count, and shows them first', async () => {
      const { kit, channel, stock } = await open();
      await kit.count('tee', 20, { asOf: noon - 40 * day });
      await kit.apply(channel, order('old', noon - 20 * day, [['l1', 'tee', 4]]));
      await kit.apply(channel, order('new', noon - day, [['l2', 'tee', 1]]));
      const presumeGoneMs = { [channel]: 14 * day };
      const shown = await stock.openLines('tee', noon, presumeGoneMs);
      expect(shown.map((line) => [line.lineKey, line.presumedGone])).toEqual([
        ['l2', false],
        ['l1', true],
      ]);
      await stock.change([change({ quantity: 15, presumeGoneMs })], actor, noon);
      expect(await kit.level('tee')).toMatchObject({ onHand: 15, committed: 1, available: 14 });
      // The channel says it itself later: nothing happens twice.
      await kit.apply(channel, order('old', noon + 1, [['l1', 'tee', 4, 4]]));
      expect(await kit.level('tee')).toMatchObject({ onHand: 15, committed: 1 });
      await kit.booksClose();
    });

    test('keeps a renamed SKU under both codes and one inner id', async () => {
      const { kit, channel, stock } = await open();
      await kit.count('tee', 4);
      expect(await stock.rename('tee', 'shirt', actor, noon)).toBe('done');
      expect(await stock.rename('nowhere', 'x', actor, noon)).toBe('unknown_sku');
      await kit.store.listings.createSku('mug', actor, noon);
      expect(await stock.rename('shirt', 'mug', actor, noon)).toBe('taken');
      expect(await stock.get('tee')).toMatchObject({ sku: 'shirt', onHand: 4 });
      await kit.apply(channel, order('1', noon + 1, [['l1', 'tee', 1]]));
      expect(await kit.available('shirt')).toBe(3);
      expect(await stock.rename('shirt', 'tee', actor, noon)).toBe('done');
      expect(await stock.get('shirt')).toMatchObject({ sku: 'tee' });
    });

    test('pages through SKUs by code', async () => {
      const { kit, stock } = await open();
      for (const code of ['a', 'b', 'c']) await kit.count(code, 1);
      const page = await stock.list({ limit: 2 });
      expect(page.map((row) => row.sku)).toEqual(['a', 'b']);
      expect((await stock.list({ after: 'b', limit: 9 })).map((row) => row.sku)).toEqual(['c', 'tee']);
    });

    test('explains a level entry by entry, newest first, also as it was believed at a time', async () => {
      const { kit, channel } = await open();
      await kit.count('tee', 9, { asOf: noon });
      kit.moveTo(noon + minute);
      await kit.apply(channel, order('1', noon + 5, [['l1', 'tee', 2]]));
      kit.moveTo(noon + 2 * minute);
      await kit.apply(channel, order('1', noon + 9, [['l1', 'tee', 2, 2]]));
      const entries = await kit.store.reports.entries('tee', null, 9);
      expect(entries.map((entry) => [entry.kind, entry.delta, entry.after])).toEqual([
        ['shipment', 0, 7],
        ['sale', -2, 7],
        ['count', 9, 9],
      ]);
      expect(entries[0]).toMatchObject({ at: noon + 9, recordedAt: noon + 2 * minute, onHand: -2 });
      expect(await kit.store.reports.entries('tee', noon, 9)).toHaveLength(1);
    });
  });
}
