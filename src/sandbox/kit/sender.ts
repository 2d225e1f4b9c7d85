import type { OutgoingCall } from './caller.ts';
import type { Ground } from './ground.ts';
import { platformMs } from './time.ts';

/** What goes out by POST. */
export type Outgoing = Omit<OutgoingCall, 'method'>;

/** Something to be told to one address, with all its repeats. */
export interface Message {
  topic: string;
  /** Id of what it is about, for the records. */
  subject: string;
  /** The call of an attempt, counted from 1, made when it goes out; null: nobody is to be told any more. */
  write(attempt: number): Outgoing | null | Promise<Outgoing | null>;
  /** Takes the message away before its first attempt. Default: the fault `drop_webhook`. */
  isLost?(): boolean;
  /** The call is about to leave; what it answers is called when the receiver has taken it. */
  leaving?(): () => void;
  /** Taken, or given up after the last attempt. Copies, and what was dropped, end silently. */
  ended?(taken: boolean): void;
}

/** How a platform repeats (real durations, divided by the time scale). */
export interface Ladder {
  retriesMs: readonly number[];
  acknowledged(status: number): boolean;
  /** Seeded delay before a first attempt: no order between messages is promised. Default 100 to 2,000 ms. */
  delayMs?: readonly [least: number, most: number];
  /** More of it under `reorder_webhook`. Default 2,000 to 10,000 ms. */
  reorderMs?: readonly [least: number, most: number];
  /** Of a copy under `duplicate_webhook`, which then is sent once. Default: like a first attempt, with its retries. */
  copyMs?: readonly [least: number, most: number];
}

/** Sends messages, with the habits that all platforms share: delay, loss, repeats, copies. */
export function createSender(ground: Ground, ladder: Ladder): (message: Message) => void {
  const { faults, records, agenda, caller, timeScale } = ground;
  const random = ground.random.fork('sender');
  const between = ([least, most]: readonly [number, number]) =>
    platformMs(random.int(least, most), timeScale);

  const delay = (): number => {
    let ms = between(ladder.delayMs ?? [100, 2_000]);
    if (faults.hits('reorder_webhook')) ms += between(ladder.reorderMs ?? [2_000, 10_000]);
    return ms + (faults.dueMs('delay_webhook') ?? 0);
  };

  const queue = (message: Message, attempt: number, copy: boolean, afterMs: number) =>
    agenda.add({ afterMs, group: 'deliveries', run: () => deliver(message, attempt, copy) });

  const deliver = async (message: Message, attempt: number, copy: boolean): Promise<void> => {
    const { topic, subject } = message;
    const isFirst = attempt === 1 && !copy;
    const lost = isFirst && (message.isLost?.() ?? faults.hits('drop_webhook'));
    const call = lost ? null : await message.write(attempt);
    if (call === null) {
      records.webhook({ topic, subject, outcome: 'dropped', status: 0, ms: 0, duplicate: false });
      return;
    }
    const taken = message.leaving?.();
    const sentAt = Date.now();
    const { status } = await caller.call({ method: 'POST', ...call });
    const ok = ladder.acknowledged(status);
    const ms = Date.now() - sentAt;
    const duplicate = attempt > 1 || copy;
    records.webhook({ topic, subject, outcome: ok ? 'ok' : 'failed', status, ms, duplicate });
    const retryMs = ladder.retriesMs[attempt - 1];
    if (ok) {
      taken?.();
      const copyMs = ladder.copyMs;
      if (!copy && faults.hits('duplicate_webhook')) {
        if (copyMs === undefined) queue(message, attempt, true, delay());
        else queue(message, attempt + 1, true, between(copyMs));
      }
    } else if (retryMs !== undefined && !(copy && ladder.copyMs !== undefined)) {
      queue(message, attempt + 1, copy, platformMs(retryMs, timeScale));
      return;
    }
    if (!copy) message.ended?.(ok);
  };

  return (message) => queue(message, 1, false, delay());
}
