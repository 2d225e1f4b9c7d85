import { describe, expect, test } from 'vitest';
import { tiktokShop } from '../../../src/channels/tiktok-shop/index.ts';
import { keysOf } from '../../../src/config/keys.ts';

const sound = { app_key: 'a', app_secret: 'b', refresh_token: 'c', shop_id: '7494049642642441621' };

describe('the configuration', () => {
  test('explains every key and marks what is secret', () => {
    const keys = keysOf(tiktokShop.config);
    expect(keys.filter(({ help }) => help === '')).toEqual([]);
    expect(keys.filter(({ secret }) => secret).map(({ name }) => name)).toEqual([
      'app_key',
      'app_secret',
      'refresh_token',
    ]);
  });

  test('needs four keys, and holds what is unpaid by default', () => {
    expect(tiktokShop.config.parse(sound)).toEqual({
      ...sound,
      warehouses: [],
      hold_unpaid: true,
      pre_orders: 'count',
      fulfilled_by_tiktok: 'ignore',
    });
  });

  test.each([
    ['a shop id without quotes, which loses digits', { shop_id: 7494049642642442000 }],
    ['a warehouse without quotes', { warehouses: [7068517275539719942n] }],
    ['a name for a shop id', { shop_id: 'my-shop' }],
    ['an empty secret', { app_secret: ' ' }],
    ['a token address that is none', { token_url: 'auth.tiktok-shops.com' }],
    ['a rate that lets nothing through', { requests_per_second: 0 }],
    ['a key that it does not know', { shop_cipher: 'x' }],
  ])('refuses %s', (_, change) => {
    expect(tiktokShop.config.safeParse({ ...sound, ...change }).success).toBe(false);
  });
});
