import { createHash, createPublicKey, createVerify } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Loose, type Received, sell, sellAndSettle, shown } from '../../kit/shop-stage.ts';
import {
  destinationBody,
  idIn,
  type Receiver,
  register,
  type Stage,
  startReceiver,
  startShop,
  subscriptionBody,
} from './world.ts';

let stage: Stage;
let receiver: Receiver;
beforeEach(async () => {
  stage = await startShop();
  receiver = await startReceiver(stage.shop.credentials.verificationToken);
});

const api = '/commerce/notification/v1';
const config = () =>
  stage.rest('PUT', `${api}/config`, { app: true, body: { alertEmail: 'ops@shop.example' } });
const createDestination = (changes: Record<string, unknown> = {}) =>
  stage.rest('POST', `${api}/destination`, {
    app: true,
    body: destinationBody(stage, receiver.url, changes),
  });
const errorIn = (answer: { status: number; json: Loose }) => [answer.status, answer.json.errors[0].errorId];
const header = (call: Received) =>
  JSON.parse(Buffer.from(String(call.headers['x-ebay-signature']), 'base64').toString('utf8'));
const bodies = () => receiver.got.map((call) => JSON.parse(call.body.toString('utf8')));
const webhooks = () => stage.shop.records().calls.filter((call) => call.kind === 'webhook');

/** Checks bytes as somebody who has read the vendor's rule and nothing else would. */
async function verifies(call: Received, bytes: string | Buffer): Promise<boolean> {
  const { alg, kid, signature, digest } = header(call);
  const answer = await stage.rest('GET', `${api}/public_key/${kid}`, { app: true });
  if (answer.status !== 200) return false;
  expect([alg, answer.json.algorithm, answer.json.digest]).toEqual(['ecdsa', 'ECDSA', 'SHA1']);
  expect(answer.json.key).toMatch(/^-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=]+-----END PUBLIC KEY-----$/);
  const der = Buffer.from(answer.json.key.replace(/-----[A-Z ]+-----/g, ''), 'base64');
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return createVerify(digest).update(bytes).verify(key, signature, 'base64');
}

describe('topics', () => {
  test('are listed in pages of ten to a hundred, for the application only', async () => {
    const first = await stage.rest('GET', `${api}/topic?limit=10`, { app: true });
    expect(first.json.topics).toHaveLength(10);
    expect(first.json.next).toContain('continuation_token=');
    const second = await stage.rest('GET', first.json.next.slice(stage.shop.url.length), { app: true });
    const ids = [...first.json.topics, ...second.json.topics].map((topic: Loose) => topic.topicId);
    expect(ids).toContain('ORDER_CONFIRMATION');
    expect(new Set(ids).size).toBe(ids.length);
    expect(second.json).not.toHaveProperty('next');
    expect((await stage.rest('GET', `${api}/topic?limit=9`, { app: true })).status).toBe(400);
    expect((await stage.rest('GET', `${api}/topic`)).status).toBe(403);
  });

  test('say whose token and which version they want; ORDER_CONFIRMATION may be missing', async () => {
    const { json } = await stage.rest('GET', `${api}/topic/ORDER_CONFIRMATION`, { app: true });
    expect(json).toMatchObject({ scope: 'USER', status: 'ENABLED' });
    expect(json.supportedPayloads.map((each: Loose) => [each.schemaVersion, each.deprecated])).toEqual([
      ['0.9', true],
      ['1.0', false],
    ]);
    expect(errorIn(await stage.rest('GET', `${api}/topic/ITEM_SOLD`, { app: true }))).toEqual([404, 195002]);
    stage.shop.fault({ name: 'no_order_topic' });
    expect((await stage.rest('GET', `${api}/topic/ORDER_CONFIRMATION`, { app: true })).status).toBe(404);
    const all = await stage.rest('GET', `${api}/topic`, { app: true });
    expect(all.json.topics.map((topic: Loose) => topic.topicId)).not.toContain('ORDER_CONFIRMATION');
  });
});

