/**
 * The one error that leaves an adapter's network methods. `kind` says what the engine does:
 * `auth` parks the channel and alerts; `throttled` waits `afterMs` and spends no retry budget; `retry` waits with
 * backoff; `unknown` is a request without an answer; `rejected` will not get better by itself.
 */
export class ChannelError extends Error {
  readonly kind: 'auth' | 'throttled' | 'retry' | 'unknown' | 'rejected';
  /** Set once more by the queue that the request waited in, which knows how often it was refused. */
  afterMs: number | undefined;
  readonly hint: string;
  /** We called it off ourselves: it says nothing about the channel. */
  readonly calledOff: boolean;

  constructor(
    kind: ChannelError['kind'],
    message: string,
    options: { afterMs?: number; hint?: string; calledOff?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ChannelError';
    this.kind = kind;
    this.afterMs = options.afterMs;
    this.hint = options.hint ?? '';
    this.calledOff = options.calledOff ?? false;
  }
}

/** What a request that was called off before it left fails with: it did nothing, and may be made again. */
export function stopped(): ChannelError {
  return new ChannelError('retry', 'stopped before the request was sent', { calledOff: true });
}
