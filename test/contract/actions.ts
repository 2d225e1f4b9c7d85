import { describe, expect, test } from 'vitest';
import type { ActionOutcome, Channel, OversoldOrder } from '../../src/channels/channel.ts';
import { type Bench, benches, calm, type MakeBench, need } from './bench.ts';

/** Holding and cancelling orders that cannot be filled. */
export function actionSuite(make: MakeBench): void {
  for (const verb of ['hold', 'cancel'] as const) actionGroup(make, verb);

  describe('a held order', () => {
    const open = benches(make);

    test('can still be cancelled', async (context) => {
      const bench = await open();
      const hold = need(context, bench.channel.hold, 'the platform holds no orders');
      const cancel = need(context, bench.channel.cancel, 'the platform cancels no orders for others');
      const order = await oversold(bench);
      expect(await hold.call(bench.channel, { ...order, key: 'h' }, calm)).toMatchObject({ kind: 'done' });
      expect(await cancel.call(bench.channel, { ...order, key: 'c' }, calm)).toMatchObject({ kind: 'done' });
      expect(numbersAfter(bench, 'cancel')).toContain(bench.shown('SKU-001'));
    });
  });
}

/** What may be shown of ten pieces once an order of three was held or cancelled. */
function numbersAfter(bench: Bench, verb: 'hold' | 'cancel'): number[] {
  if (verb === 'hold') return [7];
  // Where the platform does not promise to give the units back, it may do so or not.
  return bench.channel.capabilities.restoresOnCancel ? [10] : [7, 10];
}

function actionGroup(make: MakeBench, verb: 'hold' | 'cancel'): void {
  describe(`to ${verb} an order`, () => {
    const open = benches(make);
    const absent = `the platform does not ${verb} orders for others`;
    const run = (channel: Channel, order: OversoldOrder): Promise<ActionOutcome> => {
      const act = channel[verb];
      if (act === undefined) throw new Error(absent);
      return act.call(channel, order, calm);
    };

    test('twice does it once', async (context) => {
      const bench = await open();
      need(context, bench.channel[verb], absent);
      const order = await oversold(bench);
      const first = await run(bench.channel, order);
      expect(first).toMatchObject({ kind: 'done' });
      if (first.kind === 'done') expect(first.detail).toMatch(/\w+/);
      const after = await stateOf(bench, order);
      expect(after.status).toMatch(verb === 'cancel' ? /^cancelled$/ : /^on.hold$/);
      expect(numbersAfter(bench, verb)).toContain(after.shown);
      expect(after.taken).toBe(verb === 'cancel' ? 0 : 3);
      expect(await run(bench.channel, order)).toMatchObject({ kind: 'done' });
      expect(await stateOf(bench, order)).toEqual(after);
      expect(await run(bench.open(), order)).toMatchObject({ kind: 'done' });
      expect(await stateOf(bench, order)).toEqual(after);
    });

    test('twice at the same moment does not move stock twice', async (context) => {
      const bench = await open();
      need(context, bench.channel[verb], absent);
      const order = await oversold(bench);
      const outcomes = await Promise.all([run(bench.channel, order), run(bench.channel, order)]);
      for (const { kind } of outcomes) expect(['done', 'refused', 'retry']).toContain(kind);
      expect(outcomes.map(({ kind }) => kind)).toContain('done');
      expect(numbersAfter(bench, verb)).toContain((await stateOf(bench, order)).shown);
    });

    test('that was shipped is refused in words, and it stays as it is', async (context) => {
      const bench = await open();
      need(context, bench.channel[verb], absent);
      const order = await oversold(bench);
      bench.shop.ship({ order_id: order.shopId });
      const before = await stateOf(bench, order);
      const outcome = await run(bench.channel, order);
      expect(outcome).toMatchObject({ kind: 'refused' });
      if (outcome.kind === 'refused') expect(outcome.error).toMatch(/\w+ \w+/);
      expect(await stateOf(bench, order)).toEqual(before);
    });

    test('that does not exist is refused', async (context) => {
      const bench = await open();
      need(context, bench.channel[verb], absent);
      const order = await oversold(bench);
      const nowhere = order.orderId.replace(/\d+$/, (digits) => '9'.repeat(digits.length + 1));
      expect(await run(bench.channel, { ...order, orderId: nowhere })).toMatchObject({ kind: 'refused' });
    });

    test.each([
      ['auth', ['auth']],
      ['throttle', ['retry']],
      ['error_500', ['retry']],
      ['timeout', ['retry']],
    ])('under the fault %s answers what kind of failure it is and does nothing', async (fault, kinds) => {
      const bench = await open();
      if (bench.channel[verb] === undefined) return;
      const order = await oversold(bench);
      const [before] = bench.shop.records().orders;
      bench.shop.fault({ name: fault, count: 1 });
      const outcome = await run(bench.channel, order);
      expect(kinds).toContain(outcome.kind);
      if ('error' in outcome) expect(outcome.error).not.toBe('');
      bench.assertSecretFree(outcome);
      await bench.settle();
      expect(bench.shop.records().orders).toEqual([before]);
      expect(bench.shown('SKU-001')).toBe(7);
    });

    test('with wrong credentials is auth, without the secret', async (context) => {
      const bench = await open();
      need(context, bench.channel[verb], absent);
      const key = need(context, bench.keys.credential, 'the platform knows no credentials');
      const order = await oversold(bench);
      const outcome = await run(bench.open({ [key]: `${String(bench.own[key])}-wrong` }), order);
      expect(outcome).toMatchObject({ kind: 'auth' });
      bench.assertSecretFree(outcome);
    });
  });
}

/** An order of three SKU-001 of which one is short, as the engine names it. */
async function oversold(bench: Bench): Promise<OversoldOrder & { shopId: string }> {
  const sold = bench.sell(['SKU-001', 3]);
  const { orderId, lines } = await bench.fetchOrder(sold.orderId);
  const short = lines.map(({ lineKey, channelSku }) => ({ lineKey, channelSku, shortfall: 1 }));
  return { orderId, lines: short, key: 'a key of this order and action', shopId: sold.orderId };
}

async function stateOf(bench: Bench, order: OversoldOrder) {
  await bench.settle();
  const { cancelled, lines } = await bench.fetchOrder(order.orderId);
  const [record] = bench.shop.records().orders;
  return {
    status: record?.status ?? '',
    cancelled,
    taken: lines.reduce((sum, line) => sum + line.taken, 0),
    gone: lines.reduce((sum, line) => sum + line.gone, 0),
    shown: bench.shown('SKU-001'),
    record: record?.lines,
  };
}
