import { request } from 'undici';
import { beforeEach, describe, expect, test } from 'vitest';
import { deliverySignature, requestSignature } from '../../../src/sandbox/tiktok-shop/sign.ts';
import { NOON } from '../../kit/shop-stage.ts';
import { type Stage, startShop, tokenCall, write } from './world.ts';

describe('signatures, judged by the golden published vectors', () => {
  const secret = 'e59af819cc';
  const sign = (path: string, query: Record<string, string>, body = '') =>
    requestSignature(secret, { path, query: Object.entries(query), body: Buffer.from(body) });

  test('a request without a body', () => {
    const query = { app_key: '29a39d', timestamp: '1623812664' };
    const right = 'b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8';
    expect(sign('/authorization/202309/shops', query)).toBe(right);
    expect(sign('/authorization/202309/shops', { sign: 'x', access_token: 'y', ...query })).toBe(right);
  });

  test('a search with a body, whatever the order of its parameters', () => {
    const query = {
      timestamp: '1700000000',
      sort_order: 'ASC',
      sort_field: 'update_time',
      shop_cipher: 'ROW_abc',
      page_size: '100',
      app_key: '29a39d',
    };
    const body = '{"update_time_ge":1699990000,"update_time_lt":1700000000}';
    const right = '71012372d5ec3f18c794c1ef91f66c8615ee5531f9fb2d82108ce6d22b5c5a20';
    expect(sign('/order/202309/orders/search', query, body)).toBe(right);
    expect(sign('/order/202309/orders/search', query, `${body} `)).not.toBe(right);
  });

  test('a write with ids in the path and a cipher that a URL reserves', () => {
    const body =
      '{"skus":[{"id":"1729592969712207013","inventory":[{"warehouse_id":"7068517275539719942","quantity":12}]}]}';
    const query = { app_key: '29a39d', shop_cipher: 'ROW_abc+/=', timestamp: '1700000000' };
    expect(sign('/product/202309/products/1729592969712207008/inventory/update', query, body)).toBe(
      'b5756a64eab5bedf45897d3d2361f1e6250f0f20667e2f972cc770bfe6a2d6bf',
    );
  });

  test('sorts by bytes, not as a dictionary does, and leaves the body of files out', () => {
    const a = sign('/p', { b_c: '1', bA: '2', ba: '3' });
    expect(a).not.toBe(sign('/p', { b_cbA: '', ba: '' }));
    const signable = { path: '/p', query: [] as [string, string][] };
    const none = requestSignature(secret, { ...signable, body: Buffer.alloc(0) });
    expect(requestSignature(secret, { ...signable, body: Buffer.from('x'), multipart: true })).toBe(none);
    expect(requestSignature(secret, { ...signable, body: Buffer.from('x') })).not.toBe(none);
  });

  test.each([
    [
      '{"type":1,"tts_notification_id":"7380066284010030890","shop_id":"7495540735365777507","timestamp":1718305585,"data":{"is_on_hold_order":true,"order_id":"576653688135258178","order_status":"UNPAID","update_time":1718305585}}',
      '5dec0f11ec2f6783b8deee53c9ffbf8d024302f7c7e7fa55a35d17629031ac05',
    ],
    [
      '{"type":11,"tts_notification_id":"7327112393057371910","shop_id":"7494049642642441621","timestamp":1644412885,"data":{"order_id":"576486316948490001","cancellations_role":"BUYER","cancel_status":"CANCELLATION_REQUEST_SUCCESS","cancel_id":"4035318504086604100","create_time":1627587600}}',
      'aea9bcd5e8cfc584e69e0ba635ce26d7fd1e26915fcb095bc2021de32f51cc91',
    ],
  ])('a delivery %#', (body, right) => {
    expect(deliverySignature('abcdef', '123', Buffer.from(body))).toBe(right);
  });
});

