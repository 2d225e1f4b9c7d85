import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAdminListener } from '../../src/http/admin.ts';
import type { Listener } from '../../src/http/listener.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { silentLog } from '../../src/log.ts';
import { servePage } from '../../src/page/page.ts';
import { passFor, passIsGood } from '../../src/page/pass.ts';
import { alertLevels } from '../../src/store/store.ts';
import { statusReport, stockReport } from '../../src/sync/status.ts';
import { makeWorld, type World } from '../sync/world.ts';

const token = '0123456789abcdef0123456789abcdef';
const hostile = '<script>alert(1)</script>"\'&';
let world: World;
const listeners: Listener[] = [];

beforeEach(async () => {
  world = await makeWorld();
  await world.stock('TEE', 5);
  await world.stock(hostile, 3);
  await world.stock('a/b c.json', 2);
});
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.stop();
  await world.close();
});

async function open(secret: string | null = null): Promise<string> {
  const { store, clock } = world;
  const self = { running: true, since: null, version: '1' };
  const status = () => statusReport(store, self, clock.now());
  const listener = createAdminListener(
    {
      clock,
      log: silentLog,
      reservations: store.reservations,
      hasChannel: () => true,
      moved: () => undefined,
      broken: () => null,
      ready: async () => ({ ready: true, checks: [] }),
      status,
      stock: (sku) => stockReport({ store }, sku),
      alerts: async () => ({ alerts: [] }),
      metrics: createMetrics(async () => []),
      page: (ask, caller) =>
        servePage({ store, clock, token: secret, levels: alertLevels, status }, ask, caller),
    },
    { host: '127.0.0.1', port: 0, token: secret },
  );
  await listener.start();
  listeners.push(listener);
  return listener.url;
}

const proxied = { 'x-forwarded-for': '203.0.113.9' };

