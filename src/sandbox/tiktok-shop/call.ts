import type { Rate } from '../kit/buckets.ts';
import type { WriteRecord } from '../kit/records.ts';

/** One business call as its handler sees it. */
export interface Call {
  query: URLSearchParams;
  /** What the groups of the route's pattern matched. */
  params: string[];
  /** The JSON object of the body; empty when there was none. */
  body: Record<string, unknown>;
  /** The stock writes of this call, marked as answered when the answer leaves. */
  writes: WriteRecord[];
}

/** A route: `/{domain}/{version}/{rest}`; each endpoint has versions of its own. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  domain: string;
  versions: readonly string[];
  /** Matched against all that follows the version. */
  rest: RegExp;
  scope: string;
  rate: Rate;
  /** Endpoints that refuse a `shop_cipher`. */
  noCipher?: true;
  /** Changes a number, so the faults that leave a writer in doubt may hit it. */
  writesStock?: true;
  /** Answers `data`. Throws `Refusal`. */
  run(call: Call): Record<string, unknown>;
}

/** What routes have in common. */
type Needs = Pick<Route, 'scope' | 'rate' | 'noCipher' | 'writesStock'>;

/** A route of a line `POST /order/202309/orders/search`; versions stand side by side, `#` is one segment. */
export function route(line: string, needs: Needs, run: Route['run']): Route {
  const [, method, domain = '', versions = '', rest = ''] =
    /^(GET|POST|PUT|DELETE) \/(\w+)\/([\d,]+)\/(.+)$/.exec(line) ?? [];
  const pattern = new RegExp(`^${rest.replaceAll('#', '([^/]+)')}$`);
  return {
    ...needs,
    method: method as Route['method'],
    domain,
    versions: versions.split(','),
    rest: pattern,
    run,
  };
}

/** The texts of a list in a body; null when it is not there. Ids that are no numbers as text fail the whole call. */
export function idsIn(body: Record<string, unknown>, name: string, most: number): string[] | null {
  const list = body[name];
  if (list === undefined || list === null) return null;
  if (!Array.isArray(list)) throw malformed(name);
  if (list.length > most) throw new Refusal(400, 36009004, `Invalid '${name}': at most ${most} are allowed`);
  return list.map((id) => {
    if (typeof id !== 'string' || !/^\d{1,20}$/.test(id)) throw malformed(name);
    return id;
  });
}

/** A time of a body in whole seconds, as ms; null when it is not there. */
export function timeIn(body: Record<string, unknown>, name: string): number | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw malformed(name);
  return value * 1_000;
}

/** A text of a body out of a list; null when it is not there. */
export function wordIn(
  body: Record<string, unknown>,
  name: string,
  allowed: readonly string[],
): string | null {
  const value = body[name];
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string' || !allowed.includes(value)) throw malformed(name);
  return value;
}

/** 36009023: the body is not what the endpoint's schema says. */
export function malformed(name: string): Refusal {
  return new Refusal(400, 36009023, `Invalid request body: '${name}' is invalid`);
}

/**
 * Why a call is refused, as the envelope tells it (TTS-4.2). The codes that the facts do not name (those of
 * cancellations, of the token host and of webhook addresses) are assumed here and not verified.
 */
export class Refusal extends Error {
  readonly status: number;
  readonly code: number;
  readonly headers: Record<string, string>;

  constructor(status: number, code: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** A refusal by the business behind the gateway: HTTP 200, which proves nothing. */
export function refused(code: number, message: string): Refusal {
  return new Refusal(200, code, message);
}

/** 36009004, reused for a dozen causes: only the message tells which. */
export function invalid(message: string): Refusal {
  return new Refusal(400, 36009004, message);
}
