import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject } from '../../../lib/json.ts';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { at, objectsIn, type StoredObject, setDefault } from '../json.ts';
import { builtIn } from './built-in.ts';
import type { Kind } from './kind.ts';
import { nameError } from './names.ts';
import { applyShape, flag, integer, list, record, section, text, textMap, withDefault } from './shape.ts';

const probeShape = record({
  httpGet: record({ path: text }),
  periodSeconds: integer,
  failureThreshold: integer,
  timeoutSeconds: integer,
});
const containerShape = record({
  name: text,
  image: text,
  command: list(text),
  args: list(text),
  workingDir: text,
  env: list(record({ name: text, value: text, valueFrom: record({}) }, ['name'])),
  ports: list(record({ name: text, containerPort: integer, protocol: withDefault(text, 'TCP') }, ['containerPort'])),
  volumeMounts: list(record({ name: text, mountPath: text, subPath: text, readOnly: flag }, ['mountPath'])),
  resources: section({}),
  startupProbe: probeShape,
  readinessProbe: probeShape,
  livenessProbe: probeShape,
});
const podSpecShape = section({
  containers: list(containerShape),
  initContainers: list(containerShape),
  volumes: list(record({ name: text }, ['name'])),
  nodeName: text,
  restartPolicy: withDefault(text, 'Always'),
  terminationGracePeriodSeconds: withDefault(integer, 30),
});
const podShape = record({ spec: podSpecShape, status: record({ phase: text, conditions: list(record({})) }) });
const statefulSetShape = record({
  spec: section(
    {
      replicas: withDefault(integer, 1),
      serviceName: text,
      podManagementPolicy: withDefault(text, 'OrderedReady'),
      selector: record({ matchLabels: withDefault(textMap, {}) }),
      template: section({
        metadata: section({ labels: withDefault(textMap, {}), annotations: textMap }),
        spec: podSpecShape,
      }),
    },
    ['selector'],
  ),
  status: record({ replicas: integer }),
});

/** Returns the kind Pod. `nodeName` is the only node: a new pod is bound to this node immediately. */
export function podKind(nodeName: string): Kind {
  return {
    ...builtIn,
    resource: resource.pods,
    kind: 'Pod',
    singular: 'pod',
    shortNames: ['po'],
    categories: ['all'],
    statusSubresource: true,
    generation: true,
    returnsDeleted: true,
    selectableFields: ['spec.nodeName', 'spec.restartPolicy', 'status.phase', 'status.podIP'],
    admit(pod, old) {
      const errors = applyShape(pod, podShape);
      const spec = pod['spec'];
      if (old === undefined) {
        if (isObject(spec)) setDefault(spec, 'nodeName', nodeName);
        pod['status'] = { phase: 'Pending' };
      } else if (!isDeepStrictEqual(spec, old['spec'])) {
        errors.push(fieldError.forbidden('spec', 'the spec of a pod is immutable in this API server'));
      }
      return [...errors, ...podSpecErrors(spec, 'spec')];
    },
  };
}

export const statefulSetKind: Kind = {
  ...builtIn,
  resource: resource.statefulSets,
  kind: 'StatefulSet',
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  statusSubresource: true,
  generation: true,
  nameRule: 'label',
  admit(statefulSet, old) {
    const errors = applyShape(statefulSet, statefulSetShape);
    if (old === undefined) statefulSet['status'] = { replicas: 0, availableReplicas: 0 };
    else if (!isDeepStrictEqual(immutableSpec(statefulSet), immutableSpec(old))) {
      const fields = mutableFields.map((field) => `'${field}'`).join(', ');
      errors.push(
        fieldError.forbidden('spec', `updates to statefulset spec for fields other than ${fields} are forbidden`),
      );
    }
    errors.push(...selectorErrors(statefulSet));
    return [...errors, ...podSpecErrors(at(statefulSet, 'spec', 'template', 'spec'), 'spec.template.spec')];
  },
};

const mutableFields = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

function immutableSpec({ spec }: StoredObject): JsonObject {
  const fields = Object.entries(isObject(spec) ? spec : {});
  return Object.fromEntries(fields.filter(([field]) => !mutableFields.includes(field)));
}

function selectorErrors(statefulSet: StoredObject): FieldError[] {
  const selector = at(statefulSet, 'spec', 'selector');
  if (selector === undefined) return [];
  const wanted = at(selector, 'matchLabels');
  const labels = at(statefulSet, 'spec', 'template', 'metadata', 'labels');
  if (!isObject(wanted) || Object.keys(wanted).length === 0) {
    return [fieldError.invalid('spec.selector', selector, 'empty selector is invalid for statefulset')];
  }
  if (Object.entries(wanted).every(([key, value]) => at(labels, key) === value)) return [];
  const why = '`selector` does not match template `labels`';
  return [fieldError.invalid('spec.template.metadata.labels', labels, why)];
}

/** Returns the errors in names and required fields of a pod's spec, or of a template's spec. */
function podSpecErrors(spec: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (objectsIn(at(spec, 'containers')).length === 0) errors.push(fieldError.required(`${path}.containers`));
  const volumes = objectsIn(at(spec, 'volumes')).map(({ name }) => name);
  const names = new Set<unknown>();
  for (const field of ['containers', 'initContainers']) {
    for (const [index, { name, image, volumeMounts }] of objectsIn(at(spec, field)).entries()) {
      const here = `${path}.${field}[${index}]`;
      const why = nameError('label', String(name));
      if (!name) errors.push(fieldError.required(`${here}.name`));
      else if (names.has(name)) errors.push(fieldError.duplicate(`${here}.name`, name));
      else if (why !== undefined) errors.push(fieldError.invalid(`${here}.name`, name, why));
      names.add(name);
      if (!image) errors.push(fieldError.required(`${here}.image`));
      for (const [place, mount] of objectsIn(volumeMounts).entries()) {
        if (!volumes.includes(mount['name'])) {
          errors.push(fieldError.notFound(`${here}.volumeMounts[${place}].name`, mount['name']));
        }
      }
    }
  }
  return errors;
}
