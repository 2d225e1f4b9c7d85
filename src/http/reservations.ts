import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseJsonBytes } from '../channels/kit/json.ts';
import type { Clock } from '../clock.ts';
import { iso } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { ReservationOutcome, ReservationRow, ReservationStore } from '../store/store.ts';
import { type HttpAnswer, type HttpAsk, json, notAllowed, refused, withHeader } from './listener.ts';

/** What the reservations API needs. */
export interface ReservationWorld {
  clock: Clock;
  reservations: ReservationStore;
  hasChannel(name: string): boolean;
  /** Called after every change of what is available. */
  moved(): void;
}

const prefix = '/api/v1/reservations';

const wanted = z.strictObject({
  lines: z
    .array(
      z.strictObject({
        sku: z.string().min(1).max(255),
        quantity: z.int().min(1).max(1_000_000),
      }),
    )
    .min(1)
    .max(100),
  ttl_seconds: z.int().min(1).max(86_400).default(900),
  reference: z.string().max(255).nullish(),
  channel: z.string().min(1).max(100).nullish(),
  order_ref: z.string().min(1).max(255).nullish(),
});
type Wanted = z.infer<typeof wanted>;

/** Answers everything under `/api/v1/reservations`; null when the path is another. */
export async function serveReservations(world: ReservationWorld, ask: HttpAsk): Promise<HttpAnswer | null> {
  if (ask.path === prefix) {
    return ask.method === 'POST' ? await hold(world, ask) : notAllowed('POST');
  }
  const found = /^\/api\/v1\/reservations\/([A-Za-z0-9_-]{1,100})(?:\/(commit|release))?$/.exec(ask.path);
  const id = found?.[1];
  if (id === undefined) return null;
  const act = found?.[2];
  if (act === undefined) return ask.method === 'GET' ? await show(world, id) : notAllowed('GET');
  if (ask.method !== 'POST') return notAllowed('POST');
  const body = await ask.body();
  if (!Buffer.isBuffer(body)) return body;
  return end(world, id, act === 'commit' ? 'committed' : 'released');
}

async function hold(world: ReservationWorld, ask: HttpAsk): Promise<HttpAnswer> {
  const key = ask.headers['idempotency-key'] ?? '';
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    return refused(400, 'one Idempotency-Key header of 1 to 255 printable characters is required', 'no_key');
  }
  const body = await ask.body();
  if (!Buffer.isBuffer(body)) return body;
  const read = readWanted(body);
  if ('fault' in read) return refused(400, read.fault);
  const request = canonical(read.wanted);
  if (request.order_ref !== null && request.channel === null) {
    return refused(400, 'order_ref needs the channel that the order will come from');
  }
  if (request.channel !== null && !world.hasChannel(request.channel)) {
    return refused(400, `no channel "${request.channel}"`, 'unknown_channel');
  }
  const outcome = await world.reservations.hold(
    {
      key,
      bodyHash: createHash('sha256').update(JSON.stringify(request)).digest('hex'),
      lines: request.lines,
      ttlMs: request.ttl_seconds * 1_000,
      reference: request.reference,
      channel: request.channel,
      orderRef: request.order_ref,
    },
    world.clock.now(),
  );
  if (outcome.kind === 'held' && !outcome.replayed) world.moved();
  return answerTo(outcome);
}

function readWanted(body: Buffer): { wanted: Wanted } | { fault: string } {
  let parsed: unknown;
  try {
    parsed = parseJsonBytes(body);
  } catch (error) {
    return { fault: `the body is not JSON: ${messageOf(error)}` };
  }
  const result = wanted.safeParse(parsed);
  if (result.success) return { wanted: result.data };
  const [issue] = result.error.issues;
  return { fault: `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'not understood'}` };
}

/** Equal wishes have equal texts: a SKU named twice is one line, lines stand in one order. */
function canonical(from: Wanted) {
  const bySku = new Map<string, number>();
  for (const { sku, quantity } of from.lines) bySku.set(sku, (bySku.get(sku) ?? 0) + quantity);
  const lines = [...bySku].map(([sku, quantity]) => ({ sku, quantity }));
  lines.sort((a, b) => (a.sku < b.sku ? -1 : 1));
  return {
    lines,
    ttl_seconds: from.ttl_seconds,
    reference: from.reference ?? null,
    channel: from.channel ?? null,
    order_ref: from.order_ref ?? null,
  };
}

function answerTo(outcome: ReservationOutcome): HttpAnswer {
  switch (outcome.kind) {
    case 'held':
      // The same answer as the first time, whatever became of the hold since.
      return replay(outcome, json(201, { ...shown(outcome.reservation), status: 'held' }));
    case 'out_of_stock': {
      const message = 'not enough is available; nothing was held';
      return replay(outcome, json(409, { error: { code: 'out_of_stock', message, lines: outcome.lines } }));
    }
    case 'key_reused':
      return refused(422, 'this Idempotency-Key was used with another body', 'key_reused');
    case 'unknown_sku':
      return refused(404, `no SKU "${outcome.sku}"`, 'unknown_sku');
  }
}

/** Whoever comes second gets the first one's outcome: 200 when it is the same, else 410 or 409 with what it was. */
async function end(world: ReservationWorld, id: string, wish: 'committed' | 'released'): Promise<HttpAnswer> {
  const now = world.clock.now();
  const row =
    wish === 'committed'
      ? await world.reservations.commit(id, now)
      : await world.reservations.release(id, now);
  if (row === null) return refused(404, 'no such reservation');
  if (row.status === wish) {
    world.moved();
    return json(200, shown(row));
  }
  if (row.status === 'expired') return refused(410, `the hold ended at ${iso(row.expiresAt)}`, 'expired');
  return refused(409, `the reservation is ${row.status} already`, `already_${row.status}`);
}

async function show(world: ReservationWorld, id: string): Promise<HttpAnswer> {
  const row = await world.reservations.get(id);
  return row === null ? refused(404, 'no such reservation') : json(200, shown(row));
}

function shown(row: ReservationRow) {
  return { id: row.id, status: row.status, lines: row.lines, expires_at: iso(row.expiresAt) };
}

function replay(outcome: { replayed: boolean }, answer: HttpAnswer): HttpAnswer {
  return outcome.replayed ? withHeader(answer, 'idempotent-replayed', 'true') : answer;
}
