import { createRequire } from 'node:module';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Loose, NOON } from '../kit/shop-stage.ts';
import { grant, numberPatch, startWorld, US, type World } from '../sandbox/amazon/world.ts';
import { type Wire, wireTo } from './wire.ts';

/**
 * The sandbox shop judged by `amazon-sp-api`, a client that others run against the real platform. Its hosts are fixed
 * (api.amazon.com, sellingpartnerapi-na.amazon.com, port 443); it takes an agent (`https_proxy_agent`), and the one it
 * gets here connects to the shop on loopback. Nothing of the client is replaced.
 */

interface Client {
  access_token: string | undefined;
  refreshAccessToken(scope?: string): Promise<void>;
  callAPI(ask: {
    operation: string;
    path?: Record<string, string>;
    query?: Record<string, unknown>;
    body?: unknown;
    options?: { version?: string; raw_result?: boolean; restore_rate?: number };
  }): Promise<Loose>;
  upload(document: Loose, feed: { content: string; contentType: string }): Promise<Loose>;
  download(document: Loose): Promise<string>;
}
interface ClientConfig {
  region: 'na';
  refresh_token: string;
  access_token?: string;
  credentials: Record<string, string>;
  options: Record<string, unknown>;
}

// The package's own types leave half of the operations out that it has.
const require = createRequire(import.meta.url);
const { SellingPartner } = require('amazon-sp-api') as {
  SellingPartner: new (config: ClientConfig) => Client;
};

let world: World;
let wire: Wire;
beforeEach(async () => {
  world = await startWorld();
  wire = wireTo(world.shop.url);
});

/** `changes` replace credentials; without a token the client asks for one itself. */
function clientOf(token: string | null, changes: Record<string, string> = {}, options: object = {}): Client {
  const { clientId, clientSecret, refreshToken } = world.shop.credentials;
  return new SellingPartner({
    region: 'na',
    refresh_token: refreshToken,
    ...(token === null ? {} : { access_token: token }),
    credentials: {
      SELLING_PARTNER_APP_CLIENT_ID: clientId,
      SELLING_PARTNER_APP_CLIENT_SECRET: clientSecret,
      ...changes,
    },
    options: { https_proxy_agent: wire.agent, auto_request_throttled: false, ...options },
  });
}

/** A client that was handed a token which the platform's documented grant, a form, gave. */
async function clientWithToken(options: object = {}): Promise<Client> {
  const { body } = await grant(world.shop);
  return clientOf(body.access_token, {}, options);
}

const itemQuery = { marketplaceIds: [US], includedData: ['summaries', 'fulfillmentAvailability'] };
const item = (sku: string) => ({ sellerId: world.seller, sku });
const get = (client: Client, sku: string) =>
  client.callAPI({
    operation: 'listingsItems.getListingsItem',
    path: item(sku),
    query: itemQuery,
    options: { version: '2021-08-01' },
  });
const patch = (client: Client, sku: string, quantity: number) =>
  client.callAPI({
    operation: 'listingsItems.patchListingsItem',
    path: item(sku),
    query: { marketplaceIds: [US] },
    body: numberPatch(quantity),
    options: { version: '2021-08-01' },
  });

