import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pino from 'pino';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { Deadline } from '../../src/lib/deadline.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import { createListWatchCache } from '../../src/platform/kubernetes/list-watch-cache.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import { createTransport } from '../../src/platform/kubernetes/transport.ts';
import type { KubernetesConnection, ResourceType } from '../../src/platform/kubernetes/types.ts';
import { createAccount, readRoles } from './accounts.ts';
import { openApiServer } from './api-server-under-test.ts';

/** A namespace of a Kubernetes API server, real or embedded. */
export interface ClusterUnderTest {
  readonly embedded: boolean;
  readonly client: KubernetesConnection;
  /** Path of the file. */
  readonly kubeconfig: string;
  /**
   * Contents of kubeconfigs. On a real API server, their users have only the roles of the program; the embedded API server
   * has one user.
   */
  readonly serviceKubeconfig: string;
  readonly operatorKubeconfig: string;
  /** A client with `operatorKubeconfig`. */
  readonly operatorClient: KubernetesConnection;
  readonly namespace: string;
  /** Resolves with the object when `wanted` is true for it. `wanted` gets undefined while there is no object. */
  when<T extends KubernetesObject>(
    type: ResourceType,
    name: string,
    wanted: (object: T | undefined) => boolean,
  ): Promise<T>;
  /** Merges `status` into the pod's status, as the kubelet does. */
  patchPodStatus(name: string, status: object): Promise<void>;
  close(): Promise<void>;
}

/** Returns a deadline for one call to the API server: 60 s. */
export const testDeadline = () => Deadline.after(60_000);

const log = pino({ level: 'silent' });

/** Creates a namespace on the API server of `openApiServer`, embedded or real. */
export async function openClusterUnderTest(): Promise<ClusterUnderTest> {
  const server = await openApiServer();
  const kubeconfig = await parseKubeConfig(readFileSync(server.kubeconfig, 'utf8'));
  const client = createKubernetesClient({ kubeconfig, log });
  const transport = createTransport({ kubeconfig, log });
  const namespace = `test-${randomBytes(4).toString('hex')}`;
  const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await client.create(resource.namespaces, '', manifest, testDeadline());

  const kubeconfigFor = (program: 'service' | 'operator') =>
    server.embedded
      ? readFileSync(server.kubeconfig, 'utf8')
      : createAccount(transport, server.kubeconfig, namespace, program, readRoles(program));
  const serviceKubeconfig = await kubeconfigFor('service');
  const operatorKubeconfig = await kubeconfigFor('operator');
  const operatorClient = createKubernetesClient({ kubeconfig: await parseKubeConfig(operatorKubeconfig), log });

  const waiting = new Set<() => void>();
  const types = [jupyterServers, resource.services, resource.configMaps, resource.statefulSets, resource.pods];
  const caches = new Map(
    types.map((type) => [
      type as ResourceType,
      createListWatchCache<KubernetesObject>({
        client,
        type,
        namespaces: [namespace],
        project: (raw) => raw,
        onChange: () => {
          for (const check of waiting) check();
        },
        log,
      }),
    ]),
  );
  await Promise.all([...caches.values()].map((cache) => cache.start()));

  return {
    embedded: server.embedded,
    client,
    kubeconfig: server.kubeconfig,
    serviceKubeconfig,
    operatorKubeconfig,
    operatorClient,
    namespace,
    when: <T extends KubernetesObject>(type: ResourceType, name: string, wanted: (object: T | undefined) => boolean) =>
      new Promise<T>((resolve, reject) => {
        const current = () => caches.get(type)?.get(namespace, name) as T | undefined;
        const timer = setTimeout(() => {
          waiting.delete(check);
          const last = JSON.stringify(current(), null, 1);
          reject(new Error(`${type.plural} ${name} did not reach the expected state: ${last}`));
        }, 90_000);
        const check = () => {
          const object = current();
          if (!wanted(object)) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve(object as T);
        };
        waiting.add(check);
        check();
      }),
    async patchPodStatus(name, status) {
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
      const body = { contentType: 'application/merge-patch+json', text: JSON.stringify({ status }) };
      await transport.request(
        { describe: 'patch pod status', method: 'PATCH', path, body, limitBytes: 1e7 },
        testDeadline(),
      );
    },
    async close() {
      await Promise.all([...caches.values()].map((cache) => cache.stop()));
      await client.delete(resource.namespaces, '', namespace, {}, testDeadline());
      await Promise.all([client.close(), operatorClient.close()]);
      await transport.close();
      await server.close();
    },
  };
}

/** Returns a session with the required fields and those of the test. */
export function jupyterServer(
  name: string,
  spec: JupyterServer['spec'] = {},
  metadata: JupyterServer['metadata'] = {},
): JupyterServer {
  return {
    apiVersion: 'amalthea.dev/v1alpha1',
    kind: 'JupyterServer',
    metadata: { ...metadata, name },
    spec: { ...spec, routing: { host: 'localhost:8000', path: `/sessions/${name}`, ...spec.routing } },
  };
}
