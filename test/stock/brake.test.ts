import { describe, expect, test } from 'vitest';
import { brake, type Move, shortCatalogue } from '../../src/stock/brake.ts';

const shares = { maxChange: 0.2, maxZero: 0.05 };

function moves(count: number, move: Partial<Move>, from = 0): Move[] {
  return Array.from({ length: count }, (_, index) => ({
    counterId: from + index,
    before: 5,
    after: 6,
    explained: false,
    ...move,
  }));
}

describe('brakes', () => {
  test('hold every raise when too many move without a recorded sale', () => {
    const { reason, held } = brake([...moves(11, {}), ...moves(3, { after: 2 }, 100)], 50, shares);
    expect(reason).toContain('14 of 50');
    expect([...held]).toEqual(Array.from({ length: 11 }, (_, index) => index));
  });

  test('let lowering and explained zeros go, and hold unexplained zeros', () => {
    const unexplained = moves(12, { after: 0 });
    const explained = moves(12, { after: 0, explained: true }, 100);
    const { held } = brake([...unexplained, ...explained, ...moves(4, { after: 1 }, 200)], 50, shares);
    expect([...held]).toEqual(unexplained.map((move) => move.counterId));
  });

  test('have their own, smaller share for going to zero', () => {
    expect(brake(moves(12, { after: 0 }), 200, shares).reason).toContain('zero');
    expect(brake(moves(12, { after: 1 }), 200, shares).reason).toBeNull();
  });

  test('never close over fewer than ten listings, and not at the share itself', () => {
    expect(brake(moves(9, { after: 0 }), 9, shares).reason).toBeNull();
    expect(brake(moves(10, { after: 1 }), 50, shares).reason).toBeNull();
    expect(brake(moves(11, { after: 1 }), 50, shares).reason).not.toBeNull();
  });

  test('do not count what stays, and what sales explain', () => {
    const still = moves(30, { after: 5 });
    expect(brake([...still, ...moves(30, { explained: true, after: 0 })], 60, shares).reason).toBeNull();
  });

  test('take an unknown number for a raise', () => {
    expect(brake(moves(12, { before: null, after: 3 }), 20, shares).held.size).toBe(12);
  });
});

describe('a catalogue', () => {
  test('is too short when less than 1 - max_change of it can be read', () => {
    expect(shortCatalogue(100, 79, shares)).toContain('79 of the 100');
    expect(shortCatalogue(100, 80, shares)).toBeNull();
  });

  test('is too short when nothing of it can be read, and never for one listing', () => {
    expect(shortCatalogue(3, 0, shares)).not.toBeNull();
    expect(shortCatalogue(1, 0, shares)).toBeNull();
    expect(shortCatalogue(0, 0, shares)).toBeNull();
  });
});
