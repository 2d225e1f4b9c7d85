import { describe, expect, test } from 'vitest';
import { feedFrom } from '../../../src/channels/amazon/capabilities.ts';
import type { PushLine } from '../../../src/channels/channel.ts';
import { calm } from '../../kit/stage.ts';
import { againstSchema, hasModels } from './models.ts';
import {
  germany,
  item,
  line,
  type Received,
  type Reply,
  refusal,
  type Script,
  type Scripted,
  scripted,
  shelf,
  testStart,
} from './scripted-amazon.ts';

const skus = Array.from({ length: feedFrom + 10 }, (_, at) => `S-${String(at).padStart(4, '0')}`);
const items = skus.map((sku) => item(sku, 5));
const full = (quantity = 3): PushLine[] => skus.slice(0, feedFrom).map((sku) => line(sku, quantity, 5));
const feed = (processingStatus: string) => ({
  json: {
    feedId: 'f-1',
    feedType: 'JSON_LISTINGS_FEED',
    createdTime: '2026-11-23T10:00:00Z',
    processingStatus,
  },
});

/** A platform that takes feeds; the upload goes to the scripted server itself. */
async function shop(over: Script = {}): Promise<Scripted> {
  const world: { url: string } = { url: '' };
  const script: Script = {
    searchListingsItems: shelf(items),
    patchListingsItem: [{ json: { sku: 'x', status: 'ACCEPTED', submissionId: 's' } }],
    createFeedDocument: () => ({ status: 201, json: { feedDocumentId: 'd-1', url: `${world.url}/upload` } }),
    upload: [{ text: '' }],
    createFeed: [{ status: 202, json: { feedId: 'f-1' } }],
    getFeed: [feed('IN_PROGRESS')],
    ...over,
  };
  const started = await scripted(script, { timeoutMs: 60_000 });
  world.url = started.url;
  return started;
}

const messagesOf = (upload: Received | undefined) =>
  (upload?.json as { messages?: unknown[] } | undefined)?.messages ?? [];
const kindsOf = (outcomes: { kind: string }[]) => [...new Set(outcomes.map(({ kind }) => kind))];

describe('a full call', () => {
  test('goes as one feed, all of it read first, accepted line by line', async () => {
    const { channel, of } = await shop();
    const outcomes = await channel.setStock(full(), calm);
    expect(kindsOf(outcomes)).toEqual(['accepted']);
    expect(of('searchListingsItems').length).toBe(feedFrom / 20);
    expect(of('patchListingsItem')).toEqual([]);
    expect(of('createFeed')[0]?.json).toEqual({
      feedType: 'JSON_LISTINGS_FEED',
      marketplaceIds: [germany],
      inputFeedDocumentId: 'd-1',
    });
    const [upload] = of('upload');
    expect(upload?.headers['content-type']).toBe('application/json; charset=UTF-8');
    expect(upload?.headers['x-amz-access-token']).toBeUndefined();
    const body = upload?.json as { header: unknown; messages: Record<string, unknown>[] };
    expect(body.header).toEqual({ sellerId: 'A1EXAMPLE', version: '2.0', issueLocale: 'en_US' });
    expect(body.messages.length).toBe(feedFrom);
    expect(body.messages[1]).toEqual({
      messageId: 2,
      sku: 'S-0001',
      operationType: 'PATCH',
      productType: 'PRODUCT',
      patches: [
        {
          op: 'merge',
          path: '/attributes/fulfillment_availability',
          value: [{ fulfillment_channel_code: 'DEFAULT', quantity: 3 }],
        },
      ],
    });
  });

  test.skipIf(!hasModels)(
    'makes a feed that fits the official schema (needs the shared material)',
    async () => {
      const { channel, of } = await shop();
      await channel.setStock(full(), calm);
      expect(againstSchema('feeds/listings-feed-schema-v2.json', of('upload')[0]?.json)).toEqual([]);
    },
  );

  test('sends flips to zero by PATCH all the same', async () => {
    const { channel, of } = await shop();
    const lines = full().map((each, at) => (at < 3 ? { ...each, quantity: 0 } : each));
    expect(kindsOf(await channel.setStock(lines, calm))).toEqual(['accepted']);
    expect(
      of('patchListingsItem')
        .map(({ path }) => path.split('/').at(-1))
        .sort(),
    ).toEqual(skus.slice(0, 3));
    expect(messagesOf(of('upload')[0]).length).toBe(feedFrom - 3);
  });

  test('leaves out what moved or may not be written', async () => {
    const { channel, of } = await shop({
      searchListingsItems: shelf([item('S-0000', 9), item('S-0001', null), ...items.slice(2)]),
    });
    const outcomes = await channel.setStock(full(), calm);
    expect(outcomes.slice(0, 3).map(({ kind }) => kind)).toEqual(['conflict', 'rejected', 'accepted']);
    expect(messagesOf(of('upload')[0]).length).toBe(feedFrom - 2);
  });

  test('one line less is patched', async () => {
    const { channel, of } = await shop();
    await channel.setStock(full().slice(1), calm);
    expect(of('createFeed')).toEqual([]);
    expect(of('patchListingsItem').length).toBeGreaterThan(0);
  });

  test('never uploads to an address that is not Amazon’s storage', async () => {
    const { channel, of } = await shop({
      createFeedDocument: [{ status: 201, json: { feedDocumentId: 'd', url: 'http://127.0.0.1:9/steal' } }],
    });
    expect(kindsOf(await channel.setStock(full(), calm))).toEqual(['retry']);
    expect(of('createFeed')).toEqual([]);
  });
});

