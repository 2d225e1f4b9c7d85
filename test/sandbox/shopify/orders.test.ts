import { beforeEach, describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/sandbox/kit/random.ts';
import type { ShopifyShop } from '../../../src/sandbox/shopify/index.ts';
import { listing, type Receiver, sell, shown, startReceiver } from '../../kit/shop-stage.ts';
import { ask, locationOf, startShop, subscribe, topicOf } from './world.ts';

let shop: ShopifyShop;
let receiver: Receiver;
beforeEach(async () => {
  shop = await startShop();
  receiver = await startReceiver();
});

/** available, committed, on_hand as the API shows them. */
async function numbers(sku: string): Promise<number[]> {
  const { body } = await ask(
    shop,
    `query ($item: ID!, $loc: ID!) { inventoryItem(id: $item) { inventoryLevel(locationId: $loc) {
      quantities(names: ["available", "committed", "on_hand"]) { name quantity } } } }`,
    { item: listing(shop, sku), loc: locationOf(shop) },
  );
  return body.data.inventoryItem.inventoryLevel.quantities.map(
    ({ quantity }: { quantity: number }) => quantity,
  );
}

const lineOf = (orderId: string) =>
  shop.records().orders.find(({ order_id }) => order_id === orderId)?.lines[0];

async function refundsOf(orderId: string) {
  const { body } = await ask(
    shop,
    `query ($id: ID!) { order(id: $id) { cancelledAt displayFulfillmentStatus
      lineItems(first: 10) { nodes { id quantity currentQuantity unfulfilledQuantity } }
      refunds(first: 10) { refundLineItems(first: 10) { nodes { quantity restockType restocked location { id } } } } } }`,
    { id: `gid://shopify/Order/${orderId}` },
  );
  return body.data.order;
}

describe('a sale', () => {
  test('moves units from available to committed and tells three topics', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE', 'ORDERS_UPDATED', 'INVENTORY_LEVELS_UPDATE']);
    const { orderId } = sell(shop, ['SKU-1', 3]);
    expect(await numbers('SKU-1')).toEqual([7, 3, 10]);
    expect(lineOf(orderId)).toMatchObject({ sku: 'SKU-1', taken: 3, gone: 0 });
    await shop.settle();
    expect(receiver.got.map(topicOf).sort()).toEqual([
      'inventory_levels/update',
      'orders/create',
      'orders/updated',
    ]);
    expect(shop.records().orders[0]?.heard).toBe(true);
  });

  test('is refused beyond what is shown, unless it is forced', async () => {
    expect(shop.sell({ lines: [{ sku: 'SKU-1', quantity: 11 }] })).toEqual({
      sold: false,
      reason: 'out_of_stock',
    });
    const twice = [
      { sku: 'SKU-1', quantity: 6 },
      { sku: 'SKU-1', quantity: 5 },
    ];
    expect(shop.sell({ lines: twice })).toEqual({ sold: false, reason: 'out_of_stock' });
    expect(shop.sell({ lines: [{ sku: 'nothing', quantity: 1 }] })).toEqual({
      sold: false,
      reason: 'unknown_sku',
    });
    expect(shop.sell({ lines: [{ sku: 'SKU-1', quantity: 11 }], force: true }).sold).toBe(true);
    expect(await numbers('SKU-1')).toEqual([-1, 11, 10]);
  });

  test('of a bundle takes its components, and the parent only names the group', async () => {
    const result = shop.sell({ lines: [{ sku: 'BUNDLE-PARENT', quantity: 2 }] });
    if (!result.sold) throw new Error('not sold');
    expect(result.lines.map(({ sku, quantity }) => [sku, quantity])).toEqual([
      ['SKU-1', 2],
      ['SKU-2', 2],
    ]);
    expect([shown(shop, 'SKU-1'), shown(shop, 'SKU-2'), shown(shop, 'BUNDLE-PARENT')]).toEqual([8, 8, 8]);
    const { body } = await ask(
      shop,
      'query ($id: ID!) { order(id: $id) { lineItems(first: 5) { nodes { lineItemGroup { variantSku quantity } } } } }',
      { id: `gid://shopify/Order/${result.order_id}` },
    );
    expect(body.data.order.lineItems.nodes[0].lineItemGroup).toEqual({
      variantSku: 'BUNDLE-PARENT',
      quantity: 2,
    });
  });

  test('of something untracked moves no number', () => {
    expect(shop.sell({ lines: [{ sku: 'GIFT-CARD', quantity: 50 }] }).sold).toBe(true);
    expect(shown(shop, 'GIFT-CARD')).toBeNull();
  });

  test('can have 120 lines', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    shop.fault({ name: 'many_lines', count: 1 });
    const { orderId } = sell(shop, ['SKU-1', 10]);
    await shop.settle();
    expect(JSON.parse(receiver.got[0]?.text ?? '').line_items).toHaveLength(120);
    expect(shop.records().orders.find(({ order_id }) => order_id === orderId)?.lines).toHaveLength(120);
    expect(shown(shop, 'SKU-1')).toBe(0);
  });
});

