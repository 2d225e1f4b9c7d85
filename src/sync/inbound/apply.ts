import type { DeliveryContent, FactsOf, Json } from '../../channels/channel.ts';
import { UnreadableDelivery } from '../../channels/channel.ts';
import { digestOf } from '../../channels/kit/hook.ts';
import { messageOf } from '../../errors.ts';
import type { OrderSnapshot } from '../../stock/order.ts';
import {
  type AppliedOrder,
  type ApplyRequest,
  alertLevels,
  type ClaimedDelivery,
} from '../../store/store.ts';
import { openAlert, reviewAlerts } from '../alerts.ts';
import { deliveryWaitMs } from '../backoff.ts';
import type { Engine, LiveChannel } from '../engine.ts';

/** A claimed delivery that has been read. */
export interface Job {
  live: LiveChannel;
  delivery: ClaimedDelivery;
  fields: Json;
  content: DeliveryContent;
  facts: FactsOf;
}

/** A job with what shall be applied of it. */
export interface ReadyJob extends Job {
  orders: OrderSnapshot[];
  missing: string[];
  lookAgainAt: number | null;
}

/**
 * Applies a batch in one call. A job that fails alone is tried again later; when the store refuses the whole batch
 * this rejects, and the caller gives the claims back. Answers the jobs whose versions decide nothing: they stay
 * claimed and need a look by id.
 */
export async function applyJobs(engine: Engine, jobs: ReadyJob[]): Promise<Job[]> {
  if (jobs.length === 0) return [];
  const outcomes = await engine.store.orders.apply(jobs.map(requestOf), engine.clock.now());
  let moved = false;
  const undecided: Job[] = [];
  const failed: Failure[] = [];
  for (const [index, job] of jobs.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) continue;
    if ('failed' in outcome) {
      failed.push({ live: job.live, delivery: job.delivery, error: outcome.failed });
      continue;
    }
    if (outcome.refused) continue;
    if (outcome.orders.some((order) => order.counterIds.length > 0)) moved = true;
    await tell(engine, job, outcome.orders);
    if (await touch(engine, job)) moved = true;
    if (outcome.orders.some((order) => order.verdict === 'fetch')) undecided.push(lookedAtOnceMore(job));
  }
  await failAll(engine, failed);
  if (moved) engine.wakes.push(null);
  return undecided;
}

/** The store has counted a look and keeps the fields only, so the claim we hold says the same. */
function lookedAtOnceMore(job: ReadyJob): Job {
  const { live, delivery, fields, content, facts } = job;
  const looked = { ...delivery, body: null, fields, looks: delivery.looks + 1 };
  // Said once already: a second look repeats no alert and no hint.
  const { pull: _, ...told } = content;
  return { live, delivery: looked, fields, content: { ...told, touched: [], alert: null }, facts };
}

function requestOf(job: ReadyJob): ApplyRequest {
  const { live, fields, content, orders, missing, lookAgainAt } = job;
  const { id, replay } = job.delivery;
  const delivery = { id, fields, ignored: content.ignored, lookAgainAt, replay };
  return { channelId: live.id, source: 'delivery', delivery, orders, missing };
}

/** Listings that the delivery hints at are read again by the pushers; the hint itself is never booked. */
async function touch(engine: Engine, job: ReadyJob): Promise<boolean> {
  if (job.content.touched.length === 0) return false;
  const listingIds = job.content.touched.map((ref) => job.facts(ref)?.listingId ?? ref);
  const counterIds = await engine.store.outbox.countersOf(job.live.id, [...new Set(listingIds)]);
  if (counterIds.length === 0) return false;
  const now = engine.clock.now();
  await engine.store.outbox.touch(counterIds, now, now);
  return true;
}

async function tell(engine: Engine, job: ReadyJob, applied: AppliedOrder[]): Promise<void> {
  if (job.content.alert !== null) {
    const { id: channelId, name } = job.live;
    const message = `${name}: ${job.content.alert}; seen? then: invsync alerts ack (its number: invsync alerts list)`;
    const subject = `${name} ${noticeOf(job)}`;
    await openAlert(engine, { channelId, kind: 'channel_notice', subject, message });
  }
  if (job.content.pull === true) engine.wakes.pull(job.live.id);
  await tellOrders(engine, job.live, job.orders, applied);
}

/** Notices about different things stand beside each other: the delivery's kind and text tell them apart. */
function noticeOf(job: ReadyJob): string {
  return `${job.delivery.kind} ${digestOf(job.content.alert ?? '').slice(0, 8)}`;
}

/** Shortfalls, sales of unmapped listings and warnings, told once per order. */
export async function tellOrders(
  engine: Engine,
  live: LiveChannel,
  snapshots: OrderSnapshot[],
  applied: AppliedOrder[],
): Promise<void> {
  let told = false;
  for (const [index, order] of applied.entries()) {
    if (order.verdict !== 'applied') continue;
    const snapshot = snapshots[index];
    const name = snapshot?.number ?? order.orderId;
    if (order.takenUp > 0 && (order.short > 0 || order.unmappedLines > 0)) told = true;
    // The row was written with the order itself; only the log line is missing.
    for (const { sku, message } of order.doubts)
      engine.log[alertLevels.stock_doubted]({ alert: 'stock_doubted', subject: sku }, message);
    for (const warning of snapshot?.warnings ?? []) {
      const subject = `${live.name} ${order.orderId}`;
      const message = `order ${name} on ${live.name}: ${warning}; see: invsync orders show ${order.orderId}`;
      await openAlert(engine, { channelId: live.id, kind: 'order_warning', subject, message });
    }
  }
  // Shortfalls and unmapped sales stand in the books.
  if (told) await reviewAlerts(engine);
}

/** A delivery that could not be read or applied. */
export interface Failure {
  live: LiveChannel;
  delivery: ClaimedDelivery;
  error: unknown;
}

/** Fails them side by side, so that many share one commit; rejects when all have ended. */
export async function failAll(engine: Engine, failures: Failure[]): Promise<void> {
  const ended = await Promise.allSettled(
    failures.map(({ live, delivery, error }) => failDelivery(engine, live, delivery, error)),
  );
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}

/** Tries again later by the ladder; what can never be read, or failed for more than a day, is a dead letter. */
export async function failDelivery(
  engine: Engine,
  live: LiveChannel,
  delivery: ClaimedDelivery,
  error: unknown,
): Promise<void> {
  const now = engine.clock.now();
  const text = messageOf(error);
  const waitMs = error instanceof UnreadableDelivery ? null : deliveryWaitMs(delivery.attempts + 1);
  await engine.store.inbox.fail(delivery.id, text, waitMs === null ? null : now + waitMs, now);
  if (waitMs !== null) {
    engine.log.warn({ channel: live.name, delivery: delivery.id, error: text, waitMs }, 'delivery failed');
    return;
  }
  await reviewAlerts(engine);
}

/** Not now, and nobody's fault: due again in so many milliseconds, without spending an attempt. */
export async function defer(
  engine: Engine,
  deliveries: ClaimedDelivery[],
  why: string,
  waitMs: number,
): Promise<void> {
  if (deliveries.length === 0) return;
  const ids = deliveries.map((delivery) => delivery.id);
  await engine.store.inbox.defer(ids, why, engine.clock.now() + waitMs);
}
