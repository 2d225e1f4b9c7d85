import { describe, expect, test } from 'vitest';
import type { PushLine, PushOutcome } from '../../src/channels/channel.ts';
import { type Bench, benches, calm, type MakeBench, need } from './bench.ts';
import { unknownLike } from './readings.ts';

/** Writes of stock numbers. */
export function pushSuite(make: MakeBench): void {
  describe('a push', () => {
    const open = benches(make);

    test('is applied, and the shop and a reading show it after it has settled', async () => {
      const bench = await open();
      const [outcome] = await set(bench, await bench.line('SKU-001', 7, 10));
      expectDone(outcome, 7);
      await expectShown(bench, 'SKU-001', 7);
    });

    test('may repeat the number that is there', async () => {
      const bench = await open();
      await set(bench, await bench.line('SKU-005', 6, 10));
      await expectShown(bench, 'SKU-005', 6);
      const [outcome] = await set(bench, await bench.line('SKU-005', 6, 6));
      expectDone(outcome, 6);
      await expectShown(bench, 'SKU-005', 6);
    });

    test('may be unconditional', async () => {
      const bench = await open();
      bench.shop.set({ sku: 'SKU-003', quantity: 8 });
      const [outcome] = await set(bench, await bench.line('SKU-003', 2, null));
      expectDone(outcome, 2);
      await expectShown(bench, 'SKU-003', 2);
    });

    test('brings a number to zero, so that nobody can buy, and back', async () => {
      const bench = await open();
      expectDone((await set(bench, await bench.line('SKU-005', 0, 10)))[0], 0);
      await expectShown(bench, 'SKU-005', 0);
      expect(bench.shop.sell({ lines: [{ sku: 'SKU-005', quantity: 1 }] }).sold).toBe(false);
      expectDone((await set(bench, await bench.line('SKU-005', 2, 0)))[0], 2);
      await expectShown(bench, 'SKU-005', 2);
      expect(bench.shop.sell({ lines: [{ sku: 'SKU-005', quantity: 1 }] }).sold).toBe(true);
    });

    test('takes as many lines as the batch size says, and none', async () => {
      const size = (await open()).channel.capabilities.batchSize;
      const bench = await open(size + 3);
      const lines: PushLine[] = [];
      for (let at = 0; at < size; at += 1) {
        lines.push(await bench.line(bench.catalogue[at]?.sku ?? '', at, 10));
      }
      const outcomes = await set(bench, ...lines);
      expect(outcomes.length).toBe(size);
      for (const [at, outcome] of outcomes.entries()) expectDone(outcome, at);
      for (let at = 0; at < size; at += 1) await expectShown(bench, bench.catalogue[at]?.sku ?? '', at);
      expect(await set(bench)).toEqual([]);
    });

    test('of a full batch right after another of the same lines is written in the end, and stays', async () => {
      const size = (await open()).channel.capabilities.batchSize;
      const bench = await open(size);
      const lines: PushLine[] = [];
      for (const { sku } of bench.catalogue) lines.push(await bench.line(sku, 4, 10));
      for (const outcome of await set(bench, ...lines)) expectDone(outcome, 4);
      let left: PushLine[] = [];
      for (const { sku } of bench.catalogue) left.push(await bench.line(sku, 2, null));
      await bench.eventually('every line is done', async () => {
        const outcomes = await set(bench, ...left);
        left = left.filter((_, at) => !isSettled(outcomes[at], 2));
        return left.length === 0 ? true : undefined;
      });
      await bench.settle();
      for (const { sku } of bench.catalogue) await expectShown(bench, sku, 2);
    });

    test('with bad rows among good ones answers each in its place, and the good ones stand', async () => {
      const bench = await open();
      const { unwritable = [] } = (await bench.furnish?.()) ?? {};
      const bad = unwritable[0];
      const lines = [
        await bench.line('SKU-001', 1, 10),
        unknownLike(await bench.line('SKU-002', 2, 10)),
        { ...(await bench.line('SKU-002', 2, 10)), listingId: 'rubbish', counterKey: 'rubbish' },
        await bench.line('SKU-005', 3, 10),
        ...(bad === undefined ? [] : [await bench.line(bad, 3, null)]),
        unknownLike(await bench.line('SKU-010', 4, 10)),
        await bench.line('SKU-010', 5, 10),
        await bench.line('SKU-007', 6, 10),
      ];
      const outcomes = await set(bench, ...lines);
      const kinds = [
        'done',
        'rejected',
        'rejected',
        'done',
        ...(bad === undefined ? [] : ['rejected']),
        'rejected',
        'done',
        'done',
      ];
      expect(outcomes.map(({ kind }) => (isDone(kind) ? 'done' : kind))).toEqual(kinds);
      for (const outcome of outcomes) {
        if (outcome.kind !== 'rejected') continue;
        expect(outcome.error).toMatch(/\w+ \w+/);
        expect(outcome.hint).toMatch(/\w+ \w+/);
      }
      await expectShown(bench, 'SKU-001', 1);
      await expectShown(bench, 'SKU-005', 3);
      await expectShown(bench, 'SKU-010', 5);
      await expectShown(bench, 'SKU-007', 6);
    });

    test('of what may not be written is rejected with a hint before it can do harm', async (context) => {
      const bench = await open();
      const { unwritable = [] } = (await bench.furnish?.()) ?? {};
      need(context, unwritable[0], 'every number of this shop may be written');
      for (const sku of unwritable) {
        const before = bench.shown(sku);
        const [outcome] = await set(bench, await bench.line(sku, 5, null));
        expect(outcome).toMatchObject({ kind: 'rejected' });
        if (outcome?.kind === 'rejected') expect(outcome.hint).toMatch(/\w+ \w+/);
        expect(bench.shown(sku)).toBe(before);
      }
      expect(writes(bench)).toEqual([]);
    });

    test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 'beyond'] as const)(
      'of %s is rejected and never sent; its neighbour is written',
      async (wanted) => {
        const bench = await open();
        const quantity = wanted === 'beyond' ? bench.channel.capabilities.maxQuantity + 1 : wanted;
        const outcomes = await set(
          bench,
          await bench.line('SKU-001', quantity, 10),
          await bench.line('SKU-002', 4, 10),
        );
        expect(outcomes[0]).toMatchObject({ kind: 'rejected' });
        if (outcomes[0]?.kind === 'rejected') expect(outcomes[0].hint).toMatch(/\w+ \w+/);
        expectDone(outcomes[1], 4);
        expect(bench.shown('SKU-001')).toBe(10);
        expect(writes(bench).map(({ sku }) => sku)).not.toContain('SKU-001');
      },
    );

    test('of the highest number that is declared is kept exactly', async () => {
      const bench = await open();
      const { maxQuantity } = bench.channel.capabilities;
      expectDone((await set(bench, await bench.line('SKU-002', maxQuantity, 10)))[0], maxQuantity);
      await expectShown(bench, 'SKU-002', maxQuantity);
    });
  });

  describe('a push on a number that moved', () => {
    const open = benches(make);

    test('is a conflict that tells the number really there, with the span of its reading, and writes nothing', async (context) => {
      const bench = await open();
      compares(bench, context);
      bench.sell(['SKU-001', 3]);
      bench.shop.set({ sku: 'SKU-005', quantity: 30 });
      const lines = [
        await bench.line('SKU-001', 9, 10),
        await bench.line('SKU-002', 4, 10),
        await bench.line('SKU-005', 9, 10),
      ];
      const before = Date.now();
      const outcomes = await set(bench, ...lines);
      const after = Date.now();
      expect(outcomes[0]).toMatchObject({ kind: 'conflict', shown: 7 });
      expectDone(outcomes[1], 4);
      expect(outcomes[2]).toMatchObject({ kind: 'conflict', shown: 30 });
      for (const outcome of outcomes) {
        if (outcome.kind !== 'conflict') continue;
        expect(outcome.askedAt).toBeGreaterThanOrEqual(before);
        expect(outcome.answeredAt).toBeGreaterThanOrEqual(outcome.askedAt);
        expect(outcome.answeredAt).toBeLessThanOrEqual(after);
      }
      expect(bench.shown('SKU-001')).toBe(7);
      expect(bench.shown('SKU-005')).toBe(30);
      await expectShown(bench, 'SKU-002', 4);
    });

    test('when all lines of a full batch are stale, answers a conflict for each', async (context) => {
      const size = (await open()).channel.capabilities.batchSize;
      const bench = await open(size);
      compares(bench, context);
      const lines: PushLine[] = [];
      for (const { sku } of bench.catalogue) lines.push(await bench.line(sku, 3, 9));
      const outcomes = await set(bench, ...lines);
      expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['conflict']));
      for (const { sku } of bench.catalogue) expect(bench.shown(sku)).toBe(10);
    });

    test('by a sale between look and write is a conflict where the platform itself compares', async (context) => {
      const bench = await open();
      const native = bench.channel.capabilities.compareAndSet === 'native';
      need(
        context,
        native ? true : null,
        'this platform cannot compare: the adapter looks first, and a small gap is left',
      );
      const line = await bench.line('SKU-001', 10, 10);
      bench.shop.fault({ name: 'sale_before_write', count: 1 });
      const [outcome] = await set(bench, line);
      expect(outcome).toMatchObject({ kind: 'conflict', shown: 9 });
      expect(bench.shown('SKU-001')).toBe(9);
    });

    test('with the same key and base as an earlier one that was applied does no harm', async () => {
      const bench = await open();
      const line = await bench.line('SKU-001', 4, 10);
      expectDone((await set(bench, line))[0], 4);
      const [again] = await set(bench, line);
      expect(['applied', 'accepted', 'conflict']).toContain(again?.kind);
      expect(bench.shown('SKU-001')).toBe(4);
      bench.sell(['SKU-001', 1]);
      const [late] = await set(bench, line);
      expect(['applied', 'accepted', 'conflict']).toContain(late?.kind);
      expect(bench.shown('SKU-001')).toBe(3);
    });
  });

  describe('a push in bad weather', () => {
    const open = benches(make);

    test('that was obeyed without an answer is unknown', async () => {
      const bench = await open();
      const line = await bench.line('SKU-001', 3, 10);
      bench.shop.fault({ name: 'apply_then_timeout', count: 1 });
      const [outcome] = await set(bench, line);
      expect(outcome).toMatchObject({ kind: 'unknown' });
      await bench.eventually('the write shows', () => (bench.shown('SKU-001') === 3 ? true : undefined));
    });

    test('that was obeyed and answered by an internal error is unknown too', async () => {
      const bench = await open();
      const line = await bench.line('SKU-001', 3, 10);
      bench.shop.fault({ name: 'error_500_after', count: 1 });
      expect((await set(bench, line))[0]).toMatchObject({ kind: 'unknown' });
      expect(bench.shown('SKU-001')).toBe(3);
    });

    test.each([
      // A 500 does not tell whether it came before or after the write, so that `unknown` is as right as `retry`.
      ['error_500', ['retry', 'unknown']],
      ['timeout', ['retry', 'unknown']],
      ['throttle', ['throttled']],
      ['auth', ['auth']],
    ])(
      'with the fault %s leaves every line as it was and says what kind of failure it is',
      async (fault, kinds) => {
        const bench = await open();
        const lines = [await bench.line('SKU-001', 3, 10), await bench.line('SKU-005', 3, 10)];
        bench.shop.fault({ name: fault, count: 1 });
        const outcomes = await set(bench, ...lines);
        expect(outcomes.length).toBe(2);
        for (const outcome of outcomes) {
          expect(kinds).toContain(outcome.kind);
          if (outcome.kind === 'throttled') expect(outcome.afterMs).toBeGreaterThan(0);
          if ('error' in outcome) expect(outcome.error).not.toBe('');
        }
        expect([bench.shown('SKU-001'), bench.shown('SKU-005')]).toEqual([10, 10]);
      },
    );

    test('with wrong credentials is auth for every line and shows no secret', async (context) => {
      const bench = await open();
      const key = need(context, bench.keys.credential, 'the platform knows no credentials');
      const wrong = `${String(bench.own[key])}-wrong`;
      const lines = [await bench.line('SKU-001', 3, 10), await bench.line('SKU-002', 3, 10)];
      const outcomes = await bench.open({ [key]: wrong }).setStock(lines, calm);
      expect(outcomes.map(({ kind }) => kind)).toEqual(['auth', 'auth']);
      bench.assertSecretFree(outcomes);
      expect(bench.shown('SKU-001')).toBe(10);
    });
  });
}

