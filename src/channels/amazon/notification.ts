import { z } from 'zod';
import { type Delivery, UnreadableDelivery } from '../channel.ts';
import { hashKey } from '../kit/hook.ts';
import { parseJsonBytes } from '../kit/json.ts';
import { type Kept, type KeptOrder, statusOf, timeOf } from './order.ts';

const metadata = z.preprocess(lowerKeys, z.object({ notificationid: z.string().min(1) }));
const bare = z.object({
  notificationtype: z.string().min(1),
  eventtime: z.string().nullish(),
  payload: z.unknown().optional(),
  notificationmetadata: metadata.optional().catch(undefined),
});
/**
 * A notification in one spelling. Two families exist, `NotificationType` and `notificationType` (AMZ-2.1); only the
 * top level is read here, payloads keep their own spelling.
 */
const notification = z.preprocess(lowerKeys, bare).transform(({ payload, ...said }) => ({
  type: said.notificationtype,
  eventTime: said.eventtime ?? null,
  notificationId: said.notificationmetadata?.notificationid ?? null,
  payload,
}));
type Notification = z.infer<typeof notification>;

/** What a body turned out to be, and the id of its outermost wrapping, which repeats with every copy of it. */
type Unwrapped = { notification: Notification | null; id: string | null };

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
const nothing: Unwrapped = { notification: null, id: null };

/**
 * Takes off what a notification may be wrapped in: nothing, an EventBridge envelope, an SNS envelope, or one in the
 * other. Throws SyntaxError for what is no JSON; `notification` is null for JSON that is none.
 */
export function unwrap(body: Uint8Array): Unwrapped {
  return unwrapJson(parseJsonBytes(body), deepest);
}

function unwrapJson(json: unknown, depth: number): Unwrapped {
  if (depth === 0) return nothing;
  const message = topicMessage.safeParse(json).data;
  if (message !== undefined) {
    const inner = parseJsonBytes(Buffer.from(message.Message, 'utf8'));
    return { ...unwrapJson(inner, depth - 1), id: `sns:${message.MessageId}` };
  }
  const event = busEvent.safeParse(json).data;
  if (event !== undefined) {
    const inner = unwrapJson(event.detail, depth - 1);
    return event.id === undefined ? inner : { ...inner, id: `bus:${event.id}` };
  }
  const said = notification.safeParse(json).data;
  if (said === undefined) return nothing;
  return { notification: said, id: said.notificationId && `ntf:${said.notificationId}` };
}

function lowerKeys(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key.toLowerCase(), value]));
}

/**
 * A body as a delivery. The key is the id of the outermost wrapping: every copy of one message carries it, and two
 * messages never share it. The state of the order lines takes what Amazon itself publishes twice under two ids
 * (AMZ-2.4). Bodies that are no notification are kept too, under their hash, and become dead letters.
 */
export function deliveryOf(body: Uint8Array): Delivery {
  let found = nothing;
  try {
    found = unwrap(body);
  } catch {
    // No JSON: `fieldsOf` says so.
  }
  const { notification, id } = found;
  const kind = notification?.type.slice(0, 80) ?? 'unreadable';
  return { key: id !== null && id.length <= 150 ? id : hashKey(body), kind, meta: null, body };
}

const orderItem = z.object({
  OrderItemId: z.string().min(1),
  SellerSKU: z.string().nullish(),
  Quantity: z.int().min(0),
  QuantityShipped: z.int().min(0).nullish(),
});

/** `ORDER_CHANGE` 1.0, the fields that are used (AMZ-2.3). */
const orderChange = z.object({
  OrderChangeNotification: z.object({
    NotificationLevel: z.string(),
    SellerId: z.string().min(1),
    AmazonOrderId: z.string().min(1),
    OrderChangeTrigger: z.object({ TimeOfOrderChange: z.string().nullish() }).nullish(),
    Summary: z.object({
      OrderStatus: z.string(),
      PurchaseDate: z.string().nullish(),
      FulfillmentType: z.string(),
      OrderItems: z.array(orderItem),
    }),
  }),
});

/** The listing notifications name the SKU at the top of their payload. */
const listingChange = z.object({ SellerId: z.string().nullish(), Sku: z.string().min(1) });
const unsubscribe = z.object({ Type: z.literal('UnsubscribeConfirmation'), TopicArn: z.string() });

