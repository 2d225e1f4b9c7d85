import { systemClock } from '../clock.ts';
import { residentMb, whyUnmeasurable } from './daemon.ts';
import { medianOf } from './row.ts';
import { untilQuiet, withShops } from './stand.ts';

const row = { name: 'idle_rss_mb', goal: { below: 130 }, whyNot: whyUnmeasurable };
const wish = { types: ['shopify', 'woocommerce'], skus: 200, timeScale: 60 };

/** Two channels of 200 listings and nothing to do. */
export const idle = medianOf(row, (effort) =>
  withShops(effort, wish, async ({ dir, serve, importListings }) => {
    const own = { mode: 'live', poll: 'off' };
    const first = await serve(own);
    await importListings(first);
    await first.stop();
    // As it is after a restart, which is how a daemon spends its life.
    const daemon = await serve(own);
    await untilQuiet(dir);
    await systemClock.sleep(effort.quick ? 2_000 : 5_000);
    const mb = residentMb(daemon.pid);
    effort.say(`idle: ${mb.toFixed(0)} MB`);
    return mb;
  }),
);
