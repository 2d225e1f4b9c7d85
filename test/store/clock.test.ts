import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { actor, delivery, hour, type Kit, kitOn, minute, noon, order } from '../contract/store/kit.ts';

let dir = '';
let store: Store;
let kit: Kit;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'invsync-clock-'));
  store = await openSqliteStore({ dataDir: dir, writer: 'caller', synchronous: 'NORMAL' });
  kit = kitOn(store);
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

/** It is `at` by the right clock; this one shows an hour more until `steppedBack`. */
function ahead(at: number): void {
  kit.moveTo(at + hour);
}

async function steppedBack(at: number): Promise<string[]> {
  kit.moveTo(at);
  expect(await store.duties.aheadBy(at)).toBeGreaterThan(0);
  const { counts } = await store.duties.correctTimes(at, hour);
  expect(await store.duties.aheadBy(at)).toBe(0);
  await kit.booksClose();
  return counts;
}

describe('a count made while the clock was an hour ahead', () => {
  for (const basis of ['free', 'shelf'] as const) {
    test(`swallows neither the sales before the step nor those after it (basis ${basis})`, async () => {
      const shop = await kit.channel('shop');
      await kit.listing(shop, 'A');
      ahead(noon);
      await kit.count('A', 10, { basis });
      // Sold and shipped a minute later by the shop's clock, which is right.
      const goods = [['l1', 'A', 3, 3]] as [string, string, number, number][];
      await kit.apply(shop, order('1', noon + minute, goods));
      expect(await steppedBack(noon + 2 * minute)).toEqual(['A']);
      expect(await kit.available('A')).toBe(7);
      await kit.apply(shop, order('2', noon + 5 * minute, [['l2', 'A', 2]]));
      expect(await kit.available('A')).toBe(5);
      await kit.booksClose();
    });
  }

  test('keeps the sales out that it really knew of', async () => {
    const shop = await kit.channel('shop');
    await kit.listing(shop, 'A');
    await kit.count('A', 20);
    await kit.apply(shop, order('1', noon - minute, [['l1', 'A', 3]]));
    ahead(noon + minute);
    await kit.count('A', 10, { basis: 'free' });
    await steppedBack(noon + 2 * minute);
    expect(await kit.available('A')).toBe(10);
  });

  test('is followed by receipts and counts that add up', async () => {
    ahead(noon);
    await kit.count('A', 10, { basis: 'free' });
    await kit.receive('A', 5);
    await steppedBack(noon + minute);
    expect(await kit.available('A')).toBe(15);
    await kit.receive('A', 2);
    expect(await kit.available('A')).toBe(17);
    // The receipt of the wrong hour is older than this count, which contains it.
    kit.moveTo(noon + 3 * minute);
    await kit.count('A', 17, { basis: 'free' });
    expect(await kit.available('A')).toBe(17);
  });

  test('cannot be made by hand for a time that has not come', async () => {
    const shop = await kit.channel('shop');
    await kit.listing(shop, 'A');
    await kit.count('A', 10, { basis: 'free', asOf: kit.now() + hour });
    kit.moveTo(noon + 5 * minute);
    await kit.apply(shop, order('1', noon + 5 * minute, [['l1', 'A', 3]]));
    await kit.receive('A', 5, { asOf: noon + 6 * minute });
    expect(await kit.available('A')).toBe(12);
  });
});

describe('what else was noted while the clock was ahead', () => {
  test('an order is not held to be newer than every later look at it', async () => {
    const shop = await kit.channel('shop');
    await kit.listing(shop, 'A');
    await kit.count('A', 10);
    ahead(noon);
    const read = { obtained: 'fetched', askedAt: noon + hour, answeredAt: noon + hour } as const;
    await kit.apply(shop, order('1', noon, [['l1', 'A', 3]], { ...read, version: 1 }));
    await steppedBack(noon + minute);
    const later = { obtained: 'fetched', askedAt: noon + 2 * minute, answeredAt: noon + 2 * minute } as const;
    const [again] = await kit.apply(shop, order('1', noon, [['l1', 'A', 1]], { ...later, version: 1 }));
    expect(again?.verdict).toBe('applied');
    expect(await kit.available('A')).toBe(9);
  });

  test('deliveries and pushes do not wait for an hour that has been', async () => {
    const shop = await kit.channel('shop');
    await kit.listing(shop, 'A');
    ahead(noon);
    await store.inbox.takeIn([delivery(shop, 'a', { receivedAt: kit.now() })]);
    await kit.count('A', 10);
    await steppedBack(noon + minute);
    expect(await store.inbox.claim(1, noon + minute)).toHaveLength(1);
    expect(await store.outbox.nextDueAt(shop)).toBeLessThanOrEqual(noon + minute);
  });

  test('a channel of that time begins anew with a plan, and its order feed is not fresh for an hour', async () => {
    const shop = await kit.channel('shop', { mode: 'observe' });
    ahead(noon);
    await store.channels.setMode('shop', 'live', actor, kit.now());
    const at = kit.now();
    await store.channels.mark(shop, { plannedAt: at });
    await store.channels.markFeed(shop, { watermark: at, pulledFrom: at, pulledAt: at, gapAt: null });
    await steppedBack(noon + minute);
    expect(await store.channels.list()).toMatchObject([{ liveSince: noon + minute, plannedAt: null }]);
    const [feed] = await store.channels.feeds();
    expect(feed).toMatchObject({ watermark: noon, pulledFrom: noon, gapAt: noon + minute });
  });

  test('a push on its way keeps the time that it may still act, counted from the right one', async () => {
    const shop = await kit.channel('shop');
    await kit.listing(shop, 'A');
    await kit.count('A', 10);
    const [view] = await store.outbox.page(shop, 0, 1);
    const sent = { counterId: view?.counterId ?? 0, version: view?.version ?? 0, quantity: 10, base: null };
    const sentAt = noon + hour;
    await store.outbox.begin(
      [{ kind: 'send', ...sent, key: 'k', sentAt, deadline: sentAt + minute }],
      sentAt,
    );
    ahead(noon);
    await kit.receive('A', 1);
    await steppedBack(noon);
    const [after] = await store.outbox.page(shop, 0, 1);
    expect(after?.unread).toMatchObject([{ sentAt: noon, deadline: noon + minute, key: 'k' }]);
  });

  test('a reservation ends when it would have ended', async () => {
    await kit.count('A', 10);
    ahead(noon);
    const lines = [{ sku: 'A', quantity: 2 }];
    const rest = { bodyHash: 'h', reference: null, channel: null, orderRef: null };
    await store.reservations.hold({ key: 'k', lines, ttlMs: 15 * minute, ...rest }, kit.now());
    await steppedBack(noon + minute);
    expect(await store.reservations.expire(noon + 14 * minute)).toBe(0);
    expect(await store.reservations.expire(noon + 15 * minute + 1)).toBe(1);
  });
});
