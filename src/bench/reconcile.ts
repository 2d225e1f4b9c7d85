import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { cpuSeconds, type DaemonProcess, residentMb, startServe, whyUnmeasurable } from './daemon.ts';
import { median } from './median.ts';
import { startRole } from './role.ts';
import { type Effort, type Measurement, rowOf, skippedRow } from './row.ts';
import { countStock, importListings, untilQuiet } from './set-up.ts';

const channelConfig = z.record(z.string(), z.record(z.string(), z.unknown()));
const outcome = z.object({ report: z.object({ counts: z.record(z.string(), z.number()) }) });

const cpuGoal = { below: 30 } as const;
const rssGoal = { below: 300 } as const;

/** One channel with 50,000 listings, 500 of them edited by hand; the shop is a process of its own. */
export const reconcile50k: Measurement = {
  rows: ['reconcile_50k_cpu_s', 'reconcile_50k_rss_mb'],
  run: async (effort) => {
    const reason = whyUnmeasurable();
    if (reason !== null) {
      const skipped = [skippedRow('reconcile_50k_cpu_s', cpuGoal, reason)];
      return [...skipped, skippedRow('reconcile_50k_rss_mb', rssGoal, reason)];
    }
    const cpu: number[] = [];
    const rss: number[] = [];
    for (let run = 0; run < effort.runs; run += 1) {
      const one = await reconciled(effort, run);
      effort.say(
        `reconcile: ${one.cpu.toFixed(1)} s CPU, ${one.rss.toFixed(0)} MB, ${one.seconds.toFixed(0)} s; ${one.counts}`,
      );
      cpu.push(one.cpu);
      rss.push(one.rss);
    }
    const [ours, peak] = [median(cpu), median(rss)];
    return [
      rowOf('reconcile_50k_cpu_s', { ours, limit: null, value: ours }, cpuGoal),
      rowOf('reconcile_50k_rss_mb', { ours: peak, limit: null, value: peak }, rssGoal),
    ];
  },
};

async function reconciled(effort: Effort, run: number) {
  const dir = join(effort.dir, `reconcile-${run}`);
  const skus = effort.quick ? 5_000 : 50_000;
  mkdirSync(dir);
  const shops = startRole('shops');
  let daemon: DaemonProcess | null = null;
  try {
    const opened = await shops.call('open', { types: ['woocommerce'], skus, timeScale: 600 });
    const channels = (mode: 'observe' | 'live') =>
      Object.fromEntries(
        Object.entries(channelConfig.parse(opened)).map(([name, own]) => [name, { ...own, ...quiet, mode }]),
      );
    await countStock(dir, shops);
    // While it only observes, nothing is pushed between two listings.
    daemon = await startServe(dir, channels('observe'));
    effort.say(`${await importListings(daemon, Object.keys(channels('observe')))} listings`);
    await daemon.stop();
    // The first run gives every counter its anchor; the one that is measured is a plain hourly one.
    daemon = await startServe(dir, channels('live'));
    await daemon.ask('reconcile', {});
    await untilQuiet(dir);
    await daemon.stop();
    daemon = await startServe(dir, channels('live'));
    await shops.call('edit', { count: skus / 100 });
    return await measured(daemon);
  } finally {
    await daemon?.kill();
    await shops.stop();
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
