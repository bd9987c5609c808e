import { isDeepStrictEqual } from 'node:util';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { at, ensureObject, isObject, type JsonObject, type StoredObject, setDefault } from '../json.ts';
import { parseLabelSelector } from '../selectors.ts';
import type { Kind } from './kind.ts';
import { completePodSpec, objects, podSpecProblems } from './pod-spec.ts';
import type { Schema } from './schema.ts';
import { anything, flag, integer, list, quantity, record, takeShape, text, textMap, withDefault } from './shape.ts';

const amounts: Schema = { type: 'object', additionalProperties: quantity };
const port = record({ name: text, containerPort: integer, protocol: withDefault(text, 'TCP') });
const mount = record({ name: text, mountPath: text, subPath: text, readOnly: flag });
const container = record({
  name: text,
  image: text,
  command: list(text),
  args: list(text),
  workingDir: text,
  env: list(record({ name: text, value: text, valueFrom: record({}) })),
  envFrom: list(record({})),
  ports: list(port),
  volumeMounts: list(mount),
  resources: withDefault(record({ requests: amounts, limits: amounts }), {}),
  imagePullPolicy: text,
  terminationMessagePath: withDefault(text, '/dev/termination-log'),
  terminationMessagePolicy: withDefault(text, 'File'),
});
const podSpec = record({
  containers: list(container),
  initContainers: list(container),
  volumes: list(record({ name: text })),
  imagePullSecrets: list(record({ name: text })),
  nodeName: text,
  nodeSelector: textMap,
  tolerations: list(record({})),
  affinity: record({}),
  restartPolicy: withDefault(text, 'Always'),
  terminationGracePeriodSeconds: withDefault(integer, 30),
  dnsPolicy: withDefault(text, 'ClusterFirst'),
  schedulerName: withDefault(text, 'default-scheduler'),
  enableServiceLinks: flag,
  securityContext: withDefault(record({}), {}),
});
const podShape = record({ spec: podSpec, status: record({ phase: text, conditions: list(record({})) }) });
const statefulSetShape = record({
  spec: record({
    replicas: withDefault(integer, 1),
    serviceName: text,
    podManagementPolicy: withDefault(text, 'OrderedReady'),
    revisionHistoryLimit: withDefault(integer, 10),
    updateStrategy: withDefault(
      record({
        type: withDefault(text, 'RollingUpdate'),
        rollingUpdate: withDefault(record({ partition: withDefault(integer, 0) }), {}),
      }),
      {},
    ),
    persistentVolumeClaimRetentionPolicy: withDefault(
      record({ whenDeleted: withDefault(text, 'Retain'), whenScaled: withDefault(text, 'Retain') }),
      {},
    ),
    selector: record({ matchLabels: textMap, matchExpressions: list(record({ key: text, operator: text })) }),
    template: record({
      metadata: record({ labels: textMap, annotations: textMap }),
      spec: podSpec,
    }),
    volumeClaimTemplates: list(anything),
  }),
  status: record({ replicas: integer }),
});

/** `nodeName`: the one node of this cluster. A new pod is bound to it at once, for there is nothing to schedule. */
export function podKind(nodeName: string): Kind {
  return {
    resource: resource.pods,
    kind: 'Pod',
    singular: 'pod',
    shortNames: ['po'],
    categories: ['all'],
    namespaced: true,
    statusSubresource: true,
    generation: true,
    unconditionalUpdate: true,
    selfDescribing: false,
    returnsDeleted: true,
    nameRule: 'subdomain',
    selectableFields: [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.serviceAccountName',
      'status.phase',
      'status.podIP',
    ],
    admit(pod, old) {
      takeShape(pod, podShape);
      if (!isObject(pod['spec'])) return [fieldError.required('spec.containers')];
      completePodSpec(pod['spec']);
      if (old === undefined) {
        setDefault(pod['spec'], 'nodeName', nodeName);
        pod['status'] = { phase: 'Pending', qosClass: qosClass(pod['spec']) };
      }
      return [...podSpecProblems(pod['spec'], 'spec'), ...podUpdateProblems(pod, old)];
    },
  };
}

