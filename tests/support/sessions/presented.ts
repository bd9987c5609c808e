import type { NotebookResponse } from '../../../src/generated/openapi.ts';
import { fromJupyterServer } from '../../../src/jupyter-server/session.ts';
import type { JupyterServer, JupyterServerStatus } from '../../../src/jupyter-server/types.ts';
import type { ContainerStatus, PodStatus } from '../../../src/platform/kubernetes/objects.ts';
import { presentSession } from '../../../src/sessions/presentation/present.ts';
import { testConfig } from './config.ts';

export const name = 'john-doe-my-project-3rdkwftvh3lixjsc';
export const created = Date.parse('2023-09-11T10:00:00Z');

export const launched: JupyterServer = {
  metadata: {
    name,
    namespace: 'renku',
    uid: 'uid-1',
    resourceVersion: '7',
    creationTimestamp: '2023-09-11T10:00:00Z',
    labels: { 'renku.io/safe-username': 'john-2edoe' },
    annotations: {
      'renku.io/branch': 'feature/x',
      'renku.io/commit-sha': '0123456789abcdef',
      'renku.io/git-host': 'gitlab.example.org',
      'renku.io/gitlabProjectId': '42',
      'renku.io/namespace': 'my-group',
      'renku.io/projectName': 'my-project',
      'renku.io/repository': 'https://gitlab.example.org/My-Group/My-Project',
      'renku.io/servername': name,
      'renku.io/username': 'john.doe',
      'renku.io/userId': 'uuid-john',
      'renku.io/requested-image': '',
      'notebook-sessions.io/credentials-secret': `${name}-credentials`,
    },
  },
  spec: {
    auth: { token: '', oidc: { enabled: true } },
    culling: { idleSecondsThreshold: 0, maxAgeSecondsThreshold: 0 },
    jupyterServer: {
      image: 'registry.example.org/my-group/my-project:0123456',
      resources: { requests: { cpu: 0.1, memory: 1e9 } },
    },
    routing: { host: 'renku.example.org', path: `/sessions/${name}`, tls: { enabled: true } },
    storage: { size: 1e9 },
    patches: [
      { type: 'application/json-patch+json', patch: [{ op: 'test', path: '/statefulset', value: null }] },
      ...['init-certificates', 'download-image', 'git-clone', 'unknown'].map((container) => ({
        type: 'application/json-patch+json' as const,
        patch: [
          {
            op: 'add' as const,
            path: '/statefulset/spec/template/spec/initContainers/-',
            value: { name: container, image: 'x' },
          },
        ],
      })),
    ],
  },
};

export function present(
  status: JupyterServerStatus,
  change: Partial<JupyterServer> = {},
  secondsLater = 10,
): NotebookResponse {
  const server = { ...launched, ...change, metadata: { ...launched.metadata, ...change.metadata }, status };
  return presentSession(fromJupyterServer(server), testConfig(), created + secondsLater * 1000);
}

export const messageOf = (status: JupyterServerStatus, secondsLater?: number): string | null | undefined =>
  present(status, {}, secondsLater).status.message;

export const inPod = (pod: PodStatus, state: 'starting' | 'failed' = 'failed'): JupyterServerStatus => ({
  state,
  mainPod: { name: `${name}-0`, status: pod },
});

export const exited = (
  container: string,
  exitCode: number,
  when: 'state' | 'lastState' = 'state',
): ContainerStatus => ({
  name: container,
  [when]: { terminated: { exitCode } },
});
