import { createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { send } from '../../kit/shop-stage.ts';
import { basicClient, oauthClient, signedUrl } from './client.ts';
import { NOON, type Stage, startShop } from './shops.ts';

const PATH = '/wp-json/wc/v3/orders?per_page=1&status=any&search=a%20b%2Bc';
const SECONDS = NOON / 1000;

describe('a shop on plain http', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await startShop();
  });

  const get = (options: Parameters<typeof signedUrl>[4]) =>
    send(signedUrl(stage.shop.url, 'GET', PATH, stage.credentials, { timestamp: SECONDS, ...options }));

  test('takes OAuth 1.0a with either hash', async () => {
    expect((await get({ algorithm: 'sha1' })).status).toBe(200);
    expect((await get({ algorithm: 'sha256' })).status).toBe(200);
  });

  test('takes a nonce once', async () => {
    expect((await get({ nonce: 'n'.repeat(32) })).status).toBe(200);
    const again = await get({ nonce: 'n'.repeat(32) });
    expect(again.status).toBe(401);
    expect(again.json.code).toBe('woocommerce_rest_authentication_error');
    expect(again.json.message).toBe('Invalid nonce - nonce has already been used.');
  });

  test('refuses a timestamp more than fifteen minutes off, either way', async () => {
    expect((await get({ timestamp: SECONDS - 900 })).status).toBe(200);
    for (const timestamp of [SECONDS - 901, SECONDS + 901]) {
      expect((await get({ timestamp })).json.message).toBe('Invalid timestamp.');
    }
  });

  test('refuses a signature by another secret, over another URL, or over another method', async () => {
    const wrong = { ...stage.credentials, secret: 'cs_wrong' };
    const message = 'Invalid signature - provided signature does not match.';
    const options = { timestamp: SECONDS };
    const url = stage.shop.url;
    const other = signedUrl(url, 'GET', PATH, stage.credentials, { ...options, home: 'http://localhost' });
    expect((await send(signedUrl(url, 'GET', PATH, wrong, options))).json.message).toBe(message);
    expect((await send(other)).json.message).toBe(message);
    const post = signedUrl(url, 'POST', PATH, stage.credentials, options);
    expect((await send(post)).json.message).toBe(message);
  });

  test('tells an unknown OAuth key and missing parameters apart', async () => {
    const unknown = { key: 'ck_nobody', secret: 'cs_x' };
    const answer = await send(signedUrl(stage.shop.url, 'GET', PATH, unknown, { timestamp: SECONDS }));
    expect(answer.json.message).toBe('Consumer key is invalid.');
    const half = await send(`${stage.shop.url}/wp-json/wc/v3/orders?oauth_nonce=1`);
    expect(half.json.code).toBe('woocommerce_rest_authentication_missing_parameter');
  });

  test('treats good Basic credentials like none at all', async () => {
    const answer = await basicClient(stage.shop.url, stage.credentials)('GET', '/products/11');
    expect(answer.status).toBe(401);
    expect(answer.json.code).toBe('woocommerce_rest_cannot_view');
    expect(answer.json.message).toBe('Sorry, you cannot view this resource.');
    const { key, secret } = stage.credentials;
    const query = `consumer_key=${key}&consumer_secret=${secret}`;
    expect((await send(`${stage.shop.url}/wp-json/wc/v3/products/11?${query}`)).status).toBe(401);
  });

  test('verifies a vector computed by hand', () => {
    const base = [
      'GET',
      'http%3A%2F%2Fshop.example%2Fwp-json%2Fwc%2Fv3%2Forders',
      'oauth_consumer_key%3Dck_test%26oauth_nonce%3D0123456789abcdef0123456789abcdef%26oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D1763866800%26per_page%3D1',
    ].join('&');
    const signature = createHmac('sha256', 'cs_test&').update(base).digest('base64');
    expect(signature).toBe('poUJReQP2/00FwU22oIsbA2SJMoo+t772Q4QxFB3HMU=');
    const url = signedUrl(
      'http://shop.example',
      'GET',
      '/wp-json/wc/v3/orders?per_page=1',
      { key: 'ck_test', secret: 'cs_test' },
      { nonce: '0123456789abcdef0123456789abcdef', timestamp: 1763866800 },
    );
    expect(new URL(url).searchParams.get('oauth_signature')).toBe(signature);
  });

  test('gives a read-only key 401 on writes and a write-only key 401 on reads', async () => {
    const reader = oauthClient(stage.shop.url, stage.shop.addKey('read'), stage.now);
    const writer = oauthClient(stage.shop.url, stage.shop.addKey('write'), stage.now);
    expect((await reader('GET', '/products/11')).status).toBe(200);
    const refused = await reader('PUT', '/products/11', { stock_quantity: 1 });
    expect(refused.status).toBe(401);
    expect(refused.json.message).toBe('The API key provided does not have write permissions.');
    expect((await writer('GET', '/products/11')).json.message).toBe(
      'The API key provided does not have read permissions.',
    );
    expect((await writer('PUT', '/products/11', { stock_quantity: 4 })).json.stock_quantity).toBe(4);
  });

  test('shows its index to anybody, and its home', async () => {
    const index = await send(`${stage.shop.url}/wp-json/`);
    expect(index.json.namespaces).toContain('wc/v3');
    expect(index.json.url).toBe(stage.shop.url);
    expect(index.json.gmt_offset).toBe('3');
  });
});

