import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = makeWorld();
  world.one.list({ sku: 'MUG', shown: 2 });
  await world.ok('stock set MUG 2');
  await world.ok('listings import one');
});

const oversell = async (quantity: number) => {
  const order = world.one.sell({ lines: [{ ref: 'MUG', quantity }], force: true });
  await world.deliver(world.one.hookForOrder(order?.id ?? ''));
  await world.invsync('events', 'replay', '--status', 'new', '--yes');
  return order?.id ?? '';
};

describe('alerts', () => {
  test('are listed, shown, acknowledged, and over when a command ends their cause', async () => {
    const id = await oversell(5);
    const { alerts } = await world.ok('alerts list');
    expect(alerts).toEqual([
      {
        id: expect.any(Number),
        kind: 'oversell',
        level: 'error',
        channel: 'one',
        subject: `one ${id}`,
        message: expect.stringMatching(
          /wants 3 more of MUG than there is; .*invsync oversells resolve \d+ --as/,
        ),
        since: expect.any(String),
        last_at: expect.any(String),
        count: 1,
        acked_at: null,
        resolved_at: null,
      },
    ]);
    const number = String(alerts[0].id);
    expect(await world.json(EXIT.ok, 'alerts', 'show', number)).toMatchObject(alerts[0]);
    const status = await world.ok('status');
    expect(status.alerts).toEqual({ open: 1, unseen: 1, newest: [alerts[0].message] });
    expect((await world.invsync('status')).out).toContain(
      `alerts   1 open, 1 not acknowledged\n  ${alerts[0].message}`,
    );

    const acked = await world.json(EXIT.ok, 'alerts', 'ack', number, '--by', 'ana');
    expect(acked).toMatchObject({ acked: 1, alerts: [{ acked_at: expect.any(String), resolved_at: null }] });
    expect((await world.ok('status')).alerts).toMatchObject({ open: 1, unseen: 0 });

    const { oversells } = await world.ok('oversells list');
    await world.json(EXIT.ok, 'oversells', 'resolve', String(oversells[0].id), '--as', 'cancelled');
    expect((await world.ok('alerts list')).alerts).toEqual([]);
    expect((await world.ok('status')).alerts).toEqual({ open: 0, unseen: 0, newest: [] });
    const over = await world.ok('alerts list --all --kind oversell --channel one');
    expect(over.alerts).toMatchObject([{ id: alerts[0].id, resolved_at: expect.any(String) }]);
    expect((await world.ok('alerts list --all --kind disk')).alerts).toEqual([]);
  });

  test('of a filled shortfall end with the count that filled it', async () => {
    await oversell(3);
    expect((await world.ok('alerts list')).alerts).toHaveLength(1);
    await world.ok('stock receive MUG 1');
    expect((await world.ok('alerts list')).alerts).toEqual([]);
  });

  test('that nobody knows are named, and a kind that does not exist is none', async () => {
    expect((await world.json(EXIT.failed, 'alerts', 'show', '99')).error).toMatchObject({
      code: 'unknown_alert',
    });
    expect((await world.json(EXIT.failed, 'alerts', 'ack', '99')).error).toMatchObject({
      code: 'unknown_alert',
    });
    const { error } = await world.json(EXIT.usage, 'alerts', 'list', '--kind', 'noise');
    expect(error.message).toContain('--kind "noise" is none of oversell, dead_delivery');
  });
});

