import { describe, expect, test } from 'vitest';
import type { PushLine } from '../../../src/channels/channel.ts';
import { calm } from '../../kit/stage.ts';
import {
  channelAt,
  location,
  type Received,
  type Reply,
  type ScriptedShop,
  startShop,
} from './scripted-shop.ts';

let shop: ScriptedShop;

function item(n: number): string {
  return `gid://shopify/InventoryItem/${n}`;
}

function line(n: number, quantity: number, base: number | null): PushLine {
  const facts = { bundle: false, tracked: true };
  return {
    listingId: item(n),
    counterKey: item(n),
    channelSku: `S${n}`,
    facts,
    quantity,
    base,
    key: `key-${n}`,
  };
}

interface SetInput {
  input: {
    name: string;
    reason: string;
    referenceDocumentUri: string;
    quantities: {
      inventoryItemId: string;
      locationId: string;
      quantity: number;
      changeFromQuantity: number | null;
    }[];
  };
  key: string;
}

function inputOf(received: Received | undefined): SetInput {
  return received?.variables as unknown as SetInput;
}

const done: Reply = {
  data: { inventorySetQuantities: { inventoryAdjustmentGroup: { id: 'g' }, userErrors: [] } },
};

function refused(
  ...errors: { code: string | null; row: number | null; message?: string; path?: string }[]
): Reply {
  return {
    data: {
      inventorySetQuantities: {
        inventoryAdjustmentGroup: null,
        userErrors: errors.map(({ code, row, message, path }) => ({
          code,
          field: row === null ? null : ['input', 'quantities', String(row), path ?? 'changeFromQuantity'],
          message: message ?? `refused ${code}`,
        })),
      },
    },
  };
}

function levels(numbers: Record<string, number | null>): (received: Received) => Reply {
  return ({ variables }) => ({
    data: {
      nodes: (variables['ids'] as string[]).map((id) => {
        const quantity = numbers[id] ?? null;
        const level =
          quantity === null ? null : { isActive: true, quantities: [{ name: 'available', quantity }] };
        return { id, tracked: true, inventoryLevel: level };
      }),
    },
  });
}

async function push(script: Parameters<typeof startShop>[0], lines: PushLine[]) {
  shop = await startShop(script);
  const channel = channelAt(shop.url);
  const outcomes = await channel.setStock(lines, calm);
  return { outcomes, shop };
}

describe('one call', () => {
  test('changeFromQuantity is present on every row, as a number or as null, and the directive carries a key', async () => {
    const { outcomes, shop } = await push({ SetQuantities: [done] }, [
      line(1, 7, 9),
      line(2, 0, null),
      line(3, 4, 0),
    ]);
    const [call] = shop.of('SetQuantities');
    const { input, key } = inputOf(call);
    expect(input).toEqual({
      name: 'available',
      reason: 'correction',
      referenceDocumentUri: 'gid://invsync/Push/key-1',
      quantities: [
        { inventoryItemId: item(1), locationId: location, quantity: 7, changeFromQuantity: 9 },
        { inventoryItemId: item(2), locationId: location, quantity: 0, changeFromQuantity: null },
        { inventoryItemId: item(3), locationId: location, quantity: 4, changeFromQuantity: 0 },
      ],
    });
    expect(call?.body).toContain('"changeFromQuantity":null');
    expect(call?.query).toContain('@idempotent(key: $key)');
    expect(key).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(outcomes).toEqual([
      { kind: 'applied', shown: 7 },
      { kind: 'applied', shown: 0 },
      { kind: 'applied', shown: 4 },
    ]);
  });

  test('a repeat of the same lines carries the same key and variables; any change carries another key', async () => {
    shop = await startShop({ SetQuantities: [done] });
    const channel = channelAt(shop.url);
    await channel.setStock([line(1, 7, 9), line(2, 3, 4)], calm);
    await channel.setStock([line(1, 7, 9), line(2, 3, 4)], calm);
    await channel.setStock([line(1, 6, 9), line(2, 3, 4)], calm);
    await channel.setStock([line(1, 7, 9)], calm);
    await channel.setStock([{ ...line(1, 7, 9), key: 'another' }], calm);
    const [first, again, ...others] = shop.of('SetQuantities').map((call) => call.body);
    expect(again).toBe(first);
    const keys = shop.of('SetQuantities').map((call) => inputOf(call).key);
    expect(new Set(keys.slice(1)).size).toBe(1 + others.length);
  });

  test('a negative number is never sent, but a negative base is', async () => {
    const { outcomes, shop } = await push({ SetQuantities: [done] }, [line(1, -3, -2), line(2, 0, -2)]);
    expect(outcomes[0]).toMatchObject({ kind: 'rejected', error: '-3 is no quantity' });
    expect(inputOf(shop.of('SetQuantities')[0]).input.quantities).toEqual([
      expect.objectContaining({ inventoryItemId: item(2), quantity: 0, changeFromQuantity: -2 }),
    ]);
  });
});

