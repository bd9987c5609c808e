import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import { gitProxyFile, privateFolder } from '../../session-contract/agent.ts';
import { credentialFile, credentialsFolder, gitProxyVariable } from '../../session-contract/git-proxy.ts';
import type { UserTokens } from './tokens.ts';

export interface ProxySettings {
  readonly host: string;
  readonly port: number;
  /** 0: no health port. */
  readonly healthPort: number;
  readonly repository: URL;
  /** The proxy's key, which its clients send. */
  readonly key: string;
  readonly tokens: UserTokens;
  readonly platform: { url: URL; realm: string; clientId: string; clientSecret: string | null } | undefined;
  /** File with certificate authorities. */
  readonly certificates: string | undefined;
  readonly graceMs: number;
  readonly waitForAgent: boolean;
  readonly tunnels: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the variables of `session-contract/git-proxy.ts`, and the files with credentials. Throws with all invalid settings. */
export function readSettings(variables: Variables): ProxySettings {
  const invalid: string[] = [];
  const text = (name: string): string | undefined => {
    const value = variables[name];
    // A value of variables that are not used.
    return value === '' || value === 'None' ? undefined : value;
  };
  const integer = (name: string, fallback: number, min: number, max: number, given = text(name)): number => {
    const value = given === undefined ? fallback : /^-?\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
    if (value >= min && value <= max) return value;
    invalid.push(`${name} is not a whole number from ${min} to ${max}`);
    return fallback;
  };
  const url = (name: string, given: string | undefined): URL | undefined => {
    const parsed = given === undefined ? undefined : URL.parse(given);
    if (parsed && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.password === '') return parsed;
    if (given !== undefined) invalid.push(`${name} is not an http(s) URL without credentials`);
    return undefined;
  };
  const file = (path: string): string | undefined => {
    try {
      return readFileSync(path, 'utf8').trim() || undefined;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
  };

  const repository = url(gitProxyVariable.repositoryUrl, text(gitProxyVariable.repositoryUrl));
  if (!text(gitProxyVariable.repositoryUrl)) invalid.push(`${gitProxyVariable.repositoryUrl} is not set`);
  const platformUrl = url(gitProxyVariable.platformUrl, text(gitProxyVariable.platformUrl));
  const keyFile = join(text(gitProxyVariable.privateFolder) ?? privateFolder, gitProxyFile.key);
  const key = file(keyFile);
  if (key === undefined || !/^[\w-]{32,}$/.test(key)) invalid.push(`${keyFile}, which git-clone writes, has no key`);
  const host = text(gitProxyVariable.host) ?? '127.0.0.1';
  if (!/^127(\.\d{1,3}){3}$/.test(host)) invalid.push(`${gitProxyVariable.host} is not a loopback address (127.x.y.z)`);
  const port = integer(gitProxyVariable.port, 8080, 1, 65_535);
  const healthPort = integer(gitProxyVariable.healthPort, 8081, 0, 65_535);
  const grace = integer(gitProxyVariable.gracePeriodSeconds, 600, 0, 7 * 24 * 60 * 60);
  const credentials = text(gitProxyVariable.credentialsFolder) ?? credentialsFolder;
  const credential = (name: keyof typeof credentialFile) => file(join(credentials, credentialFile[name])) ?? null;
  const expiresAt = integer(
    gitProxyVariable.gitTokenExpiresAt,
    -1,
    -1,
    Number.MAX_SAFE_INTEGER,
    credential('gitTokenExpiresAt') ?? undefined,
  );
  const tokens = {
    gitToken: credential('gitToken'),
    gitTokenExpiresAt: expiresAt,
    accessToken: credential('accessToken'),
    refreshToken: credential('refreshToken'),
  };
  const clientSecret = credential('clientSecret');
  if (!repository || !key || invalid.length > 0) {
    throw new Error(`The configuration of the git proxy is invalid: ${invalid.join('; ')}.`);
  }
  return {
    host,
    port,
    healthPort,
    repository,
    key,
    tokens,
    platform: platformUrl && {
      url: platformUrl,
      realm: text(gitProxyVariable.realm) ?? 'Renku',
      clientId: text(gitProxyVariable.clientId) ?? 'renku',
      clientSecret,
    },
    certificates: text('SSL_CERT_FILE'),
    graceMs: grace * 1_000,
    waitForAgent: text(gitProxyVariable.waitForAgent) === '1',
    tunnels: text(gitProxyVariable.tunnel) !== '0',
  };
}
