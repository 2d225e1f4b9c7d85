/**
 * How bad an alert is: `error` means that a number is wrong or may become so, `warn` that somebody should look, `info`
 * that it is good to know.
 */
export type AlertLevel = 'info' | 'warn' | 'error';

/**
 * Every kind of trouble that is told to people, with its level where no rule gives it another. This table is the only list: an alert of another kind
 * does not compile, and rules, metrics and pages read it.
 */
export const alertLevels = {
  oversell: 'error',
  dead_delivery: 'error',
  unmapped_sale: 'warn',
  exposed: 'error',
  refused_push: 'warn',
  feed_stale: 'error',
  channel_failing: 'error',
  channel_parked: 'error',
  channel_held: 'error',
  brake: 'error',
  account: 'error',
  action_refused: 'warn',
  channel_notice: 'warn',
  key_reused: 'warn',
  missed_by_feed: 'warn',
  missed_webhooks: 'warn',
  webhook_lost: 'warn',
  webhook_refused: 'warn',
  queue_refused: 'error',
  reconcile_overdue: 'error',
  schedule_failed: 'error',
  sku_changed: 'error',
  listing_replaced: 'warn',
  low_stock: 'warn',
  order_warning: 'warn',
  stock_doubted: 'error',
  unexplained_rise: 'warn',
  reservation_old: 'warn',
  clock_moved: 'error',
  restored: 'error',
  disk: 'error',
  backup_overdue: 'warn',
  route_failed: 'error',
} as const satisfies Record<string, AlertLevel>;

export type AlertKind = keyof typeof alertLevels;

/** How bad each kind is, rules of the configuration included. */
export type AlertLevels = Readonly<Record<AlertKind, AlertLevel>>;

/**
 * Kinds that tell of something that happened and has no cause that could end: they are over when a person has seen them,
 * or when nothing of the kind came for so long (ms).
 */
export const noticeQuietMs: Readonly<Partial<Record<AlertKind, number>>> = {
  channel_notice: 7 * 86_400_000,
  key_reused: 7 * 86_400_000,
  missed_by_feed: 7 * 86_400_000,
  order_warning: 7 * 86_400_000,
};

/** An alert that opened or closed, for the log. */
export interface AlertEvent {
  what: 'opened' | 'closed';
  kind: AlertKind;
  subject: string;
  message: string;
}

export interface AlertRow {
  id: number;
  channel: string | null;
  kind: AlertKind;
  /** What it is about, unique per kind while it is open: a channel's name, or a name and an id. */
  subject: string;
  message: string;
  since: number;
  lastAt: number;
  count: number;
  ackedAt: number | null;
  resolvedAt: number | null;
}

/** What is told. `message` is a whole sentence with the command that mends it. */
export interface NewAlert {
  channelId: number | null;
  kind: AlertKind;
  subject: string;
  message: string;
}
