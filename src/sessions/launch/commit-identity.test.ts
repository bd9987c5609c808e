import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../../tests/support/sessions/backends.ts';
import { commitSha } from '../../../tests/support/sessions/fake-gitlab.ts';
import { john, type TestResponse } from '../../../tests/support/sessions/service.ts';
import type { DryRunResponse } from '../../generated/openapi.ts';
import { ownerKey } from '../../identity/owner.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { sessionName } from './name.ts';

/** The commit that GitLab resolves identifies a session, whatever name the launch uses for it. */

let backends: Backends;
let { cluster, gitlab, replica } = {} as Backends;
let call: (method: string, path: string, body?: object) => Promise<TestResponse>;

beforeEach(async () => {
  backends = await startBackends();
  ({ cluster, gitlab, replica } = backends);
  call = (await replica()).as(john(gitlab.url));
});
afterEach(() => backends.close());

const project = { namespace: 'my-group', project: 'my-project', branch: 'master' };
const { branch: _, ...onDefaultBranch } = project;
const later = '1'.repeat(40);

const launch = (commit_sha: string, more: object = {}) => call('POST', '/servers', { ...project, commit_sha, ...more });
const summaryOf = ({ status, body }: TestResponse): [number, string] => [status, body.name];
const servers = (): JupyterServer[] => cluster.objects('jupyterservers');

async function gitlabCallsOf(ask: () => Promise<unknown>): Promise<string[]> {
  const before = gitlab.paths.length;
  await ask();
  return gitlab.paths.slice(before).map((path) => path.replace('/api/v4/projects/my-group/my-project', ''));
}

describe('a commit', () => {
  it('has one session, whichever name a launch uses', async () => {
    const first = await launch('v1.0');
    expect(first.status).toBe(201);
    // The id of an annotated tag is not the id of its commit; GitLab resolves it to the commit.
    gitlab.refs.set('b'.repeat(40), commitSha);
    for (const name of [commitSha, commitSha.toUpperCase(), commitSha.slice(0, 8), 'v1.0', 'b'.repeat(40)]) {
      expect(summaryOf(await launch(name)), name).toEqual([200, first.body.name]);
    }
    expect(servers()).toHaveLength(1);
  });

  it('has one session when two replicas launch it by two names at the same time', async () => {
    const other = (await replica()).as(john(gitlab.url));
    const responses = await Promise.all([
      ...Array.from({ length: 5 }, () => launch('v1.0')),
      ...Array.from({ length: 5 }, () => other('POST', '/servers', { ...project, commit_sha: commitSha })),
    ]);
    expect(responses.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(responses.map(({ body }) => body.name)).size).toBe(1);
    expect(servers()).toHaveLength(1);
  });

  it('is found without a call by its full id, and with one call by another name', async () => {
    await launch(commitSha);
    expect(await gitlabCallsOf(() => launch(commitSha))).toEqual([]);
    expect(await gitlabCallsOf(() => launch('v1.0'))).toEqual(['/repository/commits/v1.0']);
    expect(await gitlabCallsOf(() => launch(commitSha, { branch: undefined }))).toEqual(['']);
  });
});

describe('a name that now belongs to another commit', () => {
  it('launches the new commit, and the old session keeps its commit', async () => {
    gitlab.refs.set('main', commitSha);
    const before = await launch('main');
    gitlab.refs.set('main', later);
    const after = await launch('main');
    expect([before.status, after.status]).toEqual([201, 201]);
    expect(after.body.name).not.toBe(before.body.name);
    expect(after.body.annotations['renku.io/commit-sha']).toBe(later);
    expect(summaryOf(await launch(commitSha))).toEqual([200, before.body.name]);

    const byName = await call('GET', '/servers?commit_sha=main');
    expect(Object.keys(byName.body.servers).sort()).toEqual([before.body.name, after.body.name].sort());
    const byId = await call('GET', `/servers?commit_sha=${later}`);
    expect(Object.keys(byId.body.servers)).toEqual([after.body.name]);
  });

  it('is also resolved for a dry run', async () => {
    gitlab.refs.set('main', commitSha);
    const { body } = await launch('main');
    const dryRun = async () =>
      (await call('POST', '/servers?dry_run=true', { ...project, commit_sha: 'main' }))
        .body as unknown as DryRunResponse;
    expect(await dryRun()).toMatchObject({ exists: true, server: { name: body.name } });
    gitlab.refs.set('main', later);
    const { exists, preview } = await dryRun();
    expect([exists, preview?.commit_sha, preview?.name]).toEqual([false, later, (await launch('main')).body.name]);
  });
});

