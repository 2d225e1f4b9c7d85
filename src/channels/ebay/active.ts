import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { noNumber, type Span, shownAs } from '../kit/reading.ts';
import { Refusal } from '../kit/refusal.ts';
import { walkPages } from '../kit/walk.ts';
import { groupsOf } from '../kit/write.ts';
import type { Task } from './api.ts';
import { aspectsRef, type Due, type Look, type TradingFacts } from './facts.ts';
import { refusedRow } from './failures.ts';
import { Envelope, refusalWords } from './trading.ts';
import { countText, escaped, many, optionalTable } from './xml.ts';

const Sold = optionalTable(z.object({ QuantitySold: countText, ListingStatus: z.string().nullish() }));
const Counted = z.object({
  SKU: z.string().nullish(),
  Quantity: countText,
  QuantityAvailable: countText,
  SellingStatus: Sold,
});
type Counted = z.infer<typeof Counted>;
const Variation = Counted.extend({
  VariationSpecifics: optionalTable(
    z.object({ NameValueList: many(z.object({ Name: z.string(), Value: many(z.string()) })) }),
  ),
});
const ItemNode = Counted.extend({
  ItemID: z.string().min(1),
  Title: z.string().nullish(),
  ListingType: z.string().nullish(),
  Variations: optionalTable(z.object({ Variation: many(Variation) })),
});

const ActivePage = z.object({
  ActiveList: optionalTable(
    z.object({
      ItemArray: optionalTable(z.object({ Item: many(ItemNode) })),
      PaginationResult: optionalTable(z.object({ TotalNumberOfPages: countText })),
    }),
  ),
});
const OneItem = z.object({ Item: ItemNode });

/** One number of a listing that was made on the site: the listing's own, or a variation's. */
export type ActiveRow = ReturnType<typeof rowsOf>[number];

/** Rows as read, with the span of the request. */
interface ActiveRows extends Span {
  rows: ActiveRow[];
}

/** Listings per page (EBAY-4.2). */
export const pageSize = 200;
/** A listing that is not there or not ours (EBAY-5.2). */
const notFoundCodes = [17, 291, 1047, 21916884, 21916750];

/** All active listings of the account, of both models, page by page. */
export function activeListings(task: Task): AsyncGenerator<ActiveRows> {
  return walkPages({
    what: 'the list of active listings',
    first: 1,
    mostPages: 2_000,
    async ask(page: number) {
      const body = `<ActiveList><Include>true</Include><Pagination><EntriesPerPage>${pageSize}</EntriesPerPage><PageNumber>${page}</PageNumber></Pagination></ActiveList><DetailLevel>ReturnAll</DetailLevel>`;
      const call = { path: 'GetMyeBaySelling', body, data: ActivePage };
      const { data, askedAt, answeredAt } = await task.askTrading(call);
      const items = data.ActiveList?.ItemArray?.Item ?? [];
      const pages = data.ActiveList?.PaginationResult?.TotalNumberOfPages ?? 1;
      task.learned.activePages = Math.max(1, pages);
      return { rows: items.flatMap(rowsOf), items, pages, askedAt, answeredAt };
    },
    next: ({ pages }, page) => (page >= pages ? null : page + 1),
    rows: ({ items }) => items,
  });
}

function rowsOf(item: z.infer<typeof ItemNode>) {
  const { ItemID: itemId, Variations, SellingStatus } = item;
  const title = item.Title ?? itemId;
  const rowOf = (node: Counted, named: { title: string; aspects: string | null }) => ({
    itemId,
    type: item.ListingType ?? 'FixedPriceItem',
    ended: ['Completed', 'Ended'].includes(SellingStatus?.ListingStatus ?? 'Active'),
    /** The variation's name by its aspects; null for a listing without variations. */
    ...named,
    sku: node.SKU?.trim() ? node.SKU : null,
    /** What is left to buy. */
    available: availableOf(node),
  });
  const variations = Variations?.Variation ?? [];
  if (variations.length === 0) return [rowOf(item, { title, aspects: null })];
  return variations.map((variation) => {
    const specifics = variation.VariationSpecifics?.NameValueList ?? [];
    const pairs = specifics.map(({ Name, Value }) => ({ name: Name, value: Value[0] ?? '' }));
    const values = pairs.map(({ value }) => value).join(', ');
    return rowOf(variation, { title: `${title} - ${values}`, aspects: aspectsRef(itemId, pairs) });
  });
}

/** Quantity counts sold units too when it is read, and not when it is written (EBAY-4.2, EBAY-9.3). */
function availableOf(row: Counted): number | null {
  if (row.QuantityAvailable !== null) return Math.max(0, row.QuantityAvailable);
  if (row.Quantity === null) return null;
  return Math.max(0, row.Quantity - (row.SellingStatus?.QuantitySold ?? 0));
}

/**
 * Listings made on the site, by listing id. The XML API gives 5,000 calls a day (EBAY-7): a sweep over all pages when that
 * takes fewer calls than one per listing. What a sweep leaves out is asked for by itself before it counts as gone.
 */
