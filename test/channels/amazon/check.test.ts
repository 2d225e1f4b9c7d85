import { describe, expect, test } from 'vitest';
import type { CheckItem } from '../../../src/channels/channel.ts';
import { calm } from '../../kit/stage.ts';
import {
  germany,
  item,
  queueArn,
  refusal,
  type Script,
  scripted,
  secrets,
  seller,
  shelf,
  testStart,
} from './scripted-amazon.ts';

const marketplace = (id: string) => ({
  id,
  name: 'x',
  countryCode: 'DE',
  defaultCurrencyCode: 'EUR',
  defaultLanguageCode: 'de_DE',
  domainName: 'www.amazon.de',
});
const joined = (over: Record<string, unknown> = {}, id = germany) => ({
  headers: { date: new Date(testStart).toUTCString() },
  json: {
    payload: [
      {
        marketplace: marketplace(id),
        participation: { isParticipating: true, hasSuspendedListings: false, ...over },
        storeName: 'Mugs & More',
      },
    ],
  },
});
const policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::437568002678:root' },
      Action: ['sqs:SendMessage', 'sqs:GetQueueAttributes'],
      Resource: queueArn,
    },
  ],
});
const attributes = (over: Record<string, string | undefined> = {}) => ({
  json: { Attributes: { QueueArn: queueArn, Policy: policy, MessageRetentionPeriod: '1209600', ...over } },
});

const withPolicy = (text: string | undefined): Script => ({
  GetQueueAttributes: [attributes({ Policy: text })],
});

function well(over: Script = {}): Script {
  return {
    getMarketplaceParticipations: [joined()],
    searchListingsItems: shelf([item('A', 1)]),
    getOrder: [{ status: 404, json: refusal('NotFound', 'none') }],
    GetQueueAttributes: [attributes()],
    getDestinations: [
      { json: { payload: [{ name: 'invsync', destinationId: 'd', resource: { sqs: { arn: queueArn } } }] } },
    ],
    getSubscription: [
      { json: { payload: { subscriptionId: 's', payloadVersion: '1.0', destinationId: 'd' } } },
    ],
    ...over,
  };
}

async function found(script: Script, config: Record<string, unknown> = {}): Promise<CheckItem[]> {
  const { channel } = await scripted(script, { config });
  const items = await channel.check(calm);
  for (const secret of secrets) expect(JSON.stringify(items)).not.toContain(secret);
  for (const each of items) if (each.level !== 'ok') expect(each.remedy).toMatch(/\w+ \w+/);
  return items;
}

const bad = (items: CheckItem[]) =>
  items.filter(({ level }) => level !== 'ok').map(({ name, level }) => `${level} ${name}`);

