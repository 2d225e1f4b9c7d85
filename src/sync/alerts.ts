import { type AlertKind, alertLevels, type NewAlert } from '../store/store.ts';
import type { Engine } from './engine.ts';

/** Tells people: a row that stands until its cause is gone, and one log line when it opens. */
export async function openAlert(
  engine: Pick<Engine, 'store' | 'clock' | 'log'>,
  alert: NewAlert,
): Promise<void> {
  const opened = await engine.store.duties.raiseAlert(alert, engine.clock.now());
  if (!opened) return;
  const { kind, subject, message } = alert;
  engine.log[alertLevels[kind]]({ alert: kind, subject }, message);
}

/** The cause is gone: the alert closes, with one log line if it stood. */
export async function closeAlert(
  engine: Pick<Engine, 'store' | 'clock' | 'log'>,
  kind: AlertKind,
  subject: string,
): Promise<void> {
  const closed = await engine.store.duties.resolveAlert(kind, subject, engine.clock.now());
  if (closed) engine.log.info({ alert: kind, subject }, `over: ${kind} of ${subject}`);
}