describe('registering', () => {
  test('begins with the configuration, which is missing at first', async () => {
    expect(errorIn(await stage.rest('GET', `${api}/config`, { app: true }))).toEqual([404, 195026]);
    expect(errorIn(await createDestination())).toEqual([409, 195003]);
    expect((await config()).status).toBe(204);
    expect((await stage.rest('GET', `${api}/config`, { app: true })).json).toEqual({
      alertEmail: 'ops@shop.example',
    });
  });

  test('tries the endpoint while the caller waits, and answers with nothing but a Location', async () => {
    await config();
    const answer = await createDestination();
    expect([answer.status, answer.text]).toEqual([201, '']);
    expect(answer.headers['location']).toMatch(
      new RegExp(`^${stage.shop.url}${api}/destination/[0-9a-f-]{36}$`),
    );
    expect(receiver.got.map(({ method, url }) => [method, /challenge_code=[0-9a-f]+$/.test(url)])).toEqual([
      ['GET', true],
    ]);
    const { json } = await stage.rest('GET', `${api}/destination`, { app: true });
    expect(json.destinations).toMatchObject([
      { name: 'invsync', status: 'ENABLED', deliveryConfig: { endpoint: receiver.url } },
    ]);
  });

  test.each([
    [
      'a wrong hash',
      (right: string) => ({
        status: 200,
        type: 'application/json',
        body: `{"challengeResponse":"${right.toUpperCase()}"}`,
      }),
    ],
    [
      'another content type',
      (right: string) => ({ status: 200, type: 'text/html', body: `{"challengeResponse":"${right}"}` }),
    ],
    [
      'another status',
      (right: string) => ({
        status: 201,
        type: 'application/json',
        body: `{"challengeResponse":"${right}"}`,
      }),
    ],
    ['no JSON', (right: string) => ({ status: 200, type: 'application/json', body: right })],
  ])('is refused when the challenge is answered with %s', async (_, challenged) => {
    await config();
    receiver.challenged = challenged;
    expect(errorIn(await createDestination())).toEqual([400, 195020]);
    receiver.challenged = null;
    expect((await createDestination()).status).toBe(201);
  });

  test('is refused when nobody is there, for odd endpoints, tokens and names, and twice for one endpoint', async () => {
    await config();
    const { verificationToken } = stage.shop.credentials;
    const at = (endpoint: unknown, token = verificationToken) =>
      createDestination({ deliveryConfig: { endpoint, verificationToken: token } });
    expect(errorIn(await at('http://127.0.0.1:9/none'))).toEqual([400, 195020]);
    expect(errorIn(await at('http://shop.example/hooks'))).toEqual([400, 195017]);
    expect(errorIn(await at(undefined))).toEqual([400, 195017]);
    expect(errorIn(await createDestination({ deliveryConfig: 'x' }))).toEqual([400, 195017]);
    expect(errorIn(await at(receiver.url, 'short'))).toEqual([400, 195019]);
    expect(errorIn(await at(receiver.url, `${'a'.repeat(40)}!`))).toEqual([400, 195019]);
    expect(errorIn(await createDestination({ name: 'n'.repeat(65) }))).toEqual([400, 195018]);
    expect((await createDestination()).status).toBe(201);
    expect(errorIn(await createDestination())).toEqual([409, 195021]);
  });

  test('of a seller’s topic wants the seller’s token, a known version and destination, and exists once', async () => {
    await config();
    const destinationId = idIn(await createDestination());
    const create = (changes: Record<string, unknown> = {}, app?: true) =>
      stage.rest('POST', `${api}/subscription`, {
        body: subscriptionBody(destinationId, changes),
        ...(app === undefined ? {} : { app }),
      });
    expect(errorIn(await create({}, true))).toEqual([403, 195011]);
    expect(errorIn(await create({ topicId: 'MARKETPLACE_ACCOUNT_DELETION' }))).toEqual([403, 195011]);
    expect(errorIn(await create({ topicId: 'ITEM_SOLD' }))).toEqual([400, 195002]);
    const payload = { format: 'JSON', schemaVersion: '7.0', deliveryProtocol: 'HTTPS' };
    expect(errorIn(await create({ payload }))).toEqual([400, 195008]);
    expect(errorIn(await create({ destinationId: 'none' }))).toEqual([400, 195013]);
    const id = idIn(await create());
    expect(errorIn(await create())).toEqual([409, 195012]);
    expect((await stage.rest('GET', `${api}/subscription/${id}`)).json).toMatchObject({
      topicId: 'ORDER_CONFIRMATION',
      status: 'DISABLED',
      destinationId,
      payload: { schemaVersion: '1.0' },
    });
    expect((await create({ topicId: 'MARKETPLACE_ACCOUNT_DELETION' }, true)).status).toBe(201);
    expect(errorIn(await stage.rest('DELETE', `${api}/destination/${destinationId}`, { app: true }))).toEqual(
      [409, 195024],
    );
  });

  test('sends nothing before it is enabled, a mock on request, and nothing after it is taken back', async () => {
    await config();
    const destinationId = idIn(await createDestination());
    const id = idIn(
      await stage.rest('POST', `${api}/subscription`, { body: subscriptionBody(destinationId) }),
    );
    receiver.got.length = 0;
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(receiver.got).toEqual([]);
    expect((await stage.rest('POST', `${api}/subscription/${id}/test`)).status).toBe(202);
    await stage.shop.settle();
    expect(bodies()).toMatchObject([{ notification: { data: { order: { orderId: '00-00000-00000' } } } }]);
    await stage.rest('POST', `${api}/subscription/${id}/enable`);
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(receiver.got).toHaveLength(2);
    expect((await stage.rest('DELETE', `${api}/subscription/${id}`)).status).toBe(204);
    expect((await stage.rest('DELETE', `${api}/destination/${destinationId}`, { app: true })).status).toBe(
      204,
    );
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(receiver.got).toHaveLength(2);
  });
});

