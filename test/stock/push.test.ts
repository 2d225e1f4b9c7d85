import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CounterFacts, decidePush, type PushContext } from '../../src/stock/push.ts';

const now = 1_000_000;
const anchor = { number: 5, from: now - 60_000, until: now - 59_000 };
const context: PushContext = {
  now,
  range: { clockMarginMs: 1_000, restoresOnCancel: true, basis: 'net' },
  settleMs: 0,
  liveSince: now - 100_000,
  feeds: 'fresh',
  compareAndSet: 'native',
  brake: 'none',
  maxQuantity: 1_000,
};
const on = { mode: 'on' as const, unwritable: null };

function counter(target: number, facts: Partial<CounterFacts> = {}): CounterFacts {
  return {
    listings: [on],
    target: { kind: 'number', quantity: target },
    state: 'idle',
    unread: [],
    anchor,
    previousNumber: null,
    own: [],
    lowSince: null,
    lowNumber: null,
    doubt: null,
    lastRead: null,
    ...facts,
  };
}

const sale = (at: number, delta = -1) => ({ delta, from: at, to: at });
const sent = (quantity: number, ago: number, deadline = now + 30_000) => ({
  quantity,
  sentAt: now - ago,
  deadline,
});
const decide = (facts: CounterFacts, over: Partial<PushContext> = {}) =>
  decidePush(facts, { ...context, ...over });

describe('what is never pushed', () => {
  test.each([
    ['uncounted', { target: { kind: 'uncounted' } }],
    ['unmapped', { target: { kind: 'unmapped' } }],
    ['left alone: mode off', { listings: [{ mode: 'off', unwritable: null }] }],
  ] as const)('%s is closed with that reason', (reason, facts) => {
    expect(decide(counter(3, facts as Partial<CounterFacts>))).toEqual({ kind: 'close', reason });
  });

  test('a listing that may not be written is dead, or exposed when it shows more than there is', () => {
    const listings = [{ mode: 'on' as const, unwritable: 'fulfilled elsewhere' }];
    expect(decide(counter(8, { listings }))).toMatchObject({ kind: 'dead', exposed: false });
    expect(decide(counter(2, { listings }))).toMatchObject({ kind: 'dead', exposed: true });
  });

  test('a number below 0, above the maximum or with a fraction', () => {
    for (const quantity of [-1, 1_001, 2.5])
      expect(decide(counter(quantity))).toMatchObject({ kind: 'dead', exposed: false });
  });
});

describe('the origin rule (interleaving 4)', () => {
  test('leaves a counter alone that its own sales, surely after the anchor, brought to the target', () => {
    expect(decide(counter(3, { own: [sale(now - 10_000), sale(now - 5_000)] }))).toEqual({
      kind: 'close',
      reason: 'lowered itself by its own sale',
    });
  });

  test('pushes when the sale may lie before the end of the anchor plus the margin', () => {
    const raced = counter(4, { own: [sale(anchor.until + 500)] });
    expect(decide(raced)).toEqual({ kind: 'read', reason: expect.any(String) });
    expect(decide(raced, { compareAndSet: 'none' })).toEqual({ kind: 'send', quantity: 4, base: null });
  });

  test('pushes when something to it is unread', () => {
    const own = [sale(now - 10_000)];
    const unread = [sent(9, 20_000)];
    expect(decide(counter(4, { own, unread, state: 'unknown' }), { compareAndSet: 'none' })).toMatchObject({
      kind: 'send',
      quantity: 4,
    });
  });

  test('never skips a rise, even where the channel restores', () => {
    const own = [sale(now - 10_000), sale(now - 5_000, 1)];
    expect(decide(counter(5, { own }))).toEqual({ kind: 'send', quantity: 5, base: 5 });
  });

  test('closes a gross counter that shows its target, whatever was sold', () => {
    const range = { ...context.range, basis: 'gross' as const };
    expect(decide(counter(5, { own: [sale(now - 10_000)] }), { range })).toEqual({
      kind: 'close',
      reason: 'shows it already',
    });
  });
});

