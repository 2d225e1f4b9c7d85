import { createHmac } from 'node:crypto';
import { hears } from '../kit/orders.ts';
import { platformMs } from '../kit/time.ts';
import { datePair } from './dates.ts';
import { orderView } from './order-view.ts';
import { findOrder } from './orders.ts';
import { phpJson } from './php.ts';
import { RestProblem, wooProblem } from './problem.ts';
import { links, productView } from './product-view.ts';
import type { Site, Webhook } from './site.ts';

/** Subscriptions and the queue behind them. WOO-O.6 to O.9, last verified 2026-11. */

/** Topics and the PHP hooks that REST lists for them. */
const HOOKS: Record<string, string[]> = {
  'order.created': ['woocommerce_new_order'],
  'order.updated': ['woocommerce_update_order', 'woocommerce_order_refunded'],
  'order.deleted': ['wp_trash_post', 'woocommerce_trash_order'],
  'order.restored': ['untrashed_post', 'woocommerce_untrash_order'],
  'product.created': [
    'woocommerce_process_product_meta',
    'woocommerce_new_product',
    'woocommerce_new_product_variation',
  ],
  'product.updated': [
    'woocommerce_process_product_meta',
    'woocommerce_update_product',
    'woocommerce_update_product_variation',
  ],
  'product.deleted': ['wp_trash_post'],
  'product.restored': ['untrashed_post'],
  'customer.created': ['user_register', 'woocommerce_created_customer', 'woocommerce_new_customer'],
  'customer.updated': ['profile_update', 'woocommerce_update_customer'],
  'customer.deleted': ['delete_user'],
  'coupon.created': ['woocommerce_process_shop_coupon_meta', 'woocommerce_new_coupon'],
  'coupon.updated': ['woocommerce_process_shop_coupon_meta', 'woocommerce_update_coupon'],
  'coupon.deleted': ['wp_trash_post'],
  'coupon.restored': ['untrashed_post'],
};

const ACTION = /^action\.((?:woocommerce|wc)_[a-z0-9_-]+)$/;

/** The hooks of a topic; undefined for a topic that does not exist. */
export function hooksOf(topic: string): string[] | undefined {
  const action = ACTION.exec(topic)?.[1];
  return action === undefined ? HOOKS[topic] : [action];
}

/** A subscription as REST shows it: never the secret, never the failure count. */
export function webhookView(site: Site, webhook: Webhook): Record<string, unknown> {
  const [resource, event] = splitTopic(webhook.topic);
  const { createdAt, modifiedAt } = webhook;
  return {
    id: webhook.id,
    name: webhook.name,
    status: webhook.status,
    topic: webhook.topic,
    resource,
    event,
    hooks: hooksOf(webhook.topic) ?? [],
    delivery_url: webhook.deliveryUrl,
    ...datePair(site, 'date_created', createdAt),
    ...datePair(site, 'date_modified', modifiedAt),
    _links: links(site, `webhooks/${webhook.id}`),
  };
}

function splitTopic(topic: string): [string, string] {
  const dot = topic.indexOf('.');
  return [topic.slice(0, dot), topic.slice(dot + 1)];
}

interface Job {
  webhookId: number;
  arg: number;
  dueMs: number;
  /** How often this event was sent before: a repeat has another delivery id. */
  repeat: number;
}

/** One pass takes batches of 25 until nothing is due or 30 s are over. */
const BATCH = 25;
const RUN_MS = 30_000;
/** Of one webhook and one resource no second job is queued when one is due within ten minutes. */
const COALESCE_MS = 600_000;
/** A failure disables the webhook when more than five came before it in a row. */
const MAX_FAILURES = 5;

/** Posts a body as `wp_safe_remote_request` does, one at a time on a connection of its own. */
async function post(site: Site, uri: string, sent: { headers: Record<string, string>; body: string }) {
  const headers = {
    'User-Agent': 'WooCommerce/11.0.1 Hookshot (WordPress/7.0.4)',
    Accept: '*/*',
    'Accept-Encoding': 'deflate, gzip, br, zstd',
    ...sent.headers,
  };
  const { status } = await site.caller.call({ method: 'POST', uri, headers, body: Buffer.from(sent.body) });
  return status;
}

