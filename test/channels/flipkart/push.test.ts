import { describe, expect, test } from 'vitest';
import type { PushOutcome } from '../../../src/channels/channel.ts';
import { calm, type Reply } from '../../kit/stage.ts';
import { type Account, account, answers, fsnOf, here, line, stage, updatePath } from './scripted-flipkart.ts';

function ten(): Account {
  return account(Array.from({ length: 10 }, (_, at) => ({ sku: `S-${at}`, inventory: 10 })));
}

const allOf = (state: Account, quantity: number) => state.skus.map(({ sku }) => line(sku, quantity, 10));

describe('a push to Flipkart', () => {
  test('writes ten SKUs in one call with product id and location, echoing the status, and nothing else', async () => {
    const state = account([
      { sku: 'MUG-RED', inventory: 10 },
      { sku: 'MUG-OFF', inventory: 10, status: 'DISABLED' },
      { sku: 'MUG-OLD', inventory: 10, status: null },
    ]);
    const { channel, asked } = await stage(answers(state));
    const outcomes = await channel.setStock(allOf(state, 7), calm);
    expect(outcomes).toEqual([{ kind: 'accepted' }, { kind: 'accepted' }, { kind: 'accepted' }]);
    expect(asked(updatePath).map(({ body }) => body)).toEqual([
      {
        'MUG-RED': {
          product_id: fsnOf('MUG-RED'),
          locations: [{ id: here, status: 'ENABLED', inventory: 7 }],
        },
        'MUG-OFF': {
          product_id: fsnOf('MUG-OFF'),
          locations: [{ id: here, status: 'DISABLED', inventory: 7 }],
        },
        'MUG-OLD': { product_id: fsnOf('MUG-OLD'), locations: [{ id: here, inventory: 7 }] },
      },
    ]);
    expect(asked(updatePath)[0]?.headers['content-type']).toContain('application/json');
  });

  test('is read back after its apply lag: a success is accepted, and the lag is ten minutes', async () => {
    const state = ten();
    const { channel } = await stage(answers(state));
    expect(channel.capabilities.settleMs).toBe(600_000);
    expect(channel.capabilities.batchSize).toBe(10);
    const outcomes = await channel.setStock(allOf(state, 0), calm);
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['accepted']));
    expect(state.writes.length).toBe(1);
  });

  test('sees failures inside HTTP 200, each in its place', async () => {
    const state = ten();
    state.failing.set('S-1', 'product_id does not match this sku');
    state.failing.set('S-2', 'Internal error, please try again');
    state.failing.set('S-3', 'location is not active');
    state.failing.set('S-4', 'inventory is frozen by policy');
    const { channel } = await stage(answers(state));
    const outcomes = await channel.setStock(allOf(state, 4), calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      'accepted',
      'rejected',
      'retry',
      'rejected',
      'rejected',
      ...Array.from({ length: 5 }, () => 'accepted'),
    ]);
    expect(outcomes[1]).toMatchObject({ hint: expect.stringContaining('FSN') });
    expect(outcomes[3]).toMatchObject({ hint: expect.stringContaining('location') });
    expect(outcomes[4]).toMatchObject({ error: expect.stringContaining('2001 x inventory is frozen') });
    expect(state.skus[1]?.inventory).toBe(10);
  });

  test('with WARNING was obeyed with remarks', async () => {
    const state = account([{ sku: 'A', inventory: 1 }]);
    const { channel } = await stage((call) =>
      call.path === updatePath
        ? { json: { A: { status: 'WARNING', errors: [{ severity: 'WARNING', description: 'low' }] } } }
        : answers(state)(call),
    );
    expect(await channel.setStock([line('A', 5, 1)], calm)).toEqual([{ kind: 'accepted' }]);
  });

  test('that is refused as a whole is halved until the poison stands alone', async () => {
    const state = ten();
    const { channel, asked } = await stage((call) => {
      const isPoisoned = call.path === updatePath && Object.hasOwn(call.body as object, 'S-6');
      return isPoisoned ? { status: 400, json: { message: 'bad row' } } : answers(state)(call);
    });
    const outcomes = await channel.setStock(allOf(state, 4), calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual(
      state.skus.map(({ sku }) => (sku === 'S-6' ? 'rejected' : 'accepted')),
    );
    const sizes = asked(updatePath).map(({ body }) => Object.keys(body as object).length);
    expect(sizes).toEqual([10, 5, 5, 3, 2, 1, 1, 1, 2]);
    expect(state.skus.filter(({ inventory }) => inventory === 4).length).toBe(9);
  });

  test('that the answer leaves out is sent once more by itself, and then told', async () => {
    const state = ten();
    state.leftOut.set('S-2', 1);
    state.leftOut.set('S-5', 9);
    const { channel } = await stage(answers(state));
    const outcomes = await channel.setStock(allOf(state, 4), calm);
    expect(outcomes[2]).toEqual({ kind: 'accepted' });
    expect(outcomes[5]).toMatchObject({ kind: 'retry' });
    expect(state.writes.map((write) => Object.keys(write).length)).toEqual([10, 1, 1]);
  });

  test('on a number that moved is a conflict that tells it, and writes only the others', async () => {
    const state = account([
      { sku: 'A', inventory: 10 },
      { sku: 'B', inventory: 8 },
    ]);
    const { channel } = await stage(answers(state));
    const outcomes = await channel.setStock([line('A', 3, 10), line('B', 3, 10)], calm);
    expect(outcomes).toMatchObject([{ kind: 'accepted' }, { kind: 'conflict', shown: 8 }]);
    expect(state.writes.map((write) => Object.keys(write))).toEqual([['A']]);
  });

  test('that would harm is refused before anything is sent to it', async () => {
    const state = account([
      { sku: 'FBF', inventory: 5, profile: 'FBF' },
      { sku: 'GOOD', inventory: 5 },
    ]);
    const { channel } = await stage(answers(state));
    const lines = [
      line('FBF', 3, null),
      line('A,B', 3, null),
      line('GHOST', 3, null),
      { ...line('GOOD', -1, 5) },
      { ...line('GOOD', 1.5, 5) },
      line('GOOD', 1_000_000, 5),
    ];
    const outcomes = await channel.setStock(lines, calm);
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['rejected']));
    for (const outcome of outcomes) if (outcome.kind === 'rejected') expect(outcome.hint).not.toBe('');
    expect(state.writes).toEqual([]);
  });

  test('takes large numbers: nothing stops at 25', async () => {
    const state = account([{ sku: 'A', inventory: 10 }]);
    const { channel } = await stage(answers(state));
    await channel.setStock([line('A', 999_999, 10)], calm);
    expect(state.skus[0]?.inventory).toBe(999_999);
  });

  test('writes a SKU that is the name of something in every object', async () => {
    const state = account([{ sku: 'constructor', inventory: 10 }]);
    const { channel } = await stage(answers(state));
    expect(await channel.setStock([line('constructor', 3, 10)], calm)).toEqual([{ kind: 'accepted' }]);
    expect(state.skus[0]?.inventory).toBe(3);
  });

  test('answered 202 without a body is accepted', async () => {
    const state = ten();
    const { channel } = await stage((call) =>
      call.path === updatePath ? { status: 202 } : answers(state)(call),
    );
    expect(await channel.setStock([line('S-1', 3, 10)], calm)).toEqual([{ kind: 'accepted' }]);
  });
});

