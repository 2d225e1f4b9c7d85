import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { groupsOf } from '../kit/write.ts';
import type { Shop } from './api.ts';
import type { Due, TradingFacts } from './facts.ts';
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

/** Rows grouped by listing, groups packed into calls of four at most. */
export function tradingBatches(due: readonly Due<TradingFacts>[]): Due<TradingFacts>[][] {
  const calls: Due<TradingFacts>[][] = [];
  for (const part of groupsOf(due, ({ facts }) => facts.itemId, rowsPerCall)) {
    const open = calls.find((call) => call.length + part.length <= rowsPerCall);
    if (open === undefined) calls.push(part);
    else open.push(...part);
  }
  return calls;
}

/**
 * Writes listings made on the site, four rows a call, all variations of one listing together as far as they fit: a
 * call costs each listing in it one revision (EBAY-5.2, EBAY-5.4). A refusal of several rows names none of them: they are
 * left out of the answer, and sent again row by row.
 */
export async function writeTrading(
  shop: Shop,
  rows: readonly Due<TradingFacts>[],
  signal: AbortSignal,
): Promise<Map<PushLine, PushOutcome>> {
  await shop.revisions.spend([...new Set(rows.map(({ facts }) => facts.itemId))]);
  const answer = await shop.trading.call(
    { name, body: rows.map(nodeOf).join(''), data: Answer, effect: 'write', priority: 'push' },
    signal,
  );
  const outcomes = new Map<PushLine, PushOutcome>();
  for (const row of rows) {
    const { line } = row;
    if (isApplied(row, answer)) outcomes.set(line, { kind: 'applied', shown: line.quantity });
    else if (rows.length === 1) outcomes.set(line, refusalOf(answer.errors));
  }
  return outcomes;
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
