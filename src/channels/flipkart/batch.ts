import type { PushLine, PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Shop } from './shop.ts';

/** One call of `setStock` on its way. */
export interface Batch {
  shop: Shop;
  signal: AbortSignal;
  outcomes: Map<PushLine, PushOutcome>;
}

/** A failure as the outcome of a line; what is no `ChannelError` is a defect and is thrown on. */
export function outcomeOf(error: unknown): PushOutcome {
  if (!(error instanceof ChannelError)) throw error;
  const { message, afterMs } = error;
  switch (error.kind) {
    case 'throttled':
      return { kind: 'throttled', error: message, afterMs: afterMs ?? 2_000 };
    case 'retry':
      return { kind: 'retry', error: message, ...(afterMs === undefined ? {} : { afterMs }) };
    case 'rejected':
      return { kind: 'rejected', error: message, hint: error.hint || 'run: invsync check' };
    default:
      return { kind: error.kind, error: message };
  }
}
