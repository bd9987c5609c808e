import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JupyterAddress } from '../../../session-contract/agent.ts';
import { makeDirectory, readText, writePrivateFile } from '../../machine/private-files.ts';
import type { PythonEnvironment } from '../../python/types.ts';
import type { PodDirectory } from '../pod/directory.ts';
import type { Container } from '../types.ts';
import { type Mount, realPath } from '../volumes/mounts.ts';
import { supervised } from './supervisor.ts';

/** The operator mounts the secret that signs Jupyter's cookies here. */
const cookieSecret = '/etc/jupyter_server_secrets/cookie_secret';

/** This project's extensions for JupyterLab. */
const labExtensions = fileURLToPath(new URL('../labextensions', import.meta.url));

export interface JupyterLaunch {
  environment: PythonEnvironment;
  directory: PodDirectory;
  mounts: readonly Mount[];
  workingDirectory: string;
  address: string;
  port: number;
  /** The folder of the supervisor; undefined: the session has none. */
  supervisor?: string | undefined;
}

const shortRuntimeFolder = fileURLToPath(new URL('../../python/short_runtime_folder.py', import.meta.url));
/** The longest path in which kernels can listen on sockets, in bytes. */
const longestRuntimeFolder = 107 - '/kernel-01234567-89ab-cdef-0123-456789abcdef-ipc-12345'.length;

/**
 * Returns the command line. The session's settings (base path, default page, allowed origin) are in the configuration that the
 * operator mounts; the options here are those of this machine, and override the configuration. The template's `command` and
 * `args` are not used: they start Jupyter in a container image. The token is not an option, because every user can read command
 * lines.
 */
export function jupyterCommand({
  environment,
  directory,
  mounts,
  workingDirectory,
  address,
  port,
  supervisor,
}: JupyterLaunch): string[] {
  const command = [
    ...environment.jupyter,
    '--no-browser',
    `--ServerApp.ip=${address}`,
    `--ServerApp.port=${port}`,
    // The ingress would not find a server on another port.
    '--ServerApp.port_retries=0',
    `--ServerApp.root_dir=${workingDirectory}`,
    `--ServerApp.cookie_secret_file=${realPath(mounts, cookieSecret) ?? join(directory.jupyter, 'cookie_secret')}`,
    // The kubelet restarts a server that ends, so "Shut Down" would not stop the session.
    '--ServerApp.quit_button=False',
    // JupyterLab must not load anything from other hosts: news, updates, the catalogue of extensions.
    '--LabApp.news_url=None',
    '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
    '--LabApp.extension_manager=readonly',
    `--LabApp.extra_labextensions_path=${labExtensions}`,
    ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
  ];
  const started = supervisor === undefined ? command : supervised(supervisor, command);
  return Buffer.byteLength(runtimeFolder(directory)) > longestRuntimeFolder
    ? [environment.python, '-I', '-S', shortRuntimeFolder, ...started]
    : started;
}

const runtimeFolder = (directory: PodDirectory): string => join(directory.jupyter, 'runtime');

/** Without this setting, JupyterLab shows each user a question about loading news. */
const pageConfig = { disabledExtensions: { '@jupyterlab/apputils-extension:announcements': true } };

/**
 * Returns JupyterLab's default settings: a menu item for the page that lists the sessions, which is on another origin. It
 * opens a new tab, so that unsaved work in the current one stays.
 */
const settings = (pagesUrl: string | undefined) => ({
  '@jupyterlab/mainmenu-extension:plugin': {
    menus: [
      {
        id: 'jp-mainmenu-file',
        items: [
          {
            command: 'help:open',
            args: { url: pagesUrl, text: 'Your Sessions and Projects', newBrowserTab: true },
            rank: 98,
            disabled: pagesUrl === undefined,
          },
        ],
      },
    ],
  },
});

/** Returns variables that separate this server from the user's own Jupyter and from other sessions. */
export async function jupyterVariables(
  directory: PodDirectory,
  token: string,
  pagesUrl: string | undefined,
): Promise<Record<string, string>> {
  const config = join(directory.jupyter, 'config');
  const runtime = runtimeFolder(directory);
  await makeDirectory(runtime);
  await makeDirectory(join(config, 'labconfig'));
  await writePrivateFile(join(config, 'labconfig', 'page_config.json'), JSON.stringify(pageConfig));
  const overrides = join(config, 'labconfig', 'default_setting_overrides.json');
  await writePrivateFile(overrides, JSON.stringify(settings(pagesUrl)));
  return {
    JUPYTER_CONFIG_DIR: config,
    JUPYTER_RUNTIME_DIR: runtime,
    // Jupyter's language servers run npm, which keeps compiled code under /tmp by default, where another user may have put
    // files.
    NODE_COMPILE_CACHE: join(directory.jupyter, 'compile-cache'),
    // Without it, a kernel named python3 in the user's home would be used instead of this environment's.
    JUPYTER_PREFER_ENV_PATH: '1',
    // The operator's configuration reads the first one, Jupyter the second one.
    SERVER_APP_TOKEN: token,
    JUPYTER_TOKEN: token,
  };
}

/**
 * Returns the session's token. A session without a token (in a cluster, a proxy protects it) gets a random token, because every
 * program of this machine can connect to Jupyter's port. The token is stored, because the probe of an adopted server needs it.
 */
export async function chooseToken(directory: PodDirectory, wanted: string | undefined): Promise<string> {
  const token = wanted || randomBytes(32).toString('hex');
  await makeDirectory(directory.jupyter);
  await writePrivateFile(tokenFile(directory), token);
  return token;
}

/** Stores the address and the token of the server for the agent, which ends kernels before the last save. */
export async function writeJupyterFile(directory: PodDirectory, address: JupyterAddress): Promise<void> {
  await writePrivateFile(jupyterFile(directory), JSON.stringify(address));
}

export const jupyterFile = (directory: PodDirectory): string => join(directory.jupyter, 'server.json');

export async function readToken(directory: PodDirectory): Promise<string | undefined> {
  return await readText(tokenFile(directory));
}

const tokenFile = (directory: PodDirectory): string => join(directory.jupyter, 'token');

/**
 * Returns the path of the server's status. The path requires the token, unlike the `/api` of the operator's probes, so that a
 * probe also shows whether the server is protected.
 */
export function statusPath({ readinessProbe, livenessProbe }: Container): string {
  // An older database may have a path that is not a text.
  const probed = String(readinessProbe?.httpGet?.path ?? livenessProbe?.httpGet?.path ?? '');
  const base = probed.replace(/^\/*/, '/').replace(/\/api(\/status)?\/?$|\/$/, '');
  return `${base}/api/status`;
}
