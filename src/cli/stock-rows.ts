import type { Problem } from '../config/problem.ts';
import { AppError, EXIT } from '../errors.ts';
import { mostUnits, normalSku, skuFault } from './args.ts';
import { type CsvRecord, parseCsv, type Separator, separatorOf } from './csv.ts';

/** One sound row of a stock file. */
export interface StockFileRow {
  line: number;
  sku: string;
  onHand: number;
  reason: string | null;
}

/** What a stock file says. Problems name line, column, fault and remedy. */
export interface StockFile {
  rows: StockFileRow[];
  problems: Problem[];
  /** Rows of SKUs that were never counted, as export writes them: they say nothing. */
  uncounted: number;
  /** Columns that are not read. */
  ignored: string[];
}

const mostRows = 500_000;
/** What export writes beside: known, and not read again. */
const exported = new Set(['committed', 'reserved', 'available', 'counted', 'basis', 'as_of']);

/** Names of columns that a person gave; else `sku` and `on_hand`. */
export interface ColumnNames {
  sku?: string | undefined;
  count?: string | undefined;
}

interface Columns {
  separator: Separator;
  width: number;
  sku: number;
  onHand: number;
  reason: number;
  counted: number;
}

/**
 * Reads a stock file: header `sku,on_hand[,reason]` in any order, further columns allowed, separated by commas,
 * semicolons or tabs. All problems are found in one go. Throws AppError `bad_file` (exit code 2) when no row can be read
 * at all.
 */
export function readStockFile(text: string, file: string, named: ColumnNames = {}): StockFile {
  const separator = separatorOf(text.trimStart());
  const { records, faults } = parseCsv(text, separator);
  const problems = faults.map(({ line, message }) => problem(line, '', message, 'mend the line'));
  const [header, ...body] = records;
  const headless = header === undefined || faults.some((fault) => fault.line < header.line);
  if (headless) throw badFile(file, 'has no header', problems);
  const found = columnsOf(header, file, { separator, named });
  if (body.length > mostRows) throw badFile(file, `has more than ${mostRows} rows`, []);
  const stock: StockFile = { rows: [], problems, uncounted: 0, ignored: found.ignored };
  const firstLine = new Map<string, number>();
  for (const record of body) readRow(stock, record, found.columns, firstLine);
  stock.problems.sort((a, b) => a.line - b.line);
  return stock;
}

function columnsOf(
  header: CsvRecord,
  file: string,
  how: { separator: Separator; named: ColumnNames },
): { columns: Columns; ignored: string[] } {
  const names = header.fields.map(plain);
  const sku = plain(how.named.sku ?? 'sku');
  const count = plain(how.named.count ?? 'on_hand');
  const twice = names.find((name, at) => name !== '' && names.indexOf(name) !== at);
  if (twice !== undefined) throw badFile(file, `has the column ${twice} twice`, []);
  const missing = [sku, count].filter((name) => !names.includes(name));
  if (missing.length > 0) {
    const others = names.filter((name) => name !== '').join(', ');
    const hint = `its columns are ${others}: name yours with --sku-column and --count-column`;
    throw badFile(file, `lacks the column ${missing.join(' and ')}`, [], hint);
  }
  if (sku === count) throw badFile(file, `cannot give the SKU and its count in one column (${sku})`, []);
  const at = (name: string) => names.indexOf(name);
  const read = new Set([sku, count, 'reason', ...exported]);
  return {
    columns: {
      separator: how.separator,
      width: names.length,
      sku: at(sku),
      onHand: at(count),
      reason: at('reason'),
      counted: at('counted'),
    },
    ignored: names.filter((name) => !read.has(name)),
  };
}

function plain(name: string): string {
  return name.trim().toLowerCase();
}

function readRow(
  stock: StockFile,
  record: CsvRecord,
  columns: Columns,
  firstLine: Map<string, number>,
): void {
  const { line, fields } = record;
  const sku = normalSku(fields[columns.sku] ?? '');
  const number = (fields[columns.onHand] ?? '').trim();
  const fault = rowFault(record, columns, { sku, firstLine });
  if (sku !== '' && !firstLine.has(sku)) firstLine.set(sku, line);
  if (fault !== null) {
    stock.problems.push({ line, ...fault });
    return;
  }
  if (number === '' && (fields[columns.counted] ?? '') === 'no') {
    stock.uncounted += 1;
    return;
  }
  const wrong = splitNumber(record, columns) ?? numberFault(number);
  if (wrong !== null) {
    stock.problems.push(problem(line, sku, wrong, `a whole number from 0 to ${mostUnits}`));
    return;
  }
  const reason = (fields[columns.reason] ?? '').trim();
  stock.rows.push({ line, sku, onHand: Math.round(Number(number)), reason: reason === '' ? null : reason });
}

/** What is wrong with a row apart from its number; null when nothing is. */
function rowFault(
  { fields }: CsvRecord,
  columns: Columns,
  seen: { sku: string; firstLine: ReadonlyMap<string, number> },
): Omit<Problem, 'line'> | null {
  const { sku, firstLine } = seen;
  if (fields.length !== columns.width) {
    const message = `has ${fields.length} fields, the header has ${columns.width}`;
    return { path: '', message, hint: 'a comma inside a field needs quotes around the field' };
  }
  const fault = skuFault(sku);
  if (fault !== null) return { path: 'sku', message: fault, hint: 'give the SKU, or remove the line' };
  const before = firstLine.get(sku);
  if (before === undefined) return null;
  return { path: sku, message: `is on line ${before} already`, hint: 'keep one line per SKU' };
}

/** `1,800` without quotes reads as 1 with the reason "800": a reason of digits alone right after the count is none. */
function splitNumber({ fields, quoted }: CsvRecord, columns: Columns): string | null {
  const { separator, onHand, reason } = columns;
  if (separator !== ',' || reason !== onHand + 1 || quoted[reason] === true) return null;
  const [whole = '', rest = ''] = [fields[onHand]?.trim(), fields[reason]?.trim()];
  if (!/^\d+$/.test(whole) || !/^\d+$/.test(rest)) return null;
  return `on_hand ${whole},${rest} is split by its comma (a reason of digits needs quotes)`;
}

/** A whole number may end in `.0` as spreadsheets write it; `12.000` may be twelve or twelve thousand. */
function numberFault(text: string): string | null {
  const shown = text.slice(0, 40);
  if (text === '') return 'on_hand is empty';
  if (/^-\d+([.,]\d+)?$/.test(text)) return `on_hand ${shown} is negative`;
  if (/^\d{1,3}([.,]\d{3})+$/.test(text)) return `on_hand ${shown} may be thousands or a fraction`;
  if (/^\d+[.,]\d+$/.test(text) && !/^\d+\.0{1,2}$/.test(text))
    return `on_hand ${shown} is not written as a whole number`;
  if (!/^\d+(\.0{1,2})?$/.test(text)) return `on_hand "${shown}" is not a number`;
  return Number(text) > mostUnits ? `on_hand ${shown} is larger than any stock` : null;
}

function problem(line: number, path: string, message: string, hint: string): Problem {
  return { line, path, message, hint };
}

function badFile(file: string, message: string, problems: Problem[], hint?: string): AppError {
  return new AppError('bad_file', `${file} ${message}`, {
    hint: hint ?? 'the first line must be sku,on_hand or sku,on_hand,reason',
    exitCode: EXIT.usage,
    details: problems.length === 0 ? {} : { problems },
  });
}
