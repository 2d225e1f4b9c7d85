import { describe, expect, test } from 'vitest';
import { calm, noon } from '../../kit/stage.ts';
import {
  grant,
  type Reply,
  type Script,
  shopId,
  shopsPath,
  stage,
  tokenPath,
  warehouse,
} from './scripted-tiktok.ts';

/** A shop that is well, with some answers replaced. */
function well(replies: Record<string, Reply> = {}): Script {
  return (call) =>
    replies[call.path] ??
    (/\/search$|\/webhooks$/.test(call.path) ? { data: { total_count: 0, next_page_token: '' } } : undefined);
}
const houses = '/logistics/202309/warehouses';

async function items(script: Script, config: Record<string, unknown> = {}) {
  const { channel } = await stage(script, { config });
  return channel.check(calm);
}

async function item(name: string, script: Script, config: Record<string, unknown> = {}) {
  return (await items(script, config)).find((each) => each.name === name);
}

describe('check', () => {
  test('finds nothing to do in a shop that is well', async () => {
    const found = await items(well(), { warehouses: ['700'] });
    expect(found.map(({ name, level, remedy }) => [name, level, remedy])).toEqual(
      [
        'credentials',
        'clock',
        'authorization',
        'scopes',
        'orders',
        'products',
        'cancellations',
        'warehouses',
        'webhooks',
      ].map((name) => [name, 'ok', '']),
    );
  });

  test.each<[string, string, Record<string, Reply>, Record<string, unknown>, RegExp]>([
    ['warehouses', 'fail', {}, { warehouses: ['123'] }, /700 \(House 700\)/],
    ['warehouses', 'fail', {}, { warehouses: ['799'] }, /use the other/],
    [
      'warehouses',
      'warn',
      { [houses]: { data: { warehouses: [warehouse('700', 'SALES_WAREHOUSE', 'RESTRICTED')] } } },
      {},
      /holiday/,
    ],
    ['warehouses', 'warn', { [houses]: { code: 105005, message: 'scope' } }, {}, /Partner Center/],
    [
      'orders',
      'fail',
      { '/order/202309/orders/search': { code: 105005, message: 'scope' } },
      {},
      /authorize again/,
    ],
    [
      'products',
      'fail',
      { '/product/202502/products/search': { code: 36009014, message: 'version' } },
      {},
      /update invsync/,
    ],
    [
      'cancellations',
      'warn',
      { '/return_refund/202309/cancellations/search': { code: 105005, message: 'scope' } },
      {},
      /authorize again/,
    ],
    [
      'webhooks',
      'warn',
      {
        '/event/202309/webhooks': {
          data: { webhooks: [{ event_type: 'ORDER_STATUS_CHANGE', address: 'https://x.example.com/in' }] },
        },
      },
      {},
      /another|that program/,
    ],
    [
      'webhooks',
      'warn',
      {
        '/event/202309/webhooks': {
          data: {
            webhooks: [{ event_type: 'PRODUCT_CREATION', address: 'https://x.example.com/hooks/tiktok/s' }],
          },
        },
      },
      {},
      /webhooks register/,
    ],
    [
      'authorization',
      'warn',
      { [tokenPath]: grant(noon, { refresh_token_expire_in: noon / 1000 + 20 * 86_400 }) },
      {},
      /authorize the app again/,
    ],
    [
      'authorization',
      'fail',
      { [tokenPath]: grant(noon, { refresh_token_expire_in: noon / 1000 - 90_000 }) },
      {},
      /authorize the app again/,
    ],
    [
      'scopes',
      'warn',
      { [tokenPath]: grant(noon, { granted_scopes: ['seller.order.info'] }) },
      {},
      /add the scope/,
    ],
    [
      'credentials',
      'warn',
      {
        [shopsPath]: { data: { shops: [{ id: shopId, cipher: 'ROW_abc+/=', seller_type: 'CROSS_BORDER' }] } },
      },
      {},
      /global products/,
    ],
  ])('of %s is %s with a remedy', async (name, level, replies, config, remedy) => {
    expect(await item(name, well(replies), config)).toMatchObject({
      level,
      remedy: expect.stringMatching(remedy),
    });
  });

  test('misses webhooks only where they could reach us', async () => {
    const { reopen, deps } = await stage(well());
    deps.publicUrl = 'https://sync.example.com';
    const webhooks = (await reopen().check(calm)).find(({ name }) => name === 'webhooks');
    expect(webhooks).toMatchObject({ level: 'warn', remedy: expect.stringMatching(/webhooks register/) });
  });

  test('of a token that does not reach the shop is auth, and names the shops that it reaches', async () => {
    const shops = [
      { id: 7494049642642441000, cipher: 'c', name: 'Other' },
      { id: '8', cipher: 'c', name: 'Third' },
    ];
    const { channel } = await stage(well({ [shopsPath]: { data: { shops } } }));
    await expect(channel.check(calm)).rejects.toMatchObject({
      kind: 'auth',
      hint: expect.stringMatching(/8 \(Third\)/),
    });
  });

  test('names the account by the id of the shop, which outlives its name', async () => {
    const { channel } = await stage(well());
    expect(await channel.identity(calm)).toEqual({ accountId: shopId, title: 'Mug & Co' });
  });
});
