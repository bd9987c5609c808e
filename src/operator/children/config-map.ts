import type { JupyterServerSpec } from '../../jupyter-server/types.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { InvalidJupyterServer } from '../failure.ts';
import type { SessionUrl } from '../session-url.ts';
import { defaults } from './defaults.ts';
import { type Manifest, shared } from './manifest.ts';

/** Returns the ConfigMap with the configuration files of Jupyter and of its proxy. */
export function renderConfigMap(name: string, spec: JupyterServerSpec, url: SessionUrl): Manifest {
  const oidc = spec.auth?.oidc;
  const proxyFile = oidc?.enabled
    ? { [shared.file.authorizedUsers]: (oidc.authorizedEmails ?? []).map(emailLine).join('') }
    : { [shared.file.traefikConfig]: traefikConfig };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: {
      [shared.file.notebookConfig]: jupyterConfig('NotebookApp', 'notebook_dir', spec, url),
      [shared.file.serverConfig]: jupyterConfig('ServerApp', 'root_dir', spec, url, ['LabApp', 'JupyterNotebookApp']),
      ...proxyFile,
    },
  };
}

/** The file has one address per line, so an address with a line break would give another user access. */
function emailLine(email: string): string {
  if (/\p{Cc}/u.test(email))
    throw new InvalidJupyterServer('spec.auth.oidc.authorizedEmails contains a control character');
  return `${email}\n`;
}

const traefikConfig = `http:
  routers:
    jupyter:
      rule: "PathPrefix(\`/\`)"
      service: jupyter
  services:
    jupyter:
      loadBalancer:
        servers:
          - url: "http://localhost:${sessionContainer.jupyter.port}"
`;

/** @param launchers applications that start `app`. Their `default_url` overrides that of `app`, so both are set. */
function jupyterConfig(
  app: string,
  rootDir: string,
  spec: JupyterServerSpec,
  url: SessionUrl,
  launchers: string[] = [],
): string {
  const defaultUrl = pythonString(spec.jupyterServer?.defaultUrl ?? defaults.defaultUrl);
  const settings: [string, string][] = [
    [`${app}.ip`, pythonString('0.0.0.0')],
    [`${app}.port`, String(sessionContainer.jupyter.port)],
    [`${app}.token`, 'os.environ["SERVER_APP_TOKEN"]'],
    [`${app}.cookie_secret_file`, pythonString(`${shared.secretsFolder}/${shared.cookieSecretFile}`)],
    [`${app}.allow_origin`, pythonString(`${url.scheme}://${url.host}`)],
    [`${app}.base_url`, pythonString(url.path)],
    [`${app}.${rootDir}`, pythonString(spec.jupyterServer?.rootDir ?? defaults.rootDir)],
    ...[app, ...launchers].map((name): [string, string] => [`${name}.default_url`, defaultUrl]),
    [`${app}.allow_remote_access`, 'True'],
    ['ContentsManager.allow_hidden', 'True'],
  ];
  return `import os\n\n${settings.map(([name, value]) => `c.${name} = ${value}\n`).join('')}`;
}

/** Returns a Python string literal: every escape sequence of JSON means the same in Python. */
function pythonString(text: string): string {
  return JSON.stringify(text);
}
