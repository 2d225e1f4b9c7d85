import { redactedAlerts } from './alerts.ts';
import type { ChannelConfig, Config } from './config.ts';
import { durationText, listenText, percentText } from './text.ts';

/** One setting as `config show` prints it. `rules` says where the value in effect comes from, `defaults` of the file included. */
export interface ShownSetting {
  path: string;
  value: unknown;
  rules: 'file' | 'default';
}

const redacted = '[redacted]';

/** The configuration in effect as one would write it, secrets as `[redacted]`. JSON through and through. */
export function redactedConfig(config: Config): Record<string, unknown> {
  const { server, admin, reconcile, retention, backup, defaults } = config;
  return {
    data_dir: config.data_dir,
    server: { listen: listenText(server.listen), public_url: server.public_url },
    admin: { listen: listenText(admin.listen), token: admin.token === null ? null : redacted },
    reconcile: {
      schedule: reconcile.schedule,
      timezone: reconcile.timezone,
      max_change: percentText(reconcile.max_change),
      max_zero: percentText(reconcile.max_zero),
      raise_after: durationText(reconcile.raise_after),
    },
    retention: {
      event_ids: durationText(retention.event_ids),
      payloads: durationText(retention.payloads),
    },
    backup: { ...backup, schedule: backup.schedule ?? 'off' },
    alerts: redactedAlerts(config.alerts),
    defaults: { ...defaults, percent: percentText(defaults.percent) },
    channels: Object.fromEntries(config.channels.map((channel) => [channel.name, redactedChannel(channel)])),
  };
}

function redactedChannel(channel: ChannelConfig): Record<string, unknown> {
  const { capabilities } = channel.definition;
  const lag = channel.order_lag ?? capabilities.orderLagMs;
  return {
    type: channel.type,
    mode: channel.mode,
    ...channel.shown,
    buffer: channel.buffer,
    percent: percentText(channel.percent),
    max: channel.max,
    oversell: channel.oversell,
    webhooks: channel.webhooks,
    poll: channel.poll === null ? 'off' : durationText(channel.poll),
    order_lag: lag === null ? null : durationText(lag),
    index_lag: durationText(channel.index_lag ?? capabilities.indexLagMs),
    settle: durationText(channel.settle ?? capabilities.settleMs),
    max_execution: durationText(channel.max_execution ?? capabilities.maxExecutionMs),
    raise_after: durationText(channel.raise_after),
    timeout: durationText(channel.timeout),
    presume_gone_after: durationText(channel.presume_gone_after),
    base_url: channel.base_url,
    allow_insecure: channel.allow_insecure,
  };
}

/** `redactedConfig` as a flat list, in its order, each with where it comes from. */
export function shownSettings(config: Config): ShownSetting[] {
  return flatten(redactedConfig(config), '').map(({ path, value }) => ({
    path,
    value,
    rules: config.given.has(path) || config.given.has(fallbackOf(path)) ? 'file' : 'default',
  }));
}

/** What rules a channel's key that the file leaves out: `defaults.buffer` for `channels.one.buffer`. */
function fallbackOf(path: string): string {
  const key = /^channels\.[^.]+\.(\w+)$/.exec(path)?.[1] ?? '';
  if (key === 'raise_after') return 'reconcile.raise_after';
  return ['buffer', 'percent', 'max', 'oversell'].includes(key) ? `defaults.${key}` : '';
}

function flatten(value: unknown, path: string): { path: string; value: unknown }[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, inner]) =>
    flatten(inner, path === '' ? key : `${path}.${key}`),
  );
}
