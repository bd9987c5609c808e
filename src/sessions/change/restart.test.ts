import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../../tests/support/sessions/backends.ts';
import type { Call, Fault } from '../../../tests/support/sessions/fake-cluster.ts';
import { commitSha } from '../../../tests/support/sessions/fake-gitlab.ts';
import { john, type TestService } from '../../../tests/support/sessions/service.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';

let backends: Backends;
let { cluster, gitlab, registry, replica } = {} as Backends;
let service: TestService;
let name: string;

beforeEach(async () => {
  backends = await startBackends();
  ({ cluster, gitlab, registry, replica } = backends);
  registry.login = 'oauth2:the-gitlab-token';
  service = await replica();
  name = await failedSession();
});
afterEach(() => backends.close());

const call = (method: string, path: string, body?: object, signal?: AbortSignal) =>
  service.as(john(gitlab.url))(method, path, body, signal);
const restart = (signal?: AbortSignal) => call('POST', `/servers/${name}/restart`, undefined, signal);

/** Creates a failed session with a private image, so that two Secrets have tokens, and returns its name. */
async function failedSession(): Promise<string> {
  const body = { namespace: 'my-group', project: 'my-project', branch: 'master', commit_sha: commitSha };
  const launched = await call('POST', '/servers', body);
  expect(launched.status).toBe(201);
  const made = cluster.objects('jupyterservers')[0] as JupyterServer;
  const { uid = '', namespace = '' } = made.metadata;
  const owner = { apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer', name: launched.body.name, uid };
  cluster.putClaim({ metadata: { name: launched.body.name, namespace, ownerReferences: [owner] } });
  cluster.put({ ...made, status: { state: 'failed', mainPod: { uid: 'pod-1' } } });
  await expect.poll(async () => (await call('GET', `/servers/${launched.body.name}`)).body.status.state).toBe('failed');
  return launched.body.name;
}

async function callsOf(request: () => Promise<unknown>): Promise<string[]> {
  const before = cluster.calls.length;
  await request();
  return cluster.calls.slice(before).map(({ method, resource, name: of = '' }) => `${method} ${resource} ${of}`);
}

const usual = () => [
  `GET jupyterservers ${name}`,
  `GET persistentvolumeclaims ${name}`,
  `PUT secrets ${name}-credentials`,
  `PUT secrets ${name}-image-secret`,
  `PATCH jupyterservers ${name}`,
  `DELETE pods ${name}-0`,
];
const refuse =
  (which: (each: Call) => boolean, status: number, reason: string) =>
  (each: Call): Fault | undefined =>
    which(each) ? { status, reason } : undefined;
const is = (method: string, resource: string) => (each: Call) => each.method === method && each.resource === resource;

describe('a restart', () => {
  it('makes six calls, and the last call deletes the pod that failed', async () => {
    const calls = await callsOf(async () => {
      const { status, body } = await restart();
      expect([status, body.status.state]).toEqual([202, 'starting']);
    });
    expect(calls).toEqual(usual());
    expect(cluster.calls.at(-1)?.body).toMatchObject({ preconditions: { uid: 'pod-1' }, gracePeriodSeconds: 30 });
    expect(cluster.calls.at(-2)?.body).toMatchObject({
      metadata: { uid: expect.any(String), resourceVersion: expect.any(String) },
    });
    // The next caller finds the restart in progress, and repeats the calls, which change nothing.
    expect(await callsOf(restart)).toEqual(usual().filter((each) => !each.startsWith('PATCH')));
  });

  it('leaves the session failed if the credentials cannot be renewed', async () => {
    cluster.fault = refuse(is('PUT', 'secrets'), 403, 'Forbidden');
    const calls = await callsOf(async () => {
      const { status, body } = await restart();
      expect([status, body.error.code]).toEqual([500, 2001]);
    });
    expect(calls).toEqual(usual().slice(0, 4));
    expect((await call('GET', `/servers/${name}`)).body.status.state).toBe('failed');
  });

  it('creates a Secret that does not exist', async () => {
    cluster.fault = refuse(is('PUT', 'secrets'), 404, 'NotFound');
    const calls = await callsOf(async () => expect((await restart()).status).toBe(202));
    expect(calls.filter((each) => each.startsWith('POST secrets'))).toHaveLength(2);
  });

  it('reads the session again after a conflict, a limited number of times', async () => {
    let conflicts = 0;
    cluster.fault = (each) =>
      is('PATCH', 'jupyterservers')(each) && conflicts++ < 2 ? { status: 409, reason: 'Conflict' } : undefined;
    const calls = await callsOf(async () => expect((await restart()).status).toBe(202));
    expect(calls.filter((each) => each.startsWith('PATCH'))).toHaveLength(3);
    expect(calls.filter((each) => each.startsWith('PUT'))).toHaveLength(2);

    cluster.put({
      ...(cluster.objects('jupyterservers')[0] as JupyterServer),
      status: { state: 'failed', mainPod: { uid: 'pod-2' } },
    });
    cluster.fault = refuse(is('PATCH', 'jupyterservers'), 409, 'Conflict');
    const failed = await restart();
    expect([failed.status, failed.body.error.code]).toEqual([500, 3000]);
  });

  it('succeeds if a new pod already exists', async () => {
    cluster.fault = refuse(is('DELETE', 'pods'), 409, 'Conflict');
    expect((await restart()).status).toBe(202);
  });

  it('fails if the pod cannot be deleted, and the next request deletes it', async () => {
    cluster.fault = refuse(is('DELETE', 'pods'), 503, 'ServiceUnavailable');
    const failed = await restart();
    expect([failed.status, failed.body.error.code]).toEqual([500, 3000]);
    cluster.fault = () => undefined;
    expect((await callsOf(restart)).at(-1)).toBe(`DELETE pods ${name}-0`);
  });

  it('continues after its caller has closed the connection', async () => {
    const arrival = Promise.withResolvers<undefined>();
    cluster.fault = (each) => (is('PUT', 'secrets')(each) ? arrival.promise : undefined);
    const caller = new AbortController();
    const restarting = restart(caller.signal);
    await expect.poll(() => cluster.calls.some(is('PUT', 'secrets'))).toBe(true);
    caller.abort();
    await expect(restarting).rejects.toThrow();
    arrival.resolve(undefined);
    await expect.poll(() => cluster.calls.at(-1)?.resource).toBe('pods');
  });

  it('does not replace a Secret of an earlier release, which has values that the caller cannot provide', async () => {
    const secret = { name: `${name}-credentials`, key: 'env.GREETING' };
    const variable = { name: 'GREETING', valueFrom: { secretKeyRef: secret } };
    const path = '/statefulset/spec/template/spec/containers/0/env/-';
    const made = cluster.objects('jupyterservers')[0] as JupyterServer;
    const patch = {
      type: 'application/json-patch+json' as const,
      patch: [{ op: 'add' as const, path, value: variable }],
    };
    cluster.put({ ...made, spec: { ...made.spec, patches: [...(made.spec?.patches ?? []), patch] } });
    const before = secretOf('credentials');
    expect((await restart()).status).toBe(202);
    expect(secretOf('credentials')).toEqual(before);
    expect(service.logged()).toContain('did not renew all credentials');
  });

  const secretOf = (which: string): KubernetesObject | undefined =>
    cluster.objects('secrets').find(({ metadata }) => metadata.name === `${name}-${which}`);
});
