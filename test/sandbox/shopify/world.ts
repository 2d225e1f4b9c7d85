import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ShopOptions } from '../../../src/sandbox/shop.ts';
import { createShopifyShop, type ShopifyShop } from '../../../src/sandbox/shopify/index.ts';

/** A call that the receiver got, bytes and all. */
export interface Received {
  topic: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

export interface Receiver {
  url: string;
  got: Received[];
  /** Status of the next answers; the last one repeats. */
  answers: number[];
  stop(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const got: Received[] = [];
  const receiver = { url: '', got, answers: [200], stop: async () => {} };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const topic = String(request.headers['x-shopify-topic']);
      got.push({ topic, headers: request.headers, body, text: body.toString('utf8') });
      const status = receiver.answers.length > 1 ? receiver.answers.shift() : receiver.answers[0];
      response.writeHead(status ?? 200);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/shop`;
  receiver.stop = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return receiver;
}

export async function startShop(options: Partial<ShopOptions> = {}): Promise<ShopifyShop> {
  const shop = createShopifyShop({
    name: 'main shop',
    seed: 7,
    timeScale: 1,
    catalogue: catalogue(10),
    port: 0,
    ...options,
  });
  await shop.start();
  return shop;
}

export function catalogue(size: number) {
  return Array.from({ length: size }, (_, index) => ({
    sku: `SKU-${index + 1}`,
    title: `Thing ${index + 1}`,
    stock: 10,
  }));
}

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes are read in tests only
export type Loose = any;

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

export function listing(shop: ShopifyShop, sku: string): string {
  const found = shop.records().listings.find((entry) => entry.sku === sku);
  if (found === undefined) throw new Error(`no listing ${sku}`);
  return found.listing_id;
}

export function shown(shop: ShopifyShop, sku: string): number | null {
  return shop.records().listings.find((entry) => entry.sku === sku)?.shown ?? null;
}

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

/** Sells or throws. */
export function sell(shop: ShopifyShop, sku: string, quantity: number) {
  const result = shop.sell({ lines: [{ sku, quantity }] });
  if (!result.sold) throw new Error(`not sold: ${result.reason}`);
  const [line] = result.lines;
  if (line === undefined) throw new Error('an order without lines');
  return { orderId: result.order_id, lineId: line.line_id };
}