describe('the page', () => {
  test.each([
    ['/', 'Overview', 'Nothing needs a person.'],
    ['/sku', 'SKUs', 'TEE'],
    ['/sku/TEE', 'TEE', 'Why it is 5'],
    ['/drift', 'Drift', 'No run over whole channels yet.'],
    ['/attention', 'Attention', 'No order waits for goods.'],
  ])('%s shows its heading and what it is about', async (path, title, about) => {
    const answer = await fetch(`${await open()}${path}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const text = await answer.text();
    expect(text).toContain(`<h1>${title}</h1>`);
    expect(text).toContain(about);
  });

  test('gives the data of each place as the commands print them', async () => {
    const url = await open();
    const data = async (path: string) => (await fetch(`${url}${path}`)).json();
    expect(await data('/index.json')).toMatchObject({
      daemon: { running: true },
      channels: [{ channel: 'shop' }],
    });
    expect(await data('/.json')).toEqual(await data('/api/v1/status'));
    expect(await data('/sku/TEE.json')).toMatchObject({ sku: 'TEE', available: 5, adds_up: true });
    expect(await data('/sku.json?search=te')).toMatchObject({ stock: [{ sku: 'TEE', available: 5 }] });
    expect(await data('/drift.json')).toEqual({ run: null });
    expect(await data('/attention.json')).toEqual({ alerts: [], oversells: [] });
  });

  test('escapes what it shows, whatever a SKU is called, and finds it by its address', async () => {
    const url = await open();
    for (const path of ['/sku', `/sku/${encodeURIComponent(hostile)}`]) {
      const text = await (await fetch(`${url}${path}`)).text();
      expect(text).not.toContain('<script>alert');
      expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;');
    }
    const odd = encodeURIComponent('a/b c.json');
    expect(await (await fetch(`${url}/sku/${odd}`)).text()).toContain('<h1>a/b c.json</h1>');
    expect(await (await fetch(`${url}/sku/${odd}.json`)).json()).toMatchObject({ sku: 'a/b c.json' });
    const search = await (await fetch(`${url}/sku?search=${encodeURIComponent('"><b>')}`)).text();
    expect(search).toContain('value="&quot;&gt;&lt;b&gt;"');
  });

  test('says that there is no such SKU, page and data alike', async () => {
    const url = await open();
    expect((await fetch(`${url}/sku/NONE`)).status).toBe(404);
    expect(await (await fetch(`${url}/sku/NONE.json`)).json()).toMatchObject({
      error: { code: 'unknown_sku' },
    });
    expect((await fetch(`${url}/sku/%E0%A4%A`)).status).toBe(404);
    expect((await fetch(`${url}/nowhere`)).status).toBe(404);
  });

  test('loads nothing from elsewhere, runs only its own script, and cannot be framed', async () => {
    const { headers } = await fetch(await open());
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy.split('; ').map((each) => each.replace(/'sha256-[^']{44}'/, 'hash'))).toEqual([
      "default-src 'none'",
      'style-src hash',
      'script-src hash',
      "connect-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  test('writes nothing', async () => {
    const url = await open();
    for (const method of ['POST', 'PUT', 'DELETE'])
      expect((await fetch(`${url}/sku/TEE`, { method })).status).toBe(405);
  });
});

describe('who may look at the page', () => {
  test('is whoever sits at this machine, with a token and without one', async () => {
    for (const secret of [null, token]) expect((await fetch(await open(secret))).status).toBe(200);
  });

  test('is nobody behind a proxy without a link, and nobody at all there when no token is set', async () => {
    for (const secret of [null, token]) {
      const url = await open(secret);
      const page = await fetch(url, { headers: proxied });
      expect([page.status, await page.text()]).toEqual([401, expect.stringContaining('invsync web link')]);
      expect((await fetch(`${url}/index.json`, { headers: proxied })).status).toBe(401);
      expect((await fetch(`${url}/login?pass=${passFor(token, world.clock.now() + 60_000)}`)).status).toBe(
        secret === null ? 401 : 200,
      );
    }
  });

  test('is whoever brings the admin token', async () => {
    const url = await open(token);
    const status = async (authorization: string) =>
      (await fetch(`${url}/index.json`, { headers: { ...proxied, authorization } })).status;
    expect(await status(`Bearer ${token}`)).toBe(200);
    expect(await status(`Bearer ${token}x`)).toBe(401);
  });

  test('is whoever came by a link, until it is over or the token changes', async () => {
    const url = await open(token);
    const pass = passFor(token, world.clock.now() + 60_000);
    const login = await fetch(`${url}/login?pass=${pass}`, { headers: proxied });
    expect(login.headers.get('set-cookie')).toBe(
      `invsync_pass=${pass}; Path=/; HttpOnly; SameSite=Strict; Max-Age=60`,
    );
    expect(await login.text()).toContain('http-equiv="refresh"');
    const cookie = `other=1; invsync_pass=${pass}`;
    const look = async (to: string) => (await fetch(to, { headers: { ...proxied, cookie } })).status;
    expect(await look(url)).toBe(200);
    expect(await look(`${url}/api/v1/status`)).toBe(401);
    expect(await look(await open(token.replace('0', '1')))).toBe(401);
    world.clock.jump(60_001);
    expect(await look(url)).toBe(401);
  });

  test('is told over TLS to keep the cookie there', async () => {
    const pass = passFor(token, world.clock.now() + 60_000);
    const headers = { ...proxied, 'x-forwarded-proto': 'https' };
    const login = await fetch(`${await open(token)}/login?pass=${pass}`, { headers });
    expect(login.headers.get('set-cookie')).toContain('; Secure');
  });

  test.each([
    ['another end', (pass: string) => `z${pass}`],
    ['another signature', (pass: string) => `${pass.slice(0, -1)}${pass.endsWith('A') ? 'B' : 'A'}`],
    ['no signature', (pass: string) => pass.split('.')[0] ?? ''],
    ['more behind it', (pass: string) => `${pass}.x`],
    ['nothing', () => ''],
  ])('is not who brings a pass with %s', (_, change) => {
    const pass = passFor(token, 1_000_000);
    expect(passIsGood(token, pass, 1)).toBe(true);
    expect(passIsGood(token, change(pass), 1)).toBe(false);
  });
});
