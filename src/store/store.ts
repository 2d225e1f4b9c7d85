import type { ChannelStore } from './contract/channels.ts';
import type { DutyStore } from './contract/duties.ts';
import type { InboxStore } from './contract/inbox.ts';
import type { ListingStore } from './contract/listings.ts';
import type { OrderStore } from './contract/orders.ts';
import type { OutboxStore } from './contract/outbox.ts';
import type { Rehearsal, RehearsalStep } from './contract/rehearsal.ts';
import type { ReportStore } from './contract/reports.ts';
import type { ReservationStore } from './contract/reservations.ts';
import type { StockStore } from './contract/stock.ts';
import type { TellingStore } from './contract/telling.ts';

export type * from './contract/actor.ts';
export * from './contract/alerts.ts';
export * from './contract/channels.ts';
export type * from './contract/duties.ts';
export type * from './contract/inbox.ts';
export type * from './contract/listings.ts';
export type * from './contract/orders.ts';
export type * from './contract/outbox.ts';
export * from './contract/pages.ts';
export type * from './contract/rehearsal.ts';
export type * from './contract/reports.ts';
export type * from './contract/reservations.ts';
export type * from './contract/stock.ts';
export type * from './contract/telling.ts';

/**
 * The contract between the engine and its store: whole operations, each atomic, all asynchronous. Nothing above may
 * depend on SQLite being synchronous, single-process or local. `test/contract/store.ts` is the suite that every
 * store passes. Times are integer milliseconds of our own clock unless said otherwise; ids are integers.
 *
 * Errors: a store that cannot write (disk full, locked for too long) rejects with AppError `store_full` or
 * `store_busy` (exit 5); every other rejection is a defect.
 */
export interface Store {
  readonly channels: ChannelStore;
  readonly inbox: InboxStore;
  readonly orders: OrderStore;
  readonly stock: StockStore;
  readonly listings: ListingStore;
  readonly outbox: OutboxStore;
  readonly reservations: ReservationStore;
  readonly duties: DutyStore;
  readonly telling: TellingStore;
  readonly reports: ReportStore;
  /** Runs the operations, answers the view, and leaves no trace: for dry runs and for judging a command's reach. */
  rehearse(steps: RehearsalStep[], counterIds: number[] | null, now: number): Promise<Rehearsal>;
  /** Resolves (true) when anything was committed since the last call, by any process; polled by the daemon. */
  changedSince(): boolean;
  /** Resolves when the store can do nothing any more although nobody closed it: only a new process helps. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}
