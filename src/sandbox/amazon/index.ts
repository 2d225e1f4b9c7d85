import { AppError } from '../../errors.ts';
import { createBuckets } from '../kit/buckets.ts';
import { createGround, openDoor } from '../kit/ground.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import type { Shop, ShopOptions, ShopRecords } from '../shop.ts';
import { faultNames } from './faults.ts';
import { createFeeds } from './feeds.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { type Credentials, createCredentials, createLwa } from './lwa.ts';
import { type Region, regions } from './marketplaces.ts';
import { createNotifier } from './notifier.ts';
import { createOrders, recordOf } from './orders.ts';
import { createQueue, type Queue } from './queue.ts';
import { isPlatformFulfilled, type Listing, type Site, setNumber, stockShelves } from './site.ts';
import { createSqs, isSqs } from './sqs.ts';
import { createSubscriptions } from './subscriptions.ts';
import { createTopic, type Storm, type Topic, type TopicSettings } from './topic.ts';

/** What this shop can be told beside what every shop can. */
export interface AmazonShopOptions extends ShopOptions {
  /** Default `na`. */
  region?: Region['name'];
  /** How the topic signs; default 1, as topics do until they are told otherwise. */
  signatureVersion?: '1' | '2';
  /** How the topic retries; default `https`. */
  ladder?: TopicSettings['ladder'];
  /** How many times the published rates this seller may call: plans follow the volume of sales (AMZ-6.2). Default 1. */
  usagePlan?: number;
  /** What is younger than this no search tells, in ms of the platform. Default: its two minutes (AMZ-6.1). */
  unsearchableMs?: number;
  /** The shop's clock, ms since 1970; default the machine's. Timers stay the machine's. */
  now?: () => number;
}

/** A running shop, with what tests need beside the common verbs. */
export interface AmazonShop extends Shop {
  /** Runs all that the platform would do later, at once and in due order; does not wait for consumers of the queue. */
  settle(): Promise<void>;
  readonly credentials: Credentials;
  readonly queue: Queue;
  readonly topic: Topic;
  readonly topicSettings: TopicSettings;
  readonly listings: ReadonlyMap<string, Readonly<Listing>>;
  readonly operations: Gateway['operations'];
  /** Makes the destination and the subscription that `webhooks register` makes, by hand. */
  connect(): void;
  /**
   * The same notification so many times: into the queue, or to the topic's subscribers (then it resolves when all are
   * answered). Tells of the newest order.
   */
  storm(request: { times: number; to: 'queue' | 'topic' }): Promise<Storm>;
}

/** Deliveries of the topic in flight at once. */
const topicDeliveries = 10;

/**
 * A sandbox shop that speaks Login with Amazon, the Selling Partner API, SQS and SNS, written from the facts alone.
 * State is in memory; a stopped shop is gone.
 */
