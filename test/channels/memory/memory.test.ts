import { describe, expect, test } from 'vitest';
import type { Channel, PushLine } from '../../../src/channels/channel.ts';
import { memory } from '../../../src/channels/memory/index.ts';
import {
  dropMemoryPlatform,
  type MemoryPlatform,
  memoryPlatform,
} from '../../../src/channels/memory/platform.ts';
import type { MemoryOptions } from '../../../src/channels/memory/state.ts';
import { signMemory } from '../../../src/channels/memory/wire.ts';
import { silentLog } from '../../../src/log.ts';
import { type FakeClock, fakeClock } from '../../sync/world.ts';

const quiet = new AbortController().signal;

function shop(options: MemoryOptions = {}): { clock: FakeClock; platform: MemoryPlatform; channel: Channel } {
  const clock = fakeClock();
  dropMemoryPlatform('test');
  const platform = memoryPlatform('test', { clock, ...options });
  platform.list({ sku: 'TEE', shown: 5 });
  const channel = memory.create(
    { platform: 'test', secret: 's' },
    {
      name: 'shop',
      clock,
      log: silentLog,
      randomHex: () => 'aa',
      publicUrl: null,
      baseUrl: null,
      timeoutMs: 1_000,
      vault: { get: async () => null, set: async () => undefined },
    },
  );
  return { clock, platform, channel };
}

function push(quantity: number, base: number | null, key = `k${quantity}`): PushLine {
  return { listingId: 'TEE', counterKey: 'TEE', channelSku: 'TEE', facts: null, quantity, base, key };
}

async function ids(pages: AsyncIterable<{ items: unknown[] }>): Promise<string[]> {
  const found: string[] = [];
  for await (const page of pages) {
    for (const item of page.items) found.push((item as { order: { id: string } }).order.id);
  }
  return found;
}

