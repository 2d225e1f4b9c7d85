import { beforeEach, describe, expect, test } from 'vitest';
import type { ShopifyShop } from '../../../src/sandbox/shopify/index.ts';
import { catalogue, listing, shown, until } from '../../kit/shop-stage.ts';
import { ask, locationOf, setInput, setQty, startShop } from './world.ts';

let shop: ShopifyShop;
beforeEach(async () => {
  shop = await startShop();
});

const errorsOf = (body: {
  data: { inventorySetQuantities: { userErrors: { code: string; field: string[] }[] } };
}) => body.data.inventorySetQuantities.userErrors.map(({ code, field }) => [code, field?.join('.') ?? null]);

describe('inventorySetQuantities', () => {
  test('writes, answers the change, and records it', async () => {
    const { body } = await ask(shop, setQty, {
      input: setInput(shop, [{ sku: 'SKU-1', quantity: 7, base: 10 }]),
      key: 'k1',
    });
    const group = body.data.inventorySetQuantities.inventoryAdjustmentGroup;
    expect(group.changes).toEqual([
      {
        name: 'available',
        delta: -3,
        quantityAfterChange: 7,
        item: { id: listing(shop, 'SKU-1') },
        location: { id: locationOf(shop) },
      },
    ]);
    expect(group.referenceDocumentUri).toBe('gid://invsync/Push/1');
    expect(shown(shop, 'SKU-1')).toBe(7);
    const write = shop.records().calls.find(({ kind }) => kind === 'write');
    expect(write).toMatchObject({ sku: 'SKU-1', from: 10, to: 7, applied: true, answered: true, key: 'k1' });
  });

  test('refuses a call without the directive, whatever the schema says', async () => {
    const query = setQty.replace('@idempotent(key: $key)', '').replace(', $key: String!', '');
    const { body } = await ask(shop, query, { input: setInput(shop, [{ sku: 'SKU-1', quantity: 7 }]) });
    expect(body.errors[0].message).toBe(
      'The @idempotent directive is required for this mutation but was not provided.',
    );
    expect(body.errors[0].extensions.code).toBe('BAD_REQUEST');
    expect(shown(shop, 'SKU-1')).toBe(10);
  });

  test('refuses a row without changeFromQuantity but takes null', async () => {
    const input = setInput(shop, [{ sku: 'SKU-1', quantity: 7 }]);
    const [row] = input.quantities;
    const { changeFromQuantity: _, ...bare } = row ?? { changeFromQuantity: null };
    const refused = await ask(shop, setQty, { input: { ...input, quantities: [bare] }, key: 'k1' });
    expect(refused.body.errors[0].extensions.code).toBe('INVALID_FIELD_ARGUMENTS');
    expect(refused.body.errors[0].message).toContain('changeFromQuantity');
    expect(shown(shop, 'SKU-1')).toBe(10);
    const taken = await ask(shop, setQty, { input, key: 'k2' });
    expect(errorsOf(taken.body)).toEqual([]);
    expect(shown(shop, 'SKU-1')).toBe(7);
  });

  test('changes nothing when one row is stale, and names that row', async () => {
    const rows = [
      { sku: 'SKU-1', quantity: 1, base: 10 },
      { sku: 'SKU-2', quantity: 1, base: 9 },
      { sku: 'SKU-3', quantity: 1, base: 10 },
    ];
    const { body } = await ask(shop, setQty, { input: setInput(shop, rows), key: 'k1' });
    expect(errorsOf(body)).toEqual([['CHANGE_FROM_QUANTITY_STALE', 'input.quantities.1.changeFromQuantity']]);
    expect(['SKU-1', 'SKU-2', 'SKU-3'].map((sku) => shown(shop, sku))).toEqual([10, 10, 10]);
    const writes = shop.records().calls.filter(({ kind }) => kind === 'write');
    expect(writes.map((call) => call.kind === 'write' && call.applied)).toEqual([false, false, false]);
  });

  test('knows the wrong rows apart', async () => {
    const input = setInput(shop, [
      { sku: 'SKU-1', quantity: -1 },
      { sku: 'SKU-2', quantity: 1_000_000_001 },
      { sku: 'BUNDLE-PARENT', quantity: 1 },
      { sku: 'SKU-3', quantity: 1 },
      { sku: 'SKU-3', quantity: 2 },
      { sku: 'SKU-4', quantity: 1 },
      { sku: 'SKU-5', quantity: 1 },
    ]);
    const [, , , , , lost, homeless] = input.quantities;
    if (lost !== undefined) lost.inventoryItemId = 'gid://shopify/InventoryItem/1';
    if (homeless !== undefined) homeless.locationId = 'gid://shopify/Location/1';
    const { body } = await ask(shop, setQty, { input, key: 'k1' });
    expect(errorsOf(body)).toEqual([
      ['INVALID_QUANTITY_NEGATIVE', 'input.quantities.0.quantity'],
      ['INVALID_QUANTITY_TOO_HIGH', 'input.quantities.1.quantity'],
      ['NON_MUTABLE_INVENTORY_ITEM', 'input.quantities.2.inventoryItemId'],
      ['NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR', 'input.quantities.4'],
      ['INVALID_INVENTORY_ITEM', 'input.quantities.5.inventoryItemId'],
      ['INVALID_LOCATION', 'input.quantities.6.locationId'],
    ]);
    const head = { ...setInput(shop, [{ sku: 'SKU-1', quantity: 1 }]), name: 'committed', reason: 'whim' };
    const wrong = await ask(shop, setQty, { input: { ...head, referenceDocumentUri: 'gid://x' }, key: 'k2' });
    expect(errorsOf(wrong.body)).toEqual([
      ['INVALID_NAME', 'input.name'],
      ['INVALID_REASON', 'input.reason'],
      ['INVALID_REFERENCE_DOCUMENT', 'input.referenceDocumentUri'],
    ]);
  });

  test('takes 250 rows and not 251', async () => {
    await shop.stop();
    shop = await startShop({ catalogue: catalogue(251) });
    const rows = catalogue(251).map(({ sku }) => ({ sku, quantity: 3 }));
    const over = await ask(shop, setQty, { input: setInput(shop, rows), key: 'k1' });
    expect(over.body.errors[0].extensions.code).toBe('MAX_INPUT_SIZE_EXCEEDED');
    const fits = await ask(shop, setQty, { input: setInput(shop, rows.slice(0, 250)), key: 'k2' });
    expect(errorsOf(fits.body)).toEqual([]);
    expect([shown(shop, 'SKU-250'), shown(shop, 'SKU-251')]).toEqual([3, 10]);
  });

  test('speaks of an unstocked item in the dialect of the release, and activation brings the number back', async () => {
    for (const [release, code] of [
      ['2026-07', 'ITEM_NOT_STOCKED_AT_LOCATION'],
      ['2026-10', 'INVALID_LOCATION'],
    ] as const) {
      shop.fault({ name: 'not_stocked', count: 1 });
      const input = setInput(shop, [{ sku: 'SKU-1', quantity: 7 }]);
      const { body } = await ask(shop, setQty, { input, key: release }, { release });
      expect(errorsOf(body)).toEqual([[code, 'input.quantities.0.locationId']]);
      expect(shown(shop, 'SKU-1')).toBeNull();
      const activated = await ask(
        shop,
        `mutation ($item: ID!, $loc: ID!, $key: String!) {
          inventoryActivate(inventoryItemId: $item, locationId: $loc) @idempotent(key: $key) {
            inventoryLevel { isActive quantities(names: ["available"]) { quantity } } userErrors { field message } } }`,
        { item: listing(shop, 'SKU-1'), loc: locationOf(shop), key: `activate ${release}` },
      );
      expect(activated.body.data.inventoryActivate.inventoryLevel).toEqual({
        isActive: true,
        quantities: [{ quantity: 10 }],
      });
    }
  });

  test('loses the compare to a sale that slips in', async () => {
    shop.fault({ name: 'sale_before_write', count: 1 });
    const input = setInput(shop, [{ sku: 'SKU-1', quantity: 7, base: 10 }]);
    const { body } = await ask(shop, setQty, { input, key: 'k1' });
    expect(errorsOf(body)).toEqual([['CHANGE_FROM_QUANTITY_STALE', 'input.quantities.0.changeFromQuantity']]);
    expect(shown(shop, 'SKU-1')).toBe(9);
    expect(shop.records().orders).toHaveLength(1);
  });
});