describe('access', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await startShop();
    await stage.token();
  });

  const shops = (wish = {}) => stage.call('GET', '/authorization/202309/shops', wish);
  const warehouses = (wish = {}) => stage.call('GET', '/logistics/202309/warehouses', wish);

  test('names the shop, with ids beyond what a double can tell and a cipher that must be encoded', async () => {
    const { status, code, message, data, text } = await shops();
    expect([status, code, message]).toEqual([200, 0, 'Success']);
    const [shop] = data.shops;
    expect(shop.id).toMatch(/^\d{19}$/);
    expect(shop.cipher).toMatch(/\+.*\/|\/.*\+/);
    expect(shop).toMatchObject({ region: 'US', seller_type: 'LOCAL', name: 'my shop' });
    expect(JSON.parse(text).request_id).toMatch(/^\d{14}[0-9A-F]{18}$/);
    expect(stage.shop.channelConfig()).toMatchObject({ type: 'tiktok-shop', shop_id: shop.id });
  });

  test('refuses a signature that differs in one digit, in case, or is missing', async () => {
    const last = (sign: string) => (sign.endsWith('0') ? '1' : '0');
    for (const sign of [
      (right: string) => right.slice(0, -1) + last(right),
      (right: string) => right.toUpperCase(),
      (right: string) => `${right} `,
      () => null,
      () => '',
    ]) {
      const answer = await warehouses({ sign });
      expect([answer.status, answer.code, answer.data]).toEqual([401, 106001, null]);
    }
  });

  test('signs the bytes of the body as they came', async () => {
    const path = '/product/202309/inventory/search';
    const body = { product_ids: ['1'] };
    expect((await stage.call('POST', path, { body })).code).toBe(0);
    const spaced = await stage.call('POST', path, { body, wire: '{"product_ids": ["1"]}' });
    expect(spaced.code).toBe(106001);
  });

  test.each([
    [-300, 0],
    [-301, 36009004],
    [30, 0],
    [31, 36009004],
  ])('a timestamp %i s from the platform’s clock answers %i', async (skew, code) => {
    const answer = await warehouses({ timestamp: NOON / 1000 + skew });
    expect(answer.code).toBe(code);
    if (code !== 0) expect(answer.message).toContain('timestamp');
  });

  test('refuses a timestamp in milliseconds', async () => {
    expect(await warehouses({ timestamp: String(NOON) })).toMatchObject({ status: 400, code: 36009004 });
  });

  test('tells its own time, which a fault sets wrong, in the Date header', async () => {
    expect((await warehouses()).headers['date']).toBe(new Date(NOON).toUTCString());
    stage.shop.fault({ name: 'clock_skew', ms: -31_000 });
    const fast = await warehouses();
    expect(fast.code).toBe(36009004);
    const theirs = Date.parse(String(fast.headers['date']));
    expect((await warehouses({ timestamp: theirs / 1000 })).code).toBe(0);
  });

  test('answers without credentials as the live platform did', async () => {
    const answer = await request(`${stage.shop.url}/product/202309/products/search`, { method: 'POST' });
    const body = await answer.body.json();
    expect(answer.statusCode).toBe(400);
    expect(body).toMatchObject({ code: 36009004, data: null });
    expect(body).toHaveProperty('message', expect.stringContaining(`Invalid 'app_key' query parameter.`));
    const nowhere = await request(`${stage.shop.url}/no/202309/such`);
    expect(nowhere.statusCode).toBe(404);
    expect(await nowhere.body.json()).toMatchObject({ code: 36009009 });
  });

  test('knows paths, methods and versions apart', async () => {
    const id = '/order/202309/orders/576486316948490001';
    expect(await stage.call('GET', id)).toMatchObject({ status: 404, code: 36009009 });
    expect(await stage.call('PUT', '/order/202309/orders')).toMatchObject({ status: 405, code: 36009010 });
    expect(await stage.call('GET', '/order/202101/orders')).toMatchObject({ code: 36009014 });
  });

  test('wants the cipher on shop calls, refuses it elsewhere, and a foreign one', async () => {
    expect(await warehouses({ cipher: null })).toMatchObject({ code: 106013 });
    expect(await warehouses({ cipher: 'ROW_other' })).toMatchObject({ code: 101000 });
    const odd = await shops({ cipher: stage.shop.account.cipher });
    expect(odd).toMatchObject({ status: 400, code: 36009004 });
    expect(odd.message).toContain('not required');
  });

  test('refuses bodies that are no JSON object, or say so wrongly', async () => {
    const path = '/product/202309/inventory/search';
    const text = { 'content-type': 'text/plain' };
    expect(await stage.call('POST', path, { body: {}, headers: text })).toMatchObject({ code: 36009022 });
    for (const body of [[1], 'x', 7]) {
      expect(await stage.call('POST', path, { body })).toMatchObject({ code: 36009023 });
    }
  });
});

