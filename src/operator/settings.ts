import { parse as parseYaml } from 'yaml';
import { jupyterServers } from '../jupyter-server/resource.ts';
import { isObject, parseJson } from '../lib/json.ts';
import type { ResourceType } from '../platform/kubernetes/types.ts';
import { minAgentSecretLength } from '../session-contract/agent-key.ts';
import { defaultImages } from '../session-contract/default-images.ts';
import type { CullingSettings } from './culling/decide.ts';

/** The operator's configuration. Settings that Amalthea also has use the same environment variables as Amalthea. */
export interface OperatorSettings {
  /** Namespaces to watch; [''] means the whole cluster. */
  readonly namespaces: readonly string[];
  /** From the variables `NB_AMALTHEA__*`, which the service reads too. */
  readonly jupyterServers: ResourceType;
  /** Labels for every child, in addition to the labels that name its parent. */
  readonly selectorLabels: Readonly<Record<string, string>>;
  readonly schedulerName: string | undefined;
  readonly images: { readonly oauth2Proxy: string; readonly passthroughProxy: string };
  /** Maximum number of restarts. A container with more restarts that is not ready counts as failed. */
  readonly restartLimits: { readonly init: number; readonly regular: number };
  /** Milliseconds between two reads of the metrics API; undefined if the operator does not read the metrics API. */
  readonly resourceUsageIntervalMs: number | undefined;
  /** Milliseconds during which a pod that cannot be scheduled does not make its session fail. */
  readonly unschedulableGraceMs: number;
  readonly culling: CullingSettings;
  /** Secrets from which the keys of sessions' agents are derived; the service has the same list. */
  readonly agentSecrets: readonly string[];
  readonly leaderElection: { readonly namespace: string; readonly identity: string } | undefined;
  /** TCP port of `/healthz` and `/readyz`; undefined if the operator starts no HTTP server. */
  readonly healthPort: number | undefined;
  /** TCP port of `/metrics` (0: any free port); undefined if the operator serves no metrics. */
  readonly metricsPort: number | undefined;
  readonly logLevel: string;
}

/** Reads the settings from environment variables. Throws an Error that names the variable and the values that it accepts. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): OperatorSettings {
  const namespaces = namespacesOf(env);
  const leaderElection = boolean(env, 'LEADER_ELECTION', false)
    ? {
        namespace: env['POD_NAMESPACE'] || namespaces[0] || required('POD_NAMESPACE', 'the namespace of the lease'),
        identity:
          env['POD_NAME'] || env['HOSTNAME'] || required('POD_NAME', 'a name that is different for each replica'),
      }
    : undefined;
  return {
    namespaces,
    jupyterServers: {
      group: env['NB_AMALTHEA__GROUP'] || jupyterServers.group,
      version: env['NB_AMALTHEA__VERSION'] || jupyterServers.version,
      plural: env['NB_AMALTHEA__PLURAL'] || jupyterServers.plural,
    },
    selectorLabels: labels(env, 'AMALTHEA_SELECTOR_LABELS'),
    schedulerName: env['SERVER_SCHEDULER_NAME'] || undefined,
    images: {
      oauth2Proxy: env['OAUTH2_PROXY_IMAGE'] || defaultImages.oauth2Proxy,
      passthroughProxy: env['PASSTHROUGH_PROXY_IMAGE'] || defaultImages.passthroughProxy,
    },
    restartLimits: {
      init: integer(env, 'JUPYTER_SERVER_INIT_CONTAINER_RESTART_LIMIT', 1, 0),
      regular: integer(env, 'JUPYTER_SERVER_CONTAINER_RESTART_LIMIT', 3, 0),
    },
    resourceUsageIntervalMs: boolean(env, 'JUPYTER_SERVER_RESOURCE_CHECK_ENABLED', true)
      ? 1000 * integer(env, 'JUPYTER_SERVER_RESOURCE_CHECK_INTERVAL_SECONDS', 30, 1)
      : undefined,
    unschedulableGraceMs: 1000 * integer(env, 'UNSCHEDULABLE_GRACE_SECONDS', 20, 0),
    culling: {
      checkIntervalMs: 1000 * integer(env, 'JUPYTER_SERVER_IDLE_CHECK_INTERVAL_SECONDS', 300, 1),
      idleCpuMillicores: integer(env, 'CPU_USAGE_MILLICORES_IDLE_THRESHOLD', 200, 0),
      warningMs: 1000 * integer(env, 'CULLING_WARNING_SECONDS', 43_200, 0),
      deleteUnsaved: boolean(env, 'CULLING_DELETE_UNSAVED', false),
    },
    agentSecrets: agentSecrets(env),
    leaderElection,
    healthPort: env['HEALTH_PORT'] ? integer(env, 'HEALTH_PORT', 0, 1) : undefined,
    metricsPort: boolean(env, 'METRICS_ENABLED', true) ? integer(env, 'METRICS_PORT', 8765, 0) : undefined,
    logLevel: env['LOG_LEVEL'] || 'info',
  };
}

function agentSecrets(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const name = 'NB_SESSIONS__AGENT_SECRETS';
  const value = parseJson(env[name] || '[]');
  const isValid = (each: unknown): each is string => typeof each === 'string' && each.length >= minAgentSecretLength;
  if (!Array.isArray(value) || !value.every(isValid))
    throw new Error(`${name} must be a JSON list of strings with at least ${minAgentSecretLength} characters each.`);
  return value;
}

function namespacesOf(env: Readonly<Record<string, string | undefined>>): string[] {
  const clusterWide = boolean(env, 'CLUSTER_WIDE', false);
  const named = (env['NAMESPACES'] ?? '').split(',').flatMap((each) => each.trim() || []);
  if (clusterWide && named.length > 0) throw new Error('Set NAMESPACES or CLUSTER_WIDE=true, not both.');
  if (clusterWide) return [''];
  // Amalthea watches the whole cluster by default. This operator does so only with CLUSTER_WIDE=true.
  if (named.length === 0)
    throw new Error(
      'NAMESPACES is missing: set it to the namespaces to watch, separated by commas, or set CLUSTER_WIDE=true.',
    );
  const invalid = named.find((each) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(each));
  if (invalid !== undefined)
    throw new Error(`NAMESPACES: ${JSON.stringify(invalid)} is not a valid name of a namespace.`);
  return [...new Set(named)];
}

function boolean(env: Readonly<Record<string, string | undefined>>, name: string, fallback: boolean): boolean {
  const text = env[name]?.toLowerCase();
  if (!text) return fallback;
  if (['true', '1', 'yes', 'on'].includes(text)) return true;
  if (['false', '0', 'no', 'off'].includes(text)) return false;
  throw new Error(`${name} must be true or false.`);
}

function integer(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  fallback: number,
  least: number,
): number {
  const text = env[name];
  if (!text) return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`${name} must be a whole number of at least ${least}.`);
  return value;
}

function labels(env: Readonly<Record<string, string | undefined>>, name: string): Record<string, string> {
  const value: unknown = parseYaml(env[name] ?? '') ?? {};
  if (!isMapOfStrings(value)) throw new Error(`${name} must be a map of strings, in YAML or JSON.`);
  return value;
}

function isMapOfStrings(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((each) => typeof each === 'string');
}

function required(name: string, what: string): never {
  throw new Error(`${name} is missing: set it to ${what}.`);
}
