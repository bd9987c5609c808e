import { expect } from 'vitest';
import { childLabels } from '../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { childKinds } from '../../src/operator/children/manifest.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import { type ClusterUnderTest, testDeadline } from './cluster-under-test.ts';
import { type KillTime, killTimes } from './kill-at-write.ts';
import type { ApiRequest, ApiServerProxy } from './kubernetes/api-server-proxy.ts';
import type { StatefulSet } from './operated-sessions.ts';
import { isWrite, type ProgramsOnCluster, type RunningOperator } from './programs-on-cluster.ts';

/** At which write for a session the operator is killed. */
interface Kill {
  readonly at: number;
  readonly when: KillTime;
}

type Plan = ReadonlyMap<string, Kill>;

/** Returns a plan in which the operator is killed at the writes 1 to `writes`, each of another session, with their names. */
export function planOf(writes: number, prefix = ''): { plan: Plan; names: string[] } {
  const plan = new Map<string, Kill>();
  for (let at = 1; at <= writes; at += 1)
    for (const when of killTimes) plan.set(`${prefix}${when}-${at}`, { at, when });
  return { plan, names: [...plan.keys()] };
}

/** Processes of the operator on a namespace of a real API server that are killed at their writes. */
export function killedOperators(cluster: ClusterUnderTest, programs: ProgramsOnCluster, program?: string) {
  const operators: RunningOperator[] = [];
  const { client, namespace } = cluster;
  const childLabel = childLabels(jupyterServers.group);

  function start(proxy: ApiServerProxy, env: Record<string, string> = {}): RunningOperator {
    const operator = programs.startOperator(proxy, env, program);
    operators.push(operator);
    return operator;
  }

  const servers = () => client.list<JupyterServer>(jupyterServers, namespace, {}, testDeadline());
  const statefulSets = () => client.list<StatefulSet>(resource.statefulSets, namespace, {}, testDeadline());

  return {
    start,
    servers,
    statefulSets,

    /** Kills the operators that still run. */
    killAll(): void {
      for (const { child } of operators.splice(0)) child.kill('SIGKILL');
    },

    /** Returns whether all these sessions have the state, and their StatefulSets the number of replicas. */
    haveState: (names: readonly string[], state: string, replicas: number) => async (all: readonly JupyterServer[]) => {
      const sets = await statefulSets();
      return names.every(
        (name) =>
          all.find(({ metadata }) => metadata.name === name)?.status?.state === state &&
          sets.find(({ metadata }) => metadata.name === name)?.spec.replicas === replicas,
      );
    },

    /**
     * Kills the running operator at a write for each session of the plan, and starts it again, until `isDone`. Returns the names
     * of the sessions at whose write the operator was killed.
     */
    async walk(
      plan: Plan,
      isDone: (servers: readonly JupyterServer[]) => Promise<boolean> | boolean,
    ): Promise<Set<string>> {
      const proxy = await programs.proxy();
      const writes = new Map<string, number>();
      const killed = new Set<string>();
      const targets = new Set<ApiRequest>();
      let operator: RunningOperator;
      const kill = () => operator.child.kill('SIGKILL');
      proxy.fault = (request) => {
        if (!isWrite(request)) return undefined;
        const name = sessionOf(request);
        const count = (writes.get(name) ?? 0) + 1;
        writes.set(name, count);
        const { at, when } = plan.get(name) ?? {};
        if (count !== at) return undefined;
        killed.add(name);
        if (when === 'before') {
          kill();
          return 'reset';
        }
        targets.add(request);
        return 'cut after commit';
      };
      proxy.onResponse = (request) => {
        if (targets.has(request)) kill();
      };
      for (;;) {
        operator = start(proxy);
        let hasExited = false;
        void operator.exit.then(() => {
          hasExited = true;
        });
        await expect.poll(async () => hasExited || (await isDone(await servers())), { interval: 100 }).toBe(true);
        if (hasExited) continue;
        operator.child.kill('SIGTERM');
        await operator.exit;
        return killed;
      }
    },

    /** Expects that each session has each child once, and that each child belongs to a session. */
    async expectChildren(): Promise<void> {
      const all = await servers();
      // The API server does not serve the other kinds.
      const kinds = childKinds.filter(({ kind }) => kind !== 'Dataset' && kind !== 'HTTPRoute');
      const selector = { labelSelector: childLabel.parentUid };
      const children = await Promise.all(
        kinds.map(({ type }) => client.list(type, namespace, selector, testDeadline())),
      );
      const found = children.flat().map(({ metadata }) => ({
        parent: metadata.ownerReferences?.[0]?.uid,
        key: metadata.labels?.[childLabel.childKey] ?? '',
        uid: metadata.uid ?? '',
      }));
      expect(found.filter(({ parent }) => !all.some(({ metadata }) => metadata.uid === parent))).toEqual([]);
      for (const { metadata, status } of all) {
        const own = found.filter(({ parent }) => parent === metadata.uid);
        const keys = own.map(({ key }) => key).sort();
        expect(keys, metadata.name).toEqual([...new Set(keys)]);
        expect(keys.length).toBeGreaterThanOrEqual(6);
        const created = Object.fromEntries(own.map(({ key, uid }) => [key, uid]));
        expect(status?.create_fn?.createdResources, metadata.name).toEqual(created);
      }
    },
  };
}

/** Returns the name of the session that a request writes for: children have the session's name, pods that name with -0. */
function sessionOf({ path, body }: ApiRequest): string {
  const { metadata } = JSON.parse(body || '{}') as { metadata?: { name?: string } };
  const inPath = /\/(?:jupyterservers|statefulsets|pods)\/([^/]+?)(?:-0)?$/.exec(path)?.[1];
  return inPath ?? metadata?.name ?? '';
}
