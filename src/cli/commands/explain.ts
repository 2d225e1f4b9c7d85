import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../../errors.ts';
import type { AlertKind, Store } from '../../store/store.ts';
import { type Explanation, explanationOf } from '../../sync/explanation.ts';
import { answer } from '../answer.ts';
import { limitArg, timeArg } from '../args.ts';
import { channelFilter, unknownSku, withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { paint, printable, printLine, printTable } from '../print.ts';
import { nearSku, printListings } from './stock-list.ts';

interface Options {
  at?: string;
  channel?: string;
  limit?: string;
}

/** `invsync explain SKU`: why is this number what it is? */
export function register(command: Command, cli: Cli): void {
  define(
    command
      .argument('<sku>')
      .option('--at <time>', 'as it was then: ISO 8601, or how long ago as in 2h')
      .option('--channel <name>', 'listings and pushes of this channel only')
      .option('--limit <n>', 'at most so many entries and pushes, the newest (default: 1000)'),
    cli,
    {
      examples: ['invsync explain MUG-BLK', 'invsync explain MUG-BLK --at 2026-11-22T18:00:00Z --json'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    perform,
  );
}

const mostAlerts = 1_000;
const doubts: ReadonlySet<AlertKind> = new Set(['order_warning', 'stock_doubted']);

function perform(invocation: Invocation<Options>): Promise<ExitCode> {
  const { io, options } = invocation;
  const [sku = ''] = invocation.args;
  const now = io.now();
  const at = options.at === undefined ? null : timeArg(options.at, '--at', now);
  const limit = limitArg(options.limit, 1_000);
  return withBooks(invocation, async (books) => {
    const { channel = null } = channelFilter(books, options.channel);
    const found = await explanationOf(books.store, { sku, at, channel, limit, now });
    if (found === null) throw unknownSku(sku, await nearSku(books, sku));
    const warnings = [...books.warnings, ...(await toldOf(books.store, found))];
    if (!found.adds_up) warnings.push('the entries do not add up to the level: run invsync db check');
    answer(invocation, { ...found }, warnings, (to) => print(to, found));
    return EXIT.ok;
  });
}

/** What stands open about the SKU and about the orders that moved it: their numbers may be in doubt. */
async function toldOf(store: Store, found: Explanation): Promise<string[]> {
  const subjects = new Set([
    found.sku,
    ...found.entries.map((entry) => `${entry.channel} ${entry.order_id}`),
  ]);
  const alerts = await store.duties.alerts(true, mostAlerts);
  return alerts
    .filter(({ kind, subject }) => doubts.has(kind) && subjects.has(subject))
    .map(({ message }) => message);
}

function print(io: Io, found: Explanation): void {
  const { entries, opening } = found;
  printLine(io, paint(io, 'strong', `why is ${found.sku} ${found.available}?`));
  if (!found.counted) printLine(io, 'it was never counted, so its number says nothing and is pushed nowhere');
  if (found.omitted) printLine(io, `before these entries: ${opening} (--limit shows more)`);
  printTable(
    io,
    [
      { title: 'at', worth: 8, value: (entry) => entry.at },
      { title: 'kind', worth: 8, value: (entry) => entry.kind },
      {
        title: 'change',
        value: (entry) => signed(entry.delta),
        style: (entry) => (entry.delta === 0 ? 'dim' : undefined),
      },
      { title: 'after', value: (entry) => entry.after },
      { title: 'channel', value: (entry) => entry.channel },
      { title: 'order', worth: 6, value: (entry) => entry.order_number ?? entry.order_id },
      { title: 'by', worth: 3, value: (entry) => entry.by },
      { title: 'why', worth: 4, value: (entry) => entry.reason ?? entry.ref },
    ],
    entries,
    'nothing has happened to it yet',
  );
  const sum = `${opening} + ${entries.reduce((total, entry) => total + entry.delta, 0)} = ${found.sum}`;
  const verdict = found.adds_up
    ? paint(io, 'good', 'adds up')
    : paint(io, 'bad', `but the level says ${found.available}`);
  printLine(io, `available: ${sum}, ${verdict}`);
  if (found.on_hand !== null) {
    printLine(
      io,
      `on hand ${found.on_hand} - committed ${found.committed} - reserved ${found.reserved} = ${found.available}`,
    );
  }
  for (const each of found.waiting) {
    const order = `order ${each.order_number ?? each.order_id} on ${each.channel}`;
    const end = `invsync oversells resolve ${each.oversell_id} --as filled|cancelled|written-off`;
    const text = `${order} (${each.placed_at}) waits for ${each.shortfall} more; it gets what comes in, or: ${end}`;
    printLine(io, paint(io, 'bad', printable(text)));
  }
  printListings(io, found.listings);
  printChanges(io, found);
  if (found.pushes.length === 0) return;
  printLine(io, '');
  printTable(
    io,
    [
      { title: 'pushed at', value: (push) => push.at },
      { title: 'channel', value: (push) => push.channel },
      { title: 'listing', value: (push) => push.listing_id },
      { title: 'number', value: (push) => push.quantity },
      { title: 'instead of', worth: 3, value: (push) => push.base },
      { title: 'answer', worth: 6, value: (push) => push.outcome },
      { title: 'shown', value: (push) => push.shown },
      { title: 'error', room: 20, value: (push) => push.error },
    ],
    found.pushes,
  );
}

function printChanges(io: Io, found: Explanation): void {
  if (found.changes.length === 0) return;
  printLine(io, '');
  printTable(
    io,
    [
      { title: 'changed at', value: (change) => change.at },
      { title: 'what', value: (change) => `${change.verb} ${change.subject}` },
      { title: 'to', value: (change) => change.detail },
      { title: 'by', value: (change) => change.by },
      { title: 'why', value: (change) => change.reason },
    ],
    found.changes,
  );
}

function signed(delta: number): string {
  return delta > 0 ? `+${delta}` : String(delta);
}
