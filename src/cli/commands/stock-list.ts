import { iso } from '../../clock.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import { pages, type StockRow } from '../../store/store.ts';
import { type StockDocument, stockJson, stockReport } from '../../sync/status.ts';
import { answer, moreHint } from '../answer.ts';
import { limitArg } from '../args.ts';
import { type Books, unknownSku, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { csvLine } from '../csv.ts';
import type { Io } from '../io.ts';
import { type Column, printLine, printTable } from '../print.ts';

interface ListOptions {
  limit?: string;
  after?: string;
  search?: string;
  uncounted?: boolean;
  low?: boolean;
}

/** `stock list` */
export function list(invocation: Invocation<ListOptions>): Promise<ExitCode> {
  const { limit: limitText, ...filter } = invocation.options;
  const limit = limitArg(limitText);
  return withBooks(invocation, async (books) => {
    const rows = await books.store.stock.list({ ...filter, limit });
    const empty =
      filter.search === undefined && filter.uncounted !== true && filter.low !== true
        ? 'no SKU yet: invsync stock set, count, receive or import make one'
        : 'no such SKU';
    answer(invocation, { stock: rows.map(stockJson) }, books.warnings, (io) => {
      printTable(io, stockColumns, rows, empty);
      moreHint(io, rows.length, limit, `--after ${rows.at(-1)?.sku ?? ''}`);
    });
    return EXIT.ok;
  });
}

/** The numbers of a SKU as a table. */
export const stockColumns: readonly Column<StockRow>[] = [
  { title: 'sku', value: (row) => row.sku },
  { title: 'on hand', value: (row) => row.onHand },
  { title: 'committed', value: (row) => row.committed },
  { title: 'reserved', worth: 3, value: (row) => row.reserved },
  {
    title: 'available',
    worth: 9,
    value: (row) => (row.counted ? row.available : null),
    style: (row) => (row.counted && row.available === 0 ? 'warn' : undefined),
  },
  {
    title: 'counted',
    value: (row) => (row.counted ? 'yes' : 'no'),
    style: (row) => (row.counted ? 'dim' : 'warn'),
  },
];

/** `stock show` */
export function show(invocation: Invocation<object>): Promise<ExitCode> {
  const [sku = ''] = invocation.args;
  return withBooks(invocation, async (books) => {
    const row = await books.store.stock.get(sku);
    const document = await stockReport({ store: books.store }, sku);
    if (row === null || document === null) throw unknownSku(sku, await nearSku(books, sku));
    answer(invocation, document, books.warnings, (io) => {
      printTable(io, stockColumns, [row]);
      printListings(io, document.listings);
    });
    return EXIT.ok;
  });
}

/** Where a SKU is listed and what is known of the numbers there. */
export function printListings(io: Io, listings: StockDocument['listings']): void {
  printLine(io, '');
  printTable(
    io,
    [
      { title: 'channel', value: (row) => row.channel },
      { title: 'listing', room: 16, value: (row) => row.listing_id },
      { title: 'units', worth: 2, value: (row) => row.units },
      { title: 'target', value: (row) => row.target },
      { title: 'sent', value: (row) => row.sent },
      {
        title: 'shown',
        value: (row) => row.shown,
        style: (row) => (row.shown === row.target ? undefined : 'warn'),
      },
      { title: 'read at', worth: 3, value: (row) => row.read_at },
      { title: 'state', worth: 9, room: 16, value: (row) => row.state },
    ],
    listings,
    'on no listing: invsync listings map leads one to it',
  );
}

/** A known SKU that is like this one; asked of the store by a change that cannot happen. */
export async function nearSku(books: Books, sku: string): Promise<string | null> {
  const change = {
    sku,
    kind: 'adjust',
    quantity: 0,
    basis: 'free',
    asOf: 0,
    create: false,
    ref: null,
    presumeGoneMs: {},
  } as const;
  const actor = { by: 'invsync', reason: null };
  const { changed } = await books.store.rehearse([{ kind: 'change', changes: [change], actor }], [], 0);
  const [outcome] = changed;
  return outcome?.kind === 'unknown_sku' ? outcome.nearest : null;
}

/** `stock export`: all SKUs, page by page. */
export function exportAll(invocation: Invocation<object>): Promise<ExitCode> {
  return withBooks(invocation, async (books) => {
    if (invocation.json) {
      const rows: StockRow[] = [];
      for await (const page of allStock(books)) rows.push(...page);
      answer(invocation, { stock: rows.map(stockJson) }, books.warnings, () => undefined);
      return EXIT.ok;
    }
    const { io } = invocation;
    io.stdout(
      csvLine([
        'sku',
        'on_hand',
        'reason',
        'committed',
        'reserved',
        'available',
        'counted',
        'basis',
        'as_of',
      ]),
    );
    for await (const page of allStock(books)) io.stdout(page.map(exportLine).join(''));
    return EXIT.ok;
  });
}

/** Nothing is known of a SKU without a count: its number stays empty, and import passes it over. */
function exportLine(row: StockRow): string {
  const { sku, committed, reserved, counted } = row;
  const numbers = counted
    ? [row.onHand, '', committed, reserved, row.available]
    : ['', '', committed, reserved, ''];
  return csvLine([sku, ...numbers, counted ? 'yes' : 'no', row.basis, iso(row.asOf)]);
}

function allStock({ store }: Books): AsyncIterable<StockRow[]> {
  return pages(
    '',
    (after) => store.stock.list({ after, limit: 500 }),
    (row) => row.sku,
  );
}
