import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { authenticate } from '../../../src/channels/woocommerce/auth.ts';
import { wooConfig } from '../../../src/channels/woocommerce/config.ts';
import { all } from '../../kit/stage.ts';
import { configOf, scripted, signal } from './scripted-shop.ts';

describe('credentials', () => {
  test('the golden OAuth 1.0a request is signed as WooCommerce expects', () => {
    const { query, headers } = authenticate(
      configOf({ url: 'http://shop.example/' }),
      { method: 'GET', path: '/wp-json/wc/v3/orders', query: [['per_page', '1']] },
      { nonce: '0123456789abcdef0123456789abcdef', now: 1763866800_400 },
    );
    expect(headers).toEqual({});
    expect(query.at(-1)).toEqual(['oauth_signature', 'poUJReQP2/00FwU22oIsbA2SJMoo+t772Q4QxFB3HMU=']);
  });

  test('an https shop gets Basic credentials also when the bytes go to another address', async () => {
    const { channel, calls } = await scripted(() => ({ json: [] }));
    await all(channel.ordersSince(0, signal));
    expect(calls[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('ck_test:cs_test').toString('base64')}`,
    );
    expect(calls[0]?.query.has('oauth_signature')).toBe(false);
  });

  test('credentials_in_query sends key and secret in the query and no Authorization header', async () => {
    const { channel, calls } = await scripted(() => ({ json: [] }), {
      config: { credentials_in_query: true },
    });
    await all(channel.ordersSince(0, signal));
    expect(calls[0]?.headers.authorization).toBeUndefined();
    expect(calls[0]?.query.get('consumer_key')).toBe('ck_test');
    expect(calls[0]?.query.get('consumer_secret')).toBe('cs_test');
  });

  test('on http the address of the shop is signed, not the one the bytes go to, with a new nonce each time', async () => {
    const { channel, calls } = await scripted(() => ({ json: [] }), {
      config: { url: 'http://shop.example:8080/store' },
    });
    await all(channel.ordersSince(1_763_866_800_000, signal));
    await channel.fetchOrders(['7', '8'], signal).catch(() => undefined);
    for (const call of calls) {
      expect(call.headers.authorization).toBeUndefined();
      expect(call.query.get('oauth_signature')).toBe(
        expectedSignature(call.method, `http://shop.example:8080/store${call.path}`, call.query),
      );
    }
    const nonces = calls.map((call) => call.query.get('oauth_nonce'));
    expect(new Set(nonces).size).toBe(calls.length);
    expect(nonces[0]).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('the configuration of a shop', () => {
  const sound = { url: 'https://shop.example/store/', consumer_key: 'ck', consumer_secret: 'cs' };

  test('the slash at the end of url is dropped and defaults are the safe ones', () => {
    expect(wooConfig.parse(sound)).toMatchObject({
      url: 'https://shop.example/store',
      hold_rule: 'reduced-stock',
      credentials_in_query: false,
      wake_cron: false,
      status_map: {},
    });
  });

  test.each([
    ['what is no url', { url: 'shop.example' }],
    ['a url with a query', { url: 'https://shop.example/?a=1' }],
    ['a url with a user', { url: 'https://u:p@shop.example' }],
    ['an ftp url', { url: 'ftp://shop.example' }],
    ['credentials in the query of an http shop', { url: 'http://shop.example', credentials_in_query: true }],
    ['a mapping of a status of the core', { status_map: { 'wc-completed': 'none' } }],
    ['an unknown key', { consumer_token: 'x' }],
    ['an empty list of secrets', { webhook_secret: [] }],
  ])('%s is refused', (_, change) => {
    expect(wooConfig.safeParse({ ...sound, ...change }).success).toBe(false);
  });

  test('every key has a help text and the secrets are marked', () => {
    for (const [key, schema] of Object.entries(wooConfig.shape)) {
      expect(schema.meta()?.['description'] ?? schema.description, key).toBeTruthy();
      const secret = ['consumer_key', 'consumer_secret', 'webhook_secret'].includes(key);
      expect(schema.meta()?.['secret'] === true, key).toBe(secret);
    }
  });
});

/** The signature as the shop computes it (normalise, sort, encode twice), written apart from the adapter. */
function expectedSignature(method: string, url: string, query: URLSearchParams): string {
  const rfc3986 = (text: string) =>
    [...Buffer.from(text, 'utf8')]
      .map((byte) => {
        const char = String.fromCharCode(byte);
        return /[A-Za-z0-9\-._~]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
      })
      .join('');
  const pairs = [...query]
    .filter(([name]) => name !== 'oauth_signature')
    .map(([name, value]) => `${rfc3986(rfc3986(name))}%3D${rfc3986(rfc3986(value))}`)
    .sort();
  const base = `${method}&${rfc3986(url)}&${pairs.join('%26')}`;
  return createHmac('sha256', 'cs_test&').update(base).digest('base64');
}
