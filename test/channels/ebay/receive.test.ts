import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { UnreadableDelivery } from '../../../src/channels/channel.ts';
import { calm, factsIn, hook, noon, received, said } from '../../kit/stage.ts';
import { type Reply, stage } from './scripted-ebay.ts';

const shared = process.env['INVSYNC_SHARED'] ?? join(import.meta.dirname, '../../../../shared');
const vectorFile = join(shared, 'contracts/ebay/event-notification-sdk-test-vectors.json');
const Vector = z.object({
  signature: z.string(),
  message: z.unknown(),
  response: z.object({ key: z.string(), algorithm: z.string(), digest: z.string() }).nullable(),
});

const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const kid = randomUUID();
const keyPath = '/commerce/notification/v1/public_key/';
const pem = (key = pair.publicKey) =>
  `-----BEGIN PUBLIC KEY-----${key.export({ format: 'der', type: 'spki' }).toString('base64')}-----END PUBLIC KEY-----`;

/** Serves our key and a seller; every other key is unknown. */
function keyService(call: { path: string }): Reply | undefined {
  if (call.path === `${keyPath}${kid}`) return { json: { key: pem(), algorithm: 'ECDSA', digest: 'SHA1' } };
  if (call.path.startsWith(keyPath)) return { status: 404, json: { errors: [{ errorId: 195001 }] } };
  if (call.path.includes('identity/v1/user')) return { json: { userId: 'u-1', username: 'myshop' } };
  return undefined;
}

function notification(change: Record<string, unknown> = {}, topic = 'ORDER_CONFIRMATION', attempt = 1) {
  const order = {
    orderId: '12-34567-89012',
    orderLineItems: [{ orderLineItemId: '10012345678901', listingId: '1', quantity: 2 }],
  };
  return {
    metadata: { topic, schemaVersion: '1.0', deprecated: false },
    notification: {
      notificationId: 'a1_b2',
      eventDate: '2026-11-23T11:59:58.000Z',
      publishDate: '2026-11-23T11:59:59.000Z',
      publishAttemptCount: attempt,
      data: { user: { userId: 'u-1', username: 'myshop' }, order, ...change },
    },
  };
}

function header(
  bytes: Buffer,
  change: Record<string, unknown> = {},
  key = pair.privateKey,
  digest = 'sha1',
): string {
  const signature = sign(digest, bytes, { key, dsaEncoding: 'der' }).toString('base64');
  return Buffer.from(
    JSON.stringify({ alg: 'ecdsa', kid, signature, digest: digest.toUpperCase(), ...change }),
  ).toString('base64');
}

function signed(body: unknown, sent = JSON.stringify(body)) {
  const compact = Buffer.from(JSON.stringify(body));
  return hook({
    headers: { 'x-ebay-signature': header(compact), 'content-type': 'application/json' },
    body: Buffer.from(sent),
  });
}

describe.skipIf(!existsSync(vectorFile))(
  'the official vectors of eBay’s SDK (needs the shared material)',
  () => {
    const vectors = existsSync(vectorFile)
      ? z.record(z.string(), Vector).parse(JSON.parse(readFileSync(vectorFile, 'utf8')))
      : {};

    test.each([
      ['VALID', 'compact', 'deliveries'],
      ['VALID', 'laid out anew', 'deliveries'],
      ['INVALID', 'compact', 'refused'],
      ['SIGNATURE_MISMATCH', 'compact', 'refused'],
    ])('%s, %s, is %s', async (name, layout, kind) => {
      const vector = vectors[name];
      if (vector === undefined) throw new Error(`no vector ${name}`);
      const { channel, asked } = await stage((call) =>
        call.path.startsWith(keyPath) ? { json: vector.response } : keyService(call),
      );
      const text =
        layout === 'compact' ? JSON.stringify(vector.message) : JSON.stringify(vector.message, null, 4);
      const request = hook({ headers: { 'x-ebay-signature': vector.signature }, body: Buffer.from(text) });
      const receipt = await received(channel, request);
      expect(receipt.kind).toBe(kind);
      if (receipt.kind === 'refused') expect(receipt.status).toBe(412);
      expect(asked(`${keyPath}9936261a-7d7b-4621-a0f1-96ccb428af49`).length).toBe(1);
      if (receipt.kind !== 'deliveries') return;
      const [delivery] = receipt.deliveries;
      if (delivery === undefined) throw new Error('no delivery');
      expect(delivery.kind).toBe('MARKETPLACE_ACCOUNT_DELETION');
      const fields = channel.fieldsOf(delivery);
      expect(JSON.stringify(fields)).not.toMatch(/test_user|ma8vp1jySJC|nY\+s/);
      expect(said(channel, fields)).toMatchObject({
        orders: [],
        fetch: [],
        ignored: expect.stringMatching(/deleted/),
      });
    });

    test('ERROR, whose key service fails, is neither believed nor refused', async () => {
      const vector = vectors['ERROR'];
      const { channel } = await stage((call) =>
        call.path.startsWith(keyPath) ? { status: 500 } : keyService(call),
      );
      const body = Buffer.from(JSON.stringify(vector?.message));
      const receipt = await received(
        channel,
        hook({ headers: { 'x-ebay-signature': vector?.signature ?? '' }, body }),
      );
      expect(receipt.kind).toBe('needs');
    });
  },
);

