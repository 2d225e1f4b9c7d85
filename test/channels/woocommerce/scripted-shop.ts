import type { Channel, ChannelDeps } from '../../../src/channels/channel.ts';
import { type WooConfig, wooConfig } from '../../../src/channels/woocommerce/config.ts';
import { woocommerce } from '../../../src/channels/woocommerce/index.ts';
import * as kit from '../../kit/stage.ts';
import type { Door } from '../kit/door.ts';

export type { Call, Reply } from '../../kit/stage.ts';

/** Never aborted. */
export const signal = kit.calm;

const config = {
  url: 'https://shop.example',
  consumer_key: 'ck_test',
  consumer_secret: 'cs_test',
  webhook_secret: 'whsec_local_0123456789abcdef',
};

/** A loopback server that replays documented answers, and a channel that talks to it. Both end with the test. */
export async function scripted(
  script: (call: kit.Call) => kit.Reply,
  options: { config?: Partial<Record<keyof WooConfig, unknown>>; vault?: Map<string, string> } = {},
): Promise<{ channel: Channel; calls: kit.Call[]; deps: ChannelDeps }> {
  const answer = (call: kit.Call): kit.Reply => {
    const reply = script(call);
    if (reply.text !== undefined)
      return { headers: { 'content-type': 'text/html', ...reply.headers }, ...reply };
    return { ...reply, json: reply.json ?? null };
  };
  return kit.stageOf(woocommerce, config, answer, { ...options, deps: { name: 'wp-shop' } });
}

/** A sound configuration with some keys changed. */
export function configOf(change: Partial<Record<keyof WooConfig, unknown>>): WooConfig {
  return wooConfig.parse(kit.changed(config, change));
}

/** The door for the suites that all adapters share. */
export const door: Door = {
  type: 'woocommerce',
  definition: woocommerce as unknown as Door['definition'],
  config,
  good({ path, method }) {
    const row = { id: 93, parent_id: 0, status: 'publish', manage_stock: true };
    if (path === '/wp-json/')
      return { json: { name: 'Mugs', url: config.url, home: config.url, namespaces: ['wc/v3'] } };
    if (!path.endsWith('/products/93')) return { json: [] };
    return { json: { ...row, stock_quantity: method === 'GET' ? 5 : 4 } };
  },
  line: kit.lineOf(
    { listingId: '93', counterKey: '93', channelSku: 'MUG', facts: { managed: true, parentId: null } },
    4,
    5,
  ),
  isWrite: ({ method }) => method === 'PUT' || method === 'POST',
  limited: (headers) => ({ status: 429, headers, json: { code: 'too_many', message: 'slow down' } }),
  tokens: null,
};
