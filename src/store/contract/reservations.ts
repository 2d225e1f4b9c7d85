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
  /** Ends holds whose time is over; answers how many. */
  expire(now: number): Promise<number>;
  /** The clock jumped: every open hold ends so much later. */
  extend(ms: number): Promise<void>;
}
