import { isObject } from '../lib/json.ts';
import type { PodStatus } from '../platform/kubernetes/objects.ts';
import { type JupyterServerStatus, sessionStates } from './types.ts';

/**
 * Returns a status that any client may have written, without the values of unexpected types on which the operator depends: they
 * count as missing, so the operator replaces them. Never throws.
 */
export function validStatus(status: JupyterServerStatus | undefined): JupyterServerStatus | undefined {
  if (!isObject(status)) return undefined;
  const valid: JupyterServerStatus = { ...status };
  if (!sessionStates.some((state) => state === valid.state)) delete valid.state;
  if (!isObject(valid.create_fn)) delete valid.create_fn;
  else if (!isObject(valid.create_fn.createdResources)) valid.create_fn = { ...valid.create_fn, createdResources: {} };
  if (valid.children !== undefined) {
    valid.children = entriesOf(valid.children, ({ uid, name, kind, apiVersion }) =>
      [uid, name, kind, apiVersion].every(isString),
    );
  }
  if (valid.events !== undefined) valid.events = entriesOf(valid.events, isMessage);
  if (valid.conditions !== undefined) valid.conditions = itemsOf(valid.conditions, isMessage) ?? [];
  if (valid.mainPod !== undefined) {
    const { status: podStatus, ...pod } = isObject(valid.mainPod) ? valid.mainPod : {};
    valid.mainPod = isObject(podStatus) ? { ...pod, status: validPodStatus(podStatus) } : pod;
  }
  return valid;
}

function validPodStatus(status: PodStatus): PodStatus {
  const { conditions, containerStatuses, initContainerStatuses, reason, message, ...others } = status;
  const lists = {
    conditions: itemsOf(conditions, isMessage),
    containerStatuses: itemsOf(containerStatuses, () => true),
    initContainerStatuses: itemsOf(initContainerStatuses, () => true),
  };
  return {
    ...others,
    ...(isString(reason) ? { reason } : {}),
    ...(isString(message) ? { message } : {}),
    ...(lists.conditions ? { conditions: lists.conditions } : {}),
    ...(lists.containerStatuses ? { containerStatuses: lists.containerStatuses } : {}),
    ...(lists.initContainerStatuses ? { initContainerStatuses: lists.initContainerStatuses } : {}),
  };
}

const isString = (value: unknown): value is string => typeof value === 'string';

const isMessage = ({ reason, message }: { readonly reason?: unknown; readonly message?: unknown }): boolean =>
  [reason, message].every((text) => text === undefined || isString(text));

/** Returns the entries whose values are valid objects; no entries if `values` is not an object. */
function entriesOf<Value extends object>(
  values: Record<string, Value>,
  isValid: (value: Value) => boolean,
): Record<string, Value> {
  if (!isObject(values)) return {};
  return Object.fromEntries(Object.entries(values).filter(([, value]) => isObject(value) && isValid(value)));
}

/** Returns the items that are valid objects; undefined if `items` is not a list. */
function itemsOf<Item extends object>(items: Item[] | undefined, isValid: (item: Item) => boolean): Item[] | undefined {
  return Array.isArray(items) ? items.filter((item) => isObject(item) && isValid(item)) : undefined;
}
