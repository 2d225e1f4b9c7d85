import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { signatureHeaders } from '../../../src/sandbox/flipkart/signature.ts';
import { type Received, type Receiver, sell, sellAndSettle, startReceiver } from '../../kit/shop-stage.ts';
import { hookPath, look, type Stage, startBoth, startShop, typesOf } from './world.ts';

type Both = Stage & { receiver: Receiver };

let stage: Both;
beforeEach(async () => {
  stage = await startBoth();
});

/** Written out here, so that the shop's own arithmetic is not its judge. Answers which form of time was signed. */
function formOf(stage: Both, call: Received, secret = stage.shop.credentials.appSecret): string | null {
  const date = String(call.headers['x_date']);
  const [scheme, value, ...rest] = String(call.headers['x_authorization']).split(/\s+/);
  if (scheme !== 'FKLOGIN' || value === undefined || rest.length > 0) return null;
  const [appId, signature] = Buffer.from(value, 'base64').toString('utf8').split(':');
  if (appId !== stage.shop.credentials.appId) return null;
  const seconds = Date.parse(date) / 1000;
  const forms = { seconds: `${seconds}`, millis: `${seconds}000`, date };
  for (const [form, time] of Object.entries(forms)) {
    const text = `${time}${stage.receiver.url}POST${secret}`;
    if (createHash('sha1').update(text).digest('hex') === signature) return form;
  }
  return null;
}

const record = (stage: Stage, id: string) => stage.shop.records().orders.find((one) => one.order_id === id);
const hooks = (stage: Stage) => stage.shop.records().calls.filter((call) => call.kind === 'webhook');

describe('the signature', () => {
  test('is that of the published sample', () => {
    const headers = signatureHeaders({
      at: 1_432_026_135_000,
      form: 'seconds',
      url: 'http://seller.api.pilotseller.com/notify/fki',
      method: 'POST',
      appId: '6113ca4a-fe05-11e4-a322-1697f925ec7b',
      secret: '669a57f4-fe05-11e4-a322-1697f925ec7b',
      gap: ' ',
    });
    expect(headers).toEqual({
      X_Date: 'Tue, 19 May 2015 09:02:15 GMT',
      X_Authorization:
        'FKLOGIN NjExM2NhNGEtZmUwNS0xMWU0LWEzMjItMTY5N2Y5MjVlYzdiOjgzNzYyYWJkODdiNDFlNjZkZGQ1ODMyMGE0ZTgwMzI1MWU3MmI3NzY=',
    });
  });

  test('covers seconds, the registered address with its query, method and secret, behind one blank or two', async () => {
    stage.shop.set({ sku: 'SKU-001', quantity: 50 });
    for (let order = 0; order < 20; order += 1) sell(stage, ['SKU-001', 1]);
    await stage.shop.settle();
    const { got } = stage.receiver;
    expect(got.map((call) => formOf(stage, call))).toEqual(got.map(() => 'seconds'));
    const gaps = got.map((call) => /^FKLOGIN( +)/.exec(String(call.headers['x_authorization']))?.[1]?.length);
    expect(new Set(gaps)).toEqual(new Set([1, 2]));
  });

  test.each([
    ['date_form', 'date'],
    ['millis_form', 'millis'],
    ['bad_signature', null],
    ['wrong_app', null],
  ])('under %s is of the form %s', async (fault, form) => {
    stage.once(fault);
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(stage.receiver.got.map((call) => formOf(stage, call))).toEqual([form]);
  });

  test('does not cover the body, which an invented one shows', async () => {
    stage.once('forged_body');
    const { orderId } = sell(stage, ['SKU-001', 1]);
    await stage.shop.settle();
    const [forged, real] = stage.receiver.got;
    expect(forged?.json.attributes.orderItems[0].quantity).toBe(99);
    expect(real?.json).toMatchObject({ shipmentId: orderId, attributes: { orderItems: [{ quantity: 1 }] } });
    expect(stage.receiver.got.map((call) => formOf(stage, call))).toEqual(['seconds', 'seconds']);
    expect(hooks(stage).map(({ topic }) => topic)).toEqual(['forged shipment_created', 'shipment_created']);
  });

  test('of an invented body, answered, does not count as heard', async () => {
    stage.once('forged_body');
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.receiver.judge = () => (stage.receiver.got.length === 1 ? 200 : 500);
    await stage.shop.settle();
    expect(hooks(stage).filter(({ outcome }) => outcome === 'ok').length).toBe(1);
    expect(record(stage, orderId)?.heard).toBe(false);
  });

  test('is missing when a proxy drops its headers', async () => {
    stage.once('headers_lost');
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(Object.keys(stage.receiver.got[0]?.headers ?? {}).filter((name) => name.includes('_'))).toEqual(
      [],
    );
  });

  test('is by the new secret once there is one, repeats included', async () => {
    const old = stage.shop.credentials.appSecret;
    stage.receiver.answers = [401, 200];
    stage.receiver.judge = () => {
      if (stage.receiver.got.length === 1) stage.shop.rotateSecret();
      return undefined;
    };
    await sellAndSettle(stage, ['SKU-001', 1]);
    const [first, second] = stage.receiver.got;
    if (first === undefined || second === undefined) throw new Error('two calls were due');
    expect([formOf(stage, first, old), formOf(stage, second)]).toEqual(['seconds', 'seconds']);
  });

  test('of a repeat is fresh, or under stale_date that of the first attempt', async () => {
    for (const [fault, dates] of [
      ['', 2],
      ['stale_date', 1],
    ] as const) {
      const stage = await startBoth();
      if (fault !== '') stage.shop.fault({ name: fault });
      stage.receiver.answers = [500, 200];
      stage.receiver.judge = () => {
        stage.tick(60_000);
        return undefined;
      };
      await sellAndSettle(stage, ['SKU-001', 1]);
      expect(new Set(stage.receiver.got.map(({ headers }) => headers['x_date'])).size).toBe(dates);
    }
  });
});

