import { type DeliveryContent, type Json, type Obtaining, UnreadableDelivery } from '../channel.ts';
import { saying } from '../kit/hook.ts';
import { type Kept, type KeptOrder, kept } from './kept.ts';
import { foreignStatuses, snapshotOf } from './snapshot.ts';

/** What kept fields say, however they came. Throws `UnreadableDelivery` for an order that cannot be read. */
export function ordersIn(sellerId: string, fields: Json, how: Obtaining): DeliveryContent {
  const parsed = kept.safeParse(fields);
  if (!parsed.success) return saying({ alert: 'the kept fields of a delivery cannot be read any more' });
  const said = parsed.data;
  const stranger = strangerIn(said, sellerId);
  if (stranger !== null) return saying({ ignored: 'another seller', alert: stranger });
  switch (said.kind) {
    case 'order':
      return orderContent(said, how);
    case 'touched':
      return saying({ touched: said.skus });
    case 'alert':
      return saying({ alert: said.text });
    case 'ignored':
      return saying({ ignored: said.why });
    case 'unreadable-order':
      throw new UnreadableDelivery(`order ${said.orderId ?? '(without id)'}: ${said.why}`);
  }
}

/** Orders that Amazon ships from its own warehouses arrive in the same feeds (AMZ-9.22). */
function orderContent(order: KeptOrder, how: Obtaining): DeliveryContent {
  if (order.fulfilledBy === 'amazon') return saying({ ignored: 'fulfilled by Amazon' });
  if (foreignStatuses.has(order.status)) return saying({ ignored: `status ${order.status}` });
  // One item of a cancelled order says nothing about the others: only the whole order tells what is released.
  if (order.status === 'CANCELLED' && !order.complete) return saying({ fetch: [order.orderId] });
  // Only the order itself tells who cancelled it and why.
  const asks = order.status === 'CANCELLED' && order.source === 'notification';
  return saying({ orders: [snapshotOf(order, how)], fetch: asks ? [order.orderId] : [] });
}

function strangerIn(said: Kept, sellerId: string): string | null {
  if (said.kind !== 'order' && said.kind !== 'touched') return null;
  if (said.seller === null || said.seller === sellerId) return null;
  return `a notification is for the seller ${said.seller.slice(0, 40)}, not for ${sellerId}: the queue or topic is shared, or seller_id is wrong`;
}

/** The SKUs whose listings `ordersIn` names. */
export function refsIn(fields: Json): string[] {
  const parsed = kept.safeParse(fields);
  if (!parsed.success || parsed.data.kind !== 'order') return [];
  return [...new Set(parsed.data.lines.flatMap(({ sku }) => (sku === null ? [] : [sku])))];
}