describe('while GitLab does not respond', () => {
  it.each([503, 'silence'] as const)(
    '(%s) the response is the existing session that was launched by the same name',
    async (fault) => {
      gitlab.refs.set('main', commitSha);
      await launch('main');
      gitlab.refs.set('main', later);
      const newest = await launch('main');
      call = (await replica({ deadlineMs: 2_000 })).as(john(gitlab.url));
      gitlab.fault = () => fault;
      // Creation times have whole seconds, so these two may be equal.
      const found = await launch('main');
      expect(found.status).toBe(200);
      expect(found.body.annotations['notebook-sessions.io/requested-ref']).toBe('main');
      expect(summaryOf(await launch(later))).toEqual([200, newest.body.name]);
      const unknown = await launch('v1.0');
      expect([unknown.status, [3000, 3004].includes(unknown.body.error.code)]).toEqual([500, true]);
      expect(servers()).toHaveLength(2);
    },
  );

  it('the response is the newest of several sessions of the same name', async () => {
    gitlab.refs.set('main', commitSha);
    await launch('main');
    gitlab.refs.set('main', later);
    const { body } = await launch('main');
    const made = servers().find(({ metadata }) => metadata.name === body.name) as JupyterServer;
    const creationTimestamp = new Date(Date.now() + 60_000).toISOString();
    cluster.put({ ...made, metadata: { ...made.metadata, creationTimestamp } });
    await expect
      .poll(async () => (await call('GET', `/servers/${body.name}`)).body.started)
      .toMatch(creationTimestamp.slice(0, 19));
    gitlab.fault = () => 503;
    expect(summaryOf(await launch('main'))).toEqual([200, body.name]);
  });

  it('a launch without a branch finds only the session on the default branch', async () => {
    const elsewhere = await launch('v1.0', { branch: 'feature/x' });
    const first = await call('POST', '/servers', { ...onDefaultBranch, commit_sha: 'v1.0' });
    expect([elsewhere.status, first.status]).toEqual([201, 201]);
    gitlab.fault = () => 503;
    expect(summaryOf(await call('POST', '/servers', { ...onDefaultBranch, commit_sha: 'v1.0' }))).toEqual([
      200,
      first.body.name,
    ]);
    await call('DELETE', `/servers/${first.body.name}`);
    const refused = await call('POST', '/servers', { ...onDefaultBranch, commit_sha: 'v1.0' });
    expect([refused.status, refused.body.error.code]).toEqual([500, 3000]);
  });
});

describe('a launch without a branch', () => {
  it('uses the default branch, and is the same session as a launch that names this branch', async () => {
    gitlab.defaultBranch = 'feature/x';
    const { status, body } = await call('POST', '/servers', { ...onDefaultBranch, commit_sha: commitSha });
    expect([status, body.annotations['renku.io/branch']]).toEqual([201, 'feature/x']);
    expect(summaryOf(await launch(commitSha, { branch: 'feature/x' }))).toEqual([200, body.name]);
  });

  it.each([{}, { branch: 'master' }])('of an empty repository is rejected with this reason: %j', async (branch) => {
    gitlab.isEmpty = true;
    // GitLab names the branch that the first push would create.
    gitlab.defaultBranch = 'main';
    const refused = await call('POST', '/servers', { ...onDefaultBranch, commit_sha: 'main', ...branch });
    expect([refused.status, refused.body.error.code]).toEqual([404, 1404]);
    expect(refused.body.error.message).toBe(
      'Cannot launch the session: the repository of the project "My-Group/My-Project" is empty.',
    );
    expect(refused.body.error.detail).toContain('Push a first commit');
    expect(refused.body.error.fields).toEqual([{ path: 'body.project', message: 'its repository is empty' }]);
  });

  it('is rejected with a request to name a branch if GitLab shows no default branch', async () => {
    gitlab.defaultBranch = null;
    const refused = await call('POST', '/servers', { ...onDefaultBranch, commit_sha: commitSha });
    expect(refused.body.error).toMatchObject({
      code: 1404,
      message: 'Cannot launch the session: the default branch of the project does not exist.',
      fields: [{ path: 'body.branch', message: 'GitLab shows you no default branch; name a branch' }],
    });
  });
});

