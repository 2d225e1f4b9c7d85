import { describe, expect, test } from 'vitest';
import type { StoreCase } from '../store.ts';
import { delivered, delivery, minute, noon, order } from './kit.ts';

/** The inbox: taken in once, worked on by one, never lost. */
export function inboxPromises(each: StoreCase): void {
  describe('the inbox', () => {
    const open = async () => {
      const { kit, channel } = await each.shop('tee');
      await kit.count('tee', 100);
      return { kit, channel, inbox: kit.store.inbox };
    };

    test('answers a repeated key with the outcome recorded the first time', async () => {
      const { kit, channel, inbox } = await open();
      const [first] = await inbox.takeIn([delivery(channel, 'a')]);
      expect(first).toEqual({ kind: 'accepted', id: expect.any(Number), reused: false });
      const id = first?.id ?? 0;
      expect(await inbox.takeIn([delivery(channel, 'a')])).toEqual([
        { kind: 'duplicate', id, status: 'new', outcome: null },
      ]);
      await kit.request(delivered(channel, id, [order('1', noon, [['l1', 'tee', 1]])]));
      const [again] = await inbox.takeIn([delivery(channel, 'a')]);
      expect(again).toMatchObject({ kind: 'duplicate', id, status: 'applied' });
      expect(again).toHaveProperty('outcome', expect.stringContaining('taken +1'));
    });

    test('takes a known key with another body as a new delivery, and reports it', async () => {
      const { channel, inbox } = await open();
      const body = new TextEncoder().encode('{"other":1}');
      const other = delivery(channel, 'a', { body });
      const answers = await inbox.takeIn([delivery(channel, 'a'), other, other]);
      expect(answers[1]).toMatchObject({ kind: 'accepted', reused: true });
      expect(answers[2]).toMatchObject({ kind: 'duplicate', status: 'new' });
      expect(await inbox.claim(10, noon)).toHaveLength(2);
    });

    test('keeps one row of fifty concurrent deliveries with one key', async () => {
      const { channel, inbox } = await open();
      const calls = Array.from({ length: 50 }, () => inbox.takeIn([delivery(channel, 'same')]));
      const answers = (await Promise.all(calls)).flat();
      expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(1);
      expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
      expect(await inbox.list({ limit: 100 })).toHaveLength(1);
    });

    test('keeps keys apart by channel', async () => {
      const { kit, channel, inbox } = await open();
      const other = await kit.channel('other');
      const answers = await inbox.takeIn([delivery(channel, 'a'), delivery(other, 'a')]);
      expect(answers.map((answer) => answer.kind)).toEqual(['accepted', 'accepted']);
    });

    test('gives a due delivery to one claimer, the oldest due first, and hands out the raw body', async () => {
      const { channel, inbox } = await open();
      await inbox.takeIn([
        delivery(channel, 'late', { receivedAt: noon + 2 }),
        delivery(channel, 'early', { receivedAt: noon + 1 }),
        delivery(channel, 'future', { receivedAt: noon + minute }),
      ]);
      const first = await inbox.claim(1, noon + 10);
      expect(first.map((row) => row.key)).toEqual(['early']);
      expect(Buffer.from(first[0]?.body ?? []).toString()).toBe('{"order":"early"}');
      expect(first[0]).toMatchObject({ fields: null, attempts: 0, looks: 0, replay: false });
      expect((await inbox.claim(10, noon + 10)).map((row) => row.key)).toEqual(['late']);
      expect(await inbox.claim(10, noon + 10)).toEqual([]);
    });

    test('gives back what a stopping worker releases, without an attempt spent', async () => {
      const { channel, inbox } = await open();
      await inbox.takeIn([delivery(channel, 'a')]);
      const [claimed] = await inbox.claim(1, noon);
      await inbox.release([claimed?.id ?? 0]);
      expect(await inbox.claim(1, noon)).toMatchObject([{ key: 'a', attempts: 0 }]);
    });

    test('puts deliveries off without an attempt spent, all in one call', async () => {
      const { channel, inbox } = await open();
      await inbox.takeIn([delivery(channel, 'a'), delivery(channel, 'b')]);
      const ids = (await inbox.claim(10, noon)).map((row) => row.id);
      await inbox.defer(ids, 'the lane is full', noon + minute);
      expect(await inbox.claim(10, noon + minute - 1)).toEqual([]);
      expect(await inbox.list({ limit: 10 })).toMatchObject([
        { error: 'the lane is full', attempts: 0, status: 'new' },
        { error: 'the lane is full', attempts: 0, status: 'new' },
      ]);
      expect(await inbox.claim(10, noon + minute)).toHaveLength(2);
    });

    test('gives every channel its share of a claim, however long another one has waited', async () => {
      const { kit, channel, inbox } = await open();
      const other = await kit.channel('other');
      const third = await kit.channel('third');
      const flood = Array.from({ length: 20 }, (_, index) => delivery(channel, `flood-${index}`));
      await inbox.takeIn(flood);
      await inbox.takeIn([delivery(other, 'sale', { receivedAt: noon + 5 })]);
      await inbox.takeIn([delivery(third, 'first', { receivedAt: noon - 1 })]);
      const keys = async (limit: number) => (await inbox.claim(limit, noon + 10)).map((row) => row.key);
      expect(await keys(4)).toEqual(['first', 'flood-0', 'flood-1', 'sale']);
      expect(await keys(50)).toHaveLength(18);
    });

    test('tries a failed delivery again when it is due, with its body', async () => {
      const { channel, inbox } = await open();
      await inbox.takeIn([delivery(channel, 'a')]);
      const [claimed] = await inbox.claim(1, noon);
      await inbox.fail(claimed?.id ?? 0, 'no answer', noon + minute, noon);
      expect(await inbox.claim(1, noon + minute - 1)).toEqual([]);
      const [again] = await inbox.claim(1, noon + minute);
      expect(again).toMatchObject({ key: 'a', attempts: 1 });
      expect(again?.body?.length).toBeGreaterThan(0);
    });

    test('keeps a dead delivery with its body until it is replayed', async () => {
      const { kit, channel, inbox } = await open();
      await inbox.takeIn([delivery(channel, 'a')]);
      const [claimed] = await inbox.claim(1, noon);
      const id = claimed?.id ?? 0;
      await inbox.fail(id, 'unreadable', null, noon);
      expect(await inbox.list({ status: 'dead', limit: 10 })).toMatchObject([
        { id, error: 'unreadable', hasBody: true, attempts: 1 },
      ]);
      expect(await inbox.claim(1, noon + minute)).toEqual([]);
      expect((await kit.store.reports.status(noon)).inbox).toMatchObject({ pending: 0, dead: 1 });
      expect(await inbox.replay({ status: 'dead', limit: 10 }, noon)).toBe(1);
      const [again] = await inbox.claim(1, noon);
      expect(again).toMatchObject({ id, replay: true, attempts: 0 });
      expect(again?.body?.length).toBeGreaterThan(0);
    });

    test('replays settled deliveries from their kept fields, and the second time changes nothing', async () => {
      const { kit, channel, inbox } = await open();
      const [taken] = await inbox.takeIn([delivery(channel, 'a')]);
      const id = taken?.id ?? 0;
      const orders = [order('1', noon, [['l1', 'tee', 2]])];
      await inbox.claim(1, noon);
      await kit.request(delivered(channel, id, orders, { fields: { order: 1 } }));
      expect(await inbox.replay({ ids: [id], limit: 1 }, noon)).toBe(1);
      const [again] = await inbox.claim(1, noon);
      expect(again).toMatchObject({ id, body: null, fields: { order: 1 }, replay: true });
      await kit.request(delivered(channel, id, orders, { fields: { order: 1 } }));
      expect(await kit.available('tee')).toBe(98);
      expect(await inbox.list({ limit: 1 })).toMatchObject([{ status: 'applied', orders: ['1'] }]);
    });

    test('reads deliveries for a dry run without claiming them', async () => {
      const { channel, inbox } = await open();
      await inbox.takeIn([delivery(channel, 'a'), delivery(channel, 'b')]);
      expect((await inbox.read({ channel: 'shop', limit: 10 })).map((row) => row.key)).toEqual(['b', 'a']);
      expect(await inbox.claim(10, noon)).toHaveLength(2);
    });

    test('lists newest first and filters by state, time and row', async () => {
      const { channel, inbox } = await open();
      const keys = ['a', 'b', 'c', 'd'];
      await inbox.takeIn(keys.map((key, index) => delivery(channel, key, { receivedAt: noon + index })));
      const listed = async (filter: Parameters<typeof inbox.list>[0]) =>
        (await inbox.list(filter)).map((row) => row.key);
      expect(await listed({ limit: 2 })).toEqual(['d', 'c']);
      expect(await listed({ since: noon + 1, until: noon + 2, limit: 9 })).toEqual(['c', 'b']);
      const [, second] = await inbox.list({ limit: 9 });
      expect(await listed({ before: second?.id ?? 0, limit: 9 })).toEqual(['b', 'a']);
      expect(await listed({ channel: 'elsewhere', limit: 9 })).toEqual([]);
    });
  });
}
