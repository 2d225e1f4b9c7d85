import type { MemoryCall, MemoryFault } from '../../src/channels/memory/faults.ts';
import { reconcile } from '../../src/sync/reconcile/reconcile.ts';
import { post } from './mail.ts';
import {
  arrangeListing,
  countShelf,
  editByHand,
  receiveOrAdjust,
  reserve,
  switchChannel,
  typeCount,
} from './operators.ts';
import { checkQuietCounters } from './quiet.ts';
import { buy, cancelOne, editOne, fussOne, refundOne, shipOne } from './shoppers.ts';
import { upkeep } from './upkeep.ts';
import type { World } from './world.ts';

export type Step = (world: World) => unknown;

/** A duty either runs to its end or beside what happens next. */
export async function duty(world: World, name: string, work: () => Promise<unknown>): Promise<void> {
  if (world.process.life.dead) return;
  const beside = world.random.chance(0.4);
  world.say(`${name}${beside ? ' (beside)' : ''}`);
  if (beside) world.leave(work());
  else await world.drive(work());
}

export const ingest: Step = (world) => duty(world, 'ingest', () => world.process.ingest.runUntilIdle());
export const push: Step = (world) => duty(world, 'push', () => world.process.pusher.runUntilIdle());
export const pull: Step = (world) => duty(world, 'pull', () => world.process.poll.pullAll());
export const act: Step = (world) => duty(world, 'actions', () => world.process.actions.runUntilIdle());
export const reconcileAll: Step = (world) => duty(world, 'reconcile', () => runReconcile(world));

/** One reconcile run of the whole, as the schedule starts it. */
export async function runReconcile(world: World) {
  const { engine, pusher } = world.process;
  const wish = { channels: null, skus: null, dryRun: false, waitMs: 0 };
  const outcome = await reconcile(engine, { pusher }, wish, new AbortController().signal);
  for (const line of outcome.report.lines) {
    const { channel, listing_id, shown, expected, target, cause, action, note } = line;
    if (action === 'none' && cause === 'in sync') continue;
    world.say(
      `  ${channel} ${listing_id}: shows ${shown}, expected ${expected?.join('..')}, target ${target}: ${cause}, ${action} ${note ?? ''}`,
    );
  }
  return outcome;
}

/** Ends holds whose time is over. */
export const expire: Step = async (world) => {
  const { engine } = world.process;
  await duty(world, 'expire', () => engine.store.reservations.expire(world.clock.now()));
};

/** A person counts with everything taken in, and types it in later. */
const count: Step = async (world) => {
  if (world.counts.length > 0 && world.random.chance(0.7)) return typeCount(world);
  const { sku } = { sku: world.random.pick(world.scenario.skus).code };
  if (!(await catchUp(world))) return;
  // A sale within the clocks' difference of a count is before it for the one and after it for the other.
  await world.clock.advance(5_000);
  const row = await world.process.store.stock.get(sku);
  world.counts.push(countShelf(world, sku, row?.reserved ?? 0, world.clock.now()));
  world.say(`${sku} is counted`);
  await world.clock.advance(5_000);
};

/** Nothing happens in the shops until the process knows everything; false when it cannot be had. */
export async function catchUp(world: World): Promise<boolean> {
  world.catching = true;
  try {
    return await takeEverythingIn(world);
  } finally {
    world.catching = false;
  }
}

async function takeEverythingIn(world: World): Promise<boolean> {
  const lags = world.scenario.channels.map((plan) => plan.platform.listLagMs ?? 0);
  await world.clock.advance(Math.max(...lags) + 30_000);
  for (const plan of world.scenario.channels) world.platform(plan.name).faults.clear();
  let incomplete: string[] = [];
  const pulled = await world.drive(
    world.process.poll.pullAll().then((names) => {
      incomplete = names;
    }),
  );
  if (!pulled || incomplete.length > 0) return false;
  for (let round = 0; round < 3; round += 1) {
    if (!(await world.drive(world.process.ingest.runUntilIdle()))) return false;
    const status = await world.process.store.reports.status(world.clock.now());
    if (status.inbox.pending === 0) return true;
    await world.clock.advance(30_000);
  }
  return false;
}

