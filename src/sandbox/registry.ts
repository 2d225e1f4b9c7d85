import { AppError, EXIT } from '../errors.ts';
import type { Shop, ShopOptions } from './shop.ts';

/** The platforms that have a sandbox shop, by type. Adding one is one line here. */
const shops: Readonly<Record<string, () => Promise<(options: ShopOptions) => Shop>>> = {
  shopify: async () => (await import('./shopify/index.ts')).createShopifyShop,
  woocommerce: async () => (await import('./woocommerce/index.ts')).createWooShop,
  amazon: async () => (await import('./amazon/index.ts')).createAmazonShop,
  ebay: async () => (await import('./ebay/index.ts')).createEbayShop,
  'tiktok-shop': async () => (await import('./tiktok-shop/index.ts')).createTiktokShop,
  flipkart: async () => (await import('./flipkart/index.ts')).createFlipkartShop,
};

/** The types of shops, in the order in which the demo opens them. */
export const shopTypes: readonly string[] = Object.keys(shops);

/** Opens (does not start) a shop of a type. Throws AppError `unknown_shop`. */
export async function createShop(type: string, options: ShopOptions): Promise<Shop> {
  const load = shops[type];
  if (load === undefined) {
    throw new AppError('unknown_shop', `there is no sandbox shop of type "${type}"`, {
      hint: `there are: ${shopTypes.join(', ')}`,
      exitCode: EXIT.usage,
    });
  }
  return (await load())(options);
}
