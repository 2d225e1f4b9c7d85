import type { ChannelDeps } from '../channel.ts';
import { type Api, createApi } from './api.ts';
import type { AmazonConfig } from './config.ts';
import { createFeedBook, type FeedBook } from './feed-book.ts';
import { createQueue, type Queue } from './queue.ts';

/** One selling account in one region, as every part of the adapter gets it. Holds no stock. */
export interface Account {
  config: AmazonConfig;
  deps: ChannelDeps;
  api: Api;
  /** Null: orders are polled only. */
  queue: Queue | null;
  /** Which SKUs lie in a feed that has not ended. */
  feeds: FeedBook;
}

/** Opens the connection pools; nothing is sent yet. */
export function openAccount(config: AmazonConfig, deps: ChannelDeps): Account {
  const api = createApi(config, deps);
  return {
    config,
    deps,
    api,
    queue: config.sqs === undefined ? null : createQueue(config, config.sqs, deps),
    feeds: createFeedBook(api, deps),
  };
}
