import { describe, expect, test } from 'vitest';
import { deliverable } from '../../../src/channels/woocommerce/check.ts';
import { noon, type Reply } from '../../kit/stage.ts';
import { type Call, scripted, signal } from './scripted-shop.ts';

const v3 = '/wp-json/wc/v3';

/** A shop where all is well, with some answers replaced by path. */
function shop(replaced: Record<string, Reply> = {}): (call: Call) => Reply {
  const answers: Record<string, Reply> = {
    '/wp-json/': {
      json: {
        name: 'My Shop',
        url: 'https://shop.example',
        home: 'https://shop.example',
        namespaces: ['wp/v2', 'wc/v3'],
        timezone_string: 'Europe/Berlin',
      },
    },
    [`${v3}/orders`]: { json: [] },
    [`${v3}/products/batch`]: { json: [] },
    [`${v3}/webhooks`]: { json: [] },
    [`${v3}/settings/products`]: {
      json: [
        { id: 'woocommerce_manage_stock', value: 'yes' },
        { id: 'woocommerce_hold_stock_minutes', value: '60' },
        { id: 'woocommerce_notify_no_stock_amount', value: '0' },
      ],
    },
    [`${v3}/products`]: { json: [{ id: 11, sku: 'MUG', backorders: 'no' }] },
    ...replaced,
  };
  return ({ path }) => answers[path] ?? { status: 404, text: 'not found' };
}

async function checked(replaced: Record<string, Reply> = {}, config = {}) {
  const { channel } = await scripted(shop(replaced), { config });
  const items = await channel.check(signal);
  const worst = (name: string) => items.filter((item) => item.name === name && item.level !== 'ok');
  return { items, worst };
}

