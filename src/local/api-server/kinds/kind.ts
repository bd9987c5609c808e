import type { ResourceType } from '../../../platform/kubernetes/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { StoredObject } from '../json.ts';

/** What the API server knows of one kind of object. The table of all of them is in kinds.ts. */
export interface Kind {
  readonly resource: ResourceType;
  readonly kind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** `/status` is an endpoint of its own, and writes to the object leave its status alone. */
  readonly statusSubresource: boolean;
  /** `metadata.generation` counts changes of the spec (without the subresource: of anything but metadata). */
  readonly generation: boolean;
  /** A PUT without resourceVersion is accepted and wins. */
  readonly unconditionalUpdate: boolean;
  /** apiVersion and kind must be in the body (custom resources); elsewhere they are filled in. */
  readonly selfDescribing: boolean;
  /** A DELETE that takes the object away answers with the object instead of a Status. */
  readonly returnsDeleted: boolean;
  /** Which rule `metadata.name` follows. */
  readonly nameRule: 'subdomain' | 'label' | 'label1035';
  /** Fields beside metadata.name and metadata.namespace that a field selector may name. */
  readonly selectableFields: readonly string[];
  /**
   * Fills in defaults, drops what the schema does not know (its paths are pushed to `unknownFields`) and says what is
   * wrong. Changes `object` in place. `old` is undefined when the object is being created.
   */
  admit(object: StoredObject, old: StoredObject | undefined, unknownFields: string[]): FieldError[];
}

export function apiVersionOf(kind: Kind): string {
  const { group, version } = kind.resource;
  return group === '' ? version : `${group}/${version}`;
}
