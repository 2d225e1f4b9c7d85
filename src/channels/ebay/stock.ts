import type { ListingRef, PushLine, PushOutcome, StockReading } from '../channel.ts';
import { chunksOf, compared, writeInBatches } from '../kit/write.ts';
import { isOutOfStockOn, lookAtActive, tradingBatches, writeTrading } from './active.ts';
import type { Task } from './api.ts';
import { capabilities } from './capabilities.ts';
import { type Due, type Facts, factsOf, type Look, revisedBy } from './facts.ts';
import { lookAtItems, writeInventory } from './inventory.ts';
import { keptForLowering, revisionsPerDay } from './revisions.ts';

/** What eBay shows now, one uncached reading per listing in order, each by the API of its model (EBAY-4). */
export async function readStock(task: Task, listings: readonly ListingRef[]): Promise<StockReading[]> {
  const looks = await look(task, listings);
  return listings.flatMap(({ listingId }) => {
    const seen = looks.get(listingId);
    if (seen === undefined) return [];
    return [{ ...seen, listingId, state: seen.state === 'failed' ? 'untracked' : seen.state }];
  });
}

/** By listing id, each of them. */
async function look(task: Task, listings: readonly ListingRef[]): Promise<Map<string, Look>> {
  const facts = listings.map(factsOf);
  const items = facts.filter((each) => each.model === 'inventory');
  const made = facts.filter((each) => each.model === 'trading');
  return new Map([...(await lookAtItems(task, items)), ...(await lookAtActive(task, made))]);
}

const importHint = 'run: invsync listings import; unmap the listing if it is gone for good';

/**
 * Sets numbers: read, compare with `base`, write by the API of each listing's model (EBAY-5). What already shows its
 * number is not written: a listing may be revised 250 times a day.
 */
export function setStock(task: Task, lines: readonly PushLine[]): Promise<PushOutcome[]> {
  return writeInBatches<Due>(lines, {
    maxQuantity: capabilities.maxQuantity,
    refusal(line) {
      const error = factsOf(line).unwritable;
      const hint = 'if that was changed on eBay, run: invsync listings import';
      return error === null ? null : { error, hint };
    },
    async read(wanted) {
      const looks = await look(task, wanted);
      const found = new Map<PushLine, Due | PushOutcome>();
      for (const line of wanted) {
        const seen = looks.get(line.listingId);
        if (seen === undefined) continue;
        const due = { line, facts: factsOf(line) };
        found.set(line, settledBy(line, seen) ?? (await refusedFor(task, due, seen)) ?? due);
      }
      return found;
    },
    batches: (due) => [
      ...chunksOf(due.filter(isOf('inventory')), task.learned.rowsPerWrite),
      ...tradingBatches(due.filter(isOf('trading'))),
    ],
    write: (rows) =>
      rows.every(isOf('inventory'))
        ? writeInventory(task, rows)
        : writeTrading(task, rows.filter(isOf('trading'))),
  });
}

function isOf<M extends Facts['model']>(model: M) {
  return (due: Due): due is Due<Extract<Facts, { model: M }>> => due.facts.model === model;
}

function settledBy(line: PushLine, { state, ...seen }: Look): PushOutcome | null {
  if (state === 'failed') return { kind: 'retry', error: seen.detail ?? 'eBay could not read the item' };
  const settled = compared(line, { ...seen, state }, importHint);
  return settled ?? (seen.shown === line.quantity ? { kind: 'applied', shown: seen.shown } : null);
}

/** Guards that need more than the number: the end of a listing at 0, and the revisions of the day. */
async function refusedFor(task: Task, { line, facts }: Due, seen: Look): Promise<PushOutcome | null> {
  const isZero = facts.model === 'trading' && line.quantity === 0;
  if (isZero && !(await isOutOfStockOn(task))) {
    return {
      kind: 'rejected',
      error: 'Out-of-Stock control is off: a quantity of 0 would end the listing for good',
      hint: 'switch on "out of stock option" in My eBay > Account > Site preferences > Sales; the number is tried again hourly',
    };
  }
  const left = await task.revisions.left(revisedBy(facts));
  const raises = line.quantity > (seen.shown ?? 0);
  if (left > (raises ? keptForLowering : 0)) return null;
  const error = `this listing has ${left} of its ${revisionsPerDay} revisions of the day left`;
  if (!raises) {
    const hint = 'lower it by hand on eBay, or end the listing; tried again hourly';
    return { kind: 'rejected', error, hint };
  }
  const afterMs = task.revisions.untilResetMs();
  return { kind: 'retry', error: `${error}; raising waits until tomorrow`, afterMs };
}
