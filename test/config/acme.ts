import { z } from 'zod';
import type { Capabilities, ChannelDefinition } from '../../src/channels/channel.ts';

const dayMs = 86_400_000;

/** A made-up platform: polled every minute at most, repeats deliveries for five days, cancels but holds no orders. */
export const acmeCapabilities: Capabilities = {
  basis: 'net',
  orderLagMs: 60_000,
  indexLagMs: 30_000,
  settleMs: 10_000,
  maxExecutionMs: 120_000,
  clockMarginMs: 2_000,
  restoresOnCancel: true,
  reportsGone: true,
  compareAndSet: 'native',
  idempotencyKeys: true,
  batchSize: 100,
  writeConcurrency: 1,
  webhooks: true,
  webhookRetryMs: 5 * dayMs,
  webhookTimeoutMs: 5_000,
  pollMinMs: 60_000,
  pollDefaultMs: 600_000,
  pollOnlyMs: 120_000,
  orderHistoryMs: null,
  hold: false,
  cancel: true,
  maxQuantity: 1_000,
};

/** For files only: nothing is ever created from it. */
export const acme: ChannelDefinition = {
  type: 'acme',
  title: 'Acme Market',
  grade: { level: 'sandbox', date: '2026-11-23', note: 'made up' },
  config: z.strictObject({
    shop: z.string().min(1).describe('name of the shop'),
    api_token: z.string().min(1).describe('token of the API').meta({ secret: true }),
    signer: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .optional()
      .describe('signs webhooks')
      .meta({ secret: true }),
    token_url: z.string().optional().describe('where tokens are made'),
    queue: z
      .strictObject({
        url: z.string().describe('where the queue is'),
        pass: z.string().describe('what opens it').meta({ secret: true }),
      })
      .optional()
      .describe('a queue instead of webhooks'),
  }),
  capabilities: acmeCapabilities,
  create: () => {
    throw new Error('acme exists in configuration files only');
  },
};

/** A second type without webhooks and without any action on orders. */
export const bazaar: ChannelDefinition = {
  ...acme,
  type: 'bazaar',
  title: 'Bazaar',
  config: z.strictObject({ stall: z.string().describe('number of the stall') }),
  capabilities: { ...acmeCapabilities, webhooks: false, cancel: false, webhookRetryMs: 0 },
};
