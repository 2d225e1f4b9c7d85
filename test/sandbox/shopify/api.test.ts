import { beforeEach, describe, expect, test } from 'vitest';
import { createBucket } from '../../../src/sandbox/shopify/cost.ts';
import type { ShopifyShop } from '../../../src/sandbox/shopify/index.ts';
import { catalogue, listing, sell } from '../../kit/shop-stage.ts';
import { ask, locationOf, startShop } from './world.ts';

let shop: ShopifyShop;
beforeEach(async () => {
  shop = await startShop();
});

const check =
  '{ shop { id myshopifyDomain name ianaTimezone } currentAppInstallation { id accessScopes { handle } } }';
const listings = `query Listings($after: String, $loc: ID!, $q: String, $first: Int = 100) {
  productVariants(first: $first, after: $after, query: $q, sortKey: ID) {
    nodes { id legacyResourceId sku displayName inventoryPolicy requiresComponents updatedAt product { id title status }
      inventoryItem { id legacyResourceId sku tracked duplicateSkuCount
        inventoryLevel(locationId: $loc) { id updatedAt isActive quantities(names: ["available","on_hand","committed"]) { name quantity updatedAt } } } }
    pageInfo { hasNextPage endCursor } } }`;
const ordersSince = `query OrdersSince($q: String!, $after: String, $first: Int = 2) {
  orders(first: $first, after: $after, query: $q, sortKey: UPDATED_AT) {
    nodes { id legacyResourceId name createdAt updatedAt cancelledAt cancelReason test confirmed edited sourceName displayFinancialStatus
      lineItems(first: 20) { nodes { id sku quantity currentQuantity isGiftCard variant { id } } pageInfo { hasNextPage endCursor } }
      refunds(first: 50) { id createdAt refundLineItems(first: 20) { nodes { quantity restockType restocked location { id } lineItem { id sku } } pageInfo { hasNextPage endCursor } } } }
    pageInfo { hasNextPage endCursor } } }`;

describe('tokens', () => {
  const grant = (body: string, type: string) =>
    fetch(`${shop.url}/admin/oauth/access_token`, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body,
    });
  const fields = () => ({
    grant_type: 'client_credentials',
    client_id: shop.credentials.clientId,
    client_secret: shop.credentials.clientSecret,
  });

  test('are granted for a form and for JSON, and open the API', async () => {
    const form = await grant(new URLSearchParams(fields()).toString(), 'application/x-www-form-urlencoded');
    const json = await grant(JSON.stringify(fields()), 'application/json');
    for (const response of [form, json]) {
      const reply = (await response.json()) as { access_token: string; expires_in: number; scope: string };
      expect(reply.access_token).toMatch(/^shpat_/);
      expect(reply.expires_in).toBe(86_399);
      expect(reply.scope.split(',')).toContain('write_inventory');
      expect((await ask(shop, check, {}, { token: reply.access_token })).status).toBe(200);
    }
  });

  test('are refused for a wrong secret and for another organisation', async () => {
    const wrong = { ...fields(), client_secret: 'no' };
    expect((await grant(JSON.stringify(wrong), 'application/json')).status).toBe(400);
    shop.fault({ name: 'shop_not_permitted', count: 1 });
    const refused = await grant(JSON.stringify(fields()), 'application/json');
    expect(((await refused.json()) as { error: string }).error).toBe('shop_not_permitted');
  });

  test('of the grant can die in mid run; an unknown token gets 401 with a plain string', async () => {
    const reply = (await (await grant(JSON.stringify(fields()), 'application/json')).json()) as {
      access_token: string;
    };
    shop.fault({ name: 'token_expiry', count: 1 });
    const dead = await ask(shop, check, {}, { token: reply.access_token });
    expect([dead.status, typeof dead.body.errors]).toEqual([401, 'string']);
    expect((await ask(shop, check)).status).toBe(200);
  });
});

describe('releases', () => {
  test('are named in the header, and dead ones fall forward to the oldest', async () => {
    const seen: unknown[] = [];
    for (const release of ['2026-10', '2026-07', '2024-01', '2099-01', 'nonsense']) {
      const { status, headers } = await ask(shop, check, {}, { release });
      seen.push([status, headers.get('x-shopify-api-version')]);
    }
    expect(seen).toEqual([
      [200, '2026-10'],
      [200, '2026-07'],
      [200, '2026-07'],
      [404, null],
      [404, null],
    ]);
  });
});

