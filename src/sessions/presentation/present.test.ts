import { describe, expect, it } from 'vitest';
import { testConfig } from '../../../tests/support/sessions/config.ts';
import { created, inPod, launched, messageOf, name, present } from '../../../tests/support/sessions/presented.ts';
import { imageCondition } from '../../jupyter-server/labels.ts';
import { fromJupyterServer } from '../../jupyter-server/session.ts';
import type { JupyterServer, JupyterServerStatus } from '../../jupyter-server/types.ts';
import { createPresenter } from './presenter.ts';

describe('a session that was just created', () => {
  it('is shown as renku-notebooks 1.18.1 shows it', () => {
    expect(present({})).toEqual({
      annotations: {
        'renku.io/branch': 'feature/x',
        'renku.io/commit-sha': '0123456789abcdef',
        'renku.io/default_image_used': 'False',
        'renku.io/git-host': 'gitlab.example.org',
        'renku.io/gitlabProjectId': '42',
        'renku.io/namespace': 'my-group',
        'renku.io/projectName': 'my-project',
        'renku.io/repository': 'https://gitlab.example.org/My-Group/My-Project',
        'renku.io/servername': name,
        'renku.io/username': 'john.doe',
      },
      image: 'registry.example.org/my-group/my-project:0123456',
      launch: {},
      name,
      resources: { requests: { cpu: 0.1, memory: '1G', storage: '1G' }, usage: {} },
      started: '2023-09-11T10:00:00+00:00',
      state: { pod_name: null },
      status: {
        details: [
          { step: 'Initialization', status: 'waiting' },
          { step: 'Downloading server image', status: 'waiting' },
          { step: 'Cloning and configuring the repository', status: 'waiting' },
          { step: 'Authentication and proxying services', status: 'waiting' },
          { step: 'Starting session', status: 'waiting' },
        ],
        message:
          'The session is waiting for these steps: initialization, downloading server image, cloning and configuring the repository, authentication and proxying services, starting session.',
        readyNumContainers: 0,
        state: 'starting',
        totalNumContainers: 5,
        warnings: [],
      },
      url: `https://renku.example.org/sessions/${name}`,
    });
  });
});

describe('the image of a commit that the local platform builds', () => {
  const shown = (status: string, message: string, state: 'starting' | 'running') =>
    present({
      state,
      mainPod: { status: { conditions: [{ type: imageCondition, status, reason: 'x', message }] } },
    }).status;

  it('is in the message during the build, without a warning', () => {
    const { message, warnings } = shown('False', 'Downloading numpy (18.4MiB)', 'starting');
    expect(message).toMatch(/^Installing packages: Downloading numpy \(18\.4MiB\)\. The session is waiting for/);
    expect(warnings).toEqual([]);
  });

  it('causes a warning if the image lacks something, while the session starts and runs', () => {
    for (const state of ['starting', 'running'] as const) {
      const { message, warnings } = shown('True', 'numpy has no wheel.', state);
      expect(warnings).toEqual([{ message: 'numpy has no wheel.', critical: false }]);
      expect(message ?? '').not.toContain('Installing');
    }
  });
});

