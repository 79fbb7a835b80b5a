import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './scripts/build-doubles.mjs',
    // Native code may take its process down: each file gets its own.
    pool: 'forks',
    testTimeout: 120_000,
  },
});