describe('tokens', () => {
  // The client posts JSON to /auth/o2/token, as the SDKs of Amazon do (LWAClient, JsonMediaType), and the platform takes
  // it beside forms (selling-partner-api-docs, issues 45 and 183). The shop takes forms only.
  test('amazon-sp-api gets a token by itself: its grant is JSON, which the shop refuses', async () => {
    const client = clientOf(null);
    await client.refreshAccessToken();
    expect(client.access_token).toMatch(/^Atza\|/);
  });

  test('amazon-sp-api subscribes to orders, for which it needs a token of the application: that grant is JSON, too', async () => {
    const client = await clientWithToken();
    const { destinationId } = await client.callAPI({
      operation: 'notifications.createDestination',
      body: { name: 'judge', resourceSpecification: { sqs: { arn: world.shop.queue.arn } } },
    });
    const destinations = await client.callAPI({ operation: 'notifications.getDestinations' });
    expect(destinations.map((one: Loose) => one.destinationId)).toEqual([destinationId]);
    const { subscriptionId } = await client.callAPI({
      operation: 'notifications.createSubscription',
      path: { notificationType: 'ORDER_CHANGE' },
      body: { payloadVersion: '1.0', destinationId },
    });
    const path = { notificationType: 'ORDER_CHANGE' };
    const found = await client.callAPI({ operation: 'notifications.getSubscription', path });
    expect(found).toMatchObject({ subscriptionId, destinationId, payloadVersion: '1.0' });
    const byId = { ...path, subscriptionId };
    await client.callAPI({ operation: 'notifications.deleteSubscriptionById', path: byId });
    await expect(client.callAPI({ operation: 'notifications.getSubscription', path })).rejects.toMatchObject({
      code: 'NotFound',
    });
  });

  test('amazon-sp-api renews a token that expired while it worked: that grant is JSON, too', async () => {
    const client = await clientWithToken();
    world.tick(3_600_001);
    expect((await get(client, 'SKU-1')).sku).toBe('SKU-1');
  });

  test('amazon-sp-api is told invalid_client when its secret is wrong: the grant is JSON, too', async () => {
    const client = clientOf(null, { SELLING_PARTNER_APP_CLIENT_SECRET: 'wrong' });
    await expect(client.refreshAccessToken()).rejects.toMatchObject({ code: 'invalid_client' });
  });

  test('a refusal reads as the error that amazon-sp-api makes of it', async () => {
    const client = clientOf('Atza|nobody');
    await expect(get(client, 'SKU-1')).rejects.toMatchObject({ code: 'Unauthorized' });
  });
});

