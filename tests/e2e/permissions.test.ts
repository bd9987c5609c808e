import { describe, expect, it } from 'vitest';
import type { Role } from '../support/accounts.ts';
import { granted, requestsOf } from '../support/permissions.ts';
import { platform } from './platform.ts';
import { release } from './release.ts';

/** The last file of the lane (`tests/support/lane-order.ts`): what the service and the operator have done in all others. */

const conflict = 'if the response to a creation is lost, or another object has the name of a child';
/** Permissions that only depend on conditions, so the lane does not always use them. `roles.test.ts` uses each of them. */
const notAlwaysUsed: Record<'service' | 'operator', Record<string, string>> = {
  service: {},
  operator: {
    'get /configmaps': conflict,
    'get /persistentvolumeclaims': conflict,
    'get /secrets': conflict,
    'get /services': conflict,
    'get apps/statefulsets': conflict,
    'get networking.k8s.io/ingresses': conflict,
    'get amalthea.dev/jupyterservers': 'if a child was deleted, or Amalthea seems to run',
    'patch /events': 'if an event repeats',
  },
};

async function rolesOf(program: 'service' | 'operator'): Promise<Role[]> {
  const selector = `app.kubernetes.io/instance=${release.name},app.kubernetes.io/component=${program}`;
  const args = ['get', 'roles', '--all-namespaces', '--output=json', `--selector=${selector}`];
  const { items } = JSON.parse(await platform().kubectl(args)) as { items: Role[] };
  return items;
}

async function accountOf(program: 'service' | 'operator'): Promise<string> {
  const args = [
    'get',
    'deployments',
    '--namespace',
    release.namespace,
    `--selector=app.kubernetes.io/component=${program}`,
  ];
  const name = await platform().kubectl([
    ...args,
    '--output=jsonpath={.items[0].spec.template.spec.serviceAccountName}',
  ]);
  return `system:serviceaccount:${release.namespace}:${name}`;
}

describe.each(['service', 'operator'] as const)('the Roles of the %s', (program) => {
  it('have every permission that the lane needed, and no other', async ({ skip }) => {
    skip(process.env['E2E_ALL_FILES'] === undefined, 'only some files of the lane run');
    const wanted = granted(await rolesOf(program));
    const requests = requestsOf(platform().cluster.controlPlane.auditLog, await accountOf(program));
    const used = new Set(requests.map(({ permission }) => permission));
    expect(wanted.length).toBeGreaterThan(8);
    expect([...used].filter((each) => !wanted.includes(each))).toEqual([]);
    const exceptions = Object.keys(notAlwaysUsed[program]);
    expect(
      exceptions.filter((each) => !wanted.includes(each)),
      'outdated exceptions',
    ).toEqual([]);
    expect(wanted.filter((each) => !used.has(each) && !exceptions.includes(each))).toEqual([]);
    expect(requests.filter(({ isForbidden }) => isForbidden)).toEqual([]);
  });
});
