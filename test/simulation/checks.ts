import type { OrderRow } from '../../src/store/store.ts';
import { reconciled } from './settle.ts';
import { allLines, openUnits, type World } from './world.ts';

/** Everything that must be true once the dust has settled. */
export async function checkEverything(world: World): Promise<void> {
  await checkBooks(world);
  const orders = await allOrders(world);
  checkOrders(world, orders);
  await checkShelves(world);
  await checkDocket(world, orders);
  await checkShown(world);
  const left = await reconciled(world);
  for (const line of left ?? []) world.fail(`a second reconcile still has to do: ${line}`);
  await checkRepeats(world);
}

async function checkBooks(world: World): Promise<void> {
  const { reports, stock } = world.process.store;
  for (const open of (await reports.audit()).open)
    world.fail(`the books do not close: ${JSON.stringify(open)}`);
  for (const row of await stock.list({ limit: 100 })) {
    if (row.available < 0 || row.onHand < 0 || row.committed < 0 || row.reserved < 0)
      world.fail(`a level is negative: ${JSON.stringify(row)}`);
    const entries = await reports.entries(row.sku, null, 100_000);
    const sum = entries.reduce((total, entry) => total + entry.onHand - entry.committed - entry.reserved, 0);
    const deltas = entries.reduce((total, entry) => total + entry.delta, 0);
    if (sum !== row.available || deltas !== row.available)
      world.fail(`the entries of ${row.sku} make ${sum}, its level says ${row.available}`);
    let after = row.available;
    for (const entry of entries) {
      if (entry.after !== after)
        world.fail(`entry ${entry.id} of ${row.sku} says ${entry.after} after it, not ${after}`);
      after -= entry.delta;
    }
  }
}

async function allOrders(world: World): Promise<OrderRow[]> {
  const all: OrderRow[] = [];
  let before: number | undefined;
  for (;;) {
    const page = await world.process.store.orders.list({
      limit: 200,
      ...(before === undefined ? {} : { before }),
    });
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined) return all;
    before = last.id;
  }
}

/** The state of every line is the platform's own, and nothing was given beyond what it takes. */
function checkOrders(world: World, orders: OrderRow[]): void {
  const lines = new Map(
    orders.flatMap((order) => order.lines.map((line) => [`${order.channel}/${line.lineKey}`, line])),
  );
  for (const [channel, line, order] of allLines(world)) {
    const stored = lines.get(`${channel}/${line.key}`);
    if (stored === undefined) {
      world.fail(`line ${channel}/${line.key} of order ${order.id} was never learned`);
      continue;
    }
    if (stored.taken !== line.taken || stored.gone !== line.gone)
      world.fail(
        `line ${channel}/${line.key} is ${stored.taken}/${stored.gone} in the books, ${line.taken}/${line.gone} at the platform`,
      );
    if (stored.allocation !== 'held') world.fail(`line ${channel}/${line.key} is ${stored.allocation}`);
    if (stored.gone > stored.given || stored.given > stored.taken)
      world.fail(
        `line ${channel}/${line.key}: gone ${stored.gone}, given ${stored.given}, taken ${stored.taken}`,
      );
  }
}

/** What the books say is on the shelf is on the shelf, pieces apart that turned up without a count. */
async function checkShelves(world: World): Promise<void> {
  const { reports, stock } = world.process.store;
  for (const row of await stock.list({ limit: 100 })) {
    const shelf = world.shelf.get(row.sku) ?? 0;
    const entries = await reports.entries(row.sku, null, 100_000);
    const found = entries
      .filter((entry) => entry.kind === 'found')
      .reduce((sum, entry) => sum + entry.onHand, 0);
    if (row.onHand < shelf || row.onHand - found > shelf) {
      for (const entry of entries.reverse())
        world.say(
          `  ${row.sku} ${new Date(entry.at).toISOString().slice(11, 19)} recorded ${new Date(entry.recordedAt).toISOString().slice(11, 19)} ${entry.kind} ${entry.onHand}/${entry.committed}/${entry.reserved} -> ${entry.after} ${entry.channel}/${entry.orderId}/${entry.lineKey}`,
        );
      world.fail(
        `${row.sku}: ${row.onHand} in the books (${found} found), ${shelf} on the shelf, ${openUnits(world, row.sku)} open`,
      );
    }
    if (row.reserved !== 0) world.fail(`${row.sku}: ${row.reserved} are still held`);
  }
}

