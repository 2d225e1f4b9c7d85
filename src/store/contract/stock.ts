import type { Basis } from '../../stock/level.ts';
import type { Actor } from './actor.ts';

export interface StockRow {
  sku: string;
  skuId: number;
  onHand: number;
  committed: number;
  reserved: number;
  available: number;
  counted: boolean;
  basis: Basis | null;
  asOf: number | null;
}

/**
 * A change by hand. `set`/`count` are counts (basis decides); `receive` and `adjust` add. `ref` names what it did: a known
 * one answers with the first outcome instead of acting again, and with `refused` when it did something else; a count acts
 * again once something newer counted its SKU. `create`: an unknown SKU is made where its name can be one, else it
 * is an error.
 */
export interface StockChange {
  sku: string;
  kind: 'count' | 'receive' | 'adjust';
  quantity: number;
  basis: Basis;
  asOf: number;
  create: boolean;
  ref: string | null;
  /** Per channel id: lines older than this are presumed to have left the shelf (shelf counts only). */
  presumeGoneMs: Record<number, number>;
}

export type StockOutcome =
  | {
      kind: 'done';
      row: StockRow;
      created: boolean;
      repeated: boolean;
      before: StockRow | null;
      filled: number;
      short: number;
      found: number;
    }
  | { kind: 'unknown_sku'; sku: string; nearest: string | null }
  | { kind: 'refused'; sku: string; message: string };

/** What a text means as the name of a SKU. */
export interface SkuSight {
  text: string;
  /** The known SKU's name, or the normal form under which it would be made. */
  sku: string;
  known: boolean;
  /** Why it cannot be made, in words; null for what is known or sound. */
  fault: string | null;
  /** The known SKU that an unknown one looks like. */
  resembles: string | null;
}

/** An open line that a count should be seen beside. */
export interface OpenLine {
  channel: string;
  orderId: string;
  lineKey: string;
  soldAt: number;
  taken: number;
  given: number;
  gone: number;
  presumedGone: boolean;
}

/** Which SKUs, by name. `search`: has this text in its name, in capitals or not. */
export interface StockFilter {
  after?: string;
  search?: string;
  uncounted?: boolean;
  /** Has as few units as its mark, or fewer. */
  low?: boolean;
  /** Only SKUs of which something was recorded at or after it. */
  movedSince?: number;
  limit: number;
}

export interface StockStore {
  /** At most 200 changes in one transaction; all or nothing. */
  change(changes: StockChange[], actor: Actor, now: number): Promise<StockOutcome[]>;
  openLines(sku: string, asOf: number, presumeGoneMs: Record<number, number>): Promise<OpenLine[]>;
  /** `from` as it is stored or in normal form. Rejects with AppError `bad_sku` where `to` can be no SKU. */
  rename(from: string, to: string, actor: Actor, now: number): Promise<'done' | 'unknown_sku' | 'taken'>;
  /** From how many units on it is low (null: never). False: no such SKU. */
  setAlert(sku: string, below: number | null, actor: Actor, now: number): Promise<boolean>;
  /** The oldest time of any SKU's count; null: nothing is counted. */
  oldestCount(): Promise<number | null>;
  get(sku: string): Promise<StockRow | null>;
  /** Names as people, files and catalogues write them, in their order. */
  recognise(texts: string[]): Promise<SkuSight[]>;
  list(filter: StockFilter): Promise<StockRow[]>;
}
