import { messageOf } from '../errors.ts';
import { type AlertKind, alertLevels, type NewAlert, type Store } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { isPassing, surely } from './surely.ts';

type Teller = Pick<Engine, 'store' | 'clock' | 'log'>;

/** What the store was too busy to take, by kind and subject: the last word on each counts. */
const waiting = new WeakMap<Store, Map<string, () => Promise<void>>>();

/**
 * Work never waits for the telling, nor fails by it: where the store is busy for a moment the word is kept, and
 * written as soon as it takes it. What comes later about the same subject replaces it.
 */
async function tell(engine: Teller, key: string, write: () => Promise<void>): Promise<void> {
  const words = waiting.get(engine.store) ?? new Map<string, () => Promise<void>>();
  waiting.set(engine.store, words);
  if (words.has(key)) {
    words.set(key, write);
    return;
  }
  try {
    await write();
  } catch (error) {
    if (!isPassing(error)) throw error;
    words.set(key, write);
    surely(engine, 'an alert', () => lastWord(words, key)).catch((lost: unknown) => {
      words.delete(key);
      engine.log.error({ error: messageOf(lost) }, 'alert not kept');
    });
  }
}

async function lastWord(words: Map<string, () => Promise<void>>, key: string): Promise<void> {
  for (;;) {
    const word = words.get(key);
    await word?.();
    if (words.get(key) !== word) continue;
    words.delete(key);
    return;
  }
}

/** Tells people: a row that stands until its cause is gone, and one log line when it opens. */
export function openAlert(engine: Teller, alert: NewAlert): Promise<void> {
  return tell(engine, keyOf(alert.kind, alert.subject), () => open(engine, alert));
}

async function open(engine: Teller, alert: NewAlert): Promise<void> {
  const opened = await engine.store.duties.raiseAlert(alert, engine.clock.now());
  if (!opened) return;
  const { kind, subject, message } = alert;
  engine.log[alertLevels[kind]]({ alert: kind, subject }, message);
}

/** The cause is gone: the alert closes, with one log line if it stood. */
export function closeAlert(engine: Teller, kind: AlertKind, subject: string): Promise<void> {
  return tell(engine, keyOf(kind, subject), async () => {
    const closed = await engine.store.duties.resolveAlert(kind, subject, engine.clock.now());
    if (closed) engine.log.info({ alert: kind, subject }, `over: ${kind} of ${subject}`);
  });
}

function keyOf(kind: AlertKind, subject: string): string {
  return `${kind} ${subject}`;
}
