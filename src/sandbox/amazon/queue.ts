import { createHash } from 'node:crypto';
import type { Random } from '../kit/random.ts';
import { platformMs } from '../kit/time.ts';
import type { Site } from './site.ts';

/** Hears when the message was deleted (`ok`), and when a receive ran out without that (`failed`). */
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

export type Queue = ReturnType<typeof createQueue>;

/** A Standard queue: at least once, in roughly the order of arrival (AMZ-2.5, last verified 2026-11). */
export function createQueue(site: Site) {
  const random = site.random.fork('queue');
  const { now, timeScale } = site;
  const byId = new Map<string, Message>();
  const dead: string[] = [];
  const shelf = createShelf(random);
  const flights = createFlights((message, at) => {
    message.told?.({ outcome: 'failed', ms: at - message.receivedAt, receives: message.receives });
    if (message.receives < maxReceives) return shelf.put(message);
    message.state = 'dead';
    byId.delete(message.messageId);
    dead.push(message.body);
  });

  const take = (max: number, visibilityMs: number): Received[] => {
    const at = now();
    flights.reclaim(at);
    const taken: Received[] = [];
    for (let message = shelf.take(max); message !== undefined; message = shelf.take(max - taken.length)) {
      received(message, at, random);
      flights.add(message, at + platformMs(visibilityMs, timeScale));
      taken.push({ ...message });
    }
    if (polls.waiting() > 0) polls.arrange();
    return taken;
  };
  const polls = createPolls(site, { take, nextExpiry: flights.nextExpiry });

  return {
    ...addressOf(site),
    ...polls,
    send(body: string, told: Told | null): void {
      const message = newMessage(site, body, told);
      byId.set(message.messageId, message);
      shelf.put(message);
      polls.wake();
    },
    /** `stale`: deletes nothing although it looks so. Deleting twice is no error. */
    remove(handle: string): 'removed' | 'stale' | 'unknown' {
      const found = foundBy(handle, byId);
      if (typeof found === 'string') return found === 'gone' ? 'removed' : found;
      if (!flights.drop(found)) shelf.forget();
      byId.delete(found.messageId);
      found.state = 'removed';
      found.told?.({ outcome: 'ok', ms: now() - found.receivedAt, receives: found.receives });
      return 'removed';
    },
    setVisibility(handle: string, visibilityMs: number): 'set' | 'not-in-flight' | 'unknown' {
      const found = foundBy(handle, byId);
      if (found === 'unknown') return found;
      if (typeof found === 'string' || found.state !== 'flying') return 'not-in-flight';
      flights.add(found, visibilityMs === 0 ? now() : now() + platformMs(visibilityMs, timeScale));
      polls.wake();
      polls.arrange();
      return 'set';
    },
    counts() {
      flights.reclaim(now());
      return { visible: shelf.size(), inFlight: flights.size(), dead: dead.length };
    },
    bodies: shelf.bodies,
    /** Bodies that were received ten times and never deleted. */
    deadBodies: () => [...dead],
    /** Every message in flight is visible again now, as if its visibility time-out were over. */
    expire() {
      flights.expire(now());
      polls.wake();
    },
  };
}

/** `stale`: a handle of an earlier receive. `gone`: of a message that is deleted already. */
function foundBy(handle: string, byId: ReadonlyMap<string, Message>): Message | 'stale' | 'gone' | 'unknown' {
  const text = Buffer.from(handle, 'base64').toString('utf8');
  const [id = '', receive = ''] = text.split(' ');
  const message = byId.get(id);
  if (message !== undefined) return String(message.receives) === receive ? message : 'stale';
  return /^[0-9a-f-]{36} \d+ [0-9a-f]+$/.test(text) ? 'gone' : 'unknown';
}

/** The messages that can be received, in roughly the order in which they became so. */
function createShelf(random: Random) {
  let visible: Message[] = [];
  let head = 0;
  let count = 0;

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

  return {
    put(message: Message): void {
      message.state = 'visible';
      visible.push(message);
      count += 1;
    },
    /** The next one, if one is wanted still. */
    take(wanted: number): Message | undefined {
      const message = wanted > 0 ? next() : undefined;
      if (message === undefined) return undefined;
      head += 1;
      count -= 1;
      return message;
    },
    /** One of them was deleted: its state tells which. */
    forget(): void {
      count -= 1;
    },
    size: () => count,
    /** Bodies that wait, in order, without receiving them. For tests. */
    bodies: () =>
      visible
        .slice(head)
        .filter(({ state }) => state === 'visible')
        .map(({ body }) => body),
  };
}

