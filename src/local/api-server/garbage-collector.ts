import { isObject, type JsonObject } from '../../lib/json.ts';
import type { ObjectMeta, OwnerReference } from '../../platform/kubernetes/objects.ts';
import { StatusError } from '../cluster.ts';
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from './deletion.ts';
import type { StoredObject } from './json.ts';
import { apiVersionOf, type Kind } from './kinds/kind.ts';
import type { Store } from './store.ts';
import { checkUid } from './update-rules.ts';

interface ObjectOfKind {
  kind: Kind;
  object: StoredObject;
}

/**
 * Deletes objects without a remaining owner, and completes delayed deletions: foreground (dependents first), orphan
 * (references to the owner are removed first) and namespaces (content first). The garbage collector reads the changes of the
 * store and acts after each change, like the controllers of a real cluster.
 */
export class GarbageCollector {
  readonly #store: Store;
  readonly #kinds: ReadonlyMap<string, Kind>;
  readonly #byUid = new Map<string, ObjectOfKind>();
  /** uid of an owner -> uids of the objects with an owner reference to it. */
  readonly #dependents = new Map<string, Set<string>>();
  readonly #unsubscribe: () => void;
  #started = false;
  #version: number;

  constructor(store: Store) {
    this.#store = store;
    this.#kinds = new Map(store.kinds.all.map((kind) => [`${apiVersionOf(kind)}/${kind.kind}`, kind]));
    this.#version = store.objects.version;
    for (const kind of store.kinds.all) {
      for (const { object } of store.objects.entries(kind).values()) this.#addToIndex({ kind, object });
    }
    this.#unsubscribe = store.objects.subscribe(() => this.#followChanges());
  }

  close(): void {
    this.#unsubscribe();
  }

  #followChanges(): void {
    // The first call examines all objects, because a killed process may have left deletions incomplete.
    const affected = new Set<string>(this.#started ? [] : this.#byUid.keys());
    this.#started = true;
    for (const { kind, type, entry, previous } of this.#store.objects.changesSince(this.#version) ?? []) {
      this.#version = entry.version;
      const { object } = entry;
      const uid = object.metadata.uid ?? '';
      if (previous !== undefined) this.#removeFromIndex(previous.object);
      if (type !== 'DELETED') {
        this.#addToIndex({ kind, object });
        affected.add(uid);
        continue;
      }
      for (const dependent of this.#dependents.get(uid) ?? []) affected.add(dependent);
      for (const owner of object.metadata.ownerReferences ?? []) affected.add(owner.uid);
      const namespace = this.#store.objects.get(this.#store.kinds.namespaces, '', object.metadata.namespace ?? '');
      const { deletionTimestamp, uid: namespaceUid = '' } = namespace?.object.metadata ?? {};
      if (deletionTimestamp !== undefined) affected.add(namespaceUid);
    }
    this.#examine(affected);
  }

  #examine(uids: ReadonlySet<string>): void {
    for (const uid of uids) {
      const found = this.#byUid.get(uid);
      if (found === undefined) continue;
      try {
        this.#examineOne(found);
      } catch (error) {
        // The object was removed or changed in the meantime: that change is examined next.
        if (error instanceof StatusError && (error.code === 404 || error.code === 409)) continue;
        const { name, namespace } = found.object.metadata;
        this.#store.log.error({ err: error, kind: found.kind.kind, namespace, name }, 'garbage collection failed');
      }
    }
  }

  #examineOne({ kind, object }: ObjectOfKind): void {
    const { metadata } = object;
    if (metadata.ownerReferences !== undefined) this.#followOwners({ kind, object });
    if (metadata.deletionTimestamp === undefined) return;
    if (metadata.finalizers?.includes(FOREGROUND_FINALIZER)) this.#finishForeground({ kind, object });
    if (metadata.finalizers?.includes(ORPHAN_FINALIZER)) this.#finishOrphan({ kind, object });
    if (kind === this.#store.kinds.namespaces) this.#emptyNamespace(metadata.name ?? '');
  }

