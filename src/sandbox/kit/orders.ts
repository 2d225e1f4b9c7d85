import { AppError } from '../../errors.ts';
import type { ShopOrder } from '../shop.ts';

/** What is kept of every order for the proof, whatever its platform makes of it. Times in ms since 1970. */
export interface OrderHistory {
  placedAt: number;
  /** Last change of what the order holds. */
  changedAt: number;
  /** Grows with each such change; `heard` is the newest that an answered message carried or led to. */
  revision: number;
  heard: number;
}

/** Of an order placed now. Its first change is that it is there. */
export function newHistory(now: number): OrderHistory {
  return { placedAt: now, changedAt: now, revision: 0, heard: -1 };
}

/** What the order holds has changed: what was heard so far is not its final state. */
export function changed(order: OrderHistory, now: number): void {
  order.changedAt = now;
  order.revision += 1;
}

/** For a message that leaves: what the order is now is heard when the message is taken. */
export function hears(order: OrderHistory | null): () => void {
  const revision = order?.revision ?? 0;
  return () => {
    if (order !== null) order.heard = Math.max(order.heard, revision);
  };
}

/** The shop's own truth of an order. */
export function recordOf(
  order: OrderHistory,
  { order_id, status, lines }: Pick<ShopOrder, 'order_id' | 'status' | 'lines'>,
): ShopOrder {
  const { placedAt: placed_at, changedAt: changed_at } = order;
  return { order_id, placed_at, changed_at, status, lines, heard: order.heard >= order.revision };
}

/** The order of that id. Throws AppError `unknown_order`. */
export function orderOf<Order>(orders: ReadonlyMap<string, Order>, id: string): Order {
  const order = orders.get(id);
  if (order === undefined) throw new AppError('unknown_order', `no order ${id} in this shop`);
  return order;
}

/** An order in a search that trails behind: each of its times of change, and since when it is found under it. */
export interface Indexed {
  updatedAt: number;
  indexed: { updatedAt: number; visibleAt: number }[];
}

/** Its time of change is found after `lagMs`; changes become findable in their order. */
export function index(order: Indexed, now: number, lagMs: number): void {
  const { updatedAt, indexed } = order;
  indexed.push({ updatedAt, visibleAt: Math.max(indexed.at(-1)?.visibleAt ?? 0, now + lagMs) });
  while (indexed.length > 1 && (indexed[1]?.visibleAt ?? now) < now) indexed.shift();
}

/** The time of change that the search knows; null: it does not know the order yet. */
export function indexedAt({ indexed }: Indexed, now: number): number | null {
  return indexed.findLast(({ visibleAt }) => visibleAt <= now)?.updatedAt ?? null;
}
