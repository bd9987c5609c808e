import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../../tests/support/sessions/backends.ts';
import { testConfig } from '../../../tests/support/sessions/config.ts';
import { examples } from '../../../tests/support/sessions/manifests.ts';
import { bareSession, originalName, originalSession } from '../../../tests/support/sessions/originals.ts';
import { created, launched } from '../../../tests/support/sessions/presented.ts';
import { john } from '../../../tests/support/sessions/service.ts';
import { fromJupyterServer } from '../../jupyter-server/session.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { buildJupyterServer } from '../manifest/build.ts';
import { presentSession } from './present.ts';

const offering = {
  ...testConfig(),
  cloud_storage: { ...testConfig().cloud_storage, s3: { enabled: true, read_only: true } },
};

const shown = (server: JupyterServer) => presentSession(fromJupyterServer(server), offering, created + 10_000);

describe('a session of renku-notebooks 1.18.1', () => {
  it('is shown as renku-notebooks 1.18.1 shows it', () => {
    const { status, ...rest } = shown(originalSession);
    expect(rest).toEqual({
      annotations: {
        'renku.io/branch': 'feature/x',
        'renku.io/commit-sha': '0123456789abcdef',
        'renku.io/default_image_used': 'False',
        'renku.io/git-host': 'gitlab.example.org',
        'renku.io/gitlabProjectId': '42',
        'renku.io/namespace': 'my-group',
        'renku.io/projectName': 'my-project',
        'renku.io/repository': 'https://gitlab.example.org/My-Group/My-Project',
        'renku.io/servername': originalName,
        'renku.io/username': 'john.doe',
      },
      image: 'registry.example.org/my-group/my-project:0123456',
      launch: { default_url: '/lab' },
      name: originalName,
      resources: { requests: { cpu: 0.1, memory: '1G', storage: '1G' }, usage: {} },
      started: '2023-09-11T10:00:00+00:00',
      state: { pod_name: null },
      url: `https://renku.example.org/sessions/${originalName}`,
      cloudstorage: [
        { endpoint: 'https://s3.example.org', bucket: 'open-data' },
        { endpoint: 'https://account1.blob.core.windows.net', bucket: 'container' },
      ],
    });
    expect(status).toMatchObject({ state: 'starting', readyNumContainers: 0, totalNumContainers: 7, warnings: [] });
    expect(status.details).toEqual(
      [
        'Initialization',
        'Downloading server image',
        'Cloning and configuring the repository',
        'Git credentials services',
        'Authentication and proxying services',
        'Auxiliary session services',
        'Starting session',
      ].map((step) => ({ step, status: 'waiting' })),
    );
  });

  it('belongs to the user with its user id, and the cache contains none of its secrets', () => {
    const session = fromJupyterServer(originalSession);
    expect(session.owner).toBe('original/registered/uuid-john');
    expect(JSON.stringify(session)).not.toContain('in-the-clear');
  });
});

describe('a session of Amalthea', () => {
  it('is shown with the values that its object has, and has no owner', () => {
    expect(fromJupyterServer(bareSession).owner).toBeUndefined();
    expect(shown(bareSession)).toMatchObject({
      annotations: { 'renku.io/branch': '', 'renku.io/projectName': '' },
      resources: { requests: {}, usage: { cpu: 0.0125, memory: '0.10G' } },
      state: { pod_name: 'bare-0' },
      status: {
        state: 'running',
        details: [
          { step: 'Proxying services', status: 'ready' },
          { step: 'Starting session', status: 'ready' },
        ],
        warnings: [
          { message: expect.stringContaining('more memory than it was given and was killed'), critical: false },
        ],
      },
      url: 'http://renku.example.org/sessions/bare',
    });
  });
});

/** Returns the path of every member of a value, at any depth. */
function places(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...places(inner, [...path, key])]);
}

function changed(server: JupyterServer, path: readonly string[], value: unknown): void {
  const [last = '', ...reversed] = path.toReversed();
  const parent = reversed.reduceRight<unknown>((at, key) => (at as Record<string, unknown> | null)?.[key], server);
  if (typeof parent !== 'object' || parent === null) return;
  if (value === undefined) delete (parent as Record<string, unknown>)[last];
  else (parent as Record<string, unknown>)[last] = value;
}