describe('a commit of a SHA-256 repository', () => {
  const id = 'abcdef01'.repeat(8);

  it('is launched, found without a call and usable as a filter, but not stored in a label, which is too short', async () => {
    gitlab.refs.set(id, id);
    const dryRun = (await call('POST', '/servers?dry_run=true', { ...project, commit_sha: id })).body;
    expect(dryRun).toMatchObject({ possible: true, preview: { commit_sha: id } });
    const first = await launch(id);
    expect(first.status).toBe(201);
    expect(first.body.annotations['renku.io/commit-sha']).toBe(id);
    expect(servers()[0]?.metadata.labels).not.toHaveProperty('renku.io/commit-sha');
    expect(
      await gitlabCallsOf(async () => expect(summaryOf(await launch(id))).toEqual([200, first.body.name])),
    ).toEqual([]);
    expect(Object.keys((await call('GET', `/servers?commit_sha=${id}`)).body.servers)).toEqual([first.body.name]);
  });
});

describe('a session of the previous release, whose name contains the requested name of the commit,', () => {
  /** As the previous release created it for the tag v1.0. */
  async function former(): Promise<JupyterServer> {
    const { body } = await launch('v1.0');
    const made = servers()[0] as JupyterServer;
    cluster.finish(body.name);
    await expect.poll(async () => (await call('GET', '/servers')).body.servers).toEqual({});
    const owner = ownerKey(john(gitlab.url));
    const parts = { user: 'john.doe', owner, projectPath: 'my-group/my-project', branch: 'master', commit: 'v1.0' };
    const name = sessionName(parts);
    const {
      'notebook-sessions.io/requested-ref': _ref,
      'notebook-sessions.io/default-branch': _branch,
      'notebook-sessions.io/launch-options': _options,
      ...about
    } = made.metadata.annotations ?? {};
    const annotations = { ...about, 'renku.io/commit-sha': 'v1.0' };
    return { ...made, metadata: { ...made.metadata, name, uid: 'uid-of-former', annotations } };
  }

  it('is the session of its commit by any name, and is shown like a new session', async () => {
    const { metadata } = cluster.put(await former());
    await expect.poll(async () => Object.keys((await call('GET', '/servers')).body.servers)).toEqual([metadata.name]);
    for (const name of ['v1.0', commitSha]) expect(summaryOf(await launch(name))).toEqual([200, metadata.name]);
    const { annotations } = (await call('GET', `/servers/${metadata.name}`)).body;
    expect(annotations).toMatchObject({
      'renku.io/commit-sha': commitSha,
      'notebook-sessions.io/requested-ref': 'v1.0',
    });
    for (const name of ['v1.0', commitSha]) {
      expect(Object.keys((await call('GET', `/servers?commit_sha=${name}`)).body.servers)).toEqual([metadata.name]);
    }
    gitlab.refs.set('v1.0', later);
    const moved = await launch('v1.0');
    expect([moved.status, moved.body.annotations['renku.io/commit-sha']]).toEqual([201, later]);
  });

  it('is found by that name when another replica has just created it', async () => {
    const object = await former();
    cluster.isMute = true;
    const { metadata } = cluster.put(object);
    expect(summaryOf(await launch('v1.0'))).toEqual([200, metadata.name]);
    expect(servers()).toHaveLength(1);
  });

  it('is the response while GitLab does not respond, also for a launch without a branch, which meant master', async () => {
    const { metadata } = cluster.put(await former());
    await expect.poll(async () => Object.keys((await call('GET', '/servers')).body.servers)).toHaveLength(1);
    gitlab.fault = () => 503;
    expect(summaryOf(await launch('v1.0'))).toEqual([200, metadata.name]);
    expect(summaryOf(await launch('v1.0', { branch: undefined }))).toEqual([200, metadata.name]);
  });
});
