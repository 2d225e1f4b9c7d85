import type { WriteRecord } from '../kit/records.ts';
import { jsonAnswer, Refused, type ShopAnswer } from '../kit/server.ts';
import type { Grant } from './auth.ts';
import type { Family } from './quota.ts';

/** One REST call as its handler sees it. */
export interface RestCall {
  path: string;
  query: URLSearchParams;
  /** What the groups of the route's pattern matched, decoded. */
  params: string[];
  /** Parsed; null when there was none. */
  body: unknown;
  /** Bytes of the body. */
  length: number;
  grant: Grant;
  /** The stock writes of this call, marked as answered when the answer leaves. */
  writes: WriteRecord[];
}

/** An answer with everything in order. */
export function ok(body: unknown): ShopAnswer {
  return jsonAnswer(200, body);
}

/** An empty answer. */
export function empty(status: number, headers: Record<string, string> = {}): ShopAnswer {
  return { status, headers, body: '' };
}

/** A route of the REST side. `pattern` is matched against the whole path. */
export interface Route {
  method: string;
  pattern: RegExp;
  family: Family;
  /** Scopes of which one must be granted; empty: any. */
  scopes: readonly string[];
  /** Whose token: the seller's, the application's, or either. */
  token: 'user' | 'app' | 'any';
  /** Changes a number, so the faults that leave a writer in doubt may hit it. */
  writesStock?: true;
  run(call: RestCall): ShopAnswer | Promise<ShopAnswer>;
}

/** Makes routes under a path, each of a line `GET /offer/#` where `#` stands for one segment. */
export function routesUnder<Context>(context: Context, base: string) {
  return (
    line: string,
    needs: Omit<Route, 'method' | 'pattern' | 'run'>,
    run: (context: Context, call: RestCall) => ShopAnswer | Promise<ShopAnswer>,
  ): Route => {
    const [method = '', path = ''] = line.split(' ');
    const pattern = new RegExp(`^${base}${path.replaceAll('#', '([^/]+)')}$`);
    return { ...needs, method, pattern, run: (call) => run(context, call) };
  };
}

/**
 * Ids that the facts do not name (25705, 25706, 30500, 30800 to 30840, 32100, 195004, 195005, 195007,
 * 195013, 195014, 195018, 1002, 1100, 2001 to 2004, and those of Post-Order) are from memory and not verified.
 */

/** One entry of a REST error body (EBAY-7). */
export interface RestError {
  errorId: number;
  domain: string;
  category: 'REQUEST' | 'APPLICATION';
  message: string;
  longMessage: string;
  parameters?: { name: string; value: string }[];
}

/** Ends a REST call with an error body. */
export class RestProblem extends Refused {
  readonly error: RestError;

  constructor(status: number, error: RestError, headers: Record<string, string> = {}) {
    super(error.message, { ...jsonAnswer(status, { errors: [error] }), headers });
    this.error = error;
  }
}

/** The errors of the requests to one API; `parameters` as name and value pairs. */
export function errorsOf(domain: string) {
  const bad = (errorId: number, message: string, parameters: Record<string, string> = {}): RestError => ({
    errorId,
    domain,
    category: 'REQUEST',
    message,
    longMessage: message,
    parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
  });
  const problem = (status: number, ...error: Parameters<typeof bad>) =>
    new RestProblem(status, bad(...error));
  return { bad, problem };
}

/** An error on the platform's side. */
export function systemError(domain: string, errorId: number, message: string): RestError {
  return { errorId, domain, category: 'APPLICATION', message, longMessage: message };
}

/** A whole number of the query, within these bounds. */
export function bounded(
  { query }: RestCall,
  [name, fallback, low, high]: [name: string, fallback: number, low: number, high: number],
  refusal: (message: string, parameters: Record<string, string>) => RestProblem,
): number {
  const text = query.get(name);
  const value = text === null ? fallback : Number(text);
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw refusal(`Invalid ${name}.`, { [name]: text ?? '' });
}
