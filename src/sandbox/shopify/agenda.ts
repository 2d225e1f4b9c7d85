/**
 * What the platform will do later: deliveries, jobs, exports, late writes. Real timers run it; `settle` runs all of
 * it at once in due order, so that a test waits for nothing.
 */
export interface Agenda {
  /** `group` limits how many run at once within it. */
  add(task: { afterMs: number; group: string; run: () => Promise<void> | void }): void;
  /** Waiting and running tasks. */
  size(): number;
  /** Runs everything that waits, and what that adds, one after the other until nothing is left. */
  settle(): Promise<void>;
  stop(): void;
}

interface Task {
  at: number;
  order: number;
  group: string;
  run: () => Promise<void> | void;
}

export function createAgenda(limits: Record<string, number>): Agenda {
  let waiting: Task[] = [];
  const running = new Map<string, number>();
  const inFlight = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let settling = false;
  let count = 0;

  const busy = (group: string) => running.get(group) ?? 0;
  const run = async (task: Task): Promise<void> => {
    try {
      await task.run();
    } finally {
      running.set(task.group, busy(task.group) - 1);
    }
  };
  const start = (task: Task): Promise<void> => {
    running.set(task.group, busy(task.group) + 1);
    const done: Promise<void> = run(task).finally(() => {
      inFlight.delete(done);
      arrange();
    });
    inFlight.add(done);
    return done;
  };
  const free = (task: Task) => busy(task.group) < (limits[task.group] ?? Number.POSITIVE_INFINITY);
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
    if (stopped || settling) return;
    const next = waiting.find(free);
    if (next !== undefined) timer = setTimeout(tick, Math.max(0, next.at - Date.now()));
  };

  return {
    add({ afterMs, group, run }) {
      if (stopped) return;
      count += 1;
      const task: Task = { at: Date.now() + afterMs, order: count, group, run };
      const place = waiting.findIndex((other) => other.at > task.at);
      waiting.splice(place === -1 ? waiting.length : place, 0, task);
      arrange();
    },
    size: () => waiting.length + inFlight.size,
    async settle() {
      settling = true;
      arrange();
      try {
        while (waiting.length + inFlight.size > 0 && !stopped) {
          await Promise.all(inFlight);
          const task = waiting.shift();
          if (task !== undefined) await start(task);
        }
      } finally {
        settling = false;
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
