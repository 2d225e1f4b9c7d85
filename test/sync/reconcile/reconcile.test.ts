import { describe, expect, test } from 'vitest';
import type { MemoryOrder } from '../../../src/channels/memory/state.ts';
import { lastRun, planFromJson } from '../../../src/sync/plan.ts';
import { exitCodeOf } from '../../../src/sync/reconcile/result.ts';
import { makeOutbound, type Outbound } from '../outbound-world.ts';

let world: Outbound;

function sold(order: MemoryOrder | null): MemoryOrder {
  if (order === null) throw new Error('the shop did not sell');
  return order;
}

const one = (sku: string, quantity = 1) => ({ lines: [{ ref: sku, quantity }] });
const pushes = (channel: string) =>
  world
    .platform(channel)
    .writes()
    .filter((write) => write.key !== 'hand');
const plain = { exitCode: false, dryRun: false };
const strict = { exitCode: true, dryRun: false };

async function shopOf(
  count: number,
  options: Parameters<typeof makeOutbound>[0] = { shop: {} },
): Promise<string[]> {
  world = await makeOutbound(options);
  const skus = Array.from({ length: count }, (_, index) => `S${index}`);
  for (const sku of skus) await world.stock(sku, 5);
  await world.reconcile();
  world.clock.jump(600_000);
  return skus;
}

