import { beforeEach, describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/sandbox/kit/random.ts';
import { catalogue, type Loose } from '../../kit/shop-stage.ts';
import { itemPath, numberPatch, send, startWorld, US, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});

const CA = 'A2EUQ1WTGCTBG2';

describe('reading listings', () => {
  const search = (query: Record<string, string> = {}) =>
    world.api('GET', itemPath(world), { query: { marketplaceIds: US, ...query } });

  test('gives summaries unless other data sets are asked for', async () => {
    const { body } = await search({ pageSize: '1', sortBy: 'sku', sortOrder: 'ASC' });
    expect(Object.keys(body.items[0])).toEqual(['sku', 'summaries']);
    const more = await search({
      pageSize: '1',
      includedData: 'fulfillmentAvailability,attributes',
      identifiersType: 'SKU',
      identifiers: 'SKU-1',
    });
    expect(more.body.items[0]).toEqual({
      sku: 'SKU-1',
      fulfillmentAvailability: [{ fulfillmentChannelCode: 'DEFAULT', quantity: 10 }],
      attributes: {
        item_name: [{ value: 'Thing 1', marketplace_id: US }],
        fulfillment_availability: [
          {
            fulfillment_channel_code: 'DEFAULT',
            quantity: 10,
            lead_time_to_ship_max_days: 2,
            restock_date: '2027-02-01',
          },
        ],
      },
    });
  });

  test('keeps the number of what the platform fulfils to itself, and a parent has no availability', async () => {
    const { body } = await search({
      includedData: 'fulfillmentAvailability',
      identifiersType: 'SKU',
      identifiers: 'FBA-SKU-6,PARENT-1,SKU-6',
      sortBy: 'sku',
      sortOrder: 'ASC',
    });
    expect(body.items).toEqual([
      { sku: 'FBA-SKU-6', fulfillmentAvailability: [{ fulfillmentChannelCode: 'AMAZON_NA' }] },
      { sku: 'PARENT-1', fulfillmentAvailability: [] },
      { sku: 'SKU-6', fulfillmentAvailability: [{ fulfillmentChannelCode: 'DEFAULT', quantity: 10 }] },
    ]);
    const shown = world.shop.records().listings.filter(({ sku }) => /^(FBA-SKU-6|PARENT-1)$/.test(sku));
    expect(shown.map((one) => one.shown)).toEqual([null, null]);
  });

  test.each([
    [{ marketplaceIds: '' }, /marketplaceIds/],
    [{ marketplaceIds: 'A1PA6795UKMFR9' }, /marketplaceIds/],
    [{ pageSize: '21' }, /pageSize/],
    [{ identifiers: 'SKU-1' }, /identifiersType/],
    [{ identifiersType: 'SKU', identifiers: Array.from({ length: 21 }, (_, i) => i).join() }, /identifiers/],
    [{ sortBy: 'price' }, /sortBy/],
    [{ includedData: 'quantity' }, /includedData/],
    [{ pageToken: 'nonsense' }, /pageToken/],
    [{ createdAfter: 'yesterday' }, /createdAfter/],
  ])('refuses a search with %j', async (query, message) => {
    const { status, body } = await search(query);
    expect(status).toBe(400);
    expect(body.errors[0].code).toBe('InvalidInput');
    expect(body.errors[0].message).toMatch(message);
  });

  test('refuses another seller’s list, and answers 404 for a SKU that is not there', async () => {
    const other = await world.api('GET', '/listings/2021-08-01/items/A1OTHER', {
      query: { marketplaceIds: US },
    });
    expect(other.status).toBe(403);
    const missing = await world.api('GET', itemPath(world, 'sku-1'), { query: { marketplaceIds: US } });
    expect(missing.status).toBe(404);
    expect(missing.body.errors[0]).toEqual({
      code: 'NOT_FOUND',
      message: `SKU 'sku-1' not found in marketplace ${US}`,
      details: '',
    });
  });

  test('decodes a SKU once: an open slash is 403, a double encoding is another SKU', async () => {
    const sku = 'ODD/SKU #1+ü 100%';
    const get = (path: string) =>
      world.api('GET', `${itemPath(world)}/${path}`, { query: { marketplaceIds: US } });
    expect((await get(encodeURIComponent(sku))).body.sku).toBe(sku);
    expect((await get('ODD/SKU%20%231+%C3%BC%20100%25')).status).toBe(403);
    const twice = await get(encodeURIComponent(encodeURIComponent(sku)));
    expect(twice.status).toBe(404);
    expect(twice.body.errors[0].message).toContain('%20');
    expect((await get('%E0%A4%A')).status).toBe(403);
  });

  test('shows several marketplaces with one number', async () => {
    const { body } = await world.api('GET', itemPath(world, 'SKU-1'), {
      query: { marketplaceIds: `${US},${CA}`, includedData: 'summaries,fulfillmentAvailability' },
    });
    expect(body.summaries.map((one: Loose) => one.marketplaceId)).toEqual([US, CA]);
    expect(body.fulfillmentAvailability).toHaveLength(1);
  });

  test('tells stale numbers in searches under search_lag, while the item itself is right', async () => {
    world.shop.set({ sku: 'SKU-1', quantity: 4 });
    world.shop.fault({ name: 'search_lag', ms: 60_000 });
    const found = async () => {
      const ids = { identifiersType: 'SKU', identifiers: 'SKU-1' };
      const { body } = await search({ ...ids, includedData: 'fulfillmentAvailability' });
      return body.items[0].fulfillmentAvailability[0].quantity;
    };
    expect(await found()).toBe(10);
    expect(await world.seen('SKU-1')).toBe(4);
    world.tick(60_000);
    expect(await found()).toBe(4);
  });
});