export const statefulSetKind: Kind = {
  resource: resource.statefulSets,
  kind: 'StatefulSet',
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  statusSubresource: true,
  generation: true,
  unconditionalUpdate: true,
  selfDescribing: false,
  returnsDeleted: false,
  nameRule: 'label',
  selectableFields: [],
  admit(statefulSet, old) {
    takeShape(statefulSet, statefulSetShape);
    const spec = ensureObject(statefulSet, 'spec');
    if (old === undefined) statefulSet['status'] = { replicas: 0, availableReplicas: 0 };
    const problems = [...selectorProblems(spec), ...statefulSetUpdateProblems(spec, old)];
    const replicas = spec['replicas'];
    if (typeof replicas === 'number' && replicas < 0) {
      problems.push(fieldError.invalid('spec.replicas', replicas, 'must be greater than or equal to 0'));
    }
    for (const [field, known] of CHOICES) {
      const value = at(spec, ...field.split('.'));
      if (!known.includes(String(value))) {
        // The strategy is told of as a whole.
        const place = `spec.${field.split('.', 1)[0]}`;
        problems.push(fieldError.invalid(place, value, `must be ${known.map((name) => `'${name}'`).join(' or ')}`));
      }
    }
    const template = at(spec, 'template', 'spec');
    if (!isObject(template)) return [...problems, fieldError.required('spec.template.spec.containers')];
    completePodSpec(template);
    problems.push(...podSpecProblems(template, 'spec.template.spec'));
    if (['OnFailure', 'Never'].includes(String(template['restartPolicy']))) {
      problems.push(fieldError.notSupported('spec.template.spec.restartPolicy', template['restartPolicy'], ['Always']));
    }
    return problems;
  },
};

/** Of a pod's spec only images, tolerations and deadlines may change, and the node may be set once. */
function podUpdateProblems(pod: StoredObject, old: StoredObject | undefined): FieldError[] {
  if (old === undefined) return [];
  const fixed = (object: StoredObject): unknown => {
    const spec = { ...(object['spec'] as JsonObject) };
    for (const field of ['tolerations', 'activeDeadlineSeconds', 'terminationGracePeriodSeconds']) delete spec[field];
    if (!at(old, 'spec', 'nodeName')) delete spec['nodeName'];
    for (const field of ['containers', 'initContainers']) {
      if (spec[field] !== undefined) spec[field] = objects(spec[field]).map((entry) => ({ ...entry, image: '' }));
    }
    return spec;
  };
  if (isDeepStrictEqual(fixed(pod), fixed(old))) return [];
  return [
    fieldError.forbidden('spec', 'pod updates may not change fields other than images, tolerations and deadlines'),
  ];
}

const CHOICES: readonly [field: string, known: readonly string[]][] = [
  ['podManagementPolicy', ['OrderedReady', 'Parallel']],
  ['updateStrategy.type', ['RollingUpdate', 'OnDelete']],
];

const MUTABLE_STATEFUL_SET_FIELDS = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

function statefulSetUpdateProblems(spec: JsonObject, old: StoredObject | undefined): FieldError[] {
  if (old === undefined) return [];
  const before: JsonObject = { ...(old['spec'] as JsonObject) };
  const after: JsonObject = { ...spec };
  for (const field of MUTABLE_STATEFUL_SET_FIELDS) {
    delete before[field];
    delete after[field];
  }
  if (isDeepStrictEqual(before, after)) return [];
  const fields = MUTABLE_STATEFUL_SET_FIELDS.map((field) => `'${field}'`).join(', ');
  return [fieldError.forbidden('spec', `updates to statefulset spec for fields other than ${fields} are forbidden`)];
}

function selectorProblems(spec: JsonObject): FieldError[] {
  const selector = spec['selector'];
  if (!isObject(selector)) return [fieldError.required('spec.selector')];
  const labels = Object.entries(isObject(selector['matchLabels']) ? selector['matchLabels'] : {});
  const hasExpressions = objects(selector['matchExpressions']).length > 0;
  if (labels.length === 0 && !hasExpressions) {
    return [fieldError.invalid('spec.selector', selector, 'empty selector is invalid for statefulset')];
  }
  const matches = parseLabelSelector(labels.map(([key, value]) => `${key}=${String(value)}`).join(','));
  const templateLabels = at(spec, 'template', 'metadata', 'labels') ?? {};
  if (matches(templateLabels)) return [];
  return [
    fieldError.invalid('spec.template.metadata.labels', templateLabels, '`selector` does not match template `labels`'),
  ];
}

function qosClass(spec: JsonObject): 'BestEffort' | 'Burstable' | 'Guaranteed' {
  const all = [...objects(spec['containers']), ...objects(spec['initContainers'])].map((entry) => entry['resources']);
  const bounds = all.map((resources) => [at(resources, 'requests') ?? {}, at(resources, 'limits') ?? {}] as const);
  if (bounds.every(([requests, limits]) => !isNonEmpty(requests) && !isNonEmpty(limits))) return 'BestEffort';
  const guaranteed = bounds.every(([requests, limits]) =>
    ['cpu', 'memory'].every(
      (name) => at(limits, name) !== undefined && at(limits, name) === (at(requests, name) ?? at(limits, name)),
    ),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

const isNonEmpty = (value: unknown): boolean => isObject(value) && Object.keys(value).length > 0;
