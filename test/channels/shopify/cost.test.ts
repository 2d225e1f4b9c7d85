import { expect, test } from 'vitest';
import { calm } from '../../kit/stage.ts';
import { channelAt, type Reply, startShop, testClock } from './scripted-shop.ts';

const shopAnswer = {
  shop: { id: 'gid://shopify/Shop/1', myshopifyDomain: 'example.myshopify.com', name: 'Example' },
  currentAppInstallation: { id: 'a', accessScopes: [] },
};
const throttleStatus = { maximumAvailable: 2000, currentlyAvailable: 500, restoreRate: 100 };
const extensions = { cost: { requestedQueryCost: 10, throttleStatus } };

test('requests under way give back what they left with, also when their cost is learned meanwhile', async () => {
  const shop = await startShop({ Shop: (): Reply => ({ data: shopAnswer, extensions }) });
  const clock = testClock();
  const began = clock.now();
  const channel = channelAt(shop.url, { clock });
  await Promise.all(Array.from({ length: 10 }, () => channel.identity(calm)));
  await channel.identity(calm);
  expect(clock.now()).toBe(began);
});
