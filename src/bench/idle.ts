import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { type DaemonProcess, residentMb, startServe, whyUnmeasurable } from './daemon.ts';
import { median } from './median.ts';
import { startRole } from './role.ts';
import { type Effort, type Measurement, rowOf, skippedRow } from './row.ts';
import { countStock, importListings, untilQuiet } from './set-up.ts';

const channelConfig = z.record(z.string(), z.record(z.string(), z.unknown()));

const goal = { below: 130 } as const;

/** Two channels of 200 listings and nothing to do. */
export const idle: Measurement = {
  rows: ['idle_rss_mb'],
  run: async (effort) => {
    const reason = whyUnmeasurable();
    if (reason !== null) return [skippedRow('idle_rss_mb', goal, reason)];
    const values: number[] = [];
    for (let run = 0; run < effort.runs; run += 1) {
      values.push(await idled(effort, run));
      effort.say(`idle: ${values.at(-1)?.toFixed(0)} MB`);
    }
    const ours = median(values);
    return [rowOf('idle_rss_mb', { ours, limit: null, value: ours }, goal)];
  },
};

async function idled(effort: Effort, run: number): Promise<number> {
  const dir = join(effort.dir, `idle-${run}`);
  mkdirSync(dir);
  const shops = startRole('shops');
  let daemon: DaemonProcess | null = null;
  try {
    const opened = await shops.call('open', { types: ['shopify', 'woocommerce'], skus: 200, timeScale: 60 });
    const channels = Object.fromEntries(
      Object.entries(channelConfig.parse(opened)).map(([name, own]) => [
        name,
        { ...own, mode: 'live', poll: 'off' },
      ]),
    );
    await countStock(dir, shops);
    daemon = await startServe(dir, channels);
    await importListings(daemon, Object.keys(channels));
    await daemon.stop();
    // As it is after a restart, which is how a daemon spends its life.
    daemon = await startServe(dir, channels);
    await untilQuiet(dir);
    await systemClock.sleep(effort.quick ? 2_000 : 5_000);
    return residentMb(daemon.pid);
  } finally {
    await daemon?.kill();
    await shops.stop();
  }
}
