import { expect, test } from 'vitest';
import { queryString } from '../../../src/channels/kit/rest.ts';
import { deliverySignature, signatureOf } from '../../../src/channels/tiktok-shop/sign.ts';

const secret = 'e59af819cc';
const base = { app_key: '29a39d', timestamp: '1700000000' };

test('a request without body signs as the official vector', () => {
  const request = {
    path: '/authorization/202309/shops',
    query: { app_key: '29a39d', timestamp: '1623812664' },
    body: '',
  };
  expect(signatureOf(request, secret)).toBe(
    'b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8',
  );
});

test('a request with query and body signs as computed by hand, whatever the order of its parameters', () => {
  const query = {
    sort_order: 'ASC',
    shop_cipher: 'ROW_abc',
    page_size: '100',
    sort_field: 'update_time',
    ...base,
  };
  const body = '{"update_time_ge":1699990000,"update_time_lt":1700000000}';
  const sign = '71012372d5ec3f18c794c1ef91f66c8615ee5531f9fb2d82108ce6d22b5c5a20';
  expect(signatureOf({ path: '/order/202309/orders/search', query, body }, secret)).toBe(sign);
});

test('a cipher with reserved characters is signed in clear text and sent encoded', () => {
  const query = { ...base, shop_cipher: 'ROW_abc+/=' };
  const body =
    '{"skus":[{"id":"1729592969712207013","inventory":[{"warehouse_id":"7068517275539719942","quantity":12}]}]}';
  const path = '/product/202309/products/1729592969712207008/inventory/update';
  const sign = 'b5756a64eab5bedf45897d3d2361f1e6250f0f20667e2f972cc770bfe6a2d6bf';
  expect(signatureOf({ path, query, body }, secret)).toBe(sign);
  expect(queryString([['shop_cipher', 'ROW_abc+/=']])).toBe('?shop_cipher=ROW_abc%2B%2F%3D');
});

test('sign and access_token are never part of what is signed', () => {
  const request = { path: '/x', query: { ...base }, body: '' };
  const more = { ...request, query: { ...base, sign: 'old', access_token: 'secret' } };
  expect(signatureOf(more, secret)).toBe(signatureOf(request, secret));
});

test('names are sorted by their bytes, not by a locale', () => {
  const one = signatureOf({ path: '/x', query: { a_b: '1', aB: '2', ab: '3' }, body: '' }, secret);
  const other = signatureOf({ path: '/x', query: {}, body: 'aB2a_b1ab3' }, secret);
  expect(one).toBe(other);
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
])('a delivery signs as its vector', (body, signature) => {
  expect(deliverySignature(Buffer.from(body), { appKey: 'abcdef', secret: '123' })).toBe(signature);
});