describe('lower and higher', () => {
  test('lowering leaves while feeds are stale and while a brake holds raises', () => {
    expect(decide(counter(3), { feeds: 'stale' })).toEqual({ kind: 'send', quantity: 3, base: 5 });
    expect(decide(counter(0), { brake: 'raises' })).toEqual({ kind: 'send', quantity: 0, base: 5 });
  });

  test('a raise waits for fresh feeds and for the brake; an unexplained zero waits for the brake', () => {
    expect(decide(counter(8))).toEqual({ kind: 'send', quantity: 8, base: 5 });
    expect(decide(counter(8), { feeds: 'stale' })).toMatchObject({ kind: 'wait', needs: 'fresh' });
    expect(decide(counter(8), { brake: 'raises' })).toMatchObject({ kind: 'wait', needs: 'brake' });
    expect(decide(counter(0), { brake: 'zeros' })).toMatchObject({ kind: 'wait', needs: 'brake' });
    expect(decide(counter(1), { brake: 'zeros' })).toMatchObject({ kind: 'send' });
  });

  test('what is gone is left alone until a read shows that it is there again', () => {
    const listings = [{ ...on, vanished: true }];
    const reason = 'it is gone from the channel';
    expect(decide(counter(2, { listings }))).toEqual({ kind: 'close', reason });
    expect(decide(counter(2, { listings, lastRead: { shown: null } }))).toEqual({ kind: 'close', reason });
    expect(decide(counter(2, { listings, lastRead: { shown: 5 } }))).toMatchObject({
      kind: 'send',
      quantity: 2,
    });
  });

  test('a listing whose mapping has lost its reason is lowered and never raised', () => {
    const listings = [on, { ...on, doubted: true }];
    expect(decide(counter(8, { listings }))).toMatchObject({
      kind: 'close',
      reason: expect.stringContaining('invsync listings unmatched --changed'),
    });
    expect(decide(counter(6, { listings, own: [sale(now - 1_000, 1)] }))).toMatchObject({ kind: 'close' });
    expect(decide(counter(2, { listings }))).toMatchObject({ kind: 'send', quantity: 2 });
    const off = [on, { mode: 'off' as const, unwritable: null, doubted: true }];
    expect(decide(counter(8, { listings: off }))).toMatchObject({ kind: 'send', quantity: 8 });
  });

  test('the base is the number that the ledger derives, not the anchor', () => {
    expect(decide(counter(1, { own: [sale(now - 10_000)] }))).toEqual({ kind: 'send', quantity: 1, base: 4 });
  });

  test('without an anchor since the channel became live the number is read first', () => {
    expect(decide(counter(3, { anchor: null }))).toMatchObject({ kind: 'read' });
    expect(decide(counter(3), { liveSince: anchor.from + 1 })).toMatchObject({ kind: 'read' });
  });
});

describe('pushes without an answer (interleaving 17)', () => {
  const unknown = { state: 'unknown' as const, unread: [sent(3, 10_000)] };

  test('a lower target goes at once', () => {
    expect(decide(counter(1, unknown), { compareAndSet: 'none' })).toMatchObject({
      kind: 'send',
      quantity: 1,
    });
    expect(decide(counter(1, unknown))).toMatchObject({ kind: 'read' });
  });

  test('the same number is not sent again unseen: it is read, early', () => {
    for (const compareAndSet of ['native', 'none'] as const)
      expect(decide(counter(3, unknown), { compareAndSet })).toMatchObject({ kind: 'read' });
  });

  test('a lowering that a read does not find is sent again and waits for no deadline', () => {
    const still = { number: 5, from: now - 100, until: now - 50 };
    expect(decide(counter(3, { ...unknown, anchor: still }))).toEqual({ kind: 'send', quantity: 3, base: 5 });
  });

  test('a read of the very millisecond in which it was sent tells nothing about it', () => {
    const anchorThen = { number: 5, from: now, until: now };
    const same = { state: 'accepted' as const, unread: [sent(3, 0)], anchor: anchorThen };
    expect(decide(counter(3, same))).toMatchObject({ kind: 'wait', needs: 'answer' });
  });

  test('a higher one leaves after the deadline only, and is looked at with growing rests until then', () => {
    const until = now + 30_000;
    const seen = { ...unknown, anchor: { number: 5, from: now - 1, until: now } };
    expect(decide(counter(7, unknown))).toMatchObject({ kind: 'read' });
    expect(decide(counter(7, seen))).toMatchObject({ kind: 'wait', until: now + 10_000, needs: 'answer' });
    expect(decide(counter(7, seen), { now: now + 25_000 })).toMatchObject({ kind: 'wait', until });
    expect(decide(counter(7, seen), { settleMs: 5_000, now: now + 25_000 })).toMatchObject({
      until: until + 5_000,
    });
    expect(decide(counter(7, unknown), { now: until })).toMatchObject({ kind: 'read' });
  });

  test('what was read since it was sent is the base, and what is there already is not sent again', () => {
    const read = { number: 3, from: now - 100, until: now - 50 };
    expect(decide(counter(1, { ...unknown, anchor: read }))).toEqual({ kind: 'send', quantity: 1, base: 3 });
    expect(decide(counter(3, { ...unknown, anchor: read }))).toMatchObject({ kind: 'wait', needs: 'answer' });
  });

  test('a read begun after the deadline ends it', () => {
    const late = { state: 'unknown' as const, unread: [sent(3, 60_000, now - 20_000)] };
    const read = { number: 3, from: now - 10_000, until: now - 9_000 };
    expect(decide(counter(3, { ...late, anchor: read }))).toEqual({
      kind: 'close',
      reason: 'shows it already',
    });
  });
});

