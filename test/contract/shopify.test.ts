import { shopify } from '../../src/channels/shopify/index.ts';
import { createShopifyShop } from '../../src/sandbox/shopify/index.ts';
import { subscribe } from '../sandbox/shopify/world.ts';
import { inHeader } from './bench.ts';
import { channelSuite } from './channel.ts';

channelSuite('shopify', (options) => {
  const shop = createShopifyShop(options);
  return {
    definition: shopify,
    shop,
    settle: shop.settle,
    signature: inHeader('x-shopify-hmac-sha256'),
    keys: { webhook: 'webhook_secret', credential: 'access_token' },
    foreignFault: 'wrong_shop',
    furnish: async () => ({ unwritable: ['GIFT-CARD', 'BUNDLE-PARENT'], ambiguous: ['DUP-1'] }),
    foreignWebhook: async (url) => void (await subscribe(shop, url, ['ORDERS_CREATE'])),
  };
});
