import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject } from '../../../lib/json.ts';
import { resource } from '../../../platform/kubernetes/resources.ts';
import type { ResourceType } from '../../../platform/kubernetes/types.ts';
import { fieldError } from '../field-errors.ts';
import { at, setDefault } from '../json.ts';
import { builtIn } from './built-in.ts';
import { configMapKind, secretKind } from './configuration.ts';
import { type JupyterServerDefinition, jupyterServerDefinition } from './jupyter-servers.ts';
import type { Kind } from './kind.ts';
import { ingressKind, serviceKind } from './networking.ts';
import { applyShape, integer, list, record, section, text, withDefault } from './shape.ts';
import { podKind, statefulSetKind } from './workloads.ts';

const eventShape = record({
  involvedObject: record({ kind: text, namespace: text, name: text, uid: text, apiVersion: text, fieldPath: text }),
  reason: text,
  message: text,
  type: text,
  count: integer,
  firstTimestamp: text,
  lastTimestamp: text,
  source: section({ component: text, host: text }),
});

const eventKind: Kind = {
  ...builtIn,
  resource: resource.events,
  kind: 'Event',
  singular: 'event',
  shortNames: ['ev'],
  selectableFields: [
    ...['apiVersion', 'fieldPath', 'kind', 'name', 'namespace', 'resourceVersion', 'uid'].map(
      (field) => `involvedObject.${field}`,
    ),
    'reason',
    'source',
    'type',
  ],
  admit(event) {
    const errors = applyShape(event, eventShape);
    const about = String(at(event, 'involvedObject', 'namespace') ?? '');
    const here = event.metadata.namespace ?? '';
    if (about === here || (about === '' && here === 'default')) return errors;
    return [...errors, fieldError.invalid('involvedObject.namespace', about, 'does not match event.namespace')];
  },
};

const namespaceShape = record({
  spec: section({ finalizers: list(text) }),
  status: section({ phase: text }),
});

const namespaceKind: Kind = {
  ...builtIn,
  resource: resource.namespaces,
  kind: 'Namespace',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  statusSubresource: true,
  nameRule: 'label',
  selectableFields: ['status.phase'],
  admit(namespace, old) {
    const errors = applyShape(namespace, namespaceShape);
    if (old === undefined) {
      namespace['spec'] = { finalizers: ['kubernetes'] };
      namespace['status'] = { phase: 'Active' };
    } else if (isObject(namespace['spec']) && namespace.metadata.deletionTimestamp === undefined) {
      setDefault(namespace['spec'], 'finalizers', ['kubernetes']);
    }
    // Network policies use this label to select a namespace by its name.
    const { name = '', labels = {} } = namespace.metadata;
    namespace.metadata.labels = { ...labels, 'kubernetes.io/metadata.name': name };
    return errors;
  },
};

const leaseShape = record({
  spec: record({ holderIdentity: text, leaseDurationSeconds: integer, acquireTime: text, renewTime: text }),
});

const leaseKind: Kind = {
  ...builtIn,
  resource: resource.leases,
  kind: 'Lease',
  singular: 'lease',
  unconditionalUpdate: false,
  admit: (lease) => applyShape(lease, leaseShape),
};

const claimShape = record({
  spec: section(
    {
      accessModes: list(text),
      storageClassName: text,
      volumeMode: withDefault(text, 'Filesystem'),
      volumeName: text,
      resources: record({ requests: record({}) }),
    },
    ['accessModes'],
  ),
  status: record({ phase: text }),
});

const persistentVolumeClaimKind: Kind = {
  ...builtIn,
  resource: resource.persistentVolumeClaims,
  kind: 'PersistentVolumeClaim',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  statusSubresource: true,
  returnsDeleted: true,
  admit(claim, old) {
    const errors = applyShape(claim, claimShape);
    const size = at(claim, 'spec', 'resources', 'requests', 'storage');
    if (size === undefined) errors.push(fieldError.required('spec.resources[storage]'));
    if (old === undefined) claim['status'] = { phase: 'Pending' };
    else if (!isDeepStrictEqual(immutableClaimSpec(claim['spec']), immutableClaimSpec(old['spec']))) {
      const why = 'spec is immutable after creation except resources.requests and volumeName';
      errors.push(fieldError.forbidden('spec', why));
    }
    return errors;
  },
};

function immutableClaimSpec(spec: unknown): JsonObject {
  const { resources: _resources, volumeName: _volumeName, ...immutable } = isObject(spec) ? spec : {};
  return immutable;
}

export interface Kinds {
  all: readonly Kind[];
  jupyterServers: JupyterServerDefinition;
  pods: Kind;
  namespaces: Kind;
  events: Kind;
  /** Returns undefined for a resource that this server does not have. */
  of(type: ResourceType): Kind | undefined;
}

/** Returns all kinds that this server stores. `nodeName` is the node that pods are bound to. */
export function makeKinds(nodeName: string): Kinds {
  const jupyterServers = jupyterServerDefinition();
  const pods = podKind(nodeName);
  const all = [
    configMapKind,
    eventKind,
    namespaceKind,
    persistentVolumeClaimKind,
    pods,
    secretKind,
    serviceKind,
    statefulSetKind,
    ingressKind,
    leaseKind,
    jupyterServers.kind,
  ];
  const byResource = new Map<string, Kind>(all.map((kind) => [keyOf(kind.resource), kind]));
  return {
    all,
    jupyterServers,
    pods,
    namespaces: namespaceKind,
    events: eventKind,
    of: (type) => byResource.get(keyOf(type)),
  };
}

const keyOf = ({ group, version, plural }: ResourceType): string => `${group}/${version}/${plural}`;
