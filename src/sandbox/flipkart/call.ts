import type { WriteRecord } from '../kit/records.ts';

/** One call of the API as its handler sees it. */
export interface Call {
  query: URLSearchParams;
  /** What the groups of the route's pattern matched, in the decoded path. */
  params: string[];
  /** Parsed; null when there was none. */
  body: unknown;
  /** The stock writes of this call, marked as answered when the answer leaves. */
  writes: WriteRecord[];
}

/** What a handler answers. A text is sent as it is. */
export interface Result {
  status: number;
  body: unknown;
}

/** A route under `/sellers`. `pattern` is matched against the whole decoded path. */
export interface Route {
  method: 'GET' | 'POST';
  pattern: RegExp;
  /** What counts together for the rate (FK-6). */
  family: 'listings' | 'orders';
  /** Changes something, so the faults that leave a writer in doubt may hit it. */
  writes?: true;
  run(call: Call): Result;
}
