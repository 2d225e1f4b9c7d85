import { join } from 'node:path';
import { z } from 'zod';
import { type Pair, pairs, type Slices } from './pairs.ts';
import { type Role, startRole } from './role.ts';
import type { Effort, Measurement } from './row.ts';

const connections = 64;
const found = z.object({ perSecond: z.number(), p50: z.number(), p99: z.number(), count: z.int() });
type Found = z.infer<typeof found>;
const kinds = ['store', 'bare', 'commit-each'] as const;
type Kind = (typeof kinds)[number];

/** How many at once, and how quickly each: the daemon's way in against the same one without a disk. */
export const ack: Measurement = {
  rows: ['ack_vs_bare', 'ack_vs_commit_each', 'ack_p99_vs_bare'],
  run: async (effort) => {
    const ends = await opened(effort, kinds);
    const ms = effort.quick ? 300 : 500;
    try {
      return await pairs(
        effort,
        [
          {
            name: 'ack_vs_bare',
            goal: { atLeast: 0.3 },
            of: (each) => pairOf(each, 'rate', ['store', 'bare']),
          },
          {
            name: 'ack_vs_commit_each',
            goal: { atLeast: 3.5 },
            of: (each) => pairOf(each, 'rate', ['store', 'commit-each']),
          },
          {
            name: 'ack_p99_vs_bare',
            goal: { atMost: 10 },
            of: (each) => pairOf(each, 'p99', ['store', 'bare']),
          },
        ],
        () => inTurn(ends, 'closed', { ms, connections }),
      );
    } finally {
      await closed(ends);
    }
  },
};

/** A thousand deliveries a second, whatever the answers do. */
export const ackOpenLoop: Measurement = {
  rows: ['open_loop_p99_vs_bare'],
  run: async (effort) => {
    const ends = await opened(effort, ['store', 'bare']);
    try {
      return await pairs(
        effort,
        [
          {
            name: 'open_loop_p99_vs_bare',
            goal: { atMost: 3 },
            of: (each) => pairOf(each, 'p99', ['store', 'bare']),
          },
        ],
        () => inTurn(ends, 'open', { ms: 1_000, perSecond: 1_000, connections }),
      );
    } finally {
      await closed(ends);
    }
  },
};

function pairOf(each: Slices, what: 'rate' | 'p99', [ours, limit]: readonly [Kind, Kind]): Pair {
  return { ours: each[`${ours} ${what}`] ?? 0, limit: each[`${limit} ${what}`] ?? 0 };
}

/** A server and its sender, both processes of their own. */
interface End {
  kind: Kind;
  server: Role;
  sender: Role;
  port: number;
}

/** All sides stand ready at once; an idle one costs nothing while another is measured. */
async function opened(effort: Effort, wanted: readonly Kind[]): Promise<End[]> {
  return Promise.all(
    wanted.map(async (kind) => {
      const server = startRole('server');
      const sender = startRole('load');
      const dir = join(effort.dir, `ack-${kind}-${server.pid}`);
      const port = Number(await server.call('start', { kind, dir }));
      await sender.call('closed', { port, ms: 500, connections });
      return { kind, server, sender, port };
    }),
  );
}

async function inTurn(
  ends: readonly End[],
  verb: 'closed' | 'open',
  load: { ms: number; connections: number; perSecond?: number },
): Promise<Slices> {
  const slices: Record<string, number> = {};
  for (const { kind, sender, port } of ends) {
    const one: Found = found.parse(await sender.call(verb, { ...load, port }));
    slices[`${kind} rate`] = one.perSecond;
    slices[`${kind} p99`] = one.p99;
  }
  return slices;
}

async function closed(ends: readonly End[]): Promise<void> {
  for (const { sender, server } of ends) {
    await sender.stop();
    await server.stop();
  }
}