const examplesInCluster: JupyterServer[] = Object.values(examples).map(({ input, config }) => {
  const made = buildJupyterServer(input, config);
  return {
    ...made,
    metadata: { ...made.metadata, namespace: 'renku', uid: 'uid', creationTimestamp: '2023-09-11T10:00:00Z' },
  };
});

/** Values that other clients might write: no value, values of other types, and invalid values of the expected type. */
const strange = fc.oneof(
  fc.constantFrom<unknown[]>(undefined, null, '', 0, -1, 1e308, Number.MAX_SAFE_INTEGER, true, [], {}, [null], {
    '': null,
  }),
  fc.constantFrom<unknown[]>('1GiB', '-5', '1e400', '9999999-01-01T00:00:00Z', '\u0000', '\ud800', 'x'.repeat(10_000)),
  fc.jsonValue(),
);

/** Any of the sessions above with up to five changed members, except name, namespace and uid, which the API server validates. */
const mutated = fc
  .oneof(
    ...[originalSession, bareSession, launched, ...examplesInCluster].map((server) =>
      fc.tuple(
        fc.constant(server),
        fc.array(fc.tuple(fc.constantFrom(...places(server)), strange), { minLength: 1, maxLength: 5 }),
      ),
    ),
  )
  .map(([server, changes]) => {
    const copy = structuredClone(server);
    for (const [path, value] of changes) changed(copy, path, structuredClone(value));
    const { name = '', namespace = '', uid = '' } = server.metadata;
    const metadata = typeof copy.metadata === 'object' && !Array.isArray(copy.metadata) ? copy.metadata : {};
    // Converted to JSON and back, because objects from the API server are JSON: arrays have no empty slots.
    return JSON.parse(JSON.stringify({ ...copy, metadata: { ...metadata, name, namespace, uid } })) as JupyterServer;
  });

describe('an object of any content', () => {
  it('is read and presented without an error', () => {
    fc.assert(
      fc.property(mutated, (server) => {
        const { owner } = fromJupyterServer(server);
        expect(owner === undefined || (typeof owner === 'string' && owner !== '')).toBe(true);
        const { status, started } = shown(server);
        expect(started).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
        expect(status.readyNumContainers).toBeLessThanOrEqual(status.totalNumContainers);
        expect('message' in status).toBe(status.state === 'starting' || status.state === 'failed');
        for (const { message } of status.warnings) expect(message).not.toMatch(/NaN|undefined|null|\d\.\d+ seconds/);
      }),
      { numRuns: 1_000 },
    );
  });

  let backends: Backends;
  beforeEach(async () => {
    backends = await startBackends();
  });
  afterEach(() => backends.close());

  it('causes no error in the list of sessions, and every response matches the API document', async () => {
    const { cluster, gitlab, replica } = backends;
    const call = (await replica({ withoutCache: true, config: { cloud_storage: offering.cloud_storage } })).as(
      john(gitlab.url),
    );
    cluster.put(originalSession);
    // Most of them do not belong to the user any more, so they are not in the list.
    const sets = fc.sample(fc.array(mutated, { minLength: 30, maxLength: 30 }), 30).flat();
    for (const [index, server] of sets.entries()) {
      const labels = { 'renku.io/userId': 'uuid-john', 'renku.io/safe-username': 'john-2edoe' };
      const about = { name: `odd-${index}`, namespace: 'renku', uid: `uid-${index}`, labels };
      cluster.put({ ...server, metadata: { ...server.metadata, ...about } });
    }
    const { status, body } = await call('GET', '/servers');
    expect([status, JSON.stringify(body).slice(0, 500)]).toEqual([200, expect.stringContaining('{')]);
    expect(Object.keys(body.servers)).toContain(originalName);
    expect(Object.keys(body.servers).length).toBeGreaterThan(20);
    for (const name of Object.keys(body.servers)) expect((await call('GET', `/servers/${name}`)).status).toBe(200);
  });
});