/** The messages that were received and not deleted; `end` gets those whose visibility time-out is over. */
function createFlights(end: (message: Message, at: number) => void) {
  const flying = new Map<string, Message>();
  let nextExpiry = Number.POSITIVE_INFINITY;

  /** Receives that ran out come back; the message has another handle next time. */
  const reclaim = (at: number): void => {
    if (at < nextExpiry) return;
    nextExpiry = Number.POSITIVE_INFINITY;
    for (const message of flying.values()) {
      if (message.visibleAt > at) {
        nextExpiry = Math.min(nextExpiry, message.visibleAt);
        continue;
      }
      flying.delete(message.messageId);
      end(message, at);
    }
  };

  return {
    reclaim,
    add(message: Message, visibleAt: number): void {
      message.state = 'flying';
      message.visibleAt = visibleAt;
      flying.set(message.messageId, message);
      nextExpiry = Math.min(nextExpiry, visibleAt);
    },
    drop: ({ messageId }: Message) => flying.delete(messageId),
    expire(at: number): void {
      for (const message of flying.values()) message.visibleAt = 0;
      nextExpiry = 0;
      reclaim(at);
    },
    size: () => flying.size,
    nextExpiry: () => nextExpiry,
  };
}

/** Receives, and those of them that hang until something comes. */
function createPolls(
  { now, timeScale }: Site,
  queue: { take(max: number, visibilityMs: number): Received[]; nextExpiry(): number },
) {
  const waiters = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const wake = (): void => {
    for (const waiter of [...waiters]) waiter();
  };

  /** Looks again when the next message in flight comes back. */
  const arrange = (): void => {
    clearTimeout(timer);
    const at = queue.nextExpiry();
    if (waiters.size === 0 || at === Number.POSITIVE_INFINITY) return;
    const look = () => {
      wake();
      arrange();
    };
    timer = setTimeout(look, Math.max(1, at - now()));
  };

  return {
    wake,
    arrange,
    /** Long polls that hang. */
    waiting: () => waiters.size,
    /** Up to `max` messages, as soon as there is one, none after `waitMs` or when nobody waits any more. */
    receive(ask: {
      max: number;
      waitMs: number;
      visibilityMs: number;
      gone(): boolean;
    }): Promise<Received[]> {
      const { max, waitMs, visibilityMs, gone } = ask;
      const atOnce = queue.take(max, visibilityMs);
      if (atOnce.length > 0 || waitMs === 0 || stopped) return Promise.resolve(atOnce);
      return new Promise((resolve) => {
        const end = (messages: Received[]) => {
          clearTimeout(patience);
          waiters.delete(look);
          resolve(messages);
        };
        const look = () => {
          if (stopped || gone()) return end([]);
          const messages = queue.take(max, visibilityMs);
          if (messages.length > 0) end(messages);
        };
        const patience = setTimeout(() => end([]), platformMs(waitMs, timeScale));
        waiters.add(look);
        arrange();
      });
    },
    /** Ends all waiting. */
    stop(): void {
      stopped = true;
      clearTimeout(timer);
      wake();
    },
  };
}

function addressOf({ region, awsAccountId, awsName }: Site) {
  return {
    arn: `arn:aws:sqs:${region.awsRegion}:${awsAccountId}:${awsName}`,
    url: `https://sqs.${region.awsRegion}.amazonaws.com/${awsAccountId}/${awsName}`,
  };
}

function newMessage(site: Site, body: string, told: Told | null): Message {
  return {
    messageId: site.uuid(),
    handle: '',
    body,
    md5: createHash('md5').update(body).digest('hex'),
    sentAt: site.now(),
    firstReceivedAt: 0,
    receives: 0,
    told,
    receivedAt: 0,
    visibleAt: 0,
    state: 'visible',
  };
}

function received(message: Message, at: number, random: Random): void {
  message.receives += 1;
  message.receivedAt = at;
  if (message.receives === 1) message.firstReceivedAt = at;
  const handle = `${message.messageId} ${message.receives} ${random.hex(80)}`;
  message.handle = Buffer.from(handle).toString('base64');
}
