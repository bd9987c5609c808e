import type { TestProject } from 'vitest/node';
import { type ControlPlane, findPrograms, startControlPlane } from './control-plane.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Provided only if a real API server runs. */
    controlPlane: ControlPlane;
  }
}

/** Starts one control plane for all files of the lane. Each file uses its own namespace. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const programs = findPrograms();
  if (programs === undefined) {
    process.stderr.write(
      '\nATTENTION: nothing was tested on a real API server: Go is needed to build it once (tests/cluster/install)\n\n',
    );
    return undefined;
  }
  const { server, kubeconfig, etcd, auditLog, close } = await startControlPlane(programs);
  project.provide('controlPlane', { server, kubeconfig, etcd, auditLog });
  return close;
}
