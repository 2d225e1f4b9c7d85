import type { Channel, OrderPage, PushLine, PushOutcome } from '../../src/channels/channel.ts';
import type { Clock } from '../../src/clock.ts';
import { AppError, EXIT } from '../../src/errors.ts';
import type { Random } from '../../src/sandbox/kit/random.ts';
import type { Store } from '../../src/store/store.ts';

/** One life of the process: it ends at any writing operation of the store, before or after its commit. */
export interface Life {
  dead: boolean;
  operations: number;
  /** The writing operation at which it ends, counted from its start; null: it lives on. */
  crashAt: { operation: number; side: 'before' | 'after' } | null;
}

/** Told of every operation that was committed while the process lived, and of the one that it died at. */
export interface Witness {
  committed(name: string, args: readonly unknown[], result: unknown): void;
  died(name: string, side: 'before' | 'after', args: readonly unknown[], result: unknown): void;
}

type Call = (...args: unknown[]) => unknown;

/** Operations that change nothing: to die there is to die at the next one that does. */
const reads =
  /\.(list|feeds|vaultGet|claim|refs|find|matches|openLines|get|due|view|page|countersOf|nextDueAt|actionsDue|unread|missedWebhooks|requestsWaiting|request|schedule|plan|alerts|status|oldestCount)$|^reports\.(?!resolve)/;

function isRead(name: string): boolean {
  return reads.test(name);
}

/** What a dead process waits for. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/**
 * The store as a mortal process sees it: after its death no operation is begun and none answers. `refuses`: whether
 * another process keeps the file locked for longer than this write can wait.
 */
export function mortalStore(
  store: Store,
  life: Life,
  witness: Witness,
  refuses: (name: string) => boolean,
): Store {
  const call = async (name: string, args: unknown[], run: () => unknown): Promise<unknown> => {
    if (life.dead) return never();
    if (!isRead(name) && refuses(name))
      throw new AppError('store_busy', 'another process keeps the database locked', {
        exitCode: EXIT.temporary,
      });
    if (!isRead(name)) life.operations += 1;
    const ends = !isRead(name) && life.operations === life.crashAt?.operation;
    if (ends && life.crashAt?.side === 'before') {
      life.dead = true;
      witness.died(name, 'before', args, undefined);
      return never();
    }
    const result = await run();
    witness.committed(name, args, result);
    if (ends && !life.dead) {
      life.dead = true;
      witness.died(name, 'after', args, result);
    }
    return life.dead ? never() : result;
  };
  const wrap = (name: string, part: object): object =>
    new Proxy(part, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof key !== 'string') return value;
        const path = name === '' ? key : `${name}.${key}`;
        if (typeof value === 'function') {
          return (...args: unknown[]) => call(path, args, () => (value as Call).apply(target, args));
        }
        return typeof value === 'object' && value !== null ? wrap(path, value) : value;
      },
    });
  return wrap('', store) as Store;
}

/** The clock of a mortal process: nobody wakes a dead one. */
export function mortalClock(clock: Clock, life: Life): Clock {
  return {
    now: () => clock.now(),
    sleep: async (ms, signal) => {
      if (life.dead) return never();
      await clock.sleep(ms, signal);
      return life.dead ? never() : undefined;
    },
  };
}

/** The wire between a mortal process and a platform: every call takes its time, and outlives the process. */
export function mortalChannel(
  channel: Channel,
  life: Life,
  wire: {
    clock: Clock;
    random: Random;
    longestMs: number;
    /** An adapter hangs up on an order action after so long. */
    timeoutMs: number;
    sending(lines: PushLine[]): void;
    answered(lines: PushLine[], outcomes: PushOutcome[]): void;
  },
): Channel {
  const travel = () => wire.clock.sleep(wire.random.int(0, wire.longestMs));
  const ask = async <T>(call: () => Promise<T>): Promise<T> => {
    if (life.dead) return never();
    await travel();
    const answer = await call().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    if (life.dead) return never();
    await travel();
    if (life.dead) return never();
    if ('error' in answer) throw answer.error;
    return answer.value;
  };
  const inTime = async <T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const over = new AbortController();
    void wire.clock.sleep(wire.timeoutMs).then(() => over.abort());
    return await ask(() => call(AbortSignal.any([signal, over.signal])));
  };
  const { hold, cancel, openOrders } = channel;
  async function* pages(from: AsyncIterable<OrderPage>): AsyncGenerator<OrderPage> {
    for await (const page of from) yield await ask(async () => page);
  }
  return {
    ...channel,
    identity: (signal) => ask(() => channel.identity(signal)),
    readStock: (listings, signal) => ask(() => channel.readStock(listings, signal)),
    setStock: async (lines, signal) => {
      if (!life.dead) wire.sending(lines);
      const outcomes = await ask(() => channel.setStock(lines, signal));
      wire.answered(lines, outcomes);
      return outcomes;
    },
    fetchOrders: (ids, signal) => ask(() => channel.fetchOrders(ids, signal)),
    ...(hold === undefined ? {} : { hold: (order, signal) => inTime(signal, (timed) => hold(order, timed)) }),
    ...(cancel === undefined
      ? {}
      : { cancel: (order, signal) => inTime(signal, (timed) => cancel(order, timed)) }),
    ordersSince: (since, signal) => pages(channel.ordersSince(since, signal)),
    ordersCreatedSince: (since, signal) => pages(channel.ordersCreatedSince(since, signal)),
    ...(openOrders === undefined ? {} : { openOrders: (signal) => pages(openOrders(signal)) }),
  };
}
