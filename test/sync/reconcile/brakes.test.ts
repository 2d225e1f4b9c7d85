import { describe, expect, test } from 'vitest';
import { importCatalogue } from '../../../src/sync/account/catalogue.ts';
import { planFromJson } from '../../../src/sync/plan.ts';
import { configureWithin } from '../../../src/sync/reach.ts';
import { exitCodeOf } from '../../../src/sync/reconcile/result.ts';
import { type ChannelOptions, makeOutbound, type Outbound } from '../outbound-world.ts';

let world: Outbound;

const calm = new AbortController().signal;
const hour = 3_600_000;
const by = { by: 'test', reason: null };
const plain = { exitCode: false, dryRun: false };

async function shopOf(
  count: number,
  of: { books: number; shown?: number } & ChannelOptions,
): Promise<string[]> {
  const { books, shown, ...options } = of;
  world = await makeOutbound({ shop: options });
  const skus = Array.from({ length: count }, (_, index) => `S${index}`);
  for (const sku of skus) await world.stock(sku, books, shown);
  return skus;
}

const shown = (skus: readonly string[]) => skus.map((sku) => world.platform('shop').shown(sku));
const all = (skus: readonly string[], number: number) => skus.map(() => number);
const brakePlan = async () => (await world.store.channels.list())[0]?.brakePlan ?? null;
const openAlerts = async (kind: string) =>
  (await world.store.duties.alerts(true, 50)).filter((alert) => alert.kind === kind);

/** Everything that is no consent, each followed by what the daemon would do. */
const others: [string, () => Promise<unknown>][] = [
  ['the next run', () => world.reconcile()],
  ['a restart', () => world.reboot()],
  ['a run of one SKU', () => world.reconcile({ skus: ['S1'] })],
  ['a dry run', () => world.reconcile({ dryRun: true })],
  ['a retry by hand', () => world.store.outbox.retry({}, world.clock.now())],
  ['a receipt of another cause', () => world.change('S2', 'receive', 1)],
  [
    'a pause and its end',
    async () => {
      await world.store.channels.pause('shop', true, by, world.clock.now());
      await world.store.channels.pause('shop', false, by, world.clock.now());
    },
  ],
  [
    'a change of mode and back',
    async () => {
      await world.store.channels.setMode('shop', 'observe', by, world.clock.now());
      await world.reconcile();
      await world.store.channels.setMode('shop', 'live', by, world.clock.now());
    },
  ],
  ['the plan applied without its consent', () => world.reconcile({ plan: planFromJson(plan) })],
];
let plan: unknown;

async function liveThrough(): Promise<void> {
  for (const [, act] of others) {
    plan = (await world.store.duties.plan((await brakePlan()) ?? ''))?.body;
    await act();
    await world.pullAfter(hour);
    await world.reconcile();
    await world.push();
  }
}

