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
