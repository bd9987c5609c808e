import { describe, expect, it } from 'vitest';
import {
  created,
  exited,
  inPod,
  launched,
  messageOf,
  name,
  present,
} from '../../../tests/support/sessions/presented.ts';
import type { ContainerStatus, PodStatus } from '../../platform/kubernetes/objects.ts';

describe('the message of a failed session', () => {
  it.each([
    ['jupyter-server', 127, 'does not contain the required command'],
    ['jupyter-server', 125, 'check its Dockerfile'],
    ['jupyter-server', 126, 'check its Dockerfile'],
    ['jupyter-server', 1, 'check its Dockerfile'],
    ['jupyter-server', 128, 'low disk space'],
    ['jupyter-server', 137, 'more memory'],
    ['git-clone', 200, 'git error'],
    ['git-clone', 201, 'git server'],
    ['git-clone', 202, 'autosave'],
    ['git-clone', 203, 'low disk space'],
    ['git-clone', 204, 'branch or commit'],
    ['git-clone', 205, 'submodules'],
    ['git-clone', 206, 'over a folder'],
    ['git-clone', 207, 'absolute path'],
    ['jupyter-server', 134, 'shut down unexpectedly'],
    ['jupyter-server', 139, 'shut down unexpectedly'],
    ['jupyter-server', 143, 'shut down unexpectedly'],
    ['download-image', 127, 'shell'],
    ['oauth2-proxy', 1, 'auxiliary container'],
  ])('explains %s with exit code %d', (container, code, words) => {
    expect(messageOf(inPod({ phase: 'Running', containerStatuses: [exited(container, code)] }))).toContain(words);
    expect(messageOf(inPod({ phase: 'Running', containerStatuses: [exited(container, code, 'lastState')] }))).toContain(
      words,
    );
  });

  it.each([
    ['registry.example.org/my-group/my-project:0123456', undefined, 'check its Dockerfile'],
    ['registry.example.org/my-group/my-project/deep:1', undefined, 'check its Dockerfile'],
    ['registry.example.org/my-group/my-project-2:1', undefined, 'The image belongs to the platform'],
    ['127.0.0.1:8000/images/jupyter:latest', undefined, 'The image belongs to the platform'],
    ['127.0.0.1:8000/images/jupyter:latest', 'images/jupyter:latest', 'the image that the launch names'],
  ])('says what to do about the image %s (%s)', (image, requested, words) => {
    const annotations = { ...launched.metadata.annotations, 'renku.io/requested-image': requested ?? '' };
    const messageFor = (code: number) =>
      present(inPod({ containerStatuses: [exited('jupyter-server', code)] }), {
        metadata: { annotations },
        spec: { ...launched.spec, jupyterServer: { ...launched.spec?.jupyterServer, image } },
      }).status.message;
    for (const code of [1, 125, 126, 127, 128]) {
      expect(messageFor(code)).toContain(words);
      if (!words.includes('Dockerfile')) expect(messageFor(code)).not.toContain('Dockerfile');
    }
  });

  it('does not give the image as the cause if the clone ends unexpectedly', () => {
    const message = messageOf(inPod({ initContainerStatuses: [exited('git-clone', 1)] }));
    expect(message).toContain('could not be cloned');
    expect(message).toContain('exit code 1');
    expect(message).not.toMatch(/image/i);
  });

  it('reports that the session was out of memory, with the amount, if the kernel killed its process', () => {
    const killed = { name: 'jupyter-server', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } };
    expect(messageOf(inPod({ containerStatuses: [killed] }))).toBe(
      'The session used more memory than it was given (1G) and was killed. Launch it again with more memory.',
    );
    const clone = { ...killed, name: 'git-clone' };
    expect(messageOf(inPod({ initContainerStatuses: [clone] }))).toContain('killed by the cluster');
  });

  it('says what to do about a full disk', () => {
    const message = messageOf(inPod({ initContainerStatuses: [exited('git-clone', 203)] }));
    for (const words of ['low disk space', 'restart', 'more storage']) expect(message).toContain(words);
  });

  it.each([
    [201, 'The git server git.example.org interrupted the transfer (early EOF). Launch the session again.'],
    [203, 'There is no space left on the disk of the session. Launch the session with more storage.'],
    [204, 'The branch "x" does not exist in the repository. Push it, or launch another branch.'],
  ])('is the last sentence of the clone with exit code %d, or the meaning of the code', (code, sentence) => {
    const ended = (message: string) =>
      messageOf(
        inPod({ initContainerStatuses: [{ name: 'git-clone', state: { terminated: { exitCode: code, message } } }] }),
      );
    expect(ended(`Cloning.\n${sentence}\n`)).toBe(`The repository could not be cloned. ${sentence}`);
    // As git-clone of renku-notebooks ends its log.
    expect(ended('Traceback:\nerrors.CloneError')).toMatch(
      /^The repository could not be cloned because .*\. The log ends with: "errors\.CloneError"$/,
    );
  });

  it('uses the latest exit code of the container that failed', () => {
    const both = { ...exited('jupyter-server', 127), lastState: { terminated: { exitCode: 137 } } };
    expect(messageOf(inPod({ containerStatuses: [exited('oauth2-proxy', 1), both] }))).toContain('required command');
  });

  it('explains why the pod cannot be scheduled', () => {
    const conditions = [
      { type: 'Initialized', status: 'True', lastTransitionTime: '2023-09-11T09:00:00Z' },
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message:
          '0/9 nodes are available: 2 node(s) had taints, 7 Insufficient nvidia.com/gpu. preemption: 0/9 nodes are available: 9 No preemption victims found for incoming pod.',
        lastTransitionTime: '2023-09-11T10:00:00Z',
      },
    ];
    expect(messageOf(inPod({ phase: 'Pending', conditions }))).toContain(
      'because of: Insufficient nvidia.com/gpu (7 of 9 machines); node(s) had taints (2 of 9 machines). Wait until',
    );
    const taints = conditions.map((condition) => ({
      ...condition,
      message: '0/9 nodes are available: 9 node(s) had untolerated taint {a: b}.',
    }));
    expect(messageOf(inPod({ phase: 'Pending', conditions: taints }))).toContain('tell the administrator');
    const unclear = conditions.map((condition) => ({ ...condition, message: 'no room' }));
    expect(messageOf(inPod({ phase: 'Pending', conditions: unclear }))).toBe('no room');
  });

  it('reports a quota, an eviction, or that the cluster does not say why', () => {
    const quota = {
      state: 'failed' as const,
      events: { statefulset: { message: 'The resource quota has been exceeded.' } },
    };
    expect(messageOf(quota)).toMatch(/^The resource quota has been exceeded\. Stop another session/);
    expect(messageOf(inPod({ phase: 'Failed', reason: 'NodeAffinity', message: 'Pod was rejected. ' }))).toContain(
      'because of this reason: NodeAffinity: Pod was rejected. Launch',
    );
    expect(messageOf({ state: 'failed' })).toContain('does not say why');
  });
});

