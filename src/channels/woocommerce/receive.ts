import { z } from 'zod';
import {
  type Delivery,
  type DeliveryContent,
  type FactsOf,
  type HookRequest,
  type Json,
  type Obtaining,
  type Receipt,
  UnreadableDelivery,
} from '../channel.ts';
import { listOf } from '../kit/config.ts';
import { digestOf, jsonIn, refused, saying } from '../kit/hook.ts';
import { verifiesHmacBase64 } from '../kit/sign.ts';
import { sameSite, type WooConfig } from './config.ts';
import { keptOrder, needsProducts, needsRefunds, refsOf, snapshotOf } from './order.ts';
import { errorBody, idOf, orderFields, wooId } from './schema.ts';

/**
 * Authenticates a call of the shop (WOO-2.2 to 2.5; O.6, O.7; verified 2026-11). The ping that each registration
 * makes is an unsigned form body and must be answered 200 or the admin screen reports an error.
 */
export function receive(config: WooConfig, request: HookRequest): Receipt {
  if (request.method !== 'POST') return refused('only POST is delivered', 405);
  const { headers, body } = request;
  const signature = headers['x-wc-webhook-signature'];
  if (signature === undefined && isPing(body)) {
    return { kind: 'handshake', status: 200, body: '', contentType: 'text/plain' };
  }
  const secrets = listOf(config.webhook_secret);
  if (secrets.length === 0) return refused('no webhook_secret is configured');
  if (signature === undefined || signature === '') return refused('no signature');
  if (!verifiesHmacBase64(body, signature, secrets)) return refused('the signature does not match');
  const source = headers['x-wc-webhook-source'];
  if (source !== undefined && !sameSite(source, config.url)) {
    return refused(`sent by another shop: ${source.slice(0, 100)}`);
  }
  const topic = headers['x-wc-webhook-topic'] ?? 'unknown';
  const webhookId = headers['x-wc-webhook-id'] ?? '';
  // The delivery id names a second, not a delivery (WOO-O.7: 34 orders under one id): what was said is the key.
  const key = digestOf(`${webhookId}\0${topic}\0`, body);
  return { kind: 'deliveries', deliveries: [{ key, kind: topic, meta: {}, body }] };
}

function isPing(body: Uint8Array): boolean {
  return body.length < 64 && /^webhook_id=\d+$/.test(Buffer.from(body).toString('latin1'));
}

const anyFields = z.discriminatedUnion('kind', [
  orderFields,
  z.object({ kind: z.literal('order-id'), id: z.string() }),
  z.object({ kind: z.literal('product'), listings: z.array(z.string()) }),
  z.object({
    kind: z.literal('error'),
    topic: z.string(),
    code: z.string(),
    status: z.number().nullable().default(null),
  }),
  z.object({ kind: z.literal('unreadable-order'), id: z.string().nullable() }),
  z.object({ kind: z.literal('other'), topic: z.string() }),
]);

const productBody = z.object({
  id: wooId,
  parent_id: wooId.nullish(),
  variations: z.array(wooId).nullish(),
});

/** What is kept of a delivery (never the buyer). Throws `UnreadableDelivery` for a body of no known form. */
export function fieldsOf(delivery: Delivery): Json {
  const topic = delivery.kind;
  const body = jsonIn(delivery);
  const id = idOf(body);
  if (id === null) {
    if (topic.startsWith('action.')) return { kind: 'other', topic };
    const failed = errorBody.safeParse(body).data;
    if (failed !== undefined) return { kind: 'error', topic, code: failed.code, status: failed.data.status };
    throw new UnreadableDelivery(`${topic}: neither an object of the shop nor an error`);
  }
  if (topic.startsWith('product.')) return productFields(body);
  if (!topic.startsWith('order.') && topic !== 'unknown') return { kind: 'other', topic };
  if (!Object.hasOwn(Object(body), 'line_items'))
    return topic === 'unknown' ? { kind: 'other', topic } : { kind: 'order-id', id };
  const order = keptOrder.safeParse(body);
  if (order.success) return order.data;
  const where = order.error.issues[0]?.path.join('.');
  throw new UnreadableDelivery(`${topic}: order ${id} cannot be read at ${where}`);
}

function productFields(body: unknown): Json {
  const product = productBody.safeParse(body);
  if (!product.success) throw new UnreadableDelivery('the product cannot be read');
  const { id, parent_id: parent, variations } = product.data;
  const own = (parent ?? '0') === '0' ? id : `${parent}/${id}`;
  return { kind: 'product', listings: [own, ...(variations ?? []).map((variation) => `${id}/${variation}`)] };
}

/** The listings whose facts `ordersIn` asks for. */
export function refsIn(fields: Json): string[] {
  const parsed = orderFields.safeParse(fields);
  return parsed.success ? [...new Set(parsed.data.lines.flatMap(refsOf))] : [];
}

/** What kept fields say, however they came. */
export function ordersIn(config: WooConfig, fields: Json, facts: FactsOf, how: Obtaining): DeliveryContent {
  const parsed = anyFields.safeParse(fields);
  if (!parsed.success) return saying({ alert: 'the kept fields of a delivery cannot be read any more' });
  const said = parsed.data;
  switch (said.kind) {
    case 'order-id':
      return saying({ fetch: [said.id] });
    case 'product':
      return saying({ touched: said.listings });
    case 'error':
      return saying({
        ignored: `error body: ${said.code}`,
        alert: alertOf(said.code, said.status),
        pull: true,
      });
    case 'unreadable-order':
      return saying({ alert: `order ${said.id ?? '(without id)'} has a form that invsync cannot read` });
    case 'other':
      return saying({ ignored: `topic ${said.topic}` });
    case 'order':
      // A shopper at the checkout; the shop has taken nothing (issues 37958 and 66995).
      if (said.status === 'checkout-draft' && said.lines.every((line) => (line.reduced ?? 0) <= 0)) {
        return saying({ ignored: 'checkout-draft' });
      }
      if (how.obtained === 'delivered' && (needsRefunds(said, config) || needsProducts(said, config))) {
        return saying({ fetch: [said.id] });
      }
      return saying({ orders: [snapshotOf(said, config, facts, how)] });
  }
}

/**
 * A signed error body in place of an order: it was gone before the delivery, its owner may not read it (WOO-O.8), or a filter
 * of the REST API, such as a rate limiter, met the internal request that builds the body (recorded 2026-11-30). Which
 * order it was about nobody tells.
 */
function alertOf(code: string, status: number | null): string {
  if (code.includes('invalid_id')) {
    return 'an order was deleted for good before its webhook was sent: nobody can tell its lines any more, and the stock of the shop may stay lower without an order';
  }
  if (/^(?:woocommerce_)?rest_(?:cannot_|forbidden)/.test(code)) {
    return `webhooks carry the error ${code} in place of the order: the WordPress user who owns them lost its rights or was deleted; the orders are pulled instead. Run invsync webhooks remove, then invsync webhooks register with the key of a shop manager`;
  }
  const said = status === null ? code : `${code} (${status})`;
  return `webhooks carry the error ${said} in place of the order: a plugin of the shop, often a rate limiter, refuses the shop's own request for it; the orders are pulled instead. Exempt the REST API's internal requests in that plugin`;
}
