import { planLine, roomFor, type Source, type StepKind } from '../../stock/allocation.ts';
import { type Stage, withStage } from '../../stock/line.ts';
import { addFound, coverFound } from './found.ts';
import { type Cause, chainLine, levelIn, moveLevel, type Tx } from './ledger.ts';
import type { LinePart, LineRow } from './lines.ts';

/** What a held line shall keep, its life until then, and when the changes happened. */
export interface Wanted {
  taken: number;
  gone: number;
  stages: Stage[];
  takenAt: number;
  goneAt: number;
}

/** Facts for the entries of one line's change. */
export type LineCause = Omit<Cause, 'kind' | 'occurredAt' | 'lineId'>;

/**
 * Brings a held line to what the channel shows (`planLine`), each level by one conditional statement that cannot
 * bring available below zero. Changes `line` in memory; the caller saves it. `joins`: the line is new to its SKUs.
 */
export function allocate(
  tx: Tx,
  line: LineRow,
  wanted: Wanted,
  cause: LineCause,
  joins: 'joins' | 'joined',
): void {
  const parts = line.parts ?? [];
  const plan = planLine(
    line,
    wanted,
    parts.map((part) => sourceOf(tx, part)),
  );
  let joining = joins === 'joins';
  for (const { kind, at, deltas } of plan.steps) {
    const occurredAt = at === 'gone' ? wanted.goneAt : wanted.takenAt;
    moveParts(tx, line, deltas, { ...cause, kind, occurredAt }, joining ? 'joins' : 'joined');
    if (kind === 'found') noteFound(tx, line, deltas, plan.made);
    joining = false;
  }
  if (joining) joinChains(tx, line);
  for (const [skuId] of parts) coverFound(tx, skuId);
  line.taken = wanted.taken;
  line.gone = wanted.gone;
  line.given = plan.given;
  line.stages = wanted.stages;
  waive(tx, line, plan.waived);
}

function noteFound(tx: Tx, line: LineRow, deltas: readonly { onHand: number }[], made: number): void {
  line.parts?.forEach(([skuId, units], index) => {
    addFound(tx, skuId, (deltas[index]?.onHand ?? 0) - units * made);
  });
}

/** Nobody waits for so many units of the line. What it claims changes from now on, so that older counts stand. */
export function waive(tx: Tx, line: LineRow, units: number): void {
  if (units === line.waived) return;
  line.stages = withStage(line.stages, [tx.now, line.waived - units, 0]);
  line.waived = units;
}

/** Gives a waiting line up to `want` units of what is there. Answers how many; the caller saves the line. */
export function giveMore(
  tx: Tx,
  line: LineRow,
  want: number,
  cause: LineCause & { kind: StepKind; occurredAt: number },
): number {
  const parts = line.parts ?? [];
  const units = roomFor(
    want,
    parts.map((part) => sourceOf(tx, part)),
  );
  if (units <= 0) return 0;
  moveGiven(tx, line, units, cause);
  return units;
}

/** Takes back units that have not left the shelf. The caller saves the line. */
export function takeBack(tx: Tx, line: LineRow, units: number, cause: LineCause): void {
  moveGiven(tx, line, -units, { ...cause, kind: 'release', occurredAt: tx.now });
}

function moveGiven(
  tx: Tx,
  line: LineRow,
  units: number,
  cause: LineCause & { kind: StepKind; occurredAt: number },
): void {
  const deltas = (line.parts ?? []).map(([, per]) => ({ onHand: 0, committed: units * per }));
  moveParts(tx, line, deltas, cause, 'joined');
  line.given += units;
}

function sourceOf(tx: Tx, [skuId, units]: LinePart): Source {
  const level = levelIn(tx, skuId);
  return {
    units,
    baseline: { asOf: level.as_of ?? 0, basis: level.basis ?? 'shelf' },
    available: level.on_hand - level.committed - level.reserved,
  };
}

function moveParts(
  tx: Tx,
  line: LineRow,
  deltas: readonly { onHand: number; committed: number }[],
  cause: Cause,
  joins: 'joins' | 'joined',
): void {
  const chained = joins === 'joins' ? line.id : null;
  line.parts?.forEach((part, index) => {
    const delta = deltas[index] ?? { onHand: 0, committed: 0 };
    if (cause.kind === 'found' && delta.onHand === 0) {
      if (chained !== null) part[2] = chainLine(tx, part[0], line.id);
      return;
    }
    const { onHand, committed } = delta;
    const facts = { ...cause, lineId: line.id };
    const moved = moveLevel(tx, part[0], { onHand, committed, reserved: 0 }, facts, chained);
    if (moved === null) throw new Error(`the level of SKU id ${part[0]} refuses a ${cause.kind}`);
    if (chained !== null) part[2] = moved.prevLine;
  });
}

/** Links a line into the chains of its SKUs where no level moved. */
export function joinChains(tx: Tx, line: LineRow): void {
  for (const part of line.parts ?? []) part[2] = chainLine(tx, part[0], line.id);
}
