import { resource } from '../../../platform/kubernetes/resources.ts';
import type { ResourceType } from '../../../platform/kubernetes/types.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { at, isObject, setDefault } from '../json.ts';
import { configMapKind, secretKind } from './configuration.ts';
import { type JupyterServerDefinition, jupyterServerDefinition } from './jupyter-servers.ts';
import type { Kind } from './kind.ts';
import { ingressKind, serviceKind } from './networking.ts';
import { integer, list, microTime, record, takeShape, text, time, withDefault } from './shape.ts';
import { persistentVolumeClaimKind } from './storage.ts';
import { podKind, statefulSetKind } from './workloads.ts';

const common = {
  shortNames: [],
  categories: [],
  namespaced: true,
  statusSubresource: false,
  generation: false,
  unconditionalUpdate: true,
  selfDescribing: false,
  returnsDeleted: false,
  nameRule: 'subdomain',
  selectableFields: [],
} as const;

const eventShape = record({
  involvedObject: record({ kind: text, namespace: text, name: text, uid: text, apiVersion: text, fieldPath: text }),
  reason: text,
  message: text,
  type: text,
  count: integer,
  firstTimestamp: time,
  lastTimestamp: time,
  eventTime: microTime,
  source: withDefault(record({ component: text, host: text }), {}),
});

const eventKind: Kind = {
  ...common,
  resource: resource.events,
  kind: 'Event',
  singular: 'event',
  shortNames: ['ev'],
  selectableFields: [
    ...['apiVersion', 'fieldPath', 'kind', 'name', 'namespace', 'resourceVersion', 'uid'].map(
      (field) => `involvedObject.${field}`,
    ),
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  admit(event) {
    takeShape(event, eventShape);
    const about = String(at(event, 'involvedObject', 'namespace') ?? '');
    const here = event.metadata.namespace ?? '';
    if (about === here || (about === '' && here === 'default')) return [];
    return [fieldError.invalid('involvedObject.namespace', about, 'does not match event.namespace')];
  },
};

const namespaceShape = record({
  spec: withDefault(record({ finalizers: list(text) }), {}),
  status: withDefault(record({ phase: text }), {}),
});

const namespaceKind: Kind = {
  ...common,
  resource: resource.namespaces,
  kind: 'Namespace',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  statusSubresource: true,
  nameRule: 'label',
  selectableFields: ['status.phase'],
  admit(namespace, old) {
    takeShape(namespace, namespaceShape);
    if (old === undefined) {
      namespace['spec'] = { finalizers: ['kubernetes'] };
      namespace['status'] = { phase: 'Active' };
    } else if (isObject(namespace['spec']) && namespace.metadata.deletionTimestamp === undefined) {
      setDefault(namespace['spec'], 'finalizers', ['kubernetes']);
    }
    // Selecting a namespace by its name in policies relies on this label.
    const { name = '', labels = {} } = namespace.metadata;
    namespace.metadata.labels = { ...labels, 'kubernetes.io/metadata.name': name };
    return [];
  },
};

const leaseShape = record({
  spec: record({
    holderIdentity: text,
    leaseDurationSeconds: integer,
    acquireTime: microTime,
    renewTime: microTime,
    leaseTransitions: integer,
  }),
});

const leaseKind: Kind = {
  ...common,
  resource: resource.leases,
  kind: 'Lease',
  singular: 'lease',
  unconditionalUpdate: false,
  admit(lease) {
    takeShape(lease, leaseShape);
    const problems: FieldError[] = [];
    for (const [field, least] of [
      ['leaseDurationSeconds', 1],
      ['leaseTransitions', 0],
    ] as const) {
      const value = at(lease, 'spec', field);
      if (typeof value === 'number' && value < least) {
        problems.push(fieldError.invalid(`spec.${field}`, value, `must be greater than or equal to ${least}`));
      }
    }
    return problems;
  },
};

export interface Kinds {
  all: readonly Kind[];
  jupyterServers: JupyterServerDefinition;
  pods: Kind;
  namespaces: Kind;
  events: Kind;
  /** undefined for a resource that this server does not have. */
  of(type: ResourceType): Kind | undefined;
}

/** All kinds that this server stores. `nodeName` is the node that pods are bound to. */
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
  const byResource = new Map<string, Kind>(all.map((kind) => [pathOf(kind.resource), kind]));
  return {
    all,
    jupyterServers,
    pods,
    namespaces: namespaceKind,
    events: eventKind,
    of: (type) => byResource.get(pathOf(type)),
  };
}

const pathOf = ({ group, version, plural }: ResourceType): string => `${group}/${version}/${plural}`;
