import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { iso } from '../../clock.ts';
import { AppError, countText, EXIT, type ExitCode } from '../../errors.ts';
import type { Actor, RehearsalStep, StockChange, StockOutcome, StockRow } from '../../store/store.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { pastArg } from '../args.ts';
import { progressOn } from '../ask.ts';
import { type Books, presumeGoneMs, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { utf8Of } from '../csv.ts';
import type { Io } from '../io.ts';
import type { CreateOptions } from '../new-sku.ts';
import { consent, paint, printable, printLine, problemLines, sayTo } from '../print.ts';
import { heedBrakes, type Reach, reachOf } from '../reach.ts';
import { inSlices } from '../slices.ts';
import { type Doubt, looksAlike, type NamedFile, namedRows, withoutDoubts } from '../stock-names.ts';
import { readStockFile, type StockFile, type StockFileRow } from '../stock-rows.ts';
import { basisOf } from './stock-change.ts';

/** Options of `stock import`. */
export interface ImportOptions extends ActorOptions, CreateOptions {
  skipErrors?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  asOf?: string;
  basis?: string;
  skuColumn?: string;
  countColumn?: string;
  overBrake?: boolean;
}

const mostBytes = 64 * 1024 * 1024;

/** A file that has been read, on its way into the books. */
interface Import {
  file: string;
  stock: StockFile;
  /** New SKUs that look like known ones: a person says yes to them with the plan. */
  doubts: Doubt[];
  /** Changes with one actor per reason, in the file's order. */
  steps: { actor: Actor; changes: StockChange[] }[];
}

/** What became of the rows. */
interface Tally {
  rows: number;
  changed: number;
  unchanged: number;
  created: number;
  repeated: number;
  short: number;
  skipped: number;
  uncounted: number;
}

/** `stock import`: a count of the SKUs that the file names; the others stay as they are. */
export async function importFile(invocation: Invocation<ImportOptions>): Promise<ExitCode> {
  const [file = ''] = invocation.args;
  const bytes = await bytesOf(invocation, file);
  const { skuColumn, countColumn } = invocation.options;
  const read = readStockFile(utf8Of(bytes, file), file, { sku: skuColumn, count: countColumn });
  if (read.problems.length > 0 && invocation.options.skipErrors !== true) throw badRows(file, read);
  return withBooks(invocation, async (books) => {
    const now = invocation.io.now();
    const { stock, doubts } = await rowsToImport(invocation, books, read);
    const steps = stepsOf(invocation, books, { file, stock, bytes });
    const wanted: Import = { file, stock, doubts, steps };
    const rehearsed = steps.map(({ actor, changes }): RehearsalStep => ({ kind: 'change', changes, actor }));
    const reach = await reachOf(books, rehearsed, now);
    const { dryRun, overBrake, yes } = invocation.options;
    const plan = planOf(wanted, reach);
    if (dryRun === true) return shown(invocation, books, wanted, { plan, reach });
    await heedBrakes(books, reach, { command: `stock import ${file}`, overBrake, now });
    await consent(invocation.io, {
      yes: yes === true,
      json: invocation.json,
      question: `Import ${countText(stock.rows.length, 'count')}?`,
      plan,
      show: (io) => printPlan(io, plan),
    });
    return carryOut(invocation, books, wanted);
  });
}

/**
 * Rows as the books name their SKUs. A new SKU that looks like a known one is shown in the plan, so that a yes on a
 * terminal covers it; `--yes` alone does not.
 */
async function rowsToImport(
  { args, options }: Invocation<ImportOptions>,
  books: Books,
  read: StockFile,
): Promise<NamedFile> {
  const [file = ''] = args;
  const named = await namedRows(books, read, options.create);
  if (named.stock.problems.length > 0 && options.skipErrors !== true) throw badRows(file, named.stock);
  if (named.doubts.length === 0 || options.yes !== true || options.dryRun === true) return named;
  if (options.skipErrors !== true) throw looksAlike(file, named.doubts);
  return { stock: withoutDoubts(named), doubts: [] };
}

async function bytesOf(invocation: Invocation<object>, file: string): Promise<Uint8Array> {
  const bytes =
    file === '-' ? Buffer.from(await invocation.io.readStdin()) : readBytes(invocation.io.cwd, file);
  if (bytes.byteLength <= mostBytes) return bytes;
  throw new AppError('bad_file', `${file} is larger than ${mostBytes} bytes`, { exitCode: EXIT.usage });
}

function readBytes(cwd: string, file: string): Uint8Array {
  try {
    return readFileSync(resolve(cwd, file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new AppError('no_file', `cannot read ${file} (${code})`, {
      hint: 'name a CSV file, or - to read it from stdin',
      exitCode: EXIT.usage,
    });
  }
}

function badRows(file: string, { problems, rows }: StockFile): AppError {
  return new AppError(
    'bad_rows',
    `${file} has ${countText(problems.length, 'bad row')}, nothing was imported`,
    {
      hint: `mend the lines named, or import the ${countText(rows.length, 'sound one')} with --skip-errors`,
      exitCode: EXIT.usage,
      details: { problems },
    },
  );
}

/** Rows as changes, a step for each reason. The ref makes the import of the same file harmless the second time. */
function stepsOf(
  invocation: Invocation<ImportOptions>,
  books: Books,
  from: { file: string; stock: StockFile; bytes: Uint8Array },
): Import['steps'] {
  const { io, options } = invocation;
  const basis = basisOf(options, 'shelf');
  const asOf = options.asOf === undefined ? io.now() : pastArg(options.asOf, '--as-of', io.now());
  const hash = createHash('sha256').update(from.bytes).digest('hex').slice(0, 16);
  // The same numbers counted at another time are another count.
  const name = ['import', hash, basis, ...(options.asOf === undefined ? [] : [iso(asOf)])].join(':');
  const presumed = presumeGoneMs(books);
  // What people find in `explain` is the file, not a number of ours.
  const reason = `import of ${from.file === '-' ? 'standard input' : basename(from.file)}`;
  const base = actorOf({ reason, ...options });
  const steps: Import['steps'] = [];
  for (const [own, rows] of byReason(from.stock.rows)) {
    const actor = own === null ? base : { by: base.by, reason: own };
    const changes = rows.map(
      (row): StockChange => ({
        sku: row.sku,
        kind: 'count',
        quantity: row.onHand,
        basis,
        asOf,
        create: true,
        ref: `${name}/${row.line}`,
        presumeGoneMs: presumed,
      }),
    );
    steps.push({ actor, changes });
  }
  return steps;
}

function byReason(rows: readonly StockFileRow[]): Map<string | null, StockFileRow[]> {
  const groups = new Map<string | null, StockFileRow[]>();
  for (const row of rows) {
    const group = groups.get(row.reason);
    if (group === undefined) groups.set(row.reason, [row]);
    else group.push(row);
  }
  return groups;
}

/** One row of a preview; `before` null: not known, or never counted. */
interface PlannedCount {
  line: number;
  sku: string;
  before: number | null;
  after: number;
  /** `repeat`: this file was imported before, so the row is not counted again. */
  will: 'change' | 'create' | 'keep' | 'repeat';
}

interface Plan {
  file: string;
  rows: number;
  created: number;
  changed: number;
  unchanged: number;
  repeated: number;
  listings: number;
  to_zero: number;
  /** New SKUs that look like known ones. */
  resembling: Doubt[];
  counts: PlannedCount[];
}

/** What the rehearsal says of each row, in the words of the basis that is counted. */
function planOf(wanted: Import, reach: Reach): Plan {
  const lines = new Map(wanted.stock.rows.map((row) => [row.sku, row.line]));
  const changes = wanted.steps.flatMap((step) => step.changes);
  const counts = changes.flatMap(({ sku, basis }, at): PlannedCount[] => {
    const outcome = reach.changed[at];
    if (outcome?.kind !== 'done') return [];
    const number = (row: StockRow) => (basis === 'free' ? row.available : row.onHand);
    const { before, row } = outcome;
    const known = before === null || !before.counted ? null : number(before);
    return [{ line: lines.get(sku) ?? 0, sku, before: known, after: number(row), will: willOf(outcome) }];
  });
  const many = (will: PlannedCount['will']) => counts.filter((count) => count.will === will).length;
  return {
    file: wanted.file,
    rows: wanted.stock.rows.length,
    created: many('create'),
    changed: many('change'),
    unchanged: many('keep'),
    repeated: many('repeat'),
    listings: reach.lines.length,
    to_zero: reach.lines.filter((line) => line.after === 0).length,
    resembling: wanted.doubts,
    counts: counts.sort((a, b) => a.line - b.line),
  };
}

function willOf({ row, before, created, repeated }: Done): PlannedCount['will'] {
  if (repeated) return 'repeat';
  if (created) return 'create';
  const same = before?.counted === true && before.onHand === row.onHand && before.available === row.available;
  return same ? 'keep' : 'change';
}

/** Rows that a preview prints; `--json` has all. */
const mostShown = 30;

function printPlan(io: Io, plan: Plan): void {
  const again = plan.repeated === 0 ? '' : `, ${plan.repeated} imported before`;
  const numbers = `${plan.changed} to change, ${plan.created} to create, ${plan.unchanged} as they are${again}`;
  printLine(io, `${plan.file}: ${countText(plan.rows, 'count')}: ${numbers}`);
  const moved = plan.counts.filter(({ will }) => will === 'change' || will === 'create');
  const shown = moved.slice(0, mostShown);
  const width = Math.max(0, ...shown.map(({ sku }) => printable(sku).length));
  for (const { sku, before, after, will } of shown) {
    const from = will === 'create' ? 'new' : (before ?? 'uncounted');
    const style = before !== null && after < before ? 'warn' : 'dim';
    printLine(io, `  ${printable(sku).padEnd(width)}  ${paint(io, style, `${from} -> ${after}`)}`);
  }
  if (moved.length > shown.length)
    printLine(io, `  and ${moved.length - shown.length} more: --json lists all`);
  const listings = countText(plan.listings, 'listing changes', 'listings change');
  printLine(io, `on live channels ${listings}, ${plan.to_zero} of them to zero`);
  for (const { line, sku, resembles } of plan.resembling)
    printLine(io, `line ${line}: ${sku} would be made, and it looks like the known ${resembles}`);
}

/** `--dry-run`: the plan as the answer. */
function shown(
  invocation: Invocation<ImportOptions>,
  books: Books,
  wanted: Import,
  found: { plan: Plan; reach: Reach },
): ExitCode {
  const { plan, reach } = found;
  const document = { ...plan, braked: reach.braked, lines: reach.lines, problems: wanted.stock.problems };
  answer(invocation, document, warningsOf(books, wanted.stock), (io) => {
    printPlan(io, plan);
    for (const { channel, reason } of reach.braked)
      printLine(io, `a brake would hold it: on ${channel} ${reason}`);
    for (const line of problemLines(wanted.stock.problems)) sayTo(io, line);
  });
  return wanted.stock.problems.length > 0 ? EXIT.partial : EXIT.ok;
}

async function carryOut(
  invocation: Invocation<ImportOptions>,
  books: Books,
  wanted: Import,
): Promise<ExitCode> {
  const { io } = invocation;
  const { stock } = wanted;
  const tally: Tally = {
    rows: stock.rows.length,
    changed: 0,
    unchanged: 0,
    created: 0,
    repeated: 0,
    short: 0,
    skipped: stock.problems.length,
    uncounted: stock.uncounted,
  };
  const progress = progressOn(io);
  const interruption = io.interruption();
  let done = 0;
  for (const { actor, changes } of wanted.steps) {
    await inSlices(changes, async (slice) => {
      // What was counted so far stays counted: the same command again goes on where this one stopped.
      interruption.throwIfAborted();
      for (const outcome of await books.store.stock.change(slice, actor, io.now())) add(tally, outcome);
      done += slice.length;
      progress(`${done} of ${countText(tally.rows, 'row')}`);
    });
  }
  progress('');
  const warnings = [...warningsOf(books, stock), ...tallyWarnings(tally)];
  answer(invocation, { file: wanted.file, ...tally, problems: stock.problems }, warnings, (to) => {
    const numbers = `${tally.changed} changed, ${tally.created} created, ${tally.unchanged} as they were`;
    printLine(to, `${countText(tally.rows, 'row')} imported: ${numbers}`);
    for (const line of problemLines(stock.problems)) sayTo(to, `skipped ${line.trimStart()}`);
  });
  return stock.problems.length > 0 ? EXIT.partial : EXIT.ok;
}

type Done = Extract<StockOutcome, { kind: 'done' }>;

const tallyKey = { change: 'changed', create: 'created', keep: 'unchanged', repeat: 'repeated' } as const;

function add(tally: Tally, outcome: StockOutcome): void {
  if (outcome.kind !== 'done') throw new Error(`a count of ${outcome.sku} was refused`);
  tally.short += outcome.short;
  tally[tallyKey[willOf(outcome)]] += 1;
}

function tallyWarnings(tally: Tally): string[] {
  const warnings: string[] = [];
  if (tally.created > 0)
    warnings.push(`${countText(tally.created, 'SKU was', 'SKUs were')} unknown and created`);
  if (tally.repeated > 0) {
    const again = 'to count again with the same file, say when with --as-of';
    const rows = countText(tally.repeated, 'row was', 'rows were');
    warnings.push(`${rows} imported before and not counted again: ${again}`);
  }
  if (tally.short > 0)
    warnings.push(
      `${countText(tally.short, 'unit is', 'units are')} missing for orders that had them: see invsync oversells list`,
    );
  return warnings;
}

function warningsOf(books: Books, stock: StockFile): string[] {
  const warnings = [...books.warnings];
  if (stock.ignored.length > 0) warnings.push(`columns that are not read: ${stock.ignored.join(', ')}`);
  if (stock.uncounted > 0)
    warnings.push(`${countText(stock.uncounted, 'row')} without a number passed over: never counted`);
  return warnings;
}
