import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LineLife, planLine, roomFor, type Source } from '../../src/stock/allocation.ts';
import { onHandAtCount, owedAtFreeCount, releasesFor } from '../../src/stock/count.ts';
import { type Baseline, effectOf, knownBy } from '../../src/stock/level.ts';
import { type Stage, shortfall, stateAt, withStage } from '../../src/stock/line.ts';
import { digestOf, verdictOn } from '../../src/stock/snapshot.ts';
import { order } from '../contract/store/kit.ts';

/** One state of a line as a channel tells it: units, and when they changed. */
interface Told {
  at: number;
  taken: number;
  gone: number;
}

const told = fc
  .record({ gap: fc.integer({ min: 1, max: 9 }), taken: fc.nat(5), gone: fc.nat(5) })
  .map(({ gap, taken, gone }) => ({ gap, taken, gone: Math.min(taken, gone) }));
const life = fc.array(told, { minLength: 1, maxLength: 5 }).map((states): Told[] => {
  let at = 0;
  return states.map(({ gap, taken, gone }) => {
    at += gap;
    return { at, taken, gone };
  });
});
const baseline: fc.Arbitrary<Baseline> = fc.record({
  asOf: fc.nat(40),
  basis: fc.constantFrom<'shelf' | 'free'>('shelf', 'free'),
});
const sourcesWith = (available: fc.Arbitrary<number>): fc.Arbitrary<Source[]> =>
  fc.array(fc.record({ units: fc.integer({ min: 1, max: 3 }), baseline, available }), {
    minLength: 1,
    maxLength: 3,
  });

const unsold: LineLife = { taken: 0, gone: 0, given: 0, waived: 0, stages: [] };

function stagesAfter(line: LineLife, { at, taken, gone }: Told): Stage[] {
  return withStage(withStage(line.stages, [at, taken - line.taken, 0]), [at, 0, gone - line.gone]);
}

/** Carries a plan out on the sources, which must never show less than nothing on the way. */
function tell(line: LineLife, sources: Source[], state: Told): { line: LineLife; found: number } {
  const stages = stagesAfter(line, state);
  const plan = planLine(line, { ...state, stages }, sources);
  let found = 0;
  for (const { kind, deltas } of plan.steps) {
    sources.forEach((source, index) => {
      const delta = deltas[index] ?? { onHand: 0, committed: 0 };
      source.available += delta.onHand - delta.committed;
      if (kind === 'found') found += delta.onHand;
      expect(source.available, `available after "${kind}"`).toBeGreaterThanOrEqual(0);
    });
  }
  const { given, waived } = plan;
  return { line: { taken: state.taken, gone: state.gone, given, waived, stages }, found };
}

function effects(line: LineLife, sources: Source[]): { onHand: number; committed: number }[] {
  return sources.map((source) =>
    effectOf(source.units, { ...line, known: knownBy(source.baseline, line.stages) }),
  );
}

