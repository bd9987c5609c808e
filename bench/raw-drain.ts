/**
 * The baseline of the cold start of the cache: reads all JupyterServers of a namespace page by page, as the cache does, and keeps
 * nothing. Prints one line: milliseconds, and the longest stall of the event loop in milliseconds.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import pino from 'pino';
import { jupyterServers } from '../src/jupyter-server/resource.ts';
import { Deadline } from '../src/lib/deadline.ts';
import { namespace } from '../src/local/environment.ts';
import { createKubernetesClient, listPages } from '../src/platform/kubernetes/client.ts';
import { loadKubeConfig } from '../src/platform/kubernetes/kubeconfig.ts';

const client = createKubernetesClient({ kubeconfig: await loadKubeConfig(), log: pino({ level: 'silent' }) });
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const begun = performance.now();
let sessions = 0;
for await (const { items } of listPages(client, jupyterServers, namespace, {}, () => Deadline.after(60_000))) {
  sessions += items.length;
}
const ms = performance.now() - begun;
delay.disable();
process.stdout.write(`drained ${sessions} ${ms.toFixed(1)} ${(delay.max / 1e6).toFixed(1)}\n`);
await client.close();