describe('a long list', () => {
  test('ends after 1,000 although more are counted, and windows by creation reach all of it', async () => {
    const world = await startWorld({ timeScale: 1000, catalogue: catalogue(1200) });
    const page = (query: Record<string, string>) =>
      world.api('GET', itemPath(world), {
        query: { marketplaceIds: US, pageSize: '20', sortBy: 'createdDate', sortOrder: 'ASC', ...query },
      });
    const walk = async (query: Record<string, string>) => {
      const skus: string[] = [];
      let token: string | undefined;
      let counted = 0;
      do {
        world.tick(1);
        const { body } = await page(token === undefined ? query : { ...query, pageToken: token });
        skus.push(...body.items.map((item: Loose) => item.sku));
        counted = body.numberOfResults;
        token = body.pagination.nextToken;
      } while (token !== undefined);
      return { skus, counted };
    };
    const all = await walk({});
    expect(all.skus).toHaveLength(1000);
    expect(all.counted).toBe(1200 + 200 + 3);
    const middle = world.shop.listings.get('SKU-601')?.createdAt ?? 0;
    const early = await walk({ createdBefore: new Date(middle - 1).toISOString() });
    const late = await walk({ createdAfter: new Date(middle).toISOString() });
    expect(early.counted).toBe(early.skus.length);
    expect(late.counted).toBe(late.skus.length);
    expect(new Set([...early.skus, ...late.skus]).size).toBe(1403);
  });
});

