import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { availableBehind, type ShownCounter, type ShownListing } from '../../src/stock/shown.ts';
import { targetOf } from '../../src/stock/target.ts';

interface Over {
  fixed?: number | null;
  openUnits?: number;
  parts?: { sku: number; units: number }[];
  settings?: Partial<ShownListing['settings']>;
}
const noMax = Number.MAX_SAFE_INTEGER;
const offered = (over: Over = {}): ShownListing => ({
  listing: {
    fixed: over.fixed ?? null,
    openUnits: over.openUnits ?? 0,
    parts: over.parts ?? [{ sku: 1, units: 1 }],
  },
  settings: { buffer: 0, percent: 100, max: noMax, ...over.settings },
});
const net: ShownCounter = { basis: 'net', calibrated: false, maxQuantity: noMax };
const gross: ShownCounter = { ...net, basis: 'gross', calibrated: true };

function shownFor(available: number, listings: readonly ShownListing[], counter: ShownCounter): number {
  const target = targetOf(
    listings.map(({ listing, settings }) => ({
      listing: {
        ...listing,
        parts: listing.parts.map(({ units }) => ({ units, available, counted: true })),
        offer: { buffer: null, percent: null, max: null },
      },
      settings,
    })),
    counter,
  );
  if (target.kind !== 'number') throw new Error(target.kind);
  return target.quantity;
}

describe('the stock behind a shown number', () => {
  const listing = fc
    .record({
      fixed: fc.option(fc.nat(20), { freq: 8 }),
      openUnits: fc.nat(4),
      parts: fc.array(fc.record({ sku: fc.constant(1), units: fc.constantFrom(1, 1, 1, 6) }), {
        minLength: 1,
        maxLength: 2,
      }),
      settings: fc.record({
        buffer: fc.constantFrom(0, 0, 1, 5),
        percent: fc.constantFrom(100, 100, 100, 50, 0),
        max: fc.constantFrom(noMax, noMax, 3, 0),
      }),
    })
    .map(offered);
  const listings = fc.oneof(
    listing.map((one) => [one]),
    listing.chain((one) => fc.integer({ min: 2, max: 3 }).map((times) => Array(times).fill(one))),
    fc.array(listing, { minLength: 1, maxLength: 3 }),
  );
  const counter = fc.record({
    basis: fc.constantFrom<'net' | 'gross'>('net', 'gross'),
    calibrated: fc.boolean(),
    maxQuantity: fc.constantFrom(noMax, 30),
  });

  test('is exactly the stock that showed it, or no answer', () => {
    fc.assert(
      fc.property(fc.nat(50), listings, counter, (available, offers, at) => {
        const behind = availableBehind(shownFor(available, offers, at), offers, at);
        if (behind.kind === 'number') expect(behind.available).toBe(available);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is found whatever the buffer, and on a calibrated gross number whatever is open', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(5), fc.nat(9), (available, buffer, openUnits) => {
        fc.pre(available > buffer);
        const offers = [offered({ openUnits, settings: { buffer } })];
        expect(availableBehind(shownFor(available, offers, gross), offers, gross)).toEqual({
          kind: 'number',
          available,
        });
      }),
    );
  });

  test.each<[string, number, ShownListing[], ShownCounter, string]>([
    ['the maximum', 5, [offered({ settings: { max: 5 } })], net, 'its maximum of 5 is reached'],
    ['an edit above the maximum', 9, [offered({ settings: { max: 5 } })], net, 'its maximum of 5 is reached'],
    ["the platform's maximum", 30, [offered()], { ...net, maxQuantity: 30 }, 'takes no number above 30'],
    ['a share', 17, [offered({ settings: { percent: 50 } })], net, 'shows 50 % of the stock'],
    ['a fixed number', 99, [offered({ fixed: 99 })], net, 'always shows 99'],
    ['a pack', 3, [offered({ parts: [{ sku: 1, units: 6 }] })], net, 'a pack of 6'],
    [
      'a bundle',
      3,
      [
        offered({
          parts: [
            { sku: 1, units: 1 },
            { sku: 2, units: 1 },
          ],
        }),
      ],
      net,
      'a bundle',
    ],
    ['none below a buffer', 0, [offered({ settings: { buffer: 2 } })], net, 'up to 2 (its buffer)'],
    [
      'unlike listings',
      3,
      [offered(), offered({ settings: { buffer: 1 } })],
      net,
      'several listings with different settings',
    ],
    ['a gross number nobody calibrated', 3, [offered()], { ...gross, calibrated: false }, 'calibrate'],
    ['less than its open orders', 1, [offered({ openUnits: 2 })], gross, 'fewer than the 2 units'],
    ['no listing', 1, [], net, 'no listing behind it is mapped'],
  ])('is not told by %s', (_, shown, offers, at, reason) => {
    expect(availableBehind(shown, offers, at)).toEqual({
      kind: 'refused',
      reason: expect.stringContaining(reason),
    });
  });
});
