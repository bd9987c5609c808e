import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { inParallel } from '../../src/lib/in-parallel.ts';
import { namespace } from '../../src/local/environment.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import type { KubernetesConnection } from '../../src/platform/kubernetes/types.ts';
import type { AuditLog } from '../audit-log.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { childrenOf, sessionOf } from '../operated-sessions.ts';
import { startOperator, untilQuiet } from '../operator.ts';
import { processorMs, residentBytes } from '../processor-time.ts';
import { concurrency, createSessions, deadline, onRealApiServer, type RealApiServer } from '../real-api-server.ts';
import { until } from '../until.ts';

const all = 500;
const mebibyte = 1024 * 1024;
const bare = 'bare';
const childrenMs = 900_000;
/** Of kubernetes-sigs/agent-sandbox, measured earlier on an idle machine: it creates one child, a pod, for each object. */
const peerMsPerChild = 4.3;

export const children: Figure = {
  name: 'children',
  about: `the children of ${all} sessions on a real API server`,
  run: (report, size) =>
    onRealApiServer(report, 'the children of sessions on a real API server', [bare], (api) =>
      measure(api, report, size),
    ),
};

const seconds = (since: number) => (performance.now() - since) / 1000;

async function measure({ client, kubeconfig, calls }: RealApiServer, report: Report, { part }: Size): Promise<void> {
  const sessions = part(all);
  await using operator = await startOperator(kubeconfig);
  const processorBefore = processorMs(operator.pid);
  const begunAt = performance.now();
  await createSessions(client, 'many', sessions);
  const createdAt = performance.now();
  await untilAllCreated(calls, sessions);
  const [sinceLast, sinceFirst] = [seconds(createdAt), seconds(begunAt)];
  await untilQuiet(operator.pid);
  const processor = processorMs(operator.pid) - processorBefore;
  const patches = calls.count(({ verb, resource: of }) => verb === 'patch' && of === jupyterServers.plural);
  const servers = await client.list<JupyterServer>(jupyterServers, namespace, {}, deadline());
  const childCount = childrenOf(servers[0] ?? sessionOf('none', 'none')).length;
  report.progress(
    `creating the objects took ${((createdAt - begunAt) / 1000).toFixed(1)} s; each has ${childCount} children`,
  );
  const bareSeconds = await bareLoop(client, servers);
  report.row({
    what: `children of ${sessions} sessions, after the last object`,
    measured: sinceLast,
    unit: 's',
    target: { of: 'value', atMost: 3 },
  });
  report.row({
    ...{ what: `children of ${sessions} sessions, from the first object`, measured: sinceFirst, unit: 's' },
    baseline: { is: 'a bare loop that creates the same objects', measured: bareSeconds },
    target: { of: 'ratio', atMost: 1.2 },
  });
  report.row({
    ...{ what: 'processor time of the operator per child', measured: processor / sessions / childCount, unit: 'ms' },
    baseline: { is: 'agent-sandbox, in an earlier measurement', measured: peerMsPerChild },
    target: { of: 'ratio', atMost: 0.5 },
  });
  report.row({
    what: 'patches of the JupyterServer by the operator, per session',
    measured: patches / sessions,
    unit: 'calls',
  });
  report.row({
    what: `resident memory after the creation of the children of ${sessions} sessions`,
    measured: residentBytes(operator.pid) / mebibyte,
    unit: 'MiB',
    target: { of: 'value', atMost: 120 },
  });
}

/** Creates the same objects and children without an operator, in another namespace. Returns the seconds. */
async function bareLoop(client: KubernetesConnection, servers: readonly JupyterServer[]): Promise<number> {
  const begunAt = performance.now();
  await inParallel(servers, concurrency, async ({ metadata: { name = '' } }) => {
    const created = await client.create(jupyterServers, bare, sessionOf(name, 'bare'), deadline());
    // The StatefulSet after the others, as the operator does.
    const manifests = childrenOf(created);
    for (const isLast of [false, true]) {
      const group = manifests.filter(({ key }) => (key === 'statefulset') === isLast);
      await Promise.all(group.map(({ kind, manifest }) => client.create(kind.type, bare, manifest, deadline())));
    }
  });
  return seconds(begunAt);
}

/** Resolves when all StatefulSets exist; the operator creates the StatefulSet of a session last. */
async function untilAllCreated(calls: AuditLog, count: number): Promise<void> {
  const areCreated = (): true | undefined =>
    calls.count(
      ({ verb, resource: of, namespace: where, status }) =>
        verb === 'create' && of === resource.statefulSets.plural && where === namespace && status === 201,
    ) >= count || undefined;
  await until('the children of all sessions', areCreated, { withinMs: childrenMs, everyMs: 100 });
}
