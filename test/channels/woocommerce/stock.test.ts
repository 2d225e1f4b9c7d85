import { describe, expect, test } from 'vitest';
import type { ListingRef, PushLine } from '../../../src/channels/channel.ts';
import { noon, type Reply } from '../../kit/stage.ts';
import { catalogue, type Item } from './catalogue.ts';
import { type Call, scripted, signal } from './scripted-shop.ts';

function ref(listingId: string, counterKey = listingId): ListingRef {
  return { listingId, counterKey, channelSku: null, facts: { managed: true, parentId: null } };
}

function line(listingId: string, quantity: number, base: number | null, counterKey = listingId): PushLine {
  return { ...ref(listingId, counterKey), quantity, base, key: 'k' };
}

const product = (id: number, quantity: number | null, more: Partial<Item> = {}): Item => ({
  id,
  type: 'simple',
  manage_stock: true,
  stock_quantity: quantity,
  ...more,
});

const writes = (calls: readonly Call[]) => calls.filter(({ method }) => method !== 'GET');

describe('reading stock', () => {
  test('products and variations are answered in order, each with what is the matter', async () => {
    const { channel, calls } = await scripted(
      catalogue([
        product(11, 8),
        product(12, -2),
        product(30, null, { manage_stock: false }),
        product(32, 22, { parent_id: 31 }),
        product(42, 5, { parent_id: 41, manage_stock: 'parent' }),
        product(50, 3, { status: 'trash' }),
      ]),
    );
    const readings = await channel.readStock(
      [ref('31/32'), ref('11'), ref('30'), ref('99'), ref('12'), ref('41/42', '41'), ref('50')],
      signal,
    );
    expect(readings.map(({ listingId, shown, state }) => [listingId, shown, state])).toEqual([
      ['31/32', 22, 'ok'],
      ['11', 8, 'ok'],
      ['30', null, 'untracked'],
      ['99', null, 'not-listed'],
      ['12', -2, 'ok'],
      ['41/42', 5, 'ok'],
      ['50', null, 'not-listed'],
    ]);
    expect(readings.every(({ askedAt, answeredAt }) => askedAt >= noon && answeredAt >= askedAt)).toBe(true);
    expect(calls.some(({ path }) => path.endsWith('/wc/v3/variations'))).toBe(true);
  });

  test('reads that decide a push pass every cache', async () => {
    const { channel, calls } = await scripted(catalogue([product(11, 8)]));
    await channel.readStock([ref('11')], signal);
    await channel.readStock([ref('11')], signal);
    expect(calls.map(({ headers }) => headers['cache-control'])).toEqual(['no-cache', 'no-cache']);
    const dummies = calls.map(({ query }) => query.get('invsync'));
    expect(dummies[0]).toBeTruthy();
    expect(dummies[0]).not.toBe(dummies[1]);
  });

  test('a shop without GET /variations is read parent by parent, and asked only once whether it has it', async () => {
    const items = [product(32, 1, { parent_id: 31 }), product(42, 2, { parent_id: 41 })];
    const { channel, calls } = await scripted(catalogue(items, { flat: false }));
    for (let round = 0; round < 2; round += 1) {
      const readings = await channel.readStock([ref('31/32'), ref('41/42')], signal);
      expect(readings.map(({ shown }) => shown)).toEqual([1, 2]);
    }
    expect(calls.filter(({ path }) => path.endsWith('/v3/variations')).length).toBe(1);
  });

  test('a variation that moved to another parent is not read under its old name', async () => {
    const items = [product(32, 9, { parent_id: 99 }), product(42, 2, { parent_id: 41 })];
    const { channel } = await scripted(catalogue(items));
    const readings = await channel.readStock([ref('31/32'), ref('41/42')], signal);
    expect(readings.map(({ state }) => state)).toEqual(['not-listed', 'ok']);
  });

  test('a number that moved between variation and parent is not taken for the known counter', async () => {
    const items = [
      product(32, 9, { parent_id: 31, manage_stock: 'parent' }),
      product(33, 4, { parent_id: 31 }),
    ];
    const { channel } = await scripted(catalogue(items));
    const readings = await channel.readStock([ref('31/32'), ref('31/33', '31')], signal);
    expect(readings.map(({ state }) => state)).toEqual(['unwritable', 'unwritable']);
  });

  test('a fractional number of a plugin counts its whole units', async () => {
    const { channel } = await scripted(catalogue([product(11, 24.6)]));
    expect(await channel.readStock([ref('11')], signal)).toMatchObject([
      { shown: 24, state: 'ok', detail: 'the shop shows 24.6; whole units count' },
    ]);
  });
});

