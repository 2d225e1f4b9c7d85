import { z } from 'zod';
import type { Delivery } from '../channel.ts';
import { hashKey } from '../kit/hook.ts';
import { parseJsonBytes } from '../kit/json.ts';

/**
 * A notification in one spelling. Two families exist, `NotificationType` and `notificationType` (AMZ-2.1); only the
 * top level is read here, payloads keep their own spelling.
 */
export interface Notification {
  type: string;
  eventTime: string | null;
  notificationId: string | null;
  payload: unknown;
}

/** What a body turned out to be, and the id of its outermost wrapping, which repeats with every copy of it. */
interface Unwrapped {
  notification: Notification | null;
  id: string | null;
}

const bare = z.object({
  notificationtype: z.string().min(1),
  eventtime: z.string().nullish(),
  payload: z.unknown().optional(),
  notificationmetadata: z.unknown().optional(),
});
const metadata = z.object({ notificationid: z.string().min(1) });
/** EventBridge (AMZ-2.6): the notification is the detail. */
const busEvent = z.object({
  id: z.string().min(1).optional(),
  'detail-type': z.string(),
  detail: z.record(z.string(), z.unknown()),
});
/** SNS (AMZ-2.7): the message is the notification as text. */
const topicMessage = z.object({
  Type: z.literal('Notification'),
  MessageId: z.string().min(1),
  TopicArn: z.string(),
  Message: z.string(),
});

/** SNS around EventBridge around a notification is the deepest that occurs (AMZ-2.6). */
const deepest = 3;

/**
 * Takes off what a notification may be wrapped in: nothing, an EventBridge envelope, an SNS envelope, or one in the
 * other. Throws SyntaxError for what is no JSON; `notification` is null for JSON that is none.
 */
export function unwrap(body: Uint8Array): Unwrapped {
  return unwrapJson(parseJsonBytes(body), deepest);
}

function unwrapJson(json: unknown, depth: number): Unwrapped {
  const nothing: Unwrapped = { notification: null, id: null };
  if (typeof json !== 'object' || json === null || depth === 0) return nothing;
  const message = topicMessage.safeParse(json);
  if (message.success) {
    const inner = unwrapJson(parseText(message.data.Message), depth - 1);
    return { notification: inner.notification, id: `sns:${message.data.MessageId}` };
  }
  const event = busEvent.safeParse(json);
  if (event.success) {
    const inner = unwrapJson(event.data.detail, depth - 1);
    return {
      notification: inner.notification,
      id: event.data.id === undefined ? inner.id : `bus:${event.data.id}`,
    };
  }
  const parsed = bare.safeParse(lowerKeys(json));
  if (!parsed.success) return nothing;
  const id = metadata.safeParse(lowerKeys(parsed.data.notificationmetadata));
  const notificationId = id.success ? id.data.notificationid : null;
  const notification = {
    type: parsed.data.notificationtype,
    eventTime: parsed.data.eventtime ?? null,
    notificationId,
    payload: parsed.data.payload,
  };
  return { notification, id: notificationId === null ? null : `ntf:${notificationId}` };
}

/** Kind of a body that is no notification. */
const unreadableKind = 'unreadable';

/**
 * A body as a delivery. The key is the id of the outermost wrapping: every copy of one message carries it, and two
 * messages never share it. The state of the order lines takes what Amazon itself publishes twice under two ids
 * (AMZ-2.4). Bodies that are no notification are kept too, under their hash, and become dead letters.
 */
export function deliveryOf(body: Uint8Array): Delivery {
  const { notification, id } = attempt(body);
  const kind = notification?.type.slice(0, 80) ?? unreadableKind;
  return { key: id !== null && id.length <= 150 ? id : hashKey(body), kind, meta: null, body };
}

function attempt(body: Uint8Array): Unwrapped {
  try {
    return unwrap(body);
  } catch {
    return { notification: null, id: null };
  }
}

function parseText(text: string): unknown {
  return parseJsonBytes(Buffer.from(text, 'utf8'));
}

function lowerKeys(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key.toLowerCase(), value]));
}