describe('checking a shop', () => {
  test('finds nothing where all is well', async () => {
    const { items } = await checked();
    expect(items.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(items.map(({ name }) => name)).toEqual([
      'site',
      'address',
      'clock',
      'credentials',
      'write permission',
      'webhooks',
      'settings',
      'backorders',
    ]);
  });

  test('a staging copy that kept the key is told by its own address', async () => {
    const json = { name: 'Copy', home: 'https://staging.shop.example', namespaces: ['wc/v3'] };
    const { worst } = await checked({ '/wp-json/': { json } });
    expect(worst('address')).toMatchObject([{ level: 'fail', detail: expect.stringMatching(/staging/) }]);
  });

  test('refused credentials end the look with one remedy', async () => {
    const json = {
      code: 'woocommerce_rest_cannot_view',
      message: 'Sorry, you cannot list resources.',
      data: { status: 401 },
    };
    const { items } = await checked({ [`${v3}/orders`]: { status: 401, json } });
    expect(items.at(-1)).toMatchObject({
      name: 'credentials',
      level: 'fail',
      remedy: expect.stringMatching(/https/),
    });
  });

  test('a read-only key is found by an empty batch, which changes nothing', async () => {
    const json = {
      code: 'woocommerce_rest_authentication_error',
      message: 'The API key provided does not have write permissions.',
      data: { status: 401 },
    };
    const { worst } = await checked({ [`${v3}/products/batch`]: { status: 401, json } });
    expect(worst('write permission')).toMatchObject([
      { level: 'fail', remedy: expect.stringMatching(/Read\/Write/) },
    ]);
  });

  test('plain permalinks are recognised', async () => {
    const index = { name: 'My Shop', home: 'https://shop.example', namespaces: ['wc/v3'] };
    const { worst } = await checked({ '/wp-json/': { status: 404, text: 'nope' }, '/': { json: index } });
    expect(worst('site')).toMatchObject([{ level: 'fail', remedy: expect.stringMatching(/Permalinks/) }]);
  });

  test('plain permalinks behind a front controller are recognised by the home page in place of the API', async () => {
    const index = { name: 'My Shop', home: 'https://shop.example', namespaces: ['wc/v3'] };
    const toHome: Reply = { status: 301, text: '', headers: { location: 'https://shop.example' } };
    const { worst } = await checked({
      '/wp-json/': { text: '<!DOCTYPE html> (home page)' },
      '/': { json: index },
      [`${v3}/orders`]: toHome,
    });
    expect(worst('site')).toMatchObject([{ level: 'fail', remedy: expect.stringMatching(/Permalinks/) }]);
    expect(worst('credentials')).toMatchObject([
      { level: 'fail', remedy: expect.stringMatching(/own home page: set Settings > Permalinks/) },
    ]);
  });

  test.each(['https://www.shop.example', 'https://new.example/shop'])(
    'a redirect to %s names that address',
    async (location) => {
      const moved: Reply = {
        status: 301,
        text: '',
        headers: { location: `${location}/wp-json/wc/v3/orders` },
      };
      const { worst } = await checked({ [`${v3}/orders`]: moved });
      expect(worst('credentials')[0]?.remedy).toMatch(`url: ${location}`);
    },
  );

  test('a PHP notice before the JSON is named, and no firewall is blamed', async () => {
    const text = '<br />\n<b>Warning</b>: Undefined array key in <b>some-plugin.php</b><br />\n{"update":[]}';
    const { worst } = await checked({ [`${v3}/products/batch`]: { text } });
    expect(worst('write permission')).toMatchObject([
      {
        detail: expect.stringMatching(/PHP prints before the JSON: Warning.*some-plugin\.php/),
        remedy: expect.stringMatching(/WP_DEBUG_DISPLAY/),
      },
    ]);
  });

  test('settings that oversell or never release are told', async () => {
    const json = [
      { id: 'woocommerce_manage_stock', value: 'no' },
      { id: 'woocommerce_hold_stock_minutes', value: '' },
      { id: 'woocommerce_notify_no_stock_amount', value: '2' },
    ];
    const { worst } = await checked({ [`${v3}/settings/products`]: { json } });
    expect(worst('settings').map(({ level }) => level)).toEqual(['fail', 'warn', 'warn']);
  });

  test('backorders are told of every product and variation, not of the newest only', async () => {
    const headers = { 'x-wp-total': '101', 'x-wp-totalpages': '2' };
    const variable = { id: 500, type: 'variable', sku: 'TEE', variations: [501] };
    const pages = [
      [...Array(99).keys()].map((id) => ({ id: id + 1, sku: `S-${id}`, backorders: 'no' })),
      [{ id: 400, sku: 'OLD', backorders: 'notify' }, variable],
    ];
    const variations = [{ id: 501, parent_id: 500, sku: 'TEE-S', backorders: 'yes' }];
    const answer = shop({ [`${v3}/variations`]: { json: variations } });
    const { channel } = await scripted((call) =>
      call.path === `${v3}/products`
        ? { json: pages[Number(call.query.get('page')) - 1], headers }
        : answer(call),
    );
    const items = await channel.check(signal);
    expect(items.find(({ name }) => name === 'backorders')).toMatchObject({
      level: 'warn',
      detail: '2 of 101 products and variations are sold beyond their stock: OLD, TEE-S',
    });
  });

  test('a disabled webhook and one at an address that WordPress refuses are told', async () => {
    const hook = { id: 3, name: 'invsync order.created', topic: 'order.created', status: 'disabled' };
    const json = [
      { ...hook, delivery_url: 'https://sync.example/hooks/wp' },
      { ...hook, id: 4, status: 'active', delivery_url: 'http://192.168.1.4:3000/hooks/wp' },
    ];
    const { worst } = await checked({ [`${v3}/webhooks`]: { json } });
    expect(worst('webhooks').map(({ detail }) => detail)).toEqual([
      'order.created is disabled',
      'WordPress refuses to deliver to http://192.168.1.4:3000/hooks/wp',
    ]);
  });

  test('a clock that is off is told with its seconds', async () => {
    const headers = { date: new Date(noon - 90_000).toUTCString() };
    const json = { name: 'My Shop', home: 'https://shop.example', namespaces: ['wc/v3'] };
    const { worst } = await checked({ '/wp-json/': { json, headers } });
    expect(worst('clock')).toMatchObject([
      { level: 'warn', detail: 'the clock of the shop is -89 s off ours' },
    ]);
  });

  test('an http shop is warned, and works', async () => {
    const json = { name: 'My Shop', home: 'http://shop.example', namespaces: ['wc/v3'] };
    const { items, worst } = await checked({ '/wp-json/': { json } }, { url: 'http://shop.example' });
    expect(worst('transport')).toMatchObject([{ level: 'warn' }]);
    expect(items.find(({ name }) => name === 'credentials')?.level).toBe('ok');
  });

  test.each([
    ['https://sync.example/hooks', true],
    ['http://sync.example:8080/hooks', true],
    ['https://sync.example:8787/hooks', false],
    ['http://10.0.0.4/hooks', false],
    ['http://172.20.0.4/hooks', false],
    ['http://localhost/hooks', false],
    ['https://user:pass@sync.example/hooks', false],
    ['http://shop.example:3000/hooks', true],
  ])('WordPress delivers to %s: %s', (address, expected) => {
    expect(deliverable(address, 'https://shop.example')).toBe(expected);
  });
});

describe('the identity of a shop', () => {
  test('is its own address without scheme and www, so that a change to https keeps it', async () => {
    for (const home of ['https://www.Shop.example/store/', 'http://shop.example/store']) {
      const json = { name: 'My Shop', home, namespaces: ['wc/v3'] };
      const { channel } = await scripted(shop({ '/wp-json/': { json } }));
      expect(await channel.identity(signal)).toEqual({ accountId: 'shop.example/store', title: 'My Shop' });
    }
  });

  test('is asked of the system status where the public index is closed', async () => {
    const closed = {
      status: 401,
      json: { code: 'rest_not_logged_in', message: 'Closed', data: { status: 401 } },
    };
    const status = { json: { environment: { home_url: 'https://shop.example', site_url: '' } } };
    const { channel } = await scripted(shop({ '/wp-json/': closed, [`${v3}/system_status`]: status }));
    expect(await channel.identity(signal)).toEqual({ accountId: 'shop.example', title: 'shop.example' });
  });

  test('is no guess: a site that is down is an error', async () => {
    const { channel } = await scripted(shop({ '/wp-json/': { status: 500, text: 'Database Error' } }));
    await expect(channel.identity(signal)).rejects.toMatchObject({ kind: 'retry' });
  });
});