describe('enrolment', () => {
  test('is by hand: until then the platform tells nothing, afterwards all that happens', async () => {
    const stage = await startShop();
    const receiver = await startReceiver(hookPath);
    await sellAndSettle(stage, ['SKU-001', 1]);
    const answer = await fetch(`${stage.shop.url}/_sandbox/subscribe`, {
      method: 'POST',
      body: JSON.stringify({ url: receiver.url }),
    });
    expect(await answer.json()).toEqual({
      url: receiver.url,
      returnsUrl: null,
      locations: [...stage.shop.locations],
    });
    await sellAndSettle(stage, ['SKU-002', 1]);
    expect(receiver.got.map(({ json }) => json.attributes.orderItems[0].sku)).toEqual(['SKU-002']);
    stage.shop.unsubscribe();
    await sellAndSettle(stage, ['SKU-003', 1]);
    expect([receiver.got.length, stage.shop.enrolment()]).toEqual([1, null]);
  });

  test('in one word covers all locations of its day, and returns too', async () => {
    const { shop } = await startShop();
    shop.enrol('https://shop.example/hook');
    expect(shop.enrolment()).toEqual({
      url: 'https://shop.example/hook',
      returnsUrl: 'https://shop.example/hook',
      locations: [...shop.locations],
    });
  });

  test('takes https and this machine, and nothing else', async () => {
    const { shop } = await startShop();
    for (const url of ['', 'x', 'http://shop.example/hook', 'ftp://127.0.0.1/'])
      expect(() => shop.subscribe({ url })).toThrow('https');
    expect(shop.subscribe({ url: 'https://shop.example/hook' }).url).toBe('https://shop.example/hook');
  });

  test('covers the locations of its day: one that was added later is silent', async () => {
    const location = stage.shop.addLocation();
    stage.shop.putAt({ sku: 'SKU-001', location, quantity: 5 });
    stage.shop.set({ sku: 'SKU-001', quantity: 0 });
    const { orderId } = sell(stage, ['SKU-001', 2]);
    await stage.shop.settle();
    expect([(await look(stage, orderId)).locationId, stage.receiver.got.length]).toEqual([location, 0]);
    stage.shop.subscribe({ url: stage.receiver.url });
    stage.shop.cancel({ order_id: orderId });
    await stage.shop.settle();
    expect(typesOf(stage.receiver)).toEqual(['shipment_cancelled']);
  });

  test('tells of returns only where they were asked for', async () => {
    stage.shop.subscribe({ url: stage.receiver.url });
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.shop.ship({ order_id: orderId });
    stage.shop.refund({ order_id: orderId, quantity: 1, restock: true });
    await stage.shop.settle();
    expect(typesOf(stage.receiver).filter((type) => type.startsWith('return'))).toEqual([]);
  });
});