/** What waits to be delivered. */
function createJobs(site: Site) {
  const jobs: Job[] = [];
  /** Of each (webhook, resource) the job that has not begun: a change while it is being delivered queues another. */
  const waiting = new Map<string, Job>();
  const keyOf = ({ webhookId, arg }: Pick<Job, 'webhookId' | 'arg'>) => `${webhookId}:${arg}`;
  return {
    add(webhookId: number, arg: number): void {
      const soon = site.now() + platformMs(COALESCE_MS, site.timeScale);
      const known = waiting.get(keyOf({ webhookId, arg }));
      if (known !== undefined && known.dueMs < soon) return;
      const delay = site.faults.dueMs('delay_webhook') ?? 0;
      const job = { webhookId, arg, dueMs: site.now() + delay, repeat: 0 };
      jobs.push(job);
      waiting.set(keyOf(job), job);
    },
    again: (job: Job) => void jobs.push({ ...job, dueMs: site.now(), repeat: 1 }),
    putBack: (batch: Job[]) => void jobs.unshift(...batch),
    claim(): Job[] {
      const now = site.now();
      const due = jobs.filter((job) => job.dueMs <= now);
      if (due.length > 1 && site.faults.hits('reorder_webhook')) shuffle(site, due);
      const batch = due.slice(0, BATCH);
      for (const job of batch) jobs.splice(jobs.indexOf(job), 1);
      return batch;
    },
    begun(job: Job): void {
      if (waiting.get(keyOf(job)) === job) waiting.delete(keyOf(job));
    },
    size: () => jobs.length,
    clear() {
      jobs.length = 0;
    },
  };
}

export type WebhookQueue = ReturnType<typeof createQueue>;

/**
 * Deliveries to loopback addresses and odd ports are allowed here, as on the recorded shop; a stock WordPress refuses
 * private addresses and ports other than 80, 443 and 8080 (WOO-2.9).
 */
export function createQueue(site: Site) {
  const jobs = createJobs(site);
  let inFlight = 0;
  let running: Promise<number> | null = null;
  let stopped = false;

  async function pass(): Promise<number> {
    const until = performance.now() + platformMs(RUN_MS, site.timeScale);
    let done = 0;
    while (!stopped) {
      const batch = jobs.claim();
      if (batch.length === 0) return done;
      inFlight = batch.length;
      for (let job = batch.shift(); job !== undefined; job = batch.shift()) {
        if (stopped) return done;
        jobs.begun(job);
        if (await deliver(site, job)) jobs.again(job);
        inFlight = batch.length;
        done += 1;
        if (performance.now() < until) continue;
        jobs.putBack(batch);
        inFlight = 0;
        return done;
      }
    }
    return done;
  }

  return {
    emit(topic: string, arg: number): void {
      for (const webhook of site.webhooks.values()) {
        if (webhook.topic === topic && webhook.status === 'active') jobs.add(webhook.id, arg);
      }
    },
    /** One pass; a call while one is running joins it. Returns how many jobs it took off the queue. */
    run(): Promise<number> {
      running ??= pass().finally(() => {
        running = null;
      });
      return running;
    },
    /** The synchronous unsigned call when a webhook is made or its address changes. Its outcome matters to nobody. */
    async ping({ id, deliveryUrl }: Webhook): Promise<void> {
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      await post(site, deliveryUrl, { headers, body: `webhook_id=${id}` });
    },
    /** Waiting and in flight. */
    size: () => jobs.size() + inFlight,
    /** Forgets what waits, breaks off what is under way; resolves when nothing runs any more. */
    async stop(): Promise<void> {
      stopped = true;
      jobs.clear();
      site.caller.stop();
      await running;
      inFlight = 0;
    },
  };
}

