import { brake, type Move, shortCatalogue } from '../stock/brake.ts';
import type { ChannelMarks, ChannelRow } from '../store/store.ts';
import { closeAlert, openAlert } from './alerts.ts';
import type { Engine } from './engine.ts';
import { type PlanLine, planToJson } from './plan.ts';
import { writeGate } from './push-context.ts';
import { isCorrection } from './reconcile-result.ts';
import type { Survey, SurveyLine } from './reconcile-survey.ts';

/** How a survey is turned into pushes. */
export interface CorrectWish {
  row: ChannelRow;
  /** The saved plan that this run applies: its hold ends with it. */
  appliedPlanId: string | null;
  /** The survey saw the whole channel, so that shares and brakes can be judged, set and lifted. */
  scope: 'all' | 'some';
  /** A person has said that the brake shall not hold. */
  brakes: 'kept' | 'overridden';
  /** `dry`: what a run would hold is marked, nothing is written. */
  write: 'write' | 'dry';
}

/** What became of one channel's corrections. */
export interface Corrected {
  /** Counters that are due now. */
  touched: number[];
  /** Why something is held back: `brake` holds raises and unexplained zeros, `guard` holds every write. */
  held: { by: 'brake' | 'guard'; reason: string } | null;
  /** The plan that holds what the brake holds. */
  savedPlanId: string | null;
}

/** Judges the brakes, makes due what may leave, and saves what is held as a plan that a person can apply. */
export async function correct(engine: Engine, survey: Survey, wish: CorrectWish): Promise<Corrected> {
  const { row } = wish;
  const shares = { maxChange: engine.settings.maxChange, maxZero: engine.settings.maxZero };
  const short = wish.scope === 'all' ? shortCatalogue(survey.mapped, survey.readable, shares) : null;
  if (short !== null && wish.brakes === 'kept') return holdAll(engine, survey, wish, short);

  const listings = await listingsOf(engine, survey, wish);
  const moves = survey.lines.filter(({ line }) => isCorrection(line)).map(moveOf);
  const braking =
    wish.brakes === 'overridden' ? { reason: null, held: new Set<number>() } : brake(moves, listings, shares);
  for (const { line } of survey.lines) {
    if (braking.held.has(line.counter_id)) line.note = `held by a brake: ${braking.reason}`;
  }
  const held = braking.reason === null ? null : { by: 'brake' as const, reason: braking.reason };
  const gate = closedFor(row);
  if (gate !== null) noteGate(survey.lines, gate);
  if (wish.write === 'dry' || gate !== null) return { touched: [], held, savedPlanId: null };

  const now = engine.clock.now();
  const heldLines = survey.lines.filter(({ line }) => braking.held.has(line.counter_id));
  const savedPlanId = braking.reason === null ? null : await saveHeld(engine, row, braking.reason, heldLines);
  const whole = wish.scope === 'all' || survey.mapped >= listings;
  await mark(engine, wish, savedPlanId, whole ? 'whole' : 'part');
  const touched = survey.lines
    .filter(({ line, verdict }) => isCorrection(line) || verdict.lacks === 'fresh')
    .map(({ line }) => line.counter_id)
    .filter((counterId) => !braking.held.has(counterId));
  if (touched.length > 0) await touchAll(engine, touched, now);
  return { touched, held, savedPlanId };
}

/** A plan of the whole channel makes its numbers known; only then does anything leave. */
async function mark(
  engine: Engine,
  wish: CorrectWish,
  savedPlanId: string | null,
  seen: 'whole' | 'part',
): Promise<void> {
  const { row } = wish;
  const now = engine.clock.now();
  const marks: ChannelMarks = {};
  const unplanned = row.plannedAt === null || row.plannedAt < (row.liveSince ?? 0);
  if (seen === 'whole' && unplanned) marks.plannedAt = now;
  const lifts =
    seen === 'whole' || wish.brakes === 'overridden' || wish.appliedPlanId === (row.brakePlan ?? '');
  if (savedPlanId !== null) marks.brakePlan = savedPlanId;
  else if (row.brakePlan !== null && lifts) marks.brakePlan = null;
  if (wish.scope === 'all' && row.heldReason !== null) marks.heldReason = null;
  if (Object.keys(marks).length > 0) await engine.store.channels.mark(row.id, marks);
  if (marks.brakePlan === null) await closeAlert(engine, 'brake', row.name);
  if (marks.heldReason === null) await closeAlert(engine, 'channel_held', row.name);
}

/** A channel that may be another shop or half a shop gets no write at all, lowering included. */
async function holdAll(
  engine: Engine,
  survey: Survey,
  wish: CorrectWish,
  reason: string,
): Promise<Corrected> {
  for (const { line } of survey.lines) if (isCorrection(line)) line.note = `held: ${reason}`;
  if (wish.write === 'write') await holdWrites(engine, wish.row, reason);
  return { touched: [], held: { by: 'guard', reason }, savedPlanId: null };
}

/** Holds every write to a channel until a run finds it whole again, and says so. */
export async function holdWrites(engine: Engine, row: ChannelRow, reason: string): Promise<void> {
  await engine.store.channels.mark(row.id, { heldReason: reason });
  await openAlert(engine, {
    channelId: row.id,
    kind: 'channel_held',
    subject: row.name,
    message: `every write to ${row.name} is held: ${reason}`,
  });
}

async function saveHeld(
  engine: Engine,
  row: ChannelRow,
  reason: string,
  held: SurveyLine[],
): Promise<string> {
  const now = engine.clock.now();
  const id = engine.randomHex(4);
  const lines = held.map(({ line }): PlanLine => ({ ...line, done: false }));
  const plan = { plan_id: id, created_at: new Date(now).toISOString(), cause: 'brake' as const, lines };
  await engine.store.duties.savePlan({
    id,
    createdAt: now,
    cause: 'brake',
    state: 'open',
    body: planToJson(plan),
  });
  const goOn = `invsync reconcile --apply ${id} --over-brake`;
  const message = `${row.name}: ${reason}; raises and unexplained zeros are held as plan ${id}. To let them go: ${goOn}`;
  await openAlert(engine, { channelId: row.id, kind: 'brake', subject: row.name, message });
  return id;
}

async function touchAll(engine: Engine, counterIds: number[], now: number): Promise<void> {
  for (let at = 0; at < counterIds.length; at += 500)
    await engine.store.outbox.touch(counterIds.slice(at, at + 500), now, now);
}

/** Why a channel's corrections stay on paper, or null; a plan is what the first pushes wait for, and no reason. */
function closedFor(row: ChannelRow): string | null {
  if (row.mode !== 'live') return `mode ${row.mode}: nothing is written`;
  return writeGate({ ...row, plannedAt: Number.MAX_SAFE_INTEGER, heldReason: null });
}

function noteGate(lines: SurveyLine[], gate: string): void {
  for (const { line } of lines) if (isCorrection(line)) line.note ??= gate;
}

function moveOf({ line }: SurveyLine): Move {
  return {
    counterId: line.counter_id,
    before: line.shown,
    after: line.target ?? 0,
    explained: line.explained,
  };
}

async function listingsOf(engine: Engine, survey: Survey, wish: CorrectWish): Promise<number> {
  if (wish.scope === 'all') return survey.mapped;
  let counters = 0;
  let after = 0;
  for (;;) {
    const page = await engine.store.outbox.page(wish.row.id, after, 500);
    const last = page.at(-1);
    if (last === undefined) return counters;
    counters += page.filter((view) => view.target.kind !== 'unmapped').length;
    after = last.counterId;
  }
}