describe('a signed notification', () => {
  test('is believed by its fetched key, named by its id, and points to an order to fetch', async () => {
    const { channel, asked } = await stage(keyService);
    const request = signed(notification());
    expect(channel.receive(request).kind).toBe('needs');
    const receipt = await received(channel, request);
    if (receipt.kind !== 'deliveries') throw new Error(receipt.kind);
    const [delivery] = receipt.deliveries;
    expect(delivery).toMatchObject({ key: 'ntf:a1_b2', kind: 'ORDER_CONFIRMATION' });
    expect(Buffer.from(delivery?.body ?? []).equals(request.body)).toBe(true);
    if (delivery === undefined) return;
    const fields = channel.fieldsOf(delivery);
    expect(fields).toEqual({ kind: 'fetch', orderId: '12-34567-89012' });
    expect(said(channel, fields)).toMatchObject({ fetch: ['12-34567-89012'], orders: [] });
    expect(asked(`${keyPath}${kid}`)[0]?.headers.authorization).toBe('Bearer token-app');
    expect(channel.receive(request).kind).toBe('deliveries');
    expect(asked(`${keyPath}${kid}`).length).toBe(1);
  });

  test('that is sent again after a lost answer has a key of its own, because its body differs', async () => {
    const { channel } = await stage(keyService);
    const keys: string[] = [];
    for (const attempt of [1, 1, 2]) {
      const receipt = await received(channel, signed(notification({}, 'ORDER_CONFIRMATION', attempt)));
      if (receipt.kind === 'deliveries') keys.push(...receipt.deliveries.map(({ key }) => key));
    }
    expect(keys).toEqual(['ntf:a1_b2', 'ntf:a1_b2', 'ntf:a1_b2#2']);
  });

  test('laid out anew on the way is believed, and what was signed is kept', async () => {
    const { channel } = await stage(keyService);
    const body = notification();
    const receipt = await received(channel, signed(body, JSON.stringify(body, null, 2)));
    if (receipt.kind !== 'deliveries') throw new Error(receipt.kind);
    expect(Buffer.from(receipt.deliveries[0]?.body ?? []).toString()).toBe(JSON.stringify(body));
  });

  test('is verified with SHA-256 where the header says so', async () => {
    const { channel } = await stage(keyService);
    const body = Buffer.from(JSON.stringify(notification()));
    const headers = { 'x-ebay-signature': header(body, {}, pair.privateKey, 'sha256') };
    expect((await received(channel, hook({ headers, body }))).kind).toBe('deliveries');
  });

  const good = Buffer.from(JSON.stringify(notification()));
  const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
  const forged: [string, Record<string, string>, Buffer][] = [
    ['without a header', {}, good],
    [
      'with an altered body',
      { 'x-ebay-signature': header(good) },
      Buffer.from(good.toString().replace('quantity":2', 'quantity":3')),
    ],
    [
      'with white space behind',
      { 'x-ebay-signature': header(good) },
      Buffer.concat([good, Buffer.from('\n')]),
    ],
    [
      'with white space before',
      { 'x-ebay-signature': header(good) },
      Buffer.concat([Buffer.from(' '), good]),
    ],
    ['with an empty body', { 'x-ebay-signature': header(good) }, Buffer.alloc(0)],
    ['with another key', { 'x-ebay-signature': header(good, {}, stranger) }, good],
    ['of another algorithm', { 'x-ebay-signature': header(good, { alg: 'none' }) }, good],
    ['of a weak digest', { 'x-ebay-signature': header(good, { digest: 'MD5' }) }, good],
    ['of the other digest', { 'x-ebay-signature': header(good, { digest: 'SHA256' }) }, good],
    ['with a key id that is a path', { 'x-ebay-signature': header(good, { kid: '../../../config' }) }, good],
    ['with junk behind the header', { 'x-ebay-signature': `${header(good)} ` }, good],
    ['doubled', { 'x-ebay-signature': `${header(good)}, ${header(good)}` }, good],
    ['whose header is no JSON', { 'x-ebay-signature': Buffer.from('[]').toString('base64') }, good],
    ['too large', { 'x-ebay-signature': header(good) }, Buffer.alloc(300_000, 0x20)],
  ];
  test.each(forged)('%s is refused with 412', async (_, headers, body) => {
    const { channel } = await stage(keyService);
    const receipt = await received(channel, hook({ headers, body }));
    expect(receipt).toMatchObject({ kind: 'refused', status: 412, reason: expect.stringMatching(/\w+ \w+/) });
  });

  test('for another seller of the keyset is refused, and a buyer’s deletion is not', async () => {
    const { channel } = await stage(keyService);
    const foreign = await received(channel, signed(notification({ user: { userId: 'u-2' } })));
    expect(foreign).toMatchObject({ kind: 'refused', status: 412 });
    const deletion = signed(
      notification({ user: undefined, order: undefined, userId: 'u-9' }, 'MARKETPLACE_ACCOUNT_DELETION'),
    );
    expect((await received(channel, deletion)).kind).toBe('deliveries');
  });

  test('of the seller who took back the consent is an alert', async () => {
    const { channel } = await stage(keyService);
    const receipt = await received(
      channel,
      signed(notification({ order: undefined }, 'AUTHORIZATION_REVOCATION')),
    );
    if (receipt.kind !== 'deliveries' || receipt.deliveries[0] === undefined) throw new Error(receipt.kind);
    expect(said(channel, channel.fieldsOf(receipt.deliveries[0])).alert).toMatch(/refresh_token/);
  });

  test('of a new topic is kept and ignored in words; a sale without an order id is unreadable', async () => {
    const { channel } = await stage(keyService);
    const delivery = (kind: string, body: unknown) => ({
      key: 'k',
      kind,
      meta: {},
      body: Buffer.from(JSON.stringify(body)),
    });
    const fields = channel.fieldsOf(delivery('WEATHER_CHANGED', notification()));
    expect(said(channel, fields)).toMatchObject({
      ignored: expect.stringMatching(/WEATHER_CHANGED/),
      fetch: [],
    });
    expect(() => channel.fieldsOf(delivery('ORDER_CONFIRMATION', {}))).toThrow(UnreadableDelivery);
    expect(() =>
      channel.fieldsOf({ ...delivery('ORDER_CONFIRMATION', {}), body: Buffer.from('{"a":') }),
    ).toThrow(UnreadableDelivery);
    expect(said(channel, channel.fieldsOf(delivery('ORDER_CANCELLATION_ACTIVITY', {}))).ignored).toMatch(
      /names no order/,
    );
  });
});

