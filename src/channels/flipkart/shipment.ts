import { z } from 'zod';
import { Flag, Id, Text } from '../kit/shapes.ts';

/** India has one time zone and no summer time. */
const istMs = 5.5 * 3_600_000;

/**
 * A time in milliseconds: `+05:30` and `Z` both occur (FK-7.13). One without an offset is taken for Indian time, and
 * never for that of this machine. NaN when it is none.
 */
function timeOf(text: string): number {
  const date = text.trim();
  if (!/^\d{4}-\d{2}-\d{2}T/.test(date)) return Number.NaN;
  const hasOffset = /(?:Z|[+-]\d{2}:?\d{2})$/i.test(date);
  return Date.parse(hasOffset ? date.replace(/([+-]\d{2})(\d{2})$/, '$1:$2') : `${date}+05:30`);
}

/** As the examples write it: whole seconds, Indian offset. */
export function timeText(at: number): string {
  return `${new Date(at + istMs).toISOString().slice(0, 19)}+05:30`;
}

const Moment = z.string().transform(timeOf).pipe(z.number()).nullish().catch(null);

/** What is read of a shipment, in lists and by id alike (FK-5.2); nothing of the buyer. */
const Row = z.object({
  shipmentId: Id,
  updatedAt: Moment,
  locationId: Text,
  hold: Flag,
  orderItems: z.array(
    z.object({
      orderItemId: Id,
      orderDate: Moment,
      cancellationDate: Moment,
      status: z.string().min(1),
      cancellationReason: Text,
      cancellationSubReason: Text,
      courierReturn: Flag,
      quantity: z.int().nonnegative().max(1_000_000),
      sku: Text,
      listingId: Text,
      serviceProfile: Text,
      subItem: z.unknown().optional(),
      subItems: z.unknown().optional(),
    }),
  ),
});
type Row = z.infer<typeof Row>;

/** What is kept of a shipment. Times in milliseconds on Flipkart's clock. */
export const KeptShipment = z.object({
  kind: z.literal('shipment'),
  shipmentId: z.string(),
  location: z.string().nullable(),
  placedAt: z.number().nullable(),
  updatedAt: z.number().nullable(),
  hold: z.boolean(),
  lines: z.array(
    z.object({
      id: z.string(),
      sku: z.string().nullable(),
      listingId: z.string().nullable(),
      quantity: z.int().nonnegative(),
      status: z.string(),
      /** Lies in Flipkart's own warehouse: none of our stock. */
      theirs: z.boolean(),
      courierReturn: z.boolean(),
      /** The seller called it off for want of stock; Flipkart then sets the listing out of stock. */
      wantOfStock: z.boolean().default(false),
    }),
  ),
  /** Carries free items of which this API tells too little to count them (FK-7.16). */
  extras: z.boolean(),
});
export type KeptShipment = z.infer<typeof KeptShipment>;

/** Profiles of stock in Flipkart's warehouse, in the words of orders and of filters (FK-5.2). */
const theirProfiles = new Set(['FBF', 'FLIPKART_FULFILMENT', 'FLIPKART_FULFILLMENT']);

/** A row of a list or of a read by id. `times`: null when it cannot be read; it is handed on as such, so that it is seen. */
export interface Found {
  id: string;
  item: KeptShipment | { kind: 'unreadable'; shipmentId: string };
  times: { placedAt: number; changedAt: number; movedAt: number } | null;
}

/** `movedAt` is the change that filters by time go by: a cancellation may have a date of its own only. */
export function readRow(row: unknown): Found {
  const id = z.object({ shipmentId: Id }).safeParse(row).data?.shipmentId ?? 'without id';
  const shipment = Row.safeParse(row).data;
  if (shipment === undefined) return { id, item: { kind: 'unreadable', shipmentId: id }, times: null };
  const item = keptOf(shipment);
  const updatedAt = item.updatedAt ?? 0;
  const changedAt = Math.max(updatedAt, item.placedAt ?? 0);
  const cancelled = shipment.orderItems.flatMap(({ cancellationDate }) => cancellationDate ?? []);
  const movedAt = Math.max(updatedAt, ...cancelled);
  return { id, item, times: { placedAt: item.placedAt ?? changedAt, changedAt, movedAt } };
}

function keptOf({ orderItems, ...shipment }: Row): KeptShipment {
  const placed = orderItems.flatMap(({ orderDate }) => orderDate ?? []);
  return {
    kind: 'shipment',
    shipmentId: shipment.shipmentId,
    location: shipment.locationId ?? null,
    placedAt: placed.length === 0 ? null : Math.min(...placed),
    updatedAt: shipment.updatedAt ?? null,
    hold: shipment.hold === true,
    lines: orderItems.map((item) => ({
      id: item.orderItemId,
      sku: item.sku || null,
      listingId: item.listingId || null,
      quantity: item.quantity,
      status: item.status.toUpperCase().slice(0, 40),
      theirs: theirProfiles.has((item.serviceProfile ?? '').toUpperCase()),
      courierReturn: item.courierReturn === true,
      wantOfStock: wantOfStock.test(`${item.cancellationReason ?? ''} ${item.cancellationSubReason ?? ''}`),
    })),
    extras: orderItems.some(({ subItem, subItems }) => isThere(subItem) || isThere(subItems)),
  };
}

const wantOfStock = /not_enough_inventory|out_of_stock/i;

function isThere(extra: unknown): boolean {
  return typeof extra === 'object' && extra !== null && Object.keys(extra).length > 0;
}
