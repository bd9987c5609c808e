import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../../tests/support/sessions/backends.ts';
import { commitSha } from '../../../tests/support/sessions/fake-gitlab.ts';
import { john } from '../../../tests/support/sessions/service.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';

let backends: Backends;
let { cluster, gitlab, registry, replica } = {} as Backends;

beforeEach(async () => {
  backends = await startBackends();
  ({ cluster, gitlab, registry, replica } = backends);
});
afterEach(() => backends.close());

const project = { namespace: 'my-group', project: 'my-project', branch: 'master', commit_sha: commitSha };
const servers = (): JupyterServer[] => cluster.objects('jupyterservers');
const secrets = (): KubernetesObject[] => cluster.objects('secrets');
const valuesOf = (secret: KubernetesObject | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries((secret as unknown as { data?: Record<string, string> } | undefined)?.data ?? {}).map(
      ([key, value]) => [key, Buffer.from(value, 'base64').toString()],
    ),
  );

describe('a session', () => {
  it('with variables has a Secret for them, which a restart does not replace', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const { body } = await call('POST', '/servers', { ...project, environment_variables: { GREETING: 'hello' } });
    const secret = secrets().find(({ metadata }) => metadata.name === `${body.name}-variables`);
    expect(valuesOf(secret)).toEqual({ 'env.GREETING': 'hello', Renviron: "GREETING='hello'\n" });
    expect(secret?.metadata.ownerReferences?.[0]).toMatchObject({ name: body.name, uid: servers()[0]?.metadata.uid });
  });

  it('shows the options for another launch of the same session, with only the names of variables', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const options = {
      image: `${registry.host}/a/b:1`,
      resource_class_id: 2,
      storage: 20,
      default_url: '/rstudio',
      lfs_auto_fetch: true,
    };
    const environment_variables = { GREETING: 'my-own-value', EMPTY: '' };
    const { body } = await call('POST', '/servers', { ...project, ...options, environment_variables });
    const { body: read } = await call('GET', `/servers/${body.name}`);
    expect(read.launch).toEqual({ ...options, environment_variables: ['GREETING', 'EMPTY'] });
    expect(JSON.stringify(read)).not.toContain('my-own-value');
    const plain = await call('POST', '/servers', { ...project, branch: 'feature/x' });
    expect(plain.body.launch).toEqual({
      resource_class_id: 1,
      storage: 1,
      default_url: '/lab',
      lfs_auto_fetch: false,
      environment_variables: [],
    });
  });
});
