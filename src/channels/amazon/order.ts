import { z } from 'zod';
import type { OrderSnapshot, SnapshotLine } from '../../stock/order.ts';
import { type DeliveryContent, type Json, type Obtaining, UnreadableDelivery } from '../channel.ts';
import { saying } from '../kit/hook.ts';

const units = z.int().min(0);

/**
 * What is kept of an order line. `ordered` and `shipped` are Amazon's words; `cancelled`: the line itself was called
 * off while its order goes on.
 */
const keptLine = z.object({
  id: z.string(),
  sku: z.string().nullable(),
  ordered: units,
  shipped: units,
  open: units.nullable(),
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

/** What kept fields say, however they came. Throws `UnreadableDelivery` for an order that cannot be read. */
export function ordersIn(sellerId: string, fields: Json, how: Obtaining): DeliveryContent {
  const said = kept.safeParse(fields).data;
  if (said === undefined) return saying({ alert: 'the kept fields of a delivery cannot be read any more' });
  const seller = 'seller' in said ? said.seller : null;
  if (seller !== null && seller !== sellerId) {
    const alert = `a notification is for the seller ${seller.slice(0, 40)}, not for ${sellerId}: the queue or topic is shared, or seller_id is wrong`;
    return saying({ ignored: 'another seller', alert });
  }
  if (said.kind === 'order') return orderContent(said, how);
  if (said.kind === 'touched') return saying({ touched: said.skus });
  if (said.kind === 'alert') return saying({ alert: said.text });
  if (said.kind === 'ignored') return saying({ ignored: said.why });
  throw new UnreadableDelivery(`order ${said.orderId ?? '(without id)'}: ${said.why}`);
}

/** Orders that Amazon ships from its own warehouses arrive in the same feeds (AMZ-9.22). */
function orderContent(order: KeptOrder, how: Obtaining): DeliveryContent {
  if (order.fulfilledBy === 'amazon') return saying({ ignored: 'fulfilled by Amazon' });
  // This status concerns stock in those warehouses only.
  if (order.status === 'UNFULFILLABLE') return saying({ ignored: `status ${order.status}` });
  // One item of a cancelled order says nothing about the others: only the whole order tells what is released.
  if (order.status === 'CANCELLED' && !order.complete) return saying({ fetch: [order.orderId] });
  // Only the order itself tells who cancelled it and why.
  const asks = order.status === 'CANCELLED' && order.source === 'notification';
  return saying({ orders: [snapshotOf(order, how)], fetch: asks ? [order.orderId] : [] });
}

/** The SKUs whose listings `ordersIn` names. */
export function refsIn(fields: Json): string[] {
  const said = kept.safeParse(fields).data;
  const lines = said?.kind === 'order' ? said.lines : [];
  return [...new Set(lines.flatMap(({ sku }) => (sku === null ? [] : [sku])))];
}

/** What a line of an order in this status keeps from sale, and what of it has left (AMZ-6.3). */
type Rule = (line: KeptLine) => { taken: number; gone: number };

const open: Rule = ({ ordered, shipped }) => ({ taken: Math.max(ordered, shipped), gone: shipped });
const left: Rule = (line) => ({ taken: open(line).taken, gone: open(line).taken });
/** What was shipped before stays gone; the rest goes back to whatever gave it, whatever quantity the payload names. */
const calledOff: Rule = ({ shipped }) => ({ taken: shipped, gone: shipped });
const nothing: Rule = () => ({ taken: 0, gone: 0 });

const rules: Record<string, Rule> = {
  // Amazon has lowered its own number; the payment may still fail.
  PENDING: open,
  // A pre-order whose release date is ahead.
  PENDING_AVAILABILITY: nothing,
  UNSHIPPED: open,
  PARTIALLY_SHIPPED: open,
  SHIPPED: left,
  INVOICE_UNCONFIRMED: left,
  CANCELLED: calledOff,
};

/** In these, what is shipped and what is to be shipped are all that was ordered. */
const countedStatuses = new Set(['UNSHIPPED', 'PARTIALLY_SHIPPED', 'SHIPPED']);

/**
 * The snapshot of a kept order. A buyer's wish to cancel changes nothing here: the order holds its units until Amazon
 * says that it is cancelled.
 */
function snapshotOf(order: KeptOrder, { obtained, askedAt, answeredAt }: Obtaining): OrderSnapshot {
  const { orderId, version, clock, complete, placedAt, status } = order;
  const rule = rules[status];
  const warnings = order.lines.flatMap((line) => warningsOf(order, line));
  if (rule === undefined) warnings.push(`unknown status ${status}: its units are held until it is known`);
  return {
    ...{ orderId, number: null, version, clock, obtained, askedAt, answeredAt, complete, placedAt },
    changedAt: version,
    status,
    cancelled: status === 'CANCELLED',
    lines: order.lines.map((line) => lineOf(order, line, rule ?? open)),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

function lineOf(order: KeptOrder, line: KeptLine, rule: Rule): SnapshotLine {
  const doubted = lostOf(order, line) ?? 0;
  return {
    lineKey: `${order.orderId}/${line.id}`,
    listingId: line.sku,
    channelSku: line.sku,
    ...(line.cancelled ? calledOff(line) : rule(line)),
    takenAt: null,
    goneAt: null,
    ...(doubted === 0 ? {} : { doubted }),
  };
}

/** Units that were called off because they were not on the shelf; null when that was not the reason. */
function lostOf({ status }: KeptOrder, { cancelled, notFound, ordered, shipped }: KeptLine): number | null {
  const isOver = cancelled || status === 'CANCELLED';
  return isOver && notFound ? Math.max(0, ordered - shipped) : null;
}

/** Numbers that do not add up hold more rather than less; cancelled lines tell 0 units in some orders. */
function warningsOf(order: KeptOrder, line: KeptLine): string[] {
  const { id, ordered, shipped, sku } = line;
  const warnings: string[] = [];
  const told = line.open === null ? ordered : line.open + shipped;
  if (told !== ordered && !line.cancelled && countedStatuses.has(order.status))
    warnings.push(`line ${id}: ${ordered} ordered, but ${told} shipped or to be shipped; counted as ordered`);
  const name = sku ?? `line ${id}`;
  if (lostOf(order, line) === 0)
    warnings.push(
      `cancelled by the seller because ${name} was not there, and Amazon does not tell how many: count it (invsync stock count ${name} N)`,
    );
  return warnings;
}
