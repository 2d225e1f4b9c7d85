import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { deliveryOf, unwrap } from '../../../src/channels/amazon/notification.ts';
import { cloudRegionOf } from '../../../src/channels/amazon/queue.ts';
import { type Channel, type Delivery, UnreadableDelivery } from '../../../src/channels/channel.ts';
import { calm } from '../../kit/stage.ts';
import {
  bytesOf,
  orderChange,
  type Received,
  type Reply,
  type Script,
  scripted,
  topicArn,
} from './scripted-amazon.ts';

function messagesOf(...bodies: string[]): Reply {
  return {
    json: {
      Messages: bodies.map((Body, at) => ({
        MessageId: `m${at}`,
        ReceiptHandle: `r${at}`,
        Body,
        Attributes: {},
      })),
    },
  };
}

const emptied: Reply = { json: { Successful: [], Failed: [] } };

/** Listens to one batch and stops when the queue is asked again. */
async function hear(script: Script, take: (deliveries: Delivery[]) => Promise<void>, config = {}) {
  const stopping = new AbortController();
  const world = await scripted(
    {
      DeleteMessageBatch: [emptied],
      ...script,
      ReceiveMessage: (received, count) => {
        const answers = script['ReceiveMessage'];
        const reply = typeof answers === 'function' ? answers(received, count) : answers?.[count];
        if (reply !== undefined) return reply;
        stopping.abort();
        return { json: {} };
      },
    },
    { config },
  );
  const listening = listenOf(world.channel)(take, stopping.signal);
  return { ...world, listening };
}

/** Without it, nothing of what this file asks for happens. */
function listenOf(channel: Channel): NonNullable<Channel['listen']> {
  if (channel.listen === undefined) throw new Error('the channel does not listen to its queue');
  return channel.listen;
}

