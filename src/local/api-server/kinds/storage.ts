import { isDeepStrictEqual } from 'node:util';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { type FieldProblem, problem } from '../failures.ts';
import { at, isObject, type JsonObject } from '../json.ts';
import type { Kind } from './kind.ts';
import { list, quantity, record, takeShape, text, withDefault } from './shape.ts';

const claimShape = record({
  spec: record({
    accessModes: list(text),
    storageClassName: text,
    volumeMode: withDefault(text, 'Filesystem'),
    volumeName: text,
    resources: record({ requests: { type: 'object', additionalProperties: quantity } }),
  }),
  status: record({ phase: text }),
});

export const persistentVolumeClaimKind: Kind = {
  resource: resource.persistentVolumeClaims,
  kind: 'PersistentVolumeClaim',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  categories: [],
  namespaced: true,
  statusSubresource: true,
  generation: false,
  unconditionalUpdate: true,
  selfDescribing: false,
  nameRule: 'subdomain',
  selectableFields: [],
  admit(claim, old) {
    takeShape(claim, claimShape);
    const { spec } = claim;
    if (!isObject(spec)) return [problem.required('spec')];
    if (old === undefined) claim['status'] = { phase: 'Pending' };
    const problems: FieldProblem[] = [];
    const modes = spec['accessModes'];
    if (!Array.isArray(modes) || modes.length === 0) {
      problems.push(problem.required('spec.accessModes', 'at least 1 access mode is required'));
    }
    if (at(spec, 'resources', 'requests', 'storage') === undefined) {
      problems.push(problem.required('spec.resources[storage]'));
    }
    if (old !== undefined && !isDeepStrictEqual(fixedFields(spec), fixedFields(old['spec']))) {
      const why = 'spec is immutable after creation except resources.requests and volumeName';
      problems.push(problem.forbidden('spec', why));
    }
    return problems;
  },
};

function fixedFields(spec: unknown): JsonObject {
  const { resources: _resources, volumeName: _volumeName, ...fixed } = isObject(spec) ? spec : {};
  return fixed;
}
