import { describe, expect, test } from 'vitest';
import type { ListingRef, Obtaining } from '../../../src/channels/channel.ts';
import { fieldsOf, ordersIn, receive } from '../../../src/channels/woocommerce/receive.ts';
import type { OrderSnapshot } from '../../../src/stock/order.ts';
import { all, type Reply } from '../../kit/stage.ts';
import { callsOf, deliveries, endOf, recorded, recordedShop } from './recording.ts';
import { configOf, scripted, signal } from './scripted-shop.ts';

const config = configOf({ url: recordedShop });

/** What discovery knows of the recorded shop: product 30 lost its stock management in step 14. */
function facts(ref: string): ListingRef | undefined {
  const known = (listingId: string, parentId: string | null, managed: boolean): ListingRef => ({
    listingId,
    counterKey: listingId,
    channelSku: null,
    facts: { managed, parentId },
  });
  const id = ref.split('/').at(-1) ?? '';
  if (Number(id) >= 32 && Number(id) <= 35) return known(`31/${id}`, '31', true);
  return known(id, null, id !== '30');
}

function converted(request: ReturnType<typeof deliveries>[number]['request']) {
  const receipt = receive(config, request);
  if (receipt.kind !== 'deliveries') return { receipt, content: null };
  const [delivery] = receipt.deliveries;
  if (delivery === undefined) throw new Error('no delivery');
  const how: Obtaining = {
    obtained: 'delivered',
    askedAt: request.receivedAt,
    answeredAt: request.receivedAt,
    attempt: 0,
  };
  return { receipt, content: ordersIn(config, fieldsOf(delivery), facts, how) };
}

/** `_reduced_stock` per line of every order that the shop shows at the end: its own truth. */
function truth(): Map<string, number> {
  const held = new Map<string, number>();
  for (const order of endOf('/wp-json/wc/v3/orders')) {
    const lines = order['line_items'] as { id: number; meta_data: { key: string; value: unknown }[] }[];
    for (const line of lines) {
      const reduced = line.meta_data.find(({ key }) => key === '_reduced_stock')?.value;
      held.set(String(line.id), Number(reduced ?? 0));
    }
  }
  return held;
}

/** The recorded shop as it ended: its order list, each order, and the refunds of order 39. */
function endOfShop(path: string): Reply {
  const orders = endOf('/wp-json/wc/v3/orders');
  if (path === '/wp-json/wc/v3/orders') return { json: orders, headers: { 'x-wp-totalpages': '1' } };
  if (path === '/wp-json/wc/v3/orders/39/refunds') {
    return { json: [...callsOf(8), ...callsOf(9)].map((call) => call.response) };
  }
  const order = orders.find(({ id }) => path === `/wp-json/wc/v3/orders/${id}`);
  if (order !== undefined) return { json: order };
  const error = {
    code: 'woocommerce_rest_shop_order_invalid_id',
    message: 'Invalid ID.',
    data: { status: 404 },
  };
  return { status: 404, json: error };
}

/** The last state of each line over snapshots in the order of their versions; later ones of a version win. */
function fold(snapshots: readonly OrderSnapshot[]): Map<string, OrderSnapshot> {
  const last = new Map<string, OrderSnapshot>();
  for (const snapshot of snapshots) {
    const before = last.get(snapshot.orderId);
    if (before === undefined || snapshot.version >= before.version) last.set(snapshot.orderId, snapshot);
  }
  return last;
}