describe('an event', () => {
  test('has no id and a whole second; its fields come in any order, its location not always', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3]);
    stage.tick(5_000);
    stage.shop.hold({ order_id: orderId });
    await stage.shop.settle();
    const [created, hold] = stage.receiver.got.map(({ json }) => json);
    expect(created).toMatchObject({
      eventType: 'shipment_created',
      source: 'flipkart',
      version: 'v3',
      timestamp: '2026-11-23T17:30:00+05:30',
      locationId: stage.location,
      shipmentId: orderId,
      attributes: {
        hold: false,
        orderItems: [{ orderItemId: lineIds[0], sku: 'SKU-001', quantity: 3, status: 'APPROVED' }],
      },
    });
    expect(hold).toMatchObject({
      eventType: 'shipment_hold',
      attributes: { orderItems: [{ orderItemId: lineIds[0], holdQuantity: 3 }] },
    });
    expect(hold.locationId).toBeUndefined();
    const orders = new Set<string>();
    for (let at = 0; at < 8; at += 1) sell(stage, ['SKU-002', 1]);
    await stage.shop.settle();
    for (const { body } of stage.receiver.got)
      orders.add(String(Object.keys(JSON.parse(body.toString()))[0]));
    expect(orders.size).toBeGreaterThan(1);
  });

  test('comes for each step of a life, in order', async () => {
    stage.once('dates_changed');
    stage.once('form_failed');
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3]);
    stage.shop.edit({ order_id: orderId, line_id: lineIds[0] ?? '', quantity: 2 });
    stage.shop.ship({ order_id: orderId });
    stage.shop.refund({ order_id: orderId, quantity: 1, restock: true });
    await stage.shop.settle();
    const types = typesOf(stage.receiver);
    expect(types.filter((type) => type.startsWith('shipment'))).toEqual([
      'shipment_created',
      'shipment_dispatch_dates_changed',
      'shipment_cancelled',
      'shipment_form_failed',
      'shipment_packed',
      'shipment_ready_to_dispatch',
      'shipment_pickup_complete',
      'shipment_shipped',
      'shipment_delivered',
    ]);
    expect(types.filter((type) => type.startsWith('return'))).toEqual([
      'return_created',
      'return_picked_up',
      'return_completed',
    ]);
    const [back] = stage.receiver.got.filter(({ json }) => json.eventType === 'return_created');
    expect(back?.json.shipmentId).toBeUndefined();
    expect(back?.json.attributes.returnItems[0]).toMatchObject({
      returnId: back?.json.returnId,
      shipmentId: orderId,
      quantity: 1,
    });
    expect(record(stage, orderId)?.heard).toBe(true);
  });

  test('of a cancellation counts the units of now, or under the fault all so far', async () => {
    for (const [fault, counts] of [
      ['', [1, 1]],
      ['cumulative_cancellation', [1, 2]],
    ] as const) {
      const stage = await startBoth();
      if (fault !== '') stage.shop.fault({ name: fault });
      const { orderId, lineIds } = sell(stage, ['SKU-001', 3]);
      for (const quantity of [2, 1])
        stage.shop.edit({ order_id: orderId, line_id: lineIds[0] ?? '', quantity });
      await stage.shop.settle();
      const calls = stage.receiver.got.filter(({ json }) => json.eventType === 'shipment_cancelled');
      expect(calls.map(({ json }) => json.attributes.orderItems[0].quantity)).toEqual(counts);
    }
  });

  test('of a return tells of its changes too', async () => {
    stage.once('return_changes');
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.shop.ship({ order_id: orderId });
    stage.shop.refund({ order_id: orderId, quantity: 1, restock: true });
    await stage.shop.settle();
    const back = stage.receiver.got.filter(({ json }) => json.returnId !== undefined);
    expect(back.map(({ json }) => json.eventType)).toEqual([
      'return_created',
      'return_tracking_id_update',
      'return_expected_date_changed',
      'return_picked_up',
      'return_completed',
    ]);
    const ids = back.slice(0, 2).map(({ json }) => json.attributes.returnItems[0].trackingId);
    expect(ids[0]).not.toBe(ids[1]);
  });

  test('may carry new fields, and one of an unknown type may stand before it', async () => {
    stage.once('unknown_event');
    stage.shop.fault({ name: 'new_fields' });
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(typesOf(stage.receiver)).toEqual(['shipment_weighed', 'shipment_created']);
    expect(stage.receiver.got[1]?.json.tags).toEqual(['beta']);
  });
});

