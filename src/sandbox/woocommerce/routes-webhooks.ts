import { found } from '../kit/untyped.ts';
import { runBatch } from './batch.ts';
import { filterDates, filterIds, pageOf, sortRows } from './listing.ts';
import { asText, type Fields, intval } from './php.ts';
import { missingParam, wooProblem } from './problem.ts';
import { forced, type RestCall, type RestResult, validate } from './request.ts';
import type { Site, Webhook } from './site.ts';
import { hooksOf, type WebhookQueue, webhookView } from './webhooks.ts';

const STATUSES = ['active', 'paused', 'disabled'] as const;

export function listWebhooks(site: Site, call: RestCall): RestResult {
  const { query } = call;
  validate(query, { status: { oneOf: ['all', ...STATUSES] } });
  const status = asText(query['status'] ?? 'all');
  const rows = [...site.webhooks.values()]
    .filter((webhook) => status === 'all' || webhook.status === status)
    .map((webhook) => ({ ...webhook, modifiedAt: webhook.modifiedAt ?? 0, webhook }));
  const kept = filterDates(site, filterIds(rows, query), query);
  return pageOf(site, call, sortRows(kept, query), (row) => webhookView(site, row.webhook));
}

export function getWebhook(site: Site, call: RestCall): RestResult {
  return { status: 200, body: webhookView(site, needWebhook(site, call.ids[0], 404)) };
}

function needWebhook(site: Site, id: unknown, status: number): Webhook {
  const webhook = site.webhooks.get(intval(id));
  return found(webhook, () => wooProblem('shop_webhook_invalid_id', 'ID is invalid.', status));
}

/** 201 whatever the ping met; the caller learns the id only afterwards. */
export async function postWebhook(site: Site, call: RestCall, queue: WebhookQueue): Promise<RestResult> {
  const missing = ['topic', 'delivery_url'].filter((name) => call.body[name] === undefined);
  if (missing.length > 0) throw missingParam(...missing);
  validate(call.body, { status: { oneOf: STATUSES }, name: 'string', topic: 'string', secret: 'string' });
  return { status: 201, body: await create(site, queue, call.body) };
}

/** No secret given: a random one is made that nobody ever sees. */
async function create(site: Site, queue: WebhookQueue, body: Fields): Promise<unknown> {
  const topic = checkTopic(body['topic']);
  const deliveryUrl = checkUrl(body['delivery_url']);
  const now = site.seconds();
  const webhook: Webhook = {
    id: site.nextWebhookId(),
    name: asText(body['name']) || `Webhook created on ${new Date(now * 1000).toISOString().slice(0, 10)}`,
    status: STATUSES.find((status) => status === body['status']) ?? 'active',
    topic,
    deliveryUrl,
    secret: asText(body['secret']) || site.random.hex(50),
    createdAt: now,
    modifiedAt: null,
    failureCount: 0,
    lastDeliveryId: null,
  };
  site.webhooks.set(webhook.id, webhook);
  const view = webhookView(site, webhook);
  await queue.ping(webhook);
  webhook.modifiedAt = site.seconds();
  return view;
}

function checkTopic(value: unknown): string {
  const topic = asText(value);
  if (hooksOf(topic) === undefined) {
    throw wooProblem('shop_webhook_invalid_topic', 'Webhook topic is required and must be valid.');
  }
  return topic;
}

function checkUrl(value: unknown): string {
  const url = asText(value);
  if (!/^https?:\/\/[^\s/]+/.test(url) || !URL.canParse(url)) {
    throw wooProblem(
      'shop_webhook_invalid_delivery_url',
      'Webhook delivery URL must be a valid URL starting with http:// or https://.',
    );
  }
  return url;
}

export async function putWebhook(site: Site, call: RestCall, queue: WebhookQueue): Promise<RestResult> {
  const webhook = needWebhook(site, call.ids[0], 400);
  validate(call.body, { status: { oneOf: STATUSES } });
  return { status: 200, body: await update(site, queue, webhook, call.body) };
}

/** The failure count survives a re-activation: the next failure disables again (WOO-O.9). */
async function update(site: Site, queue: WebhookQueue, webhook: Webhook, body: Fields): Promise<unknown> {
  if (body['topic'] !== undefined) webhook.topic = checkTopic(body['topic']);
  if (body['name'] !== undefined) webhook.name = asText(body['name']);
  if (body['secret'] !== undefined) webhook.secret = asText(body['secret']);
  webhook.status = STATUSES.find((status) => status === body['status']) ?? webhook.status;
  webhook.modifiedAt = site.seconds();
  if (body['delivery_url'] !== undefined) {
    webhook.deliveryUrl = checkUrl(body['delivery_url']);
    await queue.ping(webhook);
  }
  return webhookView(site, webhook);
}

export function deleteWebhook(site: Site, call: RestCall): RestResult {
  if (!forced(call)) {
    throw wooProblem('trash_not_supported', 'Webhooks do not support trashing.', 501);
  }
  const webhook = needWebhook(site, call.ids[0], 404);
  site.webhooks.delete(webhook.id);
  return { status: 200, body: webhookView(site, webhook) };
}

export function batchWebhooks(site: Site, call: RestCall, queue: WebhookQueue): Promise<RestResult> {
  return runBatch(call, {
    breaksOff: () => false,
    create: (row) => create(site, queue, row),
    update: (row) => update(site, queue, needWebhook(site, row['id'], 400), row),
    remove: (id) => {
      const webhook = needWebhook(site, id, 404);
      site.webhooks.delete(webhook.id);
      return webhookView(site, webhook);
    },
  });
}
