import { describe, expect, test } from 'vitest';
import { makeSelling, type Outbound } from '../outbound-world.ts';

let world: Outbound;

const told = async () =>
  (await world.store.duties.alerts(true, 50))
    .filter(({ kind }) => kind === 'unexplained_rise')
    .map(({ subject, message }) => [subject, message] as const);

/** A world of one SKU that has been taken over; the channel's orders show at once. */
async function ready(): Promise<void> {
  world = await makeSelling({ shop: { capabilities: { orderLagMs: 60_000 } }, other: {} }, { A: 9 });
  await world.pullAfter(60_000);
}

const later = async (ms: number) => {
  await world.pullAfter(ms);
};

describe('a number that rose by itself', () => {
  test('is lowered at once and told when no order has explained it, with the command that books the goods', async () => {
    await ready();
    world.platform('shop').set('A', 10);
    await world.reconcile();
    expect(await world.shownAfterPush('shop', 'A')).toBe(9);
    await later(1_000);
    expect(await told()).toEqual([]);
    await later(120_000);
    const [[subject, message] = [], ...more] = await told();
    expect(more).toEqual([]);
    expect(subject).toBe('A');
    expect(message).toMatch(
      /^shop showed 10 of A where 9 was right.*lowered again.*invsync stock receive A 1$/,
    );
    await world.change('A', 'receive', 1);
    expect(await told()).toEqual([]);
    expect(await world.available('A')).toBe(10);
  });

  test('is told when goods of a shipped order are put back without a refund', async () => {
    await ready();
    const order = world.platform('shop').sell({ lines: [{ ref: 'A', quantity: 1 }] });
    if (order === null) throw new Error('not sold');
    world.platform('shop').ship(order.id);
    await world.hear('shop', order);
    await later(600_000);
    await world.reconcile();
    await world.push();
    expect([await world.available('A'), world.platform('shop').shown('A')]).toEqual([8, 8]);
    await later(600_000);
    world.platform('shop').set('A', 9);
    await world.reconcile();
    await world.push();
    await later(120_000);
    expect(world.platform('shop').shown('A')).toBe(8);
    expect((await told()).map(([, message]) => message)).toEqual([
      expect.stringMatching(/^shop showed 9 of A where 8 was right.*a return put back.*stock receive A 1$/),
    ]);
  });

  test('is told as well when a push met it', async () => {
    await ready();
    world.platform('shop').set('A', 12);
    await world.change('A', 'adjust', -1);
    expect(await world.shownAfterPush('shop', 'A')).toBe(8);
    await later(120_000);
    expect((await told()).map(([subject]) => subject)).toEqual(['A']);
  });

  test('is nothing to tell once a cancelled order explains it', async () => {
    await ready();
    const order = world.platform('shop').sell({ lines: [{ ref: 'A', quantity: 2 }] });
    if (order === null) throw new Error('not sold');
    await world.hear('shop', order);
    await world.push();
    world.platform('shop').cancel(order.id);
    await world.reconcile();
    await world.push();
    await later(120_000);
    await world.push();
    expect(await told()).toEqual([]);
    expect([world.platform('shop').shown('A'), world.platform('other').shown('A')]).toEqual([9, 9]);
  });
});
