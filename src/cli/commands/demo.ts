import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import type { Proof } from '../../sandbox/demo/proof.ts';
import type { DemoNews } from '../../sandbox/demo/run.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { printJson, printLine } from '../print.ts';
import { wholeNumber } from './sandbox.ts';

interface DemoOptions {
  seed?: string;
  duration: string;
  rate: string;
  chaos: string;
  channels?: string;
  tui: boolean;
  keep?: string;
}

/** `invsync demo`: sandbox shops, the real daemon against them, shoppers, and a proof at the end. */
export function register(command: Command, cli: Cli): void {
  command
    .option('--seed <number>', 'repeats a run; without it one is drawn and printed')
    .option('--duration <time>', 'how long people shop', '60s')
    .option('--rate <number>', 'visits per second', '6')
    .option(
      '--chaos <level>',
      'none, normal or hell (lost and repeated webhooks, cut connections, kill -9)',
      'normal',
    )
    .option('--channels <types>', 'which shops, separated by commas (default: all)')
    .option('--no-tui', 'plain lines instead of a screen')
    .option('--keep <dir>', 'keep the database, what the shops recorded, and the proof in this folder');
  define<DemoOptions>(
    command,
    cli,
    {
      examples: ['invsync demo', 'invsync demo --chaos hell --seed 7 --duration 30s --no-tui --json'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    demo,
  );
}

async function demo(invocation: Invocation<DemoOptions>): Promise<ExitCode> {
  const { io, options, json } = invocation;
  const { chaosLevels } = await import('../../sandbox/demo/chaos.ts');
  const chaos = chaosLevels.find((level) => level === options.chaos);
  if (chaos === undefined) {
    throw new AppError('usage', `--chaos ${options.chaos} is no level`, {
      hint: `use ${chaosLevels.join(', ')}`,
      exitCode: EXIT.usage,
    });
  }
  const seed =
    options.seed === undefined ? io.now() % 1_000_000 : wholeNumber('--seed', options.seed, 2 ** 31);
  const durationMs = await durationOf(options.duration);
  const ended = io.interruption();
  const { runDemo } = await import('../../sandbox/demo/run.ts');
  const { shopTypes } = await import('../../sandbox/registry.ts');
  io.stderr(`invsync demo, seed ${seed}, chaos ${chaos}\n`);
  const proof = await runDemo(
    {
      seed,
      durationMs,
      rate: Math.max(1, wholeNumber('--rate', options.rate, 200)),
      chaos,
      channels:
        options.channels === undefined
          ? [...shopTypes]
          : options.channels.split(',').map((type) => type.trim()),
      keep: options.keep === undefined ? null : resolve(io.cwd, options.keep),
      timeScale: 60,
      skus: 24,
    },
    newsFor(invocation),
    ended,
  );
  if (json) printJson(io, proof);
  else printProof(invocation, proof);
  if (ended.aborted) return EXIT.failed;
  return proof.ok ? EXIT.ok : EXIT.failed;
}

async function durationOf(text: string): Promise<number> {
  const { parseDuration } = await import('../../config/text.ts');
  const ms = parseDuration(text);
  if (ms !== null && ms >= 1_000 && ms <= 3_600_000) return ms;
  throw new AppError('usage', `--duration ${text} is not a time between 1s and 1h`, { exitCode: EXIT.usage });
}

/** On a terminal a small table that is redrawn; else one line each few seconds. */
function newsFor({ io, options }: Invocation<DemoOptions>): DemoNews {
  const screen = io.isTty && options.tui;
  let drawn = 0;
  let ticks = 0;
  return {
    phase: (text) => {
      drawn = 0;
      io.stderr(`  ${text}\n`);
    },
    tick: ({ secondsLeft, shops, orders, kills, catalogue }) => {
      ticks += 1;
      const head = `  ${secondsLeft} s left, ${orders} orders, ${kills} kills`;
      if (!screen) {
        if (ticks % 5 === 1) io.stderr(`${head}\n`);
        return;
      }
      const shown = shops.map((shop) => new Map(shop.records().listings.map((row) => [row.sku, row.shown])));
      const rows = catalogue.slice(0, 12).map((item) => {
        const numbers = shown.map((each) => String(each.get(item.sku) ?? '-').padStart(12)).join('');
        return `  ${item.sku.padEnd(12)} ${item.title.padEnd(16)}${numbers}`;
      });
      const title = `  ${'SKU'.padEnd(29)}${shops.map((shop) => shop.type.padStart(12)).join('')}`;
      const lines = [head, title, ...rows];
      const up = drawn === 0 ? '' : `\u001b[${drawn}A`;
      io.stderr(`${up}${lines.map((line) => `\u001b[2K${line}`).join('\n')}\n`);
      drawn = lines.length;
    },
  };
}

function printProof({ io }: Invocation<DemoOptions>, proof: Proof): void {
  const say = (label: string, value: string) => printLine(io, `  ${label.padEnd(34)} ${value}`);
  printLine(io, `Proof (seed ${proof.seed}, ${proof.seconds} s, ${proof.channels.join(' + ')})`);
  say('orders placed by shoppers', `${proof.orders}`);
  say('webhook calls taken in', `${proof.deliveries} (${proof.duplicates_absorbed} repeats absorbed)`);
  say('webhooks lost on the way', `${proof.webhooks_lost}`);
  say('orders nobody told us about', `${proof.orders_unheard}, found by a pull: ${proof.recovered_by_pull}`);
  say('daemon killed (kill -9)', `${proof.kills}`);
  say('writes without an answer', `${proof.timed_out_writes}`);
  say(
    'units sold = allocated + short',
    `${proof.sold_units} = ${proof.allocated_units} + ${proof.shortfall_units}`,
  );
  say('units given twice', `${proof.oversold_by_engine}`);
  say('books close', proof.books_close ? 'yes' : 'NO');
  say('listings that show the truth', `${proof.listings_in_sync} of ${proof.listings_total}`);
  say('acknowledged within', `p50 ${proof.ack_ms.p50} ms, p99 ${proof.ack_ms.p99} ms`);
  say(
    'from a sale to the other shops',
    `p50 ${proof.propagation_ms.p50} ms, p99 ${proof.propagation_ms.p99} ms`,
  );
  for (const failure of proof.failures) printLine(io, `  FAILED ${failure}`);
  for (const warning of proof.warnings) printLine(io, `  warning: ${warning}`);
  printLine(io, proof.ok ? 'Nothing was lost, counted twice or oversold.' : 'The proof failed.');
}
