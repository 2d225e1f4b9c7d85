import { describe, expect, test } from 'vitest';
import { UnreadableDelivery } from '../../../src/channels/channel.ts';
import { tiktokShop } from '../../../src/channels/tiktok-shop/index.ts';
import { noon, said } from '../../kit/stage.ts';
import { appKey, configOf, hook, type Stage, shopId, stage } from './scripted-tiktok.ts';

const silent = () => undefined;
const orderId = '576653688135258178';
const sale = { order_id: orderId, order_status: 'UNPAID', is_on_hold_order: true, update_time: 1718305585 };

function body(type: unknown, data: unknown, change: Record<string, unknown> = {}): string {
  return JSON.stringify({
    type,
    tts_notification_id: '7327112393057371910',
    shop_id: shopId,
    timestamp: 1,
    data,
    ...change,
  });
}

/** The one delivery that this call is, or the test fails. */
function accepted({ channel }: Pick<Stage, 'channel'>, request: Parameters<Stage['channel']['receive']>[0]) {
  const receipt = channel.receive(request);
  if (receipt.kind !== 'deliveries' || receipt.deliveries[0] === undefined) {
    throw new Error(`refused: ${JSON.stringify(receipt)}`);
  }
  expect(receipt.answer).toEqual({ status: 200, body: '' });
  return receipt.deliveries[0];
}

describe('a delivery', () => {
  test('that is signed as the official vector is believed', async () => {
    const { deps } = await stage(silent);
    const text =
      '{"type":1,"tts_notification_id":"7380066284010030890","shop_id":"7495540735365777507","timestamp":1718305585,"data":{"is_on_hold_order":true,"order_id":"576653688135258178","order_status":"UNPAID","update_time":1718305585}}';
    const config = configOf({ app_key: 'abcdef', app_secret: '123', shop_id: '7495540735365777507' });
    const channel = tiktokShop.create(config, deps);
    const authorization = '5dec0f11ec2f6783b8deee53c9ffbf8d024302f7c7e7fa55a35d17629031ac05';
    const delivery = accepted({ channel }, hook(text, { headers: { authorization } }));
    expect(delivery).toMatchObject({ key: 'tts:7380066284010030890', kind: 'ORDER_STATUS_CHANGE' });
    expect(said(channel, channel.fieldsOf(delivery)).fetch).toEqual(['576653688135258178']);
    await channel.close();
  });

  test('without, with two, with a wrong, a capital, a foreign or a garbled signature is refused with 401', async () => {
    const { channel } = await stage(silent);
    const request = hook(body(1, sale));
    const good = request.headers['authorization'] ?? '';
    const bad = [
      undefined,
      '',
      ' ',
      `${good}, ${good}`,
      `${good},${'0'.repeat(64)}`,
      `Bearer ${good}`,
      good.toUpperCase(),
      `${good} `,
      good.slice(1),
      '0'.repeat(64),
      'x'.repeat(64),
      'é'.repeat(64),
      'x'.repeat(10_000),
      hook(body(1, sale), {}).headers['tiktok-signature'],
    ];
    for (const authorization of bad) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const receipt = channel.receive({ ...request, headers });
      expect(receipt).toMatchObject({ kind: 'refused', status: 401 });
      if (receipt.kind === 'refused') expect(receipt.reason).not.toContain(good);
    }
    expect(channel.receive({ ...request, body: Buffer.from(`${body(1, sale)} `) }).kind).toBe('refused');
    expect(channel.receive({ ...request, method: 'GET' })).toMatchObject({ kind: 'refused', status: 405 });
  });

  test('under another secret or another key is refused', async () => {
    const { reopen } = await stage(silent);
    expect(reopen({ app_secret: 'another' }).receive(hook(body(1, sale))).kind).toBe('refused');
    expect(reopen({ app_key: `${appKey}x` }).receive(hook(body(1, sale))).kind).toBe('refused');
  });

  test('that is soundly signed and for another shop is refused, also when the shop is a JSON number', async () => {
    const { channel } = await stage(silent);
    const refused = { kind: 'refused', status: 401, reason: expect.stringMatching(/another shop/) };
    expect(channel.receive(hook(body(1, sale, { shop_id: '7494049642642441622' })))).toMatchObject(refused);
    const asNumber = body(1, sale).replace(`"${shopId}"`, '7494049642642441622');
    expect(channel.receive(hook(asNumber))).toMatchObject(refused);
    const own = body(1, sale).replace(`"${shopId}"`, shopId);
    expect(channel.receive(hook(own)).kind).toBe('deliveries');
  });

  test('is known by its notification id, and by its hash where old samples lack one', async () => {
    const at = await stage(silent);
    const key = (text: string) => accepted(at, hook(text)).key;
    expect(key(body(1, sale))).toBe('tts:7327112393057371910');
    expect(key(body(1, sale).replace('"7327112393057371910"', '7327112393057371910'))).toBe(
      'tts:7327112393057371910',
    );
    const old = body(1, sale, { tts_notification_id: undefined });
    expect(key(old)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(key(old)).not.toBe(key(`${old} `));
    expect(key(body(1, sale, { tts_notification_id: 'x'.repeat(500) }))).toMatch(/^sha256:/);
  });

  test('with ids as JSON numbers beyond 2^53 keeps every digit', async () => {
    const at = await stage(silent);
    const text = body(1, sale).replace(`"${orderId}"`, '576653688135258179');
    const { channel } = at;
    expect(said(channel, channel.fieldsOf(accepted(at, hook(text)))).fetch).toEqual(['576653688135258179']);
  });

  test.each(['', 'null', '<html>', '{"type":1,"da', '[]', '7'])(
    'that is authentic and says %j is kept and unreadable',
    async (text) => {
      const at = await stage(silent);
      const delivery = accepted(at, hook(text));
      expect(() => at.channel.fieldsOf(delivery)).toThrow(UnreadableDelivery);
    },
  );
});

