import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { cpuSeconds, type DaemonProcess, residentMb, startServe, whyUnmeasurable } from './daemon.ts';
import { median } from './median.ts';
import { intervalOf } from './pairs.ts';
import { startRole } from './role.ts';
import { type Effort, type Measurement, rowOf, skippedRow } from './row.ts';
import { countStock, importListings, untilQuiet, untilReconciled } from './set-up.ts';

const channelConfig = z.record(
  z.string(),
  z.looseObject({ base_url: z.string().optional(), url: z.string() }),
);
const outcome = z.object({ report: z.object({ counts: z.record(z.string(), z.number()) }) });
const readOnce = z.object({ cpu: z.number(), found: z.int() });

const cpuGoal = { atMost: 2.5 } as const;
const rssGoal = { below: 220 } as const;
const names = ['reconcile_50k_cpu_vs_pages', 'reconcile_50k_rss_mb'] as const;

/**
 * One channel with 50,000 listings, 500 of them edited by hand, against the same pages off the wire, parsed, with one
 * indexed read per listing and nothing else. Shop, proxy and reader are processes of their own.
 */
export const reconcile50k: Measurement = {
  rows: names,
  run: async (effort) => {
    const reason = whyUnmeasurable();
    if (reason !== null)
      return [skippedRow(names[0], cpuGoal, reason), skippedRow(names[1], rssGoal, reason)];
    const stand = await setUp(effort);
    try {
      const taken: { cpu: number; limit: number; rss: number }[] = [];
      for (let run = 0; run < effort.runs; run += 1) taken.push(await stand.once());
      const ratios = taken.map(({ cpu, limit }) => cpu / limit);
      const [low, high] = intervalOf(ratios);
      const sides = {
        ours: median(taken.map((one) => one.cpu)),
        limit: median(taken.map((one) => one.limit)),
      };
      const peak = median(taken.map((one) => one.rss));
      return [
        rowOf(names[0], { ...sides, value: median(ratios), low, high }, cpuGoal),
        rowOf(names[1], { ours: peak, limit: null, value: peak }, rssGoal),
      ];
    } finally {
      await stand.close();
    }
  },
};

/** Catalogue, counts, mapping and a first run that gives every counter its anchor are made once. */
async function setUp(effort: Effort) {
  const dir = join(effort.dir, 'reconcile');
  const skus = effort.quick ? 5_000 : 50_000;
  mkdirSync(dir);
  const shops = startRole('shops');
  const proxy = startRole('proxy');
  const opened = channelConfig.parse(
    await shops.call('open', { types: ['woocommerce'], skus, timeScale: 600 }),
  );
  const target = Object.values(opened).map((own) => own.base_url ?? own.url)[0] ?? '';
  const port = Number(await proxy.call('start', { target }));
  const channels = (mode: 'observe' | 'live') =>
    Object.fromEntries(
      Object.entries(opened).map(([name, own]) => [
        name,
        { ...own, ...quiet, mode, base_url: `http://127.0.0.1:${port}` },
      ]),
    );
  await countStock(dir, shops);
  // While it only observes, nothing is pushed between two listings.
  let daemon = await startServe(dir, channels('observe'));
  effort.say(`${await importListings(daemon, Object.keys(opened))} listings`);
  await daemon.stop();
  daemon = await startServe(dir, channels('live'));
  await daemon.ask('reconcile', {});
  await untilQuiet(dir);
  await daemon.stop();
  return {
    /** A plain hourly run of a daemon whose first one is over, then the reader on the pages that it read. */
    once: async () => {
      const since = systemClock.now();
      const daemon = await startServe(dir, channels('live'));
      try {
        await untilReconciled(dir, since);
        await untilQuiet(dir);
        await shops.call('edit', { count: skus / 100 });
        await proxy.call('forget');
        const one = await measured(daemon);
        const pages = Number(await proxy.call('count'));
        await daemon.stop();
        const limit = await readAgain({ port, pages, dir });
        effort.say(
          `reconcile: ${one.cpu.toFixed(1)} s CPU, reader ${limit.cpu.toFixed(1)} s for ${pages} pages with ${limit.found} listings, ${one.rss.toFixed(0)} MB, ${one.seconds.toFixed(0)} s; ${one.counts}`,
        );
        if (limit.found < skus) throw new Error(`the reader found ${limit.found} of ${skus} listings`);
        return { cpu: one.cpu, limit: limit.cpu, rss: one.rss };
      } finally {
        await daemon.kill();
      }
    },
    close: async () => {
      await proxy.stop();
      await shops.stop();
    },
  };
}

async function readAgain(args: { port: number; pages: number; dir: string }) {
  const reader = startRole('reader');
  try {
    return readOnce.parse(await reader.call('read', args));
  } finally {
    await reader.stop();
  }
}

const quiet = { poll: 'off', order_lag: '1s', index_lag: '1s', settle: '100ms' };

async function measured(daemon: DaemonProcess) {
  const cpuBefore = cpuSeconds(daemon.pid);
  const began = systemClock.now();
  let done = false;
  const running = daemon.ask('reconcile', {}).finally(() => {
    done = true;
  });
  running.catch(() => undefined);
  let rss = 0;
  while (!done) {
    rss = Math.max(rss, residentMb(daemon.pid));
    await systemClock.sleep(20);
  }
  const { report } = outcome.parse(await running);
  const counts = JSON.stringify(report.counts);
  return {
    cpu: cpuSeconds(daemon.pid) - cpuBefore,
    rss,
    seconds: (systemClock.now() - began) / 1_000,
    counts,
  };
}
