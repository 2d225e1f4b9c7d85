import { UnreadableDelivery } from '../../channels/channel.ts';
import { ChannelError } from '../../channels/errors.ts';
import { messageOf } from '../../errors.ts';
import type { OrderSnapshot } from '../../stock/order.ts';
import { askedWaitMs, doublingMs } from '../backoff.ts';
import { answered, park, unanswered } from '../contact.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { applyJobs, defer, type Failure, failAll, failDelivery, type Job, type ReadyJob } from './apply.ts';
import { type Found, lookUp } from './lookup.ts';
import { bySettlement } from './read.ts';

/** Deliveries of one channel that need a look by id; a slow channel delays only its own. */
export interface LookQueue {
  push(jobs: Job[]): Promise<void>;
  /** Resolves when the queue has nothing to do or rests after a failure. */
  rested(): Promise<void>;
  /** Hangs up and gives the claims back. */
  stop(): Promise<void>;
}

/** Most jobs that wait in a queue, and most that one look serves. */
const queueLimits = { waiting: 1_000, perLook: 50 } as const;
/** After so many looks an unsettled order is applied as it is. */
const maxLooks = 10;
const parkedRestMs = 60_000;

interface QueueState {
  live: LiveChannel;
  jobs: Job[];
  ending: AbortController;
  /** Jobs left that are looked up one by one, to find the one that fails its batch. */
  alone: number;
  failures: number;
}

/** An idle queue. */
export function createLookQueue(engine: Engine, live: LiveChannel): LookQueue {
  const queue: QueueState = { live, jobs: [], ending: new AbortController(), alone: 0, failures: 0 };
  let working: Promise<number> | null = null;
  let running = false;

  const run = async (): Promise<void> => {
    running = true;
    while (queue.jobs.length > 0 && !queue.ending.signal.aborted) {
      working = look(engine, queue);
      const restMs = await working;
      working = null;
      if (restMs > 0) await engine.clock.sleep(restMs, queue.ending.signal);
    }
    running = false;
  };
  return {
    async push(jobs) {
      const room = queueLimits.waiting - queue.jobs.length;
      queue.jobs.push(...jobs.slice(0, room));
      if (!running) void run();
      const late = jobs.slice(Math.max(0, room)).map((job) => job.delivery);
      try {
        await defer(engine, late, `many deliveries of ${live.name} wait for a look`, 30_000);
      } catch (error) {
        await engine.store.inbox.release(late.map((delivery) => delivery.id));
        engine.log.warn({ channel: live.name, error: messageOf(error) }, 'deliveries not deferred');
      }
    },
    async rested() {
      while (working !== null) {
        await working;
        await Promise.resolve();
      }
    },
    async stop() {
      queue.ending.abort();
      if (working !== null) await working;
      const left = queue.jobs.splice(0).map((job) => job.delivery.id);
      if (left.length > 0) await engine.store.inbox.release(left);
    },
  };
}

/** One look for the jobs in front; answers how long to rest. Never throws. */
async function look(engine: Engine, queue: QueueState): Promise<number> {
  const jobs = nextJobs(queue);
  const ids = [...new Set(jobs.flatMap(idsOf))];
  const looks = jobs[0]?.delivery.looks ?? 0;
  try {
    const found = await lookUp(engine, queue.live, { ids, looks }, queue.ending.signal);
    if (queue.failures > 0) await answered(engine, queue.live);
    queue.failures = 0;
    for (const job of await applyFound(engine, jobs, found)) {
      if (job.delivery.looks < maxLooks) queue.jobs.push(job);
      else await failDelivery(engine, queue.live, job.delivery, 'another state comes between every look');
    }
    return 0;
  } catch (error) {
    try {
      return await afterFailure(engine, queue, jobs, error);
    } catch (second) {
      // The store refuses too: what does not wait here again is given back, and claimed anew once it is due.
      const waiting = new Set(queue.jobs.map((job) => job.delivery.id));
      await engine.store.inbox.release(jobs.map((job) => job.delivery.id).filter((id) => !waiting.has(id)));
      engine.log.error({ channel: queue.live.name, error: messageOf(second) }, 'look not settled');
      return 5_000;
    }
  }
}

