import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../kit/http.ts';
import { parseJsonBytes } from '../kit/json.ts';
import { retryAfterMs } from '../kit/retry-after.ts';
import { unlessStopped } from '../kit/unless-stopped.ts';
import type { EbayConfig } from './config.ts';
import { noteConsentAge } from './consent.ts';
import { short } from './failures.ts';

/** `user`: acts for the seller. `app`: acts for the keyset (public keys, topics, destinations; EBAY-1.3). */
export type TokenKind = 'user' | 'app';

/** Access tokens of one channel. Both methods throw `ChannelError`. */
export interface Tokens {
  /** A token that is not known to be refused or nearly over. */
  current(kind: TokenKind, signal: AbortSignal): Promise<string>;
  /** After a 401 for `refused`: another one. */
  afterRefusal(kind: TokenKind, refused: string, signal: AbortSignal): Promise<string>;
}

const Grant = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive().catch(7200),
});
const Refused = z.object({ error: z.string().catch(''), error_description: z.string().catch('') });
const Held = z.object({ token: z.string(), renewAfter: z.number(), owner: z.string() });
type Held = z.infer<typeof Held>;

/** Share of a token's life (two hours) after which it is renewed. */
const renewAt = 0.85;
const appScope = 'https://api.ebay.com/oauth/api_scope';
const scopesHelp = 'consent again in the browser, then set refresh_token and refresh_token_created';

/**
 * Tokens by the refresh grant and the client-credentials grant (EBAY-1.2, EBAY-1.3). They are kept in the vault, because
 * 1,000 application tokens a day is all that the keyset gets and a crash loop must not burn them. One request serves all
 * who wait. The refresh grant names no scope: the token then has all that the seller consented to.
 */
export function createTokens(config: EbayConfig, deps: ChannelDeps, http: HttpClient): Tokens {
  const url = config.token_url ?? `${deps.baseUrl ?? 'https://api.ebay.com'}/identity/v1/oauth2/token`;
  const owner = createHash('sha256')
    .update([url, config.client_id, config.client_secret, config.refresh_token].join('\0'))
    .digest('hex')
    .slice(0, 32);
  const held = new Map<TokenKind, Held>();
  const asking = new Map<TokenKind, Promise<string>>();

  const stored = async (kind: TokenKind): Promise<Held | null> => {
    const known = held.get(kind) ?? readHeld(await deps.vault.get(vaultKey(kind)));
    if (known === null || known.owner !== owner || deps.clock.now() >= known.renewAfter) return null;
    held.set(kind, known);
    return known;
  };
  const ask = async (kind: TokenKind): Promise<string> => {
    const answer = await http(grantRequest(config, url, kind), never).catch(nothingDone);
    const grant = readGrant(answer, kind);
    if (kind === 'user') noteConsentAge(config, deps);
    const renewAfter = answer.askedAt + grant.expires_in * 1000 * renewAt;
    const fresh: Held = { token: grant.access_token, renewAfter, owner };
    held.set(kind, fresh);
    await deps.vault.set(vaultKey(kind), JSON.stringify(fresh));
    return fresh.token;
  };
  const renew = (kind: TokenKind): Promise<string> => {
    const running = asking.get(kind);
    if (running !== undefined) return running;
    const begun = ask(kind).finally(() => asking.delete(kind));
    asking.set(kind, begun);
    return begun;
  };

  return {
    current: (kind, signal) =>
      unlessStopped(
        stored(kind).then((known) => known?.token ?? renew(kind)),
        signal,
      ),
    afterRefusal: (kind, refused, signal) => {
      const known = held.get(kind)?.token;
      const other = known !== undefined && known !== refused && !asking.has(kind);
      return unlessStopped(other ? Promise.resolve(known) : renew(kind), signal);
    },
  };
}

/** The HTTP client's own time-out still applies: the request serves all callers and outlives the first one's signal. */
const never = new AbortController().signal;

function vaultKey(kind: TokenKind): string {
  return `token ${kind}`;
}

function readHeld(text: string | null): Held | null {
  if (text === null) return null;
  try {
    return Held.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function grantRequest(config: EbayConfig, url: string, kind: TokenKind) {
  const basic = Buffer.from(`${config.client_id}:${config.client_secret}`).toString('base64');
  const form: Record<string, string> =
    kind === 'user'
      ? { grant_type: 'refresh_token', refresh_token: config.refresh_token }
      : { grant_type: 'client_credentials', scope: appScope };
  return {
    method: 'POST' as const,
    url,
    headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  };
}

/** Without an answer to this request the one that wanted the token was never sent. */
function nothingDone(error: unknown): never {
  if (error instanceof ChannelError && error.kind === 'unknown') {
    throw new ChannelError('retry', `no token: ${error.message}`, { cause: error });
  }
  throw error;
}

function readGrant(answer: HttpAnswer, kind: TokenKind): z.infer<typeof Grant> {
  const body = bodyOf(answer);
  if (answer.status === 200) {
    const grant = Grant.safeParse(body);
    if (grant.success) return grant.data;
    throw new ChannelError('retry', 'eBay answered the token request in an unexpected shape');
  }
  const refused = Refused.safeParse(body).data ?? { error: '', error_description: '' };
  const why = short(`${refused.error} ${refused.error_description}`.trim() || `HTTP ${answer.status}`);
  if (answer.status === 429) {
    const afterMs = retryAfterMs(answer) ?? 60_000;
    throw new ChannelError('throttled', `no token: ${why}`, { afterMs });
  }
  if (answer.status >= 500) throw new ChannelError('retry', `no token: ${why}`);
  throw new ChannelError('auth', `eBay gave no access token: ${why}`, {
    hint: remedyFor(refused.error, kind),
  });
}

function remedyFor(error: string, kind: TokenKind): string {
  if (error === 'invalid_grant' || error === 'invalid_scope')
    return `the refresh token is over, revoked or of another keyset (18 months, a changed password, a revoked consent): ${scopesHelp}`;
  if (error === 'unauthorized_client')
    return 'the keyset may not do this: production keysets stay disabled until the account-deletion endpoint is verified or exempted';
  return kind === 'user'
    ? `check client_id, client_secret and refresh_token (production keys do not work in the sandbox); else ${scopesHelp}`
    : 'check client_id and client_secret (production keys do not work in the sandbox)';
}

function bodyOf(answer: HttpAnswer): unknown {
  try {
    return parseJsonBytes(answer.body);
  } catch {
    return null;
  }
}
