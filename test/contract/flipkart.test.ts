import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { HookRequest } from '../../src/channels/channel.ts';
import { flipkart } from '../../src/channels/flipkart/index.ts';
import { createFlipkartShop, type FlipkartShop } from '../../src/sandbox/flipkart/index.ts';
import type { OrderSnapshot } from '../../src/stock/order.ts';
import { type Bench, benches, calm, inHeader, type Stand } from './bench.ts';
import { channelSuite } from './channel.ts';

const signature = inHeader('x_authorization');

const standOf = (shop: FlipkartShop): Stand => ({
  definition: flipkart,
  shop,
  settle: shop.settle,
  tellsWantOfStock: true,
  signature,
  unsignedBody: 'the signature covers time, address and method: of the body only the shipment id is used',
  forgeries: (request) => forgeries(shop, request),
  keys: { webhook: 'hook_secret', credential: 'app_secret' },
  foreignFault: 'wrong_app',
  signing: {
    forged: ['bad_signature', 'headers_lost'],
    odd: ['date_form', 'millis_form', 'unknown_event', 'new_fields'],
  },
  furnish: async () => ({ unwritable: ['FBF-ONLY', 'OLD-1', 'ELSEWHERE', 'PAIR,SET', 'HALF/HALF'] }),
  byHand(url) {
    if (url === null) shop.unsubscribe();
    else shop.enrol(url);
  },
  neverGivesUp: 'an event is given up after a while, the address that support entered never is',
  untold: {
    'money only': 'paid back without a return: no event tells of it',
    'sent back': 'events of returns name the return and move no stock',
    'edited up': 'there is no such thing: who wants more orders again',
  },
});

channelSuite('flipkart', (options) =>
  standOf(createFlipkartShop({ ...options, basis: 'net', listingsPerPage: 50 })),
);

