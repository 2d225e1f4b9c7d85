import { AppError } from '../../errors.ts';
import type { FaultRequest } from '../shop.ts';
import type { Random } from './random.ts';

interface Armed {
  rate: number | null;
  count: number | null;
  ms: number;
}

/** The fault switches that every shop has; a shop adds its platform's own. */
export const sharedFaults = [
  'drop_webhook',
  'duplicate_webhook',
  /** By `ms`. */
  'delay_webhook',
  'reorder_webhook',
  'bad_signature',
  /** The write happens, the connection is cut. */
  'apply_then_timeout',
  /** Nothing happens, nothing is answered. */
  'timeout',
  /** Before applying. */
  'error_500',
  /** After applying. */
  'error_500_after',
  'throttle',
  /** By `ms`. */
  'slow',
  /** A sale slips in between read and write. */
  'sale_before_write',
  /** The write is obeyed `ms` later, long after the caller hung up. */
  'late_apply',
  /** Orders are listed `ms` late. */
  'order_lag',
  /** One call is refused, and so is the refresh that follows it: one hit cannot be healed by a new token. */
  'auth',
] as const;

export type Faults = ReturnType<typeof createFaults>;

/** The fault switches of one shop. */
export function createFaults(random: Random, known: readonly string[]) {
  const faults = new Map<string, Armed>();
  // The delay of a fault that was just used up is still asked for.
  const usedMs = new Map<string, number>();
  /** Is this fault due now? Consumes one of `count`. */
  const hits = (name: string): boolean => {
    const fault = faults.get(name);
    if (fault === undefined) return false;
    if (fault.rate !== null && !random.chance(fault.rate)) return false;
    if (fault.count !== null) {
      fault.count -= 1;
      if (fault.count <= 0) {
        faults.delete(name);
        usedMs.set(name, fault.ms);
      }
    }
    return true;
  };
  const msOf = (name: string): number => faults.get(name)?.ms ?? usedMs.get(name) ?? 0;
  return {
    hits,
    ms: msOf,
    /** If the fault is due now: its delay, else `elseMs` where it was armed without one. Null: it is not due. */
    dueMs(name: string, elseMs = 0): number | null {
      const ms = msOf(name);
      if (!hits(name)) return null;
      return ms > 0 ? ms : elseMs;
    },
    arm(request: FaultRequest): void {
      if (request.clear === true) faults.clear();
      if (request.name === undefined) return;
      if (!known.includes(request.name)) {
        throw new AppError('unknown_fault', `no fault "${request.name}" here`, {
          hint: `known: ${known.join(', ')}`,
        });
      }
      if (request.rate === 0 || request.count === 0) faults.delete(request.name);
      else
        faults.set(request.name, {
          rate: request.rate ?? null,
          count: request.count ?? null,
          ms: request.ms ?? 0,
        });
    },
    armed: (): string[] => [...faults.keys()],
  };
}
