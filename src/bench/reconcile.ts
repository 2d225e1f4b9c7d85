import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { cpuSeconds, type DaemonProcess, residentMb, whyUnmeasurable } from './daemon.ts';
import { median } from './median.ts';
import { intervalOf } from './pairs.ts';
import { type Role, withRole } from './role.ts';
import { type Effort, type Measurement, type Row, rowOf, skippedRow } from './row.ts';
import { quietly, type Stand, untilQuiet, untilReconciled, withShops } from './stand.ts';

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
    const skus = effort.quick ? 5_000 : 50_000;
    return withShops(effort, { types: ['woocommerce'], skus, timeScale: 600 }, (stand) =>
      withRole('proxy', (proxy) => measured(effort, stand, { skus, proxy })),
    );
  },
};

/** A run of one channel behind a proxy that keeps the pages. */
interface Setting {
  skus: number;
  proxy: Role;
}

/** Mapping and a first run that gives every counter its anchor are made once. */
async function measured(effort: Effort, stand: Stand, setting: Setting): Promise<Row[]> {
  const port = Number(await setting.proxy.call('start', { target: stand.target }));
  const own = { ...quietly, base_url: `http://127.0.0.1:${port}` };
  // While it only observes, nothing is pushed between two listings.
  let daemon = await stand.serve({ ...own, mode: 'observe' });
  effort.say(`${await stand.importListings(daemon)} listings`);
  await daemon.stop();
  daemon = await stand.serve({ ...own, mode: 'live' });
  await daemon.ask('reconcile', {});
  await untilQuiet(stand.dir);
  await daemon.stop();
  const taken: { cpu: number; limit: number; rss: number }[] = [];
  for (let run = 0; run < effort.runs; run += 1) {
    const since = systemClock.now();
    daemon = await stand.serve({ ...own, mode: 'live' });
    await untilReconciled(stand.dir, since);
    taken.push(await once(effort, { ...stand, ...setting, daemon, port }));
  }
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
}

/** A plain hourly run of a daemon whose first one is over, then the reader on the pages that it read. */
async function once(effort: Effort, at: Stand & Setting & { daemon: DaemonProcess; port: number }) {
  const { dir, shops, proxy, daemon, port, skus } = at;
  await untilQuiet(dir);
  await shops.call('edit', { count: skus / 100 });
  await proxy.call('forget');
  const one = await reconciled(daemon);
  const pages = Number(await proxy.call('count'));
  await daemon.stop();
  const limit = readOnce.parse(
    await withRole('reader', (reader) => reader.call('read', { port, pages, dir })),
  );
  effort.say(
    `reconcile: ${one.cpu.toFixed(1)} s CPU, reader ${limit.cpu.toFixed(1)} s for ${pages} pages with ${limit.found} listings, ${one.rss.toFixed(0)} MB, ${one.seconds.toFixed(0)} s; ${one.counts}`,
  );
  if (limit.found < skus) throw new Error(`the reader found ${limit.found} of ${skus} listings`);
  return { cpu: one.cpu, limit: limit.cpu, rss: one.rss };
}

async function reconciled(daemon: DaemonProcess) {
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
  const cpu = cpuSeconds(daemon.pid) - cpuBefore;
  const seconds = (systemClock.now() - began) / 1_000;
  return { cpu, rss, seconds, counts: JSON.stringify(report.counts) };
}
