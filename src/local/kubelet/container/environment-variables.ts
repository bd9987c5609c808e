import type { ConfigMap, Container, EnvironmentVariable, Pod, Secret } from '../types.ts';

/** An object that the container needs does not exist yet. The container starts when it appears. */
export class MissingReference extends Error {
  override readonly name = 'MissingReference';
}

/** The claim of a volume does not exist yet, so that the pod cannot be scheduled. */
export class MissingClaim extends MissingReference {}

export interface References {
  secret(name: string): Secret | undefined;
  configMap(name: string): ConfigMap | undefined;
}

/**
 * Returns the container's variables as Kubernetes resolves them. A reference can name a key of a Secret, or a field of the pod;
 * sessions have no other references. A literal value can contain `$(NAME)` of an earlier variable. Throws MissingReference if a key is
 * missing and not optional.
 */
export function resolveVariables(container: Container, pod: Pod, references: References): Record<string, string> {
  const resolved: Record<string, string> = {};
  for (const variable of container.env ?? []) {
    if (!/^[^=\0]+$/.test(variable.name))
      throw new Error(`${JSON.stringify(variable.name)} is not a valid name of a variable`);
    const value = resolve(variable, pod, references, resolved);
    if (value?.includes('\0')) throw new Error(`the value of ${variable.name} contains a NUL character`);
    if (value !== undefined) resolved[variable.name] = value;
  }
  return resolved;
}

function resolve(
  { name, value, valueFrom }: EnvironmentVariable,
  { metadata, status }: Pod,
  references: References,
  earlier: Record<string, string>,
): string | undefined {
  if (!valueFrom) return expand(value ?? '', earlier);
  const fields = new Map([
    ['metadata.uid', metadata.uid],
    ['status.podIP', status?.podIP],
  ]);
  const field = fields.get(valueFrom.fieldRef?.fieldPath ?? '');
  if (field !== undefined) return field;
  if (!valueFrom.secretKeyRef) throw new Error(`the source of the variable ${name} is not supported on this machine`);
  const { name: secret, key, optional } = valueFrom.secretKeyRef;
  const data = references.secret(secret)?.data;
  const encoded = data && Object.hasOwn(data, key) ? data[key] : undefined;
  if (encoded !== undefined) return Buffer.from(encoded, 'base64').toString('utf8');
  if (optional) return undefined;
  throw new MissingReference(
    data ? `couldn't find key ${key} in Secret ${metadata.namespace}/${secret}` : `secret "${secret}" not found`,
  );
}

/** Expands Kubernetes' `$(NAME)`. Unknown names are kept, and `$$(NAME)` becomes `$(NAME)`. */
function expand(value: string, earlier: Record<string, string>): string {
  return value.replace(/\$(\$|\(([^()]*)\))/g, (whole, dollar: string, name: string | undefined) => {
    if (dollar === '$') return '$';
    return name !== undefined && Object.hasOwn(earlier, name) ? (earlier[name] ?? '') : whole;
  });
}

/** Variables of the platform's environment that a session gets, so that programs work as in the user's terminal. */
const kept = [
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'XDG_CACHE_HOME',
  // These two variables locate the user's git configuration if it is not in ~/.gitconfig.
  'XDG_CONFIG_HOME',
  'GIT_CONFIG_GLOBAL',
  'XDG_RUNTIME_DIR',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'NODE_EXTRA_CA_CERTS',
  'LD_LIBRARY_PATH',
];
/** Locales, proxies, and pip's settings. The session's environment itself sets where pip installs packages. */
const keptPattern = /^(LC_\w+|PIP_(?!(USER|TARGET|PREFIX|ROOT|PYTHON)$)\w+|(https?|no|all)_proxy)$/i;

/**
 * Returns the variables that every container gets, before its own variables. They replace the variables of an image. Only a
 * few of the user's variables are included, because a token that is exported in the user's terminal must not reach a notebook.
 */
export function machineVariables(environment: NodeJS.ProcessEnv, programs: readonly string[]): Record<string, string> {
  const passed = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (kept.includes(entry[0]) || keptPattern.test(entry[0])),
  );
  const path = [...programs, environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'].join(':');
  // Notebooks use UTF-8, even if the terminal has no locale.
  return { LANG: 'C.UTF-8', ...Object.fromEntries(passed), PATH: path };
}
