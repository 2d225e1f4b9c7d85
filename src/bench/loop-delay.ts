import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Role, withRole } from './role.ts';
import { type Effort, medianOf } from './row.ts';

const row = { name: 'loop_delay_p99_ms_slow_fsync', goal: { below: 5 } } as const;
const library = 'slow-fsync.so';
const answers = z.object({ p50: z.number() });
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
export const loopDelay = medianOf({ ...row, whyNot: buildSlowDisk }, (effort) =>
  withRole('server', (server) => withRole('load', (sender) => delayed(effort, server, sender)), {
    LD_PRELOAD: join(effort.dir, library),
  }),
);

async function delayed(effort: Effort, server: Role, sender: Role): Promise<number> {
  const dir = mkdtempSync(join(effort.dir, 'slow-'));
  const port = await server.call('start', { kind: 'store', dir });
  const load = { port, perSecond: 1_000, connections: 64 };
  await sender.call('open', { ...load, ms: 500 });
  await server.call('watchLoop');
  const { p50 } = answers.parse(await sender.call('open', { ...load, ms: effort.quick ? 2_000 : 6_000 }));
  if (p50 < addedMs) throw new Error(`the slow disk is not in effect: half of all answers within ${p50} ms`);
  const p99 = Number(await server.call('loopDelayP99'));
  effort.say(`event loop delay with ${addedMs} ms more per fsync: p99 ${p99.toFixed(2)} ms`);
  return p99;
}

/** Answers why it cannot be built here, or null. */
function buildSlowDisk({ dir }: Effort): string | null {
  const source = join(dir, 'slow-fsync.c');
  const wanted = ['-shared', '-fPIC', '-O2', '-o', join(dir, library), source, '-ldl'];
  writeFileSync(source, slowDisk);
  try {
    execFileSync('cc', wanted, { stdio: 'pipe' });
    return null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'no C compiler (cc) here';
    throw error;
  }
}
