import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Json, Vault } from '../channel.ts';
import { ChannelError, stopped } from '../errors.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';
import { jsonOf } from './json.ts';
import { beforeWriting, short } from './refusal.ts';
import { retryAfterMs } from './retry-after.ts';
import { maybe, Text } from './shapes.ts';
import { unlessStopped } from './unless-stopped.ts';

/** Access tokens by one grant. Methods throw `ChannelError`. */
export interface Tokens {
  /** A token that is not known to be refused or over. */
  current(signal: AbortSignal): Promise<string>;
  /** After `refused` was refused: what is handed out now, which may be the same one again. */
  afterRefusal(refused: string, signal: AbortSignal): Promise<string>;
  /** What the last grant told besides the token; null before the first. */
  told(): Promise<Json>;
}

/** What a grant brought. */
export interface Granted {
  access: string;
  /** How long it lives, from the moment at which it was asked for. */
  lifeMs: number;
  /** Replaces the refresh token that was used, where the platform rotates them. */
  refresh?: string;
  /** Kept beside the token for `told`. */
  told?: Json;
}

export interface TokenPlan {
  /** The platform's clock as far as it is known: ends are kept by it, as points in time. */
  clock: { now(): number };
  vault: Vault;
  /** Where in the vault. */
  key: string;
  /** The credentials that tokens are granted for: stored ones of others are not used. */
  owner: readonly string[];
  /** Begins the chain of refresh tokens; '' for grants that need none. */
  refreshToken: string;
  /** How much of a life is left when a token is renewed; default a fifth. */
  renewWithinMs?(lifeMs: number): number;
  /** Asks once with one refresh token. `ChannelError` kind `auth` means that this one is refused. */
  ask(refreshToken: string): Promise<Granted>;
}

const Held = z.object({
  owner: z.string(),
  access: z.string(),
  accessUntil: z.number(),
  renewFrom: z.number(),
  refresh: z.string(),
  /** The refresh token before this one. */
  previous: z.string().nullable(),
  told: z.json(),
});
type Held = z.infer<typeof Held>;

/** After a renewal that failed for a passing reason, while the old token still holds. */
const tryAgainMs = 60_000;

/**
 * One request serves all who wait, and no caller's own signal ends it for the others. What a grant brought is on disk, in
 * one write, before it is used: a rotated refresh token is the only link to its chain, and a crash loop must not burn
 * grants. The configured refresh token only begins the chain; other credentials begin a new one. What the vault holds is
 * the truth, so that a restart, or a second process, goes on where the chain is.
 */
export function createTokens(plan: TokenPlan): Tokens {
  const { clock } = plan;
  const book = createBook(plan);
  let renewing: Promise<Held> | null = null;

  const ask = async (): Promise<Held> => {
    const before = await book.load();
    const askedAt = clock.now();
    return book.save(await firstGranted(plan, candidatesOf(before, plan.refreshToken)), before, askedAt);
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
    const now = clock.now();
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
    const isOther = known !== null && known.access !== refused && known.accessUntil > clock.now();
    return isOther ? known : renew();
  };

  return {
    current: (signal) => accessOf(usable, signal),
    afterRefusal: (refused, signal) => accessOf(() => other(refused), signal),
    told: async () => (await book.current())?.told ?? null,
  };
}

/** The tokens as the vault has them. Throws `ChannelError` kind `retry` when they cannot be stored. */
interface Book {
  /** From memory if there, with what is not stored yet stored first. */
  current(): Promise<Held | null>;
  /** From the vault, unless memory is newer. */
  load(): Promise<Held | null>;
  save(granted: Granted & { by: string }, before: Held | null, askedAt: number): Promise<Held>;
  /** In memory only. */
  putOff(renewFrom: number): void;
}

