import { beforeEach, describe, expect, test } from 'vitest';
import { NOON } from '../../kit/shop-stage.ts';
import { type Stage, startShop, tokenCall } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
});

const root = 'https://api.ebay.com/oauth/api_scope';
const refresh = (more: Record<string, string> = {}) =>
  tokenCall(stage.shop, {
    grant_type: 'refresh_token',
    refresh_token: stage.shop.credentials.refreshToken,
    ...more,
  });
const item = '/sell/inventory/v1/inventory_item/SKU-001';

describe('the token endpoint', () => {
  test('gives a user token for a refresh token, which stays as it is', async () => {
    const { status, json } = await refresh();
    expect(status).toBe(200);
    expect(json.access_token).toMatch(/^v\^1\.1#/);
    expect(json).toEqual({ access_token: json.access_token, expires_in: 7, token_type: 'User Access Token' });
    expect((await refresh()).status).toBe(200);
    expect((await stage.rest('GET', item, { token: json.access_token })).status).toBe(200);
  });

  test('tells the true length of a life at the platform’s own speed', async () => {
    const slow = await startShop({ timeScale: 1 });
    const { json } = await tokenCall(slow.shop, {
      grant_type: 'refresh_token',
      refresh_token: slow.shop.credentials.refreshToken,
    });
    expect(json.expires_in).toBe(7200);
  });

  test('refuses a wrong secret with 401, other grants and broken requests with 400', async () => {
    const { shop } = stage;
    const form = { grant_type: 'client_credentials', scope: root };
    const wrong = await tokenCall(shop, form, `${shop.credentials.clientId}:wrong`);
    expect([wrong.status, wrong.json.error]).toEqual([401, 'invalid_client']);
    const odd = await tokenCall(shop, { grant_type: 'password' });
    expect([odd.status, odd.json.error]).toEqual([400, 'unsupported_grant_type']);
    const stranger = await refresh({ refresh_token: 'v^1.1#somebody' });
    expect([stranger.status, stranger.json.error]).toEqual([400, 'invalid_grant']);
  });

  test('narrows scopes and refuses more than was consented to', async () => {
    const narrow = await refresh({ scope: `${root} ${root}/sell.fulfillment` });
    expect(narrow.status).toBe(200);
    const answer = await stage.rest('GET', item, { token: narrow.json.access_token });
    expect(answer.status).toBe(403);
    expect(answer.json.errors[0]).toMatchObject({
      errorId: 1100,
      domain: 'ACCESS',
      message: 'Access denied',
    });
    const wide = await refresh({ scope: `${root}/sell.finances` });
    expect([wide.status, wide.json.error]).toEqual([400, 'invalid_scope']);
    const app = await tokenCall(stage.shop, {
      grant_type: 'client_credentials',
      scope: `${root}/sell.inventory`,
    });
    expect([app.status, app.json.error]).toEqual([400, 'invalid_scope']);
  });

  test('takes a code once, within five minutes, for the redirect name', async () => {
    const { shop } = stage;
    const exchange = (code: string, redirect = shop.credentials.ruName) =>
      tokenCall(shop, { grant_type: 'authorization_code', code, redirect_uri: redirect });
    const code = shop.consent();
    const { status, json } = await exchange(code);
    expect(status).toBe(200);
    expect(json.refresh_token_expires_in).toBe(47_304);
    expect((await exchange(code)).json.error).toBe('invalid_grant');
    expect((await refresh({ refresh_token: json.refresh_token })).status).toBe(200);
    expect((await exchange(shop.consent(), 'https://elsewhere')).json.error).toBe('invalid_grant');
    const late = shop.consent();
    stage.tick(300);
    expect((await exchange(late)).json.error).toBe('invalid_grant');
  });

  test('lets access tokens die after their life and refresh tokens after eighteen months', async () => {
    const { json } = await refresh();
    stage.tick(7_001);
    const answer = await stage.rest('GET', item, { token: json.access_token });
    expect(answer.status).toBe(401);
    expect(answer.json.errors[0]).toMatchObject({
      errorId: 1001,
      domain: 'OAuth',
      message: 'Invalid access token',
    });
    expect((await refresh()).status).toBe(200);
    stage.tick(47_304_000);
    expect((await refresh()).json.error).toBe('invalid_grant');
  });

  test('counts application tokens: 1,000 a day', async () => {
    const form = { grant_type: 'client_credentials', scope: root };
    stage.shop.leaveCalls('client_credentials', 1);
    expect((await tokenCall(stage.shop, form)).status).toBe(200);
    expect((await tokenCall(stage.shop, form)).status).toBe(429);
    stage.tick(86_400);
    expect((await tokenCall(stage.shop, form)).status).toBe(200);
  });
});

describe('tokens under faults', () => {
  test('token_revoked ends all the seller’s tokens until it is lifted, and not the application’s', async () => {
    const token = await stage.user();
    const app = await stage.app();
    stage.shop.fault({ name: 'token_revoked' });
    expect((await stage.rest('GET', item, { token })).status).toBe(401);
    expect((await refresh()).json.error).toBe('invalid_grant');
    expect((await stage.rest('GET', '/commerce/notification/v1/topic', { token: app })).status).toBe(200);
    stage.shop.fault({ clear: true });
    expect((await refresh()).status).toBe(200);
  });

  test('auth refuses one call and the refresh after it', async () => {
    const token = await stage.user();
    stage.shop.fault({ name: 'auth', count: 1 });
    expect((await stage.rest('GET', item, { token })).status).toBe(401);
    expect((await refresh()).json.error).toBe('invalid_grant');
    const { json } = await refresh();
    expect((await stage.rest('GET', item, { token: json.access_token })).status).toBe(200);
  });

  test('token_expiry only asks for a new token', async () => {
    const token = await stage.user();
    stage.shop.fault({ name: 'token_expiry', count: 1 });
    expect((await stage.rest('GET', item, { token })).status).toBe(401);
    const { json } = await refresh();
    expect((await stage.rest('GET', item, { token: json.access_token })).status).toBe(200);
  });

  test('missing_scope grants no notification scope', async () => {
    stage.shop.fault({ name: 'missing_scope' });
    const wide = await refresh({ scope: `${root}/commerce.notification.subscription` });
    expect(wide.json.error).toBe('invalid_scope');
  });
});

describe('the account', () => {
  test('tells who the seller is, what may be sold and which programs are on', async () => {
    const who = await stage.rest('GET', '/commerce/identity/v1/user/');
    expect(who.json).toMatchObject({ registrationMarketplaceId: 'EBAY_US' });
    expect(who.json.username).toMatch(/^my-shop-/);
    const may = await stage.rest('GET', '/sell/account/v1/privilege');
    expect(may.json).toMatchObject({
      sellerRegistrationCompleted: true,
      sellingLimit: { quantity: 100_000 },
    });
    const programs = async () => {
      const { json } = await stage.rest('GET', '/sell/account/v1/program/get_opted_in_programs');
      return json.programs.map((each: { programType: string }) => each.programType);
    };
    expect(await programs()).toContain('OUT_OF_STOCK_CONTROL');
    stage.shop.fault({ name: 'out_of_stock_control_off' });
    expect(await programs()).not.toContain('OUT_OF_STOCK_CONTROL');
  });

  test('counts calls per day and says when the day ends', async () => {
    const path = '/developer/analytics/v1_beta/rate_limit/?api_context=sell&api_name=inventory';
    const before = await stage.rest('GET', path, { app: true });
    const [rate] = before.json.rateLimits[0].resources[0].rates;
    expect(rate).toMatchObject({ limit: 2_000_000, remaining: 2_000_000 });
    expect(Date.parse(rate.reset)).toBeGreaterThan(NOON);
    expect(
      (await stage.rest('GET', '/developer/analytics/v1_beta/rate_limit/?api_name=none', { app: true }))
        .status,
    ).toBe(204);
    stage.shop.leaveCalls('inventory', 1);
    expect((await stage.rest('GET', item)).status).toBe(200);
    const refused = await stage.rest('GET', item);
    expect(refused.status).toBe(429);
    expect(refused.json.errors[0]).toMatchObject({ errorId: 2001, domain: 'ACCESS' });
    stage.tick(86_400);
    expect((await stage.rest('GET', item)).status).toBe(200);
  });

  test('is configured by the keys that the adapter knows, and is another one in another shop', async () => {
    const config = stage.shop.channelConfig();
    expect(Object.keys(config)).toEqual(
      'type mode client_id client_secret dev_id ru_name refresh_token refresh_token_created marketplace verification_token base_url token_url trading_url'.split(
        ' ',
      ),
    );
    expect(config['verification_token']).toMatch(/^[A-Za-z0-9_-]{32,80}$/);
    const other = await startShop({ seed: 8 });
    expect(other.shop.channelConfig()['client_id']).not.toBe(config['client_id']);
    const ids = [
      await stage.rest('GET', '/commerce/identity/v1/user'),
      await other.rest('GET', '/commerce/identity/v1/user'),
    ];
    expect(ids[0]?.json.userId).not.toBe(ids[1]?.json.userId);
  });
});
