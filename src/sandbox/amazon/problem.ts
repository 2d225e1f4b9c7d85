import type { ShopAnswer } from '../kit/server.ts';

/** What an API refuses with: thrown by a handler, answered as the error list that old and new APIs share. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  /** Newer APIs tell details, often empty; older ones leave the field out (`null`). */
  readonly details: string | null;

  constructor(status: number, code: string, message: string, details: string | null = '') {
    super(message);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/** The error body of every API (AMZ-1.3), with the header that names the kind. */
export function problemAnswer({ status, code, message, details }: Problem): ShopAnswer {
  const error = { code, message, ...(details === null ? {} : { details }) };
  return {
    status,
    headers: { 'x-amzn-ErrorType': `${code}Exception` },
    body: JSON.stringify({ errors: [error] }),
  };
}

export function invalidInput(message: string, details = ''): Problem {
  return new Problem(400, 'InvalidInput', message, details);
}

/** A parameter that cannot be so. */
export function invalidValue(name: string, details = ''): Problem {
  return invalidInput(`Invalid '${name}' provided.`, details);
}

/** What a missing role, another seller, an unknown path and a strange token all get. */
export function denied(details = ''): Problem {
  return new Problem(403, 'Unauthorized', 'Access to requested resource is denied.', details);
}

export function quotaExceeded(message = 'You exceeded your quota for the requested resource.'): Problem {
  return new Problem(429, 'QuotaExceeded', message, '');
}

export function internalFailure(): Problem {
  return new Problem(500, 'InternalFailure', 'We encountered an internal error. Please try again.', '');
}
