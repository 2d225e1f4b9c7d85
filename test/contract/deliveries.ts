import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json';
import { describe, expect, type TestContext, test } from 'vitest';
import {
  type Delivery,
  type HookRequest,
  type Json,
  UnreadableDelivery,
} from '../../src/channels/channel.ts';
import { type Bench, benches, calm, type MakeBench, need, type Sold, sameId } from './bench.ts';

/** Calls of the platform: whether they are believed, and what is kept and understood of them. */
export function deliverySuite(make: MakeBench): void {
  describe('a delivery at the door', () => {
    const open = benches(make);

    test('of the shop is believed, named, and kept byte by byte', async (context) => {
      const { bench, requests } = await atTheDoor(open, context);
      for (const request of requests) {
        const receipt = await bench.receive(request);
        if (receipt.kind !== 'deliveries') throw new Error(`refused: ${JSON.stringify(receipt)}`);
        expect(receipt.deliveries.length).toBeGreaterThan(0);
        for (const delivery of receipt.deliveries) {
          expect(delivery.key).toMatch(/^.{4,200}$/);
          expect(delivery.kind).not.toBe('');
          expect(JSON.stringify(delivery.meta).length).toBeLessThan(500);
        }
        if (receipt.deliveries.length === 1) {
          expect(Buffer.from(receipt.deliveries[0]?.body ?? []).equals(request.body)).toBe(true);
        }
      }
    });

    test('needs no network once its keys are known: a shop that is down is believed all the same', async (context) => {
      const { bench, requests } = await atTheDoor(open, context);
      for (const request of requests) await bench.receive(request);
      await bench.shop.stop();
      for (const request of requests) expect(bench.channel.receive(request).kind).toBe('deliveries');
    });

    test('of an altered body is refused', async (context) => {
      const { bench, request } = await atTheDoor(open, context);
      need(context, bench.unsignedBody === undefined ? true : { lacking: bench.unsignedBody }, '');
      const flipped = Buffer.from(request.body);
      flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
      const spaced = [' ', '\n'].map((space) => Buffer.concat([request.body, Buffer.from(space)]));
      const bodies = [
        flipped,
        request.body.subarray(0, -1),
        Buffer.alloc(0),
        ...(bench.signsFields === undefined ? spaced : []),
      ];
      for (const body of bodies) await expectRefused(bench, { ...request, body });
    });

    test('that is forged in a way that only this platform knows is refused', async (context) => {
      const { bench, request } = await atTheDoor(open, context);
      const forgeries = bench.forgeries?.(request);
      const known = need(context, forgeries, 'its signature is a secret over the whole body, and no more');
      expect(bench.signsFields === undefined || Object.keys(known).length > 0).toBe(true);
      for (const [name, forged] of Object.entries(known)) {
        expect.soft((await bench.receive(forged)).kind, name).toBe('refused');
        await expectRefused(bench, forged);
      }
      expect((await bench.receive(request)).kind).toBe('deliveries');
    });

    test('with a missing, doubled, garbled or foreign signature is refused', async (context) => {
      const { bench, request } = await atTheDoor(open, context);
      const good = bench.signature.of(request);
      await expectRefused(bench, bench.signature.replaced(request, null));
      const swapped = `${good.slice(1)}${good[0]}`;
      const forged = [
        '',
        ' ',
        `${good}, ${good}`,
        `${good},${good}`,
        `${good} `,
        good.slice(0, -1),
        `${good}A`,
      ];
      const garbage = [
        'AAAA',
        '!!!',
        '\u0000',
        'null',
        '0',
        'A'.repeat(44),
        '0'.repeat(64),
        'x'.repeat(10_000),
      ];
      for (const signature of [...forged, ...garbage, swapped, flipCase(good)]) {
        if (signature === good) continue;
        await expectRefused(bench, bench.signature.replaced(request, signature));
      }
    });

    test('is refused under a wrong secret, and when none is configured', async (context) => {
      const { bench, requests } = await atTheDoor(open, context);
      const key = need(context, bench.keys.webhook, 'no secret signs');
      const wrong = bench.open({ [key]: 'quite-another-secret' });
      for (const request of requests) expect((await bench.receive(request, wrong)).kind).toBe('refused');
      const { [key]: _, ...rest } = bench.own;
      if (!bench.definition.config.safeParse(rest).success) return;
      const none = bench.open({ [key]: undefined });
      for (const request of requests) expect((await bench.receive(request, none)).kind).toBe('refused');
    });

    test('of another shop is refused', async (context) => {
      const { bench } = await atTheDoor(open, context);
      const other = await open(12, 99);
      need(context, other.channel.webhooks, 'the platform pushes nothing');
      await other.subscribe();
      sell(other);
      await other.settle();
      expect(other.listener.got.length).toBeGreaterThan(0);
      for (const request of other.listener.got) {
        expect((await other.receive(request)).kind).toBe('deliveries');
        await expectRefused(bench, request);
      }
    });

    test('that is soundly signed and names another shop is refused', async (context) => {
      const bench = await open();
      const fault = need(context, bench.foreignFault, 'deliveries of this platform name no shop');
      await bench.subscribe();
      bench.shop.fault({ name: fault });
      sell(bench);
      await bench.settle();
      expect(bench.listener.got.length).toBeGreaterThan(0);
      for (const request of bench.listener.got) await expectRefused(bench, request);
    });

    test('that the shop itself signed badly is refused, each', async (context) => {
      const { bench } = await atTheDoor(open, context);
      const faults = bench.signing?.forged ?? ['bad_signature'];
      need(context, faults[0], 'the shop has no such fault');
      for (const name of faults) {
        for (const request of await callsUnder(bench, name)) await expectRefused(bench, request);
      }
    });

    test('that only looks odd is believed, and repeated under the same key', async (context) => {
      const { bench } = await atTheDoor(open, context);
      const faults = bench.signing?.odd ?? [];
      need(context, faults[0], 'the platform signs in one way only');
      for (const name of faults) {
        const requests = await callsUnder(bench, name);
        const keys = await keysOf(bench, requests);
        expect(keys.length, name).toBe(requests.length);
        expect(await keysOf(bench, requests)).toEqual(keys);
      }
    });

    test('by another method than the platform’s is no delivery', async (context) => {
      const { bench, request } = await atTheDoor(open, context);
      for (const method of ['GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS']) {
        const receipt = await bench.receive({ ...request, method, body: Buffer.alloc(0) });
        expect(receipt.kind).not.toBe('deliveries');
      }
    });

    test('is believed under the previous secret while one is being changed', async (context) => {
      const { bench, requests } = await atTheDoor(open, context);
      const key = need(context, bench.keys.webhook, 'no secret signs');
      const both = { ...bench.own, [key]: ['the-fresh-secret', bench.own[key]] };
      const takes = bench.definition.config.safeParse(both).success;
      need(context, takes ? true : null, 'the configuration takes one secret only');
      const channel = bench.open(both);
      for (const request of requests) expect((await bench.receive(request, channel)).kind).toBe('deliveries');
    });

    test('that is repeated has the same key, and every other one has another', async (context) => {
      const { bench, requests } = await atTheDoor(open, context);
      const keys = await keysOf(bench, requests);
      expect(new Set(keys).size).toBe(keys.length);
      expect(await keysOf(bench, requests)).toEqual(keys);
      bench.listener.clear();
      bench.shop.fault({ name: 'duplicate_webhook', count: 1 });
      sell(bench);
      await bench.settle();
      const doubled = await keysOf(bench, bench.listener.got);
      expect(new Set(doubled).size).toBe(doubled.length - 1);
      for (const key of doubled) expect(keys).not.toContain(key);
    });

    test('that only tries the address is answered as the platform demands', async (context) => {
      const bench = await open();
      const webhooks = need(context, bench.channel.webhooks, 'the platform pushes nothing');
      await webhooks.ensure(bench.address, calm);
      await bench.callAlso?.(bench.listener.url);
      const { answer = '', by } = bench.handshake ?? {};
      const blank = { path: '/s3gment', headers: {}, body: Buffer.alloc(0), receivedAt: Date.now() };
      const tried = [...bench.listener.tried];
      if (by !== undefined) tried.push({ ...blank, ...by });
      need(context, tried[0], 'the platform does not try an address before it uses it');
      expect(bench.listener.got).toEqual([]);
      for (const request of tried) {
        const receipt = await bench.receive(request);
        expect(receipt).toMatchObject({ kind: 'handshake', status: 200 });
        if (receipt.kind !== 'handshake') continue;
        const address = bench.listener.url.replace(/\/s3gment$/, request.path);
        expect(receipt.body).toBe(typeof answer === 'string' ? answer : answer(request, address));
        await receipt.complete();
      }
    });
  });

  describe('what is kept of a delivery', () => {
    const open = benches(make);

    test('is nothing of the buyer, wherever in the body it stands', async (context) => {
      const { deliveries, bench } = await told(open, context);
      for (const delivery of deliveries) {
        const plain = bench.channel.fieldsOf(delivery);
        const body = stringify(withBuyer(parse(Buffer.from(delivery.body).toString('utf8')))) ?? '';
        expect(body).toContain('canary');
        const kept = JSON.stringify(bench.channel.fieldsOf({ ...delivery, body: Buffer.from(body) }));
        expect(kept.toLowerCase()).not.toContain('canary');
        expect(kept).not.toContain('555-0199');
        expect(kept).not.toMatch(/shopper@example\.com|1 Test Street|10115/);
        expect(kept.length).toBe(JSON.stringify(plain).length);
      }
    });

    test('survives storing, is not changed by reading it, and reads the same again', async (context) => {
      const { deliveries, bench } = await told(open, context);
      for (const delivery of deliveries) {
        const fields = bench.channel.fieldsOf(delivery);
        const stored = JSON.stringify(fields);
        const replayed: Json = JSON.parse(stored);
        expect(replayed).toEqual(fields);
        expect(bench.channel.fieldsOf(delivery)).toEqual(fields);
        const how = { obtained: 'delivered', askedAt: 1, answeredAt: 2, attempt: 0 } as const;
        const facts = await bench.facts();
        const content = bench.channel.ordersIn(fields, facts, how);
        expect(bench.channel.ordersIn(fields, facts, how)).toEqual(content);
        expect(bench.channel.ordersIn(replayed, facts, how)).toEqual(content);
        expect(bench.channel.refsIn(replayed)).toEqual(bench.channel.refsIn(fields));
        expect(JSON.stringify(fields)).toBe(stored);
      }
    });

    test('names beforehand every listing that is asked for, and gives lines a listing that is known', async (context) => {
      const { deliveries, bench } = await told(open, context);
      const facts = await bench.facts();
      const how = { obtained: 'delivered', askedAt: 1, answeredAt: 1, attempt: 0 } as const;
      let lines = 0;
      const look = (fields: Json) => {
        const refs = bench.channel.refsIn(fields);
        const asked: string[] = [];
        const watching = (ref: string) => {
          asked.push(ref);
          return facts(ref);
        };
        const content = bench.channel.ordersIn(fields, watching, how);
        expect(refs).toEqual(expect.arrayContaining(asked));
        expect(new Set(refs).size).toBe(refs.length);
        for (const { listingId } of content.orders.flatMap((order) => order.lines)) {
          lines += 1;
          expect(facts(listingId ?? '')).toBeDefined();
        }
        return content;
      };
      for (const delivery of deliveries) {
        // What only points to an order is kept as the order that is fetched for it.
        const { fetch } = look(bench.channel.fieldsOf(delivery));
        for (const found of await bench.channel.fetchOrders(fetch, calm)) {
          if (!('missing' in found)) look(found.item);
        }
      }
      expect(lines).toBeGreaterThan(0);
    });

    test('is enough to read it with no facts at all', async (context) => {
      const { deliveries, bench, sold } = await told(open, context);
      const how = { obtained: 'delivered', askedAt: 1, answeredAt: 1, attempt: 0 } as const;
      const said = deliveries.map((delivery) =>
        bench.channel.ordersIn(bench.channel.fieldsOf(delivery), () => undefined, how),
      );
      // What nobody signed may only say where to look.
      if (bench.unsignedBody !== undefined) expect(said.flatMap(({ orders }) => orders)).toEqual([]);
      const ids = said.flatMap(({ orders, fetch }) => [...orders.map((order) => order.orderId), ...fetch]);
      expect(ids.some((id) => sameId(id, sold.orderId))).toBe(true);
    });

    test('has order and line ids beyond 2^53 to the last digit', async (context) => {
      const { deliveries, bench, sold } = await told(open, context);
      const [big, bigLine] = ['9007199254740993', '9007199254740995'];
      let read = 0;
      for (const delivery of deliveries) {
        const json = parse(Buffer.from(delivery.body).toString('utf8'));
        const changed = renamed(renamed(json, sold.orderId, big), sold.lineIds[0] ?? '', bigLine);
        const body = Buffer.from(stringify(changed) ?? '');
        const how = { obtained: 'delivered', askedAt: 1, answeredAt: 1, attempt: 0 } as const;
        const fields = bench.channel.fieldsOf({ ...delivery, body });
        const { orders, fetch } = bench.channel.ordersIn(fields, await bench.facts(), how);
        for (const id of [...orders.map((order) => order.orderId), ...fetch]) {
          expect(sameId(id, big)).toBe(true);
          read += 1;
        }
        for (const order of orders) {
          expect(order.lines.some(({ lineKey }) => sameId(lineKey, bigLine))).toBe(true);
        }
      }
      expect(read).toBeGreaterThan(0);
    });
  });

  describe('an authentic body that makes no sense', () => {
    const open = benches(make);

    test.each(Object.entries(oddBodies))(
      '(%s) is unreadable or says nothing, and nothing else happens',
      async (_, body) => {
        const bench = await open();
        for (const kind of ['', 'unknown', 'no/such.topic', ...(await kinds(bench))]) {
          tolerate(bench, { key: 'k', kind, meta: null, body });
          tolerate(bench, { key: 'k', kind, meta: {}, body });
        }
      },
    );

    test('of an unknown topic is ignored with a reason, or unreadable', async (context) => {
      const { deliveries, bench } = await told(open, context);
      for (const delivery of deliveries) {
        const topic = 'weather/changed';
        const other = bench.withTopic?.(delivery, topic) ?? { ...delivery, kind: topic };
        const content = tolerate(bench, other);
        if (content === null) continue;
        expect(content.orders).toEqual([]);
        expect(content.ignored).toMatch(/\w+ \w+/);
      }
    });

    test('with a key twice is read as one of the two, or unreadable', async (context) => {
      const { deliveries, bench } = await told(open, context);
      for (const delivery of deliveries) {
        const text = Buffer.from(delivery.body).toString('utf8');
        const twice = text.replace('{', '{"id":1,"updated_at":"x","line_items":7,"order":[],"version":-1,');
        tolerate(bench, { ...delivery, body: Buffer.from(twice) });
        tolerate(bench, { ...delivery, body: Buffer.from(text.replace('{', '{"__proto__":{"id":5},')) });
      }
      expect(Object.hasOwn(Object.prototype, 'id')).toBe(false);
    });

    test('with any one value missing or of another kind is read, unreadable or ignored', async (context) => {
      const { deliveries, bench } = await told(open, context);
      const byKind = new Map(deliveries.map((delivery) => [delivery.kind, delivery]));
      for (const delivery of byKind.values()) {
        const body = parse(Buffer.from(delivery.body).toString('utf8'));
        for (const damaged of damages(body)) {
          const text = stringify(damaged) ?? 'null';
          tolerate(bench, { ...delivery, body: Buffer.from(text) });
        }
      }
    });

    test('that is cut anywhere is unreadable', async (context) => {
      const { deliveries, bench } = await told(open, context);
      const [delivery] = deliveries;
      if (delivery === undefined) throw new Error('no delivery');
      for (let length = 1; length < delivery.body.length; length += Math.ceil(delivery.body.length / 40)) {
        const body = delivery.body.subarray(0, length);
        expect(() => bench.channel.fieldsOf({ ...delivery, body })).toThrow(UnreadableDelivery);
      }
    });
  });
}

