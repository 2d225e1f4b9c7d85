import { channelName } from '../../config/schema.ts';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import type { OpenOrders, Removal } from '../../store/store.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { choiceArg, usage } from '../args.ts';
import { channelNamed, daemonRuns, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { consent, printLine } from '../print.ts';

/** `channels rename`: the file has the new name already, or gets it next. */
export function rename(invocation: Invocation<object>): Promise<ExitCode> {
  const [from = '', to = ''] = invocation.args;
  if (!channelName.test(to))
    throw usage(`"${to}" is not a name for a channel`, '1 to 40 of a-z, 0-9 and -, not starting with -');
  return withBooks(invocation, async (books) => {
    const row = channelNamed(books, from);
    // A file that cannot be read is told before anything is changed.
    const named = await books.namedInFile();
    await books.store.channels.rename(row.name, to, invocation.io.now());
    const warnings = [...books.warnings];
    if (named.includes(to)) await books.takeFileIn();
    else warnings.push(`the configuration file does not know ${to} yet: rename it there too`);
    if (await daemonRuns(books.dataDir))
      warnings.push(
        'a daemon runs: if it read the file before the new name was in it, reload it with SIGHUP; else it goes on by itself',
      );
    answer(invocation, { channel: to, renamed_from: from }, warnings, (io) =>
      printLine(io, `${from} is ${to} now`),
    );
    return EXIT.ok;
  });
}

/** Options of `channels remove`. */
export interface RemoveOptions extends ActorOptions {
  yes?: boolean;
  orders?: string;
}

/** `channels remove`: only what the file no longer names, else it would be back at once, empty. */
export function remove(invocation: Invocation<RemoveOptions>): Promise<ExitCode> {
  const { io, options } = invocation;
  const [named = ''] = invocation.args;
  const orders =
    options.orders === undefined ? 'refuse' : choiceArg(options.orders, '--orders', ['shipped', 'cancelled']);
  return withBooks(invocation, async (books) => {
    const row = channelNamed(books, named);
    if ((await books.namedInFile()).includes(row.name)) {
      throw new AppError('channel_configured', `channel "${row.name}" is still in the configuration file`, {
        hint: `take it out of the file first, or stop it with: invsync channels pause ${row.name}`,
        exitCode: EXIT.usage,
      });
    }
    const planned = await books.store.channels.removal(row.name);
    const plan = { ...removalJson(planned), orders: orders === 'refuse' ? null : orders };
    await consent(io, {
      yes: options.yes === true,
      json: invocation.json,
      question: `Remove ${row.name}?`,
      plan,
      show: (to) => printRemoval(to, planned, orders),
    });
    const done = await books.store.channels.remove(row.name, orders, actorOf(options), io.now());
    answer(invocation, { ...removalJson(done), removed: true }, books.warnings, (to) =>
      printLine(to, `${row.name} is removed`),
    );
    return EXIT.ok;
  });
}

function removalJson(removal: Removal) {
  return {
    channel: removal.channel,
    type: removal.type,
    listings: removal.listings,
    open_orders: removal.openOrders,
    open_units: removal.openUnits,
    shortfalls: removal.shortfalls,
    unmapped_lines: removal.unmappedLines,
    events: removal.deliveries,
    actions: removal.actions,
    reservations: removal.reservations,
    alerts: removal.alerts,
  };
}

const fates = {
  refuse: 'say with --orders shipped or --orders cancelled what became of them',
  shipped: 'count as shipped: their units leave the shelf',
  cancelled: 'count as cancelled: their units are for sale again',
} as const satisfies Record<OpenOrders, string>;

function printRemoval(io: Io, removal: Removal, orders: OpenOrders): void {
  const lines: [number, string][] = [
    [removal.listings, 'listings and their mappings are forgotten'],
    [removal.openOrders, `open orders with ${removal.openUnits} units ${fates[orders]}`],
    [removal.shortfalls, 'order lines that are short are waited for no longer'],
    [removal.unmappedLines, 'sold lines without a SKU are dropped'],
    [removal.reservations, 'reservations for its orders are released'],
    [removal.actions, 'holds or cancels of orders that were due are dropped'],
    [removal.deliveries, 'events that nobody worked on are dropped'],
    [removal.alerts, 'alerts are closed'],
  ];
  for (const [count, what] of lines) if (count > 0) printLine(io, `${count} ${what}`);
  printLine(io, 'orders and ledger stay; a channel added later on the same account goes on with them');
}
