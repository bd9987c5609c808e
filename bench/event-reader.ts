/**
 * Reads a client's stream of events and a watch of the API server, in a process of its own, so that it does not delay the API server.
 * Gets its tasks from the process that has forked it: `open`, answered when both have the change `warmUp`, and `close`, answered with
 * the times at which the changes arrived.
 */
import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { annotation } from '../src/jupyter-server/labels.ts';
import { jupyterServers } from '../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../src/jupyter-server/types.ts';
import { Deadline } from '../src/lib/deadline.ts';
import { namespace } from '../src/local/environment.ts';
import { createKubernetesClient } from '../src/platform/kubernetes/client.ts';
import { loadKubeConfig } from '../src/platform/kubernetes/kubeconfig.ts';
import { type Answer, type Arrivals, clock, type Task } from './arrivals.ts';
import { until } from './until.ts';

const warmUpMs = 60_000;
/** Milliseconds for the last events of a measurement. A stream may skip states that a newer state has replaced. */
const lateMs = 5_000;
/** Each change has its number in an annotation that responses show. */
const changed = /"renku\.io\/repository":\s*"change-(\d+)"/g;

const stream: Arrivals = {};
const watch: Arrivals = {};

function note(arrivals: Arrivals, text: string): void {
  for (const [, number] of text.matchAll(changed)) arrivals[Number(number)] = clock();
}

/** Resolves when the stream has begun. */
function follow(url: string, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(url, { headers: { ...headers, accept: 'text/event-stream' } }, (response: IncomingMessage) => {
      if (response.statusCode !== 200) return reject(new Error(`the stream of events: ${response.statusCode}`));
      resolve();
      createInterface({ input: response }).on('line', (line) => note(stream, line));
    });
    call.on('error', reject);
    call.end();
  });
}

/** Watches the sessions as the service does. Resolves when the watch has begun. */
async function watchDirectly(): Promise<void> {
  const client = createKubernetesClient({ kubeconfig: await loadKubeConfig(), log: pino({ level: 'silent' }) });
  const opened = Promise.withResolvers<void>();
  const list = await client.listPage(jupyterServers, namespace, { limit: 1 }, Deadline.after(10_000));
  const { resourceVersion } = list;
  const options = { resourceVersion, timeoutSeconds: 3_600, limitMs: 3_600_000, onOpen: opened.resolve };
  const read = async () => {
    for await (const { object } of client.watch(jupyterServers, namespace, options, new AbortController().signal)) {
      const { annotations = {} } = (object as JupyterServer).metadata;
      note(watch, `"renku.io/repository":"${annotations[annotation.repository] ?? ''}"`);
    }
  };
  read().catch(opened.reject);
  await opened.promise;
}

const answer = (value: Answer): void => void process.send?.(value);

async function handle(task: Task): Promise<void> {
  if ('open' in task) {
    const { url, headers, warmUp } = task.open;
    await Promise.all([follow(url, headers), watchDirectly()]);
    answer('opened');
    await until('the first change', () => (warmUp in stream && warmUp in watch) || undefined, { withinMs: warmUpMs });
    return answer('opened');
  }
  const isComplete = (): boolean => task.close.changes.every((number) => number in stream && number in watch);
  const end = clock() + lateMs;
  await until('the last changes', () => isComplete() || clock() > end || undefined, { withinMs: 2 * lateMs });
  answer({ stream, watch });
}

process.on('message', (task: Task) => {
  handle(task).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  });
});
