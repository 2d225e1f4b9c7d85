import { describe, expect, test } from 'vitest';
import { tiktokShop } from '../../src/channels/tiktok-shop/index.ts';
import { createTiktokShop, type TiktokShop } from '../../src/sandbox/tiktok-shop/index.ts';
import { type Bench, benches, calm, inHeader, type Stand } from './bench.ts';
import { channelSuite } from './channel.ts';

const standOf = (shop: TiktokShop): Stand => ({
  definition: tiktokShop,
  shop,
  settle: shop.settle,
  tellsWantOfStock: true,
  signature: inHeader('authorization'),
  keys: { webhook: 'app_secret', credential: 'app_secret' },
  foreignFault: 'wrong_shop',
  signing: {
    forged: ['bad_signature', 'wrong_recipe', 'unsigned'],
    odd: ['no_notification_id', 'numeric_ids', 'cancelled_spelling'],
  },
  // TWIN-A and TWIN-B share one number, which no listing tells: only the refusal of a write does.
  furnish: async () => ({
    unwritable: [...shop.oddities.unwritable],
    ambiguous: [...shop.oddities.ambiguous],
  }),
  foreignWebhook: async (url) => shop.foreignWebhook(url),
  neverGivesUp: 'deliveries are given up after the fifth attempt, the address of a topic is not',
});

channelSuite('tiktok-shop', (options) => standOf(createTiktokShop(options)));

