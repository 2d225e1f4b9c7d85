import { z } from 'zod';
import { Flag, Id, Text } from '../kit/shapes.ts';

/** India has one time zone and no summer time. */
const istMs = 5.5 * 3_600_000;

/**
 * A time in milliseconds: `+05:30` and `Z` both occur (FK-7.13). One without an offset is taken for Indian time, and
 * never for that of this machine. NaN when it is none.
 */
function timeOf(text: string): number {
  const hasOffset = /(?:Z|[+-]\d{2}:?\d{2})$/i.test(text.trim());
  const isDate = /^\d{4}-\d{2}-\d{2}T/.test(text.trim());
  if (!isDate) return Number.NaN;
  return Date.parse(hasOffset ? text.trim().replace(/([+-]\d{2})(\d{2})$/, '$1:$2') : `${text.trim()}+05:30`);
}

/** As the examples write it: whole seconds, Indian offset. */
export function timeText(at: number): string {
  return `${new Date(at + istMs).toISOString().slice(0, 19)}+05:30`;
}

/** A time that is read; anything else does not parse. */
const Time = z.string().transform((text, context) => {
  const at = timeOf(text);
  if (!Number.isNaN(at)) return at;
  context.addIssue({ code: 'custom', message: 'not a time' });
  return z.NEVER;
});

const Moment = Time.nullish().catch(null);

/** What is read of a shipment, in lists and by id alike (FK-5.2); nothing of the buyer. */
export const Shipment = z.object({
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
export type Shipment = z.infer<typeof Shipment>;
type Item = Shipment['orderItems'][number];

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

/** The kept fields of a shipment. */
export function keptShipment(shipment: Shipment): KeptShipment {
  const { orderItems } = shipment;
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
      wantOfStock: isWantOfStock(item),
    })),
    extras: orderItems.some(({ subItem, subItems }) => isThere(subItem) || isThere(subItems)),
  };
}

/** When the shipment last changed, as far as a filter by time goes: a cancellation may have a date of its own only. */
export function changeOf(shipment: Shipment): number {
  const cancelled = shipment.orderItems.flatMap(({ cancellationDate }) => cancellationDate ?? []);
  return Math.max(shipment.updatedAt ?? 0, ...cancelled);
}

/** The id of a row that cannot be read. */
export function idOf(row: unknown): string {
  return z.object({ shipmentId: Id }).safeParse(row).data?.shipmentId ?? 'without id';
}

function isWantOfStock({ cancellationReason, cancellationSubReason }: Item): boolean {
  return /not_enough_inventory|out_of_stock/i.test(
    `${cancellationReason ?? ''} ${cancellationSubReason ?? ''}`,
  );
}

function isThere(extra: unknown): boolean {
  if (Array.isArray(extra)) return extra.length > 0;
  return typeof extra === 'object' && extra !== null && Object.keys(extra).length > 0;
}
