import { describe, expect, test } from 'vitest';
import { importCatalogue } from '../../../src/sync/account/catalogue.ts';
import { createGuardWatch } from '../../../src/sync/reconcile/guard.ts';
import { makeOutbound, type Outbound } from '../outbound-world.ts';

let world: Outbound;

const calm = new AbortController().signal;
const hour = 3_600_000;
const heldReason = async () => (await world.store.channels.list())[0]?.heldReason ?? null;

describe('a catalogue that has really shrunk', () => {
  test('is taken as it is once a person has said so, and holds nothing back from then on', async () => {
    world = await makeOutbound({ shop: {} });
    const skus = Array.from({ length: 40 }, (_, index) => `S${index}`);
    for (const sku of skus) await world.stock(sku, 5);
    await world.reconcile();
    for (const sku of skus.slice(27)) world.platform('shop').unlist(sku);
    const before = await importCatalogue(world.engine, world.live('shop'), () => undefined, calm);
    expect(before.warnings).toHaveLength(1);
    world.clock.jump(hour);
    expect((await world.reconcile()).braked).toEqual(['shop']);
    expect(await heldReason()).toContain('invsync reconcile --channel shop --over-brake');

    expect((await world.reconcile({ overBrake: true })).braked).toEqual([]);
    world.clock.jump(hour);
    const run = await world.reconcile();
    expect(run.braked).toEqual([]);
    expect(run.report.counts).toMatchObject({ listings: 27 });
    expect(await heldReason()).toBeNull();
    await world.change('S0', 'adjust', -5);
    expect(await world.shownAfterPush('shop', 'S0')).toBe(0);
    const after = await importCatalogue(world.engine, world.live('shop'), () => undefined, calm);
    expect(after.warnings).toEqual([]);
  });

  test('takes a listing back that is there again under its old id', async () => {
    world = await makeOutbound({ shop: {} });
    for (const sku of ['A', 'B']) await world.stock(sku, 5);
    await world.reconcile();
    world.platform('shop').unlist('B');
    await world.store.listings.gone(world.live('shop').id, ['B']);
    expect((await world.reconcile()).report.lines.map((line) => line.sku)).toEqual(['A']);
    world.platform('shop').list({ sku: 'B', shown: 9 });
    await world.reconcile();
    expect(world.platform('shop').shown('B')).toBe(5);
  });

  test('is not short because products are no longer tracked: they are there', async () => {
    world = await makeOutbound({ shop: {} });
    const skus = Array.from({ length: 40 }, (_, index) => `S${index}`);
    for (const sku of skus) await world.stock(sku, 5);
    await world.reconcile();
    const live = world.live('shop');
    const readStock = live.channel.readStock.bind(live.channel);
    live.channel.readStock = async (listings, signal) =>
      (await readStock(listings, signal)).map((reading, index) =>
        index < 13 ? { ...reading, shown: null, state: 'untracked' as const } : reading,
      );
    world.clock.jump(hour);
    expect((await world.reconcile()).braked).toEqual([]);
  });
});

describe('what a guard holds', () => {
  const emptied = async (): Promise<string[]> => {
    world = await makeOutbound({ shop: {} });
    const skus = Array.from({ length: 12 }, (_, index) => `S${index}`);
    for (const sku of skus) await world.stock(sku, 5);
    await world.reconcile();
    world.clock.jump(hour);
    await world.pull('shop');
    for (const sku of skus.slice(1)) world.platform('shop').unlist(sku);
    await world.reconcile();
    expect(await heldReason()).not.toBeNull();
    return skus;
  };
  const backAgain = (skus: string[]) => {
    for (const sku of skus.slice(1)) world.platform('shop').list({ sku, shown: 5 });
  };

  test('is looked at again by itself, so that a sale elsewhere lowers the shop as soon as it is whole', async () => {
    const skus = await emptied();
    const guard = createGuardWatch(world.engine, { pusher: world.pusher });
    world.engine.wakes.onPush(() => guard.wake());
    guard.start();
    await world.clock.advance(1_000);
    expect(await heldReason()).not.toBeNull();
    backAgain(skus);
    await world.clock.advance(3_000);
    await world.change('S0', 'adjust', -5);
    world.engine.wakes.push(null);
    await world.clock.advance(1_000);
    expect(await heldReason()).toBeNull();
    expect(await world.shownAfterPush('shop', 'S0')).toBe(0);
    const stopped = guard.stop();
    await world.clock.advance(30_000);
    await stopped;
  });

  test('is looked at with growing rests', async () => {
    await emptied();
    let looks = 0;
    const live = world.live('shop');
    const identity = live.channel.identity.bind(live.channel);
    live.channel.identity = async (signal) => {
      looks += 1;
      return identity(signal);
    };
    const guard = createGuardWatch(world.engine, { pusher: world.pusher });
    guard.start();
    for (let second = 0; second < 120; second += 1) await world.clock.advance(1_000);
    expect(looks).toBeGreaterThan(3);
    expect(looks).toBeLessThan(8);
    const stopped = guard.stop();
    await world.clock.advance(30_000);
    await stopped;
  });
});

describe('a listing that is gone', () => {
  test('no longer binds the number that it shared with another', async () => {
    world = await makeOutbound({ shop: {} });
    await world.stock('A', 5);
    await world.stock('B', 2);
    const by = { by: 'test', reason: null };
    const now = world.clock.now();
    const shared = {
      counterKey: 'A',
      title: '',
      aliases: [],
      unwritable: null,
      ambiguous: false,
      shown: null,
      facts: null,
    };
    await world.store.listings.upsert(
      world.live('shop').id,
      [{ ...shared, listingId: 'A2', channelSku: 'B' }],
      now,
    );
    const row = await world.store.listings.find('shop', 'A2');
    if (row === null || row === 'ambiguous') throw new Error('no listing');
    await world.store.listings.map(row.id, [{ sku: 'B', units: 1 }], by, now);
    expect(await world.counter('shop', 'A')).toMatchObject({ target: { quantity: 2 } });
    const { version } = await world.counter('shop', 'A');
    await world.store.listings.gone(world.live('shop').id, ['A2']);
    const after = await world.counter('shop', 'A');
    expect(after).toMatchObject({ target: { quantity: 5 } });
    expect(after.version).toBeGreaterThan(version);
  });
});
