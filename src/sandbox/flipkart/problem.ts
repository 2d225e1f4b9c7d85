import type { ShopAnswer } from '../kit/server.ts';

/** A call that the API refuses whole. */
export class Problem extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, description: string, headers: Record<string, string> = {}) {
    super(description);
    this.name = 'Problem';
    this.status = status;
    this.headers = headers;
  }
}

/** One entry of an `errors` list; codes have no public list (FK-4), these are the shop's own. */
export function errorRow(code: number, description: string, path = ''): Record<string, unknown> {
  return { severity: 'ERROR', code, description, path };
}

/** The envelope of a refusal: the rows of the listing calls, as no other form is published. */
export function problemAnswer(problem: Problem): ShopAnswer {
  const body = { errors: [errorRow(problem.status, problem.message)] };
  return { status: problem.status, headers: problem.headers, body: JSON.stringify(body) };
}
