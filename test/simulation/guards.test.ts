import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { MemoryOrder } from '../../src/channels/memory/state.ts';
import { classify } from '../../src/stock/classify.ts';
import { beginTx, levelOf, moveLevel } from '../../src/store/sqlite/ledger.ts';
import { openForWriting } from '../../src/store/sqlite/open.ts';
import { createSku } from '../../src/store/sqlite/sku.ts';
import { makeSelling, type Outbound } from '../sync/outbound-world.ts';

let world: Outbound | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

describe('what the simulation alone would find only by luck', () => {
  test('a second decision on the same last piece is refused by the statement itself', () => {
    const folder = mkdtempSync(join(tmpdir(), 'invsync-guard-'));
    const db = openForWriting({ path: join(folder, 'invsync.db'), boot: 'b', randomHex: () => 'ab' });
    try {
      const skuId = createSku(db, 'A', 1);
      const tx = beginTx(db, 1);
      const sale = { kind: 'sale', occurredAt: 1 };
      moveLevel(tx, skuId, { onHand: 1, committed: 0, reserved: 0 }, { kind: 'receipt', occurredAt: 1 });
      const take = () => moveLevel(tx, skuId, { onHand: 0, committed: 1, reserved: 0 }, sale);
      expect(take()).toMatchObject({ after: 0 });
      expect(take()).toBeNull();
      expect(levelOf(db, skuId)).toMatchObject({ on_hand: 1, committed: 1, reserved: 0 });
    } finally {
      db.raw.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a number that an answered write has just replaced is no unexplained low until it has settled', () => {
    const read = (askedAt: number) =>
      classify(
        {
          listings: [{ mode: 'on', unwritable: null }],
          target: { kind: 'number', quantity: 9 },
          state: 'idle',
          unread: [],
          anchor: { number: 9, from: 1_000, until: 1_200 },
          previousNumber: 8,
          own: [],
          lowSince: null,
          lowNumber: null,
          doubt: null,
          lastRead: null,
        },
        { shown: 8, state: 'ok', detail: null, askedAt, answeredAt: askedAt },
        {
          range: { clockMarginMs: 0, restoresOnCancel: true, basis: 'net' },
          settleMs: 30_000,
          liveSince: 0,
          evidence: {
            pull: { complete: true, beganAt: askedAt - 1 },
            feeds: 'fresh',
            clouded: false,
            orderLagMs: 1_000,
            raiseAfterMs: 1_000,
            askedByPerson: false,
          },
          learned: 0,
        },
      );
    expect(read(15_000)).toMatchObject({ cause: 'in flight', action: 'wait', until: 31_200, low: null });
    expect(read(31_200)).toMatchObject({ cause: 'unexplained low', low: { since: 31_200, number: 8 } });
  });

  test('a failed compare that finds just the target remembers the unseen sale when the target rises', async () => {
    world = await makeSelling({ shop: {} }, { A: 6 });
    world.clock.jump(600_000);
    await world.pull('shop');
    const order: MemoryOrder | null = world.platform('shop').sell({ lines: [{ ref: 'A', quantity: 2 }] });
    await world.change('A', 'adjust', -2);
    expect(await world.shownAfterPush('shop', 'A')).toBe(4);
    world.clock.jump(10_000);
    await world.change('A', 'receive', 5);
    expect(await world.shownAfterPush('shop', 'A')).toBe(4);
    if (order === null) throw new Error('the shop did not sell');
    await world.hear('shop', order);
    world.clock.jump(60_000);
    await world.reconcile();
    expect(world.platform('shop').shown('A')).toBe(7);
  });
});
