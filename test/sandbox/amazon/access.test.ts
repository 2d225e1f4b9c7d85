import { beforeEach, describe, expect, test } from 'vitest';
import { createAmazonShop } from '../../../src/sandbox/amazon/index.ts';
import { catalogue } from '../../kit/shop-stage.ts';
import { grant, grantless, itemPath, send, startWorld, US, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});

const participations = '/sellers/v1/marketplaceParticipations';

describe('the token endpoint', () => {
  test('gives a seller token for the refresh token and a grantless one for a scope', async () => {
    const seller = await grant(world.shop);
    expect(seller.status).toBe(200);
    expect(seller.body).toMatchObject({
      token_type: 'bearer',
      expires_in: 3600,
      refresh_token: world.shop.credentials.refreshToken,
    });
    expect(seller.body.access_token).toMatch(/^Atza\|/);
    const own = await grant(world.shop, grantless);
    expect(own.status).toBe(200);
    expect(own.body.refresh_token).toBeUndefined();
  });

  test.each([
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type'],
    [{ grant_type: null }, 400, 'invalid_request'],
    [{ client_secret: 'old' }, 401, 'invalid_client'],
    [{ client_id: 'nobody' }, 401, 'invalid_client'],
    [{ refresh_token: 'Atzr|other' }, 400, 'invalid_grant'],
    [{ ...grantless, scope: 'profile' }, 400, 'invalid_scope'],
  ])('refuses %j', async (changes, status, error) => {
    const answer = await grant(world.shop, changes);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toBe(error);
    expect(answer.body.error_description).toBeTypeOf('string');
  });

  test('wants a form, not JSON', async () => {
    const answer = await send(`${world.shop.url}/auth/o2/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.body.error).toBe('invalid_request');
  });

  test('lets a token die after an hour of the platform', async () => {
    expect((await world.api('GET', participations)).status).toBe(200);
    world.tick(3_600_001);
    const late = await world.api('GET', participations);
    expect(late.status).toBe(403);
    expect(late.body.errors[0]).toEqual({
      code: 'Unauthorized',
      message: 'Access to requested resource is denied.',
      details: 'The access token you provided has expired.',
    });
    expect(late.headers['x-amzn-errortype']).toBe('UnauthorizedException');
  });

  test('makes that hour a minute at a time scale of 60', async () => {
    const fast = await startWorld({ timeScale: 60 });
    expect((await grant(fast.shop)).body.expires_in).toBe(60);
  });

  test('once revoked refuses the refresh token and the access tokens that are out', async () => {
    expect((await world.api('GET', participations)).status).toBe(200);
    world.shop.fault({ name: 'token_revoked' });
    expect((await grant(world.shop)).body.error).toBe('invalid_grant');
    expect((await world.api('GET', participations)).status).toBe(403);
    world.shop.fault({ clear: true });
    expect((await grant(world.shop)).status).toBe(200);
  });

  test('knows a secret that is older than 180 days', async () => {
    world.shop.fault({ name: 'secret_expired', count: 1 });
    expect(await grant(world.shop)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});

describe('under the fault auth', () => {
  test('a call is refused, and so is the renewal that follows, and no more', async () => {
    await world.api('GET', participations);
    world.shop.fault({ name: 'auth', count: 1 });
    expect((await world.api('GET', participations)).status).toBe(403);
    expect(await grant(world.shop)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect((await grant(world.shop)).status).toBe(200);
    expect((await world.api('GET', participations)).status).toBe(200);
  });

  test('a grant that comes first is refused, and clearing it forgives', async () => {
    world.shop.fault({ name: 'auth', count: 1 });
    expect((await grant(world.shop)).status).toBe(401);
    expect((await grant(world.shop)).status).toBe(200);
    await world.api('GET', participations);
    world.shop.fault({ name: 'auth', count: 1 });
    await world.api('GET', participations);
    world.shop.fault({ clear: true });
    expect((await grant(world.shop)).status).toBe(200);
  });

  test('the queue refuses the keys', async () => {
    world.shop.fault({ name: 'auth', count: 1 });
    const ask = { QueueUrl: world.shop.queue.url, WaitTimeSeconds: 0 };
    const refused = await world.sqs('ReceiveMessage', ask);
    expect(refused.status).toBe(403);
    expect(refused.body.__type).toMatch(/UnrecognizedClientException$/);
    expect((await world.sqs('ReceiveMessage', ask)).status).toBe(200);
  });
});

describe('two shops', () => {
  test('are of two merchants: neither queue nor topic has the other’s name', async () => {
    const [one, other] = [7, 8].map((seed) =>
      createAmazonShop({ name: 'shop', seed, timeScale: 1, catalogue: catalogue(3), port: 0 }),
    );
    expect(one?.topic.arn).toMatch(/^arn:aws:sns:us-east-1:\d{12}:invsync-shop$/);
    expect(one?.topic.arn).not.toBe(other?.topic.arn);
    expect(one?.queue.arn).not.toBe(other?.queue.arn);
    await Promise.all([one?.stop(), other?.stop()]);
  });
});

describe('the door of the API', () => {
  test('tells both kinds of token apart, either way', async () => {
    const asSeller = await world.api('GET', '/notifications/v1/destinations');
    expect(asSeller.status).toBe(403);
    const asApp = await world.api('GET', participations, { token: 'grantless' });
    expect(asApp.status).toBe(403);
    const right = await world.api('GET', '/notifications/v1/destinations', { token: 'grantless' });
    expect(right.status).toBe(200);
  });

  test('refuses a call without a token, with a strange one, and without a user agent', async () => {
    const none = await send(`${world.shop.url}${participations}`);
    expect(none.body.errors[0].details).toBe('Access token is missing in the request header.');
    const strange = await world.api('GET', participations, { token: 'Atza|x' });
    expect(strange.body.errors[0].details).toMatch(/revoked, malformed or invalid/);
    const { body } = await grant(world.shop);
    const silent = await send(`${world.shop.url}${participations}`, {
      headers: { 'x-amz-access-token': body.access_token, 'user-agent': '' },
    });
    expect(silent.status).toBe(403);
  });

  test('names the request, and on most good answers the rate', async () => {
    const answers = [];
    for (let turn = 0; turn < 15; turn += 1) answers.push(await world.api('GET', participations));
    for (const { status, headers } of answers) {
      expect(status).toBe(200);
      expect(headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/);
    }
    const rates = answers.map(({ headers }) => headers['x-amzn-ratelimit-limit']);
    expect(new Set(rates)).toEqual(new Set(['0.016', undefined]));
  });

  test('fills the bucket up again at the operation’s rate, and no header tells when', async () => {
    for (let turn = 0; turn < 15; turn += 1) await world.api('GET', participations);
    const over = await world.api('GET', participations);
    expect(over.status).toBe(429);
    expect(over.body.errors[0]).toEqual({
      code: 'QuotaExceeded',
      message: 'You exceeded your quota for the requested resource.',
      details: '',
    });
    expect(over.headers['retry-after']).toBeUndefined();
    expect(over.headers['x-amzn-ratelimit-limit']).toBeUndefined();
    world.tick(62_000);
    expect((await world.api('GET', participations)).status).toBe(429);
    world.tick(1_000);
    expect((await world.api('GET', participations)).status).toBe(200);
    expect((await world.api('GET', participations)).status).toBe(429);
  });

  test('has more of every rate in a bigger plan, the bursts as they are', async () => {
    const big = await startWorld({ usagePlan: 10 });
    const answers = [];
    for (let turn = 0; turn < 16; turn += 1) answers.push(await big.api('GET', participations));
    expect(answers.map(({ status }) => status)).toEqual([...Array(15).fill(200), 429]);
    const rates = answers.map(({ headers }) => headers['x-amzn-ratelimit-limit']);
    expect(new Set(rates)).toEqual(new Set(['0.16', undefined]));
    big.tick(6_300);
    expect((await big.api('GET', participations)).status).toBe(200);
  });

  test('runs its buckets faster at a time scale', async () => {
    const fast = await startWorld({ timeScale: 60 });
    const search = () =>
      fast.api('GET', '/orders/2026-01-01/orders', { query: { createdAfter: '2026-01-01' } });
    for (let turn = 0; turn < 20; turn += 1) expect((await search()).status).toBe(200);
    expect((await search()).status).toBe(429);
    fast.tick(3_000);
    const again = await search();
    expect(again.status).toBe(200);
  });

  test('shows where the seller takes part, and where he does not', async () => {
    const { body } = await world.api('GET', participations);
    expect(body.payload.map((one: { participation: unknown }) => one.participation)).toEqual([
      { isParticipating: true, hasSuspendedListings: false },
      { isParticipating: true, hasSuspendedListings: false },
      { isParticipating: false, hasSuspendedListings: false },
    ]);
  });

  test('has a wrong region and a missing role look alike, but not on the same calls', async () => {
    world.shop.fault({ name: 'wrong_region' });
    expect((await world.api('GET', participations)).status).toBe(403);
    world.shop.fault({ clear: true });
    world.shop.fault({ name: 'missing_role' });
    expect((await world.api('GET', participations)).status).toBe(200);
    expect(await world.seen('SKU-1')).toBe(10);
    const write = await world.setNumber('SKU-1', 3);
    expect(write).toMatchObject({ status: 403, body: { errors: [{ code: 'Unauthorized' }] } });
    expect(world.shown('SKU-1')).toBe(10);
  });

  test.each([
    ['auth', 403, 'Unauthorized'],
    ['throttle', 429, 'QuotaExceeded'],
  ])('answers the fault %s in the shape of the API', async (name, status, code) => {
    world.shop.fault({ name, count: 1 });
    const answer = await world.api('GET', itemPath(world, 'SKU-1'), { query: { marketplaceIds: US } });
    expect(answer.status).toBe(status);
    expect(answer.body.errors[0].code).toBe(code);
  });

  test('cuts the connection, breaks before and after the write, and obeys late, as told', async () => {
    world.shop.fault({ name: 'timeout', count: 1 });
    await expect(world.setNumber('SKU-1', 1)).rejects.toThrow();
    expect(world.shown('SKU-1')).toBe(10);
    world.shop.fault({ name: 'error_500', count: 1 });
    expect((await world.setNumber('SKU-1', 2)).status).toBeGreaterThanOrEqual(500);
    expect(world.shown('SKU-1')).toBe(10);
    world.shop.fault({ name: 'error_500_after', count: 1 });
    expect((await world.setNumber('SKU-1', 3)).status).toBe(500);
    expect(world.shown('SKU-1')).toBe(3);
    world.shop.fault({ name: 'apply_then_timeout', count: 1 });
    await expect(world.setNumber('SKU-1', 4)).rejects.toThrow();
    expect(world.shown('SKU-1')).toBe(4);
    world.shop.fault({ name: 'late_apply', count: 1, ms: 600_000 });
    await expect(world.setNumber('SKU-1', 5)).rejects.toThrow();
    expect(world.shown('SKU-1')).toBe(4);
    await world.shop.settle();
    expect(world.shown('SKU-1')).toBe(5);
    const writes = world.shop.records().calls.filter((call) => call.kind === 'write');
    expect(writes.map(({ to, applied, answered }) => [to, applied, answered])).toEqual([
      [3, true, false],
      [4, true, false],
      [5, true, false],
    ]);
  });

  test('lets a sale slip in before a write', async () => {
    world.shop.fault({ name: 'sale_before_write', count: 1 });
    await world.setNumber('SKU-1', 8);
    expect(world.shop.records().orders).toHaveLength(1);
    const [write] = world.shop.records().calls.filter((call) => call.kind === 'write');
    expect(write).toMatchObject({ from: 9, to: 8, applied: true, answered: true });
  });

  test('stops in the middle of a slow call, and twice without harm', async () => {
    await world.seen('SKU-1');
    world.shop.fault({ name: 'slow', ms: 600_000 });
    const call = world.api('GET', itemPath(world, 'SKU-1'), { query: { marketplaceIds: US } });
    const lost = expect(call).rejects.toThrow();
    await world.shop.stop();
    await lost;
    await world.shop.stop();
  });

  test('gives the same account for the same seed and another for another', () => {
    const config = (seed: number) => {
      const shop = createAmazonShop({ name: 's', seed, timeScale: 1, catalogue: catalogue(2), port: 0 });
      return shop.channelConfig();
    };
    expect(config(1)).toEqual(config(1));
    expect(config(1)['client_secret']).not.toBe(config(2)['client_secret']);
    expect(config(1)).toMatchObject({ type: 'amazon', mode: 'live', region: 'na', marketplaces: [US] });
  });
});
