import { label } from '../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { namespace } from '../../src/local/environment.ts';
import type { KubernetesConnection } from '../../src/platform/kubernetes/types.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { sessionOf } from '../operated-sessions.ts';
import { startOperator } from '../operator.ts';
import { concurrency, createSessions, deadline, onRealApiServer, type RealApiServer } from '../real-api-server.ts';
import { until } from '../until.ts';

/** Sessions that one owner creates before another owner creates one. */
const all = 2_000;
const lateMs = 600_000;

export const fairness: Figure = {
  name: 'fairness',
  about: `a session behind ${all} of another owner, on a real API server`,
  run: (report, size) =>
    onRealApiServer(report, 'a session behind many of another owner', [], (api) => measure(api, report, size)),
};

/** One owner creates many sessions while no operator runs, and another owner one session after them. */
async function measure({ client, kubeconfig }: RealApiServer, report: Report, { part }: Size): Promise<void> {
  const many = part(all);
  report.progress(`creating ${many} sessions of one owner`);
  await createSessions(client, 'crowd', many);
  await client.create(jupyterServers, namespace, sessionOf('late', 'late'), deadline());
  await using _operator = await startOperator(kubeconfig);
  const begunAt = performance.now();
  const isCreated = async (): Promise<true | undefined> => {
    const late = await client.get<JupyterServer>(jupyterServers, namespace, 'late', deadline());
    return late?.status?.create_fn && true;
  };
  await until('the children of the late session', isCreated, { withinMs: lateMs });
  const lateSeconds = (performance.now() - begunAt) / 1000;
  const before = (await createdOf(client, 'crowd')).length;
  report.progress(`the children of the late session existed after ${lateSeconds.toFixed(1)} s`);
  report.row({
    what: `sessions created before the only one of its owner, behind ${many} of another`,
    measured: before,
    unit: 'sessions',
    target: { of: 'value', atMost: 2 * concurrency },
  });
}

async function createdOf(client: KubernetesConnection, owner: string): Promise<JupyterServer[]> {
  const selector = { labelSelector: `${label.owner}=${owner}` };
  const servers = await client.list<JupyterServer>(jupyterServers, namespace, selector, deadline());
  return servers.filter(({ status }) => status?.create_fn);
}
