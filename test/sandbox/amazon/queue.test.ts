import { beforeEach, describe, expect, test } from 'vitest';
import { refusalOf } from '../../../src/sandbox/amazon/sigv4.ts';
import type { ShopRequest } from '../../../src/sandbox/kit/server.ts';
import type { Loose } from '../../kit/shop-stage.ts';
import { startWorld, US, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});

const destinations = '/notifications/v1/destinations';
const orderChange = '/notifications/v1/subscriptions/ORDER_CHANGE';

describe('destinations and subscriptions', () => {
  const own = (method: string, path: string, body?: unknown) =>
    world.api(method, path, { token: 'grantless', ...(body === undefined ? {} : { body }) });
  const wish = (arn: string) => ({ name: 'invsync', resourceSpecification: { sqs: { arn } } });

  test('are made once, found again, and taken down in order', async () => {
    const { destinationId, subscriptionId } = await world.register();
    expect((await own('GET', destinations)).body.payload).toEqual([
      { destinationId, name: 'invsync', resource: { sqs: { arn: world.shop.queue.arn } } },
    ]);
    expect((await own('POST', destinations, wish(world.shop.queue.arn))).status).toBe(409);
    const found = await world.api('GET', orderChange, { query: { payloadVersion: '1.0' } });
    expect(found.body.payload).toEqual({ subscriptionId, payloadVersion: '1.0', destinationId });
    const again = await world.api('POST', orderChange, { body: { payloadVersion: '1.0', destinationId } });
    expect(again.status).toBe(409);
    expect((await own('DELETE', `${destinations}/${destinationId}`)).status).toBe(409);
    world.tick(5_000);
    expect((await own('DELETE', `${orderChange}/${subscriptionId}`)).status).toBe(200);
    expect((await world.api('GET', orderChange)).status).toBe(404);
    expect((await own('DELETE', `${destinations}/${destinationId}`)).status).toBe(200);
    expect((await own('GET', `${destinations}/${destinationId}`)).status).toBe(404);
  });

  test('refuse an ARN that is none, a type that does not exist, and a destination of the wrong kind', async () => {
    expect((await own('POST', destinations, wish('invsync'))).status).toBe(400);
    const unknown = '/notifications/v1/subscriptions/ORDER_STATUS_CHANGE';
    expect((await world.api('GET', unknown)).status).toBe(400);
    const bus = await own('POST', destinations, {
      name: 'bus',
      resourceSpecification: { eventBridge: { region: 'us-east-1', accountId: '123456789012' } },
    });
    const { destinationId } = bus.body.payload;
    const answer = await world.api('POST', orderChange, { body: { payloadVersion: '1.0', destinationId } });
    expect(answer.status).toBe(400);
  });

  test('want the right kind of token for each step', async () => {
    const { destinationId, subscriptionId } = await world.register();
    expect((await world.api('GET', destinations)).status).toBe(403);
    expect((await world.api('DELETE', `${orderChange}/${subscriptionId}`)).status).toBe(403);
    const body = { payloadVersion: '1.0', destinationId };
    expect((await world.api('POST', orderChange, { token: 'grantless', body })).status).toBe(403);
  });

  test('cannot be made by who lacks the role or whose queue lets nobody in', async () => {
    world.shop.fault({ name: 'missing_policy' });
    expect([400, 500]).toContain((await own('POST', destinations, wish(world.shop.queue.arn))).status);
    world.shop.fault({ clear: true });
    const made = await own('POST', destinations, wish(world.shop.queue.arn));
    world.shop.fault({ name: 'missing_role' });
    const { destinationId } = made.body.payload;
    const answer = await world.api('POST', orderChange, { body: { payloadVersion: '1.0', destinationId } });
    expect(answer.status).toBe(403);
  });
});

