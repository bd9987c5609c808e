import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { agentSecretId, deriveAgentKey } from '../../src/session-contract/agent-key.ts';
import { cloneVariable } from '../../src/session-contract/clone.ts';
import { apply, platform } from './platform.ts';
import { release } from './release.ts';
import { workBranch } from './work-project.ts';

/** Objects of sessions as the service writes them, for tests that need one whose platform has another configuration. */

const namespace = release.sessionsNamespace;

interface Secret {
  readonly metadata: { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
}

const read = async <T>(kind: string, name: string, of: string = namespace): Promise<T> =>
  JSON.parse(await platform().kubectl(['get', kind, name, '--namespace', of, '--output=json'])) as T;

const decoded = ({ data }: Secret): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));

/** Returns the values of the credentials Secret of a session, and those of the Secret of the release. */
export async function secretsOf(session: string): Promise<Record<'session' | 'platform', Record<string, string>>> {
  const args = ['get', 'secrets', '--namespace', release.namespace, '--output=json'];
  const labels = `app.kubernetes.io/instance=${release.name}`;
  const { items } = JSON.parse(await platform().kubectl([...args, `--selector=${labels}`])) as { items: Secret[] };
  const own = items.find(({ data }) => 'sessions.agent_secrets' in data);
  if (!own) throw new Error('the release has no Secret');
  return { session: decoded(await read<Secret>('secret', `${session}-credentials`)), platform: decoded(own) };
}

/** Returns the values of the Secret that the operator has made for the Jupyter server and the proxy of a session. */
export const secretOfChildren = async (session: string): Promise<Record<string, string>> =>
  decoded(await read<Secret>('secret', session));

/**
 * Creates a session like `like`, of the branch `main`, as the service creates it if sessions have no volume claims. Returns its name.
 */
export async function createWithoutClaim(like: string): Promise<string> {
  const name = `without-claim-${like}`;
  const original = await read<JupyterServer>('jupyterserver', like);
  const text = JSON.stringify({ ...original, status: undefined });
  const { metadata, spec, ...kind } = JSON.parse(
    text.replaceAll(like, name).replaceAll(workBranch, 'main'),
  ) as JupyterServer;
  const { labels, annotations } = metadata;
  const patches = (spec?.patches ?? []).map(({ patch, ...rest }) => ({ ...rest, patch: withoutVariable(patch) }));
  const storage = { ...spec?.storage, pvc: { ...spec?.storage?.pvc, enabled: false } };
  await apply({ ...kind, metadata: { name, namespace, labels, annotations }, spec: { ...spec, storage, patches } });

  const { uid = '' } = (await read<JupyterServer>('jupyterserver', name)).metadata;
  const { session, platform: own } = await secretsOf(like);
  const id = annotations?.['notebook-sessions.io/agent-secret'];
  const secret = (JSON.parse(own['sessions.agent_secrets'] ?? '[]') as string[]).find(
    (each) => agentSecretId(each) === id,
  );
  if (secret === undefined) throw new Error('the session has no key of the release');
  const { apiVersion = '' } = original;
  const key = deriveAgentKey(secret, uid).toString('base64url');
  await apply({
    ...{ apiVersion: 'v1', kind: 'Secret' },
    metadata: {
      ...{ name: `${name}-credentials`, namespace },
      ownerReferences: [{ apiVersion, kind: 'JupyterServer', name, uid }],
    },
    stringData: { ...session, 'agent-key': key, 'session-uid': uid },
  });
  return name;
}

/** Without the variable that says that the volume outlives the pod. */
function withoutVariable(patch: unknown): unknown {
  return JSON.parse(JSON.stringify(patch), (_, value: unknown) =>
    Array.isArray(value) ? value.filter((each) => !isKeepsVolume(each)) : value,
  );
}

const isKeepsVolume = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'name' in value && value.name === cloneVariable.keepsVolume;
