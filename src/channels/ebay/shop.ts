import type { ChannelDeps } from '../channel.ts';
import { createHttpClient } from '../kit/http.ts';
import { rowsPerCall } from './capabilities.ts';
import type { EbayConfig } from './config.ts';
import { createOutOfStock, type OutOfStock } from './out-of-stock.ts';
import { createRest, type Rest } from './rest.ts';
import { createRevisions, type Revisions } from './revisions.ts';
import { createTokens } from './tokens.ts';
import { createTrading, type Trading } from './trading.ts';

/** Everything that the parts of one channel share. */
export interface Shop {
  config: EbayConfig;
  deps: ChannelDeps;
  rest: Rest;
  trading: Trading;
  revisions: Revisions;
  outOfStock: OutOfStock;
  /** Hints that only save requests; losing them costs nothing. */
  learned: { rowsPerWrite: number; activePages: number };
  close(): Promise<void>;
}

/** Opens a connection pool of its own; `close` ends it. */
export function openShop(config: EbayConfig, deps: ChannelDeps): Shop {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent: 'invsync' });
  const tokens = createTokens(config, deps, http);
  const trading = createTrading(config, deps, { http, tokens });
  return {
    config,
    deps,
    rest: createRest(config, deps, { http, tokens }),
    trading,
    revisions: createRevisions(deps),
    outOfStock: createOutOfStock(trading, deps.clock),
    learned: { rowsPerWrite: rowsPerCall, activePages: 10 },
    close: () => http.close(),
  };
}
