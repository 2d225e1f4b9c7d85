import type { Listing } from '../channels/channel.ts';
import type { Engine, LiveChannel } from './engine.ts';
import { forecastOf } from './forecast.ts';

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
  const beganAt = clock.now();
  const known = await countPresent(engine, live);
  let seen = 0;
  let forecast = forecastOf(live, known);
  if (forecast.plan !== '') progress(`${live.name}: ${forecast.plan}`);
  let waiting: Listing[] = [];
  for await (const page of live.channel.listListings(signal)) {
    waiting.push(...page.listings);
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
  if (seen < known * (1 - engine.settings.maxChange)) {
    warnings.push(
      `${live.name}: only ${seen} of ${known} known listings came back; none is taken as removed`,
    );
  } else vanished = (await store.listings.finishWalk(live.id, beganAt)).vanished;
  const mapped = await matchKnown(engine, live);
  const unmapped = await countUnmapped(engine, live);
  engine.wakes.push(live.id);
  return { channel: live.name, listings: seen, mapped, unmapped, vanished, warnings };
}

async function matchKnown(engine: Engine, live: LiveChannel): Promise<number> {
  const { store, clock } = engine;
  const matches = await store.listings.matches(live.name, false, 1_000_000);
  // Side by side, so that many share one commit.
  for (let from = 0; from < matches.length; from += chunk) {
    const mapping = matches.slice(from, from + chunk).map(async (match) => {
      await store.listings.map(match.listingRowId, [{ sku: match.sku, units: 1 }], importer, clock.now());
    });
    await Promise.all(mapping);
  }
  return matches.length;
}

/** Listings that were there at the last walk. */
export async function countPresent(engine: Engine, live: LiveChannel): Promise<number> {
  return countPages(engine, live, (row) => !row.vanished);
}

async function countUnmapped(engine: Engine, live: LiveChannel): Promise<number> {
  return countPages(engine, live, (row) => !row.vanished && row.parts.length === 0 && row.fixed === null);
}

type Row = Awaited<ReturnType<Engine['store']['listings']['list']>>[number];

async function countPages(engine: Engine, live: LiveChannel, wanted: (row: Row) => boolean): Promise<number> {
  let count = 0;
  let after = 0;
  for (;;) {
    const rows = await engine.store.listings.list({ channel: live.name, after, limit: 1_000 });
    const last = rows.at(-1);
    if (last === undefined) return count;
    count += rows.filter(wanted).length;
    after = last.id;
  }
}
