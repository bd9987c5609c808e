import type { StoredObject } from '../../../../src/local/api-server/json.ts';
import type { KubernetesObject, OwnerReference } from '../../../../src/platform/kubernetes/objects.ts';

/** Functions that return short, valid objects. */

export function js(name: string, spec: object = {}, metadata: object = {}): StoredObject {
  return { metadata: { name, ...metadata }, spec };
}

export function pod(name: string, metadata: object = {}, spec: object = {}): StoredObject {
  return { metadata: { name, ...metadata }, spec: { containers: [{ name: 'main', image: 'image' }], ...spec } };
}

export function statefulSet(name: string, metadata: object = {}): StoredObject {
  const template = { metadata: { labels: { app: name } }, spec: pod(name)['spec'] };
  return { metadata: { name, ...metadata }, spec: { selector: { matchLabels: { app: name } }, template } };
}

export function configMap(name: string, metadata: object = {}): StoredObject {
  return { metadata: { name, ...metadata }, data: { key: 'value' } };
}

export function ownedBy(owner: KubernetesObject, blockOwnerDeletion = true): { ownerReferences: OwnerReference[] } {
  const { apiVersion = '', kind = '', metadata } = owner;
  const { name = '', uid = '' } = metadata;
  return { ownerReferences: [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion }] };
}