describe('query costs', () => {
  test('are asked by size and paid by result', async () => {
    const { body } = await ask(shop, listings, { loc: locationOf(shop) });
    expect(body.errors).toBeUndefined();
    const { requestedQueryCost, actualQueryCost, throttleStatus } = body.extensions.cost;
    // 2 + 100 x (variant + product + item + level + quantities)
    expect(requestedQueryCost).toBe(502);
    expect(actualQueryCost).toBe(2 + 15 * 5);
    expect(throttleStatus).toMatchObject({ maximumAvailable: 2000, restoreRate: 100 });
  });

  test('of more than 1000 are refused before anything runs', async () => {
    const { status, body } = await ask(shop, listings, { loc: locationOf(shop), first: 250 });
    expect([status, body.errors[0].extensions.code, body.data]).toEqual([
      200,
      'MAX_COST_EXCEEDED',
      undefined,
    ]);
    expect(body.errors[0].extensions.cost).toBe(1252);
  });

  test('count ten for a mutation', async () => {
    const { body } = await ask(
      shop,
      'mutation ($id: ID!) { tagsAdd(id: $id, tags: ["x"]) { node { id } userErrors { message } } }',
      { id: 'gid://shopify/Order/1' },
    );
    expect(body.extensions.cost.requestedQueryCost).toBe(10 + 1 + 2);
  });

  test('throttle at HTTP 200 when the bucket is short', async () => {
    shop.fault({ name: 'throttled_burst', count: 1 });
    const { status, body } = await ask(shop, listings, { loc: locationOf(shop) });
    expect([status, body.errors[0].extensions.code]).toEqual([200, 'THROTTLED']);
    expect(body.errors[0].message).toBe('Throttled');
    expect(body.extensions.cost).toMatchObject({ requestedQueryCost: 502, actualQueryCost: null });
    expect(body.extensions.cost.throttleStatus.currentlyAvailable).toBeLessThan(502);
  });

  test('are taken from a bucket that refills with the time scale', () => {
    const bucket = createBucket(60);
    expect([bucket.take(2000), bucket.take(2000)]).toEqual([true, false]);
    bucket.giveBack(5000);
    expect(bucket.status()).toEqual({ maximumAvailable: 2000, currentlyAvailable: 2000, restoreRate: 6000 });
  });
});

describe('bad weather for calls', () => {
  test('answers with strings outside 200 and with codes inside', async () => {
    const seen: unknown[] = [];
    for (const name of [
      'auth',
      'payment_required',
      'locked',
      'error_500',
      'internal_error',
      'access_denied',
    ]) {
      shop.fault({ name, count: 1 });
      const { status, body } = await ask(shop, check);
      seen.push([
        name,
        status >= 500 ? '5xx' : status,
        Array.isArray(body.errors) ? body.errors[0].extensions.code : typeof body.errors,
      ]);
    }
    expect(seen).toEqual([
      ['auth', 401, 'string'],
      ['payment_required', 402, 'string'],
      ['locked', 423, 'string'],
      ['error_500', '5xx', 'string'],
      ['internal_error', 200, 'INTERNAL_SERVER_ERROR'],
      ['access_denied', 200, 'ACCESS_DENIED'],
    ]);
    shop.fault({ name: 'timeout', count: 1 });
    await expect(ask(shop, check)).rejects.toThrow();
    expect(() => shop.fault({ name: 'no such fault' })).toThrow('no fault');
  });

  test('refuses documents that the schema does not know and bodies that are none', async () => {
    const unknown = await ask(shop, '{ shop { colour } }');
    expect([unknown.status, unknown.body.data]).toEqual([200, undefined]);
    expect(unknown.body.errors[0].message).toContain('colour');
    const bare = await fetch(`${shop.url}/admin/api/2026-10/graphql.json`, {
      method: 'POST',
      headers: { 'X-Shopify-Access-Token': shop.credentials.accessToken },
      body: 'nothing',
    });
    expect(bare.status).toBe(400);
    const unbounded = await ask(shop, '{ productVariants { nodes { id } } }');
    expect(unbounded.body.errors[0].message).toBe('you must provide one of first or last');
    const wide = await ask(shop, '{ productVariants(first: 251) { nodes { id } } }');
    expect(wide.body.errors[0].message).toContain('250');
  });
});

