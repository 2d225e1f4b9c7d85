import type { ChannelDeps } from '../channel.ts';
import type { Answer } from '../kit/rest.ts';
import { type Api, type Call, createApi } from './api.ts';
import type { AmazonConfig } from './config.ts';
import type { OperationName } from './operations.ts';
import { createQueue, type Queue } from './queue.ts';

/** One selling account in one region, as every part of the adapter gets it. Holds no stock. */
export interface Account {
  config: AmazonConfig;
  deps: ChannelDeps;
  api: Api;
  /** Null: orders are polled only. */
  queue: Queue | null;
  /** Who looks into the feed book takes turns; when Amazon was last asked about a feed. */
  feeds: { turn: Promise<unknown>; askedAt: number };
}

/** What the engine wants of an account, until `signal` calls it off. */
export interface Task extends Account {
  signal: AbortSignal;
  ask<T>(operation: OperationName, call: Call<T>): Promise<Answer<T>>;
}

/** Opens the connection pools; nothing is sent yet. */
export function openAccount(config: AmazonConfig, deps: ChannelDeps): Account {
  const api = createApi(config, deps);
  const queue = config.sqs === undefined ? null : createQueue(config, config.sqs, deps);
  return {
    ...{ config, deps, api, queue },
    feeds: { turn: Promise.resolve(), askedAt: Number.NEGATIVE_INFINITY },
  };
}

export function taskOf(account: Account, signal: AbortSignal): Task {
  return { ...account, signal, ask: (operation, call) => account.api.call(operation, call, signal) };
}
