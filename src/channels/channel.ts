import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Obtained, OrderSnapshot } from '../stock/order.ts';

/**
 * The contract between the engine and a channel (one configured account on a platform).
 *
 * An adapter translates; it never decides about stock, never retries, never logs a body, keeps no stock in
 * memory. Facts about the platform are data (`Capabilities`), optional abilities are optional methods, and the
 * conformance suite (`test/contract/channel.ts`) checks that both tell the same story.
 *
 * Every network method takes an AbortSignal, honours it, and throws nothing but `ChannelError`.
 */

/** JSON that survives storing: what an adapter keeps of a delivery or knows about a listing. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

// ---------------------------------------------------------------------------------------------- capabilities

/** Facts about a platform, as data. Durations in milliseconds; null means "no bound is known". */
export interface Capabilities {
  /** The channel's number excludes its own open orders (`net`) or still contains them (`gross`). */
  basis: 'net' | 'gross';
  /** Longest time from a fall of the channel's number until the order can be pulled; null: no bound. */
  orderLagMs: number | null;
  /** How far the platform's search by time may trail its own clock. */
  indexLagMs: number;
  /** How long after an answered write a read may still show the old number. */
  settleMs: number;
  /** How long an unanswered request may still act after we stopped waiting (platform's execution limit). */
  maxExecutionMs: number;
  /** Resolution plus tolerated skew between the channel's time stamps and ours. */
  clockMarginMs: number;
  /** The channel raises its own number when an order is cancelled or refunded with restock. */
  restoresOnCancel: boolean;
  /** The channel reports shipping, so `gone` is trustworthy. */
  reportsGone: boolean;
  /** `native`: the platform compares. `read-check`: the adapter reads, compares, then writes (small race left). */
  compareAndSet: 'native' | 'read-check' | 'none';
  /** Platform idempotency keys are honoured on writes. */
  idempotencyKeys: boolean;
  /** Most lines that one `setStock` call takes. The engine never passes more. */
  batchSize: number;
  /** Most calls of `setStock` in flight at once. */
  writeConcurrency: number;
  /** The platform pushes deliveries to us. */
  webhooks: boolean;
  /** Longest time during which the platform repeats a delivery; bounds the retention of keys from below. */
  webhookRetryMs: number;
  /** Answer in time or the platform counts a failure. */
  webhookTimeoutMs: number;
  /** Shortest poll interval that the configuration may ask for, and the default next to webhooks and without. */
  pollMinMs: number;
  pollDefaultMs: number;
  pollOnlyMs: number;
  /** How far back orders can be read; null: for ever. */
  orderHistoryMs: number | null;
  hold: boolean;
  cancel: boolean;
  /** Highest quantity that the platform accepts. */
  maxQuantity: number;
  /** Units that are never shown unless the configuration says otherwise; for platforms that punish an oversell. */
  defaultBuffer?: number;
  /** Its pushes begin before those of other channels. */
  pushFirst?: true;
}

/** How far an adapter has been tried; shown by `channels types` and in the README. */
export interface Grade {
  level: 'sandbox' | 'contracts' | 'live';
  /** Day on which that was last shown, `2026-11-23`. */
  date: string;
  note: string;
}

export interface ChannelDefinition<Config = unknown> {
  type: string;
  title: string;
  grade: Grade;
  /**
   * The type's own keys (strict object, snake_case), every key with `.describe('help')` and secrets marked with
   * `.meta({ secret: true })`. The keys that all channels share (type, mode, buffer, percent, max, oversell,
   * webhooks, poll, order_lag, index_lag, settle, max_execution, raise_after, timeout, presume_gone_after, base_url, allow_insecure) are
   * not in here: the configuration loader knows them, and hands over what an adapter needs in `ChannelDeps`.
   */
  config: z.ZodType<Config>;
  capabilities: Capabilities;
  /** Pure: the facts that depend on the configuration; those of the channel that `create` makes. Default: `capabilities`. */
  capabilitiesFor?(config: Config): Capabilities;
  /** The engine lays the configuration's overrides (`order_lag`, `settle`, …) over `channel.capabilities` itself. */
  create(config: Config, deps: ChannelDeps): Channel;
}

