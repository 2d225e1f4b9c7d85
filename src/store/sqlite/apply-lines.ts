import { withStage } from '../../stock/line.ts';
import type { OrderSnapshot, SnapshotLine } from '../../stock/order.ts';
import type { AppliedOrder } from '../store.ts';
import { allocate, joinChains, waive } from './allocate.ts';
import { keepDocket } from './docket.ts';
import { doubtLine } from './doubt.ts';
import { type Tx, takeLineId } from './ledger.ts';
import { type LinePart, type LineRow, lineByKey, linesOfOrder, saveLine } from './lines.ts';
import { allocationOf, listingById, listingOf, type SoldListing } from './listing-row.ts';
import { noteOpened } from './mark.ts';
import type { StoredOrder, TextRequest } from './order-row.ts';
import { takeFromHold } from './tied.ts';
import { noteStirred } from './unsettled.ts';

/** One order on its way through a transaction. */
export interface Passage {
  tx: Tx;
  request: TextRequest;
  snapshot: OrderSnapshot;
  /** Null for a new order. */
  stored: StoredOrder | null;
  orderRef: number;
  result: AppliedOrder;
  /** Counters that it was sold on. */
  counterIds: Set<number>;
  /** A line that waited for a mapping is not sold any more. */
  mappedAway: boolean;
  /** Open holds that name this order. */
  tied: string[];
}

/** A line with what the snapshot wants of it. */
interface Intent {
  line: LineRow;
  state: 'new' | 'known';
  listing: SoldListing | null;
  shown: Pick<SnapshotLine, 'taken' | 'gone' | 'takenAt' | 'goneAt' | 'doubted'>;
}

/**
 * Applies every line of the snapshot. Releases come before takes, then lines in `lineKey` order: an edit between two
 * lines makes no false shortfall. Answers the lines as they are now.
 */
export function applyLines(passage: Passage): LineRow[] {
  const intents = intentsOf(passage);
  const fell = (intent: Intent) => (intent.shown.taken < intent.line.taken ? 0 : 1);
  if (intents.length > 1) {
    intents.sort((a, b) => fell(a) - fell(b) || (a.line.lineKey < b.line.lineKey ? -1 : 1));
  }
  for (const intent of intents) applyLine(passage, intent);
  return intents.map((intent) => intent.line);
}

function intentsOf(passage: Passage): Intent[] {
  const { tx, request, snapshot, stored, orderRef } = passage;
  const known = stored === null ? [] : linesOfOrder(tx.db, orderRef);
  const named = new Set<string>();
  const intents = snapshot.lines.map((shown): Intent => {
    named.add(shown.lineKey);
    const line =
      known.find((candidate) => candidate.lineKey === shown.lineKey) ??
      lineByKey(tx.db, request.channelId, shown.lineKey);
    if (line === null) return newIntent(passage, shown);
    const listing = line.listingRef === null ? null : listingById(tx.db, line.listingRef);
    return { line, state: 'known', listing, shown };
  });
  if (!snapshot.complete) return intents;
  // Only a complete snapshot releases lines by their absence.
  for (const line of known) {
    if (named.has(line.lineKey) || (line.taken === 0 && line.gone === 0)) continue;
    const listing = line.listingRef === null ? null : listingById(tx.db, line.listingRef);
    intents.push({
      line,
      state: 'known',
      listing,
      shown: { taken: 0, gone: 0, takenAt: null, goneAt: null },
    });
  }
  return intents;
}

function newIntent(passage: Passage, shown: SnapshotLine): Intent {
  const { tx, request, snapshot, stored, orderRef } = passage;
  const listing = shown.listingId === null ? null : listingOf(tx.db, request.channelId, shown.listingId);
  // A line that an earlier complete snapshot did not have was added by an edit.
  const soldAt = shown.takenAt ?? (stored?.complete ? snapshot.changedAt : snapshot.placedAt);
  const line: LineRow = {
    id: takeLineId(tx),
    channelId: request.channelId,
    lineKey: shown.lineKey,
    orderRef,
    listingRef: listing?.id ?? null,
    listingText: listing?.listingId ?? shown.listingId,
    channelSku: shown.channelSku,
    taken: 0,
    gone: 0,
    given: 0,
    presumed: 0,
    waived: 0,
    reportedGone: 0,
    allocation: allocationOf(tx, listing?.parts ?? null, listing?.fixed ?? false),
    parts: listing?.parts?.map(([skuId, units]): LinePart => [skuId, units, null]) ?? null,
    soldAt,
    stages: [],
    docketed: false,
    rev: 1,
  };
  return { line, state: 'new', listing, shown };
}

