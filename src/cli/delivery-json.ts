import { iso } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { DeliveryFilter, DeliveryRow } from '../store/store.ts';
import { choiceArg, idArg, timeArg, usage } from './args.ts';
import { type Books, channelFilter } from './books.ts';

/** Which deliveries a command means, as typed. */
export interface WhichOptions {
  channel?: string;
  since?: string;
  until?: string;
  status?: string;
}

const statuses = ['new', 'applied', 'ignored', 'unmapped', 'dead'] as const;

/** The options as a filter, less its limit. */
export function filterOf(books: Books, options: WhichOptions, now: number): Omit<DeliveryFilter, 'limit'> {
  const { since, until, status } = options;
  const filter: Omit<DeliveryFilter, 'limit'> = {
    ...channelFilter(books, options.channel),
    ...(status === undefined ? {} : { status: choiceArg(status, '--status', statuses) }),
    ...(since === undefined ? {} : { since: timeArg(since, '--since', now) }),
    ...(until === undefined ? {} : { until: timeArg(until, '--until', now) }),
  };
  if (filter.since !== undefined && filter.until !== undefined && filter.since > filter.until) {
    throw usage('--since is later than --until');
  }
  return filter;
}

/** Ids as typed. */
export function idsOf(words: readonly string[]): number[] {
  return words.map((word) => idArg(word, 'the id of an event'));
}

/** The deliveries of these ids. Throws AppError `unknown_event` when one is not there. */
export async function deliveriesOf(books: Books, ids: readonly number[]): Promise<DeliveryRow[]> {
  const rows = await books.store.inbox.list({ ids: [...ids], limit: ids.length });
  const missing = ids.find((id) => !rows.some((row) => row.id === id));
  if (missing === undefined) return rows;
  throw new AppError('unknown_event', `there is no event ${missing}`, {
    hint: 'invsync events list shows them',
  });
}

/** A delivery as every document shows it. */
export function deliveryJson(row: DeliveryRow) {
  return {
    id: row.id,
    channel: row.channel,
    key: row.key,
    kind: row.kind,
    status: row.status,
    received_at: iso(row.receivedAt),
    settled_at: iso(row.settledAt),
    attempts: row.attempts,
    due_at: row.status === 'new' ? iso(row.dueAt) : null,
    error: row.error,
    outcome: row.outcome,
    orders: row.orders,
  };
}
