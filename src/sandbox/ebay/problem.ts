import type { RestResult } from './call.ts';

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
export class RestProblem extends Error {
  readonly status: number;
  readonly error: RestError;
  readonly headers: Record<string, string>;

  constructor(status: number, error: RestError, headers: Record<string, string> = {}) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

/** An error of the request itself. `parameters` as name and value pairs. */
export function badRequest(
  domain: string,
  errorId: number,
  message: string,
  parameters: Record<string, string> = {},
): RestError {
  return {
    errorId,
    domain,
    category: 'REQUEST',
    message,
    longMessage: message,
    parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
  };
}

/** An error on the platform's side. */
export function systemError(domain: string, errorId: number, message: string): RestError {
  return { errorId, domain, category: 'APPLICATION', message, longMessage: message };
}

/** The answer of a problem. */
export function problemResult(problem: RestProblem): RestResult {
  return { status: problem.status, body: { errors: [problem.error] }, headers: problem.headers };
}
