import { AppError } from '../../errors.ts';
import { openDoor } from '../kit/ground.ts';
import { bodyOf, jsonAnswer, type ShopAnswer, type ShopRequest } from '../kit/server.ts';
import { listed } from '../kit/shelves.ts';
import { platformMs } from '../kit/time.ts';
import type { Shop, ShopRecords } from '../shop.ts';
import { createFeeds } from './feeds.ts';
import { createGateway } from './gateway.ts';
import { createLwa } from './lwa.ts';
import { createNotifier, type Floor } from './notifier.ts';
import { recordOf, verbsOf } from './orders.ts';
import { createQueue, type Queue } from './queue.ts';
import {
  createSite,
  isPlatformFulfilled,
  type Listing,
  type Site,
  type SiteOptions,
  setNumber,
  stockShelves,
} from './site.ts';
import { createSqs, isSqs } from './sqs.ts';
import { createSubscriptions, type Subscriptions } from './subscriptions.ts';
import { createTopic, type Storm, type Topic } from './topic.ts';
import type { TopicSettings } from './topic-messages.ts';

/** What this shop can be told beside what every shop can. */
export interface AmazonShopOptions extends SiteOptions, Partial<TopicSettings> {}

/** A running shop, with what tests need beside the common verbs. */
export type AmazonShop = ReturnType<typeof createAmazonShop>;

/**
 * A sandbox shop that speaks Login with Amazon, the Selling Partner API, SQS and SNS, written from the facts alone.
 * State is in memory; a stopped shop is gone.
 */
export function createAmazonShop(options: AmazonShopOptions) {
  const site = createSite(options);
  stockShelves(site, options.catalogue);
  const lwa = createLwa(site);
  const { signatureVersion = '1', ladder = 'https' } = options;
  const settings: TopicSettings = { signatureVersion, ladder };
  const queue = createQueue(site);
  const topic = createTopic(site, settings);
  const subscriptions = createSubscriptions(site);
  const notifier = createNotifier(site, { subscriptions, queue, topic });
  const floor: Floor = { ...site, notifier };
  const feeds = createFeeds(floor, () => door.url);
  const gateway = createGateway(floor, { lwa, feeds, subscriptions });
  const sqs = createSqs(site, queue);
  const extras = extrasOf(floor, { queue, topic, subscriptions });

  const door = openDoor(options, site, {
    shop: (): Shop => shop,
    async route(request) {
      if (isSqs(request)) return sqs(request);
      if (request.path === '/auth/o2/token' && request.method === 'POST') return lwa.grant(request);
      const own = await sandboxVerb(request, topic, extras.storm);
      return own ?? topic.answer(request) ?? feeds.storage(request) ?? gateway.answer(request);
    },
    nameOf: ({ method, path, headers }) => `${method} ${headers['x-amz-target'] ?? path}`,
    slowElsewhere: true,
  });
  const shop = {
    type: 'amazon',
    name: options.name,
    get url() {
      return door.url;
    },
    credentials: site.credentials,
    queue,
    topic,
    topicSettings: settings,
    listings: site.listings as ReadonlyMap<string, Readonly<Listing>>,
    operations: gateway.operations,
    channelConfig: () => channelConfig(site, { queue, topic, url: door.url }),
    durations: () => durationsOf(site),
    start: door.start,
    async stop() {
      queue.stop();
      await door.stop();
    },
    ...verbsOf(floor),
    set({ sku, quantity }) {
      const listing = listed(site.listings.get(sku), sku);
      setNumber(site, listing, quantity);
      notifier.numberChanged(listing);
    },
    fault(request) {
      if (request.clear === true) lwa.forgive();
      site.faults.arm(request);
    },
    pending: () => site.agenda.size() + queue.counts().visible + queue.counts().inFlight,
    records: (): ShopRecords => ({
      orders: [...site.orders.values()].map(recordOf),
      calls: site.records.all(),
      listings: [...site.listings.values()].map(shownIn),
    }),
    ...extras,
  } satisfies Shop & Record<string, unknown>;
  return shop;
}

