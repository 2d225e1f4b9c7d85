import { describe, expect, test } from 'vitest';
import { amazon } from '../../src/channels/amazon/index.ts';
import type { Delivery, HookRequest, PushLine } from '../../src/channels/channel.ts';
import { type AmazonShop, createAmazonShop } from '../../src/sandbox/amazon/index.ts';
import { benches, calm, howOf, type MakeBench, type SignaturePlace } from './bench.ts';
import { channelSuite } from './channel.ts';

/** Orders come both ways at once: through the queue, and over SNS to the address that `callAlso` subscribes. */
const stand: MakeBench = (options) => {
  // The suite walks the orders far more often, and sooner after a change, than the published rules allow.
  const shop = createAmazonShop({ ...options, usagePlan: 100_000, unsearchableMs: 12_000 });
  return {
    definition: amazon,
    shop,
    settle: shop.settle,
    signature: inMessage,
    signsFields: 'SNS signs named fields of its message',
    forgeries,
    keys: {
      webhook: { lacking: 'no secret signs: the key of SNS comes with its certificate' },
      credential: 'client_secret',
    },
    signing: { forged: ['bad_signature', 'raw_delivery'] },
    foreignFault: { lacking: 'the door tells topics apart; the seller is looked at when the order is read' },
    furnish: async () => ({ unwritable: ['FBA-SKU-006', 'PARENT-1', 'DEPOT-1'] }),
    callAlso: (url) => subscribeTopic(shop, url),
    withTopic,
    untold: {
      refunded: 'money only: no change of the order',
      'edited up': 'there is no such thing: who wants more orders again',
    },
    tellsSteps: 'the payment follows the order, and the cancellation the wish for it',
    deliveryClock: 'TimeOfOrderChange in milliseconds, where orders that are read tell whole seconds',
  };
};

channelSuite('amazon', stand);

describe('amazon beyond the suite', () => {
  const open = benches(stand);

  test('a sale says the same through the queue and over SNS, under keys of its own each', async () => {
    const bench = await open();
    await bench.subscribe();
    const { orderId } = bench.sell(['SKU-001', 3]);
    const deliveries = await bench.deliveries();
    const said = (prefix: string) =>
      deliveries
        .filter(({ key }) => key.startsWith(prefix))
        .map((delivery) => JSON.stringify(bench.channel.fieldsOf(delivery)))
        .sort();
    expect(said('sns:').length).toBe(2);
    expect(said('ntf:')).toEqual(said('sns:'));
    expect(new Set(deliveries.map(({ key }) => key)).size).toBe(4);
    expect(said('sns:').every((fields) => fields.includes(orderId))).toBe(true);
  });

  test('a topic that tells of another seller is heard out, and nothing of it is booked', async () => {
    const bench = await open();
    await bench.subscribe();
    bench.sell(['SKU-001', 3]);
    const stranger = bench.open({ seller_id: 'A0STRANGER00' });
    const how = howOf({ askedAt: 1, answeredAt: 1 }, 'delivered');
    for (const delivery of await bench.deliveries()) {
      const said = stranger.ordersIn(stranger.fieldsOf(delivery), () => undefined, how);
      expect(said.orders).toEqual([]);
      expect(said.fetch).toEqual([]);
      expect(said.alert).toMatch(/another|not for/);
    }
  });

  test('a line waits while a feed with its SKU has not ended, and the channel does not', async () => {
    const bench = await open(amazon.capabilities.batchSize);
    const lines: PushLine[] = [];
    for (const { sku } of bench.catalogue) lines.push(await bench.line(sku, 4, 10));
    bench.shop.fault({ name: 'feed_slow', ms: 600_000 });
    await bench.channel.setStock(lines, calm);
    const [again, odd] = [await bench.line('SKU-001', 2, null), await bench.line('ODD/SKU #1+ü 100%', 3, 6)];
    const outcomes = await bench.channel.setStock([again, odd], calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['waits', 'accepted']);
    expect(bench.shown('ODD/SKU #1+ü 100%')).toBe(3);
  });
});

/** Subscribes the address to the topic; resolves when the adapter has confirmed it. */
async function subscribeTopic(shop: AmazonShop, url: string): Promise<void> {
  await shop.topic.subscribe(url);
  const isConfirmed = () => shop.topic.subscriptions().some((one) => one.endpoint === url && one.confirmed);
  while (!isConfirmed()) await new Promise((resolve) => setImmediate(resolve));
}

type Message = Record<string, string>;

function messageOf(request: HookRequest): Message {
  return JSON.parse(Buffer.from(request.body).toString('utf8'));
}

function written(request: HookRequest, message: Message): HookRequest {
  return { ...request, body: Buffer.from(JSON.stringify(message)) };
}

const inMessage: SignaturePlace = {
  of(request) {
    const { Signature: signature } = messageOf(request);
    if (signature === undefined) throw new Error('the message has no signature');
    return signature;
  },
  replaced(request, signature) {
    const { Signature: _, ...message } = messageOf(request);
    return written(request, signature === null ? message : { ...message, Signature: signature });
  },
};

function forgeries(request: HookRequest): Record<string, HookRequest> {
  const message = messageOf(request);
  const cert = message['SigningCertURL'] ?? '';
  const field = (changes: Message) => written(request, { ...message, ...changes });
  const header = (name: string, value: string) => ({
    ...request,
    headers: { ...request.headers, [name]: value },
  });
  return {
    'another text': field({ Message: `${message['Message']} ` }),
    'another id': field({ MessageId: 'd0a1e1f4-0000-4000-8000-000000000000' }),
    'another time': field({ Timestamp: '2026-11-01T00:00:00.000Z' }),
    'another topic': field({ TopicArn: `${message['TopicArn']}x` }),
    'another type': field({ Type: 'SubscriptionConfirmation', Token: 'a', SubscribeURL: cert }),
    'a subject that was not signed': field({ Subject: 'Order' }),
    'another version of the signature': field({
      SignatureVersion: message['SignatureVersion'] === '1' ? '2' : '1',
    }),
    'a version that does not exist': field({ SignatureVersion: '3' }),
    'a certificate of another host': field({
      SigningCertURL: cert.replace('.amazonaws.com', '.amazonaws.com.example.com'),
    }),
    'a certificate of another region': field({ SigningCertURL: cert.replace('us-east-1', 'eu-west-1') }),
    'a certificate without TLS': field({ SigningCertURL: cert.replace('https:', 'http:') }),
    'a certificate of another path': field({ SigningCertURL: cert.replace('/Simple', '/../Simple') }),
    'raw delivery': {
      ...header('x-amz-sns-rawdelivery', 'true'),
      body: Buffer.from(message['Message'] ?? ''),
    },
    'a header of another type': header('x-amz-sns-message-type', 'UnsubscribeConfirmation'),
    'a header of another topic': header('x-amz-sns-topic-arn', `${message['TopicArn']}x`),
  };
}

/** The topic stands in the notification, which is all of a queue's body and a text within a message of SNS. */
function withTopic(delivery: Delivery, topic: string): Delivery {
  const json = JSON.parse(Buffer.from(delivery.body).toString('utf8'));
  const renamed = (notification: object) => ({ ...notification, NotificationType: topic });
  const body =
    typeof json.Message === 'string'
      ? { ...json, Message: JSON.stringify(renamed(JSON.parse(json.Message))) }
      : renamed(json);
  return { ...delivery, kind: topic, body: Buffer.from(JSON.stringify(body)) };
}
