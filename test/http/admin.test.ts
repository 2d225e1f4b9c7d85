import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { createAdminListener } from '../../src/http/admin.ts';
import type { Listener } from '../../src/http/listener.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { silentLog } from '../../src/log.ts';
import { makeWorld, type World } from '../sync/world.ts';
import { raw } from './raw.ts';

let world: World;
let ready: boolean;
let broken: string | null;
let moved: number;
const listeners: Listener[] = [];

beforeEach(async () => {
  world = await makeWorld();
  await world.stock('TEE', 5);
  await world.stock('MUG', 1);
  ready = true;
  broken = null;
  moved = 0;
});
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.stop();
  await world.close();
});

async function admin(token: string | null = null, reservations = world.store.reservations): Promise<string> {
  const listener = createAdminListener(
    {
      clock: world.clock,
      log: silentLog,
      reservations,
      hasChannel: (name) => name === 'shop',
      moved: () => {
        moved += 1;
      },
      broken: () => broken,
      page: async () => null,
      alerts: async () => ({ alerts: [{ kind: 'oversell' }] }),
      ready: async () => ({ ready, checks: [{ name: 'database', ok: ready, detail: '' }] }),
      status: async () => ({ daemon: { running: true } }),
      stock: async (sku) => {
        const row = await world.store.stock.get(sku);
        return row === null ? null : { sku: row.sku, available: row.available };
      },
      metrics: createMetrics(async () => [
        { name: 'inbox_pending', help: 'Deliveries.', type: 'gauge', values: [{ value: 3 }] },
        {
          name: 'deliveries_total',
          help: 'By outcome.',
          type: 'counter',
          values: [{ labels: { outcome: 'accepted' }, value: 7 }],
        },
        {
          name: 'ack_seconds',
          help: 'Time to the answer.',
          type: 'histogram',
          boundsMs: [1, 5],
          counts: [2, 4],
          count: 5,
          sumMs: 20,
        },
      ]),
    },
    { host: '127.0.0.1', port: 0, token },
  );
  await listener.start();
  listeners.push(listener);
  return listener.url;
}

