import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { iso } from '../../clock.ts';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import type { Actor, RehearsalStep, StockChange, StockOutcome } from '../../store/store.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { pastArg } from '../args.ts';
import { progressOn } from '../ask.ts';
import { type Books, presumeGoneMs, withBooks } from '../books.ts';
import { utf8Of } from '../csv.ts';
import type { Io } from '../io.ts';
import { consent, printLine, problemLines } from '../print.ts';
import type { Invocation } from '../program.ts';
import { heedBrakes, type Reach, reachOf } from '../reach.ts';
import { readStockFile, type StockFile, type StockFileRow } from '../stock-rows.ts';
import { basisOf } from './stock-change.ts';

/** Options of `stock import`. */
export interface ImportOptions extends ActorOptions {
  skipErrors?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  asOf?: string;
  basis?: string;
  overBrake?: boolean;
}

/** Changes of one transaction: short, so that sales are taken in between. */
const atOnce = 200;
const mostBytes = 64 * 1024 * 1024;

/** A file that has been read, on its way into the books. */
interface Import {
  file: string;
  stock: StockFile;
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
  const stock = readStockFile(utf8Of(bytes, file), file);
  if (stock.problems.length > 0 && invocation.options.skipErrors !== true) throw badRows(file, stock);
  return withBooks(invocation, async (books) => {
    const now = invocation.io.now();
    const steps = stepsOf(invocation, books, { stock, bytes });
    const wanted: Import = { file, stock, steps };
    const rehearsed = steps.map(({ actor, changes }): RehearsalStep => ({ kind: 'change', changes, actor }));
    const reach = await reachOf(books, rehearsed, now);
    const { dryRun, overBrake, yes } = invocation.options;
    const plan = await planOf(books, wanted, reach);
    if (dryRun === true) return shown(invocation, books, wanted, { plan, reach });
    await heedBrakes(books, reach, { command: `stock import ${file}`, overBrake, now });
    await consent(invocation.io, {
      yes: yes === true,
      json: invocation.json,
      question: `Import ${stock.rows.length} counts?`,
      plan,
      show: (io) => printPlan(io, plan),
    });
    return carryOut(invocation, books, wanted);
  });
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
  const count = problems.length === 1 ? '1 bad row' : `${problems.length} bad rows`;
  return new AppError('bad_rows', `${file} has ${count}, nothing was imported`, {
    hint: `mend the lines named, or import the ${rows.length} sound ones with --skip-errors`,
    exitCode: EXIT.usage,
    details: { problems },
  });
}

/** Rows as changes, at most 200 to a step. The ref makes the import of the same file harmless the second time. */
function stepsOf(
  invocation: Invocation<ImportOptions>,
  books: Books,
  from: { stock: StockFile; bytes: Uint8Array },
): Import['steps'] {
  const { io, options } = invocation;
  const basis = basisOf(options, 'shelf');
  const asOf = options.asOf === undefined ? io.now() : pastArg(options.asOf, '--as-of', io.now());
  const hash = createHash('sha256').update(from.bytes).digest('hex').slice(0, 16);
  // The same numbers counted at another time are another count.
  const name = ['import', hash, basis, ...(options.asOf === undefined ? [] : [iso(asOf)])].join(':');
  const presumed = presumeGoneMs(books);
  const base = actorOf(options);
  const steps: Import['steps'] = [];
  for (const [reason, rows] of byReason(from.stock.rows)) {
    const actor = reason === null ? base : { by: base.by, reason };
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
    for (let at = 0; at < changes.length; at += atOnce)
      steps.push({ actor, changes: changes.slice(at, at + atOnce) });
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

interface Plan {
  file: string;
  rows: number;
  created: number;
  changed: number;
  unchanged: number;
  listings: number;
  to_zero: number;
}

async function planOf(books: Books, wanted: Import, reach: Reach): Promise<Plan> {
  const plan: Plan = {
    file: wanted.file,
    rows: wanted.stock.rows.length,
    created: 0,
    changed: 0,
    unchanged: 0,
    listings: reach.lines.length,
    to_zero: reach.lines.filter((line) => line.after === 0).length,
  };
  for (const { sku, quantity, basis } of wanted.steps.flatMap((step) => step.changes)) {
    const row = await books.store.stock.get(sku);
    if (row === null) plan.created += 1;
    else if (row.counted && quantity === (basis === 'free' ? row.available : row.onHand)) plan.unchanged += 1;
    else plan.changed += 1;
  }
  return plan;
}

function printPlan(io: Io, plan: Plan): void {
  const numbers = `${plan.changed} to change, ${plan.created} to create, ${plan.unchanged} as they are`;
  printLine(io, `${plan.file}: ${plan.rows} counts: ${numbers}`);
  printLine(io, `on live channels ${plan.listings} listings change, ${plan.to_zero} of them to zero`);
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
    for (const line of problemLines(wanted.stock.problems)) io.stderr(`${line}\n`);
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
  let done = 0;
  for (const { actor, changes } of wanted.steps) {
    for (const outcome of await books.store.stock.change(changes, actor, io.now())) add(tally, outcome);
    done += changes.length;
    progress(`${done} of ${tally.rows} rows`);
  }
  progress('');
  const warnings = [...warningsOf(books, stock), ...tallyWarnings(tally)];
  answer(invocation, { file: wanted.file, ...tally, problems: stock.problems }, warnings, (to) => {
    const numbers = `${tally.changed} changed, ${tally.created} created, ${tally.unchanged} as they were`;
    printLine(to, `${tally.rows} rows imported: ${numbers}`);
    for (const line of problemLines(stock.problems)) to.stderr(`skipped ${line.trimStart()}\n`);
  });
  return stock.problems.length > 0 ? EXIT.partial : EXIT.ok;
}

function add(tally: Tally, outcome: StockOutcome): void {
  if (outcome.kind !== 'done') throw new Error(`a count of ${outcome.sku} was refused`);
  const { row, before } = outcome;
  tally.short += outcome.short;
  if (outcome.repeated) tally.repeated += 1;
  else if (outcome.created) tally.created += 1;
  else if (before?.counted === true && before.onHand === row.onHand && before.available === row.available)
    tally.unchanged += 1;
  else tally.changed += 1;
}

function tallyWarnings(tally: Tally): string[] {
  const warnings: string[] = [];
  if (tally.created > 0) warnings.push(`${tally.created} SKUs were unknown and have been created`);
  if (tally.repeated > 0) {
    const again = 'to count again with the same file, say when with --as-of';
    warnings.push(`${tally.repeated} rows were imported before and were not counted again: ${again}`);
  }
  if (tally.short > 0)
    warnings.push(`${tally.short} units are missing for orders that had them: see invsync oversells list`);
  return warnings;
}

function warningsOf(books: Books, stock: StockFile): string[] {
  const warnings = [...books.warnings];
  if (stock.ignored.length > 0) warnings.push(`columns that are not read: ${stock.ignored.join(', ')}`);
  if (stock.uncounted > 0)
    warnings.push(`${stock.uncounted} rows without a number were passed over: never counted`);
  return warnings;
}
