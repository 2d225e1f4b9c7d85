import { EXIT, type ExitCode } from '../../errors.ts';
import type { ListingRow, WaitingSale } from '../../store/store.ts';
import { answer, type ListOptions, moreHint } from '../answer.ts';
import { type Books, channelFilter, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { listingJson } from '../listing-json.ts';
import { type Column, printLine, printTable } from '../print.ts';
import { columns, newest } from './listings-list.ts';

/** Options of `listings unmatched`. */
export interface UnmatchedOptions extends ListOptions {
  changed?: boolean;
}

const mostSales = 1_000;

/** `listings unmatched`: listings without a SKU, or with `--changed` those whose mapping lost its reason; and sales. */
export function unmatched(invocation: Invocation<UnmatchedOptions>): Promise<ExitCode> {
  const { options, args } = invocation;
  return withBooks(invocation, async (books) => {
    const channel = channelFilter(books, args[0]);
    const wanted = options.changed === true ? { changed: true } : { unmapped: true };
    const { rows, limit } = await newest(books, { ...channel, ...wanted }, options);
    const listings = await withReasons(books, rows);
    const sales = options.changed === true ? [] : await books.store.listings.waitingSales(channel, mostSales);
    const document = { listings, sales: sales.map(saleJson) };
    answer(invocation, document, books.warnings, (io) => {
      const shown = columns.map((column): Column<(typeof listings)[number]> => {
        return { title: column.title, value: (row) => cellOf(column, rows, row.id) };
      });
      const why = { title: 'why', room: 36, worth: 9, value: (row: (typeof listings)[number]) => row.why };
      const mend = {
        title: 'what mends it',
        room: 30,
        worth: 4,
        value: (row: (typeof listings)[number]) => row.mend,
      };
      const empty = options.changed === true ? 'every mapping has its reason' : 'every listing has its SKU';
      printTable(io, [...shown, why, mend], listings, empty);
      moreHint(io, rows.length, limit, `--before ${rows.at(-1)?.id ?? ''}`);
      if (sales.length === 0) return;
      printLine(io, '');
      printLine(io, 'sales that count nowhere yet:');
      printTable(io, saleColumns, sales);
    });
    return EXIT.ok;
  });
}

function cellOf(column: Column<ListingRow>, rows: readonly ListingRow[], id: number) {
  const row = rows.find((each) => each.id === id);
  return row === undefined ? null : column.value(row);
}

/** Known SKUs that theirs only look like are looked for once, for all of them. */
async function withReasons(books: Books, rows: readonly ListingRow[]) {
  const sights = await books.store.stock.recognise(rows.map((row) => row.channelSku ?? ''));
  return rows.map((row, index) => listingJson(row, sights[index]?.resembles ?? null));
}

/** The one command that settles a sale. */
function mendOf(sale: WaitingSale): string {
  if (sale.name !== null) return `invsync listings map ${sale.channel} ${sale.name} SKU`;
  return `invsync listings dismiss ${sale.channel} ${sale.orders[0] ?? ''}`;
}

function saleJson(sale: WaitingSale) {
  const { channel, name, channelSku, orders, lines, units } = sale;
  return { channel, name, channel_sku: channelSku, orders, lines, units, mend: mendOf(sale) };
}

const saleColumns: readonly Column<WaitingSale>[] = [
  { title: 'channel', value: (sale) => sale.channel },
  { title: 'sold as', value: (sale) => sale.name },
  { title: 'channel sku', value: (sale) => sale.channelSku },
  { title: 'orders', value: (sale) => sale.orders.slice(0, 3).join(' ') },
  { title: 'lines', value: (sale) => sale.lines },
  { title: 'units', value: (sale) => sale.units },
  { title: 'what settles it', room: 30, worth: 8, value: mendOf },
];
