import { z } from 'zod';
import type { Delivery, DeliveryContent, FactsOf, Json, Obtaining } from '../channel.ts';
import { UnreadableDelivery } from '../channel.ts';
import { jsonIn, saying } from '../kit/hook.ts';
import { Id, Text } from '../kit/shapes.ts';
import { KeptOrder, needsReason, snapshotOf } from './order.ts';
import { callXml, many, optionalTable } from './xml.ts';

/** Prefix of the kind of a delivery that came by SOAP. */
export const platformPrefix = 'platform/';

const Transaction = z.object({
  OrderLineItemID: Text,
  ContainingOrder: optionalTable(z.object({ OrderID: Text })).catch(undefined),
  Variation: optionalTable(z.object({ SKU: Text })).catch(undefined),
});
/** What is read of a notification: which event, which listing, which order. Nothing of it is proven. */
const Content = z.object({
  Timestamp: z.string().min(1).max(40),
  NotificationEventName: z.string().regex(/^\w{1,60}$/),
  Item: optionalTable(z.object({ ItemID: Text, SKU: Text })).catch(undefined),
  TransactionArray: optionalTable(z.object({ Transaction: many(Transaction) })).catch(undefined),
});

const Soap = z
  .object({
    Envelope: z.object({
      Header: optionalTable(
        z.object({ RequesterCredentials: z.object({ NotificationSignature: z.string().max(100) }) }),
      ),
      Body: z
        .record(z.string(), z.unknown())
        .transform((body): unknown => Object.values(body)[0])
        .pipe(Content),
    }),
  })
  .transform(({ Envelope: { Header, Body } }) => ({
    content: Body,
    signature: Header?.RequesterCredentials.NotificationSignature ?? '',
  }));

/** Everything that `fieldsOf` and the order reads produce. */
const Kept = z.discriminatedUnion('kind', [
  KeptOrder,
  z.object({ kind: z.literal('fetch'), orderId: z.string() }),
  z.object({ kind: z.literal('hint'), orders: z.array(z.string()), refs: z.array(z.string()) }),
  z.object({ kind: z.literal('alert'), text: z.string() }),
  z.object({ kind: z.literal('ignored'), why: z.string() }),
  z.object({ kind: z.literal('unreadable'), orderId: z.string() }),
]);

/** The order id is nested (EBAY-2.2); the rest of the payload is not needed, the order is fetched. */
const OrderPointer = z.object({
  notification: z.object({ data: z.object({ order: z.object({ orderId: Id }) }) }),
});

/** Topics whose payload points to an order. Only the first one's is documented; the others may turn out to name none. */
const orderTopics = new Set(['ORDER_CONFIRMATION', 'ORDER_CANCELLATION_ACTIVITY', 'ITEM_MARKED_SHIPPED']);

/** The kept fields of a delivery, never those of a buyer. Throws `UnreadableDelivery`. */
export function fieldsOf(delivery: Delivery): Json {
  const { kind: topic } = delivery;
  if (topic.startsWith(platformPrefix)) return hintOf(delivery);
  const body = jsonIn(delivery);
  if (topic === 'MARKETPLACE_ACCOUNT_DELETION') {
    return { kind: 'ignored', why: 'a buyer’s account was deleted: nothing of buyers is kept here' };
  }
  if (topic === 'AUTHORIZATION_REVOCATION') {
    const text =
      'the seller took back the consent: no orders arrive and nothing can be written until refresh_token is renewed';
    return { kind: 'alert', text };
  }
  if (!orderTopics.has(topic))
    return { kind: 'ignored', why: `topic ${topic.slice(0, 60)} says nothing about stock` };
  const pointer = OrderPointer.safeParse(body);
  if (pointer.success) return { kind: 'fetch', orderId: pointer.data.notification.data.order.orderId };
  if (topic !== 'ORDER_CONFIRMATION') return { kind: 'ignored', why: `this ${topic} names no order` };
  throw new UnreadableDelivery(`${topic}: the order id is missing`);
}

/** Content and signature of a SOAP body; null when it is none, too large, too deep, or has a document type. */
export function readSoap(body: Uint8Array): z.infer<typeof Soap> | null {
  return Soap.safeParse(callXml(body)).data ?? null;
}

/** Orders and listings that a Platform Notification names, as far as they have the right form. */
function hintOf(delivery: Delivery): Json {
  const read = readSoap(delivery.body);
  if (read === null)
    throw new UnreadableDelivery(`${delivery.kind.slice(0, 60)}: the SOAP envelope is not readable`);
  const { Item, TransactionArray } = read.content;
  const transactions = TransactionArray?.Transaction ?? [];
  const orders = transactions.flatMap(({ ContainingOrder }) => {
    const id = ContainingOrder?.OrderID ?? '';
    // Before checkout eBay names the order by item and transaction, which the order API does not know.
    return /^\d{2}-\d{5}-\d{5}$/.test(id) ? [id] : [];
  });
  const item = Item?.ItemID ?? '';
  const skus = [Item?.SKU, ...transactions.map(({ Variation }) => Variation?.SKU)].filter((sku) => !!sku);
  const refs = /^\d{1,20}$/.test(item) ? [...skus.map((sku) => `${item}/${sku}`), item] : [];
  return { kind: 'hint', orders: [...new Set(orders)], refs: [...new Set(refs)] };
}

/** The ids by which the fields name listings. */
export function refsIn(fields: Json): string[] {
  const kept = Kept.parse(fields);
  if (kept.kind === 'order') return [...new Set(kept.lines.flatMap((line) => line.refs))];
  return kept.kind === 'hint' ? kept.refs : [];
}

/** What kept fields say. Throws `UnreadableDelivery` for a pulled order that could not be read. */
export function ordersIn(fields: Json, facts: FactsOf, how: Obtaining): DeliveryContent {
  const kept = Kept.parse(fields);
  switch (kept.kind) {
    case 'order':
      if (how.obtained === 'listed' && needsReason(kept)) return saying({ fetch: [kept.orderId] });
      return saying({ orders: [snapshotOf(kept, facts, how)] });
    case 'fetch':
      return saying({ fetch: [kept.orderId] });
    case 'hint': {
      const touched = kept.refs.filter((ref) => facts(ref) !== undefined);
      const isEmpty = kept.orders.length === 0 && touched.length === 0;
      return saying({
        fetch: kept.orders,
        touched,
        ignored: isEmpty ? 'names no known order or listing' : null,
      });
    }
    case 'alert':
      return saying({ alert: kept.text });
    case 'ignored':
      return saying({ ignored: kept.why });
    case 'unreadable':
      throw new UnreadableDelivery(`order ${kept.orderId.slice(0, 60)} has a form that cannot be read`);
  }
}
