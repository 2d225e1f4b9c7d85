import { AppError, EXIT } from '../errors.ts';

/** One record of a file and the line it begins on, from 1. */
export interface CsvRecord {
  line: number;
  fields: string[];
  /** Which of the fields stood in quotes. */
  quoted: boolean[];
}

/** What stands between the fields of one file. */
export type Separator = ',' | ';' | '\t';

/** A fault in the form of the file. */
export interface CsvFault {
  line: number;
  message: string;
}

/**
 * Reads RFC 4180, with another separator where told: fields quoted with " where needed ("" for a quote inside), records
 * ended by CRLF, LF or the end of the file, a byte order mark in front at most. Lines that are blank, or hold only
 * separators as spreadsheets leave them, are no records. A fault ends the reading of its record only; records that are
 * not sound are left out.
 */
export function parseCsv(
  text: string,
  separator: Separator = ',',
): { records: CsvRecord[]; faults: CsvFault[] } {
  const records: CsvRecord[] = [];
  const faults: CsvFault[] = [];
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  let at = 0;
  let line = 1;
  while (at < source.length) {
    const record = readRecord(source, { at, line, separator });
    const { fields, quoted } = record;
    if (record.fault !== null) faults.push(record.fault);
    else if (fields.some((field) => field.trim() !== '')) records.push({ line, fields, quoted });
    at = record.end;
    line += record.lines;
  }
  return { records, faults };
}

/** The separator of a file, told by its first line: the one that occurs there most, outside quotes; a comma by default. */
export function separatorOf(text: string): Separator {
  const [first = ''] = text.split(/\r?\n/, 1);
  const bare = first.replace(/"[^"]*"/g, '');
  const count = (separator: Separator) => bare.split(separator).length;
  const other = count(';') > count('\t') ? ';' : '\t';
  return count(other) > count(',') ? other : ',';
}

interface ReadRecord {
  fields: string[];
  quoted: boolean[];
  fault: CsvFault | null;
  /** Where the next record begins, and how many lines this one took. */
  end: number;
  lines: number;
}

function readRecord(source: string, from: { at: number; line: number; separator: Separator }): ReadRecord {
  const { at: start, line, separator } = from;
  const fields: string[] = [];
  const quoted: boolean[] = [];
  let at = start;
  for (;;) {
    const inQuotes = source[at] === '"';
    const field = inQuotes ? quotedField(source, at, separator) : plainField(source, at, separator);
    if (field.fault !== null) return skipped(source, start, { line, message: field.fault });
    fields.push(field.text);
    quoted.push(inQuotes);
    at = field.end;
    if (source[at] !== separator) break;
    at += 1;
  }
  const end = at >= source.length ? at : at + (source[at] === '\r' ? 2 : 1);
  return { fields, quoted, fault: null, end, lines: countLines(source, start, end) };
}

interface Field {
  text: string;
  end: number;
  fault: string | null;
}

function plainField(source: string, start: number, separator: Separator): Field {
  let at = start;
  while (at < source.length && !endsField(source, at, separator)) at += 1;
  const text = source.slice(start, at);
  const fault = text.includes('"')
    ? 'a quote in the middle of a field: put the whole field in quotes and double the quote'
    : text.includes('\r')
      ? 'a carriage return without a line feed'
      : null;
  return { text, end: at, fault };
}

function quotedField(source: string, start: number, separator: Separator): Field {
  let text = '';
  let at = start + 1;
  for (;;) {
    const quote = source.indexOf('"', at);
    if (quote < 0) return { text, end: source.length, fault: 'a quoted field that never ends' };
    text += source.slice(at, quote);
    at = quote + 1;
    if (source[at] !== '"') break;
    text += '"';
    at += 1;
  }
  const clean = at >= source.length || endsField(source, at, separator);
  return { text, end: at, fault: clean ? null : 'text after the closing quote of a field' };
}

function endsField(source: string, at: number, separator: Separator): boolean {
  const next = source[at];
  return next === separator || next === '\n' || (next === '\r' && source[at + 1] === '\n');
}

/** A record that is not sound goes on to the end of its first line: what follows may be sound again. */
function skipped(source: string, start: number, fault: CsvFault): ReadRecord {
  const feed = source.indexOf('\n', start);
  return { fields: [], quoted: [], fault, end: feed < 0 ? source.length : feed + 1, lines: 1 };
}

function countLines(source: string, from: number, to: number): number {
  let lines = 0;
  for (let at = from; at < to; at += 1) if (source[at] === '\n') lines += 1;
  return lines;
}

/** One record as a line, quoted where needed. */
export function csvLine(fields: readonly (string | number | boolean | null)[]): string {
  const texts = fields.map((field) => {
    const text = field === null ? '' : String(field);
    return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${texts.join(',')}\r\n`;
}

/**
 * Text that a spreadsheet would take for a formula, made harmless: an apostrophe in front, which spreadsheets show as
 * "this is text". Numbers stay numbers.
 */
export function spreadsheetSafe(cell: string | number | boolean | null): string | number | boolean | null {
  return typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
}

/** Bytes as text. Throws AppError `not_utf8` (exit code 2), with the way to convert it. */
export function utf8Of(bytes: Uint8Array, file: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.slice(0, 1_000).includes('\0')) return text;
  } catch {
    // Said below.
  }
  // UTF-16 begins with one of two marks, or shows by the zero bytes between its letters.
  const wide = (bytes[0] ?? 0) >= 0xfe || bytes.subarray(0, 1_000).includes(0);
  const from = wide ? 'UTF-16' : 'WINDOWS-1252';
  throw new AppError('not_utf8', `${file} is not UTF-8 text${wide ? ' but looks like UTF-16' : ''}`, {
    hint: `save it as "CSV UTF-8" in the spreadsheet program, or convert it with: iconv -f ${from} -t UTF-8`,
    exitCode: EXIT.usage,
  });
}