describe('shipping', () => {
  test('lowers committed and on_hand and leaves available alone', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_UPDATED', 'INVENTORY_LEVELS_UPDATE', 'ORDERS_FULFILLED']);
    const { orderId, lineId } = sell(shop, ['SKU-1', 3]);
    await shop.settle();
    receiver.got.length = 0;
    shop.ship({ order_id: orderId });
    await shop.settle();
    expect(await numbers('SKU-1')).toEqual([7, 0, 7]);
    expect(lineOf(orderId)).toMatchObject({ taken: 3, gone: 3 });
    expect(receiver.got.map(topicOf).sort()).toEqual(['orders/fulfilled', 'orders/updated']);
    const text = receiver.got[0]?.text ?? '';
    const body = JSON.parse(text);
    expect(body.fulfillment_status).toBe('fulfilled');
    expect(body.fulfillments).toHaveLength(1);
    expect(text).toContain(`"line_items":[{"id":${lineId},`);
  });
});

describe('cancelling', () => {
  test('with restock writes refund rows of type cancel and gives the units back', async () => {
    const { orderId } = sell(shop, ['SKU-1', 3]);
    shop.cancel({ order_id: orderId });
    expect(await numbers('SKU-1')).toEqual([10, 0, 10]);
    expect(lineOf(orderId)).toMatchObject({ taken: 0, gone: 0 });
    const order = await refundsOf(orderId);
    expect(order.cancelledAt).not.toBeNull();
    expect(order.refunds[0].refundLineItems.nodes).toEqual([
      { quantity: 3, restockType: 'CANCEL', restocked: true, location: { id: locationOf(shop) } },
    ]);
  });

  test('without restock writes no_restock rows and the units are gone', async () => {
    const { orderId } = sell(shop, ['SKU-1', 3]);
    shop.cancel({ order_id: orderId, restock: false });
    expect(await numbers('SKU-1')).toEqual([7, 0, 7]);
    expect(lineOf(orderId)).toMatchObject({ taken: 3, gone: 3 });
    const order = await refundsOf(orderId);
    expect(order.refunds[0].refundLineItems.nodes).toEqual([
      { quantity: 3, restockType: 'NO_RESTOCK', restocked: false, location: null },
    ]);
  });
});

