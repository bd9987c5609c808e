import { readFileSync } from 'node:fs';
import { isObject } from '../lib/json.ts';
import { sessionContainer } from '../session-contract/containers.ts';
import { similarKey } from './describe.ts';
import { readEnvironment } from './environment.ts';
import { readConfigFile } from './file.ts';
import { configKeys, keysWithoutEffect, sessionDefaults, uiChoices } from './keys.ts';
import { isOwnProgram } from './own-program.ts';
import type { ConfigTree, Findings, KeyError, Reader } from './readers.ts';
import type { Config } from './types.ts';

/** All errors of the configuration, one per line. The message contains no value of any key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly errors: readonly KeyError[];
  constructor(errors: readonly KeyError[]) {
    const lines = errors.map(({ at, key, reason }) => {
      const sentence = key === '' ? reason : `${key} ${reason}`;
      return `\n  ${at === undefined ? '' : `${at}: `}${sentence}`;
    });
    super(`the configuration has ${errors.length === 1 ? 'an error' : `${errors.length} errors`}:${lines.join('')}`);
    this.errors = errors;
  }
}

/**
 * Returns the configuration: the defaults, overridden by the file of `CONFIG_FILE`, overridden by the `NB_` variables of
 * `env`. Groups are merged key by key; lists and values are replaced. `warnings` are sentences for the log. Reads only that
 * file and the files of `server_options`. Throws ConfigError with all errors.
 */
export function loadConfig(env: NodeJS.ProcessEnv): { config: Config; warnings: string[] } {
  const file = readConfigFile(env);
  const environment = readEnvironment(env);
  const tree = mergeTrees(file.tree, environment.tree);
  const placeOf = (key: string): string | undefined =>
    nearest(key, (each) => environment.places.get(each) ?? file.places.get(each));

  const findings: Findings = { errors: [], unknown: [] };
  const values = configKeys.read(tree, '', findings);
  const defaults = readJsonOption(tree, 'defaults', sessionDefaults, findings);
  const choices = readJsonOption(tree, 'ui_choices', uiChoices, findings);
  if (values) findings.errors.push(...conflicts(values));

  const found = findings.errors
    .filter(({ key }) => nearest(key, (each) => file.broken.includes(each) || undefined) === undefined)
    .map((error) => ({ ...error, at: error.at ?? placeOf(error.key) }))
    // A key without a place may be in the part of the file that could not be read.
    .filter(({ at }) => !file.isUnreadable || at !== undefined);
  const errors = [...file.errors, ...environment.errors, ...found].sort(byPlace);
  if (!values || !defaults || !choices || errors.length > 0) throw new ConfigError(errors);
  const config: Config = { ...values, server_options: { defaults, ui_choices: choices } };
  return {
    config: deepFreeze(config),
    warnings: [...unknownKeys(findings.unknown, placeOf), ...suspiciousSettings(config)],
  };
}

/** Orders by line of the file, then by variable, then errors without a place. */
function byPlace(one: KeyError, other: KeyError): number {
  const places = [one, other].map(({ at = '', key }) => `${at.startsWith('NB_') ? 1 : at ? 0 : 2} ${at} ${key}`);
  return (places[0] ?? '').localeCompare(places[1] ?? '', 'en', { numeric: true });
}

/** Returns the result of `find` for the key. If that is undefined, returns the result for the closest group around the key. */
function nearest<T>(key: string, find: (key: string) => T | undefined): T | undefined {
  const found = find(key);
  return found !== undefined || key === '' ? found : nearest(key.slice(0, Math.max(0, key.lastIndexOf('.'))), find);
}

/** Merges groups key by key; other values of `upper` replace those of `lower`. */
function mergeTrees(lower: ConfigTree, upper: ConfigTree): ConfigTree {
  const both = Object.entries(upper).map(([name, value]) => {
    const below = Object.hasOwn(lower, name) ? lower[name] : undefined;
    return [name, isObject(value) && isObject(below) ? mergeTrees(below, value) : value] as const;
  });
  return Object.fromEntries([...Object.entries(lower), ...both]);
}

/**
 * Returns `server_options.<name>`: the JSON file of `server_options.<name>_path`, overridden by the keys of the
 * configuration. Other keys of the original service's files (cpu, memory, ...) are ignored without a warning.
 */
function readJsonOption<T>(
  tree: ConfigTree,
  name: 'defaults' | 'ui_choices',
  reader: Reader<T>,
  findings: Findings,
): T | undefined {
  const options = isObject(tree['server_options']) ? tree['server_options'] : {};
  const path = options[`${name}_path`];
  const given = isObject(options[name]) ? options[name] : {};
  const own: Findings = { errors: [], unknown: [] };
  const content = typeof path === 'string' && path !== '' ? readJson(path) : {};
  if (typeof content === 'string') {
    findings.errors.push({ key: `server_options.${name}_path`, reason: content });
    return undefined;
  }
  const result = reader.read(mergeTrees(content, given), `server_options.${name}`, own);
  findings.errors.push(...own.errors.map((error) => (path ? { ...error, at: String(path) } : error)));
  return result;
}