/** What the engine lends to an adapter. */
export interface ChannelDeps {
  /** The name of the channel in the configuration file. */
  name: string;
  clock: Clock;
  log: Log;
  /** Random bytes as hex; the adapter never draws its own. */
  randomHex(bytes: number): string;
  /** Where requests go instead of the platform's address (a sandbox or a proxy), no slash at the end; null: itself. */
  baseUrl: string | null;
  /** Client time-out of one request. */
  timeoutMs: number;
  /** Where the public listener is seen from outside, no slash at the end; our address is `<publicUrl>/hooks/<name>`. Null: not set. */
  publicUrl: string | null;
  /** Small secrets that must survive a restart (rotating tokens). Atomic; not for stock. */
  vault: Vault;
}

export interface Vault {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
}

// -------------------------------------------------------------------------------------------------- listings

/** A SKU, or a bundle of SKUs, as offered on one channel: what holds (or shares) a number there. */
export interface Listing {
  /** The platform's id of what holds the number; the key of mapping, stable for the listing's life. */
  listingId: string;
  /** Names the number. Listings that share one number share the key; usually equal to `listingId`. */
  counterKey: string;
  channelSku: string | null;
  title: string;
  /** Other ids under which order payloads name this listing (variant ids …); unique within the channel. */
  aliases: string[];
  /** Null when the number may be written; else why not, in words ("its stock is not tracked there"). */
  unwritable: string | null;
  /** The channel's SKU is not unique there: never matched automatically. */
  ambiguous: boolean;
  /** The number shown while listing; null is not 0. */
  shown: number | null;
  /** What the adapter must know about the listing later; stored, handed back, never read by the engine. */
  facts: Json;
}

/** A listing as later calls name it. */
export interface ListingRef {
  listingId: string;
  counterKey: string;
  channelSku: string | null;
  facts: Json;
}

/** One page of the catalogue. `total` when the platform tells it. */
export interface ListingPage {
  listings: Listing[];
  total: number | null;
}

/** What the channel shows now, read live. `shown` is null when there is no number: not listed, not tracked. */
export interface StockReading {
  listingId: string;
  shown: number | null;
  state: 'ok' | 'not-listed' | 'untracked' | 'unwritable';
  /** Why `state` is not ok, in words. */
  detail: string | null;
  askedAt: number;
  answeredAt: number;
}

// ---------------------------------------------------------------------------------------------------- pushes

export interface PushLine extends ListingRef {
  /** What the channel shall show: integer, 0..maxQuantity. */
  quantity: number;
  /** The number that must be there for the write to happen; null: unconditional (only after an operator's force). */
  base: number | null;
  /** Random, stored before the call: the platform's idempotency key where it has one. */
  key: string;
}

/**
 * What became of one line. `applied`: the channel answered with the number. `accepted`: taken, not yet readable.
 * `conflict`: the number there was not `base`; `shown` is what was read, with its span. `unknown`: no answer, the
 * write may have happened or may still happen. `throttled` rests the whole channel, `waits` only this line (something of
 * ours is still under way there); neither spends an attempt. Error texts are for people and carry no secret.
 */
export type PushOutcome =
  | { kind: 'applied'; shown: number }
  | { kind: 'accepted' }
  | { kind: 'conflict'; shown: number | null; askedAt: number; answeredAt: number }
  | { kind: 'retry'; error: string; afterMs?: number }
  | { kind: 'throttled'; error: string; afterMs: number }
  | { kind: 'waits'; error: string; afterMs: number }
  | { kind: 'auth'; error: string }
  | { kind: 'rejected'; error: string; hint: string }
  | { kind: 'unknown'; error: string };

// ---------------------------------------------------------------------------------------------------- orders

/**
 * A page of orders as the adapter's own fields (what `fieldsOf` makes of a webhook body, `itemsIn` for pulled ones):
 * the engine stores nothing of it but turns each item into snapshots with `ordersIn`, so that webhook, list, fetch
 * and replay are one code path. `end` is null until the last page; then it carries the channel's clock at the time
 * the walk began, from which the engine derives the next watermark (less index lag, overlap added at the query).
 */
