import { iso } from '../../clock.ts';
import { AppError, countText, EXIT, type ExitCode } from '../../errors.ts';
import type { OpenLine, RehearsalStep, StockChange, StockOutcome, StockRow } from '../../store/store.ts';
import { stockJson } from '../../sync/status.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer, type Document } from '../answer.ts';
import { choiceArg, pastArg, unitsArg, usage } from '../args.ts';
import { type Books, presumeGoneMs, unknownSku, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { type CreateOptions, nameToUse } from '../new-sku.ts';
import { printLine, printTable } from '../print.ts';
import { heedBrakes, reachOf } from '../reach.ts';
import { type CountSeen, countOn, fromJson } from './stock-count-from.ts';
import { nearSku } from './stock-list.ts';

/** Options of all changes of one SKU. */
export interface ChangeOptions extends ActorOptions, CreateOptions {
  asOf?: string;
  basis?: string;
  from?: string;
  ref?: string;
  overBrake?: boolean;
  dryRun?: boolean;
}

/** What a verb makes of the command line; the rest of the change is the same for all. */
type Wish = Pick<StockChange, 'sku' | 'kind' | 'quantity' | 'basis' | 'asOf' | 'create' | 'ref'>;

/** `stock set`: a count, basis free unless told. */
export function set(invocation: Invocation<ChangeOptions>): Promise<ExitCode> {
  const [sku = '', n = ''] = invocation.args;
  return changeStock(invocation, countWish(invocation, { sku, n, basis: 'free' }));
}

/** `stock count`: a count, basis shelf unless told; with `--from` what a channel shows. */
export function count(invocation: Invocation<ChangeOptions>): Promise<ExitCode> {
  const { options } = invocation;
  const [sku = '', n] = invocation.args;
  if (options.from === undefined) {
    if (n === undefined)
      throw usage("missing required argument 'n'", 'how many are on the shelf, or --from CHANNEL');
    return changeStock(invocation, countWish(invocation, { sku, n, basis: 'shelf' }));
  }
  if (n !== undefined) throw usage('a number and --from exclude each other');
  if (options.asOf !== undefined)
    throw usage('--as-of and --from exclude each other', 'the number is read now');
  const { from } = options;
  const basis = basisOf(options, 'free');
  return withBooks(invocation, async (books) => {
    const seen = await countOn(invocation.io, books, { channel: from, sku });
    const wish = { sku, kind: 'count', basis, create: false, ref: null } as const;
    return change(invocation, books, { ...wish, quantity: seen.quantity, asOf: seen.asOf }, seen);
  });
}

/** `stock adjust` */
export function adjust(invocation: Invocation<ChangeOptions>): Promise<ExitCode> {
  const [sku = '', n = ''] = invocation.args;
  const quantity = unitsArg(n, 'the adjustment', { min: -1_000_000_000 });
  if (quantity === 0) throw usage('an adjustment of 0 changes nothing');
  const { now } = invocation.io;
  const ref = invocation.options.ref ?? null;
  return changeStock(invocation, {
    sku,
    kind: 'adjust',
    quantity,
    basis: 'free',
    asOf: now(),
    create: false,
    ref,
  });
}

/** `stock receive` */
export function receive(invocation: Invocation<ChangeOptions>): Promise<ExitCode> {
  const [sku = '', n = ''] = invocation.args;
  const quantity = unitsArg(n, 'the receipt', { min: 1 });
  const { now } = invocation.io;
  const ref = invocation.options.ref ?? null;
  const wish = { sku, kind: 'receive', quantity, basis: 'shelf', create: true, ref } as const;
  return changeStock(invocation, { ...wish, asOf: now() });
}

function countWish(
  invocation: Invocation<ChangeOptions>,
  from: { sku: string; n: string; basis: StockChange['basis'] },
): Wish {
  const { io, options } = invocation;
  const asOf = options.asOf === undefined ? io.now() : pastArg(options.asOf, '--as-of', io.now());
  return {
    sku: from.sku,
    kind: 'count',
    quantity: unitsArg(from.n, 'the count'),
    basis: basisOf(options, from.basis),
    asOf,
    create: true,
    ref: null,
  };
}

/** `--basis`, or what the command is for. */
export function basisOf(options: { basis?: string }, fallback: StockChange['basis']): StockChange['basis'] {
  return options.basis === undefined ? fallback : choiceArg(options.basis, '--basis', ['shelf', 'free']);
}

function changeStock(invocation: Invocation<ChangeOptions>, wish: Wish): Promise<ExitCode> {
  return withBooks(invocation, (books) => change(invocation, books, wish));
}

async function change(
  invocation: Invocation<ChangeOptions>,
  books: Books,
  wish: Wish,
  seen: CountSeen | null = null,
): Promise<ExitCode> {
  const { io, options } = invocation;
  const now = io.now();
  const presumed = presumeGoneMs(books);
  const sku = wish.create ? await nameToUse(invocation, books, wish.sku) : wish.sku;
  const wanted: StockChange = { ...wish, sku, presumeGoneMs: presumed };
  const actor = actorOf(options);
  const lines = wish.kind === 'count' ? await books.store.stock.openLines(sku, wish.asOf, presumed) : [];
  const step: RehearsalStep = { kind: 'change', changes: [wanted], actor };
  const dryRun = options.dryRun === true;
  if (!dryRun) {
    const reach = await reachOf(books, [step], now);
    const command = `stock ${wish.kind} ${sku} ${wish.quantity}`;
    await heedBrakes(books, reach, { command, overBrake: options.overBrake, now });
  }
  const [outcome] = dryRun
    ? (await books.store.rehearse([step], [], now)).changed
    : await books.store.stock.change([wanted], actor, now);
  const done = doneOf(outcome);
  const warnings = [...books.warnings, ...outcomeWarnings(done)];
  const from = seen === null ? {} : { from: fromJson(seen) };
  answer(invocation, { ...from, dry_run: dryRun, ...changeDocument(done, lines) }, warnings, (to) => {
    if (seen !== null)
      printLine(to, `${seen.channel} shows ${seen.shown}, so ${seen.quantity} may still be sold`);
    if (dryRun) printLine(to, 'it would be (nothing is changed):');
    printChange(to, done, lines);
  });
  return EXIT.ok;
}

type Done = Extract<StockOutcome, { kind: 'done' }>;

function doneOf(outcome: StockOutcome | undefined): Done {
  if (outcome?.kind === 'done') return outcome;
  if (outcome?.kind === 'unknown_sku') throw unknownSku(outcome.sku, outcome.nearest);
  throw new AppError('refused', outcome?.message ?? 'the books gave no answer');
}

/** What a person should hear about a change. */
export function outcomeWarnings(done: Done): string[] {
  const { row } = done;
  const warnings: string[] = [];
  if (done.repeated)
    warnings.push(`${row.sku}: this was done before; the first outcome is shown and nothing was changed`);
  if (done.created) warnings.push(`${row.sku} was unknown and has been created`);
  if (done.short > 0) {
    warnings.push(
      `${row.sku}: ${countText(done.short, 'unit is', 'units are')} missing for orders that had them: see invsync oversells list`,
    );
  }
  if (done.found > 0)
    warnings.push(
      `${row.sku}: ${countText(done.found, 'unit')} more than counted needed by holds and booked as found`,
    );
  return warnings;
}

function changeDocument(done: Done, lines: readonly OpenLine[]): Document {
  return {
    ...stockJson(done.row),
    before: done.before === null ? null : stockJson(done.before),
    created: done.created,
    repeated: done.repeated,
    filled: done.filled,
    short: done.short,
    found: done.found,
    open_lines: lines.map((line) => ({
      channel: line.channel,
      order_id: line.orderId,
      line_id: line.lineKey,
      sold_at: iso(line.soldAt),
      taken: line.taken,
      given: line.given,
      gone: line.gone,
      presumed_gone: line.presumedGone,
    })),
  };
}

function printChange(io: Io, done: Done, lines: readonly OpenLine[]): void {
  const { row, before } = done;
  const from = (number: (level: StockRow) => number) =>
    before === null || !before.counted ? `${number(row)}` : `${number(before)} -> ${number(row)}`;
  const rest = `on hand ${from((level) => level.onHand)}, committed ${row.committed}, reserved ${row.reserved}`;
  printLine(io, `${row.sku}  available ${from((level) => level.available)}  (${rest})`);
  if (done.filled > 0) printLine(io, `${countText(done.filled, 'unit')} filled orders that were short`);
  if (lines.length === 0) return;
  printLine(io, 'open lines when it was counted:');
  printTable(
    io,
    [
      { title: 'channel', value: (line) => line.channel },
      { title: 'order', value: (line) => line.orderId },
      { title: 'sold at', value: (line) => iso(line.soldAt) },
      { title: 'taken', value: (line) => line.taken },
      { title: 'given', value: (line) => line.given },
      { title: 'gone', value: (line) => (line.presumedGone ? 'presumed' : line.gone) },
    ],
    lines,
  );
}

/** `stock set-alert` */
export function setAlert(invocation: Invocation<ActorOptions>): Promise<ExitCode> {
  const [sku = '', text = ''] = invocation.args;
  const below = text === 'off' ? null : unitsArg(text, 'the number');
  return withBooks(invocation, async (books) => {
    const { stock } = books.store;
    const known = await stock.setAlert(sku, below, actorOf(invocation.options), invocation.io.now());
    const row = await stock.get(sku);
    if (!known || row === null) throw unknownSku(sku, await nearSku(books, sku));
    answer(invocation, { ...stockJson(row), alert_below: below }, books.warnings, (io) =>
      printLine(
        io,
        below === null
          ? `${row.sku}: no alert`
          : `${row.sku}: an alert at ${below} or fewer; now ${row.available}`,
      ),
    );
    return EXIT.ok;
  });
}
