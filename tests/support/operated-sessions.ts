import pino from 'pino';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { createOperator, type Operator } from '../../src/operator/operator.ts';
import { readSettings } from '../../src/operator/settings.ts';
import type { KubernetesObject, PodStatus } from '../../src/platform/kubernetes/objects.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import { type ClusterUnderTest, testDeadline } from './cluster-under-test.ts';

export interface StatefulSet extends KubernetesObject {
  spec: { replicas: number; template: { spec: { containers: { resources?: object }[] } } };
}

export const healthy: PodStatus = {
  phase: 'Running',
  conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({ type, status: 'True' })),
  containerStatuses: ['jupyter-server', 'passthrough-proxy'].map((name) => ({
    name,
    image: 'i',
    imageID: 'i',
    ready: true,
    restartCount: 0,
    state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
  })),
};

/** Returns the status of a pod that starts now, with a Jupyter container that has ended four times. */
export const failing = (): PodStatus => ({
  phase: 'Running',
  startTime: new Date().toISOString().replace(/\.\d+/, ''),
  conditions: ['PodScheduled', 'Initialized'].map((type) => ({ type, status: 'True' })),
  containerStatuses: ['jupyter-server', 'passthrough-proxy'].map((name) => ({
    name,
    image: 'i',
    imageID: 'i',
    ready: false,
    restartCount: 4,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { exitCode: 1 } },
  })),
});

/** Operators on a cluster under test, and the sessions that they reconcile. */
export function operatedSessions(clusterOf: () => ClusterUnderTest) {
  const log = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
  const operators: Operator[] = [];
  const { pods } = resource;

  const server = (name: string, wanted: (object: JupyterServer) => boolean) =>
    clusterOf().when<JupyterServer>(jupyterServers, name, (object) => object !== undefined && wanted(object));

  return {
    async startOperator(
      options: Pick<Parameters<typeof createOperator>[0], 'detectorTiming' | 'metrics'> = {},
    ): Promise<Operator> {
      const { operatorClient, namespace } = clusterOf();
      const operator = createOperator({
        client: operatorClient,
        settings: readSettings({ NAMESPACES: namespace }),
        log,
        ...options,
      });
      operators.push(operator);
      await operator.start();
      return operator;
    },
    async stopOperators(): Promise<void> {
      await Promise.all(operators.splice(0).map((operator) => operator.stop()));
    },
    create: (object: JupyterServer) =>
      clusterOf().client.create(jupyterServers, clusterOf().namespace, object, testDeadline()),
    patch: (name: string, body: object) =>
      clusterOf().client.mergePatch<JupyterServer>(jupyterServers, clusterOf().namespace, name, body, testDeadline()),
    remove: (name: string, propagationPolicy: 'Foreground' | 'Background' = 'Background') =>
      clusterOf().client.delete(jupyterServers, clusterOf().namespace, name, { propagationPolicy }, testDeadline()),
    /** Resolves with the session when `wanted` is true for it. */
    server,
    inState: (name: string, state: string) => server(name, ({ status }) => status?.state === state),
    /** Makes the session's pod healthy, as the kubelet would, and returns its uid. @param formerUid of a pod to ignore. */
    async makeHealthy(name: string, formerUid?: string): Promise<string> {
      const { metadata } = await clusterOf().when(
        pods,
        `${name}-0`,
        (object) => object !== undefined && !object.metadata.deletionTimestamp && object.metadata.uid !== formerUid,
      );
      await clusterOf().patchPodStatus(`${name}-0`, healthy);
      return metadata.uid ?? '';
    },
  };
}
