import type { ChannelDefinition } from '../channels/channel.ts';
import type { AlertSettings } from './alerts.ts';
import type { Problem } from './problem.ts';
import type { FileSettings } from './schema.ts';

/**
 * The configuration in effect: the file's keys under the file's names, parsed. Durations are milliseconds,
 * percentages fractions 0..1, `off` and "not set" null, addresses `{ host, port }`, `data_dir` absolute.
 */
export interface Config extends Omit<FileSettings, 'backup'> {
  /** Absolute path of the file. */
  file: string;
  /** `dir` absolute. */
  backup: FileSettings['backup'] & { dir: string };
  alerts: AlertSettings;
  /** In the file's order. */
  channels: ChannelConfig[];
  /** Paths that the file sets (`reconcile.max_change`, `channels.wp-shop.buffer`); all others are defaults. */
  given: ReadonlySet<string>;
  /** Changes when any value changes, secrets included; for comparing only, never shown. */
  hash: string;
  /** Changes with the file's text: says whether the store has seen this file. */
  textHash: string;
}

/** One configured account on a platform: what all types share, with `defaults` laid under, and the type's own part. */
export interface ChannelConfig {
  name: string;
  type: string;
  definition: ChannelDefinition;
  /** What the type's schema made of its own keys; carries secrets. */
  own: unknown;
  /** The type's own keys as the file gives them, secrets redacted. */
  shown: Readonly<Record<string, unknown>>;
  mode: 'observe' | 'shadow' | 'live';
  buffer: number;
  percent: number;
  /** Null: no limit. */
  max: number | null;
  oversell: 'alert' | 'hold' | 'cancel';
  webhooks: boolean;
  /** Null: off. */
  poll: number | null;
  /** These four override what the type declares; null: they do not. */
  order_lag: number | null;
  index_lag: number | null;
  settle: number | null;
  max_execution: number | null;
  raise_after: number;
  timeout: number;
  presume_gone_after: number;
  base_url: string | null;
  allow_insecure: boolean;
}

/** A configuration that can be used, and what its owner should mend some day. */
export interface LoadedConfig {
  config: Config;
  warnings: Problem[];
}
