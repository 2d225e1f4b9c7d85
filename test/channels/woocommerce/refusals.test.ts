import { describe, expect, test } from 'vitest';
import { ChannelError } from '../../../src/channels/errors.ts';
import { all, type Reply } from '../../kit/stage.ts';
import { scripted, signal } from './scripted-shop.ts';

const error = (status: number, code: string, message: string): Reply => ({
  status,
  json: { code, message, data: { status } },
});

async function failureOf(reply: Reply, url = 'https://shop.example'): Promise<ChannelError> {
  const { channel } = await scripted(() => reply, { config: { url } });
  const failure = await channel.fetchOrders(['36'], signal).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(failure instanceof ChannelError)) throw new Error(`expected a ChannelError, got ${String(failure)}`);
  return failure;
}

describe('what the shop refuses', () => {
  const page = '<html><h1>Forbidden</h1></html>';
  const cannotView = error(401, 'woocommerce_rest_cannot_view', 'Sorry, you cannot view this resource.');
  const badKey = 'woocommerce_rest_authentication_error';

  test('good keys that give 401 on https point at a proxy that hides TLS', async () => {
    const failure = await failureOf(cannotView);
    expect(failure.kind).toBe('auth');
    expect(failure.hint).toMatch(/does not know that it is on https/);
    expect(failure.hint).toMatch(/credentials_in_query/);
  });

  test('on http the same 401 points at the key or its deleted user', async () => {
    const failure = await failureOf(cannotView, 'http://shop.example');
    expect(failure.hint).toMatch(/WordPress user was deleted/);
    expect(failure.hint).not.toMatch(/https/);
  });

  test.each<[string, Reply, string, RegExp]>([
    ['a wrong secret', error(401, badKey, 'Consumer secret is invalid.'), 'auth', /consumer_secret/],
    [
      'a write-only key',
      error(401, badKey, 'The API key provided does not have read permissions.'),
      'auth',
      /Read\/Write/,
    ],
    ['a clock off by 20 minutes', error(401, badKey, 'Invalid timestamp.'), 'auth', /NTP/],
    [
      'a signature over another address',
      error(401, badKey, 'Invalid signature - provided signature does not match.'),
      'auth',
      /exactly the Site Address/,
    ],
    ['a used nonce', error(401, badKey, 'Invalid nonce - nonce has already been used.'), 'retry', /^$/],
    ['a password of the web server', { status: 401, text: page }, 'auth', /web server itself/],
    [
      'a user who is no shop manager',
      error(403, 'woocommerce_rest_cannot_view', 'Sorry'),
      'auth',
      /shop manager/,
    ],
    ['a firewall', { status: 403, text: page }, 'retry', /firewall/],
    ['plain permalinks', { status: 404, text: page }, 'retry', /Permalinks/],
    ['a missing route', error(404, 'rest_no_route', 'No route'), 'retry', /WooCommerce is active/],
    ['a challenge with 200', { text: '<html>Just a moment</html>' }, 'retry', /wp-json/],
    ['a database that is down', { status: 500, text: 'Database Error' }, 'retry', /error log/],
    ['a PHP fatal error', error(500, 'internal_server_error', '<p>Critical</p>'), 'retry', /error log/],
    ['503 without Retry-After', { status: 503, text: page }, 'retry', /error log/],
    [
      'a 500 that is a refusal',
      error(500, 'woocommerce_rest_cannot_create', 'Invalid refund'),
      'rejected',
      /^$/,
    ],
    ['a bad parameter', error(400, 'rest_invalid_param', 'Invalid parameter(s): per_page'), 'rejected', /^$/],
  ])('%s', async (_, reply, kind, hint) => {
    const failure = await failureOf(reply);
    expect(failure.kind).toBe(kind);
    expect(failure.hint).toMatch(hint);
  });

  test('a redirect is not followed but told as the URL to use instead', async () => {
    const { channel, calls } = await scripted(() => ({
      status: 301,
      text: '',
      headers: { location: 'https://www.shop.example/store/wp-json/wc/v3/orders/36?consumer_key=ck_secret' },
    }));
    const failure = await channel.fetchOrders(['36'], signal).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({
      kind: 'rejected',
      hint: 'use this URL instead in the configuration: url: https://www.shop.example/store',
    });
    expect(calls.length).toBe(1);
  });

  test('a passing redirect, to a notice of maintenance say, is tried again', async () => {
    const reply = { status: 302, text: '', headers: { location: 'https://shop.example/soon/' } };
    expect(await failureOf(reply)).toMatchObject({ kind: 'retry' });
  });

  test('Retry-After is honoured in seconds and as a date of the shop, a maintenance for a minute at most', async () => {
    const waits: [Reply, number][] = [
      [{ status: 429, text: page, headers: { 'retry-after': '7' } }, 7_000],
      [{ status: 429, text: page, headers: { 'retry-after': 'Mon, 23 Nov 2026 12:00:30 GMT' } }, 30_000],
      [{ status: 429, text: page }, 5_000],
      [{ status: 503, text: page, headers: { 'retry-after': '600' } }, 60_000],
    ];
    for (const [reply, afterMs] of waits) {
      expect(await failureOf(reply)).toMatchObject({ kind: 'throttled', afterMs });
    }
  });

  test('while the shop asks for a pause nothing is sent to it', async () => {
    const { channel, calls, deps } = await scripted(() =>
      calls.length === 1 ? { status: 429, text: page, headers: { 'retry-after': '30' } } : { json: [] },
    );
    await expect(all(channel.ordersSince(0, signal))).rejects.toMatchObject({ kind: 'throttled' });
    await expect(all(channel.ordersSince(0, signal))).rejects.toMatchObject({
      kind: 'throttled',
      afterMs: 30_000,
    });
    expect(calls.length).toBe(1);
    await deps.clock.sleep(31_000);
    expect(await all(channel.ordersSince(0, signal))).toHaveLength(1);
  });

  test('a PHP notice or a BOM before the JSON of a read is skipped', async () => {
    const json = '[]';
    for (const text of [`\uFEFF${json}`, `<br />\nNotice: Undefined index: a[0] in {x}\n${json}`]) {
      const { channel } = await scripted(() => ({ text }));
      expect(await all(channel.ordersSince(0, signal))).toMatchObject([{ items: [] }]);
    }
  });

  test('no message and no hint carries a credential', async () => {
    for (const url of ['https://shop.example', 'http://shop.example']) {
      const failure = await failureOf(cannotView, url);
      expect(`${failure.message} ${failure.hint}`).not.toMatch(/ck_test|cs_test|oauth_/);
    }
    const { channel } = await scripted(() => ({ hangUp: true }), { config: { credentials_in_query: true } });
    const failure = await channel.fetchOrders(['36'], signal).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ kind: 'unknown' });
    expect(String(failure)).not.toMatch(/ck_test|cs_test/);
  });
});
