import { iso } from '../../clock.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import {
  type LedgerRow,
  type OrderLineRow,
  type OrderRow,
  pages,
  type StockRow,
  type Store,
} from '../../store/store.ts';
import { warn } from '../answer.ts';
import { pastArg, usage } from '../args.ts';
import { withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { csvLine, spreadsheetSafe } from '../csv.ts';

/** Options of every export. */
export interface ExportOptions {
  csv?: boolean;
  jsonl?: boolean;
  since?: string;
}

export type ExportKind = 'orders' | 'ledger' | 'stock';

type Cell = string | number | boolean | null;
/** The columns of an export in their order: names are stable, new ones go to the end. */
type Columns<Row> = readonly (readonly [name: string, value: (row: Row) => Cell])[];

const pageRows = 500;

interface OrderLine {
  order: OrderRow;
  /** Null: an order without lines. */
  line: OrderLineRow | null;
}

const orderColumns: Columns<OrderLine> = [
  ['channel', ({ order }) => order.channel],
  ['order_id', ({ order }) => order.orderId],
  ['order_number', ({ order }) => order.number],
  ['placed_at', ({ order }) => iso(order.placedAt)],
  ['changed_at', ({ order }) => iso(order.changedAt)],
  ['status', ({ order }) => order.status],
  ['cancelled', ({ order }) => order.cancelled],
  ['missing', ({ order }) => order.missing],
  ['line_id', ({ line }) => line?.lineKey ?? null],
  ['sku', ({ line }) => line?.sku ?? null],
  ['channel_sku', ({ line }) => line?.channelSku ?? null],
  ['listing_id', ({ line }) => line?.listingId ?? null],
  ['taken', ({ line }) => line?.taken ?? null],
  ['given', ({ line }) => line?.given ?? null],
  ['gone', ({ line }) => line?.gone ?? null],
  ['shortfall', ({ line }) => line?.shortfall ?? null],
  ['allocation', ({ line }) => line?.allocation ?? null],
];

const ledgerColumns: Columns<LedgerRow> = [
  ['entry', (row) => row.id],
  ['recorded_at', (row) => iso(row.recordedAt)],
  ['occurred_at', (row) => iso(row.at)],
  ['sku', (row) => row.sku],
  ['kind', (row) => row.kind],
  ['on_hand', (row) => row.onHand],
  ['committed', (row) => row.committed],
  ['reserved', (row) => row.reserved],
  ['available', (row) => row.delta],
  ['available_after', (row) => row.after],
  ['channel', (row) => row.channel],
  ['order_id', (row) => row.orderId],
  ['order_number', (row) => row.orderNumber],
  ['line_id', (row) => row.lineKey],
  ['by', (row) => row.by],
  ['reason', (row) => row.reason],
  ['ref', (row) => row.ref],
];

const stockColumns: Columns<StockRow> = [
  ['sku', (row) => row.sku],
  ['on_hand', (row) => row.onHand],
  ['committed', (row) => row.committed],
  ['reserved', (row) => row.reserved],
  ['available', (row) => row.available],
  ['counted', (row) => row.counted],
  ['basis', (row) => row.basis],
  ['as_of', (row) => iso(row.asOf)],
];

/** Prints page by page, as fast as the reader takes it; a reader that goes away ends it quietly. */
export async function exportRows(invocation: Invocation<ExportOptions>, kind: ExportKind): Promise<ExitCode> {
  const { io, options } = invocation;
  if ((options.csv === true) === (options.jsonl === true))
    throw usage('say in which form: --csv or --jsonl', 'CSV for a spreadsheet, JSON lines for a program');
  const since = options.since === undefined ? null : pastArg(options.since, '--since', io.now());
  return withBooks(invocation, async ({ store, warnings }) => {
    warn(io, warnings);
    const form = options.csv === true ? 'csv' : 'jsonl';
    for await (const text of textsOf(store, { kind, form, since })) {
      io.stdout(text);
      if (!(await io.stdoutTaken())) break;
    }
    return EXIT.ok;
  });
}

interface Wanted {
  form: 'csv' | 'jsonl';
  since: number | null;
}

function textsOf(store: Store, { kind, ...wanted }: Wanted & { kind: ExportKind }): AsyncIterable<string> {
  const { since } = wanted;
  if (kind === 'orders') return texts(orderPages(store, since), orderColumns, wanted);
  if (kind === 'ledger') {
    const ask = (after: number) => store.reports.ledger({ after, since, limit: pageRows });
    return texts(
      pages(0, ask, (row) => row.id),
      ledgerColumns,
      wanted,
    );
  }
  const moved = since === null ? {} : { movedSince: since };
  const ask = (after: string) => store.stock.list({ after, ...moved, limit: pageRows });
  return texts(
    pages('', ask, (row) => row.sku),
    stockColumns,
    wanted,
  );
}

async function* orderPages(store: Store, since: number | null): AsyncIterable<OrderLine[]> {
  const ask = (before: number) => store.orders.list({ before, limit: pageRows });
  for await (const orders of pages(Number.MAX_SAFE_INTEGER, ask, (order) => order.id)) {
    const wanted = orders.filter(({ changedAt }) => since === null || changedAt >= since);
    yield wanted.flatMap((order): OrderLine[] =>
      order.lines.length === 0 ? [{ order, line: null }] : order.lines.map((line) => ({ order, line })),
    );
  }
}

async function* texts<Row>(
  found: AsyncIterable<Row[]>,
  columns: Columns<Row>,
  { form }: Wanted,
): AsyncIterable<string> {
  if (form === 'csv') yield csvLine(columns.map(([name]) => name));
  const print = form === 'csv' ? csvOf(columns) : jsonOf(columns);
  for await (const page of found) yield page.map(print).join('');
}

function csvOf<Row>(columns: Columns<Row>): (row: Row) => string {
  return (row) => csvLine(columns.map(([, value]) => spreadsheetSafe(value(row))));
}

function jsonOf<Row>(columns: Columns<Row>): (row: Row) => string {
  return (row) =>
    `${JSON.stringify(Object.fromEntries(columns.map(([name, value]) => [name, value(row)])))}\n`;
}
