import { beforeEach, describe, expect, test } from 'vitest';
import { createEbayShop } from '../../../src/sandbox/ebay/index.ts';
import { createRandom } from '../../../src/sandbox/kit/random.ts';
import { createShoppers } from '../../../src/sandbox/shoppers.ts';
import { type Loose, listing, sell, shown } from '../../kit/shop-stage.ts';
import { catalogue, register, type Stage, startReceiver, startShop } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
  await stage.user();
});

const base = '/sell/inventory/v1';
const set = (sku: string, quantity: number) =>
  stage.rest('POST', `${base}/bulk_update_price_quantity`, {
    body: { requests: [{ sku, shipToLocationAvailability: { quantity } }] },
  });
const read = () => stage.rest('GET', `${base}/inventory_item/SKU-004`);
const revise = (sku: string, quantity: number) =>
  stage.trading(
    'ReviseInventoryStatus',
    `<InventoryStatus><ItemID>${listing(stage, sku)}</ItemID><Quantity>${quantity}</Quantity></InventoryStatus>`,
  );
const writes = () => stage.shop.records().calls.filter((call) => call.kind === 'write');
const once = (name: string, ms?: number) =>
  stage.shop.fault({ name, count: 1, ...(ms === undefined ? {} : { ms }) });

describe.each([
  ['Inventory', 'SKU-004', set],
  ['Trading', 'SKU-002', revise],
] as const)('weather over writes by the %s API', (_, sku, write) => {
  test('timeout and error_500 leave the number as it was', async () => {
    once('timeout');
    await expect(write(sku, 3)).rejects.toThrow();
    once('error_500');
    const refused = await write(sku, 3).catch((error: Error) => error.message);
    expect(String(typeof refused === 'string' ? refused : refused.status)).toMatch(/50[03]$/);
    expect(shown(stage, sku)).toBe(10);
    expect(writes()).toEqual([]);
    await write(sku, 3);
    expect(shown(stage, sku)).toBe(3);
  });

  test('apply_then_timeout and error_500_after change it and do not say so', async () => {
    once('apply_then_timeout');
    await expect(write(sku, 3)).rejects.toThrow();
    expect(shown(stage, sku)).toBe(3);
    once('error_500_after');
    await write(sku, 4).catch(() => undefined);
    expect(shown(stage, sku)).toBe(4);
    expect(writes().map((call) => [call.to, call.applied, call.answered])).toEqual([
      [3, true, false],
      [4, true, false],
    ]);
  });

  test('late_apply obeys long after the caller hung up, over newer numbers too', async () => {
    once('late_apply', 60_000);
    await expect(write(sku, 3)).rejects.toThrow();
    expect(shown(stage, sku)).toBe(10);
    await write(sku, 7);
    expect([shown(stage, sku), stage.shop.pending()]).toEqual([7, 1]);
    await stage.shop.settle();
    expect(shown(stage, sku)).toBe(3);
  });

  test('sale_before_write slips a sale in between, which the write wipes out', async () => {
    once('sale_before_write');
    await write(sku, 10);
    expect(shown(stage, sku)).toBe(10);
    expect(stage.shop.records().orders[0]?.lines).toMatchObject([{ sku, taken: 1 }]);
    expect(writes()[0]).toMatchObject({ from: 9, to: 10 });
  });

  test('does not strike reads with what is meant for writes', async () => {
    for (const name of ['apply_then_timeout', 'error_500_after', 'late_apply', 'sale_before_write'])
      once(name);
    expect((await read()).status).toBe(200);
    expect((await stage.trading('GetItem', `<ItemID>${listing(stage, 'SKU-002')}</ItemID>`)).Ack).toBe(
      'Success',
    );
    expect(stage.shop.records().orders).toEqual([]);
  });
});

describe('weather', () => {
  test('throttle is 429 for REST, sometimes with a time to wait, and a Failure for Trading', async () => {
    const waits = new Set<string>();
    for (let turn = 0; turn < 12; turn += 1) {
      once('throttle');
      const answer = await read();
      expect([answer.status, answer.json.errors[0].errorId]).toEqual([429, 2001]);
      waits.add(typeof answer.headers['retry-after']);
    }
    expect(waits).toEqual(new Set(['string', 'undefined']));
    once('throttle');
    const answer = await revise('SKU-002', 3);
    expect([answer.Ack, shown(stage, 'SKU-002')]).toEqual(['Failure', 10]);
  });

  test('slow waits, and a stop ends the wait', async () => {
    stage.shop.fault({ name: 'slow', ms: 600_000 });
    const pending = read().catch(() => 'cut');
    const token = fetch(`${stage.shop.url}/identity/v1/oauth2/token`, { method: 'POST' }).catch(() => 'cut');
    await fetch(`${stage.shop.url}/_sandbox/pending`);
    await stage.shop.stop();
    expect([await pending, await token]).toEqual(['cut', 'cut']);
  });

  test('auth on Trading is healed by the second new token', async () => {
    once('auth');
    expect((await revise('SKU-002', 3)).Ack).toBe('Failure');
    stage.tick(0);
    expect(await stage.user()).toBeUndefined();
    stage.tick(0);
    expect(['Success', 'Warning']).toContain((await revise('SKU-002', 3)).Ack);
  });

  test('an unknown fault is an error that names the known ones', () => {
    expect(() => stage.shop.fault({ name: 'earthquake' })).toThrow('no fault "earthquake"');
  });

  test('all of it goes away by clear', async () => {
    for (const name of ['error_500', 'throttle', 'timeout', 'auth', 'token_revoked'])
      stage.shop.fault({ name });
    stage.shop.fault({ clear: true });
    expect((await read()).status).toBe(200);
  });
});

