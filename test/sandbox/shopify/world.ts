import type { ShopOptions } from '../../../src/sandbox/shop.ts';
import { createShopifyShop, type ShopifyShop } from '../../../src/sandbox/shopify/index.ts';
import { catalogue, type Loose, listing, type Received, startStage } from '../../kit/shop-stage.ts';

/** A shop at the clock of the machine; platform durations as in life. */
export async function startShop(options: Partial<ShopOptions> = {}): Promise<ShopifyShop> {
  const { shop } = await startStage(({ seed, port }) =>
    createShopifyShop({ name: 'main shop', seed, port, timeScale: 1, catalogue: catalogue(10), ...options }),
  );
  return shop;
}

export const topicOf = ({ headers }: Received): string => String(headers['x-shopify-topic']);

export interface Asking {
  release?: string;
  token?: string;
}

/** Status, headers and parsed body of a GraphQL call. */
export async function ask(
  shop: ShopifyShop,
  query: string,
  variables: Record<string, unknown> = {},
  { release = '2026-10', token = shop.credentials.accessToken }: Asking = {},
): Promise<{ status: number; headers: Headers; body: Loose }> {
  const response = await fetch(`${shop.url}/admin/api/${release}/graphql.json`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Shopify-Access-Token': token },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

export const setQty = `mutation SetQty($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id createdAt reason referenceDocumentUri app { id }
      changes(quantityNames: ["available"]) { name delta quantityAfterChange item { id } location { id } } }
    userErrors { code field message } } }`;

export function locationOf(shop: ShopifyShop): string {
  return String(shop.channelConfig()['location']);
}

/** Rows of a set with base null unless given. */
export function setInput(shop: ShopifyShop, rows: { sku: string; quantity: number; base?: number | null }[]) {
  return {
    name: 'available',
    reason: 'correction',
    referenceDocumentUri: 'gid://invsync/Push/1',
    quantities: rows.map(({ sku, quantity, base }) => ({
      inventoryItemId: listing(shop, sku),
      locationId: locationOf(shop),
      quantity,
      changeFromQuantity: base ?? null,
    })),
  };
}

export async function subscribe(
  shop: ShopifyShop,
  uri: string,
  topics: string[],
  more: Record<string, unknown> = {},
): Promise<string[]> {
  const ids: string[] = [];
  for (const topic of topics) {
    const { body } = await ask(
      shop,
      `mutation HookCreate($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
        webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
          webhookSubscription { id topic uri apiVersion { handle } } userErrors { field message } } }`,
      { topic, sub: { uri, ...more } },
    );
    ids.push(body.data.webhookSubscriptionCreate.webhookSubscription.id);
  }
  return ids;
}
