import { randomInt, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';
import type { ResourceType } from '../../platform/kubernetes/types.ts';
import type { Cluster, ClusterEvent } from '../cluster.ts';
import { type DeleteRequest, type Deletion, planDeletion } from './deletion.ts';
import { alreadyExists, badRequest, forbidden, invalid, notFound, unknownPath } from './failures.ts';
import { fieldError } from './field-errors.ts';
import { cloneJson, isObject, type JsonObject, type StoredObject } from './json.ts';
import { apiVersionOf, type Kind } from './kinds/kind.ts';
import type { Kinds } from './kinds/kinds.ts';
import { metadataProblems, readMetadata, timestamp } from './kinds/metadata.ts';
import { generatedName } from './kinds/names.ts';
import { mergePatch } from './patch.ts';
import { parseLabelSelector } from './selectors.ts';
import {
  checkIdentity,
  checkName,
  checkUid,
  finalizerProblems,
  immutableProblems,
  isFinished,
  nextState,
  refuseProblems,
  specChanged,
  typedAs,
} from './update-rules.ts';
import type { Entry, VersionedObjects } from './versioned-objects.ts';

export interface WriteOptions {
  /** Everything but the write: the answer is what would have been stored. */
  dryRun?: boolean;
  /** Fields that the schema does not know: refused with 400, reported, or dropped silently (the default). */
  fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** Write only the status of a kind that has the subresource. */
  subresource?: 'status';
}

export interface Written {
  entry: Entry;
  /** Paths of dropped fields, for `fieldValidation: 'Warn'`. */
  unknownFields: string[];
}

/** The rules of the Kubernetes API on top of versioned objects: what a write must be, and what else it causes. */
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

  /** Calls `end` when the store is closed, while its objects can still be used. */
  beforeClose(end: () => void): void {
    this.#beforeClose.push(end);
  }

  close(): void {
    for (const end of this.#beforeClose) end();
    this.objects.close();
  }

  get<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string): T | undefined {
    return this.objects.get(this.kindOf(type), namespace, name)?.object as T | undefined;
  }

  list<T extends KubernetesObject>(
    type: ResourceType,
    options: { namespace?: string; labelSelector?: string } = {},
  ): T[] {
    const matches = parseLabelSelector(options.labelSelector ?? '');
    const found: T[] = [];
    for (const { object } of this.objects.entries(this.kindOf(type)).values()) {
      if (options.namespace !== undefined && object.metadata.namespace !== options.namespace) continue;
      if (matches(object.metadata.labels)) found.push(object as KubernetesObject as T);
    }
    return found;
  }

  create<T extends KubernetesObject>(type: ResourceType, namespace: string, object: T): T {
    const kind = this.kindOf(type);
    const copy: KubernetesObject = cloneJson(object);
    const body: JsonObject = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...copy };
    return this.createObject(kind, namespace, body).entry.object as KubernetesObject as T;
  }

  mergePatch<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string, patch: object): T {
    const change = (current: JsonObject) => mergePatch(current, cloneJson(patch));
    return this.changeObject(this.kindOf(type), namespace, name, change).entry.object as KubernetesObject as T;
  }

  patchStatus<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string, status: object): T {
    const change = (current: JsonObject) => mergePatch(current, { status: cloneJson(status) });
    const written = this.changeObject(this.kindOf(type), namespace, name, change, { subresource: 'status' });
    return written.entry.object as KubernetesObject as T;
  }

  delete(type: ResourceType, namespace: string, name: string, options: DeleteRequest = {}): void {
    this.deleteObject(this.kindOf(type), namespace, name, options);
  }

  watch<T extends KubernetesObject>(type: ResourceType, listener: (event: ClusterEvent<T>) => void): () => void {
    const kind = this.kindOf(type);
    let version = this.objects.version;
    let pending: ClusterEvent<T>[] = [...this.objects.entries(kind).values()].map((entry) => ({
      type: 'ADDED',
      object: entry.object as KubernetesObject as T,
    }));
    let stopped = false;
    const wake = (): void => {
      // A subscriber of this process is woken before history is trimmed, so changesSince always has an answer.
      for (const change of this.objects.changesSince(version) ?? []) {
        version = change.entry.version;
        if (change.kind !== kind) continue;
        pending.push({ type: change.type, object: change.entry.object as KubernetesObject as T });
      }
      const events = pending;
      pending = [];
      for (const event of events) {
        if (stopped) return;
        this.#guarded(() => listener(event));
      }
    };
    const unsubscribe = this.objects.subscribe(wake);
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

  /** `body` becomes the stored object: it must not be used by anybody else. */
  createObject(kind: Kind, namespace: string, body: JsonObject, options: WriteOptions = {}): Written {
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
    const problems = [...metadataProblems(kind, metadata), ...kind.admit(object, undefined, unknownFields)];
    refuseProblems(kind, name, problems, unknownFields, options.fieldValidation);
    if (this.objects.get(kind, metadata.namespace ?? '', name)) throw alreadyExists(kind, name);
    return {
      entry: options.dryRun ? this.#unstored(object, undefined) : this.objects.put(kind, object),
      unknownFields,
    };
  }

  /**
   * Replaces an object (PUT). Throws 404, 409 Conflict when `body.metadata.resourceVersion` is not the present one,
   * 422 when it is missing and the kind insists on it.
   */
  replaceObject(kind: Kind, namespace: string, name: string, body: JsonObject, options: WriteOptions = {}): Written {
    const given = readMetadata(body['metadata']);
    checkName(given, name);
    const old = this.objects.get(kind, namespace, name);
    if (old === undefined) throw notFound(kind, name);
    if (given.resourceVersion === undefined && !kind.unconditionalUpdate) {
      const why = 'must be specified for an update';
      throw invalid(kind, name, [fieldError.invalid('metadata.resourceVersion', 0, why)]);
    }
    checkUid(kind, old.object.metadata, given.uid);
    return this.changeObject(kind, namespace, name, () => body, options);
  }

  /** Lets `change` make the next state from a copy of the present one, and stores it by the rules of an update. */
  changeObject(
    kind: Kind,
    namespace: string,
    name: string,
    change: (current: JsonObject) => unknown,
    options: WriteOptions = {},
  ): Written {
    if (options.subresource === 'status' && !kind.statusSubresource) throw unknownPath();
    const old = this.objects.get(kind, namespace, name);
    if (old === undefined) throw notFound(kind, name);
    const body = change(JSON.parse(old.text) as JsonObject);
    if (!isObject(body)) throw badRequest('the result of the patch is not an object');
    const next = typedAs(kind, body);
    const given = readMetadata(body['metadata']);
    checkIdentity(kind, old.object.metadata, given);
    const unknownFields: string[] = [];
    const merged = nextState(kind, old.object, next, given, options.subresource);
    const problems = [
      ...immutableProblems(old.object.metadata, given),
      ...metadataProblems(kind, merged.metadata),
      ...finalizerProblems(old.object, merged),
      ...kind.admit(merged, old.object, unknownFields),
    ];
    refuseProblems(kind, name, problems, unknownFields, options.fieldValidation);
    if (isDeepStrictEqual(merged, old.object)) return { entry: old, unknownFields };
    if (specChanged(kind, old.object, merged)) {
      merged.metadata.generation = (old.object.metadata.generation ?? 0) + 1;
    }
    if (options.dryRun) return { entry: this.#unstored(merged, old), unknownFields };
    if (isFinished(merged)) return { entry: this.objects.remove(kind, old, merged), unknownFields };
    return { entry: this.objects.put(kind, merged), unknownFields };
  }

  /** Deletes by the rules of finalizers, grace periods and propagation. Throws 404, and 409 for preconditions. */
  deleteObject(
    kind: Kind,
    namespace: string,
    name: string,
    request: DeleteRequest = {},
    options: { dryRun?: boolean } = {},
  ): { outcome: Deletion['outcome']; entry: Entry } {
    const old = this.objects.get(kind, namespace, name);
    if (old === undefined) throw notFound(kind, name);
    if (kind === this.kinds.namespaces && name === 'default') {
      throw forbidden(kind, name, 'this namespace may not be deleted');
    }
    const plan = planDeletion(kind, old.object, request, this.now());
    if (options.dryRun || plan.outcome === 'unchanged') return { outcome: plan.outcome, entry: old };
    if (plan.outcome === 'removed') return { outcome: 'removed', entry: this.objects.remove(kind, old) };
    return { outcome: plan.outcome, entry: this.objects.put(kind, plan.object) };
  }

  #guarded(deliver: () => void): void {
    try {
      deliver();
    } catch (error) {
      this.log.error({ err: error }, 'a listener of the cluster failed');
    }
  }

  /** Sets the namespace of a new object; throws 404 when there is none, 403 when it is being deleted. */
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

  #unstored(object: StoredObject, old: Entry | undefined): Entry {
    if (old !== undefined) object.metadata.resourceVersion = String(old.version);
    return { object, text: JSON.stringify(object), version: old?.version ?? 0, writtenAt: this.now() };
  }
}
