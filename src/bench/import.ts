import { systemClock } from '../clock.ts';
import { medianOf } from './row.ts';
import { withShops } from './stand.ts';

/** The catalogue of one channel, 10,000 listings that are all mapped by their SKU; the shop is a process of its own. */
export const import10k = medianOf({ name: 'import_10k_s', goal: { below: 20 } }, (effort) => {
  // The shop's points come back 600 times as fast, so that what is measured is ours and not the wait for them.
  const wish = { types: ['shopify'], skus: effort.quick ? 1_000 : 10_000, timeScale: 600 };
  return withShops(effort, wish, async ({ serve, importListings }) => {
    const daemon = await serve({ mode: 'observe', poll: 'off' });
    const began = systemClock.now();
    const listings = await importListings(daemon);
    const seconds = (systemClock.now() - began) / 1_000;
    effort.say(`import: ${listings} listings mapped in ${seconds.toFixed(1)} s`);
    return seconds;
  });
});
