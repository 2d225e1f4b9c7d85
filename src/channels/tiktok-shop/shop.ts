import type { ChannelDeps } from '../channel.ts';
import { createHttpClient } from '../kit/http.ts';
import { createCiphers, readShop } from './account.ts';
import { type Api, type Ciphers, createApi } from './api.ts';
import type { TikTokShopConfig } from './config.ts';
import { createAskGrant } from './grant.ts';
import { createServerClock, type ServerClock } from './server-clock.ts';
import { createTokens, type Tokens } from './tokens.ts';
import { createWarehouses, type Warehouses } from './warehouses.ts';

/** Everything that the parts of one channel share. */
export interface Shop {
  config: TikTokShopConfig;
  deps: ChannelDeps;
  api: Api;
  tokens: Tokens;
  serverClock: ServerClock;
  warehouses: Warehouses;
  /** When orders were last read with the long look-back; losing it costs one more. */
  learned: { lookedBackAt: number };
  close(): Promise<void>;
}

/** Opens a connection pool of its own; `close` ends it. */
export function openShop(config: TikTokShopConfig, deps: ChannelDeps): Shop {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent: 'invsync' });
  const serverClock = createServerClock(deps.clock);
  const ask = createAskGrant(config, deps, { http, serverClock });
  const tokens = createTokens(config, deps, { ask, serverClock });
  const ciphers: Ciphers = createCiphers((signal) => readShop(config, api, signal));
  const api: Api = createApi(config, deps, { http, tokens, ciphers, serverClock });
  return {
    config,
    deps,
    api,
    tokens,
    serverClock,
    warehouses: createWarehouses(config, api, deps.clock),
    learned: { lookedBackAt: Number.NEGATIVE_INFINITY },
    close: () => http.close(),
  };
}
