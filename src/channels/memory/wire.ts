import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { messageOf } from '../../errors.ts';
import type { OrderSnapshot } from '../../stock/order.ts';
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
import { refused, saying } from '../kit/hook.ts';
import { parseJsonBytes } from '../kit/json.ts';
import type { MemoryHook, MemoryOrder, MemoryState } from './state.ts';

/** A signed time may be this far from ours. */
const toleranceMs = 5 * 60_000;

const units = z.int().min(0).max(1_000_000_000);
const id = z.union([z.string().min(1).max(200), z.int()]).transform(String);
const millis = z.int().min(0);

const line = z.object({
  key: id,
  listing: id.nullable().default(null),
  sku: z.string().nullable().default(null),
  taken: units,
  gone: units.default(0),
  taken_at: millis.nullable().default(null),
  gone_at: millis.nullable().default(null),
  doubted: units.default(0),
});
const order = z.object({
  id,
  number: z.string().nullable().default(null),
  version: millis,
  status: z.string().default('open'),
  placed_at: millis,
  changed_at: millis,
  lines: z.array(line).max(5_000),
  complete: z.boolean().default(true),
  look_again_ms: millis.nullable().default(null),
  warnings: z.array(z.string()).default([]),
});
const named = z.object({ ids: z.array(id).max(1_000) });

/** What `memoryFieldsOf` and the lists make, once and validated; everything after it reads this. */
type Fields =
  | { topic: 'order'; order: z.infer<typeof order> }
  | { topic: 'order-ids' | 'listing'; ids: string[] }
  | { topic: 'alert'; message: string }
  | { topic: 'ignored'; reason: string };

/** HMAC-SHA256 of the body, hex; of `<time>.<body>` when a time is sent along. */
export function signMemory(body: Uint8Array, secret: string, time?: string): string {
  const hmac = createHmac('sha256', secret);
  if (time !== undefined) hmac.update(`${time}.`);
  return hmac.update(body).digest('hex');
}

/** An order as lists, fetches and deliveries carry it. */
export function itemOf(state: MemoryState, from: MemoryOrder): Json {
  const lookAgainMs = from.unsettledUntil - state.clock.now();
  return {
    id: from.id,
    number: from.number,
    version: from.version,
    status: from.status,
    placed_at: from.placed_at,
    changed_at: from.changed_at,
    lines: from.lines.map((each) => ({ ...each })),
    complete: true,
    warnings: from.warnings ?? [],
    ...(lookAgainMs > 0 ? { look_again_ms: lookAgainMs } : {}),
  };
}

/** A signed delivery. Topics: `order` (an order), `order-ids` and `listing` ({ids}), `alert` ({message}). */
export function hookOf(
  state: Pick<MemoryState, 'secret' | 'options'>,
  topic: string,
  content: Json,
  key: string,
): MemoryHook {
  const padding = state.options.paddingBytes ?? 0;
  const padded =
    padding > 0 && typeof content === 'object' && content !== null && !Array.isArray(content)
      ? { ...content, padding: 'x'.repeat(padding) }
      : content;
  const body = Buffer.from(JSON.stringify(padded));
  return {
    headers: {
      'content-type': 'application/json',
      'x-memory-id': key,
      'x-memory-topic': topic,
      'x-memory-signature': signMemory(body, state.secret),
    },
    body,
  };
}

/** Authenticates and names one delivery; `GET ?challenge=x` is the platform's handshake. */
export function receiveMemory(request: HookRequest, secret: string): Receipt {
  if (request.method === 'GET') {
    const challenge = new URLSearchParams(request.query).get('challenge');
    if (challenge === null) return refused('only POST', 405);
    return { kind: 'handshake', status: 200, body: challenge, contentType: 'text/plain' };
  }
  if (request.method !== 'POST') return refused('only POST', 405);
  const time = request.headers['x-memory-time'];
  if (time !== undefined && !(Math.abs(Number(time) - request.receivedAt) <= toleranceMs))
    return refused('stale time');
  const signature = request.headers['x-memory-signature'];
  if (signature === undefined) return refused('no signature');
  if (!/^[0-9a-f]{64}$/.test(signature)) return refused('malformed signature');
  const expected = Buffer.from(signMemory(request.body, secret, time), 'hex');
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) return refused('wrong signature');
  const key = request.headers['x-memory-id'] ?? '';
  if (key === '' || key.length > 200) return refused('no usable key', 400);
  const kind = request.headers['x-memory-topic'] ?? 'order';
  return { kind: 'deliveries', deliveries: [{ key, kind, meta: null, body: request.body }] };
}

