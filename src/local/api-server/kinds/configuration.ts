import { isDeepStrictEqual } from 'node:util';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { badRequest } from '../failures.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { at, isObject, type JsonObject, type StoredObject } from '../json.ts';
import type { Kind } from './kind.ts';
import { flag, record, takeShape, text, textMap, withDefault } from './shape.ts';

/** Bytes of all values of a Secret or ConfigMap together. */
const DATA_LIMIT = 1024 * 1024;

const secretShape = record({
  type: withDefault(text, 'Opaque'),
  data: textMap,
  stringData: textMap,
  immutable: flag,
});
const configMapShape = record({ data: textMap, binaryData: textMap, immutable: flag });

export const secretKind: Kind = {
  resource: resource.secrets,
  kind: 'Secret',
  singular: 'secret',
  shortNames: [],
  categories: [],
  namespaced: true,
  statusSubresource: false,
  generation: false,
  unconditionalUpdate: true,
  selfDescribing: false,
  returnsDeleted: false,
  nameRule: 'subdomain',
  selectableFields: ['type'],
  admit(secret, old) {
    takeShape(secret, secretShape);
    const data = { ...(isObject(secret['data']) ? secret['data'] : {}) };
    for (const [key, value] of Object.entries(data)) data[key] = canonicalBase64(`data.${key}`, String(value));
    for (const [key, value] of Object.entries(isObject(secret['stringData']) ? secret['stringData'] : {})) {
      data[key] = Buffer.from(String(value)).toString('base64');
    }
    delete secret['stringData'];
    if (Object.keys(data).length > 0) secret['data'] = data;
    else delete secret['data'];
    const problems = [...dataProblems({ data }, 'base64'), ...typedSecretProblems(secret, data)];
    if (old !== undefined && old['type'] !== secret['type']) {
      problems.push(fieldError.invalid('type', secret['type'], 'field is immutable'));
    }
    return [...problems, ...immutableProblems(secret, old, ['data'])];
  },
};

export const configMapKind: Kind = {
  resource: resource.configMaps,
  kind: 'ConfigMap',
  singular: 'configmap',
  shortNames: ['cm'],
  categories: [],
  namespaced: true,
  statusSubresource: false,
  generation: false,
  unconditionalUpdate: true,
  selfDescribing: false,
  returnsDeleted: false,
  nameRule: 'subdomain',
  selectableFields: [],
  admit(configMap, old) {
    takeShape(configMap, configMapShape);
    const { data, binaryData } = configMap;
    if (isObject(binaryData)) {
      for (const [key, value] of Object.entries(binaryData)) {
        binaryData[key] = canonicalBase64(`binaryData.${key}`, String(value));
      }
    }
    return [
      ...dataProblems({ data, binaryData }, 'text'),
      ...Object.keys(isObject(data) ? data : {})
        .filter((key) => isObject(binaryData) && Object.hasOwn(binaryData, key))
        .map((key) => fieldError.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')),
      ...immutableProblems(configMap, old, ['data', 'binaryData']),
    ];
  },
};

const DATA_KEY = /^[-._a-zA-Z0-9]{1,253}$/;

function dataProblems(maps: JsonObject, encoding: 'base64' | 'text'): FieldError[] {
  const problems: FieldError[] = [];
  let size = 0;
  for (const [field, map] of Object.entries(maps)) {
    if (!isObject(map)) continue;
    for (const [key, value] of Object.entries(map)) {
      if (!DATA_KEY.test(key) || key === '.' || key.startsWith('..')) {
        const why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        problems.push(fieldError.invalid(`${field}[${key}]`, key, why));
      }
      const isBase64 = encoding === 'base64' || field === 'binaryData';
      size += Buffer.byteLength(String(value), isBase64 ? 'base64' : 'utf8');
    }
  }
  if (size > DATA_LIMIT) problems.push(fieldError.tooLong('data', DATA_LIMIT));
  return problems;
}

/** The keys that a Secret of a well-known type must have. */
const REQUIRED_KEYS: { [type: string]: readonly string[] } = {
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

function typedSecretProblems({ type, metadata }: StoredObject, data: JsonObject): FieldError[] {
  const account = 'kubernetes.io/service-account.name';
  if (type === 'kubernetes.io/service-account-token' && !metadata.annotations?.[account]) {
    return [fieldError.required(`metadata.annotations[${account}]`)];
  }
  const basic = ['username', 'password'];
  if (type === 'kubernetes.io/basic-auth' && !basic.some((key) => Object.hasOwn(data, key))) {
    return basic.map((key) => fieldError.required(`data[${key}]`));
  }
  const keys = Object.hasOwn(REQUIRED_KEYS, String(type)) ? (REQUIRED_KEYS[String(type)] ?? []) : [];
  const problems = keys.filter((key) => !Object.hasOwn(data, key)).map((key) => fieldError.required(`data[${key}]`));
  const dockerConfig = at(data, '.dockerconfigjson');
  if (type === 'kubernetes.io/dockerconfigjson' && typeof dockerConfig === 'string' && !holdsJson(dockerConfig)) {
    // The value stays out of the message: it is a credential.
    problems.push(fieldError.invalid('data[.dockerconfigjson]', '<secret contents redacted>', 'must be JSON'));
  }
  return problems;
}

function holdsJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

function immutableProblems(object: StoredObject, old: StoredObject | undefined, fields: string[]): FieldError[] {
  if (old?.['immutable'] !== true) return [];
  const problems = fields
    .filter((field) => !isDeepStrictEqual(object[field], old[field]))
    .map((field) => fieldError.forbidden(field, 'field is immutable when `immutable` is set'));
  if (object['immutable'] !== true) {
    problems.push(fieldError.forbidden('immutable', 'field is immutable when `immutable` is set'));
  }
  return problems;
}

/** Standard base64 as Go's decoder takes it (padded; line breaks are ignored), without the line breaks. */
function canonicalBase64(field: string, value: string): string {
  const compact = value.replaceAll(/[\r\n]/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) {
    throw badRequest(`${field}: illegal base64 data`);
  }
  return compact;
}
