import { AppError, EXIT } from '../errors.ts';
import type { Books } from './books.ts';
import { doubtText, isDoubtful } from './new-sku.ts';
import type { StockFile, StockFileRow } from './stock-rows.ts';

/** A row that would make a SKU beside a known one which it looks like. */
export interface Doubt {
  line: number;
  sku: string;
  resembles: string;
}

/** A file whose rows name SKUs as the books do. */
export interface NamedFile {
  stock: StockFile;
  doubts: Doubt[];
}

/**
 * Finds the SKUs that the rows mean. Two rows that name one SKU, by its old and its new name, are a problem; new ones
 * that look like known ones are `doubts` unless they are asked for by name.
 */
export async function namedRows(
  books: Books,
  read: StockFile,
  asked: readonly string[] = [],
): Promise<NamedFile> {
  const sights = await books.store.stock.recognise(read.rows.map((row) => row.sku));
  const named: NamedFile = { stock: { ...read, rows: [], problems: [...read.problems] }, doubts: [] };
  const firstLine = new Map<string, number>();
  for (const [index, row] of read.rows.entries()) {
    const sight = sights[index];
    if (sight === undefined) continue;
    const before = firstLine.get(sight.sku);
    if (before !== undefined) {
      const message = `names ${sight.sku}, which is on line ${before} already`;
      named.stock.problems.push({ line: row.line, path: row.sku, message, hint: 'keep one line per SKU' });
      continue;
    }
    firstLine.set(sight.sku, row.line);
    named.stock.rows.push({ ...row, sku: sight.sku });
    if (isDoubtful(sight, asked))
      named.doubts.push({ line: row.line, sku: sight.sku, resembles: sight.resembles ?? '' });
  }
  return named;
}

/** The file without its doubtful rows, which are problems now. */
export function withoutDoubts({ stock, doubts }: NamedFile): StockFile {
  const lines = new Set(doubts.map((doubt) => doubt.line));
  const isSure = (row: StockFileRow) => !lines.has(row.line);
  const problems = [...stock.problems, ...doubts.map(problemOf)].sort((a, b) => a.line - b.line);
  return { ...stock, rows: stock.rows.filter(isSure), problems };
}

/** AppError `looks_alike` (exit code 2) that names each of them. */
export function looksAlike(file: string, doubts: readonly Doubt[]): AppError {
  const [first] = doubts;
  const more = doubts.length > 1 ? ` (and ${doubts.length - 1} more rows like it)` : '';
  const message = `${file} would make ${first?.sku}, which ${doubtText({ resembles: first?.resembles ?? '' })}${more}; nothing was imported`;
  const names = doubts.map((doubt) => `--create ${doubt.sku}`).slice(0, 3);
  return new AppError('looks_alike', message, {
    hint: `write the known SKU into the file; or make new ones all the same with ${names.join(' ')}${doubts.length > 3 ? ' …' : ''}`,
    exitCode: EXIT.usage,
    details: { resembling: doubts, problems: doubts.map(problemOf) },
  });
}

function problemOf({ line, sku, resembles }: Doubt) {
  const hint = `write ${resembles} if that is meant, else repeat with --create ${sku}`;
  return { line, path: sku, message: doubtText({ resembles }), hint };
}