/** Signature Version 4 done again by hand, from the request as it arrived. */
function signatureOf({ headers, body, path }: Received, secret: string): string {
  const [, scope = '', names = ''] =
    /Credential=[^/]+\/(\S+), SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '') ?? [];
  const canonical = [
    'POST',
    path,
    '',
    ...names.split(';').map((name) => `${name}:${headers[name]}`),
    '',
    names,
    createHash('sha256').update(body).digest('hex'),
  ].join('\n');
  const text = `AWS4-HMAC-SHA256\n${headers['x-amz-date']}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  return createHmac('sha256', key).update(text).digest('hex');
}

describe('the queue', () => {
  test('is polled for 20 s by the JSON protocol, signed for its own region', async () => {
    const { listening, of } = await hear({ ReceiveMessage: [messagesOf('{}')] }, async () => undefined);
    await listening;
    const [asked] = of('ReceiveMessage');
    expect(asked?.path).toBe('/');
    expect(asked?.headers['content-type']).toBe('application/x-amz-json-1.0');
    expect(asked?.json).toEqual({
      QueueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/invsync',
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 20,
      VisibilityTimeout: 60,
      MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
    });
    for (const request of [...of('ReceiveMessage'), ...of('DeleteMessageBatch')]) {
      const { authorization = '' } = request.headers;
      expect(authorization).toContain('AKIDEXAMPLE/20261123/eu-west-1/sqs/aws4_request');
      expect(authorization).toContain('content-type;host;x-amz-date;x-amz-target');
      expect(authorization.endsWith(`Signature=${signatureOf(request, 'queue-secret-value')}`)).toBe(true);
    }
  });

  test('messages are removed only after they were taken', async () => {
    const events: string[] = [];
    const { listening, of } = await hear(
      {
        ReceiveMessage: [
          messagesOf(JSON.stringify(orderChange({ id: 'a' })), JSON.stringify(orderChange({ id: 'b' }))),
        ],
        DeleteMessageBatch: (received) => {
          events.push(`removed ${received.body.match(/r\d/g)?.join(' ')}`);
          return emptied;
        },
      },
      async (deliveries) => {
        events.push(`takes ${deliveries.map(({ key }) => key).join(' ')}`);
        await new Promise((resolve) => setImmediate(resolve));
        events.push('taken');
      },
    );
    await listening;
    expect(events).toEqual(['takes ntf:a ntf:b', 'taken', 'removed r0 r1']);
    expect(of('DeleteMessageBatch').length).toBe(1);
  });

  test('what could not be taken stays in the queue', async () => {
    const { listening, of } = await hear({ ReceiveMessage: [messagesOf('{}')] }, () =>
      Promise.reject(new Error('disk full')),
    );
    await expect(listening).rejects.toThrow('disk full');
    expect(of('DeleteMessageBatch')).toEqual([]);
  });

  test('what was taken when we are asked to stop is still removed', async () => {
    const stopping = new AbortController();
    const { channel, of } = await scripted({
      ReceiveMessage: [messagesOf(JSON.stringify(orderChange({})))],
      DeleteMessageBatch: [emptied],
    });
    await listenOf(channel)(async () => stopping.abort(), stopping.signal);
    expect(of('DeleteMessageBatch').length).toBe(1);
  });

  test('a message that was taken and not removed comes again under the same key', async () => {
    const body = JSON.stringify(orderChange({ id: 'same' }));
    const keys: string[] = [];
    const { listening } = await hear(
      {
        ReceiveMessage: [messagesOf(body), messagesOf(body)],
        DeleteMessageBatch: [{ json: { Failed: [{ Id: '1' }] } }],
      },
      async (deliveries) => void keys.push(...deliveries.map(({ key }) => key)),
    );
    await listening;
    expect(keys).toEqual(['ntf:same', 'ntf:same']);
  });

  test('a long poll that is cut off by our own stop ends listening in peace', async () => {
    const stopping = new AbortController();
    const { channel } = await scripted({
      ReceiveMessage: () => {
        setImmediate(() => stopping.abort());
        return 'silence';
      },
    });
    await listenOf(channel)(async () => undefined, stopping.signal);
  });

  test('poisoned bodies are handed over, removed, and become dead letters instead of blocking the queue', async () => {
    const taken: Delivery[] = [];
    const poison = [
      '',
      'not json',
      '{"half":',
      '[]',
      '"text"',
      '{"NotificationType":7}',
      '\u0000',
      `${'['.repeat(5_000)}`,
    ];
    const { listening, channel, of } = await hear(
      { ReceiveMessage: [messagesOf(...poison, JSON.stringify(orderChange({})))] },
      async (deliveries) => void taken.push(...deliveries),
    );
    await listening;
    expect(of('DeleteMessageBatch').length).toBe(1);
    expect(taken.length).toBe(poison.length + 1);
    expect(new Set(taken.map(({ key }) => key)).size).toBe(taken.length);
    for (const [at, delivery] of taken.slice(0, poison.length).entries()) {
      expect(Buffer.from(delivery.body).toString('utf8')).toBe(poison[at]);
      expect(delivery.kind).toBe('unreadable');
      expect(() => channel.fieldsOf(delivery)).toThrow(UnreadableDelivery);
    }
    const good = taken.at(-1);
    if (good !== undefined) expect(channel.fieldsOf(good)).toMatchObject({ kind: 'order' });
  });

  test.each([
    ['com.amazonaws.sqs#QueueDoesNotExist', 400, 'rejected'],
    ['com.amazonaws.sqs#AccessDeniedException', 400, 'auth'],
    ['InvalidClientTokenId', 403, 'auth'],
    ['SignatureDoesNotMatch', 403, 'auth'],
    ['com.amazonaws.sqs#RequestThrottled', 400, 'throttled'],
    ['InternalFailure', 500, 'retry'],
    ['com.amazonaws.sqs#ReceiptHandleIsInvalid', 400, 'rejected'],
  ])('%s is %s %s', async (type, status, kind) => {
    const { listening } = await hear(
      { ReceiveMessage: [{ status, json: { __type: type, message: 'queue-secret' } }] },
      async () => undefined,
    );
    await expect(listening).rejects.toMatchObject({ kind });
  });

  test('without a queue there is nothing to listen to', async () => {
    const { channel } = await scripted({}, { config: { sqs: undefined } });
    expect(channel.listen).toBeUndefined();
  });

  test.each([
    ['sqs.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['sqs.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['us-east-1.queue.amazonaws.com', 'us-east-1'],
    ['127.0.0.1', null],
  ])('the region of %s is %s', (host, wanted) => expect(cloudRegionOf(host)).toBe(wanted));
});

describe('wrappings', () => {
  const bare = orderChange({ id: 'n-9' });
  const bus = {
    version: '0',
    id: 'bus-1',
    'detail-type': 'ORDER_CHANGE',
    source: 'aws.partner/x',
    account: '1',
    resources: [],
    detail: bare,
  };
  const sns = (inner: unknown) => ({
    Type: 'Notification',
    MessageId: 'sns-1',
    TopicArn: topicArn,
    Message: JSON.stringify(inner),
    Timestamp: '2026-11-23T10:00:00.000Z',
  });

  test.each([
    ['a bare notification', bare, 'ntf:n-9'],
    ['an EventBridge envelope', bus, 'bus:bus-1'],
    ['SNS in SQS', sns(bare), 'sns:sns-1'],
    ['EventBridge through SNS in SQS', sns(bus), 'sns:sns-1'],
  ])('%s says the same, under a key of its own', async (_, body, key) => {
    const { channel } = await scripted({});
    const delivery = deliveryOf(bytesOf(body));
    expect(delivery).toMatchObject({ key, kind: 'ORDER_CHANGE' });
    expect(channel.fieldsOf(delivery)).toEqual(channel.fieldsOf(deliveryOf(bytesOf(bare))));
  });

  test('the second family of spellings is read as well', () => {
    const { notification } = unwrap(
      bytesOf({
        notificationVersion: '2020-09-04',
        notificationType: 'FEED_PROCESSING_FINISHED',
        payloadVersion: '2020-09-04',
        eventTime: '2026-11-23T10:00:00.000Z',
        payload: { feedProcessingFinishedNotification: { feedId: 'f' } },
        notificationMetadata: { notificationId: 'n-2' },
      }),
    );
    expect(notification).toMatchObject({ type: 'FEED_PROCESSING_FINISHED', notificationId: 'n-2' });
  });

  test('SNS around SNS around SNS is not followed for ever', () => {
    const deep = sns(sns(sns(sns(bare))));
    expect(unwrap(bytesOf(deep)).notification).toBeNull();
  });

  test('2,000 copies of one message give one key, and ten publications of one event ten', () => {
    const body = JSON.stringify(orderChange({ id: 'storm' }));
    const keys = Array.from({ length: 2_000 }, () => deliveryOf(Buffer.from(body)).key);
    expect(new Set(keys)).toEqual(new Set(['ntf:storm']));
    const published = Array.from(
      { length: 10 },
      (_, at) => deliveryOf(bytesOf(orderChange({ id: `n-${at}` }))).key,
    );
    expect(new Set(published).size).toBe(10);
  });

  test('a notification without an id is kept under its hash', () => {
    const { NotificationMetadata: _, ...rest } = bare;
    const first = deliveryOf(bytesOf(rest));
    expect(first.key).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(deliveryOf(bytesOf(rest)).key).toBe(first.key);
  });
});

describe('other notifications', () => {
  test.each([
    ['LISTINGS_ITEM_MFN_QUANTITY_CHANGE'],
    ['LISTINGS_ITEM_STATUS_CHANGE'],
    ['LISTINGS_ITEM_STATUS_CHANGED'],
    ['LISTINGS_ITEM_ISSUES_CHANGE'],
  ])('%s only wakes a read of its SKU: it echoes our own pushes', async (type) => {
    const { channel } = await scripted({});
    const Payload = { SellerId: 'A1EXAMPLE', FulfillmentChannelCode: 'DEFAULT', Sku: 'MUG-RED', Quantity: 3 };
    const body = bytesOf({
      NotificationType: type,
      EventTime: '2026-11-23T10:00:00Z',
      Payload,
      NotificationMetadata: { NotificationId: 'n' },
    });
    const fields = channel.fieldsOf(deliveryOf(body));
    const content = channel.ordersIn(fields, () => undefined, {
      obtained: 'delivered',
      askedAt: 1,
      answeredAt: 1,
      attempt: 0,
    });
    expect(content).toMatchObject({ touched: ['MUG-RED'], orders: [], fetch: [], alert: null });
  });

  test.each([
    ['FEED_PROCESSING_FINISHED', {}, { ignored: expect.stringContaining('FEED'), alert: null }],
    ['ANY_OFFER_CHANGED', {}, { ignored: expect.stringContaining('ANY_OFFER'), alert: null }],
    [
      'ACCOUNT_STATUS_CHANGED',
      { accountStatusChangeNotification: { currentAccountStatus: 'AT_RISK' } },
      { alert: expect.stringContaining('AT_RISK') },
    ],
    [
      'ACCOUNT_STATUS_CHANGED',
      { accountStatusChangeNotification: { currentAccountStatus: 'NORMAL' } },
      { alert: null },
    ],
  ])('%s %j', async (type, payload, wanted) => {
    const { channel } = await scripted({});
    const fields = channel.fieldsOf(deliveryOf(bytesOf({ notificationType: type, payload })));
    const content = channel.ordersIn(fields, () => undefined, {
      obtained: 'delivered',
      askedAt: 1,
      answeredAt: 1,
      attempt: 0,
    });
    expect(content).toMatchObject({ orders: [], ...wanted });
  });

  test('a broken ORDER_CHANGE is a dead letter that names the field, and shows no buyer', async () => {
    const { channel } = await scripted({});
    const broken = JSON.parse(JSON.stringify(orderChange({})).replace('"Quantity":2', '"Quantity":"many"'));
    expect(() => channel.fieldsOf(deliveryOf(bytesOf(broken)))).toThrow(/OrderItems\.0\.Quantity/);
  });

  test('the kept fields hold no buyer, address or price', async () => {
    const { channel } = await scripted({});
    const full = JSON.parse(
      JSON.stringify(orderChange({})).replace(
        '"DestinationPostalCode":null',
        '"DestinationPostalCode":"10115"',
      ),
    );
    expect(JSON.stringify(channel.fieldsOf(deliveryOf(bytesOf(full))))).not.toContain('10115');
    expect(calm.aborted).toBe(false);
  });
});
