import type { OrderSnapshot, SnapshotLine } from '../../stock/order.ts';
import type { FactsOf, Obtaining } from '../channel.ts';
import type { TikTokShopConfig } from './config.ts';
import type { Group, KeptOrder } from './order.ts';

/** Whether the units of a line in this state are kept from sale, and whether they have left the shelf (TTS-5.3). */
type State = 'unpaid' | 'held' | 'gone' | 'free';
const states: Readonly<Record<string, State>> = {
  UNPAID: 'unpaid',
  ON_HOLD: 'held',
  AWAITING_SHIPMENT: 'held',
  PARTIALLY_SHIPPING: 'held',
  AWAITING_COLLECTION: 'held',
  IN_TRANSIT: 'gone',
  DELIVERED: 'gone',
  COMPLETED: 'gone',
  CANCELLED: 'free',
};

/** SKUs that a line may be booked on. */
export function skusIn(order: KeptOrder): string[] {
  const all = order.groups.flatMap(({ sku, parts }) => [sku, ...parts.map((part) => part.sku)]);
  return [...new Set(all.filter((sku) => sku !== null))];
}

/**
 * The snapshot of an order. TikTok tells one row per unit: units of one SKU make one line, whose key is order and SKU,
 * so that it survives any change of the rows. A buyer's wish to cancel and a return release nothing: the seller may ship
 * while a wish is pending (TTS-7.11), and returned goods are counted by people.
 */
export function snapshotOf(
  order: KeptOrder,
  config: TikTokShopConfig,
  facts: FactsOf,
  how: Obtaining,
): OrderSnapshot {
  const lines = new Map<string, SnapshotLine>();
  const warnings = new Set<string>();
  for (const group of order.groups) {
    const state = stateOf(group, config);
    const isTaken = state !== 'free' && state !== 'nothing';
    if (state === undefined)
      warnings.add(`unknown status ${group.status}: its units are held until it is known`);
    for (const part of partsOf(group, facts)) {
      const units = part.units * group.units;
      const lineKey = `${order.orderId}/${part.sku ?? 'unknown'}`;
      const line = lines.get(lineKey) ?? emptyLine(lineKey, part);
      line.taken += isTaken ? units : 0;
      line.gone += state === 'gone' ? units : 0;
      if (state === 'gone') line.goneAt = order.collectedAt;
      if (state === 'free' && group.notFound) line.doubted = (line.doubted ?? 0) + units;
      lines.set(lineKey, line);
    }
  }
  const snapshot: OrderSnapshot = {
    orderId: order.orderId,
    number: order.orderId,
    version: order.updatedAt,
    clock: 'update_time',
    obtained: how.obtained,
    askedAt: how.askedAt,
    answeredAt: how.answeredAt,
    complete: true,
    placedAt: order.placedAt,
    changedAt: order.updatedAt,
    status: order.cancelAsked ? `${order.status}, cancellation requested` : order.status,
    cancelled: order.status === 'CANCELLED',
    lines: [...lines.values()],
  };
  if (warnings.size > 0) snapshot.warnings = [...warnings];
  return snapshot;
}

interface Part {
  sku: string | null;
  sellerSku: string | null;
  units: number;
}

/**
 * A combined listing is booked on its components when discovery knows them all, because it is their numbers that fall;
 * else on itself.
 */
function partsOf(group: Group, facts: FactsOf): Part[] {
  const { sku, sellerSku, parts } = group;
  const known = parts.length > 0 && parts.every((part) => facts(part.sku) !== undefined);
  if (!known) return [{ sku, sellerSku, units: 1 }];
  return parts.map((part) => ({ ...part, sellerSku: facts(part.sku)?.channelSku ?? null }));
}

/** `nothing` by the configuration: such units are no concern of this stock. Undefined: nobody knows the status. */
function stateOf(group: Group, config: TikTokShopConfig): State | 'nothing' | undefined {
  if (group.type === 'PRE_ORDER' && config.pre_orders === 'ignore') return 'nothing';
  if (group.collected) return 'gone';
  const state = Object.hasOwn(states, group.status) ? states[group.status] : undefined;
  return state === 'unpaid' && !config.hold_unpaid ? 'nothing' : state;
}

function emptyLine(lineKey: string, part: Part): SnapshotLine {
  return {
    lineKey,
    listingId: part.sku,
    channelSku: part.sellerSku,
    taken: 0,
    gone: 0,
    takenAt: null,
    goneAt: null,
  };
}
