import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Channel, Delivery, HookRequest } from '../../../src/channels/channel.ts';
import { UnreadableDelivery } from '../../../src/channels/channel.ts';
import { digestOf, formOf, readClaim } from '../../../src/channels/flipkart/signature.ts';
import { calm, hook, noon, received, said } from '../../kit/stage.ts';
import { publicUrl, searchPath, stage } from './scripted-flipkart.ts';

/** The documented sample (FK-2.4). */
const golden = {
  appId: '6113ca4a-fe05-11e4-a322-1697f925ec7b',
  secret: '669a57f4-fe05-11e4-a322-1697f925ec7b',
  url: 'http://seller.api.pilotseller.com/notify/fki',
  date: 'Tue, 19 May 2015 09:02:15 GMT',
  header:
    'FKLOGIN NjExM2NhNGEtZmUwNS0xMWU0LWEzMjItMTY5N2Y5MjVlYzdiOjgzNzYyYWJkODdiNDFlNjZkZGQ1ODMyMGE0ZTgwMzI1MWU3MmI3NzY=',
};

const secret = 'hook-secret-1';
const config = { hook_secret: secret };
const date = new Date(noon).toUTCString();

function authorization(time: string, change: { url?: string; secret?: string; appId?: string } = {}): string {
  const url = change.url ?? `${publicUrl}/hooks/fk-shop`;
  const sum = createHash('sha1')
    .update(`${time}${url}POST${change.secret ?? secret}`)
    .digest('hex');
  return `FKLOGIN ${Buffer.from(`${change.appId ?? 'app-id'}:${sum}`).toString('base64')}`;
}

const seconds = String(noon / 1_000);
const event = (change: Record<string, unknown> = {}) => ({
  eventType: 'shipment_created',
  source: 'flipkart',
  version: 'v3',
  timestamp: '2026-11-23T17:30:00+05:30',
  locationId: 'LOC1',
  shipmentId: 'd133588f-b0ac-443b-99b4-7ac8648a0f89',
  attributes: { hold: false, orderItems: [{ orderItemId: '1', quantity: 2 }] },
  ...change,
});

function notification(change: Partial<HookRequest> = {}, body: unknown = event()): HookRequest {
  return hook({
    headers: { x_date: date, x_authorization: authorization(seconds) },
    body: Buffer.from(JSON.stringify(body)),
    ...change,
  });
}

async function pushed(change: Record<string, unknown> = {}, deps: { publicUrl?: string | null } = {}) {
  return await stage(
    (call) => (call.path === searchPath ? { json: { has_more: false, listings: [] } } : undefined),
    { config: { ...config, ...change }, deps },
  );
}

async function deliveryOf(channel: Channel, request: HookRequest): Promise<Delivery> {
  const receipt = await received(channel, request);
  if (receipt.kind !== 'deliveries' || receipt.deliveries[0] === undefined)
    throw new Error(JSON.stringify(receipt));
  return receipt.deliveries[0];
}

