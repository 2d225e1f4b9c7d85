import type { Random } from '../kit/random.ts';
import { platformMs } from '../kit/time.ts';
import { summaryView } from './order-views.ts';
import type { Queue } from './queue.ts';
import type { Line, Listing, Order, Site } from './site.ts';
import type { Destination, Subscription, Subscriptions } from './subscriptions.ts';
import type { Copy, Event, Topic } from './topic.ts';

/** Tells subscribers what happened (AMZ-2, last verified 2026-11). */
export interface Notifier {
  /** ORDER_CHANGE at the level of the order, or, with `lines`, one for each of those items. */
  orderChanged(order: Order, change: { reason: string; lines?: Line[] }): void;
  /** The buyer asks for a cancellation: a request, at the level of the items, and no more. */
  cancelRequested(order: Order): void;
  /** What a notification of the order's present state says, without sending it. */
  textOf(order: Order): string;
  /** LISTINGS_ITEM_MFN_QUANTITY_CHANGE: echoes the seller's own writes, too. */
  numberChanged(listing: Listing): void;
  feedFinished(feed: {
    feedId: string;
    feedType: string;
    processingStatus: string;
    resultFeedDocumentId: string | null;
  }): void;
}

export interface NotifierDeps {
  site: Site;
  subscriptions: Subscriptions;
  queue: Queue;
  topic: Topic;
  applicationId: string;
  random: Random;
}