function applyLine(passage: Passage, intent: Intent): void {
  const { tx, request, snapshot, result, orderRef } = passage;
  const { line, state, listing, shown } = intent;
  const before = { ...line };
  const gone = Math.max(shown.gone, Math.min(line.presumed, shown.taken));
  const unmoved = line.taken === shown.taken && line.gone === gone && line.reportedGone === shown.gone;
  if (line.allocation === 'unmapped' && shown.taken > 0) result.unmappedLines += 1;
  if (state === 'known' && unmoved && line.orderRef === orderRef) {
    noteDoubt(passage, intent, before);
    return;
  }
  if (state === 'known' && line.gone === line.taken) noteStirred(tx, line);
  line.orderRef = orderRef;
  line.reportedGone = shown.gone;
  if (line.allocation === 'held' && passage.tied.length > 0)
    takeFromHold(tx, passage.tied, line, shown.taken - line.taken, snapshot);
  const takenAt = takenAtOf(intent, snapshot);
  const goneAt = gone < line.gone ? snapshot.changedAt : (shown.goneAt ?? snapshot.changedAt);
  const taken = withStage(line.stages, [takenAt, shown.taken - line.taken, 0]);
  const stages = withStage(taken, [Math.max(goneAt, line.soldAt), 0, gone - line.gone]);
  const joins = state === 'new' ? 'joins' : 'joined';
  if (line.allocation === 'held') {
    const cause = { channelId: request.channelId, orderId: snapshot.orderId };
    allocate(tx, line, { taken: shown.taken, gone, stages, takenAt, goneAt }, cause, joins);
    // Made to order: what the shelf does not give is made, so nothing is short. So it is for what draws on no SKU.
    if (listing?.fixed || line.parts === null) waive(tx, line, line.taken - line.given);
  } else {
    Object.assign(line, { taken: shown.taken, gone, stages });
    if (line.allocation === 'uncounted' && state === 'new') joinChains(tx, line);
    if (line.allocation === 'unmapped' && shown.taken === 0 && before.taken > 0) passage.mappedAway = true;
  }
  const { channelId } = request;
  saveLine(tx.db, line, state);
  keepDocket(tx, line, { channelId, orderId: snapshot.orderId, placedAt: snapshot.placedAt }, 'sale');
  noteOwnChange(passage, intent, before);
  noteDoubt(passage, intent, before);
  result.takenUp += Math.max(0, shown.taken - before.taken);
  result.takenDown += Math.max(0, before.taken - shown.taken);
  result.given += line.given - before.given;
}

/** When the change of `taken` counts: told for a line's first units, learned now or not; else the order's change. */
function takenAtOf({ line, state, shown }: Intent, snapshot: OrderSnapshot): number {
  if (state === 'new') return line.soldAt;
  const first = line.stages.length === 0 ? shown.takenAt : null;
  return Math.min(first ?? snapshot.changedAt, snapshot.changedAt);
}

/** What the seller could not find is kept off sale; units that our stock never gave it are known to be missing. */
function noteDoubt(passage: Passage, { line, listing, shown }: Intent, before: LineRow): void {
  const told = shown.doubted ?? 0;
  if (told === 0 || listing?.fixed) return;
  const { tx, request, snapshot, result } = passage;
  const fell = Math.max(0, before.taken - line.taken);
  const neverGiven = line.allocation === 'held' ? Math.min(fell, before.taken - before.given) : 0;
  const { orderId, number } = snapshot;
  const order = { channelId: request.channelId, orderId, name: number ?? orderId };
  const facts = { told, neverGiven, at: Math.min(snapshot.changedAt, tx.now), order };
  result.doubts.push(...doubtLine(tx, line, facts));
}

/** Any change of `taken` makes the counter it was sold on due, also when no level moved. */
function noteOwnChange(passage: Passage, intent: Intent, before: LineRow): void {
  const { tx, snapshot, stored } = passage;
  const { line, listing, state, shown } = intent;
  if (listing === null) return;
  const delta = before.taken - line.taken;
  const more = line.taken - line.reportedGone - (before.taken - before.reportedGone);
  const opened = noteOpened(tx, line.channelId, listing.id, more);
  if (delta === 0 && opened === 0) return;
  passage.counterIds.add(listing.counterId);
  const changes = tx.counters.get(listing.counterId) ?? [];
  tx.counters.set(listing.counterId, changes);
  if (delta === 0) return;
  const told = state === 'new' ? shown.takenAt : null;
  const to = told ?? Math.min(Math.max(snapshot.changedAt, snapshot.placedAt), snapshot.answeredAt);
  // A known order did not have this change when it was last read.
  const from = told ?? Math.min(stored?.answeredAt ?? snapshot.placedAt, to);
  changes.push({ delta, from, to });
}
