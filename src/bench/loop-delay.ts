import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { median } from './median.ts';
import { startRole } from './role.ts';
import { type Effort, type Measurement, rowOf, skippedRow } from './row.ts';

const goal = { below: 5 } as const;
const name = 'loop_delay_p99_ms_slow_fsync';
const addedMs = 20;

/** A disk that takes 20 ms longer for every fsync, put between SQLite and the C library. */
const slowDisk = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static void rest(void) { struct timespec t = { 0, ${addedMs}000000 }; nanosleep(&t, 0); }
int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fsync");
  rest();
  return real(fd);
}
int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
  rest();
  return real(fd);
}
`;

/** What a slow disk costs everything else that shares the event loop: 1,000 deliveries a second meanwhile. */
export const loopDelay: Measurement = {
  rows: [name],
  run: async (effort) => {
    const library = buildSlowDisk(effort.dir);
    if (library === null) return [skippedRow(name, goal, 'no C compiler (cc) here')];
    const found: number[] = [];
    for (let run = 0; run < effort.runs; run += 1) {
      const p99 = await delayUnderLoad(effort, library, run);
      effort.say(`event loop delay with ${addedMs} ms more per fsync: p99 ${p99.toFixed(2)} ms`);
      found.push(p99);
    }
    const ours = median(found);
    return [rowOf(name, { ours, limit: null, value: ours }, goal)];
  },
};

async function delayUnderLoad(effort: Effort, library: string, run: number): Promise<number> {
  const server = startRole('server', { LD_PRELOAD: library });
  const sender = startRole('load');
  try {
    const port = await server.call('start', { kind: 'store', dir: join(effort.dir, `slow-${run}`) });
    const load = { port, perSecond: 1_000, connections: 64 };
    await sender.call('open', { ...load, ms: 500 });
    await server.call('watchLoop');
    const answers = z.object({ p50: z.number() });
    const { p50 } = answers.parse(await sender.call('open', { ...load, ms: effort.quick ? 2_000 : 6_000 }));
    if (p50 < addedMs)
      throw new Error(`the slow disk is not in effect: half of all answers within ${p50} ms`);
    return Number(await server.call('loopDelayP99'));
  } finally {
    await sender.stop();
    await server.stop();
  }
}

function buildSlowDisk(dir: string): string | null {
  const source = join(dir, 'slow-fsync.c');
  const library = join(dir, 'slow-fsync.so');
  writeFileSync(source, slowDisk);
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl'], { stdio: 'pipe' });
    return library;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
