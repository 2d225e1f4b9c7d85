import { AppError, EXIT } from '../errors.ts';

/** One record of a file and the line it begins on, from 1. */
export interface CsvRecord {
  line: number;
  fields: string[];
}

/** A fault in the form of the file. */
export interface CsvFault {
  line: number;
  message: string;
}

/**
 * Reads RFC 4180: commas, fields quoted with " where needed ("" for a quote inside), records ended by CRLF, LF or the
 * end of the file, a byte order mark in front at most. Blank lines are no records. A fault ends the reading of its
 * record only; records that are not sound are left out.
 */
export function parseCsv(text: string): { records: CsvRecord[]; faults: CsvFault[] } {
  const records: CsvRecord[] = [];
  const faults: CsvFault[] = [];
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  let at = 0;
  let line = 1;
  while (at < source.length) {
    const record = readRecord(source, at, line);
    const blank = record.fields.length === 1 && record.fields[0] === '' && record.fault === null;
    if (record.fault !== null) faults.push(record.fault);
    else if (!blank) records.push({ line, fields: record.fields });
    at = record.end;
    line += record.lines;
  }
  return { records, faults };
}

interface ReadRecord {
  fields: string[];
  fault: CsvFault | null;
  /** Where the next record begins, and how many lines this one took. */
  end: number;
  lines: number;
}

function readRecord(source: string, start: number, line: number): ReadRecord {
  const fields: string[] = [];
  let at = start;
  for (;;) {
    const field = source[at] === '"' ? quotedField(source, at) : plainField(source, at);
    if (field.fault !== null) return skipped(source, start, { line, message: field.fault });
    fields.push(field.text);
    at = field.end;
    if (source[at] !== ',') break;
    at += 1;
  }
  const end = at >= source.length ? at : at + (source[at] === '\r' ? 2 : 1);
  return { fields, fault: null, end, lines: countLines(source, start, end) };
}

interface Field {
  text: string;
  end: number;
  fault: string | null;
}

function plainField(source: string, start: number): Field {
  let at = start;
  while (at < source.length && !endsField(source, at)) at += 1;
  const text = source.slice(start, at);
  const fault = text.includes('"')
    ? 'a quote in the middle of a field: put the whole field in quotes and double the quote'
    : text.includes('\r')
      ? 'a carriage return without a line feed'
      : null;
  return { text, end: at, fault };
}

function quotedField(source: string, start: number): Field {
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
  const clean = at >= source.length || endsField(source, at);
  return { text, end: at, fault: clean ? null : 'text after the closing quote of a field' };
}

function endsField(source: string, at: number): boolean {
  const next = source[at];
  return next === ',' || next === '\n' || (next === '\r' && source[at + 1] === '\n');
}

/** A record that is not sound goes on to the end of its first line: what follows may be sound again. */
function skipped(source: string, start: number, fault: CsvFault): ReadRecord {
  const feed = source.indexOf('\n', start);
  return { fields: [], fault, end: feed < 0 ? source.length : feed + 1, lines: 1 };
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

/** Bytes as text. Throws AppError `not_utf8` (exit code 2). */
export function utf8Of(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AppError('not_utf8', `${file} is not UTF-8 text`, {
      hint: 'save it as "CSV UTF-8" in the spreadsheet program, or convert it with: iconv -f WINDOWS-1252 -t UTF-8',
      exitCode: EXIT.usage,
    });
  }
}
