import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serveRole, type Verbs } from './role.ts';
import type { Effort, Measurement, Row } from './row.ts';

/**
 * `npm run bench [-- --json] [--only name,…] [--quick] [--runs N]`: measures the rows of docs/benchmarks.md. Ends with
 * 1 when a row surely misses its goal. The same file with `--role` is one of the processes that it starts.
 */

const measurements: readonly (() => Promise<Measurement>)[] = [
  async () => (await import('./ack.ts')).ack,
  async () => (await import('./ack.ts')).ackOpenLoop,
  async () => (await import('./beside-commands.ts')).besideCommands,
  async () => (await import('./loop-delay.ts')).loopDelay,
  async () => (await import('./process.ts')).processing,
  async () => (await import('./process.ts')).processingGrown,
  async () => (await import('./propagation.ts')).propagation,
  async () => (await import('./reconcile.ts')).reconcile50k,
  async () => (await import('./import.ts')).import10k,
  async () => (await import('./idle.ts')).idle,
  async () => (await import('./startup.ts')).startup,
];

const roles: Readonly<Record<string, () => Promise<Verbs>>> = {
  server: async () => (await import('./server.ts')).serverVerbs,
  load: async () => (await import('./load.ts')).loadVerbs,
  process: async () => (await import('./process-role.ts')).processVerbs,
  shops: async () => (await import('./shops.ts')).shopsVerbs,
  proxy: async () => (await import('./pages.ts')).proxyVerbs,
  reader: async () => (await import('./pages.ts')).readerVerbs,
};

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    runs: { type: 'string' },
    role: { type: 'string' },
  },
});
const role = options.role === undefined ? undefined : roles[options.role];
if (role !== undefined) serveRole(await role());
else await measure();

async function measure(): Promise<void> {
  const wanted = options.only?.split(',').map((name) => name.trim());
  const dir = mkdtempSync(join(tmpdir(), 'invsync-bench-'));
  const effort: Effort = {
    runs: Number(options.runs ?? (options.quick ? 1 : 5)),
    quick: options.quick,
    dir,
    say: (text) => process.stderr.write(`  ${text}\n`),
  };
  const rows: Row[] = [];
  try {
    for (const load of measurements) {
      const measurement = await load();
      if (wanted !== undefined && !measurement.rows.some((name) => wanted.includes(name))) continue;
      const found = await measurement.run(effort);
      rows.push(...found.filter((row) => wanted === undefined || wanted.includes(row.name)));
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const unknown = wanted?.filter((name) => !rows.some((row) => row.name === name)) ?? [];
  if (unknown.length > 0) process.stderr.write(`no such row: ${unknown.join(', ')}\n`);
  process.stdout.write(options.json ? `${JSON.stringify({ rows }, null, 2)}\n` : table(rows));
  process.exitCode =
    unknown.length > 0 || rows.some((row) => row.ok === false && row.unsure !== true) ? 1 : 0;
}

function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    text(row.ours),
    text(row.limit),
    text(row.value),
    row.low === undefined ? '' : `${row.low} to ${row.high}`,
    row.goal,
    verdictOf(row),
  ]);
  const all = [['name', 'ours', 'limit', 'value', 'within', 'goal', ''], ...cells];
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === 0 || column > 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
}

function verdictOf(row: Row): string {
  if (row.ok === null) return `skipped: ${row.skipped ?? ''}`;
  if (row.unsure === true) return 'unsure: nothing else should run beside it';
  return row.ok ? 'ok' : 'MISSED';
}

function text(value: number | null): string {
  return value === null ? '-' : String(value);
}
