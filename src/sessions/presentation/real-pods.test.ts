import { describe, expect, it } from 'vitest';
import { realObject } from '../../../tests/support/real-pods/read.ts';
import { testConfig } from '../../../tests/support/sessions/config.ts';
import { launched, present } from '../../../tests/support/sessions/presented.ts';
import type { NotebookResponse } from '../../generated/openapi.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { fromJupyterServer } from '../../jupyter-server/session.ts';
import type { JupyterServer, JupyterServerStatus } from '../../jupyter-server/types.ts';
import { presentSession } from './present.ts';

/** Returns the response for a recorded session, `seconds` after its creation. */
function shown(name: string, seconds = 600): NotebookResponse {
  const server = realObject<JupyterServer>(name);
  const created = Date.parse(server.metadata.creationTimestamp ?? '');
  return presentSession(fromJupyterServer(server), testConfig(), created + seconds * 1000);
}

describe('the message of a session that failed on a real cluster', () => {
  it.each([
    [
      'image-without-jupyter',
      'failed',
      /^The image does not contain the required command to start a session: exec: "jupyter": executable file not found in \$PATH\. Check the image/,
    ],
    [
      'image-without-notebook',
      'failed',
      /^The image has JupyterLab or Jupyter Server, but not the command "jupyter notebook".* the Python package notebook is missing in the image\. Check/,
    ],
    ['entrypoint-is-server', 'failed', /^The entrypoint of the image is itself a Jupyter server/],
    ['image-without-shell', 'failed', /^The image cannot run a command \(it has no shell\)\. Check the image/],
    [
      'entrypoint-exits',
      'failed',
      /its Jupyter server ended \(exit code 3\).* The log ends with: "ValueError: the variable FOO is not set"/,
    ],
    [
      'image-missing',
      'starting',
      /^The image quay\.io\/no\/such:1 cannot be downloaded; it may not exist, or it may not be public\. The cluster reports: .*: not found\. The cluster tries again\./,
    ],
    [
      'image-of-another-architecture',
      'starting',
      /^The image truth\/foreign:1 is for another processor architecture than that of the cluster\. Launch the session with an image/,
    ],
    [
      'out-of-memory',
      'failed',
      /^The session used more memory than it was given \(0\.03G\) and was killed\. Launch it again with more memory\.$/,
    ],
    [
      'git-server-away',
      'starting',
      /The repository could not be cloned\. The git server gitlab\.example\.org was not available for 120 s/,
    ],
    [
      'no-node-large-enough',
      'failed',
      /^The session cannot be scheduled because of: Insufficient cpu\. No machine that sessions may use has that much, so waiting does not help: launch the session again with less CPU, or tell the administrator\.$/,
    ],
    [
      'no-gpu',
      'failed',
      /^The session cannot be scheduled because of: Insufficient nvidia\.com\/gpu\. No machine .* with less GPUs, or tell/,
    ],
    [
      'no-node-selected',
      'failed',
      /^The session cannot be scheduled because of: node\(s\) didn't match Pod's node affinity\/selector\. No machine of the cluster accepts the session/,
    ],
    [
      'serves-nothing',
      'starting',
      /^The session waits for its Jupyter server, which has run for \d+ seconds and does not respond yet\. The image must start it on port 8888, below the path \/sessions\/silent\..* The log of the attempt before ends with: "this image serves nothing"/,
    ],
  ])('explains %s', (name, state, message) => {
    const { status } = shown(name);
    expect(status.message).toMatch(message);
    expect(status.state).toBe(state);
  });
});

describe('the warning of a session whose pod the cluster has stopped', () => {
  const at = '2026-11-30T12:04:27Z';
  const warningsOf = (
    stoppedPod: object,
    change: { hasVolume?: boolean; restartedAt?: string; hasAgent?: boolean } = {},
  ) => {
    const { hasVolume = false, restartedAt, hasAgent = false } = change;
    const annotations = {
      ...(restartedAt && {
        'notebook-sessions.io/restarted-pod': 'p',
        'notebook-sessions.io/restarted-at': restartedAt,
      }),
      ...(hasAgent && { [annotation.agentSecret]: 'a' }),
    };
    return present({ state: 'running', stoppedPod: { uid: 'p', at, ...stoppedPod } } as JupyterServerStatus, {
      metadata: { annotations: { ...launched.metadata.annotations, ...annotations } },
      spec: { ...launched.spec, storage: { pvc: { enabled: hasVolume } } },
    }).status.warnings.filter(({ message }) => message.includes('stopped by the cluster'));
  };
  const evicted = { reason: 'Evicted', message: 'Usage of EmptyDir volume "workspace" exceeds the limit "1G".' };

  it('says when and why, what is lost, and what to do', () => {
    expect(warningsOf(evicted)).toEqual([
      {
        message:
          'The session was stopped by the cluster at 2026-11-30 12:04:27 UTC because its files took more than the storage that it was given (1G). What was not pushed is lost. Launch it again with more storage, or keep fewer files in it.',
        critical: true,
      },
    ]);
    expect(warningsOf(evicted, { hasAgent: true })).toMatchObject([
      { message: expect.stringContaining('(1G). What was neither pushed nor saved is lost. Launch it again') },
    ]);
    expect(
      warningsOf({ reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }, { hasVolume: true }),
    ).toEqual([
      {
        message:
          'The session was stopped by the cluster at 2026-11-30 12:04:27 UTC because the machine that it ran on was being emptied, for example for maintenance. Its files were kept; what ran in it was lost.',
        critical: false,
      },
    ]);
  });

  it.each([
    [
      {
        reason: 'Evicted',
        message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 3Mi.',
      },
      'low on memory',
    ],
    [{ reason: 'Evicted', message: 'The node was low on resource: ephemeral-storage. x' }, 'low on disk space'],
    [
      { reason: 'Evicted', message: 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ' },
      'wrote more files',
    ],
    [{ reason: 'PreemptionByScheduler', message: 'default-scheduler: preempting' }, 'a higher priority'],
    [
      { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' },
      'did not respond',
    ],
    [{ reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }, 'no longer exists'],
    [{ reason: 'Deleted' }, 'its pod was deleted'],
    [{ reason: 'Unknown' }, 'of a reason that it does not report'],
    [
      { reason: 'SomethingNew', message: 'words of\nthe cluster. ' },
      'of this reason: SomethingNew: words of the cluster.',
    ],
    [{ reason: 'constructor' }, 'of this reason: constructor.'],
  ])('gives the cause for %j', (stopped, words) => {
    expect(warningsOf(stopped)).toEqual([{ message: expect.stringContaining(words), critical: true }]);
  });

  it('ends when the owner restarts the session', () => {
    expect(warningsOf(evicted, { restartedAt: '2026-11-30T12:03:00Z' })).toHaveLength(1);
    expect(warningsOf(evicted, { restartedAt: '2026-11-30T12:05:00Z' })).toEqual([]);
    expect(warningsOf({ ...evicted, at: 'never' })).toEqual([]);
  });
});