describe.skipIf(!recorded)('deliveries of a real shop (needs the shared material)', () => {
  test('every recorded delivery verifies over its raw bytes, but the ping, which is unsigned', () => {
    const kinds = deliveries().map(({ step, request }) => [step, receive(config, request).kind]);
    expect(kinds.length).toBe(62);
    expect(kinds.filter(([, kind]) => kind !== 'deliveries')).toEqual([[26, 'handshake']]);
  });

  test('a recorded delivery with one byte changed is refused', () => {
    for (const { request } of deliveries().filter(({ step }) => step === 1)) {
      const body = Buffer.from(request.body);
      body[20] = (body[20] ?? 0) ^ 1;
      expect(receive(config, { ...request, body }).kind).toBe('refused');
    }
  });

  test('all recorded deliveries have different keys, though two orders share a delivery id', () => {
    const keys: string[] = [];
    for (const { request } of deliveries()) {
      const receipt = receive(config, request);
      if (receipt.kind === 'deliveries') keys.push(...receipt.deliveries.map(({ key }) => key));
    }
    expect(new Set(keys).size).toBe(keys.length);
    const ids = deliveries().map(({ request }) => request.headers['x-wc-webhook-delivery-id']);
    expect(new Set(ids).size).toBeLessThan(ids.length - 1);
  });

  test('deliveries and back-fill together end at the stock that the shop itself recorded', async () => {
    const { channel } = await scripted(({ path }) => endOfShop(path), { config: { url: recordedShop } });
    const delivered = deliveries().flatMap(({ request }) => converted(request).content?.orders ?? []);
    const listed: OrderSnapshot[] = [];
    for (const page of await all(channel.ordersSince(0, signal))) {
      for (const item of page.items) {
        const { orders } = channel.ordersIn(item, facts, { ...page, obtained: 'listed', attempt: 0 });
        listed.push(...orders);
      }
    }
    const final = fold([...delivered, ...listed]);
    const held = new Map(
      [...final.values()].flatMap(({ lines }) => lines.map((line) => [line.lineKey, line])),
    );
    for (const [lineId, reduced] of truth()) {
      const expected = lineId === '13' ? 2 : reduced;
      expect(held.get(lineId)?.taken, `line ${lineId}`).toBe(expected);
    }
    expect(held.has('8'), 'the removed line of order 42').toBe(false);
    expect(held.get('14'), 'the trashed order 46').toMatchObject({ taken: 2, gone: 0 });
    expect(held.get('15'), 'order 47, deleted for good').toMatchObject({ taken: 2, gone: 0 });
    expect(held.get('3'), 'the completed order 37').toMatchObject({
      taken: 4,
      gone: 4,
      goneAt: Date.parse('2026-11-23T04:10:52Z'),
    });
    expect(held.get('5'), 'order 39, one restocked and one written off').toMatchObject({ taken: 3, gone: 1 });
  });

  test('deliveries alone bring every order to its last state, except what must be fetched', () => {
    const contents = deliveries().map(({ request }) => converted(request).content);
    const final = fold(contents.flatMap((content) => content?.orders ?? []));
    const fetched = new Set(contents.flatMap((content) => content?.fetch ?? []));
    expect([...fetched]).toEqual(['39']);
    const held = new Map(
      [...final.values()].flatMap(({ lines }) => lines.map((line) => [line.lineKey, line.taken])),
    );
    for (const [lineId, reduced] of truth()) {
      if (lineId === '5') continue;
      expect(held.get(lineId), `line ${lineId}`).toBe(lineId === '13' ? 2 : reduced);
    }
  });

  test('the order that was gone before its webhook was built is told and makes no order', () => {
    const contents = deliveries()
      .filter(
        ({ step, request }) => step === 23 && request.headers['x-wc-webhook-topic']?.startsWith('order.'),
      )
      .map(({ request }) => converted(request).content);
    expect(contents.length).toBe(2);
    for (const content of contents) expect(content).toMatchObject({ orders: [], fetch: [] });
    for (const content of contents) expect(content?.alert).toMatch(/deleted for good/);
  });

  test('the trashed order is flagged and keeps its hold', () => {
    const [content] = deliveries()
      .filter(({ step }) => step === 15)
      .map(({ request }) => converted(request).content);
    expect(content?.orders[0]).toMatchObject({ status: 'trash', lines: [{ taken: 2, gone: 0 }] });
    expect(content?.orders[0]?.warnings?.[0]).toMatch(/trash/);
  });

  test('no recorded order carries anything about its buyer into the kept fields', () => {
    for (const { request } of deliveries()) {
      const receipt = receive(config, request);
      if (receipt.kind !== 'deliveries') continue;
      for (const delivery of receipt.deliveries) {
        expect(JSON.stringify(fieldsOf(delivery))).not.toMatch(/buyer|street|10115|wc_order_/i);
      }
    }
  });

  test('our own pushes come back as hints to read, never as orders', () => {
    const content = deliveries()
      .filter(({ step }) => step === 20 || step === 21)
      .map(({ request }) => converted(request).content);
    expect(content).toEqual([
      { orders: [], fetch: [], touched: ['23'], ignored: null, alert: null },
      { orders: [], fetch: [], touched: ['23'], ignored: null, alert: null },
    ]);
  });
});
