import { describe, expect, test } from 'vitest';
import { calm } from '../../kit/stage.ts';
import { queueArn, type Received, type Reply, refusal, type Script, scripted } from './scripted-amazon.ts';

interface Sub {
  subscriptionId: string;
  payloadVersion: string;
  destinationId: string;
  processingDirective?: unknown;
}

/** The notifications API with its state: destinations, and one subscription of ORDER_CHANGE. */
function notifications(
  start: { destinations?: { name: string; arn: string }[]; subscription?: Sub } = {},
  over: Script = {},
) {
  const destinations = (start.destinations ?? []).map(({ name, arn }, at) => ({
    name,
    destinationId: `d-${at}`,
    resource: { sqs: { arn } },
  }));
  let subscription: Sub | null = start.subscription ?? null;
  const needs = (received: Received, token: string): Reply | null =>
    received.headers['x-amz-access-token'] === token
      ? null
      : { status: 403, json: refusal('Unauthorized', 'wrong token kind') };
  const script: Script = {
    getDestinations: (received) => needs(received, 'Atza|grantless') ?? { json: { payload: destinations } },
    createDestination: (received) => {
      const wrong = needs(received, 'Atza|grantless');
      if (wrong !== null) return wrong;
      const { name, resourceSpecification } = received.json as {
        name: string;
        resourceSpecification: { sqs: { arn: string } };
      };
      if (destinations.some((each) => each.resource.sqs.arn === resourceSpecification.sqs.arn))
        return { status: 409, json: refusal('Conflict', 'exists') };
      const made = {
        name,
        destinationId: `d-new-${destinations.length}`,
        resource: { sqs: resourceSpecification.sqs },
      };
      destinations.push(made);
      return { json: { payload: made } };
    },
    deleteDestination: (received) => {
      const wrong = needs(received, 'Atza|grantless');
      const at = destinations.findIndex((each) => received.path.endsWith(`/${each.destinationId}`));
      if (at >= 0) destinations.splice(at, 1);
      return wrong ?? (at >= 0 ? { json: {} } : { status: 404, json: refusal('NotFound', 'none') });
    },
    getSubscription: (received) =>
      needs(received, 'Atza|seller') ??
      (subscription === null
        ? { status: 404, json: refusal('NotFound', 'none') }
        : { json: { payload: subscription } }),
    createSubscription: (received) => {
      const wrong = needs(received, 'Atza|seller');
      if (wrong !== null) return wrong;
      if (subscription !== null) return { status: 409, json: refusal('Conflict', 'exists') };
      const body = received.json as Omit<Sub, 'subscriptionId'>;
      subscription = { subscriptionId: 's-new', ...body };
      return {
        json: {
          payload: { subscriptionId: 's-new', payloadVersion: '1.0', destinationId: body.destinationId },
        },
      };
    },
    deleteSubscriptionById: (received) => {
      const wrong = needs(received, 'Atza|grantless');
      subscription = null;
      return wrong ?? { json: {} };
    },
    ...over,
  };
  return { script, state: () => ({ destinations, subscription }) };
}

const filter = {
  eventFilter: {
    eventFilterType: 'ORDER_CHANGE',
    orderChangeTypes: ['OrderStatusChange', 'BuyerRequestedChange'],
  },
};
const good: Sub = {
  subscriptionId: 's-1',
  payloadVersion: '1.0',
  destinationId: 'd-0',
  processingDirective: filter,
};
const ours = [{ name: 'invsync', arn: queueArn }];
const address = 'https://inv.example.com/hooks/amazon';

