import type { ListingRef, StockReading } from '../channels/channel.ts';
import type { CounterView } from '../store/store.ts';
import type { LiveChannel } from './engine.ts';

/** Live numbers of these counters, by counter id; throws `ChannelError` when the channel did not answer. */
export async function callReadStock(
  live: LiveChannel,
  views: CounterView[],
  signal: AbortSignal,
): Promise<Map<number, StockReading>> {
  const asked = views.filter((view) => view.listings.length > 0);
  const readings = new Map<number, StockReading>();
  if (asked.length === 0) return readings;
  const found = await live.channel.readStock(asked.map(refOf), signal);
  asked.forEach((view, index) => {
    const reading = found[index];
    if (reading !== undefined) readings.set(view.counterId, reading);
  });
  return readings;
}

/** The listing through which a counter is read and written: the first that is on and may be written. */
export function refOf(view: CounterView): ListingRef {
  const on = view.listings.filter((listing) => listing.mode === 'on');
  const listing = on.find((each) => each.unwritable === null) ?? on[0] ?? view.listings[0];
  if (listing === undefined) throw new Error(`counter ${view.counterId} has no listing`);
  const { listingId, counterKey, channelSku, facts } = listing;
  return { listingId, counterKey, channelSku, facts };
}
