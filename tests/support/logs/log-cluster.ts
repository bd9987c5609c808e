import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { ownerKey } from '../../../src/identity/owner.ts';
import type { Identity } from '../../../src/identity/types.ts';
import { label } from '../../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import { type ApiServer, createApiServer } from '../../../src/local/api-server/api-server.ts';
import { openCluster } from '../../../src/local/api-server/open-cluster.ts';
import type { Store } from '../../../src/local/api-server/store.ts';
import { StatusError } from '../../../src/local/cluster.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { startFakeGitLab } from '../sessions/fake-gitlab.ts';
import { startFakeRegistry } from '../sessions/fake-registry.ts';
import { kubeconfigOf } from '../sessions/kubeconfig.ts';
import { startService, type TestService, type TestServiceOptions } from '../sessions/service.ts';
import { ContainerLog } from './container-log.ts';

const token = 'the-token-of-the-service';
const namespace = 'renku';

export type ContainerState = 'waiting' | 'running' | 'ended';

export interface LogCluster {
  readonly api: ApiServer;
  readonly store: Store;
  replica(options?: TestServiceOptions): Promise<TestService>;
  /** Returns the log of a container. Its name is enough, because a test has one pod at a time. */
  log(container: string): ContainerLog;
  /** Creates a session with its pod. Without `isReported`, its status is empty. */
  session(
    name: string,
    owner: Identity,
    containers: { init?: string[]; regular: string[] },
    isReported?: boolean,
  ): JupyterServer;
  /** Writes the status as the operator does. */
  report(name: string, states: Record<string, ContainerState>, restarts?: Record<string, number>): void;
  remove(name: string): void;
  close(): Promise<void>;
}

/** Starts the embedded API server, with logs of containers that the test controls. */
export async function startLogCluster(): Promise<LogCluster> {
  const log = pino({ level: 'silent' });
  const store = openCluster({ path: ':memory:', log });
  store.create(resource.namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const logs = new Map<string, ContainerLog>();
  const logOf = (container: string): ContainerLog => {
    const found = logs.get(container) ?? new ContainerLog();
    logs.set(container, found);
    return found;
  };
  const inits = new Map<string, readonly string[]>();
  const api = createApiServer({
    cluster: store,
    token,
    log,
    node: { logs: (_pod, options, signal) => logOf(options.container ?? '').read(options, signal), metrics: () => [] },
  });
  const server = createServer(api.handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [gitlab, registry] = await Promise.all([startFakeGitLab(), startFakeRegistry()]);
  const kubeconfig = kubeconfigOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, token);
  const services: TestService[] = [];

  return {
    api,
    store,
    async replica(options = {}) {
      const service = await startService({ cluster: { kubeconfig }, gitlab, registry }, options);
      services.push(service);
      return service;
    },
    log: logOf,
    session(name, owner, { init = [], regular }, isReported = true) {
      inits.set(name, init);
      const labels = { [label.owner]: ownerKey(owner) };
      const images = (names: readonly string[]) => names.map((each) => ({ name: each, image: 'image' }));
      const spec = { containers: images(regular), initContainers: images(init) };
      store.create(resource.pods, namespace, { metadata: { name: `${name}-0` }, spec } as never);
      const step = (names: readonly string[]) => Object.fromEntries(names.map((each) => [each, 'executing' as const]));
      store.create<JupyterServer>(jupyterServers, namespace, { metadata: { name, labels }, spec: {} });
      return store.mergePatch<JupyterServer>(jupyterServers, namespace, name, {
        status: isReported ? { containerStates: { init: step(init), regular: step(regular) } } : {},
      });
    },
    report(name, states, restarts = {}) {
      const of = (wanted: boolean) =>
        Object.entries(states)
          .filter(([container]) => inits.get(name)?.includes(container) === wanted)
          .map(([container, state]) => ({
            name: container,
            restartCount: restarts[container] ?? 0,
            state: {
              waiting: { waiting: { reason: 'PodInitializing' } },
              running: { running: {} },
              ended: { terminated: { exitCode: 0 } },
            }[state],
          }));
      const status = { initContainerStatuses: of(true), containerStatuses: of(false) };
      store.mergePatch(jupyterServers, namespace, name, {
        status: { mainPod: { name: `${name}-0`, status } },
      });
    },
    remove(name) {
      store.delete(jupyterServers, namespace, name);
      store.delete(resource.pods, namespace, `${name}-0`, { gracePeriodSeconds: 0 });
    },
    async close() {
      for (const service of services) await service.close();
      await api.close();
      server.close();
      store.close();
      await Promise.all([gitlab.close(), registry.close()]);
    },
  };
}

export const waitingToStart = (): StatusError => new StatusError(400, 'BadRequest', 'container is waiting to start');
