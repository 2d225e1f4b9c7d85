import { describe, expect, test } from 'vitest';
import { type Call, calm, failure, listed, noon, type Reply } from '../../kit/stage.ts';
import { account, answers, filterPath, line, searchPath, stage, updatePath } from './scripted-flipkart.ts';

const empty: Reply = { json: { has_more: false, listings: [] } };

describe('a request to Flipkart', () => {
  test.each<[string, string, Reply]>([
    ['429', 'throttled', { status: 429, json: {} }],
    ['503', 'throttled', { status: 503, text: 'busy' }],
    ['499 of its own', 'throttled', { status: 499, json: { message: 'connection timed out' } }],
    ['a web page with 200', 'throttled', { text: '<!DOCTYPE html><html>login</html>' }],
    [
      'a web page by its type',
      'throttled',
      { text: 'hello', headers: { 'content-type': 'text/html; charset=utf-8' } },
    ],
    ['500', 'retry', { status: 500, json: {} }],
    ['a gateway page with 502', 'retry', { status: 502, text: '<html>bad gateway</html>' }],
    ['truncated JSON', 'retry', { text: '{"has_more":fal' }],
    ['text', 'retry', { text: 'ok' }],
    ['nothing', 'retry', {}],
    ['a list', 'retry', { json: [] }],
    ['listings that are a number', 'retry', { json: { has_more: false, listings: 7 } }],
    ['has_more that is a text', 'retry', { json: { has_more: 'no', listings: [] } }],
    ['403', 'auth', { status: 403, json: {} }],
    ['400', 'rejected', { status: 400, json: { errors: [{ code: 1, description: 'no' }] } }],
    ['a redirect', 'rejected', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }],
  ])('that is answered with %s is %s', async (_, kind, reply) => {
    const { channel } = await stage((call) => (call.path === searchPath ? reply : undefined));
    const error = await failure(channel.identity(calm));
    expect(error.kind).toBe(kind);
    if (kind === 'throttled') expect(error.afterMs).toBeGreaterThan(0);
    if (kind === 'auth') expect(error.hint).not.toBe('');
  });

  test('that is refused for too many backs off twice as long each time, and all others wait a little', async () => {
    let refusals = 3;
    const { channel, now } = await stage((call) => {
      if (call.path !== searchPath) return undefined;
      refusals -= 1;
      return refusals >= 0 ? { status: 429, json: {} } : empty;
    });
    const waits: (number | undefined)[] = [];
    for (let at = 0; at < 3; at += 1) waits.push((await failure(channel.identity(calm))).afterMs);
    expect(waits).toEqual([2_000, 4_000, 8_000]);
    const before = now();
    await channel.identity(calm);
    expect(now() - before).toBe(5_000);
  });

  test('waits for as long as Retry-After says', async () => {
    const { channel } = await stage((call) =>
      call.path === searchPath ? { status: 429, headers: { 'retry-after': '30' } } : undefined,
    );
    expect((await failure(channel.identity(calm))).afterMs).toBe(30_000);
  });

  test('keeps to the configured rate, half of it for orders, and one family does not wait for the other', async () => {
    const script = (call: Call): Reply | undefined => {
      if (call.path === searchPath) return empty;
      return call.path === filterPath ? { json: { hasMore: false, shipments: [] } } : undefined;
    };
    const { channel, now, asked } = await stage(script, { config: { requests_per_second: 4 } });
    for (let at = 0; at < 5; at += 1) await channel.identity(calm);
    expect(now() - noon).toBe(4 * 250);
    for await (const _ of channel.ordersSince(noon, calm));
    expect(asked(filterPath).length).toBe(6);
    expect(now() - noon).toBe(4 * 250 + 5 * 500);
  });

  test('to write goes before reads that wait', async () => {
    const state = account(Array.from({ length: 40 }, (_, at) => ({ sku: `S-${at}`, inventory: 1 })));
    const { channel, calls } = await stage(answers(state));
    const reading = listed(channel);
    const [[outcome]] = await Promise.all([channel.setStock([line('S-1', 5, 1)], calm), reading]);
    expect(outcome).toEqual({ kind: 'accepted' });
    const written = calls.findIndex((call) => call.path === updatePath);
    expect(calls.length - written).toBeGreaterThan(2);
  });

  test('that was stopped beforehand is not sent', async () => {
    const { channel, calls } = await stage(() => undefined);
    expect((await failure(channel.identity(AbortSignal.abort()))).kind).toBe('retry');
    const [outcome] = await channel.setStock([line('S-1', 5, 1)], AbortSignal.abort());
    expect(outcome?.kind).toBe('retry');
    expect(calls).toEqual([]);
  });
});
