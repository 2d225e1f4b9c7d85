import { beforeEach, describe, expect, test } from 'vitest';
import { ChannelError } from '../../src/channels/errors.ts';
import { signMemory } from '../../src/channels/memory/wire.ts';
import type { Log } from '../../src/log.ts';
import { type AlertKind, alertLevels, noticeQuietMs } from '../../src/store/store.ts';
import { closeAlert, createAlertUpkeep, openAlert, reviewAlerts } from '../../src/sync/alerts.ts';
import { answered, park, unanswered } from '../../src/sync/contact.ts';
import type { Engine } from '../../src/sync/engine.ts';
import { createDoor } from '../../src/sync/inbound/door.ts';
import { createIngest } from '../../src/sync/inbound/ingest.ts';
import { pullOrders } from '../../src/sync/inbound/pull.ts';
import { recordRun } from '../../src/sync/reconcile/record.ts';
import { makeWorld, settle, type World } from './world.ts';

let world: World;
let engine: Engine;
let lines: { level: string; alert: string; text: string }[];
const by = { by: 'ana', reason: null };
const minute = 60_000;
const day = 24 * 60 * minute;

beforeEach(async () => {
  world = await makeWorld();
  lines = [];
  const say = (level: string) => (facts: object, text: string) => {
    if ('alert' in facts) lines.push({ level, alert: String(facts.alert), text });
  };
  const log: Log = {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: () => log,
  };
  engine = { ...world.engine, log };
  await world.stock('TEE', 1);
});

const shop = () => world.live('shop');
const open = async () =>
  (await world.store.duties.alerts(true, 50)).map(({ kind, subject }) => `${kind}: ${subject}`).sort();
const settled = async () => {
  await reviewAlerts(engine);
  return open();
};
const sell = async (ref: string, quantity: number) => {
  const order = world.platform('shop').sell({ lines: [{ ref, quantity }], force: true });
  await world.deliver('shop', world.platform('shop').hookForOrder(order?.id ?? ''));
  await createIngest(engine).runUntilIdle();
  return order?.id ?? '';
};
const mark = (marks: Parameters<Engine['store']['channels']['mark']>[1]) =>
  world.store.channels.mark(shop().id, marks);

/** A cause that comes and goes, and the subject of its alert. */
interface Life {
  kind: AlertKind;
  subject: string;
  comes(): Promise<unknown>;
  goes(): Promise<unknown>;
}

const refused = (exposed: boolean) => async () => {
  const [counterId = 0] = await world.store.outbox.countersOf(shop().id, ['TEE']);
  const now = world.clock.now();
  await world.store.outbox.touch([counterId], now, now);
  const [view] = await world.store.outbox.view([counterId]);
  const version = view?.version ?? 0;
  const plan = { kind: 'dead', counterId, version, error: 'not yours', exposed, dueAt: null } as const;
  await world.store.outbox.begin([plan], now);
};
const closedAgain = async () => {
  const [counterId = 0] = await world.store.outbox.countersOf(shop().id, ['TEE']);
  const now = world.clock.now();
  await world.store.outbox.touch([counterId], now, now);
  const [view] = await world.store.outbox.view([counterId]);
  const version = view?.version ?? 0;
  await world.store.outbox.begin([{ kind: 'close', counterId, version, reason: 'ok', anchor: null }], now);
};
const broken = new ChannelError('retry', 'HTTP 500');
const failedRun = {
  passed: [],
  failed: [{ channel: 'shop', reason: 'HTTP 500', kind: 'temporary' as const }],
};