describe('the numbers of a memory platform', () => {
  test('a sale lowers it, a cancel with restock raises it, one without does not', () => {
    const { platform } = shop();
    const first = platform.sell({ lines: [{ ref: 'TEE', quantity: 2 }] });
    expect(platform.shown('TEE')).toBe(3);
    platform.cancel(first?.id ?? '');
    expect(platform.shown('TEE')).toBe(5);
    const second = platform.sell({ lines: [{ ref: 'TEE', quantity: 2 }] });
    platform.cancel(second?.id ?? '', { restock: false });
    expect(platform.shown('TEE')).toBe(3);
    expect(platform.sell({ lines: [{ ref: 'TEE', quantity: 4 }] })).toBeNull();
  });

  test('a gross number falls when an order ships, and what is open inside it cannot be sold again', () => {
    const { platform } = shop({ capabilities: { basis: 'gross' } });
    const order = platform.sell({ lines: [{ ref: 'TEE', quantity: 4 }] });
    expect(platform.shown('TEE')).toBe(5);
    expect(platform.sell({ lines: [{ ref: 'TEE', quantity: 2 }] })).toBeNull();
    platform.ship(order?.id ?? '');
    expect(platform.shown('TEE')).toBe(1);
  });

  test('a write compares first, and a sale in between is a conflict that tells the number', async () => {
    const { platform, channel } = shop();
    expect(await channel.setStock([push(4, 5)], quiet)).toEqual([{ kind: 'applied', shown: 4 }]);
    platform.faults.arm('sale_before_write', { on: 'write' });
    const [outcome] = await channel.setStock([push(2, 4)], quiet);
    expect(outcome).toMatchObject({ kind: 'conflict', shown: 3 });
    expect(platform.shown('TEE')).toBe(3);
  });

  test('a platform that only reads and compares loses that race', async () => {
    const { platform, channel } = shop({ capabilities: { compareAndSet: 'read-check' } });
    platform.faults.arm('sale_before_write', { on: 'write' });
    expect(await channel.setStock([push(4, 5)], quiet)).toEqual([{ kind: 'applied', shown: 4 }]);
    expect(platform.shown('TEE')).toBe(4);
    expect(platform.orders()).toHaveLength(1);
  });

  test('an unanswered write may have happened, may happen later, or never', async () => {
    const { clock, platform, channel } = shop({ capabilities: { compareAndSet: 'none' } });
    platform.faults.arm('apply_then_timeout', { on: 'write' });
    expect((await channel.setStock([push(4, null)], quiet))[0]?.kind).toBe('unknown');
    expect(platform.shown('TEE')).toBe(4);
    platform.faults.arm('timeout', { on: 'write' });
    expect((await channel.setStock([push(3, null)], quiet))[0]?.kind).toBe('unknown');
    expect(platform.shown('TEE')).toBe(4);
    platform.faults.arm('late_apply', { on: 'write', ms: 5_000 });
    expect((await channel.setStock([push(2, null)], quiet))[0]?.kind).toBe('unknown');
    expect(platform.shown('TEE')).toBe(4);
    await clock.advance(5_000);
    expect(platform.shown('TEE')).toBe(2);
  });

  test('a late write of a platform that compares is void once the number moved', async () => {
    const { clock, platform, channel } = shop();
    platform.faults.arm('late_apply', { on: 'write', ms: 5_000 });
    await channel.setStock([push(2, 5)], quiet);
    platform.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    await clock.advance(5_000);
    expect(platform.shown('TEE')).toBe(4);
  });

  test('reads show the old number until a write has settled', async () => {
    const { clock, channel } = shop({ capabilities: { settleMs: 3_000 }, answers: 'accepted' });
    expect(await channel.setStock([push(2, 5)], quiet)).toEqual([{ kind: 'accepted' }]);
    const read = async () => (await channel.readStock([push(0, null)], quiet))[0]?.shown;
    expect(await read()).toBe(5);
    await clock.advance(3_000);
    expect(await read()).toBe(2);
  });

  test('the same idempotency key is obeyed once', async () => {
    const { platform, channel } = shop();
    await channel.setStock([push(4, 5, 'same')], quiet);
    platform.set('TEE', 9);
    await channel.setStock([push(4, 5, 'same')], quiet);
    expect(platform.shown('TEE')).toBe(9);
  });

  test.each([
    ['auth', 'auth'],
    ['throttle', 'throttled'],
    ['error', 'retry'],
    ['rejected', 'rejected'],
  ] as const)('the fault %s answers %s for every line and writes nothing', async (fault, kind) => {
    const { platform, channel } = shop();
    platform.faults.arm(fault, { on: 'write', ms: 10 });
    expect((await channel.setStock([push(1, 5)], quiet))[0]?.kind).toBe(kind);
    expect(platform.shown('TEE')).toBe(5);
  });

  test('a caller that hangs up on a silent platform gets "unknown"', async () => {
    const { platform, channel } = shop();
    platform.faults.arm('unanswered', { on: 'write' });
    const calling = new AbortController();
    const answer = channel.setStock([push(1, 5)], calling.signal);
    calling.abort();
    expect((await answer)[0]?.kind).toBe('unknown');
  });

  test('what is not listed, not tracked or not writable says so instead of showing 0', async () => {
    const { platform, channel } = shop();
    platform.list({ sku: 'FREE', shown: null });
    platform.list({ sku: 'KIT', shown: 3, unwritable: 'a bundle' });
    const refs = ['TEE', 'FREE', 'KIT', 'GONE'].map((id) => ({ ...push(0, null), listingId: id }));
    const read = await channel.readStock(refs, quiet);
    expect(read.map((each) => [each.state, each.shown])).toEqual([
      ['ok', 5],
      ['untracked', null],
      ['unwritable', null],
      ['not-listed', null],
    ]);
  });
});

