import { z } from 'zod';
import type {
  ActionOutcome,
  Capabilities,
  Channel,
  ChannelDefinition,
  ChannelDeps,
  Webhooks,
} from '../channel.ts';
import { bound } from '../kit/bound.ts';
import { actionOutcome } from '../kit/outcomes.ts';
import { meetWeather } from './calls.ts';
import { fetchOrders, listListings, orderPages } from './pages.ts';
import { type MemoryPlatform, memoryPlatform } from './platform.ts';
import { readStock, setStock } from './stock.ts';
import { memoryFieldsOf, memoryOrdersIn, memoryRefsIn, receiveMemory } from './wire.ts';

const config = z.strictObject({
  platform: z
    .string()
    .min(1)
    .describe('Name of the platform in this process; channels that name the same one share it'),
  secret: z.string().min(1).meta({ secret: true }).describe('Signs the deliveries'),
});

/** Facts of the platform unless its options say otherwise: it compares, answers at once and lags nowhere. */
const capabilities: Capabilities = {
  basis: 'net',
  orderLagMs: 0,
  indexLagMs: 0,
  settleMs: 0,
  maxExecutionMs: 5_000,
  clockMarginMs: 0,
  restoresOnCancel: true,
  reportsGone: true,
  compareAndSet: 'native',
  idempotencyKeys: true,
  batchSize: 50,
  writeConcurrency: 2,
  webhooks: true,
  webhookRetryMs: 4 * 3_600_000,
  webhookTimeoutMs: 5_000,
  pollMinMs: 1_000,
  pollDefaultMs: 60_000,
  pollOnlyMs: 10_000,
  orderHistoryMs: null,
  hold: true,
  cancel: true,
  maxQuantity: 1_000_000,
};

/**
 * A real channel whose platform lives in this process: for the simulation, the benchmark and the engine's tests. What
 * shoppers, merchant and bad weather do to it goes through `memoryPlatform(name)`.
 */
export const memory: ChannelDefinition<z.infer<typeof config>> = {
  type: 'memory',
  title: 'In memory',
  grade: {
    level: 'sandbox',
    date: '2026-11-23',
    note: 'a platform inside this process, for tests and benchmarks',
  },
  config,
  capabilities,
  create,
};

function create(settings: z.infer<typeof config>, deps: ChannelDeps): Channel {
  const platform = memoryPlatform(settings.platform, { clock: deps.clock });
  const { state } = platform;
  state.secret = settings.secret;
  const able = { ...capabilities, ...state.options.capabilities };
  return {
    capabilities: able,
    identity: async (signal) => {
      await meetWeather(state, 'read', signal);
      return { accountId: `memory:${platform.name}`, title: platform.name };
    },
    check: async (signal) => {
      await meetWeather(state, 'read', signal);
      const detail = `${state.listings.size} listings`;
      return [{ name: 'reachable', level: 'ok', detail, remedy: '' }];
    },
    ...bound(state, { listListings, readStock, setStock, fetchOrders }),
    ordersSince: (since, signal) => orderPages(state, (order) => order.changed_at >= since, signal),
    ordersCreatedSince: (since, signal) => orderPages(state, (order) => order.placed_at >= since, signal),
    openOrders: (signal) =>
      orderPages(state, (order) => order.lines.some((line) => line.taken > line.gone), signal),
    receive: (request) => receiveMemory(request, settings.secret),
    fieldsOf: memoryFieldsOf,
    refsIn: memoryRefsIn,
    ordersIn: memoryOrdersIn,
    ...(able.webhooks ? { webhooks: webhooksOf(platform) } : {}),
    ...(able.hold ? { hold: (order, signal) => act(platform, order.orderId, 'hold', signal) } : {}),
    ...(able.cancel ? { cancel: (order, signal) => act(platform, order.orderId, 'cancel', signal) } : {}),
    close: async () => undefined,
  };
}

function webhooksOf({ state }: MemoryPlatform): Webhooks {
  const list = (url: string | null) =>
    url === null ? [] : [{ id: 'hook', topic: 'order', url, status: 'active' as const, ours: true }];
  return {
    list: async (signal) => {
      await meetWeather(state, 'read', signal);
      return list(state.hookUrl);
    },
    ensure: async (url, signal) => {
      await meetWeather(state, 'read', signal);
      const before = state.hookUrl;
      state.hookUrl = url;
      return { webhooks: list(url), changes: before === url ? [] : [`order goes to ${url}`] };
    },
    remove: async (signal) => {
      await meetWeather(state, 'read', signal);
      const before = state.hookUrl;
      state.hookUrl = null;
      return before === null ? [] : ['hook'];
    },
  };
}

async function act(
  platform: MemoryPlatform,
  orderId: string,
  kind: 'hold' | 'cancel',
  signal: AbortSignal,
): Promise<ActionOutcome> {
  try {
    await meetWeather(platform.state, 'write', signal);
  } catch (error) {
    return actionOutcome(error);
  }
  const order = platform.order(orderId);
  if (order === undefined) return { kind: 'refused', error: `no order ${orderId}` };
  const wanted = kind === 'hold' ? 'on-hold' : 'cancelled';
  if (order.status === wanted) return { kind: 'done', detail: `was ${wanted} already` };
  if (order.status !== 'open' && order.status !== 'on-hold') {
    return { kind: 'refused', error: `order ${orderId} is ${order.status}` };
  }
  if (kind === 'hold') platform.annotate(orderId, 'on-hold');
  else platform.cancel(orderId);
  return { kind: 'done', detail: wanted };
}
