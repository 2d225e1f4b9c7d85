import { z } from 'zod';
import type { Store } from '../store/store.ts';
import { stockReport } from '../sync/status.ts';

const listing = z.object({
  channel: z.string(),
  listing_id: z.string(),
  channel_sku: z.string().nullable(),
  units: z.int(),
  target: z.int().nullable(),
  sent: z.int().nullable(),
  shown: z.int().nullable(),
  read_at: z.string().nullable(),
  state: z.string(),
});
const document = z.object({
  sku: z.string(),
  on_hand: z.int(),
  committed: z.int(),
  reserved: z.int(),
  available: z.int(),
  counted: z.boolean(),
  listings: z.array(listing),
});

/** `stock show` as the daemon's API answers it too. */
export type StockDocument = z.infer<typeof document>;

/** The numbers of a SKU and of its listings; null: no such SKU. */
export async function stockDocument(store: Store, sku: string): Promise<StockDocument | null> {
  const report = await stockReport({ store }, sku);
  if (report === null) return null;
  return document.parse(report);
}
