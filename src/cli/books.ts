import type { Config } from '../config/config.ts';
import { nearest } from '../config/nearest.ts';
import { AppError, EXIT } from '../errors.ts';
import type { ChannelRow, ChannelSetup, Store } from '../store/store.ts';
import type { Invocation } from './program.ts';

/** The open books of one run of a command. */
export interface Books {
  config: Config;
  store: Store;
  /** All channels, orphaned ones too. */
  channels: ChannelRow[];
  /** For `warnings[]` and stderr. */
  warnings: string[];
}

/**
 * Opens the books that the configuration names, hands them out and closes them whatever happens. Rejects with what
 * the configuration (exit code 2) or the store has to say.
 */
export async function withBooks<T>(
  invocation: Pick<Invocation<object>, 'io' | 'loadConfig'>,
  use: (books: Books) => Promise<T>,
): Promise<T> {
  const { config } = await invocation.loadConfig();
  const { openSqliteStore } = await import('../store/sqlite/index.ts');
  const store = await openSqliteStore({ dataDir: config.data_dir, writer: 'caller' });
  try {
    const warnings: string[] = [];
    const channels = await channelRows(config, store, { now: invocation.io.now(), warnings });
    return await use({ config, store, channels, warnings });
  } finally {
    await store.close();
  }
}

/**
 * The channels as the store knows them, brought in line with the file only when something differs: a command that
 * reads writes nothing, and what a running daemon works with is changed by its own reload, never by a look.
 */
async function channelRows(
  config: Config,
  store: Store,
  how: { now: number; warnings: string[] },
): Promise<ChannelRow[]> {
  const { setupOf } = await import('../compose.ts');
  const setups = config.channels.map(setupOf);
  const rows = await store.channels.list();
  if (agree(rows, setups)) return rows;
  if (await daemonRuns(config.data_dir)) {
    how.warnings.push(
      'the channels in the configuration file differ from what the daemon runs with: reload it with SIGHUP',
    );
    return rows;
  }
  return store.channels.configure(setups, how.now);
}

function agree(rows: readonly ChannelRow[], setups: readonly ChannelSetup[]): boolean {
  const byName = new Map(rows.map((row) => [row.name, row]));
  const configured = setups.every((setup) => {
    const row = byName.get(setup.name);
    if (row === undefined || row.orphaned || row.modeInFile !== setup.mode) return false;
    return canonical(row.setup) === canonical(setup);
  });
  const names = new Set(setups.map((setup) => setup.name));
  return configured && rows.every((row) => row.orphaned || names.has(row.name));
}

function canonical(setup: ChannelSetup): string {
  const { offer, ...rest } = setup;
  return JSON.stringify([Object.entries(rest).sort(), Object.entries(offer).sort()]);
}

/** Does a process that talks to channels work on this folder now? */
export async function daemonRuns(dataDir: string): Promise<boolean> {
  const { tryEngineLock } = await import('../store/sqlite/lock.ts');
  const lock = tryEngineLock(dataDir);
  lock?.release();
  return lock === null;
}

/** The channel of this name. Throws AppError `unknown_channel` (exit code 2). */
export function channelNamed(books: Pick<Books, 'channels'>, name: string): ChannelRow {
  const found = books.channels.find((row) => row.name === name);
  if (found !== undefined) return found;
  const names = books.channels.map((row) => row.name);
  const guess = nearest(name, names);
  const known = names.length === 0 ? 'no channel is configured' : `known: ${names.join(', ')}`;
  throw new AppError('unknown_channel', `no channel is called "${name}"`, {
    hint: guess === null ? known : `did you mean ${guess}?`,
    exitCode: EXIT.usage,
  });
}

/** `--channel` as a part of a filter; checked, so that a typing error is no empty list. */
export function channelFilter(
  books: Pick<Books, 'channels'>,
  name: string | undefined,
): { channel?: string } {
  return name === undefined ? {} : { channel: channelNamed(books, name).name };
}

/** AppError `unknown_sku` (exit code 1). */
export function unknownSku(sku: string, near: string | null): AppError {
  const hint =
    near === null
      ? 'invsync stock list shows all; stock set, count, receive and import make new ones'
      : `did you mean ${near}?`;
  return new AppError('unknown_sku', `no SKU is called "${sku}"`, { hint, details: { sku, nearest: near } });
}

/** Lines older than this, per channel id, are presumed to have left the shelf when a count is made. */
export function presumeGoneMs(books: Pick<Books, 'channels'>): Record<number, number> {
  const entries = books.channels.flatMap((row) => {
    const after = row.setup.presumeGoneMs;
    return after === null || after === undefined ? [] : [[row.id, after] as const];
  });
  return Object.fromEntries(entries);
}
