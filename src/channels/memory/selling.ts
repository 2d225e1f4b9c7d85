import { isGross, listingOf, moveShown, sellable } from './shelf.ts';
import type { MemoryHook } from './state.ts';
import {
  type MemoryLine,
  type MemoryListing,
  type MemoryOrder,
  type MemoryState,
  nextId,
  platformNow,
} from './state.ts';
import { hookOf, itemOf } from './wire.ts';

/** What a shopper puts in the basket; `ref` is a listing id, an alias or a SKU. */
export interface MemorySale {
  lines: { ref: string; quantity: number }[];
  /** Sell although less is shown, as some platforms do by themselves. */
  force?: boolean;
  /** When it was placed, on the platform's clock; now by default. */
  at?: number;
}

/** A sale makes one order with one line per basket line, or nothing. */
export function sell(state: MemoryState, sale: MemorySale): MemoryOrder | null {
  const found = sale.lines.map(({ ref, quantity }) => ({ listing: listingOf(state, ref), quantity }));
  const known: { listing: MemoryListing; quantity: number }[] = [];
  for (const { listing, quantity } of found) {
    if (listing === undefined) return null;
    if (sale.force !== true && sellable(state, listing) < quantity) return null;
    known.push({ listing, quantity });
  }
  const at = sale.at ?? platformNow(state);
  const id = nextId(state, 'o');
  const order: MemoryOrder = {
    id,
    number: `#${id.slice(1)}`,
    version: 0,
    status: 'open',
    placed_at: at,
    changed_at: 0,
    unsettledUntil: 0,
    lines: known.map(({ listing, quantity }, index) => ({
      key: `${id}-${index + 1}`,
      listing: listing.listingId,
      sku: listing.sku,
      taken: quantity,
      gone: 0,
      taken_at: at,
      gone_at: null,
    })),
  };
  state.orders.set(id, order);
  if (!isGross(state)) for (const { listing, quantity } of known) moveShown(state, listing, -quantity);
  changed(state, order, at);
  return order;
}

/**
 * The whole order is cancelled; with `restock` (default) the units that are not gone are for sale again. `lacking`: by
 * the seller, who could not find them.
 */
export function cancel(
  state: MemoryState,
  orderId: string,
  how: { restock?: boolean; lacking?: boolean } = {},
): void {
  const order = orderOf(state, orderId);
  for (const line of order.lines) {
    const freed = line.taken - line.gone;
    line.taken = line.gone;
    if (how.lacking === true) line.doubted = (line.doubted ?? 0) + freed;
    if (how.restock !== false) restock(state, line, freed);
  }
  order.status = 'cancelled';
  changed(state, order);
}

/** Some units of a line are paid back; without restock they are written off. */
export function refund(
  state: MemoryState,
  orderId: string,
  what: { line: string; quantity: number; restock: boolean },
): void {
  const order = orderOf(state, orderId);
  const line = lineOf(order, what.line);
  const units = Math.min(what.quantity, line.taken);
  if (what.restock) {
    line.taken -= units;
    line.gone = Math.min(line.gone, line.taken);
    restock(state, line, units);
  } else {
    line.gone = Math.min(line.taken, line.gone + units);
    line.gone_at = platformNow(state);
  }
  changed(state, order);
}

/** A line's quantity is edited. */
export function edit(state: MemoryState, orderId: string, what: { line: string; quantity: number }): void {
  const order = orderOf(state, orderId);
  const line = lineOf(order, what.line);
  const delta = what.quantity - line.taken;
  line.taken = what.quantity;
  line.gone = Math.min(line.gone, line.taken);
  line.taken_at = platformNow(state);
  restock(state, line, -delta);
  changed(state, order);
}

/** Everything leaves the shelf; a gross number falls now. */
export function ship(state: MemoryState, orderId: string): void {
  const order = orderOf(state, orderId);
  for (const line of order.lines) {
    const leaving = line.taken - line.gone;
    line.gone = line.taken;
    line.gone_at = platformNow(state);
    const listing = line.listing === null ? undefined : listingOf(state, line.listing);
    if (isGross(state) && listing !== undefined) moveShown(state, listing, -leaving);
  }
  order.status = 'shipped';
  changed(state, order);
}

/** The order's state is not to be believed for so long: looks at it ask for another look. */
export function unsettle(state: MemoryState, orderId: string, ms: number): void {
  orderOf(state, orderId).unsettledUntil = state.clock.now() + ms;
}

/** The delivery that tells an order's present state. */
export function hookForOrder(state: MemoryState, orderId: string): MemoryHook {
  const order = orderOf(state, orderId);
  return hookOf(state, 'order', itemOf(state, order), nextId(state, `${state.name}-d`));
}

/** A merchant's remark or status word changes; nothing that stock cares about does. */
export function annotate(state: MemoryState, orderId: string, status: string): void {
  const order = orderOf(state, orderId);
  order.status = status;
  changed(state, order);
}

function restock(state: MemoryState, line: MemoryLine, units: number): void {
  if (line.listing === null || isGross(state)) return;
  if (units > 0 && state.options.capabilities?.restoresOnCancel === false) return;
  const listing = listingOf(state, line.listing);
  if (listing !== undefined) moveShown(state, listing, units);
}

function changed(state: MemoryState, order: MemoryOrder, at = platformNow(state)): void {
  const step = state.options.versionStepMs ?? 0;
  order.changed_at = at;
  order.version = step > 0 ? Math.floor(at / step) * step : Math.max(order.version + 1, at);
  if (state.sink !== null) state.sink(hookForOrder(state, order.id));
}

function orderOf(state: MemoryState, orderId: string): MemoryOrder {
  const order = state.orders.get(orderId);
  if (order === undefined) throw new Error(`${state.name} has no order ${orderId}`);
  return order;
}

function lineOf(order: MemoryOrder, key: string): MemoryLine {
  const line = order.lines.find((each) => each.key === key);
  if (line === undefined) throw new Error(`order ${order.id} has no line ${key}`);
  return line;
}