describe('tokens', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await startShop();
  });

  const refresh = (refresh_token: string) => tokenCall(stage.shop, { refresh_token });
  const use = (token: string | null) => stage.call('GET', '/logistics/202309/warehouses', { token });

  test('come with ends as points in time, a new refresh token, and what was granted', async () => {
    const { data } = await refresh(stage.shop.credentials.refreshToken);
    expect(data.refresh_token).not.toBe(stage.shop.credentials.refreshToken);
    const week = (7 * 86_400) / 1000;
    expect(data.access_token_expire_in).toBe(Math.floor(NOON / 1000 + week));
    expect(data.refresh_token_expire_in).toBe(Math.floor(NOON / 1000 + (365 * 86_400) / 1000));
    expect(data).toMatchObject({ user_type: 0, seller_base_region: 'US', seller_name: 'my shop' });
    expect(data.granted_scopes).toContain('seller.product.write');
    expect((await use(data.access_token)).code).toBe(0);
  });

  test('end after their time, and the consent ends them all', async () => {
    const { data } = await refresh(stage.shop.credentials.refreshToken);
    stage.tick(604_801);
    expect(await use(data.access_token)).toMatchObject({ status: 401, code: 105002 });
    const next = await refresh(data.refresh_token);
    // No refresh moves the end of the consent.
    expect(next.data.refresh_token_expire_in).toBe(data.refresh_token_expire_in);
    stage.tick(365 * 86_400);
    expect((await refresh(next.data.refresh_token)).code).not.toBe(0);
  });

  test('rotate: the old one lives until the new ones are used', async () => {
    const first = stage.shop.credentials.refreshToken;
    const lost = await refresh(first);
    const again = await refresh(first);
    expect([lost.code, again.code]).toEqual([0, 0]);
    await use(again.data.access_token);
    for (const dead of [first, lost.data.refresh_token]) {
      expect(await refresh(dead)).toMatchObject({ status: 200, code: 36004004, data: null });
    }
    expect((await refresh(again.data.refresh_token)).code).toBe(0);
  });

  test('are refused for another app, another grant, and nonsense', async () => {
    const refresh_token = stage.shop.credentials.refreshToken;
    for (const wrong of [{ app_secret: 'x' }, { app_key: 'x' }, { grant_type: 'authorized_code' }]) {
      expect((await tokenCall(stage.shop, { refresh_token, ...wrong })).code).not.toBe(0);
    }
    expect((await refresh('nonsense')).code).not.toBe(0);
    for (const token of [null, '', 'nonsense']) expect(await use(token)).toMatchObject({ code: 105002 });
  });

  test('come for a code once, under the platform’s own word for it', async () => {
    const auth_code = stage.shop.consent();
    const odd = { auth_code, grant_type: 'authorization_code' };
    expect((await tokenCall(stage.shop, odd, 'get')).code).not.toBe(0);
    expect((await tokenCall(stage.shop, { auth_code }, 'get')).code).toBe(0);
    expect((await tokenCall(stage.shop, { auth_code }, 'get')).code).not.toBe(0);
    const late = stage.shop.consent();
    stage.tick(1_801);
    expect((await tokenCall(stage.shop, { auth_code: late }, 'get')).code).not.toBe(0);
  });

  test('old_refresh_dies, refresh_lost and expires_as_duration do so', async () => {
    const first = stage.shop.credentials.refreshToken;
    stage.shop.fault({ name: 'refresh_lost', count: 1 });
    await expect(refresh(first)).rejects.toThrow();
    stage.shop.fault({ name: 'expires_as_duration', count: 1 });
    const { data } = await refresh(first);
    expect(data.access_token_expire_in).toBe(604);
    stage.shop.fault({ name: 'old_refresh_dies', count: 1 });
    expect((await refresh(data.refresh_token)).code).toBe(0);
    expect((await refresh(data.refresh_token)).code).not.toBe(0);
  });

  test('auth refuses a call and the refresh that follows; token_expiry only the call', async () => {
    const one = await refresh(stage.shop.credentials.refreshToken);
    stage.shop.fault({ name: 'token_expiry', count: 1 });
    expect(await use(one.data.access_token)).toMatchObject({ code: 105002 });
    const two = await refresh(one.data.refresh_token);
    stage.shop.fault({ name: 'auth', count: 1 });
    expect(await use(two.data.access_token)).toMatchObject({ code: 105002 });
    expect((await refresh(two.data.refresh_token)).code).not.toBe(0);
    const three = await refresh(two.data.refresh_token);
    expect((await use(three.data.access_token)).code).toBe(0);
  });

  test('deauthorized kills them all; missing_scope refuses writes only', async () => {
    stage.shop.fault({ name: 'missing_scope' });
    expect(await write(stage, 'SKU-001', 3)).toMatchObject({ status: 403, code: 105005 });
    expect((await use(await stage.token())).code).toBe(0);
    stage.shop.fault({ clear: true });
    stage.shop.fault({ name: 'deauthorized' });
    expect(await use(await stage.token())).toMatchObject({ code: 105002 });
    expect((await refresh(stage.shop.credentials.refreshToken)).code).not.toBe(0);
  });
});