describe('refunding', () => {
  test('restocks open units as cancel and shipped ones as return', async () => {
    await subscribe(shop, receiver.url, ['REFUNDS_CREATE']);
    const { orderId, lineId } = sell(shop, ['SKU-1', 5]);
    shop.refund({ order_id: orderId, line_id: lineId, quantity: 1, restock: true });
    expect(await numbers('SKU-1')).toEqual([6, 4, 10]);
    shop.ship({ order_id: orderId });
    shop.refund({ order_id: orderId, quantity: 2, restock: true });
    expect(await numbers('SKU-1')).toEqual([8, 0, 8]);
    expect(lineOf(orderId)).toMatchObject({ taken: 2, gone: 2 });
    await shop.settle();
    const types = receiver.got.map(({ text }) => JSON.parse(text).refund_line_items[0].restock_type);
    expect(types.sort()).toEqual(['cancel', 'return']);
    expect(receiver.got[0]?.text).toContain(`"line_item_id":${lineId},`);
  });

  test('without restock writes off open units and changes nothing about shipped ones', async () => {
    const open = sell(shop, ['SKU-1', 4]);
    shop.refund({ order_id: open.orderId, quantity: 1, restock: false });
    expect(await numbers('SKU-1')).toEqual([6, 3, 9]);
    expect(lineOf(open.orderId)).toMatchObject({ taken: 4, gone: 1 });
    shop.ship({ order_id: open.orderId });
    shop.refund({ order_id: open.orderId, quantity: 2, restock: false });
    expect(await numbers('SKU-1')).toEqual([6, 0, 6]);
    expect(lineOf(open.orderId)).toMatchObject({ taken: 4, gone: 4 });
    const order = await refundsOf(open.orderId);
    expect(order.lineItems.nodes[0]).toMatchObject({
      quantity: 4,
      currentQuantity: 1,
      unfulfilledQuantity: 0,
    });
  });

  test('never gives back more than there is', () => {
    const { orderId } = sell(shop, ['SKU-1', 2]);
    shop.refund({ order_id: orderId, quantity: 99, restock: true });
    expect(shown(shop, 'SKU-1')).toBe(10);
    expect(() => shop.refund({ order_id: orderId, quantity: 1, restock: true })).toThrow('no such units');
  });
});

describe('editing', () => {
  test('removes units with a refund row and adds units on a line of their own', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_EDITED']);
    const { orderId, lineId } = sell(shop, ['SKU-1', 3]);
    shop.edit({ order_id: orderId, line_id: lineId, quantity: 1 });
    expect(await numbers('SKU-1')).toEqual([9, 1, 10]);
    shop.edit({ order_id: orderId, line_id: lineId, quantity: 4 });
    expect(await numbers('SKU-1')).toEqual([6, 4, 10]);
    const record = shop.records().orders[0];
    expect(record?.lines.map(({ taken }) => taken)).toEqual([1, 3]);
    await shop.settle();
    const added = record?.lines[1]?.line_id;
    expect(receiver.got.map(({ text }) => text.replace(/.*"line_items":(.*?\]\}).*/, '$1')).sort()).toEqual([
      `{"additions":[],"removals":[{"id":${lineId},"delta":2}]}`,
      `{"additions":[{"id":${added},"delta":3}],"removals":[]}`,
    ]);
    expect(receiver.got.every(({ text }) => text.includes(`"order_id":${orderId},`))).toBe(true);
    const order = await refundsOf(orderId);
    expect(order.refunds[0].refundLineItems.nodes[0]).toMatchObject({ quantity: 2, restockType: 'CANCEL' });
    expect(order.lineItems.nodes[0]).toMatchObject({ quantity: 3, currentQuantity: 1 });
    // The body only names the order; it went out after the last change, so a reader could fetch the final state.
    expect(record?.heard).toBe(false);
    expect(shop.records().orders[0]?.heard).toBe(true);
  });
});

describe('a draft order', () => {
  test('lowers available without any order', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE', 'INVENTORY_LEVELS_UPDATE']);
    shop.fault({ name: 'draft_reservation', count: 2 });
    await shop.settle();
    const total = shop.records().listings.reduce((sum, entry) => sum + (entry.shown ?? 0), 0);
    const fresh = await startShop();
    const before = fresh.records().listings.reduce((sum, entry) => sum + (entry.shown ?? 0), 0);
    expect(before - total).toBeGreaterThanOrEqual(2);
    expect(receiver.got.map(topicOf)).toEqual(['inventory_levels/update', 'inventory_levels/update']);
    expect(shop.records().orders).toEqual([]);
  });
});

