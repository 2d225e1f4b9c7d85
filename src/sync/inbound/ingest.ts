import type { ClaimedDelivery } from '../../store/store.ts';
import { admit, keptAside, takeUpAside } from '../account/account.ts';
import type { Duty, Engine, LiveChannel } from '../engine.ts';
import { createLoop } from '../loop.ts';
import { applyJobs, type Failure, failAll, type Job, type ReadyJob } from './apply.ts';
import { createLookQueue, idsOf, type LookQueue } from './looks.ts';
import { attempt, bySettlement, contentOf, factsFor, fieldsOf, notBefore, refsIn } from './read.ts';

/** The duty that turns deliveries into order states. */
export interface Ingest extends Duty {
  /** Works until nothing is due, looks included; answers how many deliveries it handled. For tests and one-off runs. */
  runUntilIdle(): Promise<number>;
}

/** Deliveries of one claim; their orders share one transaction. */
const batchSize = 500;
/** Retries and later looks come due without a wake. */
const idleRestMs = 500;

/** Claims, reads, applies. A delivery that needs a look by id goes to its channel's queue and holds up nobody else. */
export function createIngest(engine: Engine): Ingest {
  const queues = new Map<number, LookQueue>();
  const queueOf = (live: LiveChannel): LookQueue => {
    const found = queues.get(live.id);
    if (found !== undefined) return found;
    const made = createLookQueue(engine, live);
    queues.set(live.id, made);
    return made;
  };

  let ahead: Promise<Batch> | null = null;
  /** A full batch that the store still applies; its failure is told by the next round. */
  let finishing: Promise<void> | null = null;
  const finish = async (batch: Batch): Promise<void> => {
    try {
      for (const job of await applyJobs(engine, batch.ready)) addTo(batch.looks, job);
      for (const [live, jobs] of batch.looks) await queueOf(live).push(jobs);
    } catch (error) {
      await giveBack(engine, batch.claimed);
      throw error;
    }
  };
  /** Two batches are on their way at most: while the store applies one, the next is read and handed over. */
  const round = async (): Promise<number> => {
    const taking = ahead ?? takeBatch(engine);
    ahead = null;
    const batch = await taking;
    const full = batch.claimed.length === batchSize;
    const before = finishing;
    const current = finish(batch);
    finishing = full ? current : null;
    ahead = full ? takeBatch(engine) : null;
    for (const running of [current, ahead]) running?.catch(() => undefined);
    for (const result of await Promise.allSettled(full ? [before] : [before, current]))
      if (result.status === 'rejected') throw result.reason;
    return batch.claimed.length;
  };
  const dropAhead = async (): Promise<void> => {
    const batch = await ahead?.catch(() => null);
    ahead = null;
    if (batch != null) await giveBack(engine, batch.claimed);
  };

  const loop = createLoop(engine, 'ingest', async () => ((await round()) > 0 ? 0 : idleRestMs));
  engine.wakes.onInbox(() => loop.wake());
  return {
    name: 'ingest',
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      await dropAhead();
      await finishing?.catch(() => undefined);
      await Promise.all([...queues.values()].map((queue) => queue.stop()));
    },
    async runUntilIdle() {
      let handled = 0;
      const signal = new AbortController().signal;
      await Promise.all([...engine.channels.values()].map((live) => admit(engine, live, signal)));
      for (;;) {
        const count = await round();
        handled += count;
        await Promise.all([...queues.values()].map((queue) => queue.rested()));
        if (count === 0) return handled;
      }
    },
  };
}

/** Claimed deliveries, read: jobs to apply at once, and those that need a look by id, per channel. */
interface Batch {
  claimed: ClaimedDelivery[];
  ready: ReadyJob[];
  looks: Map<LiveChannel, Job[]>;
}

