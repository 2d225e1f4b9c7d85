import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { growLedger } from './grow.ts';
import { pairs } from './pairs.ts';
import { type Role, startRole } from './role.ts';
import type { Effort, Measurement } from './row.ts';

const audited = z.object({ open: z.int(), entries: z.int() });

/** A few hundred milliseconds of work for ours. */
const slice = { ours: 4_000, raw: 8_000 } as const;

/** From accepted to applied, against the loop that does no more than it must. */
export const processing: Measurement = {
  rows: ['process_vs_raw'],
  run: async (effort) => {
    const ours = await opened(effort, 'open ours', {
      template: await stocked(effort, 'stocked', 0),
      first: 0,
    });
    const raw = await opened(effort, 'open raw', { template: null, first: 0 });
    try {
      return await pairs(
        effort,
        [
          {
            name: 'process_vs_raw',
            goal: { atLeast: 0.25 },
            of: (each) => ({ ours: each['ours'] ?? 0, limit: each['raw'] ?? 0 }),
          },
        ],
        async () => ({
          ours: Number(await ours.call('slice', { count: slice.ours })),
          raw: Number(await raw.call('slice', { count: slice.raw })),
        }),
      );
    } finally {
      await ours.stop();
      await raw.stop();
    }
  },
};

/** The same with a million sales in the books. */
export const processingGrown: Measurement = {
  rows: ['process_1m_vs_empty'],
  run: async (effort) => {
    const sales = effort.quick ? 200_000 : 1_000_000;
    const grown = await stocked(effort, 'grown', 1);
    effort.say(`writing ${sales} sales into the books`);
    growLedger(join(grown, 'invsync.db'), sales);
    await mustClose(grown, sales);
    const many = await opened(effort, 'open ours', { template: grown, first: sales });
    const few = await opened(effort, 'open ours', {
      template: await stocked(effort, 'empty', 0),
      first: sales,
    });
    try {
      return await pairs(
        effort,
        [
          {
            name: 'process_1m_vs_empty',
            goal: { atLeast: 0.8 },
            of: (each) => ({ ours: each['many'] ?? 0, limit: each['few'] ?? 0 }),
          },
        ],
        async () => ({
          many: Number(await many.call('slice', { count: slice.ours })),
          few: Number(await few.call('slice', { count: slice.ours })),
        }),
      );
    } finally {
      await many.stop();
      await few.stop();
    }
  },
};

/** A folder whose database has every SKU counted, listed and so many times sold. */
async function stocked(effort: Effort, name: string, sold: number): Promise<string> {
  const dir = join(effort.dir, name);
  const role = startRole('process');
  try {
    await role.call('stock', { dir, sold });
  } finally {
    await role.stop();
  }
  return dir;
}

/** A history that the engine could not have written would prove nothing. */
async function mustClose(dir: string, sales: number): Promise<void> {
  const role = startRole('process');
  try {
    const { open, entries } = audited.parse(await role.call('audit', { dir }));
    if (open > 0 || entries < sales)
      throw new Error(`the grown books do not close: ${open} SKUs, ${entries} entries`);
  } finally {
    await role.stop();
  }
}

let folders = 0;

/** One side in a process of its own, on a copy of its own, warmed up. */
async function opened(
  effort: Effort,
  verb: 'open ours' | 'open raw',
  on: { template: string | null; first: number },
): Promise<Role> {
  folders += 1;
  const dir = join(effort.dir, `process-${folders}`);
  if (on.template === null) mkdirSync(dir);
  else cpSync(on.template, dir, { recursive: true });
  const role = startRole('process');
  await role.call(verb, { dir, first: on.first, warmUp: slice.ours });
  return role;
}
