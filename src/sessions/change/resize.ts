import type { Config } from '../../config/types.ts';
import { annotation, isLabelValue, label } from '../../jupyter-server/labels.ts';
import { readLaunchOptions, writeLaunchOptions } from '../../jupyter-server/launch-options.ts';
import type { ChildPatch, JsonPatchOperation, JupyterServer } from '../../jupyter-server/types.ts';
import { asObject } from '../../lib/json.ts';
import { mergePatchBetween } from '../../lib/merge-patch.ts';
import type { SessionResources } from '../../options/resource-classes.ts';
import { add, jsonPatch, podSpec } from '../manifest/input.ts';
import { resources } from '../manifest/server.ts';
import { sharedMemoryVolume } from '../manifest/shared-memory.ts';

const priorityPath = `${podSpec}/priorityClassName`;

/**
 * Returns the merge patch that gives a session the resources of another class: requests and limits, the quota of the class, the shared
 * memory, and the options to launch it again. The storage does not change. Tolerations, affinity and thresholds are
 * those of the configuration, for all classes. Pure.
 * @param id of this change: the operator updates the pod's template for each new id
 */
export function resizePatch(
  { metadata, spec = {} }: JupyterServer,
  chosen: SessionResources,
  enforceCpuLimits: Config['sessions']['enforce_cpu_limits'],
  id: string,
): { readonly metadata: object; readonly spec: object } {
  const wanted = resources(chosen, enforceCpuLimits);
  const options = readLaunchOptions(metadata.annotations?.[annotation.launchOptions]);
  const { priorityClass } = chosen;
  const quota = priorityClass !== null && isLabelValue(priorityClass) ? priorityClass : null;
  return {
    metadata: {
      labels: { [label.quota]: quota },
      annotations: {
        [annotation.launchOptions]: writeLaunchOptions({ ...options, resource_class_id: chosen.classId }),
        [annotation.size]: id,
      },
    },
    spec: {
      // A merge patch keeps the members that it does not name, such as the GPU of the former class.
      jupyterServer: { resources: mergePatchBetween(spec.jupyterServer?.resources ?? {}, wanted) ?? {} },
      ...(spec.patches ? { patches: resizedPatches(spec.patches, chosen) } : {}),
    },
  };
}

/** Returns the patches of the operator's template with the priority class and the shared memory of the class. */
function resizedPatches(patches: readonly ChildPatch[], chosen: SessionResources): ChildPatch[] {
  const { priorityClass, memoryBytes } = chosen;
  const kept = patches.flatMap((each): ChildPatch[] => {
    if (each.type !== 'application/json-patch+json' || !Array.isArray(each.patch)) return [each];
    const operations = each.patch.filter(({ path }) => path !== priorityPath).map((one) => resized(one, memoryBytes));
    return operations.length > 0 ? [{ ...each, patch: operations }] : [];
  });
  return priorityClass === null ? kept : [...kept, jsonPatch(add('/priorityClassName', priorityClass))];
}

function resized(operation: JsonPatchOperation, memoryBytes: number): JsonPatchOperation {
  const volume = sharedMemoryVolume(memoryBytes);
  const isShared = operation.path === `${podSpec}/volumes/-` && asObject(operation.value)?.['name'] === volume.name;
  return isShared ? { ...operation, value: volume } : operation;
}
