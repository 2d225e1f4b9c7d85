import { createHash } from 'node:crypto';
import type { Random } from '../kit/random.ts';
import { platformMs } from '../kit/time.ts';

/** A Standard queue: at least once, in roughly the order of arrival (AMZ-2.5, last verified 2026-11). */
export interface Queue {
  readonly arn: string;
  readonly url: string;
  /** `told` hears when the message was deleted (`ok`), and when a receive ran out without that (`failed`). */
  send(body: string, told: Told | null): void;
  /** Up to `max` messages, as soon as there is one, none after `waitMs` or when nobody waits any more. */
  receive(ask: {
    max: number;
    waitMs: number;
    visibilityMs: number;
    gone: () => boolean;
  }): Promise<Received[]>;
  /** `stale`: a handle of an earlier receive, which deletes nothing although it looks so. */
  remove(handle: string): 'removed' | 'stale' | 'unknown';
  setVisibility(handle: string, visibilityMs: number): 'set' | 'not-in-flight' | 'unknown';
  counts(): { visible: number; inFlight: number; dead: number };
  /** Bodies that wait, in order, without receiving them. For tests. */
  bodies(): string[];
  /** Bodies that were received ten times and never deleted. */
  deadBodies(): string[];
  /** Long polls that hang. */
  waiting(): number;
  /** Every message in flight is visible again now, as if its visibility time-out were over. */
  expire(): void;
  /** Ends all waiting. */
  stop(): void;
}

export type Told = (receipt: { outcome: 'ok' | 'failed'; ms: number; receives: number }) => void;

export interface Received {
  messageId: string;
  handle: string;
  body: string;
  md5: string;
  sentAt: number;
  firstReceivedAt: number;
  receives: number;
}

interface Message extends Received {
  told: Told | null;
  receivedAt: number;
  visibleAt: number;
  state: 'visible' | 'flying' | 'removed' | 'dead';
}

/** A message that was received so often without being deleted goes to the dead-letter queue. */
const maxReceives = 10;

