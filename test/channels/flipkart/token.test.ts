import { describe, expect, test } from 'vitest';
import { type Call, calm, failure, type Reply } from '../../kit/stage.ts';
import { configOf, grant, searchPath, stage, tokenPath } from './scripted-flipkart.ts';

const dayMs = 86_400_000;
const empty: Reply = { json: { has_more: false, listings: [] } };
const ok = (call: Call): Reply | undefined => (call.path === searchPath ? empty : undefined);

describe('the token of a Flipkart channel', () => {
  test('is asked for by GET with Basic proof outside of /sellers, once for all who wait', async () => {
    const { channel, asked } = await stage(ok);
    await Promise.all([channel.identity(calm), channel.identity(calm), channel.identity(calm)]);
    const calls = asked(tokenPath);
    expect(calls.length).toBe(1);
    expect(calls[0]?.method).toBe('GET');
    expect(Object.fromEntries(calls[0]?.query ?? [])).toEqual({
      grant_type: 'client_credentials',
      scope: 'Seller_Api',
    });
    const proof = Buffer.from('app-id:app-secret-1').toString('base64');
    expect(calls[0]?.headers.authorization).toBe(`Basic ${proof}`);
    for (const call of asked(searchPath)) expect(call.headers.authorization).toBe('Bearer token-1');
  });

  test('may come from another address', async () => {
    const { url, reopen, asked } = await stage((call) => (call.path === '/elsewhere' ? grant : ok(call)));
    await reopen({ token_url: `${url}/elsewhere/` }).identity(calm);
    expect(asked('/elsewhere').length).toBe(1);
    expect(asked(tokenPath).length).toBe(0);
  });

  test('is renewed when less than three days are left, and an old one that comes back is asked for hourly', async () => {
    let left = 10 * 86_400;
    const script = (call: Call): Reply | undefined =>
      call.path === tokenPath ? { json: { access_token: 'same', expires_in: left } } : ok(call);
    const { channel, asked, pass } = await stage(script);
    await channel.identity(calm);
    pass(6.9 * dayMs);
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(1);
    pass(0.2 * dayMs);
    left = Math.round(2.9 * 86_400);
    for (let at = 0; at < 3; at += 1) await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(2);
    pass(3_700_000);
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(3);
  });

  test.each([
    ['a day', 86_400, 3_600_000],
    ['an hour', 3_600, 1_800_000],
    ['a minute', 60, 30_000],
  ])('that lives %s from the beginning is not asked for with each call', async (_, seconds, restMs) => {
    const script = (call: Call): Reply | undefined =>
      call.path === tokenPath ? { json: { access_token: 'brief', expires_in: seconds } } : ok(call);
    const { channel, asked, pass } = await stage(script);
    for (let at = 0; at < 3; at += 1) await channel.identity(calm);
    pass(restMs - 10_000);
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(1);
    pass(20_000);
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(2);
  });

  test('that has ended is replaced once and the request sent again', async () => {
    let valid = 'token-1';
    const { channel, asked } = await stage((call) => {
      if (call.path === tokenPath) return { json: { access_token: valid, expires_in: 5_000_000 } };
      if (call.headers.authorization !== `Bearer ${valid}`) return { status: 401, json: {} };
      return ok(call);
    });
    await channel.identity(calm);
    valid = 'token-2';
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(2);
    expect(asked(searchPath).map((call) => call.headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  test('that is refused although the endpoint still hands it out is auth, and nothing is sent twice', async () => {
    const refusing = (call: Call): Reply | undefined =>
      call.path === searchPath ? { status: 401, json: { message: 'token revoked' } } : undefined;
    const { channel, asked } = await stage(refusing);
    const error = await failure(channel.identity(calm));
    expect(error.kind).toBe('auth');
    expect(error.hint).toContain('Developer Access');
    expect(error.message).toContain('token revoked');
    expect(asked(searchPath).length).toBe(1);
  });

  test.each([
    [400, { error: 'invalid_client', error_description: 'Bad client credentials' }],
    [401, { error: 'unauthorized' }],
    [403, {}],
  ])('that is not given (HTTP %i) is auth with a remedy and without the secret', async (status, json) => {
    const { channel, calls } = await stage((call) => (call.path === tokenPath ? { status, json } : ok(call)));
    const error = await failure(channel.identity(calm));
    expect(error.kind).toBe('auth');
    expect(error.hint).toContain('app_secret');
    expect(`${error.message} ${error.hint}`).not.toContain('app-secret-1');
    expect(calls.map(({ path }) => path)).toEqual([tokenPath]);
  });

  test.each<[string, Reply, string]>([
    ['HTML', { text: '<html>maintenance</html>' }, 'retry'],
    ['no token', { json: { expires_in: 5 } }, 'retry'],
    ['a token that is no text', { json: { access_token: 7 } }, 'retry'],
    ['an internal error', { status: 500, json: {} }, 'retry'],
    ['a cut connection', { hangUp: true }, 'retry'],
    ['too many', { status: 429, json: {}, headers: { 'retry-after': '7' } }, 'throttled'],
    ['shut', { status: 503, text: '<html></html>' }, 'throttled'],
  ])('endpoint that answers %s parks nothing', async (_, reply, kind) => {
    const { channel } = await stage((call) => (call.path === tokenPath ? reply : ok(call)));
    const error = await failure(channel.identity(calm));
    expect(error.kind).toBe(kind);
    if (kind === 'throttled') expect(error.afterMs).toBeGreaterThan(0);
  });

  test('of other credentials is never shared', async () => {
    const { channel, reopen, asked } = await stage(ok);
    await channel.identity(calm);
    await reopen({ app_secret: 'another' }).identity(calm);
    expect(asked(tokenPath).length).toBe(2);
  });
});

describe('the configuration of a Flipkart channel', () => {
  test('takes net for the basis when none is told, and the channel says which it has', async () => {
    expect(configOf().basis).toBe('net');
    const { channel, reopen } = await stage(ok);
    expect(channel.capabilities.basis).toBe('net');
    expect(reopen({ basis: 'gross' }).capabilities.basis).toBe('gross');
    expect(() => configOf({ basis: 'both' })).toThrow();
  });

  test('has webhooks only where a hook_secret can prove them', async () => {
    const { channel, reopen } = await stage(ok);
    expect(channel.capabilities.webhooks).toBe(false);
    expect(channel.webhooks).toBeUndefined();
    const pushed = reopen({ hook_secret: ['new', 'old'] });
    expect(pushed.capabilities.webhooks).toBe(true);
    expect(pushed.webhooks).toBeDefined();
  });

  test.each([
    { location: '' },
    { location: 'LOC 1' },
    { app_id: '' },
    { hook_path: 'no-slash' },
    { hook_path: '/two/segments' },
    { hook_secret: [] },
    { requests_per_second: 0 },
    { token_url: 'ftp://x' },
    { no_such_key: 1 },
  ])('refuses %j', (change) => {
    expect(() => configOf(change)).toThrow();
  });
});
