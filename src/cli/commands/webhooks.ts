import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../../errors.ts';
import { answer } from '../answer.ts';
import { askEngine } from '../ask.ts';
import { type Books, channelNamed, withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { consent, printLine, printTable } from '../print.ts';
import { type WebhooksResult, webhooksResult } from '../results.ts';

const exits = [
  EXIT.ok,
  EXIT.failed,
  EXIT.usage,
  EXIT.partial,
  EXIT.temporary,
  EXIT.refused,
  EXIT.daemon,
] as const;

/** `invsync webhooks …`: what the platforms call us about. Asked of the channels, live. */
export function register(command: Command, cli: Cli): void {
  define(
    command.command('list [channel]').description('print the subscriptions as the channels know them'),
    cli,
    {
      examples: ['invsync webhooks list', 'invsync webhooks list main-shop --json'],
      exits,
      prints: 'data',
    },
    list,
  );
  define(
    command
      .command('register [channel]')
      .description(
        'make the needed subscriptions exist once and lead here; from then on serve looks after them',
      ),
    cli,
    {
      examples: ['invsync webhooks register', 'invsync webhooks register main-shop'],
      exits,
      prints: 'data',
    },
    (invocation) => act(invocation, 'webhooks.register'),
  );
  define(
    command
      .command('remove [channel]')
      .description('remove our subscriptions; sales are found by polls only from then on')
      .option('--yes', 'do not ask'),
    cli,
    {
      examples: ['invsync webhooks remove main-shop', 'invsync webhooks remove --yes'],
      exits,
      prints: 'data',
    },
    remove,
  );
}

function list(invocation: Invocation<object>): Promise<ExitCode> {
  return act(invocation, 'webhooks.list');
}

function act(invocation: Invocation<object>, kind: string): Promise<ExitCode> {
  return withBooks(invocation, (books) => ask(invocation, books, kind));
}

function remove(invocation: Invocation<{ yes?: boolean }>): Promise<ExitCode> {
  const [named] = invocation.args;
  return withBooks(invocation, async (books) => {
    const channels = named === undefined ? books.channels : [channelNamed(books, named)];
    const names = channels.filter((row) => !row.orphaned).map((row) => row.name);
    await consent(invocation.io, {
      yes: invocation.options.yes === true,
      json: invocation.json,
      question: 'Remove them?',
      plan: { channels: names },
      show: (io) => printLine(io, `our webhook subscriptions will be removed at: ${names.join(', ')}`),
    });
    return ask(invocation, books, 'webhooks.remove');
  });
}

async function ask(invocation: Invocation<object>, books: Books, kind: string): Promise<ExitCode> {
  const [named] = invocation.args;
  const args = named === undefined ? {} : { channel: channelNamed(books, named).name };
  const result = webhooksResult.parse(await askEngine(invocation.io, books, kind, args));
  const webhooks = result.channels.flatMap(({ channel, webhooks }) =>
    webhooks.map((webhook) => ({ channel, ...webhook })),
  );
  const changes = result.channels.flatMap(({ channel, changes }) =>
    changes.map((change) => ({ channel, change })),
  );
  const failed = result.channels.flatMap(({ channel, error }) =>
    error === null ? [] : [{ channel, error }],
  );
  const warnings = [...books.warnings, ...failed.map(({ channel, error }) => `${channel}: ${error}`)];
  answer(invocation, { webhooks, changes, failed }, warnings, (io) => print(io, { webhooks, changes }));
  return exitOf(result);
}

function print(
  io: Io,
  found: {
    webhooks: { channel: string; topic: string; status: string; ours: boolean; url: string }[];
    changes: { channel: string; change: string }[];
  },
): void {
  printTable(
    io,
    [
      { title: 'channel', value: (row) => row.channel },
      { title: 'topic', value: (row) => row.topic },
      {
        title: 'status',
        worth: 8,
        value: (row) => row.status,
        style: (row) => (row.status === 'active' ? 'good' : 'bad'),
      },
      { title: 'ours', worth: 4, value: (row) => (row.ours ? 'yes' : 'no') },
      { title: 'url', room: 24, value: (row) => row.url },
    ],
    found.webhooks,
    'no subscriptions',
  );
  for (const { channel, change } of found.changes) printLine(io, `${channel}: ${change}`);
}

function exitOf({ channels }: WebhooksResult): ExitCode {
  const failed = channels.filter((each) => each.error !== null).length;
  if (failed === 0) return EXIT.ok;
  return failed === channels.length ? EXIT.failed : EXIT.partial;
}
