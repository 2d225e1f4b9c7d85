import type { ListingRef, PushLine, PushOutcome, StockReading } from '../channel.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import { noNumber, type Span, shownAs } from '../kit/reading.ts';
import { meetWeather } from './calls.ts';
import { sell } from './selling.ts';
import { comparesNatively, counterOf, visible, write } from './shelf.ts';
import { type MemoryCounter, type MemoryListing, type MemoryState, platformNow } from './state.ts';

/** What each listing shows now. */
export async function readStock(
  state: MemoryState,
  listings: ListingRef[],
  signal: AbortSignal,
): Promise<StockReading[]> {
  const askedAt = state.clock.now();
  await meetWeather(state, 'read', signal);
  const span = { askedAt, answeredAt: state.clock.now() };
  return listings.map(({ listingId }) => ({ listingId, ...readOne(state, listingId, span) }));
}

function readOne(state: MemoryState, listingId: string, span: Span): Omit<StockReading, 'listingId'> {
  const listing = state.listings.get(listingId);
  if (listing === undefined) return noNumber('not-listed', 'no such listing', span);
  if (listing.unwritable !== null) return noNumber('unwritable', listing.unwritable, span);
  const shown = visible(state, counterOf(state, listing));
  return shown === null ? noNumber('untracked', 'no number is kept', span) : shownAs(shown, span);
}

/** Writes line by line, each with its own outcome. */
export async function setStock(
  state: MemoryState,
  lines: PushLine[],
  signal: AbortSignal,
): Promise<PushOutcome[]> {
  const askedAt = state.clock.now();
  try {
    await meetWeather(state, 'write', signal);
  } catch (error) {
    const outcome = lineOutcome(error, { throttledMs: 1_000, hint: '' });
    return lines.map(() => outcome);
  }
  return lines.map((line) => setOne(state, line, askedAt));
}

function setOne(state: MemoryState, line: PushLine, askedAt: number): PushOutcome {
  const listing = state.listings.get(line.listingId);
  const refusal = whyRefused(state, listing, line);
  if (listing === undefined || refusal !== null) {
    return {
      kind: 'rejected',
      error: refusal ?? 'no such listing',
      hint: 'read the catalogue again: invsync listings import',
    };
  }
  const counter = counterOf(state, listing);
  if (state.keys.has(line.key) && (state.options.capabilities?.idempotencyKeys ?? true)) {
    return { kind: 'applied', shown: line.quantity };
  }
  const compares = (state.options.capabilities?.compareAndSet ?? 'native') !== 'none';
  const before = visible(state, counter);
  if (comparesNatively(state)) slipInSale(state, listing);
  const compared = comparesNatively(state) ? counter.shown : before;
  if (compares && line.base !== null && compared !== line.base) {
    return { kind: 'conflict', shown: compared, askedAt, answeredAt: state.clock.now() };
  }
  if (!comparesNatively(state)) slipInSale(state, listing);
  return act(state, counter, listing, line);
}

function act(
  state: MemoryState,
  counter: MemoryCounter,
  listing: MemoryListing,
  line: PushLine,
): PushOutcome {
  const lateMs = state.faults.hits('late_apply', 'write');
  if (lateMs !== null) {
    counter.late.push({ at: state.clock.now() + lateMs, quantity: line.quantity, base: line.base });
    return { kind: 'unknown', error: `${state.name}: no answer` };
  }
  state.keys.add(line.key);
  const accepted = state.options.answers === 'accepted';
  const answered = state.faults.hits('apply_then_timeout', 'write') === null;
  state.writes.push({
    at: platformNow(state),
    counterKey: listing.counterKey,
    from: counter.shown,
    to: line.quantity,
    applied: true,
    answered,
    key: line.key,
  });
  write(state, counter, line.quantity);
  if (!answered) return { kind: 'unknown', error: `${state.name}: no answer` };
  return accepted ? { kind: 'accepted' } : { kind: 'applied', shown: line.quantity };
}

function slipInSale(state: MemoryState, listing: MemoryListing): void {
  if (state.faults.hits('sale_before_write', 'write') === null) return;
  sell(state, { lines: [{ ref: listing.listingId, quantity: 1 }] });
}

function whyRefused(state: MemoryState, listing: MemoryListing | undefined, line: PushLine): string | null {
  if (listing === undefined) return `no listing ${line.listingId}`;
  if (listing.unwritable !== null) return listing.unwritable;
  if (counterOf(state, listing).shown === null) return 'no number is kept for this listing';
  const maxQuantity = state.options.capabilities?.maxQuantity ?? 1_000_000;
  if (!Number.isInteger(line.quantity) || line.quantity < 0) return `${line.quantity} is no quantity`;
  if (line.quantity > maxQuantity) return `more than ${maxQuantity}`;
  if (state.faults.hits('rejected', 'write') !== null) return 'refused';
  return null;
}
