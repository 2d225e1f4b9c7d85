import { sweepOrders } from '../../src/sync/inbound/sweep.ts';
import { reconcile } from '../../src/sync/reconcile/reconcile.ts';
import { setupOf } from './process.ts';
import { duty, type Step } from './steps.ts';

/** What happens beside sales and pushes: dry runs and plans, sweeps, prunes, replays, a changed configuration. */

const noSignal = () => new AbortController().signal;
const everything = { channels: null, skus: null, waitMs: 0 };

const dryRun: Step = (world) =>
  duty(world, 'dry run', async () => {
    const { engine, pusher } = world.process;
    const { report } = await reconcile(engine, { pusher }, { ...everything, dryRun: true }, noSignal());
    const created_at = new Date(world.clock.now()).toISOString();
    world.plans.push({ plan_id: world.hex(4), created_at, cause: 'dry-run', lines: report.lines });
  });

const applyPlan: Step = (world) => {
  const plan = world.plans.pop();
  if (plan === undefined) return;
  return duty(world, 'apply plan', async () => {
    const { engine, pusher } = world.process;
    await reconcile(engine, { pusher }, { ...everything, dryRun: false, plan }, noSignal());
  });
};

const sweep: Step = (world) =>
  duty(world, 'sweep', async () => {
    const { engine } = world.process;
    for (const live of engine.channels.values()) await sweepOrders(engine, live, noSignal());
  });

const prune: Step = (world) =>
  duty(world, 'prune', async () => {
    const now = world.clock.now();
    world.pruned = true;
    const keep = { keys: now - 3_600_000, payloads: now - 1_800_000, pushes: now - 3_600_000 };
    await world.process.engine.store.duties.prune(keep, 200, now);
  });

const replay: Step = (world) =>
  duty(world, 'replay', async () => {
    const { inbox } = world.process.engine.store;
    world.say(`replayed ${await inbox.replay({ limit: world.random.int(1, 6) }, world.clock.now())}`);
  });

const reload: Step = (world) =>
  duty(world, 'reload', async () => {
    const plan = world.random.pick(world.scenario.channels);
    const buffer = world.random.pick([null, 0, 1, 2]);
    const setups = world.scenario.channels.map((each) => setupOf(each === plan ? { ...each, buffer } : each));
    await world.process.engine.store.channels.configure(setups, world.clock.now());
    // Only what the store has taken is in force.
    plan.buffer = buffer;
  });

export const upkeep: readonly [number, Step][] = [
  [3, dryRun],
  [3, applyPlan],
  [2, sweep],
  [1, prune],
  [2, replay],
  [1, reload],
];
