import type { ChannelError } from '../errors.ts';
import type { HttpAnswer } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { type Effect, Refusal } from '../kit/refusal.ts';
import { retryAfterMs } from '../kit/retry-after.ts';
import type { Scheme } from './auth.ts';
import { sameSite } from './config.ts';
import { errorBody } from './schema.ts';

/** What was asked, as far as it decides how a failure is to be understood. */
export interface Asked {
  what: string;
  method: string;
  effect: Effect;
  scheme: Scheme | 'none';
  /** The configured address of the shop. */
  url: string;
}

/** How a failure is to be understood. `more` follows the status in its message. */
interface Meaning {
  kind: ChannelError['kind'];
  more?: string;
  hint?: string;
  afterMs?: number;
  cure?: string;
}

/** WordPress says 600 s during each update, however short; 429 is honoured up to a quarter of an hour. */
const maintenanceMs = 60_000;
const longestWaitMs = 15 * 60_000;
const defaultWaitMs = 5_000;

/**
 * The failure that an answer tells, or null (WOO-7, WOO-O.1, WOO-O.10; verified 2026-11). A write whose answer cannot be
 * read is `unknown`: a shop obeys also when nobody listens (WOO-O.2).
 */
export function failureOf(answer: HttpAnswer, asked: Asked): Refusal | null {
  const { status, body } = answer;
  const isGood = status >= 200 && status < 300;
  if (isGood && readJson(body, asked.effect) !== null) return null;
  const told = errorBody.safeParse(jsonOf(body)).data;
  const [code, message] = [told?.code ?? '', plainText(told?.message ?? '')];
  const {
    kind,
    more = '',
    ...facts
  } = isGood ? unreadable(answer, asked) : meaningOf(answer, { ...asked, code, message });
  const said = `HTTP ${status}${message === '' ? '' : ` ${code}: ${message}`}`;
  return new Refusal(kind, `${asked.what}: ${said}${more}`, { status, codes: [code], ...facts });
}

/** Did WooCommerce itself say that there is no such thing? A missing route must not look like a missing product. */
export function isGone({ status, codes }: Refusal): boolean {
  return status === 404 && String(codes[0]).includes('invalid_id');
}

/** Does the shop have no such route, or refuse this one request? */
export function isDenied({ status, kind }: Refusal): boolean {
  return status === 404 || kind === 'rejected';
}

/**
 * JSON in an answer, and where it begins. What PHP prints before it (notices) is skipped for reads only: before the answer
 * of a write it would hide that something broke. A BOM is skipped in both.
 */