describe('rows that are refused', () => {
  test('a stale row is read and becomes a conflict, and the rest is sent again under a new key', async () => {
    const { outcomes, shop } = await push(
      {
        SetQuantities: [refused({ code: 'CHANGE_FROM_QUANTITY_STALE', row: 1 }), done],
        Levels: levels({ [item(2)]: 5 }),
      },
      [line(1, 7, 9), line(2, 3, 6), line(3, 1, 2)],
    );
    expect(outcomes).toEqual([
      { kind: 'applied', shown: 7 },
      { kind: 'conflict', shown: 5, askedAt: expect.any(Number), answeredAt: expect.any(Number) },
      { kind: 'applied', shown: 1 },
    ]);
    const [first, second] = shop.of('SetQuantities').map(inputOf);
    expect(second?.input.quantities.map((row) => row.inventoryItemId)).toEqual([item(1), item(3)]);
    expect(second?.key).not.toBe(first?.key);
    expect(shop.of('Levels')).toHaveLength(1);
  });

  test('several stale rows of one answer are read together', async () => {
    const { outcomes, shop } = await push(
      {
        SetQuantities: [
          refused({ code: 'CHANGE_FROM_QUANTITY_STALE', row: 0 }, { code: 'COMPARE_QUANTITY_STALE', row: 1 }),
        ],
        Levels: levels({ [item(1)]: 8, [item(2)]: null }),
      },
      [line(1, 7, 9), line(2, 3, 6)],
    );
    expect(outcomes.map((outcome) => (outcome.kind === 'conflict' ? outcome.shown : outcome.kind))).toEqual([
      8,
      null,
    ]);
    expect(shop.received).toHaveLength(2);
  });

  test('an error that names no row is found by halving, so one bad row never blocks its batch', async () => {
    const bad = item(3);
    const { outcomes } = await push(
      {
        SetQuantities: (received) =>
          inputOf(received).input.quantities.some((row) => row.inventoryItemId === bad)
            ? refused({ code: 'INVALID_INVENTORY_ITEM', row: null })
            : done,
      },
      [1, 2, 3, 4, 5].map((n) => line(n, n, n + 1)),
    );
    expect(outcomes.map((outcome) => outcome.kind)).toEqual([
      'applied',
      'applied',
      'rejected',
      'applied',
      'applied',
    ]);
  });

  test('a bundle parent and a deleted item are rejected with a hint, their neighbours are set', async () => {
    const { outcomes } = await push(
      {
        SetQuantities: [
          refused(
            { code: 'NON_MUTABLE_INVENTORY_ITEM', row: 0, path: 'inventoryItemId' },
            { code: 'INVALID_INVENTORY_ITEM', row: 2, path: 'inventoryItemId' },
          ),
          done,
        ],
      },
      [line(1, 1, 2), line(2, 1, 2), line(3, 1, 2)],
    );
    expect(outcomes).toMatchObject([
      { kind: 'rejected', hint: expect.stringContaining('components') },
      { kind: 'applied' },
      { kind: 'rejected', hint: expect.stringContaining('listings import') },
    ]);
  });

  for (const [dialect, error] of [
    ['2026-07: a code of its own', { code: 'ITEM_NOT_STOCKED_AT_LOCATION', row: 0 }],
    ['2026-10: INVALID_LOCATION', { code: 'INVALID_LOCATION', row: 0, path: 'locationId' }],
    [
      '2026-10: no code',
      { code: null, row: 0, message: 'The specified inventory item is not stocked at the location.' },
    ],
  ] as const) {
    test(`an item that is not stocked at the location is activated with its number (${dialect})`, async () => {
      const level = { id: 'l', isActive: true, quantities: [{ name: 'available', quantity: 4 }] };
      const { outcomes, shop } = await push(
        {
          SetQuantities: [refused(error), done],
          Activate: [{ data: { inventoryActivate: { inventoryLevel: level, userErrors: [] } } }],
        },
        [line(1, 4, null), line(2, 1, 2)],
      );
      expect(outcomes).toEqual([
        { kind: 'applied', shown: 4 },
        { kind: 'applied', shown: 1 },
      ]);
      expect(shop.of('Activate')[0]?.variables).toMatchObject({
        item: item(1),
        location,
        available: 4,
        key: expect.any(String),
      });
    });
  }

  test('activating an item that was stocked meanwhile is a conflict with what is there', async () => {
    const level = { id: 'l', isActive: true, quantities: [{ name: 'available', quantity: 9 }] };
    const { outcomes } = await push(
      {
        SetQuantities: [refused({ code: 'ITEM_NOT_STOCKED_AT_LOCATION', row: 0 })],
        Activate: [{ data: { inventoryActivate: { inventoryLevel: level, userErrors: [] } } }],
      },
      [line(1, 4, null)],
    );
    expect(outcomes).toMatchObject([{ kind: 'conflict', shown: 9 }]);
  });

  test('a deactivated location rejects its rows in words', async () => {
    const { outcomes } = await push(
      {
        SetQuantities: [refused({ code: 'INVALID_LOCATION', row: 0 }, { code: 'INVALID_LOCATION', row: 1 })],
        Activate: [
          {
            data: {
              inventoryActivate: {
                inventoryLevel: null,
                userErrors: [{ field: null, message: 'The location is not active.' }],
              },
            },
          },
        ],
      },
      [line(1, 4, 5), line(2, 4, 5)],
    );
    expect(outcomes).toMatchObject([
      { kind: 'rejected', error: expect.stringContaining('not active') },
      { kind: 'rejected', error: expect.stringContaining('not active') },
    ]);
  });
});

