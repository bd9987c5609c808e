import { at, type StoredObject } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import { exactField, parseFieldSelector, parseLabelSelector } from '../selectors.ts';
import { type Entry, keyOf } from '../versioned-objects.ts';
import type { ListOptions } from './options.ts';

interface Selection {
  /** Empty: all namespaces. */
  namespace: string;
  matches(object: StoredObject): boolean;
  /** True if the request has a selector. Kubernetes does not count remaining objects then. */
  selective: boolean;
  /** The name of the only object that can match; undefined if several objects can match. */
  name: string | undefined;
}

/** Returns the selection of a list or watch. Throws StatusError 400 for an invalid selector. */
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

/** Returns the matching entries with keys greater than `after`, sorted by key. */
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
  // The field `source` of an Event is the component that reported the Event.
  if (path === 'source') return String(at(object, 'source', 'component') ?? at(object, 'reportingComponent') ?? '');
  return String(at(object, ...path.split('.')) ?? '');
}
