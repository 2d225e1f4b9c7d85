import type { ChannelDefinition } from './channel.ts';

/**
 * The channel types that are built in, by name. Each is imported when it is asked for, so that commands that talk to
 * no channel stay fast. Adding a channel is one line here.
 */
const types: Readonly<Record<string, () => Promise<ChannelDefinition>>> = {
  memory: async () => (await import('./memory/index.ts')).memory,
  shopify: async () => (await import('./shopify/index.ts')).shopify,
  woocommerce: async () => (await import('./woocommerce/index.ts')).woocommerce,
  amazon: async () => (await import('./amazon/index.ts')).amazon,
  ebay: async () => (await import('./ebay/index.ts')).ebay,
  'tiktok-shop': async () => (await import('./tiktok-shop/index.ts')).tiktokShop,
  flipkart: async () => (await import('./flipkart/index.ts')).flipkart,
};

/** The names of all built-in types. */
export const channelTypes: readonly string[] = Object.keys(types);

/** All built-in types, or those of `wanted` that are built in. */
export function definitions(wanted: readonly string[] = channelTypes): Promise<ChannelDefinition[]> {
  return Promise.all(
    Object.entries(types)
      .filter(([type]) => wanted.includes(type))
      .map(([, load]) => load()),
  );
}
