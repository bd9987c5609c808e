import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LaneOrder } from './tests/support/lane-order.ts';

/**
 * In CI, a failed test of a lane with other programs runs once more, because other work can delay them in ways that no test
 * foresees. The report marks such a test with "retry x1": it has a race, which must be mended.
 */
const retry = process.env['CI'] === undefined ? 0 : 1;

/**
 * Six lanes. `unit` stands beside the source and needs nothing but Node.js. `component` runs real programs: the whole
 * service in front of servers that fail, git, Python, containers as processes. `integration` runs the whole local
 * platform with real Jupyter and real git; `browser` drives a real Chromium and is skipped, with a message, where there
 * is none. `cluster` runs on a real kube-apiserver what the others run on the embedded one, and is skipped, with a
 * message, where there is no Go. `e2e` installs the chart on a cluster with real pods; `tests/e2e/main.ts` starts it. Its files
 * run at the same time, except those of `e2e-alone`, which come after them on the same cluster.
 */
const component = [
  'tests/service/**/*.test.ts',
  'src/{autosaves,session-tools}/**/*.test.ts',
  'src/local/{forge,kubelet}/**/*.test.ts',
];

const e2e = {
  retry,
  include: ['tests/e2e/**/*.test.ts'],
  globalSetup: ['tests/e2e/global-setup.ts'],
  setupFiles: ['tests/e2e/setup.ts'],
  testTimeout: 900_000,
  hookTimeout: 900_000,
  // Each start of a session needs seconds of a processor.
  maxConcurrency: 8,
};

/** Files of the lane `e2e` that change what all sessions of the cluster use, or read what all files have done. */
const alone = ['lost-node', 'permissions', 'quota', 'upgrade'].map((name) => `tests/e2e/${name}.test.ts`);

/**
 * The file about the supervisor needs a machine without other work, and the chart has the supervisor off: with E2E_SUPERVISOR=1 it runs, too.
 */
const notYet = process.env['E2E_SUPERVISOR'] === '1' ? [] : ['tests/e2e/kernels.test.ts'];

export default defineConfig({
  test: {
    // Vitest leaves a processor for itself, which on two of them means one worker; it needs hardly any.
    maxWorkers: availableParallelism(),
    // The time limits of this file only end a test that hangs: each is many times what a busy machine needs.
    expect: { poll: { timeout: 60_000 } },
    hookTimeout: 120_000,
    sequence: { sequencer: LaneOrder },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{src,bench,helm-chart}/**/*.test.ts'],
          exclude: component,
          // Files of one process share the modules that they import: most of the lane's time went into loading them.
          isolate: false,
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: { name: 'component', retry, include: component, isolate: false, testTimeout: 120_000 },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          retry,
          include: ['tests/integration/**/*.test.ts', 'tests/cluster/conformance/**/*.test.ts'],
          testTimeout: 480_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          retry,
          include: ['tests/browser/**/*.test.ts'],
          testTimeout: 480_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          retry,
          include: ['tests/cluster/**/*.test.ts', 'tests/integration/operator*.test.ts'],
          globalSetup: ['tests/cluster/global-setup.ts'],
          setupFiles: ['tests/cluster/skip-without-programs.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          ...e2e,
          name: 'e2e',
          exclude: [...alone, ...notYet],
          // Sessions mostly wait: for nodes, for retries, and for thresholds.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { ...e2e, name: 'e2e-alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/**/*.test.ts', 'src/generated/**'] },
  },
});