const lives: Life[] = [
  {
    kind: 'dead_delivery',
    subject: 'shop event 1',
    comes: async () => {
      const body = Buffer.from('{');
      const signature = signMemory(body, 'a shared secret');
      const headers = { 'x-memory-id': 'k', 'x-memory-topic': 'order', 'x-memory-signature': signature };
      await world.deliver('shop', { headers, body });
      await createIngest(engine).runUntilIdle();
    },
    goes: () => world.store.inbox.dismiss([1], by, world.clock.now()),
  },
  {
    kind: 'unmapped_sale',
    subject: 'shop LOOSE',
    comes: async () => {
      world.platform('shop').list({ sku: 'LOOSE', shown: 3 });
      await sell('LOOSE', 1);
    },
    goes: async () => {
      const listing = {
        listingId: 'LOOSE',
        counterKey: 'LOOSE',
        channelSku: 'LOOSE',
        title: 'LOOSE',
        aliases: [],
        unwritable: null,
        ambiguous: false,
        shown: 3,
        facts: null,
      };
      await world.store.listings.upsert(shop().id, [listing], world.clock.now());
      const row = await world.store.listings.find('shop', 'LOOSE');
      if (row === null || row === 'ambiguous') throw new Error('not listed');
      await world.store.listings.map(row.id, [{ sku: 'TEE', units: 1 }], by, world.clock.now());
      await world.stock('TEE', 9);
    },
  },
  { kind: 'exposed', subject: 'shop TEE', comes: refused(true), goes: closedAgain },
  { kind: 'refused_push', subject: 'shop TEE', comes: refused(false), goes: closedAgain },
  {
    kind: 'channel_parked',
    subject: 'shop',
    comes: () => park(engine, shop(), new ChannelError('auth', 'no')),
    goes: () => answered(engine, shop()),
  },
  {
    kind: 'channel_failing',
    subject: 'shop',
    comes: async () => {
      await unanswered(engine, shop(), broken);
      expect(await settled()).toEqual([]);
      world.clock.jump(3 * minute);
    },
    goes: () => answered(engine, shop()),
  },
  {
    kind: 'reconcile_overdue',
    subject: 'shop',
    comes: async () => {
      for (let run = 0; run < 3; run += 1) {
        expect(await open()).toEqual([]);
        await recordRun(engine, failedRun);
      }
    },
    goes: () => recordRun(engine, { passed: ['shop'], failed: [] }),
  },
  {
    kind: 'missed_webhooks',
    subject: 'shop',
    comes: async () => {
      await world.stock('TEE', 9);
      await mark({ webhooksRegistered: true });
      await pullOrders(engine, shop(), { kind: 'changes' }, new AbortController().signal);
      for (let sale = 0; sale < 3; sale += 1)
        world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 1 }], force: true });
      await pullOrders(engine, shop(), { kind: 'changes' }, new AbortController().signal);
      expect(await settled()).toEqual([]);
      world.clock.jump(11 * minute);
    },
    goes: async () => world.clock.jump(day),
  },
  {
    kind: 'webhook_refused',
    subject: 'shop',
    comes: async () => {
      const door = createDoor(engine);
      for (let call = 0; call < 2; call += 1) door.refused(shop().id, 'wrong signature', world.clock.now());
      await door.flush();
      expect(await settled()).toEqual([]);
      door.refused(shop().id, 'wrong signature', world.clock.now());
      await door.flush();
    },
    goes: async () => {
      const door = createDoor(engine);
      door.heard(shop().id, world.clock.now());
      await door.flush();
    },
  },
  {
    kind: 'brake',
    subject: 'shop',
    comes: async () => {
      const plan = { id: 'p1', createdAt: 1, cause: 'brake', state: 'open', body: {} } as const;
      await world.store.duties.savePlan(plan);
      await mark({ brakePlan: 'p1' });
      await openAlert(engine, { channelId: shop().id, kind: 'brake', subject: 'shop', message: 'held' });
    },
    goes: () => world.store.duties.closePlan('p1', 'refused'),
  },
  {
    kind: 'channel_held',
    subject: 'shop',
    comes: async () => {
      await mark({ heldReason: 'half a catalogue' });
      await openAlert(engine, {
        channelId: shop().id,
        kind: 'channel_held',
        subject: 'shop',
        message: 'held',
      });
    },
    goes: () => mark({ heldReason: null }),
  },
];