describe('what a brake holds', () => {
  test('stays held after its proof, over runs, restarts, SKU runs, mode changes and pushes of other causes', async () => {
    const skus = await shopOf(40, { books: 10, capabilities: { orderLagMs: 60_000 } });
    await world.reconcile();
    world.clock.jump(hour);
    const edited = skus.slice(0, 30);
    for (const sku of edited) world.platform('shop').set(sku, 3);
    const waiting = await world.reconcile();
    expect(waiting.report.counts).toMatchObject({ wait: 30 });
    world.clock.jump(hour);
    const proved = await world.reconcile();
    expect(proved.report.counts).toMatchObject({ raise: 30 });
    expect(exitCodeOf(proved, plain)).toBe(4);

    await liveThrough();
    expect(shown(edited)).toEqual(all(edited, 3));
    const again = await world.reconcile();
    expect(again.report.lines[0]).toMatchObject({ shown: 3, explained: false, cause: 'unexplained low' });
    expect(exitCodeOf(again, plain)).toBe(4);
  });

  test('stays held where nothing was known of the numbers before', async () => {
    const skus = await shopOf(20, { books: 5, shown: 3 });
    await world.reconcile();
    await liveThrough();
    expect(shown(skus)).toEqual(all(skus, 3));
  });

  test('stays held as a zero that no sale explains', async () => {
    const skus = await shopOf(20, { books: 0, shown: 7 });
    await world.reconcile();
    for (let run = 0; run < 3; run += 1) {
      world.clock.jump(hour);
      await world.reconcile();
      await world.push();
    }
    expect(shown(skus)).toEqual(all(skus, 7));
  });

  test('stays held when somebody typed numbers into a shop whose books say zero', async () => {
    const skus = await shopOf(20, { books: 0 });
    await world.reconcile();
    world.clock.jump(hour);
    for (const sku of skus) world.platform('shop').set(sku, 4);
    for (let run = 0; run < 3; run += 1) {
      await world.reconcile();
      await world.push();
      world.clock.jump(hour);
    }
    expect(shown(skus)).toEqual(all(skus, 4));
  });

  test('stays held although most of what closed the brake was lowered in the same run', async () => {
    const skus = await shopOf(30, { books: 5 });
    await world.reconcile();
    world.clock.jump(hour);
    for (const sku of skus.slice(0, 12)) world.platform('shop').set(sku, 9);
    for (const sku of skus.slice(12, 14)) await world.change(sku, 'adjust', -5);
    for (const sku of skus.slice(12, 14)) world.platform('shop').set(sku, 7);
    await world.reconcile();
    for (let run = 0; run < 3; run += 1) {
      world.clock.jump(hour);
      await world.reconcile();
      await world.push();
    }
    expect(shown(skus.slice(0, 14))).toEqual([...all(skus.slice(0, 12), 5), 7, 7]);
  });

  test('is held also where a raise lacks nothing but fresh order feeds', async () => {
    const skus = await shopOf(20, { books: 5, shown: 3 });
    world.platform('shop').faults.arm('error', { on: 'orders', count: null });
    await world.reconcile();
    world.platform('shop').faults.clear();
    await world.pullAll();
    await world.push();
    expect(shown(skus)).toEqual(all(skus, 3));
    await world.reconcile();
    await world.push();
    expect(shown(skus)).toEqual(all(skus, 3));
    expect(await brakePlan()).not.toBeNull();
  });

  test('does not leave with a push that was decided just before the brake closed', async () => {
    await shopOf(1, { books: 5, shown: 3 });
    await world.reconcile({ dryRun: true });
    const view = await world.counter('shop', 'S0');
    await world.store.outbox.touch([view.counterId], world.clock.now(), world.clock.now());
    const { version, counterId, channelId } = await world.counter('shop', 'S0');
    const createdAt = world.clock.now();
    await world.store.outbox.brake(channelId, {
      hold: [{ counterId, target: 5, doubt: 'foreign edit' }],
      release: [],
      pass: [],
      plan: { id: 'p1', createdAt, body: {} },
    });
    const send = { quantity: 5, base: 3, key: 'k', sentAt: createdAt, deadline: createdAt + 1 };
    expect(
      await world.store.outbox.begin([{ kind: 'send', counterId, version, ...send }], createdAt),
    ).toEqual([]);
  });

  test('is held although its proofs come due one after the other', async () => {
    const skus = await shopOf(20, { books: 10, capabilities: { orderLagMs: 60_000 } });
    await world.reconcile();
    world.clock.jump(hour);
    for (const sku of skus) world.platform('shop').set(sku, 3);
    const live = world.live('shop');
    const readStock = live.channel.readStock.bind(live.channel);
    live.channel.readStock = async (listings, signal) => {
      const readings = await readStock(listings, signal);
      const from = world.clock.now();
      world.clock.jump(readings.length * 2_000);
      return readings.map((reading, index) => ({
        ...reading,
        askedAt: from + index * 2_000,
        answeredAt: from + index * 2_000,
      }));
    };
    await world.reconcile();
    live.channel.readStock = readStock;
    world.proofs.start();
    for (let second = 0; second < 150; second += 1) await world.clock.advance(1_000);
    await world.push();
    expect(shown(skus)).toEqual(all(skus, 3));
    expect(await brakePlan()).not.toBeNull();
    const stopped = world.proofs.stop();
    await world.clock.advance(30_000);
    await stopped;
  });

  test('lets recorded sales lower it to zero', async () => {
    const skus = await shopOf(20, { books: 5, shown: 3 });
    await world.reconcile();
    await world.change('S0', 'adjust', -5);
    expect(await world.shownAfterPush('shop', 'S0')).toBe(0);
    await world.reconcile();
    expect(shown(skus.slice(1))).toEqual(all(skus.slice(1), 3));
  });
});