/** The fields that are kept of a delivery. Throws `UnreadableDelivery`. */
export function memoryFieldsOf(delivery: Delivery): Json {
  let parsed: unknown;
  try {
    parsed = parseJsonBytes(delivery.body);
  } catch (error) {
    throw new UnreadableDelivery(messageOf(error));
  }
  switch (delivery.kind) {
    case 'order':
      return { topic: 'order', order: orderFieldsOf(parsed) };
    case 'order-ids':
    case 'listing':
      return { topic: delivery.kind, ids: read(named, parsed).ids };
    case 'alert':
      return { topic: 'alert', message: read(z.object({ message: z.string() }), parsed).message };
    default:
      return { topic: 'ignored', reason: `unknown topic "${delivery.kind}"` };
  }
}

/** The fields that are kept of an order. Throws `UnreadableDelivery`. */
export function orderFieldsOf(parsed: unknown): Json {
  return read(order, parsed);
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UnreadableDelivery(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unreadable'}`);
}

/** Listings that the fields name. */
export function memoryRefsIn(from: Json): string[] {
  const found = trusted(from);
  if (found.topic === 'listing') return found.ids;
  if (found.topic !== 'order') return [];
  const refs = new Set<string>();
  for (const { listing } of found.order.lines) if (listing !== null) refs.add(listing);
  return [...refs];
}

/** What the fields say; a line whose listing is known by alias names the listing itself. */
export function memoryOrdersIn(from: Json, facts: FactsOf, how: Obtaining): DeliveryContent {
  const found = trusted(from);
  switch (found.topic) {
    case 'order':
      return saying({ orders: [snapshotOf(found.order, facts, how)] });
    case 'order-ids':
      return saying({ fetch: found.ids });
    case 'listing':
      return saying({ touched: found.ids });
    case 'alert':
      return saying({ alert: found.message, ignored: 'a message for people' });
    case 'ignored':
      return saying({ ignored: found.reason });
  }
}

const topics: ReadonlySet<unknown> = new Set(['order', 'order-ids', 'listing', 'alert', 'ignored']);

/** Fields are validated where they are made; here only their kind is looked at. Throws `UnreadableDelivery`. */
function trusted(from: Json): Fields {
  const topic = from !== null && typeof from === 'object' && !Array.isArray(from) ? from['topic'] : undefined;
  if (!topics.has(topic)) throw new UnreadableDelivery('these are not the fields of a memory delivery');
  return from as unknown as Fields;
}

function snapshotOf(from: z.infer<typeof order>, facts: FactsOf, how: Obtaining): OrderSnapshot {
  return {
    orderId: from.id,
    number: from.number,
    version: from.version,
    clock: 'memory',
    obtained: how.obtained,
    askedAt: how.askedAt,
    answeredAt: how.answeredAt,
    complete: from.complete,
    placedAt: from.placed_at,
    changedAt: from.changed_at,
    status: from.status,
    cancelled: from.status === 'cancelled',
    lines: from.lines.map((each) => ({
      lineKey: each.key,
      listingId: each.listing === null ? null : (facts(each.listing)?.listingId ?? each.listing),
      channelSku: each.sku,
      taken: each.taken,
      gone: Math.min(each.gone, each.taken),
      takenAt: each.taken_at,
      goneAt: each.gone_at,
      ...(each.doubted > 0 ? { doubted: each.doubted } : {}),
    })),
    ...(from.look_again_ms !== null && from.look_again_ms > 0 ? { lookAgainMs: from.look_again_ms } : {}),
    ...(from.warnings.length > 0 ? { warnings: from.warnings } : {}),
  };
}
