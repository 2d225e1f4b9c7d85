import { describe, expect, test } from 'vitest';
import type { StoreCase } from '../store.ts';
import { actor, day, delivery, hour, minute, noon, order, setupOf } from './kit.ts';

/** What a line belongs to is the account: names change, channels are removed and come back. */
export function accountPromises(each: StoreCase): void {
  describe('accounts', () => {
    const held = { key: 'k', bodyHash: 'h', ttlMs: hour, reference: null };

    test('never gives an id again, so that nobody inherits the orders of a name that was dropped', async () => {
      const kit = each.kit();
      const { channels, orders } = kit.store;
      const [old] = await channels.configure([setupOf('old')], noon);
      await kit.count('tee', 10);
      await kit.count('mug', 10);
      await kit.listing(old?.id ?? 0, '42', { tee: 1 });
      await channels.bind(old?.id ?? 0, 'acc', noon);
      const open = order('1001', noon + 1_000, [['17', '42', 2]]);
      await kit.apply(old?.id ?? 0, open);
      // The file has the new name before the command: an older version counted the open orders under it as well.
      const rows = await channels.configure([setupOf('new')], noon + hour);
      const second = rows.find((row) => row.name === 'new')?.id ?? 0;
      await kit.apply(second, open);
      await channels.rename('old', 'new', noon + hour);
      await channels.configure([setupOf('new')], noon + 2 * hour);
      const later = await channels.configure([setupOf('new'), setupOf('woo')], noon + 3 * hour);
      const third = later.find((row) => row.name === 'woo')?.id ?? 0;
      expect([old?.id, second]).not.toContain(third);
      await kit.listing(third, '42', { mug: 1 });
      await kit.apply(third, order('5', noon + 4 * hour, [['17', '42', 2]]));
      expect(await orders.list({ channel: 'woo', limit: 9 })).toHaveLength(1);
      expect(await kit.available('tee')).toBe(8);
      expect(await kit.available('mug')).toBe(8);
      await kit.booksClose();
    });

    test('undoes what a second name of the account had counted, when the first takes that name', async () => {
      const kit = each.kit();
      const { channels } = kit.store;
      const first = await kit.channel('old');
      await kit.count('tee', 10);
      await kit.listing(first, 'tee');
      await channels.bind(first, 'acc', noon);
      const both = await channels.configure([setupOf('old'), setupOf('new')], noon);
      const second = both.find((row) => row.name === 'new')?.id ?? 0;
      await kit.listing(second, 'tee');
      const sale = order('1', noon + 1, [['l1', 'tee', 3, 1]]);
      await kit.apply(first, sale);
      await kit.apply(second, sale);
      expect(await kit.level('tee')).toMatchObject({ onHand: 8, available: 4 });
      await channels.rename('old', 'new', noon + minute);
      expect(await kit.level('tee')).toMatchObject({ onHand: 9, committed: 2, available: 7 });
      await kit.booksClose();
    });

    test('hands what arrived under the other name to the channel that takes it, also what comes late', async () => {
      const kit = each.kit();
      const { channels, inbox, reservations } = kit.store;
      const first = await kit.channel('old');
      await kit.count('tee', 5);
      await channels.bind(first, 'acc', noon);
      const both = await channels.configure([setupOf('new')], noon);
      const second = both.find((row) => row.name === 'new')?.id ?? 0;
      await inbox.takeIn([delivery(second, 'a'), delivery(second, 'b'), delivery(first, 'b')]);
      await reservations.hold(
        { ...held, lines: [{ sku: 'tee', quantity: 1 }], channel: 'new', orderRef: '7' },
        noon,
      );
      await channels.rename('old', 'new', noon);
      // The daemon had not noticed yet.
      await inbox.takeIn([delivery(second, 'c')]);
      const [late] = (await inbox.claim(9, noon)).filter((row) => row.channelId === second);
      await inbox.setAside([late?.id ?? 0], 'its channel is not configured');
      await kit.listing(first, 'tee');
      await kit.apply(first, order('7', noon + 1, [['l7', 'tee', 1]]));
      expect(await kit.level('tee')).toMatchObject({ committed: 1, reserved: 0 });
      const rows = await inbox.list({ channel: 'new', limit: 9 });
      expect(rows.map((row) => [row.key, row.status]).sort()).toEqual([
        ['a', 'new'],
        ['b', 'new'],
        ['c', 'new'],
      ]);
      expect(rows.every((row) => (row.dueAt ?? Number.POSITIVE_INFINITY) <= noon)).toBe(true);
    });

    test('refuses the name of a channel that has an account of its own', async () => {
      const kit = each.kit();
      const { channels } = kit.store;
      const first = await kit.channel('old');
      const second = await kit.channel('new');
      await channels.bind(first, 'acc-1', noon);
      await channels.bind(second, 'acc-2', noon);
      await expect(channels.rename('old', 'new', noon)).rejects.toMatchObject({ code: 'channel_exists' });
      expect(await channels.channel(second)).toMatchObject({ name: 'new', accountSeen: 'acc-2' });
    });

    test('moves open alerts to the new name', async () => {
      const kit = each.kit();
      const { channels, duties } = kit.store;
      const channelId = await kit.channel('old');
      for (const subject of ['old', 'old 17', 'older'])
        await duties.raiseAlert({ channelId, kind: 'exposed', subject, message: 'm' }, noon);
      await channels.rename('old', 'new', noon);
      const open = await duties.alerts(true, 9);
      expect(open.map((alert) => alert.subject).sort()).toEqual(['new', 'new 17', 'older']);
    });

    test('notes the account that was seen, and who has it', async () => {
      const kit = each.kit();
      const { channels } = kit.store;
      const first = await kit.channel('shop');
      const second = await kit.channel('twin');
      expect(await channels.bind(first, 'acc', noon)).toEqual({ kind: 'bound' });
      expect(await channels.bind(second, 'acc', noon)).toEqual({ kind: 'taken', by: 'shop' });
      expect(await channels.channel(second)).toMatchObject({ accountId: null, accountSeen: 'acc' });
      expect(await channels.bind(first, 'clone', noon)).toEqual({ kind: 'changed', by: 'acc' });
      expect(await channels.channel(first)).toMatchObject({ accountId: 'acc', accountSeen: 'clone' });
      expect(await channels.channel(99)).toBeNull();
      expect(await channels.feed(first)).toMatchObject({ channelId: first });
      expect(await channels.feed(99)).toBeNull();
    });

    test('keeps aside what may not be worked on, gives it back all at once, and lets it be dismissed', async () => {
      const kit = each.kit();
      const { inbox, reports } = kit.store;
      const channel = await kit.channel('shop');
      await inbox.takeIn(['a', 'b', 'c'].map((key) => delivery(channel, key)));
      const ids = (await inbox.claim(9, noon)).map((row) => row.id);
      await inbox.setAside(ids, 'kept aside: not ours');
      expect(await inbox.claim(9, noon + day)).toEqual([]);
      expect(await inbox.list({ limit: 1 })).toMatchObject([
        { status: 'new', dueAt: null, attempts: 0, error: 'kept aside: not ours' },
      ]);
      const aside = { pending: 0, keptAside: 3, dead: 0, oldestPendingAt: null };
      expect(await reports.status(noon)).toMatchObject({ inbox: aside });
      expect(await inbox.dismiss(ids.slice(0, 1), actor, noon)).toBe(1);
      expect(await inbox.takeUp(channel, noon)).toBe(2);
      expect(await inbox.claim(9, noon)).toHaveLength(2);
      expect(await inbox.takeUp(channel, noon)).toBe(0);
    });

    const withOpen = async () => {
      const kit = each.kit();
      const channel = await kit.channel('old');
      await kit.count('tee', 3);
      await kit.listing(channel, 'tee');
      await kit.store.channels.bind(channel, 'acc', noon);
      await kit.apply(channel, order('1', noon + 1, [['l1', 'tee', 2]]));
      await kit.apply(channel, order('2', noon + 2, [['l2', 'tee', 4]]));
      return { kit, channel, channels: kit.store.channels };
    };

    test('removes a channel only when somebody says what became of its open orders', async () => {
      const { kit, channels } = await withOpen();
      expect(await channels.removal('old')).toMatchObject({ openOrders: 2, openUnits: 3, shortfalls: 1 });
      await expect(channels.remove('old', 'refuse', actor, noon)).rejects.toMatchObject({
        code: 'channel_in_use',
        hint: expect.stringContaining('--orders shipped'),
      });
      await channels.remove('old', 'shipped', actor, noon + hour);
      expect(await kit.level('tee')).toMatchObject({ onHand: 0, committed: 0 });
      await kit.booksClose();
      // Nobody there waits for goods any more.
      await kit.receive('tee', 5, { asOf: noon + 2 * hour });
      expect(await kit.available('tee')).toBe(5);
      await kit.booksClose();
    });

    test('settles all that is open on a removed channel', async () => {
      const { kit, channel, channels } = await withOpen();
      const { duties, inbox, outbox, reports, reservations } = kit.store;
      await kit.receive('tee', 1);
      await inbox.takeIn([delivery(channel, 'a')]);
      await duties.raiseAlert({ channelId: channel, kind: 'oversell', subject: 'old', message: 'm' }, noon);
      await kit.apply(channel, order('3', noon + 3, [['l3', 'nowhere', 1]]));
      await kit.adjust('tee', 4);
      const hold = { ...held, lines: [{ sku: 'tee', quantity: 1 }], channel: 'old', orderRef: '9' };
      const outcome = await reservations.hold(hold, noon);
      if (outcome.kind !== 'held') throw new Error(outcome.kind);
      await reservations.commit(outcome.reservation.id, noon);
      const removal = await channels.remove('old', 'cancelled', actor, noon + hour);
      expect(removal).toMatchObject({
        reservations: 1,
        deliveries: 1,
        alerts: 1,
        unmappedLines: 1,
        listings: 1,
      });
      expect(await kit.level('tee')).toMatchObject({ onHand: 8, committed: 0, reserved: 0 });
      const status = await reports.status(noon);
      expect(status).toMatchObject({ inbox: { pending: 0, dead: 0 }, unmappedSales: 0, oversellsOpen: 0 });
      expect(status.outbox.due).toBe(0);
      expect(await duties.alerts(true, 9)).toEqual([]);
      expect(await outbox.list({ limit: 9 }, noon)).toEqual([]);
      expect(await kit.store.listings.list({ limit: 9 })).toEqual([]);
      await kit.booksClose();
    });

    test('books nothing any more on a channel that was removed while its orders were on their way', async () => {
      const { kit, channel, channels } = await withOpen();
      await channels.remove('old', 'cancelled', actor, noon + hour);
      await expect(kit.apply(channel, order('4', noon + hour, [['l4', 'tee', 1]]))).rejects.toThrow(
        /removed/,
      );
      expect(await kit.available('tee')).toBe(3);
    });

    test('goes on with the lines of a removed channel when its account is added again, under any name', async () => {
      const { kit, channel, channels } = await withOpen();
      await channels.markFeed(channel, { watermark: noon, pulledAt: noon, gapAt: null });
      await channels.remove('old', 'shipped', actor, noon + hour);
      kit.moveTo(noon + 2 * hour);
      await kit.count('tee', 10);
      const [fresh] = await channels.configure([setupOf('again', { mode: 'shadow' })], noon + day);
      await channels.vaultSet(fresh?.id ?? 0, 'token', 't');
      await kit.store.inbox.takeIn([delivery(fresh?.id ?? 0, 'a')]);
      expect(await channels.bind(fresh?.id ?? 0, 'acc', noon + day)).toEqual({ kind: 'moved', by: 'again' });
      const rows = await channels.list();
      expect(rows).toMatchObject([
        { id: channel, name: 'again', accountId: 'acc', mode: 'shadow', orphaned: false },
      ]);
      expect(await channels.vaultGet(channel, 'token')).toBe('t');
      expect(await channels.feed(channel)).toMatchObject({ watermark: noon, gapAt: noon + day });
      expect(await kit.store.inbox.list({ channel: 'again', limit: 9 })).toHaveLength(1);
      expect(await channels.bind(channel, 'acc', noon + day)).toEqual({ kind: 'bound' });
      // The poll reads its last week once more, as it stood.
      kit.moveTo(noon + day);
      await kit.listing(channel, 'tee');
      await kit.apply(channel, order('1', noon + 1, [['l1', 'tee', 2]]));
      await kit.apply(channel, order('2', noon + 2, [['l2', 'tee', 4]]));
      expect(await kit.level('tee')).toMatchObject({ onHand: 10, available: 10 });
      await kit.booksClose();
    });

    test('counts an order again that was said to be cancelled and is not, when the account is back', async () => {
      const { kit, channel, channels } = await withOpen();
      await channels.remove('old', 'cancelled', actor, noon + hour);
      expect(await kit.available('tee')).toBe(3);
      const [fresh] = await channels.configure([setupOf('old')], noon + day);
      await channels.bind(fresh?.id ?? 0, 'acc', noon + day);
      await kit.apply(channel, order('1', noon + 1, [['l1', 'tee', 2]]));
      expect(await kit.available('tee')).toBe(1);
      await kit.booksClose();
    });
  });
}
