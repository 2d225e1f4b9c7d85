import { describe, expect, type TestContext, test } from 'vitest';
import type { Webhooks } from '../../src/channels/channel.ts';
import { type Bench, benches, calm, type MakeBench, need } from './bench.ts';

/** Registering at the platform, and keeping it registered. */
export function webhookSuite(make: MakeBench): void {
  describe('webhooks', () => {
    const open = benches(make);

    test('are none of ours at first; registering makes active ones at the address, marks them and says so', async (context) => {
      const { bench, webhooks } = await start(open, context);
      expect((await webhooks.list(calm)).filter((state) => state.ours)).toEqual([]);
      // Who needs no address has a queue to pull.
      if (webhooks.needsUrl === false) expect(bench.channel.listen).toBeDefined();
      expect(webhooks.byHand === true).toBe(bench.byHand !== undefined);
      const report = await webhooks.ensure(bench.address, calm);
      expect(report.changes.length).toBeGreaterThan(0);
      for (const change of report.changes) expect(change).toMatch(/\w+ \w+/);
      const listed = await webhooks.list(calm);
      expect(listed).toEqual(report.webhooks);
      expect(listed.length).toBeGreaterThan(0);
      for (const state of listed) {
        expect(state).toMatchObject({ status: 'active', ours: true });
        if (webhooks.needsUrl !== false) expect(state.url.startsWith(bench.listener.url)).toBe(true);
      }
      expect(new Set(listed.map((state) => state.id)).size).toBe(listed.length);
      expect(new Set(listed.map((state) => state.topic)).size).toBe(listed.length);
      bench.assertSecretFree(report);
    });

    test('are left alone by registering again, also by another process', async (context) => {
      const { bench, webhooks } = await start(open, context);
      const first = await webhooks.ensure(bench.address, calm);
      const second = await webhooks.ensure(bench.address, calm);
      expect(second).toEqual({ webhooks: first.webhooks, changes: [] });
      const other = need(context, bench.open().webhooks, 'no webhooks');
      expect(await other.ensure(bench.address, calm)).toEqual(second);
      const { orderId } = bench.sell(['SKU-001', 1]);
      const deliveries = await bench.deliveries();
      expect(deliveries.length).toBeGreaterThan(0);
      expect(bench.shop.records().orders.map((order) => order.order_id)).toEqual([orderId]);
    });

    test('move to a new address whole, and nothing goes to the old one', async (context) => {
      const { bench, webhooks } = await start(open, context);
      callsAddresses(webhooks, context);
      await webhooks.ensure(`${bench.listener.url}-old`, calm);
      const { webhooks: states, changes } = await webhooks.ensure(bench.address, calm);
      expect(changes.length).toBeGreaterThan(0);
      expect(new Set(states.map((state) => state.topic)).size).toBe(states.length);
      expect((await webhooks.ensure(bench.address, calm)).changes).toEqual([]);
      bench.listener.clear();
      bench.sell(['SKU-001', 1]);
      await bench.settle();
      expect(bench.listener.got.length).toBeGreaterThan(0);
      expect(new Set(bench.listener.got.map((request) => request.path))).toEqual(new Set(['/s3gment']));
    });

    test('that the platform gave up are mended, and the report says so', async (context) => {
      const { bench, webhooks } = await start(open, context);
      callsAddresses(webhooks, context);
      need(context, bench.neverGivesUp === undefined ? true : { lacking: bench.neverGivesUp }, '');
      bench.listener.status = 500;
      const whole = (await webhooks.ensure(bench.address, calm)).webhooks.length;
      for (let orders = 0; orders < 20 && (await active(webhooks)) === whole; orders += 1) {
        bench.sell(['SKU-001', 1]);
        bench.shop.set({ sku: 'SKU-001', quantity: 10 });
        await bench.settle();
      }
      expect(await active(webhooks)).toBeLessThan(whole);
      bench.listener.status = 200;
      const mended = await webhooks.ensure(bench.address, calm);
      expect(mended.changes.length).toBeGreaterThan(0);
      for (const change of mended.changes) expect(change).toMatch(/\w+ \w+/);
      expect(await active(webhooks)).toBe(whole);
      expect((await webhooks.ensure(bench.address, calm)).changes).toEqual([]);
      bench.listener.clear();
      bench.sell(['SKU-002', 1]);
      expect((await bench.deliveries()).length).toBeGreaterThan(0);
    });

    test('are taken back without a trace, twice without harm', async (context) => {
      const { bench, webhooks } = await start(open, context);
      const { webhooks: states } = await webhooks.ensure(bench.address, calm);
      expect((await webhooks.remove(calm)).length).toBe(states.length);
      expect((await webhooks.list(calm)).filter((state) => state.ours)).toEqual([]);
      expect(await webhooks.remove(calm)).toEqual([]);
      bench.listener.clear();
      bench.sell(['SKU-001', 1]);
      expect(await bench.deliveries()).toEqual([]);
      expect(bench.listener.got).toEqual([]);
    });

    test('of somebody else are listed, marked as theirs, and touched by nothing', async (context) => {
      const { bench, webhooks } = await start(open, context);
      const register = need(context, bench.foreignWebhook, 'the platform knows one address only');
      await register('http://127.0.0.1:9/their/address');
      const theirs = await webhooks.list(calm);
      expect(theirs).toMatchObject([{ ours: false, url: 'http://127.0.0.1:9/their/address' }]);
      const { webhooks: all } = await webhooks.ensure(bench.address, calm);
      expect(all.filter((state) => !state.ours)).toEqual(theirs);
      await webhooks.remove(calm);
      expect(await webhooks.list(calm)).toEqual(theirs);
    });
  });
}

async function start(
  open: ReturnType<typeof benches>,
  context: TestContext,
): Promise<{ bench: Bench; webhooks: Webhooks }> {
  const bench = await open();
  return { bench, webhooks: need(context, bench.channel.webhooks, 'the platform pushes nothing') };
}

function callsAddresses(webhooks: Webhooks, context: TestContext): void {
  const calls = webhooks.needsUrl !== false;
  need(context, calls ? true : null, 'the platform fills a queue and calls no address');
}

async function active(webhooks: Webhooks): Promise<number> {
  return (await webhooks.list(calm)).filter((state) => state.ours && state.status === 'active').length;
}