/** How each type is read (AMZ-2.2); the status type goes by two names (AMZ-9.19). Others say nothing about stock. */
const readers: Record<string, (notification: Notification) => Kept> = {
  ORDER_CHANGE: readOrderChange,
  LISTINGS_ITEM_MFN_QUANTITY_CHANGE: readListingChange,
  LISTINGS_ITEM_STATUS_CHANGE: readListingChange,
  LISTINGS_ITEM_STATUS_CHANGED: readListingChange,
  LISTINGS_ITEM_ISSUES_CHANGE: readListingChange,
  ACCOUNT_STATUS_CHANGED: readAccountStatus,
};

/** The kept fields of a delivery. Throws `UnreadableDelivery` for a body that is no notification, or a broken one. */
export function fieldsOf({ body }: Delivery): Kept {
  const notification = readEnvelope(body);
  if ('kind' in notification) return notification;
  const { type } = notification;
  const read = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (read === undefined) return { kind: 'ignored', why: `${type.slice(0, 80)} says nothing about stock` };
  try {
    return read(notification);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new UnreadableDelivery(`${type} cannot be read at ${error.issues[0]?.path.join('.') ?? ''}`);
  }
}

function readEnvelope(body: Uint8Array): Notification | Kept {
  try {
    const { notification } = unwrap(body);
    if (notification !== null) return notification;
    const topic = unsubscribe.safeParse(parseJsonBytes(body)).data?.TopicArn;
    if (topic !== undefined) {
      const text = `the SNS topic ${topic} no longer delivers to this address: somebody unsubscribed it; subscribe it again, or use the queue`;
      return { kind: 'alert', text };
    }
  } catch (error) {
    throw new UnreadableDelivery(`no JSON: ${error instanceof Error ? error.message.slice(0, 120) : ''}`);
  }
  throw new UnreadableDelivery('JSON, but no notification of Amazon in any known wrapping');
}

function readOrderChange({ payload, eventTime }: Notification): KeptOrder {
  const { OrderChangeNotification: change } = orderChange.parse(payload);
  const { Summary: summary } = change;
  const changedAt = timeOf(change.OrderChangeTrigger?.TimeOfOrderChange);
  const version = changedAt ?? timeOf(eventTime);
  if (version === null) throw new UnreadableDelivery('ORDER_CHANGE tells no time');
  return {
    kind: 'order',
    source: 'notification',
    orderId: change.AmazonOrderId,
    seller: change.SellerId,
    version,
    // Two clocks: an EventTime is later than the change that it tells of (interleavings, 9).
    clock: changedAt === null ? 'EventTime' : 'TimeOfOrderChange',
    placedAt: Math.min(timeOf(summary.PurchaseDate) ?? version, version),
    status: statusOf(summary.OrderStatus),
    fulfilledBy: summary.FulfillmentType === 'AFN' ? 'amazon' : 'merchant',
    complete: change.NotificationLevel === 'OrderLevel',
    lines: summary.OrderItems.map((item) => ({
      id: item.OrderItemId,
      sku: item.SellerSKU ?? null,
      ordered: item.Quantity,
      shipped: item.QuantityShipped ?? 0,
      open: null,
      cancelled: false,
      // A cancelled order is fetched, which tells who cancelled it and why.
      notFound: false,
    })),
  };
}

/** Our own pushes come back this way (AMZ-9.20): a hint to read the SKU, never a number to book. */
function readListingChange({ payload }: Notification): Kept {
  const change = listingChange.parse(payload);
  return { kind: 'touched', seller: change.SellerId ?? null, skus: [change.Sku] };
}

/** Its payload is not among the official schemas at hand, so that the state is looked for by its words (AMZ-2.2). */
function readAccountStatus({ payload }: Notification): Kept {
  const state = /"currentAccountStatus"\s*:\s*"(\w+)"/i.exec(JSON.stringify(payload) ?? '')?.[1] ?? 'unknown';
  if (state === 'NORMAL') return { kind: 'ignored', why: 'the account is in good standing' };
  return { kind: 'alert', text: `Amazon says that the account's state is ${state}: look at Account Health` };
}
