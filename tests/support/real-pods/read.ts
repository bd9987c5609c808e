import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Objects of real failures, recorded on Kubernetes 1.36 with containerd: JupyterServers with the status that the operator
 * wrote, without their patches; and pods (`pod-*`) as the watch of the API server reported them.
 */
export function realObject<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, `${name}.json`), 'utf8'));
}
