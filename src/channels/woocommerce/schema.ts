import { z } from 'zod';

/** An id of WordPress: a number on the wire, text everywhere else. */
export const wooId = z
  .union([z.number().int().nonnegative(), z.string().regex(/^\d+$/)])
  .transform((id) => String(id));

const count = z.union([z.number(), z.string().transform(Number)]);
const gmt = z.string().nullish();
const sku = z
  .string()
  .nullish()
  .transform((text) => (text === undefined || text === null || text === '' ? null : text));
/** Meta values are anything that plugins store; only a few keys are read. */
const meta = z
  .array(z.object({ key: z.string(), value: z.unknown() }))
  .nullish()
  .transform((rows) => rows ?? []);

const orderLine = z.object({
  id: wooId,
  product_id: wooId.nullish().transform((id) => id ?? '0'),
  variation_id: wooId.nullish().transform((id) => id ?? '0'),
  quantity: count,
  sku,
  meta_data: meta,
});

/** What is read of an order, in webhooks and lists alike (WOO-2.6). */
export const orderRow = z.object({
  id: wooId,
  number: z.union([z.string(), z.number().transform(String)]).nullish(),
  status: z.string(),
  date_created_gmt: gmt,
  date_modified_gmt: gmt,
  date_paid_gmt: gmt,
  date_completed_gmt: gmt,
  line_items: z.array(orderLine),
  refunds: z
    .array(z.unknown())
    .nullish()
    .transform((rows) => rows ?? []),
  meta_data: meta,
});
export type OrderRow = z.infer<typeof orderRow>;

/** A refund of GET /orders/{id}/refunds: quantities are negative, `_refunded_item_id` names the order's line (WOO-O.5). */
export const refundRows = z.array(
  z.object({
    line_items: z
      .array(z.object({ quantity: count, meta_data: meta }))
      .nullish()
      .transform((rows) => rows ?? []),
  }),
);

/** `"parent"`: the variable product holds the number for all its variations (WOO-4). */
const managed = z
  .union([z.boolean(), z.literal('parent')])
  .nullish()
  .transform((value) => value ?? false);
const quantity = count.nullish().transform((value) => value ?? null);

/** A product or variation as listed. */
export const catalogueRow = z.object({
  id: wooId,
  parent_id: wooId.nullish().transform((id) => id ?? '0'),
  name: z.string().nullish(),
  sku,
  type: z.string().nullish(),
  manage_stock: managed,
  stock_quantity: quantity,
  backorders: z.string().nullish(),
  variations: z
    .array(z.unknown())
    .nullish()
    .transform((rows) => rows ?? []),
});
export type CatalogueRow = z.infer<typeof catalogueRow>;

/** A product or variation while its number is read. */
export const stockRow = z.object({
  id: wooId,
  parent_id: wooId.nullish().transform((id) => id ?? '0'),
  status: z.string().nullish(),
  manage_stock: managed,
  stock_quantity: quantity,
});
export type StockRow = z.infer<typeof stockRow>;

/** The answer of a batch: rows in the order asked, a failed one with `error` and perhaps no id (WOO-O.3). */
export const batchAnswer = z.object({
  update: z.array(
    z.object({
      id: wooId.nullish(),
      manage_stock: managed,
      stock_quantity: quantity,
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
export type SiteIndex = z.infer<typeof siteIndex>;

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
