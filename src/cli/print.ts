import { styleText } from 'node:util';
import { AppError, countText, EXIT, messageOf } from '../errors.ts';
import { Interruption, type Io } from './io.ts';
import { agoText, cutTo, fitColumns, widthOf, wrapped } from './table-fit.ts';

/** A colour or weight by its role. */
export type Style = 'good' | 'warn' | 'bad' | 'dim' | 'strong';
/** What a table cell holds; null prints as `-`. */
export type Cell = string | number | boolean | null | undefined;
/**
 * One column: its heading, what of a row it shows, and how to paint it. Numbers stand right. Where a terminal is too
 * narrow, the column of least worth (5 unless told) is left out first, of equal ones the last; the first always stays.
 */
export interface Column<Row> {
  title: string;
  value(row: Row): Cell;
  style?(row: Row): Style | undefined;
  worth?: number;
  /** Texts are cut no narrower than this: 12 unless told, 20 what names the row. */
  room?: number;
  /** A time is told in full. */
  exact?: boolean;
}

const usual = { worth: 5, room: 12, key: 20 } as const;

const styles = { good: 'green', warn: 'yellow', bad: 'red', dim: 'dim', strong: 'bold' } as const;

/** The text in colour where that is allowed, else as it is. */
export function paint(io: Pick<Io, 'color'>, style: Style, text: string): string {
  return io.color ? styleText(styles[style], text, { validateStream: false }) : text;
}

/** Text from outside (titles, SKUs, answers of platforms) made harmless for a terminal and fit for one line. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, ' ');
}

/** A sentence of the talk; on a terminal broken between words. */
export function sayTo(io: Io, sentence: string): void {
  const text = printable(sentence);
  io.stderr(`${io.isTty ? wrapped(text, io.columns) : text}\n`);
}

/** One line of the answer; on a terminal broken between words. */
export function printLine(io: Io, text: string): void {
  io.stdout(`${io.isTty && !io.wide ? wrapped(text, io.columns) : text}\n`);
}

/**
 * Rows below headings, aligned, without borders; nothing at all for no rows but `empty`. On a terminal it fits: times are
 * told as ages, long texts are cut, and columns of least worth are left out, which is said. In full with `--wide`.
 */
export function printTable<Row>(
  io: Io,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  empty = '',
): void {
  if (rows.length === 0) {
    if (empty !== '') printLine(io, empty);
    return;
  }
  const fits = io.isTty && !io.wide;
  const measured = columns.map(({ title, value, worth, room, exact }, at) => {
    const values = rows.map(value);
    const texts = values.map(cellText);
    const cells = fits && exact !== true ? texts.map((text) => agoText(text, io.now())) : texts;
    return {
      title: title.toUpperCase(),
      cells,
      numeric: values.every(isNumeric),
      worth: worth ?? usual.worth,
      room: room ?? (at === 0 ? usual.key : usual.room),
    };
  });
  const { kept, dropped } = fitColumns(measured, fits ? io.columns : Number.POSITIVE_INFINITY);
  const line = (textOf: (at: number, room: number) => string): void =>
    printLine(
      io,
      kept
        .map(({ at, width }) => textOf(at, width))
        .join('  ')
        .trimEnd(),
    );
  const aligned = (text: string, at: number, width: number): string => {
    const short = cutTo(text, width);
    const gap = ' '.repeat(width - widthOf(short));
    if (measured[at]?.numeric) return gap + short;
    return at === kept.at(-1)?.at ? short : short + gap;
  };
  line((at, width) => paint(io, 'dim', aligned(measured[at]?.title ?? '', at, width)));
  rows.forEach((row, index) => {
    line((at, width) => {
      const text = aligned(measured[at]?.cells[index] ?? '', at, width);
      const style = columns[at]?.style?.(row);
      return style === undefined ? text : paint(io, style, text);
    });
  });
  if (dropped > 0) io.stderr(`${countText(dropped, 'column')} left out: --wide shows all\n`);
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '-';
  return typeof cell === 'string' ? printable(cell) : String(cell);
}

