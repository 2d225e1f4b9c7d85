import { woocommerce } from '../../src/channels/woocommerce/index.ts';
import { createWooShop } from '../../src/sandbox/woocommerce/index.ts';
import { oauthClient } from '../sandbox/woocommerce/client.ts';
import { inHeader } from './bench.ts';
import { channelSuite } from './channel.ts';

channelSuite('woocommerce', (options) => {
  const shop = createWooShop(options);
  const call = (method: string, path: string, body: unknown) => {
    const { consumer_key: key, consumer_secret: secret } = shop.channelConfig();
    return oauthClient(shop.url, { key: String(key), secret: String(secret) })(method, path, body);
  };
  return {
    definition: woocommerce,
    shop,
    async settle() {
      while ((await shop.runQueue()) > 0);
    },
    signature: inHeader('x-wc-webhook-signature'),
    keys: { webhook: 'webhook_secret', credential: 'consumer_secret' },
    foreignFault: 'clone_source',
    async furnish() {
      await call('POST', '/products', { name: 'Voucher', sku: 'VOUCHER', manage_stock: false });
      const shirt = { name: 'Shirt', sku: 'SHIRT', type: 'variable', manage_stock: true, stock_quantity: 10 };
      const { json: parent } = await call('POST', '/products', shirt);
      for (const sku of ['SHIRT-S', 'SHIRT-M'])
        await call('POST', `/products/${parent.id}/variations`, { sku });
      // The shop refuses a second product with a known SKU, so that nothing is ambiguous here.
      return { unwritable: ['VOUCHER'], shared: ['SHIRT-S', 'SHIRT-M'] };
    },
    foreignWebhook: async (url) =>
      void (await call('POST', '/webhooks', { name: 'Somebody', topic: 'order.created', delivery_url: url })),
  };
});