describe('a run', () => {
  test('lowers a number that is too high at once, and a second run finds nothing to do', async () => {
    await shopOf(3);
    world.platform('shop').set('S1', 9);
    const first = await world.reconcile();
    expect(first.report.lines.find((line) => line.listing_id === 'S1')).toMatchObject({
      cause: 'foreign edit',
      shown: 9,
      expected: [5, 5],
      target: 5,
      action: 'lower',
      done: true,
      sku: 'S1',
    });
    expect(world.platform('shop').shown('S1')).toBe(5);
    expect(exitCodeOf(first, plain)).toBe(0);
    expect(exitCodeOf(first, strict)).toBe(8);
    const second = await world.reconcile();
    expect(second.report.lines.every((line) => line.action === 'none')).toBe(true);
    expect(second.report.counts).toMatchObject({ listings: 3, in_sync: 3, none: 3, lower: 0 });
    expect(exitCodeOf(second, strict)).toBe(0);
  });

  test('takes in a sale whose webhook never came and lowers the other channels', async () => {
    await shopOf(2, { shop: {}, amazon: {} });
    const order = sold(world.platform('shop').sell(one('S0', 2)));
    world.clock.jump(1_000);
    const run = await world.reconcile();
    expect(world.platform('amazon').shown('S0')).toBe(3);
    const amazon = run.report.lines.find((line) => line.channel === 'amazon' && line.sku === 'S0');
    expect(amazon).toMatchObject({
      cause: 'missed sale',
      orders: [order.id],
      shown: 5,
      target: 3,
      action: 'lower',
    });
    expect(pushes('shop')).toEqual([]);
  });

  test('of one SKU touches only that SKU', async () => {
    await shopOf(2);
    world.platform('shop').set('S0', 9);
    world.platform('shop').set('S1', 9);
    const run = await world.reconcile({ skus: ['S0'] });
    expect(run.report.lines.map((line) => line.sku)).toEqual(['S0']);
    expect(world.platform('shop').shown('S0')).toBe(5);
    expect(world.platform('shop').shown('S1')).toBe(9);
  });

  test('says that a deleted listing is not listed, and null is not 0', async () => {
    await shopOf(2);
    world.platform('shop').unlist('S0');
    const run = await world.reconcile();
    expect(run.report.lines[0]).toMatchObject({ cause: 'not listed', action: 'none', shown: null });
    expect(exitCodeOf(run, strict)).toBe(0);
  });

  test('goes on with the next channel when one cannot be reached', async () => {
    await shopOf(2, { shop: {}, amazon: {} });
    world.platform('shop').faults.arm('error', { on: 'any', count: null });
    world.platform('amazon').set('S0', 9);
    const run = await world.reconcile();
    expect(run.failed).toMatchObject([{ channel: 'shop', kind: 'temporary' }]);
    expect(world.platform('amazon').shown('S0')).toBe(5);
    expect(exitCodeOf(run, plain)).toBe(3);
  });

  test('ends with 5 when all failed for a passing reason, and with 6 when credentials were refused', async () => {
    await shopOf(1);
    world.platform('shop').faults.arm('error', { on: 'any', count: null });
    expect(exitCodeOf(await world.reconcile(), plain)).toBe(5);
    world.platform('shop').faults.clear();
    world.platform('shop').faults.arm('auth', { on: 'any', count: null });
    expect(exitCodeOf(await world.reconcile(), plain)).toBe(6);
  });

  test('sets the master on a first start, up and down, from the numbers it has read', async () => {
    world = await makeOutbound({ shop: {}, amazon: {} });
    await world.stock('A', 5, 9);
    await world.stock('B', 5, 2);
    expect(await world.store.duties.lastRun()).toBeNull();
    const run = await world.reconcile();
    expect(run.report.lines.map((line) => [line.sku, line.action, line.done])).toEqual([
      ['A', 'lower', true],
      ['B', 'raise', true],
      ['A', 'lower', true],
      ['B', 'raise', true],
    ]);
    for (const name of ['shop', 'amazon'])
      for (const sku of ['A', 'B']) expect(world.platform(name).shown(sku)).toBe(5);
  });

  test('keeps what it found until the next one, the worst first, under the id that it prints', async () => {
    await shopOf(3);
    world.platform('shop').set('S0', 6);
    world.platform('shop').set('S1', 9);
    const run = await world.reconcile();
    await world.reconcile({ skus: ['S0'] });
    await world.reconcile({ dryRun: true });
    const kept = await world.store.duties.lastRun();
    expect(kept?.id).toBe(run.report.plan_id);
    const found = lastRun.parse(kept?.body);
    expect(found.lines.map((line) => [line.sku, line.action, line.done])).toEqual([
      ['S1', 'lower', true],
      ['S0', 'lower', true],
    ]);
    expect(found).toMatchObject({
      passed: ['shop'],
      failed: [],
      omitted: 0,
      counts: { listings: 3, lower: 2 },
    });
    world.platform('shop').faults.arm('error', { on: 'any', count: null });
    await world.reconcile();
    const next = lastRun.parse((await world.store.duties.lastRun())?.body);
    expect(next).toMatchObject({ passed: [], failed: [{ channel: 'shop' }], lines: [] });
    expect(await world.store.duties.plan(run.report.plan_id)).toBeNull();
  });

  test('calls a write that never took hold a lost push', async () => {
    await shopOf(1, { shop: { answers: 'accepted', capabilities: { compareAndSet: 'none' } } });
    await world.change('S0', 'adjust', -2);
    await world.push();
    world.platform('shop').set('S0', 5);
    world.clock.jump(60_000);
    const run = await world.reconcile();
    expect(run.report.lines).toMatchObject([
      { cause: 'lost push', shown: 5, target: 3, action: 'lower', done: true },
    ]);
  });
});

