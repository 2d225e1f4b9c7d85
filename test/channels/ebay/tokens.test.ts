import { describe, expect, test } from 'vitest';
import { consentItem } from '../../../src/channels/ebay/tokens.ts';
import { ChannelError } from '../../../src/channels/errors.ts';
import { calm, noon } from '../../kit/stage.ts';
import { configOf, type Reply, stage, tokenPath } from './scripted-ebay.ts';

const user = { json: { userId: 'u-1', username: 'myshop', registrationMarketplaceId: 'EBAY_DE' } };
const ok = (call: { path: string }): Reply | undefined =>
  call.path.includes('identity/v1/user') ? user : undefined;

async function failure(promise: Promise<unknown>): Promise<ChannelError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ChannelError) return error;
  throw new Error(`no ChannelError: ${String(error)}`);
}

describe('the tokens of an eBay channel', () => {
  test('are asked for with Basic proof and the refresh token, once for all who wait', async () => {
    const { channel, asked } = await stage(ok);
    await Promise.all([channel.identity(calm), channel.identity(calm), channel.identity(calm)]);
    const calls = asked(tokenPath);
    expect(calls.length).toBe(1);
    expect(calls[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('app-id:cert-secret').toString('base64')}`,
    );
    const form = new URLSearchParams(String(calls[0]?.body));
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'v^1.1#refresh-secret',
    });
    expect(asked('/commerce/identity/v1/user/')[0]?.headers.authorization).toBe('Bearer token-user');
  });

  test('outlive a restart, so that a crash loop burns none, and are renewed before they end', async () => {
    const { channel, reopen, asked, pass } = await stage(ok);
    await channel.identity(calm);
    for (let at = 0; at < 5; at += 1) await reopen().identity(calm);
    expect(asked(tokenPath).length).toBe(1);
    pass(6_300_000);
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(2);
  });

  test('of other credentials are never taken from the vault', async () => {
    const { channel, reopen, asked } = await stage(ok);
    await channel.identity(calm);
    await reopen({ client_secret: 'another' }).identity(calm);
    await reopen({ refresh_token: 'another' }).identity(calm);
    expect(asked(tokenPath).length).toBe(3);
  });

  test('that are refused are renewed once and the request repeated', async () => {
    let refusals = 1;
    const { channel, asked } = await stage((call) => {
      if (!call.path.includes('identity/v1/user')) return undefined;
      refusals -= 1;
      return refusals >= 0 ? { status: 401, json: { errors: [{ errorId: 1001 }] } } : user;
    });
    expect(await channel.identity(calm)).toEqual({ accountId: 'u-1', title: 'myshop' });
    expect(asked(tokenPath).length).toBe(2);
    refusals = 99;
    const error = await failure(channel.identity(calm));
    expect(error.kind).toBe('auth');
    expect(asked('/commerce/identity/v1/user/').length).toBe(4);
  });

  test.each([
    [400, 'invalid_grant', 'auth', /consent again/],
    [401, 'invalid_client', 'auth', /client_id/],
    [400, 'unauthorized_client', 'auth', /account-deletion/],
    [429, 'quota', 'throttled', /^$/],
    [503, '', 'retry', /^$/],
  ])('HTTP %i %s is %s', async (status, error, kind, hint) => {
    const { channel } = await stage((call) =>
      call.path === tokenPath ? { status, json: { error } } : ok(call),
    );
    const thrown = await failure(channel.identity(calm));
    expect(thrown.kind).toBe(kind);
    expect(thrown.hint).toMatch(hint);
    expect(`${thrown.message} ${thrown.hint}`).not.toMatch(/cert-secret|refresh-secret/);
  });

  test('that are not to be had park a push and spend nothing', async () => {
    const { channel } = await stage((call) =>
      call.path === tokenPath ? { status: 400, json: { error: 'invalid_grant' } } : undefined,
    );
    const ref = { listingId: 'A', counterKey: 'A', channelSku: 'A', facts: null };
    const [outcome] = await channel.setStock([{ ...ref, quantity: 1, base: null, key: 'k' }], calm);
    expect(outcome).toMatchObject({ kind: 'auth', error: expect.stringMatching(/consent again/) });
  });

  test('a request for a token without an answer is tried again, for nothing was done', async () => {
    const { channel } = await stage((call) => (call.path === tokenPath ? { hangUp: true } : ok(call)));
    expect((await failure(channel.identity(calm))).kind).toBe('retry');
  });

  test('come from token_url where it is set', async () => {
    const { url, reopen, asked } = await stage((call) =>
      call.path === '/elsewhere' ? { json: { access_token: 't', expires_in: '7200' } } : ok(call),
    );
    await reopen({ token_url: `${url}/elsewhere` }).identity(calm);
    expect(asked('/elsewhere').length).toBe(1);
    expect(asked(tokenPath).length).toBe(0);
  });
});

describe('the seller’s consent', () => {
  test.each([
    ['2026-11-01', 'ok'],
    ['2025-09-01', 'ok'],
    ['2025-08-01', 'warn'],
    ['2025-06-01', 'warn'],
    ['2025-05-01', 'fail'],
    [undefined, 'warn'],
  ])('given on %s is %s on 2026-11-23, with a remedy', (created, level) => {
    const item = consentItem(configOf({ refresh_token_created: created }), noon);
    expect(item.level).toBe(level);
    expect(item.remedy === '').toBe(level === 'ok');
  });
});

describe('the configuration', () => {
  test.each([
    ['verification_token', 'x'.repeat(31)],
    ['verification_token', 'x'.repeat(81)],
    ['verification_token', `${'x'.repeat(40)}!`],
    ['marketplace', 'EBAY_MARS'],
    ['refresh_token_created', 'lately'],
    ['client_id', ''],
    ['trading_url', 'ftp://x'],
    ['no_such_key', 1],
  ])('refuses %s %s', (key, value) => {
    expect(() => configOf({ [key]: value })).toThrow();
  });
});