describe('a push to Flipkart in bad weather', () => {
  test.each<[string, PushOutcome['kind'], Reply]>([
    ['a cut connection', 'unknown', { hangUp: true }],
    ['500', 'unknown', { status: 500, json: {} }],
    ['503', 'throttled', { status: 503, json: {} }],
    ['its own time-out, 499', 'unknown', { status: 499, json: {} }],
    ['a web page', 'unknown', { text: '<html></html>' }],
    ['truncated JSON', 'unknown', { text: '{"S-0":{"status":"SUCC' }],
    ['a list', 'unknown', { json: [] }],
    ['429', 'throttled', { status: 429, json: {} }],
    ['401', 'auth', { status: 401, json: {} }],
    ['403', 'auth', { status: 403, json: {} }],
  ])('that is answered with %s is %s', async (_, kind, reply) => {
    const state = ten();
    const { channel } = await stage((call) => (call.path === updatePath ? reply : answers(state)(call)));
    const outcomes = await channel.setStock([line('S-0', 3, 10), line('S-1', 3, 10)], calm);
    expect(outcomes.map((outcome) => outcome.kind)).toEqual([kind, kind]);
    for (const outcome of outcomes)
      if (outcome.kind === 'throttled') expect(outcome.afterMs).toBeGreaterThan(0);
  });

  test('that could not even be read for was not sent, whatever the answer', async () => {
    for (const reply of [{ hangUp: true as const }, { status: 500 }, { text: 'x' }]) {
      const { channel, asked } = await stage((call) =>
        call.path.startsWith('/sellers/listings') ? reply : undefined,
      );
      const outcomes = await channel.setStock([line('S-0', 3, 10)], calm);
      expect(outcomes).toMatchObject([{ kind: 'retry' }]);
      expect(asked(updatePath)).toEqual([]);
    }
  });

  test('whose halves fail by halves leaves nothing in doubt that was not sent', async () => {
    const state = ten();
    let writes = 0;
    const { channel } = await stage((call) => {
      if (call.path !== updatePath) return answers(state)(call);
      writes += 1;
      return writes === 1 ? { status: 400, json: {} } : { hangUp: true };
    });
    const outcomes = await channel.setStock(allOf(state, 4), calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      ...Array.from({ length: 5 }, () => 'unknown'),
      ...Array.from({ length: 5 }, () => 'retry'),
    ]);
  });

  test('shows no secret in any outcome', async () => {
    const { channel } = await stage(() => ({ status: 401, json: { error: 'bad' } }));
    const text = JSON.stringify(await channel.setStock([line('S-0', 3, 10)], calm));
    expect(text).toContain('auth');
    expect(text).not.toMatch(/app-secret-1|token-1/);
  });
});
