import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { growLedger } from './grow.ts';
import { median } from './median.ts';
import { startRole } from './role.ts';
import { type Effort, type Measurement, rowOf } from './row.ts';

const audited = z.object({ open: z.int(), entries: z.int() });

/** From accepted to applied, against the loop that does no more than it must. */
export const processing: Measurement = {
  rows: ['process_vs_raw'],
  run: async (effort) => {
    const template = await stocked(effort, 'stocked', 0);
    const count = effort.quick ? 8_000 : 20_000;
    const ours: number[] = [];
    const raw: number[] = [];
    for (let run = 0; run < effort.runs; run += 1) {
      ours.push(await once(effort, 'ours', { template, first: 0, count }));
      raw.push(await once(effort, 'raw', { template: null, first: 0, count }));
      effort.say(`processed ${Math.round(ours.at(-1) ?? 0)}/s, raw loop ${Math.round(raw.at(-1) ?? 0)}/s`);
    }
    const [mine, limit] = [median(ours), median(raw)];
    return [rowOf('process_vs_raw', { ours: mine, limit, value: mine / limit }, { atLeast: 0.2 })];
  },
};

/** The same with a million sales in the books. */
export const processingGrown: Measurement = {
  rows: ['process_1m_vs_empty'],
  run: async (effort) => {
    const sales = effort.quick ? 200_000 : 1_000_000;
    const count = effort.quick ? 8_000 : 20_000;
    const empty = await stocked(effort, 'empty', 0);
    const grown = await stocked(effort, 'grown', 1);
    effort.say(`writing ${sales} sales into the books`);
    growLedger(join(grown, 'invsync.db'), sales);
    await mustClose(grown, sales);
    const few: number[] = [];
    const many: number[] = [];
    for (let run = 0; run < effort.runs; run += 1) {
      many.push(await once(effort, 'ours', { template: grown, first: sales, count }));
      few.push(await once(effort, 'ours', { template: empty, first: sales, count }));
      effort.say(
        `with ${sales} sales ${Math.round(many.at(-1) ?? 0)}/s, without ${Math.round(few.at(-1) ?? 0)}/s`,
      );
    }
    const [ours, limit] = [median(many), median(few)];
    return [rowOf('process_1m_vs_empty', { ours, limit, value: ours / limit }, { atLeast: 0.8 })];
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

/** One side once, in a fresh process on a fresh copy. */
async function once(
  effort: Effort,
  side: 'ours' | 'raw',
  work: { template: string | null; first: number; count: number },
): Promise<number> {
  const dir = join(effort.dir, 'work');
  rmSync(dir, { recursive: true, force: true });
  if (work.template === null) mkdirSync(dir);
  else cpSync(work.template, dir, { recursive: true });
  const role = startRole('process');
  try {
    return Number(await role.call(side, { dir, first: work.first, count: work.count }));
  } finally {
    await role.stop();
  }
}