/** Returns the object in a JSON file, or an error. */
function readJson(path: string): ConfigTree | string {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isObject(content) ? content : 'names a file without a JSON object';
  } catch (error) {
    return error instanceof SyntaxError ? 'names a file that is not JSON' : 'names a file that cannot be read';
  }
}

/** Returns errors of keys that are valid alone but not together. */
function conflicts({ identity }: Pick<Config, 'identity'>): KeyError[] {
  if (identity.gateway !== 'verified') return [];
  const needed = ['jwks_url', 'issuer', 'audience'] as const;
  return needed
    .filter((name) => identity[name] === null)
    .map((name) => ({ key: `identity.${name}`, reason: 'is required because identity.gateway is verified' }));
}

function unknownKeys(unknown: readonly string[], placeOf: (key: string) => string | undefined): string[] {
  const unknownNames: string[] = [];
  const withoutEffect = new Map<string, string[]>();
  for (const key of unknown) {
    const reason = Object.entries(keysWithoutEffect).find(
      ([known]) => key === known || (known.endsWith('.') && key.startsWith(known)),
    )?.[1];
    if (reason !== undefined) {
      withoutEffect.set(reason, [...(withoutEffect.get(reason) ?? []), key]);
      continue;
    }
    const [place, similar] = [placeOf(key), similarKey(key)];
    unknownNames.push(`${key}${place ? ` (${place})` : ''}${similar ? `, did you mean ${similar}?` : ''}`);
  }
  const groups = [...withoutEffect].map(([reason, keys]) => `${keys.join(', ')} (${reason})`);
  return [
    ...(unknownNames.length > 0
      ? [`these configuration keys are unknown, check their spelling: ${unknownNames.join('; ')}`]
      : []),
    ...(groups.length > 0
      ? [`these configuration keys of the original service have no effect: ${groups.join('; ')}`]
      : []),
  ];
}

/** Returns warnings about valid settings that are probably not intended. */
function suspiciousSettings(config: Config): string[] {
  const { identity, sessions, request } = config;
  const warnings: string[] = [];
  if (identity.gateway === 'trusted') {
    warnings.push(
      'identity.gateway is trusted: every client that can connect to this port can act as any user; allow only the gateway to connect, or set identity.gateway to verified or off',
    );
  }
  if (config.anonymous_sessions_enabled && identity.cookie_secret === null) {
    warnings.push(
      'identity.cookie_secret is not set: anonymous users lose access to their sessions when the service restarts, and at any time with more than one replica',
    );
  }
  const { git_proxy, git_clone, containers } = sessions;
  const hasProxy = [...containers.registered, ...containers.anonymous].includes(sessionContainer.gitProxy.name);
  if (hasProxy && git_proxy.port !== sessionContainer.gitProxy.port && !isOwnProgram(git_clone)) {
    warnings.push(
      `sessions.git_proxy.port is ${git_proxy.port}, but the git-clone of renku-notebooks always uses ${sessionContainer.gitProxy.port}: git in sessions cannot connect to its proxy; if the image of sessions.git_clone is from this project, set sessions.git_clone.program to notebook-sessions`,
    );
  }
  warnings.push(...mixedPrograms(sessions));
  if (identity.gateway !== 'off' && sessions.oidc.client_secret === '') {
    warnings.push(
      'sessions.oidc.client_secret is empty: registered users cannot open their sessions if oauth2-proxy signs them in',
    );
  }
  if (request.allowed_hosts.includes(sessions.ingress.host.toLowerCase())) {
    warnings.push(
      'sessions.ingress.host is also a host of the API: scripts in a notebook can use the API with the cookies of their user',
    );
  }
  return warnings;
}

/** The programs of a session that work with those of the same project only. */
const gitPrograms = [
  ['git_clone', sessionContainer.gitClone.name],
  ['git_proxy', sessionContainer.gitProxy.name],
  ['git_rpc_server', sessionContainer.gitSidecar.name],
] as const;

/** The proxies of both projects are used in different ways, which git-clone and the sidecar must know. */
function mixedPrograms(sessions: Config['sessions']): string[] {
  const listed = new Set([...sessions.containers.registered, ...sessions.containers.anonymous]);
  if (!listed.has(sessionContainer.gitProxy.name)) return [];
  const used = gitPrograms.filter(([key, name]) => key === 'git_clone' || listed.has(name));
  const [own, others] = [true, false].map((isOwn) =>
    used.filter(([key]) => isOwnProgram(sessions[key]) === isOwn).map(([key]) => `sessions.${key}`),
  );
  if (!own?.length || !others?.length) return [];
  return [
    `${own.join(' and ')} is of this project, and ${others.join(' and ')} of renku-notebooks: git in sessions has no credentials, and saves are not pushed, because the git proxies of both projects are used in different ways; use the images of one project, or correct the key program of each`,
  ];
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
