import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Channel, CheckItem } from '../../../src/channels/channel.ts';
import { type Call, calm, failure, noon, type Reply } from '../../kit/stage.ts';
import {
  type Account,
  account,
  answers,
  elsewhere,
  filterPath,
  here,
  searchPath,
  stage,
} from './scripted-flipkart.ts';

const withOrders =
  (state: Account) =>
  (call: Call): Reply | undefined =>
    call.path === filterPath ? { json: { hasMore: false, shipments: [] } } : answers(state)(call);

const only = (sku: string, location: string, status = 'ENABLED') => ({
  sku,
  inventory: 0,
  row: { product_id: 'FSN', locations: [{ id: location, status, inventory: 3 }] },
});

async function checked(channel: Channel, name: string): Promise<CheckItem> {
  const items = await channel.check(calm);
  const item = items.find((each) => each.name === name);
  if (item === undefined)
    throw new Error(`no item ${name} among ${items.map((each) => each.name).join(', ')}`);
  expect(item.remedy === '').toBe(item.level === 'ok');
  return item;
}

describe('the check of a Flipkart channel', () => {
  test('is well with a listing at the location, and warns only that the basis is not known', async () => {
    const { channel, reopen } = await stage(withOrders(account([only('A', here)])));
    const items = await channel.check(calm);
    expect(items.filter(({ level }) => level !== 'ok').map(({ name }) => name)).toEqual(['basis']);
    expect((await checked(reopen({ basis: 'gross' }), 'basis')).level).toBe('ok');
  });

  test('fails for a location that no listing knows, and names those that they do', async () => {
    const { channel } = await stage(withOrders(account([only('A', elsewhere)])));
    expect(await checked(channel, 'location')).toMatchObject({
      level: 'fail',
      detail: expect.stringContaining(elsewhere),
    });
  });

  test('warns of disabled listings, of no listings, and of stock at other locations', async () => {
    const disabled = await stage(withOrders(account([only('A', here, 'DISABLED')])));
    expect((await checked(disabled.channel, 'location')).level).toBe('warn');
    const empty = await stage(withOrders(account([])));
    expect((await checked(empty.channel, 'location')).level).toBe('warn');
    const two = await stage(withOrders(account([only('A', here), only('B', elsewhere)])));
    expect((await checked(two.channel, 'other locations')).detail).toContain(elsewhere);
  });

  test('warns of a clock that is off', async () => {
    const { channel } = await stage(withOrders(account([only('A', here)])), { aheadMs: -300_000 });
    expect(await checked(channel, 'clock')).toMatchObject({
      level: 'warn',
      detail: expect.stringContaining('300 s'),
    });
  });

  test('fails when orders are refused, and is auth when the application is', async () => {
    const { channel } = await stage((call) =>
      call.path === filterPath
        ? { status: 400, json: { message: 'no' } }
        : answers(account([only('A', here)]))(call),
    );
    expect((await checked(channel, 'orders')).level).toBe('fail');
    const shut = await stage(() => ({ status: 401, json: {} }));
    expect((await failure(shut.channel.check(calm))).kind).toBe('auth');
  });
});

/** A public way in: hands what arrives to the channel, without the headers that `drops` names. */
async function wayIn(drops: RegExp): Promise<{ url: string; door: { channel: Channel | null } }> {
  const door: { channel: Channel | null } = { channel: null };
  const server = createServer((request, response) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).flatMap(([name, value]) =>
        drops.test(name) ? [] : [[name, String(value)] as const],
      ),
    );
    const path = (request.url ?? '').slice('/hooks/fk-shop'.length);
    const ask = { method: 'POST', path, query: '', headers, body: Buffer.alloc(0), receivedAt: noon };
    const receipt = door.channel?.receive(ask);
    response.writeHead(receipt?.kind === 'refused' ? receipt.status : 200);
    response.end(receipt?.kind === 'refused' ? receipt.body : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, door };
}

describe('the check of the way in', () => {
  const config = { hook_secret: 'hook-secret-1', hook_path: '/s3g' };
  const look = async (publicUrl: string | null, door?: { channel: Channel | null }) => {
    const { channel } = await stage(withOrders(account([only('A', here)])), { config, deps: { publicUrl } });
    if (door !== undefined) door.channel = channel;
    return await checked(channel, 'notifications');
  };

  test('is well when headers with underscores arrive', async () => {
    const { url, door } = await wayIn(/^never$/);
    expect(await look(url, door)).toMatchObject({ level: 'ok' });
  });

  test('warns when a proxy drops headers with underscores, and names the remedy', async () => {
    const { url, door } = await wayIn(/_/);
    expect(await look(url, door)).toMatchObject({
      level: 'warn',
      remedy: expect.stringContaining('underscores_in_headers on'),
    });
  });

  test('warns when somebody else answers, nobody answers, or the address is not known', async () => {
    const { url } = await wayIn(/^never$/);
    expect((await look(url)).detail).toContain('answered 200');
    expect((await look('http://127.0.0.1:9')).detail).toContain('not reached');
    expect((await look(null)).detail).toContain('public_url');
  });

  test('says that polling is enough where no hook_secret is set', async () => {
    const { channel } = await stage(withOrders(account([only('A', here)])));
    expect(await checked(channel, 'notifications')).toMatchObject({
      level: 'ok',
      detail: expect.stringContaining('polled'),
    });
  });
});

describe('enrolling a Flipkart channel for notifications', () => {
  const script = (call: Call): Reply | undefined =>
    call.path === searchPath ? { json: { has_more: false, listings: [] } } : undefined;

  test('keeps the address, says once what to ask for, and forgets it again', async () => {
    const { channel, reopen } = await stage(script, { config: { hook_secret: 'x1', hook_path: '/s3g' } });
    const { webhooks } = channel;
    if (webhooks === undefined) throw new Error('no webhooks');
    expect(await webhooks.list(calm)).toEqual([]);
    const report = await webhooks.ensure('https://a.example/hooks/fk-shop', calm);
    expect(report.webhooks).toMatchObject([
      { url: 'https://a.example/hooks/fk-shop/s3g', status: 'active', ours: true },
    ]);
    expect(report.changes).toEqual([expect.stringContaining(`location ${here} to https://a.example`)]);
    expect(await reopen().webhooks?.ensure('https://a.example/hooks/fk-shop', calm)).toEqual({
      webhooks: report.webhooks,
      changes: [],
    });
    expect((await webhooks.ensure('https://b.example/hooks/fk-shop', calm)).changes[0]).toContain(
      'instead of',
    );
    expect((await webhooks.remove(calm)).length).toBe(1);
    expect(await webhooks.remove(calm)).toEqual([]);
    expect(await webhooks.list(calm)).toEqual([]);
  });

  test('of a channel whose credentials are refused is auth', async () => {
    const { channel } = await stage(() => ({ status: 401, json: {} }), { config: { hook_secret: 'x1' } });
    const ensure = channel.webhooks?.ensure('https://a.example/hooks/fk-shop', calm);
    expect((await failure(ensure ?? Promise.resolve())).kind).toBe('auth');
  });

  test('names the account by its location', async () => {
    const { channel } = await stage(script);
    expect(await channel.identity(calm)).toEqual({ accountId: here, title: `Flipkart location ${here}` });
  });
});
