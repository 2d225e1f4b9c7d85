import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changesAfter, expectedRange, type RangeFacts } from '../../src/stock/anchor.ts';

const facts: RangeFacts = { clockMarginMs: 1_000, restoresOnCancel: false, basis: 'net' };
const anchor = { number: 5, from: 100_000, until: 101_000 };
const sale = (from: number, to = from, delta = -1) => ({ delta, from, to });

describe('the expected range (interleaving 14)', () => {
  test('is the anchor when nothing happened', () => {
    expect(expectedRange(anchor, [], [], facts)).toEqual({ low: 5, high: 5 });
  });

  test('counts a sale surely after the anchor and not one surely before it', () => {
    expect(expectedRange(anchor, [sale(103_000)], [], facts)).toEqual({ low: 4, high: 4 });
    expect(expectedRange(anchor, [sale(98_000)], [], facts)).toEqual({ low: 5, high: 5 });
  });

  test('widens by a sale within the answer time or the clock margin: both numbers are right', () => {
    for (const at of [99_000, 100_500, 102_000])
      expect(expectedRange(anchor, [sale(at)], [], facts)).toEqual({ low: 4, high: 5 });
  });

  test('widens by an order that was merely annotated later: created 09:00, booked 10:05, noted 11:00', () => {
    expect(expectedRange(anchor, [sale(50_000, 160_000)], [], facts)).toEqual({ low: 4, high: 5 });
  });

  test('widens by rises unless the channel declares that it restores', () => {
    const cancel = sale(103_000, 103_000, 1);
    expect(expectedRange(anchor, [cancel], [], facts)).toEqual({ low: 5, high: 6 });
    expect(expectedRange(anchor, [cancel], [], { ...facts, restoresOnCancel: true })).toEqual({
      low: 6,
      high: 6,
    });
  });

  test('adds the numbers of unread pushes, moved by what may come after them', () => {
    const push = { quantity: 9, sentAt: 110_000, deadline: 120_000 };
    expect(expectedRange(anchor, [], [push], facts)).toEqual({ low: 5, high: 9 });
    expect(expectedRange(anchor, [sale(130_000)], [push], facts)).toEqual({ low: 4, high: 8 });
  });

  test('leaves open whether a late push erased a sale that came before its deadline (interleaving 17)', () => {
    const push = { quantity: 9, sentAt: 110_000, deadline: 120_000 };
    expect(expectedRange(anchor, [sale(115_000)], [push], facts)).toEqual({ low: 4, high: 9 });
  });

  test('leaves open whether a read saw a sale of the same moment, and forgets one that began after it', () => {
    const readAt = { low: 110_000, high: 111_000 };
    expect(expectedRange(anchor, [sale(110_500)], [], facts, readAt)).toEqual({ low: 4, high: 5 });
    expect(expectedRange(anchor, [sale(113_000)], [], facts, readAt)).toEqual({ low: 5, high: 5 });
  });

  test('does not move a gross number with its own sales', () => {
    expect(expectedRange(anchor, [sale(103_000)], [], { ...facts, basis: 'gross' })).toEqual({
      low: 5,
      high: 5,
    });
  });

  test('holds the true number whatever the clocks did within their margin', () => {
    const change = fc.record({
      at: fc.integer({ min: 90_000, max: 130_000 }),
      skew: fc.integer({ min: -1_000, max: 1_000 }),
      before: fc.integer({ min: 0, max: 5_000 }),
      after: fc.integer({ min: 0, max: 5_000 }),
      delta: fc.integer({ min: -3, max: -1 }),
    });
    const truth = fc.record({
      setAt: fc.integer({ min: anchor.from, max: anchor.until }),
      changes: fc.array(change, { maxLength: 6 }),
    });
    fc.assert(
      fc.property(truth, ({ setAt, changes }) => {
        const shown = changes
          .filter((each) => each.at > setAt)
          .reduce((number, each) => number + each.delta, anchor.number);
        const told = changes.map(({ at, skew, before, after, delta }) => ({
          delta,
          from: at + skew - before,
          to: at + skew + after,
        }));
        const range = expectedRange(anchor, told, [], facts);
        return range.low <= shown && shown <= range.high;
      }),
    );
  });

  test('is not changed by forgetting what is surely before the anchor', () => {
    const change = fc.tuple(fc.integer({ min: 80_000, max: 130_000 }), fc.integer({ min: 0, max: 9_000 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (spans) => {
        const changes = spans.map(([from, length]) => sale(from, from + length));
        const kept = changesAfter(anchor, changes, facts.clockMarginMs);
        expect(expectedRange(anchor, kept, [], facts)).toEqual(expectedRange(anchor, changes, [], facts));
      }),
    );
  });
});