describe('a notification', () => {
  beforeEach(async () => void (await register(stage, receiver)));

  test('comes once per line, names ids only, and is compact and signed as it stands', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3], ['SKU-007', 2]);
    await stage.shop.settle();
    expect(receiver.got).toHaveLength(2);
    const orders = bodies().map((body) => body.notification.data.order);
    expect(orders.map((order) => order.orderId)).toEqual([orderId, orderId]);
    const lines = orders.flatMap((order) => order.orderLineItems);
    expect(lines.map((line) => line.orderLineItemId).sort()).toEqual([...lineIds].sort());
    expect(Object.keys(lines[0])).toEqual(['orderLineItemId', 'listingId', 'quantity']);
    expect(bodies()[0]).toMatchObject({
      metadata: { topic: 'ORDER_CONFIRMATION', schemaVersion: '1.0', deprecated: false },
      notification: { publishAttemptCount: 1 },
    });
    for (const call of receiver.got) {
      expect(header(call)).toMatchObject({ alg: 'ecdsa', digest: 'SHA1' });
      expect(await verifies(call, call.body)).toBe(true);
      expect(await verifies(call, Buffer.concat([call.body, Buffer.from(' ')]))).toBe(false);
    }
    const user = await stage.rest('GET', '/commerce/identity/v1/user');
    expect(bodies()[0].notification.data.user).toEqual({
      userId: user.json.userId,
      username: user.json.username,
    });
    expect(stage.shop.records().orders[0]?.heard).toBe(true);
  });

  test('tells nothing of cancels, refunds and shipping: only a poll finds them', async () => {
    const { orderId } = sell(stage, ['SKU-001', 3]);
    await stage.shop.settle();
    stage.shop.cancel({ order_id: orderId });
    await stage.shop.settle();
    expect(receiver.got).toHaveLength(1);
    expect(stage.shop.records().orders[0]?.heard).toBe(false);
  });

  test('is repeated three times with its id, a new count and a new signature', async () => {
    receiver.answers = [500, 412, 404, 202];
    await sellAndSettle(stage, ['SKU-001', 1]);
    const sent = bodies().map((body) => body.notification);
    expect(sent.map((each) => each.publishAttemptCount)).toEqual([1, 2, 3, 4]);
    expect(new Set(sent.map((each) => each.notificationId)).size).toBe(1);
    for (const call of receiver.got) expect(await verifies(call, call.body)).toBe(true);
    expect(webhooks()).toMatchObject([
      { outcome: 'failed', status: 500, duplicate: false },
      { outcome: 'failed', status: 412, duplicate: true },
      { outcome: 'failed', status: 404, duplicate: true },
      { outcome: 'ok', status: 202, duplicate: true },
    ]);
    receiver.answers = [500];
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(receiver.got).toHaveLength(8);
    expect(stage.shop.pending()).toBe(0);
  });

  test.each([200, 201, 202, 204])('is acknowledged by %d', async (status) => {
    receiver.answers = [status];
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(receiver.got).toHaveLength(1);
  });

  test('stops when the address is marked down, and comes again after it was mended and tried', async () => {
    const { json } = await stage.rest('GET', `${api}/destination`, { app: true });
    const id = json.destinations[0].destinationId;
    const status = async () =>
      (await stage.rest('GET', `${api}/destination/${id}`, { app: true })).json.status;
    receiver.answers = [500];
    stage.shop.set({ sku: 'SKU-001', quantity: 100 });
    for (let turn = 0; turn < 9; turn += 1) sell(stage, ['SKU-001', 1]);
    await stage.shop.settle();
    expect(await status()).toBe('ENABLED');
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(await status()).toBe('MARKED_DOWN');
    receiver.answers = [204];
    receiver.got.length = 0;
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(receiver.got).toEqual([]);
    const mended = await stage.rest('PUT', `${api}/destination/${id}`, {
      app: true,
      body: destinationBody(stage, receiver.url),
    });
    expect(mended.status).toBe(204);
    expect(receiver.got.map(({ method }) => method)).toEqual(['GET']);
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(await status()).toBe('ENABLED');
    expect(receiver.got.map(({ method }) => method)).toEqual(['GET', 'POST']);
  });

  test('stops too after a day without an answer, and at once by the fault', async () => {
    const status = async () =>
      (await stage.rest('GET', `${api}/destination`, { app: true })).json.destinations[0].status;
    receiver.answers = [500];
    await sellAndSettle(stage, ['SKU-001', 1]);
    stage.tick(86_401);
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(await status()).toBe('MARKED_DOWN');
    const other = await startShop({ seed: 5 });
    const listener = await startReceiver(other.shop.credentials.verificationToken);
    await register(other, listener);
    other.shop.fault({ name: 'marked_down' });
    const { json } = await other.rest('GET', `${api}/destination`, { app: true });
    expect(json.destinations[0].status).toBe('MARKED_DOWN');
  });

  test('names a key that does not exist under wrong_kid', async () => {
    stage.shop.fault({ name: 'wrong_kid', count: 1 });
    await sellAndSettle(stage, ['SKU-001', 1]);
    const [call] = receiver.got;
    if (call === undefined) throw new Error('no call');
    const { kid } = header(call);
    expect(kid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(errorIn(await stage.rest('GET', `${api}/public_key/${kid}`, { app: true }))).toEqual([
      404, 195001,
    ]);
    expect((await stage.rest('GET', `${api}/public_key/${kid}`)).status).toBe(403);
  });

  test('does not verify under bad_signature and altered_body', async () => {
    for (const name of ['bad_signature', 'altered_body']) {
      stage.shop.fault({ name, count: 1 });
      await sellAndSettle(stage, ['SKU-001', 1]);
    }
    expect(receiver.got).toHaveLength(2);
    for (const call of receiver.got) {
      expect(await verifies(call, call.body)).toBe(false);
      expect(JSON.parse(call.body.toString('utf8')).metadata.topic).toBe('ORDER_CONFIRMATION');
    }
  });

  test('verifies only as compact JSON under compact_json', async () => {
    stage.shop.fault({ name: 'compact_json', count: 1 });
    await sellAndSettle(stage, ['SKU-001', 1]);
    const [call] = receiver.got;
    if (call === undefined) throw new Error('no call');
    expect(await verifies(call, call.body)).toBe(false);
    expect(await verifies(call, JSON.stringify(JSON.parse(call.body.toString('utf8'))))).toBe(true);
  });

  test('may be signed with SHA-256 and by a new key, while the old one stays known', async () => {
    stage.shop.fault({ name: 'sha256', count: 1 });
    await sellAndSettle(stage, ['SKU-001', 1]);
    stage.shop.rotateKey();
    await sellAndSettle(stage, ['SKU-001', 1]);
    const [one, two] = receiver.got;
    if (one === undefined || two === undefined) throw new Error('two calls are needed');
    expect([header(one).digest, header(two).digest]).toEqual(['SHA256', 'SHA1']);
    expect(header(one).kid).not.toBe(header(two).kid);
    expect([await verifies(one, one.body), await verifies(two, two.body)]).toEqual([true, true]);
  });

  test('is doubled with the same id, with another one, dropped, or about somebody else', async () => {
    const idsOf = () => bodies().map((body) => body.notification.notificationId);
    stage.shop.fault({ name: 'duplicate_webhook', count: 1 });
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect([idsOf().length, new Set(idsOf()).size]).toEqual([2, 1]);
    receiver.got.length = 0;
    stage.shop.fault({ name: 'new_id_duplicate', count: 1 });
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect([idsOf().length, new Set(idsOf()).size]).toEqual([2, 2]);
    receiver.got.length = 0;
    stage.shop.fault({ name: 'drop_webhook', count: 1 });
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(receiver.got).toEqual([]);
    expect(webhooks().at(-1)).toMatchObject({ outcome: 'dropped' });
    expect(stage.shop.records().orders.at(-1)?.heard).toBe(false);
    stage.shop.fault({ name: 'wrong_user', count: 1 });
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(bodies()[0].notification.data.user.userId).toBe('somebodyElse');
  });

  test('of combined invoices tells the same lines under the new order', async () => {
    const [one, two] = [sell(stage, ['SKU-001', 1]), sell(stage, ['SKU-002', 1])];
    const whole = stage.shop.combine([one.orderId, two.orderId]);
    await stage.shop.settle();
    const lines = bodies().map(
      ({ notification: { data } }) => `${data.order.orderId} ${data.order.orderLineItems[0].orderLineItemId}`,
    );
    expect(lines.sort()).toEqual(
      [
        `${one.orderId} ${one.lineIds[0]}`,
        `${two.orderId} ${two.lineIds[0]}`,
        `${whole} ${one.lineIds[0]}`,
        `${whole} ${two.lineIds[0]}`,
      ].sort(),
    );
    expect(stage.shop.records().orders[0]?.heard).toBe(true);
  });

  test('of other topics goes to those who subscribed; somebody else’s stays apart', async () => {
    stage.shop.foreignWebhook('http://127.0.0.1:9/their/address');
    const { json } = await stage.rest('GET', `${api}/subscription`);
    expect(json.subscriptions.map((each: Loose) => each.topicId)).toEqual([
      'ORDER_CONFIRMATION',
      'PRIORITY_LISTING_REVISION',
    ]);
    stage.shop.notify('MARKETPLACE_ACCOUNT_DELETION', { username: 'a', userId: 'b', eiasToken: 'c' });
    await stage.shop.settle();
    expect(receiver.got).toEqual([]);
    const body = subscriptionBody(json.subscriptions[0].destinationId, {
      topicId: 'MARKETPLACE_ACCOUNT_DELETION',
      status: 'ENABLED',
    });
    expect((await stage.rest('POST', `${api}/subscription`, { app: true, body })).status).toBe(201);
    stage.shop.notify('MARKETPLACE_ACCOUNT_DELETION', { username: 'a', userId: 'b', eiasToken: 'c' });
    await stage.shop.settle();
    expect(bodies()).toMatchObject([
      { notification: { data: { username: 'a', userId: 'b', eiasToken: 'c' } } },
    ]);
  });
});

