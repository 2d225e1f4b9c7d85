import { styleText } from 'node:util';
import { AppError, EXIT, messageOf } from '../errors.ts';
import { Interruption, type Io } from './io.ts';

/** A colour or weight by its role. */
export type Style = 'good' | 'warn' | 'bad' | 'dim' | 'strong';
/** What a table cell holds; null prints as `-`. */
export type Cell = string | number | boolean | null | undefined;
/** One column: its heading, what of a row it shows, and how to paint it. Numbers stand right. */
export interface Column<Row> {
  title: string;
  value(row: Row): Cell;
  style?(row: Row): Style | undefined;
}

const styles = { good: 'green', warn: 'yellow', bad: 'red', dim: 'dim', strong: 'bold' } as const;

/** The text in colour where that is allowed, else as it is. */
export function paint(io: Pick<Io, 'color'>, style: Style, text: string): string {
  return io.color ? styleText(styles[style], text, { validateStream: false }) : text;
}

/** Text from outside (titles, SKUs, answers of platforms) made harmless for a terminal and fit for one line. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, ' ');
}

/** One line of the answer. */
export function printLine(io: Io, text: string): void {
  io.stdout(`${text}\n`);
}

/** Rows below headings, aligned, without borders; nothing at all for no rows but `empty`. */
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
  const cells = rows.map((row) => columns.map((column) => cellText(column.value(row))));
  const right = columns.map((column) => rows.every((row) => isNumeric(column.value(row))));
  const widths = columns.map((column, at) =>
    Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[at] ?? ''))),
  );
  const aligned = (text: string, at: number): string => {
    const gap = ' '.repeat((widths[at] ?? 0) - widthOf(text));
    if (right[at]) return gap + text;
    return at === columns.length - 1 ? text : text + gap;
  };
  const titles = columns.map((column, at) => aligned(column.title.toUpperCase(), at));
  printLine(io, paint(io, 'dim', titles.join('  ').trimEnd()));
  rows.forEach((row, line) => {
    const texts = columns.map((column, at) => {
      const text = aligned(cells[line]?.[at] ?? '', at);
      const style = column.style?.(row);
      return style === undefined ? text : paint(io, style, text);
    });
    printLine(io, texts.join('  ').trimEnd());
  });
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '-';
  return typeof cell === 'string' ? printable(cell) : String(cell);
}

function isNumeric(cell: Cell): boolean {
  return typeof cell === 'number' || cell === null || cell === undefined;
}

/** Characters, with those of East Asia and emoji counted as two columns. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mark}|\u200d|\ufe0f/u.test(character)) continue;
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
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
  io.stderr(`error: ${printable(message)}\n`);
  for (const line of problemLines(details['problems'])) io.stderr(`${line}\n`);
  if (hint !== '') io.stderr(`hint: ${printable(hint)}\n`);
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
