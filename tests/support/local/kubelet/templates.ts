import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { openCluster } from '../../../../src/local/api-server/open-cluster.ts';
import type { Store } from '../../../../src/local/api-server/store.ts';
import type { Images } from '../../../../src/local/images/types.ts';
import { createKubelet, type Kubelet } from '../../../../src/local/kubelet/kubelet.ts';
import type { EnvironmentVariable, StatefulSet } from '../../../../src/local/kubelet/types.ts';
import type { PythonEnvironment } from '../../../../src/local/python/types.ts';
import type { KubernetesObject } from '../../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../../src/platform/kubernetes/resources.ts';
import { python } from './python.ts';

export const namespace = 'sessions';
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** An "image" with a small web server that has Jupyter's status page, for tests that do not need Jupyter. */
export const serverImage = 'registry/server:1';
export const server: PythonEnvironment = {
  python,
  base: python,
  jupyter: [process.execPath, file('./server.mjs')],
  programs: [],
  sitePackages: [],
  versions: { python: '3', jupyterlab: '4', jupyter_server: '2', ipykernel: '6' },
  description: 'a server',
};

export const serverImages: Images = new Map([[serverImage, server]]);

export function openTestCluster(stateDir: string): Store {
  const cluster = openCluster({ path: join(stateDir, 'cluster.sqlite'), log: pino({ level: 'silent' }) });
  if (!cluster.get(resource.namespaces, '', namespace)) {
    cluster.create(resource.namespaces, '', { metadata: { name: namespace } });
  }
  return cluster;
}

export function createTestKubelet(cluster: Store, stateDir: string, marker: string, images: Images): Kubelet {
  return createKubelet({
    cluster,
    stateDir,
    environment: server,
    images,
    gitClone: file('./clone.mjs'),
    marker,
    log: pino({ level: 'silent' }),
  });
}

export interface SessionOptions {
  name: string;
  image?: string;
  /** Jupyter's token; empty for the session of a registered user. */
  token?: string;
  variables?: EnvironmentVariable[];
  cloneVariables?: EnvironmentVariable[];
  graceSeconds?: number;
  /** The liveness and startup limits in the template, in seconds. */
  livenessSeconds?: number;
  startupSeconds?: number;
}

const mountPath = '/home/jovyan/work';
export const basePath = (name: string): string => `/sessions/${name}`;

