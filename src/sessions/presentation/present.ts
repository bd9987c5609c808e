import type { Config } from '../../config/types.ts';
import type { NotebookResponse, SessionResources, SessionStatus } from '../../generated/openapi.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { formatBytes, readQuantity } from '../../jupyter-server/quantities.ts';
import type { JupyterServer, SessionState } from '../../jupyter-server/types.ts';
import { sessionPath } from '../manifest/input.ts';
import { bucketsOf } from './buckets.ts';
import { howToResume } from './hibernated.ts';
import { launchOptions } from './launch-options.ts';
import { withoutReplacedPod } from './restarted.ts';
import { isRestartable, sessionState } from './state.ts';
import { steps } from './steps.ts';
import { trouble, whyFailed } from './trouble.ts';
import { usesDefaultImage, warnings } from './warnings.ts';

/** Always answered, empty where the object lacks them: clients of 1.18.1 read them without asking. */
const requiredAnnotations: readonly string[] = [
  annotation.namespace,
  annotation.projectName,
  annotation.branch,
  annotation.commitSha,
  annotation.repository,
];
/** Told where the object has them. */
const optionalAnnotations: readonly string[] = [
  annotation.requestedRef,
  annotation.servername,
  annotation.username,
  annotation.gitHost,
  annotation.gitlabProjectId,
  annotation.jupyterServername,
  annotation.jupyterUsername,
  annotation.lastActivityDate,
  annotation.hibernation,
  annotation.hibernationBranch,
  annotation.hibernationCommitSha,
  annotation.hibernationDirty,
  annotation.hibernationSynchronized,
  annotation.hibernationDate,
];

/**
 * A session as the API tells it, from its JupyterServer (`projectForCache`) alone. Pure, and never throws: what an
 * object lacks is left out or empty.
 * @param now milliseconds since the epoch
 */
export function presentSession(stored: JupyterServer, config: Config, now: number): NotebookResponse {
  const server = withoutReplacedPod(stored, now);
  const { name = '', creationTimestamp = '' } = server.metadata;
  return {
    annotations: annotations(server, config),
    name,
    state: { pod_name: server.status?.mainPod?.name ?? null },
    started: inSeconds(Date.parse(creationTimestamp) || now),
    status: status(server, config, now),
    url: url(server, config),
    resources: resources(server),
    image: server.spec?.jupyterServer?.image ?? '',
    launch: launchOptions(server),
    ...cloudStorage(server, config),
  };
}

const inSeconds = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, '+00:00');

/** Told only where the platform offers it. */
function cloudStorage(server: JupyterServer, { cloud_storage }: Config): Pick<NotebookResponse, 'cloudstorage'> {
  const isOffered = cloud_storage.s3.enabled || cloud_storage.azure_blob.enabled;
  return isOffered ? { cloudstorage: bucketsOf(server.spec?.patches ?? []) } : {};
}

function annotations(server: JupyterServer, config: Config): Record<string, string> {
  const from = server.metadata.annotations ?? {};
  return {
    ...Object.fromEntries(requiredAnnotations.map((key) => [key, from[key] ?? ''])),
    ...Object.fromEntries(optionalAnnotations.flatMap((key) => (from[key] ? [[key, from[key]]] : []))),
    [annotation.defaultImageUsed]: usesDefaultImage(server, config) ? 'True' : 'False',
  };
}

function status(server: JupyterServer, config: Config, now: number): SessionStatus {
  const state = sessionState(server, now);
  const details = steps(server, state);
  return {
    state,
    ...message(server, state, details, now),
    ...(state === 'failed' ? { restartable: isRestartable(server) } : {}),
    details,
    totalNumContainers: details.length,
    readyNumContainers: details.filter((step) => step.status === 'ready').length,
    warnings: warnings(server, state, config, now),
  };
}

function message(
  server: JupyterServer,
  state: SessionState,
  details: SessionStatus['details'],
  now: number,
): { message?: string | null } {
  if (state === 'failed') return { message: whyFailed(server, now) };
  if (state === 'hibernated')
    return { message: `The session is hibernated. ${howToResume(server.metadata.name ?? '')}` };
  if (state !== 'starting') return {};
  const waiting = details.filter((step) => step.status !== 'ready').map((step) => step.step.toLowerCase());
  const waitsFor = waiting.length === 0 ? undefined : `The session is waiting for these steps: ${waiting.join(', ')}.`;
  const parts = [trouble(server), waitsFor].filter((part) => part !== undefined);
  return { message: parts.length === 0 ? null : parts.join(' ') };
}

/** Holds the session's own token where it is anonymous: whoever has this link has the session. */
function url(server: JupyterServer, config: Config): string {
  const { host, path, tls } = server.spec?.routing ?? {};
  const { ingress } = config.sessions;
  const isSecure = host === undefined ? ingress.tls_secret !== null : tls?.enabled === true;
  const where = (path ?? sessionPath(server.metadata.name ?? '')).replace(/\/+$/, '');
  const token = server.spec?.auth?.token;
  const query = token ? `?token=${encodeURIComponent(token)}` : '';
  return `${isSecure ? 'https' : 'http'}://${host ?? ingress.host}${where}${query}`;
}

function resources(server: JupyterServer): SessionResources {
  const requests = server.spec?.jupyterServer?.resources?.requests ?? {};
  const usage = server.status?.mainPod?.resourceUsage;
  const cpu = readQuantity(requests['cpu']);
  const gpu = Math.floor(readQuantity(requests['nvidia.com/gpu']) ?? 0);
  const cpuMillicores = readQuantity(usage?.cpuMillicores);
  return {
    requests: {
      ...(cpu === undefined ? {} : { cpu }),
      ...bytes('memory', requests['memory']),
      ...bytes('storage', server.spec?.storage?.size),
      ...(gpu > 0 ? { gpu } : {}),
    },
    usage: {
      ...(cpuMillicores === undefined ? {} : { cpu: cpuMillicores / 1000 }),
      ...bytes('memory', usage?.memoryBytes),
      ...bytes('storage', usage?.disk?.usedBytes),
    },
  };
}

function bytes<Key extends string>(key: Key, value: unknown): { [K in Key]?: string } {
  const read = readQuantity(value);
  return (read === undefined ? {} : { [key]: formatBytes(read) }) as { [K in Key]?: string };
}
