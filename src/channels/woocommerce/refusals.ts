import type { HttpAnswer } from '../kit/http.ts';
import { Refusal } from '../kit/refusal.ts';
import { retryAfterMs } from '../kit/retry-after.ts';
import { plainText, readJson, refusalBody } from './answer.ts';
import type { Scheme } from './auth.ts';
import { sameSite } from './site.ts';

/** What was asked, as far as it decides how a failure is to be understood. */
export interface Asked {
  method: string;
  path: string;
  write: boolean;
  scheme: Scheme | 'none';
  /** The configured address of the shop. */
  url: string;
}

/** WordPress says 600 s during each update, however short; 429 is honoured up to a quarter of an hour. */
const maintenanceMs = 60_000;
const longestWaitMs = 15 * 60_000;
const defaultWaitMs = 5_000;

/** JSON of a good answer. What PHP prints before it is skipped where nothing was written. */
export function jsonIn({ body }: HttpAnswer, write: boolean): unknown {
  const parsed = readJson(body, write ? 'exact' : 'lenient');
  return parsed.found ? parsed.json : undefined;
}

/**
 * The failure that an answer tells, or null (WOO-7, WOO-O.1, WOO-O.10; verified 2026-11). A write whose answer cannot be
 * read is `unknown`: a shop obeys also when nobody listens (WOO-O.2).
 */
export function failureOf(answer: HttpAnswer, asked: Asked): Refusal | null {
  if (answer.status >= 200 && answer.status < 300)
    return jsonIn(answer, asked.write) === undefined ? unreadable(answer, asked) : null;
  const { code, message } = refusalBody(answer.body);
  const said = message === '' ? `HTTP ${answer.status}` : `HTTP ${answer.status} ${code}: ${message}`;
  const facts = { status: answer.status, codes: [code] };
  const what = `${asked.method} ${asked.path}: ${said}`;
  if (answer.status < 400) return redirected(answer, asked, what);
  if (answer.status === 401) return unauthorized(what, code, message, asked);
  if (answer.status === 403) return forbidden(what, code);
  if (answer.status === 404) return notFound(what, code);
  if (answer.status === 408 || answer.status === 429) {
    return new Refusal('throttled', what, {
      ...facts,
      afterMs: Math.min(retryAfterMs(answer) ?? defaultWaitMs, longestWaitMs),
      hint: 'the host of the shop limits requests; invsync waits by itself',
    });
  }
  if (answer.status >= 500) return broken(answer, asked, what, code);
  return new Refusal('rejected', what, facts);
}

function unreadable(answer: HttpAnswer, asked: Asked): Refusal {
  const before = textBefore(answer.body);
  return new Refusal(
    asked.write ? 'unknown' : 'retry',
    `${asked.method} ${asked.path}: HTTP ${answer.status}, but ${before === null ? 'the answer is no JSON' : `PHP prints before the JSON: ${before}`}`,
    {
      status: answer.status,
      hint:
        before === null
          ? 'a firewall, a cache or a plugin answers in place of the shop: allow the path /wp-json/wc/ there'
          : 'a plugin or theme makes PHP print warnings into answers: set WP_DEBUG_DISPLAY to false in wp-config.php (or display_errors = Off in php.ini), and mend what the warning names',
    },
  );
}

/** What stands before the JSON of an answer (a PHP notice), as plain text; null when there is none in it. */
function textBefore(body: Uint8Array): string | null {
  const rest = readJson(body, 'lenient');
  if (!rest.found || rest.at === 0) return null;
  return plainText(Buffer.from(body).toString('utf8').slice(0, rest.at));
}

/**
 * Redirects are not followed: they turn PUT into GET and drop the credentials. With plain permalinks behind
 * a front controller WordPress sends every REST path to its home page (recorded 2026-11-30).
 */
function redirected(answer: HttpAnswer, asked: Asked, what: string): Refusal {
  const target = answer.headers['location'] ?? '';
  const known = URL.canParse(target);
  const better = known
    ? target
        .replace(/\?.*$/, '')
        .replace(/\/wp-json\/.*$/, '')
        .replace(/\/+$/, '')
    : '(no location given)';
  const forGood = answer.status === 301 || answer.status === 308;
  const same = known && sameSite(better, asked.url) && new URL(better).host === new URL(asked.url).host;
  const home = same && new URL(better).protocol === new URL(asked.url).protocol;
  const nothing = asked.write ? '; nothing was written' : '';
  return new Refusal(forGood ? 'rejected' : 'retry', `${what}: the shop redirects to ${better}`, {
    status: answer.status,
    hint: home
      ? `the shop sends calls of its REST API to its own home page: ${permalinkRemedy}${nothing}`
      : `use this URL instead in the configuration: url: ${better}${nothing}`,
  });
}

/** What mends a site whose REST API has no address of its own. */
export const permalinkRemedy = 'set Settings > Permalinks in WordPress to anything but Plain';

function unauthorized(what: string, code: string, message: string, asked: Asked): Refusal {
  const facts = { status: 401, codes: [code] };
  if (/nonce has already been used/i.test(message)) return new Refusal('retry', what, facts);
  return new Refusal('auth', what, { ...facts, hint: remedyFor(code, message, asked) });
}

function remedyFor(code: string, message: string, asked: Asked): string {
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
  if (asked.scheme === 'basic')
    return 'unknown key; or the shop does not know that it is on https (TLS proxy without X-Forwarded-Proto: set $_SERVER["HTTPS"]="on" in wp-config.php); or the host strips the Authorization header (set credentials_in_query: true)';
  return 'unknown key, or its WordPress user was deleted: make a new one under WooCommerce > Settings > Advanced > REST API';
}

function forbidden(what: string, code: string): Refusal {
  if (code === '') {
    return new Refusal('retry', what, {
      status: 403,
      codes: [code],
      hint: 'a firewall or security plugin answers in place of the shop: allow the address of this daemon there',
    });
  }
  return new Refusal('auth', what, {
    status: 403,
    codes: [code],
    hint: 'the WordPress user of the key must be a shop manager or administrator, and no plugin may close the REST API',
  });
}

/** A route is missing also for the minutes in which WooCommerce is updated: pushes must outlive that (WOO-7). */
function notFound(what: string, code: string): Refusal {
  const facts = { status: 404, codes: [code] };
  if (code !== '' && code !== 'rest_no_route') return new Refusal('rejected', what, facts);
  return new Refusal('retry', what, {
    ...facts,
    hint: `${permalinkRemedy}, check that WooCommerce is active and that url has the path of the shop`,
  });
}

function broken(answer: HttpAnswer, asked: Asked, what: string, code: string): Refusal {
  const facts = { status: answer.status, codes: [code] };
  if (code.startsWith('woocommerce_rest_')) return new Refusal('rejected', what, facts);
  const waitMs = retryAfterMs(answer);
  if (answer.status === 503 && waitMs !== null) {
    return new Refusal('throttled', what, {
      ...facts,
      afterMs: Math.min(waitMs, maintenanceMs),
      hint: 'the shop is in maintenance (an update); invsync waits by itself',
    });
  }
  // A 503 without that word is no refusal here: web servers answer so when PHP took too long, and PHP goes on.
  if (asked.write) {
    return new Refusal('unknown', what, { ...facts, hint: 'part of the request may have been carried out' });
  }
  return new Refusal('retry', what, {
    ...facts,
    hint: 'see the PHP error log of the shop (WooCommerce > Status > Logs); invsync tries again by itself',
  });
}