describe('the health of a channel', () => {
  test('is in channels list: failing since, last error, last reconcile, the door, the oldest due number', async () => {
    const since = Date.UTC(2026, 10, 23);
    await world.withStore(async (store) => {
      const [one] = await store.channels.list();
      await store.channels.mark(one?.id ?? 0, {
        failingSince: since,
        lastError: 'HTTP 500',
        reconciledAt: since - 1_000,
        webhookHeardAt: since - 2_000,
        webhookRefused: 4,
        webhookRefusal: 'wrong signature',
      });
    });
    const { channels } = await world.ok('channels list');
    expect(channels[0]).toMatchObject({
      state: 'failing',
      failing_since: '2026-11-23T00:00:00.000Z',
      last_error: 'HTTP 500',
      last_reconcile_at: '2026-11-22T23:59:59.000Z',
      webhook_heard_at: '2026-11-22T23:59:58.000Z',
      webhook_refused: 4,
      oldest_due_s: 0,
    });
    const checked = await world.invsync('check', '--json');
    expect(JSON.parse(checked.out).checks).toContainEqual({
      channel: 'one',
      name: 'door',
      level: 'warn',
      detail: '4 calls refused, the last (wrong signature); last good one 2026-11-22T23:59:58.000Z',
      remedy: "compare the secret with the platform's, then: invsync webhooks register one",
    });
    await world.withStore(async (store) => {
      const [one] = await store.channels.list();
      await store.channels.mark(one?.id ?? 0, { failingSince: since, lastError: 'HTTP 500' });
    });
    const { warnings } = await world.ok('status');
    expect(warnings).toEqual([
      'one: no good answer since 2026-11-23T00:00:00.000Z: HTTP 500; see: invsync check',
    ]);
  });

  test('counts nothing as due where nothing is pushed', async () => {
    await world.ok('stock set MUG 1');
    const status = await world.ok('status');
    expect([status.outbox.due, status.channels[0].due, status.channels[0].mode]).toEqual([0, 0, 'observe']);
    expect((await world.ok('pushes list')).pushes).toEqual([]);
  });
});

describe('alerts by the rules of the configuration', () => {
  test('show their own level, and a SKU at its mark is told until there is more of it', async () => {
    const world = makeWorld();
    world.configure(
      `${readFileSync(join(world.cwd, 'config.yaml'), 'utf8')}\nalerts: { rules: { low_stock: { level: info } } }\n`,
    );
    await world.ok('stock set MUG 3');
    expect(await world.ok('stock set-alert MUG 3')).toMatchObject({
      sku: 'MUG',
      available: 3,
      alert_below: 3,
    });
    await world.ok('stock set MUG 3 --reason again');
    const { alerts } = await world.ok('alerts list');
    expect(alerts).toMatchObject([{ kind: 'low_stock', level: 'info', subject: 'MUG' }]);
    expect(alerts[0].message).toContain('MUG has 3 left (told at 3 or fewer)');
    expect((await world.ok('stock list --low')).stock).toMatchObject([{ sku: 'MUG' }]);
    await world.ok('stock receive MUG 1');
    expect((await world.ok('alerts list')).alerts).toEqual([]);
    expect((await world.ok('stock list --low')).stock).toEqual([]);
    expect((await world.json(EXIT.failed, 'stock', 'set-alert', 'MUX', '3')).error.code).toBe('unknown_sku');
    expect((await world.json(EXIT.usage, 'stock', 'set-alert', 'MUG', 'few')).error.code).toBe('usage');
  });

  test('are tried by route: without one it says what to write, an unknown one is named', async () => {
    const world = makeWorld();
    const none = await world.json(EXIT.usage, 'alerts', 'test');
    expect(none.error).toMatchObject({ code: 'no_route', hint: expect.stringContaining('alerts.routes') });
    const route = '{ type: ntfy, url: "http://127.0.0.1:1/shop" }';
    const before = readFileSync(join(world.cwd, 'config.yaml'), 'utf8');
    world.configure(`${before}\nalerts: { routes: { phone: ${route} } }\n`);
    expect((await world.json(EXIT.usage, 'alerts', 'test', 'mail')).error.hint).toBe('one of phone');
    const { routes } = await world.json(EXIT.partial, 'alerts', 'test', 'phone');
    expect(routes).toMatchObject([{ route: 'phone', type: 'ntfy', ok: false }]);
  });
});
