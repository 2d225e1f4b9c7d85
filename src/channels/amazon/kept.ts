import { z } from 'zod';

/**
 * What is kept of an order line. `ordered` and `shipped` are Amazon's words; `cancelled`: the line itself was called
 * off while its order goes on.
 */
const keptLine = z.object({
  id: z.string(),
  sku: z.string().nullable(),
  ordered: z.int().min(0),
  shipped: z.int().min(0),
  open: z.int().min(0).nullable(),
  cancelled: z.boolean(),
  /** The seller called it off because the shelf did not have it. */
  notFound: z.boolean().default(false),
});

/** What is kept of an order, however it came: never the buyer, an address or a price. Times in milliseconds. */
const keptOrder = z.object({
  kind: z.literal('order'),
  source: z.enum(['notification', 'api']),
  orderId: z.string(),
  seller: z.string().nullable(),
  version: z.number(),
  clock: z.string(),
  placedAt: z.number(),
  /** One spelling for both APIs, see `statusOf`. */
  status: z.string(),
  fulfilledBy: z.enum(['merchant', 'amazon']),
  complete: z.boolean(),
  lines: z.array(keptLine),
});
export type KeptOrder = z.infer<typeof keptOrder>;
export type KeptLine = z.infer<typeof keptLine>;

const unreadableOrder = z.object({
  kind: z.literal('unreadable-order'),
  orderId: z.string().nullable(),
  why: z.string(),
});
export type UnreadableOrder = z.infer<typeof unreadableOrder>;

/** Everything that `fieldsOf` and the order lists keep; JSON by its schema. */
export const kept = z.discriminatedUnion('kind', [
  keptOrder,
  unreadableOrder,
  z.object({ kind: z.literal('touched'), seller: z.string().nullable(), skus: z.array(z.string()) }),
  z.object({ kind: z.literal('alert'), text: z.string() }),
  z.object({ kind: z.literal('ignored'), why: z.string() }),
]);
export type Kept = z.infer<typeof kept>;

/** Order status in one spelling: `PartiallyShipped` and `PARTIALLY_SHIPPED` are one, `Canceled` is `CANCELLED` (AMZ-9.17). */
export function statusOf(word: string): string {
  const upper = word.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
  return upper === 'CANCELED' ? 'CANCELLED' : upper;
}

/** Milliseconds of an ISO 8601 time; null when it is none. */
export function timeOf(text: string | null | undefined): number | null {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? null : at;
}
