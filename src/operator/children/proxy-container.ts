import type { JupyterServerSpec } from '../../jupyter-server/types.ts';
import type { SessionUrl } from '../session-url.ts';
import type { OperatorSettings } from '../settings.ts';
import { shared } from './manifest.ts';

/** Container 1, what the Service reaches: sign-in by OIDC, or nothing but a passage where Jupyter's token is the key. */
export function proxyContainer(
  name: string,
  spec: JupyterServerSpec,
  url: SessionUrl,
  { images }: OperatorSettings,
): object {
  return spec.auth?.oidc?.enabled
    ? oauth2Proxy(name, spec.auth.oidc, url, images.oauth2Proxy)
    : passthroughProxy(images.passthroughProxy);
}

const ping = { httpGet: { path: '/ping', port: shared.proxyPort } };
const probes = {
  livenessProbe: { ...ping, periodSeconds: 10, failureThreshold: 6 },
  readinessProbe: { ...ping, periodSeconds: 2, failureThreshold: 30, successThreshold: 2 },
  startupProbe: { ...ping, periodSeconds: 2, failureThreshold: 150 },
};
const ports = [{ name: 'http', containerPort: shared.proxyPort }];

function passthroughProxy(image: string): object {
  const { traefikConfig } = shared.file;
  return {
    name: 'passthrough-proxy',
    image,
    args: [
      `--entrypoints.web.address=:${shared.proxyPort}`,
      '--providers.file.directory=/traefik',
      '--ping=true',
      '--ping.entrypoint=web',
    ],
    ports,
    volumeMounts: [{ name: 'traefik-dynamic-config', mountPath: `/traefik/${traefikConfig}`, subPath: traefikConfig }],
    resources: { requests: { cpu: '20m', memory: '32Mi' }, limits: { cpu: '100m', memory: '64Mi' } },
    securityContext: { runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true, allowPrivilegeEscalation: false },
    ...probes,
  };
}

type Oidc = NonNullable<NonNullable<JupyterServerSpec['auth']>['oidc']>;

/** The first 13 arguments keep their places: clients' patches replace the upstream by index (6) and append. */
function oauth2Proxy(name: string, oidc: Oidc, url: SessionUrl, image: string): object {
  const { authorizedUsers } = shared.file;
  const emails = `/etc/oauth2-proxy/${authorizedUsers}`;
  const secret = (key: string, from = name) => ({ valueFrom: { secretKeyRef: { name: from, key } } });
  const clientSecret = clientSecretSource(oidc, secret);
  return {
    name: 'oauth2-proxy',
    image,
    args: [
      '--provider=oidc',
      `--client-id=${oidc.clientId ?? ''}`,
      `--oidc-issuer-url=${oidc.issuerUrl ?? ''}`,
      '--session-cookie-minimal',
      `--http-address=:${shared.proxyPort}`,
      '--skip-provider-button',
      `--upstream=http://127.0.0.1:${shared.jupyterPort}`,
      `--redirect-url=${url.full}/oauth2/callback`,
      `--cookie-path=${url.path}`,
      `--proxy-prefix=${url.prefix}/oauth2`,
      `--authenticated-emails-file=${emails}`,
      `--skip-auth-route=^${inRegExp(url.prefix)}/api/status$`,
      '--exclude-logging-path=/ping',
      ...(oidc.authorizedGroups ?? []).map((group) => `--allowed-group=${group}`),
    ].map(literally),
    env: [
      { name: 'OAUTH2_PROXY_COOKIE_SECRET', ...secret(shared.secretKey.oauth2ProxyCookieSecret) },
      ...(clientSecret ? [{ name: 'OAUTH2_PROXY_CLIENT_SECRET', ...clientSecret }] : []),
    ],
    ports,
    volumeMounts: [{ name: 'oauth2-proxy-config', mountPath: emails, subPath: authorizedUsers }],
    resources: { requests: { cpu: '20m', memory: '16Mi' }, limits: { cpu: '100m', memory: '32Mi' } },
    // A number, because the kubelet cannot tell whether an image's user name is root.
    securityContext: { runAsUser: 65532, runAsNonRoot: true, allowPrivilegeEscalation: false },
    ...probes,
  };
}

function clientSecretSource<T>({ clientSecret }: Oidc, secret: (key: string, from?: string) => T): T | undefined {
  if (!clientSecret) return undefined;
  return 'value' in clientSecret
    ? secret(shared.secretKey.oidcClientSecret)
    : secret(clientSecret.secretKeyRef.key, clientSecret.secretKeyRef.name);
}

/** Kubernetes replaces `$(NAME)` in arguments by a variable; nothing of a session's is meant so. */
function literally(argument: string): string {
  return argument.replaceAll('$(', () => '$$(');
}

function inRegExp(text: string): string {
  return text.replace(/[.+*?()|[\]{}^$\\]/g, '\\$&');
}
