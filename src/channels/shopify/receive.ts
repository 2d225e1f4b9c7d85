import { z } from 'zod';
import {
  type Delivery,
  type DeliveryContent,
  type HookRequest,
  type Json,
  type Obtaining,
  type Receipt,
  UnreadableDelivery,
} from '../channel.ts';
import { hashKey, refused, saying } from '../kit/hook.ts';
import { parseJsonBytes } from '../kit/json.ts';
import { verifiesHmacBase64 } from '../kit/sign.ts';
import { Kept } from './fields.ts';
import { gid } from './gid.ts';
import { RestId, readRestOrder } from './rest-order.ts';
import { snapshotOf } from './snapshot.ts';

/**
 * Authenticates a delivery over its raw bytes (SHP-2.4) and names it. Only the body is signed: the headers route
 * and deduplicate, and the shop must be the configured one.
 *
 * The key is X-Shopify-Webhook-Id (SHP-2.3). (topic, X-Shopify-Event-Id) is NOT used as a second unique key,
 * although that section lists it: one action of a merchant that cancels five orders carries one event id, so four
 * cancellations would be dropped as duplicates (interleavings, 26). The state of the order lines is the real guard.
 */
export function receive(request: HookRequest, shop: string, secrets: readonly string[]): Receipt {
  if (request.method !== 'POST') return refused('webhooks are sent by POST', 405);
  if (secrets.length === 0) return refused('no webhook_secret is configured');
  if (!verifiesHmacBase64(request.body, request.headers['x-shopify-hmac-sha256'], secrets)) {
    return refused('the signature is missing or wrong');
  }
  if (request.body.length === 0) return refused('the body is empty');
  const from = request.headers['x-shopify-shop-domain'];
  if (from !== undefined && from.toLowerCase() !== shop.toLowerCase()) {
    return refused('the delivery is for another shop');
  }
  const kind = request.headers['x-shopify-topic'] ?? '';
  const id = request.headers['x-shopify-webhook-id'] ?? '';
  const key = id === '' ? hashKey(`${kind}\n`, request.body) : id;
  return { kind: 'deliveries', deliveries: [{ key, kind, meta: null, body: request.body }] };
}

const OrderRef = z.object({ order_id: RestId });
const EditRef = z.object({ order_edit: OrderRef });
const IdOnly = z.object({ id: RestId });
const Level = z.object({ inventory_item_id: RestId, location_id: RestId });
const Variants = z.object({ variants: z.array(z.object({ inventory_item_id: RestId.nullish() })).nullish() });

/** How each topic's body is read (SHP-2.1, SHP-2.6). A topic that is not here says nothing about stock. */
const readers: Record<string, (body: unknown) => Kept> = {
  'orders/create': readRestOrder,
  'orders/updated': readRestOrder,
  'orders/cancelled': readRestOrder,
  'orders/paid': readRestOrder,
  'orders/fulfilled': readRestOrder,
  'orders/partially_fulfilled': readRestOrder,
  // The edit's body has neither SKUs nor versions; a refund's body is one part of an order without its version.
  'orders/edited': (body) => fetchOf(EditRef.parse(body).order_edit.order_id),
  'refunds/create': (body) => fetchOf(OrderRef.parse(body).order_id),
  'orders/delete': (body) => fetchOf(IdOnly.parse(body).id),
  'inventory_levels/update': readLevel,
  'inventory_levels/connect': readLevel,
  'inventory_levels/disconnect': readLevel,
  'inventory_items/create': readItem,
  'inventory_items/update': readItem,
  'inventory_items/delete': readItem,
  'products/create': readProduct,
  'products/update': readProduct,
  'products/delete': readProduct,
  'app/uninstalled': () => ({
    kind: 'alert',
    text: 'the app was uninstalled from the shop: no orders arrive and no stock can be written until it is installed again',
  }),
  'app/scopes_update': () => ({
    kind: 'alert',
    text: 'the app’s scopes were changed in the shop; run: invsync check',
  }),
};

/** The kept fields of a delivery. Throws `UnreadableDelivery` when the body does not fit its topic. */
export function fieldsOf(delivery: Delivery): Kept {
  if (delivery.kind === '') throw new UnreadableDelivery('the delivery names no topic');
  const read = Object.hasOwn(readers, delivery.kind) ? readers[delivery.kind] : undefined;
  if (read === undefined)
    return { kind: 'ignored', why: `topic ${delivery.kind.slice(0, 60)} says nothing about stock` };
  try {
    return read(parseJsonBytes(delivery.body));
  } catch (error) {
    throw new UnreadableDelivery(`${delivery.kind}: ${reasonOf(error)}`);
  }
}

/** The ids by which the fields name listings: variants of order lines, inventory items of hints. */
export function refsIn(fields: Json): string[] {
  const kept = Kept.parse(fields);
  if (kept.kind === 'order') return [...new Set(kept.lines.flatMap((line) => line.variant ?? []))];
  if (kept.kind === 'level') return [kept.item];
  return kept.kind === 'items' ? kept.items : [];
}

/** What kept fields say at the configured location. A level's number is never booked: it is a hint (SHP-2.8). */
export function ordersIn(fields: Json, location: string, how: Obtaining): DeliveryContent {
  const kept = Kept.parse(fields);
  switch (kept.kind) {
    case 'order':
      return saying({ orders: [snapshotOf(kept, how)] });
    case 'fetch':
      return saying({ fetch: [kept.orderId] });
    case 'level':
      return kept.location === location
        ? saying({ touched: [kept.item] })
        : saying({ ignored: 'a level of another location' });
    case 'items':
      return saying({ touched: kept.items });
    case 'alert':
      return saying({ alert: kept.text });
    case 'ignored':
      return saying({ ignored: kept.why });
  }
}

function fetchOf(orderId: string): Kept {
  return { kind: 'fetch', orderId: gid('Order', orderId) };
}

function readLevel(body: unknown): Kept {
  const level = Level.parse(body);
  return {
    kind: 'level',
    item: gid('InventoryItem', level.inventory_item_id),
    location: gid('Location', level.location_id),
  };
}

function readItem(body: unknown): Kept {
  return { kind: 'items', items: [gid('InventoryItem', IdOnly.parse(body).id)] };
}

function readProduct(body: unknown): Kept {
  const ids = (Variants.parse(body).variants ?? []).flatMap((variant) => variant.inventory_item_id ?? []);
  if (ids.length === 0) return { kind: 'ignored', why: 'the product names no inventory items' };
  return { kind: 'items', items: [...new Set(ids)].map((id) => gid('InventoryItem', id)) };
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) {
    const issue = error.issues[0];
    return `the field "${issue?.path.join('.') ?? ''}" is missing or wrong`;
  }
  return error instanceof SyntaxError ? 'the body is not JSON' : 'the body holds an unreadable value';
}
