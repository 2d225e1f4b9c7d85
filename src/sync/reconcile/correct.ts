import { brake, type KnownDoubt, type Move, shortCatalogue } from '../../stock/brake.ts';
import type { BrakeChange, ChannelMarks, ChannelRow } from '../../store/store.ts';
import { closeAlert, openAlert } from '../alerts.ts';
import { setBrake } from '../brakes.ts';
import type { Engine } from '../engine.ts';
import { isPlanned, writeGate } from '../push-context.ts';
import { countersOn } from '../reach.ts';
import { isCorrection } from './result.ts';
import type { Survey, SurveyLine } from './survey.ts';

/** How a survey is turned into pushes. */
export interface CorrectWish {
  row: ChannelRow;
  /** The survey saw the whole channel (null), or these counters: only the whole judges whether a catalogue is short. */
  counterIds: readonly number[] | null;
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
  /** So much moved without a recorded sale that a brake would have closed, had anything been left to hold. */
  remark: string | null;
}

/** Judges the brakes, makes due what may leave, and saves what is held as a plan that a person can apply. */
export async function correct(engine: Engine, survey: Survey, wish: CorrectWish): Promise<Corrected> {
  const { row } = wish;
  const short =
    wish.counterIds === null ? shortCatalogue(survey.mapped, survey.readable, engine.settings) : null;
  if (short !== null && wish.brakes === 'kept') return stopAll(engine, survey, wish, short);

  const listings = wish.counterIds === null ? survey.mapped : await countersOn(engine, row);
  const judged = await judge(engine, survey, wish, listings);
  const { closed, kept } = judged;
  for (const { line } of kept) line.note = `held by a brake: ${judged.reason}`;
  const held = closed && kept.length > 0 ? { by: 'brake' as const, reason: judged.reason } : null;
  const gate = closedFor(row);
  if (gate !== null) noteGate(survey.lines, gate);
  if (wish.write === 'dry' || gate !== null)
    return { touched: [], held, savedPlanId: null, remark: judged.remark };

  if (short !== null) await engine.store.listings.gone(row.id, survey.missing);
  const savedPlanId = await book(engine, row, judged);
  await mark(engine, wish, wish.counterIds === null || survey.mapped >= listings ? 'whole' : 'part');
  const keptIds = new Set(kept.map(({ line }) => line.counter_id));
  const heldIds = new Set(judged.hold.map(({ line }) => line.counter_id));
  const due = survey.lines.filter(moves).map(({ line }) => line.counter_id);
  await touchAll(
    engine,
    due.filter((id) => !heldIds.has(id)),
  );
  const touched = due.filter((id) => !keptIds.has(id));
  return { touched, held, savedPlanId: kept.length > 0 ? savedPlanId : null, remark: judged.remark };
}

/** What the brake says of a survey. */
interface Judged {
  reason: string;
  remark: string | null;
  /** Something stays held: the brake is closed, so that no raise of this channel leaves. */
  closed: boolean;
  /** Lines that may not leave now: what is held, and raises that only a closed brake keeps back. */
  kept: SurveyLine[];
  /** Of those, what stays held by itself until a person lets it go or its cause is gone. */
  hold: SurveyLine[];
  /** Counters that are held from before and that nothing was decided about. */
  still: Set<number>;
  release: BrakeChange['release'];
  pass: BrakeChange['pass'];
}

async function judge(engine: Engine, survey: Survey, wish: CorrectWish, listings: number): Promise<Judged> {
  const known = await knownDoubt(engine, survey, wish);
  const lines = survey.lines.filter(moves);
  const seen = new Map(survey.lines.map((each) => [each.line.counter_id, each]));
  if (wish.brakes === 'overridden') return letGo(wish, known, lines);

  const braking = brake(lines.map(moveOf), listings, engine.settings, known);
  const isHeld = ({ line }: SurveyLine) => braking.held.has(line.counter_id);
  const hold = lines.filter(
    (each) => isHeld(each) && (!each.line.explained || known.held.has(each.line.counter_id)),
  );
  const holds = new Set(hold.map(({ line }) => line.counter_id));
  const still = new Set<number>();
  const release: BrakeChange['release'] = [];
  for (const counterId of known.held.keys()) {
    if (holds.has(counterId)) continue;
    const line = seen.get(counterId);
    const waits = line === undefined ? wish.counterIds !== null : line.verdict.action === 'wait';
    if (waits) still.add(counterId);
    else release.push({ counterId, upTo: null });
  }
  const closed = hold.length + still.size > 0;
  const raises = lines.filter(({ line }) => line.action !== 'lower');
  const kept = closed ? [...new Set([...hold, ...raises])] : [];
  const elsewhere = `${still.size} other listings are held until a person lets them go`;
  return {
    reason: braking.reason ?? elsewhere,
    remark: closed || braking.reason === null ? null : `${braking.reason}; nothing of it is left to hold`,
    closed,
    kept,
    hold,
    still,
    release,
    pass: lines
      .filter((each) => !each.line.explained && !kept.includes(each))
      .map(({ line }) => ({ counterId: line.counter_id, upTo: line.target ?? 0 })),
  };
}

