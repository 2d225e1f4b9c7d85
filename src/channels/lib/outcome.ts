import type { PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';

/** What an outcome says where the failure does not: when to come back, and what to do. */
export interface OutcomeDefaults {
  throttledMs: number;
  hint: string;
}

/** A failure as the outcome of a line; what is no `ChannelError` is a defect and is thrown on. */
export function lineOutcome(error: unknown, defaults: OutcomeDefaults): PushOutcome {
  if (!(error instanceof ChannelError)) throw error;
  const { message, afterMs } = error;
  switch (error.kind) {
    case 'throttled':
      return { kind: 'throttled', error: message, afterMs: afterMs ?? defaults.throttledMs };
    case 'retry':
      return { kind: 'retry', error: message, ...(afterMs === undefined ? {} : { afterMs }) };
    case 'rejected':
      return { kind: 'rejected', error: message, hint: error.hint || defaults.hint };
    default:
      return { kind: error.kind, error: message };
  }
}
