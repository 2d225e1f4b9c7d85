import { z } from 'zod';

/** An id of WordPress: a number on the wire, text everywhere else. */
export const wooId = z
  .union([z.number().int().nonnegative(), z.string().regex(/^\d+$/)])
  .transform((id) => String(id));
const orZero = wooId.nullish().transform((id) => id ?? '0');
const count = z.union([z.number(), z.string().transform(Number)]);
const sku = z
  .string()
  .nullish()
  .transform((text) => text || null);

/**
 * A `*_gmt` time in milliseconds, which WooCommerce writes without a zone (WOO-6 and WOO-O.4, 2026-11); null for null,
 * empty and what is no date.
 */
const gmt = z
  .string()
  .nullish()
  .transform((text) => {
    const isZoned = /(?:z|[+-]\d\d:?\d\d)$/i.test(text ?? '');
    const at = text ? Date.parse(`${text}${isZoned ? '' : 'Z'}`) : Number.NaN;
    return Number.isNaN(at) ? null : at;
  });

function listOf<T>(row: z.ZodType<T>) {
  return z
    .array(row)
    .nullish()
    .transform((rows) => rows ?? []);
}

/** A list whose rows are read one by one, so that a mangled one costs itself only. */
export const anyRows = z.array(z.unknown());

/** Meta values are anything that plugins store; only a few keys are read. */
const meta = listOf(z.object({ key: z.string(), value: z.unknown() }));

/** The id of a row whatever else is there. */
export function idOf(row: unknown): string | null {
  return z.object({ id: wooId }).safeParse(row).data?.id ?? null;
}

/** By what an order is told apart and put in order. */
export const orderKey = z.object({ id: wooId, date_created_gmt: gmt, date_modified_gmt: gmt });

/** What is read of an order, in webhooks and lists alike (WOO-2.6). */
export const orderRow = orderKey.extend({
  number: z.union([z.string(), z.number().transform(String)]).nullish(),
  status: z.string(),
  date_paid_gmt: gmt,
  date_completed_gmt: gmt,
  line_items: z.array(
    z.object({ id: wooId, product_id: orZero, variation_id: orZero, quantity: count, sku, meta_data: meta }),
  ),
  refunds: listOf(z.unknown()),
  meta_data: meta,
});

/** What is read of an order before it is changed, and of the answer. */
export const orderState = z.object({ status: z.string(), meta_data: meta });

/** A refund of GET /orders/{id}/refunds: quantities are negative, `_refunded_item_id` names the order's line (WOO-O.5). */
export const refundRows = z.array(
  z.object({ line_items: listOf(z.object({ quantity: count, meta_data: meta })) }),
);

/** A product or variation while its number is read. `"parent"`: the variable product holds it for all (WOO-4). */
export const stockRow = z.object({
  id: wooId,
  parent_id: orZero,
  status: z.string().nullish(),
  manage_stock: z
    .union([z.boolean(), z.literal('parent')])
    .nullish()
    .transform((value) => value ?? false),
  stock_quantity: count.nullish().transform((value) => value ?? null),
});
export type StockRow = z.infer<typeof stockRow>;

/** A product or variation as listed. */
export const catalogueRow = stockRow.extend({
  name: z.string().nullish(),
  sku,
  type: z.string().nullish(),
  backorders: z.string().nullish(),
  variations: listOf(z.unknown()),
});
export type CatalogueRow = z.infer<typeof catalogueRow>;

/** The answer of a batch: rows in the order asked, a failed one with `error` and perhaps no id (WOO-O.3). */
export const batchAnswer = z.object({
  update: z.array(
    stockRow.extend({
      id: wooId.nullish(),
      error: z.object({ code: z.string().catch(''), message: z.string().catch('') }).optional(),
    }),
  ),
});

/** What WordPress and WooCommerce answer when they refuse, and what a webhook carries when its order is gone. */
export const errorBody = z.object({
  code: z.string(),
  message: z.string().catch(''),
  data: z.object({ status: z.number().nullable().catch(null) }).catch({ status: null }),
});

/** A webhook as listed; the secret is never among the fields (WOO-3). */
export const webhookRow = z.object({
  id: wooId,
  name: z.string().catch(''),
  status: z.string(),
  topic: z.string(),
  delivery_url: z.string(),
});
export type WebhookRow = z.infer<typeof webhookRow>;

/** The public index of the REST API. */
export const siteIndex = z.object({
  name: z.string().catch(''),
  url: z.string().catch(''),
  home: z.string().catch(''),
  namespaces: z.array(z.string()).catch([]),
  timezone_string: z.string().catch(''),
});

const lineFields = z.object({
  id: z.string(),
  product: z.string(),
  variation: z.string(),
  sku: z.string().nullable(),
  quantity: z.number(),
  /** `_reduced_stock`; null when the line has none. */
  reduced: z.number().nullable(),
  /** `_restock_refunded_items`, 0 when the line has none. */
  restocked: z.number(),
});
export type LineFields = z.infer<typeof lineFields>;

/** What is kept of an order: no buyer, no money. Times in milliseconds. Part of the stored format. */
export const orderFields = z.object({
  kind: z.literal('order'),
  id: z.string(),
  number: z.string().nullable(),
  status: z.string(),
  /** The status before the trash, without `wc-`; null when it is not in the trash or the shop does not tell. */
  trashedFrom: z.string().nullable(),
  created: z.number(),
  modified: z.number(),
  paid: z.number().nullable(),
  completed: z.number().nullable(),
  lines: z.array(lineFields),
  hasRefunds: z.boolean(),
  /** Units refunded per line id; null when the refunds were not read. */
  refunded: z.record(z.string(), z.number()).nullable(),
  /**
   * Of the lines that an order without a claim to stock still keeps, those whose product is deleted or no longer tracked;
   * null when the products were not read.
   */
  ownerless: z.array(z.string()).nullable().default(null),
});
export type OrderFields = z.infer<typeof orderFields>;