describe('the shop itself', () => {
  test('stops with work in its queue, leaves nothing running, and may be stopped twice', async () => {
    const receiver = await startReceiver(stage.shop.credentials.verificationToken);
    await register(stage, receiver);
    stage.shop.fault({ name: 'delay_webhook', ms: 3_600_000 });
    sell(stage, ['SKU-001', 1]);
    expect(stage.shop.pending()).toBe(1);
    await stage.shop.stop();
    await stage.shop.stop();
    expect(stage.shop.pending()).toBe(0);
    await stage.shop.settle();
    expect(receiver.got).toEqual([]);
    await receiver.stop();
  });

  test('answers the common verbs and records over HTTP', async () => {
    const post = async (verb: string, body: unknown): Promise<Loose> => {
      const answer = await fetch(`${stage.shop.url}/_sandbox/${verb}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      return { status: answer.status, json: await answer.json() };
    };
    const sold = await post('sell', { sku: 'SKU-001', quantity: 2 });
    expect([sold.status, sold.json.sold]).toEqual([200, true]);
    expect((await post('sell', { sku: 'SKU-001', quantity: 20 })).status).toBe(409);
    expect((await post('ship', { order_id: sold.json.order_id })).status).toBe(200);
    expect((await post('ship', { order_id: 'none' })).status).toBe(409);
    expect((await post('set', { sku: 'SKU-001', quantity: 5 })).status).toBe(200);
    expect(shown(stage, 'SKU-001')).toBe(5);
    const orders = (await (await fetch(`${stage.shop.url}/_sandbox/orders`)).json()) as Loose[];
    expect(orders).toMatchObject([{ status: 'shipped', lines: [{ sku: 'SKU-001', taken: 2, gone: 2 }] }]);
    await read();
    const calls = (await (await fetch(`${stage.shop.url}/_sandbox/calls`)).json()) as Loose[];
    expect(calls).toContainEqual(
      expect.objectContaining({ kind: 'request', route: `GET ${base}/inventory_item/SKU-004`, status: 200 }),
    );
  });

  test('gives orders ids whose last part never repeats', () => {
    stage.shop.set({ sku: 'SKU-001', quantity: 500 });
    const ids = Array.from({ length: 400 }, () => sell(stage, ['SKU-001', 1]).orderId);
    expect(new Set(ids.map((id) => id.split('-').at(-1))).size).toBe(400);
  });

  test.each([1, 2, 3, 4])('keeps every unit in its books through a busy day (seed %d)', async (seed) => {
    const items = catalogue(20);
    const shop = createEbayShop({ name: 's', seed, timeScale: 10_000, catalogue: items, port: 0 });
    for (const [name, rate] of [
      ['combine_orders', 0.2],
      ['unpaid_commitment', 0.2],
      ['never_pays', 0.3],
      ['cancel_in_progress', 0.3],
    ] as const) {
      shop.fault({ name, rate });
    }
    const shoppers = createShoppers(createRandom(seed), [shop], items);
    for (let visit = 0; visit < 600; visit += 1) shoppers.visit();
    await shop.settle();
    const { orders, listings } = shop.records();
    expect(orders.length).toBeGreaterThan(20);
    const lines = orders.flatMap((order) => order.lines);
    expect(new Set(lines.map((line) => line.line_id)).size).toBe(lines.length);
    for (const { sku, stock } of items) {
      const left = listings.find((each) => each.sku === sku)?.shown ?? 0;
      const taken = lines.filter((line) => line.sku === sku).reduce((sum, line) => sum + line.taken, 0);
      expect(left + taken, sku).toBe(stock);
    }
    await shop.stop();
  });

  test('behaves the same for the same seed, and otherwise for another', () => {
    const life = (seed: number) => {
      const shop = createEbayShop({
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
