import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { Deadline } from '../../src/lib/deadline.ts';
import { namespace } from '../../src/local/environment.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import type { KubernetesConnection } from '../../src/platform/kubernetes/types.ts';
import { Jupyter } from '../support/jupyter.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, type SessionResponse, signInToSession, waitForState } from '../support/session.ts';

let platform: Platform;
let client: KubernetesConnection;

beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
  const kubeconfig = await parseKubeConfig(readFileSync(join(platform.stateDir, 'kubeconfig'), 'utf8'));
  client = createKubernetesClient({ kubeconfig, log: pino({ level: 'silent' }) });
});
afterAll(async () => {
  await client?.close();
  await platform?.dispose();
});

const deadline = () => Deadline.after(60_000);
const idleSeconds = 6;

interface SessionEvent extends KubernetesObject {
  involvedObject: { kind: string; name: string };
  reason: string;
}

const reasonsOf = async (name: string) =>
  (await client.list<SessionEvent>(resource.events, namespace, {}, deadline()))
    .filter(({ involvedObject }) => involvedObject.kind === 'JupyterServer' && involvedObject.name === name)
    .map(({ reason }) => reason);

it('a session that is not used is hibernated, not while a kernel is busy, and a launch resumes it with its files', async () => {
  const visitor = await platform.signIn('anonymous');
  const api: Platform['api'] = (path, init) =>
    platform.api(path, { ...init, headers: { ...init?.headers, cookie: visitor } });
  const body = launchBody(await demoCommit(platform));
  const launch = async () => {
    const response = await api('/notebooks/servers', body);
    return { status: response.status, session: (await response.json()) as SessionResponse };
  };
  // The operator knows the token of an anonymous session. A session of a user has a token of the local platform only.
  const { name } = (await launch()).session;
  const { url } = await waitForState({ ...platform, api }, name, ['running']);
  const server = async () => {
    const found = await client.get<JupyterServer>(jupyterServers, namespace, name, deadline());
    if (!found) throw new Error('the session does not exist');
    return found;
  };

  const authorization = `token ${new URL(url).searchParams.get('token')}`;
  const open = async () => {
    const { cookie } = await signInToSession(platform, url);
    return new Jupyter(url.replace(/[/?]*(\?.*)?$/, ''), { cookie, authorization });
  };
  const jupyter = await open();
  const kernel = await jupyter.startKernel();
  const busy = jupyter.execute(
    kernel,
    `import time; open('kept.txt', 'w').write('work'); time.sleep(${2 * idleSeconds})`,
  );
  const stateOfKernel = async () => {
    const response = await jupyter.fetch(`/api/kernels/${kernel}`);
    return ((await response.json()) as { execution_state: string }).execution_state;
  };
  await expect.poll(stateOfKernel).toBe('busy');
  const culling = { idleSecondsThreshold: idleSeconds };
  await client.mergePatch(jupyterServers, namespace, name, { spec: { culling } }, deadline());
  await busy;
  const endedAt = Date.now();
  const hibernated = async () => {
    const { spec, status } = await server();
    return spec?.jupyterServer?.hibernated === true && status?.state === 'hibernated';
  };
  await expect.poll(hibernated, { timeout: 200_000, interval: 250 }).toBe(true);

  const { metadata, status } = await server();
  const date = metadata.annotations?.['renku.io/hibernationDate'] ?? '';
  // The date has whole seconds.
  expect(Date.parse(date)).toBeGreaterThan(endedAt + (idleSeconds - 1) * 1000);
  expect(JSON.parse(metadata.annotations?.['renku.io/hibernation'] ?? '')).toMatchObject({ date, branch: '' });
  expect(metadata.annotations).not.toHaveProperty('notebook-sessions.io/culling');
  expect(status?.conditions?.map((each) => [each.type, each.status])).toEqual([
    ['Ready', 'False'],
    ['Progressing', 'False'],
    ['Degraded', 'False'],
    ['HasRun', 'True'],
  ]);
  await expect
    .poll(() => reasonsOf(name))
    .toEqual(expect.arrayContaining(['Created', 'Running', 'CullingSoon', 'Culled', 'Hibernated']));
  const shown = (await (await api(`/notebooks/servers/${name}`)).json()) as SessionResponse;
  expect(shown.status).toMatchObject({ state: 'hibernated', message: expect.stringContaining('launch it again') });

  // The resumed session is not used for longer than the threshold on a busy machine.
  const off = { idleSecondsThreshold: 0 };
  await client.mergePatch(jupyterServers, namespace, name, { spec: { culling: off } }, deadline());
  const resumed = await launch();
  expect([resumed.status, resumed.session.name, resumed.session.status.state]).toEqual([200, name, 'starting']);
  await waitForState({ ...platform, api }, name, ['running']);
  const again = await open();
  expect(await again.execute(await again.startKernel(), "open('kept.txt').read()")).toContain('work');
  expect((await server()).metadata.annotations?.['renku.io/hibernationDate']).toBe('');
});