  /** Deletes the object if no owner remains; otherwise removes the references to deleted owners. */
  #followOwners({ kind, object }: ObjectOfKind): void {
    const owners = object.metadata.ownerReferences ?? [];
    const states = owners.map((owner) => this.#ownerState(owner, object.metadata.namespace));
    const remaining = owners.filter((_owner, index) => states[index] === 'present');
    if (remaining.length === owners.length) return;
    if (remaining.length > 0) {
      this.#change({ kind, object }, (metadata) => ({ ...metadata, ownerReferences: remaining }));
      return;
    }
    if (object.metadata.deletionTimestamp !== undefined) return;
    const { finalizers = [], namespace = '', name = '', uid = '' } = object.metadata;
    const ownerIsWaiting = states.includes('waiting');
    const foreground =
      (ownerIsWaiting && this.#dependentsOf(uid).length > 0) ||
      (finalizers.includes(FOREGROUND_FINALIZER) && !ownerIsWaiting);
    const orphan = finalizers.includes(ORPHAN_FINALIZER);
    const propagationPolicy = orphan ? 'Orphan' : foreground ? 'Foreground' : 'Background';
    this.#store.deleteObject(kind, namespace, name, { propagationPolicy, preconditions: { uid } });
  }

  /** `waiting`: the owner is being deleted in the foreground and waits for its dependents. */
  #ownerState(owner: OwnerReference, namespace: string | undefined): 'present' | 'waiting' | 'deleted' {
    const kind = this.#kinds.get(`${owner.apiVersion}/${owner.kind}`);
    // This server does not have the owner's kind. The owner may exist elsewhere, so the dependent is kept.
    if (kind === undefined) return 'present';
    const found = this.#byUid.get(owner.uid);
    if (found === undefined || found.kind !== kind || found.object.metadata.name !== owner.name) return 'deleted';
    if (kind.namespaced && found.object.metadata.namespace !== namespace) return 'deleted';
    const { deletionTimestamp, finalizers = [] } = found.object.metadata;
    return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND_FINALIZER) ? 'waiting' : 'present';
  }

  #finishForeground(owner: ObjectOfKind): void {
    const uid = owner.object.metadata.uid ?? '';
    const dependents = this.#dependentsOf(uid);
    for (const dependent of dependents) this.#followOwners(dependent);
    const blocked = dependents.some(({ kind, object }) => {
      const { namespace = '', name = '', ownerReferences = [] } = object.metadata;
      const blocks = ownerReferences.some(
        (reference) => reference.uid === uid && reference.blockOwnerDeletion === true,
      );
      return blocks && this.#store.objects.get(kind, namespace, name)?.object.metadata.uid === object.metadata.uid;
    });
    if (!blocked) this.#dropFinalizer(owner, FOREGROUND_FINALIZER);
  }

  #finishOrphan(owner: ObjectOfKind): void {
    const uid = owner.object.metadata.uid ?? '';
    for (const dependent of this.#dependentsOf(uid)) {
      this.#change(dependent, ({ ownerReferences = [], ...metadata }) => ({
        ...metadata,
        ownerReferences: ownerReferences.filter((reference) => reference.uid !== uid),
      }));
    }
    this.#dropFinalizer(owner, ORPHAN_FINALIZER);
  }

  #emptyNamespace(namespace: string): void {
    let isEmpty = true;
    for (const kind of this.#store.kinds.all) {
      for (const { object } of [...this.#store.objects.entries(kind).values()]) {
        const { name = '', deletionTimestamp } = object.metadata;
        if (object.metadata.namespace !== namespace) continue;
        if (deletionTimestamp === undefined) this.#store.deleteObject(kind, namespace, name);
        if (this.#store.objects.get(kind, namespace, name) !== undefined) isEmpty = false;
      }
    }
    if (!isEmpty) return;
    this.#store.changeObject(this.#store.kinds.namespaces, '', namespace, (current) => ({ ...current, spec: {} }));
  }

  #dependentsOf(uid: string): ObjectOfKind[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#byUid.get(dependent) ?? []);
  }

  #dropFinalizer(found: ObjectOfKind, finalizer: string): void {
    this.#change(found, ({ finalizers = [], ...metadata }) => ({
      ...metadata,
      finalizers: finalizers.filter((name) => name !== finalizer),
    }));
  }

  /** Writes metadata. Throws 409 Conflict if the object was replaced by a new one with the same name. */
  #change({ kind, object }: ObjectOfKind, change: (metadata: ObjectMeta) => ObjectMeta): void {
    const { namespace = '', name = '', uid = '' } = object.metadata;
    this.#store.changeObject(kind, namespace, name, (current: JsonObject) => {
      const metadata = isObject(current['metadata']) ? current['metadata'] : {};
      checkUid(kind, metadata, uid);
      return { ...current, metadata: change(metadata) };
    });
  }

  #addToIndex(found: ObjectOfKind): void {
    const { uid = '', ownerReferences = [] } = found.object.metadata;
    this.#byUid.set(uid, found);
    for (const owner of ownerReferences) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set();
      dependents.add(uid);
      this.#dependents.set(owner.uid, dependents);
    }
  }

  #removeFromIndex(object: StoredObject): void {
    const { uid = '', ownerReferences = [] } = object.metadata;
    this.#byUid.delete(uid);
    for (const owner of ownerReferences) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}
