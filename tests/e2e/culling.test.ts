import { expect, it } from 'vitest';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { Jupyter } from '../support/jupyter.ts';
import { anonymous, type Caller, hasWarning, type Session } from './caller.ts';
import { inSession, objectsOf, platform, publicProject } from './platform.ts';
import { release } from './release.ts';

const namespace = release.sessionsNamespace;
const idleSeconds = 30;

async function jupyterServer(name: string): Promise<JupyterServer> {
  const json = await platform().kubectl(['get', 'jupyterserver', name, '--namespace', namespace, '--output=json']);
  return JSON.parse(json) as JupyterServer;
}

const setThreshold = (name: string, idleSecondsThreshold: number) => {
  const patch = JSON.stringify({ spec: { culling: { idleSecondsThreshold } } });
  const args = ['patch', 'jupyterserver', name, '--namespace', namespace, '--type=merge', `--patch=${patch}`];
  return platform().kubectl(args);
};

/** Returns the Jupyter server of a session at its public address. */
function jupyterOf({ url }: Session): Jupyter {
  const { origin, pathname, searchParams } = new URL(url);
  return new Jupyter(`${origin}${pathname.replace(/\/+$/, '')}`, {
    authorization: `token ${searchParams.get('token')}`,
  });
}

async function launchRunning(): Promise<{ caller: Caller; session: Session }> {
  const caller = anonymous();
  const { name } = await caller.launch(publicProject());
  return { caller, session: await caller.until(name, 'running') };
}

it('a session that is not used is announced and hibernated on its volume, not while a kernel is busy or a terminal prints, and a launch resumes it with its files', async () => {
  const [idle, busy, typed] = await Promise.all([launchRunning(), launchRunning(), launchRunning()]);
  const all = [idle, busy, typed];
  const { name } = idle.session;
  await inSession(name, 'echo kept > /home/jovyan/work/first-light/notes.txt');

  const jupyter = jupyterOf(busy.session);
  const kernel = await jupyter.startKernel();
  // The connection to the kernel, which is activity, too, ends. The kernel stays busy.
  await jupyter.start(kernel, 'import time; time.sleep(3600)');
  await jupyterOf(typed.session).type('while true; do date; sleep 1; done');
  await Promise.all(all.map(({ session }) => setThreshold(session.name, idleSeconds)));

  await idle.caller.until(name, (session) => hasWarning(session, /will be .* because it is not being used/));
  await idle.caller.until(name, 'hibernated');
  const { metadata, spec } = await jupyterServer(name);
  const hibernatedAt = Date.parse(metadata.annotations?.['renku.io/hibernationDate'] ?? '');
  expect(spec?.jupyterServer?.hibernated).toBe(true);
  await expect.poll(() => objectsOf(name)).not.toContain(`pod/${name}-0`);
  expect(await objectsOf(name)).toContain(`persistentvolumeclaim/${name}`);
  const events = await platform().kubectl([
    ...['get', 'events', '--namespace', namespace, `--field-selector=involvedObject.name=${name}`],
    '--output=jsonpath={.items[*].reason}',
  ]);
  expect(events.split(' ')).toEqual(expect.arrayContaining(['CullingSoon', 'Culled', 'Hibernated']));

  // The operator has read the activity of the other two later than it has hibernated the first one.
  for (const { caller, session } of [busy, typed]) {
    const lastActivity = async () => Date.parse((await jupyterServer(session.name)).status?.lastActivity ?? '');
    await expect.poll(lastActivity, { timeout: 120_000, interval: 500 }).toBeGreaterThan(hibernatedAt);
    expect((await caller.until(session.name, 'running')).status.warnings).toEqual([]);
  }

  await setThreshold(name, 0);
  const resumed = await idle.caller.api('/servers', { method: 'POST', body: publicProject() });
  expect(resumed.status).toBe(200);
  await idle.caller.until(name, 'running');
  expect(await inSession(name, 'cat /home/jovyan/work/first-light/notes.txt')).toBe('kept\n');
  await Promise.all(all.map(({ caller, session }) => caller.remove(session.name)));
});
