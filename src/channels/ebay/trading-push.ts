import { z } from 'zod';
import type { PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { type Batch, type Due, outcomeOf, settleRest } from './batch.ts';
import type { TradingFacts } from './facts.ts';
import { type TradingAnswer, type TradingError, wordsOfErrors } from './trading.ts';
import { escaped, many } from './xml.ts';

const name = 'ReviseInventoryStatus';
/** Most rows of one call (EBAY-5.2). */
const rowsPerCall = 4;

const Echo = z.object({ ItemID: z.string(), SKU: z.string().nullish() });
const Answer = z.object({ InventoryStatus: many(Echo) });
type Answer = z.infer<typeof Answer>;

const importHint = 'run: invsync listings import';
/** Hints by error code (EBAY-5.2; code meanings from third parties, last verified 2026-11). */
const hints = new Map<number, string>([
  [17, importHint],
  [291, 'the listing has ended: relist it, then run invsync listings import'],
  [1047, 'the listing has ended: relist it, then run invsync listings import'],
  [21916750, 'the listing has ended: relist it, then run invsync listings import'],
  [21916884, importHint],
  [21919188, 'the selling limit of the account is reached: ask eBay for a higher one'],
]);

/**
 * Writes listings made on the site, four rows a call, all variations of one listing together as far as they fit: a
 * call costs each listing in it one revision (EBAY-5.2, EBAY-5.4). A refusal of several rows is repeated row by row, so
 * that one bad row never blocks its call.
 */
export async function writeTrading(batch: Batch, due: readonly Due<TradingFacts>[]): Promise<void> {
  const queue = callsFor(due);
  for (let rows = queue.shift(); rows !== undefined; rows = queue.shift()) {
    try {
      queue.unshift(...(await writeRows(batch, rows)));
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      settleRest(batch, rows, () => outcomeOf(error));
      throw error;
    }
  }
}

/** Rows grouped by listing, groups packed into calls of four at most. */
function callsFor(due: readonly Due<TradingFacts>[]): Due<TradingFacts>[][] {
  const byItem = new Map<string, Due<TradingFacts>[]>();
  for (const each of due) byItem.set(each.facts.itemId, [...(byItem.get(each.facts.itemId) ?? []), each]);
  const calls: Due<TradingFacts>[][] = [];
  for (const rows of byItem.values()) {
    for (let at = 0; at < rows.length; at += rowsPerCall) {
      const part = rows.slice(at, at + rowsPerCall);
      const open = calls.find((call) => call.length + part.length <= rowsPerCall);
      if (open === undefined) calls.push(part);
      else open.push(...part);
    }
  }
  return calls;
}

/** One call; the rows that must be sent again, each alone. */
async function writeRows(batch: Batch, rows: readonly Due<TradingFacts>[]): Promise<Due<TradingFacts>[][]> {
  const { shop, signal } = batch;
  await shop.revisions.spend([...new Set(rows.map(({ facts }) => facts.itemId))]);
  const answer = await shop.trading.call(
    { name, body: rows.map(nodeOf).join(''), data: Answer, effect: 'write', priority: 'push' },
    signal,
  );
  const applied = rows.filter((row) => isApplied(row, answer));
  for (const { line } of applied) batch.outcomes.set(line, { kind: 'applied', shown: line.quantity });
  const refused = rows.filter((row) => !applied.includes(row));
  const [only] = refused;
  if (only === undefined) return [];
  if (rows.length > 1) return refused.map((row) => [row]);
  batch.outcomes.set(only.line, refusalOf(answer.errors));
  return [];
}

/** Quantity is what is left to buy: eBay adds the sold units itself (EBAY-9.3). A variation is named by its SKU. */
function nodeOf({ line, facts }: Due<TradingFacts>): string {
  const sku = facts.variation === null ? '' : `<SKU>${escaped(facts.variation)}</SKU>`;
  return `<InventoryStatus><ItemID>${escaped(facts.itemId)}</ItemID>${sku}<Quantity>${line.quantity}</Quantity></InventoryStatus>`;
}

/** Of a partial failure, the rows that the answer echoes were written. */
function isApplied({ facts }: Due<TradingFacts>, answer: TradingAnswer<Answer>): boolean {
  if (answer.ack === 'Success' || answer.ack === 'Warning') return true;
  if (answer.ack === 'Failure') return false;
  return (answer.data?.InventoryStatus ?? []).some(
    (echo) => echo.ItemID === facts.itemId && (facts.variation === null || echo.SKU === facts.variation),
  );
}

function refusalOf(errors: readonly TradingError[]): PushOutcome {
  const hint = errors.map((error) => hints.get(error.ErrorCode)).find((text) => text !== undefined);
  return {
    kind: 'rejected',
    error: wordsOfErrors(errors),
    hint: hint ?? 'look at the listing in Seller Hub',
  };
}
