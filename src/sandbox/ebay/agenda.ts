/** Everything that the platform does later: deliveries, checkouts, late writes. Drivable by tests, silent after stop. */
export interface Agenda {
  /** `lane`s run in parallel; at most `limits[lane]` tasks of one at once. */
  add(task: { afterMs: number; lane: string; run: () => Promise<void> | void }): void;
  /** Waiting and running tasks. */
  size(): number;
  /** Runs everything that waits, and what that adds, in due order, until nothing is left. */
  settle(): Promise<void>;
  stop(): void;
}

interface Task {
  at: number;
  lane: string;
  run: () => Promise<void> | void;
}

/** Opens an agenda; a lane without a limit takes any number of tasks at once. */
export function createAgenda(limits: Record<string, number>): Agenda {
  let waiting: Task[] = [];
  const running = new Map<string, number>();
  const inFlight = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let settling = 0;

  const busy = (lane: string) => running.get(lane) ?? 0;
  const free = (task: Task) => busy(task.lane) < (limits[task.lane] ?? Number.POSITIVE_INFINITY);

  const start = (task: Task): Promise<void> => {
    running.set(task.lane, busy(task.lane) + 1);
    const done: Promise<void> = (async () => task.run())().finally(() => {
      running.set(task.lane, busy(task.lane) - 1);
      inFlight.delete(done);
      arrange();
    });
    inFlight.add(done);
    return done;
  };

  const tick = () => {
    timer = null;
    const now = Date.now();
    for (const task of waiting.filter(({ at }) => at <= now)) {
      if (!free(task)) continue;
      waiting = waiting.filter((other) => other !== task);
      void start(task);
    }
    arrange();
  };

  const arrange = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (stopped || settling > 0) return;
    const next = waiting.find(free);
    // Longer waits than a timer can hold are looked at again.
    if (next !== undefined)
      timer = setTimeout(tick, Math.min(2 ** 31 - 1, Math.max(0, next.at - Date.now())));
  };

  return {
    add({ afterMs, lane, run }) {
      if (stopped) return;
      const task: Task = { at: Date.now() + afterMs, lane, run };
      const place = waiting.findIndex((other) => other.at > task.at);
      waiting.splice(place === -1 ? waiting.length : place, 0, task);
      arrange();
    },
    size: () => waiting.length + inFlight.size,
    async settle() {
      settling += 1;
      arrange();
      try {
        while (waiting.length + inFlight.size > 0 && !stopped) {
          await Promise.all(inFlight);
          const task = waiting.shift();
          if (task !== undefined) await start(task);
        }
      } finally {
        settling -= 1;
        arrange();
      }
    },
    stop() {
      stopped = true;
      waiting = [];
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
