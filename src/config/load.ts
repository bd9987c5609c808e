import { readFileSync } from 'node:fs';
import { sessionContainer } from '../session-contract/containers.ts';
import { similarKey } from './describe.ts';
import { readEnvironment } from './environment.ts';
import { readConfigFile } from './file.ts';
import { configKeys, keysWithoutEffect, sessionDefaults, uiChoices } from './keys.ts';
import { isOwnProgram } from './own-program.ts';
import { type ConfigProblem, type ConfigTree, type Findings, isRecord, type Read, type Reader } from './readers.ts';
import type { Config } from './types.ts';

/** Everything that is wrong with the configuration, one line each. Holds no value of any key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ at, key, reason }) => {
      const sentence = key === '' ? reason : `${key} ${reason}`;
      return `\n  ${at === undefined ? '' : `${at}: `}${sentence}`;
    });
    super(
      `the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:${lines.join('')}`,
    );
    this.problems = problems;
  }
}

/**
 * The configuration: defaults, over them the file of `CONFIG_FILE`, and over that the `NB_` variables of `env`. Groups
 * unite key by key; lists and values are replaced. `warnings` are sentences for the log. Reads no other files than that
 * and those of `server_options`. Throws ConfigError with all problems.
 */
export function loadConfig(env: NodeJS.ProcessEnv): { config: Config; warnings: string[] } {
  const file = readConfigFile(env);
  const environment = readEnvironment(env);
  const tree = unite(file.tree, environment.tree);
  const placeOf = (key: string): string | undefined =>
    nearest(key, (each) => environment.places.get(each) ?? file.places.get(each));

  const findings: Findings = { problems: [], unknown: [] };
  const values = configKeys.read(tree, '', findings);
  const defaults = readJsonOption(tree, 'defaults', sessionDefaults, findings);
  const choices = readJsonOption(tree, 'ui_choices', uiChoices, findings);
  if (values) findings.problems.push(...contradictions(values));

  const found = findings.problems
    .filter(({ key }) => nearest(key, (each) => file.broken.includes(each) || undefined) === undefined)
    .map((problem) => ({ ...problem, at: problem.at ?? placeOf(problem.key) }))
    // What stands in a file that could not be read is not missing.
    .filter(({ at }) => !file.isCut || at !== undefined);
  const problems = [...file.problems, ...environment.problems, ...found].sort(byPlace);
  if (!values || !defaults || !choices || problems.length > 0) throw new ConfigError(problems);
  const config: Config = { ...values, server_options: { defaults, ui_choices: choices } };
  return { config: deepFreeze(config), warnings: [...unknownKeys(findings.unknown, placeOf), ...doubts(config)] };
}

/** As the lines of the file, then as the names of variables, then those that stand nowhere. */
function byPlace(one: ConfigProblem, other: ConfigProblem): number {
  const places = [one, other].map(({ at = '', key }) => `${at.startsWith('NB_') ? 1 : at ? 0 : 2} ${at} ${key}`);
  return (places[0] ?? '').localeCompare(places[1] ?? '', 'en', { numeric: true });
}

/** What `find` has for the key or, if nothing, for the closest group around it. */
function nearest<T>(key: string, find: (key: string) => T | undefined): T | undefined {
  const found = find(key);
  return found !== undefined || key === '' ? found : nearest(key.slice(0, Math.max(0, key.lastIndexOf('.'))), find);
}

function unite(lower: ConfigTree, upper: ConfigTree): ConfigTree {
  const both = Object.entries(upper).map(([name, value]) => {
    const below = Object.hasOwn(lower, name) ? lower[name] : undefined;
    return [name, isRecord(value) && isRecord(below) ? unite(below, value) : value] as const;
  });
  return Object.fromEntries([...Object.entries(lower), ...both]);
}

type Values = Read<typeof configKeys>;

/**
 * `server_options.<name>`: what the JSON file of `server_options.<name>_path` says, and over it what is given directly.
 * The original's files have more keys (cpu, memory, ...), which say nothing here: they are no unknown keys.
 */
