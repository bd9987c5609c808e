import { at, type StoredObject } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import { exactField, parseFieldSelector, parseLabelSelector } from '../selectors.ts';
import type { Entry } from '../versioned-objects.ts';
import { keyOf } from '../versioned-objects.ts';
import type { ListOptions } from './options.ts';

export interface Selection {
  /** Empty: all namespaces. */
  namespace: string;
  matches(object: StoredObject): boolean;
  /** There is a selector, so counts of what is left would need a look at everything. */
  selective: boolean;
  /** Exactly one object can match: its name. */
  name: string | undefined;
}

/** What a list or watch asks for. Throws StatusError 400 for selectors that cannot be read. */
export function selectionOf(
  kind: Kind,
  namespace: string,
  { labelSelector, fieldSelector }: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>,
): Selection {
  const labels = parseLabelSelector(labelSelector);
  const supported = ['metadata.name', 'metadata.namespace', ...kind.selectableFields];
  const fields = parseFieldSelector(fieldSelector, supported);
  return {
    namespace,
    selective: labelSelector !== '' || fieldSelector !== '',
    name: exactField(fieldSelector, 'metadata.name'),
    matches: (object) =>
      (namespace === '' || object.metadata.namespace === namespace) &&
      labels(object.metadata.labels) &&
      fields((path) => fieldValue(object, path)),
  };
}

/** Matching entries in the order of their keys, those after `after` only. */
export function select(entries: ReadonlyMap<string, Entry>, selection: Selection, after = ''): [string, Entry][] {
  if (selection.name !== undefined && selection.namespace !== '') {
    const key = keyOf(selection.namespace, selection.name);
    const entry = entries.get(key);
    return entry !== undefined && key > after && selection.matches(entry.object) ? [[key, entry]] : [];
  }
  const found: [string, Entry][] = [];
  for (const [key, entry] of entries) {
    if (key > after && selection.matches(entry.object)) found.push([key, entry]);
  }
  return found.sort(([left], [right]) => (left < right ? -1 : 1));
}

function fieldValue(object: StoredObject, path: string): string {
  // An event's `source` is the component that reported it.
  if (path === 'source') return String(at(object, 'source', 'component') ?? at(object, 'reportingComponent') ?? '');
  return String(at(object, ...path.split('.')) ?? '');
}