const faults: readonly { fault: MemoryFault; on: MemoryCall; ms: number }[] = [
  { fault: 'throttle', on: 'any', ms: 4_000 },
  { fault: 'auth', on: 'any', ms: 0 },
  { fault: 'error', on: 'any', ms: 0 },
  { fault: 'error', on: 'orders', ms: 0 },
  { fault: 'timeout', on: 'any', ms: 0 },
  { fault: 'apply_then_timeout', on: 'write', ms: 0 },
  { fault: 'late_apply', on: 'write', ms: 9_000 },
  { fault: 'sale_before_write', on: 'write', ms: 0 },
  { fault: 'unanswered', on: 'write', ms: 0 },
  { fault: 'slow', on: 'write', ms: 6_000 },
  { fault: 'slow', on: 'any', ms: 2_000 },
  { fault: 'rejected', on: 'write', ms: 0 },
];

const weather: Step = (world) => {
  const { random } = world;
  const plan = random.pick(world.scenario.channels);
  const { fault, on, ms } = random.pick(faults);
  const many = random.int(1, 3);
  world.platform(plan.name).faults.arm(fault, { on, count: many, ms: ms === 0 ? 0 : random.int(500, ms) });
  world.say(`weather on ${plan.name}: ${fault} of ${on} x${many}`);
};

/** Signed nonsense, an old delivery again, or a fresh delivery of an order's present state. */
const oddMail: Step = (world) => {
  const { random, scenario } = world;
  const plan = random.pick(scenario.channels);
  const platform = world.platform(plan.name);
  if (!plan.webhooks) return;
  const kind = random.pick(['nonsense', 'again', 'fresh', 'hint', 'ids']);
  const orders = platform.orders();
  if (kind === 'nonsense') {
    const topic = scenario.unreadable ? 'order' : 'weather';
    post(world, plan.name, platform.hook(topic, { nothing: 'to see' }), 0);
  } else if (kind === 'again' && world.heard.length > 0) {
    const old = random.pick(world.heard);
    post(world, old.channel, old.hook, 0);
  } else if (kind === 'hint')
    post(world, plan.name, platform.hook('listing', { ids: [random.pick(plan.listings).listingId] }), 0);
  else if (orders.length > 0) {
    const order = random.pick(orders);
    post(
      world,
      plan.name,
      kind === 'ids' ? platform.hook('order-ids', { ids: [order.id] }) : platform.hookForOrder(order.id),
      0,
    );
  }
  world.say(`${plan.name}: mail of kind ${kind}`);
};

const crash: Step = (world) => {
  const { life } = world.process;
  if (life.crashAt !== null) return;
  const operation = life.operations + world.random.int(1, 60);
  life.crashAt = { operation, side: world.random.pick(['before', 'after']) };
};

const steps: readonly [number, Step][] = [
  [26, (world) => void buy(world, false)],
  [3, (world) => void buy(world, true)],
  [5, cancelOne],
  [5, refundOne],
  [4, editOne],
  [9, shipOne],
  [2, fussOne],
  [6, receiveOrAdjust],
  [3, count],
  [3, arrangeListing],
  [2, switchChannel],
  [3, editByHand],
  [6, reserve],
  [9, weather],
  [4, oddMail],
  [2, crash],
  [22, ingest],
  [22, push],
  [8, pull],
  [4, reconcileAll],
  [4, act],
  [4, expire],
];

/** One step of the world, the time after it, and a new process when the old one died. */
export async function takeStep(world: World): Promise<void> {
  const drawn = world.telling === 'all' ? [...upkeep, ...steps] : steps;
  let draw = world.random.int(
    1,
    drawn.reduce((sum, [weight]) => sum + weight, 0),
  );
  const [, step] = drawn.find(([weight]) => {
    draw -= weight;
    return draw <= 0;
  }) ?? [0, ingest];
  await step(world);
  const longest = world.random.pick([0, 0, 0, 100, 1_000, 2_000, 2_000, 30_000, 30_000, 600_000]);
  await world.clock.advance(world.random.int(0, longest));
  if (!world.process.life.dead && world.random.chance(0.2)) await checkQuietCounters(world);
  if (world.process.life.dead) await world.reboot(world.random.pick([0, 1_000, 20_000, 1_200_000]));
}