describe('check', () => {
  test('finds nothing wrong with a good set-up', async () => {
    const items = await found(well());
    expect(bad(items)).toEqual([]);
    expect(items.map(({ name }) => name)).toEqual([
      'credentials',
      'region',
      'client secret',
      `marketplace DE (${germany})`,
      'clock',
      'role Product Listing',
      'role Inventory and Order Tracking',
      'queue',
      'queue policy',
      'queue retention',
      'subscription',
    ]);
  });

  const denied = { status: 403, json: refusal('Unauthorized', 'Access to requested resource is denied.') };
  const fifo = {
    queue_url: 'https://sqs.eu-west-1.amazonaws.com/123456789012/invsync.fifo',
    access_key_id: 'a',
    secret_access_key: 'b',
  };
  test.each([
    ['a FIFO queue', {}, { sqs: fifo }, ['fail queue', 'fail subscription']],
    ['a queue without a policy', withPolicy(undefined), {}, ['fail queue policy']],
    ['a policy that is no JSON', withPolicy('{'), {}, ['fail queue policy']],
    [
      'a policy for somebody else',
      withPolicy(policy.replace('437568002678', '111111111111')),
      {},
      ['fail queue policy'],
    ],
    [
      'a policy that only lets send',
      withPolicy(policy.replace(',"sqs:GetQueueAttributes"', '')),
      {},
      ['fail queue policy'],
    ],
    ['a policy that denies', withPolicy(policy.replace('Allow', 'Deny')), {}, ['fail queue policy']],
    [
      'a queue that is not there',
      {
        GetQueueAttributes: [
          { status: 400, json: { __type: 'com.amazonaws.sqs#QueueDoesNotExist', message: 'no' } },
        ],
      },
      {},
      ['fail queue'],
    ],
    [
      'a key that may not read the queue',
      { GetQueueAttributes: [{ status: 403, json: { __type: 'AccessDenied' } }] },
      {},
      ['fail queue'],
    ],
    [
      'a queue that forgets after four days',
      { GetQueueAttributes: [attributes({ MessageRetentionPeriod: '345600' })] },
      {},
      ['warn queue retention'],
    ],
    ['no queue', {}, { sqs: undefined }, ['warn queue']],
    ['a missing listings role', { searchListingsItems: [denied] }, {}, ['fail role Product Listing']],
    ['a missing orders role', { getOrder: [denied] }, {}, ['fail role Inventory and Order Tracking']],
    [
      'a marketplace of another region',
      {},
      { marketplaces: [germany, 'ATVPDKIKX0DER'] },
      ['fail region', 'fail marketplace US (ATVPDKIKX0DER)'],
    ],
    [
      'a region that is not that of the marketplaces',
      { getMarketplaceParticipations: [joined({}, 'A1VC38T7YXB528')] },
      { region: 'fe' },
      ['fail region', `fail marketplace DE (${germany})`],
    ],
    [
      'a marketplace in which it does not sell',
      { getMarketplaceParticipations: [joined({ isParticipating: false })] },
      {},
      [`fail marketplace DE (${germany})`],
    ],
    [
      'suspended listings',
      { getMarketplaceParticipations: [joined({ hasSuspendedListings: true })] },
      {},
      [`warn marketplace DE (${germany})`],
    ],
    [
      'no subscription',
      { getSubscription: [{ status: 404, json: refusal('NotFound', 'none') }] },
      {},
      ['warn subscription'],
    ],
    [
      'a subscription to another queue',
      {
        getDestinations: [
          {
            json: {
              payload: [{ name: 'x', destinationId: 'd', resource: { sqs: { arn: `${queueArn}-2` } } }],
            },
          },
        ],
      },
      {},
      ['fail subscription'],
    ],
    [
      'a clock that is off',
      {
        getMarketplaceParticipations: [
          { ...joined(), headers: { date: new Date(testStart - 600_000).toUTCString() } },
        ],
      },
      {},
      ['warn clock'],
    ],
    ['a secret of unknown age', {}, { client_secret_created: undefined }, ['warn client secret']],
    ['a secret of 150 days', {}, { client_secret_created: '2026-06-26' }, ['warn client secret']],
    ['a secret of 180 days', {}, { client_secret_created: '2026-05-27' }, ['fail client secret']],
  ] as [string, Script, Record<string, unknown>, string[]][])('finds %s', async (_, over, config, wanted) => {
    const items = await found(well(over), config);
    expect(bad(items)).toEqual(wanted);
  });

  test('a secret of 149 days is nothing to speak of', async () => {
    expect(bad(await found(well(), { client_secret_created: '2026-06-27' }))).toEqual([]);
  });

  test('with bad credentials still tells what it can', async () => {
    const items = await found(well({ token: [{ status: 401, json: { error: 'invalid_client' } }] }));
    expect(bad(items)).toEqual(['fail credentials']);
    expect(items.some(({ name }) => name === 'queue policy')).toBe(true);
  });
});

describe('identity', () => {
  test('is the seller id, proved by a call that the credentials must pass', async () => {
    const { channel } = await scripted(well());
    expect(await channel.identity(calm)).toEqual({
      accountId: seller,
      title: 'Mugs & More (Amazon Europe, Middle East, India)',
    });
    const other = await scripted(well({ token: [{ status: 400, json: { error: 'invalid_grant' } }] }));
    await expect(other.channel.identity(calm)).rejects.toMatchObject({ kind: 'auth' });
  });

  test('and every other call end with ChannelError when they were aborted before', async () => {
    const { channel, received } = await scripted(well());
    const ref = { listingId: 'A', counterKey: 'A', channelSku: 'A', facts: null };
    const gone = AbortSignal.abort();
    await expect(channel.identity(gone)).rejects.toMatchObject({ kind: 'retry' });
    await expect(channel.readStock([ref], gone)).rejects.toMatchObject({ kind: 'retry' });
    await expect(channel.fetchOrders(['1'], gone)).rejects.toMatchObject({ kind: 'retry' });
    await expect(channel.webhooks?.list(gone)).rejects.toMatchObject({ kind: 'retry' });
    expect(received).toEqual([]);
  });
});