describe('an alert', () => {
  test.each(lives.map((life) => [life.kind, life] as const))(
    '%s opens with its cause, stands once, is logged, and closes when the cause is gone',
    async (kind, life) => {
      await life.comes();
      const name = `${kind}: ${life.subject}`;
      expect(await settled()).toEqual([name]);
      expect(await settled()).toEqual([name]);
      const [row] = await world.store.duties.alerts(true, 1);
      if (kind !== 'brake' && kind !== 'channel_held') expect(row?.message).toMatch(/invsync [a-z]+/);
      expect(lines).toEqual([{ level: alertLevels[kind], alert: kind, text: row?.message }]);
      await life.goes();
      expect(await settled()).toEqual([]);
      expect(lines.slice(1)).toEqual([
        { level: 'info', alert: kind, text: `over: ${kind} of ${life.subject}` },
      ]);
    },
  );

  test('of one oversold order is not closed by another, and both close by what becomes of them', async () => {
    const first = await sell('TEE', 3);
    const second = await sell('TEE', 2);
    expect(await open()).toEqual([`oversell: shop ${first}`, `oversell: shop ${second}`].sort());
    const [newest] = await world.store.reports.oversells({ limit: 1 });
    await world.store.reports.resolveOversell(newest?.id ?? 0, 'cancelled', by, world.clock.now());
    expect(await settled()).toEqual([`oversell: shop ${first}`]);
    await world.stock('TEE', 9);
    expect(await settled()).toEqual([]);
  });

  test('says what is missing now, not what was missing first', async () => {
    await sell('TEE', 4);
    const [before] = await world.store.duties.alerts(true, 1);
    expect(before?.message).toContain('wants 3 more of TEE');
    const receipt = { sku: 'TEE', kind: 'receive', quantity: 2, basis: 'shelf', create: false } as const;
    const now = world.clock.now();
    await world.store.stock.change([{ ...receipt, asOf: now, ref: null, presumeGoneMs: {} }], by, now);
    await settled();
    const [after] = await world.store.duties.alerts(true, 1);
    expect([after?.id, after?.message]).toEqual([before?.id, expect.stringContaining('wants 1 more of TEE')]);
  });

  test('of a refused number ends when its listing is gone from the channel', async () => {
    await refused(false)();
    expect(await settled()).toEqual(['refused_push: shop TEE']);
    world.clock.jump(minute);
    await world.store.listings.finishWalk(shop().id, world.clock.now());
    expect(await settled()).toEqual([]);
    const counts = await world.store.reports.status(world.clock.now());
    expect(counts.perChannel.get(shop().id)?.dead).toBe(0);
    expect(await world.store.outbox.list({ limit: 9 }, world.clock.now())).toEqual([]);
  });

  test.each(Object.keys(noticeQuietMs) as AlertKind[])(
    'of the kind %s is over once a person has seen it, or after a quiet time',
    async (kind) => {
      const notice = { channelId: shop().id, kind, subject: 'shop 1', message: 'a decimal was rounded' };
      await openAlert(engine, notice);
      const [row] = await world.store.duties.alerts(true, 1);
      expect(await world.store.duties.ackAlerts([row?.id ?? 0], by, world.clock.now())).toBe(1);
      expect(await open()).toEqual([]);
      await openAlert(engine, notice);
      world.clock.jump((noticeQuietMs[kind] ?? 0) - 1);
      expect(await settled()).toHaveLength(1);
      world.clock.jump(2);
      expect(await settled()).toEqual([]);
    },
  );

  test('that stands is acknowledged and stays until its cause is gone', async () => {
    await park(engine, shop(), new ChannelError('auth', 'no'));
    const [row] = await world.store.duties.alerts(true, 1);
    const id = row?.id ?? 0;
    expect(await world.store.duties.ackAlerts([id, id, 99], by, world.clock.now())).toBe(1);
    expect(await world.store.duties.alertCounts()).toEqual([{ kind: 'channel_parked', open: 1, unseen: 0 }]);
    await answered(engine, shop());
    expect(await open()).toEqual([]);
  });

  test('that a command opened or closed is logged by the daemon, once', async () => {
    await mark({ parkedSince: world.clock.now(), parkedReason: 'no' });
    expect(await world.store.duties.reviewAlerts(world.clock.now(), 'leaves')).toEqual([]);
    const upkeep = createAlertUpkeep(engine);
    upkeep.start();
    await settle();
    expect(lines).toMatchObject([{ level: 'error', alert: 'channel_parked' }]);
    await mark({ parkedSince: null });
    await world.store.duties.reviewAlerts(world.clock.now(), 'leaves');
    await world.clock.advance(2_000);
    expect(lines.slice(1)).toMatchObject([{ level: 'info', alert: 'channel_parked' }]);
    await world.clock.advance(10_000);
    expect(lines).toHaveLength(2);
    await upkeep.stop();
  });

  test('that a duty closes twice is closed and logged once', async () => {
    await openAlert(engine, {
      channelId: null,
      kind: 'schedule_failed',
      subject: 'catalogue',
      message: 'no',
    });
    await closeAlert(engine, 'schedule_failed', 'catalogue');
    await closeAlert(engine, 'schedule_failed', 'catalogue');
    expect(lines.map(({ level }) => level)).toEqual(['error', 'info']);
  });
});

describe('a channel that answers 500 to everything', () => {
  test('is failing since its first bad answer, and ok only after a good one', async () => {
    const pull = () => pullOrders(engine, shop(), { kind: 'changes' }, new AbortController().signal);
    await pull();
    const [good] = await world.store.channels.list();
    expect(good).toMatchObject({ lastOkAt: world.clock.now(), failingSince: null });
    world.platform('shop').faults.arm('error', { on: 'any', count: null });
    world.clock.jump(minute);
    const since = world.clock.now();
    await pull();
    world.clock.jump(5 * minute);
    await pull();
    expect(await world.store.channels.list()).toMatchObject([
      { lastOkAt: good?.lastOkAt, failingSince: since, lastError: expect.any(String) },
    ]);
    expect(await settled()).toEqual(['channel_failing: shop']);
    world.platform('shop').faults.clear();
    await pull();
    expect(await world.store.channels.list()).toMatchObject([{ failingSince: null, lastError: null }]);
    expect(await open()).toEqual([]);
  });
});
