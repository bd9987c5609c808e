import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { agentPort } from '../../src/session-contract/agent.ts';
import { anonymous, registered } from './caller.ts';
import { machineAddress, nodeAddress } from './cluster/addresses.ts';
import { apply, inPod, inSession, platform, podsOf, publicProject } from './platform.ts';
import { release } from './release.ts';

/**
 * What a notebook, which runs any code, can reach. The nodes of the test cluster enforce the chart's network policies. The same
 * commands succeed in pods that must reach these servers, so no test passes because a server or a command does not work.
 */

const [caller, neighbour] = [anonymous(), anonymous()];
let [name, other] = ['', ''];

const labelsOf = (component: 'service' | 'operator') => ({
  'app.kubernetes.io/name': 'notebook-sessions',
  'app.kubernetes.io/instance': release.name,
  'app.kubernetes.io/component': component,
});

/** Pods with the image of sessions, which has a shell, and their namespaces and labels. */
const probes = {
  'a pod with a service account': { pod: 'probe', namespace: 'probes', labels: {} },
  'a pod of the ingress controller': { pod: 'probe', namespace: 'ingress', labels: {} },
  'a pod of the monitoring': { pod: 'probe', namespace: release.monitoringNamespace, labels: {} },
  'a pod of the operator': { pod: 'probe-operator', namespace: release.namespace, labels: labelsOf('operator') },
  'a pod of the service': { pod: 'probe-service', namespace: release.namespace, labels: labelsOf('service') },
} as const;
type Probe = keyof typeof probes;

const inProbe = (probe: Probe, command: string): Promise<string> => inPod(probes[probe].pod, command, probes[probe]);

const addressOf = async (component: 'service' | 'operator'): Promise<string> => {
  const pods = await podsOf(release.namespace, `app.kubernetes.io/component=${component}`);
  return pods.find(({ isReady }) => isReady)?.address ?? '';
};

const addressOfOther = async (): Promise<string> =>
  (await podsOf(release.sessionsNamespace)).find((pod) => pod.name === `${other}-0`)?.address ?? '';

/** Servers with their address and port, and the pod that must reach them. */
const targets: [string, Probe, () => Promise<readonly [string, number]>][] = [
  ['the Kubernetes API', 'a pod with a service account', async () => ['kubernetes.default.svc.cluster.local', 443]],
  ['the kubelet of a node', 'a pod with a service account', async () => [nodeAddress(1), 10250]],
  ['another server of the private network', 'a pod with a service account', async () => [machineAddress, 443]],
  ['the API of the service', 'a pod of the ingress controller', async () => [await addressOf('service'), 8000]],
  ['the metrics of the service', 'a pod of the monitoring', async () => [await addressOf('service'), 8765]],
  ['the metrics of the operator', 'a pod of the monitoring', async () => [await addressOf('operator'), 8765]],
  ['the proxy of another session', 'a pod of the ingress controller', async () => [await addressOfOther(), 4180]],
  ['Jupyter in another session', 'a pod of the operator', async () => [await addressOfOther(), 8888]],
  ['the agent of another session', 'a pod of the operator', async () => [await addressOfOther(), agentPort]],
  ['the agent of another session', 'a pod of the service', async () => [await addressOfOther(), agentPort]],
];

/** Returns a command that prints whether a TCP connection succeeds. */
const connect = ([address, port]: readonly [string, number]) =>
  `(timeout 3 bash -c '</dev/tcp/${address}/${port}' && echo connected || echo failed)`;

const tokenFile = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** Prints the status of a request that needs an account. */
const requestWithToken = `curl -sk -o /dev/null -w '%{http_code}' -m 5 -H "Authorization: Bearer $(cat ${tokenFile})" https://kubernetes.default.svc/api`;

async function createProbes(): Promise<void> {
  const { cluster, kubectl } = platform();
  const image = `${cluster.registry.host}/notebook-sessions/session:${packageJson.version}`;
  // Never ready, so that no Service of the release sends requests to these pods.
  const readinessProbe = { exec: { command: ['false'] }, periodSeconds: 3600 };
  for (const { pod, namespace, labels } of Object.values(probes)) {
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const container = { name: 'shell', image, command: ['sleep', '3600'], readinessProbe };
    const spec = { containers: [container], terminationGracePeriodSeconds: 0 };
    await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod, namespace, labels }, spec });
  }
  await Promise.all(
    Object.values(probes).map(({ pod, namespace }) =>
      kubectl(
        ['wait', '--for=jsonpath={.status.phase}=Running', `pod/${pod}`, '--namespace', namespace, '--timeout=120s'],
        { timeout: 130_000 },
      ),
    ),
  );
}

beforeAll(async () => {
  if (inject('e2e') === undefined) return;
  [{ name }, { name: other }] = await Promise.all([
    caller.launch(publicProject()),
    neighbour.launch(publicProject()),
    createProbes(),
  ]);
  await Promise.all([caller.until(name, 'running'), neighbour.until(other, 'running')]);
  // The session of an anonymous user has no agent.
  const server = `setsid python3 -m http.server ${agentPort} >/dev/null 2>&1 &`;
  const listens = `until ${connect(['127.0.0.1', agentPort])} | grep -q connected; do sleep 0.1; done`;
  await inSession(other, `${server} ${listens}`);
});
afterAll(async () => {
  if (inject('e2e') === undefined) return;
  const remove = ({ pod, namespace }: (typeof probes)[Probe]) =>
    platform().kubectl(['delete', 'pod', pod, '--namespace', namespace, '--ignore-not-found']);
  await Promise.all([
    ...Object.values(probes).map(remove),
    name && caller.remove(name),
    other && neighbour.remove(other),
  ]);
});

describe('a program in a session', () => {
  it('has no token of Kubernetes, as a pod with a service account has one', async () => {
    expect(await inSession(name, `ls ${tokenFile}`)).toMatch(/No such file/);
    expect(await inProbe('a pod with a service account', requestWithToken)).toBe('200');
  });

  it('reaches DNS and the GitLab of the platform', async () => {
    const { gitUrl } = platform().backends;
    const [host = '', port = ''] = new URL(gitUrl).host.split(':');
    expect(await inSession(name, connect([host, Number(port)]))).toBe('connected\n');
  });

  it.concurrent.each(targets)('does not reach %s, as %s does', async (_, probe, address) => {
    const command = connect(await address());
    const [allowed, denied] = await Promise.all([inProbe(probe, command), inSession(name, command)]);
    expect([allowed, denied]).toEqual(['connected\n', 'failed\n']);
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
