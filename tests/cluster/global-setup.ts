import type { TestProject } from 'vitest/node';
import { type ControlPlane, findPrograms, startControlPlane } from './control-plane.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Only where a real API server runs. */
    controlPlane: ControlPlane;
  }
}

/** One control plane for all files of the lane; each test works in a namespace of its own. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const programs = findPrograms();
  if (programs === undefined) {
    process.stderr.write(
      '\nATTENTION: nothing was tested on a real API server: Go is needed to build it once (tests/cluster/install)\n\n',
    );
    return undefined;
  }
  const { close, ...controlPlane } = await startControlPlane(programs);
  project.provide('controlPlane', controlPlane);
  return close;
}
