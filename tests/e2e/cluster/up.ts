/** Starts a test cluster and keeps it until this process is ended. Runs in the namespaces that `tests/e2e/main.ts` creates. */
import { join } from 'node:path';
import { writeClusterFile } from './cluster-file.ts';
import { runOf } from './run-of.ts';
import { startTestCluster } from './start.ts';

const { programs, owner } = runOf(process.env);
const { close: _, ...cluster } = await startTestCluster(programs, { nodes: 2, owner });
const file = join(cluster.folder, 'cluster.json');
writeClusterFile(file, { owner, cluster });
process.stdout.write(`E2E_CLUSTER=${file} npm run test:e2e   (Ctrl-C here ends the cluster)\n`);
setInterval(() => undefined, 60_000);
