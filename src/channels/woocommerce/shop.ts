import type { ChannelDeps } from '../channel.ts';
import { type Api, createApi } from './api.ts';
import { capabilities } from './capabilities.ts';
import type { WooConfig } from './config.ts';

/** One configured shop, as every part of the adapter gets it. Holds no stock. */
export interface Shop {
  config: WooConfig;
  deps: ChannelDeps;
  api: Api;
  /** What was found out about the shop since the start; losing it costs a request. */
  learned: {
    /** GET /variations exists (WooCommerce 10.3); null: not tried yet. */
    flatVariations: boolean | null;
    /** Rows of the next batch: halved by a time-out or 413, grown again by success (WOO-7). */
    rowsPerWrite: number;
    /** When wp-cron.php was last called. */
    wokenAt: number;
  };
}

/** Most rows of one list (WOO-4). */
export const pageSize = 100;

/** Opens the connection pool; nothing is sent yet. */
export function openShop(config: WooConfig, deps: ChannelDeps): Shop {
  return {
    config,
    deps,
    api: createApi(config, deps),
    learned: { flatVariations: null, rowsPerWrite: capabilities.batchSize, wokenAt: 0 },
  };
}
