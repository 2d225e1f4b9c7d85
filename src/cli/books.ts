import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import type { BooksConfig } from '../config/books-config.ts';
import type { Config } from '../config/config.ts';
import type { SoundConfig } from '../config/load.ts';
import { nearest } from '../config/nearest.ts';
import { AppError, EXIT } from '../errors.ts';
import type { ChannelRow, ChannelSetup, Store } from '../store/store.ts';
import type { Invocation } from './command.ts';

/** The open books of one run of a command. */
export interface Books {
  /** Absolute. */
  dataDir: string;
  store: Store;
  /** All channels, orphaned ones too. */
  channels: ChannelRow[];
  /** For `warnings[]` and stderr. */
  warnings: string[];
  /** The whole configuration, secrets included, for what talks to channels. Throws AppError `config` (exit 2). */
  config(): Promise<Config>;
  /** What is sound of it, defaults for the rest; needs no secret. */
  settings(): Promise<Config>;
  /** The names that stand under `channels:` in the file. Throws AppError `config` where it is no sound YAML. */
  namedInFile(): Promise<string[]>;
  /** Brings the books in line with the file at once, also beside a daemon, which notices. */
  takeFileIn(): Promise<void>;
}

type Asks = Pick<Invocation<object>, 'io' | 'loadConfig' | 'soundConfig' | 'booksConfig'>;

/**
 * Opens the books that the configuration names, hands them out and closes them whatever happens. Works without the
 * secrets and in spite of faulty lines of the file, which are then warned of. Rejects with what the configuration
 * (exit code 2) or the store has to say.
 */
export async function withBooks<T>(invocation: Asks, use: (books: Books) => Promise<T>): Promise<T> {
  const file = await invocation.booksConfig();
  // Where the books lie can only be guessed, and there are none: the file is the first thing to mend.
  if (!existsSync(join(file.dataDir, 'invsync.db')) && (await file.isBroken())) await invocation.loadConfig();
  const { openSqliteStore } = await import('../store/sqlite/index.ts');
  const store = await openSqliteStore({ dataDir: file.dataDir, writer: 'caller' });
  try {
    const warnings: string[] = [];
    const channels = await channelRows(invocation, store, { file, warnings });
    const found = await use({
      dataDir: file.dataDir,
      store,
      channels,
      warnings,
      config: async () => (await invocation.loadConfig()).config,
      settings: async () => (await invocation.soundConfig()).config,
      namedInFile: async () => (await invocation.soundConfig()).named,
      takeFileIn: async () => {
        const configured = await channelsIn(await invocation.soundConfig(), await store.channels.list());
        await takeIn(invocation, store, { file, ...configured });
      },
    });
    await reviewAlerts(store, invocation.io.now());
    return found;
  } finally {
    await store.close();
  }
}

/** What a command changed may have opened or closed an alert; a command that only read leaves them as they are. */
async function reviewAlerts({ duties, changedSince }: Store, now: number): Promise<void> {
  if (changedSince() && (await duties.alertsToReview(now))) await duties.reviewAlerts(now, 'leaves');
}

/**
 * The channels as the store knows them, brought in line with the file only when something differs: a command that
 * reads writes nothing, and what a running daemon works with is changed by its own reload, never by a look.
 */
async function channelRows(
  invocation: Asks,
  store: Store,
  known: { file: BooksConfig; warnings: string[] },
): Promise<ChannelRow[]> {
  const { file, warnings } = known;
  const rows = await store.channels.list();
  // Reading the channels of a file costs more than most commands.
  if ((await store.channels.configuredFrom()) === file.textHash) return rows;
  const faulty = `${file.file} has faults that stop the daemon: see invsync config check`;
  if (await file.isBroken()) {
    warnings.push(faulty);
    return rows;
  }
  const sound = await invocation.soundConfig();
  if (sound.faulty) warnings.push(faulty);
  const configured = await channelsIn(sound, rows);
  if (agree(rows, configured.setups)) return rows;
  if (await daemonRuns(file.dataDir)) {
    warnings.push(
      'the channels in the configuration file differ from what the daemon runs with: reload it with SIGHUP',
    );
    return rows;
  }
  return takeIn(invocation, store, { file, ...configured });
}

/** What a file says of its channels. */
interface Configured {
  sound: SoundConfig;
  setups: ChannelSetup[];
  /** Every channel of the file could be read. */
  whole: boolean;
}

/** A channel that cannot be read now stays what it was. */
async function channelsIn(sound: SoundConfig, rows: readonly ChannelRow[]): Promise<Configured> {
  const { setupOf } = await import('../compose.ts');
  const read = sound.config.channels.map(setupOf);
  const unread = sound.named.filter((name) => read.every((setup) => setup.name !== name));
  const kept = rows.filter((row) => !row.orphaned && unread.includes(row.name)).map((row) => row.setup);
  return { sound, setups: [...read, ...kept], whole: unread.length === 0 };
}

/** The one way of a file into the books: what a changed offer moves beyond the shares is held. */
async function takeIn(
  { io }: Asks,
  store: Store,
  { file, sound, setups, whole }: Configured & { file: BooksConfig },
): Promise<ChannelRow[]> {
  const { hex } = await import('../compose.ts');
  const { configureWithin } = await import('../sync/reach.ts');
  const { silentLog } = await import('../log.ts');
  const clock = { ...systemClock, now: () => io.now() };
  const { max_change, max_zero } = sound.config.reconcile;
  return configureWithin(
    { store, clock, log: silentLog, randomHex: hex },
    { setups, textHash: whole ? file.textHash : undefined },
    { maxChange: max_change, maxZero: max_zero },
  );
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
