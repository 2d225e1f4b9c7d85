import { z } from 'zod';
import { causes } from '../stock/cause.ts';

/**
 * One line of a reconcile plan, as `--json` prints it and as a saved plan keeps it. `expected` is null when nothing
 * was known; `target` is null for what is not counted or not mapped. Times are ISO 8601.
 */
export const planLine = z.object({
  channel: z.string(),
  listing_id: z.string(),
  sku: z.string().nullable(),
  shown: z.number().int().nullable(),
  expected: z.tuple([z.number().int(), z.number().int()]).nullable(),
  target: z.number().int().nullable(),
  cause: z.enum(causes),
  /** Orders of this run that moved it. */
  orders: z.array(z.string()),
  action: z.enum(['lower', 'raise', 'wait', 'none', 'refused']),
  done: z.boolean(),
  until: z.string().nullable(),
  note: z.string().nullable(),
  explained: z.boolean(),
  read_at: z.string().nullable(),
  low_since: z.string().nullable(),
  counter_id: z.number().int(),
});

/** See the schema of the same name. */
export type PlanLine = z.infer<typeof planLine>;

/** A saved plan: what `reconcile --apply` repeats and compares. */
export const savedPlan = z.object({
  plan_id: z.string(),
  created_at: z.string(),
  cause: z.enum(['dry-run', 'brake', 'command', 'run']),
  lines: z.array(planLine),
});

/** See the schema of the same name. */
export type SavedPlan = z.infer<typeof savedPlan>;

/** What a reconcile run over whole channels found, worst lines first, as the store keeps the last one. */
export const lastRun = savedPlan.extend({
  counts: z.record(z.string(), z.number().int()),
  /** Channels that were read to the end, and those that could not be, with why. */
  passed: z.array(z.string()),
  failed: z.array(z.object({ channel: z.string(), reason: z.string() })),
  /** Lines that are not among `lines`, because there were too many. */
  omitted: z.number().int(),
});

/** See the schema of the same name. */
export type LastRun = z.infer<typeof lastRun>;

/** Reads a saved plan; throws a ZodError when it is none. */
export function planFromJson(body: unknown): SavedPlan {
  return savedPlan.parse(body);
}