describe('a brake ends', () => {
  test('with the consent of a person to its plan', async () => {
    const skus = await shopOf(20, { books: 5, shown: 3 });
    await world.reconcile();
    const id = (await brakePlan()) ?? '';
    const saved = planFromJson((await world.store.duties.plan(id))?.body);
    const applied = await world.reconcile({ plan: saved, overBrake: true });
    expect(exitCodeOf(applied, plain)).toBe(0);
    expect(shown(skus)).toEqual(all(skus, 5));
    expect(await brakePlan()).toBeNull();
    expect(await world.store.duties.plan(id)).toMatchObject({ state: 'applied' });
    expect(await openAlerts('brake')).toEqual([]);
  });

  test('for one SKU by the consent to that one, and holds the rest', async () => {
    const skus = await shopOf(20, { books: 5, shown: 3 });
    await world.reconcile();
    const id = await brakePlan();
    const run = await world.reconcile({ skus: ['S0'], overBrake: true });
    expect(run.report.lines).toMatchObject([{ sku: 'S0', done: true }]);
    expect(await brakePlan()).toBe(id);
    await liveThrough();
    expect(shown(skus)).toEqual([5, ...all(skus.slice(1), 3)]);
  });

  test('by itself when its cause is gone, and its plan and alert with it', async () => {
    const skus = await shopOf(20, { books: 5, shown: 3 });
    await world.reconcile();
    const id = (await brakePlan()) ?? '';
    expect(await openAlerts('brake')).toHaveLength(1);
    for (const sku of skus) world.platform('shop').set(sku, 5);
    world.clock.jump(hour);
    const run = await world.reconcile();
    expect(exitCodeOf(run, plain)).toBe(0);
    expect(await brakePlan()).toBeNull();
    expect(await world.store.duties.plan(id)).toMatchObject({ state: 'refused' });
    expect(await openAlerts('brake')).toEqual([]);
    await world.change('S0', 'receive', 1);
    expect(await world.shownAfterPush('shop', 'S0')).toBe(6);
  });

  test('before it began where the run has done all that it counted: raises go on', async () => {
    const skus = await shopOf(40, { books: 5 });
    await world.reconcile();
    world.clock.jump(hour);
    for (const sku of skus.slice(0, 30)) world.platform('shop').set(sku, 9);
    const run = await world.reconcile();
    expect(run.report.warnings.join()).toContain('30 of 40');
    expect(exitCodeOf(run, plain)).toBe(0);
    expect(await brakePlan()).toBeNull();
    expect(await openAlerts('brake')).toEqual([]);
    await world.change('S35', 'receive', 2);
    await world.push();
    expect(shown(skus)).toEqual(skus.map((sku) => (sku === 'S35' ? 7 : 5)));
  });

  test('keeps one open plan, however often it closes again, and that plan names what is held now', async () => {
    const skus = await shopOf(20, { books: 5, shown: 3 });
    const ids = new Set([(await world.reconcile()).report.plan_id]);
    for (let run = 0; run < 24; run += 1) {
      world.clock.jump(hour);
      if (run === 12) world.platform('shop').set('S0', 5);
      ids.add((await world.reconcile()).report.plan_id);
    }
    expect([...ids]).toEqual([await brakePlan()]);
    const [id] = ids;
    const saved = planFromJson((await world.store.duties.plan(id ?? ''))?.body);
    expect(saved.plan_id).toBe(id);
    expect(saved.lines.map((line) => line.sku)).toEqual(skus.slice(1));
  });
});

