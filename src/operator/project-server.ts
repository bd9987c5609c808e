import { validStatus } from '../jupyter-server/status.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { ObjectMeta } from '../platform/kubernetes/objects.ts';
import type { ResourceType } from '../platform/kubernetes/types.ts';
import type { StringPool } from './string-pool.ts';

/** Kopf's copy of the whole object, in objects that Amalthea has reconciled. */
const kopfCopy = 'kopf.zalando.org/last-handled-configuration';

/**
 * Returns the function that converts a JupyterServer for the cache: with apiVersion and kind, which the items of a list do not
 * have but owner references need, with valid values in its status, and without managedFields and Kopf's copy. The patches, which
 * are the largest part of the object, are needed only to create children, so a session whose children exist has none in the cache.
 */
export function projectServer(
  { group, version }: ResourceType,
  pool: StringPool,
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

function withoutCopies(raw: ObjectMeta, pool: StringPool): ObjectMeta {
  const { managedFields: _, ...metadata }: ObjectMeta & { managedFields?: unknown } = raw;
  const { [kopfCopy]: _copy, ...annotations } = metadata.annotations ?? {};
  return {
    ...metadata,
    ...(metadata.labels ? { labels: pool.share(metadata.labels) } : {}),
    ...(metadata.annotations ? { annotations: pool.share(annotations) } : {}),
  };
}
