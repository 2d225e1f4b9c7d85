import type { Command } from 'commander';
import { stringify } from 'yaml';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import type { Shop } from '../../sandbox/shop.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { printJson } from '../print.ts';

interface SandboxOptions {
  channels?: string;
  seed: string;
  skus: string;
  timeScale: string;
  port?: string;
}

/** `invsync sandbox`: the sandbox shops alone, until interrupted; prints the channels block that reaches them. */
export function register(command: Command, cli: Cli): void {
  command
    .option('--channels <types>', 'which shops, separated by commas (default: all)')
    .option('--seed <number>', 'the same seed makes the same shops', '1')
    .option('--skus <number>', 'how many SKUs each shop sells', '24')
    .option(
      '--time-scale <number>',
      "divides every duration that a platform imposes; 1 is the platform's own pace",
      '60',
    )
    .option('--port <number>', 'port of the first shop, the others follow (default: free ones)');
  define<SandboxOptions>(
    command,
    cli,
    {
      examples: ['invsync sandbox', 'invsync sandbox --channels woocommerce --seed 7 --port 9100 --json'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    sandbox,
  );
}

async function sandbox(invocation: Invocation<SandboxOptions>): Promise<ExitCode> {
  const { io, options } = invocation;
  const { shopTypes, createShop } = await import('../../sandbox/registry.ts');
  const { createCatalogue } = await import('../../sandbox/catalogue.ts');
  const { createRandom } = await import('../../sandbox/kit/random.ts');
  const types =
    options.channels === undefined ? [...shopTypes] : options.channels.split(',').map((type) => type.trim());
  const random = createRandom(wholeNumber('--seed', options.seed, 2 ** 31));
  const catalogue = createCatalogue(random.fork('catalogue'), wholeNumber('--skus', options.skus, 10_000));
  const timeScale = wholeNumber('--time-scale', options.timeScale, 10_000);
  const firstPort = options.port === undefined ? 0 : wholeNumber('--port', options.port, 65_000);
  const ended = io.interruption();
  const shops: Shop[] = [];
  try {
    for (const [index, type] of types.entries()) {
      const port = firstPort === 0 ? 0 : firstPort + index;
      const shop = await createShop(type, {
        name: `${type}-shop`,
        seed: random.int(1, 2 ** 30),
        timeScale,
        catalogue,
        port,
      });
      await shop.start();
      shops.push(shop);
    }
    announce(invocation, shops, catalogue);
    await new Promise<void>((resolve) => {
      if (ended.aborted) return resolve();
      ended.addEventListener('abort', () => resolve(), { once: true });
    });
    return EXIT.ok;
  } finally {
    for (const shop of shops) await shop.stop();
  }
}

function announce(
  { io, json }: Invocation<SandboxOptions>,
  shops: Shop[],
  catalogue: { sku: string; title: string; stock: number }[],
): void {
  const channels = Object.fromEntries(shops.map((shop) => [shop.name, shop.channelConfig()]));
  if (json) {
    const listed = shops.map((shop) => ({ channel: shop.name, type: shop.type, url: shop.url }));
    printJson(io, { shops: listed, channels, catalogue, warnings: [] });
    return;
  }
  io.stdout(stringify({ channels }));
  const example = catalogue[0]?.sku ?? 'SKU';
  for (const shop of shops) io.stderr(`${shop.type} at ${shop.url}\n`);
  io.stderr(
    `buy something: curl -X POST ${shops[0]?.url}/_sandbox/sell -d '{"sku":"${example}","quantity":1}'\n`,
  );
  io.stderr(
    'other verbs: cancel, refund, edit, ship, set, fault; GET /_sandbox/orders, calls, listings. Ctrl-C ends it.\n',
  );
}

/** A whole number from 0 to `most`, or an error that names the option. */
export function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= most) return value;
  throw new AppError('usage', `${option} takes a whole number up to ${most}, not "${text}"`, {
    exitCode: EXIT.usage,
  });
}