describe('a feed and a patch', () => {
  test('never race on a SKU: while the feed has not ended, pushes of its SKUs wait and others go', async () => {
    const { channel, of, clock } = await shop({
      getFeed: [feed('IN_QUEUE'), feed('IN_PROGRESS'), feed('DONE')],
    });
    await channel.setStock(full(), calm);
    const outside = skus[feedFrom] ?? '';
    for (let look = 0; look < 2; look += 1) {
      clock.pass(6_000);
      const outcomes = await channel.setStock([line('S-0000', 0, null), line(outside, 1, 5)], calm);
      expect(outcomes).toMatchObject([
        { kind: 'waits', error: expect.stringContaining('feed') },
        { kind: 'accepted' },
      ]);
    }
    const patched = () => of('patchListingsItem').map(({ path }) => path.split('/').at(-1));
    expect(patched()).toEqual([outside, outside]);
    clock.pass(6_000);
    expect(await channel.setStock([line('S-0000', 0, null)], calm)).toEqual([{ kind: 'accepted' }]);
    expect(patched().at(-1)).toBe('S-0000');
  });

  test.each(['CANCELLED', 'FATAL', 'DONE'])('a feed that ended as %s holds nothing up', async (status) => {
    const { channel, clock } = await shop({ getFeed: [feed(status)] });
    await channel.setStock(full(), calm);
    clock.pass(6_000);
    expect(await channel.setStock([line('S-0000', 0, null)], calm)).toEqual([{ kind: 'accepted' }]);
  });

  test('are kept apart by another process as well: the book of the feed survives a restart', async () => {
    const { channel, open, of } = await shop();
    await channel.setStock(full(), calm);
    const again = open();
    expect(await again.setStock([line('S-0000', 0, null)], calm)).toMatchObject([{ kind: 'waits' }]);
    expect(of('patchListingsItem')).toEqual([]);
  });

  test('in doubt the SKUs wait: a feed that cannot be looked at may still act', async () => {
    const { channel, clock } = await shop({
      getFeed: [{ status: 500, json: refusal('x', 'y') }],
    });
    await channel.setStock(full(), calm);
    clock.pass(6_000);
    expect(await channel.setStock([line('S-0000', 0, null)], calm)).toMatchObject([{ kind: 'waits' }]);
  });

  test('a feed whose submission had no answer is looked for by time, and holds its SKUs until it is found and ended', async () => {
    const found = {
      json: {
        feeds: [
          {
            feedId: 'f-9',
            feedType: 'JSON_LISTINGS_FEED',
            createdTime: '2026-11-23T10:00:00Z',
            processingStatus: 'IN_QUEUE',
          },
        ],
      },
    };
    const { channel, clock, of, vault } = await shop({
      createFeed: ['hang up'],
      getFeeds: [found],
      getFeed: [feed('IN_PROGRESS'), feed('DONE')],
    });
    expect(kindsOf(await channel.setStock(full(), calm))).toEqual(['unknown']);
    expect(vault.get('feed open')).toContain('"feedId":null');
    const wait = async () => (await channel.setStock([line('S-0000', 0, null)], calm))[0]?.kind;
    expect(await wait()).toBe('waits');
    expect(of('getFeeds')[0]?.query.get('feedTypes')).toBe('JSON_LISTINGS_FEED');
    expect(Date.parse(of('getFeeds')[0]?.query.get('createdSince') ?? '')).toBeGreaterThan(
      testStart - 120_000,
    );
    clock.pass(61_000);
    expect(await wait()).toBe('accepted');
    expect(of('getFeed').at(-1)?.path).toContain('f-9');
  });

  test('a feed that Amazon never took holds its SKUs for five minutes', async () => {
    const { channel, clock } = await shop({ createFeed: ['hang up'], getFeeds: [{ json: { feeds: [] } }] });
    await channel.setStock(full(), calm);
    expect(await channel.setStock([line('S-0000', 0, null)], calm)).toMatchObject([{ kind: 'waits' }]);
    clock.pass(6 * 60_000);
    expect(await channel.setStock([line('S-0000', 0, null)], calm)).toEqual([{ kind: 'accepted' }]);
  });

  test.each([
    [{ status: 429, json: refusal('QuotaExceeded', 'x') }, 'throttled'],
    [{ status: 400, json: refusal('InvalidInput', 'x') }, 'retry'],
    [{ status: 403, json: refusal('Unauthorized', 'x') }, 'auth'],
  ] as [Reply, string][])('a feed that was refused (%j) is %s and holds nothing up', async (reply, kind) => {
    const { channel, vault } = await shop({ createFeed: [reply] });
    expect(kindsOf(await channel.setStock(full(), calm))).toEqual([kind]);
    expect(vault.get('feed open')).toBe('');
  });

  test('the next feed waits for the end of the last, and for twenty minutes', async () => {
    const { channel, clock, of } = await shop({ getFeed: [feed('DONE')] });
    await channel.setStock(full(), calm);
    clock.pass(6_000);
    await channel.setStock(full(4), calm);
    expect(of('createFeed').length).toBe(1);
    clock.pass(20 * 60_000);
    expect(kindsOf(await channel.setStock(full(2), calm))).toEqual(['accepted']);
    expect(of('createFeed').length).toBe(2);
  });

  test('two calls at once make one feed', async () => {
    const { channel, of } = await shop();
    const [first, second] = await Promise.all([
      channel.setStock(full(), calm),
      channel.setStock(full(), calm),
    ]);
    expect(of('createFeed').length).toBe(1);
    expect(kindsOf([...first, ...second]).sort()).toEqual(['accepted', 'throttled']);
  });
});