export function createQueue(options: {
  name: string;
  awsRegion: string;
  accountId: string;
  random: Random;
  timeScale: number;
  now: () => number;
  uuid: () => string;
}): Queue {
  const { random, timeScale, now, awsRegion, accountId, name } = options;
  let visible: Message[] = [];
  let head = 0;
  let visibleCount = 0;
  const flying = new Map<string, Message>();
  const byId = new Map<string, Message>();
  const dead: string[] = [];
  const waiters = new Set<() => void>();
  let wakeTimer: NodeJS.Timeout | null = null;
  let nextExpiry = Number.POSITIVE_INFINITY;
  let stopped = false;

  const wake = () => {
    for (const waiter of [...waiters]) waiter();
  };

  const show = (message: Message) => {
    message.state = 'visible';
    visible.push(message);
    visibleCount += 1;
  };

  const bury = (message: Message) => {
    message.state = 'dead';
    byId.delete(message.messageId);
    dead.push(message.body);
  };

  /** Receives that ran out come back; the message has another handle next time. */
  const reclaim = (at: number) => {
    if (at < nextExpiry) return;
    nextExpiry = Number.POSITIVE_INFINITY;
    for (const message of flying.values()) {
      if (message.visibleAt > at) {
        nextExpiry = Math.min(nextExpiry, message.visibleAt);
        continue;
      }
      flying.delete(message.messageId);
      message.told?.({ outcome: 'failed', ms: at - message.receivedAt, receives: message.receives });
      if (message.receives >= maxReceives) bury(message);
      else show(message);
    }
  };

  const next = (): Message | undefined => {
    while (head < visible.length && visible[head]?.state !== 'visible') head += 1;
    if (head > 10_000 && head * 2 > visible.length) {
      visible = visible.slice(head);
      head = 0;
    }
    if (head >= visible.length) return undefined;
    // Best effort is no promise: now and then a later one comes first.
    const place = random.chance(0.1) ? Math.min(visible.length - 1, head + random.int(0, 7)) : head;
    const first = visible[head];
    const chosen = visible[place];
    if (chosen === undefined || first === undefined || chosen.state !== 'visible') return first;
    visible[place] = first;
    visible[head] = chosen;
    return chosen;
  };

  const take = (max: number, visibilityMs: number): Received[] => {
    const at = now();
    reclaim(at);
    const taken: Received[] = [];
    while (taken.length < max) {
      const message = next();
      if (message === undefined) break;
      head += 1;
      visibleCount -= 1;
      message.state = 'flying';
      message.receives += 1;
      message.receivedAt = at;
      if (message.receives === 1) message.firstReceivedAt = at;
      message.visibleAt = at + platformMs(visibilityMs, timeScale);
      message.handle = handleOf(message, random);
      flying.set(message.messageId, message);
      nextExpiry = Math.min(nextExpiry, message.visibleAt);
      taken.push({ ...message });
    }
    if (waiters.size > 0) arrangeWake();
    return taken;
  };

  const arrangeWake = () => {
    if (wakeTimer !== null) clearTimeout(wakeTimer);
    wakeTimer = null;
    if (waiters.size === 0 || nextExpiry === Number.POSITIVE_INFINITY) return;
    wakeTimer = setTimeout(
      () => {
        wakeTimer = null;
        wake();
        arrangeWake();
      },
      Math.max(1, nextExpiry - now()),
    );
  };

  const find = (handle: string): { message: Message; current: boolean } | null => {
    const [id = '', receive = ''] = Buffer.from(handle, 'base64').toString('utf8').split(' ');
    const message = byId.get(id);
    return message === undefined ? null : { message, current: String(message.receives) === receive };
  };

  return {
    arn: `arn:aws:sqs:${awsRegion}:${accountId}:${name}`,
    url: `https://sqs.${awsRegion}.amazonaws.com/${accountId}/${name}`,
    send(body, told) {
      const message: Message = {
        messageId: options.uuid(),
        handle: '',
        body,
        md5: createHash('md5').update(body).digest('hex'),
        sentAt: now(),
        firstReceivedAt: 0,
        receives: 0,
        told,
        receivedAt: 0,
        visibleAt: 0,
        state: 'visible',
      };
      byId.set(message.messageId, message);
      show(message);
      wake();
    },
    receive: ({ max, waitMs, visibilityMs, gone }) => {
      const atOnce = take(max, visibilityMs);
      if (atOnce.length > 0 || waitMs === 0 || stopped) return Promise.resolve(atOnce);
      return new Promise((resolve) => {
        const end = (messages: Received[]) => {
          clearTimeout(timer);
          waiters.delete(look);
          resolve(messages);
        };
        const look = () => {
          if (stopped || gone()) return end([]);
          const messages = take(max, visibilityMs);
          if (messages.length > 0) end(messages);
        };
        const timer = setTimeout(() => end([]), platformMs(waitMs, timeScale));
        waiters.add(look);
        arrangeWake();
      });
    },
    remove(handle) {
      const found = find(handle);
      if (found === null) return isHandle(handle) ? 'removed' : 'unknown';
      const { message, current } = found;
      if (!current) return 'stale';
      const flew = flying.delete(message.messageId);
      if (!flew) visibleCount -= 1;
      byId.delete(message.messageId);
      message.state = 'removed';
      message.told?.({ outcome: 'ok', ms: now() - message.receivedAt, receives: message.receives });
      return 'removed';
    },
    setVisibility(handle, visibilityMs) {
      const found = find(handle);
      if (found === null) return isHandle(handle) ? 'not-in-flight' : 'unknown';
      if (!found.current || found.message.state !== 'flying') return 'not-in-flight';
      found.message.visibleAt = visibilityMs === 0 ? now() : now() + platformMs(visibilityMs, timeScale);
      nextExpiry = Math.min(nextExpiry, found.message.visibleAt);
      wake();
      arrangeWake();
      return 'set';
    },
    counts() {
      reclaim(now());
      return { visible: visibleCount, inFlight: flying.size, dead: dead.length };
    },
    bodies: () =>
      visible
        .slice(head)
        .filter(({ state }) => state === 'visible')
        .map(({ body }) => body),
    deadBodies: () => [...dead],
    waiting: () => waiters.size,
    expire() {
      for (const message of flying.values()) message.visibleAt = 0;
      nextExpiry = 0;
      reclaim(now());
      wake();
    },
    stop() {
      stopped = true;
      if (wakeTimer !== null) clearTimeout(wakeTimer);
      wakeTimer = null;
      wake();
    },
  };
}

function handleOf(message: Message, random: Random): string {
  return Buffer.from(`${message.messageId} ${message.receives} ${random.hex(80)}`).toString('base64');
}

/** A handle of a message that is deleted already: deleting twice is no error. */
function isHandle(handle: string): boolean {
  return /^[0-9a-f-]{36} \d+ [0-9a-f]+$/.test(Buffer.from(handle, 'base64').toString('utf8'));
}