describe('orderCancel', () => {
  const cancel = `mutation ($id: ID!, $restock: Boolean!) {
    orderCancel(orderId: $id, reason: INVENTORY, restock: $restock, notifyCustomer: false, staffNote: "short",
      refundMethod: { originalPaymentMethodsRefund: true }) {
      job { id done } orderCancelUserErrors { code field message } } }`;

  test('is a job, and done when the job says so', async () => {
    const { orderId } = sell(shop, ['SKU-1', 3]);
    const id = `gid://shopify/Order/${orderId}`;
    const { body } = await ask(shop, cancel, { id, restock: true });
    const { job } = body.data.orderCancel;
    expect(job.done).toBe(false);
    expect((await refundsOf(orderId)).cancelledAt).toBeNull();
    await shop.settle();
    const polled = await ask(shop, 'query ($id: ID!) { job(id: $id) { done } }', { id: job.id });
    expect(polled.body.data.job.done).toBe(true);
    expect(await numbers('SKU-1')).toEqual([10, 0, 10]);
    const again = await ask(shop, cancel, { id, restock: true });
    expect(again.body.data.orderCancel.orderCancelUserErrors[0].code).toBe('INVALID');
  });

  test('refuses a shipped order and an unknown one', async () => {
    const { orderId } = sell(shop, ['SKU-1', 3]);
    shop.ship({ order_id: orderId });
    const shipped = await ask(shop, cancel, { id: `gid://shopify/Order/${orderId}`, restock: true });
    expect(shipped.body.data.orderCancel.orderCancelUserErrors[0].code).toBe('INVALID');
    const unknown = await ask(shop, cancel, { id: 'gid://shopify/Order/1', restock: true });
    expect(unknown.body.data.orderCancel.orderCancelUserErrors[0].code).toBe('NOT_FOUND');
  });
});

describe('fulfillmentOrderHold', () => {
  const hold = `mutation ($id: ID!, $hold: FulfillmentOrderHoldInput!) {
    fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
      fulfillmentHold { id handle reason } fulfillmentOrder { id status supportedActions { action } }
      remainingFulfillmentOrder { id status lineItems(first: 5) { nodes { remainingQuantity } } }
      userErrors { code field message } } }`;
  const orders = `query ($id: ID!) { order(id: $id) { fulfillmentOrders(first: 5) { nodes { id status
    assignedLocation { location { id } } supportedActions { action }
    lineItems(first: 50) { nodes { id totalQuantity remainingQuantity lineItem { id } } } } } } }`;
  const input = (more: Record<string, unknown> = {}) => ({
    reason: 'INVENTORY_OUT_OF_STOCK',
    handle: 'invsync-1',
    notifyMerchant: true,
    ...more,
  });

  test('parts the named units, keeps them from shipping, and refuses the handle twice', async () => {
    const { orderId } = sell(shop, ['SKU-1', 3]);
    const { body } = await ask(shop, orders, { id: `gid://shopify/Order/${orderId}` });
    const [first] = body.data.order.fulfillmentOrders.nodes;
    expect(first.supportedActions.map(({ action }: { action: string }) => action)).toContain('HOLD');
    const lines = [{ id: first.lineItems.nodes[0].id, quantity: 1 }];
    const held = await ask(shop, hold, { id: first.id, hold: input({ fulfillmentOrderLineItems: lines }) });
    const result = held.body.data.fulfillmentOrderHold;
    expect(result.userErrors).toEqual([]);
    expect(result.fulfillmentOrder.status).toBe('ON_HOLD');
    expect(result.remainingFulfillmentOrder.lineItems.nodes).toEqual([{ remainingQuantity: 2 }]);
    const twice = await ask(shop, hold, { id: first.id, hold: input() });
    expect(twice.body.data.fulfillmentOrderHold.userErrors[0].code).toBe('DUPLICATE_FULFILLMENT_HOLD_HANDLE');
    const splitAgain = input({ handle: 'other', fulfillmentOrderLineItems: lines });
    const refused = await ask(shop, hold, { id: first.id, hold: splitAgain });
    expect(refused.body.data.fulfillmentOrderHold.userErrors[0].code).toBe(
      'FULFILLMENT_ORDER_NOT_SPLITTABLE',
    );
    shop.ship({ order_id: orderId });
    expect(lineOf(orderId)).toMatchObject({ taken: 3, gone: 2 });
    const released = await ask(
      shop,
      `mutation ($id: ID!, $ids: [ID!]) { fulfillmentOrderReleaseHold(id: $id, holdIds: $ids) {
        fulfillmentOrder { status } userErrors { code } } }`,
      { id: first.id, ids: [result.fulfillmentHold.id] },
    );
    expect(released.body.data.fulfillmentOrderReleaseHold.fulfillmentOrder.status).toBe('OPEN');
    shop.ship({ order_id: orderId });
    expect(lineOf(orderId)).toMatchObject({ taken: 3, gone: 3 });
  });
});

