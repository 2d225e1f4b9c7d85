import type { OrderSnapshot, SnapshotLine } from '../../stock/order.ts';
import type { Obtaining } from '../channel.ts';
import type { KeptLine, KeptOrder } from './fields.ts';

/** How long Shopify may take to write the refund rows of a cancellation or an edit. From memory; never measured live. */
const settlingMs = 2_000;

/** Order id of Shopify's fixed sample, sent by "Send test notification" and the CLI trigger (SHP-9.1, SHP-9.2). */
const sampleOrder = 'gid://shopify/Order/820982911946154508';

/** What one line says, before the order's own state is laid over it. */
interface LineState {
  taken: number;
  gone: number;
  goneAt: number | null;
  /** Units without a word about them: cancelled or edited away, and no refund row says where they went. */
  untold: number;
}

/**
 * The snapshot of a kept order, by the rule of SHP-2.7 extended to `taken` and `gone`:
 * taken = ordered − restocked refund units; gone = taken − units still to be shipped, which counts shipped units and
 * those refunded without restock (written off). `current_quantity` never releases: it falls on no_restock too.
 *
 * Units that nothing explains (a cancellation or an edit without refund rows) are looked at once more; then a
 * cancelled order's are released and an edited order's stay held, both with a warning.
 */
export function snapshotOf(order: KeptOrder, how: Obtaining): OrderSnapshot {
  const states = order.lines.map((line) => ({ line, state: lineState(order, line) }));
  const untold = states.reduce((sum, { state }) => sum + state.untold, 0);
  const snapshot: OrderSnapshot = {
    orderId: order.orderId,
    number: order.number,
    version: order.updatedAt,
    clock: 'updated_at',
    obtained: how.obtained,
    askedAt: how.askedAt,
    answeredAt: how.answeredAt,
    complete: order.complete,
    placedAt: order.createdAt,
    changedAt: order.updatedAt,
    status: order.cancelled ? 'cancelled' : order.status,
    cancelled: order.cancelled,
    lines: states.map(({ line, state }) => snapshotLine(line, order.cancelled ? released(state) : state)),
  };
  if (untold > 0 && how.attempt === 0) snapshot.lookAgainMs = settlingMs;
  const warnings = warningsOf(order, untold);
  if (warnings.length > 0) snapshot.warnings = warnings;
  return snapshot;
}

function lineState(order: KeptOrder, line: KeptLine): LineState {
  const rows = order.refunds.filter((row) => row.line === line.key);
  const refunded = sum(rows);
  const taken = Math.max(0, line.quantity - sum(rows.filter((row) => row.restock)));
  const kept = Math.max(0, line.quantity - refunded);
  const untold = order.cancelled
    ? Math.max(0, kept - shippedUnits(order, line))
    : Math.max(0, kept - (line.current ?? kept));
  // What no row explains still lies somewhere: it is not counted as gone until a row or a person says so.
  const waiting = Math.min(line.unshipped ?? kept, kept) + (order.cancelled ? 0 : untold);
  const gone = Math.max(0, taken - waiting);
  return { taken, gone, goneAt: gone > 0 ? goneAt(order, line) : null, untold };
}

/** A cancelled order keeps nothing that no refund row explains (SHP-2.7, default policy). */
function released(state: LineState): LineState {
  const taken = Math.max(0, state.taken - state.untold);
  return { ...state, taken, gone: Math.min(state.gone, taken) };
}

function snapshotLine(line: KeptLine, state: LineState): SnapshotLine {
  return {
    lineKey: line.key,
    listingId: line.variant,
    channelSku: line.sku,
    taken: state.taken,
    gone: state.gone,
    takenAt: null,
    goneAt: state.gone > 0 ? state.goneAt : null,
  };
}

/** Units of a line that were shipped; all of them where even a reading by id could not tell which. */
function shippedUnits(order: KeptOrder, line: KeptLine): number {
  const isCut = order.shipments?.some((shipment) => shipment.lines === null) ?? false;
  if (isCut && order.source === 'graphql') return line.quantity;
  const rows = (order.shipments ?? []).flatMap((shipment) => shipment.lines ?? []);
  return sum(rows.filter((row) => row.line === line.key));
}

/** When the last unit of the line left or was written off; null when the payload does not tell. */
function goneAt(order: KeptOrder, line: KeptLine): number | null {
  const shipped = (order.shipments ?? [])
    .filter((shipment) => shipment.lines === null || shipment.lines.some((row) => row.line === line.key))
    .map((shipment) => shipment.at);
  const writtenOff = order.refunds
    .filter((row) => row.line === line.key && !row.restock)
    .flatMap((row) => (row.at === null ? [] : [row.at]));
  const times = [...shipped, ...writtenOff];
  return times.length === 0 ? null : Math.max(...times);
}

function warningsOf(order: KeptOrder, untold: number): string[] {
  const warnings: string[] = [];
  if (order.orderId === sampleOrder)
    warnings.push('this is the fixed sample order of a Shopify test notification');
  if (!order.complete)
    warnings.push('the order is too large to be read completely; its refunds may be missing');
  if (untold === 0) return warnings;
  warnings.push(
    order.cancelled
      ? `cancelled without refund rows for ${untold} unit(s): taken as released; check that they are in stock`
      : `${untold} unit(s) were edited away without a refund row: still held; count the SKU if they are in stock`,
  );
  return warnings;
}

function sum(rows: readonly { quantity: number }[]): number {
  return rows.reduce((total, row) => total + row.quantity, 0);
}