/** What only this shop can, beside what every shop can. */
function extrasOf(
  floor: Floor,
  { queue, topic, subscriptions }: { queue: Queue; topic: Topic; subscriptions: Subscriptions },
) {
  return {
    /** Runs all that the platform would do later, at once and in due order; does not wait for consumers of the queue. */
    settle: () => floor.agenda.settle(),
    /** Makes the destination and the subscription that `webhooks register` makes, by hand. */
    connect(): void {
      const { destinationId } = subscriptions.addDestination('by hand', { sqs: { arn: queue.arn } });
      subscriptions.add({
        type: 'ORDER_CHANGE',
        payloadVersion: '1.0',
        destinationId,
        processingDirective: null,
        orderChangeTypes: null,
        marketplaceIds: null,
      });
    },
    /**
     * The same notification so many times: into the queue, or to the topic's subscribers (then it resolves when all are
     * answered). Tells of the newest order.
     */
    async storm({ times, to }: { times: number; to: 'queue' | 'topic' }): Promise<Storm> {
      const order = [...floor.orders.values()].at(-1);
      if (order === undefined) throw new AppError('no_order', 'a storm needs an order to tell of');
      const text = floor.notifier.textOf(order);
      if (to === 'topic') return topic.storm(text, times);
      for (let left = times; left > 0; left -= 1) queue.send(text, null);
      return { sent: times, ok: 0, refused: 0, failed: 0 };
    },
  };
}

/** `POST /_amazon/storm` and `/_amazon/subscribe`: verbs of this shop alone. */
async function sandboxVerb(
  request: ShopRequest,
  topic: Topic,
  storm: (request: { times: number; to: 'queue' | 'topic' }) => Promise<Storm>,
): Promise<ShopAnswer | null> {
  if (request.method !== 'POST' || !request.path.startsWith('/_amazon/')) return null;
  const input = bodyOf(request);
  if (request.path === '/_amazon/storm') {
    const to = input.to === 'topic' ? 'topic' : 'queue';
    return jsonAnswer(200, await storm({ times: Number(input.times ?? 1000), to }));
  }
  if (request.path !== '/_amazon/subscribe') return null;
  await topic.subscribe(String(input.endpoint));
  return jsonAnswer(200, topic.subscriptions());
}

/** Accepted numbers show after up to three minutes, orders are found after two, pending ones are paid within four. */
function durationsOf({ timeScale }: Site) {
  return {
    poll: '4m',
    settle: `${platformMs(210_000, timeScale) + 500}ms`,
    order_lag: `${platformMs(270_000, timeScale) + 1_500}ms`,
    index_lag: `${platformMs(150_000, timeScale) + 500}ms`,
  };
}

function channelConfig(site: Site, { queue, topic, url }: { queue: Queue; topic: Topic; url: string }) {
  const { clientId, clientSecret, refreshToken, accessKeyId, secretAccessKey } = site.credentials;
  return {
    type: 'amazon',
    mode: 'live',
    client_id: clientId,
    client_secret: clientSecret,
    refresh_token: refreshToken,
    seller_id: site.sellerId,
    region: site.region.name,
    marketplaces: [site.marketplaces[0]?.id ?? ''],
    sqs: { queue_url: queue.url, access_key_id: accessKeyId, secret_access_key: secretAccessKey },
    sns: { topics: [topic.arn] },
    base_url: url,
    token_url: `${url}/auth/o2/token`,
    sqs_endpoint: url,
    cert_url_override: `${url}${topic.certificatePath}`,
  };
}

/** What the platform fulfils shows no number, and neither does a variation parent. */
function shownIn(listing: Listing): ShopRecords['listings'][number] {
  const none = listing.channelCode === null || isPlatformFulfilled(listing);
  return { sku: listing.sku, listing_id: listing.sku, shown: none ? null : listing.quantity };
}
