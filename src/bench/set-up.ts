import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { openSqliteStore } from '../store/sqlite/index.ts';
import type { DaemonProcess } from './daemon.ts';
import type { Role } from './role.ts';

const actor = { by: 'bench', reason: 'fixture' };
const counts = z.array(z.object({ sku: z.string(), stock: z.int() }));

/** Counts what the shops say they start with, before the daemon runs. */
export async function countStock(dir: string, shops: Role): Promise<void> {
  const items = counts.parse(await shops.call('catalogue'));
  const store = await openSqliteStore({ dataDir: dir, writer: 'caller' });
  const now = systemClock.now();
  for (let from = 0; from < items.length; from += 200) {
    await store.stock.change(
      items.slice(from, from + 200).map(({ sku, stock }) => ({
        sku,
        kind: 'count',
        quantity: stock,
        basis: 'free',
        asOf: now,
        create: true,
        ref: null,
        presumeGoneMs: {},
      })),
      actor,
      now,
    );
  }
  await store.close();
}

/** Reads every catalogue and maps it by SKU; answers how many listings there are. */
export async function importListings(daemon: DaemonProcess, channels: readonly string[]): Promise<number> {
  let mapped = 0;
  for (const channel of channels) {
    const answer = z.object({ mapped: z.int() }).parse(await daemon.ask('listings.import', { channel }));
    mapped += answer.mapped;
  }
  return mapped;
}

/** Resolves when every channel has been reconciled since then, as each start of the daemon does by itself. */
export async function untilReconciled(dir: string, since: number): Promise<void> {
  const until = systemClock.now() + 600_000;
  const store = await openSqliteStore({ dataDir: dir, writer: 'caller' });
  try {
    while ((await store.channels.list()).some((row) => (row.reconciledAt ?? 0) < since)) {
      if (systemClock.now() > until) throw new Error('the run that a start owes does not end');
      await systemClock.sleep(50);
    }
  } finally {
    await store.close();
  }
}

/** Resolves when no push is due and none is on its way for a while; rejects when that takes minutes. */
export async function untilQuiet(dir: string): Promise<void> {
  const until = systemClock.now() + 600_000;
  const store = await openSqliteStore({ dataDir: dir, writer: 'caller' });
  let quiet = 0;
  while (quiet < 10) {
    const { inbox, outbox } = await store.reports.status(systemClock.now());
    if (systemClock.now() > until) throw new Error(`${outbox.due} pushes stay due`);
    quiet = inbox.pending === 0 && outbox.due === 0 ? quiet + 1 : 0;
    await systemClock.sleep(50);
  }
  await store.close();
}
