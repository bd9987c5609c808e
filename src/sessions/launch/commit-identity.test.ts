import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../../tests/support/sessions/backends.ts';
import { commitSha } from '../../../tests/support/sessions/fake-gitlab.ts';
import { john, type TestResponse } from '../../../tests/support/sessions/service.ts';
import type { DryRunResponse } from '../../generated/openapi.ts';
import { ownerKey } from '../../identity/owner.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { sessionName } from './name.ts';

/** What a session is identified by: the commit that GitLab resolves, whatever the launch called it. */

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
const told = ({ status, body }: TestResponse): [number, string] => [status, body.name];
const servers = (): JupyterServer[] => cluster.objects('jupyterservers');

async function gitlabCallsOf(ask: () => Promise<unknown>): Promise<string[]> {
  const before = gitlab.paths.length;
  await ask();
  return gitlab.paths.slice(before).map((path) => path.replace('/api/v4/projects/my-group/my-project', ''));
}

describe('one commit', () => {
  it('by any of its names is one session', async () => {
    const first = await launch('v1.0');
    expect(first.status).toBe(201);
    // The id of an annotated tag is no commit's, and GitLab tells which commit the tag is at.
    gitlab.refs.set('b'.repeat(40), commitSha);
    for (const name of [commitSha, commitSha.toUpperCase(), commitSha.slice(0, 8), 'v1.0', 'b'.repeat(40)]) {
      expect(told(await launch(name)), name).toEqual([200, first.body.name]);
    }
    expect(servers()).toHaveLength(1);
  });

  it('is one session when two replicas are asked for it by two names at once', async () => {
    const other = (await replica()).as(john(gitlab.url));
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => launch('v1.0')),
      ...Array.from({ length: 5 }, () => other('POST', '/servers', { ...project, commit_sha: commitSha })),
    ]);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => body.name)).size).toBe(1);
    expect(servers()).toHaveLength(1);
  });

  it('is looked up without a call by its full id, and by another name with one', async () => {
    await launch(commitSha);
    expect(await gitlabCallsOf(() => launch(commitSha))).toEqual([]);
    expect(await gitlabCallsOf(() => launch('v1.0'))).toEqual(['/repository/commits/v1.0']);
    expect(await gitlabCallsOf(() => launch(commitSha, { branch: undefined }))).toEqual(['']);
  });
});