describe('writing stock', () => {
  test('a single number is read, compared, written and compared with the echo', async () => {
    const { channel, calls } = await scripted(catalogue([product(11, 8)]));
    expect(await channel.setStock([line('11', 5, 8)], signal)).toEqual([{ kind: 'applied', shown: 5 }]);
    expect(calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /wp-json/wc/v3/products/11',
      'PUT /wp-json/wc/v3/products/11',
    ]);
    expect(calls[1]?.body).toEqual({ stock_quantity: 5 });
  });

  test('a sale between the last number and the push is a conflict, and nothing is written', async () => {
    const { channel, calls } = await scripted(catalogue([product(11, 7)]));
    const [outcome] = await channel.setStock([line('11', 5, 8)], signal);
    expect(outcome).toMatchObject({ kind: 'conflict', shown: 7 });
    expect(writes(calls)).toEqual([]);
  });

  test('without a base the number is written whatever is there', async () => {
    const { channel } = await scripted(catalogue([product(11, 700)]));
    expect(await channel.setStock([line('11', 5, null)], signal)).toEqual([{ kind: 'applied', shown: 5 }]);
  });

  test('a number that is there already costs the shop no write', async () => {
    const { channel, calls } = await scripted(catalogue([product(11, 5)]));
    expect(await channel.setStock([line('11', 5, 5)], signal)).toEqual([{ kind: 'applied', shown: 5 }]);
    expect(writes(calls)).toEqual([]);
  });

  test('a batch with one bad row fails that row only, though the shop answers 200', async () => {
    const items = [product(24, 140), product(25, 150)];
    const serve = catalogue(items);
    const { channel } = await scripted((call) => {
      const reply = serve(call);
      // The row is there while it is read and gone when it is written.
      if (call.method !== 'GET' || call.path.endsWith('/26')) return reply;
      return { ...reply, json: [...(reply.json as Item[]), product(26, 160)] };
    });
    const outcomes = await channel.setStock(
      [line('24', 31, 140), line('26', 1, 160), line('25', 32, 150)],
      signal,
    );
    expect(outcomes).toMatchObject([
      { kind: 'applied', shown: 31 },
      { kind: 'rejected', error: 'woocommerce_rest_product_invalid_id: Invalid ID.' },
      { kind: 'applied', shown: 32 },
    ]);
  });

  test('variations are written below the parent that the shop names, one parent a batch', async () => {
    const items = [
      product(32, 1, { parent_id: 31 }),
      product(33, 1, { parent_id: 31 }),
      product(42, 1, { parent_id: 41 }),
    ];
    const { channel, calls } = await scripted(catalogue(items));
    const outcomes = await channel.setStock(
      [line('31/32', 7, 1), line('41/42', 9, 1), line('31/33', 8, 1)],
      signal,
    );
    expect(outcomes).toEqual([
      { kind: 'applied', shown: 7 },
      { kind: 'applied', shown: 9 },
      { kind: 'applied', shown: 8 },
    ]);
    expect(writes(calls).map(({ path }) => path)).toEqual([
      '/wp-json/wc/v3/products/31/variations/batch',
      '/wp-json/wc/v3/products/41/variations/42',
    ]);
  });

  test('a variation that moved to another parent is refused instead of moved back', async () => {
    const { channel, calls } = await scripted(catalogue([product(32, 1, { parent_id: 99 })]));
    expect(await channel.setStock([line('31/32', 7, 1)], signal)).toMatchObject([
      { kind: 'rejected', hint: 'run invsync listings import, or unmap the listing' },
    ]);
    expect(writes(calls)).toEqual([]);
  });

  test('a number that the parent holds is written at the parent', async () => {
    const items = [
      product(41, 6, { type: 'variable', variations: [42] }),
      product(42, 6, { parent_id: 41, manage_stock: 'parent' }),
    ];
    const { channel, calls } = await scripted(catalogue(items));
    expect(await channel.setStock([line('41/42', 3, 6, '41')], signal)).toEqual([
      { kind: 'applied', shown: 3 },
    ]);
    expect(writes(calls).map(({ path }) => path)).toEqual(['/wp-json/wc/v3/products/41']);
  });

  test('a product without stock management is refused with its remedy', async () => {
    const { channel, calls } = await scripted(catalogue([product(30, null, { manage_stock: false })]));
    const [outcome] = await channel.setStock([line('30', 7, null)], signal);
    expect(outcome).toMatchObject({ kind: 'rejected', hint: expect.stringMatching(/Track stock quantity/) });
    expect(writes(calls)).toEqual([]);
  });

  test('a number that the shop drops silently is no success', async () => {
    const serve = catalogue([product(11, 8)]);
    const { channel } = await scripted((call) =>
      call.method === 'PUT' ? { json: { id: 11, manage_stock: false, stock_quantity: null } } : serve(call),
    );
    expect(await channel.setStock([line('11', 5, 8)], signal)).toMatchObject([
      { kind: 'rejected', error: 'the shop dropped the number' },
    ]);
  });

  test('an echo with another number is a conflict that names it', async () => {
    const serve = catalogue([product(11, 8)]);
    const { channel } = await scripted((call) =>
      call.method === 'PUT' ? { json: { id: 11, manage_stock: true, stock_quantity: 4 } } : serve(call),
    );
    expect(await channel.setStock([line('11', 5, 8)], signal)).toMatchObject([
      { kind: 'conflict', shown: 4 },
    ]);
  });

  test.each([7.9, -1, Number.NaN, 2 ** 31])(
    '%s never reaches the shop, which would make another number of it',
    async (bad) => {
      const { channel, calls } = await scripted(catalogue([product(11, 8), product(12, 8)]));
      const outcomes = await channel.setStock([line('11', bad, 8), line('12', 1, 8)], signal);
      expect(outcomes).toMatchObject([{ kind: 'rejected' }, { kind: 'applied', shown: 1 }]);
      expect(calls.every(({ path }) => path.endsWith('/12'))).toBe(true);
    },
  );

  test('a site that allows fewer rows gets smaller batches at once and from then on', async () => {
    const items = Array.from({ length: 40 }, (_, at) => product(at + 1, 0));
    const { channel, calls } = await scripted(catalogue(items, { most: 10 }));
    const lines = items.map(({ id }) => line(String(id), id, 0));
    const outcomes = await channel.setStock(lines, signal);
    expect(outcomes).toEqual(items.map(({ id }) => ({ kind: 'applied', shown: id })));
    const before = calls.length;
    await channel.setStock(
      items.slice(0, 10).map(({ id }) => line(String(id), 0, id)),
      signal,
    );
    expect(writes(calls.slice(before)).length).toBe(1);
  });

  test('a write without an answer is unknown, what was not sent is not, and nothing more is sent', async () => {
    const items = [product(11, 8), product(32, 1, { parent_id: 31 })];
    const serve = catalogue(items);
    const { channel, calls } = await scripted((call) =>
      call.method === 'PUT' ? { hangUp: true } : serve(call),
    );
    const outcomes = await channel.setStock([line('11', 5, 8), line('31/32', 7, 1)], signal);
    expect(outcomes).toMatchObject([{ kind: 'unknown' }, { kind: 'retry' }]);
    expect(writes(calls).length).toBe(1);
  });

  test('a read without an answer has written nothing', async () => {
    const { channel } = await scripted(() => ({ hangUp: true }));
    expect(await channel.setStock([line('11', 5, 8)], signal)).toMatchObject([{ kind: 'retry' }]);
  });

  const html = '<html><body>Database Error</body></html>';
  test.each<[string, Reply, object]>([
    ['a 504 after half a batch', { status: 504, text: html }, { kind: 'unknown' }],
    [
      'a PHP fatal error',
      { status: 500, json: { code: 'internal_server_error', message: 'Fatal' } },
      { kind: 'unknown' },
    ],
    ['a challenge page with 200', { text: '<html>Checking your browser</html>' }, { kind: 'unknown' }],
    ['a PHP notice before the JSON', { text: 'Notice: x in y.php {"update":[]}' }, { kind: 'unknown' }],
    [
      'maintenance',
      { status: 503, text: html, headers: { 'retry-after': '600' } },
      { kind: 'throttled', afterMs: 60_000 },
    ],
    [
      '429 with Retry-After',
      { status: 429, text: html, headers: { 'retry-after': '7' } },
      { kind: 'throttled', afterMs: 7_000 },
    ],
    ['429 without', { status: 429, text: html }, { kind: 'throttled', afterMs: 5_000 }],
    [
      'a read-only key',
      {
        status: 401,
        json: {
          code: 'woocommerce_rest_authentication_error',
          message: 'The API key provided does not have write permissions.',
        },
      },
      { kind: 'auth', error: expect.stringMatching(/Read\/Write/) },
    ],
    ['a firewall page with 403', { status: 403, text: html }, { kind: 'retry' }],
  ])('%s in answer to a batch', async (_, reply, expected) => {
    const serve = catalogue([product(11, 8), product(12, 8)]);
    const { channel } = await scripted((call) => (call.method === 'POST' ? reply : serve(call)));
    const outcomes = await channel.setStock([line('11', 5, 8), line('12', 5, 8)], signal);
    expect(outcomes).toMatchObject([expected, expected]);
  });

  test('a host that refuses PUT gets POST, from then on without asking again', async () => {
    const serve = catalogue([product(11, 8)]);
    const { channel, calls } = await scripted((call) =>
      call.method === 'PUT' ? { status: 405, text: 'Method Not Allowed' } : serve(call),
    );
    expect(await channel.setStock([line('11', 5, 8)], signal)).toEqual([{ kind: 'applied', shown: 5 }]);
    expect(await channel.setStock([line('11', 4, 5)], signal)).toEqual([{ kind: 'applied', shown: 4 }]);
    expect(writes(calls).map(({ method }) => method)).toEqual(['PUT', 'POST', 'POST']);
  });
});
