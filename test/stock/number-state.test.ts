import { describe, expect, test } from 'vitest';
import { numberState, type StateContext, type StatedCounter } from '../../src/stock/number-state.ts';

const noon = Date.UTC(2026, 10, 23, 12);
const counter = (over: Partial<StatedCounter> = {}): StatedCounter => ({
  listings: [{ mode: 'on', unwritable: null }],
  target: { kind: 'number', quantity: 29 },
  state: 'idle',
  unread: [],
  anchor: { number: 29, from: noon, until: noon + 100 },
  previousNumber: null,
  own: [],
  lowSince: null,
  lowNumber: null,
  lastRead: null,
  version: 3,
  doneVersion: 3,
  dead: false,
  doubt: null,
  exposed: false,
  ...over,
});
const context = (over: Partial<StateContext> = {}): StateContext => ({
  range: { clockMarginMs: 1_000, basis: 'net' },
  mode: 'live',
  shown: 29,
  proofAfterMs: 600_000,
  ...over,
});
const sale = { delta: -4, from: noon + 60_000, to: noon + 60_000 };
const sold = counter({ anchor: { number: 33, from: noon, until: noon + 100 }, own: [sale] });
const low = counter({ target: { kind: 'number', quantity: 9 }, lowSince: noon + 5_000, lowNumber: 4 });

describe('the state of a number', () => {
  test.each<[string, StatedCounter, Partial<StateContext>]>([
    ['in sync', counter(), {}],
    ['own sale lowered it, not read since', sold, { shown: 33 }],
    ['too low since 2026-11-23T12:00:05.000Z, proof at 2026-11-23T12:10:05.000Z', low, { shown: 4 }],
    ['too low since 2026-11-23T12:00:05.000Z, awaiting proof', low, { shown: 4, proofAfterMs: null }],
    ['due', counter({ version: 4 }), { shown: 31 }],
    ['due', counter({ version: 4 }), {}],
    ['not read yet', counter({ anchor: null }), { shown: null }],
    ['too low, not looked at since', counter(), { shown: 20 }],
    ['too high, not looked at since', counter(), { shown: 40 }],
    ['left alone: mode off', counter({ listings: [{ mode: 'off', unwritable: null }] }), { shown: 40 }],
    ['not sent: mode observe', counter({ version: 4 }), { shown: 31, mode: 'observe' }],
    ['in sync', counter(), { mode: 'shadow' }],
    ['in_flight', counter({ state: 'in_flight' }), {}],
    ['dead', counter({ dead: true }), {}],
    ['exposed', counter({ exposed: true }), {}],
    ['uncounted', counter({ target: { kind: 'uncounted' } }), {}],
  ])('is "%s"', (words, stated, over) => {
    expect(numberState(stated, context(over))).toBe(words);
  });

  test('is never in sync beside another number than the target', () => {
    for (let shown = 0; shown < 60; shown += 1) {
      for (const stated of [counter(), sold, low]) {
        const target = stated.target.kind === 'number' ? stated.target.quantity : null;
        if (shown !== target) expect(numberState(stated, context({ shown }))).not.toBe('in sync');
      }
    }
  });
});
