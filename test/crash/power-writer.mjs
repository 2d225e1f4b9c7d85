/**
 * A process that takes deliveries into the real store, with the writer in its thread, and says on stdout which are
 * acknowledged: `ready`, then one line of keys per batch. Arguments: data folder, synchronous level, first number.
 * Runs until it is killed.
 */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../dist/store/sqlite/index.js';

const [dataDir = '.', synchronous = 'FULL', first = '0'] = process.argv.slice(2);
const store = await openSqliteStore({ dataDir, writer: 'own', synchronous });
await store.channels.configure(
  [
    {
      name: 'power',
      type: 'memory',
      mode: 'observe',
      offer: { buffer: 0, percent: 100, max: null },
      oversell: 'alert',
      basis: 'net',
      maxQuantity: 1_000_000,
      clockMarginMs: 0,
      presumeGoneMs: null,
    },
  ],
  Date.now(),
);
const channelId = (await store.channels.list()).find((row) => row.name === 'power')?.id;
writeSync(1, 'ready\n');

let next = Number(first);
const body = Buffer.alloc(1_200, 'x');
const bodyHash = createHash('sha256').update(body).digest('hex');

/** Eight deliveries, as a burst would bring them; said to be acknowledged only when the store says so. */
async function burst() {
  const keys = Array.from({ length: 8 }, () => `delivery-${next++}`);
  await store.inbox.takeIn(
    keys.map((key) => ({
      channelId,
      key,
      kind: 'order',
      meta: null,
      body,
      bodyHash,
      receivedAt: Date.now(),
    })),
  );
  writeSync(1, `${keys.join(' ')}\n`);
}

async function keepOn() {
  for (;;) await burst();
}

await Promise.all([keepOn(), keepOn(), keepOn(), keepOn()]);