const deep = (depth: number) => Buffer.from(`${'{"a":['.repeat(depth)}${']}'.repeat(depth)}`);
const oddBodies: Record<string, Buffer> = {
  empty: Buffer.alloc(0),
  'white space': Buffer.from(' \n'),
  null: Buffer.from('null'),
  'a number': Buffer.from('7'),
  'a text': Buffer.from('"order"'),
  'a list': Buffer.from('[]'),
  'an empty object': Buffer.from('{}'),
  'no JSON': Buffer.from('<html><body>502</body></html>'),
  'a form': Buffer.from('webhook_id=12&x=1'),
  'not UTF-8': Buffer.from([0x7b, 0x22, 0x69, 0x64, 0x22, 0x3a, 0x22, 0xc3, 0x28, 0xff, 0x22, 0x7d]),
  'UTF-16': Buffer.from('{"id":1}', 'utf16le'),
  'a byte order mark': Buffer.from('\ufeff{"id":1}'),
  'nested 60 deep': deep(30),
  'nested 20,000 deep': deep(10_000),
  'a number beyond all bounds': Buffer.from('{"id":1e999,"line_items":[],"refunds":[]}'),
  'a negative id': Buffer.from('{"id":-1,"line_items":[],"refunds":[]}'),
  'an id of 400 digits': Buffer.from(`{"id":${'9'.repeat(400)},"line_items":[],"refunds":[]}`),
  'two documents': Buffer.from('{"id":1}{"id":2}'),
};