describe('signing keys', () => {
  test('that eBay does not know are asked for once a minute, whatever the number of calls', async () => {
    const { channel, asked, pass } = await stage(keyService);
    const body = Buffer.from('{}');
    const other = randomUUID();
    const request = hook({ headers: { 'x-ebay-signature': header(body, { kid: other }) }, body });
    for (let at = 0; at < 50; at += 1) expect((await received(channel, request)).kind).toBe('refused');
    expect(asked(`${keyPath}${other}`).length).toBe(1);
    pass(61_000);
    await received(channel, request);
    expect(asked(`${keyPath}${other}`).length).toBe(2);
  });

  test('in a flood of made-up ids cost a bounded number of calls, and the known one still works', async () => {
    const { channel, calls, pass } = await stage(keyService);
    expect((await received(channel, signed(notification()))).kind).toBe('deliveries');
    const body = Buffer.from('{}');
    const flood = Array.from({ length: 2_000 }, () =>
      hook({ headers: { 'x-ebay-signature': header(body, { kid: randomUUID() }) }, body }),
    );
    const kinds = new Map<string, number>();
    for (let at = 0; at < flood.length; at += 100) {
      const some = await Promise.all(flood.slice(at, at + 100).map((request) => received(channel, request)));
      for (const { kind } of some) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    const fetched = () => calls.filter((call) => call.path.startsWith(keyPath)).length;
    expect(fetched()).toBeLessThanOrEqual(20);
    expect(kinds.get('deliveries')).toBeUndefined();
    expect(kinds.get('needs')).toBeGreaterThan(1_900);
    expect(channel.receive(signed(notification())).kind).toBe('deliveries');
    pass(24 * 3_600_000);
    for (const request of flood) await received(channel, request);
    expect(fetched()).toBeLessThanOrEqual(41);
  });

  test('that are rotated are learned without a restart, and old ones are asked for again after an hour', async () => {
    const { channel, asked, pass } = await stage(keyService);
    await received(channel, signed(notification()));
    pass(3_600_001);
    expect(channel.receive(signed(notification())).kind).toBe('needs');
    await received(channel, signed(notification()));
    expect(asked(`${keyPath}${kid}`).length).toBe(2);
  });

  test('are believed a while longer when the key service is down', async () => {
    let down = false;
    const { channel, pass } = await stage((call) =>
      down && call.path.startsWith(keyPath) ? { status: 503 } : keyService(call),
    );
    await received(channel, signed(notification()));
    down = true;
    pass(3_600_001);
    expect((await received(channel, signed(notification()))).kind).toBe('deliveries');
    pass(24 * 3_600_000);
    expect((await received(channel, signed(notification()))).kind).toBe('needs');
  });

  test('of another curve, or that are no keys, verify nothing', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const body = Buffer.from(JSON.stringify(notification()));
    const headers = { 'x-ebay-signature': header(body, {}, other.privateKey) };
    for (const key of [pem(other.publicKey), 'rubbish', '']) {
      const { channel } = await stage((call) =>
        call.path.startsWith(keyPath) ? { json: { key } } : keyService(call),
      );
      expect(await received(channel, hook({ headers, body }))).toMatchObject({ kind: 'refused' });
    }
  });
});

