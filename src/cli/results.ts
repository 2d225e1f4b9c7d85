import { z } from 'zod';
import { planLine } from '../sync/plan.ts';

/** What the handlers of requests answer, as commands read it. */

/** `reconcile` */
export const reconcileResult = z.object({
  report: z.object({
    plan_id: z.string(),
    lines: z.array(planLine),
    counts: z.record(z.string(), z.int()),
    warnings: z.array(z.string()),
  }),
  passed: z.array(z.string()),
  failed: z.array(
    z.object({
      channel: z.string(),
      reason: z.string(),
      kind: z.enum(['temporary', 'auth', 'held', 'failed']),
    }),
  ),
  braked: z.array(z.string()),
  skipped: z.int(),
  exit_code: z.int(),
});
/** See the schema of the same name. */
export type ReconcileResult = z.infer<typeof reconcileResult>;

/** `calibrate` */
export const calibrateResult = z.object({
  channel: z.string(),
  state: z.enum(['noted', 'waiting', 'clear', 'unclear']),
  basis: z.enum(['net', 'gross']).nullable(),
  configured: z.enum(['net', 'gross']),
  listings: z.int(),
  since: z.number(),
  sights: z.array(
    z.object({
      listingId: z.string(),
      written: z.int(),
      shown: z.int(),
      sold: z.int(),
      released: z.int(),
      shipped: z.int(),
      verdict: z.enum(['net', 'gross', 'mute', 'neither']),
    }),
  ),
  hint: z.string(),
});

/** `listings.import` */
export const importResult = z.object({
  channel: z.string(),
  listings: z.int(),
  mapped: z.int(),
  unmapped: z.int(),
  vanished: z.int(),
  warnings: z.array(z.string()),
});

/** `webhooks.list`, `webhooks.register`, `webhooks.remove` */
export const webhooksResult = z.object({
  channels: z.array(
    z.object({
      channel: z.string(),
      webhooks: z.array(
        z.object({
          id: z.string(),
          topic: z.string(),
          url: z.string(),
          status: z.enum(['active', 'disabled']),
          ours: z.boolean(),
        }),
      ),
      changes: z.array(z.string()),
      error: z.string().nullable(),
    }),
  ),
});
/** See the schema of the same name. */
export type WebhooksResult = z.infer<typeof webhooksResult>;

/** `pushes.retry` */
export const retryResult = z.object({ retried: z.int() });

/** One finding of `check`. */
export const checkItem = z.object({
  name: z.string(),
  level: z.enum(['ok', 'warn', 'fail']),
  detail: z.string(),
  remedy: z.string(),
});

/** `check` */
export const checkResult = z.object({
  channels: z.array(z.object({ channel: z.string(), items: z.array(checkItem) })),
});

/** Why a request failed, as the daemon wrote it down. */
export const failedResult = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string(), exit_code: z.int() }),
});
