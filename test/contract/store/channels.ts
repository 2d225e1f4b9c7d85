import { describe, expect, test } from 'vitest';
import type { StoreCase } from '../store.ts';
import { actor, delivery, minute, noon, order, setupOf } from './kit.ts';

/** Channels: what the file says, what commands say, and which wins. */
export function channelPromises(each: StoreCase): void {
  describe('channels', () => {
    test('lets the file decide the mode when it changed, and the command otherwise', async () => {
      const { channels } = each.kit().store;
      await channels.configure([setupOf('shop', { mode: 'observe' })], noon);
      await channels.setMode('shop', 'live', actor, noon + 1);
      expect(await channels.configure([setupOf('shop', { mode: 'observe' })], noon + 2)).toMatchObject([
        { mode: 'live', modeInFile: 'observe', modeBy: 'command', liveSince: noon + 1 },
      ]);
      expect(await channels.configure([setupOf('shop', { mode: 'shadow' })], noon + 3)).toMatchObject([
        { mode: 'shadow', modeBy: 'file' },
      ]);
    });

    test('shows a channel that is gone from the file as orphaned, and takes it back', async () => {
      const { channels } = each.kit().store;
      await channels.configure([setupOf('shop'), setupOf('other')], noon);
      expect(await channels.configure([setupOf('other')], noon)).toMatchObject([
        { name: 'other', orphaned: false },
        { name: 'shop', orphaned: true },
      ]);
      const back = await channels.configure([setupOf('shop'), setupOf('other')], noon);
      expect(back.every((row) => !row.orphaned)).toBe(true);
      await expect(channels.configure([setupOf('shop', { type: 'else' })], noon)).rejects.toMatchObject({
        code: 'channel_type',
      });
    });

    test('binds an account once', async () => {
      const { kit, channel: first } = await each.shop();
      const second = await kit.channel('other');
      const { channels } = kit.store;
      expect(await channels.bind(first, 'acc-1', noon)).toEqual({ kind: 'bound' });
      expect(await channels.bind(first, 'acc-1', noon)).toEqual({ kind: 'bound' });
      expect(await channels.bind(second, 'acc-1', noon)).toEqual({ kind: 'taken', by: 'shop' });
      expect(await channels.bind(first, 'acc-2', noon)).toEqual({ kind: 'changed', by: 'acc-1' });
    });

    test('voids anchors when a channel becomes live or resumes, and makes a changed offer due', async () => {
      const { kit, channel } = await each.shop();
      const { channels, outbox } = kit.store;
      await kit.listing(channel, 'tee');
      await kit.count('tee', 5);
      const [counter] = await outbox.countersOf(channel, ['tee']);
      const view = async () => (await outbox.view([counter ?? 0]))[0];
      await outbox.read(
        [
          {
            counterId: counter ?? 0,
            shown: 5,
            askedAt: noon,
            answeredAt: noon + 1,
            cause: 'in sync',
            anchors: true,
            lowSince: null,
            lowNumber: null,
            doubt: undefined,
            dueAt: null,
          },
        ],
        noon,
      );
      expect((await view())?.anchor).toEqual({ number: 5, from: noon, until: noon + 1 });
      expect(await channels.pause(null, true, actor, noon)).toEqual(['shop']);
      expect(await channels.pause('shop', true, actor, noon)).toEqual([]);
      await channels.pause('shop', false, actor, noon + minute);
      expect((await view())?.anchor).toBeNull();
      expect(await channels.list()).toMatchObject([
        { paused: false, liveSince: noon + minute, plannedAt: null },
      ]);
      const { version } = (await view()) ?? { version: 0 };
      const offer = { buffer: 2, percent: null, max: null };
      await channels.configure([setupOf('shop', { offer })], noon + minute);
      expect(await view()).toMatchObject({ version: version + 1, target: { quantity: 3 } });
    });

    test('renames with everything, refuses a name in use, and removes only what holds no stock', async () => {
      const { kit, channel } = await each.shop();
      const { channels } = kit.store;
      await kit.listing(channel, 'tee');
      await kit.count('tee', 5);
      await kit.store.inbox.takeIn([delivery(channel, 'a')]);
      await kit.apply(channel, order('1', noon + 1, [['l1', 'tee', 1]]));
      await channels.rename('shop', 'store', noon);
      expect(await kit.store.listings.find('store', 'tee')).toMatchObject({ channel: 'store' });
      await expect(channels.rename('nowhere', 'x', noon)).rejects.toMatchObject({ code: 'unknown_channel' });
      await expect(channels.remove('store', 'refuse', actor, noon)).rejects.toMatchObject({
        code: 'channel_in_use',
      });
      await kit.apply(channel, order('1', noon + 2, [['l1', 'tee', 0]]));
      await channels.remove('store', 'refuse', actor, noon);
      expect(await channels.list()).toEqual([]);
      expect(await kit.store.inbox.claim(9, noon + 3)).toEqual([]);
      expect((await kit.store.reports.entries('tee', null, 9)).length).toBeGreaterThan(1);
      await kit.booksClose();
    });

    test('ends a gap by a pull that began after it opened, whatever is marked in between', async () => {
      const { kit, channel } = await each.shop();
      const { channels } = kit.store;
      const gapAt = async () => (await channels.feeds())[0]?.gapAt;
      await channels.markFeed(channel, { gapAt: noon });
      await channels.markFeed(channel, { mendedBy: noon - 1, pulledFrom: noon - 1 });
      expect(await gapAt()).toBe(noon);
      await channels.markFeed(channel, { mendedBy: noon, pulledFrom: noon });
      expect(await gapAt()).toBeNull();
    });

    test('keeps marks, feeds and small secrets', async () => {
      const { kit, channel } = await each.shop();
      const { channels } = kit.store;
      await channels.mark(channel, { parkedSince: noon, parkedReason: 'refused', webhooksRegistered: true });
      expect(await channels.list()).toMatchObject([
        { parkedSince: noon, parkedReason: 'refused', webhooksRegistered: true, heldReason: null },
      ]);
      await channels.mark(channel, { parkedSince: null });
      expect(await channels.list()).toMatchObject([{ parkedSince: null, parkedReason: 'refused' }]);
      expect(await channels.feeds()).toMatchObject([{ channelId: channel, watermark: null, gapAt: noon }]);
      await channels.markFeed(channel, { watermark: 5, gapAt: null });
      expect(await channels.feeds()).toMatchObject([{ watermark: 5, gapAt: null, pulledAt: null }]);
      expect(await channels.vaultGet(channel, 'token')).toBeNull();
      await channels.vaultSet(channel, 'token', 'a');
      await channels.vaultSet(channel, 'token', 'b');
      expect(await channels.vaultGet(channel, 'token')).toBe('b');
    });
  });
}
