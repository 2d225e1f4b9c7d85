import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type DaemonProcess, startServe } from './daemon.ts';
import { median } from './median.ts';
import { type Role, startRole } from './role.ts';
import { type Effort, type Measurement, rowOf } from './row.ts';
import { countStock, importListings, untilQuiet } from './set-up.ts';

const channelConfig = z.record(z.string(), z.record(z.string(), z.unknown()));
const found = z.object({ orders: z.int(), measured: z.int(), p50: z.number(), p99: z.number() });

/** Platform durations are divided by this: the shops add next to nothing, and their rate limits do not bite. */
const timeScale = 200;
const types = ['shopify', 'shopify', 'woocommerce'];
/** The third sends its calls one after the other from a queue, as the real one does: it sells less. */
const shares = [2, 2, 1];
/** Prime, so that every SKU is sold in every shop. */
const skus = 401;

/** 50 orders a second over three shops, through the real daemon. */
export const propagation: Measurement = {
  rows: ['propagation_p99_ms'],
  run: async (effort) => {
    const values: number[] = [];
    for (let run = 0; run < effort.runs; run += 1) {
      const one = await soldAcross(effort, run);
      effort.say(
        `${one.measured} of ${one.orders} orders: p50 ${one.p50} ms, p99 ${one.p99} ms to the last other shop`,
      );
      if (one.measured < one.orders * 0.95) throw new Error('too few orders reached the other shop');
      values.push(one.p99);
    }
    const ours = median(values);
    return [rowOf('propagation_p99_ms', { ours, limit: null, value: ours }, { below: 250 })];
  },
};

async function soldAcross(effort: Effort, run: number) {
  const dir = join(effort.dir, `propagation-${run}`);
  mkdirSync(dir);
  const shops = startRole('shops');
  let daemon: DaemonProcess | null = null;
  try {
    daemon = await openShops(dir, shops);
    await shops.call('sell', { perSecond: 50, ms: 2_000, shares });
    await untilQuiet(dir);
    return found.parse(
      await shops.call('sell', { perSecond: 50, ms: effort.quick ? 6_000 : 20_000, shares }),
    );
  } finally {
    await daemon?.kill();
    await shops.stop();
  }
}

async function openShops(dir: string, shops: Role): Promise<DaemonProcess> {
  const opened = await shops.call('open', { types, skus, timeScale });
  const channels = Object.fromEntries(
    Object.entries(channelConfig.parse(opened)).map(([name, own]) => [name, { ...own, ...quiet }]),
  );
  await countStock(dir, shops);
  const daemon = await startServe(dir, channels);
  await importListings(daemon, Object.keys(channels));
  await daemon.ask('webhooks.register', {});
  await daemon.ask('reconcile', {});
  await untilQuiet(dir);
  return daemon;
}

/** Nothing is pulled meanwhile: what is measured came by webhook. */
const quiet = { mode: 'live', poll: 'off', order_lag: '1s', index_lag: '1s', settle: '100ms' };