function createBook(plan: TokenPlan): Book {
  const owner = createHash('sha256').update(plan.owner.join('\0')).digest('hex').slice(0, 32);
  let held: Held | null = null;
  /** True while `held` is newer than the vault, because writing it failed. */
  let unsaved = false;

  const write = async (fresh: Held): Promise<Held> => {
    held = fresh;
    unsaved = true;
    try {
      await plan.vault.set(plan.key, JSON.stringify(fresh));
    } catch (cause) {
      const why = 'the new tokens could not be stored and are not used before that';
      throw new ChannelError('retry', why, { cause });
    }
    unsaved = false;
    return fresh;
  };
  const load = async (): Promise<Held | null> => {
    if (unsaved) return held;
    const text = await plan.vault.get(plan.key).catch((cause: unknown) => {
      throw new ChannelError('retry', 'the tokens could not be read from the store', { cause });
    });
    const stored = text === null ? undefined : Held.safeParse(jsonOf(Buffer.from(text))).data;
    held = stored?.owner === owner ? stored : null;
    return held;
  };
  return {
    load,
    async current() {
      if (held === null) return load();
      return unsaved ? write(held) : held;
    },
    save(granted, before, askedAt) {
      const { access, lifeMs, refresh = granted.by, told = null } = granted;
      const within = plan.renewWithinMs?.(lifeMs) ?? lifeMs / 5;
      const accessUntil = askedAt + lifeMs;
      const previous = refresh === before?.refresh ? (before.previous ?? null) : (before?.refresh ?? null);
      return write({ owner, access, accessUntil, renewFrom: accessUntil - within, refresh, previous, told });
    },
    putOff(renewFrom) {
      if (held !== null) held = { ...held, renewFrom };
    },
  };
}

/**
 * The newest refresh token first. A lost answer may have replaced it without our knowing, and a restored store may be
 * behind: only when it is refused are the older ones tried, once each.
 */
function candidatesOf(before: Held | null, first: string): string[] {
  const all = [before?.refresh, before?.previous, first];
  return [...new Set(all.filter((token) => typeof token === 'string'))];
}

async function firstGranted(
  plan: TokenPlan,
  candidates: readonly string[],
): Promise<Granted & { by: string }> {
  let refused: ChannelError | null = null;
  for (const by of candidates) {
    try {
      return { ...(await plan.ask(by)), by };
    } catch (error) {
      if (!(error instanceof ChannelError) || error.kind !== 'auth') throw beforeWriting(error);
      refused ??= error;
    }
  }
  throw refused ?? new ChannelError('auth', 'there is no refresh token');
}

/** A renewal serves all callers; who is stopped already begins none. */
async function accessOf(token: () => Promise<Held>, signal: AbortSignal): Promise<string> {
  if (signal.aborted) throw stopped();
  return (await unlessStopped(token(), signal)).access;
}

/** For requests that serve several callers: the HTTP client's own time-out applies. */
export const nobodysSignal = new AbortController().signal;

/** `Authorization: Basic …` */
export function basicProof(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

/** A token request in the form of RFC 6749. */
export function formRequest(
  url: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): HttpRequest {
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams(form).toString();
  return { method: 'POST', url, headers: { ...type, ...headers }, body };
}

const Grant = z.object({
  access_token: z.string().min(1),
  expires_in: maybe(z.coerce.number().positive()),
});
const Refused = z.object({
  error: Text,
  error_description: Text,
});

/** What is particular about a platform's answers to token requests. */
export interface GrantReading {
  /** Who answers, for people. */
  who: string;
  /** The life of a token whose grant tells none. */
  lifeMs: number;
  /** What to do about an error of the grant, by its name; `hint` about every other. */
  hints?: Readonly<Record<string, string>>;
  hint: string;
  /** Left out of every text. */
  secrets: readonly string[];
  /** Statuses that mean "too much" or "not now"; default 429. */
  throttling?: ReadonlySet<number>;
}

const tooMany: ReadonlySet<number> = new Set([429]);

/** The token in an answer of the form of RFC 6749; throws `ChannelError`: `auth` when the credentials are refused. */
export function grantIn(answer: HttpAnswer, reading: GrantReading): Granted {
  const { status } = answer;
  const { who, secrets, throttling = tooMany } = reading;
  const json = jsonOf(answer.body);
  if (status === 200) {
    const grant = Grant.safeParse(json).data;
    if (grant === undefined)
      throw new ChannelError('retry', `${who} answered the token request in an unexpected shape`);
    const { access_token: access, expires_in: seconds } = grant;
    return { access, lifeMs: typeof seconds === 'number' ? seconds * 1_000 : reading.lifeMs };
  }
  const { error, error_description: more } = Refused.safeParse(json).data ?? {};
  const why = short([error, more].filter(Boolean).join(' '), secrets) || `HTTP ${status}`;
  const afterMs = retryAfterMs(answer);
  if (throttling.has(status))
    throw new ChannelError('throttled', `no token: ${who}: ${why}`, { afterMs: afterMs ?? 10_000 });
  if (status >= 500)
    throw new ChannelError('retry', `no token: ${who}: ${why}`, afterMs === null ? {} : { afterMs });
  const { hints = {}, hint } = reading;
  throw new ChannelError('auth', `${who} gave no access token: ${why}`, {
    hint: Object.hasOwn(hints, error ?? '') ? (hints[error ?? ''] ?? hint) : hint,
  });
}
