import type { Verdict } from '../stock/classify.ts';
import type { CounterView } from '../store/store.ts';
import { openAlert } from './alerts.ts';
import type { Engine, LiveChannel } from './engine.ts';

/** A number that was seen above what it had to be, with nothing on record that explains it. */
interface Rise {
  channelId: number;
  listingId: string;
  shown: number;
  target: number;
  seenAt: number;
}

/** Where the time from a change to its order has no bound, an order is given so long. */
const unboundedLagMs = 15 * 60_000;

/** What waits for a pull, per engine and counter. Lost with the process: the numbers are corrected all the same. */
const rises = new WeakMap<Engine, Map<number, Rise>>();

/**
 * The most that a reading may show by what is on record; null when it is explained. A number that came back to what it was
 * before our last push looks like a lost push, and is one only while a push of ours is in doubt.
 */
export function mostExpected(view: CounterView, verdict: Verdict): number | null {
  const cameBack = verdict.cause === 'lost push' && view.unread.length === 0;
  return verdict.cause === 'foreign edit' || cameBack ? (verdict.expected?.high ?? null) : null;
}

/**
 * A number that rose by itself is lowered at once, but it may be goods: a return that was put back, an exchange, a transfer
 * received. Remembered here until the orders were read that may still explain it.
 */
export function noteRise(
  engine: Engine,
  live: LiveChannel,
  view: CounterView,
  seen: { shown: number | null; expected: number | null; askedAt: number },
): void {
  const [listing] = view.listings;
  if (view.target.kind !== 'number' || listing === undefined) return;
  const { quantity } = view.target;
  const { shown, expected } = seen;
  if (shown === null || expected === null || shown <= expected || shown <= quantity) return;
  const waiting = rises.get(engine) ?? new Map<number, Rise>();
  rises.set(engine, waiting);
  const known = waiting.get(view.counterId);
  if (known !== undefined && known.shown >= shown) return;
  const { listingId } = listing;
  const rise = { channelId: live.id, listingId, shown, target: quantity, seenAt: seen.askedAt };
  waiting.set(view.counterId, rise);
}

/**
 * After a complete pull that began at `beganAt`: what it did not explain is told to a person. A cancelled order raises what
 * there is to sell, and so the target; then nothing is left to tell.
 */
export async function tellRises(engine: Engine, live: LiveChannel, beganAt: number): Promise<void> {
  const waiting = rises.get(engine);
  if (waiting === undefined || waiting.size === 0) return;
  const lagMs = live.capabilities.orderLagMs ?? unboundedLagMs;
  const due = [...waiting].filter(([, rise]) => rise.channelId === live.id && beganAt > rise.seenAt + lagMs);
  if (due.length === 0) return;
  const row = await engine.store.channels.channel(live.id);
  const views = await engine.store.outbox.view(due.map(([counterId]) => counterId));
  for (const [counterId, rise] of due) {
    waiting.delete(counterId);
    const target = views.find((view) => view.counterId === counterId)?.target;
    const explained = target?.kind !== 'number' || target.quantity > rise.target;
    if (!explained && row?.mode === 'live') await tell(engine, live, rise);
  }
}

async function tell(engine: Engine, live: LiveChannel, rise: Rise): Promise<void> {
  const found = await engine.store.listings.find(live.name, rise.listingId);
  const parts = found === null || found === 'ambiguous' ? [] : found.parts;
  const [only] = parts;
  const sku = parts.length === 1 && only?.units === 1 ? only.sku : null;
  const units = rise.shown - rise.target;
  const what = sku ?? `listing ${rise.listingId}`;
  const message = `${live.name} showed ${rise.shown} of ${what} where ${rise.target} was right, no order explains it, and it was lowered again; if goods came in there (a return put back, an exchange, a transfer received), book them: invsync stock receive ${sku === null ? 'SKU N' : `${sku} ${units}`}`;
  const subject = sku ?? `${live.name} ${rise.listingId}`;
  await openAlert(engine, { channelId: live.id, kind: 'unexplained_rise', subject, message });
}
