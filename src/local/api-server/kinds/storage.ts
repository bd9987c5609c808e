import { isDeepStrictEqual } from 'node:util';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { at, ensureObject, isObject, type JsonObject } from '../json.ts';
import type { Kind } from './kind.ts';
import { subdomainProblem } from './names.ts';
import { parseQuantity, respellAll } from './quantity.ts';
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
  returnsDeleted: true,
  nameRule: 'subdomain',
  selectableFields: [],
  admit(claim, old) {
    takeShape(claim, claimShape);
    const spec = ensureObject(claim, 'spec');
    respellAll(at(spec, 'resources', 'requests'));
    if (old === undefined) claim['status'] = { phase: 'Pending' };
    const problems: FieldError[] = [];
    const modes = spec['accessModes'];
    if (!Array.isArray(modes) || modes.length === 0) {
      problems.push(fieldError.required('spec.accessModes', 'at least 1 access mode is required'));
    }
    const size = at(spec, 'resources', 'requests', 'storage');
    if (size === undefined) problems.push(fieldError.required('spec.resources[storage]'));
    else if ((parseQuantity(size)?.nano ?? 0n) <= 0n) {
      problems.push(fieldError.invalid('spec.resources[storage]', size, 'must be greater than zero'));
    }
    const storageClass = spec['storageClassName'];
    const trouble =
      typeof storageClass === 'string' && storageClass !== '' ? subdomainProblem(storageClass) : undefined;
    if (trouble !== undefined) problems.push(fieldError.invalid('spec.storageClassName', storageClass, trouble));
    if (old !== undefined && !isDeepStrictEqual(fixedFields(spec), fixedFields(old['spec']))) {
      const why = 'spec is immutable after creation except resources.requests and volumeName';
      problems.push(fieldError.forbidden('spec', why));
    }
    return problems;
  },
};

function fixedFields(spec: unknown): JsonObject {
  const { resources: _resources, volumeName: _volumeName, ...fixed } = isObject(spec) ? spec : {};
  return fixed;
}