/** A person has spoken: what was looked at goes, up to the numbers that were seen. */
function letGo(wish: CorrectWish, known: KnownDoubt, lines: SurveyLine[]): Judged {
  const release = new Map<number, number | null>();
  for (const counterId of wish.counterIds ?? known.held.keys())
    if (known.held.has(counterId)) release.set(counterId, null);
  for (const { line } of lines) release.set(line.counter_id, line.target);
  const still = new Set([...known.held.keys()].filter((counterId) => !release.has(counterId)));
  return {
    reason: '',
    remark: null,
    closed: still.size > 0,
    kept: [],
    hold: [],
    still,
    release: [...release].map(([counterId, upTo]) => ({ counterId, upTo })),
    pass: [],
  };
}

async function book(engine: Engine, row: ChannelRow, judged: Judged): Promise<string | null> {
  const { hold, release, pass, closed, kept } = judged;
  if (!closed && row.brakePlan === null && release.length + pass.length === 0) {
    await closeAlert(engine, 'brake', row.name);
    return null;
  }
  return setBrake(engine, row, {
    reason: judged.reason,
    lines: hold.length + release.length === 0 ? null : kept.map(({ line }) => ({ ...line, done: false })),
    keep: judged.still,
    hold: hold.map(({ line }) => ({
      counterId: line.counter_id,
      target: line.target ?? 0,
      doubt: line.cause,
    })),
    release,
    pass,
  });
}

/** What is in doubt on the channel besides what this run has looked at. */
async function knownDoubt(engine: Engine, survey: Survey, wish: CorrectWish): Promise<KnownDoubt> {
  const rows = await engine.store.outbox.doubts(wish.row.id);
  const seen = new Set(survey.lines.map(({ line }) => line.counter_id));
  const held = new Map<number, number>();
  for (const row of rows) if (row.held !== null) held.set(row.counterId, row.held);
  const others = rows.filter((row) => !row.low && !seen.has(row.counterId));
  return { held, elsewhere: wish.counterIds === null ? 0 : others.length };
}

/** A plan of the whole channel makes its numbers known; only then does anything leave. */
async function mark(engine: Engine, wish: CorrectWish, seen: 'whole' | 'part'): Promise<void> {
  const { row } = wish;
  const now = engine.clock.now();
  const marks: ChannelMarks = {};
  if (seen === 'whole' && !isPlanned(row)) marks.plannedAt = now;
  if (wish.counterIds === null && row.heldReason !== null) marks.heldReason = null;
  if (Object.keys(marks).length > 0) await engine.store.channels.mark(row.id, marks);
  if (wish.counterIds === null) await closeAlert(engine, 'channel_held', row.name);
}

/** A channel that may be another shop or half a shop gets no write at all, lowering included. */
async function stopAll(
  engine: Engine,
  survey: Survey,
  wish: CorrectWish,
  reason: string,
): Promise<Corrected> {
  for (const { line } of survey.lines) if (isCorrection(line)) line.note = `held: ${reason}`;
  const really = `if they are really gone: invsync reconcile --channel ${wish.row.name} --over-brake`;
  const held = { by: 'guard', reason: `${reason}; ${really}` } as const;
  if (wish.write === 'write') await stopWrites(engine, wish.row, held.reason);
  return { touched: [], held, savedPlanId: null, remark: null };
}

/** Holds every write to a channel until a run finds it whole again, and says so. */
async function stopWrites(engine: Engine, row: ChannelRow, reason: string): Promise<void> {
  await engine.store.channels.mark(row.id, { heldReason: reason });
  const message = `every write to ${row.name} is held: ${reason}`;
  await openAlert(engine, { channelId: row.id, kind: 'channel_held', subject: row.name, message });
}

async function touchAll(engine: Engine, counterIds: number[]): Promise<void> {
  const now = engine.clock.now();
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

/** Is its number to be moved? A raise that lacks nothing but fresh feeds will leave by itself as soon as they are. */
function moves({ line, verdict }: SurveyLine): boolean {
  return isCorrection(line) || verdict.lacks === 'fresh';
}

function moveOf({ line }: SurveyLine): Move {
  const { counter_id: counterId, shown: before, target, explained } = line;
  return { counterId, before, after: target ?? 0, explained };
}
