import { asObject, isObject } from '../../lib/json.ts';
import type { SecretKeyRef } from './credential-keys.ts';

/** Returns the keys of Secrets that variables and volumes require, at any depth of the value. A volume may be optional. */
export function secretReferences(value: unknown): SecretKeyRef[] {
  if (Array.isArray(value)) return value.flatMap(secretReferences);
  if (!isObject(value)) return [];
  const { name, key, secretName, items, optional } = value;
  const own =
    typeof name === 'string' && typeof key === 'string'
      ? [{ name, key }]
      : typeof secretName === 'string' && Array.isArray(items) && optional !== true
        ? items.flatMap((item: unknown) => filesOf(secretName, item))
        : [];
  return [...own, ...Object.values(value).flatMap(secretReferences)];
}

function filesOf(name: string, item: unknown): SecretKeyRef[] {
  const key = asObject(item)?.['key'];
  return typeof key === 'string' ? [{ name, key }] : [];
}