describe('amazon-sp-api at the sandbox shop', () => {
  let client: Client;
  beforeEach(async () => {
    client = await clientWithToken();
  });

  test('asks the platform’s own host, and is answered by the shop', async () => {
    await get(client, 'SKU-1');
    expect([...wire.hosts]).toEqual(['sellingpartnerapi-na.amazon.com']);
    const routes = world.shop.records().calls.map((call) => (call.kind === 'request' ? call.route : ''));
    expect(routes.at(-1)).toBe(`GET /listings/2021-08-01/items/${world.seller}/SKU-1`);
  });

  test('reads where the seller takes part', async () => {
    const found = await client.callAPI({ operation: 'sellers.getMarketplaceParticipations' });
    const here = found.filter((one: Loose) => one.participation.isParticipating);
    expect(here.map((one: Loose) => one.marketplace.id)).toContain(US);
  });

  test('walks all listings page by page, each once', async () => {
    const skus: string[] = [];
    let pageToken: string | undefined;
    do {
      const page: Loose = await client.callAPI({
        operation: 'listingsItems.searchListingsItems',
        path: { sellerId: world.seller },
        query: {
          ...itemQuery,
          pageSize: 5,
          sortBy: 'sku',
          sortOrder: 'ASC',
          ...(pageToken && { pageToken }),
        },
        options: { version: '2021-08-01' },
      });
      expect(page.numberOfResults).toBe(world.shop.listings.size);
      skus.push(...page.items.map((one: Loose) => one.sku));
      pageToken = page.pagination.nextToken;
    } while (pageToken !== undefined);
    expect(skus.length).toBeGreaterThan(12);
    expect([...skus].sort()).toEqual([...world.shop.listings.keys()].sort());
  });

  test('finds listings by a list of SKUs, which it writes with commas', async () => {
    const page = await client.callAPI({
      operation: 'listingsItems.searchListingsItems',
      path: { sellerId: world.seller },
      query: { ...itemQuery, identifiers: ['SKU-2', 'SKU-3'], identifiersType: 'SKU' },
      options: { version: '2021-08-01' },
    });
    expect(page.items.map((one: Loose) => one.sku).sort()).toEqual(['SKU-2', 'SKU-3']);
  });

  test('reads one listing with its number', async () => {
    const found = await get(client, 'SKU-1');
    expect(found.sku).toBe('SKU-1');
    expect(found.summaries[0]).toMatchObject({ marketplaceId: US, itemName: 'Thing 1' });
    expect(found.fulfillmentAvailability).toEqual([{ fulfillmentChannelCode: 'DEFAULT', quantity: 10 }]);
  });

  test('reads and writes a SKU that its own path encoding has to carry', async () => {
    const odd = 'ODD/SKU #1+ü 100%';
    expect((await get(client, odd)).sku).toBe(odd);
    expect((await patch(client, odd, 2)).status).toBe('ACCEPTED');
    await world.shop.settle();
    expect((await get(client, odd)).fulfillmentAvailability[0].quantity).toBe(2);
  });

  test('sets a number, which is accepted at once and shown after the platform has settled', async () => {
    const answer = await patch(client, 'SKU-1', 4);
    expect(answer).toMatchObject({ sku: 'SKU-1', status: 'ACCEPTED' });
    expect(answer.submissionId).toEqual(expect.any(String));
    expect((await get(client, 'SKU-1')).fulfillmentAvailability[0].quantity).toBe(10);
    await world.shop.settle();
    expect((await get(client, 'SKU-1')).fulfillmentAvailability[0].quantity).toBe(4);
    expect(world.shown('SKU-1')).toBe(4);
  });

  test('lists orders by the current API and reads one with its lines', async () => {
    const { orderId, lineId } = world.sell('SKU-1', 3);
    await world.shop.settle();
    world.tick(5 * 60_000);
    const found = await client.callAPI({
      operation: 'orders.searchOrders',
      query: {
        marketplaceIds: [US],
        lastUpdatedAfter: new Date(NOON - 60_000).toISOString(),
        includedData: ['FULFILLMENT', 'CANCELLATION'],
      },
      options: { version: '2026-01-01' },
    });
    expect(found.orders.map((order: Loose) => order.orderId)).toEqual([orderId]);
    const { order } = await client.callAPI({
      operation: 'orders.getOrder',
      path: { orderId },
      query: { includedData: ['FULFILLMENT'] },
      options: { version: '2026-01-01' },
    });
    expect(order.fulfillment.fulfillmentStatus).toBe('UNSHIPPED');
    expect(order.orderItems[0]).toMatchObject({
      orderItemId: lineId,
      quantityOrdered: 3,
      product: { sellerSku: 'SKU-1' },
    });
  });

  test('walks orders page by page by the token that the shop gave', async () => {
    const sold = ['SKU-1', 'SKU-2', 'SKU-3'].map((sku) => world.sell(sku, 1).orderId);
    world.tick(5 * 60_000);
    const ids: string[] = [];
    let paginationToken: string | undefined;
    do {
      const page: Loose = await client.callAPI({
        operation: 'orders.searchOrders',
        query: {
          marketplaceIds: [US],
          createdAfter: new Date(NOON - 60_000).toISOString(),
          maxResultsPerPage: 2,
          ...(paginationToken && { paginationToken }),
        },
        options: { version: '2026-01-01' },
      });
      ids.push(...page.orders.map((order: Loose) => order.orderId));
      paginationToken = page.pagination?.nextToken;
    } while (paginationToken !== undefined);
    expect(ids.sort()).toEqual(sold.sort());
  });

  test('lists orders and their items by the old API, out of its payload', async () => {
    const { orderId, lineId } = world.sell('SKU-2', 1);
    await world.shop.settle();
    world.tick(5 * 60_000);
    const found = await client.callAPI({
      operation: 'orders.getOrders',
      query: { MarketplaceIds: [US], CreatedAfter: new Date(NOON - 60_000).toISOString() },
      options: { version: 'v0' },
    });
    expect(found.Orders.map((order: Loose) => [order.AmazonOrderId, order.OrderStatus])).toEqual([
      [orderId, 'Unshipped'],
    ]);
    const items = await client.callAPI({
      operation: 'orders.getOrderItems',
      path: { orderId },
      options: { version: 'v0' },
    });
    expect(items.OrderItems[0]).toMatchObject({
      OrderItemId: lineId,
      SellerSKU: 'SKU-2',
      QuantityOrdered: 1,
    });
  });

  test('lists what the platform fulfils', async () => {
    const found = await client.callAPI({
      operation: 'fbaInventory.getInventorySummaries',
      query: { granularityType: 'Marketplace', granularityId: US, marketplaceIds: [US], details: true },
    });
    expect(found.inventorySummaries.map((one: Loose) => one.sellerSku)).toContain('FBA-SKU-6');
  });

  test.each([
    ['a SKU that is not there', () => get(client, 'NONE'), 'NOT_FOUND'],
    ['an order that is not there', () => order('123-1234567-1234567'), 'NotFound'],
    ['an id that is none', () => order('x'), 'InvalidInput'],
    ['another seller', () => client.callAPI(foreign()), 'Unauthorized'],
  ])('makes an error of %s', async (_, ask, code) => {
    await expect(ask()).rejects.toMatchObject({ code });
  });
  const order = (orderId: string) =>
    client.callAPI({ operation: 'orders.getOrder', path: { orderId }, options: { version: '2026-01-01' } });
  const foreign = () => ({
    operation: 'listingsItems.getListingsItem',
    path: { sellerId: 'A0OTHER', sku: 'SKU-1' },
    query: itemQuery,
    options: { version: '2021-08-01' },
  });

  test('knows a throttled call as one, and repeats it when it is told to', async () => {
    world.shop.fault({ name: 'throttle', count: 1 });
    await expect(get(client, 'SKU-1')).rejects.toMatchObject({ code: 'QuotaExceeded' });
    const patient = await clientWithToken({ auto_request_throttled: true });
    world.shop.fault({ name: 'throttle', count: 1 });
    expect((await get(patient, 'SKU-1')).sku).toBe('SKU-1');
  });

  test('reads the rate from the header of the shop', async () => {
    const rates: unknown[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      const { statusCode, headers } = await client.callAPI({
        operation: 'listingsItems.getListingsItem',
        path: item('SKU-1'),
        query: itemQuery,
        options: { version: '2021-08-01', raw_result: true },
      });
      expect(statusCode).toBe(200);
      rates.push(headers['x-amzn-ratelimit-limit']);
    }
    // Now and then the platform leaves it out.
    expect(new Set(rates.filter((rate) => rate !== undefined))).toEqual(new Set(['5']));
  });

  test('uploads a feed, follows it until it is done, and downloads its report', async () => {
    const contentType = 'application/json; charset=UTF-8';
    const document = await client.callAPI({ operation: 'feeds.createFeedDocument', body: { contentType } });
    const header = { sellerId: world.seller, version: '2.0', issueLocale: 'en_US' };
    const messages = ['SKU-3', 'SKU-4'].map((sku, index) => ({
      messageId: index + 1,
      sku,
      operationType: 'PATCH',
      ...numberPatch(5),
    }));
    await client.upload(document, { content: JSON.stringify({ header, messages }), contentType });
    const { feedId } = await client.callAPI({
      operation: 'feeds.createFeed',
      body: {
        feedType: 'JSON_LISTINGS_FEED',
        marketplaceIds: [US],
        inputFeedDocumentId: document.feedDocumentId,
      },
    });
    const feed = () => client.callAPI({ operation: 'feeds.getFeed', path: { feedId } });
    expect((await feed()).processingStatus).toBe('IN_QUEUE');
    await world.shop.settle();
    const { processingStatus, resultFeedDocumentId } = await feed();
    expect(processingStatus).toBe('DONE');
    const result = await client.callAPI({
      operation: 'feeds.getFeedDocument',
      path: { feedDocumentId: resultFeedDocumentId },
    });
    const report = JSON.parse(await client.download(result));
    expect(report.summary).toMatchObject({ messagesProcessed: 2, messagesAccepted: 2, errors: 0 });
    expect([world.shown('SKU-3'), world.shown('SKU-4')]).toEqual([5, 5]);
  });
});
