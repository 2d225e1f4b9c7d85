import { type Standing, standings, type WooConfig } from './config.ts';
import type { LineFields, OrderFields } from './schema.ts';

/**
 * The standing of an order (WOO-2.6, WOO-6; O.5, 2026-11). An order in the trash stands as it did before: the shop
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
  /** The line contradicts its order's status or itself, as it does for a moment within one PHP request. */
  settling: boolean;
  /** Nothing on the line tells; the status was asked instead. */
  guessed: boolean;
  /** The shop's record of the units taken is not the number ordered; the units ordered count. */
  contradicts: boolean;
}

/**
 * The hold rule (WOO-O.5; recorded on 11.0.1, 2026-11-30). `_reduced_stock` is what the shop itself keeps from sale for the
 * line: set when taken, lowered by a refund with restock, deleted when given back. It wins where it exists, with two
 * exceptions: nobody gets the units of an order without claim whose product is gone or untracked, and where the number
 * ordered is another one (edited by a program that moved no stock) the customer gets what was ordered.
 *
 * `managed` is what discovery knows of the listing; undefined: nothing. `ownerless`: the product is known to be deleted or
 * no longer tracked now.
 */
export function holdOf(
  line: LineFields,
  order: OrderFields,
  how: {
    standing: Standing;
    managed: boolean | undefined;
    ownerless: boolean;
    rule: WooConfig['hold_rule'];
  },
): Hold {
  const { standing } = how;
  const expected = byStatus(line, order, standing);
  const ended = standing === 'shipped' || standing === 'refunded';
  const plain = { settling: false, guessed: false, contradicts: false };
  if (how.rule === 'by-status' || (line.reduced === null && how.managed === false)) {
    return { ...plain, taken: expected, gone: ended ? expected : 0 };
  }
  if (line.reduced === null) {
    const active = standing === 'holds' || standing === 'shipped';
    const missing = active && expected > 0;
    const taken = missing ? expected : 0;
    // A listing that discovery does not know may be unmanaged: its order must not wait for what never comes.
    const settling = missing && how.managed === true;
    return { ...plain, taken, gone: ended ? taken : 0, settling, guessed: missing };
  }
  const recorded = wholeUnits(line.reduced);
  if (standing === 'free') {
    const taken = how.ownerless ? 0 : recorded;
    return { ...plain, taken, gone: 0, settling: taken > 0 };
  }
  const contradicts = how.rule === 'reduced-stock' && contradictsRecord(line, order, standing);
  const taken = contradicts ? wholeUnits(line.quantity - line.restocked) : recorded;
  const gone = ended ? taken : Math.min(taken, writtenOff(line, order));
  return { ...plain, taken, gone, settling: contradicts, contradicts };
}

/**
 * A fraction is no contradiction: the API cuts decimal quantities to whole ones, the record keeps them (WOO-9.18). Neither
 * is a record of the whole quantity beside a refund: an order that was cancelled and taken up again takes all of it anew.
 */
function contradictsRecord(line: LineFields, order: OrderFields, standing: Standing): boolean {
  const reduced = Math.max(0, line.reduced ?? 0);
  // Of a plugin's status only the record tells whether it holds anything at all.
  if (standing === 'told' && reduced === 0) return false;
  // What was never shipped goes nowhere any more; the record says what the shop wrote off.
  if (standing === 'refunded' && order.completed === null) return false;
  return [line.quantity, line.quantity - line.restocked].every(
    (units) => Math.abs(Math.max(0, units) - reduced) >= 1,
  );
}

/** Units of fractional quantities count whole, upward: half a unit that is sold cannot be sold again (WOO-9.18). */
export function wholeUnits(quantity: number): number {
  return Math.max(0, Math.ceil(quantity));
}

function byStatus(line: LineFields, order: OrderFields, standing: Standing): number {
  if (standing === 'holds' || standing === 'shipped') return wholeUnits(line.quantity - line.restocked);
  // Refunded after shipping says nothing about the goods: they stay gone until somebody books a return.
  if (standing === 'refunded' && order.completed !== null) return wholeUnits(line.quantity - line.restocked);
  return 0;
}

/** Units refunded but not put back: paid back, still missing from the shop's number (WOO-O.5, `api_restock: false`). */
function writtenOff(line: LineFields, order: OrderFields): number {
  const refunded = order.refunded?.[line.id] ?? 0;
  return wholeUnits(refunded - line.restocked);
}