/** Writes and checks that no text of an outcome carries a secret. */
async function set(bench: Bench, ...lines: PushLine[]): Promise<PushOutcome[]> {
  const outcomes = await bench.channel.setStock(lines, calm);
  expect(outcomes.length).toBe(lines.length);
  bench.assertSecretFree(outcomes);
  return outcomes;
}

function isDone(kind: PushOutcome['kind']): boolean {
  return kind === 'applied' || kind === 'accepted';
}

function expectDone(outcome: PushOutcome | undefined, quantity: number): void {
  if (outcome?.kind === 'accepted') return;
  expect(outcome).toEqual({ kind: 'applied', shown: quantity });
}

/** The shop shows the number, and so does a reading. */
async function expectShown(bench: Bench, sku: string, quantity: number): Promise<void> {
  const ref = await bench.listing(sku);
  await bench.eventually(`${sku} shows ${quantity}`, async () => {
    if (bench.shown(sku) !== quantity) return undefined;
    const [reading] = await bench.channel.readStock([ref], calm);
    return reading?.shown === quantity ? true : undefined;
  });
}

/** Done; else it must be for a reason that time alone mends: something of ours is still under way there. */
function isSettled(outcome: PushOutcome | undefined, quantity: number): boolean {
  if (outcome !== undefined && isDone(outcome.kind)) {
    expectDone(outcome, quantity);
    return true;
  }
  expect(['waits', 'throttled']).toContain(outcome?.kind);
  if (outcome !== undefined && 'afterMs' in outcome) expect(outcome.afterMs).toBeGreaterThan(0);
  return false;
}

function compares(bench: Bench, context: Parameters<typeof need>[0]): void {
  const compares = bench.channel.capabilities.compareAndSet !== 'none';
  need(context, compares ? true : null, 'this platform compares nothing');
}

function writes(bench: Bench) {
  return bench.shop.records().calls.filter((call) => call.kind === 'write');
}
