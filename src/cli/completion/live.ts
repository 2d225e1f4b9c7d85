import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../../store/store.ts';
import type { Invocation } from '../command.ts';
import type { LiveValues } from './candidates.ts';

type Asks = Pick<Invocation<object>, 'booksConfig' | 'soundConfig'>;

/** So many are offered at most: a shell asks a person before it shows more. */
const mostValues = 200;
const pageSize = 500;
const mostPages = 10;

/**
 * Values that begin with `start`, from the books as they are: nothing is made, migrated or written for a key that was
 * pressed. Rejects with whatever is wrong with the configuration or the database.
 */
export async function liveValues(
  kind: LiveValues,
  start: string,
  from: Asks & { args: readonly string[] },
): Promise<string[]> {
  if (kind === 'type') return fitting((await import('../../channels/registry.ts')).channelTypes, start);
  const { dataDir } = await from.booksConfig();
  if (!existsSync(join(dataDir, 'invsync.db')))
    return kind === 'channel' ? fitting((await from.soundConfig()).named, start) : [];
  const { openSqliteStore } = await import('../../store/sqlite/index.ts');
  const store = await openSqliteStore({ dataDir, writer: 'none' });
  try {
    return await valuesIn(store, kind, start, from.args);
  } finally {
    await store.close();
  }
}

async function valuesIn(
  store: Store,
  kind: Exclude<LiveValues, 'type'>,
  start: string,
  args: readonly string[],
): Promise<string[]> {
  if (kind === 'channel')
    return fitting(
      (await store.channels.list()).map((row) => row.name),
      start,
    );
  if (kind === 'sku') {
    const rows = await store.stock.list({ search: start, after: justBefore(start), limit: pageSize });
    return fitting(
      rows.map((row) => row.sku),
      start,
    );
  }
  return listingsOf(store, start, args[0]);
}

/** Ids of a channel's listings, newest first; of a large catalogue only those that a few pages reach. */
async function listingsOf(store: Store, start: string, channel: string | undefined): Promise<string[]> {
  const found: string[] = [];
  let after: number | undefined;
  for (let page = 0; page < mostPages && found.length < mostValues; page += 1) {
    const rows = await store.listings.list({
      ...(channel === undefined ? {} : { channel }),
      ...(after === undefined ? {} : { after }),
      limit: pageSize,
    });
    found.push(
      ...fitting(
        rows.map((row) => row.listingId),
        start,
      ),
    );
    after = rows.at(-1)?.id;
    if (rows.length < pageSize) break;
  }
  return found.slice(0, mostValues);
}

function fitting(values: readonly string[], start: string): string[] {
  return values.filter((value) => value.startsWith(start)).slice(0, mostValues);
}

/** The last text before all that begin with `start`. */
function justBefore(start: string): string {
  const last = start.codePointAt(start.length - 1);
  return last === undefined || last < 1
    ? ''
    : `${start.slice(0, -1)}${String.fromCodePoint(last - 1)}\u{10ffff}`;
}
