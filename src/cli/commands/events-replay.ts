import { countText, EXIT, type ExitCode } from '../../errors.ts';
import type { DeliveryFilter, DeliveryRow } from '../../store/store.ts';
import { answer } from '../answer.ts';
import { limitArg, usage } from '../args.ts';
import { askEngine } from '../ask.ts';
import { type Books, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { deliveriesOf, deliveryJson, filterOf, idsOf, type WhichOptions } from '../delivery-json.ts';
import type { Io } from '../io.ts';
import { consent, printLine, printTable } from '../print.ts';
import { type DeliveryEffect, type ReplayEffect, replayEffect } from '../replay.ts';

interface Options extends WhichOptions {
  limit?: string;
  dryRun?: boolean;
  yes?: boolean;
}

/** `events replay` */
export function replay(invocation: Invocation<Options>): Promise<ExitCode> {
  const { io, options } = invocation;
  const ids = idsOf(invocation.args);
  const { channel, since, until, status } = options;
  const chosen = [channel, since, until, status].some((option) => option !== undefined);
  if (ids.length === 0 && !chosen)
    throw usage('which events?', 'give ids, or --channel, --since, --until, --status dead');
  const limit = ids.length > 0 ? ids.length : limitArg(options.limit, 1_000);
  return withBooks(invocation, async (books) => {
    const filter: DeliveryFilter = {
      ...filterOf(books, options, io.now()),
      limit,
      ...(ids.length > 0 ? { ids } : {}),
    };
    if (ids.length > 0) await deliveriesOf(books, ids);
    const rows = await books.store.inbox.list(filter);
    if (options.dryRun === true) return showEffect(invocation, books, filter);
    if (rows.length > 1 && options.yes !== true) {
      const effect = await replayEffect(books, filter, io.now());
      await consent(io, {
        yes: false,
        json: invocation.json,
        question: `Replay ${countText(rows.length, 'event')}?`,
        plan: effect,
        show: (to) => printEffect(to, effect),
      });
    }
    return carryOut(invocation, books, rows);
  });
}

async function showEffect(
  invocation: Invocation<Options>,
  books: Books,
  filter: DeliveryFilter,
): Promise<ExitCode> {
  const effect = await replayEffect(books, filter, invocation.io.now());
  answer(invocation, { ...effect }, books.warnings, (io) => {
    printEffect(io, effect);
    printLine(io, 'nothing was changed');
  });
  return EXIT.ok;
}

/** Marks them, has them worked on, and tells what became of each. Those whose content is gone cannot be replayed. */
async function carryOut(
  invocation: Invocation<Options>,
  books: Books,
  before: DeliveryRow[],
): Promise<ExitCode> {
  const { io } = invocation;
  const { inbox } = books.store;
  const able = before.filter((row) => row.hasBody || row.fields !== null);
  const lost = before.length - able.length;
  const ids = able.map((row) => row.id);
  const replayed = ids.length === 0 ? 0 : await inbox.replay({ ids, limit: ids.length }, io.now());
  if (replayed > 0) await askEngine(io, books, 'ingest', {});
  const rows = ids.length === 0 ? [] : await inbox.list({ ids, limit: ids.length });
  const warnings = [...books.warnings];
  if (lost > 0) warnings.push(`the content of ${lost} events is no longer kept, so they were left alone`);
  const failed = rows.filter((row) => row.status === 'dead' || row.status === 'new');
  answer(invocation, { replayed, events: rows.map(deliveryJson) }, warnings, (to) => {
    printTable(
      to,
      [
        { title: 'id', value: (row) => row.id },
        { title: 'channel', value: (row) => row.channel },
        {
          title: 'status',
          value: (row) => row.status,
          style: (row) => (failed.includes(row) ? 'bad' : 'good'),
        },
        { title: 'outcome', value: (row) => row.error ?? row.outcome },
      ],
      rows,
      'nothing to replay',
    );
  });
  return failed.length > 0 || lost > 0 ? EXIT.partial : EXIT.ok;
}

function printEffect(io: Io, { events, listings }: ReplayEffect): void {
  printTable(
    io,
    [
      { title: 'id', value: (event) => event.id },
      { title: 'channel', value: (event) => event.channel },
      { title: 'effect', value: effectText, style: (event) => (event.error === null ? undefined : 'bad') },
    ],
    events,
    'no events',
  );
  printTable(
    io,
    [
      { title: 'channel', value: (row) => row.channel },
      { title: 'listing', value: (row) => row.listing_id },
      { title: 'target', value: (row) => row.before },
      { title: 'then', value: (row) => row.after },
    ],
    listings,
  );
}

function effectText(event: DeliveryEffect): string {
  if (event.error !== null) return event.error;
  const orders = event.orders.map((order) => {
    if (order.verdict === 'same') return `${order.order_id}: nothing new`;
    if (order.verdict === 'stale') return `${order.order_id}: older than what is known`;
    if (order.verdict === 'look-again') return `${order.order_id}: not settled at the channel`;
    if (order.verdict === 'fetch') return `${order.order_id}: is read by id first`;
    const short = order.short > 0 ? `, short ${order.short}` : '';
    return `${order.order_id}: taken +${order.taken_up} -${order.taken_down}, given ${order.given}${short}`;
  });
  const fetched = event.fetch.map((id) => `${id}: is read by id first`);
  const all = [...orders, ...fetched];
  return all.length === 0 ? `says nothing (${event.ignored ?? 'no order in it'})` : all.join('; ');
}