describe('accepted pushes (interleaving 22)', () => {
  test('a raise that does not show yet does not keep a lower target waiting: it is written over what shows', () => {
    const hidden = {
      state: 'accepted' as const,
      unread: [sent(10, 5_000, now + 10_000)],
      anchor: { number: 2, from: now - 1_000, until: now - 900 },
    };
    const settling = { settleMs: 900_000, compareAndSet: 'read-check' as const };
    expect(decide(counter(9, hidden), settling)).toEqual({ kind: 'send', quantity: 9, base: 2 });
    expect(decide(counter(10, hidden), settling)).toMatchObject({ kind: 'wait', needs: 'answer' });
    expect(decide(counter(11, hidden), settling)).toMatchObject({ kind: 'wait', needs: 'answer' });
    const again = { ...hidden, unread: [...hidden.unread, sent(9, 2_000)] };
    expect(decide(counter(9, again), settling)).toMatchObject({ kind: 'wait', needs: 'answer' });
    expect(decide(counter(8, again), settling)).toEqual({ kind: 'send', quantity: 8, base: 2 });
  });

  const accepted = { state: 'accepted' as const, unread: [sent(3, 1_000, now + 10_000)] };

  test('the flip to zero does not wait for the read-back', () => {
    expect(decide(counter(0, accepted), { compareAndSet: 'none' })).toMatchObject({
      kind: 'send',
      quantity: 0,
    });
  });

  test('anything else waits for it and is read then', () => {
    expect(decide(counter(6, accepted), { settleMs: 900_000 })).toMatchObject({ until: now + 899_000 });
    expect(decide(counter(6, accepted), { now: now + 10_000 })).toMatchObject({
      kind: 'read',
      reason: 'accepted: read back',
    });
  });
});

describe('an open unexplained low', () => {
  test('holds every raise, and lets go what was explained by an own sale', () => {
    const low = { lowSince: now - 20_000, lowNumber: 4 };
    expect(decide(counter(5, low))).toMatchObject({ kind: 'close', reason: expect.stringContaining('held') });
    expect(decide(counter(9, low))).toMatchObject({ kind: 'close' });
    const found = decide(counter(4, { ...low, own: [sale(now - 30_000)] }));
    expect(found).toEqual({ kind: 'close', reason: 'lowered itself by its own sale' });
  });

  test('holds the raise after a failed compare made the low number the anchor (interleaving 18)', () => {
    const failed = { number: 3, from: now - 5_000, until: now - 4_900 };
    const low = { anchor: failed, lowSince: failed.from, lowNumber: 3, previousNumber: 10 };
    expect(decide(counter(9, low))).toMatchObject({ kind: 'close' });
    expect(decide(counter(2, low))).toEqual({ kind: 'send', quantity: 2, base: 3 });
  });

  test('is moot once a later push was answered', () => {
    expect(decide(counter(8, { lowSince: anchor.from - 1, lowNumber: 1 }))).toMatchObject({ kind: 'send' });
  });
});

describe('for all counters', () => {
  const facts = fc.record({
    target: fc.integer({ min: 0, max: 8 }),
    number: fc.integer({ min: 0, max: 8 }),
    own: fc.array(
      fc.record({
        delta: fc.constantFrom(-2, -1, 1),
        from: fc.integer({ min: now - 70_000, max: now }),
        length: fc.integer({ min: 0, max: 5_000 }),
      }),
      { maxLength: 3 },
    ),
    unread: fc.array(
      fc.record({
        quantity: fc.integer({ min: 0, max: 8 }),
        ago: fc.integer({ min: 0, max: 90_000 }),
        left: fc.integer({ min: -30_000, max: 30_000 }),
      }),
      { maxLength: 2 },
    ),
    state: fc.constantFrom('idle' as const, 'unknown' as const, 'accepted' as const),
    feeds: fc.constantFrom('fresh' as const, 'stale' as const),
    compareAndSet: fc.constantFrom('native' as const, 'none' as const),
  });
  const built = facts.map((each) => ({
    view: counter(each.target, {
      anchor: { ...anchor, number: each.number },
      own: each.own.map(({ delta, from, length }) => ({ delta, from, to: from + length })),
      unread:
        each.state === 'idle'
          ? []
          : each.unread.map((push) => sent(push.quantity, push.ago, now + push.left)),
      state: each.state,
    }),
    over: { feeds: each.feeds, compareAndSet: each.compareAndSet },
  }));

  test('what is sent is the target, and a comparing channel always gets a base', () => {
    fc.assert(
      fc.property(built, ({ view, over }) => {
        const decision = decide(view, over);
        if (decision.kind !== 'send') return;
        expect(view.target).toEqual({ kind: 'number', quantity: decision.quantity });
        if (over.compareAndSet === 'native') expect(decision.base).not.toBeNull();
      }),
    );
  });

  test('nothing closes while an earlier push may still act or show', () => {
    fc.assert(
      fc.property(built, ({ view, over }) => {
        const open = view.unread.some((push) => push.deadline > now);
        if (open) expect(decide(view, over).kind).not.toBe('close');
      }),
    );
  });

  test('above what it may show nothing leaves while a feed is stale', () => {
    fc.assert(
      fc.property(built, ({ view, over }) => {
        const decision = decide(view, { ...over, feeds: 'stale' });
        if (decision.kind !== 'send') return;
        const highest =
          Math.max(view.anchor?.number ?? 0, ...view.unread.map((push) => push.quantity)) +
          view.own.reduce((sum, change) => sum + Math.max(0, change.delta), 0);
        expect(decision.quantity).toBeLessThanOrEqual(highest);
      }),
    );
  });
});
