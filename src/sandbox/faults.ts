import { AppError } from '../errors.ts';
import type { Random } from './random.ts';
import type { FaultRequest } from './shop.ts';

interface Armed {
  rate: number | null;
  count: number | null;
  ms: number;
}

/**
 * The fault switches of one shop. The names below mean the same in every shop; a shop adds its platform's own:
 * drop_webhook · duplicate_webhook · delay_webhook (ms) · reorder_webhook · bad_signature ·
 * apply_then_timeout (write happens, connection is cut) · timeout (nothing happens) · error_500 (before applying) ·
 * error_500_after (after applying) · throttle · slow (ms) · sale_before_write (a sale slips in between read and write) ·
 * late_apply (ms: the write is obeyed long after the caller hung up) · order_lag (ms: orders are listed late) · auth
 */
export interface Faults {
  /** Is this fault due now? Consumes one of `count`. */
  hits(name: string): boolean;
  ms(name: string): number;
  arm(request: FaultRequest): void;
  armed(): string[];
}

export function createFaults(random: Random, known: readonly string[]): Faults {
  const faults = new Map<string, Armed>();
  // The delay of a fault that was just used up is still asked for.
  const usedMs = new Map<string, number>();
  return {
    hits(name) {
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
    },
    ms: (name) => faults.get(name)?.ms ?? usedMs.get(name) ?? 0,
    arm(request) {
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
    armed: () => [...faults.keys()],
  };
}
