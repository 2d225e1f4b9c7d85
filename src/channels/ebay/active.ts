import { z } from 'zod';
import type { Priority } from '../kit/pace.ts';
import { Refusal } from '../kit/refusal.ts';
import { walkPages } from '../kit/walk.ts';
import type { Shop } from './api.ts';
import { aspectsRef } from './facts.ts';
import { type TradingAnswer, wellAnswered, wordsOfErrors } from './trading.ts';
import { countText, escaped, many, optionalTable } from './xml.ts';

const Sold = optionalTable(z.object({ QuantitySold: countText, ListingStatus: z.string().nullish() }));
const Variation = z.object({
  SKU: z.string().nullish(),
  Quantity: countText,
  QuantityAvailable: countText,
  SellingStatus: Sold,
  VariationSpecifics: optionalTable(
    z.object({ NameValueList: many(z.object({ Name: z.string(), Value: many(z.string()) })) }),
  ),
});
const ItemNode = z.object({
  ItemID: z.string().min(1),
  SKU: z.string().nullish(),
  Title: z.string().nullish(),
  ListingType: z.string().nullish(),
  Quantity: countText,
  QuantityAvailable: countText,
  SellingStatus: Sold,
  Variations: optionalTable(z.object({ Variation: many(Variation) })),
});
type ItemNode = z.infer<typeof ItemNode>;

const ActivePage = z.object({
  ActiveList: optionalTable(
    z.object({
      ItemArray: optionalTable(z.object({ Item: many(ItemNode) })),
      PaginationResult: optionalTable(
        z.object({ TotalNumberOfPages: countText, TotalNumberOfEntries: countText }),
      ),
    }),
  ),
});
const OneItem = z.object({ Item: ItemNode });

/** One number of a listing that was made on the site: the listing's own, or a variation's. */
export interface ActiveRow {
  itemId: string;
  title: string;
  type: string;
  /** SKU, blank ones are null. */
  sku: string | null;
  /** The variation's name by its aspects; null for a listing without variations. */
  aspects: string | null;
  /** What is left to buy. */
  available: number | null;
  ended: boolean;
}

/** Rows as read, with the span of the request. */
export interface ActiveRows {
  rows: ActiveRow[];
  askedAt: number;
  answeredAt: number;
}

/** Listings per page (EBAY-4.2). */
export const pageSize = 200;
const mostPages = 2_000;
/** A listing that is not there or not ours (EBAY-5.2). */
const notFoundCodes = [17, 291, 1047, 21916884, 21916750];

/** All active listings of the account, of both models, page by page. */
export async function* activeListings(
  shop: Shop,
  signal: AbortSignal,
  priority: Priority = 'read',
): AsyncGenerator<ActiveRows> {
  const name = 'GetMyeBaySelling';
  const ask = async (page: number) => {
    const answer = await shop.trading.call(
      {
        name,
        body: `<ActiveList><Include>true</Include><Pagination><EntriesPerPage>${pageSize}</EntriesPerPage><PageNumber>${page}</PageNumber></Pagination></ActiveList><DetailLevel>ReturnAll</DetailLevel>`,
        data: ActivePage,
        effect: 'read',
        priority,
      },
      signal,
    );
    const list = wellAnswered(name, answer).ActiveList;
    const items = list?.ItemArray?.Item ?? [];
    const { askedAt, answeredAt } = answer;
    const pages = list?.PaginationResult?.TotalNumberOfPages ?? 1;
    shop.learned.activePages = Math.max(1, pages);
    return { rows: items.flatMap(rowsOf), items, pages, askedAt, answeredAt };
  };
  yield* walkPages({
    what: 'the list of active listings',
    first: 1,
    ask,
    next: ({ pages }, page) => (page >= pages ? null : page + 1),
    rows: ({ items }) => items,
    mostPages,
  });
}

/** One listing by its id; null: not there, not ours, or ended. */
export async function readItem(
  shop: Shop,
  itemId: string,
  reading: { priority: Priority; signal: AbortSignal },
): Promise<ActiveRows | null> {
  const name = 'GetItem';
  const answer: TradingAnswer<z.infer<typeof OneItem>> = await shop.trading.call(
    {
      name,
      body: `<ItemID>${escaped(itemId)}</ItemID><IncludeItemSpecifics>false</IncludeItemSpecifics>`,
      data: OneItem,
      effect: 'read',
      priority: reading.priority,
    },
    reading.signal,
  );
  if (answer.ack === 'Failure' || answer.data === null) {
    if (answer.errors.some((error) => notFoundCodes.includes(error.ErrorCode))) return null;
    throw new Refusal('retry', `${name}: ${wordsOfErrors(answer.errors)}`, {
      status: 200,
      codes: answer.errors.map((error) => error.ErrorCode),
    });
  }
  const { askedAt, answeredAt } = answer;
  return { rows: rowsOf(answer.data.Item), askedAt, answeredAt };
}

function rowsOf(item: ItemNode): ActiveRow[] {
  const status = item.SellingStatus?.ListingStatus ?? 'Active';
  const shared = {
    itemId: item.ItemID,
    title: item.Title ?? item.ItemID,
    type: item.ListingType ?? 'FixedPriceItem',
    ended: status === 'Completed' || status === 'Ended',
  };
  const variations = item.Variations?.Variation ?? [];
  if (variations.length === 0) {
    return [{ ...shared, sku: blankToNull(item.SKU), aspects: null, available: availableOf(item) }];
  }
  return variations.map((variation) => {
    const specifics = variation.VariationSpecifics?.NameValueList ?? [];
    const pairs = specifics.map(({ Name, Value }) => ({ name: Name, value: Value[0] ?? '' }));
    return {
      ...shared,
      title: `${shared.title} - ${pairs.map(({ value }) => value).join(', ')}`,
      sku: blankToNull(variation.SKU),
      aspects: aspectsRef(item.ItemID, pairs),
      available: availableOf(variation),
    };
  });
}

/** Quantity counts sold units too when it is read, and not when it is written (EBAY-4.2, EBAY-9.3). */
function availableOf(row: Pick<ItemNode, 'Quantity' | 'QuantityAvailable' | 'SellingStatus'>): number | null {
  if (row.QuantityAvailable !== null) return Math.max(0, row.QuantityAvailable);
  if (row.Quantity === null) return null;
  return Math.max(0, row.Quantity - (row.SellingStatus?.QuantitySold ?? 0));
}

function blankToNull(text: string | null | undefined): string | null {
  return text === undefined || text === null || text.trim() === '' ? null : text;
}
