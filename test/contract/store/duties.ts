import { describe, expect, test } from 'vitest';
import type { StoreCase } from '../store.ts';
import { day, delivered, delivery, minute, noon, order } from './kit.ts';

/** Requests, schedules, plans, alerts, retention, health. */
export function dutyPromises(each: StoreCase): void {
  describe('duties', () => {
    test('hands requests over in order and keeps their result', async () => {
      const { duties } = each.kit().store;
      const first = await duties.ask('reconcile', { channel: 'shop' }, noon);
      const second = await duties.ask('pull', null, noon);
      expect((await duties.requestsWaiting()).map((row) => row.id)).toEqual([first, second]);
      await duties.updateRequest(first, 'running', '1 of 2', null);
      expect((await duties.requestsWaiting()).map((row) => row.id)).toEqual([second]);
      await duties.updateRequest(first, 'done', null, { changed: 3 });
      expect(await duties.request(first)).toMatchObject({
        state: 'done',
        args: { channel: 'shop' },
        result: { changed: 3 },
      });
      expect(await duties.request(99)).toBeNull();
    });

    test('remembers when scheduled work is due and when it last went well', async () => {
      const { duties } = each.kit().store;
      expect(await duties.schedule('reconcile')).toEqual({ dueAt: null, lastOkAt: null });
      await duties.setSchedule('reconcile', noon, noon - day);
      await duties.setSchedule('reconcile', noon + day, null);
      expect(await duties.schedule('reconcile')).toEqual({ dueAt: noon + day, lastOkAt: noon - day });
    });

    test('keeps a plan, and closing it ends the brake that it explains', async () => {
      const { kit, channel } = await each.shop();
      const { duties, channels } = kit.store;
      await duties.savePlan({
        id: 'p1',
        createdAt: noon,
        cause: 'brake',
        state: 'open',
        body: { lines: [1] },
      });
      await channels.mark(channel, { brakePlan: 'p1' });
      expect(await duties.plan('p1')).toMatchObject({ state: 'open', body: { lines: [1] } });
      expect(await duties.plan('p2')).toBeNull();
      await duties.closePlan('p1', 'refused');
      expect(await duties.plan('p1')).toMatchObject({ state: 'refused' });
      expect(await channels.list()).toMatchObject([{ brakePlan: null }]);
    });

    test('counts a repeated alert as one until it is resolved', async () => {
      const { kit, channel: channelId } = await each.shop();
      const { duties } = kit.store;
      const alert = { channelId, kind: 'oversell', subject: 'shop', message: 'first' } as const;
      await duties.raiseAlert(alert, noon);
      await duties.raiseAlert({ ...alert, message: 'second' }, noon + 1);
      expect(await duties.alerts(true, 9)).toMatchObject([
        { channel: 'shop', count: 2, message: 'second', since: noon, lastAt: noon + 1 },
      ]);
      await duties.resolveAlert('oversell', 'shop', noon + 2);
      expect(await duties.alerts(true, 9)).toEqual([]);
      await duties.raiseAlert(alert, noon + 3);
      expect(await duties.alerts(false, 9)).toHaveLength(2);
    });

    test('prunes settled keys and payloads in small steps and never what is pending, dead, unmapped or booked', async () => {
      const { kit, channel } = await each.shop('tee');
      await kit.discover(channel, 'bare');
      await kit.count('tee', 9, { asOf: noon - 90 * day });
      const { inbox, duties } = kit.store;
      const keys = ['applied', 'applied-2', 'ignored', 'unmapped', 'dead', 'new'];
      const receivedAt = noon - 60 * day;
      const rows = await inbox.takeIn(keys.map((key) => delivery(channel, key, { receivedAt })));
      const ids = rows.map((row) => row.id);
      const at = noon - 60 * day;
      await kit.request(delivered(channel, ids[0] ?? 0, [order('1', at, [['l1', 'tee', 1]])]));
      await kit.request(delivered(channel, ids[1] ?? 0, [order('2', at, [['l2', 'tee', 1]])]));
      await kit.request(delivered(channel, ids[2] ?? 0, [], { ignored: 'test' }));
      await kit.request(delivered(channel, ids[3] ?? 0, [order('3', at, [['l3', 'bare', 1]])]));
      await inbox.fail(ids[4] ?? 0, 'unreadable', null, noon);
      const entries = await kit.store.reports.entries('tee', null, 99);
      const listed = async () => (await inbox.list({ limit: 99 })).map((row) => row.key).reverse();

      const old = { keys: noon - 90 * day, payloads: noon - 30 * day, pushes: noon - 30 * day };
      expect(await duties.prune(old, 2, noon)).toEqual({ removed: 2, more: true });
      expect(await duties.prune(old, 2, noon)).toEqual({ removed: 1, more: false });
      expect(await duties.prune(old, 2, noon)).toEqual({ removed: 0, more: false });
      const kept = await inbox.list({ limit: 99 });
      expect(kept.filter((row) => row.fields === null && !row.hasBody).map((row) => row.key)).toEqual([
        'ignored',
        'applied-2',
        'applied',
      ]);
      expect(kept.filter((row) => row.hasBody).map((row) => row.key)).toEqual(['new', 'dead', 'unmapped']);

      expect(await duties.prune({ ...old, keys: noon }, 2, noon)).toEqual({ removed: 2, more: true });
      expect(await duties.prune({ ...old, keys: noon }, 2, noon)).toEqual({ removed: 1, more: false });
      expect(await listed()).toEqual(['unmapped', 'dead', 'new']);
      expect(await kit.store.reports.entries('tee', null, 99)).toEqual(entries);
      expect(await kit.store.orders.list({ limit: 99 })).toHaveLength(3);

      // From day 31 the line's state is the guard: the same order again changes nothing.
      await inbox.takeIn([delivery(channel, 'applied')]);
      await kit.apply(channel, order('1', at, [['l1', 'tee', 1]]));
      expect(await kit.available('tee')).toBe(7);
      await kit.booksClose();
    });

    test('forgets what is over: holds, refs, requests, plans and alerts, each at its age', async () => {
      const { kit, channel: channelId } = await each.shop();
      const { duties, reservations, channels } = kit.store;
      await kit.count('tee', 1);
      const wish = { bodyHash: 'h', lines: [{ sku: 'tee', quantity: 1 }], ttlMs: minute, reference: null };
      const untied = { channel: null, orderRef: null };
      const kept = await reservations.hold({ ...wish, key: 'k1', ...untied }, noon);
      const refused = await reservations.hold({ ...wish, key: 'k2', ...untied }, noon);
      expect([kept.kind, refused.kind]).toEqual(['held', 'out_of_stock']);
      await reservations.expire(noon + day);
      const id = kept.kind === 'held' ? kept.reservation.id : '';
      await kit.receive('tee', 1, { ref: 'PO-17' });
      const request = await duties.ask('pull', null, noon);
      await duties.updateRequest(request, 'done', null, null);
      const waiting = await duties.ask('pull', null, noon);
      for (const plan of ['old', 'braking'])
        await duties.savePlan({ id: plan, createdAt: noon, cause: 'brake', state: 'open', body: {} });
      await channels.mark(channelId, { brakePlan: 'braking' });
      const alert = { channelId, kind: 'oversell', message: 'm' } as const;
      await duties.raiseAlert({ ...alert, subject: 'over' }, noon);
      await duties.resolveAlert('oversell', 'over', noon);
      await duties.raiseAlert({ ...alert, subject: 'open' }, noon);
      const left = async (now: number) => {
        const before = now - 30 * day;
        await duties.prune({ keys: before, payloads: before, pushes: before }, 99, now);
        const again = await kit.receive('tee', 1, { ref: 'PO-17' });
        return {
          hold: (await reservations.get(id)) !== null,
          request: (await duties.request(request)) !== null,
          waiting: (await duties.request(waiting)) !== null,
          plans: [(await duties.plan('old')) !== null, (await duties.plan('braking')) !== null],
          alerts: (await duties.alerts(false, 9)).map((row) => row.subject).sort(),
          ref: again.kind === 'done' && again.repeated,
        };
      };
      const all = {
        hold: true,
        request: true,
        waiting: true,
        plans: [true, true],
        alerts: ['open', 'over'],
        ref: true,
      };
      expect(await left(noon + 29 * day)).toEqual(all);
      const open = { ...all, hold: false, request: false, plans: [false, true], alerts: ['open'] };
      expect(await left(noon + 32 * day)).toEqual(open);
      expect(await left(noon + 401 * day)).toEqual({ ...open, ref: false });
      // A new key after that is a new hold.
      expect((await reservations.hold({ ...wish, key: 'k1', ...untied }, noon + 401 * day)).kind).toBe(
        'held',
      );
      await kit.booksClose();
    });

    test('does not look again every hour at deliveries that it has looked at, but does once a day', async () => {
      const { kit, channel } = await each.shop();
      const { inbox, duties } = kit.store;
      const receivedAt = noon - 20 * day;
      const rows = await inbox.takeIn(['early', 'late'].map((key) => delivery(channel, key, { receivedAt })));
      const settle = (n: number) =>
        kit.request(delivered(channel, rows[n]?.id ?? 0, [], { ignored: 'test' }));
      const keepSince = { keys: noon - 30 * day, payloads: noon - 14 * day, pushes: noon - 30 * day };
      await settle(0);
      expect(await duties.prune(keepSince, 99, noon)).toEqual({ removed: 1, more: false });
      await settle(1);
      expect(await duties.prune(keepSince, 99, noon + 60 * minute)).toEqual({ removed: 0, more: false });
      expect(await duties.prune(keepSince, 99, noon + day)).toEqual({ removed: 1, more: false });
    });

    test('proves that it can write, and says that everything is in order', async () => {
      const kit = each.kit();
      await kit.count('tee', 3);
      const { duties } = kit.store;
      await duties.ping(noon);
      await duties.tidy();
      const items = await duties.check(true);
      expect(items.filter((item) => item.level !== 'ok')).toEqual([]);
      expect(items.map((item) => item.name)).toContain('books');
    });

    test('sums up what waits', async () => {
      const { kit, channel } = await each.shop('tee');
      await kit.count('tee', 0);
      await kit.store.listings.createSku('mug', { by: 'test', reason: null }, noon);
      await kit.store.inbox.takeIn([delivery(channel, 'a', { receivedAt: noon - minute })]);
      await kit.apply(channel, order('1', noon, [['l1', 'tee', 1]]));
      const status = await kit.store.reports.status(noon);
      expect(status).toMatchObject({
        inbox: { pending: 1, dead: 0, oldestPendingAt: noon - minute },
        outbox: { due: 1 },
        oversellsOpen: 1,
        uncounted: 1,
        unmappedSales: 0,
      });
      expect(status.perChannel.get(channel)).toMatchObject({ due: 1, pendingDeliveries: 1 });
    });
  });
}
