import { messageOf } from '../errors.ts';
import { type AlertKind, alertLevels, type NewAlert, type Store } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { createLoop, type Loop } from './loop.ts';
import { isPassing, surely } from './surely.ts';

type Teller = Pick<Engine, 'store' | 'clock' | 'log'>;

/** What the store was too busy to take, by kind and subject: the last word on each counts. */
const waiting = new WeakMap<Store, Map<string, () => Promise<void>>>();

/**
 * Work never waits for the telling, nor fails by it: where the store is busy for a moment the word is kept, and
 * written as soon as it takes it. What comes later about the same subject replaces it.
 */
export async function tell(engine: Teller, key: string, write: () => Promise<void>): Promise<void> {
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
  if (opened) say(engine, 'opened', alert);
}

/** The cause is gone: the alert closes, with one log line if it stood. Asking costs a look only. */
export function closeAlert(engine: Teller, kind: AlertKind, subject: string): Promise<void> {
  const { duties } = engine.store;
  return tell(engine, keyOf(kind, subject), async () => {
    if (!(await duties.alertStands(kind, subject))) return;
    const closed = await duties.resolveAlert(kind, subject, engine.clock.now());
    if (closed) say(engine, 'closed', { kind, subject, message: '' });
  });
}

function keyOf(kind: AlertKind, subject: string): string {
  return `${kind} ${subject}`;
}

/**
 * Alerts whose cause stands in the books open and close by what the books say, whoever changed them; what commands
 * opened and closed is logged here too.
 */
export function reviewAlerts(engine: Teller): Promise<void> {
  const { duties } = engine.store;
  return tell(engine, 'the books', async () => {
    const now = engine.clock.now();
    if (!(await duties.alertsToReview(now))) return;
    for (const event of await duties.reviewAlerts(now, 'logs')) say(engine, event.what, event);
  });
}

function say(
  { log }: Teller,
  what: 'opened' | 'closed',
  { kind, subject, message }: Omit<NewAlert, 'channelId'>,
): void {
  if (what === 'opened') log[alertLevels[kind]]({ alert: kind, subject }, message);
  else log.info({ alert: kind, subject }, `over: ${kind} of ${subject}`);
}

const restMs = 2_000;

/** Looks at the books for causes that came or went without a duty that told at once. */
export function createAlertUpkeep(engine: Engine): Loop {
  return createLoop(engine, 'alerts', async () => {
    await reviewAlerts(engine);
    return restMs;
  });
}
