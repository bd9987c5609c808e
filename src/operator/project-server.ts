import { annotation, label } from '../jupyter-server/labels.ts';
import { validStatus } from '../jupyter-server/status.ts';
import type { JupyterServer, JupyterServerSpec, JupyterServerStatus } from '../jupyter-server/types.ts';
import type { ObjectMeta } from '../platform/kubernetes/objects.ts';
import type { ResourceType } from '../platform/kubernetes/types.ts';
import { ownedFields } from './status.ts';
import type { StringPool } from './string-pool.ts';

/** Kopf's copy of the whole object, in objects that Amalthea has reconciled. */
const kopfCopy = 'kopf.zalando.org/last-handled-configuration';

/** The annotations and labels that the operator reads of a session whose children exist. */
const annotationsRead = [
  annotation.lastActivityDate,
  annotation.culling,
  annotation.restartedPod,
  annotation.userId,
  annotation.hibernation,
  annotation.hibernationBranch,
  annotation.hibernationCommitSha,
  annotation.hibernationDirty,
  annotation.hibernationSynchronized,
  annotation.hibernationDate,
  annotation.agentSecret,
  annotation.mayPush,
  annotation.stopRequest,
  annotation.savedWork,
];
const labelsRead = [label.owner, label.userId];

/**
 * Returns the function that converts a JupyterServer for the cache: with apiVersion and kind, which the items of a list do not
 * have but owner references need, with valid values in its status, and without managedFields, Kopf's copy and the status of other
 * programs. Only the creation of children needs the whole spec and all labels, so the cache has only the fields that the operator
 * reads of a session whose children exist; a child that is created again needs a call.
 */
export function projectServer(
  { group, version }: ResourceType,
  pool: StringPool,
): (raw: JupyterServer) => JupyterServer {
  return (raw: JupyterServer) => {
    const status = ownStatus(raw.status);
    const isCreated = Object.keys(status?.create_fn?.createdResources ?? {}).length > 0;
    const spec = isCreated ? specRead(raw.spec ?? {}) : raw.spec;
    return {
      apiVersion: `${group}/${version}`,
      kind: 'JupyterServer',
      metadata: isCreated ? metadataRead(raw.metadata) : withoutCopies(raw.metadata),
      ...(spec ? { spec } : {}),
      ...(status ? { status: pool.share(status) } : {}),
    };
  };
}

/** Returns the valid values of the fields that the operator writes. */
function ownStatus(raw: JupyterServerStatus | undefined): JupyterServerStatus | undefined {
  const status = validStatus(raw);
  return (
    status &&
    Object.fromEntries(ownedFields.flatMap((field) => (Object.hasOwn(status, field) ? [[field, status[field]]] : [])))
  );
}

function withoutCopies(raw: ObjectMeta): ObjectMeta {
  const { managedFields: _, ...metadata }: ObjectMeta & { managedFields?: unknown } = raw;
  const { [kopfCopy]: _copy, ...annotations } = metadata.annotations ?? {};
  return metadata.annotations ? { ...metadata, annotations } : metadata;
}

function metadataRead(raw: ObjectMeta): ObjectMeta {
  const { labels, annotations, ...metadata } = withoutCopies(raw);
  return { ...metadata, labels: only(labels, labelsRead), annotations: only(annotations, annotationsRead) };
}

const only = (values: Record<string, string> = {}, keys: readonly string[]): Record<string, string> =>
  Object.fromEntries(keys.flatMap((key) => (values[key] === undefined ? [] : [[key, values[key]]])));

function specRead({ auth, culling, jupyterServer, routing, storage }: JupyterServerSpec): JupyterServerSpec {
  const { hibernated, resources } = jupyterServer ?? {};
  const { host, path, tls } = routing ?? {};
  return {
    auth: {
      ...(auth?.token === undefined ? {} : { token: auth.token }),
      ...(auth?.oidc?.enabled === undefined ? {} : { oidc: { enabled: auth.oidc.enabled } }),
    },
    ...(culling ? { culling } : {}),
    jupyterServer: { ...(hibernated === undefined ? {} : { hibernated }), ...(resources ? { resources } : {}) },
    routing: {
      ...(host === undefined ? {} : { host }),
      ...(path === undefined ? {} : { path }),
      ...(tls ? { tls } : {}),
    },
    ...(storage ? { storage } : {}),
  };
}