describe('setting the number', () => {
  const attributes = (sku: string) => {
    const { leadTimeDays, restockDate, channelCode } = world.shop.listings.get(sku) ?? {};
    return { leadTimeDays, restockDate, channelCode };
  };
  const patch = (sku: string, body: unknown, query: Record<string, string> = {}) =>
    world.api('PATCH', itemPath(world, sku), { query: { marketplaceIds: US, ...query }, body });
  const damages = () =>
    world.shop
      .records()
      .calls.filter((call) => call.kind === 'request')
      .map((call) => call.route)
      .filter((route) => /^(WIPED|FLIPPED)/.test(route));

  test('accepts, shows the old number for a while, then the new one', async () => {
    const answer = await world.setNumber('SKU-1', 3);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ sku: 'SKU-1', status: 'ACCEPTED' });
    expect(answer.body.submissionId).toMatch(/^[0-9a-f]{32}$/);
    expect(await world.seen('SKU-1')).toBe(10);
    expect(world.shown('SKU-1')).toBe(3);
    await world.shop.settle();
    expect(await world.seen('SKU-1')).toBe(3);
  });

  test('counts sales at once, on top of writes that are not shown yet', async () => {
    await world.setNumber('SKU-1', 6);
    world.sell('SKU-1', 2);
    expect(await world.seen('SKU-1')).toBe(8);
    expect(world.shown('SKU-1')).toBe(4);
    await world.shop.settle();
    expect(await world.seen('SKU-1')).toBe(4);
    expect(world.shop.sell({ lines: [{ sku: 'SKU-1', quantity: 5 }] })).toEqual({
      sold: false,
      reason: 'out_of_stock',
    });
  });

  test('keeps lead time and restock date through merge, and loses both through replace and add', async () => {
    await world.setNumber('SKU-1', 3);
    expect(attributes('SKU-1')).toMatchObject({ leadTimeDays: 2, restockDate: '2027-02-01' });
    expect(damages()).toEqual([]);
    await world.setNumber('SKU-1', 4, 'replace');
    expect(attributes('SKU-1')).toMatchObject({ leadTimeDays: null, restockDate: null });
    await world.setNumber('SKU-4', 4, 'add');
    expect(damages()).toEqual([
      'WIPED lead_time_to_ship_max_days,restock_date SKU-1',
      'WIPED lead_time_to_ship_max_days SKU-4',
    ]);
  });

  test('flips what the platform fulfils to the merchant when a number is written, and says so in the records', async () => {
    const answer = await world.setNumber('FBA-SKU-6', 5);
    expect(answer.body.status).toBe('ACCEPTED');
    expect(attributes('FBA-SKU-6').channelCode).toBe('DEFAULT');
    expect(damages()).toEqual(['FLIPPED AMAZON_NA FBA-SKU-6']);
  });

  test.each([
    ['a negative number', numberPatch(-1)],
    ['a fraction', numberPatch(1.5)],
    ['no selector', { productType: 'PRODUCT', patches: [patchOf([{ quantity: 1 }])] }],
    ['an unknown field', { productType: 'PRODUCT', patches: [patchOf([{ ...element, stock: 1 }])] }],
    ['another product type', { ...numberPatch(1), productType: 'SHOES' }],
    [
      'a path that is not at the top',
      {
        productType: 'PRODUCT',
        patches: [{ op: 'replace', path: '/attributes/fulfillment_availability/0/quantity', value: [{}] }],
      },
    ],
    [
      'a code of the platform',
      { productType: 'PRODUCT', patches: [patchOf([{ fulfillment_channel_code: 'AMAZON_NA' }])] },
    ],
  ])('is 200 and INVALID for %s, and nothing is saved', async (_, body) => {
    const answer = await patch('SKU-1', body);
    expect(answer.status).toBe(200);
    expect(answer.body.status).toBe('INVALID');
    expect(answer.body.issues[0].severity).toBe('ERROR');
    expect(world.shown('SKU-1')).toBe(10);
  });

  test.each([
    ['no JSON', 'nonsense'],
    ['no product type', { patches: numberPatch(1).patches }],
    ['no patches', { productType: 'PRODUCT', patches: [] }],
    ['an unknown operation', numberPatch(1, 'set')],
  ])('is 400 for %s', async (_, body) => {
    expect((await patch('SKU-1', body)).status).toBe(400);
  });

  test('is INVALID for a SKU that is not there, and 400 for a marketplace of another region', async () => {
    expect((await world.setNumber('NOTHING', 1)).body.status).toBe('INVALID');
    expect((await patch('SKU-1', numberPatch(1), { marketplaceIds: 'A1PA6795UKMFR9' })).status).toBe(400);
  });

  test('only looks under VALIDATION_PREVIEW', async () => {
    const preview = { mode: 'VALIDATION_PREVIEW', includedData: 'issues,identifiers' };
    const good = await patch('SKU-1', numberPatch(1), preview);
    expect(good.body).toMatchObject({ status: 'VALID', identifiers: [{ marketplaceId: US }, {}] });
    expect((await patch('SKU-1', numberPatch(-1), preview)).body.status).toBe('INVALID');
    await world.shop.settle();
    expect(world.shown('SKU-1')).toBe(10);
  });

  test('takes 5 a second, and a hot SKU is throttled on its own', async () => {
    for (let turn = 1; turn <= 5; turn += 1)
      expect((await world.setNumber(`SKU-${turn}`, 1)).status).toBe(200);
    expect((await world.setNumber('SKU-6', 1)).status).toBe(429);
    const statuses: number[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      world.tick(200);
      statuses.push((await world.setNumber('SKU-7', turn)).status);
    }
    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
    expect(statuses).toContain(429);
    world.tick(10_000);
    expect((await world.setNumber('SKU-7', 1)).status).toBe(200);
  });

  test('may lie: lost, invalid for no reason, accepted with an error', async () => {
    world.shop.fault({ name: 'patch_lost', count: 1 });
    expect((await world.setNumber('SKU-1', 1)).body).toMatchObject({ status: 'ACCEPTED' });
    world.shop.fault({ name: 'patch_invalid', count: 1 });
    expect((await world.setNumber('SKU-1', 2)).body.status).toBe('INVALID');
    world.shop.fault({ name: 'accepted_with_error', count: 1 });
    const { body } = await world.setNumber('SKU-1', 3);
    expect(body.status).toBe('ACCEPTED');
    expect(body.issues.map((issue: Loose) => issue.severity)).toContain('ERROR');
    await world.shop.settle();
    expect(await world.seen('SKU-1')).toBe(10);
    const writes = world.shop.records().calls.filter((call) => call.kind === 'write');
    expect(writes.map(({ to, applied }) => [to, applied])).toEqual([[1, false]]);
  });

  test('erases the sales in between when it lands late', async () => {
    world.shop.fault({ name: 'patch_late', count: 1, ms: 60_000 });
    await world.setNumber('SKU-1', 9);
    world.sell('SKU-1', 3);
    expect(world.shown('SKU-1')).toBe(7);
    await world.shop.settle();
    expect(world.shown('SKU-1')).toBe(9);
  });

  test('by hand wins over writes that are not shown yet', async () => {
    await world.setNumber('SKU-1', 3);
    world.shop.set({ sku: 'SKU-1', quantity: 7 });
    expect(await world.seen('SKU-1')).toBe(7);
    await world.shop.settle();
    expect(await world.seen('SKU-1')).toBe(7);
  });
});

