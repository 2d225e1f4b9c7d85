/**
 * A sandbox shop: an HTTP server on loopback that speaks one platform's real protocol, as its facts page tells it,
 * nasty habits included. It shares no code with the adapter it talks to. Beside the platform's own routes every
 * shop answers `POST /_sandbox/<verb>` (shopper, merchant, faults) and `GET /_sandbox/<record>` (what it saw).
 */

/** One thing the shop sells. SKUs repeat across shops: the same stock offered on several channels. */
export interface CatalogueItem {
  sku: string;
  title: string;
  stock: number;
}

export interface ShopOptions {
  /** Name of the channel in the configuration. */
  name: string;
  seed: number;
  /** Every duration that the platform imposes is divided by this (see `time.ts`); our own time-outs are not. */
  timeScale: number;
  catalogue: CatalogueItem[];
  /** 0 picks a free port. */
  port: number;
}

/** A running shop. */
export interface Shop {
  readonly type: string;
  readonly name: string;
  /** Whether what the platform shows still contains its own open orders (`gross`); default `net`. */
  readonly basis?: 'net' | 'gross';
  /** `http://127.0.0.1:<port>`, known after `start`. */
  readonly url: string;
  /** The entry under `channels:` that makes invsync talk to this shop (type, mode, credentials, base_url …), in clear text: throwaway keys. */
  channelConfig(): Record<string, unknown>;
  /**
   * Keys that all channels share and that this platform's slowness demands at the shop's time scale (`settle: '4s'`);
   * for who runs it faster than life. None: the platform answers at once.
   */
  durations?(): Record<string, string>;
  /** Does what people do at a platform without a way to register webhooks by program: tells it our address. */
  enrol?(url: string): void;
  start(): Promise<void>;
  /** Stops serving and delivering; a second stop is harmless. */
  stop(): Promise<void>;

  sell(order: SellRequest): SellResult;
  cancel(request: { order_id: string; restock?: boolean }): void;
  refund(request: { order_id: string; line_id?: string; quantity: number; restock: boolean }): void;
  edit(request: { order_id: string; line_id: string; quantity: number }): void;
  ship(request: { order_id: string }): void;
  /** A hand edit of the shown number in the platform's admin. */
  set(request: { sku: string; quantity: number }): void;
  /** Turns a fault on (see `faults.ts`) or, with `clear`, all of them off. */
  fault(request: FaultRequest): void;
  /** Webhook deliveries that wait in the platform's queue or retry ladder; 0 means that all is quiet. */
  pending(): number;
  records(): ShopRecords;
}

export interface SellRequest {
  lines: { sku: string; quantity: number }[];
  /** Sell although the shop shows less (a channel that oversells by itself). */
  force?: boolean;
}
export type SellResult =
  | { sold: true; order_id: string; lines: { line_id: string; sku: string; quantity: number }[] }
  | { sold: false; reason: 'out_of_stock' | 'unknown_sku' };

/** `rate` 0..1 hits that share of the cases, drawn from the shop's seed; `count` the next so many; neither: all. */
export interface FaultRequest {
  name?: string;
  rate?: number;
  count?: number;
  /** For delays. */
  ms?: number;
  clear?: boolean;
}

/** What the shop recorded, in neutral words, for the proof. Times in ms since 1970. */
export interface ShopRecords {
  orders: ShopOrder[];
  calls: ShopCall[];
  listings: { sku: string; listing_id: string; shown: number | null }[];
}

/** The shop's own final truth of an order. */
export interface ShopOrder {
  order_id: string;
  placed_at: number;
  changed_at: number;
  status: string;
  /** `taken`: units the line keeps from being sold now, by the platform's rules; `gone`: of those, shipped or written off. */
  lines: { line_id: string; sku: string; taken: number; gone: number }[];
  /** A webhook call that carried (or, where the body holds ids only, was built from) the final state was answered 2xx. */
  heard: boolean;
}

/** One call at the shop's border, either way. */
export type ShopCall =
  | {
      at: number;
      kind: 'write';
      sku: string;
      from: number | null;
      to: number;
      applied: boolean;
      answered: boolean;
      key: string | null;
    }
  | {
      at: number;
      kind: 'webhook';
      topic: string;
      subject: string;
      outcome: 'ok' | 'failed' | 'dropped';
      status: number;
      ms: number;
      duplicate: boolean;
    }
  | { at: number; kind: 'request'; route: string; status: number };