describe('a name that has moved to another commit', () => {
  it('means the new commit, and the old session keeps its own', async () => {
    gitlab.refs.set('main', commitSha);
    const before = await launch('main');
    gitlab.refs.set('main', later);
    const after = await launch('main');
    expect([before.status, after.status]).toEqual([201, 201]);
    expect(after.body.name).not.toBe(before.body.name);
    expect(after.body.annotations['renku.io/commit-sha']).toBe(later);
    expect(told(await launch(commitSha))).toEqual([200, before.body.name]);

    const byName = await call('GET', '/servers?commit_sha=main');
    expect(Object.keys(byName.body.servers).sort()).toEqual([before.body.name, after.body.name].sort());
    const byId = await call('GET', `/servers?commit_sha=${later}`);
    expect(Object.keys(byId.body.servers)).toEqual([after.body.name]);
  });

  it('is resolved for a dry run, too', async () => {
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

describe('while GitLab does not answer', () => {
  it.each([503, 'silence'] as const)(
    '(%s) the living session that was launched by the name is the answer',
    async (answer) => {
      gitlab.refs.set('main', commitSha);
      await launch('main');
      gitlab.refs.set('main', later);
      const newest = await launch('main');
      call = (await replica({ deadlineMs: 2_000 })).as(john(gitlab.url));
      gitlab.fault = () => answer;
      // Objects say in whole seconds when they were made, so these two may be equally old.
      const found = await launch('main');
      expect(found.status).toBe(200);
      expect(found.body.annotations['notebook-sessions.io/requested-ref']).toBe('main');
      expect(told(await launch(later))).toEqual([200, newest.body.name]);
      const unknown = await launch('v1.0');
      expect([unknown.status, [3000, 3004].includes(unknown.body.error.code)]).toEqual([500, true]);
      expect(servers()).toHaveLength(2);
    },
  );

  it('and there are several of the name, the newest is the answer', async () => {
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
    expect(told(await launch('main'))).toEqual([200, body.name]);
  });

  it('a launch that names no branch finds the session on the default branch, and no other', async () => {
    const elsewhere = await launch('v1.0', { branch: 'feature/x' });
    const first = await call('POST', '/servers', { ...onDefaultBranch, commit_sha: 'v1.0' });
    expect([elsewhere.status, first.status]).toEqual([201, 201]);
    gitlab.fault = () => 503;
    expect(told(await call('POST', '/servers', { ...onDefaultBranch, commit_sha: 'v1.0' }))).toEqual([
      200,
      first.body.name,
    ]);
    await call('DELETE', `/servers/${first.body.name}`);
    const refused = await call('POST', '/servers', { ...onDefaultBranch, commit_sha: 'v1.0' });
    expect([refused.status, refused.body.error.code]).toEqual([500, 3000]);
  });
});

describe('a launch that names no branch', () => {
  it('is on the default branch of the project, and the same session as one that names it', async () => {
    gitlab.defaultBranch = 'feature/x';
    const { status, body } = await call('POST', '/servers', { ...onDefaultBranch, commit_sha: commitSha });
    expect([status, body.annotations['renku.io/branch']]).toEqual([201, 'feature/x']);
    expect(told(await launch(commitSha, { branch: 'feature/x' }))).toEqual([200, body.name]);
  });

  it.each([{}, { branch: 'master' }])('of an empty repository is refused as that: %j', async (branch) => {
    gitlab.isEmpty = true;
    // GitLab names the branch that the first push would make.
    gitlab.defaultBranch = 'main';
    const refused = await call('POST', '/servers', { ...onDefaultBranch, commit_sha: 'main', ...branch });
    expect([refused.status, refused.body.error.code]).toEqual([404, 1404]);
    expect(refused.body.error.message).toBe(
      'Cannot launch the session: the repository of the project "My-Group/My-Project" is empty.',
    );
    expect(refused.body.error.detail).toContain('Push a first commit');
    expect(refused.body.error.fields).toEqual([{ path: 'body.project', message: 'its repository is empty' }]);
  });

  it('where GitLab tells the caller no default branch is asked to name one', async () => {
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

  it('is launched, found again without a call, filtered by, and in no label, which cannot hold it', async () => {
    gitlab.refs.set(id, id);
    const dryRun = (await call('POST', '/servers?dry_run=true', { ...project, commit_sha: id })).body;
    expect(dryRun).toMatchObject({ possible: true, preview: { commit_sha: id } });
    const first = await launch(id);
    expect(first.status).toBe(201);
    expect(first.body.annotations['renku.io/commit-sha']).toBe(id);
    expect(servers()[0]?.metadata.labels).not.toHaveProperty('renku.io/commit-sha');
    expect(await gitlabCallsOf(async () => expect(told(await launch(id))).toEqual([200, first.body.name]))).toEqual([]);
    expect(Object.keys((await call('GET', `/servers?commit_sha=${id}`)).body.servers)).toEqual([first.body.name]);
  });
});

describe('a session of the release before, named by what its launch asked for,', () => {
  /** As that release made it, of the tag v1.0. */
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

  it('is the session of its commit, by any name, and is told as those of today', async () => {
    const { metadata } = cluster.put(await former());
    await expect.poll(async () => Object.keys((await call('GET', '/servers')).body.servers)).toEqual([metadata.name]);
    for (const name of ['v1.0', commitSha]) expect(told(await launch(name))).toEqual([200, metadata.name]);
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

  it('is found by that name also when another replica has just made it', async () => {
    const object = await former();
    cluster.isMute = true;
    const { metadata } = cluster.put(object);
    expect(told(await launch('v1.0'))).toEqual([200, metadata.name]);
    expect(servers()).toHaveLength(1);
  });

  it('is the answer while GitLab does not answer, also for a launch without a branch, which meant master', async () => {
    const { metadata } = cluster.put(await former());
    await expect.poll(async () => Object.keys((await call('GET', '/servers')).body.servers)).toHaveLength(1);
    gitlab.fault = () => 503;
    expect(told(await launch('v1.0'))).toEqual([200, metadata.name]);
    expect(told(await launch('v1.0', { branch: undefined }))).toEqual([200, metadata.name]);
  });
});
