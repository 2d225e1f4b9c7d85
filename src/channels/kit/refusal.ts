import { ChannelError } from '../errors.ts';
import type { HttpAnswer } from './http.ts';
import { retryAfterMs } from './retry-after.ts';

/** What a request could have done: a `write` without a clear answer may have happened. */
export type Effect = 'read' | 'write';

/** A failure with what the platform said, for callers to whom some refusals are an answer. `status` 0: none was told. */
export class Refusal extends ChannelError {
  readonly status: number;
  readonly codes: readonly (string | number)[];
  /** What may mend a refusal that did nothing (`token`, or a word of the platform's own); null: nothing. */
  readonly cure: string | null;

  constructor(
    kind: ChannelError['kind'],
    message: string,
    facts: {
      status?: number;
      codes?: readonly (string | number)[];
      cure?: string | null;
      hint?: string;
      afterMs?: number | null;
      cause?: unknown;
    } = {},
  ) {
    super(kind, message, {
      hint: facts.hint ?? '',
      cause: facts.cause,
      ...(typeof facts.afterMs === 'number' ? { afterMs: facts.afterMs } : {}),
    });
    this.name = 'Refusal';
    this.status = facts.status ?? 0;
    this.codes = facts.codes ?? [];
    this.cure = facts.cure ?? null;
  }

  has(...codes: (string | number)[]): boolean {
    return codes.some((code) => this.codes.includes(code));
  }
}

/** Did the platform answer that it has no such thing? */
export function isNotFound(error: unknown): error is Refusal {
  return error instanceof Refusal && error.status === 404;
}

/** For `catch`: null where a refusal is an answer to the caller; every other failure is thrown on. */
export function nullWhen(isAnswer: (refusal: Refusal) => boolean): (error: unknown) => null {
  return (error) => {
    if (error instanceof Refusal && isAnswer(error)) return null;
    throw error;
  };
}

/** What an answer says besides its status. Hints are for people. */
export interface Said {
  /** The whole message: what was asked, and what was answered. */
  told: string;
  effect: Effect;
  codes?: readonly (string | number)[];
  hints?: { auth?: string; forbidden?: string; throttled?: string; rejected?: string };
}

/**
 * The failure that a status means, by the rules of HTTP; null for 2xx. A platform with rules of its own asks itself first.
 * 503 is said before any work; any other 5xx may come after it.
 */
export function statusFailure(answer: HttpAnswer, said: Said): Refusal | null {
  const { status } = answer;
  const { told, effect, codes = [], hints = {} } = said;
  if (status >= 200 && status < 300) return null;
  const facts = { status, codes, afterMs: retryAfterMs(answer) };
  const auth = hints.auth ?? 'renew the credentials, then run: invsync check';
  if (status === 401) return new Refusal('auth', told, { ...facts, cure: 'token', hint: auth });
  if (status === 403) return new Refusal('auth', told, { ...facts, hint: hints.forbidden ?? auth });
  if (status === 429) return new Refusal('throttled', told, { ...facts, hint: hints.throttled ?? '' });
  if (status === 503) return new Refusal('retry', told, facts);
  if (status >= 500) return unclear(effect, told, facts);
  if (status >= 300 && status < 400)
    return new Refusal('rejected', `${told} (a redirect)`, {
      ...facts,
      hint: 'check base_url: redirects are not followed',
    });
  return new Refusal('rejected', told, { ...facts, hint: hints.rejected ?? 'run: invsync check' });
}

/** Failure of a request whose effect nobody can tell. */
export function unclear(
  effect: Effect,
  message: string,
  facts: ConstructorParameters<typeof Refusal>[2] = {},
): Refusal {
  return new Refusal(effect === 'write' ? 'unknown' : 'retry', message, facts);
}

/** Nothing of a write has left yet: whatever failed before it may be tried again. */
export function beforeWriting(error: unknown): unknown {
  if (!(error instanceof ChannelError) || error.kind !== 'unknown') return error;
  return new ChannelError('retry', error.message, { hint: error.hint, cause: error });
}

/** Words of a platform for people: one line, 200 characters at most, and without the given secrets. */
export function short(text: string, secrets: readonly string[] = []): string {
  const clean = secrets.reduce(
    (rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '[secret]')),
    text,
  );
  const line = clean.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
