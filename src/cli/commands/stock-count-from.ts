import { iso } from '../../clock.ts';
import { AppError, EXIT } from '../../errors.ts';
import { availableBehind, type Behind } from '../../stock/shown.ts';
import { offerOf } from '../../stock/target.ts';
import type { ChannelRow, CounterView } from '../../store/store.ts';
import { provenKey } from '../../sync/duties/calibrate.ts';
import { askEngine } from '../ask.ts';
import { type Books, channelNamed, unknownSku } from '../books.ts';
import type { Io } from '../io.ts';
import { failureOf } from './reconcile-print.ts';

/** What a channel shows of a SKU, and the stock that this says. */
export interface CountSeen {
  channel: string;
  listingId: string;
  shown: number;
  /** What may still be sold: the channel's offer (buffer, open orders of a gross number) undone. */
  quantity: number;
  asOf: number;
}

const none = { buffer: null, percent: null, max: null };

/**
 * What a channel shows of a SKU, as what may still be sold, with the time it was read: whoever works in a channel's
 * admin says so with it. Nothing is written. Throws AppError `not_countable` where the number does not tell the stock.
 */
export async function countOn(
  io: Io,
  books: Books,
  wish: { channel: string; sku: string },
): Promise<CountSeen> {
  const row = channelNamed(books, wish.channel);
  const level = await books.store.stock.get(wish.sku);
  if (level === null) throw unknownSku(wish.sku, null);
  const views = await books.store.reports.countersOfSku(wish.sku);
  const there = views.filter((view) => view.channelId === row.id);
  const [view] = there;
  if (view === undefined || there.length > 1) {
    const found = there.length === 0 ? 'no listing' : 'several listings';
    throw notCountable(wish, `${wish.sku} has ${found} there`);
  }
  const line = await readLine(io, books, row, { view, sku: wish.sku });
  const behind = await behindOf(books, row, { view, shown: line.shown });
  if (behind.kind === 'refused') throw notCountable(wish, `it shows ${line.shown}: ${behind.reason}`);
  return {
    channel: row.name,
    listingId: view.listings[0]?.listingId ?? view.counterKey,
    shown: line.shown,
    quantity: behind.available,
    asOf: line.readAt,
  };
}

function notCountable({ channel, sku }: { channel: string; sku: string }, reason: string): AppError {
  return new AppError('not_countable', `the number on ${channel} is no count of ${sku}: ${reason}`, {
    hint: `give the number: invsync stock count ${sku} N`,
  });
}

async function readLine(
  io: Io,
  books: Books,
  row: ChannelRow,
  of: { view: CounterView; sku: string },
): Promise<{ shown: number; readAt: number }> {
  if (of.view.unread.length > 0) {
    throw new AppError('number_on_its_way', `a number for ${of.sku} is on its way to ${row.name}`, {
      hint: 'what it shows may be older; repeat the command when invsync pushes list is empty',
      exitCode: EXIT.temporary,
    });
  }
  const args = { channel: row.name, skus: [of.sku], dry_run: true };
  const result = (await import('../results.ts')).reconcileResult.parse(
    await askEngine(io, books, 'reconcile', args),
  );
  const line = result.report.lines.find((each) => each.counter_id === of.view.counterId);
  const failure = failureOf(result);
  if (failure !== null) throw failure;
  if (line?.shown == null || line.read_at === null) {
    throw new AppError('not_listed', `${row.name} shows no number for ${of.sku}`, {
      hint: line?.note ?? 'look at the listing in the channel',
      exitCode: EXIT.failed,
    });
  }
  if (row.setup.basis === 'gross' && line.orders.length > 0) {
    throw new AppError(
      'orders_unread',
      `orders of ${row.name} are not taken in yet: ${line.orders.join(', ')}`,
      {
        hint: 'its number still contains them; repeat the command after the next poll',
        exitCode: EXIT.temporary,
      },
    );
  }
  return { shown: line.shown, readAt: Date.parse(line.read_at) };
}

async function behindOf(
  books: Books,
  row: ChannelRow,
  seen: { view: CounterView; shown: number },
): Promise<Behind> {
  const { basis, maxQuantity, offer } = row.setup;
  const offered = seen.view.listings.filter(
    ({ mode, parts, fixed }) => mode === 'on' && (parts.length > 0 || fixed !== null),
  );
  const listings = offered.map((listing) => ({
    listing: {
      fixed: listing.fixed,
      openUnits: listing.openUnits,
      parts: listing.parts.map(({ skuId, units }) => ({ sku: skuId, units })),
    },
    settings: offerOf(listing.offer, offer, none),
  }));
  const calibrated = (await books.store.channels.vaultGet(row.id, provenKey)) === 'gross';
  return availableBehind(seen.shown, listings, { basis, maxQuantity, calibrated });
}

/** The key `from` of the answer. */
export function fromJson(seen: CountSeen) {
  return {
    channel: seen.channel,
    listing_id: seen.listingId,
    shown: seen.shown,
    available: seen.quantity,
    read_at: iso(seen.asOf),
  };
}
