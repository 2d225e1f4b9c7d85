import { createHash } from 'node:crypto';
import type { Delivery, HookRequest, Receipt } from '../channels/channel.ts';
import { messageOf } from '../errors.ts';
import type { NewDelivery, TakenIn } from '../store/store.ts';
import { openAlert } from './alerts.ts';
import type { Engine, LiveChannel } from './engine.ts';
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
  refused: Map<string, number>;
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
export function createReceiver(engine: Engine, limits: IntakeLimits = intakeLimits): Receiver {
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
      receipt = live.channel.receive(request);
      if (receipt.kind === 'needs') {
        await receipt.load(AbortSignal.timeout(keyTimeoutMs));
        receipt = live.channel.receive(request);
      }
    } catch (error) {
      // A defect of ours: the platform must send the delivery again.
      engine.log.error({ channel: live.name, error: messageOf(error) }, 'delivery not read');
      return unavailable(counts, 'not_read', 'the delivery could not be read');
    }
    if (receipt.kind === 'needs')
      return unavailable(counts, 'key_missing', 'the signing key could not be had');
    if (receipt.kind === 'refused') {
      countRefusal(counts, `${live.name}: ${receipt.reason}`);
      return { status: receipt.status, headers: {}, body: receipt.body ?? '' };
    }
    if (receipt.kind === 'handshake') {
      counts.handshakes += 1;
      if (receipt.complete !== undefined) complete(engine, live, receipt.complete);
      return {
        status: receipt.status,
        headers: { 'content-type': receipt.contentType },
        body: receipt.body,
      };
    }
    return await store(live, receipt, request.receivedAt);
  };

  return {
    receive,
    counts: () => ({
      ...counts,
      refused: new Map(counts.refused),
      ack: [...counts.ack],
      pending: intake.pending(),
    }),
    drained: () => intake.drained(),
  };
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
  return {
    channelId: live.id,
    key: delivery.key,
    kind: delivery.kind,
    meta: delivery.meta,
    body: delivery.body,
    bodyHash: createHash('sha256').update(delivery.body).digest('hex'),
    receivedAt,
  };
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
  const message = `${live.name} sent another body under a known delivery key (${key}); both are kept`;
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

/** Reasons are the adapters' own few words; the bound holds should one of them ever quote its caller. */
function countRefusal(counts: Counts, reason: string): void {
  const key = counts.refused.has(reason) || counts.refused.size < 200 ? reason : 'other';
  counts.refused.set(key, (counts.refused.get(key) ?? 0) + 1);
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
    refused: new Map(),
    unavailable: 0,
    ack: ackBoundsMs.map(() => 0),
    ackCount: 0,
    ackSumMs: 0,
  };
}
