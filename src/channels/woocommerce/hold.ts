import type { WooConfig } from './config.ts';
import type { LineFields, OrderFields } from './order.ts';

/**
 * What an order's status means for stock. `free`: holds nothing. `refunded`: ended without the units coming back by
 * themselves. `told`: a plugin's status of which only `_reduced_stock` tells.
 */
export type Standing = 'holds' | 'shipped' | 'refunded' | 'free' | 'told';

const standings: Readonly<Record<string, Standing>> = {
  processing: 'holds',
  'on-hold': 'holds',
  completed: 'shipped',
  refunded: 'refunded',
  pending: 'free',
  failed: 'free',
  cancelled: 'free',
  'checkout-draft': 'free',
  'auto-draft': 'free',
  draft: 'free',
  new: 'free',
};

/**
 * The standing of an order (dossier 2.6, 6; O.5, 2026-11). An order in the trash stands as it did before: the shop
 * gives nothing back when an order is trashed.
 */
export function standingOf(order: OrderFields, statusMap: WooConfig['status_map']): Standing {
  const status = order.status === 'trash' ? order.trashedFrom : order.status;
  const known = status === null ? undefined : standings[status];
  if (known !== undefined) return known;
  const mapped = status === null ? undefined : statusMap[status];
  if (mapped !== undefined) return ({ hold: 'holds', none: 'free', gone: 'shipped' } as const)[mapped];
  // A plugin's status that follows "completed" (delivered, reviewed) must not bring units back to the shelf.
  return order.completed === null ? 'told' : 'shipped';
}

/** What one line holds. Counts are integers, 0 or more. */
export interface Hold {
  taken: number;
  gone: number;
  /** The line contradicts its order's status, as it does for a moment within one PHP request. */
  settling: boolean;
  /** Nothing on the line tells; the status was asked instead. */
  guessed: boolean;
}

/**
 * The hold rule (dossier 2.6, O.5). `_reduced_stock` is what the shop itself keeps from sale for the line: set when
 * taken, lowered by a refund with restock, deleted when given back. It wins wherever it exists. `managed` is what
 * discovery knows of the listing; undefined: nothing.
 */
export function holdOf(
  line: LineFields,
  order: OrderFields,
  how: { standing: Standing; managed: boolean | undefined; rule: WooConfig['hold_rule'] },
): Hold {
  const { standing } = how;
  const expected = byStatus(line, order, standing);
  const ended = standing === 'shipped' || standing === 'refunded';
  if (how.rule === 'by-status' || (line.reduced === null && how.managed === false)) {
    return { taken: expected, gone: ended ? expected : 0, settling: false, guessed: false };
  }
  if (line.reduced === null) {
    const active = standing === 'holds' || standing === 'shipped';
    const missing = active && expected > 0;
    const taken = missing ? expected : 0;
    // A listing that discovery does not know may be unmanaged: its order must not wait for what never comes.
    const settling = missing && how.managed === true;
    return { taken, gone: ended ? taken : 0, settling, guessed: missing };
  }
  const taken = wholeUnits(line.reduced);
  if (standing === 'free') return { taken, gone: 0, settling: taken > 0, guessed: false };
  const gone = ended ? taken : Math.min(taken, writtenOff(line, order));
  return { taken, gone, settling: false, guessed: false };
}

/** Units of fractional quantities count whole, upward: half a unit that is sold cannot be sold again (trap 18). */
export function wholeUnits(quantity: number): number {
  return Math.max(0, Math.ceil(quantity));
}

function byStatus(line: LineFields, order: OrderFields, standing: Standing): number {
  if (standing === 'holds' || standing === 'shipped') return wholeUnits(line.quantity - line.restocked);
  // Refunded after shipping says nothing about the goods: they stay gone until somebody books a return.
  if (standing === 'refunded' && order.completed !== null) return wholeUnits(line.quantity - line.restocked);
  return 0;
}

/** Units refunded but not put back: paid back, still missing from the shop's number (O.5, `api_restock: false`). */
function writtenOff(line: LineFields, order: OrderFields): number {
  const refunded = order.refunded?.[line.id] ?? 0;
  return wholeUnits(refunded - line.restocked);
}
