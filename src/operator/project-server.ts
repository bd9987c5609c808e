import { isDeepStrictEqual } from 'node:util';
import { validStatus } from '../jupyter-server/status.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { ObjectMeta } from '../platform/kubernetes/objects.ts';
import type { ResourceType } from '../platform/kubernetes/types.ts';
import type { MainPod } from './pod.ts';
import type { ValuePool } from './value-pool.ts';

/** Kopf's copy of the whole object, in objects that Amalthea has reconciled. */
const kopfCopy = 'kopf.zalando.org/last-handled-configuration';

/**
 * Returns the function that converts a JupyterServer for the cache: with apiVersion and kind, which the items of a list do not
 * have but owner references need, with valid values in its status, and without managedFields and Kopf's copy. The patches, which
 * are the largest part of the object, are needed only to create children, so a session whose children exist has none in the cache.
 */
export function projectServer(
  { group, version }: ResourceType,
  pool: ValuePool,
): (raw: JupyterServer) => JupyterServer {
  return (raw) => {
    const status = validStatus(raw.status);
    const { patches, ...spec } = raw.spec ?? {};
    const isCreated = Object.keys(status?.create_fn?.createdResources ?? {}).length > 0;
    const kept = patches !== undefined && isCreated ? spec : raw.spec;
    return {
      apiVersion: `${group}/${version}`,
      kind: 'JupyterServer',
      metadata: withoutCopies(raw.metadata, pool),
      ...(kept ? { spec: isCreated ? pool.share(kept) : kept } : {}),
      ...(status ? { status: pool.share(status) } : {}),
    };
  };
}

/** Returns the JupyterServer with the status of its pod as the same object, if both are equal, so that the caches have it once. */
export function withStatusOf(server: JupyterServer, pod: Pick<MainPod, 'status'> | undefined): JupyterServer {
  const { mainPod } = server.status ?? {};
  if (!pod || !mainPod || !isDeepStrictEqual(mainPod.status, pod.status)) return server;
  return { ...server, status: { ...server.status, mainPod: { ...mainPod, status: pod.status } } };
}

function withoutCopies(raw: ObjectMeta, pool: ValuePool): ObjectMeta {
  const { managedFields: _, ...metadata }: ObjectMeta & { managedFields?: unknown } = raw;
  const { [kopfCopy]: _copy, ...annotations } = metadata.annotations ?? {};
  return {
    ...metadata,
    ...(metadata.labels ? { labels: pool.share(metadata.labels) } : {}),
    ...(metadata.annotations ? { annotations: pool.share(annotations) } : {}),
  };
}
