import { AppError, countText, EXIT } from '../../errors.ts';
import type { PlanLine } from '../../sync/plan.ts';
import type { Io } from '../io.ts';
import { paint, printable, printLine, type Style } from '../print.ts';
import type { ReconcileResult } from '../results.ts';

/** One line's sign by what is done about it, as in a terraform plan. */
const signs: Readonly<Record<PlanLine['action'], { sign: string; style: Style }>> = {
  lower: { sign: '-', style: 'bad' },
  raise: { sign: '+', style: 'good' },
  wait: { sign: '?', style: 'warn' },
  refused: { sign: '!', style: 'bad' },
  none: { sign: '=', style: 'dim' },
};

/** Prints the lines of a plan that are worth a look, one each, and a line of counts. */
export function printPlanLines(
  io: Io,
  lines: readonly PlanLine[],
  counts: Readonly<Record<string, number>>,
): void {
  const shown = lines.filter(
    (line) => line.action !== 'none' || line.note !== null || line.orders.length > 0,
  );
  const width = (of: (line: PlanLine) => string) =>
    Math.max(0, ...shown.map((line) => printable(of(line)).length));
  const widths = { channel: width((line) => line.channel), sku: width(nameOf), move: width(moveOf) };
  for (const line of shown) {
    const { sign, style } = signs[line.action];
    const columns = [
      paint(io, style, sign),
      line.channel.padEnd(widths.channel),
      printable(nameOf(line)).padEnd(widths.sku),
      moveOf(line).padEnd(widths.move),
      remarks(line),
    ];
    printLine(io, columns.join('  ').trimEnd());
  }
  printLine(io, countLine(lines, counts));
}

function nameOf(line: PlanLine): string {
  return line.sku ?? line.listing_id;
}

function moveOf(line: PlanLine): string {
  const shown = line.shown ?? 'nothing';
  return line.target === null || line.shown === line.target ? `${shown}` : `${shown} -> ${line.target}`;
}

function remarks(line: PlanLine): string {
  const expected = line.expected === null ? '' : rangeText(line.expected, line.shown);
  const orders = line.orders.length === 0 ? '' : `orders ${line.orders.join(', ')}`;
  const done = line.done ? 'done' : '';
  return [line.cause, expected, orders, line.note ?? '', done]
    .filter((text) => text !== '')
    .map(printable)
    .join('; ');
}

function rangeText([low, high]: readonly [number, number], shown: number | null): string {
  if (low === high) return low === shown ? '' : `expected ${low}`;
  return `expected ${low} to ${high}`;
}

function countLine(lines: readonly PlanLine[], counts: Readonly<Record<string, number>>): string {
  const number = (key: string) => counts[key] ?? lines.filter((line) => line.action === key).length;
  const parts = [
    `${number('lower')} to lower`,
    `${number('raise')} to raise`,
    `${number('wait')} waiting for proof`,
  ];
  if (number('refused') > 0) parts.push(`${number('refused')} refused`);
  if (number('done') > 0) parts.push(`${number('done')} done`);
  return `${countText(lines.length, 'listing')}: ${parts.join(', ')}, ${number('none')} with nothing to do`;
}

/** The failure of a run in which not one channel could be read; null when at least one was. */
export function failureOf(result: ReconcileResult): AppError | null {
  const [first] = result.failed;
  if (first === undefined || result.passed.length > 0) return null;
  const exitCode =
    first.kind === 'auth'
      ? EXIT.refused
      : first.kind === 'held'
        ? EXIT.brake
        : first.kind === 'temporary'
          ? EXIT.temporary
          : EXIT.failed;
  return new AppError(`channel_${first.kind}`, `${first.channel}: ${first.reason}`, {
    hint: `invsync check ${first.kind === 'auth' ? 'tells what the channel says to the credentials' : 'tells more'}`,
    exitCode,
    details: { failed: result.failed },
  });
}
