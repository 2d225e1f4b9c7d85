import type { CheckItem, Json } from '../../channels/channel.ts';
import type { Actor } from './actor.ts';
import type { AlertEvent, AlertKind, AlertRow, NewAlert } from './alerts.ts';

/** Work for the one process that talks to channels, asked for by a command. */
export interface RequestRow {
  id: number;
  kind: string;
  args: Json;
  state: 'waiting' | 'running' | 'done' | 'failed';
  progress: string | null;
  result: Json | null;
  createdAt: number;
}

/** A saved reconcile plan: what `--apply` repeats and compares. */
export interface PlanRow {
  id: string;
  createdAt: number;
  /** `run`: what the last reconcile run over whole channels found; a newer one replaces it. */
  cause: 'dry-run' | 'brake' | 'command' | 'run';
  state: 'open' | 'applied' | 'refused';
  body: Json;
}

/** What is older goes: keys of deliveries, their kept fields, and all that is over (pushes, requests, holds, plans, alerts). */
export interface KeepSince {
  keys: number;
  payloads: number;
  pushes: number;
}

/** One step of pruning. `more`: there may be more to remove. */
export interface Pruned {
  removed: number;
  more: boolean;
}

/** The books turned out to be older than what was worked with last, or a copy of it. */
export interface NewEpoch {
  /** In words, the subject being the database. */
  why: string;
  /** When the newest entry of its ledger was recorded; null when it has none. */
  lastEntryAt: number | null;
}

export interface DutyStore {
  /**
   * Begins a life of the process that talks to channels, after the channels were configured. Books that were restored
   * or copied begin a new epoch: all channels observe whatever file or command said, nothing is known of their
   * numbers, every feed has a gap, and requests, plans and actions of those days are given up. Null: the same books
   * as before.
   */
  beginEpoch(now: number): Promise<NewEpoch | null>;
  /** Notes outside of the books how far they are, so that older ones are recognised. */
  markEpoch(): Promise<void>;

  /** By how much the latest time that our clock has put into the books is later than now, in ms; 0: by nothing. */
  aheadBy(now: number): Promise<number>;
  /**
   * Our clock went back by so many ms: every time in the books that is later than now was noted by a wrong clock, and
   * is moved back. Counts of that time are made once more as of the right one, numbers of that time are not known any
   * more, what waits is due now, and live channels of which such a time is known begin anew with a plan. Answers the
   * SKUs that were counted again.
   */
  correctTimes(now: number, by: number): Promise<{ counts: string[] }>;

  ask(kind: string, args: Json, now: number): Promise<number>;
  requestsWaiting(): Promise<RequestRow[]>;
  request(id: number): Promise<RequestRow | null>;
  updateRequest(
    id: number,
    state: RequestRow['state'],
    progress: string | null,
    result: Json | null,
  ): Promise<void>;

  /** Scheduled work: due time in the store, a missed run is caught up once. */
  schedule(name: string): Promise<{ dueAt: number | null; lastOkAt: number | null }>;
  setSchedule(name: string, dueAt: number, lastOkAt: number | null): Promise<void>;

  savePlan(plan: PlanRow): Promise<void>;
  plan(id: string): Promise<PlanRow | null>;
  /** What the last reconcile run found (`lastRun` of `sync/plan.ts`); null before the first. */
  lastRun(): Promise<PlanRow | null>;
  closePlan(id: string, state: 'applied' | 'refused'): Promise<void>;

  /** Opens it, or counts it again while it is open; true when it was opened now: the caller logs it. */
  raiseAlert(alert: NewAlert, now: number): Promise<boolean>;
  /** True when it was open: the caller logs it. */
  resolveAlert(kind: AlertKind, subject: string, now: number): Promise<boolean>;
  alertStands(kind: AlertKind, subject: string): Promise<boolean>;
  /** Do the books say what the alerts do not, or is one still to be logged? Reads only. */
  alertsToReview(now: number): Promise<boolean>;
  /**
   * Opens, rewords and closes the alerts whose cause stands in the books (a shortfall, a dead delivery, a number that is
   * refused, …). Who `logs` is handed what opened or closed since somebody last logged; who `leaves` it hands it on.
   */
  reviewAlerts(now: number, who: 'logs' | 'leaves'): Promise<AlertEvent[]>;
  /** Newest first. */
  alerts(
    open: boolean,
    limit: number,
    filter?: { kind?: AlertKind; channel?: string; before?: number; id?: number },
  ): Promise<AlertRow[]>;
  /** Open ones by kind; `unseen`: not acknowledged. */
  alertCounts(): Promise<{ kind: AlertKind; open: number; unseen: number }[]>;
  /** Answers how many were open and not seen before. */
  ackAlerts(ids: number[], actor: Actor, now: number): Promise<number>;

  /** Removes what retention allows, at most `limit` rows of each kind. */
  prune(keepSince: KeepSince, limit: number, now: number): Promise<Pruned>;
  /** Truncates the write-ahead log when nobody reads. Rejects (`store_full`) when there is no room to do it. */
  tidy(): Promise<void>;
  /** Can it write, is synchronous FULL, is the schema ours, sums and sizes. */
  check(deep: boolean): Promise<CheckItem[]>;
  /** Proves that a write reaches the disk (readiness). */
  ping(now: number): Promise<void>;
}
