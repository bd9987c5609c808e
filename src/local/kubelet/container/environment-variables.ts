import type { ConfigMap, Container, EnvironmentVariable, KeySelector, Pod, Secret } from '../types.ts';

/** Something the container needs is not there yet; it is tried again when that appears. */
export class MissingReference extends Error {
  override readonly name = 'MissingReference';
}

export interface References {
  secret(name: string): Secret | undefined;
  configMap(name: string): ConfigMap | undefined;
  readonly podIP: string;
}

/**
 * The container's own variables, in order, as Kubernetes resolves them: references to Secrets, ConfigMaps and fields,
 * and `$(NAME)` of an earlier variable in a literal value. Throws MissingReference for what is not there and not optional.
 */
export function resolveVariables(container: Container, pod: Pod, references: References): Record<string, string> {
  const resolved: Record<string, string> = {};
  for (const variable of container.env ?? []) {
    if (!/^[^=\0]+$/.test(variable.name)) throw new Error(`${JSON.stringify(variable.name)} cannot name a variable`);
    const value = resolve(variable, pod, references, resolved);
    if (value?.includes('\0')) throw new Error(`the value of ${variable.name} has a NUL character`);
    if (value !== undefined) resolved[variable.name] = value;
  }
  return resolved;
}

function resolve(
  { name, value, valueFrom }: EnvironmentVariable,
  pod: Pod,
  references: References,
  earlier: Record<string, string>,
): string | undefined {
  if (!valueFrom) return expand(value ?? '', earlier);
  const { secretKeyRef, configMapKeyRef, fieldRef } = valueFrom;
  if (secretKeyRef) {
    const data = references.secret(secretKeyRef.name)?.data;
    const encoded = pick('secret', 'Secret', secretKeyRef, data, pod);
    return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
  }
  if (configMapKeyRef) {
    return pick('configmap', 'ConfigMap', configMapKeyRef, references.configMap(configMapKeyRef.name)?.data, pod);
  }
  if (fieldRef) return field(fieldRef.fieldPath, pod, references);
  throw new Error(`the source of the variable ${name} is not one that this machine knows`);
}

function pick(
  kind: string,
  title: string,
  { name, key, optional }: KeySelector,
  data: Record<string, string> | undefined,
  pod: Pod,
): string | undefined {
  const value = data && Object.hasOwn(data, key) ? data[key] : undefined;
  if (value !== undefined || optional) return value;
  throw new MissingReference(
    data ? `couldn't find key ${key} in ${title} ${pod.metadata.namespace}/${name}` : `${kind} "${name}" not found`,
  );
}

function field(path: string, { metadata }: Pod, { podIP }: References): string {
  const fields: Record<string, string | undefined> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'status.podIP': podIP,
    'status.hostIP': '127.0.0.1',
  };
  const value = fields[path];
  if (value === undefined) throw new Error(`the field ${path} is not one that this machine knows`);
  return value;
}

/** Kubernetes' `$(NAME)`: unknown names stay as they are, `$$(NAME)` is the way to write one. */
function expand(value: string, earlier: Record<string, string>): string {
  return value.replace(/\$(\$|\(([^()]*)\))/g, (whole, dollar: string, name: string | undefined) => {
    if (dollar === '$') return '$';
    return name !== undefined && Object.hasOwn(earlier, name) ? (earlier[name] ?? '') : whole;
  });
}

/** Of the platform's own environment, what a program of the user's needs to work as it does in a terminal. */
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
  // Git's configuration of the user is in one of them, where it is not in ~/.gitconfig.
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
/** Of pip's settings not those that say where packages go: they belong into the session. */
const keptPattern = /^(LC_\w+|PIP_(?!(USER|TARGET|PREFIX|ROOT|PYTHON)$)\w+|(https?|no|all)_proxy)$/i;

/**
 * The environment beneath a container's own variables. A container starts from its image's; here it starts from a few
 * variables of the user's, and never from all: a token exported in the terminal is no business of a notebook.
 */
export function machineVariables(environment: NodeJS.ProcessEnv, programs: readonly string[]): Record<string, string> {
  const passed = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (kept.includes(entry[0]) || keptPattern.test(entry[0])),
  );
  const path = [...programs, environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'].join(':');
  // Notebooks are UTF-8, also where the terminal says nothing.
  return { LANG: 'C.UTF-8', ...Object.fromEntries(passed), PATH: path };
}
