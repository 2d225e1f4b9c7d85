import { describe, expect, test } from 'vitest';
import { calm } from '../../kit/stage.ts';
import { channelAt, type Received, type Reply, startShop, testClock } from './scripted-shop.ts';

const shopAnswer = {
  shop: { id: 'gid://shopify/Shop/1', myshopifyDomain: 'example.myshopify.com', name: 'Example' },
  currentAppInstallation: { id: 'a', accessScopes: [] },
};
const client = { config: { access_token: undefined, client_id: 'the-id', client_secret: 'the-secret' } };

/** A shop that hands out numbered tokens and accepts those that `accepts` allows. */
function granting(accepts: (token: string) => boolean): Parameters<typeof startShop>[0] {
  let granted = 0;
  return {
    token: () => {
      granted += 1;
      return {
        text: JSON.stringify({ access_token: `shpat_${granted}`, scope: 'read_products', expires_in: 86399 }),
      };
    },
    Shop: ({ token }: Received): Reply =>
      accepts(token ?? '')
        ? { data: shopAnswer }
        : { status: 401, text: '{"errors":"[API] Invalid API key or access token"}' },
  };
}

describe('the client-credentials grant', () => {
  test('ten calls at once ask for one token', async () => {
    const shop = await startShop(granting(() => true));
    const channel = channelAt(shop.url, client);
    await Promise.all(Array.from({ length: 10 }, () => channel.identity(calm)));
    expect(shop.of('token')).toHaveLength(1);
    expect(new URLSearchParams(shop.of('token')[0]?.body)).toEqual(
      new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'the-id',
        client_secret: 'the-secret',
      }),
    );
    expect(new Set(shop.of('Shop').map((call) => call.token))).toEqual(new Set(['shpat_1']));
  });

  test('the token is renewed after 80 % of its life and not before', async () => {
    const shop = await startShop(granting(() => true));
    const clock = testClock();
    const channel = channelAt(shop.url, { ...client, clock });
    await channel.identity(calm);
    clock.pass(86_399 * 800 - 1000);
    await channel.identity(calm);
    expect(shop.of('token')).toHaveLength(1);
    clock.pass(2000);
    await channel.identity(calm);
    expect(shop.of('token')).toHaveLength(2);
    expect(shop.of('Shop').at(-1)?.token).toBe('shpat_2');
  });

  test('a 401 renews the token once for all callers and the request is sent again', async () => {
    const shop = await startShop(granting((token) => token !== 'shpat_1'));
    const channel = channelAt(shop.url, client);
    await Promise.all(Array.from({ length: 5 }, () => channel.identity(calm)));
    expect(shop.of('token')).toHaveLength(2);
  });

  test('a token that is refused twice is auth, not an endless renewal', async () => {
    const shop = await startShop(granting(() => false));
    const channel = channelAt(shop.url, client);
    await expect(channel.identity(calm)).rejects.toMatchObject({ kind: 'auth' });
    expect(shop.of('token')).toHaveLength(2);
    expect(shop.of('Shop')).toHaveLength(2);
  });

  test('app and shop of different organizations are told in words, without the secret', async () => {
    const shop = await startShop({ token: [{ status: 400, text: '{"error":"shop_not_permitted"}' }] });
    const channel = channelAt(shop.url, client);
    const failure = await channel.identity(calm).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: 'auth', hint: expect.stringContaining('organization') });
    expect(String(failure)).not.toContain('the-secret');
  });

  test('a token endpoint that is down is tried again, and one that throttles is waited for', async () => {
    const shop = await startShop({
      token: [
        { status: 503, text: '' },
        { status: 429, headers: { 'retry-after': '7' }, text: '' },
      ],
    });
    const channel = channelAt(shop.url, client);
    await expect(channel.identity(calm)).rejects.toMatchObject({ kind: 'retry' });
    await expect(channel.identity(calm)).rejects.toMatchObject({ kind: 'throttled', afterMs: 7000 });
  });
});

describe('stopping', () => {
  test('a caller that is stopped while a token is on its way stops waiting, the others get it', async () => {
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const script = granting(() => true);
    const stop = new AbortController();
    const shop = await startShop({
      ...script,
      token: () => {
        answer();
        return { text: JSON.stringify({ access_token: 'shpat_1', expires_in: 86399 }) };
      },
    });
    const channel = channelAt(shop.url, client);
    const stopped = channel.identity(stop.signal).catch((error: unknown) => error);
    const other = channel.identity(calm);
    stop.abort();
    await asked;
    expect(await stopped).toMatchObject({ kind: 'retry' });
    expect((await other).accountId).toBe('gid://shopify/Shop/1');
    expect(shop.of('Shop')).toHaveLength(1);
  });
});

describe('a static token', () => {
  test('a 401 is auth at once and no token is asked for', async () => {
    const shop = await startShop(granting(() => false));
    const channel = channelAt(shop.url);
    await expect(channel.identity(calm)).rejects.toMatchObject({ kind: 'auth' });
    expect(shop.received.map((call) => call.operation)).toEqual(['Shop']);
  });

  test('requests go to the pinned version under the configured base address', async () => {
    const shop = await startShop(granting(() => true));
    const channel = channelAt(shop.url, { config: { api_version: '2026-07' } });
    expect(await channel.identity(calm)).toEqual({
      accountId: 'gid://shopify/Shop/1',
      title: 'Example (example.myshopify.com)',
    });
    expect(shop.received[0]?.path).toBe('/admin/api/2026-07/graphql.json');
  });
});