describe('the state', () => {
  it.each([
    [{ status: {} }, 'starting'],
    [{ status: { state: null } }, 'starting'],
    [{ status: { state: 'dancing' } }, 'starting'],
    [{ status: { state: 'running' } }, 'running'],
    [{ status: { state: 'running' }, metadata: { deletionTimestamp: '2023-09-11T10:00:05Z' } }, 'stopping'],
    [{ status: { state: 'stopping' }, spec: { jupyterServer: { hibernated: true } } }, 'hibernated'],
    [
      {
        status: { state: 'hibernated' },
        spec: { jupyterServer: { hibernated: true } },
        metadata: { deletionTimestamp: '2023-09-11T10:00:05Z' },
      },
      'stopping',
    ],
  ])('of %j is %s', ({ status, ...change }, state) => {
    expect(present(status as JupyterServerStatus, change as Partial<JupyterServer>).status.state).toBe(state);
  });

  it('has a message only if it is starting, failed or hibernated', () => {
    for (const state of ['running', 'stopping'] as const) {
      expect(present({ state }).status).not.toHaveProperty('message');
    }
  });

  it('has a message that says how a hibernated session is resumed', () => {
    const messageWith = (enabled: boolean) =>
      present({ state: 'hibernated' }, { spec: { jupyterServer: { hibernated: true }, storage: { pvc: { enabled } } } })
        .status.message;
    expect(messageWith(true)).toBe('The session is hibernated, and its files are kept. To resume it, launch it again.');
    expect(messageWith(false)).toContain('without its former files');
    const saved = JSON.stringify({ location: 'remote', branch: 'renku/autosave/a', isVerified: true });
    const annotations = { ...launched.metadata.annotations, 'notebook-sessions.io/saved-work': saved };
    const change = {
      spec: { jupyterServer: { hibernated: true }, storage: { pvc: { enabled: false } } },
      metadata: { ...launched.metadata, annotations },
    };
    expect(present({ state: 'hibernated' }, change).status.message).toContain('with the work that was saved');
  });

  it.each([undefined, null, 'null', '{', '{"branch":null,"commit":null,"dirty":null,"synchronized":null}'])(
    'is that of a hibernated session also if the record of its hibernation is %j',
    (record) => {
      const keys = ['', 'Branch', 'CommitSha', 'Dirty', 'Synchronized', 'Date'];
      const records = record === undefined ? [] : keys.map((key) => [`renku.io/hibernation${key}`, record]);
      const annotations = { ...launched.metadata.annotations, ...Object.fromEntries(records) };
      const spec = { jupyterServer: { hibernated: true }, culling: { hibernatedSecondsThreshold: 3_600 } };
      const shown = present({ state: 'hibernated' }, { spec, metadata: { ...launched.metadata, annotations } });
      expect(shown.status).toMatchObject({ state: 'hibernated', warnings: [] });
    },
  );
});

describe('steps', () => {
  it('are the operator’s steps, in order, without unknown containers', () => {
    const { status } = present({
      state: 'starting',
      containerStates: {
        regular: { 'jupyter-server': 'waiting', sidecar: 'failed', 'oauth2-proxy': 'executing' },
        init: { 'git-clone': 'executing', 'init-certificates': 'ready' },
      },
    });
    expect(status.details).toEqual([
      { step: 'Initialization', status: 'ready' },
      { step: 'Cloning and configuring the repository', status: 'executing' },
      { step: 'Authentication and proxying services', status: 'executing' },
      { step: 'Starting session', status: 'waiting' },
    ]);
    expect([status.readyNumContainers, status.totalNumContainers]).toEqual([1, 4]);
  });

  it('depend on the sign-in method until the operator has written steps', () => {
    const proxyOf = (isRegistered: boolean, name: string): string | undefined =>
      present(
        {},
        { metadata: { name }, spec: { ...launched.spec, auth: { oidc: { enabled: isRegistered } } } },
      ).status.details.at(-2)?.step;
    expect(proxyOf(true, 'anon-my-project')).toBe('Authentication and proxying services');
    expect(proxyOf(false, 'john-my-project')).toBe('Proxying services');
  });

  it('cause no message if all steps are ready', () => {
    expect(
      messageOf({
        state: 'starting',
        containerStates: { init: { 'git-clone': 'ready' }, regular: { 'jupyter-server': 'ready' } },
      }),
    ).toBeNull();
  });
});

