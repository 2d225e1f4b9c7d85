/**
 * What the platform will do later: notifications and their retries, payments, feeds, numbers that become visible.
 * Real timers run it; `settle` runs all of it at once in due order, so that a test waits for nothing.
 */
export interface Agenda {
  /** `group` limits how many run at once within it. */
  add(task: { afterMs: number; group: string; run: () => Promise<void> | void }): void;
  /** Waiting and running tasks; those that wait in one group. */
  size(group?: string): number;
  /** Runs everything that waits, and what that adds, one after the other until nothing is left. */
  settle(): Promise<void>;
  stop(): void;
}

/** Longer waits than a timer can hold are looked at again. */
const longestTimerMs = 2 ** 31 - 1;

interface Task {
  at: number;
  group: string;
  run: () => Promise<void> | void;
}

/** Groups that `limits` does not name have no limit. */
export function createAgenda(limits: Record<string, number>): Agenda {
  let waiting: Task[] = [];
  const running = new Map<string, number>();
  const inFlight = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let settling = 0;

  const busy = (group: string) => running.get(group) ?? 0;
  const room = (group: string) => (limits[group] ?? Number.POSITIVE_INFINITY) - busy(group);

  const start = (task: Task): Promise<void> => {
    running.set(task.group, busy(task.group) + 1);
    const done = (async () => task.run())().finally(() => {
      running.set(task.group, busy(task.group) - 1);
      inFlight.delete(done);
      arrange();
    });
    inFlight.add(done);
    return done;
  };

  const tick = () => {
    const due = dueOf(waiting, room);
    const gone = new Set(due);
    if (gone.size > 0) waiting = waiting.filter((task) => !gone.has(task));
    for (const task of due) void start(task);
    arrange();
  };

  const arrange = () => {
    clearTimeout(timer);
    if (stopped || settling > 0) return;
    const next = waiting.find(({ group }) => room(group) > 0);
    if (next === undefined) return;
    timer = setTimeout(tick, Math.min(longestTimerMs, Math.max(0, next.at - Date.now())));
  };

  return {
    add({ afterMs, group, run }) {
      if (stopped) return;
      insert(waiting, { at: Date.now() + afterMs, group, run });
      arrange();
    },
    size(group) {
      if (group === undefined) return waiting.length + inFlight.size;
      return waiting.filter((task) => task.group === group).length;
    },
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

/** What is due and finds room in its group. */
function dueOf(waiting: readonly Task[], room: (group: string) => number): Task[] {
  const now = Date.now();
  const due: Task[] = [];
  const claimed = new Map<string, number>();
  for (const task of waiting) {
    if (task.at > now) break;
    const taken = claimed.get(task.group) ?? 0;
    if (taken >= room(task.group)) continue;
    claimed.set(task.group, taken + 1);
    due.push(task);
  }
  return due;
}