describe('a line’s change', () => {
  test('keeps gone <= given <= taken, and never brings a level below zero on the way', () => {
    fc.assert(
      fc.property(life, sourcesWith(fc.nat(12)), (states, sources) => {
        let line = unsold;
        for (const state of states) {
          ({ line } = tell(line, sources, state));
          expect(line.gone).toBeLessThanOrEqual(line.given);
          expect(line.given).toBeLessThanOrEqual(line.taken);
        }
      }),
    );
  });

  test('moves levels by what the line’s effect changed, plus what was found', () => {
    fc.assert(
      fc.property(life, sourcesWith(fc.nat(12)), (states, sources) => {
        let line = unsold;
        for (const state of states) {
          const before = effects(line, sources);
          const free = sources.map((source) => source.available);
          const step = tell(line, sources, state);
          ({ line } = step);
          const after = effects(line, sources);
          const moved = sources.reduce((sum, source, n) => sum + source.available - (free[n] ?? 0), 0);
          const owed = after.reduce((sum, effect, n) => {
            const was = before[n] ?? { onHand: 0, committed: 0 };
            return sum + effect.onHand - was.onHand - (effect.committed - was.committed);
          }, 0);
          expect(moved).toBe(owed + step.found);
        }
      }),
    );
  });

  test('does nothing the second time', () => {
    fc.assert(
      fc.property(life, sourcesWith(fc.nat(12)), (states, sources) => {
        let line = unsold;
        for (const state of states) {
          ({ line } = tell(line, sources, state));
          const again = planLine(line, { ...state, stages: line.stages }, sources);
          expect(again).toMatchObject({ given: line.given, steps: [] });
        }
      }),
    );
  });

  test('has the same effect step by step and all at once, where there is enough', () => {
    fc.assert(
      fc.property(life, sourcesWith(fc.constant(1_000)), (states, sources) => {
        const copies = sources.map((source) => ({ ...source }));
        let line = unsold;
        for (const state of states) ({ line } = tell(line, sources, state));
        const { taken, gone, stages } = line;
        const plan = planLine(unsold, { taken, gone, stages }, copies);
        for (const { deltas } of plan.steps) {
          copies.forEach((source, n) => {
            source.available += (deltas[n]?.onHand ?? 0) - (deltas[n]?.committed ?? 0);
          });
        }
        expect(copies).toEqual(sources);
        expect(plan.given).toBe(taken);
      }),
    );
  });

  test('leaves no trace of an order that was cancelled before anything left, where the counts came first', () => {
    fc.assert(
      fc.property(
        life,
        fc.nat(12),
        fc.constantFrom<'shelf' | 'free'>('shelf', 'free'),
        (states, available, basis) => {
          const sources: Source[] = [{ units: 1, baseline: { asOf: 0, basis }, available }];
          let line = unsold;
          for (const state of states) ({ line } = tell(line, sources, { ...state, gone: 0 }));
          tell(line, sources, { at: 99, taken: 0, gone: 0 });
          expect(sources[0]?.available).toBe(available);
        },
      ),
    );
  });

  test('is given no more than was there: whole units of every source', () => {
    fc.assert(
      fc.property(fc.nat(20), sourcesWith(fc.nat(12)), (want, sources) => {
        const units = roomFor(want, sources);
        expect(units).toBeLessThanOrEqual(want);
        for (const source of sources) expect(units * source.units).toBeLessThanOrEqual(source.available);
        const more = units + 1;
        const fits = sources.every((source) => more * source.units <= source.available);
        expect(fits && more <= want).toBe(false);
      }),
    );
  });

  test('a fall of taken takes nothing from a line that is short by more', () => {
    fc.assert(
      fc.property(fc.nat(9), fc.nat(9), fc.nat(9), (given, short, fall) => {
        const line = { ...unsold, taken: given + short, given, stages: [] };
        const taken = Math.max(0, line.taken - fall);
        const sources = [{ units: 1, baseline: { asOf: 0, basis: 'shelf' as const }, available: 0 }];
        const plan = planLine(line, { taken, gone: 0, stages: [] }, sources);
        expect(plan.given).toBe(Math.min(given, taken));
      }),
    );
  });
});

describe('a line’s life', () => {
  test('keeps its sums however many changes it has, in time order and within its limit', () => {
    const stage = fc.tuple(fc.nat(200), fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }));
    fc.assert(
      fc.property(fc.array(stage, { maxLength: 120 }), (changes) => {
        let stages: Stage[] = [];
        for (const [at, claimed, gone] of changes) stages = withStage(stages, [at, claimed, gone]);
        expect(stages.length).toBeLessThanOrEqual(40);
        expect(stages.map(([at]) => at)).toEqual([...stages.map(([at]) => at)].sort((a, b) => a - b));
        const sum = (pick: 1 | 2) => changes.reduce((total, change) => total + change[pick], 0);
        expect(stateAt(stages, 1_000)).toEqual({ claimed: sum(1), gone: sum(2) });
      }),
    );
  });
});

