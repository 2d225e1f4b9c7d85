import type { PushLine, PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { type Batch, type Due, revisedBy, unsent } from './batch.ts';
import { capabilities } from './capabilities.ts';
import { type Facts, factsOf, type InventoryFacts, type TradingFacts } from './facts.ts';
import { writeInventory } from './inventory-push.ts';
import { zeroRefused } from './out-of-stock.ts';
import { keptForLowering, revisionsPerDay } from './revisions.ts';
import type { Shop } from './shop.ts';
import { type Look, look } from './stock.ts';
import { writeTrading } from './trading-push.ts';

/**
 * Sets numbers: read, compare with `base`, write by the API of each listing's model (EBAY-5). Failures become
 * outcomes, nothing is thrown. What already shows its number is not written: a listing may be revised 250 times a day.
 */
export async function setStock(
  shop: Shop,
  lines: readonly PushLine[],
  signal: AbortSignal,
): Promise<PushOutcome[]> {
  const batch: Batch = { shop, signal, outcomes: new Map() };
  const sound = lines.filter((line) => !isRefusedBeforehand(batch, line));
  try {
    const due = await dueLines(batch, sound);
    await writeInventory(
      batch,
      due.flatMap(({ line, facts }): Due<InventoryFacts>[] =>
        facts.model === 'inventory' ? [{ line, facts }] : [],
      ),
    );
    await writeTrading(
      batch,
      due.flatMap(({ line, facts }): Due<TradingFacts>[] =>
        facts.model === 'trading' ? [{ line, facts }] : [],
      ),
    );
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    // What has no outcome yet was never sent: writers settle their own lines.
    for (const line of sound) if (!batch.outcomes.has(line)) batch.outcomes.set(line, unsent(error));
  }
  return lines.map((line) => batch.outcomes.get(line) ?? { kind: 'retry', error: 'not sent' });
}

function isRefusedBeforehand({ outcomes }: Batch, line: PushLine): boolean {
  const { quantity } = line;
  if (!Number.isInteger(quantity) || quantity < 0 || quantity > capabilities.maxQuantity) {
    const hint = `set a whole number from 0 to ${capabilities.maxQuantity}`;
    outcomes.set(line, { kind: 'rejected', error: `${quantity} is no quantity`, hint });
    return true;
  }
  const why = factsOf(line).unwritable;
  if (why === null) return false;
  const hint = 'if that was changed on eBay, run: invsync listings import';
  outcomes.set(line, { kind: 'rejected', error: why, hint });
  return true;
}

/** Reads what is there and keeps the lines that are to be written. */
async function dueLines(batch: Batch, lines: readonly PushLine[]): Promise<Due<Facts>[]> {
  if (lines.length === 0) return [];
  const looks = await look(batch.shop, lines, { priority: 'push', signal: batch.signal });
  const due: Due<Facts>[] = [];
  for (const [index, line] of lines.entries()) {
    const facts = factsOf(line);
    const seen = looks[index];
    if (seen === undefined) continue;
    const settled = settledBy(line, seen) ?? (await refusedFor(batch, { line, facts }, seen));
    if (settled === null) due.push({ line, facts });
    else batch.outcomes.set(line, settled);
  }
  return due;
}

function settledBy(line: PushLine, seen: Look): PushOutcome | null {
  const { shown, state, detail, askedAt, answeredAt } = seen;
  if (state === 'failed') return { kind: 'retry', error: detail ?? 'eBay could not read the item' };
  if (state !== 'ok') {
    return {
      kind: 'rejected',
      error: detail ?? state,
      hint: 'run: invsync listings import; unmap the listing if it is gone for good',
    };
  }
  if (line.base !== null && shown !== line.base) return { kind: 'conflict', shown, askedAt, answeredAt };
  return shown === line.quantity ? { kind: 'applied', shown } : null;
}

/** Guards that need more than the number: the end of a listing at 0, and the revisions of the day. */
async function refusedFor({ shop, signal }: Batch, due: Due<Facts>, seen: Look): Promise<PushOutcome | null> {
  const { line, facts } = due;
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