describe('writes that would harm', () => {
  test('a bundle parent and an untracked item are refused before the network, their neighbour is set', async () => {
    const bundle = { ...line(1, 1, 2), facts: { bundle: true, tracked: true } };
    const untracked = { ...line(2, 1, 2), facts: { bundle: false, tracked: false } };
    const { outcomes, shop } = await push({ SetQuantities: [done] }, [bundle, untracked, line(3, 1, 2)]);
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(['rejected', 'rejected', 'applied']);
    expect(shop.received).toHaveLength(1);
    expect(inputOf(shop.received[0]).input.quantities.map((row) => row.inventoryItemId)).toEqual([item(3)]);
  });

  test('a batch of nothing but such rows sends nothing', async () => {
    const { outcomes, shop } = await push({}, [{ ...line(1, 1, 2), facts: { bundle: true, tracked: true } }]);
    expect(outcomes).toMatchObject([{ kind: 'rejected' }]);
    expect(shop.received).toEqual([]);
  });
});

describe('idempotency answers', () => {
  test('a request that still runs is tried again later with the same key', async () => {
    const { outcomes } = await push(
      { SetQuantities: [refused({ code: 'IDEMPOTENCY_CONCURRENT_REQUEST', row: null })] },
      [line(1, 1, 2), line(2, 1, 2)],
    );
    expect(outcomes).toMatchObject([
      { kind: 'retry', afterMs: 2000 },
      { kind: 'retry', afterMs: 2000 },
    ]);
  });

  test('a key whose first attempt failed is replaced by a new one in the same call', async () => {
    const { outcomes, shop } = await push(
      { SetQuantities: [refused({ code: 'IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED', row: null }), done] },
      [line(1, 1, 2)],
    );
    expect(outcomes).toEqual([{ kind: 'applied', shown: 1 }]);
    const [first, second] = shop.of('SetQuantities').map(inputOf);
    expect(second?.input).toEqual(first?.input);
    expect(second?.key).not.toBe(first?.key);
  });

  test('a key with other parameters is a fault of ours and rejected', async () => {
    const { outcomes } = await push(
      { SetQuantities: [refused({ code: 'IDEMPOTENCY_KEY_PARAMETER_MISMATCH', row: null })] },
      [line(1, 1, 2)],
    );
    expect(outcomes).toMatchObject([{ kind: 'rejected' }]);
  });
});