describe('registering', () => {
  test('makes a destination for the queue and a subscription of ORDER_CHANGE, once', async () => {
    const { script, state } = notifications();
    const { channel, of } = await scripted(script);
    const report = await channel.webhooks?.ensure(address, calm);
    expect(report?.changes).toEqual([`created the destination for ${queueArn}`, 'created ORDER_CHANGE']);
    expect(report?.webhooks).toEqual([
      { id: 's-new', topic: 'ORDER_CHANGE', url: queueArn, status: 'active', ours: true },
    ]);
    expect(of('createDestination')[0]?.json).toEqual({
      name: 'invsync',
      resourceSpecification: { sqs: { arn: queueArn } },
    });
    expect(of('createSubscription')[0]?.json).toEqual({
      payloadVersion: '1.0',
      destinationId: 'd-new-0',
      processingDirective: filter,
    });
    const again = await channel.webhooks?.ensure(address, calm);
    expect(again).toEqual({ webhooks: report?.webhooks, changes: [] });
    expect(state().destinations.length).toBe(1);
    expect(JSON.stringify(of('createDestination'))).not.toContain('inv.example.com');
  });

  test.each([
    ['another destination', { ...good, destinationId: 'd-1' }],
    [
      'a filter that hides status changes',
      {
        ...good,
        processingDirective: {
          eventFilter: { eventFilterType: 'ORDER_CHANGE', orderChangeTypes: ['DeliveryTipChange'] },
        },
      },
    ],
    [
      'a filter by marketplace',
      {
        ...good,
        processingDirective: { eventFilter: { eventFilterType: 'ORDER_CHANGE', marketplaceIds: ['A'] } },
      },
    ],
    ['a filter expression', { ...good, processingDirective: { filterExpression: 'true' } }],
  ])('replaces a subscription with %s', async (_, subscription) => {
    const { script, state } = notifications({
      destinations: [...ours, { name: 'old', arn: `${queueArn}-old` }],
      subscription,
    });
    const { channel } = await scripted(script);
    const report = await channel.webhooks?.ensure(address, calm);
    expect(report?.changes).toEqual([expect.stringMatching(/^recreated ORDER_CHANGE: it/)]);
    expect(state().subscription).toMatchObject({ destinationId: 'd-0', processingDirective: filter });
    expect(state().destinations.length).toBe(2);
  });

  test('tolerates that the look-up of the subscription is refused now and then', async () => {
    let broken = false;
    const { script } = notifications();
    const lookUp = script['getSubscription'];
    const { channel, of } = await scripted({
      ...script,
      getSubscription: (received, count) =>
        broken
          ? { status: 400, json: refusal('InvalidInput', 'Invalid notification type') }
          : typeof lookUp === 'function'
            ? lookUp(received, count)
            : 'hang up',
    });
    await channel.webhooks?.ensure(address, calm);
    broken = true;
    expect(await channel.webhooks?.ensure(address, calm)).toMatchObject({
      changes: [],
      webhooks: [{ id: 's-new', ours: true }],
    });
    expect(of('createSubscription').length).toBe(1);
  });

  test('a destination that exists although the list did not show it is used', async () => {
    const { script } = notifications({ destinations: ours });
    const lookUp = script['getDestinations'];
    const { channel } = await scripted({
      ...script,
      getDestinations: (received, count) =>
        count === 0
          ? { json: { payload: [] } }
          : typeof lookUp === 'function'
            ? lookUp(received, count)
            : 'hang up',
    });
    expect((await channel.webhooks?.ensure(address, calm))?.changes).toContain('created ORDER_CHANGE');
  });

  test.each([400, 500])('a bare %s for the destination names the queue’s policy', async (status) => {
    const { script } = notifications(
      {},
      { createDestination: [{ status, json: refusal('InternalFailure', 'x') }] },
    );
    const { channel } = await scripted(script);
    const error: unknown = await channel.webhooks?.ensure(address, calm).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ hint: expect.stringMatching(/437568002678.*access policy/) });
  });

  test('a missing role is an auth failure that names the role', async () => {
    const { script } = notifications(
      { destinations: ours },
      {
        createSubscription: [
          { status: 403, json: refusal('Unauthorized', 'Access to requested resource is denied.') },
        ],
      },
    );
    const { channel } = await scripted(script);
    const error: unknown = await channel.webhooks?.ensure(address, calm).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      kind: 'auth',
      hint: expect.stringContaining('Inventory and Order Tracking'),
    });
  });

  test('a FIFO queue, or none, is refused in words before anything is asked', async () => {
    const fifo = {
      queue_url: 'https://sqs.eu-west-1.amazonaws.com/123456789012/invsync.fifo',
      access_key_id: 'a',
      secret_access_key: 'b',
    };
    for (const sqs of [fifo, undefined]) {
      const { channel, received } = await scripted({}, { config: { sqs } });
      const error: unknown = await channel.webhooks?.ensure(address, calm).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ kind: 'rejected', hint: expect.stringMatching(/queue_url/) });
      expect(received).toEqual([]);
    }
  });
});

describe('taking back', () => {
  test('removes our subscription and destination, and nobody else’s; twice is harmless', async () => {
    const { script, state } = notifications({
      destinations: [...ours, { name: 'theirs', arn: 'arn:aws:sqs:eu-west-1:9:x' }],
      subscription: good,
    });
    const { channel } = await scripted(script);
    expect(await channel.webhooks?.remove(calm)).toEqual(['ORDER_CHANGE (s-1)']);
    expect(state()).toMatchObject({ subscription: null, destinations: [{ name: 'theirs' }] });
    expect(await channel.webhooks?.remove(calm)).toEqual([]);
  });

  test('leaves a subscription to somebody else’s destination alone', async () => {
    const { script, state } = notifications({
      destinations: [{ name: 'theirs', arn: 'arn:aws:sqs:eu-west-1:9:x' }],
      subscription: good,
    });
    const { channel } = await scripted(script);
    expect(await channel.webhooks?.list(calm)).toMatchObject([{ id: 's-1', ours: false }]);
    expect(await channel.webhooks?.remove(calm)).toEqual([]);
    expect(state().subscription).not.toBeNull();
  });
});
