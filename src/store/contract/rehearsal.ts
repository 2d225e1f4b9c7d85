import type { Actor } from './actor.ts';
import type { MappingEffect } from './listings.ts';
import type { ApplyOutcome, ApplyRequest } from './orders.ts';
import type { CounterView, LevelAfter } from './outbox.ts';
import type { StockChange, StockOutcome } from './stock.ts';

/** What would be done. */
export type RehearsalStep =
  | { kind: 'apply'; requests: ApplyRequest[] }
  | { kind: 'change'; changes: StockChange[]; actor: Actor }
  | { kind: 'map'; listingRowId: number; parts: { sku: string; units: number }[]; actor: Actor };

export interface Rehearsal {
  applied: (ApplyOutcome | { failed: string })[];
  changed: StockOutcome[];
  mapped: (MappingEffect | { unknownSku: string })[];
  /** The asked counters as they would be; all touched ones when `counterIds` was null. */
  counters: CounterView[];
  /** What the levels that moved would be. */
  levels: LevelAfter[];
}
