import { hears } from '../kit/orders.ts';
import type { Random } from '../kit/random.ts';
import { summaryView } from './order-views.ts';
import type { Line, Listing, Order, Site } from './site.ts';

/** What notifications say (AMZ-2, last verified 2026-11). */

/** One event on its way, before it is copied. */
export interface Event {
  type: string;
  /** What the records call it: an order id, a SKU, a feed id. */
  subject: string;
  body: (ids: NoticeIds) => unknown;
  /** Called when a consumer has taken it over. */
  taken: () => void;
}

export interface NoticeIds {
  subscriptionId: string;
  notificationId: string;
  publishedAt: string;
}

export interface OrderChange {
  type: 'OrderStatusChange' | 'BuyerRequestedChange';
  reason: string;
  /** The one item that is told of; default: the order, with all of them. */
  line?: Line;
}

export interface FeedEnd {
  feedId: string;
  feedType: string;
  processingStatus: string;
  resultFeedDocumentId: string | null;
}

type Fields = Record<string, unknown>;

/** Fresh ids of a notification, published now. */
export function noticeIds(site: Site, subscriptionId = site.uuid()): NoticeIds {
  return { subscriptionId, notificationId: site.uuid(), publishedAt: new Date(site.now()).toISOString() };
}

export function createNotices(site: Site, random: Random) {
  const applicationId = `amzn1.sellerapps.app.${site.uuid()}`;

  const eventOf = (type: string, subject: string, told: Omit<Told, 'type'>) => {
    const body: Event['body'] = (ids) => envelopeOf({ type, ...told }, applicationId, ids);
    return { type, subject, body, taken: () => undefined } satisfies Event;
  };

  return {
    /** ORDER_CHANGE. */
    order(order: Order, { type, reason, line }: OrderChange): Event {
      const payload = {
        NotificationLevel: line === undefined ? 'OrderLevel' : 'OrderItemLevel',
        SellerId: site.sellerId,
        AmazonOrderId: order.id,
        OrderChangeType: type,
        OrderChangeTrigger: {
          // Null when there is no related time stamp, says the schema; now and then there is none.
          TimeOfOrderChange: random.chance(0.05) ? null : new Date(order.updatedAt).toISOString(),
          ChangeReason: reason,
        },
        Summary: summaryView(order, line === undefined ? order.lines : [line]),
      };
      const told = { at: order.updatedAt, payload: { OrderChangeNotification: payload } };
      const isWhole = line === undefined || order.lines.length === 1;
      return { ...eventOf('ORDER_CHANGE', order.id, told), taken: hears(isWhole ? order : null) };
    },
    /** LISTINGS_ITEM_MFN_QUANTITY_CHANGE: echoes the seller's own writes, too. */
    number({ sku, channelCode, quantity }: Listing): Event {
      const payload = {
        SellerId: site.sellerId,
        FulfillmentChannelCode: channelCode ?? 'DEFAULT',
        Sku: sku,
        Quantity: quantity,
      };
      return eventOf('LISTINGS_ITEM_MFN_QUANTITY_CHANGE', sku, { at: site.now(), payload });
    },
    feed({ feedId, feedType, processingStatus, resultFeedDocumentId }: FeedEnd): Event {
      const payload = {
        feedProcessingFinishedNotification: {
          sellerId: site.sellerId,
          accountId: `amzn1.merchant.o.${site.sellerId}`,
          feedId,
          feedType,
          processingStatus,
          ...(resultFeedDocumentId === null ? {} : { resultFeedDocumentId }),
        },
      };
      return eventOf('FEED_PROCESSING_FINISHED', feedId, { at: site.now(), payload, version: '2020-09-04' });
    },
  };
}

interface Told {
  type: string;
  /** ms since 1970. */
  at: number;
  payload: Fields;
  /** Default 1.0. */
  version?: string;
}

/** The younger family of types spells its envelope in camel case (AMZ-2.1). */
function envelopeOf({ type, at, payload, version = '1.0' }: Told, applicationId: string, ids: NoticeIds) {
  const spelled = (fields: Fields): Fields => (version === '1.0' ? fields : inCamelCase(fields));
  return spelled({
    NotificationVersion: version,
    NotificationType: type,
    PayloadVersion: version,
    EventTime: new Date(at).toISOString(),
    Payload: payload,
    NotificationMetadata: spelled({
      ApplicationId: applicationId,
      SubscriptionId: ids.subscriptionId,
      PublishTime: ids.publishedAt,
      NotificationId: ids.notificationId,
    }),
  });
}

function inCamelCase(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.charAt(0).toLowerCase() + name.slice(1), value]),
  );
}
