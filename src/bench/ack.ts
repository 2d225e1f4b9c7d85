import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { pairs, type Wanted } from './pairs.ts';
import { withRole } from './role.ts';
import type { Effort, Measurement, Row } from './row.ts';

const connections = 64;
const found = z.object({ perSecond: z.number(), p99: z.number() });
type Kind = 'store' | 'bare' | 'commit-each';

/** How many at once, and how quickly each: the daemon's way in against the same one without a disk. */
const atOnce: readonly Wanted[] = [
  { name: 'ack_vs_bare', goal: { atLeast: 0.3 }, sides: ['store rate', 'bare rate'] },
  { name: 'ack_vs_commit_each', goal: { atLeast: 3.5 }, sides: ['store rate', 'commit-each rate'] },
  { name: 'ack_p99_vs_bare', goal: { atMost: 10 }, sides: ['store p99', 'bare p99'] },
];
export const ack: Measurement = {
  rows: atOnce.map(({ name }) => name),
  run: (effort) =>
    measured(effort, ['store', 'bare', 'commit-each'], {
      wanted: atOnce,
      verb: 'closed',
      load: { ms: effort.quick ? 300 : 500, connections },
    }),
};

/** A thousand deliveries a second, whatever the answers do. */
export const ackOpenLoop: Measurement = {
  rows: ['open_loop_p99_vs_bare'],
  run: (effort) =>
    measured(effort, ['store', 'bare'], {
      wanted: [{ name: 'open_loop_p99_vs_bare', goal: { atMost: 3 }, sides: ['store p99', 'bare p99'] }],
      verb: 'open',
      load: { ms: 1_000, perSecond: 1_000, connections },
    }),
};

interface Plan {
  wanted: readonly Wanted[];
  verb: 'closed' | 'open';
  load: { ms: number; connections: number; perSecond?: number };
}

type Send = (verb: Plan['verb'], load: Plan['load']) => Promise<z.infer<typeof found>>;

function measured(effort: Effort, kinds: readonly Kind[], plan: Plan): Promise<Row[]> {
  return withEnds(effort, kinds, (ends) => pairs(effort, plan.wanted, () => inTurn(ends, plan)));
}

/** All sides stand ready at once, each a server and its sender; an idle one costs nothing while another is measured. */
function withEnds<T>(
  effort: Effort,
  [kind, ...others]: readonly Kind[],
  work: (ends: ReadonlyMap<Kind, Send>) => Promise<T>,
): Promise<T> {
  if (kind === undefined) return work(new Map());
  return withRole('server', (server) =>
    withRole('load', async (sender) => {
      const dir = mkdtempSync(join(effort.dir, 'ack-'));
      const port = Number(await server.call('start', { kind, dir }));
      const send: Send = async (verb, load) => found.parse(await sender.call(verb, { ...load, port }));
      await send('closed', { ms: 500, connections });
      return withEnds(effort, others, (ends) => work(new Map([[kind, send], ...ends])));
    }),
  );
}

async function inTurn(ends: ReadonlyMap<Kind, Send>, { verb, load }: Plan): Promise<Record<string, number>> {
  const slices: Record<string, number> = {};
  for (const [kind, send] of ends) {
    const one = await send(verb, load);
    slices[`${kind} rate`] = one.perSecond;
    slices[`${kind} p99`] = one.p99;
  }
  return slices;
}
