import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { AppError, EXIT } from '../../errors.ts';
import { createCatalogue } from '../catalogue.ts';
import { createRandom, type Random } from '../kit/random.ts';
import { createShop } from '../registry.ts';
import type { CatalogueItem, Shop } from '../shop.ts';
import { createShoppers } from '../shoppers.ts';
import { readBooks } from './books.ts';
import { arm, type Chaos, calm, stormy } from './chaos.ts';
import { freePorts, invsync, type ServeProcess, serveIn } from './process.ts';
import { type Proof, prove } from './proof.ts';

export interface DemoWish {
  seed: number;
  durationMs: number;
  /** Visits of shoppers per second. */
  rate: number;
  chaos: Chaos;
  channels: string[];
  /** Keeps the folder; null: a temporary one that goes away. */
  keep: string | null;
  timeScale: number;
  skus: number;
}

/** Told as the run goes on; for people. */
export interface DemoNews {
  phase(text: string): void;
  tick(facts: {
    secondsLeft: number;
    shops: Shop[];
    orders: number;
    kills: number;
    catalogue: CatalogueItem[];
  }): void;
}

/** What works on one run. */
interface Stage {
  wish: DemoWish;
  news: DemoNews;
  random: Random;
  dir: string;
  shops: Shop[];
  catalogue: CatalogueItem[];
  adminUrl: string;
  daemon: ServeProcess;
  kills: number;
  warnings: string[];
  signal: AbortSignal;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/**
 * After the shoppers have left, so long until everything must have settled. One platform holds new orders back for an hour,
 * which is a minute at the usual time scale, before their numbers are proved.
 */
const settleLimitMs = 180_000;

/** Opens the shops, starts the real daemon against them, lets people shop, and proves the outcome. */
export async function runDemo(wish: DemoWish, news: DemoNews, signal: AbortSignal): Promise<Proof> {
  const dir = wish.keep ?? mkdtempSync(join(tmpdir(), 'invsync-demo-'));
  mkdirSync(dir, { recursive: true });
  assertEmpty(dir);
  const random = createRandom(wish.seed);
  const catalogue = createCatalogue(random.fork('catalogue'), wish.skus);
  const shops: Shop[] = [];
  let daemon: ServeProcess | null = null;
  try {
    for (const type of wish.channels) {
      const seed = random.int(1, 2 ** 30);
      shops.push(
        await createShop(type, { name: `${type}-shop`, seed, timeScale: wish.timeScale, catalogue, port: 0 }),
      );
    }
    for (const shop of shops) await shop.start();
    const began = Date.now();
    const { adminUrl, publicUrl } = await configure(dir, shops);
    news.phase(`counting ${catalogue.length} SKUs and reading ${shops.length} catalogues`);
    await setUp(dir, shops, catalogue);
    daemon = serveIn(dir, adminUrl);
    await daemon.ready();
    await invsync(dir, ['webhooks', 'register']);
    for (const shop of shops) shop.enrol?.(`${publicUrl}/hooks/${shop.name}`);
    const stage: Stage = {
      wish,
      news,
      random,
      dir,
      shops,
      catalogue,
      adminUrl,
      daemon,
      kills: 0,
      warnings: [],
      signal,
    };
    news.phase('the shops are open');
    await shopping(stage);
    news.phase('the shoppers have left; waiting until everything is quiet');
    await settle(stage);
    daemon = stage.daemon;
    const code = await daemon.stop();
    if (code !== 0) stage.warnings.push(`the daemon ended with ${code}`);
    return conclude(stage, (Date.now() - began) / 1_000);
  } finally {
    await daemon?.kill();
    for (const shop of shops) await shop.stop();
    if (wish.keep === null) rmSync(dir, { recursive: true, force: true });
  }
}

/** What an earlier run left would be taken for this run's. Throws AppError `not_empty`. */
function assertEmpty(dir: string): void {
  if (readdirSync(dir).length === 0) return;
  throw new AppError('not_empty', `${dir} is not empty`, {
    hint: 'name a new folder: --keep DIR keeps what this run makes',
    exitCode: EXIT.usage,
  });
}

/** Writes config.yaml: the shops' own channel entries, and platform durations as short as the shops' time scale makes them. */
async function configure(dir: string, shops: Shop[]): Promise<{ adminUrl: string; publicUrl: string }> {
  const [publicPort = 0, adminPort = 0] = await freePorts(2);
  const scaled = {
    poll: '3s',
    order_lag: '4s',
    index_lag: '2s',
    settle: '500ms',
    max_execution: '2s',
    raise_after: '6s',
    timeout: '4s',
    // The proof compares what is shown with what is there.
    buffer: 0,
  };
  const channels = Object.fromEntries(
    shops.map((shop) => [shop.name, { ...shop.channelConfig(), ...scaled, ...shop.durations?.() }]),
  );
  const config = {
    data_dir: '.',
    server: { listen: `127.0.0.1:${publicPort}`, public_url: `http://127.0.0.1:${publicPort}` },
    admin: { listen: `127.0.0.1:${adminPort}` },
    reconcile: { schedule: '*/10 * * * * *', max_change: '100%', max_zero: '100%' },
    channels,
  };
  writeFileSync(join(dir, 'config.yaml'), stringify(config));
  return { adminUrl: `http://127.0.0.1:${adminPort}`, publicUrl: `http://127.0.0.1:${publicPort}` };
}

async function setUp(dir: string, shops: Shop[], catalogue: CatalogueItem[]): Promise<void> {
  const rows = catalogue.map((item) => `${item.sku},${item.stock}`);
  writeFileSync(join(dir, 'stock.csv'), `sku,on_hand\n${rows.join('\n')}\n`);
  await invsync(dir, ['stock', 'import', join(dir, 'stock.csv'), '--yes', '--reason', 'demo starts']);
  for (const shop of shops) await invsync(dir, ['listings', 'import', shop.name]);
}

async function shopping(stage: Stage): Promise<void> {
  const { wish, shops, random, news, catalogue } = stage;
  const shoppers = createShoppers(random.fork('shoppers'), shops, catalogue);
  for (const shop of shops) stormy(shop, wish.chaos);
  const began = Date.now();
  const end = began + wish.durationMs;
  const events = plannedEvents(stage, began);
  let nextNews = 0;
  while (Date.now() < end && !stage.signal.aborted) {
    shoppers.visit();
    if (random.chance(0.04)) shoppers.race();
    const event = events[0];
    if (event !== undefined && Date.now() >= event.at) {
      events.shift();
      await event.run(shoppers);
    }
    if (Date.now() >= nextNews) {
      nextNews = Date.now() + 1_000;
      const secondsLeft = Math.max(0, Math.round((end - Date.now()) / 1_000));
      news.tick({ secondsLeft, shops, orders: shoppers.orders(), kills: stage.kills, catalogue });
    }
    await pause((1_000 / wish.rate) * (0.5 + random.next()));
  }
  for (const event of events) await event.run(shoppers);
}

interface PlannedEvent {
  at: number;
  run(shoppers: ReturnType<typeof createShoppers>): Promise<void>;
}

/** In hell: the daemon is killed and restarted, some orders are never told to anybody, some writes time out. */
function plannedEvents(stage: Stage, began: number): PlannedEvent[] {
  const { wish, shops } = stage;
  if (wish.chaos !== 'hell') return [];
  const at = (share: number) => began + wish.durationMs * share;
  const kills = Math.max(1, Math.min(4, Math.floor(wish.durationMs / 15_000)));
  const events: PlannedEvent[] = Array.from({ length: kills }, (_, index) => ({
    at: at((index + 0.7) / (kills + 0.6)),
    run: () => killAndRestart(stage),
  }));
  for (const [index, shop] of shops.entries()) {
    events.push({ at: at(0.25 + 0.1 * index), run: (shoppers) => unheardOrders(stage, shop, shoppers) });
    events.push({
      at: at(0.15 + 0.1 * index),
      run: async () => {
        arm(shop, { name: 'apply_then_timeout', count: 3 });
      },
    });
  }
  return events.sort((a, b) => a.at - b.at);
}

async function killAndRestart(stage: Stage): Promise<void> {
  stage.news.phase('kill -9');
  await stage.daemon.kill();
  stage.kills += 1;
  await pause(stage.random.int(50, 900));
  stage.daemon = serveIn(stage.dir, stage.adminUrl);
  await stage.daemon.ready();
}

/** Orders of which no webhook arrives: only a pull can find them. */
async function unheardOrders(
  stage: Stage,
  shop: Shop,
  shoppers: ReturnType<typeof createShoppers>,
): Promise<void> {
  arm(shop, { name: 'drop_webhook', rate: 1 });
  shoppers.buy(shop, 3);
  for (let waits = 0; waits < 100 && shop.pending() > 0; waits += 1) await pause(100);
  stormy(shop, stage.wish.chaos);
}

/** No faults any more, then quiet: queues empty, two reconcile runs with nothing left to do. */
async function settle(stage: Stage): Promise<void> {
  for (const shop of stage.shops) calm(shop);
  const limit = Date.now() + settleLimitMs;
  while (stage.shops.some((shop) => shop.pending() > 0) && Date.now() < limit) await pause(100);
  let quiet = 0;
  while (quiet < 2 && Date.now() < limit && !stage.signal.aborted) {
    const report = (await invsync(stage.dir, ['reconcile', '--wait', '10s'])) as {
      lines?: { action: string }[];
    };
    const busy = (report.lines ?? []).filter((line) => line.action !== 'none').length;
    quiet = busy === 0 && (await isIdle(stage)) ? quiet + 1 : 0;
    stage.news.phase(busy === 0 ? 'nothing left to do' : `${busy} listings not settled yet`);
    if (busy > 0) await pause(500);
  }
  if (quiet < 2) stage.warnings.push(`not quiet within ${settleLimitMs / 1_000} s after the last order`);
}

async function isIdle(stage: Stage): Promise<boolean> {
  const answer = await fetch(`${stage.adminUrl}/api/v1/status`);
  const { inbox, outbox } = (await answer.json()) as {
    inbox: { pending: number; kept_aside: number };
    outbox: { due: number };
  };
  return inbox.pending === 0 && inbox.kept_aside === 0 && outbox.due === 0;
}

/** Both sides are written down and added up. */
function conclude(stage: Stage, seconds: number): Proof {
  const { wish, dir, shops, catalogue } = stage;
  const sides = shops.map((shop) => ({
    channel: shop.name,
    basis: shop.basis ?? ('net' as const),
    ...shop.records(),
  }));
  for (const side of sides) {
    const folder = join(dir, 'shops', side.channel);
    mkdirSync(folder, { recursive: true });
    for (const record of ['orders', 'calls', 'listings'] as const) {
      const rows: unknown[] = side[record];
      writeFileSync(join(folder, `${record}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
  }
  const proof = prove(sides, readBooks(join(dir, 'invsync.db')), {
    seed: wish.seed,
    seconds: Math.round(seconds * 10) / 10,
    timeScale: wish.timeScale,
    chaos: wish.chaos,
    kills: stage.kills,
    start: new Map(catalogue.map((item) => [item.sku, item.stock])),
    warnings: stage.warnings,
  });
  writeFileSync(join(dir, 'proof.json'), `${JSON.stringify(proof, null, 2)}\n`);
  return proof;
}