describe('the catalogue', () => {
  test('pages through oddities: shared items, twins, untracked and derived stock', async () => {
    const seen: {
      sku: string;
      inventoryItem: { id: string; tracked: boolean; duplicateSkuCount: number };
      requiresComponents: boolean;
    }[] = [];
    let after: string | null = null;
    do {
      const { body } = await ask(shop, listings, { loc: locationOf(shop), after, first: 4 });
      seen.push(...body.data.productVariants.nodes);
      const { hasNextPage, endCursor } = body.data.productVariants.pageInfo;
      after = hasNextPage ? endCursor : null;
    } while (after !== null);
    expect(seen).toHaveLength(15);
    const of = (sku: string) => seen.filter((node) => node.sku === sku);
    expect(new Set(of('SKU-7').map(({ inventoryItem }) => inventoryItem.id)).size).toBe(1);
    expect(of('SKU-7')).toHaveLength(2);
    expect(of('DUP-1').map(({ inventoryItem }) => inventoryItem.duplicateSkuCount)).toEqual([1, 1]);
    expect(of('GIFT-CARD')[0]?.inventoryItem.tracked).toBe(false);
    expect(of('BUNDLE-PARENT')[0]?.requiresComponents).toBe(true);
  });

  test('finds more SKUs than were asked for, and ranges of ids exactly', async () => {
    await shop.stop();
    shop = await startShop({ catalogue: [...catalogue(2), { sku: 'SKU-1-L', title: 'Large', stock: 1 }] });
    const found = await ask(shop, listings, { loc: locationOf(shop), q: "sku:'SKU-1'" });
    const skus = found.body.data.productVariants.nodes.map((node: { sku: string }) => node.sku);
    expect(skus).toEqual(['SKU-1', 'SKU-1-L']);
    const [first] = found.body.data.productVariants.nodes;
    const rest = await ask(shop, listings, {
      loc: locationOf(shop),
      q: `id:>${first.legacyResourceId} product_status:ACTIVE`,
    });
    expect(rest.body.data.productVariants.nodes).toHaveLength(6);
  });

  test('reads items by id, with null for what does not exist and an error for what is no id', async () => {
    const nodes = `query ($ids: [ID!]!, $loc: ID!) { nodes(ids: $ids) { ... on InventoryItem { id sku tracked
      inventoryLevel(locationId: $loc) { updatedAt quantities(names: ["available","committed"]) { name quantity } } } } }`;
    const ids = [listing(shop, 'SKU-2'), 'gid://shopify/InventoryItem/1'];
    const { body } = await ask(shop, nodes, { ids, loc: locationOf(shop) });
    expect(body.data.nodes).toMatchObject([{ sku: 'SKU-2', tracked: true }, null]);
    const bad = await ask(shop, nodes, { ids: ['42'], loc: locationOf(shop) });
    expect(bad.body.errors[0].message).toBe("Invalid global id '42'");
  });

  test('shows the shelf of one location only, and hides closed locations', async () => {
    const shelf = await ask(
      shop,
      `query ($loc: ID!) { location(id: $loc) { inventoryLevels(first: 50, query: "updated_at:>='2020-01-01T00:00:00Z'") {
        nodes { id item { sku } quantities(names: ["available"]) { quantity } } } } }`,
      { loc: locationOf(shop) },
    );
    expect(shelf.body.data.location.inventoryLevels.nodes).toHaveLength(14);
    const places = await ask(
      shop,
      '{ locations(first: 50) { nodes { name isActive fulfillsOnlineOrders } } }',
    );
    expect(places.body.data.locations.nodes.map(({ name }: { name: string }) => name)).toEqual([
      'Back room',
      'Main shelf',
    ]);
  });
});