describe('a challenge', () => {
  const token = 'verification_token-0123456789abcdef';
  const ask = (code: string, change = {}) =>
    hook({
      method: 'GET',
      query: `challenge_code=${code}`,
      headers: { host: 'sync.example.com' },
      ...change,
    });
  const hash = (code: string, address: string) =>
    createHash('sha256').update(`${code}${token}${address}`).digest('hex');

  test.each([
    ['', 'https://sync.example.com/hooks/ebay-shop'],
    ['/', 'https://sync.example.com/hooks/ebay-shop/'],
    ['/s3cret', 'https://sync.example.com/hooks/ebay-shop/s3cret'],
  ])('at path %j is answered for the address %s', async (path, address) => {
    const { channel } = await stage(keyService);
    const receipt = await received(channel, ask('c0de', { path }));
    expect(receipt).toEqual({
      kind: 'handshake',
      status: 200,
      contentType: 'application/json',
      body: JSON.stringify({ challengeResponse: hash('c0de', address) }),
    });
  });

  test('is answered for the registered address, also behind a proxy that changes host and prefix', async () => {
    const address = 'https://public.example.com/inv/hooks/ebay-shop/s3cret';
    const { channel } = await stage(keyService, { vault: new Map([['address', address]]) });
    const receipt = await received(channel, ask('c0de', { path: '/s3cret' }));
    expect(receipt).toMatchObject({ body: JSON.stringify({ challengeResponse: hash('c0de', address) }) });
  });

  test('of 200 characters is answered; none, 201, two, and no code are refused', async () => {
    const { channel } = await stage(keyService);
    expect((await received(channel, ask('x'.repeat(200)))).kind).toBe('handshake');
    expect(await received(channel, ask(''))).toMatchObject({ kind: 'refused', status: 400 });
    expect(await received(channel, ask('x'.repeat(201)))).toMatchObject({ kind: 'refused', status: 400 });
    expect(await received(channel, ask('a&challenge_code=b'))).toMatchObject({
      kind: 'refused',
      status: 400,
    });
    expect(await received(channel, ask('a', { query: '' }))).toMatchObject({ kind: 'refused', status: 405 });
    expect(await received(channel, ask('a', { headers: { host: 'a b/c' } }))).toMatchObject({
      kind: 'refused',
      status: 400,
    });
  });

  test('without a configured token is refused', async () => {
    const { channel } = await stage(keyService, { config: { verification_token: undefined } });
    expect(await received(channel, ask('c0de'))).toMatchObject({ kind: 'refused', status: 412 });
  });
});

