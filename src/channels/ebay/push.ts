import type { PushLine, PushOutcome } from '../channel.ts';
import { chunksOf, compared, writeInBatches } from '../kit/write.ts';
import type { Shop } from './api.ts';
import { capabilities } from './capabilities.ts';
import { type Due, factsOf, type InventoryFacts, revisedBy, type TradingFacts } from './facts.ts';
import { writeInventory } from './inventory-push.ts';
import { zeroRefused } from './out-of-stock.ts';
import { keptForLowering, revisionsPerDay } from './revisions.ts';
import { type Look, look } from './stock.ts';
import { tradingBatches, writeTrading } from './trading-push.ts';

const importHint = 'run: invsync listings import; unmap the listing if it is gone for good';

/**
 * Sets numbers: read, compare with `base`, write by the API of each listing's model (EBAY-5). What already shows its
 * number is not written: a listing may be revised 250 times a day.
 */
export function setStock(
  shop: Shop,
  lines: readonly PushLine[],
  signal: AbortSignal,
): Promise<PushOutcome[]> {
  return writeInBatches<Due>(lines, {
    maxQuantity: capabilities.maxQuantity,
    refusal(line) {
      const error = factsOf(line).unwritable;
      const hint = 'if that was changed on eBay, run: invsync listings import';
      return error === null ? null : { error, hint };
    },
    async read(wanted) {
      const looks = await look(shop, wanted, { priority: 'push', signal });
      const found = new Map<PushLine, Due | PushOutcome>();
      for (const [at, line] of wanted.entries()) {
        const seen = looks[at];
        const due = { line, facts: factsOf(line) };
        if (seen === undefined) continue;
        const settled = settledBy(line, seen) ?? (await refusedFor(shop, due, seen, signal));
        found.set(line, settled ?? due);
      }
      return found;
    },
    batches: (due) => [
      ...chunksOf(due.filter(isInventory), shop.learned.rowsPerWrite),
      ...tradingBatches(due.filter(isTrading)),
    ],
    write: (rows) =>
      rows.every(isInventory)
        ? writeInventory(shop, rows.filter(isInventory), signal)
        : writeTrading(shop, rows.filter(isTrading), signal),
  });
}

function isInventory(due: Due): due is Due<InventoryFacts> {
  return due.facts.model === 'inventory';
}

function isTrading(due: Due): due is Due<TradingFacts> {
  return due.facts.model === 'trading';
}

function settledBy(line: PushLine, seen: Look): PushOutcome | null {
  const { state, shown } = seen;
  if (state === 'failed') return { kind: 'retry', error: seen.detail ?? 'eBay could not read the item' };
  const settled = compared(line, { ...seen, state }, importHint);
  return settled ?? (shown === line.quantity ? { kind: 'applied', shown } : null);
}

/** Guards that need more than the number: the end of a listing at 0, and the revisions of the day. */
async function refusedFor(
  shop: Shop,
  { line, facts }: Due,
  seen: Look,
  signal: AbortSignal,
): Promise<PushOutcome | null> {
  if (facts.model === 'trading' && line.quantity === 0 && !(await shop.outOfStock.isOn(signal, 'push'))) {
    return { kind: 'rejected', ...zeroRefused };
  }
  const left = await shop.revisions.left(revisedBy(facts));
  const raises = line.quantity > (seen.shown ?? 0);
  if (left > (raises ? keptForLowering : 0)) return null;
  const error = `this listing has ${left} of its ${revisionsPerDay} revisions of the day left`;
  if (raises) {
    return {
      kind: 'retry',
      error: `${error}; raising waits until tomorrow`,
      afterMs: shop.revisions.untilResetMs(),
    };
  }
  return {
    kind: 'rejected',
    error,
    hint: 'lower it by hand on eBay, or end the listing; tried again hourly',
  };
}