function readJsonOption<T>(
  tree: ConfigTree,
  name: 'defaults' | 'ui_choices',
  reader: Reader<T>,
  findings: Findings,
): T | undefined {
  const options = isRecord(tree['server_options']) ? tree['server_options'] : {};
  const path = options[`${name}_path`];
  const given = isRecord(options[name]) ? options[name] : {};
  const own: Findings = { problems: [], unknown: [] };
  const content = typeof path === 'string' && path !== '' ? readJson(path) : {};
  if (typeof content === 'string') {
    findings.problems.push({ key: `server_options.${name}_path`, reason: content });
    return undefined;
  }
  const result = reader.read(unite(content, given), `server_options.${name}`, own);
  findings.problems.push(...own.problems.map((problem) => (path ? { ...problem, at: String(path) } : problem)));
  return result;
}

/** The object in a file, or what is wrong with it. */
function readJson(path: string): ConfigTree | string {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isRecord(content) ? content : 'names a file that holds no JSON object';
  } catch (error) {
    return error instanceof SyntaxError ? 'names a file that is not JSON' : 'names a file that cannot be read';
  }
}

/** Keys that are right one by one and wrong together. */
function contradictions({ identity }: Values): ConfigProblem[] {
  if (identity.gateway !== 'verified') return [];
  const needed = ['jwks_url', 'issuer', 'audience'] as const;
  return needed
    .filter((name) => identity[name] === null)
    .map((name) => ({ key: `identity.${name}`, reason: 'is required because identity.gateway is verified' }));
}

function unknownKeys(unknown: readonly string[], placeOf: (key: string) => string | undefined): string[] {
  const strange: string[] = [];
  const harmless = new Map<string, string[]>();
  for (const key of unknown) {
    const reason = Object.entries(keysWithoutEffect).find(
      ([known]) => key === known || (known.endsWith('.') && key.startsWith(known)),
    )?.[1];
    if (reason !== undefined) {
      harmless.set(reason, [...(harmless.get(reason) ?? []), key]);
      continue;
    }
    const [place, similar] = [placeOf(key), similarKey(key)];
    strange.push(`${key}${place ? ` (${place})` : ''}${similar ? `, did you mean ${similar}?` : ''}`);
  }
  const groups = [...harmless].map(([reason, keys]) => `${keys.join(', ')} (${reason})`);
  return [
    ...(strange.length > 0
      ? [`these configuration keys are not known, check their spelling: ${strange.join('; ')}`]
      : []),
    ...(groups.length > 0
      ? [`these configuration keys of the original service have no effect: ${groups.join('; ')}`]
      : []),
  ];
}

/** What works and may not be what was meant. */
function doubts(config: Config): string[] {
  const { identity, sessions, request } = config;
  const warnings: string[] = [];
  if (identity.gateway === 'trusted') {
    warnings.push(
      'identity.gateway is trusted: whoever reaches this port can be anybody; let only the gateway reach it, or set identity.gateway to verified or off',
    );
  }
  if (config.anonymous_sessions_enabled && identity.cookie_secret === null) {
    warnings.push(
      'identity.cookie_secret is not set: anonymous users lose their sessions at a restart, and with more than one replica at once',
    );
  }
  const { git_proxy, git_clone, containers } = sessions;
  const hasProxy = [...containers.registered, ...containers.anonymous].includes(sessionContainer.gitProxy.name);
  if (hasProxy && git_proxy.port !== sessionContainer.gitProxy.port && !isOwnProgram(git_clone)) {
    warnings.push(
      `sessions.git_proxy.port is ${git_proxy.port}, and the git-clone of renku-notebooks always takes ${sessionContainer.gitProxy.port}: git in sessions does not reach its proxy; if the image of sessions.git_clone is this project's, set sessions.git_clone.program to notebook-sessions`,
    );
  }
  if (identity.gateway !== 'off' && sessions.oidc.client_secret === '') {
    warnings.push(
      'sessions.oidc.client_secret is empty: registered users cannot open their sessions where oauth2-proxy signs them in',
    );
  }
  if (request.allowed_hosts.includes(sessions.ingress.host.toLowerCase())) {
    warnings.push(
      'sessions.ingress.host is also a host of the API: scripts in a notebook can use the API with its user’s cookies',
    );
  }
  return warnings;
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
