import type { WriteRecord } from '../kit/records.ts';
import type { Grant } from './auth.ts';
import type { Family } from './quota.ts';

/** One REST call as its handler sees it. */
export interface RestCall {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
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

/** What a handler answers; without `body` the answer is empty. */
export interface RestResult {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
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
  run(call: RestCall): RestResult | Promise<RestResult>;
}