describe('inventoryAdjustQuantities', () => {
  const adjust = `mutation ($input: InventoryAdjustQuantitiesInput!, $key: String!) {
    inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
      inventoryAdjustmentGroup { changes { name delta quantityAfterChange } } userErrors { code field } } }`;
  const change = (delta: number, more: Record<string, unknown> = {}) => ({
    name: 'available',
    reason: 'correction',
    changes: [
      {
        inventoryItemId: listing(shop, 'SKU-1'),
        locationId: locationOf(shop),
        delta,
        changeFromQuantity: null,
        ...more,
      },
    ],
  });

  test('adds a delta, also below zero, and repeats nothing under the same key', async () => {
    for (let turn = 0; turn < 2; turn += 1) {
      const { body } = await ask(shop, adjust, { input: change(-12), key: 'k1' });
      expect(body.data.inventoryAdjustQuantities.inventoryAdjustmentGroup.changes).toEqual([
        { name: 'available', delta: -12, quantityAfterChange: -2 },
        { name: 'on_hand', delta: -12, quantityAfterChange: -2 },
      ]);
    }
    expect(shown(shop, 'SKU-1')).toBe(-2);
  });

  test('refuses a ledger document for available and a delta out of bounds', async () => {
    const ledger = await ask(shop, adjust, { input: change(1, { ledgerDocumentUri: 'app://x' }), key: 'k1' });
    expect(ledger.body.data.inventoryAdjustQuantities.userErrors[0].code).toBe('INVALID_AVAILABLE_DOCUMENT');
    const high = await ask(shop, adjust, { input: change(2_000_000_001), key: 'k2' });
    expect(high.body.data.inventoryAdjustQuantities.userErrors[0].code).toBe('INVALID_QUANTITY_TOO_HIGH');
  });
});