describe('the order list', () => {
  const since = "updated_at:>='2020-01-01T00:00:00Z'";

  test('trails behind the order itself by the lag of the index', async () => {
    shop.fault({ name: 'order_lag', count: 1, ms: 3_600_000 });
    const { orderId } = sell(shop, ['SKU-1', 1]);
    const listed = await ask(shop, ordersSince, { q: since });
    expect(listed.body.data.orders.nodes).toEqual([]);
    const single = await ask(shop, 'query ($id: ID!) { order(id: $id) { id name } }', {
      id: `gid://shopify/Order/${orderId}`,
    });
    expect(single.body.data.order.name).toBe('#1001');
  });

  test('comes in order of change, page by page, all states included', async () => {
    await shop.stop();
    // The index lags by 40 ms at most, and orders stay visible for 51 s.
    shop = await startShop({ timeScale: 100_000 });
    const ids = [1, 2, 3].map(() => sell(shop, ['SKU-1', 1]).orderId);
    shop.cancel({ order_id: ids[1] ?? '' });
    const page = async (first: number, after: string | null) =>
      (await ask(shop, ordersSince, { q: `${since} status:not_closed`, after, first })).body.data.orders;
    const isIndexed = async () => {
      const { nodes } = await page(3, null);
      const cancelledAt = nodes.map((node: { cancelledAt: string | null }) => node.cancelledAt);
      return nodes.length === 3 && cancelledAt.some((time: string | null) => time !== null);
    };
    while (!(await isIndexed()));
    const names: string[] = [];
    let after: string | null = null;
    for (let turn = 0; turn < 3; turn += 1) {
      const { nodes, pageInfo } = await page(1, after);
      names.push(nodes[0].legacyResourceId);
      expect(pageInfo.hasNextPage).toBe(turn < 2);
      after = pageInfo.endCursor;
    }
    expect(names.sort()).toEqual([...ids].sort());
    const cancelled = await ask(shop, ordersSince, { q: `${since} status:cancelled` });
    expect(cancelled.body.data.orders.nodes[0].legacyResourceId).toBe(ids[1]);
    const future = await ask(shop, ordersSince, { q: "created_at:>='2099-01-01T00:00:00Z'" });
    expect(future.body.data.orders.nodes).toEqual([]);
  });

  test('is too dear with the page sizes of a naive query', async () => {
    const naive = ordersSince.replaceAll('first: 20', 'first: 100');
    const { body } = await ask(shop, naive, { q: since, first: 25 });
    expect(body.errors[0].extensions.code).toBe('MAX_COST_EXCEEDED');
  });
});

describe('a bulk export', () => {
  const run = `mutation ($q: String!) { bulkOperationRunQuery(query: $q) {
    bulkOperation { id status url } userErrors { code field message } } }`;

  test('ends as lines of JSON in which children name their parent', async () => {
    const q = `{ inventoryItems { edges { node { id sku tracked inventoryLevels { edges { node { id location { id }
      quantities(names: ["available"]) { name quantity } } } } } } } }`;
    const started = await ask(shop, run, { q });
    const { id, status } = started.body.data.bulkOperationRunQuery.bulkOperation;
    expect(status).toBe('CREATED');
    await shop.settle();
    const polled = await ask(
      shop,
      'query ($id: ID!) { bulkOperation(id: $id) { status url objectCount rootObjectCount } }',
      { id },
    );
    const done = polled.body.data.bulkOperation;
    expect(done).toMatchObject({ status: 'COMPLETED', rootObjectCount: '14', objectCount: '30' });
    const lines = (await (await fetch(done.url)).text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(30);
    expect(lines[0]).toEqual({ id: listing(shop, 'SKU-1'), sku: 'SKU-1', tracked: true });
    expect(lines[1]).toMatchObject({ __parentId: lines[0].id, location: { id: locationOf(shop) } });
  });

  test('refuses what is no export', async () => {
    for (const q of ['{ shop { id } }', '{ nonsense', '{ shop { colour } }']) {
      const { body } = await ask(shop, run, { q });
      expect(body.data.bulkOperationRunQuery.userErrors[0].code).toBe('INVALID');
    }
  });
});

describe('the records over HTTP', () => {
  test('sell, tell and arm through the sandbox routes', async () => {
    const post = (verb: string, body: unknown) =>
      fetch(`${shop.url}/_sandbox/${verb}`, { method: 'POST', body: JSON.stringify(body) });
    const sold = (await (await post('sell', { sku: 'SKU-1', quantity: 2 })).json()) as { order_id: string };
    await post('cancel', { order_id: sold.order_id });
    await post('fault', { name: 'auth', count: 1 });
    expect((await ask(shop, check)).status).toBe(401);
    const orders = (await (await fetch(`${shop.url}/_sandbox/orders`)).json()) as { status: string }[];
    expect(orders[0]?.status).toBe('cancelled');
    const requests = shop.records().calls.filter(({ kind }) => kind === 'request');
    expect(requests).toMatchObject([{ route: 'POST /admin/api/2026-10/graphql.json', status: 401 }]);
  });
});
