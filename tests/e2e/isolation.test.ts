import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { anonymous, registered } from './caller.ts';
import { inSession, platform, publicProject } from './platform.ts';
import { release } from './release.ts';

/** What a notebook, which runs any code, can reach. The nodes of the test cluster enforce the chart's network policies. */

const [caller, neighbour] = [anonymous(), anonymous()];
let [name, other] = ['', ''];

/** Returns `connected` if a TCP connection succeeds, and the error otherwise. */
const connect = (address: string, port: number) =>
  inSession(name, `timeout 3 bash -c '</dev/tcp/${address}/${port}' && echo connected || echo failed`);

async function podAddress(namespace: string, selector: string): Promise<string> {
  const args = ['get', 'pods', '--namespace', namespace, selector, '--output=jsonpath={.items[0].status.podIP}'];
  return platform().kubectl(args);
}

beforeAll(async () => {
  if (inject('e2e') === undefined) return;
  [{ name }, { name: other }] = await Promise.all([caller.launch(publicProject()), neighbour.launch(publicProject())]);
  await Promise.all([caller.until(name, 'running'), neighbour.until(other, 'running')]);
});
afterAll(async () => {
  await Promise.all([name && caller.remove(name), other && neighbour.remove(other)]);
});

describe('a program in a session', () => {
  it('has no token of Kubernetes', async () => {
    expect(await inSession(name, 'ls /var/run/secrets/kubernetes.io')).toMatch(/No such file/);
  });

  it('reaches DNS and the GitLab of the platform', async () => {
    const { gitUrl } = platform().backends;
    const [host = '', port = ''] = new URL(gitUrl).host.split(':');
    expect(await connect(host, Number(port))).toBe('connected\n');
  });

  it('does not reach the Kubernetes API', async () => {
    expect(await connect('kubernetes.default.svc.cluster.local', 443)).toBe('failed\n');
  });

  it('does not reach the API or the metrics of the service, or the metrics of the operator', async () => {
    const component = (of: string) => `--selector=app.kubernetes.io/component=${of}`;
    const service = await podAddress(release.namespace, component('service'));
    const operator = await podAddress(release.namespace, component('operator'));
    expect(await Promise.all([connect(service, 8000), connect(service, 8765), connect(operator, 8765)])).toEqual(
      Array(3).fill('failed\n'),
    );
  });

  it('does not reach the session of another user', async () => {
    const address = await podAddress(release.sessionsNamespace, `--field-selector=metadata.name=${other}-0`);
    expect(await Promise.all([connect(address, 8888), connect(address, 4180)])).toEqual(Array(2).fill('failed\n'));
  });
});

describe('another user', () => {
  it('does not see, delete or read the logs of a session', async () => {
    const bob = await registered('bob');
    const [session, logs, deletion] = await Promise.all([
      bob.api(`/servers/${name}`),
      bob.api(`/logs/${name}`),
      bob.api(`/servers/${name}`, { method: 'DELETE' }),
    ]);
    expect([session.status, logs.status, deletion.status]).toEqual([404, 404, 404]);
    expect((await caller.api(`/servers/${name}`)).status).toBe(200);
  });
});
