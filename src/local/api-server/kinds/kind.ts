import type { ResourceType } from '../../../platform/kubernetes/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { StoredObject } from '../json.ts';

/** The properties and rules of a kind of object. kinds.ts lists all kinds. */
export interface Kind {
  readonly resource: ResourceType;
  readonly kind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** The kind has a `/status` endpoint, and other writes do not change the status. */
  readonly statusSubresource: boolean;
  /** `metadata.generation` counts changes of the spec, or of all fields but metadata if there is no status subresource. */
  readonly generation: boolean;
  /** Accepts a PUT without a resourceVersion. */
  readonly unconditionalUpdate: boolean;
  /** A body must have apiVersion and kind, as in custom resources; for other kinds the server adds them. */
  readonly selfDescribing: boolean;
  /** The response to a DELETE that removes the object is the object and not a Status. */
  readonly returnsDeleted: boolean;
  /** The rule for `metadata.name`. */
  readonly nameRule: 'subdomain' | 'label' | 'label1035';
  /** Fields that a field selector may name, besides metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  /**
   * Changes `object` in place: adds defaults, and removes fields that the schema does not have; their paths are added to
   * `unknownFields`. Returns the errors. `old` is undefined for a new object. Throws StatusError 400 for wrong types.
   */
  admit(object: StoredObject, old: StoredObject | undefined, unknownFields: string[]): FieldError[];
}

export function apiVersionOf(kind: Kind): string {
  const { group, version } = kind.resource;
  return group === '' ? version : `${group}/${version}`;
}
