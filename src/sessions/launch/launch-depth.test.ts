import { createHash } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../../tests/support/sessions/backends.ts';
import { type FakeClasses, startFakeClasses } from '../../../tests/support/sessions/fake-classes.ts';
import { commitSha } from '../../../tests/support/sessions/fake-gitlab.ts';
import { kubeconfigOf } from '../../../tests/support/sessions/kubeconfig.ts';
import { depthOf, type Recorded, type Recorder, startRecorder } from '../../../tests/support/sessions/recorder.ts';
import { john, startService, type TestService } from '../../../tests/support/sessions/service.ts';

/** Milliseconds that every server takes for a response. */
const delayMs = 20;

const config = JSON.stringify({ architecture: 'amd64', os: 'linux', config: { WorkingDir: '/home/user' } });
const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`;
const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType,
  config: { mediaType: 'application/vnd.docker.container.image.v1+json', size: config.length, digest },
  layers: [],
});

/** A registry as GitLab has it: it requires a token for everything, and issues one to every caller if `isPublic`. */
async function startTokenRegistry(): Promise<{ server: Server; url: string }> {
  const server = createServer((req, res) => respond(req.url ?? '', req.headers.authorization, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

let realm = '';
let isPublic = true;
function respond(path: string, authorization: string | undefined, res: ServerResponse): void {
  if (path.startsWith('/jwt/auth')) {
    if (isPublic || authorization?.startsWith('Basic ')) return void res.end(JSON.stringify({ token: 'pull' }));
    return void res.writeHead(403, { 'content-type': 'application/json' }).end('{"errors":[{"code":"DENIED"}]}');
  }
  if (authorization !== 'Bearer pull') {
    return void res.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}/jwt/auth",service="registry"` }).end();
  }
  if (path.includes('/blobs/')) res.end(config);
  else res.writeHead(200, { 'content-type': mediaType }).end(manifest);
}

let backends: Backends;
let classes: FakeClasses;
let registry: { server: Server; url: string };
let recorders: Recorder[];
let records: Recorded[];
let service: TestService;
let gitlabUrl: string;

beforeEach(async () => {
  records = [];
  isPublic = true;
  [backends, classes, registry] = await Promise.all([startBackends(), startFakeClasses(), startTokenRegistry()]);
  const { cluster, gitlab } = backends;
  const { clusters } = JSON.parse(cluster.kubeconfig) as { clusters: [{ cluster: { server: string } }] };
  const [forCluster, forGitLab, forRegistry, forClasses] = await Promise.all([
    startRecorder('kubernetes', clusters[0].cluster.server, delayMs, records),
    startRecorder('gitlab', gitlab.url, delayMs, records),
    startRecorder('registry', registry.url, delayMs, records),
    startRecorder('classes', new URL(classes.url).origin, delayMs, records),
  ]);
  recorders = [forCluster, forGitLab, forRegistry, forClasses];
  realm = forRegistry.url;
  gitlabUrl = forGitLab.url;
  service = await startService(
    { cluster: { kubeconfig: kubeconfigOf(forCluster.url, 'token') }, gitlab, registry: backends.registry },
    {
      config: {
        git: { url: forGitLab.url, registry: new URL(forRegistry.url).host },
        crc_url: `${forClasses.url}/api/data`,
      },
    },
  );
});
afterEach(async () => {
  await service.close();
  await Promise.all([...recorders.map((recorder) => recorder.close()), backends.close(), classes.close()]);
  registry.server.closeAllConnections();
  registry.server.close();
});

const project = { namespace: 'my-group', project: 'my-project', branch: 'master', commit_sha: commitSha };
const isCreation = ({ what }: Recorded): boolean => /^kubernetes POST .*jupyterservers/.test(what);

/** Launches a session. Returns the calls before the create request, and those from it on. */
async function launch(body: object): Promise<{ before: Recorded[]; after: Recorded[] }> {
  records.length = 0;
  const { status } = await service.as(john(gitlabUrl))('POST', '/servers', { ...project, ...body });
  expect(status).toBe(201);
  const creation = records.findIndex(isCreation);
  expect(creation).toBeGreaterThan(0);
  return { before: records.slice(0, creation), after: records.slice(creation) };
}

describe('the calls of a launch', () => {
  it('are at most four deep before the session is created, with a registry that requires a token', async () => {
    const { before, after } = await launch({});
    expect(depthOf(before)).toBeLessThanOrEqual(4);
    // Project, branch, commit; classes; the session; manifest, token, manifest, configuration.
    expect(before).toHaveLength(9);
    expect(after.map(({ what }) => what.split('/').at(-1))).toEqual(['jupyterservers', 'secrets']);
  });

  it.each([
    ['a private image', false, {}],
    ['a commit that is named by a tag', true, { commit_sha: 'v1.0' }],
  ])(
    'are at most four deep for %s, once the authentication of the registry is known',
    async (_what, publicly, body) => {
      await launch({ branch: 'feature/x', image: `${new URL(realm).host}/another/image:1` });
      isPublic = publicly;
      const { before } = await launch(body);
      expect(before.map(({ what }) => what).join('\n')).toContain('/blobs/');
      expect(depthOf(before)).toBeLessThanOrEqual(4);
    },
  );

  it('are one deep when the known facts are enough to reject the session', async () => {
    records.length = 0;
    const { status } = await service.as(john(gitlabUrl))('POST', '/servers', {
      ...project,
      branch: 'mian',
      image: 'no image',
    });
    expect(status).toBe(422);
    expect(depthOf(records)).toBe(1);
  });

  it('are none for an existing session', async () => {
    await launch({});
    records.length = 0;
    expect((await service.as(john(gitlabUrl))('POST', '/servers', project)).status).toBe(200);
    expect(records).toEqual([]);
  });
});

describe('the measured depth', () => {
  it('counts calls that waited for another call, not parallel calls', () => {
    const call = (from: number, to: number): Recorded => ({ what: '', from, to });
    expect(depthOf([])).toBe(0);
    expect(depthOf([call(0, 20), call(1, 20), call(2, 25)])).toBe(1);
    expect(depthOf([call(0, 20), call(20, 40), call(0, 90), call(41, 60)])).toBe(3);
  });
});
