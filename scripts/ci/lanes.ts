import { join } from 'node:path';
import type { Lane } from './run-lanes.ts';

const root = join(import.meta.dirname, '..', '..');

/** A lane that `npm run TASK` runs, too. */
const task = (name: string, limitMinutes: number, more: Partial<Lane> = {}): Lane => ({
  name: name.replace(/^test:/, ''),
  command: [process.execPath, join(root, 'scripts', 'run.cjs'), name],
  limitMinutes,
  ...more,
});

/**
 * All lanes. Streams run at the same time, and the lanes of a stream one after the other. Most of the time, the lanes wait for other
 * programs, and they share no port, folder or process. The streams take about the same time on two cores.
 */
export const streams: readonly (readonly Lane[])[] = [
  [task('lint', 10), task('test:unit', 20), task('test:component', 40), task('test:browser', 30)],
  // With the programs of other projects that some of its tests use.
  [task('test:integration', 60, { command: [join(root, '.ci', 'integration')] })],
  // The first run on a machine builds Kubernetes and all images.
  [task('test:cluster', 40, { needs: ['go'] }), task('test:e2e', 45)],
];
