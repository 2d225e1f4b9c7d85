import { countText, EXIT, type ExitCode } from '../../errors.ts';
import { allListings, type ListingRow } from '../../store/store.ts';
import { standing } from '../../sync/standing.ts';
import { answer, type ListOptions, moreHint } from '../answer.ts';
import { beforeArg, limitArg } from '../args.ts';
import { askEngine } from '../ask.ts';
import { type Books, channelFilter, channelNamed, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { listingJson, partsText } from '../listing-json.ts';
import { type Column, printLine, printTable } from '../print.ts';

export const columns: readonly Column<ListingRow>[] = [
  { title: 'id', value: (row) => row.id },
  { title: 'channel', value: (row) => row.channel },
  { title: 'listing', room: 18, value: (row) => row.listingId },
  { title: 'channel sku', worth: 3, value: (row) => row.channelSku },
  { title: 'title', worth: 2, value: (row) => row.title.slice(0, 40) },
];

/** `listings list` */
export function list(
  invocation: Invocation<ListOptions & { channel?: string; unmapped?: boolean }>,
): Promise<ExitCode> {
  const { options } = invocation;
  return withBooks(invocation, async (books) => {
    const filter = { ...channelFilter(books, options.channel), unmapped: options.unmapped === true };
    const { rows, limit } = await newest(books, filter, options);
    answer(invocation, { listings: rows.map((row) => listingJson(row)) }, books.warnings, (io) => {
      printTable(
        io,
        [
          ...columns,
          { title: 'sku', worth: 8, value: (row) => partsText(row.parts) },
          {
            title: 'state',
            worth: 8,
            value: (row) => standing(row).state,
            style: (row) => (['mapped', 'fixed'].includes(standing(row).state) ? 'dim' : 'warn'),
          },
        ],
        rows,
        'no listings: invsync listings import <channel> reads them',
      );
      moreHint(io, rows.length, limit, `--before ${rows.at(-1)?.id ?? ''}`);
    });
    return EXIT.ok;
  });
}

/** Newest first: the store pages from the oldest on, so the last page is looked for. */
export async function newest(
  books: Books,
  filter: { channel?: string; unmapped?: boolean; changed?: boolean },
  options: ListOptions,
): Promise<{ rows: ListingRow[]; limit: number }> {
  const limit = limitArg(options.limit);
  const before = beforeArg(options.before) ?? Number.MAX_SAFE_INTEGER;
  const rows: ListingRow[] = [];
  for await (const row of allListings(books.store, filter)) {
    if (row.id >= before) break;
    rows.push(row);
    if (rows.length > limit) rows.shift();
  }
  return { rows: rows.reverse(), limit };
}

/** `listings import` */
export function importCatalogue(invocation: Invocation<object>): Promise<ExitCode> {
  const [named = ''] = invocation.args;
  return withBooks(invocation, async (books) => {
    const { name } = channelNamed(books, named);
    const result = (await import('../results.ts')).importResult.parse(
      await askEngine(invocation.io, books, 'listings.import', { channel: name }),
    );
    const { warnings, ...found } = result;
    answer(invocation, found, [...books.warnings, ...warnings], (io) => {
      const vanished = found.vanished > 0 ? `, ${found.vanished} are gone` : '';
      printLine(
        io,
        `${name}: ${countText(found.listings, 'listing')}, ${found.mapped} newly mapped, ${found.unmapped} without a SKU${vanished}`,
      );
      if (found.unmapped > 0) io.stderr(`next: invsync listings unmatched ${name}\n`);
    });
    return EXIT.ok;
  });
}
