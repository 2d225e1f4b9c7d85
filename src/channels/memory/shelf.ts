import { type MemoryCounter, type MemoryListing, type MemoryState, platformNow } from './state.ts';

/** The listing of this id, alias or SKU. */
export function listingOf(state: MemoryState, ref: string): MemoryListing | undefined {
  const direct = state.listings.get(ref);
  if (direct !== undefined) return direct;
  for (const listing of state.listings.values()) {
    if (listing.sku === ref || listing.aliases.includes(ref)) return listing;
  }
  return undefined;
}

/** The number that a listing shows, after all late writes that are due. */
export function counterOf(state: MemoryState, listing: MemoryListing): MemoryCounter {
  const found = state.counters.get(listing.counterKey);
  const counter = found ?? { shown: null, stale: null, late: [] };
  if (found === undefined) state.counters.set(listing.counterKey, counter);
  actLate(state, listing.counterKey, counter);
  return counter;
}

function actLate(state: MemoryState, counterKey: string, counter: MemoryCounter): void {
  if (counter.late.length === 0) return;
  const now = state.clock.now();
  const due = counter.late.filter((write) => write.at <= now).sort((a, b) => a.at - b.at);
  counter.late = counter.late.filter((write) => write.at > now);
  for (const write of due) {
    const applied = !comparesNatively(state) || write.base === null || write.base === counter.shown;
    const from = counter.shown;
    if (applied) counter.shown = write.quantity;
    state.writes.push({
      at: write.at,
      counterKey,
      from,
      to: write.quantity,
      applied,
      answered: false,
      key: 'late',
    });
  }
}

/** Does the platform itself compare before it writes? */
export function comparesNatively(state: MemoryState): boolean {
  return (state.options.capabilities?.compareAndSet ?? 'native') === 'native';
}

/** What a read shows now: the old number while a write settles. */
export function visible(state: MemoryState, counter: MemoryCounter): number | null {
  if (counter.stale !== null && counter.stale.until > state.clock.now()) return counter.stale.shown;
  counter.stale = null;
  return counter.shown;
}

/** Writes the number; reads show it after the settle time. */
export function write(state: MemoryState, counter: MemoryCounter, quantity: number): void {
  const settleMs = state.options.capabilities?.settleMs ?? 0;
  if (settleMs > 0) {
    counter.stale = { shown: visible(state, counter), until: state.clock.now() + settleMs };
  }
  counter.shown = quantity;
}

/** The platform moves its own number (a sale, a restock); never below 0. */
export function moveShown(state: MemoryState, listing: MemoryListing, delta: number): void {
  const counter = counterOf(state, listing);
  if (counter.shown === null) return;
  counter.shown = Math.max(0, counter.shown + delta);
  if (counter.stale !== null && counter.stale.shown !== null) {
    counter.stale.shown = Math.max(0, counter.stale.shown + delta);
  }
}

/** Units that the platform would still sell of a listing: on a gross platform its open orders are inside the number. */
export function sellable(state: MemoryState, listing: MemoryListing): number {
  const shown = counterOf(state, listing).shown ?? Number.MAX_SAFE_INTEGER;
  if (!isGross(state)) return shown;
  let open = 0;
  for (const order of state.orders.values()) {
    for (const line of order.lines) {
      if (line.listing === listing.listingId) open += line.taken - line.gone;
    }
  }
  return shown - open;
}

/** Does the number still contain the platform's own open orders? */
export function isGross(state: MemoryState): boolean {
  return state.options.capabilities?.basis === 'gross';
}

/** A merchant types a number into the platform's own admin. */
export function set(state: MemoryState, ref: string, quantity: number | null): void {
  const listing = listingOf(state, ref);
  if (listing === undefined) throw new Error(`${state.name} has no listing ${ref}`);
  const counter = counterOf(state, listing);
  state.writes.push({
    at: platformNow(state),
    counterKey: listing.counterKey,
    from: counter.shown,
    to: quantity ?? 0,
    applied: true,
    answered: true,
    key: 'hand',
  });
  counter.shown = quantity;
  counter.stale = null;
}
