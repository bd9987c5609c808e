import { readFileSync } from 'node:fs';
import { readEnvironment } from './environment.ts';
import { configKeys, keysWithoutEffect, sessionDefaults } from './keys.ts';
import { type ConfigProblem, type Findings, isRecord, type Read } from './readers.ts';
import type { Config } from './types.ts';

/** Everything that is wrong with the configuration, one line each. Holds no value of any key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ key, reason }) => `${key} ${reason}`);
    super(
      `the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: ${lines.join('; ')}`,
    );
    this.problems = problems;
  }
}

/**
 * The configuration: defaults, and over them the `NB_` variables of `env`. `warnings` are sentences for the log.
 * Reads the file that `server_options.defaults_path` names, and no other. Throws ConfigError with all problems.
 */
export function loadConfig(env: NodeJS.ProcessEnv): { config: Config; warnings: string[] } {
  const { tree, problems } = readEnvironment(env);
  const findings: Findings = { problems, unknown: [] };
  const values = configKeys.read(tree, '', findings);
  const defaults = readSessionDefaults(tree, findings);
  if (values) findings.problems.push(...contradictions(values));
  if (!values || !defaults || findings.problems.length > 0) throw new ConfigError(findings.problems);
  const config: Config = { ...values, server_options: { defaults } };
  return { config: deepFreeze(config), warnings: [...unknownKeys(findings.unknown), ...doubts(config)] };
}

type Values = Read<typeof configKeys>;

/** What a new session gets where the launch does not say: the file's values, and over them those given directly. */
function readSessionDefaults(
  tree: Record<string, unknown>,
  findings: Findings,
): Read<typeof sessionDefaults> | undefined {
  const options = isRecord(tree['server_options']) ? tree['server_options'] : {};
  const path = options['defaults_path'];
  let fromFile: unknown = {};
  if (typeof path === 'string') {
    const key = 'server_options.defaults_path';
    try {
      fromFile = JSON.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      const missing = error instanceof Error && 'code' in error;
      findings.problems.push({
        key,
        reason: missing ? 'names a file that cannot be read' : 'names a file that is not JSON',
      });
      return undefined;
    }
    if (!isRecord(fromFile)) {
      findings.problems.push({ key, reason: 'names a file that holds no JSON object' });
      return undefined;
    }
  }
  const given = isRecord(options['defaults']) ? options['defaults'] : {};
  // The original's file has more keys than these (cpu, memory, ...), which say nothing here: no unknown keys of it.
  const own: Findings = { problems: findings.problems, unknown: [] };
  return sessionDefaults.read({ ...(isRecord(fromFile) ? fromFile : {}), ...given }, 'server_options.defaults', own);
}

/** Keys that are right one by one and wrong together. */
function contradictions({ identity }: Values): ConfigProblem[] {
  if (identity.gateway !== 'verified') return [];
  const needed = ['jwks_url', 'issuer', 'audience'] as const;
  return needed
    .filter((name) => identity[name] === null)
    .map((name) => ({ key: `identity.${name}`, reason: 'is required because identity.gateway is verified' }));
}

function unknownKeys(unknown: readonly string[]): string[] {
  const [harmless, strange] = [true, false].map((wanted) =>
    unknown.filter((key) => keysWithoutEffect.some((known) => known.test(key)) === wanted),
  );
  return [
    ...(strange?.length ? [`these configuration keys are not known, check their spelling: ${strange.join(', ')}`] : []),
    ...(harmless?.length
      ? [`these configuration keys of the original service have no effect: ${harmless.join(', ')}`]
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
