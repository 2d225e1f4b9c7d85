import { z } from 'zod';
import {
  type Delivery,
  type DeliveryContent,
  type FactsOf,
  type Json,
  type Obtaining,
  UnreadableDelivery,
} from '../channel.ts';
import { jsonIn, saying } from '../kit/hook.ts';
import { maybe } from '../kit/shapes.ts';
import type { TikTokShopConfig } from './config.ts';
import { Id } from './ids.ts';
import { KeptOrder } from './order.ts';
import { skusIn, snapshotOf } from './snapshot.ts';
import { topics, unnamedTopic } from './topics.ts';

/** Everything that `fieldsOf` and the order reads produce. */
const Kept = z.discriminatedUnion('kind', [
  KeptOrder,
  z.object({ kind: z.literal('fetch'), orderId: z.string(), alert: z.string().nullable() }),
  z.object({ kind: z.literal('touched'), skus: z.array(z.string()) }),
  z.object({ kind: z.literal('alert'), text: z.string() }),
  z.object({ kind: z.literal('ignored'), why: z.string() }),
  z.object({ kind: z.literal('unreadable'), orderId: z.string() }),
]);
type Kept = z.infer<typeof Kept>;

const Word = maybe(z.string().max(100));
const Body = z.object({
  data: maybe(
    z.object({
      order_id: maybe(Id),
      order_status: Word,
      sku_id: maybe(Id),
      product_id: maybe(Id),
      return_id: maybe(Id),
      return_type: Word,
      return_status: Word,
      expiration_time: maybe(z.int().positive().max(99_999_999_999)),
    }),
  ),
});
type Data = NonNullable<z.infer<typeof Body>['data']>;

const orderTopics = new Set([
  'ORDER_STATUS_CHANGE',
  'REVERSE_STATUS_UPDATE',
  'CANCELLATION_STATUS_CHANGE',
  'RETURN_STATUS_CHANGE',
]);
const names = new Set(topics.values());

/** The kept fields of a delivery: ids and states, never a buyer. Throws `UnreadableDelivery`. */
export function fieldsOf(delivery: Delivery): Json {
  const { kind } = delivery;
  const parsed = Body.safeParse(jsonIn(delivery));
  if (!parsed.success) throw new UnreadableDelivery(`${kind.slice(0, 60)}: the body is no notification`);
  return keptOf(kind, parsed.data.data ?? {}) satisfies Json;
}

/**
 * The content decides and the topic only cross-checks it, because TikTok warns not to trust the number alone: what names
 * an order with a status is a change of that order, whatever its number.
 */
function keptOf(topic: string, data: Partial<Data>): Kept {
  const isNamed = names.has(topic);
  if (!isNamed && !unnamedTopic.test(topic)) return ignored(`topic ${topic.slice(0, 60)} is not known`);
  const orderId = data.order_id ?? null;
  const tellsOrder = orderTopics.has(topic) || !isNamed || Boolean(data.order_status);
  if (orderId !== null && tellsOrder) return { kind: 'fetch', orderId, alert: goodsBack(data) };
  if (orderTopics.has(topic)) throw new UnreadableDelivery(`${topic}: the order id is missing`);
  if (topic === 'INVENTORY_STATUS_CHANGE' || !isNamed) {
    if (data.sku_id) return { kind: 'touched', skus: [data.sku_id] };
    return ignored(`a notification of ${topic} names no SKU`);
  }
  return noticeOf(topic, data);
}

function noticeOf(topic: string, data: Partial<Data>): Kept {
  switch (topic) {
    case 'SELLER_DEAUTHORIZATION':
      return {
        kind: 'alert',
        text: 'the seller took the authorization back: no orders arrive and nothing can be written until the app is authorized again and refresh_token is set',
      };
    case 'UPCOMING_AUTHORIZATION_EXPIRATION':
      return {
        kind: 'alert',
        text: `the seller’s authorization ends${dayOf(data)}: authorize the app again before that and set the new refresh_token`,
      };
    case 'PRODUCT_STATUS_CHANGE':
    case 'PRODUCT_AUDIT_STATUS_CHANGE':
      return {
        kind: 'alert',
        text: `product ${data.product_id ?? '(unnamed)'} changed its state: run invsync listings import, so that its numbers are written if and only if it is on sale`,
      };
    case 'PRODUCT_CREATION':
    case 'PRODUCT_INFORMATION_CHANGE':
      return ignored('a product was made or changed: invsync listings import reads it');
    default:
      return ignored(`topic ${topic} says nothing about stock`);
  }
}

/** Returned goods are never put back by themselves: they may be broken, and a REFUND brings none (TTS-2.2). */
function goodsBack(data: Partial<Data>): string | null {
  const isDone = data.return_status === 'RETURN_OR_REFUND_REQUEST_COMPLETE';
  if (!isDone || data.return_type !== 'RETURN_AND_REFUND') return null;
  const id = data.return_id ?? 'unknown';
  return `goods of order ${data.order_id ?? ''} came back (return ${id}): if they can be sold again, run invsync stock receive SKU N --ref return-${id}`;
}

function dayOf(data: Partial<Data>): string {
  if (!data.expiration_time) return ' soon';
  const at = new Date(data.expiration_time * 1000);
  return Number.isNaN(at.getTime()) ? ' soon' : ` on ${at.toISOString().slice(0, 10)}`;
}

function ignored(why: string): Kept {
  return { kind: 'ignored', why };
}

/** The ids by which the fields name listings. */
export function refsIn(fields: Json): string[] {
  const kept = Kept.parse(fields);
  if (kept.kind === 'order') return skusIn(kept);
  return kept.kind === 'touched' ? kept.skus : [];
}

/** What kept fields say. Throws `UnreadableDelivery` for a pulled order that could not be read. */
export function ordersIn(
  config: TikTokShopConfig,
  fields: Json,
  facts: FactsOf,
  how: Obtaining,
): DeliveryContent {
  const kept = Kept.parse(fields);
  switch (kept.kind) {
    case 'order':
      if (kept.fulfilledByTikTok && config.fulfilled_by_tiktok === 'ignore') {
        return saying({ ignored: 'fulfilled by TikTok from its own warehouse' });
      }
      return saying({ orders: [snapshotOf(kept, config, facts, how)] });
    case 'fetch':
      return saying({ fetch: [kept.orderId], alert: kept.alert });
    case 'touched':
      return saying({ touched: kept.skus });
    case 'alert':
      return saying({ alert: kept.text });
    case 'ignored':
      return saying({ ignored: kept.why });
    case 'unreadable':
      throw new UnreadableDelivery(`order ${kept.orderId.slice(0, 60)} has a form that cannot be read`);
  }
}