describe('a Platform Notification', () => {
  const stamp = '2026-11-23T11:59:00.000Z';
  const md5 = (at: string) => createHash('md5').update(`${at}dev-idapp-idcert-secret`).digest('base64');
  const soap = (at = stamp, signature = md5(at), order = '') => `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
 <soapenv:Header><ebl:RequesterCredentials xmlns:ebl="urn:ebay:apis:eBLBaseComponents">
  <ebl:NotificationSignature>${signature}</ebl:NotificationSignature></ebl:RequesterCredentials></soapenv:Header>
 <soapenv:Body><GetItemTransactionsResponse xmlns="urn:ebay:apis:eBLBaseComponents">
  <Timestamp>${at}</Timestamp><Ack>Success</Ack><CorrelationID>c-1</CorrelationID>
  <NotificationEventName>FixedPriceTransaction</NotificationEventName><RecipientUserID>myshop</RecipientUserID>
  <Item><ItemID>110123456789</ItemID><SKU>MUG-RED</SKU></Item>
  <TransactionArray><Transaction><TransactionID>2001</TransactionID><OrderLineItemID>110123456789-2001</OrderLineItemID>
   <QuantityPurchased>2</QuantityPurchased>${order}<Buyer><Email>canary@example.com</Email></Buyer></Transaction></TransactionArray>
 </GetItemTransactionsResponse></soapenv:Body></soapenv:Envelope>`;
  const post = (text: string, receivedAt = noon) =>
    hook({
      headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: '"x"' },
      body: Buffer.from(text),
      receivedAt,
    });

  test('is believed by its MD5 and only touches the listing that it names', async () => {
    const { channel } = await stage(keyService);
    const receipt = channel.receive(post(soap()));
    if (receipt.kind !== 'deliveries' || receipt.deliveries[0] === undefined) throw new Error(receipt.kind);
    const [delivery] = receipt.deliveries;
    expect(delivery.key).toBe(`pn:FixedPriceTransaction:110123456789-2001:${stamp}`);
    const fields = channel.fieldsOf(delivery);
    expect(JSON.stringify(fields)).not.toContain('canary');
    expect(channel.refsIn(fields)).toEqual(['110123456789/MUG-RED', '110123456789']);
    const listing = {
      listingId: 'MUG-RED',
      counterKey: 'MUG-RED',
      channelSku: 'MUG-RED',
      title: '',
      aliases: ['110123456789/MUG-RED'],
      unwritable: null,
      ambiguous: false,
      shown: 1,
      facts: null,
    };
    const content = said(channel, fields, factsIn([listing]));
    expect(content).toMatchObject({
      orders: [],
      fetch: [],
      touched: ['110123456789/MUG-RED'],
      ignored: null,
    });
    expect(said(channel, fields).ignored).toMatch(/\w+ \w+/);
  });

  test('fetches the order that it names in the form of the order API, and no other', async () => {
    const { channel } = await stage(keyService);
    for (const [id, fetch] of [
      ['12-34567-89012', ['12-34567-89012']],
      ['110123456789-2001', []],
    ] as const) {
      const body = Buffer.from(
        soap(stamp, undefined, `<ContainingOrder><OrderID>${id}</OrderID></ContainingOrder>`),
      );
      const fields = channel.fieldsOf({ key: 'k', kind: 'platform/FixedPriceTransaction', meta: {}, body });
      expect(said(channel, fields).fetch).toEqual(fetch);
    }
  });

  test.each([
    ['with another signature', post(soap(stamp, md5('2026-11-23T11:58:00.000Z')))],
    ['without a signature', post(soap(stamp, ''))],
    ['that is 11 minutes old', post(soap(stamp), noon + 11 * 60_000)],
    ['from the future', post(soap('2026-11-23T12:11:00.000Z'))],
    ['without a time stamp', post(soap('', md5('')))],
    ['that is no SOAP', post('<a/>')],
    ['with a document type', post(soap().replace('?>', '?><!DOCTYPE x [<!ENTITY a "b">]>'))],
    ['that is a bomb of depth', post(`${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`)],
    ['that is a bomb of width', post(soap().replace('<Ack>', `${'<y/>'.repeat(50_000)}<Ack>`))],
  ])('%s is refused with 412', async (_, request) => {
    const { channel } = await stage(keyService);
    expect(channel.receive(request)).toMatchObject({ kind: 'refused', status: 412 });
  });

  test('without a Dev ID is refused in words', async () => {
    const { channel } = await stage(keyService, { config: { dev_id: undefined } });
    expect(channel.receive(post(soap()))).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(/dev_id/),
    });
  });

  test('by another method is no delivery', async () => {
    const { channel } = await stage(keyService);
    for (const method of ['PUT', 'DELETE', 'HEAD']) {
      expect(channel.receive(hook({ method })).kind).toBe('refused');
    }
    await channel.close();
    await channel.close();
    expect(calm.aborted).toBe(false);
  });
});
