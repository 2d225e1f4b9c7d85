import { type Clock, systemClock } from '../../clock.ts';
import type { Capabilities } from '../channel.ts';
import { createMemoryFaults, type MemoryFaults } from './faults.ts';

/** A webhook call as the platform sends it to `/hooks/<channel>`. */
export interface MemoryHook {
  headers: Record<string, string>;
  body: Buffer;
}

/** One order line on the platform's books; times in milliseconds of its clock. */
export interface MemoryLine {
  key: string;
  listing: string | null;
  sku: string | null;
  taken: number;
  gone: number;
  taken_at: number;
  gone_at: number | null;
  /** Units that the seller could not find. */
  doubted?: number;
}

/** One order on the platform's books. */
export interface MemoryOrder {
  id: string;
  number: string;
  version: number;
  status: string;
  placed_at: number;
  changed_at: number;
  lines: MemoryLine[];
  /** What a person should hear about it. */
  warnings?: string[];
  /** Until then every look at it says "look again". */
  unsettledUntil: number;
}

/** What a listing is made of when it is put up. */
export interface MemoryListing {
  listingId: string;
  counterKey: string;
  sku: string | null;
  title: string;
  aliases: string[];
  unwritable: string | null;
}

/** A number at the platform. `stale`: what reads still show while a write settles. */
export interface MemoryCounter {
  shown: number | null;
  stale: { shown: number | null; until: number } | null;
  /** Writes that act later than they were sent. */
  late: { at: number; quantity: number; base: number | null }[];
}

/** One write as the platform saw it, for proofs. */
export interface MemoryWrite {
  at: number;
  counterKey: string;
  from: number | null;
  to: number;
  applied: boolean;
  answered: boolean;
  key: string;
}

/** Behaviour that differs between platforms; everything has a quiet default. */
export interface MemoryOptions {
  capabilities?: Partial<Capabilities>;
  /** Versions advance in steps of so many milliseconds, so that two changes may carry one version. */
  versionStepMs?: number;
  /** How late lists show an order's newest state. */
  listLagMs?: number;
  pageSize?: number;
  /** `accepted`: writes act `settleMs` after they were taken. */
  answers?: 'applied' | 'accepted';
  clock?: Clock;
  /** How far the platform's clock is ahead of ours. */
  aheadMs?: number;
  /** Bytes of padding in every delivery body. */
  paddingBytes?: number;
}

/** Everything a memory platform knows. */
export interface MemoryState {
  name: string;
  options: MemoryOptions;
  clock: Clock;
  secret: string;
  listings: Map<string, MemoryListing>;
  counters: Map<string, MemoryCounter>;
  orders: Map<string, MemoryOrder>;
  writes: MemoryWrite[];
  /** Keys of writes already obeyed, with what they were answered (platform idempotency). */
  keys: Set<string>;
  hookUrl: string | null;
  sink: ((hook: MemoryHook) => void) | null;
  sequence: number;
  faults: MemoryFaults;
}

/** An empty platform. */
export function emptyState(name: string, options: MemoryOptions): MemoryState {
  return {
    name,
    options,
    clock: options.clock ?? systemClock,
    secret: '',
    listings: new Map(),
    counters: new Map(),
    orders: new Map(),
    writes: [],
    keys: new Set(),
    hookUrl: null,
    sink: null,
    sequence: 0,
    faults: createMemoryFaults(),
  };
}

/** The platform's own clock. */
export function platformNow(state: MemoryState): number {
  return state.clock.now() + (state.options.aheadMs ?? 0);
}

/** A new name, unique on this platform. */
export function nextId(state: MemoryState, prefix: string): string {
  state.sequence += 1;
  return `${prefix}${state.sequence}`;
}
