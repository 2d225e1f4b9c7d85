import { countShelf } from './operators.ts';
import { catchUp, runReconcile } from './steps.ts';
import type { World } from './world.ts';

const by = { by: 'merchant', reason: 'the day is over' };
const mostRounds = 120;
const roundMs = 10 * 60_000;

/** The weather ends, every channel is live again, and everything is mapped and counted. */
export async function calmDown(world: World): Promise<void> {
  world.say('--- the weather ends');
  world.calm = true;
  world.process.life.crashAt = null;
  if (world.process.life.dead) await world.reboot(1_000);
  for (const { name } of world.scenario.channels) world.platform(name).faults.clear();
  await world.clock.advance(3_600_000);
  const { channels, listings } = world.process.store;
  for (const row of await channels.list()) {
    const now = world.clock.now();
    if (row.mode !== 'live') await channels.setMode(row.name, 'live', by, now);
    if (row.paused) await channels.pause(row.name, false, by, now);
    if (row.mode !== 'live' || row.paused) world.liveSince.set(row.name, now);
    world.quiet.delete(row.name);
  }
  for (const row of await listings.list({ limit: 1_000 })) {
    const parts = world.pieces.get(`${row.channel}/${row.listingId}`) ?? [];
    if (row.parts.length === 0) await listings.map(row.id, parts, by, world.clock.now());
  }
  if (!(await catchUp(world))) world.fail('in good weather the orders cannot all be taken in');
  await countTheRest(world);
}

async function countTheRest(world: World): Promise<void> {
  const { stock, reservations } = world.process.store;
  await world.clock.advance(3_600_000);
  await reservations.expire(world.clock.now());
  for (const { code } of world.scenario.skus) {
    const row = await stock.get(code);
    if (row?.counted === true) continue;
    const count = countShelf(world, code, row?.reserved ?? 0, world.clock.now());
    const one = { ...count, kind: 'count' as const, create: true, ref: null, presumeGoneMs: {} };
    await stock.change([one], by, world.clock.now());
    world.say(`count ${code} = ${count.quantity} ${count.basis}`);
  }
  await world.clock.advance(5_000);
}

/** One round of every duty but reconciliation. */
export async function dutyRound(world: World): Promise<void> {
  const { process } = world;
  await process.store.reservations.expire(world.clock.now());
  await world.drive(process.poll.pullAll());
  await world.drive(process.ingest.runUntilIdle());
  await world.drive(process.actions.runUntilIdle());
  await world.drive(process.ingest.runUntilIdle());
  await world.drive(process.pusher.runUntilIdle());
}

/** Duties and reconcile runs until a run finds nothing to do, within a bounded time of the world. */
export async function settleDown(world: World): Promise<void> {
  let quiet = 0;
  for (let round = 0; round < mostRounds; round += 1) {
    await dutyRound(world);
    const outcome = await reconciled(world);
    if (outcome === null) return;
    quiet = outcome.length === 0 && (await isQuiet(world)) ? quiet + 1 : 0;
    // What the last round did at a channel comes back as news: one more must find nothing.
    if (quiet === 2) {
      world.say(`settled after ${round + 1} rounds`);
      return;
    }
    await world.clock.advance(roundMs);
  }
  const left = (await reconciled(world)) ?? [];
  for (const line of left) world.fail(`still to do after ${mostRounds} rounds: ${line}`);
  if (left.length === 0) world.fail(`not quiet after ${mostRounds} rounds: ${await unrest(world)}`);
}

/** What a reconcile run has to do or waits for; null when it failed. */
export async function reconciled(world: World): Promise<string[] | null> {
  const run = runReconcile(world);
  if (!(await world.drive(run))) return null;
  const { report, failed, braked } = await run;
  for (const { channel, reason } of failed) world.fail(`reconcile fails on ${channel}: ${reason}`);
  for (const channel of braked) world.fail(`a brake holds ${channel}`);
  const clouded = (await world.process.store.reports.status(world.clock.now())).inbox.dead > 0;
  return report.lines
    .filter((line) => line.action === 'lower' || line.action === 'raise' || line.action === 'wait')
    .filter((line) => !(clouded && line.note?.includes('pending, dead or unmapped')))
    .map((line) => `${line.channel} ${line.listing_id} shows ${line.shown}, target ${line.target}: ${line.cause}, ${line.action} ${line.note ?? ''}`);
}

async function unrest(world: World): Promise<string> {
  const { store } = world.process;
  const status = await store.reports.status(world.clock.now());
  const pushes = await store.outbox.list({ limit: 20 }, world.clock.now());
  const inbox = await store.inbox.list({ status: 'new', limit: 5 });
  return JSON.stringify({ inbox, dead: status.inbox.dead, pushes });
}

async function isQuiet(world: World): Promise<boolean> {
  const { store } = world.process;
  const status = await store.reports.status(world.clock.now());
  if (status.inbox.pending > 0) return false;
  const pushes = await store.outbox.list({ limit: 1_000 }, world.clock.now());
  // Without a target nobody writes: it is set aside, whatever became of the last push.
  return pushes.every(
    (push) => push.status === 'exposed' || push.status === 'dead' || push.target === null,
  );
}
