import type { Problem } from '../config/problem.ts';
import { AppError, EXIT } from '../errors.ts';
import { mostUnits, skuFault } from './args.ts';
import { type CsvRecord, parseCsv } from './csv.ts';

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

interface Columns {
  width: number;
  sku: number;
  onHand: number;
  reason: number;
  counted: number;
}

/**
 * Reads a stock file: header `sku,on_hand[,reason]` in any order, further columns allowed. All problems are found in
 * one go. Throws AppError `bad_file` (exit code 2) when no row can be read at all.
 */
export function readStockFile(text: string, file: string): StockFile {
  const { records, faults } = parseCsv(text);
  const problems = faults.map(({ line, message }) => problem(line, '', message, 'mend the line'));
  const [header, ...body] = records;
  const headless = header === undefined || faults.some((fault) => fault.line < header.line);
  if (headless) throw badFile(file, 'has no header', problems);
  const found = columnsOf(header, file);
  if (body.length > mostRows) throw badFile(file, `has more than ${mostRows} rows`, []);
  const stock: StockFile = { rows: [], problems, uncounted: 0, ignored: found.ignored };
  const firstLine = new Map<string, number>();
  for (const record of body) readRow(stock, record, found.columns, firstLine);
  stock.problems.sort((a, b) => a.line - b.line);
  return stock;
}

function columnsOf(header: CsvRecord, file: string): { columns: Columns; ignored: string[] } {
  const names = header.fields.map((field) => field.trim().toLowerCase());
  const twice = names.find((name, at) => name !== '' && names.indexOf(name) !== at);
  if (twice !== undefined) throw badFile(file, `has the column ${twice} twice`, []);
  const missing = ['sku', 'on_hand'].filter((name) => !names.includes(name));
  if (missing.length > 0) {
    const semicolons = header.fields.length === 1 && /[;\t]/.test(header.fields[0] ?? '');
    const hint = semicolons
      ? 'the columns must be separated by commas, not by semicolons or tabs'
      : 'the first line must be sku,on_hand or sku,on_hand,reason';
    throw badFile(file, `lacks the column ${missing.join(' and ')}`, [], hint);
  }
  const at = (name: string) => names.indexOf(name);
  const read = new Set(['sku', 'on_hand', 'reason', ...exported]);
  return {
    columns: {
      width: names.length,
      sku: at('sku'),
      onHand: at('on_hand'),
      reason: at('reason'),
      counted: at('counted'),
    },
    ignored: names.filter((name) => !read.has(name)),
  };
}

function readRow(
  stock: StockFile,
  record: CsvRecord,
  columns: Columns,
  firstLine: Map<string, number>,
): void {
  const { line, fields } = record;
  const sku = (fields[columns.sku] ?? '').trim();
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
  const wrong = numberFault(number);
  if (wrong !== null) {
    stock.problems.push(problem(line, sku, wrong, `a whole number from 0 to ${mostUnits}`));
    return;
  }
  const reason = (fields[columns.reason] ?? '').trim();
  stock.rows.push({ line, sku, onHand: Number(number), reason: reason === '' ? null : reason });
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

function numberFault(text: string): string | null {
  if (text === '') return 'on_hand is empty';
  if (/^-\d+$/.test(text)) return `on_hand ${text} is negative`;
  if (/^\d+[.,]\d+$/.test(text)) return `on_hand ${text} is not a whole number`;
  if (!/^\d+$/.test(text)) return `on_hand "${text.slice(0, 40)}" is not a number`;
  return Number(text) > mostUnits ? `on_hand ${text.slice(0, 40)} is larger than any stock` : null;
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