describe('the orders of a memory platform', () => {
  test('come by change, by creation, open ones, and by id, page by page', async () => {
    const { clock, platform, channel } = shop({ pageSize: 1 });
    const first = platform.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    await clock.advance(1_000);
    const second = platform.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    const since = clock.now();
    await clock.advance(1_000);
    platform.ship(first?.id ?? '');
    expect(await ids(channel.ordersSince(since, quiet))).toEqual([second?.id, first?.id]);
    expect(await ids(channel.ordersCreatedSince(since, quiet))).toEqual([second?.id]);
    expect(await ids(channel.openOrders?.(quiet) ?? channel.ordersSince(0, quiet))).toEqual([second?.id]);
    const found = await channel.fetchOrders([second?.id ?? '', 'none'], quiet);
    expect(found[0]).toMatchObject({ orderId: second?.id, askedAt: clock.now() });
    expect(found[1]).toEqual({ orderId: 'none', missing: true });
  });

  test('a list with a lag does not show the newest change', async () => {
    const { clock, platform, channel } = shop({ listLagMs: 60_000 });
    platform.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    expect(await ids(channel.ordersSince(0, quiet))).toEqual([]);
    await clock.advance(60_000);
    expect(await ids(channel.ordersSince(0, quiet))).toHaveLength(1);
  });

  test('refunds write units off or bring them back', () => {
    const { platform } = shop();
    const order = platform.sell({ lines: [{ ref: 'TEE', quantity: 3 }] });
    const line = `${order?.id}-1`;
    platform.refund(order?.id ?? '', { line, quantity: 1, restock: false });
    expect(order?.lines[0]).toMatchObject({ taken: 3, gone: 1 });
    platform.refund(order?.id ?? '', { line, quantity: 2, restock: true });
    expect(order?.lines[0]).toMatchObject({ taken: 1, gone: 1 });
    expect(platform.shown('TEE')).toBe(4);
  });

  test('hold and cancel act once and refuse what has left', async () => {
    const { platform, channel } = shop();
    const order = platform.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    const oversold = { orderId: order?.id ?? '', lines: [], key: 'k' };
    expect(await channel.hold?.(oversold, quiet)).toMatchObject({ kind: 'done' });
    expect(await channel.cancel?.(oversold, quiet)).toMatchObject({ kind: 'done' });
    expect(await channel.cancel?.(oversold, quiet)).toMatchObject({ kind: 'done' });
    expect(platform.shown('TEE')).toBe(5);
    const gone = platform.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    platform.ship(gone?.id ?? '');
    expect(await channel.cancel?.({ ...oversold, orderId: gone?.id ?? '' }, quiet)).toMatchObject({
      kind: 'refused',
    });
  });

  test('every change is delivered, signed, with a key of its own; padding is sent and not kept', () => {
    const { clock, platform, channel } = shop({ paddingBytes: 1_000 });
    const hooks: { headers: Record<string, string>; body: Buffer }[] = [];
    platform.sendTo((hook) => hooks.push(hook));
    const order = platform.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    platform.ship(order?.id ?? '');
    const receipts = hooks.map((hook) =>
      channel.receive({ method: 'POST', path: '', query: '', receivedAt: clock.now(), ...hook }),
    );
    const deliveries = receipts.flatMap((each) => (each.kind === 'deliveries' ? each.deliveries : []));
    expect(new Set(deliveries.map((each) => each.key)).size).toBe(2);
    expect(deliveries[0]?.body.byteLength).toBeGreaterThan(1_000);
    const [sold, shipped] = deliveries.map((each) => {
      const fields = channel.fieldsOf(each);
      expect(JSON.stringify(fields).length).toBeLessThan(600);
      const how = { obtained: 'delivered' as const, askedAt: 1, answeredAt: 1, attempt: 0 };
      return channel.ordersIn(fields, () => undefined, how).orders[0];
    });
    expect(sold?.lines[0]).toMatchObject({ lineKey: `${order?.id}-1`, listingId: 'TEE', taken: 1, gone: 0 });
    expect(shipped?.lines[0]).toMatchObject({ taken: 1, gone: 1 });
    expect(shipped?.version).toBeGreaterThan(sold?.version ?? 0);
  });

  test('a signed time binds the body to it and must be near', () => {
    const { clock, channel } = shop();
    const body = Buffer.from('{"ids":[]}');
    const ask = (time: string, signed: string) =>
      channel.receive({
        method: 'POST',
        path: '',
        query: '',
        receivedAt: clock.now(),
        body,
        headers: {
          'x-memory-id': 'k',
          'x-memory-time': time,
          'x-memory-signature': signMemory(body, 's', signed),
        },
      }).kind;
    const now = String(clock.now());
    expect(ask(now, now)).toBe('deliveries');
    expect(ask(now, String(clock.now() - 1))).toBe('refused');
    expect(ask(String(clock.now() - 400_000), String(clock.now() - 400_000))).toBe('refused');
    expect(ask('soon', 'soon')).toBe('refused');
  });
});
