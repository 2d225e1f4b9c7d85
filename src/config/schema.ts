import { Cron } from 'croner';
import { z } from 'zod';
import { duration, durationOrOff, flag, listenAddress, percentage, units, webAddress } from './values.ts';

/**
 * The keys of the file that do not belong to a channel type, with their help, defaults and parsed shapes
 * (durations in ms, percentages as fractions 0..1). The keys of a type are its own schema (`ChannelDefinition.config`).
 */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A channel's name on the command line, in tables and in `/hooks/<name>`. */
export const channelName = /^[a-z0-9][a-z0-9-]{0,39}$/;

const cron = z.string().superRefine((text, context) => {
  const refuse = (message: string) => {
    const hint = 'five fields: minute hour day month weekday, as in "0 * * * *" for hourly';
    context.addIssue({ code: 'custom', message, params: { hint } });
  };
  try {
    const next = new Cron(text, { mode: '5-or-6-parts', paused: true }).nextRun();
    if (next === null) refuse('names no time that ever comes');
  } catch {
    refuse('is not a cron expression');
  }
});

/** A cron expression, or `off` (null). */
const cronOrOff = z.preprocess(
  (value) => (value === false || value === 'off' ? null : value),
  cron.nullable(),
);

const timezone = z.string().refine(isTimeZone, {
  error: 'is not a known time zone',
  params: { hint: 'a name such as UTC or Europe/Berlin' },
});

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const oversell = z.enum(['alert', 'hold', 'cancel']);

const server = z.strictObject({
  listen: listenAddress
    .default({ host: '0.0.0.0', port: 8787 })
    .describe('host:port for the calls of the platforms; nothing else is served there'),
  public_url: webAddress
    .nullable()
    .default(null)
    .describe('address under which the platforms reach that listener; needed to register webhooks'),
});

const admin = z.strictObject({
  listen: listenAddress
    .default({ host: '127.0.0.1', port: 8788 })
    .describe('host:port for health, metrics and the API'),
  token: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ secret: true })
    .describe('bearer token of the API; required as soon as listen is not loopback'),
});

const reconcile = z.strictObject({
  schedule: cron
    .default('0 * * * *')
    .describe('cron expression: when every channel is compared with the books'),
  timezone: timezone.default('UTC').describe('time zone of the schedule'),
  max_change: percentage
    .default(0.2)
    .describe('brake: share of the listings that one run may change without recorded sales as the reason'),
  max_zero: percentage
    .default(0.05)
    .describe(
      'brake: share of the listings that one run may set to zero without recorded sales as the reason',
    ),
  raise_after: duration()
    .default(dayMs)
    .describe('how long a number that is too low and unexplained stays before it is raised without proof'),
});

const retention = z.strictObject({
  event_ids: duration(minuteMs)
    .default(30 * dayMs)
    .describe('how long keys of deliveries are kept; not below the longest retry period of the channels'),
  payloads: duration(minuteMs)
    .default(14 * dayMs)
    .describe('how long kept fields of deliveries can be replayed'),
});

const backup = z.strictObject({
  schedule: cronOrOff
    .default('17 2 * * *')
    .describe('cron expression in the zone of reconcile.timezone: when a backup is made; or off'),
  keep: units
    .refine((number) => number > 0, { error: 'must be at least 1' })
    .default(14)
    .describe('so many backups are kept; older ones go when a new one is whole'),
  dir: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('folder of the backups, relative to this file; unset: backups in data_dir'),
});

const defaults = z.strictObject({
  buffer: units.default(0).describe('units that are never shown; real sales may still take them'),
  percent: percentage.default(1).describe('share of what is available that is shown'),
  max: units.nullable().default(null).describe('never show more than this; unset: no limit'),
  oversell: oversell
    .default('alert')
    .describe('an order that cannot be filled: alert, hold it at the channel, or cancel it there'),
});

/** The sections beside `channels`. */
export const sections = { server, admin, reconcile, retention, backup, defaults } as const;

/** The whole file without `channels`. */
export const fileSchema = z.strictObject({
  data_dir: z.string().min(1).default('./data').describe('folder of the database, relative to this file'),
  server: server.prefault({}),
  admin: admin.prefault({}),
  reconcile: reconcile.prefault({}),
  retention: retention.prefault({}),
  backup: backup.prefault({}),
  defaults: defaults.prefault({}),
});

/** The keys that every channel takes, whatever its type. Unset ones fall back to the type or to `defaults`. */
export const channelSchema = z.strictObject({
  type: z.string().min(1).describe('the kind of channel; `invsync channels types` lists them'),
  mode: z
    .enum(['observe', 'shadow', 'live'])
    .default('observe')
    .describe('observe: only take sales in; shadow: also compute and log pushes; live: push'),
  buffer: units.optional().describe('units that are never shown on this channel'),
  percent: percentage.optional().describe('share of what is available that this channel shows'),
  max: units.optional().describe('this channel never shows more than this'),
  oversell: oversell.optional().describe('an order that cannot be filled: alert, hold or cancel'),
  webhooks: flag.optional().describe('false: take no calls of the platform, only poll'),
  poll: durationOrOff.optional().describe("how often orders are pulled, from the type's minimum, or off"),
  order_lag: duration()
    .optional()
    .describe('longest time from a fall of the number there to its order being listed'),
  index_lag: duration().optional().describe("how far the platform's search by time trails its clock"),
  settle: duration().optional().describe('how long after a write a read may still show the old number'),
  max_execution: duration()
    .optional()
    .describe('how long an unanswered request may still act at the platform'),
  raise_after: duration().optional().describe('as reconcile.raise_after, for this channel'),
  timeout: duration(1)
    .default(30_000)
    .describe('how long one request to the platform may take before it counts as unanswered'),
  presume_gone_after: duration()
    .default(14 * dayMs)
    .describe(
      'a channel that never reports shipping: open lines older than this count as shipped, at counts only',
    ),
  base_url: webAddress.nullable().default(null).describe('where requests really go: a sandbox or a proxy'),
  allow_insecure: flag.default(false).describe('true: accept plain http:// beyond this machine'),
});

/** `fileSchema`, parsed. */
export type FileSettings = z.output<typeof fileSchema>;
/** `channelSchema`, parsed. */
export type ChannelSettings = z.output<typeof channelSchema>;
