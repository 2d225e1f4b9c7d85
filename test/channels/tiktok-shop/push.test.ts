import { describe, expect, test } from 'vitest';
import { calm, listed } from '../../kit/stage.ts';
import { type Account, account, answers } from './catalogue.ts';
import { line, type Reply, type Script, stage } from './scripted-tiktok.ts';

const mug = {
  id: '1729592969712207008',
  skus: [
    { id: '1729592969712207013', sku: 'MUG-RED', levels: { '700': 10 } },
    { id: '1729592969712207014', sku: 'MUG-BLUE', levels: { '700': 10, '701': 4 } },
  ],
};
const cup = {
  id: '1729592969712207009',
  skus: [{ id: '1729592969712207015', sku: 'CUP', levels: { '700': 7 } }],
};
const [red, blue] = ['1729592969712207013', '1729592969712207014'];
const single = '1729592969712207015';

/** The account's script, with the first writes answered by these. */
function failing(state: Account, ...replies: Reply[]): Script {
  const script = answers(state);
  return (call) =>
    call.path.endsWith('/inventory/update') ? (replies.shift() ?? script(call)) : script(call);
}

describe('a push', () => {
  test('goes once per product, with all its SKUs, each with every warehouse that holds it', async () => {
    const state = account([mug, cup]);
    const { channel, asked } = await stage(answers(state));
    const outcomes = await channel.setStock([line(red, 3, 10), line(single, 5, 7), line(blue, 20, 14)], calm);
    expect(outcomes).toEqual([
      { kind: 'applied', shown: 3 },
      { kind: 'applied', shown: 5 },
      { kind: 'applied', shown: 20 },
    ]);
    expect(state.writes).toEqual([
      {
        product: mug.id,
        skus: [
          { id: red, inventory: [{ warehouse_id: '700', quantity: 3 }] },
          {
            id: blue,
            inventory: [
              { warehouse_id: '700', quantity: 16 },
              { warehouse_id: '701', quantity: 4 },
            ],
          },
        ],
      },
      { product: cup.id, skus: [{ id: single, inventory: [{ warehouse_id: '700', quantity: 5 }] }] },
    ]);
    expect(asked(/partial_edit|\/edit$/)).toEqual([]);
    expect(asked(/inventory\/search$/).length).toBe(1);
  });

  test.each([
    ['raises in the first warehouse', [], 16, { '700': 12, '701': 4 }],
    ['takes from the last warehouse first', [], 11, { '700': 10, '701': 1 }],
    ['goes on with the first when the last is empty', [], 6, { '700': 6, '701': 0 }],
    ['brings all to zero', [], 0, { '700': 0, '701': 0 }],
    ['repeats those that are not ours as they are', ['701'], 1, { '700': 10, '701': 1 }],
    ['follows the configured order', ['701', '700'], 20, { '700': 10, '701': 10 }],
  ])('to several warehouses %s', async (_, warehouses, quantity, wanted) => {
    const state = account([mug]);
    const { reopen } = await stage(answers(state));
    const [outcome] = await reopen({ warehouses }).setStock([line(blue, quantity, null)], calm);
    expect(outcome).toEqual({ kind: 'applied', shown: quantity });
    expect(state.products[0]?.skus[1]?.levels).toEqual(wanted);
  });

  test('to a SKU that is in none of our warehouses yet puts it into the first and repeats the others', async () => {
    const state = account([mug]);
    const { reopen } = await stage(answers(state));
    const [outcome] = await reopen({ warehouses: ['701'] }).setStock([line(red, 2, 0)], calm);
    expect(outcome).toEqual({ kind: 'applied', shown: 2 });
    expect(state.products[0]?.skus[0]?.levels).toEqual({ '700': 10, '701': 2 });
  });

  test('names no warehouse that takes returns, and none at all where the shop has one without a name', async () => {
    const plain = { id: '5', skus: [{ id: '51', sku: 'X', levels: {} }] };
    const state = account([plain], { warehouses: [] });
    const { channel } = await stage(answers(state));
    const [outcome] = await channel.setStock([line('51', 2, 0)], calm);
    expect(outcome).toEqual({ kind: 'applied', shown: 2 });
    expect(state.writes[0]?.skus).toEqual([{ id: '51', inventory: [{ quantity: 2 }] }]);
  });

  test('on a number that moved is a conflict, and on one that is there already nothing is written', async () => {
    const state = account([mug]);
    const { channel } = await stage(answers(state));
    const outcomes = await channel.setStock([line(red, 3, 9), line(blue, 14, 14)], calm);
    expect(outcomes[0]).toMatchObject({ kind: 'conflict', shown: 10 });
    expect(outcomes[1]).toEqual({ kind: 'applied', shown: 14 });
    expect(state.writes).toEqual([]);
  });

  test('of a draft, of an id that is none, of what is gone and of no quantity is rejected before the network', async () => {
    const state = account([{ ...cup, status: 'DRAFT' }, mug]);
    const { channel } = await stage(answers(state));
    const draft = (await listed(channel)).find(({ listingId }) => listingId === single);
    if (draft === undefined) throw new Error('nothing listed');
    const outcomes = await channel.setStock(
      [
        { ...draft, quantity: 1, base: null, key: 'k' },
        line('../../x', 1, null),
        line('404', 1, null),
        line(red, 100_000, 10),
        line(blue, 1, 14),
      ],
      calm,
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'applied',
    ]);
    for (const outcome of outcomes) if (outcome.kind === 'rejected') expect(outcome.hint).toMatch(/\w+ \w+/);
    expect(state.writes.flatMap(({ skus }) => skus.map(({ id }) => id))).toEqual([blue]);
  });
});

