import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Origins } from './origins/origins.ts';
import { UserError } from './user-error.ts';

export interface CommandLine {
  command: 'start' | 'reset' | 'help';
  port: number;
  stateDir: string;
  cacheDir: string;
  /** True to launch a session at the start. */
  demo: boolean;
  /** The user's own repositories, absolute. */
  projects: string[];
  /** The repositories of `projects` that anonymous visitors may launch, too. */
  publicProjects: string[];
  /** Public addresses of a reverse proxy; undefined if there is none. */
  published: Origins | undefined;
  /** Address of a real GitLab instead of the forge, without a trailing slash. */
  gitUrl: string | undefined;
  /** Whether kernels listen on TCP ports, so that criu can save their processes. */
  kernelsOnTcp: boolean;
  /** Only for reset: true to delete the Python environments, too. */
  environment: boolean;
  /** Only for reset: true to delete without confirmation. */
  yes: boolean;
}

export const helpText = `Notebook Sessions on this machine

  npm start -- [options]

  --port N          port on the loopback interface (default 8000)
  --project PATH    also serve one of your git repositories; can be repeated. The first one is launched
                    and opened instead of the demo project
  --public-project PATH
                    the same; anonymous visitors can launch it, too
  --no-demo         do not launch a session at the start
  --git-url URL     use a real GitLab instead of the built-in forge; its access token is read
                    from the environment variable GITLAB_TOKEN (without it: public projects only)
  --public-url URL, --public-sessions-url URL
                    public addresses of pages and sessions, with two host names. A reverse proxy on
                    this machine passes their requests to 127.0.0.1:PORT and keeps the Host header
  --kernels-on-tcp  kernels listen on ports of the loopback interface, so that snapshots can save whole
                    processes with criu (4.2 or newer, on PATH; needs root). OTHER USERS of this machine
                    can then connect to the kernels, and read what they print
  --state DIR       folder of the state (default: $XDG_STATE_HOME/notebook-sessions)
  --help

  npm run reset -- [--state DIR] [--environment] [--yes]

                    deletes that folder with all sessions and unsaved work; with --environment also the
                    Python environments in $XDG_CACHE_HOME/notebook-sessions, which the next start
                    creates again
`;

/** Returns `$XDG_..._HOME/notebook-sessions`, with the default of the XDG base directory specification. */
function baseDirectory(value: string | undefined, fallback: string): string {
  return join(value?.startsWith('/') ? value : join(homedir(), fallback), 'notebook-sessions');
}

export function parseCommandLine(args: string[], env: NodeJS.ProcessEnv, cwd: string): CommandLine {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    throw new UserError(`${error instanceof Error ? error.message : String(error)}\n\n${helpText}`);
  }
  const { values, positionals } = parsed;
  const [command = 'start', ...rest] = positionals;
  if ((command !== 'start' && command !== 'reset') || rest.length > 0) {
    throw new UserError(`Unknown argument: ${positionals.join(' ')}\n\n${helpText}`);
  }
  const port = Number(values.port ?? '8000');
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new UserError(`--port needs a number from 1 to 65535, not "${values.port}".`);
  }
  return {
    command: values.help ? 'help' : command,
    port,
    stateDir: values.state ? resolve(cwd, values.state) : baseDirectory(env['XDG_STATE_HOME'], '.local/state'),
    cacheDir: baseDirectory(env['XDG_CACHE_HOME'], '.cache'),
    demo: !values['no-demo'],
    projects: [...(values.project ?? []), ...(values['public-project'] ?? [])].map((path) => resolve(cwd, path)),
    publicProjects: (values['public-project'] ?? []).map((path) => resolve(cwd, path)),
    published: published(values['public-url'], values['public-sessions-url']),
    gitUrl: values['git-url'] === undefined ? undefined : gitUrl(values['git-url']),
    kernelsOnTcp: values['kernels-on-tcp'] ?? false,
    environment: values.environment ?? false,
    yes: values.yes ?? false,
  };
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      state: { type: 'string' },
      project: { type: 'string', multiple: true },
      'public-project': { type: 'string', multiple: true },
      'public-url': { type: 'string' },
      'public-sessions-url': { type: 'string' },
      'no-demo': { type: 'boolean' },
      'git-url': { type: 'string' },
      'kernels-on-tcp': { type: 'boolean' },
      environment: { type: 'boolean' },
      yes: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
}

function gitUrl(value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw new UserError(`--git-url needs the address of a GitLab, for example https://gitlab.com, not "${value}".`);
  }
  const url = new URL(value);
  if (url.username || url.password || url.search || url.hash) {
    throw new UserError('--git-url must be an address only. Set the access token in the variable GITLAB_TOKEN.');
  }
  return url.href.replace(/\/+$/, '');
}

/** Returns both public origins, which must have two host names: a script in a notebook must not share the API's cookies. */
function published(pages: string | undefined, sessions: string | undefined): Origins | undefined {
  if (pages === undefined && sessions === undefined) return undefined;
  const reason = 'With the same host name, a script in a notebook could use the API with the cookie of its reader.';
  if (pages === undefined || sessions === undefined) {
    throw new UserError(`--public-url and --public-sessions-url must be used together. ${reason}`);
  }
  const found = {
    pages: publicOrigin('--public-url', pages),
    sessions: publicOrigin('--public-sessions-url', sessions),
  };
  if (new URL(found.pages).hostname === new URL(found.sessions).hostname) {
    throw new UserError(`--public-url and --public-sessions-url must have different host names. ${reason}`);
  }
  return found;
}

function publicOrigin(option: string, value: string): string {
  const url = URL.parse(value);
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (!isOrigin) {
    throw new UserError(
      `${option} needs an address without a path, for example https://notebooks.example.org, not "${value}".`,
    );
  }
  if (/^(127\.|\[|(.*\.)?localhost$)/.test(url.hostname)) {
    throw new UserError(`${option} needs a public host name. Loopback names work without this option, with any port.`);
  }
  return url.origin;
}

/** Returns the operating-system user, with a user name that is valid in GitLab. */
export function localUser(): { username: string; name: string; email: string } {
  const raw = userInfo().username;
  const username =
    raw
      .toLowerCase()
      .replaceAll(/[^a-z0-9._-]/g, '-')
      .replace(/^[^a-z0-9]+/, '') || 'local';
  return { username, name: raw, email: `${username}@localhost.localdomain` };
}
