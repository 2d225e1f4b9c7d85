import type { Json } from '../../channels/channel.ts';
import type { Actor } from './actor.ts';

/** An authentic delivery on its way to disk. `bodyHash`: lower-case hex SHA-256 of the raw body. */
export interface NewDelivery {
  channelId: number;
  key: string;
  kind: string;
  meta: Json;
  body: Uint8Array;
  bodyHash: string;
  receivedAt: number;
}

/** `duplicate` carries the outcome recorded the first time (null while pending). `reused`: known key, other body. */
export type TakenIn =
  | { kind: 'accepted'; id: number; reused: boolean }
  | { kind: 'duplicate'; id: number; status: DeliveryStatus; outcome: string | null };

export type DeliveryStatus = 'new' | 'applied' | 'ignored' | 'unmapped' | 'dead';

/** A delivery to work on. Exactly one of `body` and `fields` is there: the raw body until it was first read. */
export interface ClaimedDelivery {
  id: number;
  channelId: number;
  key: string;
  kind: string;
  meta: Json;
  body: Uint8Array | null;
  fields: Json | null;
  receivedAt: number;
  /** Failed tries so far, and looks after a `lookAgainMs`. */
  attempts: number;
  looks: number;
  /** Asked for by a replay: applied again although it was settled. */
  replay: boolean;
}

export interface DeliveryRow {
  id: number;
  channel: string;
  key: string;
  kind: string;
  status: DeliveryStatus;
  receivedAt: number;
  settledAt: number | null;
  attempts: number;
  /** Null: kept aside until its channel's account is bound. */
  dueAt: number | null;
  error: string | null;
  outcome: string | null;
  orders: string[];
  hasBody: boolean;
  fields: Json | null;
}

/** Which deliveries `list`, `show` and `replay` mean. Newest first. */
export interface DeliveryFilter {
  ids?: number[];
  channel?: string;
  status?: DeliveryStatus;
  since?: number;
  until?: number;
  before?: number;
  limit: number;
}

export interface InboxStore {
  /** One durable insert for all of them; the answer order is the input order. */
  takeIn(deliveries: NewDelivery[]): Promise<TakenIn[]>;
  /**
   * Up to `limit` due deliveries that nobody else works on, a fair share of each channel that has some, oldest due
   * first; claims die with the boot.
   */
  claim(limit: number, now: number): Promise<ClaimedDelivery[]>;
  /** Failed: try again at `dueAt` (null: dead). The body is kept. */
  fail(id: number, error: string, dueAt: number | null, now: number): Promise<void>;
  /** Not now, and nobody's fault: due again then, no attempt spent; one statement for all of them. */
  defer(ids: number[], why: string, dueAt: number): Promise<void>;
  /**
   * Claimed, and not to be worked on before its channel's account is bound: kept without spending an attempt, as its
   * successor's where the channel was taken over. Not pending any more until `takeUp`.
   */
  setAside(ids: number[], why: string): Promise<void>;
  /** What was kept aside of a channel is due now; answers how many. */
  takeUp(channelId: number, now: number): Promise<number>;
  /** Claimed but not worked on: given back as they were. Claims are this process's own, so nothing can refuse it. */
  release(ids: number[]): Promise<void>;
  /** Puts settled or dead deliveries back to `new`, marked as replay; answers how many. */
  replay(filter: DeliveryFilter, now: number): Promise<number>;
  /** Dead and kept-aside deliveries that a person needs nothing of become `ignored`; answers how many. */
  dismiss(ids: number[], actor: Actor, now: number): Promise<number>;
  list(filter: DeliveryFilter): Promise<DeliveryRow[]>;
  /** Deliveries for one replay in memory (dry run): fields or body, without claiming. */
  read(filter: DeliveryFilter): Promise<ClaimedDelivery[]>;
}
