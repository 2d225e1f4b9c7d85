import { closeAlert, openAlert } from '../alerts.ts';
import type { Engine } from '../engine.ts';

/** A clock that went back by less is none that was wrong: nothing in the books depends on so little. */
export const stepMs = 5_000;
/** People have a day to look at what was counted by the wrong time. */
const toldForMs = 86_400_000;

const subject = 'clock';

/** At a start: was the clock ahead when the books were written last? Answers whether they were corrected. */
export async function correctAtStart(engine: Engine): Promise<void> {
  const aheadMs = await engine.store.duties.aheadBy(engine.clock.now());
  if (aheadMs > stepMs) await correctClock(engine, aheadMs);
}

/** The clock was ahead by so much and is right now: every mark that it left in the books is corrected, and it is told. */
export async function correctClock(engine: Engine, byMs: number): Promise<void> {
  const { counts } = await engine.store.duties.correctTimes(engine.clock.now(), byMs);
  // Order feeds may have gone back with the clock: what is noted beside the books must not be ahead of them.
  await engine.store.duties.markEpoch();
  const span = byMs < 120_000 ? `${Math.round(byMs / 1_000)} s` : `${Math.round(byMs / 60_000)} min`;
  const counted =
    counts.length === 0
      ? 'Look at the books with: invsync db check'
      : `What was counted meanwhile was moved to the right time: ${listed(counts)}. Look at one with: invsync explain ${counts[0]}`;
  const message = `the clock of this machine was ahead by ${span} and went back: the times noted meanwhile were corrected, and live channels are compared anew. ${counted}`;
  await openAlert(engine, { channelId: null, kind: 'clock_moved', subject, message });
}

/** Told for a day after the last step. */
export async function forgetStep(engine: Engine): Promise<void> {
  const told = (await engine.store.duties.alerts(true, 1, { kind: 'clock_moved' }))[0];
  if (told !== undefined && engine.clock.now() - told.lastAt > toldForMs)
    await closeAlert(engine, 'clock_moved', subject);
}

function listed(skus: readonly string[]): string {
  const most = 10;
  const named = skus.slice(0, most).join(', ');
  return skus.length > most ? `${named} and ${skus.length - most} more` : named;
}
