import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { Deadline } from '../../src/lib/deadline.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import type { Transport } from '../../src/platform/kubernetes/transport.ts';
import { kubeconfigOf, readKubeconfig } from './api-server-under-test.ts';

export interface Role extends KubernetesObject {
  rules: { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
}

/** Returns the roles of a file in deploy/roles. */
export function readRoles(program: 'service' | 'operator'): Role[] {
  const file = join(import.meta.dirname, '..', '..', 'deploy', 'roles', `${program}.yaml`);
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Role);
}

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
