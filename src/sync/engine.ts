import type { Capabilities, Channel } from '../channels/channel.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { AlertLevels, ChannelSetup, Store } from '../store/store.ts';

/** A configured channel as the duties work with it. Its changing state (mode, parked, …) is read from the store. */
export interface LiveChannel {
  id: number;
  name: string;
  type: string;
  channel: Channel;
  /** The type's facts with the configuration's overrides laid over. */
  capabilities: Capabilities;
  setup: ChannelSetup;
  /** False: poll only. */
  webhooks: boolean;
  /** Null: `poll: off`. */
  pollMs: number | null;
  raiseAfterMs: number;
  /** Client time-out of one request; with `capabilities.maxExecutionMs` it makes a push's deadline. */
  timeoutMs: number;
}

/** Settings of the duties, from the file. */
export interface EngineSettings {
  /** Cron expression and zone of the reconcile run. */
  schedule: string;
  timezone: string;
  /** Shares (0..1) of a channel's listings that one run, command or change may move without explanation. */
  maxChange: number;
  maxZero: number;
  keepKeysMs: number;
  keepPayloadsMs: number;
  publicUrl: string | null;
  /** How bad each kind of alert is, by the rules of the configuration. */
  levels: AlertLevels;
}

/** Wakes a duty before its timer. Waking twice is waking once; waking a stopped duty does nothing. */
export interface Wakes {
  inbox(): void;
  push(channelId: number | null): void;
  pull(channelId: number | null): void;
  onInbox(listener: () => void): void;
  onPush(listener: (channelId: number | null) => void): void;
  onPull(listener: (channelId: number | null) => void): void;
}

/** What every duty works with: context first, then at most three parameters. */
export interface Engine {
  store: Store;
  clock: Clock;
  log: Log;
  channels: ReadonlyMap<number, LiveChannel>;
  settings: EngineSettings;
  wakes: Wakes;
  randomHex(bytes: number): string;
}

/** A background duty. `stop` drains within its time limit; a second stop is harmless. */
export interface Duty {
  readonly name: string;
  start(): void;
  stop(): Promise<void>;
}

/** Everything in one process. */
export function createWakes(): Wakes {
  const inbox: (() => void)[] = [];
  const push: ((channelId: number | null) => void)[] = [];
  const pull: ((channelId: number | null) => void)[] = [];
  return {
    inbox: () => {
      for (const listener of inbox) listener();
    },
    push: (channelId) => {
      for (const listener of push) listener(channelId);
    },
    pull: (channelId) => {
      for (const listener of pull) listener(channelId);
    },
    onInbox: (listener) => {
      inbox.push(listener);
    },
    onPush: (listener) => {
      push.push(listener);
    },
    onPull: (listener) => {
      pull.push(listener);
    },
  };
}
