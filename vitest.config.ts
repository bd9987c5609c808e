import { defineConfig } from 'vitest/config';

/**
 * Four lanes. `unit` sits beside the source and needs nothing but Node; `integration` runs the whole local platform
 * with real Jupyter and real git; `browser` drives a real Chromium and is skipped, loudly, where there is none. `cluster`
 * runs on a real kube-apiserver what the others run on the embedded one, and is skipped, loudly, where there is no Go.
 */
export default defineConfig({
  test: {
    // Vitest's own second is too short for a machine that runs everything at once.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['{src,bench,tests/service}/**/*.test.ts'], testTimeout: 30_000 },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts', 'tests/cluster/conformance/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['tests/cluster/**/*.test.ts', 'tests/integration/operator*.test.ts'],
          globalSetup: ['tests/cluster/global-setup.ts'],
          setupFiles: ['tests/cluster/skip-without-programs.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/**/*.test.ts', 'src/generated/**'] },
  },
});
