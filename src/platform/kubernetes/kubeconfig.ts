import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Cluster, Context, User } from '@kubernetes/client-node';
import { asObject } from '../../lib/json.ts';

/** The cluster of the current context, and the user who signs in. */
export interface KubeConfig {
  /** undefined if there is no current context. */
  readonly context: Context | undefined;
  readonly cluster: Cluster | undefined;
  /** Without credentials if the context names no user. */
  readonly user: ClusterUser;
}

export interface ClusterUser extends User {
  /** A file whose content may change. */
  readonly tokenFile?: string;
}

interface Entries {
  readonly clusters: readonly Cluster[];
  readonly contexts: readonly Context[];
  readonly users: readonly User[];
  readonly currentContext: string | undefined;
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';
const anonymous: ClusterUser = { name: 'anonymous' };

/**
 * Reads the kubeconfig from the same places as kubectl: $KUBECONFIG, ~/.kube/config, the pod's service account,
 * http://localhost:8080. Of entries with the same name, the first is used. `KUBE_CONTEXT` replaces the current context; throws
 * if the kubeconfig does not have it.
 *
 * Of client-node, only the modules that read entries and run credential plug-ins are imported, when they are used:
 * its KubeConfig imports all generated models (measured: 400 ms and 57 MiB).
 */
export async function loadKubeConfig(
  context = process.env['KUBE_CONTEXT'],
  { env = process.env, serviceAccount = serviceAccountFolder } = {},
): Promise<KubeConfig> {
  const files = filesOf(env);
  if (files.length > 0) return inContext(await readFiles(files), context);
  const entries = existsSync(join(serviceAccount, 'token')) ? inPod(serviceAccount, env) : onThisMachine;
  return inContext(entries, context);
}

/** Reads a kubeconfig from its content. */
export async function parseKubeConfig(text: string): Promise<KubeConfig> {
  return inContext(await parse(text), undefined);
}

function filesOf({ KUBECONFIG, HOME }: NodeJS.ProcessEnv): string[] {
  if (KUBECONFIG) return KUBECONFIG.split(delimiter).filter((file) => file !== '');
  const file = HOME ? join(HOME, '.kube', 'config') : undefined;
  return file !== undefined && existsSync(file) ? [file] : [];
}

/** Reads and merges the files that exist. Throws an Error if none exists. */
async function readFiles(files: readonly string[]): Promise<Entries> {
  const existing = files.filter((file) => existsSync(file));
  if (existing.length === 0) throw new Error(`the kubeconfig ${files.join(delimiter)} does not exist`);
  const all: Entries[] = [];
  for (const file of existing) {
    try {
      all.push(await parse(readFileSync(file, 'utf8'), dirname(file)));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`the kubeconfig ${file} cannot be read: ${reason}`, { cause });
    }
  }
  return {
    clusters: all.flatMap(({ clusters }) => clusters),
    contexts: all.flatMap(({ contexts }) => contexts),
    users: all.flatMap(({ users }) => users),
    currentContext: all.find(({ currentContext }) => currentContext)?.currentContext,
  };
}

/** Paths of files are relative to `folder`. */
async function parse(text: string, folder?: string): Promise<Entries> {
  const [{ parse: parseYaml }, { newClusters, newContexts, newUsers }] = await Promise.all([
    import('yaml'),
    import('@kubernetes/client-node/dist/config_types.js'),
  ]);
  const content = asObject(parseYaml(text));
  if (!content) throw new Error('the kubeconfig is not a mapping');
  const absolute = <Key extends string>(entry: Partial<Record<Key, string>>, key: Key) =>
    folder !== undefined && entry[key] ? { [key]: resolve(folder, entry[key]) } : {};
  const currentContext = content['current-context'];
  return {
    clusters: newClusters(content['clusters']).map((each) => ({ ...each, ...absolute(each, 'caFile') })),
    contexts: newContexts(content['contexts']),
    users: newUsers(content['users']).map((each) => ({
      ...each,
      ...absolute(each, 'certFile'),
      ...absolute(each, 'keyFile'),
    })),
    currentContext: typeof currentContext === 'string' ? currentContext : undefined,
  };
}

/** Without a kubeconfig, on a machine. */
const onThisMachine = oneCluster({ server: 'http://localhost:8080' }, anonymous);

/** Returns the API server and the service account of this pod. */
function inPod(folder: string, env: NodeJS.ProcessEnv): Entries {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env;
  const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return oneCluster(
    { server, caFile: join(folder, 'ca.crt') },
    { name: 'service-account', tokenFile: join(folder, 'token') },
    namespaceIn(folder),
  );
}

function namespaceIn(folder: string): string | undefined {
  const file = join(folder, 'namespace');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

function oneCluster(cluster: Pick<Cluster, 'server' | 'caFile'>, user: ClusterUser, namespace?: string): Entries {
  const name = 'default';
  return {
    clusters: [{ ...cluster, name, skipTLSVerify: false }],
    users: [user],
    contexts: [{ name, cluster: name, user: user.name, ...(namespace ? { namespace } : {}) }],
    currentContext: name,
  };
}

function inContext({ clusters, contexts, users, currentContext }: Entries, wanted: string | undefined): KubeConfig {
  if (wanted && !contexts.some(({ name }) => name === wanted)) {
    const names = contexts.map(({ name }) => name);
    throw new Error(`the kubeconfig has no context "${wanted}"; its contexts are: ${names.join(', ') || 'none'}`);
  }
  const context = contexts.find(({ name }) => name === (wanted || currentContext));
  return {
    context,
    cluster: clusters.find(({ name }) => name === context?.cluster),
    user: users.find(({ name }) => name === context?.user) ?? anonymous,
  };
}
