import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type DaemonProcess, runCommand, startServe } from './daemon.ts';
import { channel, channelName, skuName } from './fixture.ts';
import { growLedger, shipAll } from './grow.ts';
import { type Role, withRole } from './role.ts';
import { type Effort, type Measurement, type Row, rowOf } from './row.ts';

/** So many SKUs have a long history; the import counts each of them. */
const grown = 200;
const linesEach = 5_000;
const load = { ms: 500, perSecond: 20, connections: 8 };
const found = z.object({ worst: z.number() });
const busyMs = 30;
const goal = { atMost: 250 } as const;

/** The slowest answer to a webhook while commands work on the same books. */
export const besideCommands: Measurement = {
  rows: ['ack_worst_ms_beside_commands'],
  run: async (effort) => {
    const dir = join(effort.dir, 'beside');
    await withRole('process', (role) => role.call('stock', { dir, sold: 1 }));
    const sales = grown * (effort.quick ? linesEach / 10 : linesEach);
    effort.say(`writing ${sales} sales of ${grown} SKUs into the books`);
    growLedger(join(dir, 'invsync.db'), sales, grown);
    shipAll(join(dir, 'invsync.db'));
    const rows = Array.from({ length: grown }, (_, n) => `${skuName(n * 7_919)},900000`);
    writeFileSync(join(dir, 'stock.csv'), `sku,on_hand\n${rows.join('\n')}\n`);
    return [await withRole('load', (sender) => measured(effort, dir, sender))];
  },
};

async function measured(effort: Effort, dir: string, sender: Role): Promise<Row> {
  const daemon = await startServe(dir, { [channelName]: { ...channel, poll: 'off' } });
  try {
    await slowest(sender, daemon, Promise.resolve());
    const alone = await slowest(sender, daemon, Promise.resolve());
    effort.say(`alone: slowest answer after ${alone.toFixed(0)} ms`);
    let worst = 0;
    for (const command of ['db check', `stock import ${join(dir, 'stock.csv')} --yes --over-brake`]) {
      const one = await slowest(sender, daemon, runCommand(dir, command.split(' ')));
      effort.say(`${command.split(' ', 2).join(' ')}: slowest answer after ${one.toFixed(0)} ms`);
      worst = Math.max(worst, one);
    }
    await daemon.stop();
    const row = rowOf('ack_worst_ms_beside_commands', { ours: worst, limit: null, value: worst }, goal);
    // Where answers are slow with nobody beside them, the machine is busy with something else.
    return row.ok === false && alone > busyMs ? { ...row, unsure: true } : row;
  } finally {
    await daemon.kill();
  }
}

/** Sends webhooks at a steady rate until the work is done; answers the longest time to a 200. */
async function slowest(sender: Role, daemon: DaemonProcess, work: Promise<void>): Promise<number> {
  let going = true;
  const done = work.finally(() => {
    going = false;
  });
  let worst = 0;
  do {
    const sent = found.parse(await sender.call('open', { ...load, port: daemon.port }));
    worst = Math.max(worst, sent.worst);
  } while (going);
  await done;
  return worst;
}
