import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**', '**/node_modules/**'],
    // A time-out finds what hangs; a busy machine must not look like that.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Test files of one worker share their modules: loading them anew costs a third of the time.
    isolate: false,
    // Some tests wait for a process or a disk: one worker more than there are cores.
    maxWorkers: availableParallelism() + 1,
  },
});
