import { isObject, type JsonObject } from '../../../lib/json.ts';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { badRequest } from '../failures.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { builtIn } from './built-in.ts';
import type { Kind } from './kind.ts';
import { applyShape, record, text, textMap, withDefault } from './shape.ts';

const secretShape = record({ type: withDefault(text, 'Opaque'), data: textMap, stringData: textMap });
const configMapShape = record({ data: textMap, binaryData: textMap });

export const secretKind: Kind = {
  ...builtIn,
  resource: resource.secrets,
  kind: 'Secret',
  singular: 'secret',
  selectableFields: ['type'],
  admit(secret, old) {
    const errors = applyShape(secret, secretShape);
    const data: JsonObject = {};
    for (const [key, value] of entriesOf(secret['data'])) data[key] = canonicalBase64(`data.${key}`, value);
    for (const [key, value] of entriesOf(secret['stringData'])) data[key] = Buffer.from(value).toString('base64');
    delete secret['stringData'];
    if (Object.keys(data).length > 0) secret['data'] = data;
    else delete secret['data'];
    const { type } = secret;
    if (type === 'kubernetes.io/dockerconfigjson' && !Object.hasOwn(data, '.dockerconfigjson')) {
      errors.push(fieldError.required('data[.dockerconfigjson]'));
    }
    if (old !== undefined && old['type'] !== type) errors.push(fieldError.invalid('type', type, 'field is immutable'));
    return [...errors, ...keyErrors('data', data)];
  },
};

export const configMapKind: Kind = {
  ...builtIn,
  resource: resource.configMaps,
  kind: 'ConfigMap',
  singular: 'configmap',
  shortNames: ['cm'],
  admit(configMap) {
    const errors = applyShape(configMap, configMapShape);
    const { data, binaryData } = configMap;
    for (const [key, value] of entriesOf(binaryData)) canonicalBase64(`binaryData.${key}`, value);
    return [...errors, ...keyErrors('data', data), ...keyErrors('binaryData', binaryData)];
  },
};

/** Returns the entries of a map of texts; none if the map is missing. */
function entriesOf(map: unknown): [key: string, value: string][] {
  return Object.entries(isObject(map) ? map : {}).map(([key, value]) => [key, String(value)]);
}

function keyErrors(field: string, map: unknown): FieldError[] {
  const why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
  return entriesOf(map)
    .filter(([key]) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key) || key === '.' || key.startsWith('..'))
    .map(([key]) => fieldError.invalid(`${field}[${key}]`, key, why));
}

/**
 * Returns padded base64 without its line breaks, which Go's decoder ignores. Throws StatusError 400, without the value,
 * which may be a credential.
 */
function canonicalBase64(field: string, value: string): string {
  const compact = value.replaceAll(/[\r\n]/g, '');
  if (compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return compact;
  throw badRequest(`${field}: illegal base64 data`);
}
