import type { CheckItem, Json } from '../../channels/channel.ts';

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
  cause: 'dry-run' | 'brake' | 'command';
  state: 'open' | 'applied' | 'refused';
  body: Json;
}

export interface AlertRow {
  id: number;
  channel: string | null;
  kind: string;
  subject: string;
  message: string;
  since: number;
  lastAt: number;
  count: number;
  resolvedAt: number | null;
}

export interface DutyStore {
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
  closePlan(id: string, state: 'applied' | 'refused'): Promise<void>;

  raiseAlert(
    alert: { channelId: number | null; kind: string; subject: string; message: string },
    now: number,
  ): Promise<void>;
  resolveAlert(kind: string, subject: string, now: number): Promise<void>;
  alerts(open: boolean, limit: number): Promise<AlertRow[]>;

  /** Removes what retention allows, at most `limit` rows of each kind; answers how many went. */
  prune(
    keepSince: { keys: number; payloads: number; pushes: number },
    limit: number,
    now: number,
  ): Promise<number>;
  /** Truncates the write-ahead log when nobody reads. */
  tidy(): Promise<void>;
  /** Can it write, is synchronous FULL, is the schema ours, sums and sizes. */
  check(deep: boolean): Promise<CheckItem[]>;
  /** Proves that a write reaches the disk (readiness). */
  ping(now: number): Promise<void>;
}
