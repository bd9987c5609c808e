import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { anonymous, type Caller, registered } from './caller.ts';
import { imageReference } from './images.ts';
import { apply, platform, publicProject } from './platform.ts';
import { release } from './release.ts';

const namespace = release.sessionsNamespace;
const setQuota = (hard: Record<string, string>) =>
  apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace }, spec: { hard } });
const removeQuota = () =>
  platform().kubectl(['delete', 'resourcequota', 'none', '--ignore-not-found', '-n', namespace]);

/** The tests are the steps of two sessions, which are launched while a quota is used up. */
describe('a quota that is used up', () => {
  const other = anonymous();
  let ada: Caller;
  let [name, adas] = ['', ''];
  let image: string;
  /** The content of the file before the sign-in of Ada expires. */
  let logins: string;
  const loginFile = () => platform().cluster.registry.loginFile;

  const untilFailed = (caller: Caller, session: string, message: RegExp) =>
    caller.until(session, ({ status }) => status.state === 'failed' && message.test(status.message ?? ''));

  beforeAll(async () => {
    if (inject('e2e') === undefined) return;
    const { cluster } = platform();
    logins = readFileSync(loginFile(), 'utf8');
    image = imageReference(cluster, 'expired');
    ada = await registered('ada');
    await setQuota({ persistentvolumeclaims: '0' });
    [{ name }, { name: adas }] = await Promise.all([
      other.launch(publicProject()),
      ada.launch({ ...publicProject(), image }),
    ]);
  });
  afterAll(async () => {
    if (inject('e2e') === undefined) return;
    writeFileSync(loginFile(), logins);
    await removeQuota();
    await Promise.all([other.remove(name), ada.remove(adas)]);
  });

  it('is the reason why a session gets no volume', async () => {
    await untilFailed(other, name, /^The resource quota "none" .* \(persistentvolumeclaims: .* Stop another session/);
  });

  it('is the reason why a session gets no pod; the session runs when there is room again', async () => {
    await setQuota({ pods: '0' });
    const message = /^The resource quota has been exceeded\. Stop another session, or wait/;
    await Promise.all([untilFailed(other, name, message), untilFailed(ada, adas, message)]);
    // Before the pod of the private image is created.
    writeFileSync(loginFile(), logins.replace(`oauth2:${platform().backends.gitTokens.ada}\n`, ''));
    await removeQuota();
    await other.until(name, 'running');
  });

  it('delays a session until the sign-in for its image has expired; the session says so, and runs when it is valid', async () => {
    const message = new RegExp(
      `^The image ${image} cannot be downloaded; your sign-in for this private image may have`,
    );
    await ada.until(adas, ({ status }) => status.state === 'starting' && message.test(status.message ?? ''));
    writeFileSync(loginFile(), logins);
    await ada.until(adas, 'running');
  });
});
