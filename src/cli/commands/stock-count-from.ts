import { AppError, EXIT } from '../../errors.ts';
import { askEngine } from '../ask.ts';
import { type Books, channelNamed, presumeGoneMs, unknownSku } from '../books.ts';
import type { Io } from '../io.ts';
import { reconcileResult } from '../results.ts';
import { failureOf } from './reconcile-print.ts';

/**
 * What a channel shows of a SKU, as what may still be sold, with the time it was read: whoever works in a channel's
 * admin says so with it. Nothing is written; the number must be that of one listing with one unit of this SKU alone.
 */
export async function countOn(
  io: Io,
  books: Books,
  wish: { channel: string; sku: string },
): Promise<{ quantity: number; asOf: number }> {
  const row = channelNamed(books, wish.channel);
  const level = await books.store.stock.get(wish.sku);
  if (level === null) throw unknownSku(wish.sku, null);
  const views = await books.store.reports.countersOfSku(wish.sku);
  const there = views.filter((view) => view.channelId === row.id);
  const [view] = there;
  const alone = view?.listings.every(
    (listing) => listing.parts.length === 1 && listing.parts.every((part) => part.units === 1),
  );
  if (view === undefined || there.length > 1 || alone !== true) {
    const found = there.length === 0 ? 'no listing' : there.length > 1 ? 'several listings' : 'a bundle';
    throw new AppError(
      'not_countable',
      `${wish.sku} has ${found} on ${row.name}, so its number there is no count`,
      {
        hint: `give the number: invsync stock count ${wish.sku} N`,
      },
    );
  }
  const args = { channel: row.name, skus: [wish.sku], dry_run: true };
  const result = reconcileResult.parse(await askEngine(io, books, 'reconcile', args));
  const line = result.report.lines.find((each) => each.counter_id === view.counterId);
  const failure = failureOf(result);
  if (failure !== null) throw failure;
  if (line?.shown == null || line.read_at === null) {
    throw new AppError('not_listed', `${row.name} shows no number for ${wish.sku}`, {
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
  const own = row.setup.basis === 'gross' ? await openUnits(books, wish, Date.parse(line.read_at)) : 0;
  return { quantity: Math.max(0, line.shown - own), asOf: Date.parse(line.read_at) };
}

/** Units that the channel's number still contains although they are sold there. */
async function openUnits(
  books: Books,
  wish: { channel: string; sku: string },
  asOf: number,
): Promise<number> {
  const lines = await books.store.stock.openLines(wish.sku, asOf, presumeGoneMs(books));
  const own = lines.filter((line) => line.channel === wish.channel);
  return own.reduce((sum, line) => sum + line.taken - line.gone, 0);
}
