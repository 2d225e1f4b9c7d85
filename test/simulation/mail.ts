import type { MemoryHook } from '../../src/channels/memory/wire.ts';
import { piecesOf, type World } from './world.ts';

const retryMs = 60_000;
const mostTries = 30;

/** Sets up the way of each delivery from its platform to the process: some get lost, some come twice, late or never. */
export function openMail(world: World): void {
  for (const plan of world.scenario.channels) {
    const platform = world.platform(plan.name);
    platform.sendTo((hook) => {
      for (const order of platform.orders())
        for (const line of order.lines) piecesOf(world, plan.name, line);
      if (!plan.webhooks) return;
      if (!world.calm && world.random.chance(0.15)) return world.say(`${plan.name}: a delivery is lost`);
      post(world, plan.name, hook, 0);
      if (!world.calm && world.random.chance(0.1)) post(world, plan.name, hook, 0);
    });
  }
}

/** Sends a delivery on its way. */
export function post(world: World, channel: string, hook: MemoryHook, tries: number): void {
  const delayMs = world.calm ? 0 : world.random.pick([50, 400, 3_000, 40_000, 900_000]);
  const at = world.clock.now() + world.random.int(0, delayMs) + (tries > 0 ? retryMs : 0);
  world.clock.schedule(at, () => void deliver(world, channel, hook, tries));
}

async function deliver(world: World, channel: string, hook: MemoryHook, tries: number): Promise<void> {
  const again = () => {
    if (tries < mostTries) post(world, channel, hook, tries + 1);
  };
  const { process } = world;
  if (process.life.dead) return again();
  const answering = process.receiver.receive(channel, {
    method: 'POST',
    path: '',
    query: '',
    headers: hook.headers,
    body: hook.body,
    receivedAt: world.clock.now(),
  });
  let answered = false;
  world.clock.schedule(world.clock.now() + 5_000, () => {
    // The platform hangs up on a process that died over its answer.
    if (!answered && process.life.dead) again();
  });
  const { status } = await answering;
  answered = true;
  world.say(`${channel}: delivery ${hook.headers['x-memory-id']} answered ${status}`);
  if (status === 200) world.heard.push({ channel, hook });
  else if (status === 503) again();
}
