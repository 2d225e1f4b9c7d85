import { iso } from '../../clock.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import type { ChannelRow, FeedRow } from '../../store/store.ts';
import { type ChannelReport, channelReports } from '../../sync/channel-report.ts';
import { answer } from '../answer.ts';
import { channelNamed, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { printLine, printTable } from '../print.ts';

/** `channels list` */
export function list(invocation: Invocation<object>): Promise<ExitCode> {
  return withBooks(invocation, async (books) => {
    const now = invocation.io.now();
    const channels = await channelReports(books.store, await books.store.reports.status(now), now);
    answer(invocation, { channels }, books.warnings, (io) => {
      printChannels(io, channels);
      for (const note of notesOf(channels)) printLine(io, note);
    });
    return EXIT.ok;
  });
}

/** Why not all is well with a channel, a line each. */
export function notesOf(channels: readonly ChannelReport[]): string[] {
  return channels.flatMap(({ channel, note }) => (note === null ? [] : [`${channel}: ${note}`]));
}

/** Channels as a table. */
export function printChannels(io: Io, channels: readonly ChannelReport[]): void {
  printTable(
    io,
    [
      { title: 'channel', value: (row) => row.channel },
      { title: 'type', worth: 2, value: (row) => row.type },
      { title: 'mode', worth: 8, value: (row) => row.mode },
      {
        title: 'state',
        worth: 9,
        value: (row) => row.state,
        style: (row) => (row.state === 'ok' ? 'good' : 'bad'),
      },
      {
        title: 'orders',
        worth: 7,
        value: (row) => (row.feed_fresh ? 'fresh' : 'stale'),
        style: (row) => (row.feed_fresh ? undefined : 'warn'),
      },
      { title: 'due', worth: 6, value: (row) => row.due },
      {
        title: 'dead',
        worth: 7,
        value: (row) => row.dead,
        style: (row) => (row.dead > 0 ? 'bad' : undefined),
      },
      { title: 'missed (24 h)', worth: 4, value: (row) => row.missed_webhooks },
      {
        title: 'kept aside',
        worth: 4,
        value: (row) => row.kept_aside,
        style: (row) => (row.kept_aside > 0 ? 'bad' : undefined),
      },
      { title: 'last ok', worth: 6, value: (row) => row.last_ok_at },
      { title: 'reconciled', worth: 4, value: (row) => row.last_reconcile_at },
    ],
    channels,
    'no channels: put one under channels: in the configuration file',
  );
}

/** `channels show` */
export function show(invocation: Invocation<object>): Promise<ExitCode> {
  const [named = ''] = invocation.args;
  return withBooks(invocation, async (books) => {
    const row = channelNamed(books, named);
    const now = invocation.io.now();
    const reports = await channelReports(books.store, await books.store.reports.status(now), now);
    const feed = await books.store.channels.feed(row.id);
    const report = reports.find((each) => each.channel === row.name);
    const document = { ...report, ...details(row, feed) };
    answer(invocation, document, books.warnings, (io) => {
      for (const [key, value] of Object.entries(document))
        printLine(io, `${key.padEnd(20)} ${textOf(value)}`);
    });
    return EXIT.ok;
  });
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '-';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function details(row: ChannelRow, feed: FeedRow | null) {
  return {
    account: row.accountId,
    account_seen: row.accountSeen,
    mode_in_file: row.modeInFile,
    mode_by: row.modeBy,
    paused: row.paused,
    live_since: iso(row.liveSince),
    planned_at: iso(row.plannedAt),
    brake_plan: row.brakePlan,
    webhooks_registered: row.webhooksRegistered,
    oversell: row.setup.oversell,
    buffer: row.setup.offer.buffer,
    percent: row.setup.offer.percent,
    max: row.setup.offer.max,
    orders_read_at: iso(feed?.pulledAt ?? null),
    orders_error: feed?.error ?? null,
    reconcile_failures: row.reconcileFailures,
    reconcile_error: row.reconcileError,
    webhook_refused_at: iso(row.webhookRefusedAt),
    webhook_refusal: row.webhookRefusal,
  };
}
