import { createHmac } from 'node:crypto';
import { stringify } from 'lossless-json';
import type { Ground } from '../kit/ground.ts';
import { hears } from '../kit/orders.ts';
import type { Random } from '../kit/random.ts';
import { createSender } from '../kit/sender.ts';
import { platformMs } from '../kit/time.ts';
import { nanoTime } from './moment.ts';
import { sampleOrder } from './sample.ts';
import type { Release } from './schema.ts';
import type { Order } from './state.ts';

/** A subscription made through the API; the only kind that exists here (SHP-3). */
export interface Subscription {
  id: bigint;
  topic: string;
  uri: string;
  format: 'JSON' | 'XML';
  includeFields: string[];
  filter: string | null;
  name: string | null;
  release: Release;
  createdAt: number;
  updatedAt: number;
}

/** Something that happened, once per topic; `eventId` is shared by the topics of one action (SHP-2.2). */
export interface Happening {
  topic: string;
  eventId: string;
  /** Id of what the body is about, for the records. */
  subject: string;
  order?: Order;
  /** `state`: the body shows the whole order; `name`: it only names the order. */
  tells?: 'state' | 'name';
  /** A late body is assembled when the call goes out, and shows what is true then (SHP-2.5). */
  late?: boolean;
  body(): Record<string, unknown>;
}

/** Header form of a topic: `ORDERS_CREATE` is `orders/create`. */
export function headerTopic(topic: string): string {
  if (topic === 'ORDERS_PARTIALLY_FULFILLED') return 'orders/partially_fulfilled';
  return topic.toLowerCase().replace(/_(?=[a-z]+$)/, '/');
}

interface Delivery {
  subscription: Subscription;
  uri: string;
  release: Release;
  happening: Happening;
  webhookId: string;
  triggeredAt: string;
  body: string | null;
  revision: number;
  sample: boolean;
}

/** SHP-2.5: eight retries in four hours, exponential; 255 such steps make up the four hours. */
const retries = 8;
const ladderMs = 4 * 3_600_000;
const retriesMs = Array.from({ length: retries }, (_, at) => (ladderMs / 255) * 2 ** at);

/** Deliveries with the habits of SHP-2.2 to SHP-2.5. Bodies are signed and sent as the exact same bytes each time. */
export class Webhooks {
  readonly subscriptions: Subscription[] = [];
  readonly #ground: Ground;
  readonly #domain: string;
  readonly #secrets: { current: string; old: string };
  readonly #random: Random;
  readonly #send: ReturnType<typeof createSender>;
  readonly #lastSuccess = new Map<Subscription, number>();

