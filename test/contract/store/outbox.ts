import { describe, expect, test } from 'vitest';
import type { CounterReading, CounterView, PushPlan, PushResult } from '../../../src/store/store.ts';
import type { StoreCase } from '../store.ts';
import { minute, noon, order } from './kit.ts';

/** The outbox: one row per counter, a version that only grows, and nothing closed by an older result. */
export function outboxPromises(each: StoreCase): void {
  describe('the outbox', () => {
    const open = async () => {
      const { kit, channel } = await each.shop('tee');
      await kit.count('tee', 10);
      const { outbox } = kit.store;
      const [counterId = 0] = await outbox.countersOf(channel, ['tee']);
      const view = async (): Promise<CounterView> => {
        const [found] = await outbox.view([counterId]);
        if (found === undefined) throw new Error('the counter is gone');
        return found;
      };
      const send = async (key: string, quantity: number, over: { deadline?: number; at?: number } = {}) => {
        const { version } = await view();
        const sentAt = over.at ?? noon;
        const plan: PushPlan = {
          kind: 'send',
          counterId,
          version,
          quantity,
          base: null,
          key,
          sentAt,
          deadline: over.deadline ?? noon + minute,
        };
        expect(await outbox.begin([plan], sentAt)).toEqual([counterId]);
        return version;
      };
      const settle = (version: number, key: string, result: PushResult, at = noon + 1) =>
        outbox.settle([{ counterId, version, key, result }], at);
      const sell = (n: number, taken = 1) =>
        kit.apply(channel, order(`${n}`, noon + n, [[`l${n}`, 'tee', taken]]));
      return { kit, channel, outbox, counterId, view, send, settle, sell };
    };
    const applied = (shown: number, answeredAt = noon + 1): PushResult => ({
      kind: 'applied',
      shown,
      answeredAt,
    });

    test('offers due counters with the target of this moment, zeros first, then the scarcest', async () => {
      const { kit, channel, outbox } = await open();
      for (const [sku, units] of [
        ['none', 0],
        ['few', 2],
        ['many', 99],
      ] as const) {
        await kit.listing(channel, sku);
        await kit.count(sku, units);
      }
      const due = await outbox.due(channel, 9, noon);
      expect(due.map((view) => view.counterKey)).toEqual(['none', 'few', 'tee', 'many']);
      expect(due[2]?.target).toEqual({ kind: 'number', quantity: 10 });
      expect(await outbox.due(channel, 2, noon)).toHaveLength(2);
      expect(await outbox.due(channel, 9, noon - 1)).toEqual([]);
      expect(await outbox.nextDueAt(channel)).toBe(noon);
    });

    test('writes a send before the network and keeps a counter single flight', async () => {
      const { outbox, channel, counterId, view, send } = await open();
      await send('k1', 10);
      expect(await view()).toMatchObject({
        state: 'in_flight',
        unread: [{ quantity: 10, sentAt: noon, deadline: noon + minute, key: 'k1', base: null }],
      });
      expect(await outbox.due(channel, 9, noon)).toEqual([]);
      const again = { ...((await view()) as { version: number }) };
      const plan = { kind: 'wait', counterId, version: again.version, dueAt: noon, reason: '' } as const;
      expect(await outbox.begin([plan], noon)).toEqual([]);
    });

    test('closes the version that was sent and takes the answer as anchor', async () => {
      const { outbox, channel, view, send, settle } = await open();
      const version = await send('k1', 10);
      await settle(version, 'k1', applied(10));
      expect(await view()).toMatchObject({
        state: 'idle',
        doneVersion: version,
        unread: [],
        anchor: { number: 10, from: noon, until: noon + 1 },
      });
      expect(await outbox.due(channel, 9, noon + minute)).toEqual([]);
    });

    test('never closes a newer version by an older result', async () => {
      const { outbox, channel, view, send, settle, sell } = await open();
      const version = await send('k1', 10);
      await sell(1);
      await settle(version, 'k1', applied(10));
      const after = await view();
      expect(after.version).toBeGreaterThan(after.doneVersion);
      expect((await outbox.due(channel, 9, noon + minute)).map((due) => due.target)).toEqual([
        { kind: 'number', quantity: 9 },
      ]);
    });

    test('refuses a plan that was made on an older version', async () => {
      const { outbox, counterId, view, sell } = await open();
      const { version } = await view();
      await sell(1);
      const close = { kind: 'close', counterId, version, reason: 'in sync', anchor: null } as const;
      expect(await outbox.begin([close], noon)).toEqual([]);
      expect((await view()).doneVersion).toBeLessThan((await view()).version);
    });

    test('ignores a settlement with a key that was not sent or is settled already', async () => {
      const { view, send, settle } = await open();
      const version = await send('k1', 10);
      await settle(version, 'foreign', applied(3));
      expect(await view()).toMatchObject({ state: 'in_flight', anchor: null });
      await settle(version, 'k1', applied(10));
      await settle(version, 'k1', applied(4, noon + 9));
      expect((await view()).anchor?.number).toBe(10);
    });

    test('keeps a push without an answer unread until it can no longer act', async () => {
      const { view, send, settle, sell } = await open();
      const first = await send('k1', 10);
      await settle(first, 'k1', { kind: 'unknown', error: 'timeout', dueAt: noon + minute });
      expect(await view()).toMatchObject({ state: 'unknown', unread: [{ key: 'k1' }], anchor: null });
      await sell(1, 4);
      const second = await send('k2', 6, { at: noon + 2 });
      await settle(second, 'k2', applied(6, noon + 3), noon + 3);
      const after = await view();
      // The late "10" may still land after the "6": the counter comes due again at its deadline.
      expect(after).toMatchObject({ state: 'unknown', unread: [{ key: 'k1' }], dueAt: noon + minute });
      expect(after.version).toBeGreaterThan(after.doneVersion);
      await settle(first, 'k1', applied(10, noon + 4), noon + 4);
      expect(await view()).toMatchObject({ unread: [] });
    });

    test('makes what a dead boot had in flight unknown, and nothing else', async () => {
      const { kit, counterId, view, send } = await open();
      await send('k1', 10);
      expect(await kit.store.outbox.recover(noon)).toBe(0);
      const next = await each.another();
      expect(await next.outbox.recover(noon + 1)).toBe(1);
      expect(await view()).toMatchObject({
        state: 'unknown',
        unread: [{ key: 'k1', deadline: noon + minute }],
      });
      expect(
        (await next.outbox.due((await view()).channelId, 9, noon + 1)).map((due) => due.counterId),
      ).toEqual([counterId]);
    });

    test('answers what commands asked of a dead boot, and leaves what waits to the next one', async () => {
      const { kit } = await open();
      const { duties } = kit.store;
      const running = await duties.ask('reconcile', {}, noon);
      const waiting = await duties.ask('check', {}, noon);
      const done = await duties.ask('check', {}, noon);
      await duties.updateRequest(running, 'running', 'reading', null);
      await duties.updateRequest(done, 'done', null, { fine: true });
      const next = await each.another();
      await next.outbox.recover(noon + 1);
      expect(await next.duties.request(running)).toMatchObject({
        state: 'failed',
        result: { error: { code: 'stopped', exit_code: 5 } },
      });
      expect(await next.duties.request(done)).toMatchObject({ state: 'done', result: { fine: true } });
      expect((await next.duties.requestsWaiting()).map((row) => row.id)).toEqual([waiting]);
    });

    test('makes what nobody settled by its deadline unknown, and its late answer still settles it', async () => {
      const { outbox, channel, counterId, view, send, settle } = await open();
      const version = await send('k1', 10);
      expect(await outbox.due(channel, 9, noon + minute - 1)).toEqual([]);
      expect(await outbox.expireFlights(channel, noon + minute - 1)).toBe(0);
      expect((await outbox.due(channel, 9, noon + minute)).map((due) => due.counterId)).toEqual([counterId]);
      expect(await outbox.expireFlights(channel, noon + minute)).toBe(1);
      expect(await view()).toMatchObject({ state: 'unknown', unread: [{ key: 'k1' }] });
      await settle(version, 'k1', applied(10, noon + minute + 1), noon + minute + 1);
      expect(await view()).toMatchObject({ state: 'idle', unread: [], anchor: { number: 10 } });
    });

    test('keeps an accepted push open, due at its read, while a lower target is due at once', async () => {
      const { outbox, channel, view, send, settle, sell } = await open();
      const version = await send('k1', 10);
      await settle(version, 'k1', { kind: 'accepted', answeredAt: noon + 1, readAt: noon + 5 * minute });
      expect(await view()).toMatchObject({ state: 'accepted', unread: [{ key: 'k1' }] });
      expect(await outbox.due(channel, 9, noon + minute)).toEqual([]);
      await sell(1);
      expect(await outbox.due(channel, 9, noon + minute)).toHaveLength(1);
    });

    test('takes the number that a failed compare read as the anchor', async () => {
      const { view, send, settle } = await open();
      const version = await send('k1', 10);
      await settle(version, 'k1', {
        kind: 'conflict',
        shown: 12,
        askedAt: noon + 1,
        answeredAt: noon + 2,
        dueAt: noon + 3,
      });
      expect(await view()).toMatchObject({
        state: 'idle',
        dueAt: noon + 3,
        anchor: { number: 12, from: noon + 1, until: noon + 2 },
      });
    });

    test('spends an attempt only where asked, makes a refusal dead, and a refused lowering exposed', async () => {
      const { kit, outbox, channel, counterId, view, send, settle } = await open();
      let version = await send('k1', 10);
      await settle(version, 'k1', { kind: 'retry', error: '429', dueAt: noon + 5, spendsAttempt: false });
      expect(await view()).toMatchObject({ attempts: 0, dueAt: noon + 5, error: '429' });
      version = await send('k2', 10);
      await settle(version, 'k2', { kind: 'retry', error: '500', dueAt: noon + 6, spendsAttempt: true });
      expect(await view()).toMatchObject({ attempts: 1 });
      version = await send('k3', 10);
      const rejected = { kind: 'rejected', error: 'no', hint: 'do', dueAt: null } as const;
      await settle(version, 'k3', { ...rejected, exposed: false });
      expect(await view()).toMatchObject({ dead: true, error: 'no (do)' });
      expect(await outbox.due(channel, 9, noon + minute)).toEqual([]);
      expect(await outbox.list({ channel: 'shop', status: 'dead', limit: 9 }, noon)).toMatchObject([
        { counterId, sku: 'tee', target: 10, listingId: 'tee' },
      ]);
      expect(await outbox.retry({ counterIds: [counterId] }, noon + minute)).toBe(1);
      expect(await outbox.due(channel, 9, noon + minute)).toHaveLength(1);
      version = await send('k4', 10);
      await settle(version, 'k4', { ...rejected, exposed: true, dueAt: noon + 60 * minute });
      expect(await view()).toMatchObject({ dead: false, exposed: true, dueAt: noon + 60 * minute });
      expect((await kit.store.reports.status(noon)).exposed).toBe(1);
    });

    test('brings a dead counter back when its number moves', async () => {
      const { outbox, channel, view, send, settle, sell } = await open();
      const version = await send('k1', 10);
      const rejected = { kind: 'rejected', error: 'no', hint: '', dueAt: null, exposed: false } as const;
      await settle(version, 'k1', rejected);
      await sell(1);
      expect(await view()).toMatchObject({ dead: false, attempts: 0 });
      expect(await outbox.due(channel, 9, noon + minute)).toHaveLength(1);
    });

    test('closes without a call, waits, and refuses, with the reason on record', async () => {
      const { kit, outbox, channel, counterId, view } = await open();
      const { version } = await view();
      const wait = { kind: 'wait', counterId, version, dueAt: noon + minute, reason: 'not fresh' } as const;
      expect(await outbox.begin([wait], noon)).toEqual([counterId]);
      expect(await outbox.due(channel, 9, noon)).toEqual([]);
      const anchor = { number: 10, from: noon, until: noon };
      const close = { kind: 'close', counterId, version, reason: 'in sync', anchor } as const;
      expect(await outbox.begin([close], noon)).toEqual([counterId]);
      expect(await view()).toMatchObject({ doneVersion: version, anchor });
      expect((await kit.store.reports.pushLog('tee', 'shop', 9))[0]).toMatchObject({
        outcome: 'left alone: in sync',
        quantity: null,
      });
    });

    test('logs each push with its answer', async () => {
      const { kit, send, settle } = await open();
      const version = await send('k1', 10);
      await settle(version, 'k1', applied(10));
      expect(await kit.store.reports.pushLog('tee', null, 9)).toMatchObject([
        {
          channel: 'shop',
          listingId: 'tee',
          quantity: 10,
          outcome: 'applied',
          shown: 10,
          answeredAt: noon + 1,
        },
      ]);
    });

    const reading = (counterId: number, over: Partial<CounterReading>): CounterReading => ({
      counterId,
      shown: 9,
      askedAt: noon + minute,
      answeredAt: noon + minute + 1,
      cause: 'in sync',
      anchors: true,
      lowSince: null,
      lowNumber: null,
      doubt: undefined,
      dueAt: null,
      ...over,
    });

    test('books a reading, and one that anchors ends what was sent before it was asked for', async () => {
      const { outbox, counterId, view, send, settle } = await open();
      const version = await send('k1', 10);
      await settle(version, 'k1', { kind: 'unknown', error: 'timeout', dueAt: noon + 1 });
      await outbox.read([reading(counterId, { anchors: false, lowSince: noon + 7, lowNumber: 9 })], noon);
      expect(await view()).toMatchObject({
        unread: [{ key: 'k1' }],
        anchor: null,
        lowSince: noon + 7,
        lowNumber: 9,
      });
      await outbox.read([reading(counterId, { dueAt: noon + 3 * minute })], noon);
      expect(await view()).toMatchObject({
        state: 'idle',
        unread: [],
        anchor: { number: 9, from: noon + minute, until: noon + minute + 1 },
        lowSince: null,
        dueAt: noon + 3 * minute,
        lastRead: { shown: 9, cause: 'in sync' },
      });
    });

    test('lets no reading that was asked for before a push replace what the push proved', async () => {
      const { outbox, counterId, view, send, settle } = await open();
      const version = await send('k1', 10, { at: noon + minute });
      await settle(version, 'k1', applied(10, noon + minute + 5), noon + minute + 5);
      await outbox.read([reading(counterId, { shown: 4, askedAt: noon, answeredAt: noon + 2 })], noon);
      expect((await view()).anchor?.number).toBe(10);
    });

    test('ignores a reading that was asked for before the last one, unless that one is of the future', async () => {
      const { outbox, counterId, view } = await open();
      const low = reading(counterId, { shown: 4, anchors: false, lowSince: noon + minute, lowNumber: 4 });
      await outbox.read([low], noon + minute);
      await outbox.read(
        [reading(counterId, { askedAt: noon, answeredAt: noon + 2 * minute })],
        noon + 2 * minute,
      );
      expect(await view()).toMatchObject({ anchor: null, lowNumber: 4, lastRead: { shown: 4 } });
      await outbox.read([reading(counterId, { askedAt: noon })], noon);
      expect(await view()).toMatchObject({ lowNumber: null, lastRead: { shown: 9 } });
    });

    test('keeps what a brake holds until it is let go, agrees, or is pushed', async () => {
      const { kit, outbox, counterId, view, send, settle } = await open();
      const { channelId } = await view();
      const body = { lines: [] };
      const brake = (over: object) =>
        outbox.brake(channelId, { hold: [], release: [], pass: [], plan: null, ...over });
      const hold = { hold: [{ counterId, target: 12, doubt: 'foreign edit' as const }] };
      expect(await brake({ ...hold, plan: { id: 'b1', createdAt: noon, body } })).toBe('b1');
      expect(await brake({ ...hold, plan: { id: 'b2', createdAt: noon, body } })).toBe('b1');
      expect(await kit.store.duties.plan('b2')).toBeNull();
      expect(await outbox.doubts(channelId)).toEqual([{ counterId, held: 12, low: false }]);
      const version = await send('k1', 3);
      await settle(version, 'k1', applied(3));
      expect(await view()).toMatchObject({ held: 12, doubt: 'foreign edit' });
      await outbox.read([reading(counterId, { doubt: null })], noon + 2 * minute);
      expect(await view()).toMatchObject({ held: null, doubt: null });
      expect(await brake({})).toBeNull();
      expect(await kit.store.duties.plan('b1')).toMatchObject({ state: 'refused' });
    });

    test('lets no reading end a push that is in flight', async () => {
      const { outbox, counterId, view, send } = await open();
      await send('k1', 10);
      await outbox.read([reading(counterId, {})], noon);
      expect(await view()).toMatchObject({ state: 'in_flight', unread: [{ key: 'k1' }], anchor: null });
    });

    test('forgets own changes that are surely older than a new anchor, and keeps the sum of many', async () => {
      const { counterId, outbox, view, sell } = await open();
      for (let n = 1; n <= 200; n += 1) await sell(n * 1_000);
      const own = (await view()).own;
      expect(own.length).toBeLessThan(120);
      expect(own.reduce((sum, change) => sum + change.delta, 0)).toBe(-200);
      await outbox.read([reading(counterId, { askedAt: noon + 199_000, answeredAt: noon + 199_500 })], noon);
      const left = (await view()).own;
      expect(left.every((change) => change.to >= noon + 198_000)).toBe(true);
      expect(left.length).toBeGreaterThan(0);
    });

    test('touches counters, pages through them, and finds them by listing id or alias', async () => {
      const { kit, outbox, channel, counterId } = await open();
      await kit.discover(channel, 'p1', { counterKey: 'shared', aliases: ['v1'] });
      await kit.discover(channel, 'p2', { counterKey: 'shared' });
      expect(await outbox.countersOf(channel, ['p1', 'p2'])).toHaveLength(1);
      expect(await outbox.countersOf(channel, ['v1', 'none'])).toHaveLength(1);
      const page = await outbox.page(channel, 0, 1);
      expect(page.map((view) => view.counterId)).toEqual([counterId]);
      expect((await outbox.page(channel, counterId, 9)).map((view) => view.counterKey)).toEqual(['shared']);
      const [before] = await outbox.view([counterId]);
      await outbox.touch([counterId], noon + 5, noon);
      expect(await outbox.view([counterId])).toMatchObject([
        { version: (before?.version ?? 0) + 1, dueAt: noon + 5 },
      ]);
    });

    test('shows the smallest target of listings that share a counter', async () => {
      const { kit, outbox, channel } = await open();
      for (const [listing, buffer] of [
        ['de', 0],
        ['fr', 2],
      ] as const) {
        await kit.discover(channel, listing, { counterKey: 'eu' });
        const row = await kit.map(channel, listing, { tee: 1 });
        await kit.store.listings.set(row, { offer: { buffer } }, { by: 'test', reason: null }, noon);
      }
      const [eu] = await outbox.countersOf(channel, ['de']);
      expect(await outbox.view([eu ?? 0])).toMatchObject([{ target: { quantity: 8 }, listings: [{}, {}] }]);
    });

    test('adds the own open units on a gross counter, and makes shipping due there', async () => {
      const { kit, outbox } = await open();
      const gross = await kit.channel('gross', { basis: 'gross' });
      await kit.listing(gross, 'tee');
      const [counter] = await outbox.countersOf(gross, ['tee']);
      const view = async () => (await outbox.view([counter ?? 0]))[0];
      await kit.apply(gross, order('g', noon + 1, [['g1', 'tee', 2]]));
      expect(await view()).toMatchObject({ target: { quantity: 10 } });
      const before = (await view())?.version ?? 0;
      await kit.apply(gross, order('g', noon + 2, [['g1', 'tee', 2, 2]]));
      expect(await view()).toMatchObject({ version: before + 1, target: { quantity: 8 } });
    });
  });
}