const element = { fulfillment_channel_code: 'DEFAULT', quantity: 1 };
function patchOf(value: unknown[]) {
  return { op: 'merge', path: '/attributes/fulfillment_availability', value };
}

describe('a feed', () => {
  const message = (messageId: number, sku: string, quantity: number, op = 'merge') => ({
    messageId,
    sku,
    operationType: 'PATCH',
    ...numberPatch(quantity, op),
  });
  const upload = async (messages: unknown, contentType = 'application/json; charset=UTF-8') => {
    const made = await world.api('POST', '/feeds/2021-06-30/documents', {
      body: { contentType: 'application/json; charset=UTF-8' },
    });
    const text = JSON.stringify({
      header: { sellerId: world.seller, version: '2.0', issueLocale: 'en_US' },
      messages,
    });
    const put = await fetch(made.body.url, {
      method: 'PUT',
      headers: { 'content-type': contentType },
      body: text,
    });
    return { id: made.body.feedDocumentId, status: put.status, url: made.body.url };
  };
  const submit = async (messages: unknown, feedType = 'JSON_LISTINGS_FEED') => {
    const { id } = await upload(messages);
    const answer = await world.api('POST', '/feeds/2021-06-30/feeds', {
      body: { feedType, marketplaceIds: [US], inputFeedDocumentId: id },
    });
    return String(answer.body.feedId);
  };
  const feed = async (id: string) => (await world.api('GET', `/feeds/2021-06-30/feeds/${id}`)).body;
  const reportOf = async (id: string) => {
    const { resultFeedDocumentId } = await feed(id);
    const { body } = await world.api('GET', `/feeds/2021-06-30/documents/${resultFeedDocumentId}`);
    return (await send(body.url)).body;
  };

  test('waits, runs, and reports each message', async () => {
    const id = await submit([message(1, 'SKU-1', 3), message(2, 'SKU-2', -4), message(3, 'NOTHING', 1)]);
    expect((await feed(id)).processingStatus).toBe('IN_QUEUE');
    expect(world.shown('SKU-1')).toBe(10);
    await world.shop.settle();
    expect(await feed(id)).toMatchObject({ processingStatus: 'DONE', feedType: 'JSON_LISTINGS_FEED' });
    expect(world.shown('SKU-1')).toBe(3);
    const report = await reportOf(id);
    expect(report).toMatchObject({
      header: { sellerId: world.seller, version: '2.0', feedId: id },
      summary: { errors: 2, messagesProcessed: 3, messagesAccepted: 1, messagesInvalid: 2 },
    });
    expect(report.issues.map((issue: Loose) => [issue.messageId, issue.sku])).toEqual([
      [2, 'SKU-2'],
      [3, 'NOTHING'],
    ]);
  });

  test('that is slow overwrites a later patch', async () => {
    world.shop.fault({ name: 'feed_slow', count: 1 });
    await submit([message(1, 'SKU-1', 9)]);
    await world.setNumber('SKU-1', 2);
    expect(world.shown('SKU-1')).toBe(2);
    await world.shop.settle();
    expect(world.shown('SKU-1')).toBe(9);
    const writes = world.shop.records().calls.filter((call) => call.kind === 'write');
    expect(writes.map(({ to }) => to)).toEqual([2, 9]);
  });

  test('wipes lead times with PARTIAL_UPDATE', async () => {
    const value = [{ fulfillment_channel_code: 'DEFAULT', quantity: 3 }];
    await submit([
      {
        messageId: 1,
        sku: 'SKU-1',
        operationType: 'PARTIAL_UPDATE',
        productType: 'PRODUCT',
        attributes: { fulfillment_availability: value },
      },
    ]);
    await world.shop.settle();
    expect(world.shown('SKU-1')).toBe(3);
    expect(world.shop.listings.get('SKU-1')?.leadTimeDays).toBeNull();
  });

  test('can be cancelled while it waits, and only then', async () => {
    const id = await submit([message(1, 'SKU-1', 3)]);
    expect((await world.api('DELETE', `/feeds/2021-06-30/feeds/${id}`)).status).toBe(200);
    await world.shop.settle();
    expect((await feed(id)).processingStatus).toBe('CANCELLED');
    expect(world.shown('SKU-1')).toBe(10);
    expect((await world.api('DELETE', `/feeds/2021-06-30/feeds/${id}`)).status).toBe(400);
  });

  test('ends FATAL for a legacy type, for another seller, and for messages with one id', async () => {
    const dead = await submit([message(1, 'SKU-1', 3)], 'POST_INVENTORY_AVAILABILITY_DATA');
    const twins = await submit([message(1, 'SKU-1', 3), message(1, 'SKU-2', 3)]);
    await world.shop.settle();
    expect((await feed(dead)).processingStatus).toBe('FATAL');
    expect((await feed(twins)).processingStatus).toBe('FATAL');
    expect(world.shown('SKU-1')).toBe(10);
    const list = await world.api('GET', '/feeds/2021-06-30/feeds', {
      query: { feedTypes: 'JSON_LISTINGS_FEED', processingStatuses: 'FATAL' },
    });
    expect(list.body.feeds.map((one: Loose) => one.feedId)).toEqual([twins]);
  });

  test('needs its document uploaded in time, under the content type that was signed', async () => {
    expect((await upload([], 'application/json')).status).toBe(403);
    const { url, id } = await upload([message(1, 'SKU-1', 1)]);
    world.tick(300_001);
    expect((await fetch(url)).status).toBe(403);
    const again = await world.api('GET', `/feeds/2021-06-30/documents/${id}`);
    expect((await fetch(again.body.url)).status).toBe(200);
    const empty = await world.api('POST', '/feeds/2021-06-30/documents', { body: { contentType: 'x' } });
    const early = await world.api('POST', '/feeds/2021-06-30/feeds', {
      body: {
        feedType: 'JSON_LISTINGS_FEED',
        marketplaceIds: [US],
        inputFeedDocumentId: empty.body.feedDocumentId,
      },
    });
    expect(early.status).toBe(400);
  });
});

