// One runner for everything. Unit tests (test/<room>) need nothing but the dependencies; test/system needs real programs.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // child processes and servers share two cores with the tests: fewer at once is faster and steadier
    maxWorkers: 2,
    pool: 'forks',
  },
})