export interface OrderPage {
  items: Json[];
  /** Span of the request that brought the page. */
  askedAt: number;
  answeredAt: number;
  end: { channelClock: number } | null;
}

/** What a fetch by id found. `missing`: the platform has no such order any more. */
export type FetchedOrder =
  | { orderId: string; item: Json; askedAt: number; answeredAt: number }
  | { orderId: string; missing: true };

/** How an item came to us; copied into the snapshots. `attempt` counts the looks after a `lookAgainMs`, from 0. */
export interface Obtaining {
  obtained: Obtained;
  askedAt: number;
  answeredAt: number;
  attempt: number;
}

// -------------------------------------------------------------------------------------------------- webhooks

/** A request to `/hooks/<channel>/…`, raw. Header names are lower case, values as received. */
export interface HookRequest {
  method: string;
  /** What follows `/hooks/<channel>`, without the query: `` or `/order.created`. */
  path: string;
  query: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  receivedAt: number;
}

/** A delivery as it is stored: key for the idempotency table, kind for people, headers the adapter needs later. */
export interface Delivery {
  /** See each facts page: the obvious header is often the wrong key. */
  key: string;
  /** The platform's topic (`orders/create`), for people and for `fieldsOf`. */
  kind: string;
  /** Unsigned header facts that `fieldsOf` needs. Keep it tiny. */
  meta: Json;
  body: Uint8Array;
}

/**
 * What `receive` decides. `answer` overrides the default status and body where the platform demands it. `needs`: the
 * verdict depends on a key that is not cached yet; the receiver awaits `load` (bounded in time) and asks again, once.
 * A handshake's `complete` is a call that completes it (a subscription's confirmation), made after the answer was sent.
 */
export type Receipt =
  | { kind: 'needs'; load(signal: AbortSignal): Promise<void> }
  | { kind: 'refused'; status: 400 | 401 | 403 | 405 | 412 | 415; reason: string; body?: string }
  | {
      kind: 'handshake';
      status: number;
      body: string;
      contentType: string;
      complete?(signal: AbortSignal): Promise<void>;
    }
  | { kind: 'deliveries'; deliveries: Delivery[]; answer?: { status: number; body: string } };

/** What a delivery says. Anything empty says nothing. */
export interface DeliveryContent {
  orders: OrderSnapshot[];
  /** Orders to fetch by id before anything of them is applied; wins over `orders` for an id that is in both. */
  fetch: string[];
  /** Listings whose number or facts may have changed: the engine reads them again, and never books the hint. */
  touched: string[];
  /** Why a delivery says nothing (`checkout-draft`, `test notification`), or null. */
  ignored: string | null;
  /** What a person must hear (the owner of the webhook lost its rights). */
  alert: string | null;
  /** Something changed that this delivery does not tell: the orders are pulled at once instead. */
  pull?: true;
}

/** Thrown by `fieldsOf` for an authentic body that cannot be read: it becomes a dead letter. */
export class UnreadableDelivery extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableDelivery';
  }
}

/** What the adapter stored about a listing, found by listing id or alias. */
export type FactsOf = (ref: string) => ListingRef | undefined;

export interface WebhookState {
  id: string;
  topic: string;
  url: string;
  status: 'active' | 'disabled';
  /** It is one of ours (our address or our name), so `remove` and mending may touch it. */
  ours: boolean;
}

/** What `ensure` did: the list afterwards and each change in words ("recreated order.updated: was disabled"). */
export interface WebhookReport {
  webhooks: WebhookState[];
  changes: string[];
}

export interface Webhooks {
  /** False: the platform delivers to a queue, so that registering needs no public address; `ensure` gets an empty one. */
  readonly needsUrl?: false;
  /** True: people register at the platform by hand; `ensure` keeps the address and says how, `active` is then believed. */
  readonly byHand?: true;
  list(signal: AbortSignal): Promise<WebhookState[]>;
  /** Makes the needed subscriptions exist once, active, at this address; idempotent. */
  ensure(url: string, signal: AbortSignal): Promise<WebhookReport>;
  remove(signal: AbortSignal): Promise<string[]>;
}

