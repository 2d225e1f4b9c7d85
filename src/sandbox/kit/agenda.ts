/** Longer waits than a timer can hold are looked at again. */
const longestTimerMs = 2 ** 31 - 1;

interface Task {
  at: number;
  /** `limits` says how many run at once within it. */
  group: string;
  run: () => Promise<void> | void;
}

export type Agenda = ReturnType<typeof createAgenda>;

/**
 * What the platform will do later: notifications and their retries, payments, feeds, numbers that become visible.
 * Real timers run it; `settle` runs all of it at once in due order, so that a test waits for nothing. Groups that
 * `limits` does not name have no limit.
 */
export function createAgenda(limits: Record<string, number>) {
  let waiting: Task[] = [];
  const rooms = createRooms(limits);
  const inFlight = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let settling = 0;

  /** Of a task that has room. */
  const start = (task: Task): Promise<void> => {
    const done = (async () => task.run())().finally(() => {
      rooms.leave(task);
      inFlight.delete(done);
      arrange();
    });
    inFlight.add(done);
    return done;
  };

  const tick = () => {
    const due = dueOf(waiting, rooms);
    waiting = waiting.filter((task) => !due.has(task));
    for (const task of due) void start(task);
    arrange();
  };

  const arrange = () => {
    clearTimeout(timer);
    if (stopped || settling > 0) return;
    const next = waiting.find(rooms.isFree);
    if (next === undefined) return;
    timer = setTimeout(tick, Math.min(longestTimerMs, Math.max(0, next.at - Date.now())));
  };

  return {
    add({ afterMs, ...task }: { afterMs: number } & Omit<Task, 'at'>): void {
      if (stopped) return;
      insert(waiting, { at: Date.now() + afterMs, ...task });
      arrange();
    },
    /** Waiting and running tasks; those that wait in one group. */
    size(group?: string): number {
      if (group === undefined) return waiting.length + inFlight.size;
      return waiting.filter((task) => task.group === group).length;
    },
    /** Runs everything that waits, and what that adds, one after the other until nothing is left. */
    async settle(): Promise<void> {
      settling += 1;
      arrange();
      try {
        while (waiting.length + inFlight.size > 0 && !stopped) {
          await Promise.all(inFlight);
          const task = waiting.shift();
          if (task === undefined) continue;
          rooms.enter(task);
          await start(task);
        }
      } finally {
        settling -= 1;
        arrange();
      }
    },
    stop(): void {
      stopped = true;
      waiting = [];
      clearTimeout(timer);
    },
  };
}

/** Behind those that are due no later. */
function insert(waiting: Task[], task: Task): void {
  let place = waiting.length;
  while (place > 0 && (waiting[place - 1]?.at ?? 0) > task.at) place -= 1;
  waiting.splice(place, 0, task);
}

/** How many run within each group. */
function createRooms(limits: Record<string, number>) {
  const running = new Map<string, number>();
  const busy = (group: string) => running.get(group) ?? 0;
  return {
    isFree: ({ group }: Task) => busy(group) < (limits[group] ?? Number.POSITIVE_INFINITY),
    enter: ({ group }: Task) => void running.set(group, busy(group) + 1),
    leave: ({ group }: Task) => void running.set(group, busy(group) - 1),
  };
}

/** What is due and has room, which it enters. */
function dueOf(waiting: readonly Task[], { isFree, enter }: ReturnType<typeof createRooms>): Set<Task> {
  const now = Date.now();
  const due = new Set<Task>();
  for (const task of waiting) {
    if (task.at > now) break;
    if (!isFree(task)) continue;
    enter(task);
    due.add(task);
  }
  return due;
}
