import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Loose } from '../../kit/shop-stage.ts';
import { contract, contracts, faultsIn, type Schema } from './shared.ts';
import { type Exchange, itemPath, numberPatch, startWorld, US, type World } from './world.ts';

/** The shop's answers, and the requests that it takes, held against the official models and schemas. */

interface Parameter {
  name?: string;
  in?: string;
  required?: boolean;
  schema?: Schema;
  $ref?: string;
}

interface Operation {
  id: string;
  method: string;
  path: RegExp;
  parameters: Parameter[];
  responses: Record<string, { schema?: Schema }>;
  root: Schema;
}

const files = [
  'sellers',
  'listingsItems_2021-08-01',
  'feeds_2021-06-30',
  'ordersV0',
  'orders_2026-01-01',
  'notifications',
  'fbaInventory',
];

function operationsIn(file: string): Operation[] {
  const model: Loose = contract(`models/${file}.json`);
  const methods = ['get', 'post', 'put', 'patch', 'delete'];
  return Object.entries<Loose>(model.paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method]?.responses !== undefined)
      .map((method) => ({
        id: String(item[method].operationId),
        method: method.toUpperCase(),
        path: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`),
        parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((one: Parameter) =>
          one.$ref === undefined ? one : model.parameters[one.$ref.replace('#/parameters/', '')],
        ),
        responses: item[method].responses,
        root: model,
      })),
  );
}

const absent = 'needs the shared material beside the project, or $INVSYNC_SHARED';

describe.skipIf(contracts === null)(`the shop against the official models (${absent})`, () => {
  let world: World;
  let models: Operation[] = [];
  beforeAll(async () => {
    models = files.flatMap(operationsIn);
    world = await startWorld();
    await everything(world);
  });
  afterAll(() => world.shop.stop());

  const modelOf = ({ method, path }: Exchange): Operation | undefined =>
    models.find((one) => one.method === method && one.path.test(path));

  test('calls every operation that it has, good and bad', () => {
    const called = new Set(world.exchanges.map(({ method, path }) => nameOf(world, method, path)));
    const missing = world.shop.operations.map(({ name }) => name).filter((name) => !called.has(name));
    expect(missing).toEqual([]);
    expect(new Set(world.exchanges.map(({ answer }) => answer.status))).toEqual(
      new Set([200, 201, 202, 400, 403, 404, 409, 429]),
    );
  });

  test('has no operation and no path that the models do not have', () => {
    const strange = world.exchanges.filter((exchange) => modelOf(exchange) === undefined);
    expect(strange.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });

  test('asks only for parameters that exist, and leaves none out that is required', () => {
    const wrong = world.exchanges
      .filter(({ answer }) => answer.status < 300)
      .flatMap((exchange) => {
        const known = modelOf(exchange)?.parameters.filter((one) => one.in === 'query') ?? [];
        const names = known.map(({ name = '' }) => name);
        const strange = [...exchange.query.keys()].filter((name) => !names.includes(name));
        const missing = known
          .filter(({ required, name = '' }) => required === true && !exchange.query.has(name))
          .map(({ name }) => name);
        return [...strange, ...missing].map((name) => `${exchange.method} ${exchange.path}: ${name}`);
      });
    expect(wrong).toEqual([]);
  });

  test('takes no body for good that the models would refuse', () => {
    const good = world.exchanges.filter(({ answer, sent }) => answer.status < 300 && sent !== undefined);
    expect(good.length).toBeGreaterThan(5);
    const wrong = good.flatMap((exchange) => {
      const model = modelOf(exchange);
      const schema = model?.parameters.find((one) => one.in === 'body')?.schema;
      if (model === undefined || schema === undefined) return [`${exchange.path}: no body is wanted`];
      return faultsIn(exchange.sent, schema, model.root).map((text) => `${exchange.path} ${text}`);
    });
    expect(wrong).toEqual([]);
  });

  test('answers every call as the models say, errors included', () => {
    const wrong = world.exchanges.flatMap((exchange) => {
      const model = modelOf(exchange);
      const { status, body } = exchange.answer;
      const response = model?.responses[String(status)];
      const at = `${exchange.method} ${exchange.path} ${status}`;
      if (model === undefined || response === undefined) return [`${at}: not in the model`];
      if (response.schema === undefined) return body === null ? [] : [`${at}: a body`];
      return faultsIn(body, response.schema, model.root).map((text) => `${at} ${text}`);
    });
    expect(wrong).toEqual([]);
  });

  test('would notice a field that is misspelt, missing, or of another type', () => {
    const model = models.find(({ id }) => id === 'searchOrders');
    const schema = model?.responses['200']?.schema ?? {};
    const order = { orderId: 7, createdTime: 'noon', lastUpdated: '', salesChannel: {}, orderItems: [] };
    const found = faultsIn({ orders: [order] }, schema, model?.root);
    expect(found.length).toBeGreaterThanOrEqual(5);
  });

  test('tells rates as the usage plans of the models do', () => {
    // The models' texts carry the rate and the burst of each operation as a table.
    const told = (id: string): number[] => {
      const text = files
        .map((file) => contract(`models/${file}.json`))
        .flatMap((model: Loose) => Object.values<Loose>(model.paths))
        .flatMap((item) => Object.values<Loose>(item))
        .find((operation) => operation?.operationId === id)?.description;
      const row = /\|\s*-+\s*\|\s*-+\s*\|\s*\n\s*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|/.exec(text ?? '');
      return [Number(row?.[1]), Number(row?.[2])];
    };
    const names: Record<string, string> = { getOrderV0: 'getOrder' };
    const both = world.shop.operations
      .map(({ name, rate, burst }) => ({ name, ours: [rate, burst], theirs: told(names[name] ?? name) }))
      .filter(({ theirs }) => !Number.isNaN(theirs[0]));
    expect(both.length).toBeGreaterThan(20);
    const wrong = both.filter(({ ours, theirs }) => ours[0] !== theirs[0] || ours[1] !== theirs[1]);
    expect(wrong).toEqual([]);
  });
});

describe.skipIf(contracts === null)(`notifications and feeds against their schemas (${absent})`, () => {
  test('every ORDER_CHANGE of an eventful life is valid', async () => {
    const world = await startWorld();
    await world.register();
    await eventful(world);
    const schema = contract('schemas/notifications/OrderChangeNotification.json');
    const bodies = (await world.drain()).map(({ Body }: Loose) => JSON.parse(Body));
    const states = bodies.map((one) => one.Payload.OrderChangeNotification.Summary.OrderStatus);
    expect(new Set(states)).toEqual(
      new Set(['Pending', 'Unshipped', 'PartiallyShipped', 'Shipped', 'Canceled']),
    );
    expect(bodies.flatMap((body) => faultsIn(body, schema))).toEqual([]);
    const [first] = bodies;
    first.Payload.OrderChangeNotification.Summary.OrderStatus = 'CANCELLED';
    expect(faultsIn(first, schema)).toHaveLength(1);
  });

  test('the notification of a finished feed and its report are valid, and so was the feed', async () => {
    const world = await startWorld();
    await world.register('FEED_PROCESSING_FINISHED');
    const made = await world.api('POST', '/feeds/2021-06-30/documents', {
      body: { contentType: 'application/json' },
    });
    const feed = {
      header: { sellerId: world.seller, version: '2.0' },
      messages: [
        { messageId: 1, sku: 'SKU-1', operationType: 'PATCH', ...numberPatch(3) },
        { messageId: 2, sku: 'SKU-2', operationType: 'PATCH', ...numberPatch(-3) },
      ],
    };
    expect(faultsIn(feed, contract('schemas/feeds/listings-feed-schema-v2.json'))).toEqual([]);
    const headers = { 'content-type': 'application/json' };
    await fetch(made.body.url, { method: 'PUT', headers, body: JSON.stringify(feed) });
    const { feedDocumentId } = made.body;
    await world.api('POST', '/feeds/2021-06-30/feeds', {
      body: {
        feedType: 'JSON_LISTINGS_FEED',
        marketplaceIds: [US],
        inputFeedDocumentId: feedDocumentId,
      },
    });
    await world.shop.settle();
    const [message] = await world.drain();
    const body = JSON.parse(message.Body);
    const schema = contract('schemas/notifications/FeedProcessingFinishedNotification.json');
    expect(faultsIn(body, schema)).toEqual([]);
    const id = body.payload.feedProcessingFinishedNotification.resultFeedDocumentId;
    const result = await world.api('GET', `/feeds/2021-06-30/documents/${id}`);
    const report = await (await fetch(result.body.url)).json();
    const wanted = contract('schemas/feeds/listings-feed-processing-report-schema-v2.json');
    expect(faultsIn(report, wanted)).toEqual([]);
  });

  test('the notification of a changed number is valid', async () => {
    const world = await startWorld();
    const made = await world.api('POST', '/notifications/v1/destinations', {
      token: 'grantless',
      body: {
        name: 'bus',
        resourceSpecification: { eventBridge: { region: 'us-east-1', accountId: '123456789012' } },
      },
    });
    await world.api('POST', '/notifications/v1/subscriptions/LISTINGS_ITEM_MFN_QUANTITY_CHANGE', {
      body: { payloadVersion: '1.0', destinationId: made.body.payload.destinationId },
    });
    world.shop.set({ sku: 'SKU-1', quantity: 2 });
    await world.shop.settle();
    const [message] = await world.drain();
    const schema = contract('schemas/notifications/ListingsItemMfnQuantityChange.json');
    expect(faultsIn(JSON.parse(message.Body).detail, schema)).toEqual([]);
  });
});

function nameOf(world: World, method: string, path: string): string {
  return world.shop.operations.find((one) => one.method === method && one.pattern.test(path))?.name ?? '';
}

/** Orders of every state, with lines of several kinds. */
async function eventful(world: World): Promise<void> {
  const { shop } = world;
  shop.fault({ name: 'fba_orders', count: 2 });
  for (let turn = 0; turn < 12; turn += 1) {
    const sold = shop.sell({
      lines: [
        { sku: `SKU-${1 + (turn % 6)}`, quantity: 2 },
        { sku: 'SKU-9', quantity: 1 },
      ],
      force: true,
    });
    if (!sold.sold) continue;
    const order = { order_id: sold.order_id };
    if (turn % 4 === 0) shop.cancel(order);
    await shop.settle();
    if (turn % 4 === 1) shop.cancel(order);
    if (turn % 4 === 2) shop.edit({ ...order, line_id: sold.lines[0]?.line_id ?? '', quantity: 1 });
    if (turn % 4 === 3) shop.fault({ name: 'partial_shipment', count: 1 });
    if (turn % 4 >= 2) shop.ship(order);
    await shop.settle();
  }
}

/** Every operation, with its usual and its unusual answers. */
async function everything(world: World): Promise<void> {
  const { api } = world;
  await eventful(world);
  world.tick(120_000);
  const { orders } = world.shop.records();
  const since = '2026-11-23T00:00:00Z';
  await api('GET', '/sellers/v1/marketplaceParticipations');

  const all =
    'summaries,attributes,issues,offers,fulfillmentAvailability,procurement,relationships,productTypes';
  const place = { marketplaceIds: US };
  await api('GET', itemPath(world), { query: { ...place, includedData: all, pageSize: '20' } });
  await api('GET', itemPath(world), { query: { ...place, pageSize: '21' } });
  for (const sku of ['SKU-1', 'FBA-SKU-6', 'PARENT-1', 'NOTHING']) {
    await api('GET', itemPath(world, sku), { query: { ...place, includedData: all } });
  }
  await world.setNumber('SKU-1', 4);
  await world.setNumber('SKU-1', -4);
  await api('PATCH', itemPath(world, 'SKU-2'), {
    query: { ...place, mode: 'VALIDATION_PREVIEW', includedData: 'issues,identifiers' },
    body: numberPatch(1),
  });
  await api('PATCH', itemPath(world, 'SKU-2'), { query: place, body: {} });

  const sets = { includedData: 'FULFILLMENT,CANCELLATION' };
  const list = '/orders/2026-01-01/orders';
  await api('GET', list, { query: { lastUpdatedAfter: since, ...sets, maxResultsPerPage: '5' } });
  await api('GET', list, { query: { createdAfter: since } });
  await api('GET', list);
  const old = { MarketplaceIds: US, CreatedAfter: since, MaxResultsPerPage: '3' };
  await api('GET', '/orders/v0/orders', { query: old });
  await api('GET', '/orders/v0/orders', { query: { MarketplaceIds: US } });
  for (const { order_id } of [...orders, { order_id: '111-1111111-1111111' }, { order_id: 'x' }]) {
    await api('GET', `${list}/${order_id}`, { query: sets });
    await api('GET', `/orders/v0/orders/${order_id}`);
    await api('GET', `/orders/v0/orders/${order_id}/orderItems`);
  }
  const stock = { granularityType: 'Marketplace', granularityId: US, marketplaceIds: US };
  await api('GET', '/fba/inventory/v1/summaries', { query: { ...stock, details: 'true' } });
  await api('GET', '/fba/inventory/v1/summaries', { query: { ...stock, granularityId: 'X' } });
  await api('GET', '/fba/inventory/v1/summaries', { query: stock });

  await feedsOf(world);
  await notesOf(world);
}

async function feedsOf({ api, shop }: World): Promise<void> {
  const contentType = 'application/json';
  const made = await api('POST', '/feeds/2021-06-30/documents', { body: { contentType } });
  await api('POST', '/feeds/2021-06-30/documents', { body: {} });
  await fetch(made.body.url, { method: 'PUT', headers: { 'content-type': contentType }, body: '{}' });
  const wish = {
    feedType: 'JSON_LISTINGS_FEED',
    marketplaceIds: [US],
    inputFeedDocumentId: made.body.feedDocumentId,
  };
  const feed = await api('POST', '/feeds/2021-06-30/feeds', { body: wish });
  const second = await api('POST', '/feeds/2021-06-30/feeds', { body: wish });
  await api('POST', '/feeds/2021-06-30/feeds', { body: { ...wish, feedType: 'NONSENSE' } });
  await api('GET', `/feeds/2021-06-30/feeds/${feed.body.feedId}`);
  await api('DELETE', `/feeds/2021-06-30/feeds/${second.body.feedId}`);
  await shop.settle();
  await api('GET', `/feeds/2021-06-30/feeds/${feed.body.feedId}`);
  await api('GET', '/feeds/2021-06-30/feeds/1');
  await api('GET', '/feeds/2021-06-30/feeds', { query: { feedTypes: 'JSON_LISTINGS_FEED', pageSize: '1' } });
  await api('GET', `/feeds/2021-06-30/documents/${made.body.feedDocumentId}`);
  await api('GET', '/feeds/2021-06-30/documents/none');
}

async function notesOf(world: World): Promise<void> {
  const { api, tick } = world;
  const own = (method: string, path: string, body?: unknown) => {
    tick(1_000);
    return api(method, path, { token: 'grantless', ...(body === undefined ? {} : { body }) });
  };
  const destinations = '/notifications/v1/destinations';
  const subscriptions = '/notifications/v1/subscriptions';
  const { destinationId, subscriptionId } = await world.register();
  await own('POST', destinations, {
    name: 'again',
    resourceSpecification: { sqs: { arn: world.shop.queue.arn } },
  });
  await own('POST', destinations, { name: 'nothing' });
  await own('POST', destinations, {
    name: 'bus',
    resourceSpecification: { eventBridge: { region: 'us-east-1', accountId: '123456789012' } },
  });
  await own('GET', destinations);
  await own('GET', `${destinations}/${destinationId}`);
  await own('GET', `${destinations}/none`);
  await own('DELETE', `${destinations}/${destinationId}`);
  const directive = {
    eventFilter: { eventFilterType: 'ORDER_CHANGE', orderChangeTypes: ['OrderStatusChange'] },
  };
  await own('DELETE', `${subscriptions}/ORDER_CHANGE/${subscriptionId}`);
  const body = { payloadVersion: '1.0', destinationId, processingDirective: directive };
  const made = await api('POST', `${subscriptions}/ORDER_CHANGE`, { body });
  await api('POST', `${subscriptions}/ORDER_CHANGE`, { body });
  await api('POST', `${subscriptions}/ORDER_CHANGE`, { body: {} });
  await api('GET', `${subscriptions}/ORDER_CHANGE`, { query: { payloadVersion: '1.0' } });
  await api('GET', `${subscriptions}/FEED_PROCESSING_FINISHED`);
  await api('GET', subscriptions, { query: { notificationTypes: 'ORDER_CHANGE' } });
  const id = made.body.payload.subscriptionId;
  await own('GET', `${subscriptions}/ORDER_CHANGE/${id}`);
  await own('GET', `${subscriptions}/ORDER_CHANGE/none`);
  await own('POST', `${subscriptions}/ORDER_CHANGE/testNotification`, { destinationId });
  await own('DELETE', `${subscriptions}/ORDER_CHANGE/${id}`);
  await own('DELETE', `${destinations}/${destinationId}`);
  // More than a second brings.
  for (let turn = 0; turn < 6; turn += 1) await api('GET', destinations, { token: 'grantless' });
}