describe('tagsAdd', () => {
  test('adds to the tags and keeps the order heard', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    const { orderId } = sell(shop, ['SKU-1', 1]);
    await shop.settle();
    const id = `gid://shopify/Order/${orderId}`;
    const tag =
      'mutation ($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { id } userErrors { message } } }';
    await ask(shop, tag, { id, tags: ['oversold'] });
    await ask(shop, tag, { id, tags: ['oversold', 'invsync'] });
    const { body } = await ask(shop, 'query ($id: ID!) { order(id: $id) { tags } }', { id });
    expect(body.data.order.tags).toEqual(['invsync', 'oversold']);
    expect(shop.records().orders[0]?.heard).toBe(true);
  });
});

describe('any row of acts', () => {
  test('keeps the numbers equal to what the records say of the orders', async () => {
    const chance = createRandom(11);
    const skus = ['SKU-1', 'SKU-2', 'SKU-7'];
    for (let turn = 0; turn < 400; turn += 1) {
      const known = shop.records().orders.filter(({ status }) => status !== 'cancelled');
      const order = known.length > 0 ? chance.pick(known) : undefined;
      const line = order === undefined ? undefined : chance.pick(order.lines);
      const act = chance.int(0, 5);
      const restock = chance.chance(0.6);
      if (order === undefined || line === undefined || act <= 1) {
        shop.sell({
          lines: [{ sku: chance.pick(skus), quantity: chance.int(1, 3) }],
          force: chance.chance(0.3),
        });
      } else if (act === 2) shop.ship({ order_id: order.order_id });
      else if (act === 3 && chance.chance(0.3)) shop.cancel({ order_id: order.order_id, restock });
      else if (act === 4) {
        shop.edit({ order_id: order.order_id, line_id: line.line_id, quantity: chance.int(0, 4) });
      } else {
        try {
          shop.refund({
            order_id: order.order_id,
            line_id: line.line_id,
            quantity: chance.int(1, 2),
            restock,
          });
        } catch (error) {
          expect(String(error)).toContain('no such units left');
        }
      }
    }
    for (const sku of skus) {
      const lines = shop.records().orders.flatMap((order) => order.lines.filter((line) => line.sku === sku));
      const taken = lines.reduce((sum, line) => sum + line.taken, 0);
      const gone = lines.reduce((sum, line) => sum + line.gone, 0);
      expect(lines.every((line) => line.gone >= 0 && line.gone <= line.taken)).toBe(true);
      expect(await numbers(sku)).toEqual([10 - taken, taken - gone, 10 - gone]);
      expect(gone).toBeGreaterThan(0);
    }
  });
});