describe('the signature of Flipkart’s notifications', () => {
  test('of the documented sample matches with the seconds of its date', () => {
    const claim = readClaim({ x_date: golden.date, x_authorization: golden.header });
    if (claim === null) throw new Error('not read');
    expect(claim.appId).toBe(golden.appId);
    expect(claim.at).toBe(1_432_026_135_000);
    expect(claim.signature.toString('hex')).toBe('83762abd87b41e66ddd58320a4e803251e72b776');
    expect(formOf(claim, [{ url: golden.url, method: 'POST' }], [golden.secret])).toBe('epoch seconds');
    expect(formOf(claim, [{ url: `${golden.url}/`, method: 'POST' }], [golden.secret])).toBeNull();
    expect(formOf(claim, [{ url: golden.url, method: 'PUT' }], [golden.secret])).toBeNull();
  });

  test('over the date as text is another one, as computed for the sample', () => {
    const signed = { url: golden.url, method: 'POST' };
    expect(digestOf(golden.date, signed, golden.secret).toString('hex')).toBe(
      'fed35373f6814e81d2ca5a82c7f0242457263e7d',
    );
  });

  test('of the documented sample opens no door that is at another address', async () => {
    const { channel, vault } = await pushed(
      { app_id: golden.appId, hook_secret: golden.secret },
      { publicUrl: 'http://seller.api.pilotseller.com' },
    );
    const headers = { x_date: golden.date, x_authorization: golden.header };
    expect(await received(channel, notification({ headers }))).toMatchObject({ kind: 'refused' });
    expect(vault.size).toBe(0);
  });

  test.each([
    ['epoch seconds', seconds, date],
    ['the header’s text', date, date],
    ['epoch milliseconds', String(noon), date],
    ['a header of bare seconds', seconds, seconds],
    ['a date that is none', 'soon', 'soon'],
  ])('is believed with the time as %s', async (_, time, dateText) => {
    const { channel } = await pushed();
    const headers = { x_date: dateText, x_authorization: authorization(time) };
    expect((await received(channel, notification({ headers }))).kind).toBe('deliveries');
  });

  test('in another form than before is told', async () => {
    const { channel, warned } = await pushed();
    const inForm = (time: string) =>
      notification({ headers: { x_date: date, x_authorization: authorization(time) } });
    await received(channel, inForm(seconds));
    await received(channel, inForm(seconds));
    expect(warned).toEqual([]);
    await received(channel, inForm(date));
    expect(warned).toEqual(['notifications are signed in another form than before']);
  });

  test('of an old date is believed and told: a refusal would block its group', async () => {
    const { channel, warned } = await pushed();
    expect((await received(channel, notification({ receivedAt: noon + 14 * 60_000 }))).kind).toBe(
      'deliveries',
    );
    expect(warned).toEqual([]);
    for (const receivedAt of [noon + 86_400_000, noon - 86_400_000])
      expect((await received(channel, notification({ receivedAt }))).kind).toBe('deliveries');
    expect(warned.length).toBe(2);
  });

  test('with one or more spaces after FKLOGIN is the same', async () => {
    const { channel } = await pushed();
    const x_authorization = authorization(seconds).replace(' ', '  ');
    expect((await received(channel, notification({ headers: { x_date: date, x_authorization } }))).kind).toBe(
      'deliveries',
    );
  });

  const good = authorization(seconds);
  test.each<[string, Record<string, string>]>([
    ['without both headers', {}],
    ['without the date', { x_authorization: good }],
    ['without the signature', { x_date: date }],
    ['with the signature twice', { x_date: date, x_authorization: `${good}, ${good}` }],
    ['with the date twice', { x_date: `${date}, ${date}`, x_authorization: good }],
    ['with hyphens in the names', { 'x-date': date, 'x-authorization': good }],
    ['with another scheme', { x_date: date, x_authorization: good.replace('FKLOGIN', 'Basic') }],
    ['with a space at the end', { x_date: date, x_authorization: `${good} ` }],
    ['with base64 that is not canonical', { x_date: date, x_authorization: `${good.replace(/=*$/, '')}A` }],
    ['with garbage', { x_date: date, x_authorization: 'FKLOGIN !!!!' }],
    ['with a signature in capitals', { x_date: date, x_authorization: shouted(good) }],
    ['with ten thousand characters', { x_date: date, x_authorization: `FKLOGIN ${'A'.repeat(10_000)}` }],
    ['with a date of ten thousand characters', { x_date: 'x'.repeat(10_000), x_authorization: good }],
    ['of another time', { x_date: new Date(noon + 1_000).toUTCString(), x_authorization: good }],
    ['of another application', { x_date: date, x_authorization: authorization(seconds, { appId: 'other' }) }],
    ['under another secret', { x_date: date, x_authorization: authorization(seconds, { secret: 'other' }) }],
    [
      'for another shop’s address',
      { x_date: date, x_authorization: authorization(seconds, { url: `${publicUrl}/hooks/other` }) },
    ],
    [
      'for the same path on another host',
      {
        x_date: date,
        x_authorization: authorization(seconds, { url: 'https://x.example/hooks/fk-shop' }),
        host: 'x.example',
      },
    ],
  ])('%s is refused with 401 and gives nothing away', async (_, headers) => {
    const { channel } = await pushed();
    const receipt = await received(channel, notification({ headers }));
    expect(receipt).toMatchObject({ kind: 'refused', status: 401, reason: expect.stringMatching(/\w+ \w+/) });
    expect(JSON.stringify(receipt)).not.toContain(secret);
    expect(JSON.stringify(receipt)).not.toContain(good.slice(8));
  });

  test('names the address with its query and its unguessable end', async () => {
    const { channel } = await pushed();
    const at = (path: string, query: string, url: string) =>
      notification({
        path,
        query,
        headers: { x_date: date, x_authorization: authorization(seconds, { url }) },
      });
    const base = `${publicUrl}/hooks/fk-shop`;
    expect((await received(channel, at('/s3g', 'a=1', `${base}/s3g?a=1`))).kind).toBe('deliveries');
    expect((await received(channel, at('/s3g', '', `${base}/s3g?a=1`))).kind).toBe('refused');
    const strict = (await pushed({ hook_path: '/s3g' })).channel;
    expect((await received(strict, at('/s3g', '', `${base}/s3g`))).kind).toBe('deliveries');
    expect((await received(strict, at('', '', base))).kind).toBe('refused');
  });

  test('is believed for the address that was enrolled, also where public_url is not known', async () => {
    const { channel, reopen } = await pushed({}, { publicUrl: null });
    const url = 'https://old.example/way/hooks/fk-shop';
    const request = notification({
      headers: { x_date: date, x_authorization: authorization(seconds, { url }) },
    });
    expect(await received(channel, request)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('public_url'),
    });
    await channel.webhooks?.ensure(url, calm);
    expect((await received(channel, request)).kind).toBe('deliveries');
    expect((await received(reopen(), request)).kind).toBe('deliveries');
    expect((await received(channel, { ...request, path: '/x' })).kind).toBe('refused');
  });

  test('is believed under the old secret and application while they are being changed', async () => {
    const { channel } = await pushed({
      hook_secret: ['fresh', secret],
      hook_app_id: ['fresh-app', 'app-id'],
    });
    expect((await received(channel, notification())).kind).toBe('deliveries');
    const old = (await pushed({ hook_secret: 'fresh' })).channel;
    expect((await received(old, notification())).kind).toBe('refused');
    const none = (await pushed({ hook_secret: undefined })).channel;
    expect(await received(none, notification())).toMatchObject({ kind: 'refused', status: 401 });
  });

  test('by another method is none', async () => {
    const { channel } = await pushed();
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect(await received(channel, notification({ method }))).toMatchObject({
        kind: 'refused',
        status: 405,
      });
  });
});