describe('what a delivery says', () => {
  async function told(type: unknown, data: unknown) {
    const at = await stage(silent);
    const fields = at.channel.fieldsOf(accepted(at, hook(body(type, data))));
    return { ...said(at.channel, fields), refs: at.channel.refsIn(fields) };
  }

  test.each([
    ['a sale', 1, sale],
    ['an old return', 2, { order_id: orderId }],
    ['a cancellation', 11, { order_id: orderId, cancel_status: 'CANCELLATION_REQUEST_PENDING' }],
    [
      'a return under way',
      12,
      { order_id: orderId, return_status: 'AWAITING_BUYER_SHIP', return_type: 'RETURN_AND_REFUND' },
    ],
    ['a number that nobody knows and an order', 99, { order_id: orderId }],
    ['a number that means something else and the status of an order', 3, sale],
    ['no number and an order', 'x', { order_id: orderId }],
  ])('of %s is an order to fetch and nothing else', async (_, type, data) => {
    expect(await told(type, data)).toEqual({
      orders: [],
      fetch: [orderId],
      touched: [],
      ignored: null,
      alert: null,
      refs: [],
    });
  });

  test('of returned goods fetches the order and offers to book them, but books nothing', async () => {
    const data = {
      order_id: orderId,
      return_id: '4035',
      return_type: 'RETURN_AND_REFUND',
      return_status: 'RETURN_OR_REFUND_REQUEST_COMPLETE',
    };
    const back = await told(12, data);
    expect(back).toMatchObject({
      orders: [],
      fetch: [orderId],
      alert: expect.stringMatching(/stock receive SKU N --ref return-4035/),
    });
    expect((await told(12, { ...data, return_type: 'REFUND' })).alert).toBeNull();
  });

  test('of a low stock is a reason to read that SKU, and its numbers are not believed', async () => {
    const data = {
      product_id: '9',
      sku_id: '1729592969712207013',
      inventory_distribution: { available_quantity: 3 },
    };
    expect(await told(27, data)).toMatchObject({
      orders: [],
      touched: ['1729592969712207013'],
      refs: ['1729592969712207013'],
    });
  });

  test.each([
    ['a lost authorization', 6, {}, /took the authorization back/],
    ['an authorization that ends', 7, { expiration_time: noon / 1000 }, /2026-11-23/],
    ['one that ends at a nonsense time', 7, { expiration_time: 'soon' }, /ends soon/],
    ['a product that changed its state', 5, { product_id: '17' }, /product 17 .* listings import/],
    ['an audited product', 37, { product_id: '17' }, /listings import/],
  ])('of %s is told to people', async (_, type, data, words) => {
    expect(await told(type, data)).toMatchObject({
      fetch: [],
      orders: [],
      alert: expect.stringMatching(words),
    });
  });

  test.each([
    ['a new address', 3, { order_id: orderId }],
    ['a package', 4, { order_id: orderId }],
    ['a new product', 16, { product_id: '17' }],
    ['a stock notice without SKU', 27, {}],
    ['a number that nobody knows', 99, { weather: 'fine' }],
  ])('of %s is ignored with a reason', async (_, type, data) => {
    expect(await told(type, data)).toMatchObject({
      fetch: [],
      touched: [],
      ignored: expect.stringMatching(/\w+ \w+/),
    });
  });

  test.each([
    [null],
    [{}],
    [5],
    [{ order_id: null }],
    [{ order_id: 1.5 }],
    [{ order_id: -1 }],
    [{ order_id: '1'.repeat(400) }],
    [[]],
  ])('of a sale with data %j is unreadable', async (data) => {
    await expect(told(1, data)).rejects.toThrow(UnreadableDelivery);
  });
});
