import type { PushPlan } from '../../src/store/store.ts';
import { allLines, type World } from './world.ts';

/** A pull this old still counts as fresh, and a decision may be as old as its slowest read. */
const reachMs = 2 * 60_000 + 30_000;

/**
 * Watches every raise as it is decided: the orders of all channels must be in the books up to a few minutes ago, and
 * a compare that would succeed must not stand on a number that an unbooked sale made.
 */
export function judgeRaise(world: World, plan: Extract<PushPlan, { kind: 'send' }>): void {
  if (plan.base === null || plan.quantity <= plan.base) return;
  const where = world.counterOf(plan.counterId);
  const what = `${where.channel} ${where.counterKey} is raised ${plan.base} -> ${plan.quantity}`;
  for (const [channel, line, order] of allLines(world)) {
    const { platform } = world.plan(channel);
    const ids = world.process.live(channel).id;
    const known = world.known.get(`${ids}/${line.key}`);
    if (known?.taken === line.taken) continue;
    if (world.quiet.has(channel)) continue;
    const ageMs = world.clock.now() + (platform.aheadMs ?? 0) - order.changed_at;
    if (ageMs > reachMs + (platform.listLagMs ?? 0))
      world.fail(`${what} although order ${channel}/${order.id} is unbooked for ${Math.round(ageMs / 1000)} s`);
  }
  if (unseenSale(world, where, plan.base)) world.fail(`${what} over a sale that is not booked yet`);
}

/** A compare from this base would succeed now, and only because an own sale that nobody booked has lowered the number. */
function unseenSale(
  world: World,
  where: { channel: string; counterKey: string },
  base: number,
): boolean {
  // At zero the platform's number hides what else was sold; after an unanswered push only a range is expected.
  if (base <= 0 || isMurky(world, where)) return false;
  const { channel, counterKey } = where;
  const { capabilities } = world.plan(channel).platform;
  const { state } = world.platform(channel);
  const counter = state.counters.get(counterKey);
  if (capabilities.compareAndSet !== 'native' || capabilities.basis === 'gross') return false;
  if (counter === undefined || counter.shown !== base || counter.late.length > 0) return false;
  if (world.edited.has(`${channel}/${counterKey}`)) return false;
  const id = world.process.live(channel).id;
  const liveSince = world.liveSince.get(channel) ?? 0;
  const writtenAt = lastWriteAt(world, where) + (state.options.aheadMs ?? 0);
  let unbooked = 0;
  for (const order of world.platform(channel).orders()) {
    for (const line of order.lines) {
      if (line.listing === null || state.listings.get(line.listing)?.counterKey !== counterKey) continue;
      // The time of a later change is known as a span only: it widens what is expected, and a sale hides in it.
      if (order.changed_at !== order.placed_at && order.changed_at > writtenAt) return false;
      const known = world.known.get(`${id}/${line.key}`);
      if (order.changed_at < liveSince + (state.options.aheadMs ?? 0)) continue;
      unbooked += line.taken - (known?.taken ?? 0);
    }
  }
  return unbooked > 0;
}

/** Has a push of this counter no sure end since the last one that was answered? The one being begun apart. */
function isMurky(world: World, { channel, counterKey }: { channel: string; counterKey: string }): boolean {
  const notes = [...world.sent.values()].filter(
    (note) => note.channel === channel && note.counterKey === counterKey,
  );
  for (const note of notes.slice(0, -1).reverse()) {
    if (note.answer === 'applied') return false;
    if (note.answer === null || note.answer === 'unknown' || note.answer === 'accepted') return true;
  }
  return true;
}

/** When the last push that was answered began; 0: there was none. */
function lastWriteAt(world: World, { channel, counterKey }: { channel: string; counterKey: string }): number {
  let at = 0;
  for (const note of world.sent.values())
    if (note.channel === channel && note.counterKey === counterKey && note.answer === 'applied') at = note.at;
  return at;
}