describe('a launch that was interrupted', () => {
  const waiting = inPod(
    {
      phase: 'Pending',
      initContainerStatuses: [
        {
          name: 'git-clone',
          state: {
            waiting: { reason: 'CreateContainerConfigError', message: `secret "${name}-credentials" not found` },
          },
        },
      ],
    },
    'starting',
  );

  const event = `FailedMount: MountVolume.SetUp failed for volume "r-environment" : secret "${name}-credentials" not found`;
  const inVolume = { ...inPod({ phase: 'Pending' }, 'starting'), events: { pod: { message: event } } };
  const unscheduled = inPod({
    phase: 'Pending',
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: `secret "${name}-credentials" not found`,
      },
    ],
  });

  it.each([
    ['a variable', waiting],
    ['a volume', inVolume],
    ['a volume, even if the operator reports the session as failed', unscheduled],
  ])('is starting for a minute and then failed if the pod waits for %s', (_what, waiting) => {
    expect(present(waiting, {}, 59).status).toMatchObject({
      state: 'starting',
      message: expect.not.stringContaining('cannot'),
    });
    expect(present(waiting, {}, 61).status).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('launch was interrupted'),
    });
  });

  it('is not reported because of an old event after the volumes are mounted', () => {
    const conditions = [{ type: 'PodReadyToStartContainers', status: 'True' }];
    const later = { ...inVolume, mainPod: { status: { phase: 'Pending', conditions } } };
    expect(present(later, {}, 61).status.state).toBe('starting');
  });
});

