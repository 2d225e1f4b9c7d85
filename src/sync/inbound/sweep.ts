import { ChannelError } from '../../channels/errors.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { addLooks, bookPage, emptyPage } from './page.ts';
import { type Pulled, pullOrders } from './pull.ts';

/** How often each channel is swept. */
export const sweepEveryMs = 86_400_000;
/** Open orders that nobody read for so long are read by id. */
const unreadMs = 3 * 86_400_000;
const perLook = 100;
const maxLooks = 1_000;

/**
 * What stands behind the watermark: everything created in the last 7 days, and by id every open order that nobody
 * read for 3 days. Orders that the platform no longer has are flagged, never released.
 */
export async function sweepOrders(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<Pulled> {
  const pulled = await pullOrders(engine, live, { kind: 'sweep' }, signal);
  if (!pulled.complete) return pulled;
  try {
    await readUnread(engine, live, signal);
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    pulled.complete = false;
    pulled.error = error;
  }
  return pulled;
}

async function readUnread(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<void> {
  const readBefore = engine.clock.now() - unreadMs;
  const seen = new Set<string>();
  for (let looks = 0; looks < maxLooks && !signal.aborted; looks += 1) {
    const ids = await engine.store.orders.unread(live.id, readBefore, perLook);
    const fresh = ids.filter((id) => !seen.has(id));
    // An order that stays unread after a look (unreadable, missing) must not be asked for ever.
    if (fresh.length === 0) return;
    for (const id of fresh) seen.add(id);
    const booking = emptyPage();
    await addLooks(engine, live, { booking, ids: fresh }, signal);
    await bookPage(engine, live, { booking, source: 'sweep' }, signal);
  }
}