/** Returns the StatefulSet of a session, as the operator and the service create it. */
export function statefulSet(options: SessionOptions): StatefulSet {
  const { name, image = serverImage, variables = [], cloneVariables = [], graceSeconds = 30 } = options;
  const probe = (failureThreshold: number) => ({
    httpGet: { port: 8888, path: `${basePath(name)}/api/status` },
    periodSeconds: 1,
    failureThreshold,
  });
  return {
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      serviceName: name,
      ...{ selector: { matchLabels: { app: name } }, podManagementPolicy: 'Parallel' },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: graceSeconds,
          initContainers: [
            {
              name: 'init-certificates',
              image: 'certificates',
              volumeMounts: [{ name: 'etc-ssl-certs', mountPath: '/etc/ssl/certs/' }],
            },
            { name: 'download-image', image, command: ['sh', '-c'], args: ['exit 0'] },
            {
              name: 'git-clone',
              image: 'git-clone',
              env: [
                { name: 'GIT_CLONE_MOUNT_PATH', value: '/work/group/project' },
                { name: 'SSL_CERT_FILE', value: '/etc/ssl/certs/ca-certificates.crt' },
                ...cloneVariables,
              ],
              volumeMounts: [
                { name: 'workspace', mountPath: '/work' },
                { name: 'etc-ssl-certs', mountPath: '/etc/ssl/certs/', readOnly: true },
              ],
            },
          ],
          containers: [
            {
              name: 'jupyter-server',
              image,
              args: ['jupyter', 'notebook'],
              workingDir: `${mountPath}/group/project/`,
              env: [
                { name: 'SERVER_APP_TOKEN', valueFrom: { secretKeyRef: { name, key: 'jupyterServerAppToken' } } },
                { name: 'JUPYTER_CONFIG_PATH', value: `${mountPath}/.jupyter_config` },
                { name: 'NOTEBOOK_DIR', value: `${mountPath}/group/project` },
                ...variables,
              ],
              volumeMounts: [
                { name: 'workspace', mountPath },
                { name: 'jupyter-server-secrets', mountPath: '/etc/jupyter_server_secrets', readOnly: true },
                { name: 'jupyter-config', mountPath: `${mountPath}/.jupyter_config` },
                {
                  name: 'jupyter-config-server',
                  mountPath: `${mountPath}/.jupyter_config/jupyter_server_config.py`,
                  subPath: 'jupyter_server_config.py',
                },
              ],
              readinessProbe: probe(2),
              livenessProbe: probe(options.livenessSeconds ?? 60),
              startupProbe: probe(options.startupSeconds ?? 300),
            },
            { name: 'passthrough-proxy', image: 'traefik' },
          ],
          volumes: [
            {
              name: 'jupyter-server-secrets',
              secret: { secretName: name, items: [{ key: 'jupyterServerCookieSecret', path: 'cookie_secret' }] },
            },
            {
              name: 'jupyter-config-server',
              configMap: { name, items: [{ key: 'jupyter_server_config.py', path: 'jupyter_server_config.py' }] },
            },
            { name: 'jupyter-config', emptyDir: { sizeLimit: '2Mi' } },
            { name: 'workspace', persistentVolumeClaim: { claimName: name } },
            { name: 'etc-ssl-certs', emptyDir: { medium: 'Memory' } },
          ],
        },
      },
    },
  };
}

/** Creates the other children of the session: ConfigMap, Secret, claim. */
export function createRest(cluster: Store, { name, token = '' }: SessionOptions, defaultUrl = '/lab'): void {
  const config = [
    'import os',
    'c.ServerApp.ip = "0.0.0.0"',
    'c.ServerApp.port = 8888',
    'c.ServerApp.token = os.environ["SERVER_APP_TOKEN"]',
    'c.ServerApp.cookie_secret_file = "/etc/jupyter_server_secrets/cookie_secret"',
    'c.ServerApp.allow_origin = "http://localhost:8000"',
    `c.ServerApp.base_url = "${basePath(name)}"`,
    `c.ServerApp.root_dir = "${mountPath}/group/project"`,
    `c.ServerApp.default_url = "${defaultUrl}"`,
    'c.ServerApp.allow_remote_access = True',
    'c.ContentsManager.allow_hidden = True',
    '',
  ].join('\n');
  const metadata = { name, namespace };
  cluster.create<KubernetesObject & object>(resource.configMaps, namespace, {
    metadata,
    ...{ data: { 'jupyter_server_config.py': config } },
  });
  const secret = { jupyterServerAppToken: token, jupyterServerCookieSecret: randomBytes(32).toString('hex') };
  const data = Object.fromEntries(
    Object.entries(secret).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  cluster.create<KubernetesObject & object>(resource.secrets, namespace, { metadata, ...{ data } });
  cluster.create<KubernetesObject & object>(resource.persistentVolumeClaims, namespace, {
    metadata,
    ...{ spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  });
}

export function createSession(cluster: Store, options: SessionOptions): void {
  cluster.create(resource.statefulSets, namespace, statefulSet(options));
  createRest(cluster, options);
}

/** Deletes a session's objects, as the garbage collector does after its JupyterServer was deleted. */
export function deleteSession(cluster: Store, name: string): void {
  cluster.delete(resource.statefulSets, namespace, name);
  for (const type of [resource.configMaps, resource.secrets, resource.persistentVolumeClaims]) {
    cluster.delete(type, namespace, name);
  }
}