describe('flipkart beyond the suite', () => {
  let shop: FlipkartShop;
  const open = benches((options) => {
    shop = createFlipkartShop({ ...options, basis: 'net' });
    return standOf(shop);
  });

  test('an invented body under a captured signature is looked up at Flipkart, and nothing of it is booked', async () => {
    const bench = await open();
    await bench.subscribe();
    bench.shop.fault({ name: 'forged_body' });
    const { orderId } = bench.sell(['SKU-001', 3]);
    const deliveries = await bench.deliveries();
    const bodies = deliveries.map(({ body }) => Buffer.from(body).toString('utf8'));
    expect(bodies.filter((body) => body.includes('"quantity":99') || !body.includes(orderId)).length).toBe(1);
    expect(new Set(deliveries.map(({ key }) => key)).size).toBe(2);
    const snapshots = [];
    for (const delivery of deliveries) {
      const content = await bench.read(bench.channel.fieldsOf(delivery), 'delivered');
      expect(content.orders).toEqual([]);
      snapshots.push(...(await bench.resolve(content)));
    }
    expect(new Set(snapshots.map((each) => each.orderId))).toEqual(new Set([orderId]));
    for (const { lines } of snapshots) expect(lines.map(({ taken }) => taken)).toEqual([3]);
  });

  test.each([
    ['hold', 'sold'],
    ['hold', 'cancelled'],
    ['split_order', 'shipped'],
    ['mps', 'cancelled'],
    ['replacement', 'sold'],
    ['fbf_orders', 'shipped'],
    ['dates_changed', 'sold'],
    ['marketplace_cancel', 'cancelled'],
    ['cumulative_cancellation', 'edited'],
    ['late_pickup', 'shipped'],
    ['form_failed', 'shipped'],
    ['completed', 'shipped'],
    ['return_changes', 'sent back'],
    ['return_cancelled', 'sent back'],
  ])(
    'an order under the fault %s, %s, reads as the shop has it from lists, events and fetches',
    async (fault, fate) => {
      const bench = await open();
      await bench.subscribe();
      const before = Date.now();
      bench.shop.fault({ name: fault });
      const { orderId, lineIds } = bench.sell(['SKU-001', 3], ['SKU-005', 2]);
      const line = { order_id: orderId, line_id: lineIds[0] ?? '' };
      await expectRecords(bench, before);
      if (fate === 'cancelled') bench.shop.cancel({ order_id: orderId, restock: true });
      if (fate === 'edited') for (const quantity of [2, 1]) bench.shop.edit({ ...line, quantity });
      if (fate === 'shipped' || fate === 'sent back') bench.shop.ship({ order_id: orderId });
      await expectRecords(bench, before);
      if (fate === 'sent back') bench.shop.refund({ ...line, quantity: 1, restock: true });
      await bench.settle();
      await expectRecords(bench, before);
    },
  );

  test('a completed return is told to people with the command that puts the goods back', async () => {
    const bench = await open();
    await bench.subscribe();
    const { orderId } = bench.sell(['SKU-001', 1]);
    bench.shop.ship({ order_id: orderId });
    await bench.settle();
    bench.shop.cancel({ order_id: orderId, restock: true });
    const alerts: (string | null)[] = [];
    for (const delivery of await bench.deliveries()) {
      const { alert, orders } = await bench.read(bench.channel.fieldsOf(delivery), 'delivered');
      expect(orders).toEqual([]);
      alerts.push(alert);
    }
    expect(alerts.filter((alert) => alert !== null)).toEqual([
      expect.stringContaining('invsync stock receive SKU N'),
    ]);
    const { lines } = await bench.fetchOrder(orderId);
    expect(lines.map(({ taken, gone }) => [taken, gone])).toEqual([[1, 1]]);
  });

  test('a shipment that the seller called off for want of stock doubts its units', async () => {
    const bench = await open();
    const { orderId } = bench.sell(['SKU-001', 3]);
    bench.shop.cancel({ order_id: orderId, restock: false });
    const { cancelled, lines } = await bench.fetchOrder(orderId);
    expect(cancelled).toBe(true);
    expect(lines).toMatchObject([{ taken: 0, gone: 0, doubted: 3 }]);
    expect(bench.shown('SKU-001')).toBe(0);
  });

  test('a written number shows late, is accepted and not called applied, and is not written over meanwhile', async () => {
    const bench = await open();
    bench.shop.fault({ name: 'read_lag', ms: 600_000, count: 1 });
    const line = await bench.line('SKU-001', 4, 10);
    expect(await bench.channel.setStock([line], calm)).toEqual([{ kind: 'accepted' }]);
    expect(bench.shown('SKU-001')).toBe(4);
    const [early] = await bench.channel.setStock([{ ...line, quantity: 3, base: 4 }], calm);
    expect(early).toMatchObject({ kind: 'conflict', shown: 10 });
    // Ten minutes later.
    bench.shop.set({ sku: 'SKU-001', quantity: 4 });
    const [reading] = await bench.channel.readStock([line], calm);
    expect(reading).toMatchObject({ state: 'ok', shown: 4 });
  });
});

describe('a flipkart shop whose numbers still contain its open orders', () => {
  let shop: FlipkartShop;
  const open = benches((options) => {
    // The shop's own default.
    shop = createFlipkartShop(options);
    return standOf(shop);
  });

  test('makes a channel that says so, whatever its type declares', async () => {
    const { channel, definition } = await open();
    expect(definition.capabilities.basis).toBe('net');
    expect(channel.capabilities).toEqual({ ...definition.capabilities, basis: 'gross' });
    const basis = (await channel.check(calm)).find(({ name }) => name === 'basis');
    expect(basis).toMatchObject({ level: 'ok', detail: expect.stringContaining('gross') });
  });

  test('shows the same number after a sale and after its cancellation, and less once it is shipped', async () => {
    const bench = await open();
    const [kept, called] = [bench.sell(['SKU-001', 3]), bench.sell(['SKU-001', 2])];
    const ref = await bench.listing('SKU-001');
    const shown = async () => (await bench.channel.readStock([ref], calm))[0]?.shown;
    expect(await shown()).toBe(10);
    bench.shop.cancel({ order_id: called.orderId, restock: true });
    expect(await shown()).toBe(10);
    bench.shop.ship({ order_id: kept.orderId });
    expect(await shown()).toBe(7);
  });

  test('is left with what is free when free and open units together are written', async () => {
    const bench = await open();
    bench.sell(['SKU-001', 3]);
    // Elsewhere five were sold: two are free, three wait here.
    const line = await bench.line('SKU-001', 5, 10);
    expect(await bench.channel.setStock([line], calm)).toEqual([{ kind: 'accepted' }]);
    expect(bench.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 3 }] }).sold).toBe(false);
    expect(bench.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 2 }] }).sold).toBe(true);
    expect(bench.shown('SKU-001')).toBe(5);
    expect(bench.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 1 }] }).sold).toBe(false);
  });

  test('compares with the whole number: a sale is no conflict, a shipment is one', async () => {
    const bench = await open();
    const { orderId } = bench.sell(['SKU-001', 3]);
    const line = await bench.line('SKU-001', 8, 10);
    expect(await bench.channel.setStock([line], calm)).toEqual([{ kind: 'accepted' }]);
    bench.shop.ship({ order_id: orderId });
    const [late] = await bench.channel.setStock([{ ...line, base: 8, quantity: 9 }], calm);
    expect(late).toMatchObject({ kind: 'conflict', shown: 5 });
    expect(bench.shown('SKU-001')).toBe(5);
  });
});

