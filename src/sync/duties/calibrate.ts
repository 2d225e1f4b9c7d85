import { z } from 'zod';
import { AppError, EXIT } from '../../errors.ts';
import { type BasisSight, type BasisVerdict, basisOf, readSight } from '../../stock/basis.ts';
import { counterPages, pages } from '../../store/store.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { pullOrders } from '../inbound/pull.ts';
import { callReadStock, refOf } from '../reading.ts';

/** One listing between two looks, with what its numbers say. */
export interface CalibratedSight extends BasisSight {
  listingId: string;
  verdict: ReturnType<typeof readSight>;
}

/** What a calibration knows now. `noted`: the first look was taken; `waiting`: nothing has happened since. */
export interface Calibrated {
  channel: string;
  state: 'noted' | 'waiting' | 'clear' | 'unclear';
  /** What the numbers mean, once that is clear. */
  basis: 'net' | 'gross' | null;
  /** What the configuration says they mean. */
  configured: 'net' | 'gross';
  /** Listings whose number was noted at the first look, and when. */
  listings: number;
  since: number;
  sights: CalibratedSight[];
  /** What to do next. */
  hint: string;
}

const look = z.object({
  at: z.number(),
  /** Shown number, and units taken and gone by all lines known then, by listing id. */
  numbers: z.record(z.string(), z.tuple([z.int(), z.int(), z.int()])),
});
type Look = z.infer<typeof look>;

const vaultKey = 'calibration';
/** Where the channel's vault keeps what a calibration has proved: `net` or `gross`. */
export const provenKey = 'calibrated';
const pageSize = 200;
/** An older first look is taken anew: too much may have been edited by hand since. */
const oldestLookMs = 14 * 86_400_000;
/** Orders that are looked through for what their lines hold. */
const mostOrders = 20_000;

/**
 * Finds out whether a channel's numbers still contain its own open orders, by two looks with sales or shipments in
 * between. Nothing may be written meanwhile, so a live channel must be paused. Throws AppError `channel_is_live` and
 * the channel's `ChannelError`.
 */
export async function calibrate(
  engine: Engine,
  live: LiveChannel,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<Calibrated> {
  await assertUnwritten(engine, live);
  progress(`reading the orders of ${live.name}`);
  const pulled = await pullOrders(engine, live, { kind: 'changes' }, signal);
  if (pulled.error !== null) throw pulled.error;
  progress(`reading the numbers of ${live.name}`);
  const now = await lookAt(engine, live, signal);
  const first = await noted(engine, live, now.at);
  if (first === null) {
    await note(engine, live, now);
    return answerOf(live, now, [], null);
  }
  const sights = sightsOf(first, now);
  const verdict = basisOf(sights);
  if (verdict.kind !== 'unclear') {
    await engine.store.channels.vaultSet(live.id, vaultKey, '');
    await engine.store.channels.vaultSet(live.id, provenKey, verdict.kind);
  } else if (sights.some((sight) => sight.verdict === 'neither')) await note(engine, live, now);
  return answerOf(live, first, sights, verdict);
}

async function assertUnwritten(engine: Engine, live: LiveChannel): Promise<void> {
  const row = await engine.store.channels.channel(live.id);
  if (row === null || row.mode !== 'live' || row.paused) return;
  throw new AppError('channel_is_live', `${live.name} is live: what is written would blur what is seen`, {
    hint: `run: invsync channels pause ${live.name}; its sales are still taken in. Resume it when the basis is known`,
    exitCode: EXIT.usage,
  });
}

async function lookAt(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<Look> {
  const held = await unitsOf(engine, live);
  const found: Look = { at: engine.clock.now(), numbers: {} };
  for await (const page of counterPages(engine.store, live.id, pageSize)) {
    const wanted = page.filter((view) => view.listings.length === 1);
    const readings = await callReadStock(live, wanted, signal);
    for (const view of wanted) {
      const reading = readings.get(view.counterId);
      if (reading?.state !== 'ok' || reading.shown === null) continue;
      const { listingId } = refOf(view);
      const { taken, gone } = held.get(listingId) ?? { taken: 0, gone: 0 };
      found.numbers[listingId] = [reading.shown, taken, gone];
    }
  }
  return found;
}

/** Units that all lines of the channel's orders took, and of those the ones that left, by listing. */
async function unitsOf(
  engine: Engine,
  live: LiveChannel,
): Promise<Map<string, { taken: number; gone: number }>> {
  const units = new Map<string, { taken: number; gone: number }>();
  let seen = 0;
  const ask = (before: number) => engine.store.orders.list({ channel: live.name, limit: 500, before });
  for await (const orders of pages(Number.MAX_SAFE_INTEGER, ask, (order) => order.id)) {
    for (const line of orders.flatMap((order) => order.lines)) {
      if (line.listingId === null) continue;
      const sum = units.get(line.listingId) ?? { taken: 0, gone: 0 };
      units.set(line.listingId, { taken: sum.taken + line.taken, gone: sum.gone + line.gone });
    }
    seen += orders.length;
    if (seen >= mostOrders) break;
  }
  return units;
}

async function noted(engine: Engine, live: LiveChannel, now: number): Promise<Look | null> {
  const text = await engine.store.channels.vaultGet(live.id, vaultKey);
  if (text === null || text === '') return null;
  const parsed = look.safeParse(JSON.parse(text));
  return parsed.success && now - parsed.data.at <= oldestLookMs ? parsed.data : null;
}

async function note(engine: Engine, live: LiveChannel, seen: Look): Promise<void> {
  await engine.store.channels.vaultSet(live.id, vaultKey, JSON.stringify(seen));
}

/** The listings of which something was sold, let go of or shipped between two looks. */
function sightsOf(first: Look, now: Look): CalibratedSight[] {
  return Object.entries(first.numbers).flatMap(([listingId, [written, taken, gone]]) => {
    const later = now.numbers[listingId];
    if (later === undefined) return [];
    const [shown, takenNow, goneNow] = later;
    const change = takenNow - taken;
    const sight: BasisSight = {
      written,
      shown,
      sold: Math.max(0, change),
      released: Math.max(0, -change),
      shipped: goneNow - gone,
    };
    const moved = change !== 0 || sight.shipped !== 0 || shown !== written;
    return moved ? [{ listingId, ...sight, verdict: readSight(sight) }] : [];
  });
}

function answerOf(
  live: LiveChannel,
  first: Look,
  sights: CalibratedSight[],
  verdict: BasisVerdict | null,
): Calibrated {
  const configured = live.setup.basis;
  const listings = Object.keys(first.numbers).length;
  const known = { channel: live.name, configured, listings, since: first.at, sights };
  if (verdict === null) {
    const hint = `wait for a sale there, or place a test order; do not ship it yet, then run this again`;
    return { ...known, state: 'noted', basis: null, hint };
  }
  if (verdict.kind === 'unclear') {
    const state = sights.length === 0 ? 'waiting' : 'unclear';
    return { ...known, state, basis: null, hint: `${verdict.reason}: ${verdict.hint}` };
  }
  const agrees = verdict.kind === configured;
  const hint = agrees
    ? 'the configuration says so already'
    : `set basis: ${verdict.kind} on this channel, if its type has that key`;
  return { ...known, state: 'clear', basis: verdict.kind, hint };
}
