import type { ActionOutcome, PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';

/** What an outcome says where the failure does not: when to come back, and what to do. */
export interface OutcomeDefaults {
  throttledMs: number;
  hint: string;
}

const usual: OutcomeDefaults = { throttledMs: 2_000, hint: 'run: invsync check' };

/**
 * A failure as the outcome of a line; its hint and its time are never lost. What is no `ChannelError` is a defect and is
 * thrown on.
 */
export function lineOutcome(failure: unknown, defaults: OutcomeDefaults = usual): PushOutcome {
  if (!(failure instanceof ChannelError)) throw failure;
  const { kind, message, afterMs, hint } = failure;
  const error = hint === '' ? message : `${message}. ${hint}`;
  switch (kind) {
    case 'throttled':
      return { kind, error, afterMs: afterMs ?? defaults.throttledMs };
    case 'retry':
      return { kind, error, ...(afterMs === undefined ? {} : { afterMs }) };
    case 'rejected':
      return { kind, error: message, hint: hint || defaults.hint };
    default:
      return { kind, error };
  }
}

/** Lines that were not sent share the fate of what stopped the call, but nothing of theirs is in doubt. */
export function unsentOutcome(failure: ChannelError): PushOutcome {
  if (failure.kind !== 'unknown') return lineOutcome(failure);
  return { kind: 'retry', error: 'not sent: an earlier part of the call had no answer' };
}

/** A failed request as the outcome of a hold or cancel; `actsForMs`: how long one without an answer may still act. */
export function actionOutcome(failure: unknown, actsForMs?: number): ActionOutcome {
  if (!(failure instanceof ChannelError)) throw failure;
  const { kind, message: error } = failure;
  if (kind === 'auth') return { kind, error };
  if (kind === 'rejected') return { kind: 'refused', error };
  const afterMs = kind === 'unknown' ? actsForMs : failure.afterMs;
  return { kind: 'retry', error, ...(afterMs === undefined ? {} : { afterMs }) };
}