describe('warnings', () => {
  const culled = (idleSecondsThreshold: number, maxAgeSecondsThreshold: number) => ({
    spec: { ...launched.spec, culling: { idleSecondsThreshold, maxAgeSecondsThreshold } },
  });

  it('contain the whole seconds until a session is stopped because of its age or because it is idle', () => {
    const { warnings } = present({ state: 'running', idleSeconds: '40.7' }, culled(100, 60), 10.4).status;
    expect(warnings).toEqual([
      {
        message: 'The session will be stopped in 59 seconds because it is not being used. Use it to keep it.',
        critical: true,
      },
      {
        message:
          'The session will be stopped in 49 seconds because it reaches its maximum age. Push your work before that.',
        critical: true,
      },
    ]);
  });

  it('count seconds from the last use, never negative, and are shown only before the end', () => {
    const annotations = { ...launched.metadata.annotations, 'renku.io/lastActivityDate': '2023-09-11T10:00:04+00:00' };
    const idle = present({ state: 'running' }, { ...culled(5, 0), metadata: { annotations } as never }, 100).status
      .warnings;
    expect(idle.map(({ message }) => message)).toEqual([expect.stringContaining('in 0 seconds')]);
    expect(present({ state: 'running' }, culled(0, 100_000)).status.warnings).toEqual([]);
  });

  it('count seconds from the time of hibernation for a hibernated session', () => {
    const annotations = { ...launched.metadata.annotations, 'renku.io/hibernationDate': '2023-09-11T10:00:00+00:00' };
    const spec = {
      ...launched.spec,
      jupyterServer: { ...launched.spec?.jupyterServer, hibernated: true },
      culling: { idleSecondsThreshold: 5, maxAgeSecondsThreshold: 5, hibernatedSecondsThreshold: 3_600 },
    };
    const shown = present({ state: 'hibernated' }, { spec, metadata: { annotations } as never }, 100).status.warnings;
    expect(shown).toEqual([
      { message: expect.stringContaining('hibernated session will be deleted in 3500 seconds'), critical: true },
    ]);
    expect(present({ state: 'hibernated' }, { spec }, 100).status.warnings).toEqual([]);
    const stopping = { spec, metadata: { annotations, deletionTimestamp: '2023-09-11T10:00:05Z' } as never };
    expect(present({ state: 'running' }, stopping, 100).status.warnings).toEqual([]);
  });

  it('are the notices of the operator if the operator announces the end of sessions', () => {
    const announced = (notice: object | undefined) => {
      const annotations = {
        ...launched.metadata.annotations,
        'renku.io/lastActivityDate': '2023-09-11T10:00:04+00:00',
        ...(notice ? { 'notebook-sessions.io/culling': JSON.stringify(notice) } : {}),
      };
      const metadata = { ...launched.metadata, annotations };
      return present({ state: 'running', conditions: [] }, { ...culled(5, 5), metadata }, 100).status.warnings;
    };
    expect(announced(undefined)).toEqual([]);
    expect(announced({ action: 'hibernate', reason: 'idle', at: '2023-09-11T10:03:00Z' })).toEqual([
      {
        message: expect.stringMatching(/^The session will be stopped in \d+ seconds because it is not being used/),
        critical: true,
      },
    ]);
    expect(announced({ action: 'none', reason: 'idle', at: '2023-09-11T10:00:09Z' })).toEqual([
      {
        message:
          'The session has not been used since 2023-09-11T10:00:04Z. It is not stopped, because its files would be lost. Stop it if you no longer need it.',
        critical: false,
      },
    ]);
    expect(announced({ action: 'none', reason: 'idle', at: '-271821-04-20T00:00:00Z' })).toMatchObject([
      { message: expect.stringMatching(/^The session is not used\. It is not stopped/) },
    ]);
    expect(announced({ action: 'delete', reason: 'idle', at: 'never' })).toEqual([]);
  });

  it.each([
    ['idle', true, 'Its files are kept. Use it to keep it.'],
    ['idle', false, 'Its work is saved in the repository before that. Use it to keep it.'],
    ['age', true, 'Its files are kept, and a launch resumes it.'],
    ['age', false, 'Its work is saved in the repository before that, and a launch resumes it.'],
  ])('say what is kept at the end: reason %s, with a volume %s', (reason, enabled, text) => {
    const notice = JSON.stringify({ action: 'hibernate', reason, at: '2023-09-11T10:03:00Z' });
    const annotations = { ...launched.metadata.annotations, 'notebook-sessions.io/culling': notice };
    const spec = { ...culled(5, 5).spec, storage: { pvc: { enabled } } };
    const running = { spec, metadata: { ...launched.metadata, annotations } };
    const { warnings } = present({ state: 'running', conditions: [] }, running, 100).status;
    expect(warnings).toEqual([{ message: expect.stringContaining(text), critical: true }]);
  });

  it.each([
    ['none', { missing: 'data/ cannot be saved.' }, 'because its work is not saved: data/ cannot be saved. Stop it if'],
    ['none', undefined, 'because its work is not saved. Stop it if'],
    ['delete', { isVerified: true, branch: 'renku/autosave/a' }, 'Its work is saved in the branch renku/autosave/a.'],
    ['delete', { isVerified: true }, /deleted in \d+ seconds\. To keep it/],
    ['delete', undefined, 'with all work that was not pushed.'],
  ])('of a hibernated session say what is saved: action %s, %j', (action, saved, text) => {
    const notice = { action, reason: 'hibernated', at: '2023-09-11T10:03:00Z' };
    const annotations = {
      ...launched.metadata.annotations,
      'notebook-sessions.io/culling': JSON.stringify(notice),
      ...(saved && {
        'notebook-sessions.io/saved-work': JSON.stringify({ location: 'remote', isVerified: false, ...saved }),
      }),
    };
    const spec = { ...culled(5, 5).spec, jupyterServer: { ...launched.spec?.jupyterServer, hibernated: true } };
    const hibernated = { spec, metadata: { ...launched.metadata, annotations } };
    const { warnings } = present({ state: 'hibernated', conditions: [] }, hibernated, 100).status;
    expect(warnings).toEqual([
      {
        message: typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text),
        critical: action === 'delete',
      },
    ]);
  });

  it('say that a session was out of memory and was restarted', () => {
    const jupyter = {
      name: 'jupyter-server',
      state: { running: {} },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    };
    const running = { ...inPod({ phase: 'Running', containerStatuses: [jupyter] }), state: 'running' as const };
    expect(present(running).status.warnings).toEqual([
      {
        message:
          'The session used more memory than it was given (1G) and was killed. Launch it again with more memory. What ran in it was lost.',
        critical: false,
      },
    ]);
  });

  it('say that the default image is used, unless the launch named it', () => {
    const image = testConfig().sessions.default_image;
    const spec = { ...launched.spec, jupyterServer: { ...launched.spec?.jupyterServer, image } };
    expect(present({}, { spec }).status.warnings).toEqual([
      { message: expect.stringContaining(image), critical: false },
    ]);
    expect(present({}, { spec }).annotations['renku.io/default_image_used']).toBe('True');
    const annotations = { ...launched.metadata.annotations, 'renku.io/requested-image': image };
    expect(present({}, { spec, metadata: { annotations } as never }).status.warnings).toEqual([]);
  });
});