interface Told {
  bench: Bench;
  sold: Sold;
  deliveries: Delivery[];
}

/** A shop that has told us of one order, its refund and its cancellation. */
async function told(open: ReturnType<typeof benches>, context: TestContext): Promise<Told> {
  const bench = await open();
  need(context, bench.channel.webhooks ?? bench.channel.listen, 'the platform tells nothing by itself');
  await bench.subscribe();
  const sold = sell(bench);
  await bench.settle();
  bench.shop.refund({ order_id: sold.orderId, line_id: sold.lineIds[0] ?? '', quantity: 1, restock: true });
  await bench.settle();
  bench.shop.cancel({ order_id: sold.orderId, restock: true });
  const deliveries = await bench.deliveries();
  expect(deliveries.length).toBeGreaterThan(0);
  return { bench, sold, deliveries };
}

/** The same, with the calls as they came. */
async function atTheDoor(
  open: ReturnType<typeof benches>,
  context: TestContext,
): Promise<Told & { request: HookRequest; requests: HookRequest[] }> {
  const all = await told(open, context);
  const requests = [...all.bench.listener.got];
  const request = need(context, requests[0], 'the platform fills a queue and calls no address');
  return { ...all, request, requests };
}

function sell(bench: Bench): Sold {
  return bench.sell(['SKU-001', 3], ['SKU-005', 2]);
}

