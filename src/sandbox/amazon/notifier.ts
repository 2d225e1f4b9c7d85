import { platformMs } from '../kit/time.ts';
import { createNotices, type Event, type FeedEnd, noticeIds, type OrderChange } from './notices.ts';
import type { Queue } from './queue.ts';
import type { Listing, Order, Site } from './site.ts';
import type { Destination, Subscription, Subscriptions } from './subscriptions.ts';
import type { Copy, Topic } from './topic.ts';

export type Notifier = ReturnType<typeof createNotifier>;

/** The account and whom it tells: what every change of it needs. */
export interface Floor extends Site {
  notifier: Notifier;
}

/** Tells subscribers what happened (AMZ-2, last verified 2026-11). */
export function createNotifier(site: Site, to: { subscriptions: Subscriptions; queue: Queue; topic: Topic }) {
  const { faults, records, timeScale } = site;
  const random = site.random.fork('notifications');
  const notices = createNotices(site, random);
  const deliver = deliveryOf(site, to);

  const publish = (event: Event, isWanted: (subscription: Subscription) => boolean = () => true) => {
    const { type: topic, subject } = event;
    for (const { subscription, destination } of to.subscriptions.of(topic)) {
      if (!isWanted(subscription)) continue;
      if (faults.hits('drop_webhook') || !reaches(destination)) {
        records.webhook({ topic, subject, outcome: 'dropped', status: 0, ms: 0, duplicate: false });
        continue;
      }
      const delayMs = faults.dueMs('delay_webhook') ?? 0;
      // Held back for so long that what happens next overtakes it.
      const heldMs = faults.hits('reorder_webhook') ? platformMs(30_000, timeScale) : 0;
      const afterMs = platformMs(random.int(500, 4000), timeScale) + delayMs + heldMs;
      for (const copy of copiesOf(site, event, { subscription, destination })) {
        const laterMs = copy.duplicate ? platformMs(random.int(10, 3000), timeScale) : 0;
        site.agenda.add({ afterMs: afterMs + laterMs, group: 'notifications', run: () => deliver(copy) });
      }
    }
  };

  /** A FIFO queue, a queue that does not let the platform in, another queue: all silence (AMZ-2.5). */
  const reaches = ({ resource }: Destination): boolean => {
    if ('eventBridge' in resource) return true;
    const armed = faults.armed();
    const isShut = armed.includes('fifo_queue') || armed.includes('missing_policy');
    return resource.sqs.arn === to.queue.arn && !isShut;
  };

  const publishOrder = (order: Order, change: OrderChange) =>
    publish(
      notices.order(order, change),
      ({ orderChangeTypes, marketplaceIds }) =>
        (orderChangeTypes?.includes(change.type) ?? true) &&
        (marketplaceIds?.includes(order.marketplaceId) ?? true),
    );

  return {
    /** ORDER_CHANGE at the level of the order, or, with `line`, of that item. */
    orderChanged: (order: Order, change: Omit<OrderChange, 'type'>) =>
      publishOrder(order, { type: 'OrderStatusChange', ...change }),
    /** The buyer asks for a cancellation: a request, at the level of the items, and no more. */
    cancelRequested(order: Order) {
      const change = { type: 'BuyerRequestedChange', reason: 'Buyer Requested Cancel' } as const;
      for (const line of order.lines) publishOrder(order, { ...change, line });
    },
    /** What a notification of the order's present state says, without sending it. */
    textOf(order: Order): string {
      const event = notices.order(order, { type: 'OrderStatusChange', reason: 'Order placed' });
      return JSON.stringify(event.body(noticeIds(site)));
    },
    numberChanged: (listing: Listing) => publish(notices.number(listing)),
    feedFinished: (feed: FeedEnd) => publish(notices.feed(feed)),
  };
}

/** What is sent of one event: a repeat under `duplicate_webhook`, nine under fresh ids under `republish`. */
function copiesOf(
  site: Site,
  event: Event,
  { subscription, destination }: { subscription: Subscription; destination: Destination },
): Copy[] {
  const fresh = (duplicate: boolean): Copy => ({
    event,
    text: JSON.stringify(event.body(noticeIds(site, subscription.subscriptionId))),
    messageId: site.uuid(),
    duplicate,
    byBus: 'eventBridge' in destination.resource,
  });
  const first = fresh(false);
  const more = site.faults.hits('duplicate_webhook') ? [{ ...first, duplicate: true }] : [];
  const again = site.faults.hits('republish') ? Array.from({ length: 9 }, () => fresh(true)) : [];
  return [first, ...more, ...again];
}

/** Into the queue and to the topic, in whatever envelope. */
function deliveryOf(site: Site, { queue, topic }: { queue: Queue; topic: Topic }): (copy: Copy) => void {
  const { faults, records } = site;

  const wrapped = ({ byBus, messageId, event }: Copy, bare: string): string => {
    if (faults.hits('sns_envelope')) return JSON.stringify(topic.envelope(bare, messageId));
    if (!byBus && faults.hits('eventbridge_envelope')) return busEnvelope(site, event.type, bare);
    return bare;
  };

  return (copy) => {
    const { event, byBus, text } = copy;
    if (faults.hits('sqs_poison')) queue.send('<poison>\u0000 not JSON', null);
    const bare = byBus ? busEnvelope(site, event.type, text) : text;
    queue.send(wrapped(copy, bare), ({ outcome, ms, receives }) => {
      if (outcome === 'ok') event.taken();
      records.webhook({
        topic: event.type,
        subject: event.subject,
        outcome,
        status: outcome === 'ok' ? 200 : 0,
        ms,
        duplicate: copy.duplicate || receives > 1,
      });
    });
    topic.publish(bare, copy);
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
