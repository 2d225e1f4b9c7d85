import { describe, expect, test } from 'vitest';
import { isUploadUrl } from '../../../src/channels/amazon/feed.ts';
import { calm } from '../../kit/stage.ts';
import { item, refusal, scripted, secrets, shelf } from './scripted-amazon.ts';

const ref = (sku: string) => ({ listingId: sku, counterKey: sku, channelSku: sku, facts: null });

describe('rates', () => {
  test('x-amzn-RateLimit-Limit replaces the published rate', async () => {
    const { channel, clock } = await scripted({
      searchListingsItems: (received) => {
        const reply = shelf([item('A', 1)])(received);
        return typeof reply === 'string' ? reply : { ...reply, headers: { 'x-amzn-RateLimit-Limit': '0.5' } };
      },
    });
    const began = clock.now();
    for (let at = 0; at < 8; at += 1) await channel.readStock([ref('A')], calm);
    // Five are saved up, four of which are used; the other four wait two seconds each at the rate that the answers tell.
    expect(clock.now() - began).toBeGreaterThanOrEqual(5_000);
    expect(clock.now() - began).toBeLessThan(9_000);
  });

  test('a 429 backs off longer each time, at least as long as one token takes, and spends no attempt', async () => {
    const { channel } = await scripted({
      searchListingsItems: [
        {
          status: 429,
          json: refusal('QuotaExceeded', 'You exceeded your quota for the requested resource.'),
        },
      ],
    });
    const waits: number[] = [];
    for (let at = 0; at < 4; at += 1) {
      const error: unknown = await channel.readStock([ref('A')], calm).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ kind: 'throttled', message: expect.stringContaining('QuotaExceeded') });
      waits.push((error as { afterMs: number }).afterMs);
    }
    expect(waits[0]).toBeGreaterThanOrEqual(200);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits[3]).toBeGreaterThan((waits[0] ?? 0) * 4);
  });

  test('the level of a slow bucket is remembered over a restart, so that a crash loop cannot spend its burst again', async () => {
    const script = { searchOrders: [{ json: { orders: [], lastUpdatedBefore: '2026-11-23T09:58:00Z' } }] };
    const { channel, open, clock } = await scripted(script);
    for (let at = 0; at < 19; at += 1) for await (const _ of channel.ordersSince(0, calm));
    expect(clock.slept).toEqual([]);
    const again = open();
    for await (const _ of again.ordersSince(0, calm));
    expect(clock.slept).toEqual([]);
    const walk = again.ordersSince(0, calm)[Symbol.asyncIterator]();
    const error: unknown = await walk.next().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'throttled', afterMs: expect.any(Number) });
    expect((error as { afterMs: number }).afterMs).toBeGreaterThan(170_000);
    expect(clock.slept).toEqual([]);
  });

  test('a walk over orders that has begun waits for its turn as long as that takes', async () => {
    const page = (token: string | null) => ({
      orders: [],
      lastUpdatedBefore: '2026-11-23T09:58:00Z',
      ...(token === null ? {} : { pagination: { nextToken: token } }),
    });
    const pages = Array.from({ length: 21 }, (_, at) => ({ json: page(at < 20 ? `t${at}` : null) }));
    const { channel, clock } = await scripted({ searchOrders: pages });
    for await (const _ of channel.ordersSince(0, calm));
    expect(clock.slept.some((ms) => ms > 170_000)).toBe(true);
  });

  test('a rate that Amazon told is remembered with the level', async () => {
    const headers = { 'x-amzn-RateLimit-Limit': '5' };
    const script = {
      searchOrders: [{ headers, json: { orders: [], lastUpdatedBefore: '2026-11-23T09:58:00Z' } }],
    };
    const { channel, open, clock } = await scripted(script);
    for (let at = 0; at < 21; at += 1) for await (const _ of channel.ordersSince(0, calm));
    const before = clock.slept.length;
    for await (const _ of open().ordersSince(0, calm));
    expect(Math.max(0, ...clock.slept.slice(before))).toBeLessThan(1_000);
  });
});

describe('answers', () => {
  test.each([
    [400, refusal('InvalidInput', 'bad'), 'rejected'],
    [401, refusal('Unauthorized', 'no'), 'auth'],
    [403, refusal('Unauthorized', 'Access to requested resource is denied.'), 'auth'],
    [413, refusal('RequestTooLarge', 'big'), 'rejected'],
    [500, refusal('InternalFailure', 'We encountered an internal error.'), 'retry'],
    [503, refusal('ServiceUnavailable', 'later'), 'retry'],
  ])('with status %s a read is %s', async (status, json, kind) => {
    const { channel } = await scripted({
      searchListingsItems: [{ status, json, headers: { 'x-amzn-RequestId': 'req-7' } }],
    });
    const error: unknown = await channel.readStock([ref('A')], calm).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind, message: expect.stringContaining('req-7') });
  });

  test('no token that a platform repeats in an error gets into a text', async () => {
    const { channel } = await scripted({
      searchListingsItems: [
        { status: 400, json: refusal('InvalidInput', 'token Atza|seller and Atzr|refresh-token-value') },
      ],
    });
    const error: unknown = await channel.readStock([ref('A')], calm).catch((thrown: unknown) => thrown);
    for (const secret of secrets) expect(String(error)).not.toContain(secret);
  });
});

describe('the address that a feed is uploaded to', () => {
  test.each([
    ['https://tortuga-prod-eu.s3-eu-west-1.amazonaws.com/x?y=1', null, true],
    ['https://a.s3.cn-north-1.amazonaws.com.cn/x', null, true],
    ['http://a.s3.amazonaws.com/x', null, false],
    ['https://a.s3.amazonaws.com:8443/x', null, false],
    ['https://user@a.s3.amazonaws.com/x', null, false],
    ['https://a.s3.amazonaws.com.evil.example/x', null, false],
    ['http://127.0.0.1:99/upload', null, false],
    ['http://127.0.0.1:99/upload', 'http://127.0.0.1:99', true],
    ['http://127.0.0.1:98/upload', 'http://127.0.0.1:99', false],
    ['nonsense', null, false],
  ])('%s with base_url %s: %s', (url, baseUrl, wanted) => {
    expect(isUploadUrl(url, baseUrl)).toBe(wanted);
  });
});