describe('idempotency keys', () => {
  const input = (quantity: number, base: number | null = null) =>
    setInput(shop, [{ sku: 'SKU-1', quantity, base }]);

  test('replay the first answer without doing it again', async () => {
    const first = await ask(shop, setQty, { input: input(7), key: 'k1' });
    shop.set({ sku: 'SKU-1', quantity: 4 });
    const again = await ask(shop, setQty, { input: input(7), key: 'k1' });
    expect(again.body.data).toEqual(first.body.data);
    expect(shown(shop, 'SKU-1')).toBe(4);
  });

  test('refuse other parameters', async () => {
    await ask(shop, setQty, { input: input(7), key: 'k1' });
    const { body } = await ask(shop, setQty, { input: input(6), key: 'k1' });
    expect(errorsOf(body)).toEqual([['IDEMPOTENCY_KEY_PARAMETER_MISMATCH', null]]);
  });

  test('stay failed after a user error', async () => {
    await ask(shop, setQty, { input: input(7, 3), key: 'k1' });
    shop.set({ sku: 'SKU-1', quantity: 3 });
    const { body } = await ask(shop, setQty, { input: input(7, 3), key: 'k1' });
    expect(errorsOf(body)).toEqual([['IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED', null]]);
    const fresh = await ask(shop, setQty, { input: input(7, 3), key: 'k2' });
    expect(errorsOf(fresh.body)).toEqual([]);
  });

  test('are busy while the platform has yet to obey, and then replay what it did', async () => {
    shop.fault({ name: 'late_apply', count: 1, ms: 60_000 });
    await expect(ask(shop, setQty, { input: input(7), key: 'k1' })).rejects.toThrow();
    expect(shown(shop, 'SKU-1')).toBe(10);
    const busy = await ask(shop, setQty, { input: input(7), key: 'k1' });
    expect(errorsOf(busy.body)).toEqual([['IDEMPOTENCY_CONCURRENT_REQUEST', null]]);
    await shop.settle();
    expect(shown(shop, 'SKU-1')).toBe(7);
    const replay = await ask(shop, setQty, { input: input(7), key: 'k1' });
    expect(errorsOf(replay.body)).toEqual([]);
    const writes = shop.records().calls.flatMap((call) => (call.kind === 'write' ? [call] : []));
    expect(writes.map(({ applied, answered }) => [applied, answered])).toEqual([[true, false]]);
  });

  test('make a write that was cut off after it happened safe to repeat', async () => {
    shop.fault({ name: 'apply_then_timeout', count: 1 });
    await expect(ask(shop, setQty, { input: input(7, 10), key: 'k1' })).rejects.toThrow();
    expect(shown(shop, 'SKU-1')).toBe(7);
    const { body } = await ask(shop, setQty, { input: input(7, 10), key: 'k1' });
    expect(errorsOf(body)).toEqual([]);
    shop.fault({ name: 'error_500_after', count: 1 });
    const failed = await ask(shop, setQty, { input: input(5, 7), key: 'k2' });
    expect([failed.status, typeof failed.body.errors, shown(shop, 'SKU-1')]).toEqual([500, 'string', 5]);
    const repeated = await ask(shop, setQty, { input: input(5, 7), key: 'k2' });
    expect(errorsOf(repeated.body)).toEqual([]);
  });

  test('are forgotten after the platform day', async () => {
    await shop.stop();
    // A day of 1 ms: the key is old by the time of the second call.
    shop = await startShop({ timeScale: 86_400_000 });
    await ask(shop, setQty, { input: input(7), key: 'k1' });
    const asked = Date.now();
    await until(() => Date.now() >= asked + 2);
    const { body } = await ask(shop, setQty, { input: input(6), key: 'k1' });
    expect(errorsOf(body)).toEqual([]);
    expect(shown(shop, 'SKU-1')).toBe(6);
  });
});