describe('delivery', () => {
  test('takes 200 alone for an answer and repeats the same bytes; the shop hears of it then', async () => {
    stage.receiver.answers = [204, 302, 500, 200];
    const { orderId } = sell(stage, ['SKU-001', 1]);
    expect([record(stage, orderId)?.heard, stage.shop.pending()]).toEqual([false, 1]);
    await stage.shop.settle();
    expect(hooks(stage).map(({ status, outcome, duplicate }) => [status, outcome, duplicate])).toEqual([
      [204, 'failed', false],
      [302, 'failed', true],
      [500, 'failed', true],
      [200, 'ok', true],
    ]);
    expect(new Set(stage.receiver.got.map(({ body }) => body.toString())).size).toBe(1);
    expect([record(stage, orderId)?.heard, stage.shop.pending()]).toEqual([true, 0]);
  });

  test('holds later events of a group back while one fails, and no other group', async () => {
    const stuck = sell(stage, ['SKU-001', 1]).orderId;
    stage.shop.cancel({ order_id: stuck });
    const free = sell(stage, ['SKU-002', 1]).orderId;
    let refusals = 3;
    stage.receiver.judge = ({ json }) => {
      if (json.shipmentId !== stuck || refusals === 0) return undefined;
      refusals -= 1;
      return 500;
    };
    expect(stage.shop.pending()).toBe(3);
    await stage.shop.settle();
    const told = stage.receiver.got.map(({ json }) => `${json.eventType} ${json.shipmentId}`);
    expect(told.filter((line) => line.endsWith(stuck))).toEqual([
      ...Array.from({ length: 4 }, () => `shipment_created ${stuck}`),
      `shipment_cancelled ${stuck}`,
    ]);
    expect(told.indexOf(`shipment_created ${free}`)).toBeLessThan(told.length - 1);
  });

  test('gives an event up after eight attempts, and its group goes on or, under the fault, ends with it', async () => {
    for (const [fault, types] of [
      ['', ['shipment_cancelled']],
      ['dead_group', []],
    ] as const) {
      const stage = await startBoth();
      if (fault !== '') stage.shop.fault({ name: fault });
      const { orderId } = sell(stage, ['SKU-001', 1]);
      stage.shop.cancel({ order_id: orderId });
      stage.receiver.judge = ({ json }) => (json.eventType === 'shipment_created' ? 500 : undefined);
      await stage.shop.settle();
      const all = typesOf(stage.receiver);
      expect(all.filter((type) => type === 'shipment_created').length).toBe(8);
      expect(all.filter((type) => type !== 'shipment_created')).toEqual(types);
      expect([stage.shop.pending(), record(stage, orderId)?.heard]).toEqual([0, fault === '']);
    }
  });

  test('is dropped, doubled and late under the shared faults', async () => {
    stage.once('drop_webhook');
    const lost = sell(stage, ['SKU-001', 1]).orderId;
    await stage.shop.settle();
    expect([stage.receiver.got.length, hooks(stage)[0]?.outcome, record(stage, lost)?.heard]).toEqual([
      0,
      'dropped',
      false,
    ]);
    stage.once('duplicate_webhook');
    await sellAndSettle(stage, ['SKU-002', 1]);
    expect(stage.receiver.got.length).toBe(2);
    expect(stage.receiver.got[0]?.body.equals(stage.receiver.got[1]?.body ?? Buffer.alloc(0))).toBe(true);
    expect(hooks(stage).map(({ duplicate }) => duplicate)).toEqual([false, false, true]);
    stage.receiver.got.length = 0;
    stage.once('delay_webhook', 3_600_000);
    const late = sell(stage, ['SKU-003', 1]).orderId;
    stage.shop.cancel({ order_id: late });
    const other = sell(stage, ['SKU-004', 1]).orderId;
    await stage.shop.settle();
    expect(stage.receiver.got.map(({ json }) => json.shipmentId)).toEqual([other, late, late]);
    stage.receiver.got.length = 0;
    stage.once('reorder_webhook');
    const [first, second] = [sell(stage, ['SKU-005', 1]).orderId, sell(stage, ['SKU-006', 1]).orderId];
    await stage.shop.settle();
    expect(stage.receiver.got.map(({ json }) => json.shipmentId)).toEqual([second, first]);
  });
});
