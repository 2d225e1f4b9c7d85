import type { Delivery, HookRequest, Receipt } from '../../channels/channel.ts';
import { digestOf } from '../../channels/kit/hook.ts';
import { messageOf } from '../../errors.ts';
import type { NewDelivery, TakenIn } from '../../store/store.ts';
import { openAlert } from '../alerts.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { createDoor, type Door } from './door.ts';
import { createIntake, type IntakeLimits, intakeLimits } from './intake.ts';

/** What the public listener sends back. */
export interface HookAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Upper bounds of the ack histogram, in milliseconds. */
export const ackBoundsMs = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000] as const;

/** What happened at the door since the start. `ack[i]` counts answers within `ackBoundsMs[i]` (cumulative). */
export interface ReceiveCounts {
  accepted: number;
  duplicates: number;
  ignored: number;
  handshakes: number;
  reused: number;
  unknownChannel: number;
  refused: { channel: string; reason: Refusal; count: number }[];
  unavailable: number;
  ack: number[];
  ackCount: number;
  ackSumMs: number;
  pending: { deliveries: number; bytes: number };
}

/** The way in for deliveries. */
export interface Receiver {
  /** Never rejects. 2xx is answered only after the store has the delivery on disk. */
  receive(channelName: string, request: HookRequest): Promise<HookAnswer>;
  counts(): ReceiveCounts;
  /** Resolves when every delivery taken so far is on disk or refused. */
  drained(): Promise<void>;
}

/** A signing key must come within this time, or the delivery is answered 503 and sent again. */
const keyTimeoutMs = 3_000;

type Counts = Omit<ReceiveCounts, 'pending'>;

/**
 * Verifies, stores, answers; nothing else happens in the request: no SKU is looked up, no order applied. Modes and
 * pause do not matter here, deliveries are always taken in.
 */
export function createReceiver(
  engine: Engine,
  limits: IntakeLimits = intakeLimits,
  door: Pick<Door, 'heard' | 'refused'> = createDoor(engine),
): Receiver {
  const intake = createIntake(engine.store.inbox, limits);
  const counts = noCounts();

  const store = async (live: LiveChannel, receipt: Deliveries, receivedAt: number): Promise<HookAnswer> => {
    if (receipt.deliveries.length === 0) {
      counts.ignored += 1;
      return answerOf(receipt, { status: 'ignored' });
    }
    const rows = receipt.deliveries.map((delivery) => rowOf(live, delivery, receivedAt));
    const storing = intake.takeIn(rows);
    if (storing === null) return unavailable(counts, 'queue_full', 'too many deliveries wait for the disk');
    let taken: TakenIn[];
    try {
      taken = await storing;
    } catch (error) {
      engine.log.error({ channel: live.name, error: messageOf(error) }, 'delivery not stored');
      return unavailable(counts, 'not_stored', 'the delivery could not be stored');
    }
    noteTaken(engine, live, rows, taken, counts);
    noteAck(counts, engine.clock.now() - receivedAt);
    engine.wakes.inbox();
    return answerOf(receipt, summaryOf(taken));
  };

  const receive = async (channelName: string, request: HookRequest): Promise<HookAnswer> => {
    const live = channelNamed(engine, channelName);
    if (live === undefined) {
      counts.unknownChannel += 1;
      return json(404, { error: { code: 'unknown_channel', message: 'no such channel' } });
    }
    let receipt: Receipt;
    try {
      receipt = await readRequest(live, request);
    } catch (error) {
      // A defect of ours: the platform must send the delivery again.
      engine.log.error({ channel: live.name, error: messageOf(error) }, 'delivery not read');
      return unavailable(counts, 'not_read', 'the delivery could not be read');
    }
    if (receipt.kind === 'needs')
      return unavailable(counts, 'key_missing', 'the signing key could not be had');
    if (receipt.kind === 'refused') {
      const refusal = refusalOf(receipt.reason);
      countRefusal(counts, live.name, refusal);
      // A browser or a scanner that looks in says nothing about the webhooks.
      if (refusal !== 'method') door.refused(live.id, receipt.reason, request.receivedAt);
      return { status: receipt.status, headers: {}, body: receipt.body ?? '' };
    }
    door.heard(live.id, request.receivedAt);
    if (receipt.kind === 'handshake') {
      counts.handshakes += 1;
      if (receipt.complete !== undefined) complete(engine, live, receipt.complete);
      const headers = { 'content-type': receipt.contentType };
      return { status: receipt.status, headers, body: receipt.body };
    }
    return await store(live, receipt, request.receivedAt);
  };

  return {
    receive,
    counts: () => ({ ...structuredClone(counts), pending: intake.pending() }),
    drained: () => intake.drained(),
  };
}

