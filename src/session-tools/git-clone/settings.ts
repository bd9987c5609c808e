import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import { cloneExitCode, cloneTimeoutSeconds, cloneVariable } from '../../session-contract/clone.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { credentialFile, gitProxyVariable } from '../../session-contract/git-proxy.ts';
import { isRefName } from '../../session-contract/ref-name.ts';
import { CloneFailure } from './failure.ts';
import type { PrivateFolder } from './private-folder.ts';

export interface CloneSettings {
  /** http(s), without credentials. */
  readonly repositoryUrl: string;
  readonly branch: string;
  /** A full or short commit id, a tag or a branch. */
  readonly commit: string;
  /** Absolute path of the new working tree. */
  readonly directory: string;
  /** Base URL of the git server. The token is sent to its origin only. */
  readonly serverUrl: string;
  readonly token: string | null;
  /** The file that contains the token; null if the token was in a variable. */
  readonly tokenFile: string | null;
  /** undefined: the session has no git proxy of this project. */
  readonly privateFolder: PrivateFolder | undefined;
  /** Folder for the programs of the supervisor; undefined: the session has no supervisor. */
  readonly supervisorPrograms: string | undefined;
  readonly identity: { readonly name: string | null; readonly email: string | null };
  readonly lfsAutoFetch: boolean;
  /** Whether the clone has only the files of the commit, if the git server supports that. */
  readonly isPartial: boolean;
  /** The user, a part of the names of autosaves; null if it is unknown. */
  readonly username: string | null;
  /** Whether an autosave of the user is restored. */
  readonly recovers: boolean;
  readonly keepsVolume: boolean;
  /** Folder with the session's buckets; null without buckets. */
  readonly storageMount: string | null;
  /** Milliseconds to wait for the git server. */
  readonly waitMs: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the variables of `session-contract/clone.ts`. Throws CloneFailure with all invalid variables. */
export function readSettings(environment: Variables): CloneSettings {
  const invalid: string[] = [];
  const read = <T>(name: string, parse: (text: string) => T | undefined, what: string): T | undefined => {
    const text = environment[name];
    const value = text ? parse(text) : undefined;
    if (value === undefined) invalid.push(text ? `${name} is not ${what}` : `${name} is not set`);
    return value;
  };
  const readOptional = <T>(name: string, fallback: T, parse: (text: string) => T | undefined, what: string): T =>
    environment[name] ? (read(name, parse, what) ?? fallback) : fallback;

  const repositoryUrl = read(cloneVariable.repositoryUrl, httpUrl, 'an http(s) URL without credentials');
  const branch = read(cloneVariable.branch, refName, 'a branch name');
  const commit = read(cloneVariable.commitSha, refName, 'a commit');
  const directory = read(cloneVariable.mountPath, absolutePath, 'an absolute path');
  const serverUrl = readOptional(
    cloneVariable.gitUrl,
    repositoryUrl ?? '',
    httpUrl,
    'an http(s) URL without credentials',
  );
  const credentials = environment[gitProxyVariable.credentialsFolder];
  const tokenFile = credentials ? join(credentials, credentialFile.gitToken) : null;
  const stored = tokenFile === null ? undefined : readToken(tokenFile);
  const token = stored ?? readOptional<string | null>(cloneVariable.oauthToken, null, printable, 'a token');
  const folder = readOptional(gitProxyVariable.privateFolder, undefined, absolutePath, 'an absolute path');
  const supervisorPrograms = readOptional(
    cloneVariable.supervisorPrograms,
    undefined,
    absolutePath,
    'an absolute path',
  );
  const proxyPort = readOptional<number>(cloneVariable.gitProxyPort, sessionContainer.gitProxy.port, port, 'a port');
  const lfsAutoFetch = readOptional(cloneVariable.lfsAutoFetch, false, flag, '0 or 1');
  const isPartial = readOptional(cloneVariable.partial, false, flag, '0 or 1');
  const recovers = readOptional(cloneVariable.gitAutosave, false, flag, '0 or 1');
  const keepsVolume = readOptional(cloneVariable.keepsVolume, false, flag, '0 or 1');
  const storageMount = readOptional<string | null>(cloneVariable.storageMount, null, absolutePath, 'an absolute path');
  const waitMs = readOptional(
    cloneVariable.timeoutSeconds,
    cloneTimeoutSeconds.default * 1000,
    milliseconds,
    `a number of seconds from 1 to ${cloneTimeoutSeconds.max}`,
  );
  if (!repositoryUrl || !branch || !commit || !directory || invalid.length > 0) {
    throw new CloneFailure(
      cloneExitCode.gitError,
      `The session's configuration is invalid: ${invalid.join('; ')}. This is a bug of the service that launched the session.`,
    );
  }
  return {
    repositoryUrl,
    branch,
    commit,
    directory,
    serverUrl,
    token,
    tokenFile: stored === undefined ? null : tokenFile,
    privateFolder:
      folder === undefined
        ? undefined
        : { folder, proxy: { host: environment[gitProxyVariable.host] || '127.0.0.1', port: proxyPort } },
    supervisorPrograms,
    identity: { name: environment[cloneVariable.fullName] || null, email: environment[cloneVariable.email] || null },
    lfsAutoFetch,
    isPartial,
    username: environment[cloneVariable.username] || null,
    recovers,
    keepsVolume,
    storageMount,
    waitMs,
  };
}

/** Rejects credentials in a URL, which would appear in the process list and stay in `.git/config`. */
function httpUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  return /^[\x21-\x7e]+$/.test(text) && url.search === '' && url.hash === '' ? text.replace(/\/+$/, '') : undefined;
}

const refName = (text: string): string | undefined => (isRefName(text) ? text : undefined);

function absolutePath(text: string): string | undefined {
  const path = normalize(text).replace(/(?<=.)\/+$/, '');
  return isAbsolute(text) && !text.includes('\0') && dirname(path) !== path ? path : undefined;
}

/** Returns the token in the file; undefined without a token. */
function readToken(file: string): string | undefined {
  try {
    return printable(readFileSync(file, 'utf8').trim());
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

const port = (text: string): number | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? Number(text) : undefined;

const printable = (text: string): string | undefined => (/^[\x21-\x7e]+$/.test(text) ? text : undefined);

const flag = (text: string): boolean | undefined => (text === '1' ? true : text === '0' ? false : undefined);

function milliseconds(text: string): number | undefined {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return seconds >= 1 && seconds <= cloneTimeoutSeconds.max ? seconds * 1000 : undefined;
}
