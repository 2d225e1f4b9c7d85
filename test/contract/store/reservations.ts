import { describe, expect, test } from 'vitest';
import type { ReservationRequest } from '../../../src/store/store.ts';
import type { StoreCase } from '../store.ts';
import { actor, hour, minute, noon, order } from './kit.ts';

/** Reservations: the one kind of sale that can be refused. */
export function reservationPromises(each: StoreCase): void {
  describe('reservations', () => {
    const open = async (units = 3) => {
      const { kit, channel } = await each.shop('tee');
      await kit.count('tee', units);
      return { kit, channel, reservations: kit.store.reservations };
    };
    const request = (key: string, quantity: number, over: Partial<ReservationRequest> = {}) => ({
      key,
      bodyHash: `hash of ${key}`,
      lines: [{ sku: 'tee', quantity }],
      ttlMs: hour,
      reference: null,
      channel: null,
      orderRef: null,
      ...over,
    });
    const holdOf = async (wanted: ReservationRequest): Promise<string> => {
      const outcome = await each.kit().store.reservations.hold(wanted, noon);
      if (outcome.kind !== 'held') throw new Error(`not held: ${outcome.kind}`);
      return outcome.reservation.id;
    };

    test('holds all or nothing and says what is there', async () => {
      const { kit, reservations } = await open();
      await kit.count('mug', 1);
      const lines = [
        { sku: 'tee', quantity: 2 },
        { sku: 'mug', quantity: 2 },
      ];
      expect(await reservations.hold(request('a', 0, { lines }), noon)).toEqual({
        kind: 'out_of_stock',
        lines: [{ sku: 'mug', requested: 2, available: 1 }],
        replayed: false,
      });
      expect(await kit.available('tee')).toBe(3);
      const twice = [...lines.slice(0, 1), { sku: 'tee', quantity: 2 }];
      expect(await reservations.hold(request('b', 0, { lines: twice }), noon)).toMatchObject({
        kind: 'out_of_stock',
        lines: [{ sku: 'tee', requested: 4, available: 3 }],
      });
      expect(await reservations.hold(request('c', 1, { lines: [{ sku: 'x', quantity: 1 }] }), noon)).toEqual({
        kind: 'unknown_sku',
        sku: 'x',
      });
    });

    test('answers the same key and body again the same way, and another body as reuse', async () => {
      const { kit, reservations } = await open();
      const first = await reservations.hold(request('a', 2), noon);
      expect(await reservations.hold(request('a', 2), noon + 1)).toEqual({ ...first, replayed: true });
      expect(await reservations.hold(request('a', 2, { bodyHash: 'other' }), noon)).toEqual({
        kind: 'key_reused',
      });
      const refused = await reservations.hold(request('b', 9), noon);
      await kit.receive('tee', 99);
      expect(await reservations.hold(request('b', 9), noon)).toEqual({ ...refused, replayed: true });
      expect(await kit.level('tee')).toMatchObject({ reserved: 2 });
    });

    test('gives the last piece to one of many concurrent holds', async () => {
      const { kit, reservations } = await open(1);
      const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
      const outcomes = await Promise.all(keys.map((key) => reservations.hold(request(key, 1), noon)));
      expect(outcomes.filter((outcome) => outcome.kind === 'held')).toHaveLength(1);
      expect(await kit.level('tee')).toMatchObject({ reserved: 1, available: 0 });
      await kit.booksClose();
    });

    test('answers who comes second with the first one’s outcome', async () => {
      const { kit, reservations } = await open();
      const id = await holdOf(request('a', 2));
      expect(await reservations.release(id, noon)).toMatchObject({ status: 'released' });
      expect(await reservations.release(id, noon)).toMatchObject({ status: 'released' });
      expect(await reservations.commit(id, noon)).toMatchObject({ status: 'released' });
      expect(await kit.available('tee')).toBe(3);
      const other = await holdOf(request('b', 2));
      const [first, second] = await Promise.all([
        reservations.commit(other, noon),
        reservations.release(other, noon),
      ]);
      expect([first?.status, second?.status]).toEqual(['committed', 'committed']);
      expect(await kit.level('tee')).toMatchObject({ committed: 2, reserved: 0, available: 1 });
      expect(await reservations.commit('rsv_none', noon)).toBeNull();
      await kit.booksClose();
    });

    test('expires at its end and not before, whether or not the sweep was there first', async () => {
      const { kit, reservations } = await open();
      const early = await holdOf(request('a', 1));
      expect(await reservations.expire(noon + hour - 1)).toBe(0);
      expect(await reservations.commit(early, noon + hour - 1)).toMatchObject({ status: 'committed' });
      const late = await holdOf(request('b', 1));
      expect(await reservations.commit(late, noon + hour)).toMatchObject({ status: 'expired' });
      expect(await kit.level('tee')).toMatchObject({ committed: 1, reserved: 0, available: 2 });
      await holdOf(request('c', 1));
      expect(await reservations.expire(noon + hour)).toBe(1);
      expect(await kit.available('tee')).toBe(2);
      await kit.booksClose();
    });

    test('extends every open hold when the clock jumped', async () => {
      const { reservations } = await open();
      const id = await holdOf(request('a', 1));
      await reservations.extend(hour);
      expect(await reservations.expire(noon + hour)).toBe(0);
      expect(await reservations.get(id)).toMatchObject({ status: 'held', expiresAt: noon + 2 * hour });
    });

    test.each(['1', '#1'])('lets the order %s take the units of the hold that names it', async (orderRef) => {
      const { kit, channel, reservations } = await open(1);
      const id = await holdOf(request('a', 1, { channel: 'shop', orderRef }));
      const [applied] = await kit.apply(channel, order('1', noon, [['l1', 'tee', 1]]));
      expect(applied).toMatchObject({ given: 1, short: 0 });
      expect(await kit.level('tee')).toMatchObject({ committed: 1, reserved: 0, available: 0 });
      expect(await reservations.commit(id, noon)).toMatchObject({ status: 'committed' });
      expect(await kit.level('tee')).toMatchObject({ onHand: 1, committed: 1, reserved: 0 });
      await kit.booksClose();
    });

    test('keeps a committed hold for its order until that comes', async () => {
      const { kit, channel, reservations } = await open(2);
      const id = await holdOf(request('a', 1, { channel: 'shop', orderRef: '#1' }));
      await reservations.commit(id, noon);
      expect(await reservations.expire(noon + 9 * hour)).toBe(0);
      await kit.apply(channel, order('0', noon, [['l0', 'tee', 2]]));
      expect(await kit.shortfalls()).toEqual({ l0: 1 });
      await kit.apply(channel, order('1', noon, [['l1', 'tee', 1]]));
      expect(await kit.level('tee')).toMatchObject({ committed: 2, reserved: 0 });
      expect(await kit.shortfalls()).toEqual({ l0: 1 });
      await kit.booksClose();
    });

    test('frees what a committed hold kept beyond its order', async () => {
      const { kit, channel, reservations } = await open(5);
      const before = await holdOf(request('a', 3, { channel: 'shop', orderRef: '1' }));
      await reservations.commit(before, noon);
      await kit.apply(channel, order('1', noon, [['l1', 'tee', 1]]));
      expect(await kit.level('tee')).toMatchObject({ committed: 1, reserved: 0, available: 4 });
      const after = await holdOf(request('b', 3, { channel: 'shop', orderRef: '2' }));
      await kit.apply(channel, order('2', noon, [['l2', 'tee', 1]]));
      expect(await kit.level('tee')).toMatchObject({ committed: 2, reserved: 2 });
      await reservations.commit(after, noon);
      expect(await kit.level('tee')).toMatchObject({ committed: 2, reserved: 0, available: 3 });
      await kit.booksClose();
    });

    test.each(['before', 'after'])(
      'keeps a hold committed %s its order came but has taken nothing yet, and gives the order its unit when it is paid',
      async (when) => {
        const { kit, channel, reservations } = await open(1);
        const id = await holdOf(request('a', 1, { channel: 'shop', orderRef: '42' }));
        const pending = order('42', noon + 1, [['l1', 'tee', 0]], { status: 'pending' });
        if (when === 'before') await reservations.commit(id, noon);
        await kit.apply(channel, pending);
        if (when === 'after') await reservations.commit(id, noon);
        expect(await kit.level('tee')).toMatchObject({ reserved: 1, available: 0 });
        const other = await kit.channel('other');
        await kit.listing(other, 'tee');
        await kit.apply(other, order('x', noon + 2, [['x1', 'tee', 1]]));
        await kit.apply(channel, order('42', noon + 3, [['l1', 'tee', 1]]));
        expect(await kit.shortfalls()).toEqual({ x1: 1 });
        expect(await kit.level('tee')).toMatchObject({ committed: 1, reserved: 0 });
        await kit.booksClose();
      },
    );

    test.each(['before', 'after'])(
      'a cancelled order ends the hold that was committed %s it came',
      async (when) => {
        const { kit, channel, reservations } = await open(1);
        const id = await holdOf(request('a', 1, { channel: 'shop', orderRef: '42' }));
        if (when === 'before') await reservations.commit(id, noon);
        await kit.apply(channel, order('42', noon + 1, [['l1', 'tee', 0]], { cancelled: true }));
        if (when === 'after') await reservations.commit(id, noon);
        expect(await kit.level('tee')).toMatchObject({ reserved: 0, available: 1 });
        await kit.booksClose();
      },
    );

    test.each([
      ['42', '42'],
      ['#42', '42'],
      ['42', '#42'],
      ['#42', '#42'],
    ])('knows order %s by the number %s, whichever came first', async (orderRef, number) => {
      const { kit, channel, reservations } = await open(4);
      const before = await holdOf(request('a', 1, { channel: 'shop', orderRef }));
      await kit.apply(channel, order('gid/1', noon + 1, [['l1', 'tee', 1]], { number }));
      expect(await kit.level('tee')).toMatchObject({ committed: 1, reserved: 0, available: 3 });
      await reservations.commit(before, noon);
      const after = await holdOf(request('b', 1, { channel: 'shop', orderRef }));
      await reservations.commit(after, noon);
      expect(await kit.level('tee')).toMatchObject({ committed: 1, reserved: 0, available: 3 });
      await kit.booksClose();
    });

    test('an order whose number is the id of another one does not take that order’s hold', async () => {
      const { kit, channel } = await open(1);
      await kit.apply(channel, order('42', noon, [['l1', 'tee', 0]], { number: null }));
      await holdOf(request('a', 1, { channel: 'shop', orderRef: '42' }));
      await kit.apply(channel, order('99', noon + 1, [['l2', 'tee', 1]], { number: '42' }));
      expect(await kit.shortfalls()).toEqual({ l2: 1 });
      await kit.apply(channel, order('42', noon + 2, [['l1', 'tee', 1]], { number: null }));
      expect(await kit.shortfalls()).toEqual({ l2: 1 });
      await kit.booksClose();
    });

    test('lists what still keeps units, and a person gives up on what will never come', async () => {
      const { kit, channel, reservations } = await open(2);
      await kit.apply(channel, order('1', noon, [['l1', 'tee', 3]]));
      await kit.receive('tee', 1);
      await kit.receive('tee', 2);
      const waits = await holdOf(
        request('a', 1, { channel: 'shop', orderRef: 'never', reference: 'cart 7' }),
      );
      await reservations.commit(waits, noon);
      const short = await holdOf(request('b', 1));
      await reservations.release(short, noon);
      const [row, ...more] = await reservations.list({ keeping: true, limit: 9 });
      expect(more).toEqual([]);
      expect(row).toMatchObject({
        id: waits,
        status: 'committed',
        lines: [{ sku: 'tee', quantity: 1, keeps: 1 }],
        channel: 'shop',
        orderRef: 'never',
        reference: 'cart 7',
        committedAt: noon,
      });
      expect(await reservations.list({ committedBefore: noon, limit: 9 })).toEqual([]);
      expect(await reservations.list({ committedBefore: noon + 1, limit: 9 })).toHaveLength(1);
      const all = await reservations.list({ limit: 9 });
      expect(all).toHaveLength(2);
      expect(await reservations.list({ before: all[0]?.id ?? '', limit: 9 })).toMatchObject([
        { id: all[1]?.id },
      ]);
      await kit.apply(channel, order('2', noon, [['l2', 'tee', 2]]));
      expect(await kit.shortfalls()).toEqual({ l2: 1 });
      expect(await reservations.giveUp(waits, actor, noon)).toBe('released');
      expect(await kit.shortfalls()).toEqual({});
      expect(await reservations.giveUp(waits, actor, noon)).toBe('ended');
      expect(await reservations.giveUp('rsv_none', actor, noon)).toBe('unknown');
      expect(await reservations.commit(waits, noon)).toMatchObject({ status: 'released' });
      await kit.booksClose();
    });

    test('takes whole bundles out of a hold', async () => {
      const { kit, channel } = await open(4);
      await kit.count('mug', 4);
      await kit.listing(channel, 'set', { tee: 2, mug: 1 });
      const lines = [
        { sku: 'tee', quantity: 3 },
        { sku: 'mug', quantity: 3 },
      ];
      await holdOf(request('a', 0, { lines, channel: 'shop', orderRef: '1' }));
      await kit.apply(channel, order('1', noon, [['l1', 'set', 1]]));
      expect(await kit.level('tee')).toMatchObject({ committed: 2, reserved: 1 });
      expect(await kit.level('mug')).toMatchObject({ committed: 1, reserved: 2 });
      await kit.booksClose();
    });

    test('fills an older shortfall with what an ended hold frees', async () => {
      const { kit, channel, reservations } = await open(1);
      const id = await holdOf(request('a', 1));
      await kit.apply(channel, order('1', noon + minute, [['l1', 'tee', 1]]));
      expect(await kit.shortfalls()).toEqual({ l1: 1 });
      await reservations.release(id, noon + 2 * minute);
      expect(await kit.shortfalls()).toEqual({});
      expect(await kit.available('tee')).toBe(0);
      await kit.booksClose();
    });
  });
}