async function kinds(bench: Bench): Promise<string[]> {
  if (bench.channel.webhooks === undefined) return [];
  await bench.subscribe();
  const states = await bench.channel.webhooks.list(calm);
  return [...new Set(states.map((state) => state.topic))];
}

/** The calls of a sale while the shop has that fault. */
async function callsUnder(bench: Bench, fault: string): Promise<HookRequest[]> {
  bench.listener.clear();
  bench.shop.set({ sku: 'SKU-001', quantity: 10 });
  bench.shop.set({ sku: 'SKU-005', quantity: 10 });
  await bench.settle();
  bench.listener.clear();
  bench.shop.fault({ name: fault });
  sell(bench);
  await bench.settle();
  bench.shop.fault({ clear: true });
  expect(bench.listener.got.length, fault).toBeGreaterThan(0);
  return [...bench.listener.got];
}

async function keysOf(bench: Bench, requests: HookRequest[]): Promise<string[]> {
  const receipts = await Promise.all(requests.map((request) => bench.receive(request)));
  return receipts.flatMap((receipt) =>
    receipt.kind === 'deliveries' ? receipt.deliveries.map((delivery) => delivery.key) : [],
  );
}

/** Refused, with a reason for people that gives nothing away. */
async function expectRefused(bench: Bench, request: HookRequest): Promise<void> {
  const receipt = await bench.receive(request);
  expect(receipt).toMatchObject({ kind: 'refused' });
  if (receipt.kind !== 'refused') return;
  expect([400, 401, 403, 412]).toContain(receipt.status);
  expect(receipt.reason).toMatch(/\w+ \w+/);
  const signature = signatureIn(bench, request);
  if (signature.length > 8) expect(receipt.reason).not.toContain(signature);
  bench.assertSecretFree(receipt);
}

