import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { hour, type Kit, kitOn, noon, order } from '../contract/store/kit.ts';
import { sqliteBench } from './bench.ts';

type Bench = Awaited<ReturnType<typeof sqliteBench>>;

let bench: Bench;
let store: Store;
let kit: Kit;
let shop: number;

beforeEach(async () => {
  bench = await sqliteBench('caller', 'NORMAL');
  store = await bench.open();
  kit = kitOn(store);
  shop = await kit.channel('shop');
  await kit.listing(shop, 'TEE');
  await kit.count('TEE', 10);
  for (const n of [1, 2, 3]) await kit.apply(shop, order(`${n}`, noon + n * 1_000, [[`l${n}`, 'TEE', 1, 1]]));
  kit.moveTo(noon + hour);
});
afterEach(async () => {
  await store.close();
  await bench.remove();
});

/** Whoever reads these lines from now on fails. */
function spoil(...lineKeys: string[]): void {
  const db = new Database(join(bench.dataDir, 'invsync.db'));
  for (const key of lineKeys) db.prepare("update line set stages = 'spoilt' where line_key = ?").run(key);
  db.close();
}

describe('a count looks at what is in doubt', () => {
  test('does not read again what had left the shelf before the last count, on either basis', async () => {
    await kit.count('TEE', 7);
    spoil('l1', 'l2', 'l3');
    kit.moveTo(noon + 2 * hour);
    await kit.apply(shop, order('4', kit.now(), [['l4', 'TEE', 1]]));
    kit.moveTo(noon + 3 * hour);
    await kit.count('TEE', 7);
    expect(await kit.level('TEE')).toMatchObject({ onHand: 7, committed: 1, available: 6 });
    await kit.count('TEE', 5, { basis: 'free' });
    expect(await kit.level('TEE')).toMatchObject({ onHand: 6, committed: 1, available: 5 });
    expect(await store.stock.openLines('TEE', kit.now(), {})).toHaveLength(1);
  });

  test('of a time before the last count looks at every line', async () => {
    await kit.count('TEE', 7);
    await kit.count('TEE', 10, { asOf: noon + 2_500 });
    expect(await kit.level('TEE')).toMatchObject({ onHand: 9, available: 9 });
  });

  test('knows a line again that comes back after it had settled', async () => {
    await kit.count('TEE', 7);
    kit.moveTo(noon + 2 * hour);
    await kit.apply(shop, order('1', kit.now(), [['l1', 'TEE', 1, 0]]));
    expect(await kit.level('TEE')).toMatchObject({ onHand: 8, committed: 1, available: 7 });
    kit.moveTo(noon + 3 * hour);
    await kit.count('TEE', 7, { asOf: noon + 90 * 60_000 });
    expect(await kit.level('TEE')).toMatchObject({ onHand: 8, committed: 1, available: 7 });
    await kit.count('TEE', 0);
    expect(await kit.shortfalls()).toEqual({ l1: 1 });
  });
});
