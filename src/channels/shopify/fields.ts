import { z } from 'zod';

/**
 * What is kept of a delivery or a pulled order: the fields that the rules read, and nothing of the buyer. Webhook
 * bodies (REST-shaped) and GraphQL nodes become the same `order` shape, so that both run through one rule.
 */

const count = z.int().nonnegative();

/** One order line. `unshipped`: units that the shop still has to ship; null when the payload does not tell. */
export const KeptLine = z.object({
  key: z.string(),
  variant: z.string().nullable(),
  sku: z.string().nullable(),
  quantity: count,
  current: count.nullable(),
  unshipped: count.nullable(),
});
export type KeptLine = z.infer<typeof KeptLine>;

/** One refund row. `restock`: the units went back into `available`. */
export const KeptRefund = z.object({
  line: z.string(),
  quantity: count,
  restock: z.boolean(),
  at: z.number().nullable(),
});
export type KeptRefund = z.infer<typeof KeptRefund>;

/** One successful fulfilment; `lines` null when it is known only that it happened. */
export const KeptShipment = z.object({
  at: z.number(),
  lines: z.array(z.object({ line: z.string(), quantity: count })).nullable(),
});
export type KeptShipment = z.infer<typeof KeptShipment>;

/** An order. Times in milliseconds on the shop's clock. `shipments` null: the payload does not list them. */
export const KeptOrder = z.object({
  kind: z.literal('order'),
  source: z.enum(['webhook', 'graphql']),
  orderId: z.string(),
  number: z.string().nullable(),
  createdAt: z.number(),
  updatedAt: z.number(),
  cancelled: z.boolean(),
  status: z.string(),
  /** False when a limit cut the lists. */
  complete: z.boolean(),
  lines: z.array(KeptLine),
  refunds: z.array(KeptRefund),
  shipments: z.array(KeptShipment).nullable(),
});
export type KeptOrder = z.infer<typeof KeptOrder>;

/** Everything that `fieldsOf` and the order reads produce. */
export const Kept = z.discriminatedUnion('kind', [
  KeptOrder,
  z.object({ kind: z.literal('fetch'), orderId: z.string() }),
  z.object({ kind: z.literal('level'), item: z.string(), location: z.string() }),
  z.object({ kind: z.literal('items'), items: z.array(z.string()) }),
  z.object({ kind: z.literal('alert'), text: z.string() }),
  z.object({ kind: z.literal('ignored'), why: z.string() }),
]);
export type Kept = z.infer<typeof Kept>;

/** An ISO 8601 time as Shopify writes it, read as milliseconds. */
export const Time = z.string().transform((text, context) => {
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return at;
  context.addIssue({ code: 'custom', message: 'not a time' });
  return z.NEVER;
});

/**
 * Is a line without a variant one that never had stock (custom item, tip), rather than one whose product was deleted
 * since? Only lines of products carry a vendor, a product or a SKU. A deleted one must stay, or the engine would
 * give its units back. From memory of live payloads (SHP-9.15 names the cases); last verified 2026-11: untested live.
 */
export function neverHadStock(line: {
  variant: string | null;
  sku: string | null;
  vendor: string | null;
  product: string | null;
}): boolean {
  return line.variant === null && line.sku === null && line.vendor === null && line.product === null;
}

/** Do units of a refund row of this type go back into `available`? REST writes lower case, GraphQL upper case. */
export function restocks(restockType: string): boolean {
  return ['cancel', 'return', 'legacy_restock'].includes(restockType.toLowerCase());
}

/** Does a fulfilment of this status mean that the goods left (or are leaving: pending, open)? */
export function shipped(status: string): boolean {
  return !['cancelled', 'error', 'failure'].includes(status.toLowerCase());
}

/** Live shops show negative counters now and then (community.shopify.dev thread 27826); they mean none. */
export function atLeastZero(value: number | null | undefined): number | null {
  return value === undefined || value === null ? null : Math.max(0, value);
}

/** SKU and vendor texts: a blank one is none. */
export function blankToNull(text: string | null | undefined): string | null {
  return text === undefined || text === null || text.trim() === '' ? null : text;
}
