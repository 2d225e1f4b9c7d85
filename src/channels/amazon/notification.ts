import { z } from 'zod';
import { type Delivery, type Json, UnreadableDelivery } from '../channel.ts';
import { parseJsonBytes } from '../kit/json.ts';
import { type Notification, unwrap } from './envelope.ts';
import { type Kept, type KeptOrder, statusOf, timeOf } from './kept.ts';

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

type Reader = (notification: Notification) => Kept;

/** How each type is read (AMZ-2.2); the status type goes by two names (AMZ-9.19). Others say nothing about stock. */
const readers: Record<string, Reader> = {
  ORDER_CHANGE: readOrderChange,
  LISTINGS_ITEM_MFN_QUANTITY_CHANGE: readListingChange,
  LISTINGS_ITEM_STATUS_CHANGE: readListingChange,
  LISTINGS_ITEM_STATUS_CHANGED: readListingChange,
  LISTINGS_ITEM_ISSUES_CHANGE: readListingChange,
  ACCOUNT_STATUS_CHANGED: readAccountStatus,
};

/** The kept fields of a delivery. Throws `UnreadableDelivery` for a body that is no notification, or a broken one. */
export function fieldsOf(delivery: Delivery): Json {
  const notification = readEnvelope(delivery.body);
  if ('kind' in notification) return notification;
  const read = Object.hasOwn(readers, notification.type) ? readers[notification.type] : undefined;
  if (read === undefined) {
    return { kind: 'ignored', why: `${notification.type.slice(0, 80)} says nothing about stock` };
  }
  try {
    return read(notification);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const where = error.issues[0]?.path.join('.') ?? '';
    throw new UnreadableDelivery(`${notification.type} cannot be read at ${where}`);
  }
}

function readEnvelope(body: Uint8Array): Notification | Kept {
  try {
    const { notification } = unwrap(body);
    if (notification !== null) return notification;
    const ended = unsubscribe.safeParse(parseJsonBytes(body));
    if (ended.success) return { kind: 'alert', text: endedText(ended.data.TopicArn) };
  } catch (error) {
    throw new UnreadableDelivery(`no JSON: ${error instanceof Error ? error.message.slice(0, 120) : ''}`);
  }
  throw new UnreadableDelivery('JSON, but no notification of Amazon in any known wrapping');
}

function endedText(topic: string): string {
  return `the SNS topic ${topic} no longer delivers to this address: somebody unsubscribed it; subscribe it again, or use the queue`;
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
