import { isDeepStrictEqual } from 'node:util';
import { annotation } from '../jupyter-server/labels.ts';
import { readQuantity } from '../jupyter-server/quantities.ts';
import { isPending, readStopRequest } from '../jupyter-server/stop-request.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { Child } from './child.ts';
import { resourcesAnnotation, resourcesText } from './children/stateful-set.ts';

export interface StatefulSetUpdate {
  /** Merge patch (RFC 7386) of the number of replicas; undefined without a change. */
  scale: object | undefined;
  /** JSON patch (RFC 6902) of the resources; undefined without a change. */
  resize: object[] | undefined;
  /** Whether the resource class has changed, which determines more of the pod's template (resize.ts). */
  isOtherClass: boolean;
}

/** Returns the patches that apply `hibernated` and `resources` of a JupyterServer to its existing StatefulSet. */
export function statefulSetUpdate(server: JupyterServer, { statefulSet }: Child): StatefulSetUpdate {
  if (!statefulSet) return { scale: undefined, resize: undefined, isOtherClass: false };
  const { spec, metadata } = server;
  const replicas = spec?.jupyterServer?.hibernated ? 0 : 1;
  const resources = spec?.jupyterServer?.resources ?? {};
  const text = resourcesText(server);
  // A StatefulSet of another operator has no annotation, so the normalised resources in its spec are compared.
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
    isOtherClass: !same && statefulSet.resources !== undefined && metadata.annotations?.[annotation.size] !== undefined,
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
 * Returns the merge patch that sets the hibernation annotations to '' after the session is resumed; undefined without a
 * change. Clients set these annotations together with `hibernated`, so other sessions do not need the annotations.
 */
export function clearHibernation({ spec, metadata }: JupyterServer): { metadata: object } | undefined {
  if (spec?.jupyterServer?.hibernated) return undefined;
  const set = hibernationAnnotations.filter((name) => metadata.annotations?.[name]);
  if (set.length === 0) return undefined;
  const { [annotation.stopRequest]: request, [annotation.savedWork]: saved } = metadata.annotations ?? {};
  // A hibernated session has no pending request, so such a request is newer than the hibernation.
  const isEnded = request !== undefined && !isPending(readStopRequest(request));
  const ended = [...(isEnded ? [annotation.stopRequest] : []), ...(saved === undefined ? [] : [annotation.savedWork])];
  const cleared = [...set.map((name) => [name, '']), ...ended.map((name) => [name, null])];
  return { metadata: { annotations: Object.fromEntries(cleared) } };
}