/** Each shortfall is on the docket, and no free piece lies beside a line that could have it. */
async function checkDocket(world: World, orders: OrderRow[]): Promise<void> {
  const { reports, stock } = world.process.store;
  const docket = await reports.oversells({ status: 'open', limit: 10_000 });
  const levels = new Map((await stock.list({ limit: 100 })).map((row) => [row.sku, row.available]));
  for (const order of orders) {
    for (const line of order.lines) {
      const open = docket.filter((row) => row.channel === order.channel && row.lineKey === line.lineKey);
      const listed = open.reduce((sum, row) => sum + row.shortfall, 0);
      if (listed !== line.shortfall)
        world.fail(
          `line ${order.channel}/${line.lineKey} lacks ${line.shortfall}, the docket says ${listed}`,
        );
      if (line.shortfall === 0) continue;
      const pieces = world.sold.get(`${order.channel}/${line.lineKey}`) ?? [];
      const free = pieces.every(({ sku, units }) => (levels.get(sku) ?? 0) >= units);
      if (free && pieces.length > 0)
        world.fail(`line ${order.channel}/${line.lineKey} lacks ${line.shortfall} while its pieces are free`);
    }
  }
}

/** Every counter shows what it should, or says why it cannot. */
async function checkShown(world: World): Promise<void> {
  const { store } = world.process;
  const { dead } = (await store.reports.status(world.clock.now())).inbox;
  for (const plan of world.scenario.channels) {
    const platform = world.platform(plan.name);
    for (const view of await store.outbox.page(world.process.live(plan.name).id, 0, 1_000)) {
      const on = view.listings.filter((listing) => listing.mode === 'on');
      if (on.length === 0) continue;
      const should = await shouldShow(world, plan.name, view.counterKey);
      const target = view.target.kind === 'number' ? view.target.quantity : view.target.kind;
      if (target !== should)
        world.fail(`${plan.name} ${view.counterKey}: target ${target}, by the levels ${should}`);
      // Said in every plan; what it shows is between the merchant and the platform.
      if (on.every((listing) => listing.unwritable !== null)) continue;
      const shown = platform.state.counters.get(view.counterKey)?.shown ?? null;
      if (shown === should) continue;
      // A dead letter may be a sale: until a person has looked, nothing of its channel is raised on suspicion.
      if (view.clouded && dead > 0 && (shown ?? 0) < should) continue;
      world.fail(
        `${plan.name} ${view.counterKey} shows ${shown}, should show ${should}: ${JSON.stringify({ ...view, listings: undefined })}`,
      );
    }
  }
}

/** The target by first principles: the smallest share of its listings, own open orders added where they are inside. */
async function shouldShow(world: World, channel: string, counterKey: string): Promise<number> {
  const { store } = world.process;
  const plan = world.plan(channel);
  const gross = plan.platform.capabilities.basis === 'gross';
  let lowest = Number.MAX_SAFE_INTEGER;
  let open = 0;
  for (const row of await store.listings.list({ channel, limit: 1_000 })) {
    if (row.counterKey !== counterKey || row.mode === 'off') continue;
    let whole = Number.MAX_SAFE_INTEGER;
    for (const { sku, units } of row.parts)
      whole = Math.min(whole, Math.floor(((await store.stock.get(sku))?.available ?? 0) / units));
    const buffer = row.offer.buffer ?? plan.buffer ?? 0;
    lowest = Math.min(lowest, Math.max(0, Math.min(whole - buffer, row.offer.max ?? whole)));
    for (const [name, line] of allLines(world))
      if (name === channel && line.listing === row.listingId) open += line.taken - line.gone;
  }
  return lowest + (gross ? open : 0);
}

/** Everything once more changes nothing: each delivery sent again is known, and a replay finds what it left. */
async function checkRepeats(world: World): Promise<void> {
  const { store, receiver, ingest } = world.process;
  const before = await fingerprint(world);
  for (const { channel, hook } of world.heard) {
    const answer = await receiver.receive(channel, {
      method: 'POST',
      path: '',
      query: '',
      headers: hook.headers,
      body: hook.body,
      receivedAt: world.clock.now(),
    });
    // A key that was pruned is taken in again; the second guard finds nothing new in it.
    const known = answer.body.includes('duplicate') || (world.pruned && answer.status === 200);
    if (!known) world.fail(`${channel}: a known delivery was answered ${answer.status} ${answer.body}`);
  }
  for (let round = 0; round < 2; round += 1) {
    await store.inbox.replay({ limit: 100_000 }, world.clock.now());
    await world.drive(ingest.runUntilIdle());
  }
  const after = await fingerprint(world);
  for (const [index, text] of after.entries())
    if (text !== before[index]) world.fail(`a replay changed ${before[index]} into ${text}`);
}

async function fingerprint(world: World): Promise<string[]> {
  const { store } = world.process;
  const orders = await allOrders(world);
  return [
    JSON.stringify(await store.stock.list({ limit: 100 })),
    ...orders.map((order) => JSON.stringify([order.channel, order.orderId, order.lines])),
    JSON.stringify(await store.reports.oversells({ limit: 10_000 })),
    JSON.stringify((await store.reports.audit()).entries),
  ];
}
