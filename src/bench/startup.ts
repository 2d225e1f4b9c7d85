import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countStock, openEngine } from './fixture.ts';
import { median } from './median.ts';
import { type Effort, type Measurement, type Row, rowOf } from './row.ts';

const bin = fileURLToPath(new URL('../../bin/invsync.js', import.meta.url));
const rows = ['startup_version_ms', 'startup_help_ms', 'startup_read_ms'] as const;
const skus = 10_000;

/** Commands that read, each with what it is asked for. */
const reading = [
  ...['status --plain', 'stock list', 'stock show SKU-00007', 'explain SKU-00007', 'channels list'],
  ...['listings list', 'orders list', 'oversells list', 'events list', 'pushes list', 'alerts list'],
];

/** How long a command takes from the shell's point of view, beside a Node that does nothing, in turn. */
export const startup: Measurement = {
  rows,
  run: async (effort) => {
    const dir = join(effort.dir, 'startup');
    await fill(dir, effort.quick ? 200 : skus);
    const lines = ['--version', '--help', ...reading];
    const bare: number[] = [];
    const times = new Map<string, number[]>(lines.map((line) => [line, []]));
    for (let round = 0; round < (effort.quick ? 1 : 3 * effort.runs); round += 1)
      for (const line of lines) {
        bare.push(timed(['-e', '0'], dir));
        times.get(line)?.push(timed([bin, ...line.split(' ')], dir));
      }
    return rowsOf(effort, { bare: median(bare), times });
  },
};

function rowsOf(effort: Effort, { bare, times }: { bare: number; times: Map<string, number[]> }): Row[] {
  const of = (line: string) => median(times.get(line) ?? []);
  const slowest = reading.reduce((slow, line) => (of(line) > of(slow) ? line : slow));
  for (const line of reading) effort.say(`${line}: ${of(line).toFixed(0)} ms`);
  effort.say(`slowest: ${slowest}; node -e 0: ${bare.toFixed(0)} ms`);
  const row = (name: string, line: string, below: number) =>
    rowOf(name, { ours: of(line), limit: bare, value: of(line) }, { below });
  return [row(rows[0], '--version', 150), row(rows[1], '--help', 150), row(rows[2], slowest, 300)];
}

function timed(args: readonly string[], cwd: string): number {
  const from = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - from;
}

/** So many counted SKUs. */
async function fill(dir: string, count: number): Promise<void> {
  const { store, close } = await openEngine(dir, 'caller');
  const names = Array.from({ length: count }, (_, n) => `SKU-${String(n).padStart(5, '0')}`);
  await countStock(
    store,
    names.map((sku) => ({ sku, stock: 5 })),
  );
  await close();
}
