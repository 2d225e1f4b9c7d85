import { describe, expect, test } from 'vitest';
import type { CheckItem } from '../../../src/channels/channel.ts';
import { calm } from '../../kit/stage.ts';
import { channelAt, location, type Reply, startShop } from './scripted-shop.ts';

const all = [
  'read_products',
  'write_inventory',
  'read_locations',
  'write_orders',
  'write_merchant_managed_fulfillment_orders',
];

interface Shop {
  scopes?: string[];
  domain?: string;
  headers?: Record<string, string>;
  ours?: { isActive: boolean } | null;
  others?: { name: string; fulfillsOnlineOrders: boolean }[];
  policy?: string;
  config?: Record<string, unknown>;
}

async function check(over: Shop = {}): Promise<Map<string, CheckItem>> {
  const pageInfo = { hasNextPage: false, endCursor: null };
  const ours = over.ours === undefined ? { isActive: true } : over.ours;
  const own = ours === null ? null : { id: location, name: 'Berlin', fulfillsOnlineOrders: true, ...ours };
  const others = (over.others ?? []).map((other, n) => ({
    id: `gid://shopify/Location/${n}`,
    isActive: true,
    ...other,
  }));
  const answer: Reply = {
    headers: { date: 'Mon, 23 Nov 2026 10:00:00 GMT', 'x-shopify-api-version': '2026-10', ...over.headers },
    data: {
      shop: {
        id: 'gid://shopify/Shop/1',
        myshopifyDomain: over.domain ?? 'example.myshopify.com',
        name: 'Example',
      },
      currentAppInstallation: { id: 'a', accessScopes: (over.scopes ?? all).map((handle) => ({ handle })) },
    },
  };
  const shop = await startShop({
    Shop: [answer],
    Location: [{ data: { location: own } }],
    Locations: [{ data: { locations: { nodes: [...(own === null ? [] : [own]), ...others], pageInfo } } }],
    Policies: [
      {
        data: {
          productVariants: {
            nodes: [
              {
                id: 'v',
                sku: 'TEE-S',
                inventoryPolicy: over.policy ?? 'DENY',
                inventoryItem: { tracked: true },
              },
            ],
          },
        },
      },
    ],
  });
  const channel = channelAt(shop.url, over.config === undefined ? {} : { config: over.config });
  const items = await channel.check(calm);
  return new Map(items.map((item) => [item.name, item]));
}

describe('check', () => {
  test('a sound shop is ok in every item', async () => {
    const items = await check();
    expect([...items.values()].filter((item) => item.level !== 'ok')).toEqual([]);
    expect(items.get('credentials')?.detail).toContain('static token');
  });

  test('missing scopes fail by name, those for hold and cancel only warn', async () => {
    const items = await check({ scopes: ['read_products', 'read_locations'] });
    expect(items.get('scopes')).toMatchObject({
      level: 'fail',
      detail: 'missing: read_inventory, write_inventory, read_orders',
    });
    expect(items.get('oversell scopes')).toMatchObject({ level: 'warn' });
  });

  test('a location that is missing or deactivated fails and the choice is listed', async () => {
    expect((await check({ ours: { isActive: false } })).get('location')).toMatchObject({ level: 'fail' });
    const missing = (
      await check({ ours: null, others: [{ name: 'Paris', fulfillsOnlineOrders: false }] })
    ).get('location');
    expect(missing).toMatchObject({
      level: 'fail',
      remedy: expect.stringContaining('gid://shopify/Location/0 (Paris)'),
    });
  });

  test('another location that fulfils online orders is a warning', async () => {
    const items = await check({
      others: [
        { name: 'Paris', fulfillsOnlineOrders: true },
        { name: 'Rome', fulfillsOnlineOrders: false },
      ],
    });
    expect(items.get('other locations')).toMatchObject({
      level: 'warn',
      detail: expect.stringContaining('Paris'),
    });
    expect(items.get('other locations')?.detail).not.toContain('Rome');
  });

  test('a variant that goes on selling at 0 is a warning', async () => {
    expect((await check({ policy: 'CONTINUE' })).get('sold-out policy')).toMatchObject({
      level: 'warn',
      detail: expect.stringContaining('TEE-S'),
    });
  });

  test('an answer by another API version, a wrong clock and a wrong shop are told', async () => {
    const items = await check({
      headers: { 'x-shopify-api-version': '2027-01', date: 'Mon, 23 Nov 2026 10:05:00 GMT' },
      domain: 'other.myshopify.com',
    });
    expect(items.get('api version')).toMatchObject({
      level: 'warn',
      detail: expect.stringContaining('2027-01'),
    });
    expect(items.get('clock')).toMatchObject({
      level: 'warn',
      detail: expect.stringContaining('300 s behind'),
    });
    expect(items.get('credentials')).toMatchObject({ level: 'fail' });
  });

  test('without a webhook secret the check warns that every delivery is refused', async () => {
    expect((await check({ config: { webhook_secret: undefined } })).get('webhook secret')).toMatchObject({
      level: 'warn',
    });
  });
});
