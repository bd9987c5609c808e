import { it } from 'vitest';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { EventStream } from '../support/event-stream.ts';
import { Jupyter } from '../support/jupyter.ts';
import { anonymous, anonymousHeaders, hasWarning, registeredHeaders, type Session, withHeaders } from './caller.ts';
import { inSession, objectsOf, platform, publicProject, untilGone } from './platform.ts';
import { release, resourceClass } from './release.ts';

const namespace = release.sessionsNamespace;
const idleSeconds = 20;

async function jupyterServer(name: string): Promise<JupyterServer> {
  const json = await platform().kubectl(['get', 'jupyterserver', name, '--namespace', namespace, '--output=json']);
  return JSON.parse(json) as JupyterServer;
}

const setThresholds = (name: string, culling: NonNullable<JupyterServer['spec']>['culling']) => {
  const patch = JSON.stringify({ spec: { culling } });
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

async function launchRunning(headers: Record<string, string>) {
  const caller = withHeaders(headers);
  const { name } = await caller.launch(publicProject());
  return { headers, caller, session: await caller.until(name, 'running') };
}

it.concurrent('a session that is not used is announced and hibernated on its volume, not while a kernel is busy or a terminal prints, and a launch resumes it with its files', {
  timeout: 600_000,
}, async ({ expect }) => {
  const [idle, busy, typed] = await Promise.all([
    launchRunning(await registeredHeaders('bob')),
    launchRunning(anonymousHeaders()),
    launchRunning(anonymousHeaders()),
  ]);
  const { name } = idle.session;
  const stream = await EventStream.open(`https://${release.host}/notebooks/servers/${name}/events`, idle.headers);
  const events = stream.read();
  await inSession(name, 'echo kept > /home/jovyan/work/first-light/notes.txt');
  // The session may have been unused for longer: its owner is told nevertheless.
  await setThresholds(name, { idleSecondsThreshold: idleSeconds });

  const jupyter = jupyterOf(busy.session);
  // The connection to the kernel, which is activity, too, ends. The kernel stays busy.
  await jupyter.start(await jupyter.startKernel(), 'import time; time.sleep(3600)');
  await jupyterOf(typed.session).type('while true; do date; sleep 1; done');
  await Promise.all(
    [busy, typed].map(({ session }) => setThresholds(session.name, { idleSecondsThreshold: idleSeconds })),
  );

  await idle.caller.until(name, 'hibernated', 200_000);
  const { metadata, spec } = await jupyterServer(name);
  const hibernatedAt = Date.parse(metadata.annotations?.['renku.io/hibernationDate'] ?? '');
  expect(spec?.jupyterServer?.hibernated).toBe(true);
  await expect.poll(() => objectsOf(name)).not.toContain(`pod/${name}-0`);
  expect(await objectsOf(name)).toContain(`persistentvolumeclaim/${name}`);
  const states = () => events.named<Session>('session');
  await expect.poll(() => states().at(-1)?.status.state).toBe('hibernated');
  events.close();
  const isAnnounced = (each: Session) =>
    each.status.state === 'running' && hasWarning(each, /will be stopped in \d+ seconds because it is not being used/);
  expect(states().some(isAnnounced)).toBe(true);
  const reasons = await platform().kubectl([
    ...['get', 'events', '--namespace', namespace, `--field-selector=involvedObject.name=${name}`],
    '--output=jsonpath={.items[*].reason}',
  ]);
  expect(reasons.split(' ')).toEqual(expect.arrayContaining(['CullingSoon', 'Culled', 'Hibernated']));

  // The operator has read the activity of the other two later than it has hibernated the first one.
  for (const { caller, session } of [busy, typed]) {
    const lastActivity = async () => Date.parse((await jupyterServer(session.name)).status?.lastActivity ?? '');
    await expect.poll(lastActivity, { timeout: 120_000, interval: 500 }).toBeGreaterThan(hibernatedAt);
    const { status } = await caller.until(session.name, 'running');
    expect(status.warnings.filter(({ message }) => message.includes('will be stopped'))).toEqual([]);
  }

  await setThresholds(name, { idleSecondsThreshold: 0 });
  const resumed = await idle.caller.api('/servers', { method: 'POST', body: publicProject() });
  expect(resumed.status).toBe(200);
  await idle.caller.until(name, 'running');
  expect(await inSession(name, 'cat /home/jovyan/work/first-light/notes.txt')).toBe('kept\n');
  await Promise.all([idle, busy, typed].map(({ caller, session }) => caller.remove(session.name)));
});

it.concurrent('a session that has never run is deleted above the threshold for its state', async () => {
  const caller = anonymous();
  const { name } = await caller.launch({ ...publicProject(), resource_class_id: resourceClass.tooManyCpus });
  await caller.until(name, 'failed', 180_000);
  await setThresholds(name, { failedSecondsThreshold: 1 });
  await untilGone(name, namespace, 120_000);
});