describe('a changed configuration', () => {
  const configured = async (buffer: number | null) => {
    const setup = world.live('shop').setup;
    return configureWithin(
      world.engine,
      { setups: [{ ...setup, offer: { ...setup.offer, buffer } }], textHash: undefined },
      { maxChange: 0.2, maxZero: 0.05 },
    );
  };
  const told = async () => {
    const [alert] = await openAlerts('brake');
    return alert?.message ?? '';
  };

  test('that would empty a shop empties nothing, over later runs, until a person lets it go', async () => {
    const skus = await shopOf(20, { books: 5 });
    await world.reconcile();
    world.clock.jump(hour);
    await configured(100);
    await world.push();
    expect(shown(skus)).toEqual(all(skus, 5));
    const id = (await brakePlan()) ?? '';
    expect(await told()).toContain(`invsync reconcile --apply ${id} --over-brake`);
    for (let run = 0; run < 3; run += 1) {
      world.clock.jump(hour);
      await world.reconcile();
      await world.push();
    }
    expect(shown(skus)).toEqual(all(skus, 5));
    expect(await brakePlan()).toBe(id);
    const saved = planFromJson((await world.store.duties.plan(id))?.body);
    expect(exitCodeOf(await world.reconcile({ plan: saved, overBrake: true }), plain)).toBe(0);
    expect(shown(skus)).toEqual(all(skus, 0));
    expect(await openAlerts('brake')).toEqual([]);
  });

  test('is over at once when the file is put right', async () => {
    const skus = await shopOf(20, { books: 5 });
    await world.reconcile();
    await configured(100);
    await configured(0);
    expect(await brakePlan()).toBeNull();
    expect(await openAlerts('brake')).toEqual([]);
    await world.change('S0', 'receive', 1);
    await world.push();
    expect(shown(skus)).toEqual([6, ...all(skus.slice(1), 5)]);
  });

  test('that lowers numbers without emptying anything leaves, and so does one of a few listings', async () => {
    const skus = await shopOf(20, { books: 5 });
    await world.reconcile();
    await configured(1);
    await world.push();
    expect(shown(skus)).toEqual(all(skus, 4));
    expect(await brakePlan()).toBeNull();
  });

  test('that would raise a shop raises nothing', async () => {
    const skus = await shopOf(20, { books: 5 });
    await configured(3);
    await world.reconcile();
    await configured(0);
    await world.push();
    expect(shown(skus)).toEqual(all(skus, 2));
    expect(await told()).toContain('the changed configuration');
  });
});

describe('mapping what a catalogue brought', () => {
  test('counts its sales, and moves no more numbers than a command may', async () => {
    const skus = await shopOf(2, { books: 5 });
    await world.reconcile();
    const found = Array.from({ length: 20 }, (_, index) => `N${index}`);
    for (const sku of found) await world.change(sku, 'count', 0);
    for (const sku of found) world.platform('shop').list({ sku, shown: 5 });
    const imported = await importCatalogue(world.engine, world.live('shop'), () => undefined, calm);
    expect(imported.mapped).toBe(20);
    for (let run = 0; run < 3; run += 1) {
      await world.push();
      await world.reconcile();
      world.clock.jump(hour);
    }
    expect(shown(found)).toEqual(all(found, 5));
    expect(shown(skus)).toEqual(all(skus, 5));
    expect(await openAlerts('brake')).toMatchObject([{ subject: 'shop' }]);
  });
});
