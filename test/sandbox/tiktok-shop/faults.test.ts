import { beforeEach, describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/sandbox/kit/random.ts';
import { createShoppers } from '../../../src/sandbox/shoppers.ts';
import { faultNames } from '../../../src/sandbox/tiktok-shop/faults.ts';
import { createTiktokShop } from '../../../src/sandbox/tiktok-shop/index.ts';
import { type Loose, shown, startReceiver, until } from '../../kit/shop-stage.ts';
import { catalogue, place, register, row, type Stage, startShop, update } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
  await stage.token();
});

const once = (name: string, ms?: number) =>
  stage.shop.fault({ name, count: 1, ...(ms === undefined ? {} : { ms }) });
const writes = () => stage.shop.records().calls.filter((call) => call.kind === 'write');
const read = () => stage.call('GET', '/logistics/202309/warehouses');
/** A write without the look before it, so that the fault meets the write. */
const prepared = async (sku = 'SKU-001') => {
  const { productId, skuId, warehouses } = await place(stage, sku);
  return (quantity: number) => update(stage, productId, [row(skuId, warehouses, quantity)]);
};

describe('weather over writes', () => {
  test('timeout, error_500, internal_in_200, overload and html leave the number as it was', async () => {
    const set = await prepared();
    once('timeout');
    await expect(set(3)).rejects.toThrow();
    once('error_500');
    expect(await set(3)).toMatchObject({ status: 500, code: 36009003, data: null });
    once('internal_in_200');
    const inside = await set(3);
    expect([inside.status, inside.code === 0, inside.data]).toEqual([200, false, null]);
    for (const [name, status] of [
      ['overload', 503],
      ['html', 200],
    ] as const) {
      once(name);
      const page = await set(3);
      expect([page.status, page.text.startsWith('<html>')]).toEqual([status, true]);
    }
    expect([shown(stage, 'SKU-001'), writes()]).toEqual([10, []]);
  });

  test('apply_then_timeout, error_500_after and timeout_in_200 change it and do not say so', async () => {
    const set = await prepared();
    once('apply_then_timeout');
    await expect(set(3)).rejects.toThrow();
    once('error_500_after');
    expect(await set(4)).toMatchObject({ status: 500 });
    once('timeout_in_200');
    expect(await set(5)).toMatchObject({ status: 200, code: 36009007 });
    expect(shown(stage, 'SKU-001')).toBe(5);
    expect(writes().map((call) => [call.from, call.to, call.applied, call.answered])).toEqual([
      [10, 3, true, false],
      [3, 4, true, false],
      [4, 5, true, false],
    ]);
  });

  test('late_apply obeys long after the caller hung up, over newer numbers too', async () => {
    const set = await prepared();
    once('late_apply', 60_000);
    await expect(set(3)).rejects.toThrow();
    await set(7);
    expect([shown(stage, 'SKU-001'), stage.shop.pending()]).toEqual([7, 1]);
    await stage.shop.settle();
    expect(shown(stage, 'SKU-001')).toBe(3);
  });

  test('throttle is 429 with or without Retry-After in two forms, or a code inside 200', async () => {
    const waits = new Set<string>();
    for (let tries = 0; tries < 30; tries += 1) {
      once('throttle');
      const { status, code, headers } = await read();
      expect([status, code]).toEqual([429, 36009002]);
      const after = headers['retry-after'];
      waits.add(after === undefined ? 'none' : /^\d+$/.test(String(after)) ? 'seconds' : 'date');
      if (typeof after === 'string' && !/^\d+$/.test(after)) {
        expect(Date.parse(after)).toBeGreaterThan(stage.now());
      }
    }
    expect([...waits].sort()).toEqual(['date', 'none', 'seconds']);
    once('throttle_in_200');
    expect(await read()).toMatchObject({ status: 200, code: 36009002 });
    once('hourly_limit');
    expect(await read()).toMatchObject({ code: 36009037 });
  });

  test('slow answers later, and a shop that stops does not wait for it', async () => {
    once('slow', 20);
    expect((await read()).code).toBe(0);
    once('slow', 600_000);
    const waiting = read().catch((error: Error) => error);
    await until(() => stage.shop.records().calls.length > 0);
    await stage.shop.stop();
    expect(await waiting).toBeInstanceOf(Error);
  });
});

