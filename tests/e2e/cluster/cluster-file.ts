import { readFileSync, writeFileSync } from 'node:fs';
import type { TestCluster } from './start.ts';

/** What later runs need to use a cluster that another run keeps. */
export interface ClusterFile {
  /** The process that `npm run test:e2e -- up` started in the namespaces of the cluster: the only child of this one. */
  readonly owner: number;
  readonly cluster: TestCluster;
}

export function readClusterFile(file: string): ClusterFile {
  return JSON.parse(readFileSync(file, 'utf8')) as ClusterFile;
}

export function writeClusterFile(file: string, content: ClusterFile): void {
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
}