export async function lookAtActive(task: Task, wanted: readonly TradingFacts[]): Promise<Map<string, Look>> {
  const itemIds = new Set(wanted.map(({ itemId }) => itemId));
  const found = new Map<string, ActiveRows>();
  if (itemIds.size > Math.max(2, task.learned.activePages)) {
    for await (const { rows, ...span } of activeListings(task)) {
      for (const row of rows) {
        if (!itemIds.has(row.itemId)) continue;
        const known = found.get(row.itemId) ?? { rows: [], ...span };
        known.rows.push(row);
        found.set(row.itemId, known);
      }
      if (found.size === itemIds.size) break;
    }
  }
  const looks = new Map<string, Look>();
  for (const facts of wanted) {
    const read = found.get(facts.itemId) ?? (await readItem(task, facts.itemId));
    found.set(facts.itemId, read);
    looks.set(facts.id, lookOf(facts, read));
  }
  return looks;
}

/** One listing by its id; without rows: not there, not ours, or ended. */
async function readItem(task: Task, itemId: string): Promise<ActiveRows> {
  const body = `<ItemID>${escaped(itemId)}</ItemID><IncludeItemSpecifics>false</IncludeItemSpecifics>`;
  try {
    const call = { path: 'GetItem', body, data: OneItem };
    const { data, askedAt, answeredAt } = await task.askTrading(call);
    return { rows: rowsOf(data.Item), askedAt, answeredAt };
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind !== 'rejected') throw error;
    const now = task.deps.clock.now();
    if (error.has(...notFoundCodes)) return { rows: [], askedAt: now, answeredAt: now };
    throw new Refusal('retry', error.message, { status: error.status, codes: error.codes });
  }
}

const gone = 'eBay has no such active listing (any more): it was ended, or its SKU was changed';

function lookOf(facts: TradingFacts, { rows, ...span }: ActiveRows): Look {
  const row = rowOf(facts, rows);
  if (row === undefined || row.ended) return noNumber('not-listed', gone, span);
  const shown = row.available;
  if (facts.unwritable !== null) return { ...noNumber('unwritable', facts.unwritable, span), shown };
  return shown === null ? noNumber('untracked', 'eBay tells no quantity for it', span) : shownAs(shown, span);
}

/** A listing that has got variations since, or lost them, is another one: its old level must not be written. */
function rowOf(facts: TradingFacts, rows: readonly ActiveRow[]): ActiveRow | undefined {
  const named = rows.filter((row) => row.aspects !== null);
  if (facts.variation !== null) return named.find((row) => row.sku === facts.variation);
  return facts.id === facts.itemId
    ? rows.find((row) => row.aspects === null)
    : named.find((row) => row.aspects === facts.id);
}

const Preferences = z.object({ OutOfStockControlPreference: z.string().nullish() });
const believedMs = 10 * 60_000;

/**
 * Is the account's Out-of-Stock control on? Without it a listing that reaches 0 is ended for good (EBAY-5.3). An "on" is
 * believed for ten minutes, an "off" never; a missing answer counts as off. Throws `ChannelError`.
 */
export async function isOutOfStockOn(task: Task): Promise<boolean> {
  const { learned } = task;
  const now = task.deps.clock.now();
  if (learned.outOfStockOnSince !== null && now - learned.outOfStockOnSince < believedMs) return true;
  const body = '<ShowOutOfStockControlPreference>true</ShowOutOfStockControlPreference>';
  const call = { path: 'GetUserPreferences', body, data: Preferences };
  const { data } = await task.askTrading(call);
  const on = data.OutOfStockControlPreference === 'true';
  learned.outOfStockOnSince = on ? task.deps.clock.now() : null;
  return on;
}

/** Most rows of one call (EBAY-5.2). */
const rowsPerCall = 4;

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

const Revised = Envelope.extend({
  InventoryStatus: many(z.object({ ItemID: z.string(), SKU: z.string().nullish() })),
});

/**
 * Writes listings made on the site, four rows a call, all variations of one listing together as far as they fit: a
 * call costs each listing in it one revision (EBAY-5.2, EBAY-5.4). A refusal of several rows names none of them: they are
 * left out of the answer, and sent again row by row. Of a partial failure, the rows that the answer echoes were written.
 */
export async function writeTrading(
  task: Task,
  rows: readonly Due<TradingFacts>[],
): Promise<Map<PushLine, PushOutcome>> {
  await task.revisions.spend([...new Set(rows.map(({ facts }) => facts.itemId))]);
  const ask = { effect: 'write', data: Revised } as const;
  const body = rows.map(nodeOf).join('');
  const { data } = await task.askTrading({ ...ask, path: 'ReviseInventoryStatus', body });
  const isDone = data.Ack === 'Success' || data.Ack === 'Warning';
  const echoes = data.Ack === 'PartialFailure' ? data.InventoryStatus : [];
  const outcomes = new Map<PushLine, PushOutcome>();
  for (const { line, facts } of rows) {
    const isEchoed = echoes.some(
      ({ ItemID, SKU }) => ItemID === facts.itemId && (facts.variation === null || SKU === facts.variation),
    );
    if (isDone || isEchoed) outcomes.set(line, { kind: 'applied', shown: line.quantity });
    else if (rows.length === 1) outcomes.set(line, refusedRow(data.Errors, refusalWords(data)));
  }
  return outcomes;
}

/** Quantity is what is left to buy: eBay adds the sold units itself (EBAY-9.3). A variation is named by its SKU. */
function nodeOf({ line, facts }: Due<TradingFacts>): string {
  const sku = facts.variation === null ? '' : `<SKU>${escaped(facts.variation)}</SKU>`;
  return `<InventoryStatus><ItemID>${escaped(facts.itemId)}</ItemID>${sku}<Quantity>${line.quantity}</Quantity></InventoryStatus>`;
}
