import { type Clock, spanText } from '../clock.ts';
import type { Log } from '../log.ts';

const firstWindowMs = 60_000;
const longestWindowMs = 3_600_000;
/** Alerts of one kind are about different things: a few are told each, a flood is counted. */
const alertsAtOnce = 5;

/** What is known of lines that say the same of the same thing. */
interface Window {
  endsAt: number;
  lengthMs: number;
  told: number;
  /** Kept back since the last line. */
  more: number;
  say(more: number, lengthMs: number): void;
}

type Level = 'info' | 'warn' | 'error';

/** A log in which nothing repeats for ever. `flush` tells what is counted so far. */
export interface CalmLog extends Log {
  flush(): void;
  /** Passes everything at once: for answers to what a person has just asked for. */
  readonly atOnce: Log;
}

/**
 * The first line of its kind passes at once (of alerts the first five within a minute); the same again is counted, and
 * told as one line with the count after a minute, then two, and so on up to an hour, as long as it goes on. What is
 * said at debug level passes as it is.
 */
export function calmLog(log: Log, clock: Clock): CalmLog {
  const windows = new Map<string, Window>();
  let ticking = false;
  const tell = (key: string, window: Window): void => {
    if (window.more > 0) window.say(window.more, window.lengthMs);
    if (window.more === 0) windows.delete(key);
    window.lengthMs = Math.min(window.lengthMs * 2, longestWindowMs);
    window.endsAt = clock.now() + window.lengthMs;
    window.more = 0;
  };
  const review = (): void => {
    const now = clock.now();
    // A clock that stepped back must not keep a count for hours.
    for (const [key, window] of windows)
      if (window.endsAt <= now || window.endsAt > now + window.lengthMs) tell(key, window);
  };
  const tick = (): void => {
    if (ticking || windows.size === 0) return;
    ticking = true;
    void clock.sleep(1_000).then(() => {
      ticking = false;
      review();
      tick();
    });
  };
  const on = (to: Log, within: string): Log => {
    const at =
      (level: Level) =>
      (facts: object, message: string): void => {
        review();
        const key = keyOf(level, within, facts, message);
        const most = 'alert' in facts ? alertsAtOnce : 1;
        const known = windows.get(key);
        const say = (more: number, lengthMs: number) =>
          to[level](facts, more === 1 ? message : `${message} (${countedText(more - 1, lengthMs)})`);
        if (known !== undefined && known.told >= most) {
          known.more += 1;
          known.say = say;
          return;
        }
        const fresh = { endsAt: clock.now() + firstWindowMs, lengthMs: firstWindowMs, told: 0, more: 0, say };
        const window = known ?? fresh;
        windows.set(key, window);
        window.told += 1;
        to[level](facts, message);
        tick();
      };
    return {
      debug: (facts, message) => to.debug(facts, message),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (bindings) => on(to.child(bindings), `${within} ${JSON.stringify(bindings)}`),
    };
  };
  return {
    ...on(log, ''),
    atOnce: log,
    flush: () => {
      for (const [key, window] of [...windows]) tell(key, window);
    },
  };
}

function countedText(more: number, lengthMs: number): string {
  return `and ${more} more of the kind within ${spanText(lengthMs)}`;
}

/** Alerts are alike by their kind, other lines by what they say of what. */
function keyOf(level: Level, within: string, facts: object, message: string): string {
  const about = facts as { alert?: string; channel?: string; duty?: string; work?: string };
  if (about.alert !== undefined) return `${level} ${about.alert}`;
  return [level, within, about.channel, about.duty, about.work, message].join(' ');
}
