import type { Listing } from '../../channels/channel.ts';
import { messageOf } from '../../errors.ts';
import { fewestBraked } from '../../stock/brake.ts';
import { allListings, type CounterView, type ListingRow, type Replacement } from '../../store/store.ts';
import { closeAlert, openAlert } from '../alerts.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { forecastOf } from '../forecast.ts';
import { brakeBeyond, countersOn, isPushed, movesBetween, numberOf } from '../reach.ts';
import { callReadStock } from '../reading.ts';
import { admit, assertOurs } from './account.ts';
import { sharedNumbers, tellChanged, tellReplaced } from './identity.ts';

/** What a walk of a channel's catalogue brought. */
export interface Imported {
  channel: string;
  listings: number;
  mapped: number;
  unmapped: number;
  vanished: number;
  warnings: string[];
}

const chunk = 200;
const importer = { by: 'invsync', reason: 'channel SKU equals a known SKU' };
const succession = { by: 'invsync', reason: 'it took the place of a listing that is gone' };

/**
 * Reads the whole catalogue and maps at once each listing whose SKU equals exactly one known SKU. A catalogue that
 * came back short marks nothing as vanished: a page that failed to list must not look like a closed shop.
 */
export async function importCatalogue(
  engine: Engine,
  live: LiveChannel,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<Imported> {
  const { store, clock } = engine;
  await assertOurs(engine, live, signal);
  const beganAt = clock.now();
  const known = await countPresent(engine, live);
  let seen = 0;
  let forecast = forecastOf(live, known);
  if (forecast.plan !== '') progress(`${live.name}: ${forecast.plan}`);
  let waiting: Listing[] = [];
  const shown = new Map<string, number>();
  for await (const page of live.channel.listListings(signal)) {
    waiting.push(...page.listings);
    for (const each of page.listings) if (each.shown !== null) shown.set(each.listingId, each.shown);
    seen += page.listings.length;
    if (page.total !== null) forecast = forecastOf(live, page.total);
    const of = page.total === null ? '' : ` of ${page.total}`;
    progress(`${live.name}: ${seen}${of} listings read${forecast.left(seen)}`);
    while (waiting.length >= chunk) {
      await store.listings.upsert(live.id, waiting.slice(0, chunk), clock.now());
      waiting = waiting.slice(chunk);
    }
  }
  await store.listings.upsert(live.id, waiting, clock.now());
  const warnings: string[] = [];
  let vanished = 0;
  if (clock.now() < beganAt) {
    warnings.push(`${live.name}: the clock went back while its catalogue was read; none is taken as removed`);
  } else if (seen < known * (1 - engine.settings.maxChange)) {
    warnings.push(
      `${live.name}: only ${seen} of ${known} known listings came back; none is taken as removed`,
    );
  } else vanished = (await store.listings.finishWalk(live.id, beganAt)).vanished;
  const { mapped, replaced } = await matchKnown(engine, live, shown, signal);
  warnings.push(...(await tellReplaced(engine, live, replaced)));
  warnings.push(...(await tellChanged(engine, live)));
  warnings.push(...(await sharedNumbers(engine, live)));
  const unmapped = await countUnmapped(engine, live);
  await closeAlert(engine, 'schedule_failed', subjectOf(live));
  engine.wakes.push(live.id);
  return { channel: live.name, listings: seen, mapped, unmapped, vanished, warnings };
}

/**
 * Reads every channel's catalogue, side by side: one that cannot be read is told and keeps none of the others from
 * being read. Rejects only when it is stopped.
 */
export async function importAll(engine: Engine, signal: AbortSignal): Promise<void> {
  await Promise.all(
    [...engine.channels.values()].map(async (live) => {
      try {
        // A refused account is told by its own alert.
        if ((await admit(engine, live, signal)).kind === 'refused') return;
        const imported = await importCatalogue(engine, live, () => undefined, signal);
        engine.log.info({ ...imported }, 'catalogue read');
      } catch (error) {
        if (signal.aborted) throw error;
        const message = `the catalogue of ${live.name} could not be read: ${messageOf(error)}; try again with: invsync listings import ${live.name}`;
        await openAlert(engine, {
          channelId: live.id,
          kind: 'schedule_failed',
          subject: subjectOf(live),
          message,
        });
      }
    }),
  );
}

function subjectOf(live: LiveChannel): string {
  return `catalogue ${live.name}`;
}

/** Maps heirs as those were that they follow, and then what equals exactly one known SKU. */
async function matchKnown(
  engine: Engine,
  live: LiveChannel,
  shown: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<{ mapped: number; replaced: Replacement[] }> {
  const { store, clock } = engine;
  const heirs = await store.listings.heirs(live.id);
  const taken = new Set(heirs.map((heir) => heir.listingRowId));
  const matches = (await store.listings.matches(live.name, false, 1_000_000))
    .filter((match) => !taken.has(match.listingRowId))
    .map(({ listingRowId, sku }) => ({ listingRowId, parts: [{ sku, units: 1 }] }));
  const mappings = [...heirs.filter((heir) => heir.parts.length > 0), ...matches];
  if (mappings.length >= fewestBraked) await brakeMapped(engine, live, { mappings, shown }, signal);
  const replaced = await store.listings.succeed(live.id, succession, clock.now());
  // Side by side, so that many share one commit.
  for (let from = 0; from < matches.length; from += chunk) {
    const mapping = matches.slice(from, from + chunk).map(async ({ listingRowId, parts }) => {
      await store.listings.map(listingRowId, parts, importer, clock.now(), 'sku');
    });
    await Promise.all(mapping);
  }
  return { mapped: replaced.length + matches.length, replaced };
}

interface Mapping {
  mappings: { listingRowId: number; parts: { sku: string; units: number }[] }[];
  /** What the catalogue said of each listing's number. */
  shown: ReadonlyMap<string, number>;
}

/** Mapping puts our numbers in place of the shop's own: bound by the same shares as a command, before it is made. */
async function brakeMapped(
  engine: Engine,
  live: LiveChannel,
  { mappings, shown }: Mapping,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = engine;
  const row = await store.channels.channel(live.id);
  if (row === null || !isPushed(row)) return;
  const after: CounterView[] = [];
  const before = new Map<number, CounterView>();
  for (let from = 0; from < mappings.length; from += chunk) {
    const steps = mappings.slice(from, from + chunk).map((mapping) => {
      return { kind: 'map' as const, ...mapping, actor: importer };
    });
    const { counters } = await store.rehearse(steps, null, clock.now());
    const mapped = counters.filter((view) => view.channelId === row.id);
    const known = await store.outbox.view(mapped.map((view) => view.counterId));
    const seen = await numbersOf(live, known, shown, signal);
    for (const view of known) before.set(view.counterId, seenAs(view, seen.get(view.counterId), clock.now()));
    after.push(...mapped);
  }
  const moves = movesBetween(row, before, after);
  const listings = Math.max(await countersOn(engine, row), after.length);
  const change = { row, shares: engine.settings, moves, listings, back: [] };
  await brakeBeyond(engine, { ...change, what: 'mapping what the catalogue brought' });
}

/** Numbers that nobody has read yet: as the catalogue said, else read now. */
async function numbersOf(
  live: LiveChannel,
  views: CounterView[],
  shown: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  const unknown: CounterView[] = [];
  for (const view of views.filter((each) => numberOf(each) === null)) {
    const number = view.listings.map((each) => shown.get(each.listingId)).find((each) => each !== undefined);
    if (number === undefined) unknown.push(view);
    else found.set(view.counterId, number);
  }
  for (const [counterId, reading] of await callReadStock(live, unknown, signal))
    if (reading.shown !== null) found.set(counterId, reading.shown);
  return found;
}

function seenAs(view: CounterView, shown: number | undefined, at: number): CounterView {
  if (shown === undefined) return view;
  return { ...view, lastRead: { shown, askedAt: at, answeredAt: at, cause: '' } };
}

/** Listings that were there at the last walk. */
export async function countPresent(engine: Engine, live: LiveChannel): Promise<number> {
  return countListings(engine, live, (row) => !row.vanished);
}

async function countUnmapped(engine: Engine, live: LiveChannel): Promise<number> {
  return countListings(engine, live, (row) => !row.vanished && row.parts.length === 0 && row.fixed === null);
}

async function countListings(
  engine: Engine,
  live: LiveChannel,
  wanted: (row: ListingRow) => boolean,
): Promise<number> {
  let count = 0;
  for await (const row of allListings(engine.store, { channel: live.name })) if (wanted(row)) count += 1;
  return count;
}