// --------------------------------------------------------------------------------------------------- oversell

/** An order that cannot be filled, for `hold` and `cancel`. */
export interface OversoldOrder {
  orderId: string;
  lines: { lineKey: string; channelSku: string | null; shortfall: number }[];
  /** Unique per (order, action): makes a repeat harmless where the platform can tell. */
  key: string;
}

/** `done` also when a repeat found it done. `refused`: the platform will not; the engine falls back to `alert`. */
export type ActionOutcome =
  | { kind: 'done'; detail: string }
  | { kind: 'refused'; error: string }
  | { kind: 'retry'; error: string; afterMs?: number }
  | { kind: 'auth'; error: string };

// ----------------------------------------------------------------------------------------------------- checks

export interface CheckItem {
  name: string;
  level: 'ok' | 'warn' | 'fail';
  detail: string;
  /** What to do about it; empty when ok. */
  remedy: string;
}

/** The platform's own account behind the credentials. */
export interface AccountIdentity {
  /** Never changes for an account; a channel is bound to it at first contact. */
  accountId: string;
  title: string;
}

// ---------------------------------------------------------------------------------------------------- channel

export interface Channel {
  /** The type's capabilities after configuration overrides. */
  readonly capabilities: Capabilities;

  identity(signal: AbortSignal): Promise<AccountIdentity>;
  /** Credentials, scopes, clock, settings that would oversell; each with its remedy. */
  check(signal: AbortSignal): Promise<CheckItem[]>;

  listListings(signal: AbortSignal): AsyncIterable<ListingPage>;
  /** One reading per listing, in order; uncached; any number of listings. */
  readStock(listings: ListingRef[], signal: AbortSignal): Promise<StockReading[]>;
  /** One outcome per line, in order; at most `batchSize` lines, no two of one counter. */
  setStock(lines: PushLine[], signal: AbortSignal): Promise<PushOutcome[]>;

  /** All orders changed since (channel's clock, ms), all states, all pages, oldest change first. */
  ordersSince(since: number, signal: AbortSignal): AsyncIterable<OrderPage>;
  /** All orders created since, whatever their change time: the daily sweep. */
  ordersCreatedSince(since: number, signal: AbortSignal): AsyncIterable<OrderPage>;
  /** Every order that still holds stock (open), for take-over. Default of the engine: ordersCreatedSince(far back). */
  openOrders?(signal: AbortSignal): AsyncIterable<OrderPage>;
  /** By id, any number; one answer per id, in order. */
  fetchOrders(ids: string[], signal: AbortSignal): Promise<FetchedOrder[]>;

  /** Pure: authenticates over the raw bytes and names the deliveries. No network, no store. */
  receive(request: HookRequest): Receipt;
  /** Pure: the fields that the adapter reads, and only those; replay works from them for ever. */
  fieldsOf(delivery: Delivery): Json;
  /** Pure: the listing ids and aliases whose facts `ordersIn` will ask for. */
  refsIn(fields: Json): string[];
  /**
   * Pure: what a delivery's fields or a pulled item say. A line's `listingId` may be a listing id or an alias: the
   * engine resolves both. `facts` finds what discovery stored about a listing, by id or alias.
   */
  ordersIn(fields: Json, facts: FactsOf, how: Obtaining): DeliveryContent;

  /**
   * A queue that is pulled instead of delivered: hands over what came until aborted, and removes it at the source only
   * after `take` has resolved (it is on disk then). An answer of the queue that brought nothing is told by an empty
   * list: the queue works. Throws `ChannelError`; the engine rests and calls it again.
   */
  listen?(take: (deliveries: Delivery[]) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** How many requests a read of so many listings takes, and how long within the platform's rate; shown beforehand. */
  forecast?(listings: number): { requests: number; expectedMs: number };

  readonly webhooks?: Webhooks;
  hold?(order: OversoldOrder, signal: AbortSignal): Promise<ActionOutcome>;
  cancel?(order: OversoldOrder, signal: AbortSignal): Promise<ActionOutcome>;
  close(): Promise<void>;
}