describe('tiktok-shop beyond the suite', () => {
  let shop: TiktokShop;
  const open = benches((options) => {
    shop = createTiktokShop(options);
    return standOf(shop);
  });
  const unitsOf = async (bench: Bench, orderId: string) =>
    (await bench.fetchOrder(orderId)).lines.map(({ taken, gone }) => [taken, gone]);
  const truthOf = (orderId: string) =>
    shop
      .records()
      .orders.find((order) => order.order_id === orderId)
      ?.lines.map(({ taken, gone }) => [taken, gone]);

  test('a parcel that is lost on its way is cancelled and gone, its order’s earlier cancelled units are free', async () => {
    const bench = await open();
    const { orderId, lineIds } = bench.sell(['SKU-001', 3]);
    shop.refund({ order_id: orderId, line_id: lineIds[0] ?? '', quantity: 1, restock: true });
    shop.ship({ order_id: orderId });
    shop.cancel({ order_id: orderId });
    expect(await bench.fetchOrder(orderId)).toMatchObject({ status: 'CANCELLED', cancelled: true });
    expect(await unitsOf(bench, orderId)).toEqual([[2, 2]]);
    expect(truthOf(orderId)).toEqual([[2, 2]]);
    expect(bench.shown('SKU-001')).toBe(8);
  });

  test.each(['partial_ship', 'slow_collection'])(
    'under %s each unit is gone when it has left',
    async (fault) => {
      const bench = await open();
      const { orderId } = bench.sell(['SKU-001', 4]);
      shop.fault({ name: fault, count: 1 });
      shop.ship({ order_id: orderId });
      expect(await unitsOf(bench, orderId)).toEqual(truthOf(orderId));
      shop.cancel({ order_id: orderId });
      expect(await unitsOf(bench, orderId)).toEqual(truthOf(orderId));
      await shop.settle();
      expect(await unitsOf(bench, orderId)).toEqual(truthOf(orderId));
    },
  );

  test.each(['unpaid', 'never_pays', 'cancel_pending', 'cancel_withdrawn', 'gift_line', 'pre_order'])(
    'under %s adapter and shop agree on what an order keeps, before and after',
    async (fault) => {
      const bench = await open();
      shop.fault({ name: fault });
      if (fault === 'cancel_withdrawn') shop.fault({ name: 'cancel_pending' });
      const { orderId } = bench.sell(['SKU-001', 3], ['SKU-005', 1]);
      expect(await unitsOf(bench, orderId)).toEqual(truthOf(orderId));
      if (fault.startsWith('cancel')) shop.cancel({ order_id: orderId });
      expect(await unitsOf(bench, orderId)).toEqual(truthOf(orderId));
      await shop.settle();
      expect(await unitsOf(bench, orderId)).toEqual(truthOf(orderId));
    },
  );

  test('registrations that went away by themselves are made again', async () => {
    const bench = await open();
    await bench.subscribe();
    const { webhooks } = bench.channel;
    shop.fault({ name: 'given_up_unsubscribes' });
    bench.listener.status = 500;
    bench.sell(['SKU-001', 1]);
    await bench.settle();
    bench.listener.status = 200;
    const listed = (await webhooks?.list(calm))?.map(({ topic }) => topic);
    expect(listed).not.toContain('ORDER_STATUS_CHANGE');
    expect((await webhooks?.ensure(bench.address, calm))?.changes).toContain('created ORDER_STATUS_CHANGE');
    bench.listener.clear();
    bench.sell(['SKU-001', 1]);
    expect((await bench.deliveries()).length).toBeGreaterThan(0);
  });

  test('what only the refusal of a write tells is rejected with its own hint, and its neighbours stand', async () => {
    const bench = await open();
    const deleted = 'GONE-1';
    expect((await bench.listings()).some(({ channelSku }) => channelSku === deleted)).toBe(false);
    const skus = ['COMBO-1', 'SKU-001', 'GLOBAL-1', 'TWIN-A', 'SKU-002'];
    const lines = await Promise.all(skus.map((sku) => bench.line(sku, 1, null)));
    const outcomes = await bench.channel.setStock(lines, calm);
    expect(outcomes).toEqual([
      expect.objectContaining({ kind: 'rejected', hint: expect.stringMatching(/components/) }),
      { kind: 'applied', shown: 1 },
      expect.objectContaining({ kind: 'rejected', hint: expect.stringMatching(/global/) }),
      expect.objectContaining({ kind: 'rejected', hint: expect.stringMatching(/share/) }),
      { kind: 'applied', shown: 1 },
    ]);
  });

  test.each([
    ['promotion_lock', 'rejected'],
    ['partial_error', 'unknown'],
    ['warehouse_gone', 'applied'],
    ['new_warehouse', 'applied'],
    ['throttle_in_200', 'throttled'],
    ['hourly_limit', 'throttled'],
    ['internal_in_200', 'retry'],
    ['timeout_in_200', 'unknown'],
    ['overload', 'retry'],
    ['html', 'retry'],
    ['wrong_token_shop', 'auth'],
    ['ip_refused', 'auth'],
    ['shop_inactive', 'auth'],
    ['token_expiry', 'applied'],
  ])('a push under %s ends as %s', async (fault, kind) => {
    const bench = await open();
    const line = await bench.line('SKU-001', 3, 10);
    shop.fault({ name: fault, count: 1 });
    const [outcome] = await bench.channel.setStock([line], calm);
    expect(outcome?.kind).toBe(kind);
    const written = kind === 'applied' || fault === 'timeout_in_200';
    expect(bench.shown('SKU-001')).toBe(written ? 3 : 10);
  });

  test.each([40_000, -400_000])('a platform whose clock differs by %s ms is read and written', async (ms) => {
    const bench = await open();
    shop.fault({ name: 'clock_skew', ms });
    const line = await bench.line('SKU-001', 3, 10);
    expect(await bench.channel.setStock([line], calm)).toEqual([{ kind: 'applied', shown: 3 }]);
  });

  test.each(['expires_as_duration', 'old_refresh_dies', 'refresh_lost'])(
    'the chain of tokens outlives %s, and a restart',
    async (fault) => {
      const bench = await open();
      shop.fault({ name: fault, count: 1 });
      const [first] = await Promise.allSettled([bench.channel.identity(calm)]);
      // Of a lost answer nobody learns; the next attempt asks with the token that is known.
      expect(first?.status).toBe(fault === 'refresh_lost' ? 'rejected' : 'fulfilled');
      for (const channel of [bench.channel, bench.open(), bench.open()]) {
        shop.fault({ name: 'token_expiry', count: 1 });
        expect((await channel.identity(calm)).accountId).toBe(shop.account.shopId);
      }
    },
  );
});
