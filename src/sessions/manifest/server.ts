import type { Config, ManifestConfig } from '../../config/types.ts';
import { sessionPath } from '../../jupyter-server/session-path.ts';
import type { JupyterServerSpec } from '../../jupyter-server/types.ts';
import type { SessionResources } from '../../options/resource-classes.ts';
import type { ResourceRequirements } from '../../platform/kubernetes/objects.ts';
import { type ManifestInput, mountPathOf } from './input.ts';

export function jupyterServer(
  input: ManifestInput,
  config: ManifestConfig,
): NonNullable<JupyterServerSpec['jupyterServer']> {
  return {
    defaultUrl: input.defaultUrl,
    image: input.image.reference,
    rootDir: `${mountPathOf(input, config)}/${input.repository.folder}/`,
    resources: resources(input.resources, config.sessions.enforce_cpu_limits),
  };
}

/** Returns requests and limits: memory in bytes, CPU in cores. Limits equal requests, except the configured limit of CPU. */
export function resources(
  { cpu, memoryBytes, gpu }: SessionResources,
  enforceCpuLimits: Config['sessions']['enforce_cpu_limits'],
): ResourceRequirements {
  const gpus = gpu > 0 ? { 'nvidia.com/gpu': String(gpu) } : {};
  const factor = { lax: 3, strict: 1, off: undefined }[enforceCpuLimits];
  // Whole millicores, because Kubernetes rounds up amounts with more decimals, such as 3 x 0.1.
  const limit = factor === undefined ? {} : { cpu: Math.round(cpu * factor * 1000) / 1000 };
  return { requests: { memory: memoryBytes, cpu, ...gpus }, limits: { memory: memoryBytes, ...limit, ...gpus } };
}

export function culling(input: ManifestInput, config: ManifestConfig): NonNullable<JupyterServerSpec['culling']> {
  const { idle_seconds, max_age_seconds, ...others } = config.sessions.culling[input.user.kind];
  const { pending_seconds, failed_seconds, hibernated_seconds } = others;
  return {
    idleSecondsThreshold: idle_seconds,
    maxAgeSecondsThreshold: max_age_seconds,
    ...(pending_seconds > 0 ? { startingSecondsThreshold: pending_seconds } : {}),
    ...(failed_seconds > 0 ? { failedSecondsThreshold: failed_seconds } : {}),
    ...(hibernated_seconds > 0 ? { hibernatedSecondsThreshold: hibernated_seconds } : {}),
  };
}

export function routing(input: ManifestInput, config: ManifestConfig): NonNullable<JupyterServerSpec['routing']> {
  const { host, annotations, tls_secret } = config.sessions.ingress;
  return {
    host,
    path: sessionPath(input.name),
    ingressAnnotations: { ...annotations },
    tls: tls_secret ? { enabled: true, secretName: tls_secret } : { enabled: false },
  };
}

/** Returns the storage. Without a volume, the size is a limit only if this is configured; an empty size means no limit. */
export function storage(input: ManifestInput, config: ManifestConfig): NonNullable<JupyterServerSpec['storage']> {
  const { pvs_enabled, pvs_storage_class, use_empty_dir_size_limit } = config.sessions.storage;
  const mountPath = mountPathOf(input, config);
  const size = pvs_enabled || use_empty_dir_size_limit ? input.resources.storageBytes : '';
  if (!pvs_enabled) return { size, pvc: { enabled: false, mountPath } };
  const storageClass = pvs_storage_class ? { storageClassName: pvs_storage_class } : {};
  return { size, pvc: { enabled: true, ...storageClass, mountPath } };
}
