import type { ContainerStatus, KubernetesObject, PodStatus } from '../../platform/kubernetes/objects.ts';

/** The parts of core/v1 and apps/v1 objects that the kubelet and the StatefulSet controller read. */
export interface Pod extends KubernetesObject {
  spec?: PodSpec;
  status?: PodStatus & { observedGeneration?: number };
}

export interface PodSpec {
  initContainers?: Container[];
  containers?: Container[];
  volumes?: Volume[];
  terminationGracePeriodSeconds?: number;
  [other: string]: unknown;
}

export interface Container {
  name: string;
  image?: string;
  workingDir?: string;
  env?: EnvironmentVariable[];
  volumeMounts?: VolumeMount[];
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  startupProbe?: Probe;
  [other: string]: unknown;
}

export interface EnvironmentVariable {
  name: string;
  value?: string;
  valueFrom?: {
    secretKeyRef?: { name: string; key: string; optional?: boolean };
    fieldRef?: { fieldPath: string };
    [other: string]: unknown;
  };
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  subPath?: string;
  readOnly?: boolean;
}

export interface Probe {
  httpGet?: { path?: string; port?: number | string };
  periodSeconds?: number;
  failureThreshold?: number;
  timeoutSeconds?: number;
}

export interface Source {
  items?: { key: string; path: string }[];
  optional?: boolean;
}

export interface Volume {
  name: string;
  emptyDir?: object;
  persistentVolumeClaim?: { claimName: string };
  secret?: { secretName?: string } & Source;
  configMap?: { name?: string } & Source;
  projected?: { sources?: ProjectedSource[] };
  [other: string]: unknown;
}

export interface ProjectedSource {
  secret?: { name?: string } & Source;
  configMap?: { name?: string } & Source;
}

export interface Secret extends KubernetesObject {
  /** Base64. */
  data?: Record<string, string>;
}

export interface ConfigMap extends KubernetesObject {
  data?: Record<string, string>;
}

export interface StatefulSet extends KubernetesObject {
  spec?: {
    replicas?: number;
    serviceName?: string;
    template?: { metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }; spec?: PodSpec };
  };
  status?: Record<string, unknown>;
}

export interface PersistentVolumeClaim extends KubernetesObject {
  spec?: { accessModes?: string[]; resources?: { requests?: Record<string, string | number> } };
  status?: { phase?: string };
}

export type { ContainerStatus, PodStatus };