describe('notifications', () => {
  const payloads = async () =>
    (await world.drain()).map(({ Body }: Loose) => JSON.parse(Body).Payload.OrderChangeNotification);

  test('do not come before somebody subscribes', async () => {
    world.sell('SKU-1', 1);
    await world.shop.settle();
    expect(await world.drain()).toEqual([]);
    expect(world.shop.pending()).toBe(0);
  });

  test('tell an order from pending to shipped, each with the state of its moment', async () => {
    await world.register();
    const { orderId, lineId } = world.sell('SKU-1', 3);
    await world.shop.settle();
    world.shop.ship({ order_id: orderId });
    await world.shop.settle();
    expect(world.shop.records().orders[0]?.heard).toBe(false);
    const told = await payloads();
    expect(new Set(told.map((one) => one.AmazonOrderId))).toEqual(new Set([orderId]));
    expect(told.map((one) => one.Summary.OrderStatus).sort()).toEqual(['Pending', 'Shipped', 'Unshipped']);
    const pending = told.find((one) => one.Summary.OrderStatus === 'Pending');
    expect(pending).toMatchObject({
      NotificationLevel: 'OrderLevel',
      SellerId: world.seller,
      OrderChangeType: 'OrderStatusChange',
      Summary: {
        MarketplaceId: US,
        FulfillmentType: 'MFN',
        OrderItems: [{ OrderItemId: lineId, SellerSKU: 'SKU-1', Quantity: 3, QuantityShipped: 0 }],
      },
    });
    expect(world.shop.records().orders[0]?.heard).toBe(true);
    expect(world.shop.pending()).toBe(0);
  });

  test('tell a buyer’s request at the level of the item before the cancellation', async () => {
    await world.register();
    const levels = new Set<string>();
    for (let turn = 0; turn < 8; turn += 1) {
      const { orderId } = world.sell('SKU-1', 1);
      await world.shop.settle();
      world.shop.cancel({ order_id: orderId });
      await world.shop.settle();
      for (const one of await payloads()) {
        levels.add(`${one.NotificationLevel} ${one.OrderChangeType} ${one.Summary.OrderStatus}`);
      }
    }
    expect(levels).toContain('OrderItemLevel BuyerRequestedChange Unshipped');
    expect(levels).toContain('OrderLevel OrderStatusChange Canceled');
  });

  test('are filtered as the subscription says', async () => {
    const made = await world.api('POST', destinations, {
      token: 'grantless',
      body: { name: 'q', resourceSpecification: { sqs: { arn: world.shop.queue.arn } } },
    });
    const eventFilter = { eventFilterType: 'ORDER_CHANGE', orderChangeTypes: ['BuyerRequestedChange'] };
    await world.api('POST', orderChange, {
      body: {
        payloadVersion: '1.0',
        destinationId: made.body.payload.destinationId,
        processingDirective: { eventFilter },
      },
    });
    for (let turn = 0; turn < 6; turn += 1) {
      const { orderId } = world.sell('SKU-1', 1);
      await world.shop.settle();
      world.shop.cancel({ order_id: orderId });
      await world.shop.settle();
    }
    const types = new Set((await payloads()).map((one) => one.OrderChangeType));
    expect(types).toEqual(new Set(['BuyerRequestedChange']));
  });

  test('are dropped, doubled under one id, published again under others, held back, and poisoned', async () => {
    await world.register();
    world.shop.fault({ name: 'drop_webhook' });
    world.sell('SKU-1', 1);
    await world.shop.settle();
    expect(await world.drain()).toEqual([]);
    world.shop.fault({ clear: true });

    world.shop.fault({ name: 'duplicate_webhook', count: 1 });
    world.shop.fault({ name: 'republish', count: 1 });
    world.sell('SKU-2', 1);
    await world.shop.settle();
    const told = (await world.drain()).map(({ Body }: Loose) => JSON.parse(Body));
    const pending = told.filter(
      (one) => one.Payload.OrderChangeNotification.Summary.OrderStatus === 'Pending',
    );
    expect(pending).toHaveLength(11);
    expect(new Set(pending.map((one) => one.NotificationMetadata.NotificationId)).size).toBe(10);

    world.shop.fault({ name: 'sqs_poison', count: 1 });
    world.sell('SKU-3', 1);
    await world.shop.settle();
    const bodies = (await world.drain()).map(({ Body }: Loose) => Body);
    expect(bodies.filter((body) => body.startsWith('<poison>'))).toHaveLength(1);

    const hooks = world.shop.records().calls.filter((call) => call.kind === 'webhook');
    expect(hooks.filter(({ outcome }) => outcome === 'dropped')).toHaveLength(2);
    expect(hooks.filter(({ duplicate }) => duplicate)).toHaveLength(10);
  });

  test('overtake each other under reorder_webhook', async () => {
    await world.register();
    world.shop.fault({ name: 'reorder_webhook', count: 1 });
    const { orderId } = world.sell('SKU-1', 1);
    world.shop.ship({ order_id: orderId });
    await world.shop.settle();
    const order = world.shop.queue
      .bodies()
      .map((body) => JSON.parse(body).Payload.OrderChangeNotification.Summary.OrderStatus);
    expect(order.at(-1)).toBe('Pending');
    expect(order).toHaveLength(3);
  });

  test.each(['fifo_queue', 'missing_policy'])('vanish without a word under %s', async (name) => {
    await world.register();
    world.shop.fault({ name });
    world.sell('SKU-1', 1);
    await world.shop.settle();
    expect(await world.drain()).toEqual([]);
  });

  test('come bare, in the envelope of a bus, or in that of a topic', async () => {
    await world.register();
    const kinds = async () => (await world.drain()).map(({ Body }: Loose) => JSON.parse(Body));
    world.shop.fault({ name: 'eventbridge_envelope' });
    world.sell('SKU-1', 1);
    await world.shop.settle();
    const [bus] = await kinds();
    expect(bus).toMatchObject({ version: '0', 'detail-type': 'ORDER_CHANGE' });
    expect(bus.detail.NotificationType).toBe('ORDER_CHANGE');
    world.shop.fault({ clear: true });
    world.shop.fault({ name: 'sns_envelope' });
    world.sell('SKU-1', 1);
    await world.shop.settle();
    const [topic] = await kinds();
    expect(topic).toMatchObject({ Type: 'Notification', TopicArn: world.shop.topic.arn });
    expect(JSON.parse(topic.Message).NotificationType).toBe('ORDER_CHANGE');
  });

  test('of the number come over the bus, and echo the seller’s own writes', async () => {
    const bus = await world.api('POST', destinations, {
      token: 'grantless',
      body: {
        name: 'bus',
        resourceSpecification: { eventBridge: { region: 'us-east-1', accountId: '123456789012' } },
      },
    });
    await world.api('POST', '/notifications/v1/subscriptions/LISTINGS_ITEM_MFN_QUANTITY_CHANGE', {
      body: { payloadVersion: '1.0', destinationId: bus.body.payload.destinationId },
    });
    await world.setNumber('SKU-1', 3);
    await world.shop.settle();
    const [message] = await world.drain();
    const { detail } = JSON.parse(message.Body);
    expect(detail.Payload).toEqual({
      SellerId: world.seller,
      FulfillmentChannelCode: 'DEFAULT',
      Sku: 'SKU-1',
      Quantity: 3,
    });
  });
});

