import { beforeEach, describe, expect, test } from 'vitest';
import { faultNames } from '../../../src/sandbox/flipkart/faults.ts';
import { createFlipkartShop } from '../../../src/sandbox/flipkart/index.ts';
import { sharedFaults } from '../../../src/sandbox/kit/faults.ts';
import { createRandom } from '../../../src/sandbox/kit/random.ts';
import { createShoppers } from '../../../src/sandbox/shoppers.ts';
import { type Loose, sell, shown } from '../../kit/shop-stage.ts';
import { catalogue, type Stage, startBoth, startShop, tokenCall, write } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
  await stage.token();
});
const read = () => stage.call('GET', '/listings/v3/SKU-001');
const set = async (quantity: number) => write(stage, { 'SKU-001': rowOf(await read(), quantity) });
const writes = () => stage.shop.records().calls.filter((call) => call.kind === 'write');
/** The row must be known before the fault is armed. */
const rowOf = (answer: { json: Loose }, inventory: number) => ({
  product_id: answer.json.available['SKU-001'].product_id,
  locations: [{ id: stage.location, inventory }],
});
const struck = async (name: string, quantity: number, ms?: number) => {
  const body = { 'SKU-001': rowOf(await read(), quantity) };
  stage.once(name, ms);
  return write(stage, body).then(
    (answer) => answer.status,
    () => 'cut',
  );
};

describe('weather over writes', () => {
  test.each([
    ['timeout', 'cut'],
    ['error_500', 500],
    ['error_503', 503],
    ['throttle', 429],
    ['auth', 401],
    ['token_expiry', 401],
    ['forbidden', 403],
  ])('%s leaves the number as it was', async (name, status) => {
    expect(await struck(name, 3)).toBe(status);
    expect([shown(stage, 'SKU-001'), writes()]).toEqual([10, []]);
  });

  test('apply_then_timeout and error_500_after change it and do not say so', async () => {
    expect(await struck('apply_then_timeout', 3)).toBe('cut');
    expect(shown(stage, 'SKU-001')).toBe(3);
    expect(await struck('error_500_after', 4)).toBe(500);
    expect(shown(stage, 'SKU-001')).toBe(4);
    expect(writes().map((call) => [call.to, call.applied, call.answered])).toEqual([
      [3, true, false],
      [4, true, false],
    ]);
  });

  test('late_apply obeys long after the caller hung up, over newer numbers too', async () => {
    expect(await struck('late_apply', 3, 60_000)).toBe('cut');
    expect(shown(stage, 'SKU-001')).toBe(10);
    await set(7);
    expect([shown(stage, 'SKU-001'), stage.shop.pending()]).toEqual([7, 1]);
    await stage.shop.settle();
    expect([shown(stage, 'SKU-001'), stage.shop.pending()]).toEqual([3, 0]);
  });

  test('sale_before_write slips a sale in between, which the write wipes out', async () => {
    expect(await struck('sale_before_write', 10)).toBe(200);
    expect(shown(stage, 'SKU-001')).toBe(10);
    expect(stage.shop.records().orders[0]?.lines).toMatchObject([{ sku: 'SKU-001', taken: 1 }]);
    expect(writes()[0]).toMatchObject({ from: 9, to: 10 });
  });

  test('error_499 says that time ran out, whether the write was obeyed or not', async () => {
    const seen = new Set<boolean>();
    for (let turn = 0; turn < 12; turn += 1) {
      stage.shop.set({ sku: 'SKU-001', quantity: 10 });
      expect(await struck('error_499', 3)).toBe(499);
      seen.add(shown(stage, 'SKU-001') === 3);
    }
    expect(seen).toEqual(new Set([true, false]));
  });

  test('html is a page under 200 or 503, and nothing is done', async () => {
    const statuses = new Set<number>();
    for (let turn = 0; turn < 12; turn += 1) {
      const body = { 'SKU-001': rowOf(await read(), 3) };
      stage.once('html');
      const answer = await write(stage, body);
      statuses.add(answer.status);
      expect(answer.headers['content-type']).toMatch(/^text\/html/);
    }
    expect([shown(stage, 'SKU-001'), statuses]).toEqual([10, new Set([200, 503])]);
  });

  test('does not strike reads with what is meant for writes', async () => {
    for (const name of ['apply_then_timeout', 'error_500_after', 'late_apply', 'sale_before_write'])
      stage.once(name);
    expect((await read()).status).toBe(200);
    expect(stage.shop.records().orders).toEqual([]);
  });

  test('strikes cancellations by the API too', async () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    const shipments = [{ shipmentId: orderId, reason: 'r', locationId: stage.location }];
    stage.once('apply_then_timeout');
    await expect(stage.call('POST', '/v3/shipments/cancel', { shipments })).rejects.toThrow();
    expect(stage.shop.records().orders[0]?.status).toBe('cancelled');
  });
});

