import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import { startShop, tokenCall } from './world.ts';

describe('the token endpoint', () => {
  test('hands out a token by GET, and the same one with a shrinking life until it ends', async () => {
    const stage = await startShop({ timeScale: 1 });
    const first = await tokenCall(stage.shop);
    expect(first.json).toEqual({
      access_token: expect.stringMatching(/^[0-9a-f-]{36}$/),
      token_type: 'bearer',
      expires_in: 5_184_000,
      scope: 'Seller_Api',
    });
    stage.tick(86_400_000);
    const second = await tokenCall(stage.shop, {
      query: 'grant_type=client_credentials&scope=Seller_Api,Default',
    });
    expect(second.json).toEqual({ ...first.json, expires_in: 5_184_000 - 86_400 });
    stage.tick(59 * 86_400_000);
    const third = await tokenCall(stage.shop);
    expect(third.json.access_token).not.toBe(first.json.access_token);
    const old = await stage.call('GET', '/listings/v3/SKU-001', undefined, {
      authorization: `Bearer ${first.json.access_token}`,
    });
    expect(old.status).toBe(401);
  });

  test('gives tokens that end by themselves', async () => {
    const stage = await startShop({ timeScale: 1 });
    expect((await stage.call('GET', '/listings/v3/SKU-001')).status).toBe(200);
    stage.tick(5_184_000_000);
    expect((await stage.call('GET', '/listings/v3/SKU-001')).status).toBe(401);
  });

  test('divides the life by the time scale', async () => {
    const stage = await startShop({ timeScale: 60 });
    expect((await tokenCall(stage.shop)).json.expires_in).toBe(86_400);
  });

  test.each([
    ['no credentials', { basic: null }, 401, 'unauthorized'],
    ['wrong credentials', { basic: 'a:b' }, 401, 'unauthorized'],
    ['POST', { method: 'POST' }, 405, 'method_not_allowed'],
    ['no grant', { query: 'scope=Seller_Api' }, 400, 'invalid_request'],
    [
      'a grant for third parties',
      { query: 'grant_type=refresh_token&refresh_token=x' },
      401,
      'unauthorized_client',
    ],
    ['no scope', { query: 'grant_type=client_credentials' }, 400, 'invalid_scope'],
    ['another scope', { query: 'grant_type=client_credentials&scope=Default' }, 400, 'invalid_scope'],
  ] as const)('refuses %s with error and error_description', async (_, wish, status, error) => {
    const stage = await startShop();
    const answer = await tokenCall(stage.shop, wish);
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({ error, error_description: expect.stringMatching(/\w+ \w+/) });
  });

  test('refuses the old secret once the merchant has a new one', async () => {
    const stage = await startShop();
    const { appId, appSecret } = { ...stage.shop.credentials };
    stage.shop.rotateSecret();
    expect((await tokenCall(stage.shop, { basic: `${appId}:${appSecret}` })).status).toBe(401);
    expect((await tokenCall(stage.shop)).status).toBe(200);
    expect(stage.shop.channelConfig()['app_secret']).toBe(stage.shop.credentials.appSecret);
  });

  test('is not under /sellers, and the API is nowhere else', async () => {
    const stage = await startShop();
    const headers = { authorization: `Bearer ${await stage.token()}` };
    expect((await stage.call('GET', '/oauth-service/oauth/token')).status).toBe(404);
    const bare = await request(`${stage.shop.url}/listings/v3/SKU-001`, { headers });
    await bare.body.dump();
    expect(bare.statusCode).toBe(404);
  });
});

describe('a call', () => {
  test.each(['', 'Bearer', 'Bearer x', 'bearer', 'Basic eDp5'])(
    'with the header «%s» is 401',
    async (value) => {
      const stage = await startShop();
      const token = await stage.token();
      const authorization = value === 'bearer' ? `bearer ${token}` : value;
      const answer = await stage.call('GET', '/listings/v3/SKU-001', undefined, { authorization });
      expect([answer.status, answer.json.errors[0].code]).toEqual([401, 401]);
    },
  );

  test('carries the date of the shop’s clock', async () => {
    const stage = await startShop();
    const { headers } = await stage.call('GET', '/listings/v3/SKU-001');
    expect(headers['date']).toBe('Mon, 23 Nov 2026 12:00:00 GMT');
  });

  test('beyond the rate is 429, and time heals it', async () => {
    const stage = await startShop({ timeScale: 1, rate: { perSecond: 2, burst: 3 } });
    const statuses: number[] = [];
    for (let turn = 0; turn < 5; turn += 1)
      statuses.push((await stage.call('GET', '/listings/v3/SKU-001')).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect((await stage.call('GET', '/v3/shipments/none')).status).toBe(200);
    stage.tick(500);
    expect((await stage.call('GET', '/listings/v3/SKU-001')).status).toBe(200);
    expect((await stage.call('GET', '/listings/v3/SKU-001')).status).toBe(429);
  });

  test('of an unknown path is 404, by another method 405, with a body that is no JSON 400', async () => {
    const stage = await startShop();
    expect((await stage.call('GET', '/v9/none')).status).toBe(404);
    expect((await stage.call('GET', '/v3/shipments/cancel/x')).status).toBe(404);
    expect((await stage.call('POST', '/v2/returns', {})).status).toBe(405);
    expect((await stage.call('POST', '/listings/v3/search', 'not json')).status).toBe(400);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await stage.call('POST', '/listings/v3/search', '{}', form)).status).toBe(400);
  });
});