describe('the message of a session that is starting', () => {
  const waitsFor = (container: string, reason: string, message?: string): string | null | undefined =>
    messageOf(
      inPod(
        {
          phase: 'Pending',
          containerStatuses: [{ name: container, state: { waiting: { reason, ...(message ? { message } : {}) } } }],
        },
        'starting',
      ),
    );

  it('says that a clone takes long, where its progress is, and why the clone before failed', () => {
    const running = { startedAt: new Date(created).toISOString() };
    const clone = (more: Partial<ContainerStatus> = {}) =>
      inPod(
        { phase: 'Pending', initContainerStatuses: [{ name: 'git-clone', state: { running }, ...more }] },
        'starting',
      );
    expect(messageOf(clone(), 59)).not.toContain('The clone of the repository');
    expect(messageOf(clone(), 61)).toContain(
      'The clone of the repository has been running for 61 seconds. The log of the session shows how far the clone is, or what it waits for.',
    );
    const message = 'The git server git.example.org was not available for 120 s (it does not respond).';
    const again = clone({ lastState: { terminated: { exitCode: 201, message } } });
    expect(messageOf(again, 61)).toMatch(
      /failed, and runs again\. The repository could not be cloned\. The git server git/,
    );
  });

  it.each(['ErrImagePull', 'ImagePullBackOff'])('explains %s', (reason) => {
    const message = waitsFor('download-image', reason, 'This machine has only these images: a, b.\n');
    expect(message).toContain('The image registry.example.org/my-group/my-project:0123456 cannot be downloaded');
    expect(message).toContain(
      'The cluster reports: This machine has only these images: a, b. The cluster tries again. The session is waiting',
    );
    expect(message).not.toContain('\n');
  });

  it('has the reason of a failed pull, and not only the errors that contain it', () => {
    const chain =
      'Failed to pull image "r/i:1": rpc error: code = NotFound desc = failed to pull and unpack image "r/i:1": ';
    const layer = `failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:${'ab'.repeat(32)} (application/vnd.oci.image.layer.v1.tar) from remote: not found`;
    expect(waitsFor('download-image', 'ErrImagePull', chain + layer)).toContain(
      `The cluster reports: ${layer}. The cluster`,
    );
    const tag = 'failed to resolve reference "r/i:1": r/i:1: not found';
    expect(waitsFor('download-image', 'ErrImagePull', chain + tag)).toContain(
      'The cluster reports: r/i:1: not found. The',
    );
  });

  it('says that the image is for another processor architecture', () => {
    const why = 'failed to pull and unpack image "i": no match for platform in manifest: not found';
    expect(waitsFor('download-image', 'ErrImagePull', why)).toMatch(
      /^The image registry\.example\.org\/\S+ is for another processor architecture than that of the cluster\./,
    );
  });

  it('says that the sign-in may have expired if a private image cannot be pulled', () => {
    const annotations = { ...launched.metadata.annotations, 'notebook-sessions.io/pull-secret': 'some-secret' };
    const waiting = { name: 'download-image', state: { waiting: { reason: 'ErrImagePull' } } };
    const { message } = present(inPod({ initContainerStatuses: [waiting] }, 'starting'), {
      metadata: { annotations },
    }).status;
    expect(message).toContain('your sign-in for this private image may have expired');
  });

  it('quotes the operator’s message about the pod if no other cause is known', () => {
    const noted = (message: string, pod: PodStatus = {}): string | null | undefined =>
      messageOf({ ...inPod(pod, 'starting'), events: { pod: { message } } });
    expect(noted('FailedMount: no such Secret.')).toContain(
      'The cluster reports: FailedMount: no such Secret. The session is',
    );
    expect(noted('pod has unbound immediate PersistentVolumeClaims')).toMatch(/^The session is waiting for/);
    const pulling = {
      name: 'download-image',
      state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image' } },
    };
    const message = noted('download-image: ImagePullBackOff: manifest unknown', { initContainerStatuses: [pulling] });
    expect(message).toContain('The cluster reports: manifest unknown. The cluster tries again.');
    expect(message).not.toContain('Back-off');
    const failed = {
      ...inPod({ initContainerStatuses: [exited('git-clone', 204)] }),
      events: { pod: { message: 'old' } },
    };
    expect(messageOf(failed)).toContain('branch or commit');
  });

  it('reports a container that crashes, with its step', () => {
    const crash: ContainerStatus = {
      ...exited('jupyter-server', 127, 'lastState'),
      state: { waiting: { reason: 'CrashLoopBackOff' } },
    };
    expect(messageOf(inPod({ containerStatuses: [crash] }, 'starting'))).toContain(
      'The step "starting session" failed, and the cluster tries again. The image does not contain',
    );
  });

  it('does not give the image as the cause if a container of the platform crashes', () => {
    const crash: ContainerStatus = {
      name: 'oauth2-proxy',
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 1, message: 'starting\nno such issuer\n' } },
    };
    expect(messageOf(inPod({ containerStatuses: [crash] }, 'starting'))).toContain(
      'The step "authentication and proxying services" failed, and the cluster tries again. Its container ended (exit code 1). The log ends with: "no such issuer" That is an error of the platform',
    );
  });

  it('reports a volume that is not available after a minute', () => {
    const pending = {
      ...inPod({ phase: 'Pending' }, 'starting'),
      events: { pod: { message: 'persistentvolumeclaim "x" not found' } },
    };
    expect(messageOf(pending, 59)).not.toContain('volume');
    expect(messageOf(pending, 61)).toContain(
      'The volume of the session is not available yet. The cluster reports: persistentvolumeclaim "x" not found. Tell',
    );
  });

  it('says that the cluster is adding a machine', () => {
    const conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/1 nodes are available: 1 Insufficient cpu.',
      },
    ];
    const events = { pod: { message: 'The cluster adds a node: pod triggered scale-up' } };
    expect(messageOf({ ...inPod({ phase: 'Pending', conditions }, 'starting'), events })).toContain(
      'The cluster is adding a machine',
    );
  });

  it('reports no failure while the volume is being created', () => {
    const conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: 'pod has unbound immediate PersistentVolumeClaims',
      },
    ];
    expect(messageOf(inPod({ phase: 'Pending', conditions }, 'starting'))).toMatch(/^The session is waiting for/);
  });
});