describe('weather', () => {
  test('auth refuses the call and the token call that follows it', async () => {
    stage.once('auth');
    expect((await read()).status).toBe(401);
    expect((await tokenCall(stage.shop)).status).toBe(401);
    expect((await tokenCall(stage.shop)).status).toBe(200);
    stage.once('auth');
    expect((await tokenCall(stage.shop)).status).toBe(401);
    expect((await tokenCall(stage.shop)).status).toBe(200);
  });

  test('token_expiry is healed by a new token', async () => {
    const old = await stage.token();
    stage.once('token_expiry');
    expect((await read()).status).toBe(401);
    const { json } = await tokenCall(stage.shop);
    expect(json.access_token).not.toBe(old);
    const authorization = `Bearer ${json.access_token}`;
    expect((await stage.call('GET', '/listings/v3/SKU-001', undefined, { authorization })).status).toBe(200);
  });

  test('slow waits, and a stop ends the wait', async () => {
    stage.shop.fault({ name: 'slow', ms: 600_000 });
    const pending = read().catch(() => 'cut');
    await fetch(`${stage.shop.url}/_sandbox/pending`);
    await stage.shop.stop();
    expect(await pending).toBe('cut');
  });

  test('knows every shared fault, and an unknown one is an error that names the known', () => {
    expect(faultNames).toEqual(expect.arrayContaining([...sharedFaults]));
    expect(new Set(faultNames).size).toBe(faultNames.length);
    expect(() => stage.shop.fault({ name: 'earthquake' })).toThrow('no fault "earthquake"');
  });

  test('goes away by clear', async () => {
    for (const name of ['error_500', 'throttle', 'timeout', 'auth', 'token_expiry', 'html', 'poison_sku'])
      stage.shop.fault({ name });
    stage.shop.fault({ clear: true });
    expect((await set(4)).status).toBe(200);
  });
});

