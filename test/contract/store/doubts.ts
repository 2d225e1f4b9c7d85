import { describe, expect, test } from 'vitest';
import type { OrderSnapshot } from '../../../src/stock/order.ts';
import type { StoreCase } from '../store.ts';
import { hour, type Kit, lineOf, minute, noon, order } from './kit.ts';

/** The seller cancelled it: so many pieces of the line were not found. */
function notFound(id: string, at: number, units: number, over: Partial<OrderSnapshot> = {}): OrderSnapshot {
  const line = { ...lineOf([`${id}-1`, 'A', 0]), doubted: units };
  return order(id, at, [line], { cancelled: true, placedAt: noon, ...over });
}

async function openDoubts(kit: Kit): Promise<string[]> {
  const rows = await kit.store.duties.alerts(true, 100);
  return rows.filter((row) => row.kind === 'stock_doubted').map((row) => row.message);
}

export function doubtPromises(each: StoreCase): void {
  describe('pieces that a seller did not find', () => {
    const sold = async (quantity: number, taken = 1) => {
      const { kit, channel: shop } = await each.shop();
      await kit.count('A', quantity, { asOf: noon - hour });
      await kit.listing(shop, 'A');
      await kit.apply(shop, order('1', noon, [['1-1', 'A', taken]]));
      kit.moveTo(noon + minute);
      return { kit, shop };
    };

    test('keeps them off sale until the SKU is counted, and says so with the command', async () => {
      const { kit, shop } = await sold(10);
      const [applied] = await kit.apply(shop, notFound('1', noon + minute, 1));
      expect(await kit.available('A')).toBe(9);
      expect(applied?.counterIds).toHaveLength(1);
      const message =
        'order #1 on shop was cancelled because A was not found; 1 of it is off sale on every channel until it is counted: invsync stock count A N';
      expect(applied?.doubts).toEqual([{ sku: 'A', message }]);
      expect(await openDoubts(kit)).toEqual([message]);
      const [newest] = await kit.store.reports.entries('A', null, 1);
      expect(newest).toMatchObject({ kind: 'doubted', delta: -1, after: 9, orderId: '1', lineKey: '1-1' });
      kit.moveTo(noon + hour);
      await kit.receive('A', 5);
      expect(await kit.available('A')).toBe(14);
      expect(await openDoubts(kit)).toHaveLength(1);
      await kit.count('A', 15);
      expect(await kit.available('A')).toBe(15);
      expect(await openDoubts(kit)).toEqual([]);
      await kit.booksClose();
    });

    test('books each piece once, by repeats and by an order that is learned only when it is cancelled', async () => {
      const { kit, shop } = await sold(10);
      await kit.apply(shop, notFound('1', noon + minute, 1));
      await kit.apply(shop, notFound('1', noon + 2 * minute, 1, { status: 'a remark' }));
      expect(await kit.available('A')).toBe(9);
      await kit.apply(shop, notFound('2', noon + 3 * minute, 2));
      expect(await kit.available('A')).toBe(7);
    });

    test('is told the reason after the cancellation', async () => {
      const { kit, shop } = await sold(10);
      await kit.apply(shop, order('1', noon + minute, [['1-1', 'A', 0]], { cancelled: true }));
      expect(await kit.available('A')).toBe(10);
      await kit.apply(shop, notFound('1', noon + 2 * minute, 1));
      expect(await kit.available('A')).toBe(9);
    });

    test('doubts nothing that the books never gave the line', async () => {
      const { kit, shop } = await sold(1, 3);
      expect(await kit.shortfalls()).toEqual({ '1-1': 2 });
      const back = notFound('1', noon + minute, 3);
      await kit.apply(shop, back);
      expect(await kit.available('A')).toBe(0);
      kit.moveTo(noon + 2 * minute);
      await kit.receive('A', 4);
      expect(await kit.available('A')).toBe(4);
      await kit.booksClose();
    });

    test('takes nothing from other orders on a suspicion, and fills none with a doubted piece', async () => {
      const { kit, shop } = await sold(1);
      await kit.apply(shop, order('2', noon + minute, [['2-1', 'A', 1]]));
      await kit.apply(shop, notFound('1', noon + minute, 1));
      expect(await kit.shortfalls()).toEqual({ '2-1': 1 });
      expect(await kit.level('A')).toMatchObject({ onHand: 0, committed: 0, available: 0 });
      await kit.apply(shop, notFound('3', noon + minute, 1));
      expect(await kit.level('A')).toMatchObject({ onHand: 0, committed: 0, available: 0 });
      await kit.booksClose();
    });

    test('stays when a count is entered that is older than it', async () => {
      const { kit, shop } = await sold(10);
      await kit.apply(shop, notFound('1', noon + minute, 1));
      kit.moveTo(noon + hour);
      await kit.count('A', 20, { asOf: noon - minute });
      expect(await kit.available('A')).toBe(19);
      expect(await openDoubts(kit)).toHaveLength(1);
      await kit.count('A', 20, { asOf: noon + 2 * minute });
      expect(await kit.available('A')).toBe(20);
      expect(await openDoubts(kit)).toEqual([]);
    });

    test('waits for the mapping and for the first count', async () => {
      const { kit, channel: shop } = await each.shop();
      await kit.discover(shop, 'A');
      kit.moveTo(noon + minute);
      await kit.apply(shop, notFound('1', noon + minute, 1));
      await kit.map(shop, 'A', { A: 2 });
      await kit.count('A', 10, { asOf: noon });
      expect(await kit.available('A')).toBe(8);
      expect(await openDoubts(kit)).toHaveLength(1);
      await kit.booksClose();
    });
  });
}
