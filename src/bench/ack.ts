import { join } from 'node:path';
import { z } from 'zod';
import { median } from './median.ts';
import { startRole } from './role.ts';
import { type Effort, type Measurement, type Row, rowOf } from './row.ts';

const connections = 64;
const found = z.object({ perSecond: z.number(), p50: z.number(), p99: z.number(), count: z.int() });
type Found = z.infer<typeof found>;
type Kind = 'store' | 'bare' | 'commit-each';

/** How many at once, and how quickly each: the daemon's way in against the same one without a disk. */
export const ack: Measurement = {
  rows: ['ack_vs_bare', 'ack_vs_commit_each', 'ack_p99_vs_bare'],
  run: async (effort) => {
    const runs: Record<Kind, Found[]> = { store: [], bare: [], 'commit-each': [] };
    const ms = effort.quick ? 1_500 : 5_000;
    for (let run = 0; run < effort.runs; run += 1) {
      for (const kind of ['store', 'bare', 'commit-each'] as const) {
        const one = await loaded(effort, kind, 'closed', { ms, connections });
        effort.say(`ack ${kind}: ${Math.round(one.perSecond)}/s, p99 ${one.p99.toFixed(1)} ms`);
        runs[kind].push(one);
      }
    }
    const rate = (kind: Kind) => median(runs[kind].map((one) => one.perSecond));
    const p99 = (kind: Kind) => median(runs[kind].map((one) => one.p99));
    return [
      ratio('ack_vs_bare', [rate('store'), rate('bare')], { atLeast: 0.3 }),
      ratio('ack_vs_commit_each', [rate('store'), rate('commit-each')], { atLeast: 3.5 }),
      ratio('ack_p99_vs_bare', [p99('store'), p99('bare')], { atMost: 10 }),
    ];
  },
};

/** A thousand deliveries a second, whatever the answers do. */
export const ackOpenLoop: Measurement = {
  rows: ['open_loop_p99_vs_bare'],
  run: async (effort) => {
    const runs: Record<'store' | 'bare', Found[]> = { store: [], bare: [] };
    const ms = effort.quick ? 3_000 : 8_000;
    for (let run = 0; run < effort.runs; run += 1) {
      for (const kind of ['store', 'bare'] as const) {
        const one = await loaded(effort, kind, 'open', { ms, perSecond: 1_000, connections });
        effort.say(`1,000/s ${kind}: p50 ${one.p50.toFixed(2)} ms, p99 ${one.p99.toFixed(2)} ms`);
        runs[kind].push(one);
      }
    }
    const p99 = (kind: 'store' | 'bare') => median(runs[kind].map((one) => one.p99));
    return [ratio('open_loop_p99_vs_bare', [p99('store'), p99('bare')], { atMost: 3 })];
  },
};

let folders = 0;

/** A fresh server and a fresh sender; a short warm-up first, that is not counted. */
async function loaded(
  effort: Effort,
  kind: Kind,
  verb: 'closed' | 'open',
  load: { ms: number; connections: number; perSecond?: number },
): Promise<Found> {
  folders += 1;
  const server = startRole('server');
  const sender = startRole('load');
  try {
    const port = await server.call('start', { kind, dir: join(effort.dir, `ack-${folders}`) });
    await sender.call(verb, { ...load, port, ms: Math.min(1_000, load.ms / 2) });
    const one = found.parse(await sender.call(verb, { ...load, port }));
    await server.call('stop');
    return one;
  } finally {
    await sender.stop();
    await server.stop();
  }
}

function ratio(name: string, [ours, limit]: [number, number], goal: Parameters<typeof rowOf>[2]): Row {
  return rowOf(name, { ours, limit, value: ours / limit }, goal);
}