describe('calls without a clear answer', () => {
  const throttled: Reply = {
    data: null,
    errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
    extensions: {
      cost: {
        requestedQueryCost: 510,
        throttleStatus: { maximumAvailable: 2000, currentlyAvailable: 10, restoreRate: 100 },
      },
    },
  };
  const cases: { name: string; reply: Reply; outcome: Record<string, unknown> }[] = [
    { name: 'a connection that is cut is unknown', reply: 'hang up', outcome: { kind: 'unknown' } },
    {
      name: 'a 500 is unknown, because it may have been done',
      reply: { status: 500, text: 'oops' },
      outcome: { kind: 'unknown' },
    },
    {
      name: 'a 503 was refused before any work',
      reply: { status: 503, text: 'busy' },
      outcome: { kind: 'retry' },
    },
    { name: 'a 200 that is no GraphQL is unknown', reply: { text: '<html>' }, outcome: { kind: 'unknown' } },
    {
      name: 'THROTTLED at HTTP 200 waits until the bucket holds the cost',
      reply: throttled,
      outcome: { kind: 'throttled', afterMs: 5000 },
    },
    {
      name: 'a 429 waits as told',
      reply: { status: 429, headers: { 'retry-after': '3' }, text: '' },
      outcome: { kind: 'throttled', afterMs: 3000 },
    },
    {
      name: 'a 401 of a static token is auth',
      reply: { status: 401, text: '{"errors":"[API] Invalid API key"}' },
      outcome: { kind: 'auth' },
    },
    { name: 'a 403 is auth', reply: { status: 403, text: '{"errors":"no"}' }, outcome: { kind: 'auth' } },
    {
      name: 'a 404 is rejected',
      reply: { status: 404, text: '{"errors":"Not Found"}' },
      outcome: { kind: 'rejected' },
    },
    {
      name: 'a missing scope is auth',
      reply: { errors: [{ message: 'Access denied', extensions: { code: 'ACCESS_DENIED' } }], data: null },
      outcome: { kind: 'auth', error: expect.stringContaining('Access denied') },
    },
    {
      name: 'errors as a plain string are unknown for a write',
      reply: { errors: 'Something' },
      outcome: { kind: 'unknown' },
    },
    {
      name: 'an internal error is unknown',
      reply: { errors: [{ message: 'Internal', extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
      outcome: { kind: 'unknown' },
    },
    {
      name: 'data together with errors is unknown',
      reply: {
        data: { inventorySetQuantities: { userErrors: [] } },
        errors: [{ message: 'Partly', extensions: { code: 'ACCESS_DENIED' } }],
      },
      outcome: { kind: 'unknown' },
    },
  ];
  for (const { name, reply, outcome } of cases) {
    test(`${name}, for every row of the batch`, async () => {
      const { outcomes } = await push({ SetQuantities: [reply] }, [line(1, 1, 2), line(2, 1, 2)]);
      expect(outcomes).toMatchObject([outcome, outcome]);
    });
  }

  test('a frozen or locked shop stops the pushes and keeps them', async () => {
    for (const status of [402, 423]) {
      const { outcomes } = await push(
        { SetQuantities: [{ status, text: '{"errors":"Unavailable Shop"}' }] },
        [line(1, 1, 2)],
      );
      expect(outcomes).toMatchObject([{ kind: 'auth', error: expect.stringContaining('frozen or locked') }]);
    }
  });

  test('a write that is not answered in time is unknown', async () => {
    shop = await startShop({ SetQuantities: ['silence'] });
    const channel = channelAt(shop.url, { timeoutMs: 50 });
    expect(await channel.setStock([line(1, 1, 2)], calm)).toMatchObject([{ kind: 'unknown' }]);
    expect(shop.of('SetQuantities')).toHaveLength(1);
  });

  test('a stopped push never left and may be tried again', async () => {
    shop = await startShop({ SetQuantities: [done] });
    const channel = channelAt(shop.url);
    const outcomes = await channel.setStock([line(1, 1, 2)], AbortSignal.abort());
    expect(outcomes).toMatchObject([{ kind: 'retry' }]);
    expect(shop.received).toEqual([]);
  });

  test('a stale row that cannot be read is tried again, because nothing was written', async () => {
    const { outcomes } = await push(
      {
        SetQuantities: [refused({ code: 'CHANGE_FROM_QUANTITY_STALE', row: 0 })],
        Levels: [{ status: 500, text: '' }],
      },
      [line(1, 1, 2)],
    );
    expect(outcomes).toMatchObject([{ kind: 'retry' }]);
  });
});
