import type { OrderSnapshot, SnapshotLine } from '../../stock/order.ts';
import type { Obtaining } from '../channel.ts';
import type { KeptLine, KeptOrder } from './kept.ts';

/** What a line of an order in this status keeps from sale, and what of it has left (AMZ-6.3). */
type Rule = (line: KeptLine) => { taken: number; gone: number };

const open: Rule = ({ ordered, shipped }) => {
  const taken = Math.max(ordered, shipped);
  return { taken, gone: Math.min(shipped, taken) };
};
const left: Rule = ({ ordered, shipped }) => {
  const taken = Math.max(ordered, shipped);
  return { taken, gone: taken };
};
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

/** Statuses that concern stock in Amazon's own warehouses only. */
export const foreignStatuses = new Set(['UNFULFILLABLE']);

/**
 * The snapshot of a kept order. A buyer's wish to cancel changes nothing here: the order holds its units until Amazon
 * says that it is cancelled.
 */
export function snapshotOf(order: KeptOrder, how: Obtaining): OrderSnapshot {
  const rule = rules[order.status];
  const warnings = order.lines.flatMap((line) => [...oddities(order, line), ...uncounted(order, line)]);
  if (rule === undefined)
    warnings.push(`unknown status ${order.status}: its units are held until it is known`);
  const snapshot: OrderSnapshot = {
    orderId: order.orderId,
    number: null,
    version: order.version,
    clock: order.clock,
    obtained: how.obtained,
    askedAt: how.askedAt,
    answeredAt: how.answeredAt,
    complete: order.complete,
    placedAt: order.placedAt,
    changedAt: order.version,
    status: order.status,
    cancelled: order.status === 'CANCELLED',
    lines: order.lines.map((line) => lineOf(order, line, rule ?? open)),
  };
  if (warnings.length > 0) snapshot.warnings = warnings;
  return snapshot;
}

function lineOf(order: KeptOrder, line: KeptLine, rule: Rule): SnapshotLine {
  const over = line.cancelled || order.status === 'CANCELLED';
  const doubted = over && line.notFound ? Math.max(0, line.ordered - line.shipped) : 0;
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

/** Cancelled lines tell 0 units in some orders. */
function uncounted(order: KeptOrder, line: KeptLine): string[] {
  const over = line.cancelled || order.status === 'CANCELLED';
  if (!over || !line.notFound || line.ordered > line.shipped) return [];
  const sku = line.sku ?? `line ${line.id}`;
  return [
    `cancelled by the seller because ${sku} was not there, and Amazon does not tell how many: count it (invsync stock count ${sku} N)`,
  ];
}

/** Numbers that do not add up hold more rather than less. */
function oddities(order: KeptOrder, line: KeptLine): string[] {
  if (line.cancelled || line.open === null) return [];
  if (!['UNSHIPPED', 'PARTIALLY_SHIPPED', 'SHIPPED'].includes(order.status)) return [];
  const told = line.open + line.shipped;
  if (told === line.ordered) return [];
  return [
    `line ${line.id}: ${line.ordered} ordered, but ${told} shipped or to be shipped; counted as ordered`,
  ];
}