/** One delivery, or none where the fault swallows it. Any status from 200 to 302 is good. True: it is sent twice. */
async function deliver(site: Site, job: Job): Promise<boolean> {
  const { faults, records } = site;
  const webhook = site.webhooks.get(job.webhookId);
  if (webhook === undefined) return false;
  const about = { topic: webhook.topic, subject: String(job.arg), duplicate: job.repeat > 0 };
  if (faults.hits('drop_webhook')) {
    records.webhook({ ...about, outcome: 'dropped', status: 0, ms: 0 });
    return false;
  }
  const error = faults.hits('error_body') ? LOST_RIGHTS : faults.hits('error_body_429') ? TOO_MANY : null;
  const forged = faults.hits('bad_signature');
  const order = webhook.topic.startsWith('order.') ? findOrder(site, job.arg) : undefined;
  const heard = hears(order ?? null);
  const body = phpJson(error ?? payload(site, webhook.topic, job.arg)).trim();
  const secret = forged ? `${webhook.secret}!` : webhook.secret;
  const signature = createHmac('sha256', secret).update(body).digest('base64');
  const headers = { ...headersOf(site, webhook, job), 'X-WC-Webhook-Signature': signature };
  const began = performance.now();
  const status = await post(site, webhook.deliveryUrl, { headers, body });
  const ms = Math.round((performance.now() - began) * 10) / 10;
  if (status >= 200 && status < 300 && error === null && !forged) heard();
  const outcome = status >= 200 && status < 303 ? 'ok' : 'failed';
  records.webhook({ ...about, outcome, status, ms });
  countOutcome(webhook, outcome);
  return job.repeat === 0 && faults.hits('duplicate_webhook');
}

/** Disables at the seventh failure in a row; a webhook that is off already still sends what was queued before. */
function countOutcome(webhook: Webhook, outcome: 'ok' | 'failed'): void {
  if (outcome === 'ok') webhook.failureCount = 0;
  else if (webhook.failureCount > MAX_FAILURES) webhook.status = 'disabled';
  else webhook.failureCount += 1;
}

/** What a webhook sends whose owner lost the right to see orders; signed like any other body. */
const LOST_RIGHTS = wooProblem('cannot_view', 'Sorry, you cannot view this resource.', 401).body();

/** A rate limiter on REST meets the internal request that builds the body (recorded 2026-11-30). */
const TOO_MANY = new RestProblem('too_many', 'Too many requests', 429).body();

/** Built when delivered: always the newest state, or an error object for what is gone by now. */
function payload(site: Site, topic: string, arg: number): Record<string, unknown> {
  const [resource, event] = splitTopic(topic);
  if (resource === 'action')
    return { action: event, arg: event.startsWith('woocommerce_product_') ? [] : arg };
  if (event === 'deleted') return { id: arg };
  if (resource === 'order') {
    const order = findOrder(site, arg);
    return order === undefined ? gone('shop_order') : orderView(site, order);
  }
  const product = site.products.get(arg);
  return product === undefined ? gone('product') : productView(site, product, 'view');
}

function gone(type: string): Record<string, unknown> {
  return wooProblem(`${type}_invalid_id`, 'Invalid ID.', 404).body();
}

function headersOf(site: Site, webhook: Webhook, job: Job): Record<string, string> {
  const [resource, event] = splitTopic(webhook.topic);
  const source = site.faults.hits('clone_source') ? 'https://staging.wp-clone.example' : site.home;
  return {
    'Content-Type': 'application/json',
    'X-WC-Webhook-Source': `${source}/`,
    'X-WC-Webhook-Topic': webhook.topic,
    'X-WC-Webhook-Resource': resource,
    'X-WC-Webhook-Event': event,
    'X-WC-Webhook-ID': String(webhook.id),
    'X-WC-Webhook-Delivery-ID': deliveryId(site, webhook, job),
  };
}

/** A hash of the webhook and the second: everything of one webhook in one second shares it (WOO-O.7). */
function deliveryId(site: Site, webhook: Webhook, job: Job): string {
  const second = site.seconds() + job.repeat;
  const fresh = createHmac('md5', site.salt).update(`${webhook.id}${second}`).digest('hex');
  const known = webhook.lastDeliveryId;
  webhook.lastDeliveryId = known !== null && site.faults.hits('same_delivery_id') ? known : fresh;
  return webhook.lastDeliveryId;
}

function shuffle(site: Site, jobs: Job[]): void {
  for (let at = jobs.length - 1; at > 0; at -= 1) {
    const other = site.random.int(0, at);
    const [a, b] = [jobs[at], jobs[other]];
    if (a === undefined || b === undefined) continue;
    jobs[at] = b;
    jobs[other] = a;
  }
}