async function takeBatch(engine: Engine): Promise<Batch> {
  const claimed = await engine.store.inbox.claim(batchSize, engine.clock.now());
  const batch: Batch = { claimed, ready: [], looks: new Map() };
  try {
    for (const job of await readAll(engine, claimed)) {
      const made = readyAtOnce(engine, job);
      if (made === null) addTo(batch.looks, job);
      else batch.ready.push(made);
    }
  } catch (error) {
    await giveBack(engine, claimed);
    throw error;
  }
  return batch;
}

/** Only a store that refuses makes us give claims back. Settled ones stay settled: this is for what is still new. */
async function giveBack(engine: Engine, claimed: ClaimedDelivery[]): Promise<void> {
  await engine.store.inbox.release(claimed.map((delivery) => delivery.id));
}

function addTo(looks: Map<LiveChannel, Job[]>, job: Job): void {
  const waiting = looks.get(job.live);
  if (waiting === undefined) looks.set(job.live, [job]);
  else waiting.push(job);
}

/** Reads every delivery alone: what cannot be read fails by itself. */
async function readAll(engine: Engine, claimed: ClaimedDelivery[]): Promise<Job[]> {
  const byChannel = new Map<number, ClaimedDelivery[]>();
  for (const delivery of claimed) {
    const same = byChannel.get(delivery.channelId);
    if (same === undefined) byChannel.set(delivery.channelId, [delivery]);
    else same.push(delivery);
  }
  const jobs = await Promise.all(
    [...byChannel].map(([channelId, deliveries]) => {
      const live = engine.channels.get(channelId);
      // A channel that is gone from the file keeps its deliveries until it is back or removed.
      const aside = live === undefined ? 'its channel is not configured' : keptAside(engine, live);
      if (live === undefined || aside !== null) return setAside(engine, live, deliveries, aside ?? '');
      return readChannel(engine, live, deliveries);
    }),
  );
  return jobs.flat();
}

/** Durable, not worked on, and due at once when the channel's account is bound. */
async function setAside(
  engine: Engine,
  live: LiveChannel | undefined,
  deliveries: ClaimedDelivery[],
  why: string,
): Promise<Job[]> {
  await engine.store.inbox.setAside(
    deliveries.map((delivery) => delivery.id),
    why,
  );
  // The account may have been bound while that was written.
  if (live !== undefined) await takeUpAside(engine, live);
  return [];
}

async function readChannel(engine: Engine, live: LiveChannel, deliveries: ClaimedDelivery[]): Promise<Job[]> {
  const refs: string[] = [];
  const readable: { delivery: ClaimedDelivery; fields: Job['fields'] }[] = [];
  const failed: Failure[] = [];
  for (const delivery of deliveries) {
    const read = attempt(() => {
      const fields = fieldsOf(live, delivery);
      return { fields, refs: refsIn(live, delivery, fields) };
    });
    if ('error' in read) failed.push({ live, delivery, error: read.error });
    else {
      for (const ref of read.value.refs) refs.push(ref);
      readable.push({ delivery, fields: read.value.fields });
    }
  }
  const facts = await factsFor(engine, live, refs);
  const jobs: Job[] = [];
  for (const { delivery, fields } of readable) {
    const content = attempt(() => contentOf(live, delivery, fields, facts));
    if ('error' in content) failed.push({ live, delivery, error: content.error });
    else jobs.push({ live, delivery, fields, content: content.value, facts });
  }
  await failAll(engine, failed);
  return jobs;
}

/** What can be applied without the network; null when the orders must be looked up first. */
function readyAtOnce(engine: Engine, job: Job): ReadyJob | null {
  const waitUntil = notBefore(job.delivery);
  if (waitUntil !== null && waitUntil > engine.clock.now()) {
    return { ...job, orders: [], missing: [], lookAgainAt: waitUntil };
  }
  if (idsOf(job).length > 0) return null;
  const { settled, lookAgainMs } = bySettlement(job.content.orders);
  const lookAgainAt = lookAgainMs === null ? null : engine.clock.now() + lookAgainMs;
  return { ...job, orders: settled, missing: [], lookAgainAt };
}
