import type { StockChange } from '../../src/store/store.ts';
import { openUnits, type World } from './world.ts';

const by = { by: 'merchant', reason: null };

async function change(world: World, wish: Pick<StockChange, 'sku' | 'kind' | 'quantity' | 'basis' | 'asOf'>) {
  const ref = world.hex(6);
  const one: StockChange = { ...wish, create: true, ref, presumeGoneMs: {} };
  const { store, engine } = world.process;
  const [outcome] = await store.stock.change([one], by, world.clock.now());
  // The person's terminal hung up, so the same command is typed again.
  if (world.random.chance(0.3)) {
    const [second] = await store.stock.change([one], by, world.clock.now());
    if (outcome?.kind === 'done' && (second?.kind !== 'done' || !second.repeated))
      world.fail(`a repeated command acted again: ${wish.kind} ${wish.sku}`);
  }
  engine.wakes.push(null);
  return outcome;
}

async function countedSkus(world: World): Promise<string[]> {
  const rows = await world.process.store.stock.list({ limit: 100 });
  return rows.filter((row) => row.counted).map((row) => row.sku);
}

/** Goods arrive, or pieces are lost or found on the shelf. */
export async function receiveOrAdjust(world: World): Promise<void> {
  const { random } = world;
  const skus = await countedSkus(world);
  if (skus.length === 0) return;
  const sku = random.pick(skus);
  const here = world.shelf.get(sku) ?? 0;
  const receives = random.chance(0.7);
  const quantity = receives ? random.int(1, 6) : random.int(-Math.min(2, here), 2);
  const kind = receives ? 'receive' : 'adjust';
  const outcome = await change(world, { sku, kind, quantity, basis: 'shelf', asOf: world.clock.now() });
  world.say(`${kind} ${sku} ${quantity}: ${outcome?.kind}`);
  if (outcome?.kind === 'done') world.shelf.set(sku, here + quantity);
}

/** What a person counts now: the shelf, or what may still be sold. */
export function countShelf(world: World, sku: string, reserved: number, asOf: number): World['counts'][number] {
  const shelf = world.shelf.get(sku) ?? 0;
  const free = shelf - openUnits(world, sku) - reserved;
  const basis = free >= 0 && world.random.chance(0.5) ? 'free' : 'shelf';
  return { sku, quantity: basis === 'free' ? free : shelf, basis, asOf };
}

/** Types a count in that was made a while ago. */
export async function typeCount(world: World): Promise<void> {
  const count = world.counts.shift();
  if (count === undefined) return;
  const outcome = await change(world, { ...count, kind: 'count' });
  const ageS = Math.round((world.clock.now() - count.asOf) / 1_000);
  world.say(`count ${count.sku} = ${count.quantity} ${count.basis}, ${ageS} s old: ${outcome?.kind}`);
}

/** Listings are mapped, set aside, offered otherwise, or mapped anew to the same pieces. */
export async function arrangeListing(world: World): Promise<void> {
  const { random } = world;
  const { listings } = world.process.store;
  const rows = await listings.list({ limit: 1_000 });
  if (rows.length === 0) return;
  const row = random.pick(rows);
  const now = world.clock.now();
  const parts = world.pieces.get(`${row.channel}/${row.listingId}`) ?? [];
  const what = row.parts.length === 0 ? 'map' : random.pick(['buffer', 'max', 'mode', 'unmap', 'remap']);
  if (what === 'map' || what === 'remap') await listings.map(row.id, parts, by, now);
  if (what === 'unmap') await listings.unmap(row.id, by, now);
  if (what === 'mode') await listings.set(row.id, { mode: row.mode === 'on' ? 'off' : 'on' }, by, now);
  if (what === 'buffer') await listings.set(row.id, { offer: { buffer: random.int(0, 2) } }, by, now);
  if (what === 'max') await listings.set(row.id, { offer: { max: random.pick([null, 1, 4]) } }, by, now);
  world.say(`${row.channel} ${row.listingId}: ${what}`);
}

/** A channel is paused or resumed, or changes its mode. */
export async function switchChannel(world: World): Promise<void> {
  const { random } = world;
  const { channels } = world.process.store;
  const row = random.pick(await channels.list());
  const now = world.clock.now();
  if (row.paused || random.chance(0.6)) {
    await channels.pause(row.name, !row.paused, by, now);
    world.say(`${row.name} is ${row.paused ? 'resumed' : 'paused'}`);
    if (row.paused) world.liveSince.set(row.name, now);
    return;
  }
  const mode = row.mode === 'live' ? random.pick(['observe', 'shadow'] as const) : 'live';
  await channels.setMode(row.name, mode, by, now);
  world.say(`${row.name} is ${mode} now`);
  if (mode === 'live') {
    world.quiet.delete(row.name);
    world.liveSince.set(row.name, now);
  } else world.quiet.add(row.name);
}

/** Somebody types a number into the platform's own admin. */
export function editByHand(world: World): void {
  const plan = world.random.pick(world.scenario.channels);
  const { listingId } = world.random.pick(plan.listings);
  world.platform(plan.name).set(listingId, world.random.int(0, 9));
}

/** A checkout holds, commits, releases, or lets its time run out. */
export async function reserve(world: World): Promise<void> {
  const { random, clock } = world;
  const { reservations, stock } = world.process.store;
  const now = clock.now();
  if (world.holds.length > 0 && random.chance(0.6)) {
    const hold = random.pick(world.holds);
    world.holds = world.holds.filter((each) => each !== hold);
    const ends = random.chance(0.6);
    const before = await reservations.get(hold.id);
    const after = ends ? await reservations.commit(hold.id, now) : await reservations.release(hold.id, now);
    world.say(`hold ${hold.id} ${ends ? 'committed' : 'released'}: ${after?.status}`);
    const second = await reservations.release(hold.id, now);
    if (second?.status !== after?.status) world.fail(`hold ${hold.id} ended twice`);
    if (before?.status !== 'held' || after?.status !== 'committed') return;
    for (const { sku, quantity } of after.lines)
      world.ownSales.set(sku, (world.ownSales.get(sku) ?? 0) + quantity);
    return;
  }
  const sku = random.pick(world.scenario.skus).code;
  if ((await stock.get(sku)) === null) return;
  const request = {
    key: world.hex(8),
    bodyHash: 'h',
    lines: [{ sku, quantity: random.int(1, 2) }],
    ttlMs: random.pick([30_000, 900_000]),
    reference: null,
    channel: null,
    orderRef: null,
  };
  const outcome = await reservations.hold(request, now);
  world.say(`hold of ${request.lines[0]?.quantity} ${sku}: ${outcome.kind}`);
  if (outcome.kind === 'held') world.holds.push(outcome.reservation);
  world.process.engine.wakes.push(null);
}