/** Every shipment out of the merchant's own stock reads as the shop's records have it, however it is come by. */
async function expectRecords(bench: Bench, since: number): Promise<void> {
  const told: OrderSnapshot[] = [];
  for (const delivery of await bench.deliveries())
    told.push(...(await bench.resolve(await bench.read(bench.channel.fieldsOf(delivery), 'delivered'))));
  const listed = (await bench.walk(bench.channel.ordersSince(since - 2_000, calm))).snapshots;
  const own = bench.shop
    .records()
    .orders.filter(({ lines }) => lines.every(({ sku }) => sku.startsWith('SKU-')));
  expect(own.length).toBeGreaterThan(0);
  for (const order of own) {
    const wanted = order.lines.map(({ line_id, taken, gone }) => [
      `${order.order_id}/${line_id}`,
      taken,
      gone,
    ]);
    const views = [...listed, ...told].filter(({ orderId }) => orderId === order.order_id);
    // No list shows a shipment of which nothing more is awaited.
    if (order.status !== 'completed') expect(views.length).toBeGreaterThan(0);
    for (const { lines } of [...views, await bench.fetchOrder(order.order_id)])
      expect(lines.map(({ lineKey, taken, gone }) => [lineKey, taken, gone])).toEqual(wanted);
  }
  const ids = new Set(own.map(({ order_id }) => order_id));
  expect([...listed, ...told].filter(({ orderId }) => !ids.has(orderId))).toEqual([]);
}

/** What is signed is time, address, method and secret, and the claim names the application. */
function forgeries(shop: FlipkartShop, request: HookRequest): Record<string, HookRequest> {
  const { appId, appSecret } = shop.credentials;
  const url = shop.enrolment()?.url ?? '';
  const date = request.headers['x_date'] ?? '';
  const seconds = String(Date.parse(date) / 1_000);
  const claiming = (text: string) =>
    signature.replaced(request, `FKLOGIN ${Buffer.from(text).toString('base64')}`);
  const signed = (parts: string[], id = appId) =>
    claiming(`${id}:${createHash('sha1').update(parts.join('')).digest('hex')}`);
  const dated = (other: string): HookRequest => ({
    ...request,
    headers: { ...request.headers, x_date: other },
  });
  const { x_date: _, ...undated } = request.headers;
  return {
    'no date': { ...request, headers: undated },
    'an empty date': dated(''),
    'another date': dated(new Date(Date.parse(date) + 1_000).toUTCString()),
    'another address of ours': { ...request, path: `${request.path}x` },
    'another query': { ...request, query: 'x=1' },
    'another method in the signature': signed([seconds, url, 'GET', appSecret]),
    'another host in the signature': signed([
      seconds,
      url.replace('127.0.0.1', 'example.com'),
      'POST',
      appSecret,
    ]),
    'no secret in the signature': signed([seconds, url, 'POST']),
    'no time in the signature': signed([url, 'POST', appSecret]),
    'another application': signed([seconds, url, 'POST', appSecret], `${appId}0`),
    'no application': signed([seconds, url, 'POST', appSecret], ''),
    'no signature': claiming(`${appId}:`),
    'a scheme of another name': signature.replaced(
      request,
      signature.of(request).replace('FKLOGIN', 'Basic'),
    ),
  };
}
