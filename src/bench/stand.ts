import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { openSqliteStore } from '../store/sqlite/index.ts';
import type { Store } from '../store/store.ts';
import { type DaemonProcess, startServe } from './daemon.ts';
import { countStock } from './fixture.ts';
import { type Role, withRole } from './role.ts';
import type { Effort } from './row.ts';

const counts = z.array(z.object({ sku: z.string(), stock: z.int() }));
const opened = z.record(
  z.string(),
  z.looseObject({ base_url: z.string().optional(), url: z.string().optional() }),
);

/** Keys of channels of which nothing is pulled and whose numbers settle at once. */
export const quietly = { poll: 'off', order_lag: '1s', index_lag: '1s', settle: '100ms' };

/** Shops in a process of their own, and the folder of a daemon that knows what they start with. */
export interface Stand {
  dir: string;
  shops: Role;
  /** The address of the first shop. */
  target: string;
  /** Starts the real daemon on the shops with these keys for each; it is killed at the end if it still runs. */
  serve(own: Readonly<Record<string, unknown>>): Promise<DaemonProcess>;
  /** Reads every catalogue and maps it by SKU; answers how many listings there are. */
  importListings(daemon: DaemonProcess): Promise<number>;
}

/** Works with such shops, and ends what was started. */
export function withShops<T>(
  effort: Effort,
  wish: { types: string[]; skus: number; timeScale: number },
  work: (stand: Stand) => Promise<T>,
): Promise<T> {
  return withRole('shops', async (shops) => {
    const dir = mkdtempSync(join(effort.dir, 'shops-'));
    const daemons: DaemonProcess[] = [];
    const channels = Object.entries(opened.parse(await shops.call('open', wish)));
    const items = counts.parse(await shops.call('catalogue'));
    await onStore(dir, (store) => countStock(store, items));
    try {
      return await work({
        dir,
        shops,
        target: channels.map(([, { base_url, url }]) => base_url ?? url)[0] ?? '',
        async serve(own) {
          const all = channels.map(([name, reached]) => [name, { ...reached, ...own }] as const);
          const daemon = await startServe(dir, Object.fromEntries(all));
          daemons.push(daemon);
          return daemon;
        },
        async importListings(daemon) {
          let sum = 0;
          for (const [channel] of channels) {
            const { mapped } = importAnswer.parse(await daemon.ask('listings.import', { channel }));
            sum += mapped;
          }
          return sum;
        },
      });
    } finally {
      for (const daemon of daemons) await daemon.kill();
    }
  });
}

const importAnswer = z.object({ mapped: z.int() });

/** Resolves when every channel has been reconciled since then, as each start of the daemon does by itself. */
export function untilReconciled(dir: string, since: number): Promise<void> {
  return onStore(dir, (store) =>
    until('the run that a start owes does not end', async () => {
      const channels = await store.channels.list();
      return channels.every((row) => (row.reconciledAt ?? 0) >= since);
    }),
  );
}

/** Resolves when no push is due and none is on its way for a while; rejects when that takes minutes. */
export function untilQuiet(dir: string): Promise<void> {
  let quiet = 0;
  return onStore(dir, (store) =>
    until('pushes stay due', async () => {
      const { inbox, outbox } = await store.reports.status(systemClock.now());
      quiet = inbox.pending === 0 && outbox.due === 0 ? quiet + 1 : 0;
      return quiet >= 10;
    }),
  );
}

async function until(trouble: string, isSo: () => Promise<boolean>): Promise<void> {
  const latest = systemClock.now() + 600_000;
  while (!(await isSo())) {
    if (systemClock.now() > latest) throw new Error(trouble);
    await systemClock.sleep(50);
  }
}

async function onStore(dir: string, work: (store: Store) => Promise<void>): Promise<void> {
  const store = await openSqliteStore({ dataDir: dir, writer: 'caller' });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}
