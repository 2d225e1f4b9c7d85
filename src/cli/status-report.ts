import { ageSeconds, alertSummary } from '../sync/status.ts';
import { type Books, daemonRuns } from './books.ts';
import { type ChannelReport, channelReports } from './channel-report.ts';

/** The document of `status`. */
export interface StatusReport {
  daemon: { running: boolean; since: string | null; version: string | null };
  channels: ChannelReport[];
  inbox: { pending: number; kept_aside: number; dead: number };
  outbox: { due: number; oldest_s: number };
  oversells_open: number;
  uncounted: number;
  exposed: number;
  unexplained_low: number;
  unmapped_sales: number;
  sku_changed: number;
  alerts: { open: number; unseen: number; newest: string[] };
}

/** How things stand, read from the books; of the daemon only what it alone knows is asked. */
export async function statusReport(books: Books, now: number): Promise<StatusReport> {
  const counts = await books.store.reports.status(now);
  return {
    daemon: await daemonReport(books),
    channels: await channelReports(books, counts, now),
    inbox: { pending: counts.inbox.pending, kept_aside: counts.inbox.keptAside, dead: counts.inbox.dead },
    outbox: { due: counts.outbox.due, oldest_s: ageSeconds(counts.outbox.oldestDueAt, now) },
    oversells_open: counts.oversellsOpen,
    uncounted: counts.uncounted,
    exposed: counts.exposed,
    unexplained_low: counts.unexplainedLow,
    unmapped_sales: counts.unmappedSales,
    sku_changed: counts.skuChanged,
    alerts: await alertSummary(books.store),
  };
}

/** The engine lock says that it runs; since when, and which version, only its admin listener knows. */
async function daemonReport(books: Books): Promise<StatusReport['daemon']> {
  if (!(await daemonRuns(books.dataDir))) return { running: false, since: null, version: null };
  const { askDaemon } = await import('./daemon-report.ts');
  return { running: true, ...(await askDaemon((await books.settings()).admin)) };
}
