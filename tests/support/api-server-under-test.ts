import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { inject } from 'vitest';
import { createApiServer } from '../../src/local/api-server/api-server.ts';
import { openCluster } from '../../src/local/api-server/open-cluster.ts';
import { createEventRecorder } from '../../src/local/kubelet/events.ts';
import { startStatefulSetController } from '../../src/local/kubelet/statefulset-controller.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';

/** An API server with the controllers that sessions need and no node that runs pods. */
export interface ApiServerUnderTest {
  readonly embedded: boolean;
  /** A file, for a user with all permissions. */
  readonly kubeconfig: string;
  /** Removes the history: lists and watches from an older version get 410. */
  compact(): Promise<void>;
  close(): Promise<void>;
}

const log = pino({ level: 'silent' });

/**
 * Returns the real API server of the lane `cluster` or of the kubeconfig in TEST_KUBECONFIG, else an embedded one.
 * @param endsPods whether a deleted pod of the embedded server is removed at once, as a pod without a node is.
 */
export async function openApiServer({ endsPods = true } = {}): Promise<ApiServerUnderTest> {
  const controlPlane = inject('controlPlane');
  const kubeconfig = controlPlane?.kubeconfig ?? process.env['TEST_KUBECONFIG'];
  if (!kubeconfig) return openEmbedded(endsPods);
  return {
    embedded: false,
    kubeconfig,
    async compact() {
      if (controlPlane === undefined) throw new Error('only the control plane of the lane `cluster` can be compacted');
      const etcd = async (path: string, body: object): Promise<{ header?: { revision?: string } }> => {
        const response = await fetch(`${controlPlane.etcd}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
        if (!response.ok)
          throw new Error(`etcd responded with ${response.status} to ${path}: ${await response.text()}`);
        return (await response.json()) as { header?: { revision?: string } };
      };
      const { header } = await etcd('maintenance/status', {});
      await etcd('kv/compaction', { revision: header?.revision, physical: true });
    },
    close: () => Promise.resolve(),
  };
}

async function openEmbedded(endsPods: boolean): Promise<ApiServerUnderTest> {
  const cluster = openCluster({ path: ':memory:', log });
  const token = randomBytes(16).toString('hex');
  const api = createApiServer({ cluster, token, log });
  const endController = startStatefulSetController(
    cluster,
    createEventRecorder(cluster, 'statefulset-controller', log),
    log,
  );
  const endRemoval = cluster.watch(resource.pods, ({ type, object: { metadata } }) => {
    const { name = '', namespace = '', deletionTimestamp } = metadata;
    if (endsPods && type !== 'DELETED' && deletionTimestamp)
      cluster.delete(resource.pods, namespace, name, { gracePeriodSeconds: 0 });
  });
  const server = createServer(api.handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), 'api-server-under-test-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf({ server: `http://127.0.0.1:${port}` }, token), { mode: 0o600 });
  return {
    embedded: true,
    kubeconfig,
    compact: () => Promise.resolve(cluster.objects.compact()),
    async close() {
      endRemoval();
      endController();
      await api.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      cluster.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** The address of a server, as in a kubeconfig. */
export interface ClusterEntry {
  readonly server: string;
  /** PEM, base64. */
  readonly 'certificate-authority-data'?: string;
}

/** Returns a kubeconfig for one server and one user, as JSON, which is also YAML. */
export function kubeconfigOf(cluster: ClusterEntry, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}

/** Reads a kubeconfig that `kubeconfigOf` wrote. */
export function readKubeconfig(file: string): { cluster: ClusterEntry; token: string } {
  const { clusters, users } = JSON.parse(readFileSync(file, 'utf8')) as {
    clusters: [{ cluster: ClusterEntry }];
    users: [{ user: { token: string } }];
  };
  return { cluster: clusters[0].cluster, token: users[0].user.token };
}
