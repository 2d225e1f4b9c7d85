import type { Clock } from '../../clock.ts';
import { ChannelError, stopped } from '../errors.ts';

/** Who wants to send: pushes go before reads, so that a reconcile never starves a flip to zero. */
export type Priority = 'push' | 'read';

/** One request that wants to leave. */
export interface Turn {
  /** Default `read`. */
  priority?: Priority | undefined;
  /** What it costs by the policy's measure; default 1. */
  cost?: number;
  signal: AbortSignal;
  /** Fails with `throttled` at once instead of waiting longer than this; default: that of the pace. */
  patienceMs?: number | undefined;
}

/** What a policy is asked about. */
export interface Wish {
  cost: number;
  priority: Priority;
  /** Requests that go before. */
  ahead: number;
  /** What the pushes that wait will cost. */
  pushCost: number;
}

/** How much a platform lets through. Arithmetic only: it is told the time and never waits. */
export interface Policy {
  /** Awaited once before the first request: what a former process knew. */
  recall?(now: number): Promise<void>;
  /** How long until a request may leave; 0: now. */
  waitMs(turn: Wish, now: number): number;
  take(cost: number, now: number): Promise<void> | undefined;
  succeeded(now: number): void;
  /** A request was refused for its rate. */
  refused(now: number): void;
  /** What answers tell rules, and comes back with the platform's time: a sleep that ended early does not count in full. */
  byTheClock?: true;
  /** The time that one request takes up, in the long run. */
  intervalMs(): number;
}

export interface PaceOptions {
  /** Requests under way at once; default: any number. */
  inFlight?: number;
  firstRestMs?: number;
  mostRestMs?: number;
  longestPauseMs?: number;
  /** Who would wait longer fails with `throttled` at once; default: nobody does. */
  patienceMs?: number;
  /** Share of the rest that chance may take off, 0 to 1, drawn for each refusal. */
  jitter?: () => number;
}

interface Waiter {
  priority: Priority;
  cost: number;
  go(): void;
}

/** Waits that follow each other before a request is let go anyway; guards against a clock that stands. */
const mostRounds = 100;

export type Pace = ReturnType<typeof createPace>;

/** The one queue of a channel's requests (or of a family of them), fed by the platform's own answers. */
export function createPace(clock: Clock, policy: Policy, options: PaceOptions = {}) {
  const { inFlight = Number.POSITIVE_INFINITY } = options;
  const waiting: Waiter[] = [];
  let recalling: Promise<void> | undefined;
  let underWay = 0;
  let admitting = false;
  const { now, rest, wake } = createRests(clock, policy);
  const { restUntil, succeeded, refused } = createRefusals(policy, options, now);
  const recalled = (): Promise<void> | undefined => {
    recalling ??= policy.recall?.(now());
    return recalling;
  };

  const waitMs = (wish: Omit<Wish, 'pushCost'>): number => {
    const pushes = waiting.filter((each) => each.priority === 'push');
    const pushCost = pushes.reduce((sum, each) => sum + each.cost, 0);
    return Math.max(policy.waitMs({ ...wish, pushCost }, now()), restUntil() - now(), 0);
  };
  const admit = async (): Promise<void> => {
    if (admitting) return;
    admitting = true;
    if (policy.recall !== undefined) await recalled();
    let rounds = 0;
    while (waiting.length > 0 && underWay < inFlight) {
      const next = nextOf(waiting);
      const { cost, priority } = next;
      const ms = waitMs({ cost, priority, ahead: 0 });
      if (ms > 0 && rounds < mostRounds) {
        rounds += 1;
        await rest(ms);
        continue;
      }
      rounds = 0;
      waiting.splice(waiting.indexOf(next), 1);
      underWay += 1;
      await policy.take(cost, now());
      next.go();
    }
    admitting = false;
  };

  return {
    /** Runs `work` when it is its turn; its failure is the caller's alone. Throws `retry` when stopped while waiting. */
    async run<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
      const { priority = 'read', cost = 1, signal, patienceMs = options.patienceMs } = turn;
      if (signal.aborted) throw stopped();
      if (patienceMs !== undefined) {
        await recalled();
        const afterMs = waitMs({ cost, priority, ahead: waiting.length });
        if (afterMs > patienceMs)
          throw new ChannelError('throttled', 'the budget of this request is used up', { afterMs });
      }
      const turned = enter(waiting, { cost, priority, signal, left: wake });
      if (priority === 'push') wake();
      void admit();
      await turned;
      try {
        if (signal.aborted) throw stopped();
        return await work();
      } finally {
        underWay -= 1;
        void admit();
      }
    },
    /** The time that its policy is told, for what answers tell the policy. */
    now,
    succeeded,
    refused,
  };
}

/** Joins the queue; resolves when let go, fails with `retry` when stopped before, and then tells `left`. */
function enter(
  waiting: Waiter[],
  { signal, left, ...turn }: Omit<Waiter, 'go'> & { signal: AbortSignal; left(): void },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiter: Waiter = {
      ...turn,
      go() {
        signal.removeEventListener('abort', leave);
        resolve();
      },
    };
    const leave = (): void => {
      const at = waiting.indexOf(waiter);
      if (at < 0) return;
      waiting.splice(at, 1);
      left();
      reject(stopped());
    };
    signal.addEventListener('abort', leave, { once: true });
    waiting.push(waiter);
  });
}

/** The waits before a request is let go, which `wake` ends. */
function createRests(clock: Clock, policy: Policy) {
  let resting: AbortController | null = null;
  /** A sleep counts in its full length whatever the clock says afterwards: one that was set back holds up nobody. */
  let ahead = 0;
  return {
    now: (): number => clock.now() + ahead,
    async rest(ms: number): Promise<void> {
      resting = new AbortController();
      const { signal } = resting;
      const began = clock.now();
      await clock.sleep(ms, signal);
      if (!signal.aborted && policy.byTheClock !== true) ahead += Math.max(0, ms - (clock.now() - began));
      resting = null;
    },
    wake: (): void => resting?.abort(),
  };
}

/** What refusals for the rate cost: the longer the more there are in a row. */
function createRefusals(policy: Policy, options: PaceOptions, now: () => number) {
  const { longestPauseMs = 5_000, firstRestMs = 1_000 } = options;
  let until = Number.NEGATIVE_INFINITY;
  let refusals = 0;
  return {
    restUntil: (): number => until,
    succeeded(): void {
      refusals = 0;
      policy.succeeded(now());
    },
    /**
     * A request was refused for its rate. Returns how long to stay away: as told (the first rest at least), however many
     * refusals came before; else 1 s doubled with each in a row, one turn of the rate at least. Who asks here meanwhile
     * waits `longestPauseMs` at most; longer rests are for the engine, which is told, so that nobody hangs.
     */
    refused(toldMs: number | null): number {
      const share = 1 - (options.jitter?.() ?? 0);
      const grown = firstRestMs * 2 ** Math.min(20, refusals) * share;
      refusals += 1;
      policy.refused(now());
      const ownMs = Math.max(Math.min(options.mostRestMs ?? 60_000, grown), policy.intervalMs());
      const isTold = toldMs !== null && toldMs > 0;
      const restMs = Math.ceil(isTold ? Math.max(toldMs, firstRestMs) : ownMs);
      until = Math.max(until, now() + Math.min(restMs, longestPauseMs));
      return restMs;
    },
  };
}

/** The first push, or the first of all. */
function nextOf(waiting: readonly Waiter[]): Waiter {
  const next = waiting.find(({ priority }) => priority === 'push') ?? waiting[0];
  if (next === undefined) throw new Error('nobody waits');
  return next;
}