describe('a failure inside code 0', () => {
  test.each([
    [12052393, 'rejected', /promotion/],
    [12052557, 'rejected', /listings import/],
    [12052144, 'rejected', /own warehouse/],
    [12052850, 'rejected', /components/],
    [12052503, 'rejected', /map them to one SKU/],
    [12052141, 'rejected', /global/],
    [77777777, 'rejected', /Seller Center/],
  ])('with code %i is %s for its SKU and leaves its neighbour applied', async (code, kind, hint) => {
    const state = account([mug], { refused: new Map([[red, code]]) });
    const { channel } = await stage(answers(state));
    const [bad, good] = await channel.setStock([line(red, 3, 10), line(blue, 3, 14)], calm);
    expect(bad).toMatchObject({ kind, hint: expect.stringMatching(hint) });
    expect(good).toEqual({ kind: 'applied', shown: 3 });
    expect(state.writes.length).toBe(1);
  });

  test.each([
    [12052109, 'throttled'],
    [12052881, 'unknown'],
  ])('with code %i is %s', async (code, kind) => {
    const state = account([mug], { refused: new Map([[red, code]]) });
    const { channel } = await stage(answers(state));
    expect((await channel.setStock([line(red, 3, 10)], calm))[0]).toMatchObject({ kind });
  });

  test('that names no SKU is found by writing one by one', async () => {
    const state = account([mug]);
    const { channel } = await stage(
      failing(state, { data: { errors: [{ code: 12052048, message: 'not editable' }] } }),
    );
    const outcomes = await channel.setStock([line(red, 3, 10), line(blue, 3, 14)], calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['applied', 'applied']);
    expect(state.writes.map(({ skus }) => skus.length)).toEqual([1, 1]);
  });

  test('that cannot be read is unknown and never success', async () => {
    const state = account([cup]);
    const { channel } = await stage(failing(state, { data: { errors: 'many' } }));
    expect((await channel.setStock([line(single, 3, 7)], calm))[0]).toMatchObject({ kind: 'unknown' });
  });

  test.each([12052037, 12052516, 12052097])(
    'of stale warehouses (%i) reads both again and writes once more',
    async (code) => {
      const state = account([cup]);
      const script = failing(state, {
        data: { errors: [{ code, message: 'warehouses', detail: { sku_id: single } }] },
      });
      const { channel, asked } = await stage(script);
      expect(await channel.setStock([line(single, 3, 7)], calm)).toEqual([{ kind: 'applied', shown: 3 }]);
      expect(asked('/logistics/202309/warehouses').length).toBe(2);
      expect(asked(/inventory\/search$/).length).toBe(2);
    },
  );

  test('of warehouses that stays is rejected with a hint after the second try', async () => {
    const state = account([cup], { refused: new Map([[single, 12052530]]) });
    const { channel } = await stage(answers(state));
    const [outcome] = await channel.setStock([line(single, 3, 7)], calm);
    expect(outcome).toMatchObject({ kind: 'rejected', hint: expect.stringMatching(/warehouses/) });
    expect(state.writes.length).toBe(2);
  });

  test('of stale warehouses on a number that moved meanwhile is a conflict', async () => {
    const state = account([cup]);
    const script = answers(state);
    const { channel } = await stage((call) => {
      if (!call.path.endsWith('/inventory/update')) return script(call);
      for (const sku of state.products[0]?.skus ?? []) sku.levels = { '700': 6 };
      return { data: { errors: [{ code: 12052037, detail: { sku_id: single } }] } };
    });
    expect((await channel.setStock([line(single, 3, 7)], calm))[0]).toMatchObject({
      kind: 'conflict',
      shown: 6,
    });
  });
});

describe('a refused call', () => {
  test('of several SKUs is repeated one by one, so that a bad one costs only itself', async () => {
    const state = account([mug], { refusedCalls: new Map([[red, 12052393]]) });
    const { channel } = await stage(answers(state));
    const outcomes = await channel.setStock([line(red, 3, 10), line(blue, 3, 14)], calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['rejected', 'applied']);
    expect(state.writes.map(({ skus }) => skus.length)).toEqual([2, 1, 1]);
  });

  test.each<[string, Reply, string]>([
    ['no answer', { hangUp: true }, 'unknown'],
    ['HTTP 500', { status: 500, text: '' }, 'unknown'],
    ['HTTP 503 of the front door', { status: 503, text: 'overload' }, 'retry'],
    ['an internal error', { code: 36009003, message: 'x' }, 'unknown'],
    ['HTML', { text: '<html>' }, 'unknown'],
    ['too many requests', { status: 429, code: 36009002 }, 'throttled'],
    ['a missing scope', { code: 105005, message: 'scope' }, 'auth'],
  ])('by %s tells its own lines so, and that the others were not sent', async (_, reply, kind) => {
    const state = account([mug, cup]);
    const { channel } = await stage(failing(state, reply));
    const outcomes = await channel.setStock([line(red, 3, 10), line(single, 3, 7)], calm);
    expect(outcomes[0]?.kind).toBe(kind);
    expect(outcomes[1]?.kind).toBe(kind === 'unknown' ? 'retry' : kind);
    expect(state.writes).toEqual([]);
  });

  test('for an expired token is repeated under the new one and applied once', async () => {
    const state = account([cup]);
    const { channel } = await stage(failing(state, { status: 401, code: 105002, message: 'Expired' }));
    expect(await channel.setStock([line(single, 3, 7)], calm)).toEqual([{ kind: 'applied', shown: 3 }]);
    expect(state.writes.length).toBe(1);
  });
});
