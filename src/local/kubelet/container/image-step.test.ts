import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TestMachine, waiting } from '../../../../tests/support/local/kubelet/machine.ts';
import {
  createSession,
  deleteSession,
  server,
  serverImage,
} from '../../../../tests/support/local/kubelet/templates.ts';
import { imageCondition } from '../../../jupyter-server/labels.ts';
import type { Images } from '../../images/types.ts';

let machine: TestMachine;
afterEach(async () => await machine.close());

describe('the image of a commit', () => {
  const commit = 'registry/group/project:aaaaaaa';
  const [built, other] = ['built', 'other'].map((description) => ({ ...server, description }));
  const statusOf = (name: string) => machine.pod(name)?.status?.conditions?.find(({ type }) => type === imageCondition);

  /** Starts a machine with these images. */
  async function machineWith(find: NonNullable<Images['find']>, options: { stateDir?: string; marker?: string } = {}) {
    const images: Images = Object.assign(new Map([[serverImage, server]]), { find });
    machine = new TestMachine({ images, ...options });
    await machine.kubelet.start();
  }

  it('is built by its init container, with the output in the log and the newest line in the status', async () => {
    const going = Promise.withResolvers<void>();
    await machineWith(async () => ({
      async build(progress) {
        progress('Downloading numpy');
        progress('Downloading\u0007scipy');
        await going.promise;
        progress('Installed 2 packages');
        return { environment: built ?? server, warning: 'a line was skipped' };
      },
    }));
    createSession(machine.cluster, { name: 'a', image: commit });
    await vi.waitFor(() => expect(statusOf('a')?.message).toBe('Downloading scipy'), waiting);
    expect(statusOf('a')).toMatchObject({ status: 'False', reason: 'Building' });
    expect(machine.container('a', 'download-image')).toMatchObject({ ready: false, state: { running: {} } });
    const followed = machine.log('a', { container: 'download-image', follow: true });
    going.resolve();
    expect(await followed).toBe('Downloading numpy\nDownloading scipy\nInstalled 2 packages\na line was skipped\n');
    await machine.ready('a');
    expect(statusOf('a')).toMatchObject({ status: 'True', reason: 'Incomplete', message: 'a line was skipped' });
    expect(machine.container('a', 'download-image')).toMatchObject({
      ready: true,
      state: { terminated: { exitCode: 0 } },
    });
    expect(machine.events()).toContain('ImageIncomplete: a line was skipped');
  });

  it('is used immediately, without output, if it exists already', async () => {
    await machineWith(async () => ({ environment: other ?? server }));
    createSession(machine.cluster, { name: 'a', image: commit });
    await machine.ready('a');
    expect(statusOf('a')).toBeUndefined();
    expect(await machine.log('a', { container: 'download-image' })).toBe('');
  });

  it('is no longer built after its session was deleted', async () => {
    const aborted = Promise.withResolvers<void>();
    await machineWith(async () => ({
      build: async (progress, signal) => {
        progress('Downloading numpy');
        await once(signal, 'abort');
        aborted.resolve();
        throw signal.reason;
      },
    }));
    createSession(machine.cluster, { name: 'a', image: commit });
    await vi.waitFor(() => expect(statusOf('a')?.reason).toBe('Building'), waiting);
    deleteSession(machine.cluster, 'a');
    await aborted.promise;
    await vi.waitFor(() => expect(machine.pod('a')).toBeUndefined(), waiting);
  });

  it('is not built again for an adopted session, and the warning of the session is kept', async () => {
    const [stateDir, marker] = [mkdtempSync(join(tmpdir(), 'kubelet-')), `test-${randomBytes(6).toString('hex')}`];
    let finds = 0;
    const find: Images['find'] = async () => {
      finds += 1;
      return { build: async () => ({ environment: server, warning: 'numpy has no wheel' }) };
    };
    await machineWith(find, { stateDir, marker });
    createSession(machine.cluster, { name: 'a', image: commit });
    await machine.ready('a');
    expect(finds).toBe(1);
    // Simulates kill -9 of the platform and of the session's server.
    const former = machine.kubelet;
    machine.newKubelet();
    await machine.kubelet.start();
    for (const { pid } of machine.marked('jupyter-server')) process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(machine.container('a')?.restartCount).toBeGreaterThan(0), waiting);
    await machine.ready('a');
    expect(statusOf('a')).toMatchObject({ status: 'True', message: 'numpy has no wheel' });
    expect(finds).toBe(1);
    await former.stop({ graceMs: 0 });
  });

  it('is reported as a missing image if the commit does not exist', async () => {
    await machineWith(async () => undefined);
    createSession(machine.cluster, { name: 'a', image: 'registry/group/project:bbbbbbb' });
    const reason = () => machine.container('a', 'download-image')?.state?.waiting;
    await vi.waitFor(() => expect(reason()?.reason).toMatch(/^(ErrImagePull|ImagePullBackOff)$/), waiting);
    expect(reason()?.message).toContain(`the machine has: ${serverImage}`);
  });
});
