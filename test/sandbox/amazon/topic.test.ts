import { createVerify, X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { pauseBefore } from '../../../src/sandbox/amazon/ladder.ts';
import { type Loose, type Received, type Receiver, startReceiver } from '../../kit/shop-stage.ts';
import { send, signedHeaders, startWorld, type World } from './world.ts';

/** Verifies after the AWS text; the certificate comes from where the configuration says, as an adapter gets it. */
async function verifies(world: World, { json: body }: Received): Promise<boolean> {
  const answer = await send(String(world.shop.channelConfig()['cert_url_override']));
  const keys =
    body.Type === 'Notification'
      ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
      : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
  const text = keys.map((key) => (body[key] === undefined ? '' : `${key}\n${body[key]}\n`)).join('');
  const algorithm = body.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
  return createVerify(algorithm)
    .update(text)
    .verify(new X509Certificate(answer.text).publicKey, body.Signature, 'base64');
}

describe('the topic', () => {
  let world: World;
  let receiver: Receiver;
  beforeEach(async () => {
    world = await startWorld();
    receiver = await startReceiver();
  });

  const last = (): Received => {
    const received = receiver.got.at(-1);
    if (received === undefined) throw new Error('nothing was received');
    return received;
  };
  /** Subscribes and confirms, as the address in the message says, at this shop. */
  const subscribe = async () => {
    await world.shop.topic.subscribe(receiver.url);
    const url = new URL(last().json.SubscribeURL);
    expect((await send(`${world.shop.url}${url.pathname}${url.search}`)).status).toBe(200);
    receiver.got.length = 0;
    world.shop.connect();
  };
  const sellAndSettle = async () => {
    world.sell('SKU-1', 1);
    await world.shop.settle();
  };

  test('asks for a confirmation first, signed, by addresses of the platform', async () => {
    await world.shop.topic.subscribe(receiver.url);
    const { headers, json: body } = last();
    expect(headers).toMatchObject({
      'x-amz-sns-message-type': 'SubscriptionConfirmation',
      'x-amz-sns-topic-arn': world.shop.topic.arn,
      'content-type': 'text/plain; charset=UTF-8',
      'user-agent': 'Amazon Simple Notification Service Agent',
    });
    expect(headers['x-amz-sns-subscription-arn']).toBeUndefined();
    expect(body.SubscribeURL).toMatch(
      /^https:\/\/sns\.us-east-1\.amazonaws\.com\/\?Action=ConfirmSubscription&TopicArn=arn:/,
    );
    expect(body.SigningCertURL).toMatch(
      /^https:\/\/sns\.us-east-1\.amazonaws\.com\/SimpleNotificationService-[0-9a-f]{32}\.pem$/,
    );
    expect(await verifies(world, last())).toBe(true);
    world.shop.connect();
    await sellAndSettle();
    expect(receiver.got).toHaveLength(1);
    const wrong = await send(
      `${world.shop.url}/?Action=ConfirmSubscription&TopicArn=${world.shop.topic.arn}&Token=x`,
    );
    expect(wrong.status).toBe(400);
  });

  test('can be subscribed to over its API, signed', async () => {
    const url = new URL('/', world.shop.url);
    const body = new URLSearchParams({
      Action: 'Subscribe',
      TopicArn: world.shop.topic.arn,
      Protocol: 'https',
      Endpoint: receiver.url,
    }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const call = (service: string) =>
      send(url.href, {
        method: 'POST',
        headers: signedHeaders(world.shop, url, world.now(), { headers, body, changes: { service } }),
        body,
      });
    expect((await call('sqs')).status).toBe(403);
    const answer = await call('sns');
    expect(answer.text).toContain('pending confirmation');
    await world.shop.settle();
    expect(last().json.Type).toBe('SubscriptionConfirmation');
  });

  test.each(['1', '2'] as const)('delivers notifications under signature version %s', async (version) => {
    world.shop.topicSettings.signatureVersion = version;
    await subscribe();
    await sellAndSettle();
    expect(receiver.got).toHaveLength(2);
    for (const received of receiver.got) {
      expect(received.json.SignatureVersion).toBe(version);
      expect(await verifies(world, received)).toBe(true);
      expect(received.headers['x-amz-sns-subscription-arn']).toMatch(`${world.shop.topic.arn}:`);
      expect(JSON.parse(received.json.Message).NotificationType).toBe('ORDER_CHANGE');
      const altered = { ...received, json: { ...received.json, Message: '{}' } };
      expect(await verifies(world, altered)).toBe(false);
    }
    expect(world.shop.records().orders[0]?.heard).toBe(true);
  });

  test('repeats a message under the same id, and lets a duplicate be the same one', async () => {
    await subscribe();
    receiver.answers = [500, 503, 200];
    world.shop.fault({ name: 'duplicate_webhook', count: 1 });
    const { orderId } = world.sell('SKU-1', 1);
    world.shop.cancel({ order_id: orderId });
    await world.shop.settle();
    const ids = receiver.got.map(({ json }) => json.MessageId);
    expect(ids).toHaveLength(5);
    expect(new Set(ids).size).toBe(2);
    for (const { headers, json: body } of receiver.got) {
      expect(headers['x-amz-sns-message-id']).toBe(body.MessageId);
    }
  });

  test('tries three times more on 5xx and no answer, and never again on 4xx', async () => {
    await subscribe();
    receiver.answers = [500];
    const { orderId } = world.sell('SKU-1', 1);
    world.shop.cancel({ order_id: orderId });
    await world.shop.settle();
    expect(receiver.got).toHaveLength(2 * 4);
    expect(world.shop.records().orders[0]?.heard).toBe(false);
    receiver.got.length = 0;
    receiver.answers = [403];
    await sellAndSettle();
    expect(receiver.got).toHaveLength(2);
    const hooks = world.shop.records().calls.filter((call) => call.kind === 'webhook');
    expect(hooks.filter(({ outcome }) => outcome === 'failed')).toHaveLength(10);
  });

  test('climbs the whole ladder of 100,015 tries on paper, over 23 days', () => {
    const pauses: number[] = [];
    for (let retry = 0; ; retry += 1) {
      const pause = pauseBefore('managed', retry);
      if (pause === null) break;
      pauses.push(pause);
    }
    expect(pauses).toHaveLength(100_015);
    expect(pauses.slice(0, 6)).toEqual([0, 0, 0, 1000, 1000, 1000]);
    expect(pauses[14]).toBe(20_000);
    const days = pauses.reduce((sum, pause) => sum + pause, 0) / 86_400_000;
    expect(Math.floor(days)).toBe(23);
    const custom = Array.from({ length: 50 }, (_, retry) => pauseBefore('custom', retry) ?? Number.NaN);
    expect(pauseBefore('custom', 50)).toBeNull();
    expect(custom.reduce((sum, pause) => sum + pause, 0)).toBeLessThan(3_600_000);
  });

  test('spoils a signature, and delivers raw without one, as told', async () => {
    await subscribe();
    world.shop.fault({ name: 'bad_signature', count: 1 });
    await sellAndSettle();
    const good = await Promise.all(receiver.got.map((received) => verifies(world, received)));
    expect(good.filter((one) => !one)).toHaveLength(1);
    receiver.got.length = 0;
    world.shop.fault({ name: 'raw_delivery' });
    await sellAndSettle();
    expect(last().headers['x-amz-sns-rawdelivery']).toBe('true');
    expect(last().json.NotificationType).toBe('ORDER_CHANGE');
    expect(world.shop.records().orders[1]?.heard).toBe(false);
  });

  test('unsubscribes by the address in the message and says so, token included', async () => {
    await subscribe();
    await sellAndSettle();
    const url = new URL(last().json.UnsubscribeURL);
    receiver.got.length = 0;
    expect((await send(`${world.shop.url}${url.pathname}${url.search}`)).status).toBe(200);
    await expect.poll(() => receiver.got.length).toBe(1);
    expect(last().json).toMatchObject({ Type: 'UnsubscribeConfirmation' });
    expect(last().json.Token).toMatch(/^[0-9a-f]+$/);
    expect(await verifies(world, last())).toBe(true);
    await sellAndSettle();
    expect(receiver.got).toHaveLength(1);
  });

  test('makes a storm of one message, and only after that of another', async () => {
    await subscribe();
    // The order's own message comes first, so that nothing but the storm is heard.
    await sellAndSettle();
    receiver.got.length = 0;
    const storm = await world.shop.storm({ times: 2_000, to: 'topic' });
    expect(storm).toEqual({ sent: 2_000, ok: 2_000, refused: 0, failed: 0 });
    expect(new Set(receiver.got.map(({ text }) => text)).size).toBe(1);
    expect(await verifies(world, last())).toBe(true);
    receiver.answers = [403];
    const over = await send(`${world.shop.url}/_amazon/storm`, {
      method: 'POST',
      body: JSON.stringify({ times: 10, to: 'topic' }),
    });
    const told: Loose = over.body;
    expect(told).toEqual({ sent: 10, ok: 0, refused: 10, failed: 0 });
  });

  test('calls nobody but this machine', async () => {
    await world.shop.topic.subscribe('https://example.com/hooks');
    const calls = world.shop.records().calls.filter((call) => call.kind === 'webhook');
    expect(calls).toMatchObject([{ outcome: 'failed', status: 0 }]);
  });
});