describe('the check of signatures', () => {
  // From the signing test suite that AWS publishes: get-vanilla and get-vanilla-query-order-key-case.
  test.each([
    ['/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['/?Param2=value2&Param1=value1', 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500'],
  ])('agrees with the published vector for GET %s', (rawTarget, signature) => {
    const request = (hex: string): ShopRequest => ({
      method: 'GET',
      path: '/',
      query: new URLSearchParams(),
      rawTarget,
      headers: {
        host: 'example.amazonaws.com',
        'x-amz-date': '20150830T123600Z',
        authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${hex}`,
      },
      body: Buffer.alloc(0),
      hangUp: () => undefined,
      gone: () => false,
    });
    const rules = {
      service: 'service',
      region: 'us-east-1',
      secretOf: () => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      now: Date.UTC(2015, 7, 30, 12, 36, 0),
    };
    expect(refusalOf(request(signature), rules)).toBeNull();
    const other = signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    expect(refusalOf(request(other), rules)?.code).toBe('SignatureDoesNotMatch');
  });
});

describe('the queue', () => {
  const ask = (more: Record<string, unknown> = {}) => ({
    QueueUrl: world.shop.queue.url,
    MaxNumberOfMessages: 1,
    WaitTimeSeconds: 0,
    ...more,
  });
  const receive = async (more: Record<string, unknown> = {}): Promise<Loose[]> =>
    (await world.sqs('ReceiveMessage', ask(more))).body.Messages ?? [];

  test.each([
    ['no signature', { unsigned: true }, 'MissingAuthenticationTokenException'],
    ['a key that nobody has', { accessKeyId: 'AKIANOBODY' }, 'UnrecognizedClientException'],
    ['a wrong secret', { secret: 'x' }, 'InvalidSignatureException'],
    ['another region', { region: 'eu-west-1' }, 'InvalidSignatureException'],
    ['another service', { service: 'sns' }, 'InvalidSignatureException'],
    ['a clock that is 16 minutes slow', { skewMs: -16 * 60_000 }, 'InvalidSignatureException'],
    ['a body that was not signed', { body: '{"QueueUrl":"x"}' }, 'InvalidSignatureException'],
  ])('refuses %s', async (_, changes, type) => {
    const answer = await world.sqs('ReceiveMessage', ask(), changes);
    expect(answer.status).toBe(403);
    expect(answer.body.__type).toBe(`com.amazon.coral.service#${type}`);
  });

  test('takes a good signature at the path of the queue, too', async () => {
    const answer = await world.sqs('ReceiveMessage', ask(), { path: '/123456789012/invsync-main-shop' });
    expect(answer.status).toBe(200);
  });

  test('hands a message out, hides it, and hands it out again under another handle', async () => {
    world.shop.queue.send('one', null);
    const [first] = await receive({ MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(first).toMatchObject({
      Body: 'one',
      MD5OfBody: 'f97c5d29941bfb1b2fdab0874906ab82',
      Attributes: { ApproximateReceiveCount: '1' },
    });
    expect(await receive()).toEqual([]);
    world.tick(30_000);
    const [second] = await receive({ MessageSystemAttributeNames: ['All'] });
    expect(second.MessageId).toBe(first.MessageId);
    expect(second.ReceiptHandle).not.toBe(first.ReceiptHandle);
    expect(second.Attributes.ApproximateReceiveCount).toBe('2');
    // The old handle deletes nothing, although it looks so.
    const stale = await world.sqs('DeleteMessage', {
      QueueUrl: world.shop.queue.url,
      ReceiptHandle: first.ReceiptHandle,
    });
    expect(stale.status).toBe(200);
    expect(world.shop.queue.counts()).toMatchObject({ inFlight: 1 });
    const remove = { QueueUrl: world.shop.queue.url, ReceiptHandle: second.ReceiptHandle };
    expect((await world.sqs('DeleteMessage', remove)).status).toBe(200);
    expect((await world.sqs('DeleteMessage', remove)).status).toBe(200);
    world.tick(60_000);
    expect(await receive()).toEqual([]);
  });

  test('waits for a message that is not there yet', async () => {
    const waiting = receive({ WaitTimeSeconds: 20, MaxNumberOfMessages: 10 });
    await expect.poll(() => world.shop.queue.waiting()).toBe(1);
    world.shop.queue.send('late', null);
    expect((await waiting).map(({ Body }) => Body)).toEqual(['late']);
  });

  test('answers a long poll with nothing when its time is over', async () => {
    const fast = await startWorld({ timeScale: 1000 });
    const poll = { QueueUrl: fast.shop.queue.url, WaitTimeSeconds: 20 };
    expect((await fast.sqs('ReceiveMessage', poll)).body).toEqual({});
  });

  test('ends a long poll when the shop stops', async () => {
    const poll = receive({ WaitTimeSeconds: 20 }).catch(() => 'cut');
    await expect.poll(() => world.shop.queue.waiting()).toBe(1);
    await world.shop.stop();
    expect([[], 'cut']).toContainEqual(await poll);
    expect(world.shop.queue.waiting()).toBe(0);
  });

  test('buries a message after ten receives', async () => {
    world.shop.queue.send('poison', null);
    for (let turn = 0; turn < 10; turn += 1) {
      expect(await receive()).toHaveLength(1);
      world.shop.queue.expire();
    }
    expect(await receive()).toEqual([]);
    expect(world.shop.queue.deadBodies()).toEqual(['poison']);
    expect(world.shop.pending()).toBe(0);
  });

  test('deletes in batches and tells each entry apart', async () => {
    for (const body of ['a', 'b']) world.shop.queue.send(body, null);
    const messages = await world.drain({ keep: true });
    const entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    const { body } = await world.sqs('DeleteMessageBatch', {
      QueueUrl: world.shop.queue.url,
      Entries: [...entries, { Id: 'x', ReceiptHandle: 'nonsense' }],
    });
    expect(body.Successful).toEqual([{ Id: '0' }, { Id: '1' }]);
    expect(body.Failed).toMatchObject([{ Id: 'x', Code: 'ReceiptHandleIsInvalid', SenderFault: true }]);
    expect(world.shop.queue.counts()).toEqual({ visible: 0, inFlight: 0, dead: 0 });
  });

  test('lets a consumer give a message back at once', async () => {
    world.shop.queue.send('again', null);
    const [message] = await receive();
    const { ReceiptHandle } = message;
    const change = { QueueUrl: world.shop.queue.url, ReceiptHandle, VisibilityTimeout: 0 };
    expect((await world.sqs('ChangeMessageVisibility', change)).status).toBe(200);
    expect(await receive()).toHaveLength(1);
  });

  test.each([
    ['ReceiveMessage', { QueueUrl: 'https://sqs.us-east-1.amazonaws.com/1/other' }, 'QueueDoesNotExist'],
    ['ReceiveMessage', { MaxNumberOfMessages: 11 }, 'InvalidParameterValueException'],
    ['ReceiveMessage', { WaitTimeSeconds: 21 }, 'InvalidParameterValueException'],
    ['DeleteMessage', { ReceiptHandle: 'nonsense' }, 'ReceiptHandleIsInvalid'],
    ['DeleteMessageBatch', { Entries: [] }, 'EmptyBatchRequest'],
    ['GetQueueAttributes', { AttributeNames: ['Colour'] }, 'InvalidAttributeName'],
    ['SendMessage', {}, 'UnknownOperationException'],
  ])('refuses %s with %j', async (action, more, type) => {
    const answer = await world.sqs(action, ask(more));
    expect(answer.status).toBe(400);
    expect(answer.body.__type).toMatch(new RegExp(`#${type}$`));
  });

  test('tells its attributes, among them who may send, and whether it is a FIFO', async () => {
    const attributes = async () =>
      (await world.sqs('GetQueueAttributes', ask({ AttributeNames: ['All'] }))).body.Attributes;
    const all = await attributes();
    expect(all).toMatchObject({ QueueArn: world.shop.queue.arn, ApproximateNumberOfMessages: '0' });
    expect(all.FifoQueue).toBeUndefined();
    expect(JSON.parse(all.Policy).Statement[0]).toMatchObject({
      Principal: { AWS: 'arn:aws:iam::437568002678:root' },
      Resource: world.shop.queue.arn,
    });
    world.shop.fault({ name: 'missing_policy' });
    world.shop.fault({ name: 'fifo_queue' });
    const bad = await attributes();
    expect(bad.Policy).toBeUndefined();
    expect(bad).toMatchObject({ FifoQueue: 'true', QueueArn: `${world.shop.queue.arn}.fifo` });
    expect((await world.sqs('GetQueueAttributes', ask())).body).toEqual({});
  });

  test('breaks down under sqs_error_500', async () => {
    world.shop.fault({ name: 'sqs_error_500', count: 1 });
    expect((await world.sqs('ReceiveMessage', ask())).status).toBe(500);
    expect((await world.sqs('ReceiveMessage', ask())).status).toBe(200);
  });

  test('holds a storm of 20,000 copies and hands them out', async () => {
    world.sell('SKU-1', 1);
    await world.shop.storm({ times: 20_000, to: 'queue' });
    expect(world.shop.queue.counts().visible).toBe(20_000);
    const messages = await receive({ WaitTimeSeconds: 1, MaxNumberOfMessages: 10 });
    expect(new Set(messages.map(({ Body }) => Body)).size).toBe(1);
    expect(new Set(messages.map(({ MessageId }) => MessageId)).size).toBe(10);
  });
});