describe('the number under random sales, cancellations, shipments and writes', () => {
  test.each([1, 2, 3])('is start plus writes less what orders took (seed %i)', async (seed) => {
    const world = await startWorld({ seed, timeScale: 1000 });
    const random = createRandom(seed);
    const { shop } = world;
    for (let turn = 0; turn < 300; turn += 1) {
      world.tick(random.int(0, 4_000));
      const open = shop.records().orders.filter(({ status }) => /^(PENDING|UNSHIPPED)$/.test(status));
      const order = random.chance(0.5) && open.length > 0 ? random.pick(open) : undefined;
      const line = order?.lines.at(0);
      if (order === undefined || line === undefined) {
        const sku = random.pick(catalogue(12)).sku;
        shop.sell({ lines: [{ sku, quantity: random.int(1, 3) }] });
        continue;
      }
      random.pick([
        () => shop.ship({ order_id: order.order_id }),
        () => shop.cancel({ order_id: order.order_id }),
        () => shop.edit({ order_id: order.order_id, line_id: line.line_id, quantity: line.taken - 1 }),
        () =>
          shop.refund({
            order_id: order.order_id,
            line_id: line.line_id,
            quantity: 1,
            restock: random.chance(0.5),
          }),
      ])();
      if (random.chance(0.1)) await shop.settle();
    }
    await shop.settle();
    const { orders, listings } = shop.records();
    expect(orders.length).toBeGreaterThan(30);
    for (const { sku } of catalogue(12)) {
      const taken = orders
        .flatMap(({ lines }) => lines)
        .filter((line) => line.sku === sku)
        .reduce((sum, line) => sum + line.taken, 0);
      expect(listings.find((one) => one.sku === sku)?.shown, sku).toBe(10 - taken);
      expect(await world.seen(sku), sku).toBe(10 - taken);
      world.tick(100);
    }
  });
});
