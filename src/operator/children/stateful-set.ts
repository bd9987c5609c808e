import { annotation } from '../../jupyter-server/labels.ts';
import type { JupyterServer, JupyterServerSpec } from '../../jupyter-server/types.ts';
import { sessionUser, unprivileged, withLogInStatus } from '../../session-contract/container-defaults.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import type { SessionUrl } from '../session-url.ts';
import type { OperatorSettings } from '../settings.ts';
import { defaults } from './defaults.ts';
import { type Manifest, shared } from './manifest.ts';
import { proxyContainer } from './proxy-container.ts';

/**
 * Annotation of the StatefulSet with the resources that the operator applied last, as JSON. The quantities are as in the
 * JupyterServer, because the API server normalises the quantities of the StatefulSet (0.5 becomes 500m).
 */
export const resourcesAnnotation = 'notebook-sessions.io/resources';

/** Returns the value of `resourcesAnnotation`: another one after each change of the resources or of the resource class. */
export function resourcesText({ spec, metadata }: JupyterServer): string {
  const size = metadata.annotations?.[annotation.size];
  return `${JSON.stringify(spec?.jupyterServer?.resources ?? {})}${size === undefined ? '' : ` ${size}`}`;
}

/**
 * Returns the StatefulSet that creates the session's pod. Patches name containers, volumes and arguments by index, so the
 * order of every list here is part of the contract. `initContainers` and `imagePullSecrets` are empty lists so that patches
 * can append to them.
 */
export function renderStatefulSet(
  name: string,
  spec: JupyterServerSpec,
  url: SessionUrl,
  settings: OperatorSettings,
): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: {
      replicas: 1,
      serviceName: name,
      // With OrderedReady, an update of the resources would never complete if the current pod does not become ready.
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          imagePullSecrets: [],
          initContainers: [],
          containers: [jupyterContainer(name, spec, url), proxyContainer(name, spec, url, settings)],
          volumes: volumes(name, spec),
          securityContext: { fsGroup: 100 },
          terminationGracePeriodSeconds: 30,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(settings.schedulerName ? { schedulerName: settings.schedulerName } : {}),
        },
      },
    },
  };
}

function volumes(name: string, { auth, storage }: JupyterServerSpec): object[] {
  const file = (volume: string, key: string) => ({
    name: volume,
    configMap: { name, items: [{ key, path: key }] },
  });
  const secretFile = { key: shared.secretKey.jupyterCookieSecret, path: shared.cookieSecretFile };
  const size = storage?.size;
  return [
    auth?.oidc?.enabled
      ? file('oauth2-proxy-config', shared.file.authorizedUsers)
      : file('traefik-dynamic-config', shared.file.traefikConfig),
    { name: 'jupyter-server-secrets', secret: { secretName: name, items: [secretFile] } },
    file('jupyter-config-notebook', shared.file.notebookConfig),
    file('jupyter-config-server', shared.file.serverConfig),
    { name: 'jupyter-config', emptyDir: { sizeLimit: '2Mi' } },
    storage?.pvc?.enabled
      ? { name: shared.workspaceVolume, persistentVolumeClaim: { claimName: name } }
      : { name: shared.workspaceVolume, emptyDir: size === undefined || size === '' ? {} : { sizeLimit: size } },
  ];
}

const { jupyter } = sessionContainer;

function jupyterContainer(name: string, { jupyterServer, storage }: JupyterServerSpec, url: SessionUrl): object {
  const mountPath = storage?.pvc?.mountPath ?? defaults.mountPath;
  const configFolder = `${mountPath}/.jupyter_config`;
  const configFile = (volume: string, file: string) => ({
    name: volume,
    mountPath: `${configFolder}/${file}`,
    subPath: file,
  });
  // /api/status is not used: it requires the token, and every user who can read pods can read the headers of a probe. /api
  // requires no token, in the classic notebook, too, and responds as soon as Jupyter serves requests.
  const probe = { httpGet: { path: `${url.prefix}${jupyter.probe.path}`, port: jupyter.probe.port }, periodSeconds: 2 };
  return {
    name: jupyter.name,
    image: jupyterServer?.image ?? defaults.image,
    workingDir: jupyterServer?.rootDir ?? defaults.rootDir,
    env: [
      {
        name: 'SERVER_APP_TOKEN',
        valueFrom: { secretKeyRef: { name, key: shared.secretKey.jupyterToken } },
      },
      { name: 'JUPYTER_CONFIG_PATH', value: configFolder },
    ],
    volumeMounts: [
      { name: shared.workspaceVolume, mountPath },
      { name: 'jupyter-server-secrets', mountPath: shared.secretsFolder, readOnly: true },
      { name: 'jupyter-config', mountPath: configFolder },
      configFile('jupyter-config-notebook', shared.file.notebookConfig),
      configFile('jupyter-config-server', shared.file.serverConfig),
    ],
    resources: jupyterServer?.resources ?? {},
    securityContext: unprivileged(sessionUser),
    ...withLogInStatus,
    livenessProbe: { ...probe, failureThreshold: 30 },
    readinessProbe: { ...probe, failureThreshold: 10, successThreshold: 2 },
    startupProbe: { ...probe, failureThreshold: 150 },
  };
}
