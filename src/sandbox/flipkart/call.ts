import type { WriteRecord } from '../kit/records.ts';
import { jsonAnswer, Refused, type ShopAnswer } from '../kit/server.ts';

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

/** A route under `/sellers`. `pattern` is matched against the whole decoded path. */
export interface Route {
  method: 'GET' | 'POST';
  pattern: RegExp;
  /** What counts together for the rate (FK-6). */
  family: 'listings' | 'orders';
  /** Changes something, so the faults that leave a writer in doubt may hit it. */
  writes?: true;
  run(call: Call): ShopAnswer;
}

/** A call that the API refuses whole. The envelope is the rows of the listing calls, as no other form is published. */
export class Problem extends Refused {
  constructor(status: number, description: string, headers: Record<string, string> = {}) {
    const errors = [errorRow(status, description)];
    super(description, { ...jsonAnswer(status, { errors }), headers });
  }
}

/** One entry of an `errors` list; codes have no public list (FK-4), these are the shop's own. */
export function errorRow(code: number, description: string, path = ''): Record<string, unknown> {
  return { severity: 'ERROR', code, description, path };
}

/** Throws Problem 400. */
export function bad(description: string): never {
  throw new Problem(400, description);
}

/** Refuses where this does not hold. */
export function need(holds: boolean, description: string): asserts holds {
  if (!holds) bad(description);
}
