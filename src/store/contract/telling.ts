import type { AlertRow } from './alerts.ts';

/** What a route was told of an alert. */
export interface Told {
  route: string;
  firstAt: number;
  lastAt: number;
}

/** An alert that is open, or that is over while some route that was told of it does not know so. */
export interface UntoldAlert {
  alert: AlertRow;
  /** Of routes that do not know yet that it is over. */
  told: Told[];
}

/** How a route that people are told by fares. */
export interface RouteRow {
  name: string;
  /** Messages that failed since the last one that arrived. */
  failures: number;
  failingSince: number | null;
  /** Not tried again before. */
  retryAt: number | null;
  error: string | null;
  lastOkAt: number | null;
}

/** What people were told of alerts, by which route: kept, so that a restart repeats nothing and forgets nothing. */
export interface TellingStore {
  /** Oldest first, so many at most. */
  untold(limit: number): Promise<UntoldAlert[]>;
  /** A route took a message about these alerts. */
  noteTold(route: string, alertIds: number[], what: 'stands' | 'over', now: number): Promise<void>;
  /** All that ever told something or failed to. */
  routes(): Promise<RouteRow[]>;
  /** `error` null: it took a message. Else when it may be tried again. */
  noteRoute(
    name: string,
    outcome: { error: string; retryAt: number } | { error: null },
    now: number,
  ): Promise<void>;
  /** Those that the configuration does not name any more are forgotten. */
  keepRoutes(names: string[]): Promise<void>;
}
