import type { ChannelDeps } from '../channel.ts';
import { type Api, createApi } from './api.ts';
import type { FlipkartConfig } from './config.ts';

/** One location of one seller account, as every part of the adapter gets it. Holds no stock. */
export interface Shop {
  config: FlipkartConfig;
  deps: ChannelDeps;
  api: Api;
}

/** Opens the connection pool; nothing is sent yet. */
export function openShop(config: FlipkartConfig, deps: ChannelDeps): Shop {
  return { config, deps, api: createApi(config, deps) };
}