/** What the adapter says of the request; a signing key that it lacks is loaded once. */
async function readRequest(live: LiveChannel, request: HookRequest): Promise<Receipt> {
  const receipt = live.channel.receive(request);
  if (receipt.kind !== 'needs') return receipt;
  await receipt.load(AbortSignal.timeout(keyTimeoutMs));
  return live.channel.receive(request);
}

/** A handshake's own call follows its answer; the platform asks again when it fails. */
function complete(engine: Engine, live: LiveChannel, call: (signal: AbortSignal) => Promise<void>): void {
  setImmediate(() => {
    call(AbortSignal.timeout(keyTimeoutMs)).catch((error: unknown) => {
      engine.log.warn({ channel: live.name, error: messageOf(error) }, 'handshake not completed');
    });
  });
}

type Deliveries = Extract<Receipt, { kind: 'deliveries' }>;

function channelNamed(engine: Engine, name: string): LiveChannel | undefined {
  for (const live of engine.channels.values()) if (live.name === name) return live;
  return undefined;
}

/** A delivery as the inbox takes it in, however it reached us. */
export function rowOf(live: LiveChannel, delivery: Delivery, receivedAt: number): NewDelivery {
  const { key, kind, meta, body } = delivery;
  return { channelId: live.id, key, kind, meta, body, bodyHash: digestOf(body), receivedAt };
}

function noteTaken(
  engine: Engine,
  live: LiveChannel,
  rows: NewDelivery[],
  taken: TakenIn[],
  counts: Counts,
): void {
  for (const [index, each] of taken.entries()) {
    if (each.kind === 'duplicate') counts.duplicates += 1;
    else counts.accepted += 1;
    if (each.kind !== 'accepted' || !each.reused) continue;
    counts.reused += 1;
    tellReused(engine, live, rows[index]?.key ?? '');
  }
}

/** Tells people that a channel used one key for two bodies; nobody waits for it. */
export function tellReused(engine: Engine, live: LiveChannel, key: string): void {
  const message = `${live.name} sent another body under a known delivery key (${key}); both are kept: invsync events list --channel ${live.name}`;
  openAlert(engine, { channelId: live.id, kind: 'key_reused', subject: live.name, message }).catch(
    (error: unknown) => engine.log.warn({ error: messageOf(error) }, 'alert not kept'),
  );
}

function summaryOf(taken: TakenIn[]): Record<string, unknown> {
  if (taken.some((each) => each.kind === 'accepted')) return { status: 'accepted' };
  const first = taken.find((each) => each.kind === 'duplicate');
  if (first?.kind !== 'duplicate') return { status: 'ignored' };
  return { status: 'duplicate', first: first.status, outcome: first.outcome };
}

function answerOf(receipt: Deliveries, summary: Record<string, unknown>): HookAnswer {
  if (receipt.answer === undefined) return json(200, summary);
  const { status, body } = receipt.answer;
  return { status, headers: body === '' ? {} : { 'content-type': 'application/json' }, body };
}

function json(status: number, value: unknown): HookAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

function unavailable(counts: Counts, code: string, message: string): HookAnswer {
  counts.unavailable += 1;
  const answer = json(503, { error: { code, message } });
  return { ...answer, headers: { ...answer.headers, 'retry-after': '5' } };
}

/** Why a call was turned away, in one word of few: a label that a caller cannot multiply. */
export type Refusal =
  | 'bad_signature'
  | 'no_signature'
  | 'other_account'
  | 'not_configured'
  | 'stale'
  | 'method'
  | 'unreadable';

/** Reasons are the adapters' own words. */
export function refusalOf(reason: string): Refusal {
  if (/POST/.test(reason)) return 'method';
  if (/configur|is not set|need dev_id/.test(reason)) return 'not_configured';
  if (/another|not among/.test(reason)) return 'other_account';
  if (/^stale|time stamp/.test(reason)) return 'stale';
  if (/no signature|is missing$/.test(reason)) return 'no_signature';
  return /signature|key/.test(reason) ? 'bad_signature' : 'unreadable';
}

function countRefusal(counts: Counts, channel: string, reason: Refusal): void {
  const found = counts.refused.find((each) => each.channel === channel && each.reason === reason);
  if (found === undefined) counts.refused.push({ channel, reason, count: 1 });
  else found.count += 1;
}

function noteAck(counts: Counts, ms: number): void {
  counts.ackCount += 1;
  counts.ackSumMs += ms;
  for (const [index, bound] of ackBoundsMs.entries()) {
    if (ms <= bound) counts.ack[index] = (counts.ack[index] ?? 0) + 1;
  }
}

function noCounts(): Counts {
  return {
    accepted: 0,
    duplicates: 0,
    ignored: 0,
    handshakes: 0,
    reused: 0,
    unknownChannel: 0,
    refused: [],
    unavailable: 0,
    ack: ackBoundsMs.map(() => 0),
    ackCount: 0,
    ackSumMs: 0,
  };
}
