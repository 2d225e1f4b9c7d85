import { describe, expect, test } from 'vitest';
import { type BasisSight, basisOf, readSight } from '../../src/stock/basis.ts';

const sight = (written: number, shown: number, change: Partial<BasisSight> = {}): BasisSight => ({
  written,
  shown,
  sold: 0,
  released: 0,
  shipped: 0,
  ...change,
});

describe('what a number means, from one look at it', () => {
  test.each([
    ['a sale that lowered it', sight(10, 8, { sold: 2 }), 'net'],
    ['a sale that left it', sight(10, 10, { sold: 2 }), 'gross'],
    ['a shipment that left it', sight(10, 10, { shipped: 3 }), 'net'],
    ['a shipment that lowered it', sight(10, 7, { shipped: 3 }), 'gross'],
    ['a sale and its shipment', sight(10, 8, { sold: 2, shipped: 2 }), 'mute'],
    ['a sale and another’s shipment', sight(10, 8, { sold: 2, shipped: 1 }), 'net'],
    ['nothing at all', sight(10, 10), 'mute'],
    ['a cancelled sale that came back', sight(10, 10, { sold: 2, released: 2 }), 'mute'],
    ['a cancelled sale that did not', sight(10, 8, { sold: 2, released: 2 }), 'net'],
    ['more sold than written', sight(1, 0, { sold: 3 }), 'net'],
    ['a hand edit', sight(10, 5, { sold: 1 }), 'neither'],
    ['a rise from nowhere', sight(10, 12, { sold: 1 }), 'neither'],
  ] as const)('%s', (_, seen, verdict) => {
    expect(readSight(seen)).toBe(verdict);
  });

  test('from many looks is what all telling ones agree on', () => {
    const net = sight(10, 8, { sold: 2 });
    const gross = sight(10, 10, { sold: 2 });
    const mute = sight(4, 4);
    expect(basisOf([mute, net, net])).toEqual({ kind: 'net', sights: 2 });
    expect(basisOf([gross])).toEqual({ kind: 'gross', sights: 1 });
    expect(basisOf([])).toMatchObject({ kind: 'unclear', hint: expect.stringContaining('test order') });
    expect(basisOf([mute])).toMatchObject({ kind: 'unclear' });
    expect(basisOf([net, gross])).toMatchObject({
      kind: 'unclear',
      reason: expect.stringContaining('gross'),
    });
    expect(basisOf([net, sight(10, 3)])).toMatchObject({
      kind: 'unclear',
      hint: expect.stringContaining('else'),
    });
  });
});
