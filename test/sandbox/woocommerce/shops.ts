import { createWooShop, type WooShop, type WooShopOptions } from '../../../src/sandbox/woocommerce/index.ts';
import { type ShopStage, startStage } from '../../kit/shop-stage.ts';
import { basicClient, type Call, type Credentials, oauthClient } from './client.ts';

/** A shop at a standing clock: A (id 11), B (12), C (13) simple, SIZE-S (15) and SIZE-M (16) under 14. */
export interface Stage extends ShopStage<WooShop> {
  call: Call;
  credentials: Credentials;
  secret: string;
}

/** 2026-11-23T04:00:00Z */
export const NOON = Date.UTC(2026, 10, 23, 4);

export async function startShop(options: Partial<WooShopOptions> = {}): Promise<Stage> {
  const made = await startStage(
    (sound) =>
      createWooShop({
        ...sound,
        name: 'woo',
        timeScale: 1,
        catalogue: [
          { sku: 'A', title: 'Apple', stock: 10 },
          { sku: 'B', title: 'Bread', stock: 20 },
          { sku: 'C', title: 'Café/crème', stock: 3 },
          { sku: 'SIZE-S', title: 'Shirt S', stock: 5 },
          { sku: 'SIZE-M', title: 'Shirt M', stock: 6 },
        ],
        variables: [{ sku: 'SIZE', title: 'Shirt', of: ['SIZE-S', 'SIZE-M'] }],
        ...options,
      }),
    NOON,
  );
  const { shop } = made;
  const now = options.now ?? made.now;
  const config = shop.channelConfig();
  const credentials = { key: String(config['consumer_key']), secret: String(config['consumer_secret']) };
  const tls = String(config['url']).startsWith('https:');
  return {
    ...made,
    now,
    credentials,
    secret: String(config['webhook_secret']),
    call: tls ? basicClient(shop.url, credentials) : oauthClient(shop.url, credentials, now),
  };
}

/** What GET shows of a product's number. */
export async function stockOf(stage: Stage, id: number): Promise<number | null> {
  return (await stage.call('GET', `/products/${id}`)).json.stock_quantity;
}

export async function subscribe(stage: Stage, url: string, topics: string[]): Promise<number[]> {
  const ids: number[] = [];
  for (const topic of topics) {
    const body = { topic, secret: stage.secret, delivery_url: `${url}/${topic}` };
    ids.push((await stage.call('POST', '/webhooks', body)).json.id);
  }
  return ids;
}
