import { describe, expect, test } from 'vitest';
import type { ActionOutcome, OversoldOrder } from '../../../src/channels/channel.ts';
import { calm } from '../../kit/stage.ts';
import { channelAt, type Reply, type ScriptedShop, startShop, testClock } from './scripted-shop.ts';

let shop: ScriptedShop;

const order: OversoldOrder = {
  orderId: 'gid://shopify/Order/5551112223334',
  lines: [{ lineKey: 'gid://shopify/LineItem/777', channelSku: 'TEE-S', shortfall: 2 }],
  key: 'k',
};

interface Fulfillment {
  status?: string;
  actions?: string[];
  line?: number;
  remaining?: number;
  handle?: string;
}

const noMore = { hasNextPage: false, endCursor: null };

function fulfillmentOrders(...list: Fulfillment[]): Reply {
  const pageInfo = noMore;
  const nodes = list.map((one, index) => ({
    id: `gid://shopify/FulfillmentOrder/${index + 1}`,
    status: one.status ?? 'OPEN',
    supportedActions: (one.actions ?? ['HOLD', 'SPLIT']).map((action) => ({ action })),
    fulfillmentHolds:
      one.handle === undefined ? [] : [{ id: 'h', handle: one.handle, heldByRequestingApp: true }],
    lineItems: {
      nodes: [
        {
          id: 'f',
          remainingQuantity: one.remaining ?? 2,
          lineItem: { id: `gid://shopify/LineItem/${one.line ?? 777}` },
        },
      ],
      pageInfo,
    },
  }));
  return {
    data: { order: { id: order.orderId, cancelledAt: null, fulfillmentOrders: { nodes, pageInfo } } },
  };
}

function held(...errors: { code: string; message: string }[]): Reply {
  return { data: { fulfillmentOrderHold: { fulfillmentHold: null, userErrors: errors } } };
}

const tagged: Reply = { data: { tagsAdd: { userErrors: [] } } };

async function act(
  action: 'hold' | 'cancel',
  script: Parameters<typeof startShop>[0],
): Promise<ActionOutcome | undefined> {
  shop = await startShop(script);
  const channel = channelAt(shop.url, { clock: testClock() });
  const outcome = await channel[action]?.(order, calm);
  return outcome;
}

describe('hold', () => {
  test('the fulfilment order with the short line is held as a whole under our handle, and the order is tagged', async () => {
    const outcome = await act('hold', {
      FulfillmentOrders: [fulfillmentOrders({}, { line: 888 }, { status: 'CLOSED', remaining: 0 })],
      HoldFulfillment: [held()],
      TagOrder: [tagged],
    });
    expect(outcome).toEqual({ kind: 'done', detail: 'held 1 fulfilment order(s) and tagged the order' });
    expect(shop.of('HoldFulfillment').map((call) => call.variables)).toEqual([
      {
        id: 'gid://shopify/FulfillmentOrder/1',
        hold: {
          reason: 'INVENTORY_OUT_OF_STOCK',
          reasonNotes: 'Out of stock: 2 x TEE-S',
          handle: 'invsync-5551112223334',
          notifyMerchant: true,
        },
      },
    ]);
    expect(shop.of('TagOrder')[0]?.variables).toEqual({ id: order.orderId, tags: ['oversold'] });
  });

  test('a repeat finds its own hold and does nothing more', async () => {
    const outcome = await act('hold', {
      FulfillmentOrders: [
        fulfillmentOrders({ status: 'ON_HOLD', actions: ['RELEASE_HOLD'], handle: 'invsync-5551112223334' }),
      ],
      TagOrder: [tagged],
    });
    expect(outcome?.kind).toBe('done');
    expect(shop.of('HoldFulfillment')).toEqual([]);
  });

  test('a handle that Shopify knows already counts as held', async () => {
    const outcome = await act('hold', {
      FulfillmentOrders: [fulfillmentOrders({})],
      HoldFulfillment: [held({ code: 'DUPLICATE_FULFILLMENT_HOLD_HANDLE', message: 'in use' })],
      TagOrder: [tagged],
    });
    expect(outcome?.kind).toBe('done');
  });

  test('the short line is found on the second page of fulfilment orders', async () => {
    const node = (line: number, id: string) => ({
      id,
      status: 'OPEN',
      supportedActions: [{ action: 'HOLD' }],
      fulfillmentHolds: [],
      lineItems: {
        nodes: [{ id: 'f', remainingQuantity: 1, lineItem: { id: `gid://shopify/LineItem/${line}` } }],
        pageInfo: noMore,
      },
    });
    const page = (nodes: object[], pageInfo: object): Reply => ({
      data: { order: { id: order.orderId, cancelledAt: null, fulfillmentOrders: { nodes, pageInfo } } },
    });
    await act('hold', {
      FulfillmentOrders: [
        page([node(1, 'fo-1')], { hasNextPage: true, endCursor: 'c' }),
        page([node(777, 'fo-2')], noMore),
      ],
      HoldFulfillment: [held()],
      TagOrder: [tagged],
    });
    expect(shop.of('FulfillmentOrders')[1]?.variables['after']).toBe('c');
    expect(shop.of('HoldFulfillment').map((call) => call.variables['id'])).toEqual(['fo-2']);
  });

  test('what cannot be held is refused in words', async () => {
    const cases: Parameters<typeof startShop>[0][] = [
      { FulfillmentOrders: [fulfillmentOrders({ status: 'IN_PROGRESS', actions: [] })] },
      { FulfillmentOrders: [fulfillmentOrders({ remaining: 0 })] },
      { FulfillmentOrders: [{ data: { order: null } }] },
      {
        FulfillmentOrders: [fulfillmentOrders({})],
        HoldFulfillment: [held({ code: 'FULFILLMENT_ORDER_HOLD_LIMIT_REACHED', message: 'too many' })],
      },
      { FulfillmentOrders: [{ status: 404, text: '' }] },
    ];
    for (const script of cases) {
      expect(await act('hold', script)).toMatchObject({ kind: 'refused', error: expect.any(String) });
    }
  });

  test('without the scope to tag the hold stands', async () => {
    const outcome = await act('hold', {
      FulfillmentOrders: [fulfillmentOrders({})],
      HoldFulfillment: [held()],
      TagOrder: [{ errors: [{ message: 'Access denied', extensions: { code: 'ACCESS_DENIED' } }] }],
    });
    expect(outcome).toEqual({
      kind: 'done',
      detail: 'held 1 fulfilment order(s); the order could not be tagged',
    });
  });

  test('a missing scope for holding or cancelling refuses the action and leaves the channel alone', async () => {
    const denied: Reply = { errors: [{ message: 'Access denied', extensions: { code: 'ACCESS_DENIED' } }] };
    expect(await act('hold', { FulfillmentOrders: [denied] })).toMatchObject({ kind: 'refused' });
    expect(await act('cancel', { OrderState: [denied] })).toMatchObject({ kind: 'refused' });
  });

  test('a lost answer may be tried again, and refused credentials park the channel', async () => {
    expect(
      await act('hold', { FulfillmentOrders: [fulfillmentOrders({})], HoldFulfillment: ['hang up'] }),
    ).toMatchObject({ kind: 'retry' });
    expect(await act('hold', { FulfillmentOrders: [{ status: 403, text: '' }] })).toMatchObject({
      kind: 'auth',
    });
  });
});