export function createNotifier(deps: NotifierDeps): Notifier {
  const { site, subscriptions, queue, topic, random } = deps;
  const { faults, records, agenda, timeScale } = site;

  const publish = (event: Event, wants: (subscription: Subscription) => boolean) => {
    for (const { subscription, destination } of subscriptions.of(event.type)) {
      if (!wants(subscription)) continue;
      if (faults.hits('drop_webhook') || !reaches(destination)) {
        const { type: eventType, subject } = event;
        records.webhook({
          topic: eventType,
          subject,
          outcome: 'dropped',
          status: 0,
          ms: 0,
          duplicate: false,
        });
        continue;
      }
      const delayMs = site.faults.dueMs('delay_webhook') ?? 0;
      // Held back for so long that what happens next overtakes it.
      const heldMs = faults.hits('reorder_webhook') ? platformMs(30_000, timeScale) : 0;
      const afterMs = platformMs(random.int(500, 4000), timeScale) + delayMs + heldMs;
      for (const copy of copies(event, subscription, 'eventBridge' in destination.resource)) {
        const laterMs = copy.duplicate ? platformMs(random.int(10, 3000), timeScale) : 0;
        agenda.add({ afterMs: afterMs + laterMs, group: 'notifications', run: () => deliver(copy) });
      }
    }
  };

  /** A FIFO queue, a queue that does not let the platform in, another queue: all silence (AMZ-2.5). */
  const reaches = (destination: Destination): boolean => {
    if ('eventBridge' in destination.resource) return true;
    if (destination.resource.sqs.arn !== queue.arn) return false;
    const armed = faults.armed();
    return !armed.includes('fifo_queue') && !armed.includes('missing_policy');
  };

  const copies = (event: Event, subscription: Subscription, byBus: boolean): Copy[] => {
    const fresh = (duplicate: boolean): Copy => {
      const ids = {
        subscriptionId: subscription.subscriptionId,
        notificationId: site.uuid(),
        publishedAt: new Date(site.now()).toISOString(),
      };
      return {
        event,
        text: JSON.stringify(event.body(ids)),
        messageId: site.uuid(),
        duplicate,
        byBus,
      };
    };
    const first = fresh(false);
    const more = faults.hits('duplicate_webhook') ? [{ ...first, duplicate: true }] : [];
    const again = faults.hits('republish') ? Array.from({ length: 9 }, () => fresh(true)) : [];
    return [first, ...more, ...again];
  };

  const deliver = (copy: Copy) => {
    if (faults.hits('sqs_poison')) queue.send('<poison>\u0000 not JSON', null);
    const bare = copy.byBus ? busEnvelope(site, copy.event.type, copy.text) : copy.text;
    queue.send(wrapped(copy, bare), (receipt) => {
      if (receipt.outcome === 'ok') copy.event.taken();
      records.webhook({
        topic: copy.event.type,
        subject: copy.event.subject,
        outcome: receipt.outcome,
        status: receipt.outcome === 'ok' ? 200 : 0,
        ms: receipt.ms,
        duplicate: copy.duplicate || receipt.receives > 1,
      });
    });
    topic.publish({ text: bare, messageId: copy.messageId, copy });
  };

  const wrapped = (copy: Copy, bare: string): string => {
    if (faults.hits('sns_envelope')) return JSON.stringify(topic.envelope(bare, copy.messageId));
    if (!copy.byBus && faults.hits('eventbridge_envelope')) return busEnvelope(site, copy.event.type, bare);
    return bare;
  };

  const orderEvent = (
    order: Order,
    change: { level: 'OrderLevel' | 'OrderItemLevel'; type: string; reason: string; lines: Line[] },
  ): Event => {
    const { revision } = order;
    const at = new Date(order.updatedAt).toISOString();
    const payload = {
      NotificationLevel: change.level,
      SellerId: site.sellerId,
      AmazonOrderId: order.id,
      OrderChangeType: change.type,
      OrderChangeTrigger: {
        // Null when there is no related time stamp, says the schema; now and then there is none.
        TimeOfOrderChange: random.chance(0.05) ? null : at,
        ChangeReason: change.reason,
      },
      Summary: summaryView(order, change.lines),
    };
    const whole = change.lines.length === order.lines.length;
    return {
      type: 'ORDER_CHANGE',
      subject: order.id,
      body: ({ subscriptionId, notificationId, publishedAt }) => ({
        NotificationVersion: '1.0',
        NotificationType: 'ORDER_CHANGE',
        PayloadVersion: '1.0',
        EventTime: at,
        Payload: { OrderChangeNotification: payload },
        NotificationMetadata: {
          ApplicationId: deps.applicationId,
          SubscriptionId: subscriptionId,
          PublishTime: publishedAt,
          NotificationId: notificationId,
        },
      }),
      taken: () => {
        if (whole) order.heard = Math.max(order.heard, revision);
      },
    };
  };

  const publishOrder = (order: Order, type: string, event: Event) =>
    publish(
      event,
      ({ orderChangeTypes, marketplaceIds }) =>
        (orderChangeTypes === null || orderChangeTypes.includes(type)) &&
        (marketplaceIds === null || marketplaceIds.includes(order.marketplaceId)),
    );

  return {
    orderChanged(order, { reason, lines }) {
      const type = 'OrderStatusChange';
      if (lines === undefined) {
        const change = { level: 'OrderLevel' as const, type, reason, lines: order.lines };
        return publishOrder(order, type, orderEvent(order, change));
      }
      for (const line of lines) {
        const change = { level: 'OrderItemLevel' as const, type, reason, lines: [line] };
        publishOrder(order, type, orderEvent(order, change));
      }
    },
    cancelRequested(order) {
      const type = 'BuyerRequestedChange';
      for (const line of order.lines) {
        const reason = 'Buyer Requested Cancel';
        const change = { level: 'OrderItemLevel' as const, type, reason, lines: [line] };
        publishOrder(order, type, orderEvent(order, change));
      }
    },
    textOf(order) {
      const type = 'OrderStatusChange';
      const change = { level: 'OrderLevel' as const, type, reason: 'Order placed', lines: order.lines };
      return JSON.stringify(
        orderEvent(order, change).body({
          subscriptionId: site.uuid(),
          notificationId: site.uuid(),
          publishedAt: new Date(site.now()).toISOString(),
        }),
      );
    },
    numberChanged(listing) {
      const at = new Date(site.now()).toISOString();
      const { sku, channelCode, quantity } = listing;
      publish(
        {
          type: 'LISTINGS_ITEM_MFN_QUANTITY_CHANGE',
          subject: sku,
          taken: () => undefined,
          body: ({ subscriptionId, notificationId, publishedAt }) => ({
            NotificationVersion: '1.0',
            NotificationType: 'LISTINGS_ITEM_MFN_QUANTITY_CHANGE',
            PayloadVersion: '1.0',
            EventTime: at,
            Payload: {
              SellerId: site.sellerId,
              FulfillmentChannelCode: channelCode ?? 'DEFAULT',
              Sku: sku,
              Quantity: quantity,
            },
            NotificationMetadata: {
              ApplicationId: deps.applicationId,
              SubscriptionId: subscriptionId,
              PublishTime: publishedAt,
              NotificationId: notificationId,
            },
          }),
        },
        () => true,
      );
    },
    feedFinished({ feedId, feedType, processingStatus, resultFeedDocumentId }) {
      const at = new Date(site.now()).toISOString();
      publish(
        {
          type: 'FEED_PROCESSING_FINISHED',
          subject: feedId,
          taken: () => undefined,
          // The younger family of types spells its envelope in camel case (AMZ-2.1).
          body: ({ subscriptionId, notificationId, publishedAt }) => ({
            notificationVersion: '2020-09-04',
            notificationType: 'FEED_PROCESSING_FINISHED',
            payloadVersion: '2020-09-04',
            eventTime: at,
            payload: {
              feedProcessingFinishedNotification: {
                sellerId: site.sellerId,
                accountId: `amzn1.merchant.o.${site.sellerId}`,
                feedId,
                feedType,
                processingStatus,
                ...(resultFeedDocumentId === null ? {} : { resultFeedDocumentId }),
              },
            },
            notificationMetadata: {
              applicationId: deps.applicationId,
              subscriptionId,
              publishTime: publishedAt,
              notificationId,
            },
          }),
        },
        () => true,
      );
    },
  };
}

/** What a partner event bus makes of a notification (AMZ-2.6). */
function busEnvelope(site: Site, type: string, text: string): string {
  return JSON.stringify({
    version: '0',
    id: site.uuid(),
    'detail-type': type,
    source: `aws.partner/sellingpartnerapi.amazon.com/${site.awsAccountId}/amzn1.sellerapps.app.sandbox`,
    account: site.awsAccountId,
    time: new Date(site.now()).toISOString(),
    region: site.region.awsRegion,
    resources: [],
    detail: JSON.parse(text),
  });
}
