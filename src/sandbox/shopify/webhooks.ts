import { createHmac } from 'node:crypto';
import { stringify } from 'lossless-json';
import type { Agenda } from '../agenda.ts';
import type { Faults } from '../faults.ts';
import type { Mail } from '../mail.ts';
import type { Random } from '../random.ts';
import type { Records } from '../records.ts';
import { platformMs } from '../time.ts';
import { nanoTime } from './moment.ts';
import { sampleOrder } from './sample.ts';
import type { Release } from './schema.ts';
import type { Order, ShopState } from './state.ts';

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

export interface Webhooks {
  subscriptions: Subscription[];
  /** Queues one delivery for each subscription of the topic. */
  publish(happening: Happening): void;
  newEventId(): string;
}

/** Header form of a topic: `ORDERS_CREATE` is `orders/create`. */
export function headerTopic(topic: string): string {
  if (topic === 'ORDERS_PARTIALLY_FULFILLED') return 'orders/partially_fulfilled';
  return topic.toLowerCase().replace(/_(?=[a-z]+$)/, '/');
}

export interface WebhookDeps {
  state: ShopState;
  agenda: Agenda;
  faults: Faults;
  random: Random;
  timeScale: number;
  mail: Mail;
  records: Records;
  secrets: { current: string; old: string };
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
  attempts: number;
  /** The platform sends this copy although the first one was answered. */
  again: boolean;
}

/** SHP-2.5: eight retries in four hours, exponential; 255 such steps make up the four hours. */
const retries = 8;
const retryStepMs = (4 * 3_600_000) / 255;

/** Deliveries with the habits of SHP-2.2 to SHP-2.5. Bodies are signed and sent as the exact same bytes each time. */
export function createWebhooks(deps: WebhookDeps): Webhooks {
  const { state, agenda, faults, random, timeScale, mail, records, secrets } = deps;
  const subscriptions: Subscription[] = [];
  const lastSuccess = new Map<Subscription, number>();

  const uuid = () => {
    const hex = random.hex(32);
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `a${hex.slice(17, 20)}`,
      hex.slice(20),
    ]
      .join('-')
      .toLowerCase();
  };

  const queue = (delivery: Delivery, afterMs: number) =>
    agenda.add({ afterMs, group: 'webhooks', run: () => attempt(delivery) });

  const render = (delivery: Delivery): string => {
    const fields = delivery.subscription.includeFields;
    const body = delivery.happening.body();
    return stringify(fields.length === 0 ? body : only(body, fields)) ?? 'null';
  };

  const prepare = (subscription: Subscription, happening: Happening): Delivery => ({
    subscription,
    uri: subscription.uri,
    release: subscription.release,
    happening,
    webhookId: uuid(),
    triggeredAt: nanoTime(Date.now(), String(random.int(0, 999_999)).padStart(6, '0')),
    body: null,
    revision: happening.order?.revision ?? 0,
    sample: false,
    attempts: 0,
    again: false,
  });

  const publish = (happening: Happening) => {
    for (const subscription of subscriptions.filter(({ topic }) => topic === happening.topic)) {
      const delivery = prepare(subscription, happening);
      if (happening.late !== true) delivery.body = render(delivery);
      queue(delivery, delayOf());
      if (faults.hits('new_id_duplicate')) {
        queue({ ...delivery, webhookId: uuid() }, delayOf());
      }
      if (happening.topic.startsWith('ORDERS_') && faults.hits('sample_payload')) queueSample(subscription);
    }
  };

  const queueSample = (subscription: Subscription) => {
    const body = sampleOrder();
    const happening: Happening = {
      topic: subscription.topic,
      eventId: uuid(),
      subject: String(body['id']),
      body: () => body,
    };
    const delivery = { ...prepare(subscription, happening), sample: true };
    delivery.body = render(delivery);
    queue(delivery, delayOf());
  };

  /** Seeded jitter: no order between deliveries is promised (SHP-2.5). */
  const delayOf = (): number => {
    let ms = platformMs(random.int(100, 2000), timeScale);
    if (faults.hits('reorder_webhook')) ms += platformMs(random.int(2000, 10_000), timeScale);
    // A fault's ms is gone with its last hit, so it is read first.
    const delayMs = faults.ms('delay_webhook');
    if (faults.hits('delay_webhook')) ms += delayMs;
    return ms;
  };

  const attempt = async (delivery: Delivery): Promise<void> => {
    const { happening, subscription } = delivery;
    const topic = headerTopic(subscription.topic);
    if (delivery.attempts === 0 && faults.hits('drop_webhook')) {
      records.webhook({
        topic,
        subject: happening.subject,
        outcome: 'dropped',
        status: 0,
        ms: 0,
        duplicate: false,
      });
      return;
    }
    delivery.body ??= render(delivery);
    delivery.attempts += 1;
    const revisionAtSend = happening.order?.revision ?? 0;
    const sentAt = Date.now();
    const { status } = await mail.send({
      method: 'POST',
      uri: delivery.uri,
      headers: headersOf(delivery, topic),
      body: Buffer.from(delivery.body, 'utf8'),
    });
    const ok = status >= 200 && status < 300;
    records.webhook({
      topic,
      subject: happening.subject,
      outcome: ok ? 'ok' : 'failed',
      status,
      ms: Date.now() - sentAt,
      duplicate: delivery.attempts > 1 || delivery.again,
    });
    if (ok) succeeded(delivery, revisionAtSend);
    else failed(delivery);
  };

  const succeeded = (delivery: Delivery, revisionAtSend: number) => {
    lastSuccess.set(delivery.subscription, Date.now());
    const order = delivery.happening.order;
    if (order !== undefined) {
      const heard = delivery.happening.tells === 'state' ? delivery.revision : revisionAtSend;
      order.heardRevision = Math.max(order.heardRevision, heard);
    }
    if (!delivery.again && faults.hits('duplicate_webhook')) {
      queue({ ...delivery, again: true, attempts: 0 }, delayOf());
    }
  };

  const failed = (delivery: Delivery) => {
    if (delivery.attempts <= retries) {
      queue(delivery, platformMs(retryStepMs * 2 ** (delivery.attempts - 1), timeScale));
      return;
    }
    // SHP-2.5: the ladder's eight retries failed one after the other; the subscription goes.
    const ladderMs = platformMs(4 * 3_600_000, timeScale);
    const heardMeanwhile = (lastSuccess.get(delivery.subscription) ?? 0) > Date.now() - ladderMs;
    const index = subscriptions.indexOf(delivery.subscription);
    if (index >= 0 && !heardMeanwhile) subscriptions.splice(index, 1);
  };

  const headersOf = (delivery: Delivery, topic: string): Record<string, string> => {
    const { happening, subscription } = delivery;
    let secret = secrets.current;
    if (faults.hits('old_secret')) secret = secrets.old;
    if (faults.hits('bad_signature')) secret = `${secret}-forged`;
    const headers: Record<string, string> = {
      'Content-Type': 'application/json',
      'User-Agent': 'Shopify-Captain-Hook',
      'X-Shopify-Topic': topic,
      'X-Shopify-Hmac-Sha256': createHmac('sha256', secret)
        .update(Buffer.from(delivery.body ?? '', 'utf8'))
        .digest('base64'),
      'X-Shopify-Shop-Domain': faults.hits('wrong_shop') ? 'somebody-else.myshopify.com' : state.domain,
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
  };

  return { subscriptions, publish, newEventId: uuid };
}

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
