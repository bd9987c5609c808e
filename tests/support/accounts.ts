import { Deadline } from '../../src/lib/deadline.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import type { Transport } from '../../src/platform/kubernetes/transport.ts';
import { kubeconfigOf, readKubeconfig } from './api-server-under-test.ts';
import { type Rendered, render } from './helm.ts';

export interface Role extends KubernetesObject {
  rules: { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
}

/** The smallest values of the chart. */
const values = `
config:
  git: {url: https://gitlab.example.org, registry: registry.example.org}
  anonymous_sessions_enabled: true
  sessions: {ingress: {host: sessions.example.org}}
`;
let rendered: Role[] | undefined;

/** Returns the Roles that the chart gives a program if sessions are in the namespace of the release, without a namespace. */
export function readRoles(program: 'service' | 'operator'): Role[] {
  rendered ??= render(values).flatMap((object) => (isRole(object) ? [object] : []));
  return rendered
    .filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === program)
    .map(({ metadata: { namespace: _, ...metadata }, ...role }) => ({ ...role, metadata }));
}

const isRole = (object: Rendered): object is Rendered & Role => object.kind === 'Role';

/**
 * Creates a service account with roles in a namespace of a real API server, and returns its kubeconfig.
 * @param kubeconfig a file, for a user with all permissions; `transport` uses the same server.
 */
export async function createAccount(
  transport: Transport,
  kubeconfig: string,
  namespace: string,
  account: string,
  roles: readonly Role[],
): Promise<string> {
  const deadline = Deadline.after(60_000);
  const post = async (collection: string, object: object): Promise<unknown> => {
    const body = { contentType: 'application/json', text: JSON.stringify(object) };
    const path = collection.replace('NAMESPACE', `namespaces/${namespace}`);
    const call = { describe: `create ${path}`, method: 'POST' as const, path, body, limitBytes: 1e6 };
    return JSON.parse(await transport.request(call, deadline));
  };
  const rbac = '/apis/rbac.authorization.k8s.io/v1/NAMESPACE';
  await post('/api/v1/NAMESPACE/serviceaccounts', { metadata: { name: account } });
  for (const role of roles) {
    await post(`${rbac}/roles`, role);
    const { name } = role.metadata;
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
    const subjects = [{ kind: 'ServiceAccount', name: account, namespace }];
    await post(`${rbac}/rolebindings`, { metadata: { name }, roleRef, subjects });
  }
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const response = await post(`/api/v1/NAMESPACE/serviceaccounts/${account}/token`, request);
  const { token } = (response as { status: { token: string } }).status;
  return kubeconfigOf(readKubeconfig(kubeconfig).cluster, token);
}
