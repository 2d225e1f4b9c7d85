import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sharedFaults } from '../../src/sandbox/kit/faults.ts';
import { createShop } from '../../src/sandbox/registry.ts';
import type { Shop } from '../../src/sandbox/shop.ts';
import { afterTest } from '../kit/stage.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/sandbox.md'), 'utf8');

async function shop(type: string): Promise<Shop> {
  const catalogue = [{ sku: 'MUG', title: 'Mug', stock: 5 }];
  const made = await createShop(type, { name: 'shop', seed: 1, timeScale: 1_000, catalogue, port: 0 });
  await made.start();
  afterTest(() => made.stop());
  return made;
}

async function act(at: Shop, verb: string, body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(`${at.url}/_sandbox/${verb}`, { method: 'POST', body: text });
  const said = (await answer.json()) as { error?: { code: string; message: string } };
  return { status: answer.status, body: said };
}

describe('a verb of the sandbox', () => {
  test.each([
    ['sell', '{"lines":', 'the body is no JSON object'],
    ['sell', [], 'the body is no JSON object'],
    ['sell', {}, 'sell: lines: [{sku, quantity}], or sku with quantity, is required'],
    ['sell', { lines: [{ sku: 'MUG', quantity: 0 }] }, 'sell: lines.0.quantity: '],
    ['sell', { sku: 7 }, 'sell: sku: '],
    ['cancel', {}, 'cancel: order_id: '],
    ['refund', { order_id: '1', quantity: 'two' }, 'refund: quantity: '],
    ['edit', { order_id: '1', line_id: '1', quantity: -1 }, 'edit: quantity: '],
    ['ship', { order_id: '' }, 'ship: order_id: '],
    ['set', { sku: 'MUG' }, 'set: quantity: '],
    ['fault', { name: 'slow', rate: 2 }, 'fault: rate: '],
  ])('%s answers %j with a sentence, not a stack', async (verb, body, message) => {
    const answer = await act(await shop('woocommerce'), verb, body);
    expect(answer.status).toBe(400);
    expect(answer.body.error?.code).toBe('bad_request');
    expect(answer.body.error?.message).toContain(message);
    expect(answer.body.error?.message).not.toContain(' at ');
  });

  test('does what it is told with sound fields, and says what it does not know', async () => {
    const at = await shop('shopify');
    const sold = await act(at, 'sell', { sku: 'MUG', quantity: 2 });
    expect(sold).toMatchObject({ status: 200, body: { sold: true, lines: [{ sku: 'MUG', quantity: 2 }] } });
    expect((await act(at, 'set', { sku: 'MUG', quantity: 9 })).status).toBe(200);
    expect((await act(at, 'fault', { name: 'snow' })).status).toBe(409);
    expect((await act(at, 'constructor', {})).status).toBe(404);
    expect(at.records().listings.find(({ sku }) => sku === 'MUG')?.shown).toBe(9);
  });
});

describe('docs/sandbox.md', () => {
  test('names every fault that all shops have', () => {
    expect(sharedFaults.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