function shouted(header: string): string {
  const [appId = '', hex = ''] = Buffer.from(header.slice(8), 'base64').toString().split(':');
  return `FKLOGIN ${Buffer.from(`${appId}:${hex.toUpperCase()}`).toString('base64')}`;
}

describe('a notification', () => {
  test('is kept byte by byte, and its key does not change with the order of its fields', async () => {
    const { channel } = await pushed();
    const request = notification();
    const delivery = await deliveryOf(channel, request);
    expect(delivery).toMatchObject({ kind: 'shipment_created', meta: {}, body: request.body });
    const { attributes, eventType, ...rest } = event();
    const turned = await deliveryOf(channel, notification({}, { attributes, ...rest, eventType, extra: 1 }));
    expect(turned.key).toBe(delivery.key);
    expect((await deliveryOf(channel, request)).key).toBe(delivery.key);
  });

  test('of another type, shipment, time or content has another key', async () => {
    const { channel } = await pushed();
    const bodies = [
      {},
      { eventType: 'shipment_cancelled' },
      { shipmentId: 'x' },
      { timestamp: '2026-11-23T17:30:01+05:30' },
      { attributes: { orderItems: [{ orderItemId: '1', quantity: 1 }] } },
      { attributes: null },
    ];
    const keys = new Set<string>();
    for (const change of bodies) keys.add((await deliveryOf(channel, notification({}, event(change)))).key);
    expect(keys.size).toBe(bodies.length);
  });

  test.each([
    'shipment_created',
    'shipment_cancelled',
    'shipment_hold',
    'shipment_unhold',
    'shipment_packed',
    'shipment_ready_to_dispatch',
    'shipment_pickup_complete',
    'shipment_shipped',
    'shipment_delivered',
    'shipment_of_a_new_kind',
  ])('%s only says which shipment to look at, never how many', async (eventType) => {
    const { channel } = await pushed();
    const delivery = await deliveryOf(channel, notification({}, event({ eventType })));
    const fields = channel.fieldsOf(delivery);
    expect(fields).toEqual({ kind: 'look', shipmentId: event().shipmentId });
    expect(said(channel, fields)).toEqual({
      orders: [],
      fetch: [event().shipmentId],
      touched: [],
      ignored: null,
      alert: null,
    });
    expect(channel.refsIn(fields)).toEqual([]);
  });

  test.each([
    'shipment_dispatch_dates_changed',
    'shipment_form_failed',
    'return_created',
    'return_picked_up',
    'return_cancelled',
    'price_changed',
    'weather/changed',
  ])('%s is taken in and ignored with a reason', async (eventType) => {
    const { channel } = await pushed();
    const delivery = await deliveryOf(channel, notification({}, event({ eventType })));
    expect(said(channel, channel.fieldsOf(delivery))).toMatchObject({
      orders: [],
      fetch: [],
      ignored: expect.stringMatching(/\w+ \w+/),
    });
  });

  test('of a completed return alerts a person and puts nothing on the shelf', async () => {
    const { channel } = await pushed();
    const body = event({ eventType: 'return_completed', shipmentId: undefined, returnId: 'R-1`$(x)' });
    const content = said(channel, channel.fieldsOf(await deliveryOf(channel, notification({}, body))));
    expect(content).toMatchObject({ orders: [], fetch: [], alert: expect.stringContaining('--ref R-1x') });
  });

  test.each<[string, string]>([
    ['an empty body', ''],
    ['HTML', '<html></html>'],
    ['truncated JSON', '{"eventType":"shipment_created","shipmentId":"s'],
  ])('that is authentic with %s is stored, and cannot be read', async (_, text) => {
    const { channel } = await pushed();
    const delivery = await deliveryOf(channel, notification({ body: Buffer.from(text) }));
    expect(delivery.kind).toBe('unknown');
    expect(() => channel.fieldsOf(delivery)).toThrow(UnreadableDelivery);
  });

  test.each([null, '', [], {}, true, -1, 1.5, 'x'.repeat(201)])(
    'whose shipment id is %j is stored, and cannot be read',
    async (shipmentId) => {
      const { channel } = await pushed();
      const delivery = await deliveryOf(channel, notification({}, event({ shipmentId })));
      expect(() => channel.fieldsOf(delivery)).toThrow(UnreadableDelivery);
    },
  );

  test('with a shipment id beyond 2^53 names it to the last digit', async () => {
    const { channel } = await pushed();
    const text = JSON.stringify(event({ shipmentId: '@' })).replace('"@"', '9007199254740993');
    const delivery = await deliveryOf(channel, notification({ body: Buffer.from(text) }));
    expect(channel.fieldsOf(delivery)).toEqual({ kind: 'look', shipmentId: '9007199254740993' });
  });
});
