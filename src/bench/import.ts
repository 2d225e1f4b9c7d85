import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { type DaemonProcess, startServe } from './daemon.ts';
import { median } from './median.ts';
import { startRole } from './role.ts';
import { type Effort, type Measurement, rowOf } from './row.ts';
import { countStock, importListings } from './set-up.ts';

const channelConfig = z.record(z.string(), z.record(z.string(), z.unknown()));

/** The catalogue of one channel, 10,000 listings that are all mapped by their SKU; the shop is a process of its own. */
export const import10k: Measurement = {
  rows: ['import_10k_s'],
  run: async (effort) => {
    const times: number[] = [];
    for (let run = 0; run < effort.runs; run += 1) {
      const one = await imported(effort, run);
      effort.say(`import: ${one.listings} listings mapped in ${one.seconds.toFixed(1)} s`);
      times.push(one.seconds);
    }
    const ours = median(times);
    return [rowOf('import_10k_s', { ours, limit: null, value: ours }, { below: 20 })];
  },
};

async function imported(effort: Effort, run: number): Promise<{ listings: number; seconds: number }> {
  const dir = join(effort.dir, `import-${run}`);
  mkdirSync(dir);
  const shops = startRole('shops');
  let daemon: DaemonProcess | null = null;
  try {
    // The shop's points come back 600 times as fast, so that what is measured is ours and not the wait for them.
    const wish = { types: ['shopify'], skus: effort.quick ? 1_000 : 10_000, timeScale: 600 };
    const channels = channelConfig.parse(await shops.call('open', wish));
    const observed = Object.entries(channels).map(
      ([name, own]) => [name, { ...own, mode: 'observe', poll: 'off' }] as const,
    );
    await countStock(dir, shops);
    daemon = await startServe(dir, Object.fromEntries(observed));
    const began = systemClock.now();
    const listings = await importListings(daemon, Object.keys(channels));
    return { listings, seconds: (systemClock.now() - began) / 1_000 };
  } finally {
    await daemon?.kill();
    await shops.stop();
  }
}