export function readJson(body: Uint8Array, effect: Effect): { json: unknown; at: number } | null {
  const whole = jsonOf(body);
  if (whole !== undefined) return { json: whole, at: 0 };
  if (effect === 'write') return null;
  const text = Buffer.from(body).toString('utf8');
  // A notice may itself hold a bracket ("array[0]"), so that the first line that parses wins.
  for (const { index } of text.matchAll(/[[{]/g)) {
    if (index > 20_000) break;
    const json = jsonOf(Buffer.from(text.slice(index), 'utf8'));
    if (json !== undefined) return { json, at: index };
  }
  return null;
}

/** Text of the shop for people: no tags, no entities, 200 characters at most. */
export function plainText(text: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#039': "'", amp: '&' };
  return text
    .replace(/<[^>]*>/g, '')
    .replace(/&(lt|gt|quot|#039|amp);/g, (_, name: string) => entities[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
}

function unreadable({ body }: HttpAnswer, { effect }: Asked): Meaning {
  const kind = effect === 'write' ? 'unknown' : 'retry';
  const rest = readJson(body, 'read');
  if (rest === null || rest.at === 0)
    return {
      kind,
      more: ', but the answer is no JSON',
      hint: 'a firewall, a cache or a plugin answers in place of the shop: allow the path /wp-json/wc/ there',
    };
  const before = plainText(Buffer.from(body).toString('utf8').slice(0, rest.at));
  return {
    kind,
    more: `, but PHP prints before the JSON: ${before}`,
    hint: 'a plugin or theme makes PHP print warnings into answers: set WP_DEBUG_DISPLAY to false in wp-config.php (or display_errors = Off in php.ini), and mend what the warning names',
  };
}

/** An error with WooCommerce's code and message as plain text; both empty when the body is not its own. */
type Told = Asked & { code: string; message: string };

function meaningOf(answer: HttpAnswer, told: Told): Meaning {
  const { status } = answer;
  const { code } = told;
  if (status < 400) return redirected(answer, told);
  if (status === 401) return unauthorized(told);
  if (status === 403 && code === '')
    return {
      kind: 'retry',
      hint: 'a firewall or security plugin answers in place of the shop: allow the address of this daemon there',
    };
  if (status === 403)
    return {
      kind: 'auth',
      hint: 'the WordPress user of the key must be a shop manager or administrator, and no plugin may close the REST API',
    };
  // A route is missing also for the minutes in which WooCommerce is updated: pushes must outlive that (WOO-7).
  if (status === 404 && (code === '' || code === 'rest_no_route'))
    return {
      kind: 'retry',
      hint: `${permalinkRemedy}, check that WooCommerce is active and that url has the path of the shop`,
    };
  if (status === 408 || status === 429)
    return {
      kind: 'throttled',
      afterMs: Math.min(retryAfterMs(answer) ?? defaultWaitMs, longestWaitMs),
      hint: 'the host of the shop limits requests; invsync waits by itself',
    };
  if (status >= 500 && !code.startsWith('woocommerce_rest_')) return broken(answer, told);
  return { kind: 'rejected', ...(status === 405 && told.method === 'PUT' ? { cure: 'POST' } : {}) };
}

/**
 * Redirects are not followed: they turn PUT into GET and drop the credentials. With plain permalinks behind
 * a front controller WordPress sends every REST path to its home page (recorded 2026-11-30).
 */
function redirected({ status, headers }: HttpAnswer, { url, effect }: Asked): Meaning {
  const target = headers['location'] ?? '';
  const bare = target
    .replace(/\?.*$/, '')
    .replace(/\/wp-json\/.*$/, '')
    .replace(/\/+$/, '');
  const better = URL.canParse(target) ? bare : '(no location given)';
  const isHome = sameSite(better, url) && new URL(better).origin === new URL(url).origin;
  const remedy = isHome
    ? `the shop sends calls of its REST API to its own home page: ${permalinkRemedy}`
    : `use this URL instead in the configuration: url: ${better}`;
  return {
    kind: status === 301 || status === 308 ? 'rejected' : 'retry',
    more: `: the shop redirects to ${better}`,
    hint: `${remedy}${effect === 'write' ? '; nothing was written' : ''}`,
  };
}

/** What mends a site whose REST API has no address of its own. */
export const permalinkRemedy = 'set Settings > Permalinks in WordPress to anything but Plain';

function unauthorized(told: Told): Meaning {
  if (/nonce has already been used/i.test(told.message)) return { kind: 'retry' };
  return { kind: 'auth', hint: remedyFor(told) };
}

function remedyFor({ code, message, scheme }: Told): string {
  if (/consumer secret/i.test(message))
    return 'the key is known but its secret is wrong: check consumer_secret';
  if (/write permissions|read permissions/i.test(message))
    return 'give the key the permission Read/Write (WooCommerce > Settings > Advanced > REST API)';
  if (/timestamp/i.test(message))
    return 'the clocks of shop and daemon differ by more than 15 minutes: set them by NTP';
  if (/signature/i.test(message))
    return 'url must be exactly the Site Address of the shop (www, port and path included), and consumer_secret right';
  if (/cannot be used to access/i.test(message))
    return 'this address is closed to WooCommerce keys; nothing to mend';
  if (code === '')
    return 'the web server itself asks for a password: exempt /wp-json/ and /wp-cron.php from it';
  if (scheme === 'basic')
    return 'unknown key; or the shop does not know that it is on https (TLS proxy without X-Forwarded-Proto: set $_SERVER["HTTPS"]="on" in wp-config.php); or the host strips the Authorization header (set credentials_in_query: true)';
  return 'unknown key, or its WordPress user was deleted: make a new one under WooCommerce > Settings > Advanced > REST API';
}

function broken(answer: HttpAnswer, { effect }: Asked): Meaning {
  const waitMs = retryAfterMs(answer);
  if (answer.status === 503 && waitMs !== null)
    return {
      kind: 'throttled',
      afterMs: Math.min(waitMs, maintenanceMs),
      hint: 'the shop is in maintenance (an update); invsync waits by itself',
    };
  // A 503 without that word is no refusal here: web servers answer so when PHP took too long, and PHP goes on.
  if (effect === 'write') return { kind: 'unknown', hint: 'part of the request may have been carried out' };
  return {
    kind: 'retry',
    hint: 'see the PHP error log of the shop (WooCommerce > Status > Logs); invsync tries again by itself',
  };
}
