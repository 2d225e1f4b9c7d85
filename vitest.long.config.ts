import { defineConfig } from 'vitest/config';

/** What takes minutes: `npm run sim`. INVSYNC_SIM_SEEDS=5000 says how many seeds, INVSYNC_SIM_FROM where to begin. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 30_000,
    pool: 'forks',
  },
});
