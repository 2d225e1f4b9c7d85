import type { InboxStore, NewDelivery, TakenIn } from '../../store/store.ts';

/** What may wait for the store at once, and what one insert carries at most. */
export interface IntakeLimits {
  deliveries: number;
  bytes: number;
  batch: number;
}

/** Beyond these the answer is 503, so that a slow disk costs platforms a retry and us no memory. */
export const intakeLimits: IntakeLimits = { deliveries: 10_000, bytes: 32 * 1024 * 1024, batch: 500 };

/** The bounded queue in front of the inbox. */
export interface Intake {
  /**
   * Resolves when the deliveries are on disk; null at once when the queue is full. Rejects when the store refuses
   * them. The answer order is the input order.
   */
  takeIn(deliveries: NewDelivery[]): Promise<TakenIn[]> | null;
  pending(): { deliveries: number; bytes: number };
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>;
}

interface Waiting {
  deliveries: NewDelivery[];
  bytes: number;
  resolve: (taken: TakenIn[]) => void;
  reject: (error: unknown) => void;
}

/**
 * Groups deliveries without a timer: while one insert is on its way the next ones gather, so that one fsync carries
 * as many as the disk's speed demands and a lone delivery never waits.
 */
export function createIntake(inbox: InboxStore, limits: IntakeLimits = intakeLimits): Intake {
  const queue: Waiting[] = [];
  const held = { deliveries: 0, bytes: 0 };
  let running: Promise<void> | null = null;

  const insert = async (batch: Waiting[]): Promise<void> => {
    try {
      const taken = await inbox.takeIn(batch.flatMap((each) => each.deliveries));
      let at = 0;
      for (const each of batch) {
        each.resolve(taken.slice(at, at + each.deliveries.length));
        at += each.deliveries.length;
      }
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(error);
      // A single bad row must not refuse its neighbours: each request stands alone from here.
      else for (const each of batch) await insert([each]);
    }
  };
  const run = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = nextBatch(queue, limits.batch);
      await insert(batch);
      for (const each of batch) {
        held.deliveries -= each.deliveries.length;
        held.bytes -= each.bytes;
      }
    }
    running = null;
  };

  return {
    takeIn(deliveries) {
      const bytes = deliveries.reduce((sum, each) => sum + each.body.byteLength, 0);
      const full =
        held.deliveries + deliveries.length > limits.deliveries || held.bytes + bytes > limits.bytes;
      if (full) return null;
      held.deliveries += deliveries.length;
      held.bytes += bytes;
      return new Promise((resolve, reject) => {
        queue.push({ deliveries, bytes, resolve, reject });
        running ??= run();
      });
    },
    pending: () => ({ ...held }),
    drained: async () => {
      while (running !== null) await running;
    },
  };
}

function nextBatch(queue: Waiting[], limit: number): Waiting[] {
  let count = 0;
  let end = 0;
  for (const each of queue) {
    if (end > 0 && count + each.deliveries.length > limit) break;
    count += each.deliveries.length;
    end += 1;
  }
  return queue.splice(0, end);
}
