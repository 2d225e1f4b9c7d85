import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { growLedger } from './grow.ts';
import { pairs, type Wanted } from './pairs.ts';
import { type Role, withRole } from './role.ts';
import type { Effort, Measurement, Row } from './row.ts';

const audited = z.object({ open: z.int(), entries: z.int() });

/** A few hundred milliseconds of work for ours. */
const slice = { ours: 4_000, raw: 8_000 } as const;

/** What one side works on; `first` is the number of its first order. */
interface Side {
  verb: 'open ours' | 'open raw';
  /** Books that are copied; null: none. */
  template: string | null;
  first: number;
  count: number;
}

/** From accepted to applied, against the loop that does no more than it must. */
export const processing: Measurement = {
  rows: ['process_vs_raw'],
  run: async (effort) =>
    compared(
      effort,
      { name: 'process_vs_raw', goal: { atLeast: 0.25 }, sides: ['ours', 'limit'] },
      {
        ours: await engineOn(effort, { sold: 0, first: 0 }),
        limit: { verb: 'open raw', template: null, first: 0, count: slice.raw },
      },
    ),
};

/** The same with a million sales in the books. */
export const processingGrown: Measurement = {
  rows: ['process_1m_vs_empty'],
  run: async (effort) => {
    const sales = effort.quick ? 200_000 : 1_000_000;
    const ours = await engineOn(effort, { sold: 1, first: sales });
    effort.say(`writing ${sales} sales into the books`);
    growLedger(join(ours.template, 'invsync.db'), sales);
    await mustClose(ours.template, sales);
    return compared(
      effort,
      { name: 'process_1m_vs_empty', goal: { atLeast: 0.8 }, sides: ['ours', 'limit'] },
      { ours, limit: await engineOn(effort, { sold: 0, first: sales }) },
    );
  },
};

/** Each side in a process of its own, warmed up. */
function compared(effort: Effort, row: Wanted, sides: { ours: Side; limit: Side }): Promise<Row[]> {
  return withRole('process', (ours) =>
    withRole('process', async (limit) => {
      await open(effort, ours, sides.ours);
      await open(effort, limit, sides.limit);
      return pairs(effort, [row], async () => ({
        ours: Number(await ours.call('slice', { count: sides.ours.count })),
        limit: Number(await limit.call('slice', { count: sides.limit.count })),
      }));
    }),
  );
}

/** The engine on a database that has every SKU counted, listed and so many times sold. */
async function engineOn(
  effort: Effort,
  { sold, first }: { sold: number; first: number },
): Promise<Side & { template: string }> {
  const template = mkdtempSync(join(effort.dir, 'stocked-'));
  await withRole('process', (role) => role.call('stock', { dir: template, sold }));
  return { verb: 'open ours', template, first, count: slice.ours };
}

/** A history that the engine could not have written would prove nothing. */
async function mustClose(dir: string, sales: number): Promise<void> {
  const { open, entries } = audited.parse(await withRole('process', (role) => role.call('audit', { dir })));
  if (open > 0 || entries < sales)
    throw new Error(`the grown books do not close: ${open} SKUs, ${entries} entries`);
}

/** On a copy of its own. */
async function open(effort: Effort, role: Role, { verb, template, first }: Side): Promise<void> {
  const dir = join(effort.dir, `process-${role.pid}`);
  if (template === null) mkdirSync(dir);
  else cpSync(template, dir, { recursive: true });
  await role.call(verb, { dir, first, warmUp: slice.ours });
}
