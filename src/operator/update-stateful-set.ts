import { isDeepStrictEqual } from 'node:util';
import { annotation } from '../jupyter-server/labels.ts';
import { readQuantity } from '../jupyter-server/quantities.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { Child } from './child.ts';
import { resourcesAnnotation } from './children/stateful-set.ts';

export interface StatefulSetUpdate {
  /** RFC 7386, or undefined. */
  scale: object | undefined;
  /** RFC 6902, or undefined. */
  resize: object[] | undefined;
}

/** What to change on the StatefulSet for the two fields of a JupyterServer that stay alive: hibernated and resources. */
export function statefulSetUpdate({ spec }: JupyterServer, { statefulSet }: Child): StatefulSetUpdate {
  if (!statefulSet) return { scale: undefined, resize: undefined };
  const replicas = spec?.jupyterServer?.hibernated ? 0 : 1;
  const resources = spec?.jupyterServer?.resources ?? {};
  const text = JSON.stringify(resources);
  // Without the annotation another operator made it; the API server has respelled what it was given.
  const same =
    statefulSet.resources === undefined
      ? sameResources(statefulSet.containerResources, resources)
      : statefulSet.resources === text;
  const annotations =
    statefulSet.resources === undefined
      ? []
      : [{ op: 'add', path: `/metadata/annotations/${resourcesAnnotation.replaceAll('/', '~1')}`, value: text }];
  return {
    scale: statefulSet.replicas === replicas ? undefined : { spec: { replicas } },
    resize: same
      ? undefined
      : [{ op: 'add', path: '/spec/template/spec/containers/0/resources', value: resources }, ...annotations],
  };
}

function sameResources(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(canonical(a), canonical(b));
}

function canonical(value: unknown): unknown {
  const number = readQuantity(value);
  if (number !== undefined) return Number(number.toPrecision(12));
  if (value === null || typeof value !== 'object') return value ?? {};
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, canonical(each)]));
}

const hibernationAnnotations = [
  annotation.hibernation,
  annotation.hibernationBranch,
  annotation.hibernationCommitSha,
  annotation.hibernationDirty,
  annotation.hibernationSynchronized,
  annotation.hibernationDate,
] as const;

/**
 * Blanks what was noted when the session was put to sleep, once it is awake again: a merge patch, or undefined. Whoever
 * hibernates sets these together with the field, so an awake session never has them for a reason.
 */
export function blankHibernation({ spec, metadata }: JupyterServer): object | undefined {
  if (spec?.jupyterServer?.hibernated) return undefined;
  const set = hibernationAnnotations.filter((name) => metadata.annotations?.[name]);
  return set.length > 0 ? { metadata: { annotations: Object.fromEntries(set.map((name) => [name, ''])) } } : undefined;
}
