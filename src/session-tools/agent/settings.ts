import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import {
  agentKeyFile,
  agentKeyFolder,
  agentPort,
  agentVariable,
  gitProxyFile,
  privateFolder,
} from '../../session-contract/agent.ts';
import { isSupervisorAbsence } from '../../session-contract/supervisor.ts';
import type { SaveSettings } from '../saves/save.ts';
import type { SupervisorAccess } from './supervisor.ts';
import { type RcloneSettings, readRcloneSettings } from './sync/rclone/settings.ts';

export interface AgentSettings {
  readonly save: SaveSettings;
  /** Where the API of agent.openapi.yaml listens. */
  readonly api: ApiSettings;
  /** Where the JSON-RPC of renku-notebooks listens, for the proxy in front of Jupyter. */
  readonly rpc: { readonly host: string; readonly port: number; readonly prefix: string };
  readonly podUid: string;
  /** The socket of the supervisor, or why the session has none. */
  readonly supervisor: SupervisorAccess;
  /** URL of the Jupyter server, with the session's path; undefined: kernels are not ended before the last save. */
  readonly jupyterUrl: string | undefined;
  /** The file with the address and the token of the Jupyter server; undefined: see `jupyterUrl`, and the JSON-RPC needs no token. */
  readonly jupyterFile: string | undefined;
  /** The port on which the git proxy learns of the last save; undefined without a git proxy. */
  readonly gitProxyHealthPort: number | undefined;
  /** Where the git proxy takes new tokens; undefined without a git proxy. */
  readonly gitProxy: { readonly url: string; readonly keyFile: string } | undefined;
  /** The transport of file sync. */
  readonly rclone: RcloneSettings;
}

export interface ApiSettings {
  readonly host: string;
  readonly port: number;
  /** undefined: the session has no key, and the API answers health checks only. */
  readonly identity: { readonly key: Buffer; readonly sessionUid: string } | undefined;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the variables of renku-notebooks' sidecar and of `agentVariable`. Throws with all invalid variables. */
export function readSettings(variables: Variables): AgentSettings {
  const invalid: string[] = [];
  const text = (name: string): string => {
    const value = variables[name];
    if (!value) invalid.push(`${name} is not set`);
    return value ?? '';
  };
  const integer = (name: string, fallback: number, max: number): number => {
    const value = variables[name];
    if (value === undefined || value === '') return fallback;
    if (/^\d{1,15}$/.test(value) && Number(value) <= max) return Number(value);
    invalid.push(`${name} is not a whole number up to ${max}`);
    return fallback;
  };
  const directory = text('GIT_RPC_MOUNT_PATH').replace(/(?<=.)\/+$/, '');
  const folder = variables[agentVariable.privateFolder] || privateFolder;
  const host = variables['GIT_RPC_HOST'] || '127.0.0.1';
  if (!/^127(\.\d{1,3}){3}$/.test(host)) invalid.push('GIT_RPC_HOST is not a loopback address (127.x.y.z)');
  const keys = variables[agentVariable.keyFolder] || agentKeyFolder;
  const key = Buffer.from(contentOf(join(keys, agentKeyFile.key)) ?? '', 'base64url');
  if (key.length !== 0 && key.length !== 32) invalid.push(`${join(keys, agentKeyFile.key)} does not have 32 bytes`);
  const sessionUid = contentOf(join(keys, agentKeyFile.sessionUid)) ?? '';
  const gitProxyUrl = variables[agentVariable.gitProxyUrl];
  const healthPort = integer('GIT_RPC_GIT_PROXY_HEALTH_PORT', 0, 65_535);
  const minimum = integer('AUTOSAVE_MINIMUM_LFS_FILE_SIZE_BYTES', 1_000_000, Number.MAX_SAFE_INTEGER);
  const settings: AgentSettings = {
    save: {
      directory,
      folder: text(agentVariable.savesFolder),
      remote: {
        url: httpUrl(text(agentVariable.repositoryUrl)) ?? '',
        environment: { GIT_CONFIG_NOSYSTEM: undefined, GIT_CONFIG_SYSTEM: join(folder, gitProxyFile.configuration) },
      },
      mayPush: variables[agentVariable.mayPush] === '1',
      username: text('RENKU_USERNAME'),
      branch: text(agentVariable.branch),
      rootCommit: text('CI_COMMIT_SHA'),
      lfsMinimumBytes: minimum === 0 ? undefined : minimum,
      home: homeOf(variables),
    },
    api: {
      host: variables[agentVariable.host] || '127.0.0.1',
      port: integer(agentVariable.port, agentPort, 65_535),
      identity: key.length === 32 && sessionUid !== '' ? { key, sessionUid } : undefined,
    },
    rpc: {
      host,
      port: integer('GIT_RPC_PORT', 4000, 65_535),
      prefix: prefixOf(variables['GIT_RPC_URL_PREFIX'] ?? '/'),
    },
    podUid: text(agentVariable.podUid),
    supervisor: supervisorOf(variables),
    jupyterUrl: variables[agentVariable.jupyterUrl] || undefined,
    jupyterFile: variables[agentVariable.jupyterFile] || undefined,
    gitProxyHealthPort: healthPort === 0 ? undefined : healthPort,
    gitProxy: gitProxyUrl ? { url: gitProxyUrl, keyFile: join(folder, gitProxyFile.key) } : undefined,
    rclone: readRcloneSettings(variables, invalid),
  };
  if (settings.save.remote.url === '') invalid.push(`${agentVariable.repositoryUrl} is not an http(s) URL`);
  if (invalid.length > 0) throw new Error(`The configuration of the agent is invalid: ${invalid.join('; ')}.`);
  return settings;
}

function supervisorOf(variables: Variables): SupervisorAccess {
  const socketPath = variables[agentVariable.supervisorSocket];
  if (socketPath) return { socketPath };
  const absence = variables[agentVariable.supervisorAbsence] ?? '';
  return { absence: isSupervisorAbsence(absence) ? absence : undefined };
}

/** Returns where git finds the user's own files. On a cluster, the container of the agent has another home directory. */
function homeOf({ HOME: home, XDG_CONFIG_HOME: configuration }: Variables): SaveSettings['home'] {
  return home ? { directory: home, configuration: configuration || join(home, '.config') } : undefined;
}

/** Returns the text in a file; undefined if the file does not exist: the session has no key. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

const prefixOf = (text: string): string => `/${text.replaceAll(/^\/+|\/+$/g, '')}/`.replace('//', '/');

function httpUrl(text: string): string | undefined {
  const url = URL.parse(text);
  return url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? text : undefined;
}
