import type { JsonPatchOperation, JupyterServer } from '../../../src/jupyter-server/types.ts';

const podSpec = '/statefulset/spec/template/spec';
const patch = (...operations: JsonPatchOperation[]) => ({
  type: 'application/json-patch+json' as const,
  patch: operations,
});
const add = (path: string, value: unknown): JsonPatchOperation => ({ op: 'add', path, value });
const container = (list: 'containers' | 'initContainers', name: string) =>
  patch(
    add(`${podSpec}/${list}/-`, {
      name,
      image: `renku/${name}:1.18.1`,
      env: [{ name: 'TOKEN', value: 'in-the-clear' }],
    }),
  );

export const originalName = 'john-2edoe-my-2dproject-b54c96fb';

/**
 * A registered user's session of renku-notebooks 1.18.1 as the API server returns it (without nulls, with a status). It
 * has a bucket of each kind, and a patch with an operation without a value.
 */
export const originalSession: JupyterServer = {
  apiVersion: 'amalthea.dev/v1alpha1',
  kind: 'JupyterServer',
  metadata: {
    name: originalName,
    namespace: 'renku',
    uid: 'uid-of-original',
    resourceVersion: '11',
    generation: 4,
    creationTimestamp: '2023-09-11T10:00:00Z',
    labels: {
      app: 'jupyter',
      component: 'singleuser-server',
      'renku.io/commit-sha': '0123456789abcdef',
      'renku.io/gitlabProjectId': '42',
      'renku.io/safe-username': 'john-2edoe',
      'renku.io/quota': '',
      'renku.io/userId': 'uuid-john',
      'renku.io/schemaVersion': '1',
    },
    annotations: {
      'renku.io/commit-sha': '0123456789abcdef',
      'renku.io/gitlabProjectId': '42',
      'renku.io/safe-username': 'john-2edoe',
      'renku.io/username': 'john.doe',
      'renku.io/userId': 'uuid-john',
      'renku.io/servername': originalName,
      'renku.io/branch': 'feature/x',
      'renku.io/git-host': 'gitlab.example.org',
      'renku.io/namespace': 'my-group',
      'renku.io/projectName': 'my-project',
      'renku.io/requested-image': '',
      'renku.io/repository': 'https://gitlab.example.org/My-Group/My-Project',
      'kopf.zalando.org/last-handled-configuration': '{"spec":{"auth":{"token":""}}}',
    },
  },
  spec: {
    auth: {
      token: '',
      oidc: {
        enabled: true,
        clientId: 'renku-jupyterserver',
        clientSecret: { value: 'in-the-clear' },
        issuerUrl: 'https://renku.example.org/auth/realms/Renku',
        authorizedEmails: ['john@example.org'],
      },
    },
    culling: { idleSecondsThreshold: 86_400, maxAgeSecondsThreshold: 0 },
    jupyterServer: {
      defaultUrl: '/lab',
      image: 'registry.example.org/my-group/my-project:0123456',
      rootDir: '/home/jovyan/work/My-Project/',
      resources: { requests: { memory: 1e9, cpu: 0.1 }, limits: { memory: 1e9 } },
    },
    routing: {
      host: 'renku.example.org',
      path: `/sessions/${originalName}`,
      tls: { enabled: true, secretName: 'tls' },
    },
    storage: { size: 1e9, pvc: { enabled: true, mountPath: '/home/jovyan/work' } },
    patches: [
      patch({ op: 'test', path: `${podSpec}/containers/0/name`, value: 'jupyter-server' }),
      patch({ op: 'test', path: `${podSpec}/containers/1/name`, value: 'oauth2-proxy' }),
      patch(add(`${podSpec}/containers/0/env/-`, { name: 'GIT_AUTOSAVE', value: '1' })),
      patch({ op: 'remove', path: `${podSpec}/schedulerName` }),
      container('containers', 'git-proxy'),
      container('containers', 'git-sidecar'),
      patch(
        add(`/${originalName}-ds-0`, {
          apiVersion: 'com.ie.ibm.hpsys/v1alpha1',
          kind: 'Dataset',
          spec: { local: { type: 'COS', endpoint: 'https://s3.example.org', bucket: 'open-data' } },
        }),
      ),
      patch(
        add(`/${originalName}-ds-1-pv`, {
          kind: 'PersistentVolume',
          metadata: { annotations: { 'renku.io/endpoint': 'https://account1.blob.core.windows.net' } },
          spec: { csi: { driver: 'blob.csi.azure.com', volumeAttributes: { containerName: 'container' } } },
        }),
      ),
      container('initContainers', 'init-certificates'),
      container('initContainers', 'download-image'),
      container('initContainers', 'git-clone'),
    ],
  },
  status: { children: {}, mainPod: {} },
};

/** A session that was made by hand for Amalthea, as in its documentation, with defaults only. */
export const bareSession: JupyterServer = {
  apiVersion: 'amalthea.dev/v1alpha1',
  kind: 'JupyterServer',
  metadata: { name: 'bare', namespace: 'renku', uid: 'uid-of-bare', creationTimestamp: '2023-09-11T10:00:00Z' },
  spec: { routing: { host: 'renku.example.org' }, auth: {}, jupyterServer: {}, storage: {} },
  status: {
    state: 'running',
    startingSince: '2023-09-11T10:00:01+00:00',
    containerStates: { regular: { 'jupyter-server': 'ready', 'passthrough-proxy': 'ready' } },
    create_fn: { fullServerURL: 'https://renku.example.org' },
    mainPod: {
      uid: 'u',
      name: 'bare-0',
      kind: 'Pod',
      apiVersion: 'v1',
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2023-09-11T10:00:09Z' }],
        containerStatuses: [
          {
            name: 'jupyter-server',
            ready: true,
            restartCount: 1,
            state: { running: { startedAt: '2023-09-11T10:00:05Z' } },
            lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
          },
        ],
        initContainerStatuses: [{ name: 'git-clone', state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
      },
      resourceUsage: { cpuMillicores: 12.5, memoryBytes: 1e8, disk: {} },
    },
    events: { statefulset: { timestamp: '2023-09-11T10:00:02+00:00' } },
    kopf: { progress: {} },
  },
};
