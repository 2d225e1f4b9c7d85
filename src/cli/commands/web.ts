import type { Command } from 'commander';
import { iso } from '../../clock.ts';
import type { Problem } from '../../config/problem.ts';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import { longestPassMs, passFor } from '../../page/pass.ts';
import { answer } from '../answer.ts';
import { durationArg } from '../args.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { adminUrl } from '../daemon-report.ts';
import { printLine, sayTo } from '../print.ts';

/** `invsync web link`: an address that opens the page in a browser. */
export function register(command: Command, cli: Cli): void {
  define(
    command
      .command('link')
      .description('print an address that opens the page in a browser for a while')
      .option('--ttl <duration>', 'how long it opens the page: 2h, 7d (default: 7d)')
      .option('--base <url>', 'where the browser reaches the admin listener, if not at admin.listen'),
    cli,
    {
      examples: ['invsync web link', 'invsync web link --ttl 12h --base https://stock.example.com'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    link,
  );
}

async function link(invocation: Invocation<{ ttl?: string; base?: string }>): Promise<ExitCode> {
  const { options, io } = invocation;
  const ttl = durationArg(options.ttl ?? '7d', '--ttl', { least: 60_000, most: longestPassMs });
  const { config, refused } = await invocation.soundConfig();
  const { admin } = config;
  const problems = (refused?.details['problems'] ?? []) as Problem[];
  const unset = problems.find(({ path }) => path === 'admin.token');
  if (unset !== undefined)
    throw new AppError('config', `admin.token ${unset.message}`, {
      hint: 'the link is signed with it: set it as for the daemon, in the shell or in secrets.env',
      exitCode: EXIT.usage,
    });
  const base = options.base === undefined ? new URL(adminUrl(admin.listen)) : baseArg(options.base);
  const until = io.now() + ttl;
  const url = new URL('/', base);
  if (admin.token !== null) {
    url.pathname = '/login';
    url.searchParams.set('pass', passFor(admin.token, until));
  }
  const open = admin.token === null;
  const document = { url: url.href, until: open ? null : iso(until) };
  answer(invocation, document, [], (to) => {
    printLine(to, url.href);
    if (open) sayTo(to, 'no admin.token is set: the page opens on this machine only, without a link');
    else sayTo(to, `whoever has this address sees the page until ${iso(until)}; another admin.token ends it`);
  });
  return EXIT.ok;
}

function baseArg(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/')
    throw new AppError('bad_url', `--base "${text}" is no address like https://stock.example.com`, {
      exitCode: EXIT.usage,
    });
  return url;
}