function isNumeric(cell: Cell): boolean {
  return typeof cell === 'number' || cell === null || cell === undefined;
}

/** The one JSON document of a command: indented for a person, on one line for a program. */
export function printJson(io: Io, document: unknown): void {
  io.stdout(`${JSON.stringify(document, null, io.isTty ? 2 : undefined)}\n`);
}

/**
 * Says what went wrong and returns the exit code. With `--json`: `{"error":{"code","message","hint",…}}` on stdout
 * and nothing else; otherwise message, problems with their lines and hint on stderr.
 */
export function printError(io: Io, error: unknown, json: 'json' | 'plain'): number {
  const failure = failureOf(error, io);
  const { code, message, hint, details, exitCode } = failure;
  if (json === 'json') {
    printJson(io, { error: { ...details, code, message, hint } });
    return exitCode;
  }
  sayTo(io, `error: ${message}`);
  for (const line of problemLines(details['problems'])) sayTo(io, line);
  if (hint !== '') sayTo(io, `hint: ${hint}`);
  if (failure.stack !== '') io.stderr(`${failure.stack}\n`);
  return exitCode;
}

interface Failure {
  code: string;
  message: string;
  hint: string;
  exitCode: number;
  details: Readonly<Record<string, unknown>>;
  stack: string;
}

function failureOf(error: unknown, io: Io): Failure {
  if (error instanceof AppError) {
    const { code, message, hint, exitCode, details } = error;
    return { code, message, hint, exitCode, details, stack: '' };
  }
  if (error instanceof Interruption) {
    const { message, exitCode } = error;
    return { code: message, message, hint: '', exitCode, details: {}, stack: '' };
  }
  if (error instanceof Error && 'syscall' in error && 'code' in error) {
    // The operating system said no: its message names the call and the path.
    const hint = 'check the path, its owner and its disk: ls -ld PATH, df -h PATH';
    return {
      code: String(error.code),
      message: error.message,
      hint,
      exitCode: EXIT.failed,
      details: {},
      stack: '',
    };
  }
  const debug = Boolean(io.env['INVSYNC_DEBUG']);
  const stack = debug && error instanceof Error ? (error.stack ?? '') : '';
  const hint = debug ? '' : 'this is a fault of invsync; INVSYNC_DEBUG=1 shows where';
  return { code: 'internal', message: messageOf(error), hint, exitCode: EXIT.failed, details: {}, stack };
}

/** `line 12  channels.wp-shop.poll: is not a duration (a number and a unit: …)`, for lists of configuration problems. */
export function problemLines(problems: unknown): string[] {
  if (!Array.isArray(problems)) return [];
  return problems.map((problem: { path: string; line: number; message: string; hint: string }) => {
    const where = problem.path === '' ? '' : `${problem.path}: `;
    const hint = problem.hint === '' ? '' : ` (${problem.hint})`;
    return `  line ${problem.line}  ${printable(`${where}${problem.message}${hint}`)}`;
  });
}

/**
 * Gets the consent to a plan: silent with `--yes`; else the plan is shown and the person asked. Without a terminal
 * the plan is printed and AppError `needs_yes` (exit code 2) thrown, with `--json` carrying it as `plan`. A no throws
 * AppError `declined`. `show` prints the plan for people with the function it is handed.
 */
export async function consent(
  io: Io,
  ask: { yes: boolean; json: boolean; question: string; plan: unknown; show(print: Io): void },
): Promise<void> {
  if (ask.yes) return;
  if (!io.isTty) {
    if (!ask.json) ask.show(io);
    throw new AppError('needs_yes', 'nothing was changed: there is no terminal to ask on', {
      hint: 'look at the plan, then repeat the command with --yes',
      exitCode: EXIT.usage,
      details: ask.json ? { plan: ask.plan } : {},
    });
  }
  // With --json stdout belongs to the document.
  ask.show(ask.json ? { ...io, stdout: io.stderr, color: false } : io);
  if (await io.confirm(ask.question)) return;
  throw new AppError('declined', 'nothing was changed', { hint: '' });
}