describe('brakes', () => {
  test('hold unexplained raises and zeros as a plan with an id, while lowering goes on', async () => {
    const skus = await shopOf(30);
    for (const sku of skus.slice(0, 12)) world.platform('shop').set(sku, 9);
    for (const sku of skus.slice(12, 14)) await world.change(sku, 'adjust', -5);
    for (const sku of skus.slice(12, 14)) world.platform('shop').set(sku, 7);
    const run = await world.reconcile();
    expect(run.braked).toEqual(['shop']);
    expect(exitCodeOf(run, plain)).toBe(4);
    for (const sku of skus.slice(0, 12)) expect(world.platform('shop').shown(sku)).toBe(5);
    for (const sku of skus.slice(12, 14)) expect(world.platform('shop').shown(sku)).toBe(7);
    const saved = await world.store.duties.plan(run.report.plan_id);
    const plan = planFromJson(saved?.body);
    expect(plan.lines.map((line) => line.sku).sort()).toEqual(skus.slice(12, 14));
    expect((await world.store.channels.list())[0]?.brakePlan).toBe(run.report.plan_id);
    expect(
      (await world.store.duties.alerts(true, 10)).filter((alert) => alert.kind === 'brake'),
    ).toHaveLength(1);

    await world.change('S20', 'receive', 3);
    expect(await world.shownAfterPush('shop', 'S20')).toBe(5);

    const applied = await world.reconcile({ plan, overBrake: true });
    expect(applied.report.lines.every((line) => line.done)).toBe(true);
    for (const sku of skus.slice(12, 14)) expect(world.platform('shop').shown(sku)).toBe(0);
    expect((await world.store.channels.list())[0]?.brakePlan).toBeNull();
    await world.pullAfter(120_000);
    expect(await world.shownAfterPush('shop', 'S20')).toBe(8);
  });

  test('never close over what recorded sales explain', async () => {
    const skus = await shopOf(20, { shop: {}, amazon: {} });
    for (const sku of skus) world.platform('shop').sell(one(sku, 5));
    world.clock.jump(1_000);
    const run = await world.reconcile();
    expect(run.braked).toEqual([]);
    for (const sku of skus) expect(world.platform('amazon').shown(sku)).toBe(0);
  });

  test('never close over a few listings of a small shop', async () => {
    const skus = await shopOf(12);
    for (const sku of skus.slice(0, 3)) world.platform('shop').set(sku, 9);
    const run = await world.reconcile();
    expect(run.braked).toEqual([]);
    for (const sku of skus) expect(world.platform('shop').shown(sku)).toBe(5);
  });

  test('hold a first take-over that would move most of a shop, but not what it lowers', async () => {
    world = await makeOutbound({ shop: {} });
    for (let index = 0; index < 12; index += 1) await world.stock(`S${index}`, 5, index < 6 ? 9 : 1);
    const run = await world.reconcile();
    expect(exitCodeOf(run, plain)).toBe(4);
    expect(world.platform('shop').shown('S0')).toBe(5);
    expect(world.platform('shop').shown('S11')).toBe(1);
    const saved = planFromJson((await world.store.duties.plan(run.report.plan_id))?.body);
    const applied = await world.reconcile({ plan: saved, overBrake: true });
    expect(exitCodeOf(applied, plain)).toBe(0);
    expect(world.platform('shop').shown('S11')).toBe(5);
  });

  test('an emptied catalogue holds every write to that channel until it is whole again', async () => {
    const skus = await shopOf(12);
    for (const sku of skus.slice(1)) world.platform('shop').unlist(sku);
    world.platform('shop').set('S0', 9);
    const run = await world.reconcile();
    expect(exitCodeOf(run, plain)).toBe(4);
    expect(world.platform('shop').shown('S0')).toBe(9);
    await world.change('S0', 'adjust', -5);
    expect(await world.shownAfterPush('shop', 'S0')).toBe(9);
    for (const sku of skus.slice(1)) world.platform('shop').list({ sku, shown: 5 });
    await world.reconcile();
    expect(world.platform('shop').shown('S0')).toBe(0);
  });

  test('another account under the same credentials gets no write at all', async () => {
    await shopOf(2);
    const live = world.live('shop');
    const other = {
      ...live.channel,
      identity: async () => ({ accountId: 'somebody else', title: 'a clone' }),
    };
    live.channel = other;
    world.platform('shop').set('S0', 9);
    const run = await world.reconcile();
    expect(exitCodeOf(run, plain)).toBe(4);
    await world.change('S1', 'adjust', -5);
    await world.push();
    expect(pushes('shop')).toEqual([]);
  });
});