describe('a count', () => {
  const lines = fc.array(fc.tuple(life, fc.integer({ min: 1, max: 3 })), { maxLength: 5 });

  test('is on hand less what left since, or free less what was given since, at any age', () => {
    fc.assert(
      fc.property(lines, baseline, fc.nat(99), (lives, base, quantity) => {
        const counted = lives.map(([states, units], id) => {
          let line = unsold;
          for (const state of states) {
            line = { ...line, ...state, given: state.taken, stages: stagesAfter(line, state) };
          }
          return { ...line, id, units, soldAt: states[0]?.at ?? 0 };
        });
        const then = (states: Told[]) => states.findLast((state) => state.at < base.asOf);
        const onHand = onHandAtCount({ ...base, quantity }, counted, { received: 0, reservedThen: 0 });
        const committed = counted.reduce((sum, line) => sum + line.units * (line.given - line.gone), 0);
        const since = lives.reduce((sum, [states, units]) => {
          const now = states.at(-1);
          const was = then(states);
          const change =
            base.basis === 'shelf'
              ? (now?.gone ?? 0) - (was?.gone ?? 0)
              : (now?.taken ?? 0) - (was?.taken ?? 0);
          return sum + units * change;
        }, 0);
        expect(base.basis === 'shelf' ? onHand : onHand - committed).toBe(quantity - since);
      }),
    );
  });

  test('takes back from the youngest unshipped lines, as much as is missing and there is', () => {
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 30 }), (lives, deficit) => {
        const counted = lives.map(([states, units], id) => {
          const last = states.at(-1) ?? { taken: 0, gone: 0 };
          const { taken, gone } = last;
          return { id, units, taken, gone, given: taken, waived: 0, soldAt: states[0]?.at ?? 0, stages: [] };
        });
        const releases = releasesFor(deficit, counted);
        const unitsOf = (id: number) => counted.find((line) => line.id === id)?.units ?? 0;
        const freed = releases.reduce((sum, { id, units }) => sum + units * unitsOf(id), 0);
        const most = counted.reduce((sum, line) => sum + line.units * (line.given - line.gone), 0);
        expect(freed).toBeGreaterThanOrEqual(Math.min(deficit, most));
        for (const { id, units } of releases) {
          const line = counted.find((each) => each.id === id);
          expect(units).toBeLessThanOrEqual((line?.given ?? 0) - (line?.gone ?? 0));
          expect(freed - unitsOf(id)).toBeLessThan(deficit + 3);
        }
      }),
    );
  });

  test('owes a line no more than it claimed before a free count and still claims', () => {
    fc.assert(
      fc.property(life, fc.nat(40), fc.nat(5), (states, asOf, given) => {
        let line = unsold;
        for (const state of states) line = { ...line, ...state, stages: stagesAfter(line, state) };
        const counted = { ...line, id: 1, units: 1, given: Math.min(given, line.taken), soldAt: 0 };
        const owed = owedAtFreeCount(counted, asOf);
        expect(owed).toBeLessThanOrEqual(shortfall(counted));
        expect(owed).toBeLessThanOrEqual(stateAt(line.stages, asOf).claimed);
      }),
    );
  });
});

describe('which snapshot counts', () => {
  const snapshot = fc
    .record({
      version: fc.integer({ min: 1, max: 3 }),
      clock: fc.constantFrom('a', 'b'),
      taken: fc.nat(2),
      obtained: fc.constantFrom<'delivered' | 'listed' | 'fetched'>('delivered', 'listed', 'fetched'),
      askedAt: fc.nat(5),
    })
    .map(({ taken, ...facts }) => order('1', facts.askedAt, [['l', 'x', taken]], facts));

  test('never takes an older version, never decides a tie without a look, and a later look always wins', () => {
    fc.assert(
      fc.property(snapshot, snapshot, (stored, next) => {
        const head = { ...stored, digest: digestOf(stored) };
        const verdict = verdictOn(head, next, digestOf(next));
        const same = digestOf(stored) === digestOf(next);
        const looked = next.obtained === 'fetched' && next.askedAt >= stored.answeredAt;
        const comparable = stored.clock === next.clock && stored.version !== next.version;
        const newer = comparable && next.version > stored.version;
        const allowed = same
          ? ['same', 'apply']
          : looked || newer
            ? ['apply']
            : comparable
              ? ['stale', 'fetch']
              : ['fetch'];
        expect(allowed).toContain(verdict);
      }),
    );
  });
});
