import { describe, expect, test } from 'vitest';
import { calm } from '../../kit/stage.ts';
import { account, answers } from './catalogue.ts';
import { type Call, type Reply, stage } from './scripted-ebay.ts';

const base = '/commerce/notification/v1';

function well(change: Record<string, Reply> = {}, state = account()) {
  const script = answers(state);
  return (call: Call): Reply | undefined => {
    const replies: Record<string, Reply> = {
      '/commerce/identity/v1/user/': {
        json: { userId: 'u-1', username: 'myshop', registrationMarketplaceId: 'EBAY_DE' },
      },
      '/sell/fulfillment/v1/order': { json: { total: 0, orders: [] } },
      [`${base}/topic`]: { json: { topics: [{ topicId: 'ORDER_CONFIRMATION', scope: 'USER' }] } },
      [`${base}/destination`]: { json: { destinations: [] } },
      '/sell/account/v1/privilege': {
        json: { sellerRegistrationCompleted: true, sellingLimit: { quantity: 1000 } },
      },
      '/developer/analytics/v1_beta/rate_limit/': {
        json: {
          rateLimits: [
            { apiName: 'inventory', resources: [{ name: 'x', rates: [{ limit: 100, remaining: 90 }] }] },
          ],
        },
      },
      ...change,
    };
    return replies[call.path] ?? script(call);
  };
}

async function items(
  change: Record<string, Reply> = {},
  config: Record<string, unknown> = {},
  state = account(),
) {
  const { channel } = await stage(well(change, state), { config });
  const found = await channel.check(calm);
  for (const { level, remedy, detail } of found) {
    expect(remedy === '').toBe(level === 'ok');
    expect(detail).not.toBe('');
  }
  return new Map(found.map((item) => [item.name, item]));
}

describe('the check of an eBay channel', () => {
  test('passes when the account is well', async () => {
    const found = await items();
    expect([...found.values()].filter(({ level }) => level !== 'ok')).toEqual([]);
    expect([...found.keys()]).toEqual([
      'credentials',
      'refresh token',
      'clock',
      'marketplace',
      'orders',
      'inventory',
      'out-of-stock control',
      'notifications',
      'selling limit',
      'call limits',
    ]);
  });

  test('warns of Out-of-Stock control that is off', async () => {
    const found = await items({}, {}, account({ outOfStockControl: false }));
    expect(found.get('out-of-stock control')).toMatchObject({
      level: 'warn',
      detail: expect.stringMatching(/end for good/),
    });
  });

  test('warns when eBay offers no sales topic, and when it has marked our address down', async () => {
    const none = await items({ [`${base}/topic`]: { json: { topics: [] } } });
    expect(none.get('notifications')).toMatchObject({
      level: 'warn',
      detail: expect.stringMatching(/poll only/),
    });
    const destination = { destinationId: 'd', name: 'invsync ebay-shop', status: 'MARKED_DOWN' };
    const down = await items({ [`${base}/destination`]: { json: { destinations: [destination] } } });
    expect(down.get('notifications')).toMatchObject({
      level: 'warn',
      detail: expect.stringMatching(/MARKED_DOWN/),
    });
    const tokenless = await items({}, { verification_token: undefined });
    expect(tokenless.get('notifications')?.level).toBe('warn');
  });

  test('fails where the consent lacks a scope', async () => {
    const found = await items({
      '/sell/fulfillment/v1/order': { status: 403, json: { errors: [{ errorId: 1100 }] } },
    });
    expect(found.get('orders')).toMatchObject({ level: 'fail', remedy: expect.stringMatching(/scopes/) });
  });

  test('warns of another marketplace, of a clock that is off, of a consent that ends, and of a limit nearly used up', async () => {
    const user = { userId: 'u-1', registrationMarketplaceId: 'EBAY_US' };
    const headers = { date: new Date(Date.parse('2026-11-23T12:05:00Z')).toUTCString() };
    const limits = {
      rateLimits: [{ apiName: 'TradingAPI', resources: [{ rates: [{ limit: 5000, remaining: 3 }] }] }],
    };
    const found = await items(
      {
        '/commerce/identity/v1/user/': { json: user, headers },
        '/developer/analytics/v1_beta/rate_limit/': { json: limits },
      },
      { refresh_token_created: '2025-07-01' },
    );
    expect(found.get('marketplace')).toMatchObject({
      level: 'warn',
      detail: expect.stringMatching(/EBAY_US/),
    });
    expect(found.get('clock')).toMatchObject({
      level: 'warn',
      detail: expect.stringMatching(/300 s behind/),
    });
    expect(found.get('refresh token')?.level).toBe('warn');
    expect(found.get('call limits')).toMatchObject({
      level: 'warn',
      detail: expect.stringMatching(/TradingAPI/),
    });
  });

  test('goes without what an optional scope would tell', async () => {
    const no = { status: 403, json: { errors: [{ errorId: 1100 }] } };
    const found = await items({
      '/sell/account/v1/privilege': no,
      '/developer/analytics/v1_beta/rate_limit/': { status: 204 },
    });
    expect(found.has('selling limit')).toBe(false);
    expect(found.has('call limits')).toBe(false);
    expect([...found.values()].filter(({ level }) => level !== 'ok')).toEqual([]);
  });

  test('names the account by its user id, which outlives a renamed seller', async () => {
    const { channel } = await stage(well());
    expect(await channel.identity(calm)).toEqual({ accountId: 'u-1', title: 'myshop' });
  });
});
