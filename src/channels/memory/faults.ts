/**
 * Bad weather of a memory platform, by the names that the sandbox shops use too.
 *
 * `throttle` (ms) · `auth` · `error` (nothing happened) · `timeout` (nothing happened, nobody knows) ·
 * `apply_then_timeout` (it happened, nobody knows) · `late_apply` (ms: it happens that much later, nobody knows) ·
 * `sale_before_write` (a unit is sold between the caller's look and its write) · `unanswered` (until the caller
 * hangs up) · `slow` (ms) · `rejected`
 */
export type MemoryFault =
  | 'throttle'
  | 'auth'
  | 'error'
  | 'timeout'
  | 'apply_then_timeout'
  | 'late_apply'
  | 'sale_before_write'
  | 'unanswered'
  | 'slow'
  | 'rejected';

/** Which calls a fault hits; `any` hits whatever comes first. */
export type MemoryCall = 'read' | 'write' | 'orders' | 'listings' | 'any';

/** An armed fault: hits the next `count` calls (for ever when null). */
interface Armed {
  on: MemoryCall;
  count: number | null;
  ms: number;
}

/** The switches of one platform. */
export interface MemoryFaults {
  arm(fault: MemoryFault, how?: { on?: MemoryCall; count?: number | null; ms?: number }): void;
  clear(): void;
  /** Is it due for this call? Consumes one; answers its milliseconds, or null. */
  hits(fault: MemoryFault, call: Exclude<MemoryCall, 'any'>): number | null;
}

/** All switches off. `count` defaults to 1. */
export function createMemoryFaults(): MemoryFaults {
  const armed = new Map<MemoryFault, Armed>();
  return {
    arm(fault, how = {}) {
      armed.set(fault, {
        on: how.on ?? 'any',
        count: how.count === undefined ? 1 : how.count,
        ms: how.ms ?? 0,
      });
    },
    clear: () => armed.clear(),
    hits(fault, call) {
      const found = armed.get(fault);
      if (found === undefined || (found.on !== 'any' && found.on !== call)) return null;
      if (found.count !== null) {
        found.count -= 1;
        if (found.count <= 0) armed.delete(fault);
      }
      return found.ms;
    },
  };
}
