import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError, stopped } from '../errors.ts';
import { unlessStopped } from '../kit/unless-stopped.ts';
import type { TikTokShopConfig } from './config.ts';
import type { AskGrant, Grant } from './grant.ts';
import type { ServerClock } from './server-clock.ts';

/** The tokens of one channel. Methods throw `ChannelError`. */
export interface Tokens {
  /** An access token that is not known to be refused or over. */
  current(signal: AbortSignal): Promise<string>;
  /** After `refused` was refused: another one. */
  afterRefusal(refused: string, signal: AbortSignal): Promise<string>;
  /** What the last refresh told; null before the first. */
  told(): Promise<Pick<Grant, 'refreshUntil' | 'scopes'> | null>;
}

const Held = z.object({
  owner: z.string(),
  access: z.string(),
  accessUntil: z.number(),
  renewFrom: z.number(),
  refresh: z.string(),
  refreshUntil: z.number().nullable(),
  scopes: z.array(z.string()).nullable(),
  /** The refresh token before this one. */
  previous: z.string().nullable(),
});
type Held = z.infer<typeof Held>;

const vaultKey = 'tokens';
/** Renewed with a day left (TTS-1.2), or with a seventh of its life where that is shorter. */
const renewWithinMs = 86_400_000;
const renewShare = 1 / 7;
/** After a renewal that failed for a passing reason, while the old token still holds. */
const tryAgainMs = 60_000;

/**
 * Each refresh replaces access and refresh token together (TTS-1.2): both are on disk, in one write, before either
 * is used. The configured refresh token only begins the chain; a changed one begins a new chain. One request serves all
 * who wait. What the store holds is the truth, so that a restart, or a second process, goes on where the chain is.
 */
export function createTokens(
  config: TikTokShopConfig,
  deps: ChannelDeps,
  means: { ask: AskGrant; serverClock: ServerClock },
): Tokens {
  const { serverClock } = means;
  const book = createBook(config, deps);
  let renewing: Promise<Held> | null = null;

  const ask = async (): Promise<Held> => {
    const before = await book.load();
    const grant = await firstGranted(means.ask, candidatesOf(before, config));
    return book.save(grant, { before, now: serverClock.now() });
  };
  const renew = (): Promise<Held> => {
    renewing ??= ask().finally(() => {
      renewing = null;
    });
    return renewing;
  };
  const usable = async (): Promise<Held> => {
    if (renewing !== null) return renewing;
    const known = await book.current();
    const now = serverClock.now();
    if (known === null || now >= known.accessUntil) return renew();
    if (now < known.renewFrom) return known;
    return renew().catch((error: unknown) => {
      if (!(error instanceof ChannelError) || error.kind === 'auth') throw error;
      book.putOff(now + tryAgainMs);
      return known;
    });
  };
  const other = async (refused: string): Promise<Held> => {
    if (renewing !== null) return renewing;
    const known = await book.load();
    const isOther = known !== null && known.access !== refused && known.accessUntil > serverClock.now();
    return isOther ? known : renew();
  };

  return {
    current: (signal) => accessOf(usable, signal),
    afterRefusal: (refused, signal) => accessOf(() => other(refused), signal),
    async told() {
      const known = await book.current();
      return known === null ? null : { refreshUntil: known.refreshUntil, scopes: known.scopes };
    },
  };
}

/** The tokens as the store has them. Throws `ChannelError` kind `retry` when they cannot be stored. */
interface Book {
  /** From memory if there, with what is not stored yet stored first. */
  current(): Promise<Held | null>;
  /** From the store, unless memory is newer. */
  load(): Promise<Held | null>;
  save(grant: Grant, at: { before: Held | null; now: number }): Promise<Held>;
  /** In memory only. */
  putOff(renewFrom: number): void;
}

function createBook(config: TikTokShopConfig, deps: ChannelDeps): Book {
  const owner = fingerprint([config.app_key, config.refresh_token]);
  let held: Held | null = null;
  /** True while `held` is newer than the store, because writing it failed: it is the only link to the chain. */
  let unsaved = false;

  const write = async (fresh: Held): Promise<Held> => {
    held = fresh;
    unsaved = true;
    try {
      await deps.vault.set(vaultKey, JSON.stringify(fresh));
    } catch (error) {
      throw new ChannelError('retry', 'the new tokens could not be stored and are not used before that', {
        cause: error,
      });
    }
    unsaved = false;
    return fresh;
  };
  const load = async (): Promise<Held | null> => {
    if (unsaved) return held;
    const text = await deps.vault.get(vaultKey).catch((error: unknown) => {
      throw new ChannelError('retry', 'the tokens could not be read from the store', { cause: error });
    });
    const stored = readHeld(text);
    held = stored?.owner === owner ? stored : null;
    return held;
  };
  return {
    load,
    async current() {
      if (held === null) return load();
      return unsaved ? write(held) : held;
    },
    save: (grant, at) => write(heldOf(grant, { owner, ...at })),
    putOff(renewFrom) {
      if (held !== null) held = { ...held, renewFrom };
    },
  };
}

/**
 * The newest refresh token first. A lost answer may have replaced it without our knowing, and a restored store may be
 * behind: only when it is refused are the older ones tried, once each.
 */
function candidatesOf(before: Held | null, config: TikTokShopConfig): string[] {
  const all = [before?.refresh, before?.previous, config.refresh_token];
  return [...new Set(all.filter((token) => typeof token === 'string'))];
}

async function firstGranted(ask: AskGrant, candidates: readonly string[]): Promise<Grant> {
  let refused: ChannelError | null = null;
  for (const candidate of candidates) {
    try {
      return await ask(candidate);
    } catch (error) {
      if (!(error instanceof ChannelError) || error.kind !== 'auth') throw error;
      refused ??= error;
    }
  }
  throw refused ?? new ChannelError('auth', 'there is no refresh token');
}

function heldOf(grant: Grant, at: { owner: string; before: Held | null; now: number }): Held {
  const lifeMs = Math.max(0, grant.accessUntil - at.now);
  return {
    ...grant,
    owner: at.owner,
    renewFrom: grant.accessUntil - Math.min(renewWithinMs, lifeMs * renewShare),
    previous: at.before?.refresh ?? null,
  };
}

function readHeld(text: string | null): Held | null {
  if (text === null) return null;
  try {
    return Held.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function fingerprint(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);
}

/** A renewal serves all callers; who is stopped already begins none. */
async function accessOf(token: () => Promise<Held>, signal: AbortSignal): Promise<string> {
  if (signal.aborted) throw stopped();
  return (await unlessStopped(token(), signal)).access;
}
