import type { JupyterServerSpec } from '../../jupyter-server/types.ts';
import { unprivileged, withLogInStatus } from '../../session-contract/container-defaults.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import type { SessionUrl } from '../session-url.ts';
import type { OperatorSettings } from '../settings.ts';
import { shared } from './manifest.ts';

/**
 * Returns the proxy container, which receives the requests to the Service and forwards them to Jupyter: oauth2-proxy if
 * users sign in through OIDC; otherwise a proxy without authentication, because Jupyter checks its own token.
 */
export function proxyContainer(
  name: string,
  spec: JupyterServerSpec,
  url: SessionUrl,
  { images }: OperatorSettings,
): object {
  return spec.auth?.oidc?.enabled
    ? oauth2ProxyContainer(name, spec.auth.oidc, url, images.oauth2Proxy)
    : passthroughProxyContainer(images.passthroughProxy);
}

const { oauth2Proxy, passthroughProxy, jupyter } = sessionContainer;

/** Both proxies have the same port and probe. */
const { port, probe } = oauth2Proxy;
const ping = { httpGet: { path: probe.path, port: probe.port } };
const probes = {
  livenessProbe: { ...ping, periodSeconds: 10, failureThreshold: 6 },
  readinessProbe: { ...ping, periodSeconds: 2, failureThreshold: 30, successThreshold: 2 },
  startupProbe: { ...ping, periodSeconds: 2, failureThreshold: 150 },
};
const ports = [{ name: 'http', containerPort: port }];

function passthroughProxyContainer(image: string): object {
  const { traefikConfig } = shared.file;
  return {
    name: passthroughProxy.name,
    image,
    args: [
      `--entrypoints.web.address=:${port}`,
      '--providers.file.directory=/traefik',
      '--ping=true',
      '--ping.entrypoint=web',
    ],
    ports,
    volumeMounts: [{ name: 'traefik-dynamic-config', mountPath: `/traefik/${traefikConfig}`, subPath: traefikConfig }],
    resources: { requests: { cpu: '20m', memory: '32Mi' }, limits: { cpu: '100m', memory: '64Mi' } },
    securityContext: unprivileged({ runAsUser: 1000, runAsGroup: 1000 }),
    ...withLogInStatus,
    ...probes,
  };
}

type Oidc = NonNullable<NonNullable<JupyterServerSpec['auth']>['oidc']>;

/** The order of the first 13 arguments is fixed: patches replace the upstream by its index (6), and append arguments. */
function oauth2ProxyContainer(name: string, oidc: Oidc, url: SessionUrl, image: string): object {
  const { authorizedUsers } = shared.file;
  const emails = `/etc/oauth2-proxy/${authorizedUsers}`;
  const secret = (key: string, from = name) => ({ valueFrom: { secretKeyRef: { name: from, key } } });
  const clientSecret = clientSecretSource(oidc, secret);
  return {
    name: oauth2Proxy.name,
    image,
    args: [
      '--provider=oidc',
      `--client-id=${oidc.clientId ?? ''}`,
      `--oidc-issuer-url=${oidc.issuerUrl ?? ''}`,
      '--session-cookie-minimal',
      `--http-address=:${port}`,
      '--skip-provider-button',
      `--upstream=http://127.0.0.1:${jupyter.port}`,
      `--redirect-url=${url.full}/oauth2/callback`,
      `--cookie-path=${url.path}`,
      `--proxy-prefix=${url.prefix}/oauth2`,
      `--authenticated-emails-file=${emails}`,
      `--skip-auth-route=^${escapeRegExp(url.prefix)}/api/status$`,
      '--exclude-logging-path=/ping',
      ...(oidc.authorizedGroups ?? []).map((group) => `--allowed-group=${group}`),
    ].map(escapeVariables),
    env: [
      { name: 'OAUTH2_PROXY_COOKIE_SECRET', ...secret(shared.secretKey.oauth2ProxyCookieSecret) },
      ...(clientSecret ? [{ name: 'OAUTH2_PROXY_CLIENT_SECRET', ...clientSecret }] : []),
    ],
    ports,
    volumeMounts: [{ name: 'oauth2-proxy-config', mountPath: emails, subPath: authorizedUsers }],
    resources: { requests: { cpu: '20m', memory: '16Mi' }, limits: { cpu: '100m', memory: '32Mi' } },
    securityContext: unprivileged({ runAsUser: 65532 }),
    ...withLogInStatus,
    ...probes,
  };
}

function clientSecretSource<T>({ clientSecret }: Oidc, secret: (key: string, from?: string) => T): T | undefined {
  if (!clientSecret) return undefined;
  return 'value' in clientSecret
    ? secret(shared.secretKey.oidcClientSecret)
    : secret(clientSecret.secretKeyRef.key, clientSecret.secretKeyRef.name);
}

/** Escapes `$(NAME)`, which Kubernetes would replace by the value of an environment variable. */
function escapeVariables(argument: string): string {
  return argument.replaceAll('$(', () => '$$(');
}

function escapeRegExp(text: string): string {
  return text.replace(/[.+*?()|[\]{}^$\\]/g, '\\$&');
}
