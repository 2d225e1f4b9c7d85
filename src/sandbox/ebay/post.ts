import type { Agenda } from '../agenda.ts';
import type { Mail } from '../mail.ts';
import type { Random } from '../random.ts';
import type { Records } from '../records.ts';
import { platformMs } from '../time.ts';
import type { Order, State } from './state.ts';

/** Something to be delivered to one address, with all its repeats. */
export interface Parcel {
  topic: string;
  /** Id of what it is about, for the records. */
  subject: string;
  order: Order | null;
  /** Where it goes and what it says, made anew for each attempt, from 1; null: it is not sent any more. */
  write(attempt: number): { uri: string; headers: Record<string, string>; body: Buffer } | null;
  arrived?(): void;
  /** All attempts failed. */
  lost?(): void;
}

/** Delivers: delays, retries, weather. */
export interface Post {
  send(parcel: Parcel): void;
}

/**
 * EBAY-2.5: three retries after the first attempt. Their spacing is not published; assumed here: ten seconds, a
 * minute, ten minutes.
 */
const retriesMs = [10_000, 60_000, 600_000];
const acknowledged = [200, 201, 202, 204];

/** Opens the post office. */
export function createPost(deps: {
  state: State;
  agenda: Agenda;
  mail: Mail;
  records: Records;
  random: Random;
}): Post {
  const { state, agenda, mail, records, random } = deps;
  const { faults } = state;

  /** Seeded jitter: no order between deliveries is promised. */
  const delay = (): number => {
    let ms = platformMs(random.int(100, 2_000), state.timeScale);
    if (faults.hits('reorder_webhook')) ms += platformMs(random.int(2_000, 10_000), state.timeScale);
    const faultMs = faults.ms('delay_webhook');
    if (faults.hits('delay_webhook')) ms += faultMs;
    return ms;
  };

  const queue = (parcel: Parcel, attempt: number, again: boolean, afterMs: number) =>
    agenda.add({ afterMs, group: 'deliveries', run: () => deliver(parcel, attempt, again) });

  const deliver = async (parcel: Parcel, attempt: number, again: boolean): Promise<void> => {
    const { topic, subject, order } = parcel;
    const letter = parcel.write(attempt);
    if (letter === null || (attempt === 1 && !again && faults.hits('drop_webhook'))) {
      records.webhook({ topic, subject, outcome: 'dropped', status: 0, ms: 0, duplicate: false });
      return;
    }
    const revision = order?.revision ?? 0;
    const sentAt = Date.now();
    const { status } = await mail.send({ method: 'POST', ...letter });
    const ok = acknowledged.includes(status);
    const ms = Date.now() - sentAt;
    const duplicate = attempt > 1 || again;
    records.webhook({ topic, subject, outcome: ok ? 'ok' : 'failed', status, ms, duplicate });
    if (ok) {
      if (order !== null && order.state === 'placed')
        order.heardRevision = Math.max(order.heardRevision, revision);
      parcel.arrived?.();
      if (!again && faults.hits('duplicate_webhook')) queue(parcel, attempt, true, delay());
      return;
    }
    const wait = retriesMs[attempt - 1];
    if (wait === undefined) parcel.lost?.();
    else queue(parcel, attempt + 1, again, platformMs(wait, state.timeScale));
  };

  return { send: (parcel) => queue(parcel, 1, false, delay()) };
}
