import type { JupyterServer, JupyterServerSpec } from '../../../src/jupyter-server/types.ts';
import type { MainPod } from '../../../src/operator/pod.ts';
import { type OperatorSettings, readSettings } from '../../../src/operator/settings.ts';
import type { PodStatus } from '../../../src/platform/kubernetes/objects.ts';

export const settings: OperatorSettings = readSettings({ NAMESPACES: 'sessions' });

export function jupyterServer(spec: JupyterServerSpec = {}, more: Partial<JupyterServer> = {}): JupyterServer {
  return {
    apiVersion: 'amalthea.dev/v1alpha1',
    kind: 'JupyterServer',
    ...more,
    metadata: {
      name: 'ada-flights-1a2b',
      namespace: 'sessions',
      uid: 'uid-of-server',
      resourceVersion: '10',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: 'jupyter', component: 'singleuser-server', 'renku.io/safe-username': 'ada' },
      ...more.metadata,
    },
    spec: { ...spec, routing: { host: 'sessions.example.org', path: '/sessions/ada-flights-1a2b', ...spec.routing } },
  };
}

export function pod(status: PodStatus, more: Partial<MainPod> = {}): MainPod {
  return {
    namespace: 'sessions',
    name: 'ada-flights-1a2b-0',
    uid: 'uid-of-pod',
    parentName: 'ada-flights-1a2b',
    parentUid: 'uid-of-server',
    createdAt: '2026-01-01T00:00:01Z',
    terminating: false,
    deletion: undefined,
    revision: undefined,
    containers: { init: ['git-clone'], regular: ['jupyter-server', 'oauth2-proxy'] },
    status,
    ...more,
  };
}

export const healthyStatus: PodStatus = {
  phase: 'Running',
  conditions: [
    { type: 'PodScheduled', status: 'True' },
    { type: 'Initialized', status: 'True' },
    { type: 'ContainersReady', status: 'True' },
    { type: 'Ready', status: 'True' },
  ],
  initContainerStatuses: [{ name: 'git-clone', ready: true, restartCount: 0, state: { terminated: { exitCode: 0 } } }],
  containerStatuses: [
    { name: 'jupyter-server', ready: true, restartCount: 0, state: { running: {} } },
    { name: 'oauth2-proxy', ready: true, restartCount: 0, state: { running: {} } },
  ],
};