describe('cancel', () => {
  const open: Reply = { data: { order: { id: order.orderId, cancelledAt: null } } };
  const cancelled: Reply = { data: { order: { id: order.orderId, cancelledAt: '2026-11-23T10:00:00Z' } } };
  const started = (done: boolean): Reply => ({
    data: { orderCancel: { job: { id: 'gid://shopify/Job/1', done }, orderCancelUserErrors: [] } },
  });
  const job = (done: boolean): Reply => ({ data: { job: { id: 'gid://shopify/Job/1', done } } });
  const refusedWith = (code: string): Reply => ({
    data: { orderCancel: { job: null, orderCancelUserErrors: [{ code, field: null, message: 'no' }] } },
  });

  test('the order is cancelled with restock, the job is awaited and the order itself is believed', async () => {
    const outcome = await act('cancel', {
      OrderState: [open, cancelled],
      CancelOrder: [started(false)],
      JobState: [job(false), job(true)],
    });
    expect(outcome).toEqual({ kind: 'done', detail: 'the order was cancelled with restock' });
    expect(shop.of('CancelOrder')[0]?.query).toContain('restock: true');
    expect(shop.of('JobState')).toHaveLength(2);
  });

  test('an order that is cancelled already is not cancelled again', async () => {
    expect(await act('cancel', { OrderState: [cancelled] })).toMatchObject({ kind: 'done' });
    expect(shop.of('CancelOrder')).toEqual([]);
  });

  test('a job that does not end in time is asked for again later, and no longer than that', async () => {
    const outcome = await act('cancel', {
      OrderState: [open],
      CancelOrder: [started(false)],
      JobState: [job(false)],
    });
    expect(outcome).toMatchObject({ kind: 'retry', afterMs: expect.any(Number) });
    expect(shop.of('JobState')).toHaveLength(5);
  });

  test('a job that ended without cancelling, a missing order and a refusal fall back in words', async () => {
    const cases: Parameters<typeof startShop>[0][] = [
      { OrderState: [open], CancelOrder: [started(true)] },
      { OrderState: [{ data: { order: null } }] },
      { OrderState: [open], CancelOrder: [refusedWith('INVALID')] },
      { OrderState: [open], CancelOrder: [refusedWith('NO_REFUND_PERMISSION')] },
    ];
    for (const script of cases) {
      expect(await act('cancel', script)).toMatchObject({ kind: 'refused' });
    }
  });

  test('an internal error and a lost answer may be tried again', async () => {
    expect(
      await act('cancel', { OrderState: [open], CancelOrder: [refusedWith('INTERNAL_ERROR')] }),
    ).toMatchObject({ kind: 'retry' });
    expect(await act('cancel', { OrderState: [open], CancelOrder: ['hang up'] })).toMatchObject({
      kind: 'retry',
    });
  });
});