describe('the shop itself', () => {
  test('stops with work in its queue, leaves nothing running, and may be stopped twice', async () => {
    const both = await startBoth();
    both.shop.fault({ name: 'delay_webhook', ms: 3_600_000 });
    const { orderId } = sell(both, ['SKU-001', 1]);
    both.shop.cancel({ order_id: orderId });
    expect(both.shop.pending()).toBe(2);
    await both.shop.stop();
    await both.shop.stop();
    expect(both.shop.pending()).toBe(0);
    await both.shop.settle();
    expect(both.receiver.got).toEqual([]);
  });

  test('counts deliveries as pending and not the days of a courier', () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.shop.ship({ order_id: orderId });
    expect(stage.shop.pending()).toBe(0);
  });

  test('answers the common verbs and records over HTTP, and its own', async () => {
    const post = async (path: string, body: unknown): Promise<Loose> => {
      const answer = await fetch(`${stage.shop.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
      return { status: answer.status, json: await answer.json() };
    };
    const sold = await post('/_sandbox/sell', { sku: 'SKU-001', quantity: 2 });
    expect([sold.status, sold.json.sold]).toEqual([200, true]);
    expect((await post('/_sandbox/sell', { sku: 'SKU-001', quantity: 20 })).status).toBe(409);
    expect((await post('/_sandbox/sell', { sku: 'NONE' })).json.reason).toBe('unknown_sku');
    expect((await post('/_sandbox/hold', { order_id: sold.json.order_id })).status).toBe(200);
    expect(stage.shop.records().orders[0]?.status).toBe('on_hold');
    expect((await post('/_sandbox/hold', { order_id: 'none' })).status).toBe(409);
    expect((await post('/_sandbox/dance', {})).status).toBe(404);
    expect((await post('/_sandbox/ship', { order_id: sold.json.order_id })).status).toBe(200);
    expect((await post('/_sandbox/set', { sku: 'SKU-001', quantity: 5 })).status).toBe(200);
    const orders = (await (await fetch(`${stage.shop.url}/_sandbox/orders`)).json()) as Loose[];
    expect(orders).toMatchObject([{ status: 'shipped', lines: [{ sku: 'SKU-001', taken: 2, gone: 2 }] }]);
    await read();
    const calls = (await (await fetch(`${stage.shop.url}/_sandbox/calls`)).json()) as Loose[];
    expect(calls).toContainEqual(
      expect.objectContaining({ kind: 'request', route: 'GET /sellers/listings/v3/SKU-001', status: 200 }),
    );
  });

  test('hands out the entry of the configuration', () => {
    const { appId, appSecret } = stage.shop.credentials;
    expect(stage.shop.channelConfig()).toEqual({
      type: 'flipkart',
      mode: 'live',
      app_id: appId,
      app_secret: appSecret,
      location: expect.stringMatching(/^LOC[0-9a-f]{32}$/),
      basis: 'net',
      hook_secret: appSecret,
      requests_per_second: 200,
      base_url: stage.shop.url,
    });
  });

  test.each([
    [1, 'net'],
    [2, 'gross'],
    [3, 'net'],
    [4, 'gross'],
  ] as const)('keeps every unit in its books through a busy day (seed %d, %s)', async (seed, basis) => {
    const items = catalogue(20);
    const shop = createFlipkartShop({ name: 's', seed, timeScale: 1e6, basis, catalogue: items, port: 0 });
    for (const name of [
      'hold',
      'split_order',
      'late_pickup',
      'marketplace_cancel',
      'form_failed',
      'completed',
    ])
      shop.fault({ name, rate: 0.2 });
    const shoppers = createShoppers(createRandom(seed), [shop], items);
    for (let visit = 0; visit < 600; visit += 1) shoppers.visit();
    const check = () => {
      const { orders, listings } = shop.records();
      const lines = orders.flatMap((order) => order.lines);
      expect(new Set(lines.map((line) => line.line_id)).size).toBe(lines.length);
      for (const { sku, stock } of items) {
        const left = listings.find((each) => each.sku === sku)?.shown ?? 0;
        const sum = (kind: 'taken' | 'gone') =>
          lines.filter((line) => line.sku === sku).reduce((total, line) => total + line[kind], 0);
        expect(left + (basis === 'net' ? sum('taken') : sum('gone')), sku).toBe(stock);
      }
      return orders.length;
    };
    expect(check()).toBeGreaterThan(20);
    await shop.settle();
    check();
    await shop.stop();
  });

  test('behaves the same for the same seed, and otherwise for another', () => {
    const life = (seed: number) => {
      const shop = createFlipkartShop({
        name: 's',
        seed,
        timeScale: 60,
        catalogue: catalogue(10),
        port: 0,
        now: () => 5e11,
      });
      shop.sell({ lines: [{ sku: 'SKU-001', quantity: 1 }] });
      shop.sell({ lines: [{ sku: 'SKU-002', quantity: 1 }] });
      return JSON.stringify([shop.records(), shop.channelConfig()]);
    };
    expect(life(3)).toBe(life(3));
    expect(life(3)).not.toBe(life(4));
  });
});
