import type { Actor } from './actor.ts';

export interface ReservationRequest {
  /** `Idempotency-Key` and a hash of the canonical body. */
  key: string;
  bodyHash: string;
  lines: { sku: string; quantity: number }[];
  ttlMs: number;
  reference: string | null;
  channel: string | null;
  orderRef: string | null;
}

export interface ReservationRow {
  id: string;
  status: 'held' | 'committed' | 'released' | 'expired';
  lines: { sku: string; quantity: number }[];
  expiresAt: number;
}

/** A reservation as people look at it. */
export interface ReservationDetail extends ReservationRow {
  /** `keeps`: units that it still keeps from being sold. */
  lines: { sku: string; quantity: number; keeps: number }[];
  channel: string | null;
  orderRef: string | null;
  reference: string | null;
  createdAt: number;
  committedAt: number | null;
}

export type ReservationOutcome =
  | { kind: 'held'; reservation: ReservationRow; replayed: boolean }
  | {
      kind: 'out_of_stock';
      lines: { sku: string; requested: number; available: number }[];
      replayed: boolean;
    }
  | { kind: 'key_reused' }
  | { kind: 'unknown_sku'; sku: string };

export interface ReservationStore {
  hold(request: ReservationRequest, now: number): Promise<ReservationOutcome>;
  /** One conditional update on the hold's state: whoever comes second gets the first one's outcome. */
  commit(id: string, now: number): Promise<ReservationRow | null>;
  release(id: string, now: number): Promise<ReservationRow | null>;
  get(id: string): Promise<ReservationRow | null>;
  /** Newest first. `keeping`: only those that still keep units; `committedBefore`: only those that wait for their order since. */
  list(filter: {
    keeping?: boolean;
    committedBefore?: number;
    before?: string;
    limit: number;
  }): Promise<ReservationDetail[]>;
  /**
   * A person gives up on a reservation that is held, or committed for an order that never took its units: they are for
   * sale again. `ended`: it keeps nothing any more.
   */
  giveUp(id: string, actor: Actor, now: number): Promise<'released' | 'ended' | 'unknown'>;
  /** Ends holds whose time is over; answers how many. */
  expire(now: number): Promise<number>;
  /** The clock jumped: every open hold ends so much later. */
  extend(ms: number): Promise<void>;
}
