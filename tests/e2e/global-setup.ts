import type { TestProject } from 'vitest/node';
import { type Backends, startBackends } from './backends.ts';
import { readClusterFile } from './cluster/cluster-file.ts';
import { runOf } from './cluster/run-of.ts';
import { startTestCluster, type TestCluster } from './cluster/start.ts';
import { pushImages } from './images.ts';
import { installRelease } from './release.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Provided only by `npm run test:e2e`. */
    e2e: { readonly cluster: TestCluster; readonly backends: Backends };
  }
}

/** Starts one cluster and installs the chart once for all files of the projects `e2e` and `e2e-alone`. */
export default async function setup({ vitest }: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (vitest.getRootProject().getProvidedContext().e2e !== undefined) return undefined;
  if (process.env['E2E_PREPARED'] === undefined) {
    process.stderr.write('\nATTENTION: nothing was tested on real pods: run `npm run test:e2e`\n\n');
    return undefined;
  }
  const { programs, images, owner } = runOf(process.env);
  const kept = process.env['E2E_CLUSTER'];
  await using parts = new AsyncDisposableStack();
  const cluster =
    kept === undefined
      ? parts.adopt(await phase('cluster', startTestCluster(programs, { nodes: 2, owner })), (each) => each.close())
      : readClusterFile(kept).cluster;
  // The processes of the tests start after this, and trust the authority of the cluster.
  process.env['NODE_EXTRA_CA_CERTS'] = cluster.authority;
  const backends = parts.adopt(await startBackends(cluster), (each) => each.close());
  await phase('push of the images', pushImages(cluster, images));
  await phase('helm install', installRelease(cluster, backends));
  vitest.provide('e2e', serializable({ cluster, backends }));
  const started = parts.move();
  return () => started.disposeAsync();
}

/** Prints how long a phase took. */
async function phase<Result>(name: string, work: Promise<Result>): Promise<Result> {
  const started = performance.now();
  const result = await work;
  process.stdout.write(`e2e: ${name} took ${Math.round((performance.now() - started) / 1000)} s\n`);
  return result;
}

/** Returns the values without functions, which cannot be sent to the processes of the tests. */
function serializable<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
