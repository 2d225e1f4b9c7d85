import { z } from 'zod';
import { medianOf } from './row.ts';
import { quietly, untilQuiet, withShops } from './stand.ts';

const found = z.object({ orders: z.int(), measured: z.int(), p50: z.number(), p99: z.number() });

/** Durations of the platform are divided by the scale: the shops add next to nothing, and their rate limits do not bite. */
const wish = {
  types: ['shopify', 'shopify', 'woocommerce'],
  /** Prime, so that every SKU is sold in every shop. */
  skus: 401,
  timeScale: 200,
};
/** The third sends its calls one after the other from a queue, as the real one does: it sells less. */
const shares = [2, 2, 1];

/** 50 orders a second over three shops, through the real daemon. */
export const propagation = medianOf({ name: 'propagation_p99_ms', goal: { below: 250 } }, (effort) =>
  withShops(effort, wish, async ({ dir, shops, serve, importListings }) => {
    // Nothing is pulled meanwhile: what is measured came by webhook.
    const daemon = await serve({ ...quietly, mode: 'live' });
    await importListings(daemon);
    await daemon.ask('webhooks.register', {});
    await daemon.ask('reconcile', {});
    await untilQuiet(dir);
    const sell = (ms: number) => shops.call('sell', { perSecond: 50, ms, shares });
    await sell(2_000);
    await untilQuiet(dir);
    const one = found.parse(await sell(effort.quick ? 6_000 : 20_000));
    effort.say(
      `${one.measured} of ${one.orders} orders: p50 ${one.p50} ms, p99 ${one.p99} ms to the last other shop`,
    );
    if (one.measured < one.orders * 0.95) throw new Error('too few orders reached the other shop');
    return one.p99;
  }),
);