  constructor(ground: Ground, domain: string, secrets: { current: string; old: string }) {
    this.#ground = ground;
    this.#domain = domain;
    this.#secrets = secrets;
    this.#random = ground.random.fork('webhooks');
    this.#send = createSender(ground, {
      retriesMs,
      acknowledged: (status) => status >= 200 && status < 300,
    });
  }

  /** Queues one delivery for each subscription of the topic. */
  publish(happening: Happening) {
    const { faults } = this.#ground;
    for (const subscription of this.subscriptions.filter(({ topic }) => topic === happening.topic)) {
      const delivery = this.#prepare(subscription, happening);
      if (happening.late !== true) delivery.body = render(delivery);
      this.#queue(delivery);
      if (faults.hits('new_id_duplicate')) this.#queue({ ...delivery, webhookId: this.newEventId() });
      if (happening.topic.startsWith('ORDERS_') && faults.hits('sample_payload')) {
        this.#queueSample(subscription);
      }
    }
  }

  newEventId(): string {
    const hex = this.#random.hex(32);
    const parts = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`];
    return [...parts, hex.slice(20)].join('-').toLowerCase();
  }

  #prepare(subscription: Subscription, happening: Happening): Delivery {
    return {
      subscription,
      uri: subscription.uri,
      release: subscription.release,
      happening,
      webhookId: this.newEventId(),
      triggeredAt: nanoTime(Date.now(), String(this.#random.int(0, 999_999)).padStart(6, '0')),
      body: null,
      revision: happening.order?.revision ?? 0,
      sample: false,
    };
  }

  #queue(delivery: Delivery) {
    const { happening, subscription } = delivery;
    const topic = headerTopic(subscription.topic);
    this.#send({
      topic,
      subject: happening.subject,
      write: () => {
        delivery.body ??= render(delivery);
        const body = Buffer.from(delivery.body, 'utf8');
        return { uri: delivery.uri, headers: this.#headersOf(delivery, topic, body), body };
      },
      leaving: () => {
        const order = happening.order ?? null;
        const heard = hears(order);
        return () => {
          this.#lastSuccess.set(subscription, Date.now());
          if (order === null || happening.tells !== 'state') heard();
          // What the body shows is what the order was when it was written.
          else order.heard = Math.max(order.heard, delivery.revision);
        };
      },
      ended: (taken) => {
        if (taken) return;
        // SHP-2.5: the ladder's eight retries failed one after the other; the subscription goes.
        const since = Date.now() - platformMs(ladderMs, this.#ground.timeScale);
        const index = this.subscriptions.indexOf(subscription);
        if (index >= 0 && (this.#lastSuccess.get(subscription) ?? 0) <= since) {
          this.subscriptions.splice(index, 1);
        }
      },
    });
  }

  #queueSample(subscription: Subscription) {
    const body = sampleOrder();
    const { topic } = subscription;
    const happening = { topic, eventId: this.newEventId(), subject: String(body['id']), body: () => body };
    this.#queue({ ...this.#prepare(subscription, happening), sample: true });
  }

  #headersOf(delivery: Delivery, topic: string, body: Buffer): Record<string, string> {
    const { faults } = this.#ground;
    const { happening, subscription } = delivery;
    let secret = this.#secrets.current;
    if (faults.hits('old_secret')) secret = this.#secrets.old;
    if (faults.hits('bad_signature')) secret = `${secret}-forged`;
    const headers: Record<string, string> = {
      'Content-Type': 'application/json',
      'User-Agent': 'Shopify-Captain-Hook',
      'X-Shopify-Topic': topic,
      'X-Shopify-Hmac-Sha256': createHmac('sha256', secret).update(body).digest('base64'),
      'X-Shopify-Shop-Domain': faults.hits('wrong_shop') ? 'somebody-else.myshopify.com' : this.#domain,
      'X-Shopify-API-Version': delivery.release,
      'X-Shopify-Webhook-Id': delivery.webhookId,
      'X-Shopify-Event-Id': happening.eventId,
      'X-Shopify-Triggered-At': delivery.triggeredAt,
    };
    if (subscription.name !== null) headers['X-Shopify-Name'] = subscription.name;
    if (topic.startsWith('orders/')) {
      headers['X-Shopify-Order-Id'] = happening.subject;
      headers['X-Shopify-Test'] = String(delivery.sample || happening.order?.test === true);
    }
    return headers;
  }
}

const render = ({ subscription, happening }: Delivery): string => {
  const fields = subscription.includeFields;
  const body = happening.body();
  return stringify(fields.length === 0 ? body : only(body, fields)) ?? 'null';
};

/** What `includeFields` leaves of a body: top-level names, or dotted names into objects and lists (SHP-3). */
function only(body: Record<string, unknown>, fields: string[]): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name of Object.keys(body)) {
    if (fields.includes(name)) {
      kept[name] = body[name];
      continue;
    }
    const inner = fields.filter((field) => field.startsWith(`${name}.`)).map((f) => f.slice(name.length + 1));
    if (inner.length > 0) kept[name] = within(body[name], inner);
  }
  return kept;
}

function within(value: unknown, fields: string[]): unknown {
  if (Array.isArray(value)) return value.map((entry) => within(entry, fields));
  if (typeof value !== 'object' || value === null) return value;
  return only(value as Record<string, unknown>, fields);
}
