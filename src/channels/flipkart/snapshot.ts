import type { OrderSnapshot, SnapshotLine } from '../../stock/order.ts';
import type { FactsOf, Obtaining } from '../channel.ts';
import type { KeptShipment } from './shipment.ts';

type KeptLine = KeptShipment['lines'][number];

/** Statuses by what they do to stock (FK-5.4). */
const held = new Set(['APPROVED', 'PACKING_IN_PROGRESS', 'FORM_FAILED', 'PACKED', 'READY_TO_DISPATCH']);
const left = new Set([
  'PICKUP_COMPLETE',
  'SHIPPED',
  'DELIVERED',
  'COMPLETED',
  'RETURN_REQUESTED',
  // Goods that come back are put on the shelf by a person (FK-2.3).
  'RETURNED',
]);

const isCancelled = ({ status }: KeptLine) => status === 'CANCELLED';

/**
 * The snapshot of a shipment: an order here is a shipment, because that is what Flipkart lists, changes and tells of
 * (FK-0). A shipment on hold keeps its units. Lines are known by shipment and order item.
 */
export function snapshotOf(shipment: KeptShipment, facts: FactsOf, how: Obtaining): OrderSnapshot {
  const { updatedAt } = shipment;
  const placedAt = shipment.placedAt ?? updatedAt ?? how.askedAt;
  const own = shipment.lines.filter((line) => !line.theirs);
  const lines = linesOf(shipment, own, facts);
  const warnings = warningsOf(shipment, own);
  return {
    orderId: shipment.shipmentId,
    number: null,
    version: updatedAt ?? 0,
    clock: updatedAt === null ? 'none' : 'updatedAt',
    obtained: how.obtained,
    askedAt: how.askedAt,
    answeredAt: how.answeredAt,
    complete: true,
    placedAt,
    changedAt: Math.max(updatedAt ?? how.askedAt, placedAt),
    status: statusOf(shipment),
    cancelled: lines.length > 0 && own.every(isCancelled) && lines.every(({ taken }) => taken === 0),
    lines,
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

/** Rows of one order item are one line: a partly cancelled item may be told in two. */
function linesOf(shipment: KeptShipment, rows: readonly KeptLine[], facts: FactsOf): SnapshotLine[] {
  const lines = new Map<string, SnapshotLine>();
  for (const row of rows) {
    const lineKey = `${shipment.shipmentId}/${row.id}`;
    const line = lines.get(lineKey) ?? {
      ...{ lineKey, listingId: listingOf(row, facts), channelSku: row.sku },
      ...{ taken: 0, gone: 0, takenAt: null, goneAt: null },
    };
    const { taken, gone, doubted } = unitsOf(row);
    line.taken += taken;
    line.gone += gone;
    if (doubted > 0) line.doubted = (line.doubted ?? 0) + doubted;
    lines.set(lineKey, line);
  }
  return [...lines.values()];
}

/**
 * A cancellation is only possible before shipping; a parcel on its way back is gone until a person has it in hand. What the
 * seller called off for want of stock is not on the shelf.
 */
function unitsOf(line: KeptLine): { taken: number; gone: number; doubted: number } {
  const { quantity } = line;
  if (isCancelled(line) && !line.courierReturn)
    return { taken: 0, gone: 0, doubted: line.wantOfStock ? quantity : 0 };
  const isGone = left.has(line.status) || isCancelled(line);
  return { taken: quantity, gone: isGone ? quantity : 0, doubted: 0 };
}

/** SKU first: the listing id only helps where the SKU on the order is not the one of the catalogue. */
function listingOf({ sku, listingId }: KeptLine, facts: FactsOf): string | null {
  const refs = [sku, listingId].filter((ref) => ref !== null);
  return refs.find((ref) => facts(ref) !== undefined) ?? refs[0] ?? null;
}

function statusOf({ lines, hold }: KeptShipment): string {
  const statuses = [...new Set(lines.map(({ status }) => status))].join(', ');
  return `${statuses || 'empty'}${hold ? ', on hold' : ''}`;
}

function warningsOf(shipment: KeptShipment, own: readonly KeptLine[]): string[] {
  const unknown = own.filter(
    (line) => !held.has(line.status) && !left.has(line.status) && !isCancelled(line),
  );
  const strange = [...new Set(unknown.map(({ status }) => status))];
  const warnings = strange.map((status) => `unknown status ${status}: its units are held until it is known`);
  if (shipment.extras)
    warnings.push(
      'carries a free item: its stock is not counted, adjust it by hand when it leaves the shelf',
    );
  return warnings;
}