describe('refusals', () => {
  test.each([
    ['ip_refused', 36009033],
    ['shop_inactive', 36009043],
    ['seller_inactive', 36009044],
    ['wrong_token_shop', 101000],
  ])('%s is %i', async (name, code) => {
    once(name);
    expect(await read()).toMatchObject({ status: 401, code, data: null });
    expect((await read()).code).toBe(0);
  });

  test('promotion_lock lets numbers rise and not fall', async () => {
    const set = await prepared();
    stage.shop.fault({ name: 'promotion_lock' });
    expect((await set(9)).data.errors).toMatchObject([{ code: 12052393 }]);
    expect((await set(12)).data).toEqual({});
    expect(shown(stage, 'SKU-001')).toBe(12);
  });

  test('new_warehouse asks for one more until it is named', async () => {
    const set = await prepared();
    once('new_warehouse');
    expect(await set(4)).toMatchObject({ code: 12052037 });
    expect(shown(stage, 'SKU-001')).toBe(10);
    stage.tick(10_000);
    expect((await (await prepared())(4)).code).toBe(0);
    expect(shown(stage, 'SKU-001')).toBe(4);
  });

  test.each([
    ['auto_allocated', 12052516, 'whole'],
    ['warehouse_gone', 12052097, 'inside'],
    ['warehouse_disabled', 12052531, 'inside'],
    ['partial_error', 12001000, 'inside'],
  ] as const)('%s is %i', async (name, code, where) => {
    const set = await prepared();
    once(name);
    const answer = await set(4);
    const inside = (answer.data?.errors ?? []).map((error: Loose) => error.code);
    expect(where === 'inside' ? [answer.code, ...inside] : [answer.code]).toEqual(
      where === 'inside' ? [0, code] : [code],
    );
    expect(shown(stage, 'SKU-001')).toBe(10);
  });

  test('refused_inside brings into code 0 what refuses the whole call', async () => {
    const { productId, skuId, warehouses } = await place(stage, 'SKU-005');
    once('refused_inside');
    const { code, data } = await update(stage, productId, [row(skuId, warehouses.slice(0, 1), 1)]);
    expect([code, data.errors[0].code]).toEqual([0, 12052037]);
  });

  test('holiday_mode shows warehouses as restricted, with their counts', async () => {
    stage.shop.fault({ name: 'holiday_mode' });
    const { data } = await read();
    const states = data.warehouses.map((one: Loose) => one.effect_status);
    expect(new Set(states)).toEqual(new Set(['RESTRICTED', 'DISABLED']));
    expect(shown(stage, 'SKU-001')).toBe(10);
  });

  test('an unknown fault is refused, a known one is taken', () => {
    expect(() => stage.shop.fault({ name: 'marked_down' })).toThrow(/no fault/);
    for (const name of faultNames) stage.shop.fault({ name, count: 1 });
    stage.shop.fault({ clear: true });
  });
});

describe('a day of shoppers', () => {
  test('ends with available, committed and the records in agreement, and every delivery heard or given up', async () => {
    const receiver = await startReceiver();
    const items = catalogue(12);
    const busy = await startShop({ catalogue: items, timeScale: 100_000 });
    await register(busy, receiver.url);
    for (const name of [
      'drop_webhook',
      'duplicate_webhook',
      'reorder_webhook',
      'partial_ship',
      'never_pays',
    ]) {
      busy.shop.fault({ name, rate: 0.2 });
    }
    busy.shop.fault({ name: 'cancel_pending', rate: 0.3 });
    const shoppers = createShoppers(createRandom(3), [busy.shop], items);
    for (let visits = 0; visits < 300; visits += 1) {
      shoppers.visit();
      busy.tick(700);
    }
    await busy.shop.settle();
    expect(busy.shop.pending()).toBe(0);
    const lines = busy.shop.records().orders.flatMap((order) => order.lines);
    expect(lines.length).toBeGreaterThan(50);
    for (const { sku } of items) {
      const own = lines.filter((line) => line.sku === sku);
      const sum = (of: (line: (typeof own)[number]) => number) =>
        own.reduce((all, line) => all + of(line), 0);
      const stock = Object.values(busy.shop.stockOf(sku));
      expect(shown(busy, sku), sku).toBe(10 - sum(({ taken }) => taken));
      expect(stock.reduce((all, each) => all + each.committed, 0)).toBe(
        sum(({ taken }) => taken) - sum(({ gone }) => gone),
      );
    }
    const calls = busy.shop.records().calls.flatMap((call) => (call.kind === 'webhook' ? [call] : []));
    expect(new Set(calls.map(({ outcome }) => outcome))).toEqual(new Set(['ok', 'dropped']));
    expect(calls.filter(({ outcome }) => outcome === 'ok').length).toBe(receiver.got.length);
    // Of an order whose last change reached nobody, nothing is heard.
    busy.shop.fault({ clear: true });
    busy.shop.fault({ name: 'drop_webhook' });
    const first = busy.shop.records().orders.find(({ status, heard }) => status === 'open' && heard);
    busy.shop.cancel({ order_id: first?.order_id ?? '' });
    await busy.shop.settle();
    const changed = busy.shop.records().orders.find((order) => order.order_id === first?.order_id);
    expect(changed).toMatchObject({ status: 'cancelled', heard: false });
  });

  test('is the same for the same seed and another for another', () => {
    const story = (seed: number) => {
      const items = catalogue(12);
      const shop = createTiktokShop({ name: 'a', seed, timeScale: 1, catalogue: items, port: 0 });
      const shoppers = createShoppers(createRandom(5), [shop], items);
      for (let visits = 0; visits < 60; visits += 1) shoppers.visit();
      const { orders } = shop.records();
      void shop.stop();
      return JSON.stringify([
        shop.channelConfig()['app_secret'],
        orders.map(({ order_id, lines, status }) => [order_id, lines, status]),
      ]);
    };
    expect(story(1)).toBe(story(1));
    expect(story(1)).not.toBe(story(2));
  });
});