export function createAmazonShop(options: AmazonShopOptions): AmazonShop {
  const site = createSite(options);
  const { random } = site;
  stockShelves(site, options.catalogue);
  const credentials = createCredentials(random.fork('credentials'));
  const secretOf = (id: string) => (id === credentials.accessKeyId ? credentials.secretAccessKey : null);
  const lwa = createLwa(site, credentials, random.fork('tokens'));
  const buckets = createBuckets(site.now, site.timeScale);
  const settings: TopicSettings = {
    signatureVersion: options.signatureVersion ?? '1',
    ladder: options.ladder ?? 'https',
  };
  const label = options.name.replace(/[^A-Za-z0-9_-]+/g, '-');
  const queue = createQueue({
    name: `invsync-${label}`,
    awsRegion: site.region.awsRegion,
    accountId: site.awsAccountId,
    random: random.fork('queue'),
    timeScale: site.timeScale,
    now: site.now,
    uuid: site.uuid,
  });
  const topic = createTopic({
    site,
    random: random.fork('topic'),
    name: `invsync-${label}`,
    accountId: site.awsAccountId,
    secretOf,
    settings,
  });
  const subscriptions = createSubscriptions(site);
  const applicationId = `amzn1.sellerapps.app.${site.uuid()}`;
  const notifier = createNotifier({
    site,
    subscriptions,
    queue,
    topic,
    applicationId,
    random: random.fork('notifications'),
  });
  const orders = createOrders({ site, notifier });
  const feeds = createFeeds({ site, notifier, url: () => door.url });
  const gateway = createGateway({
    site,
    notifier,
    lwa,
    orders,
    feeds,
    subscriptions,
    buckets,
  });
  const sqs = createSqs({ site, queue, secretOf });

  const route = async (request: ShopRequest): Promise<ShopAnswer | null> => {
    if (isSqs(request)) return sqs(request);
    if (request.path === '/auth/o2/token' && request.method === 'POST') return lwa.grant(request);
    const own = await sandboxVerb(request);
    return own ?? topic.answer(request) ?? feeds.storage(request) ?? gateway.answer(request);
  };

  /** `POST /_amazon/storm` and `/_amazon/subscribe`: verbs of this shop alone. */
  const sandboxVerb = async (request: ShopRequest): Promise<ShopAnswer | null> => {
    if (request.method !== 'POST' || !request.path.startsWith('/_amazon/')) return null;
    const input = request.body.length === 0 ? {} : JSON.parse(request.body.toString('utf8'));
    if (request.path === '/_amazon/storm') {
      const to = input.to === 'topic' ? 'topic' : 'queue';
      const done = await shop.storm({ times: Number(input.times ?? 1000), to });
      return { status: 200, body: JSON.stringify(done) };
    }
    if (request.path !== '/_amazon/subscribe') return null;
    await topic.subscribe(String(input.endpoint));
    return { status: 200, body: JSON.stringify(topic.subscriptions()) };
  };

  const door = openDoor(options, site, {
    shop: () => shop,
    route,
    nameOf: ({ method, path, headers }) => `${method} ${headers['x-amz-target'] ?? path}`,
    slowElsewhere: true,
  });
  const shop: AmazonShop = {
    type: 'amazon',
    name: options.name,
    get url() {
      return door.url;
    },
    credentials,
    queue,
    topic,
    topicSettings: settings,
    listings: site.listings,
    operations: gateway.operations,
    channelConfig: () => ({
      type: 'amazon',
      mode: 'live',
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret,
      refresh_token: credentials.refreshToken,
      seller_id: site.sellerId,
      region: site.region.name,
      marketplaces: [site.marketplaces[0]?.id ?? ''],
      sqs: {
        queue_url: queue.url,
        access_key_id: credentials.accessKeyId,
        secret_access_key: credentials.secretAccessKey,
      },
      sns: { topics: [topic.arn] },
      base_url: door.url,
      token_url: `${door.url}/auth/o2/token`,
      sqs_endpoint: door.url,
      cert_url_override: `${door.url}${topic.certificatePath}`,
    }),
    // Accepted numbers show after up to three minutes, orders are found after two, pending ones are paid within four.
    durations: () => ({
      poll: '4m',
      settle: `${platformMs(210_000, options.timeScale) + 500}ms`,
      order_lag: `${platformMs(270_000, options.timeScale) + 1_500}ms`,
      index_lag: `${platformMs(150_000, options.timeScale) + 500}ms`,
    }),
    start: door.start,
    async stop() {
      queue.stop();
      await door.stop();
    },
    sell: orders.sell,
    cancel: ({ order_id, restock }) => orders.cancel(orders.find(order_id), { restock: restock ?? true }),
    refund: ({ order_id, line_id, quantity }) =>
      orders.refund(orders.find(order_id), { lineId: line_id, quantity }),
    edit: ({ order_id, line_id, quantity }) =>
      orders.edit(orders.find(order_id), { lineId: line_id, quantity }),
    ship: ({ order_id }) => orders.ship(orders.find(order_id)),
    set({ sku, quantity }) {
      const listing = site.listings.get(sku);
      if (listing === undefined) throw new AppError('unknown_sku', `the shop has no SKU "${sku}"`);
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
    settle: () => site.agenda.settle(),
    connect() {
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
    async storm({ times, to }) {
      const order = [...site.orders.values()].at(-1);
      if (order === undefined) throw new AppError('no_order', 'a storm needs an order to tell of');
      const text = notifier.textOf(order);
      if (to === 'topic') return topic.storm(text, times);
      for (let left = times; left > 0; left -= 1) queue.send(text, null);
      return { sent: times, ok: 0, refused: 0, failed: 0 };
    },
  };
  return shop;
}

/** What the platform fulfils shows no number, and neither does a variation parent. */
function shownIn(listing: Listing): ShopRecords['listings'][number] {
  const none = listing.channelCode === null || isPlatformFulfilled(listing);
  return { sku: listing.sku, listing_id: listing.sku, shown: none ? null : listing.quantity };
}

function createSite(options: AmazonShopOptions): Site {
  const ground = createGround(options, {
    faults: faultNames,
    limits: { topic: topicDeliveries },
    patience: { answerMs: 15_000, sockets: 20 }, // AMZ-2.7
  });
  const { random } = ground;
  const region = regions[options.region ?? 'na'];
  const own = random.fork('site');
  let orderNumber = 1_000_000 + own.int(0, 999);
  let itemNumber = 70_000_000_000_000 + own.int(0, 999_999);
  return {
    ...ground,
    random: own,
    usagePlan: options.usagePlan ?? 1,
    unsearchableMs: options.unsearchableMs ?? 120_000,
    region,
    sellerId: `A${own.hex(13).toUpperCase()}`,
    awsAccountId: String(random.fork('aws account').int(100_000_000_000, 999_999_999_999)),
    storeName: options.name,
    marketplaces: region.marketplaces.slice(0, 2),
    listings: new Map(),
    orders: new Map(),
    uuid: () => {
      const hex = own.hex(30);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
    },
    // The last block of an order id is never used twice in a shop.
    nextOrderNumber: () => {
      orderNumber += own.int(1, 3);
      return orderNumber;
    },
    nextItemNumber: () => {
      itemNumber += own.int(1, 9999);
      return itemNumber;
    },
  };
}
