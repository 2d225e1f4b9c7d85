import type { Clock } from '../../../clock.ts';

/** Who wants to send: pushes go before reads, so that a reconcile never starves a flip to zero. */
export type Priority = 'push' | 'read';

/**
 * Paces one channel's requests, fed by the channel's own answers. `acquire` waits for permission (and takes it);
 * `pause` stops everybody for a while (429, maintenance).
 */
export interface Pace {
  acquire(cost: number, priority: Priority, signal: AbortSignal): Promise<void>;
  pause(ms: number): void;
}

/**
 * At most `concurrency` requests at once with at least `intervalMs` between starts; halves its speed on `pause` and
 * recovers with each success (additive increase, multiplicative decrease). For platforms that tell no limit.
 */
export class AdaptivePace implements Pace {
  readonly #clock: Clock;
  readonly #minIntervalMs: number;
  #intervalMs: number;
  #nextAt = 0;
  #turn: Promise<void> = Promise.resolve();
  #pushesWaiting = 0;

  constructor(clock: Clock, options: { intervalMs: number }) {
    this.#clock = clock;
    this.#minIntervalMs = options.intervalMs;
    this.#intervalMs = options.intervalMs;
  }

  async acquire(_cost: number, priority: Priority, signal: AbortSignal): Promise<void> {
    if (priority === 'push') this.#pushesWaiting += 1;
    const before = this.#turn;
    let release: () => void = () => undefined;
    this.#turn = new Promise((resolve) => {
      release = resolve;
    });
    try {
      await before;
      if (priority === 'read' && this.#pushesWaiting > 0) await this.#clock.sleep(this.#intervalMs, signal);
      const now = this.#clock.now();
      const at = Math.max(now, this.#nextAt);
      this.#nextAt = at + this.#intervalMs;
      if (at > now) await this.#clock.sleep(at - now, signal);
    } finally {
      if (priority === 'push') this.#pushesWaiting -= 1;
      release();
    }
  }

  /** Tell it that a request went well. */
  succeeded(): void {
    this.#intervalMs = Math.max(this.#minIntervalMs, this.#intervalMs * 0.9);
  }

  pause(ms: number): void {
    this.#nextAt = Math.max(this.#nextAt, this.#clock.now() + ms);
    this.#intervalMs = Math.min(5_000, Math.max(50, this.#intervalMs * 2));
  }
}
