import type { ChannelDeps, CheckItem } from '../channel.ts';
import { fail, ok, warn } from '../kit/check.ts';
import type { HttpClient } from '../kit/http.ts';
import { basicProof, createTokens, formRequest, grantIn, nobodysSignal, type Tokens } from '../kit/oauth.ts';
import type { EbayConfig } from './config.ts';

/** `user`: acts for the seller. `app`: acts for the keyset (public keys, topics, destinations; EBAY-1.3). */
export type TokenKind = 'user' | 'app';

const appScope = 'https://api.ebay.com/oauth/api_scope';
const scopesHelp = 'consent again in the browser, then set refresh_token and refresh_token_created';

/**
 * Tokens by the refresh grant and the client-credentials grant (EBAY-1.2, EBAY-1.3). 1,000 application tokens a day is all
 * that the keyset gets. The refresh grant names no scope: the token then has all that the seller consented to.
 */
export function createEbayTokens(config: EbayConfig, deps: ChannelDeps, http: HttpClient) {
  const url = config.token_url ?? `${deps.baseUrl ?? 'https://api.ebay.com'}/identity/v1/oauth2/token`;
  const { client_id, client_secret, refresh_token } = config;
  let warnedAt = 0;
  /** Says so in the log once a day, when a token is asked for and the consent is about to end. */
  const noteConsentAge = (): void => {
    const now = deps.clock.now();
    const { level, detail } = consentItem(config, now);
    if (config.refresh_token_created === undefined || level === 'ok' || now - warnedAt < dayMs) return;
    warnedAt = now;
    deps.log.warn({ channel: deps.name, detail }, 'the refresh token is about to end');
  };
  const make = (kind: TokenKind): Tokens =>
    createTokens({
      clock: deps.clock,
      vault: deps.vault,
      key: `token ${kind}`,
      owner: [url, client_id, client_secret, refresh_token],
      refreshToken: refresh_token,
      renewWithinMs: (lifeMs) => lifeMs * 0.15,
      async ask(refresh) {
        const form: Record<string, string> =
          kind === 'user'
            ? { grant_type: 'refresh_token', refresh_token: refresh }
            : { grant_type: 'client_credentials', scope: appScope };
        const authorization = basicProof(client_id, client_secret);
        const granted = grantIn(await http(formRequest(url, form, { authorization }), nobodysSignal), {
          who: 'eBay',
          lifeMs: 7_200_000,
          secrets: [client_secret, refresh_token],
          hints: remedies,
          hint: usualRemedies[kind],
        });
        if (kind === 'user') noteConsentAge();
        return granted;
      },
    });
  return { user: make('user'), app: make('app') };
}

const over = `the refresh token is over, revoked or of another keyset (18 months, a changed password, a revoked consent): ${scopesHelp}`;
const remedies: Readonly<Record<string, string>> = {
  invalid_grant: over,
  invalid_scope: over,
  unauthorized_client:
    'the keyset may not do this: production keysets stay disabled until the account-deletion endpoint is verified or exempted',
};
const usualRemedies = {
  user: `check client_id, client_secret and refresh_token (production keys do not work in the sandbox); else ${scopesHelp}`,
  app: 'check client_id and client_secret (production keys do not work in the sandbox)',
};

const dayMs = 86_400_000;
/** 47,304,000 s, 18 months (EBAY-1.2); it is not renewed by use. */
const consentLifeMs = 47_304_000_000;
/** From month 15 on. */
const warnWithinMs = (consentLifeMs * 3) / 18;

/** How old the seller's consent is and what to do about it. */
export function consentItem({ refresh_token_created: created }: EbayConfig, now: number): CheckItem {
  const name = 'refresh token';
  if (created === undefined) {
    const detail = 'its birth date is not known; it ends 18 months after the consent';
    return warn(name, detail, 'set refresh_token_created to the day of the consent');
  }
  const endsAt = Date.parse(created) + consentLifeMs;
  const until = new Date(endsAt).toISOString().slice(0, 10);
  const remedy = 'let the seller consent again in the browser; set refresh_token and refresh_token_created';
  if (now >= endsAt) return fail(name, `over since ${until}`, remedy);
  const detail = `ends on ${until}, in ${Math.floor((endsAt - now) / dayMs)} days`;
  return now >= endsAt - warnWithinMs ? warn(name, detail, remedy) : ok(name, detail);
}
