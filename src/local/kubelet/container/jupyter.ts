import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeDirectory, readText, writePrivateFile } from '../../machine/private-files.ts';
import type { PythonEnvironment } from '../../python/types.ts';
import type { PodDirectory } from '../pod/directory.ts';
import type { Container } from '../types.ts';
import { type Mount, realPath } from '../volumes/mounts.ts';

/** Where the operator mounts what signs Jupyter's cookies. */
const cookieSecret = '/etc/jupyter_server_secrets/cookie_secret';

/** The container port of Jupyter, as in a cluster. */
export const jupyterPort = 8888;

/** Extensions of ours for JupyterLab. */
const labExtensions = fileURLToPath(new URL('../labextensions', import.meta.url));

export interface JupyterLaunch {
  environment: PythonEnvironment;
  directory: PodDirectory;
  mounts: readonly Mount[];
  workingDirectory: string;
  address: string;
  port: number;
}

/**
 * The command line. What the session wants (base path, default page, allowed origin) comes from the configuration that
 * the operator mounts; what only this machine can know is said here, where it wins. The template's `command` and `args`
 * are an image's way to start Jupyter, and there is no image. No token is here: others can read command lines.
 */
export function jupyterCommand({
  environment,
  directory,
  mounts,
  workingDirectory,
  address,
  port,
}: JupyterLaunch): string[] {
  return [
    ...environment.jupyter,
    '--no-browser',
    `--ServerApp.ip=${address}`,
    `--ServerApp.port=${port}`,
    // Another port than the one that the ingress was told of would be somebody else's to find.
    '--ServerApp.port_retries=0',
    `--ServerApp.root_dir=${workingDirectory}`,
    `--ServerApp.cookie_secret_file=${realPath(mounts, cookieSecret) ?? join(directory.jupyter, 'cookie_secret')}`,
    // "Shut down" would only make the kubelet start it again: a session is stopped from the sessions page.
    '--ServerApp.quit_button=False',
    // Nothing is loaded from another host: no news, no look for updates, no catalogue of extensions.
    '--LabApp.news_url=None',
    '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
    '--LabApp.extension_manager=readonly',
    `--LabApp.extra_labextensions_path=${labExtensions}`,
    ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
  ];
}

/** Without this JupyterLab asks everybody about news that it could not load anyway. */
const pageConfig = { disabledExtensions: { '@jupyterlab/apputils-extension:announcements': true } };

/**
 * Settings that JupyterLab has from the start: the way back to the page with all sessions, which is on another origin. It
 * opens a tab, so that nothing in this one is lost.
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

/** The variables that keep this server apart from the user's own Jupyter and from the other sessions. */
export async function jupyterVariables(
  directory: PodDirectory,
  token: string,
  pagesUrl: string | undefined,
): Promise<Record<string, string>> {
  const config = join(directory.jupyter, 'config');
  const runtime = join(directory.jupyter, 'runtime');
  await makeDirectory(runtime);
  await makeDirectory(join(config, 'labconfig'));
  await writePrivateFile(join(config, 'labconfig', 'page_config.json'), JSON.stringify(pageConfig));
  const overrides = join(config, 'labconfig', 'default_setting_overrides.json');
  await writePrivateFile(overrides, JSON.stringify(settings(pagesUrl)));
  return {
    JUPYTER_CONFIG_DIR: config,
    JUPYTER_RUNTIME_DIR: runtime,
    // Jupyter's language servers ask npm, whose own place for compiled code is under /tmp: what lies there may have been
    // put there by another user.
    NODE_COMPILE_CACHE: join(directory.jupyter, 'compile-cache'),
    // A kernel called python3 that the user has installed elsewhere is not this environment's.
    JUPYTER_PREFER_ENV_PATH: '1',
    // The operator's configuration reads the first, Jupyter by itself the second.
    SERVER_APP_TOKEN: token,
    JUPYTER_TOKEN: token,
  };
}

/**
 * The session's token, or a random one where the session has none because a proxy stands before it in a cluster (here
 * every program of the machine can reach Jupyter's port). Kept beside the pod, so that an adopted server can be asked.
 */
export async function chooseToken(directory: PodDirectory, wanted: string | undefined): Promise<string> {
  const token = wanted || randomBytes(32).toString('hex');
  await makeDirectory(directory.jupyter);
  await writePrivateFile(tokenFile(directory), token);
  return token;
}

export async function readToken(directory: PodDirectory): Promise<string | undefined> {
  return await readText(tokenFile(directory));
}

const tokenFile = (directory: PodDirectory): string => join(directory.jupyter, 'token');

/**
 * The server's status, which it tells only to who has its token. The operator's probes ask for `/api`, which is open to
 * everybody: enough to see that a server is up, not to see that it is closed.
 */
export function statusPath({ readinessProbe, livenessProbe }: Container): string {
  const probed = readinessProbe?.httpGet?.path ?? livenessProbe?.httpGet?.path ?? '';
  const base = probed.replace(/^\/*/, '/').replace(/\/api(\/status)?\/?$|\/$/, '');
  return `${base}/api/status`;
}