describe('Platform Notifications', () => {
  const prefer = (events: string[]) =>
    stage.trading(
      'SetNotificationPreferences',
      `<ApplicationDeliveryPreferences><ApplicationEnable>Enable</ApplicationEnable><ApplicationURL>${receiver.url}/soap</ApplicationURL></ApplicationDeliveryPreferences><UserDeliveryPreferenceArray>${events.map((event) => `<NotificationEnable><EventType>${event}</EventType><EventEnable>Enable</EventEnable></NotificationEnable>`).join('')}</UserDeliveryPreferenceArray>`,
    );
  const signed = (text: string) => {
    const { devId, clientId, clientSecret } = stage.shop.credentials;
    const timestamp = /<Timestamp>([^<]+)</.exec(text)?.[1] ?? '';
    const right = createHash('md5').update(`${timestamp}${devId}${clientId}${clientSecret}`).digest('base64');
    return text.includes(`<ebl:NotificationSignature>${right}</ebl:NotificationSignature>`);
  };
  const texts = () => receiver.got.map((call) => call.body.toString('utf8'));

  test('come by SOAP to those who asked: the commitment first, the checkout with its order', async () => {
    expect((await prefer(['FixedPriceTransaction', 'AuctionCheckoutComplete'])).Ack).toBe('Success');
    const { orderId } = sell(stage, ['SKU-007', 2]);
    await stage.shop.settle();
    expect(receiver.got.map(({ url }) => url)).toEqual(['/hooks/shop/soap', '/hooks/shop/soap']);
    for (const call of receiver.got) {
      expect(call.headers['content-type']).toMatch(/^text\/xml/);
      expect(call.headers['soapaction']).toMatch(/^"https:\/\/developer\.ebay\.com\/notification\//);
      expect(signed(call.body.toString('utf8'))).toBe(true);
    }
    const commitment = texts().find((text) => text.includes('<NotificationEventName>FixedPriceTransaction<'));
    expect(commitment).toContain('<QuantityPurchased>2</QuantityPurchased>');
    expect(commitment).toMatch(/<OrderLineItemID>110\d{9}-\d+<\/OrderLineItemID>/);
    expect(commitment).not.toContain('<OrderID>');
    const checkout = texts().find((text) => text.includes('<NotificationEventName>AuctionCheckoutComplete<'));
    expect(checkout).toContain(`<OrderID>${orderId}</OrderID>`);
    const { UserDeliveryPreferenceArray } = await stage.trading('GetNotificationPreferences', '');
    expect(UserDeliveryPreferenceArray.NotificationEnable).toHaveLength(2);
    const usage = await stage.trading('GetNotificationsUsage', '');
    expect(usage.NotificationStatistics.DeliveredCount).toBe('2');
  });

  test('tell a commitment for which there is no order yet', async () => {
    await prefer(['FixedPriceTransaction']);
    stage.shop.fault({ name: 'unpaid_commitment', count: 1, ms: 60_000 });
    stage.shop.fault({ name: 'never_pays', count: 1 });
    sell(stage, ['SKU-002', 1]);
    expect(shown(stage, 'SKU-002')).toBe(9);
    await stage.shop.settle();
    expect(receiver.got).toHaveLength(1);
    expect(stage.shop.records().orders).toEqual([]);
  });

  test('tell of listings that were revised, ran out or ended', async () => {
    await prefer(['ItemRevised', 'ItemOutOfStock', 'ItemClosed']);
    stage.shop.fault({ name: 'out_of_stock_control_off' });
    stage.shop.set({ sku: 'SKU-002', quantity: 1 });
    await sellAndSettle(stage, ['SKU-002', 1]);
    const events = texts().map((text) => /<NotificationEventName>(\w+)</.exec(text)?.[1]);
    expect(events.sort()).toEqual(['ItemClosed', 'ItemOutOfStock', 'ItemRevised']);
  });

  test('come to the address of the JSON ones under the fault, also forged', async () => {
    await register(stage, receiver);
    stage.shop.fault({ name: 'soap', count: 1 });
    await sellAndSettle(stage, ['SKU-001', 1]);
    const soap = () => texts().filter((text) => text.startsWith('<?xml'));
    expect([receiver.got.length, soap().length]).toEqual([2, 1]);
    expect(signed(soap()[0] ?? '')).toBe(true);
    stage.shop.fault({ name: 'soap', count: 1 });
    stage.shop.fault({ name: 'bad_soap_signature', count: 1 });
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(signed(soap()[1] ?? '')).toBe(false);
  });
});