async function reserve(url: string, body: unknown, key: string | null = 'k1') {
  const response = await fetch(`${url}/api/v1/reservations`, {
    method: 'POST',
    headers: key === null ? {} : { 'idempotency-key': key },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return {
    status: response.status,
    replayed: response.headers.get('idempotent-replayed'),
    json: (await response.json()) as Record<string, never> & { id: string; error: { code: string } },
  };
}

async function act(url: string, id: string, verb: string) {
  const response = await fetch(`${url}/api/v1/reservations/${id}/${verb}`, { method: 'POST' });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

const oneTee = { lines: [{ sku: 'TEE', quantity: 2 }], ttl_seconds: 60 };

describe('reservations', () => {
  test('hold what is there, all or nothing, and tell what is available otherwise', async () => {
    const url = await admin();
    const held = await reserve(url, oneTee);
    expect(held.status).toBe(201);
    expect(held.json).toEqual({
      id: held.json.id,
      status: 'held',
      lines: [{ sku: 'TEE', quantity: 2 }],
      expires_at: new Date(world.clock.now() + 60_000).toISOString(),
    });
    expect(await world.available('TEE')).toBe(3);
    const both = {
      lines: [
        { sku: 'TEE', quantity: 1 },
        { sku: 'MUG', quantity: 2 },
      ],
    };
    const short = await reserve(url, both, 'k2');
    expect(short.status).toBe(409);
    expect(short.json.error).toMatchObject({
      code: 'out_of_stock',
      lines: [{ sku: 'MUG', requested: 2, available: 1 }],
    });
    expect(await world.available('TEE')).toBe(3);
    expect(moved).toBe(1);
  });

  test('the same key and body again is the same answer, replayed; another body is 422', async () => {
    const url = await admin();
    const first = await reserve(url, oneTee);
    const again = await reserve(url, { ttl_seconds: 60, lines: [{ quantity: 2, sku: 'TEE' }] });
    expect(again).toMatchObject({ status: 201, replayed: 'true' });
    expect(again.json).toEqual(first.json);
    expect(first.replayed).toBeNull();
    expect((await reserve(url, { ...oneTee, ttl_seconds: 61 })).status).toBe(422);
    const mug = { sku: 'MUG', quantity: 1 };
    const tee = { sku: 'TEE', quantity: 1 };
    await reserve(url, { lines: [mug, tee, tee] }, 'k2');
    const turned = await reserve(url, { lines: [{ ...tee, quantity: 2 }, mug] }, 'k2');
    expect(turned).toMatchObject({ status: 201, replayed: 'true' });
    expect(await world.available('TEE')).toBe(1);
    await act(url, turned.json.id, 'release');
    expect(await world.available('TEE')).toBe(3);
  });

  test("commit and release are idempotent, and whoever comes second gets the first one's outcome", async () => {
    const url = await admin();
    const one = await reserve(url, oneTee, 'a');
    expect((await act(url, one.json.id, 'commit')).json).toMatchObject({ status: 'committed' });
    expect((await act(url, one.json.id, 'commit')).status).toBe(200);
    const late = await act(url, one.json.id, 'release');
    expect(late).toMatchObject({ status: 409, json: { error: { code: 'already_committed' } } });
    const two = await reserve(url, oneTee, 'b');
    expect((await act(url, two.json.id, 'release')).json).toMatchObject({ status: 'released' });
    expect((await act(url, two.json.id, 'commit')).status).toBe(409);
    expect(await world.available('TEE')).toBe(3);
    expect((await act(url, 'nobody', 'commit')).status).toBe(404);
  });

  test('a hold whose time is over cannot be committed: 410', async () => {
    const url = await admin();
    const held = await reserve(url, { ...oneTee, ttl_seconds: 1 });
    await world.clock.advance(2_000);
    await world.store.reservations.expire(world.clock.now());
    expect(await act(url, held.json.id, 'commit')).toMatchObject({
      status: 410,
      json: { error: { code: 'expired' } },
    });
    expect(await world.available('TEE')).toBe(5);
  });

  test('fifty callers for five pieces get five holds', async () => {
    const url = await admin();
    const body = { lines: [{ sku: 'TEE', quantity: 1 }] };
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => reserve(url, body, `c${i}`)));
    expect(results.filter((each) => each.status === 201)).toHaveLength(5);
    expect(results.filter((each) => each.status === 409)).toHaveLength(45);
    expect(await world.available('TEE')).toBe(0);
  });

  test.each([
    ['no lines', { lines: [] }],
    ['a foreign key', { ...oneTee, colour: 'red' }],
    ['a quantity of 0', { lines: [{ sku: 'TEE', quantity: 0 }] }],
    ['a fraction', { lines: [{ sku: 'TEE', quantity: 1.5 }] }],
    ['a text for a number', { lines: [{ sku: 'TEE', quantity: '1' }] }],
    ['a time of 0 s', { ...oneTee, ttl_seconds: 0 }],
    ['a time beyond a day', { ...oneTee, ttl_seconds: 86_401 }],
    ['an order without its channel', { ...oneTee, order_ref: '1001' }],
    ['a channel that is not there', { ...oneTee, channel: 'none', order_ref: '1001' }],
    ['no JSON', '{'],
    ['nothing', ''],
  ])('%s is refused with 400 and holds nothing', async (_name, body) => {
    const url = await admin();
    expect((await reserve(url, body)).status).toBe(400);
    expect(await world.available('TEE')).toBe(5);
  });

  test('a missing Idempotency-Key is 400, an unknown SKU 404, another verb 405', async () => {
    const url = await admin();
    expect((await reserve(url, oneTee, null)).status).toBe(400);
    expect((await reserve(url, { lines: [{ sku: 'NONE', quantity: 1 }] })).json.error.code).toBe(
      'unknown_sku',
    );
    expect((await fetch(`${url}/api/v1/reservations`)).status).toBe(405);
    expect((await fetch(`${url}/api/v1/reservations/x/commit`)).status).toBe(405);
  });
});

describe('pages', () => {
  test('health, readiness, status, stock and metrics', async () => {
    const url = await admin();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    ready = false;
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect(await (await fetch(`${url}/api/v1/status`)).json()).toEqual({ daemon: { running: true } });
    expect(await (await fetch(`${url}/api/v1/stock/TEE`)).json()).toEqual({ sku: 'TEE', available: 5 });
    expect((await fetch(`${url}/api/v1/stock/a%20b`)).status).toBe(404);
    expect((await fetch(`${url}/api/v1/stock/%E0%A4%A`)).status).toBe(404);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('invsync_inbox_pending 3');
    expect(metrics).toContain('invsync_deliveries_total{outcome="accepted"} 7');
    expect(metrics).toContain('invsync_ack_seconds_bucket{le="0.005"} 4');
    expect(metrics).toContain('invsync_ack_seconds_count 5');
    expect(metrics).toContain('process_cpu_user_seconds_total');
    expect((await fetch(`${url}/hooks/shop`, { method: 'POST' })).status).toBe(404);
  });

  test('with a token everything but the probes needs it', async () => {
    const url = await admin('secret');
    const status = async (authorization?: string) =>
      (await fetch(`${url}/api/v1/status`, { headers: authorization === undefined ? {} : { authorization } }))
        .status;
    expect(await status()).toBe(401);
    expect(await status('Bearer wrong')).toBe(401);
    expect(await status('Basic secret')).toBe(401);
    expect(await status('Bearer secret')).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await reserve(url, oneTee)).status).toBe(401);
    expect(await world.available('TEE')).toBe(5);
  });

  test('it is not called alive when a part of it has ended for good', async () => {
    const url = await admin();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    broken = 'the thread that writes the database has ended';
    const answer = await fetch(`${url}/healthz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: 'broken', reason: broken });
  });

  test('a browser page cannot ask, neither by its origin nor by another name for this machine', async () => {
    const url = await admin();
    const { port } = new URL(url);
    const get = (host: string, more = '') =>
      raw(url, [`GET /api/v1/status HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`]);
    expect((await get(`localhost:${port}`)).statuses).toEqual([200]);
    expect((await get(`[::1]:${port}`)).statuses).toEqual([200]);
    expect((await get('evil.example')).statuses).toEqual([403]);
    expect((await get('127.0.0.1.evil.example')).statuses).toEqual([403]);
    const cross = await get(`127.0.0.1:${port}`, 'Origin: https://evil.example\r\n');
    expect(cross.statuses).toEqual([403]);
    expect(cross.text.toLowerCase()).not.toContain('access-control');
  });

  test('a full disk is 503 with Retry-After, a defect 500 without its text', async () => {
    const full = new AppError('store_full', 'the disk is full');
    const failing = (error: Error) => ({
      ...world.store.reservations,
      hold: async () => Promise.reject(error),
    });
    const onFull = await reserve(await admin(null, failing(full)), oneTee);
    expect(onFull).toMatchObject({ status: 503, json: { error: { code: 'store_full' } } });
    const onDefect = await reserve(await admin(null, failing(new Error('SELECT secret'))), oneTee);
    expect(onDefect.status).toBe(500);
    expect(JSON.stringify(onDefect.json)).not.toContain('SELECT');
  });
});