describe('the address', () => {
  const address = (routing: object, auth: object): string =>
    present({}, { spec: { ...launched.spec, routing, auth } }).url;

  it.each([
    [{ host: 'h', path: '/sessions/s/', tls: { enabled: true } }, {}, 'https://h/sessions/s'],
    [{ host: 'localhost:8000', path: '/sessions/s' }, {}, 'http://localhost:8000/sessions/s'],
    [{ host: 'h', path: '/s', tls: { enabled: false } }, { token: 'a&b' }, 'http://h/s?token=a%26b'],
    [{ host: 'h', path: '/s' }, { token: 'half \ud800' }, 'http://h/s?token=half%20%EF%BF%BD'],
    [{}, {}, `https://renku.example.org/sessions/${name}`],
  ])('is built from the routing %j', (routing, auth, url) => {
    expect(address(routing, auth)).toBe(url);
  });
});

describe('resources', () => {
  it('are shown with their usage', () => {
    const spec = {
      ...launched.spec,
      jupyterServer: { resources: { requests: { cpu: '500m', memory: '2Gi', 'nvidia.com/gpu': '1' } } },
    };
    const usage = { cpuMillicores: 250, memoryBytes: 1.5e9, disk: { usedBytes: 5e6 } };
    expect(present({ mainPod: { resourceUsage: usage } }, { spec }).resources).toEqual({
      requests: { cpu: 0.5, memory: '2.15G', storage: '1G', gpu: 1 },
      usage: { cpu: 0.25, memory: '1.50G', storage: '0.01G' },
    });
  });
});

describe('a session in the cache', () => {
  it('is read although its patches are malformed', () => {
    const patches = [
      { patch: [null, 5, { path: { toString: 1 }, value: { name: 'git-clone' } }, { path: '/a/containers/-' }] },
    ];
    const { addedContainers, buckets } = fromJupyterServer({ ...launched, spec: { patches } });
    expect([addedContainers, buckets]).toEqual([[], []]);
  });

  it('is small: it has no patches and no unused annotations', () => {
    const heavy = {
      ...launched,
      metadata: {
        ...launched.metadata,
        managedFields: 'x'.repeat(10_000),
        annotations: {
          ...launched.metadata.annotations,
          'kopf.zalando.org/last-handled-configuration': 'x'.repeat(10_000),
        },
      },
      spec: {
        ...launched.spec,
        patches: [{ type: 'application/merge-patch+json' as const, patch: { a: 'x'.repeat(10_000) } }],
      },
    };
    expect(JSON.stringify(fromJupyterServer(heavy)).length).toBeLessThan(2_000);
  });
});

describe('the presenter', () => {
  it('returns the same response within a second, and a new response if the session has changed', () => {
    let now = created;
    const presenter = createPresenter(testConfig(), () => now);
    const session = fromJupyterServer(launched);
    const first = presenter(session);
    now += 900;
    expect(presenter(session)).toBe(first);
    expect(presenter({ ...session })).not.toBe(first);
    now += 100;
    expect(presenter(session)).not.toBe(first);
  });
});
