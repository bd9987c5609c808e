import { randomInt, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { isObject, type JsonObject } from '../../lib/json.ts';
import { applyMergePatch } from '../../lib/merge-patch.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';
import type { ResourceType } from '../../platform/kubernetes/types.ts';
import type { Cluster, ClusterEvent } from '../cluster.ts';
import { type DeleteRequest, type Deletion, planDeletion } from './deletion.ts';
import { alreadyExists, badRequest, forbidden, invalid, notFound, unknownPath } from './failures.ts';
import { fieldError } from './field-errors.ts';
import { cloneJson, type StoredObject } from './json.ts';
import { apiVersionOf, type Kind } from './kinds/kind.ts';
import type { Kinds } from './kinds/kinds.ts';
import { metadataErrors, readMetadata, timestamp } from './kinds/metadata.ts';
import { generatedName } from './kinds/names.ts';
import { parseLabelSelector } from './selectors.ts';
import {
  checkIdentity,
  checkUid,
  finalizerErrors,
  immutableErrors,
  isFinished,
  nextState,
  rejectErrors,
  specChanged,
  typedAs,
} from './update-rules.ts';
import type { Entry, VersionedObjects } from './versioned-objects.ts';

export interface WriteOptions {
  /** Rejects fields that the schema does not have, with 400. By default they are removed. */
  rejectUnknownFields?: boolean;
  /** Writes only the status of a kind that has the subresource. */
  subresource?: 'status';
}

/** The rules of the Kubernetes API for versioned objects: the validity of writes, and the further changes of a write. */
export class Store implements Cluster {
  readonly kinds: Kinds;
  readonly objects: VersionedObjects;
  readonly log: Logger;
  readonly now: () => number;
  readonly #beforeClose: (() => void)[] = [];

  constructor(parts: { kinds: Kinds; objects: VersionedObjects; log: Logger; now: () => number }) {
    this.kinds = parts.kinds;
    this.objects = parts.objects;
    this.log = parts.log;
    this.now = parts.now;
    if (this.objects.get(this.kinds.namespaces, '', 'default') === undefined) {
      this.createObject(this.kinds.namespaces, '', { metadata: { name: 'default' } });
    }
  }

  /** Registers a function that `close` calls before closing the database. */
  beforeClose(end: () => void): void {
    this.#beforeClose.push(end);
  }

  close(): void {
    for (const end of this.#beforeClose) end();
    this.objects.close();
  }

  get<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string): T | undefined {
    const entry = this.objects.get(this.kindOf(type), namespace, name);
    return entry && objectOf<T>(entry);
  }

  list<T extends KubernetesObject>(
    type: ResourceType,
    { namespace, labelSelector = '' }: { namespace?: string; labelSelector?: string } = {},
  ): T[] {
    const matches = parseLabelSelector(labelSelector);
    return [...this.objects.entries(this.kindOf(type)).values()]
      .filter(({ object }) => namespace === undefined || object.metadata.namespace === namespace)
      .filter(({ object }) => matches(object.metadata.labels))
      .map(objectOf<T>);
  }

  create<T extends KubernetesObject>(type: ResourceType, namespace: string, object: T): T {
    const kind = this.kindOf(type);
    const copy: KubernetesObject = cloneJson(object);
    return objectOf(this.createObject(kind, namespace, { apiVersion: apiVersionOf(kind), kind: kind.kind, ...copy }));
  }

  mergePatch<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string, patch: object): T {
    const change = (current: JsonObject) => applyMergePatch(current, cloneJson(patch));
    return objectOf(this.changeObject(this.kindOf(type), namespace, name, change));
  }

  patchStatus<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string, status: object): T {
    const change = (current: JsonObject) => applyMergePatch(current, { status: cloneJson(status) });
    return objectOf(this.changeObject(this.kindOf(type), namespace, name, change, { subresource: 'status' }));
  }

  delete(type: ResourceType, namespace: string, name: string, options: DeleteRequest = {}): void {
    this.deleteObject(this.kindOf(type), namespace, name, options);
  }

  watch<T extends KubernetesObject>(type: ResourceType, listener: (event: ClusterEvent<T>) => void): () => void {
    const kind = this.kindOf(type);
    let version = this.objects.version;
    let pending: ClusterEvent<T>[] = [...this.objects.entries(kind).values()].map((entry) => ({
      type: 'ADDED',
      object: objectOf(entry),
    }));
    let stopped = false;
    const deliver = (): void => {
      // Subscribers are called before the history is trimmed, so `changesSince` never returns undefined here.
      for (const change of this.objects.changesSince(version) ?? []) {
        version = change.entry.version;
        if (change.kind === kind) pending.push({ type: change.type, object: objectOf(change.entry) });
      }
      const events = pending;
      pending = [];
      for (const event of events) {
        if (stopped) return;
        this.#callListener(() => listener(event));
      }
    };
    const unsubscribe = this.objects.subscribe(deliver);
    return () => {
      stopped = true;
      unsubscribe();
    };
  }

  /** Throws StatusError 404 for a resource that this server does not have. */
  kindOf(type: ResourceType): Kind {
    const kind = this.kinds.of(type);
    if (kind === undefined) throw unknownPath();
    return kind;
  }

  /** Stores `body` itself, without a copy: the caller must not use it afterwards. */
  createObject(kind: Kind, namespace: string, body: JsonObject, options: WriteOptions = {}): Entry {
    const object = typedAs(kind, body);
    const metadata = readMetadata(body['metadata']);
    object.metadata = metadata;
    if (metadata.resourceVersion !== undefined) {
      throw badRequest('resourceVersion should not be set on objects to be created');
    }
    if (metadata.name === undefined && metadata.generateName !== undefined) {
      metadata.name = generatedName(metadata.generateName, randomInt);
    }
    const name = metadata.name ?? '';
    this.#placeIn(kind, namespace, metadata);
    const unknownFields: string[] = [];
    metadata.uid = randomUUID();
    metadata.creationTimestamp = timestamp(this.now());
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    delete metadata.generation;
    if (kind.generation) metadata.generation = 1;
    const errors = [...metadataErrors(kind, metadata), ...kind.admit(object, undefined, unknownFields)];
    rejectErrors(kind, name, errors, options.rejectUnknownFields ? unknownFields : []);
    if (this.objects.get(kind, metadata.namespace ?? '', name)) throw alreadyExists(kind, name);
    return this.objects.put(kind, object);
  }

  /**
   * Replaces an object (PUT). Throws 404, 409 Conflict if `body.metadata.resourceVersion` is not the current version,
   * 422 if it is missing and the kind requires it.
   */
  replaceObject(kind: Kind, namespace: string, name: string, body: JsonObject, options: WriteOptions = {}): Entry {
    const given = readMetadata(body['metadata']);
    const old = this.objects.get(kind, namespace, name);
    if (old === undefined) throw notFound(kind, name);
    if (given.resourceVersion === undefined && !kind.unconditionalUpdate) {
      const why = 'must be specified for an update';
      throw invalid(kind, name, [fieldError.invalid('metadata.resourceVersion', 0, why)]);
    }
    checkUid(kind, old.object.metadata, given.uid);
    return this.changeObject(kind, namespace, name, () => body, options);
  }

  /** Passes a copy of the current object to `change` and stores the result by the rules of an update. */
  changeObject(
    kind: Kind,
    namespace: string,
    name: string,
    change: (current: JsonObject) => unknown,
    options: WriteOptions = {},
  ): Entry {
    if (options.subresource === 'status' && !kind.statusSubresource) throw unknownPath();
    const old = this.objects.get(kind, namespace, name);
    if (old === undefined) throw notFound(kind, name);
    const body = change(JSON.parse(old.text));
    if (!isObject(body)) throw badRequest('the result of the patch is not an object');
    const next = typedAs(kind, body);
    const given = readMetadata(body['metadata']);
    checkIdentity(kind, old.object.metadata, given);
    const unknownFields: string[] = [];
    const merged = nextState(kind, old.object, next, given, options.subresource);
    const errors = [
      ...immutableErrors(old.object.metadata, given),
      ...metadataErrors(kind, merged.metadata),
      ...finalizerErrors(old.object, merged),
      ...kind.admit(merged, old.object, unknownFields),
    ];
    rejectErrors(kind, name, errors, options.rejectUnknownFields ? unknownFields : []);
    if (isDeepStrictEqual(merged, old.object)) return old;
    if (specChanged(kind, old.object, merged)) {
      merged.metadata.generation = (old.object.metadata.generation ?? 0) + 1;
    }
    return isFinished(merged) ? this.objects.remove(kind, old, merged) : this.objects.put(kind, merged);
  }

  /** Deletes by the rules of finalizers, grace periods and propagation. Throws 404, and 409 for preconditions. */
  deleteObject(
    kind: Kind,
    namespace: string,
    name: string,
    request: DeleteRequest = {},
  ): { outcome: Deletion['outcome']; entry: Entry } {
    const old = this.objects.get(kind, namespace, name);
    if (old === undefined) throw notFound(kind, name);
    if (kind === this.kinds.namespaces && name === 'default') {
      throw forbidden(kind, name, 'this namespace may not be deleted');
    }
    const plan = planDeletion(kind, old.object, request, this.now());
    if (plan.outcome === 'unchanged') return { outcome: plan.outcome, entry: old };
    if (plan.outcome === 'removed') return { outcome: plan.outcome, entry: this.objects.remove(kind, old) };
    return { outcome: plan.outcome, entry: this.objects.put(kind, plan.object) };
  }

  #callListener(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.log.error({ err: error }, 'a listener of the cluster failed');
    }
  }

  /** Sets the namespace of a new object. Throws 404 if the namespace does not exist, 403 if it is being deleted. */
  #placeIn(kind: Kind, namespace: string, metadata: StoredObject['metadata']): void {
    if (!kind.namespaced) {
      delete metadata.namespace;
      return;
    }
    if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
    metadata.namespace = namespace;
    const home = this.objects.get(this.kinds.namespaces, '', namespace);
    if (home === undefined) throw notFound(this.kinds.namespaces, namespace);
    if (home.object.metadata.deletionTimestamp !== undefined) {
      const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
      throw forbidden(kind, metadata.name ?? '', why);
    }
  }
}

/** The caller has to know the type of a resource's objects: the kinds check only the fields that this project reads. */
function objectOf<T extends KubernetesObject>({ object }: Entry): T {
  const known: KubernetesObject = object;
  return known as T;
}
