import { type Baseline, effectOf, knownBy } from './level.ts';
import type { Holding, Stage } from './line.ts';

/** A SKU that a line draws on, as the plan needs it: pieces per listing unit, its last count, what is free now. */
export interface Source {
  units: number;
  baseline: Baseline;
  available: number;
}

/** A line's state and its life, before or after a change. */
export interface LineLife extends Holding {
  stages: readonly Stage[];
}

/** `found` adds pieces that the count did not know of; the other words are the line's own changes. */
export type StepKind = 'found' | 'sale' | 'fill' | 'release' | 'return' | 'unshipped' | 'shipment';

/** One ledger entry per source, in the order of the sources. `at`: whose time counts. */
export interface Step {
  kind: StepKind;
  at: 'taken' | 'gone';
  deltas: { onHand: number; committed: number }[];
}

/** What becomes of the line, and how the levels get there without ever falling below zero. */
export interface LinePlan {
  given: number;
  waived: number;
  /** Listing units among those found that were really made, so that no other line can turn out to have had them. */
  made: number;
  steps: Step[];
}

/**
 * Brings a held line to what its channel shows. A fall of `taken` shrinks the shortfall first; a rise takes what is
 * there, whole units of every source; units that left the shelf were given, and where the sources do not have them
 * they are found. What a count already knew does not act again.
 */
export function planLine(
  before: LineLife,
  after: { taken: number; gone: number; stages: readonly Stage[] },
  sources: readonly Source[],
): LinePlan {
  const grown = sources.map(
    ({ units, baseline }) => units * (knownBy(baseline, after.stages) - knownBy(baseline, before.stages)),
  );
  const rise = Math.max(0, after.taken - Math.max(before.taken, before.given));
  const wanted = Math.max(
    Math.min(before.given, after.taken) + rise,
    // What left the shelf came from it, unless nobody waited for it there any more.
    Math.min(after.gone, after.gone - before.waived),
  );
  const room = sources.map((source, index) =>
    Math.floor((source.available + (grown[index] ?? 0)) / source.units),
  );
  const reached = Math.max(0, Math.min(wanted, before.given + Math.min(...room)));
  const given = Math.max(reached, after.gone);
  const made = Math.min(before.waived, given - reached);
  const missing = sources.map(({ units, available }, index) => {
    const left = available + (grown[index] ?? 0) - units * (given - before.given);
    return units * made + Math.max(0, -(left + units * made));
  });
  const steps = stepsOf(before, { ...after, given }, sources, grown);
  if (missing.some((units) => units > 0)) {
    const deltas = missing.map((units) => ({ onHand: units, committed: 0 }));
    steps.unshift({ kind: 'found', at: after.gone > before.gone ? 'gone' : 'taken', deltas });
  }
  return { given, waived: Math.min(before.waived - made, after.taken - given), made, steps };
}

/** The change in steps that people can read: what was given back, what was given, what left the shelf. */
function stepsOf(
  before: Holding,
  after: Omit<Holding, 'waived'>,
  sources: readonly Source[],
  grown: readonly number[],
): Step[] {
  const kept = Math.min(before.given, after.given);
  const back = before.given - kept;
  const returned = Math.max(0, before.gone - after.gone);
  const rise = after.given - kept;
  const left = Math.max(0, after.gone - before.gone);
  const fallKind = returned === 0 ? 'release' : back === 0 ? 'unshipped' : 'return';
  const riseKind = after.taken > before.taken ? 'sale' : 'fill';
  const step = (kind: StepKind, change: { given: number; gone: number }, known: readonly number[]): Step => ({
    kind,
    at: kind === 'sale' || kind === 'fill' || kind === 'release' ? 'taken' : 'gone',
    deltas: sources.map(({ units }, index) => {
      const { onHand, committed } = effectOf(units, { ...change, known: 0 });
      return { onHand: clean(onHand + (known[index] ?? 0)), committed };
    }),
  });
  const knew = grown.some((units) => units !== 0);
  const none = grown.map(() => 0);
  // A count that knew the shipment knew the sale as well: one entry says both, whatever was free meanwhile.
  if (knew && left > 0 && sources.some(({ baseline }) => baseline.basis === 'shelf')) {
    const kind = rise > 0 ? riseKind : back > 0 ? fallKind : 'shipment';
    return [step(kind, { given: rise - back, gone: left }, grown)];
  }
  const falls = back > 0 || returned > 0 || (knew && after.taken < before.taken);
  const steps: Step[] = [];
  if (falls) steps.push(step(fallKind, { given: -back, gone: -returned }, grown));
  if (rise > 0 || (knew && !falls)) {
    const kind = rise > 0 || after.taken > before.taken ? riseKind : 'return';
    steps.push(step(kind, { given: rise, gone: 0 }, falls ? none : grown));
  }
  if (left > 0) steps.push(step('shipment', { given: 0, gone: left }, none));
  return steps;
}

function clean(value: number): number {
  return value === 0 ? 0 : value;
}

/** Listing units, at most `want`, that the sources can give now: whole units of every one. */
export function roomFor(want: number, sources: readonly { units: number; available: number }[]): number {
  return sources.reduce(
    (least, { units, available }) => Math.min(least, Math.floor(available / units)),
    want,
  );
}