describe('a shop with another http home', () => {
  test('checks the signature over its home, whatever address it was called at', async () => {
    const stage = await startShop({ home: 'http://wp-shop.example' });
    expect(stage.shop.channelConfig()).toMatchObject({
      url: 'http://wp-shop.example',
      base_url: stage.shop.url,
    });
    const { url } = stage.shop;
    const options = { timestamp: SECONDS };
    const home = 'http://wp-shop.example';
    const right = signedUrl(url, 'GET', PATH, stage.credentials, { ...options, home });
    expect((await send(right)).status).toBe(200);
    const wrong = await send(signedUrl(url, 'GET', PATH, stage.credentials, options));
    expect(wrong.json.message).toBe('Invalid signature - provided signature does not match.');
  });
});

describe('a shop with an https home', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await startShop({ home: 'https://wp-shop.example' });
  });

  test('is configured by its home, reached by base_url, and takes Basic and query credentials', async () => {
    const config = stage.shop.channelConfig();
    expect(config['url']).toBe('https://wp-shop.example');
    expect(config['base_url']).toBe(stage.shop.url);
    expect((await stage.call('GET', '/products/11')).status).toBe(200);
    const { key, secret } = stage.credentials;
    const query = `consumer_key=${key}&consumer_secret=${secret}`;
    expect((await send(`${stage.shop.url}/wp-json/wc/v3/products/11?${query}`)).status).toBe(200);
  });

  test('says whether the key or the secret is wrong, but nothing of an empty secret', async () => {
    const { key } = stage.credentials;
    const wrong = await basicClient(stage.shop.url, { key, secret: 'cs_x' })('GET', '/products/11');
    expect(wrong.json).toMatchObject({
      code: 'woocommerce_rest_authentication_error',
      message: 'Consumer secret is invalid.',
      data: { status: 401 },
    });
    const empty = await basicClient(stage.shop.url, { key, secret: '' })('GET', '/products/11');
    expect(empty.json.code).toBe('woocommerce_rest_cannot_view');
    const unknown = await basicClient(stage.shop.url, { key: 'ck_x', secret: 'cs_x' })('GET', '/orders');
    expect(unknown.json.message).toBe('Sorry, you cannot list resources.');
  });

  test('takes Basic for nobody when TLS goes unseen, and does not say why', async () => {
    stage.shop.fault({ name: 'is_ssl_off' });
    const answer = await stage.call('GET', '/products/11');
    expect(answer.status).toBe(401);
    expect(answer.json.code).toBe('woocommerce_rest_cannot_view');
  });

  test('does not authenticate ?rest_route= at all', async () => {
    const { key, secret } = stage.credentials;
    const authorization = `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;
    const answer = await send(`${stage.shop.url}/?rest_route=/wc/v3/products/11`, {
      headers: { authorization },
    });
    expect(answer.status).toBe(401);
  });
});
