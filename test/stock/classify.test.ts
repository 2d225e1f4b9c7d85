import { describe, expect, test } from 'vitest';
import { classify, type Reading, type VerdictContext } from '../../src/stock/classify.ts';
import type { CounterFacts } from '../../src/stock/push.ts';

const now = 10_000_000;
const anchor = { number: 5, from: now - 600_000, until: now - 599_000 };
const evidence: VerdictContext['evidence'] = {
  pull: { complete: true, beganAt: now - 1_000 },
  feeds: 'fresh',
  clouded: false,
  orderLagMs: 120_000,
  raiseAfterMs: 86_400_000,
  askedByPerson: false,
};
const context: VerdictContext = {
  range: { clockMarginMs: 0, restoresOnCancel: true, basis: 'net' },
  settleMs: 0,
  liveSince: 0,
  evidence,
  learned: 0,
};

function counter(target: number, facts: Partial<CounterFacts> = {}): CounterFacts {
  return {
    listings: [{ mode: 'on', unwritable: null }],
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

function shows(shown: number | null, state: Reading['state'] = 'ok'): Reading {
  return { shown, state, detail: null, askedAt: now, answeredAt: now + 100 };
}

const sale = { delta: -1, from: now - 60_000, to: now - 60_000 };
const with_ = (over: Partial<VerdictContext['evidence']>): VerdictContext => ({
  ...context,
  evidence: { ...evidence, ...over },
});

describe('what a number means', () => {
  test.each([
    ['in sync', counter(5), shows(5), 'none'],
    ['in sync', counter(4, { own: [sale] }), shows(4), 'none'],
    ['foreign edit', counter(5), shows(9), 'lower'],
    ['lost push', counter(5, { previousNumber: 9 }), shows(9), 'lower'],
    ['unexplained low', counter(5), shows(3), 'wait'],
    ['unexplained low', counter(2), shows(3), 'lower'],
    ['in flight', counter(3), shows(5), 'lower'],
    ['in flight', counter(8), shows(5), 'raise'],
    ['not listed', counter(5), shows(null, 'not-listed'), 'none'],
    ['not listed', counter(0), shows(null), 'none'],
    ['unverifiable', counter(5), shows(3, 'untracked'), 'none'],
    ['exposed', counter(2), shows(3, 'unwritable'), 'refused'],
    ['unverifiable', counter(5, { anchor: null }), shows(7), 'lower'],
    ['unverifiable', counter(5, { anchor: null }), shows(3), 'raise'],
    ['uncounted', counter(0, { target: { kind: 'uncounted' } }), shows(50), 'none'],
  ] as const)('%s (%#)', (cause, view, reading, action) => {
    expect(classify(view, reading, context)).toMatchObject({ cause, action });
  });

  test('is a missed sale only when its order was found', () => {
    const view = counter(4, { own: [sale] });
    expect(classify(view, shows(4), { ...context, learned: 1 })).toMatchObject({
      cause: 'missed sale',
      action: 'none',
    });
    expect(classify(counter(5), shows(4), { ...context, learned: 1 }).cause).toBe('unexplained low');
  });

  test('is in flight while a push may still act: lower now, higher when it cannot act any more', () => {
    const unread = [{ quantity: 3, sentAt: now - 1_000, deadline: now + 20_000 }];
    const view = { unread, state: 'unknown' as const };
    expect(classify(counter(2, view), shows(5), context)).toMatchObject({
      cause: 'in flight',
      action: 'lower',
      anchors: false,
    });
    expect(classify(counter(8, view), shows(5), context)).toMatchObject({
      action: 'wait',
      until: now + 20_000,
      anchors: false,
    });
  });

  test('a read that fits an older number only is a lost push, and goes again without further proof', () => {
    const unread = [{ quantity: 8, sentAt: now - 60_000, deadline: now - 30_000 }];
    expect(classify(counter(8, { unread, state: 'accepted' }), shows(5), context)).toMatchObject({
      cause: 'lost push',
      action: 'raise',
    });
  });

  test('a read-back of 2 where 3 was pushed is a sale, not a failed push', () => {
    const unread = [{ quantity: 3, sentAt: now - 60_000, deadline: now - 50_000 }];
    const own = [{ delta: -1, from: now - 20_000, to: now - 20_000 }];
    expect(classify(counter(2, { unread, own, state: 'accepted' }), shows(2), context)).toMatchObject({
      cause: 'in sync',
      action: 'none',
    });
  });

  test('a sight that a newer push has overtaken is nobody’s anchor', () => {
    const newer = { number: 3, from: now + 10, until: now + 20 };
    expect(classify(counter(3, { anchor: newer }), shows(5), context).anchors).toBe(false);
  });
});

describe('raising needs proof (interleaving 5)', () => {
  const low = { lowSince: now - 300_000, lowNumber: 3 };

  test('the first sight of a low number starts the clock and is no anchor', () => {
    expect(classify(counter(5), shows(3), context)).toMatchObject({
      action: 'wait',
      anchors: false,
      low: { since: now, number: 3 },
      until: now + 120_001,
      note: expect.stringContaining('awaiting proof until'),
    });
  });

  test('a complete pull begun later than first sight plus order lag proves it', () => {
    const verdict = classify(counter(5, low), shows(3), context);
    expect(verdict).toMatchObject({ action: 'raise', anchors: true, low: null });
  });

  test('a still lower number starts the clock anew', () => {
    expect(classify(counter(5, low), shows(2), context)).toMatchObject({
      action: 'wait',
      low: { since: now, number: 2 },
    });
  });

  test.each([
    ['the pull began before the lag was over', { pull: { complete: true, beganAt: now - 200_000 } }],
    ['the pull is incomplete', { pull: { complete: false, beganAt: now - 1_000 } }],
    ['there was no pull', { pull: null }],
    ['an order of it is dead or unmapped', { clouded: true }],
    ['a feed is stale', { feeds: 'stale' as const }],
    ['no lag is known and a day is not over', { orderLagMs: null }],
  ])('not while %s', (_, over) => {
    expect(classify(counter(5, low), shows(3), with_(over))).toMatchObject({
      action: 'wait',
      low: { since: now - 300_000, number: 3 },
    });
  });

  test('where no lag is known a person may stand in for the wait, and for nothing else', () => {
    const person = { orderLagMs: null, askedByPerson: true };
    expect(classify(counter(5, low), shows(3), with_(person))).toMatchObject({ action: 'raise' });
    expect(classify(counter(5, low), shows(3), with_({ ...person, clouded: true }))).toMatchObject({
      action: 'wait',
    });
  });

  test('a failed compare leaves its low number open although it became the anchor', () => {
    const failed = { number: 3, from: now - 1_000, until: now - 900 };
    const view = counter(5, { anchor: failed, previousNumber: 5, lowSince: failed.from, lowNumber: 3 });
    expect(classify(view, shows(3), context)).toMatchObject({ cause: 'unexplained low', action: 'wait' });
  });
});

describe('a listing whose mapping has lost its reason', () => {
  const listings = [{ mode: 'on' as const, unwritable: null, doubted: true }];
  test('waits for a person before it is raised, and is lowered as ever', () => {
    expect(classify(counter(8, { listings }), shows(5), context)).toMatchObject({
      action: 'wait',
      until: null,
      note: expect.stringContaining('--changed'),
    });
    expect(classify(counter(3, { listings }), shows(5), context)).toMatchObject({ action: 'lower' });
  });
});