function signatureIn(bench: Bench, request: HookRequest): string {
  try {
    return bench.signature.of(request);
  } catch {
    return '';
  }
}

/** What the adapter makes of a delivery; null when it is unreadable. Fails when anything else is thrown. */
function tolerate(bench: Bench, delivery: Delivery) {
  let fields: Json;
  try {
    fields = bench.channel.fieldsOf(delivery);
  } catch (error) {
    expect(error, delivery.body.toString().slice(0, 300)).toBeInstanceOf(UnreadableDelivery);
    return null;
  }
  const replayed: Json = JSON.parse(JSON.stringify(fields));
  const how = { obtained: 'delivered', askedAt: 1, answeredAt: 1, attempt: 0 } as const;
  bench.channel.refsIn(replayed);
  const content = bench.channel.ordersIn(replayed, () => undefined, how);
  for (const { taken, gone } of content.orders.flatMap((order) => order.lines)) {
    expect(Number.isInteger(taken) && Number.isInteger(gone) && gone >= 0 && gone <= taken).toBe(true);
  }
  return content;
}

/** What a buyer could leave, under the names that platforms use. */
const buyer = {
  email: 'canary@example.com',
  contact_email: 'canary@example.com',
  phone: '+1 555-0199',
  first_name: 'Canary',
  last_name: 'Canary',
  company: 'Canary Ltd',
  address1: 'Canary Wharf 1',
  address_1: 'Canary Wharf 1',
  city: 'Canary',
  postcode: 'CANARY',
  zip: 'CANARY',
  note: 'for Canary',
  customer_note: 'for Canary',
  reason: 'Canary changed her mind',
  browser_ip: 'canary',
  customer_ip_address: 'canary',
  customer_user_agent: 'canary',
  transaction_id: 'canary',
  padding: 'canary',
};