function nextJobs(queue: QueueState): Job[] {
  const looks = queue.jobs[0]?.delivery.looks;
  const most = queue.alone > 0 ? 1 : queueLimits.perLook;
  let end = 0;
  while (end < most && end < queue.jobs.length && queue.jobs[end]?.delivery.looks === looks) end += 1;
  if (queue.alone > 0) queue.alone -= 1;
  return queue.jobs.splice(0, end);
}

/** The orders to look up: those it names, and on later looks also those that it carried. */
export function idsOf(job: Job): string[] {
  if (job.delivery.looks === 0) return job.content.fetch;
  return [...new Set([...job.content.fetch, ...job.content.orders.map((order) => order.orderId)])];
}

async function applyFound(engine: Engine, jobs: Job[], found: Map<string, Found>): Promise<Job[]> {
  const ready: ReadyJob[] = [];
  const failed: Failure[] = [];
  for (const job of jobs) {
    const made = readyOf(engine, job, found);
    if ('error' in made) failed.push({ live: job.live, delivery: job.delivery, error: made.error });
    else ready.push(made);
  }
  await failAll(engine, failed);
  return await applyJobs(engine, ready);
}

function readyOf(engine: Engine, job: Job, found: Map<string, Found>): ReadyJob | { error: unknown } {
  const wanted = new Set(idsOf(job));
  const orders: OrderSnapshot[] = job.content.orders.filter((order) => !wanted.has(order.orderId));
  const missing: string[] = [];
  const touched = [...job.content.touched];
  for (const orderId of wanted) {
    const one = found.get(orderId);
    if (one === undefined) return { error: `the channel did not answer for order ${orderId}` };
    if (one.kind === 'unreadable') {
      return { error: new UnreadableDelivery(`order ${orderId} cannot be read: ${one.error}`) };
    }
    if (one.kind === 'missing') {
      missing.push(orderId);
      // Nobody has a newer state than the one that the delivery itself carried.
      for (const { lookAgainMs: _, ...order } of job.content.orders)
        if (order.orderId === orderId) orders.push(order);
    } else {
      orders.push(...one.content.orders);
      touched.push(...one.content.touched);
    }
  }
  const content = { ...job.content, touched };
  const { settled, lookAgainMs } = bySettlement(orders);
  if (lookAgainMs === null || job.delivery.looks >= maxLooks) {
    return { ...job, content, orders, missing, lookAgainAt: null };
  }
  return { ...job, content, orders: settled, missing, lookAgainAt: engine.clock.now() + lookAgainMs };
}

/** Passing trouble of the whole channel spends no attempt; else the culprit is found by looking one by one. */
async function afterFailure(engine: Engine, queue: QueueState, jobs: Job[], error: unknown): Promise<number> {
  if (queue.ending.signal.aborted) {
    queue.jobs.unshift(...jobs);
    return 0;
  }
  const kind = error instanceof ChannelError ? error.kind : null;
  if (kind === null) {
    // Not the channel: the store, or a defect. Settled jobs stay settled, the rest is claimed again.
    await engine.store.inbox.release(jobs.map((job) => job.delivery.id));
    engine.log.error({ channel: queue.live.name, error: messageOf(error) }, 'look not applied');
    return 1_000;
  }
  queue.failures += 1;
  if (error instanceof ChannelError) await unanswered(engine, queue.live, error);
  if (kind === 'auth' && error instanceof ChannelError) {
    queue.jobs.unshift(...jobs);
    await park(engine, queue.live, error);
    return parkedRestMs;
  }
  if (kind === 'throttled' && error instanceof ChannelError) {
    queue.jobs.unshift(...jobs);
    return askedWaitMs(error.afterMs, 5_000);
  }
  const [only] = jobs;
  if (jobs.length === 1 && only !== undefined) await failDelivery(engine, queue.live, only.delivery, error);
  else {
    queue.jobs.unshift(...jobs);
    queue.alone = jobs.length;
  }
  return kind === 'rejected' ? 0 : doublingMs(queue.failures, 1_000, 60_000);
}