/** The same body with a buyer in every object. */
function withBuyer(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBuyer);
  if (typeof value === 'string') return withinText(value, withBuyer);
  if (!isTable(value)) return value;
  const whole = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBuyer(inner)]));
  const nested = {
    customer: buyer,
    billing: buyer,
    shipping: buyer,
    billing_address: buyer,
    shipping_address: buyer,
  };
  const properties = [{ name: 'Engraving', key: 'engraving', value: 'Canary' }];
  return { ...whole, ...buyer, ...nested, properties, note_attributes: properties };
}

/** Every copy of the value in which one part is missing or of another kind. */
function* damages(value: unknown, depth = 0): Generator<unknown> {
  const wrong = [null, '', 'x', -1, 1.5, true, [], {}, [null], '9'.repeat(30)];
  if (depth > 5) return;
  if (Array.isArray(value)) {
    for (const other of damages(value[0], depth + 1)) yield [other, ...value.slice(1)];
    for (const other of wrong) yield [other, ...value];
    return;
  }
  if (!isTable(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    const { [key]: _, ...rest } = value;
    yield rest;
    for (const other of wrong) yield { ...value, [key]: other };
    for (const other of damages(inner, depth + 1)) yield { ...value, [key]: other };
  }
}

/** Numbers of the lossless parser are objects too; they are no tables. */
function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The same JSON with bare digits wherever the id is a whole value, also in JSON that stands within a text. */
function renamed(value: unknown, id: string, digits: string): unknown {
  if (Array.isArray(value)) return value.map((inner) => renamed(inner, id, digits));
  if (isTable(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renamed(inner, id, digits)]));
  }
  if (isLosslessNumber(value)) return String(value) === id ? new LosslessNumber(digits) : value;
  if (typeof value !== 'string') return value;
  if (value === id) return new LosslessNumber(digits);
  return withinText(value, (inner) => renamed(inner, id, digits));
}

/** Changes the JSON of a text that is a whole JSON table; any other text stays as it is. */
function withinText(text: string, change: (value: unknown) => unknown): string {
  if (!text.startsWith('{')) return text;
  try {
    return stringify(change(parse(text))) ?? text;
  } catch {
    return text;
  }
}

function flipCase(text: string): string {
  const flipped = text.toUpperCase();
  return flipped === text ? text.toLowerCase() : flipped;
}
