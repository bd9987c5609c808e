import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { addSubmodule } from '../../../tests/support/git-clone/projects.ts';
import { type CloneVariables, runClone } from '../../../tests/support/git-clone/run-clone.ts';
import {
  commitFiles,
  makeRepository,
  runGit,
  type ServedForge,
  withToken,
} from '../../../tests/support/local/forge/served-forge.ts';
import { filesIn, stateOf } from '../../../tests/support/saves/work-tree.ts';
import { cloneSession, makeSessionTree, type SessionTree } from '../../../tests/support/session-agent/agent-process.ts';
import { serveAgents } from '../../../tests/support/session-agent/serve-agents.ts';
import { mountSmallDisk } from '../../../tests/support/small-disk.ts';
import { agentFolder, type RecoveryReport, recoveryFile } from '../../session-contract/agent.ts';
import { autosaveBranch, parseAutosave } from '../../session-contract/autosave.ts';

/** Saves of the agent, restored by git-clone: both real programs, with a real git server. */

let served: ServedForge;
let token: string;
let number = 0;

const start = serveAgents((forge, issued) => {
  served = forge;
  token = issued;
});

/** Saves with the agent of the session. */
async function saveWork(session: SessionTree) {
  const agent = await start(session);
  const { state, result } = await agent.save();
  await agent.stop('SIGKILL');
  return { state, branch: result?.branch ?? '', commit: result?.commit ?? '', location: result?.location };
}

/** Returns the variables of a launch of the same commit, on a new volume by default. */
function launchOf({ url, commit }: SessionTree, more: CloneVariables = {}): CloneVariables {
  return {
    repositoryUrl: url,
    gitUrl: served.url,
    branch: 'main',
    commitSha: commit,
    oauthToken: token,
    username: 'ada',
    fullName: 'Ada Lovelace',
    email: 'ada@example.org',
    gitAutosave: '1',
    keepsVolume: '1',
    timeoutSeconds: '20',
    mountPath: join(served.scratch, `volume-${number++}`, 'project'),
    ...more,
  };
}

async function launch(variables: CloneVariables): Promise<{ tree: string; output: string; report: RecoveryReport }> {
  const { exitCode, output } = await runClone(variables);
  expect(exitCode, output).toBe(0);
  const tree = variables.mountPath ?? '';
  return { tree, output, report: JSON.parse(readFileSync(join(dirname(tree), agentFolder, recoveryFile), 'utf8')) };
}

const autosaves = async ({ tree, url }: SessionTree) =>
  (await runGit(tree, 'ls-remote', '--heads', withToken(url, token)))
    .split('\n')
    .flatMap((line) => /refs\/heads\/(renku\/.*)/.exec(line)?.[1] ?? []);

const partsOf = (branch: string) => {
  const autosave = parseAutosave(branch);
  if (!autosave) throw new Error(`${branch} is not an autosave`);
  return autosave;
};

/** The times of commits are whole seconds. */
async function nextSecond(): Promise<void> {
  const second = () => Math.floor(Date.now() / 1000);
  const now = second();
  await expect.poll(second, { timeout: 5_000 }).toBeGreaterThan(now);
}

/** Requests for this project fail from now on. */
function takeDown({ url }: SessionTree): void {
  const path = new URL(url).pathname;
  served.intercept = (request, response) => {
    if (!request.url?.startsWith(path)) return false;
    response.destroy();
    return true;
  };
}

/** Makes changes of each kind: two branches, a stash, staged, edited and new files, permissions. */
async function work(tree: string): Promise<void> {
  const write = (path: string, content: string) => writeFileSync(join(tree, path), content);
  await commitFiles(tree, { 'committed.txt': 'not pushed\n' }, 'on main');
  write('a.txt', 'in the stash\n');
  await runGit(tree, 'stash', 'push', '--quiet', '--message', 'my stash');
  await runGit(tree, 'checkout', '--quiet', '-b', 'feature/a/b');
  await commitFiles(tree, { 'feature.txt': 'feature\n' }, 'on the feature');
  write('b.txt', 'staged\n');
  await runGit(tree, 'add', 'b.txt');
  write('b.txt', 'staged and edited\n');
  write('-new "file".txt', 'new\n');
}

describe('a save of the agent', () => {
  it('comes back on a new volume: commits of all branches, stash, staged and new files, and is then deleted', async () => {
    const session = await makeSessionTree(served, token, 'all');
    await work(session.tree);
    const before = await stateOf(session.tree);
    const { branch, commit } = await saveWork(session);
    const { tree, report } = await launch(launchOf(session));
    expect(await stateOf(tree)).toEqual(before);
    expect(await runGit(tree, 'fsck', '--strict')).not.toContain('missing');
    expect(report).toMatchObject({
      recovered: { branch, commit, location: 'remote', isComplete: true, isDeleted: true, error: null },
      others: [],
    });
    expect(await autosaves(session)).toEqual([]);
  });

  it('of a detached HEAD stays in the repository if the volume ends with the pod, until the next save', async () => {
    const session = await makeSessionTree(served, token, 'detached');
    await runGit(session.tree, 'checkout', '--quiet', '--detach');
    await commitFiles(session.tree, { 'c.txt': 'c\n' }, 'detached');
    writeFileSync(join(session.tree, 'new.txt'), 'new\n');
    const before = await stateOf(session.tree);
    const { branch } = await saveWork(session);
    const { keepsVolume, ...variables } = launchOf(session);
    const { tree, report } = await launch(variables);
    expect(await stateOf(tree)).toEqual(before);
    expect(report.recovered.isDeleted).toBe(false);
    expect(await autosaves(session)).toEqual([branch]);
    // The agent lists it until a later save has its content.
    const next = { ...session, tree, volume: dirname(tree) };
    const agent = await start(next);
    const recovered = { branch, isComplete: true, error: null, others: [] };
    expect((await agent.work()).recovered).toMatchObject({ ...recovered, isDeleted: false });
    await agent.stop('SIGKILL');
    await commitFiles(tree, { 'd.txt': 'd\n' }, 'later');
    const later = await saveWork(next);
    expect(later.branch).not.toBe(branch);
    expect(await autosaves(session)).toEqual([later.branch]);
    expect((await (await start(next)).work()).recovered).toMatchObject({ ...recovered, isDeleted: true });
  });

  it('has the changes in a submodule', async () => {
    const library = await makeSessionTree(served, token, 'library');
    const session = await makeSessionTree(served, token, 'with-submodule');
    await addSubmodule(session.tree, 'lib', '../library.git', library.commit);
    const header = `http.extraHeader=Authorization: Basic ${btoa(`oauth2:${token}`)}`;
    await runGit(session.tree, '-c', header, 'submodule', '--quiet', 'update', '--init');
    await runGit(session.tree, 'push', '--quiet', withToken(session.url, token), 'HEAD:main');
    await runGit(session.tree, 'update-ref', 'refs/remotes/origin/main', 'HEAD');
    const commit = await runGit(session.tree, 'rev-parse', 'HEAD');
    const lib = join(session.tree, 'lib');
    await commitFiles(lib, { 'lib.txt': 'not pushed\n' }, 'in the submodule');
    writeFileSync(join(lib, 'a.txt'), 'edited\n');
    writeFileSync(join(lib, 'new.txt'), 'new\n');
    const before = [await stateOf(session.tree), await stateOf(lib)];
    await saveWork({ ...session, commit });
    const { tree } = await launch(launchOf({ ...session, commit }));
    expect([await stateOf(tree), await stateOf(join(tree, 'lib'))]).toEqual(before);
  });

  it.each(['0', '1'])('has files in Git LFS that are fetched at the launch: %s', async (lfsAutoFetch) => {
    const session = await makeSessionTree(served, token, `lfs-${lfsAutoFetch}`, {
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    });
    await runGit(session.tree, 'lfs', 'install', '--local');
    const content = 'content\n'.repeat(1000);
    const added = Array.from({ length: 20 }, (_, index) => `new-${index}.bin`);
    for (const name of [...added, 'staged.bin', 'committed.bin'])
      writeFileSync(join(session.tree, name), `${name} ${content}`);
    await runGit(session.tree, 'add', 'committed.bin');
    await runGit(session.tree, 'commit', '--quiet', '--message', 'lfs');
    await runGit(session.tree, 'add', 'staged.bin');
    const { files, status, index } = await stateOf(session.tree);
    expect((await saveWork(session)).location).toBe('remote');
    let batches = 0;
    served.intercept = ({ url = '' }) => {
      if (url.endsWith('/info/lfs/objects/batch')) batches++;
      return false;
    };
    const { tree, report } = await launch(launchOf(session, { lfsAutoFetch }));
    expect(report.recovered.isComplete).toBe(true);
    // Git LFS asks for many files at a time, and not for each of the 21 changed ones.
    expect(batches).toBeLessThan(10);
    const restored = await stateOf(tree);
    expect({ index: restored.index, status: restored.status }).toEqual({ index, status });
    // Files that only the save has are there in any case.
    expect(restored.files).toEqual(files);
  });
});

const disk = mountSmallDisk(6);
afterAll(() => disk?.remove());

describe('the disk of a new volume', () => {
  it.skipIf(!disk)(
    'that is too small for an autosave ends the launch with the reason, and the autosave stays',
    async () => {
      const session = await makeSessionTree(served, token, 'small-disk');
      // Smaller than the files that a save stores in Git LFS.
      for (let index = 0; index < 10; index++) writeFileSync(join(session.tree, `${index}.txt`), 'x'.repeat(900_000));
      const before = await stateOf(session.tree);
      const { branch } = await saveWork(session);
      const mountPath = join(disk?.directory ?? '', 'project');
      const { exitCode, lastLine } = await runClone(launchOf(session, { mountPath }));
      expect([exitCode, lastLine]).toEqual([203, expect.stringContaining('There is no space left on the disk')]);
      expect(readdirSync(disk?.directory ?? '')).toEqual([]);
      expect(await autosaves(session)).toEqual([branch]);
      expect(await stateOf((await launch(launchOf(session))).tree)).toEqual(before);
    },
  );
});

describe('a save that could not be pushed', () => {
  it('stays with the work tree at a start without the git server, and is pushed at a start with it', async () => {
    const session = await makeSessionTree(served, token, 'down');
    await work(session.tree);
    const before = await stateOf(session.tree);
    const gitBefore = filesIn(join(session.tree, '.git'));
    takeDown(session);
    expect(await saveWork(session)).toMatchObject({ state: 'failed', location: 'volume' });
    // The pod is replaced while the git server is down: git-clone, and then the agent.
    const resume = launchOf(session, { mountPath: session.tree });
    const { exitCode, lastLine } = await runClone(resume);
    expect([exitCode, lastLine]).toEqual([0, expect.stringContaining('already is a git repository')]);
    const second = await start(session);
    await expect.poll(second.output).toContain('The saves on the volume could not be pushed');
    expect(await second.work()).toMatchObject({ isClean: false, savedAs: { location: 'volume', isCurrent: true } });
    await second.stop('SIGKILL');
    expect(await stateOf(session.tree)).toEqual(before);
    expect(filesIn(join(session.tree, '.git'))).toEqual(gitBefore);

    served.intercept = () => false;
    expect((await runClone(resume)).exitCode).toBe(0);
    const third = await start(session);
    await expect.poll(third.output).toContain('A save on the volume is now in the branch');
    expect(await third.work()).toMatchObject({ isClean: true, savedAs: { location: 'remote' } });
    expect(await stateOf(session.tree)).toEqual(before);
    // A session elsewhere recovers what was pushed.
    expect(await stateOf((await launch(launchOf(session))).tree)).toEqual(before);
  });

  it('is restored from the volume if the work tree is gone, and is pushed afterwards', async () => {
    const session = await makeSessionTree(served, token, 'gone', {
      'a.txt': 'a\n',
      'b.txt': 'b\n',
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n*.key filter=crypt\n',
    });
    await work(session.tree);
    await runGit(session.tree, 'config', 'filter.crypt.clean', 'rev');
    writeFileSync(join(session.tree, 'data.bin'), 'content\n'.repeat(1000));
    const before = await stateOf(session.tree);
    writeFileSync(join(session.tree, 'secret.key'), 'a secret\n');
    takeDown(session);
    const { branch, commit } = await saveWork(session);
    served.intercept = () => false;
    rmSync(session.tree, { recursive: true });

    const { tree, output, report } = await launch(launchOf(session, { mountPath: session.tree }));
    expect(output).toContain(`Restoring the autosave ${branch}, which is on the volume.`);
    expect(await stateOf(tree)).toEqual(before);
    expect(report.recovered).toMatchObject({ branch, commit, location: 'volume', isComplete: true, isDeleted: false });
    // What the filter protects is not in the save; the log says how to read the bundle.
    const [, file = ''] = /"git fetch (\S+) protected-files"/.exec(output) ?? [];
    await runGit(tree, 'fetch', '--quiet', file, 'protected-files');
    expect(await runGit(tree, 'show', 'FETCH_HEAD:secret.key')).toBe('a secret');

    const agent = await start(session);
    await expect.poll(agent.output).toContain('A save on the volume is now in the branch');
    expect(await autosaves(session)).toEqual([branch]);
    expect(readdirSync(join(session.volume, agentFolder)).filter((name) => /^save-/.test(name))).toEqual([]);
    expect(await stateOf(tree)).toEqual(before);
  });

  it('that is damaged stays on the volume, and the session starts with the commit of the launch', async () => {
    const session = await makeSessionTree(served, token, 'damaged');
    await work(session.tree);
    takeDown(session);
    await saveWork(session);
    served.intercept = () => false;
    rmSync(session.tree, { recursive: true });
    const folder = join(session.volume, agentFolder);
    const [bundle = ''] = readdirSync(folder).filter((name) => /^save-.*\.bundle$/.test(name));
    writeFileSync(join(folder, bundle), '# v2 git bundle\n');
    const { exitCode, output } = await runClone(launchOf(session, { mountPath: session.tree }));
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(
      /^WARNING: the save on the volume for renku\/autosave\/ada\/main\/.* cannot be read \(.+\): /m,
    );
    expect(await runGit(session.tree, 'status', '--porcelain')).toBe('');
    // A later save does not have its content.
    writeFileSync(join(session.tree, 'later.txt'), 'later\n');
    expect(await saveWork(session)).toMatchObject({ state: 'succeeded', location: 'remote' });
    expect(existsSync(join(folder, bundle))).toBe(true);
  });

  it('that is older than the restored one is pushed under another name, and no later save deletes it', async () => {
    const session = await makeSessionTree(served, token, 'older');
    const elsewhere = await cloneSession(served, token, 'older', session.url);
    writeFileSync(join(session.tree, 'older.txt'), 'older\n');
    takeDown(session);
    const stored = await saveWork(session);
    expect(stored.location).toBe('volume');
    served.intercept = () => false;
    await nextSecond();
    writeFileSync(join(elsewhere.tree, 'newer.txt'), 'newer\n');
    const newer = await saveWork(elsewhere);
    expect(newer.branch).toBe(stored.branch);
    rmSync(session.tree, { recursive: true });
    const { tree, output } = await launch(launchOf(session, { mountPath: session.tree, keepsVolume: '0' }));
    expect(output).toContain(`an older autosave of the same commit stays on the volume: ${stored.branch}`);
    expect(existsSync(join(tree, 'newer.txt'))).toBe(true);

    const agent = await start(session);
    await expect.poll(agent.output).toContain('A save on the volume is now in the branch');
    const other = autosaveBranch({ ...partsOf(stored.branch), finalCommit: stored.commit });
    expect((await autosaves(session)).toSorted()).toEqual([newer.branch, other].toSorted());
    writeFileSync(join(tree, 'last.txt'), 'last\n');
    expect(await agent.save()).toMatchObject({ state: 'succeeded', result: { location: 'remote' } });
    expect(await autosaves(session)).toContain(other);
    expect(await runGit(tree, 'ls-remote', withToken(session.url, token), `refs/heads/${other}`)).toContain(
      stored.commit,
    );
  });
});

describe('a save that the git server never accepts', () => {
  it('keeps later saves from being verified, with the reason, until it is pushed', async () => {
    const members = [{ username: 'ada', accessLevel: 40 }];
    const project = await served.forge.createProject({ namespace: 'team', path: 'never', members });
    const url = `${served.url}/team/never.git`;
    const source = await makeRepository(join(served.scratch, 'never-source'), { 'a.txt': 'a\n' });
    await runGit(source, 'push', '--quiet', withToken(url, token), 'HEAD:refs/heads/main');
    const session = await cloneSession(served, token, 'never', url);
    const elsewhere = await cloneSession(served, token, 'never', url);
    writeFileSync(join(session.tree, 'older.txt'), 'older\n');
    takeDown(session);
    const stored = await saveWork(session);
    served.intercept = () => false;
    await nextSecond();
    writeFileSync(join(elsewhere.tree, 'newer.txt'), 'newer\n');
    await saveWork(elsewhere);
    rmSync(session.tree, { recursive: true });
    const { tree } = await launch(launchOf(session, { mountPath: session.tree, keepsVolume: '0' }));
    const other = autosaveBranch({ ...partsOf(stored.branch), finalCommit: stored.commit });
    const rules = `${served.url}/api/v4/projects/${project.id}/protected_branches`;
    const change = async (method: string, address: string) => {
      const response = await fetch(address, { method, headers: { authorization: `Bearer ${token}` } });
      expect(response.ok, await response.text()).toBe(true);
    };
    await change('POST', `${rules}?name=${encodeURIComponent(other)}&push_access_level=0`);

    const agent = await start(session);
    await expect.poll(agent.output).toContain(`The save on the volume for ${other} could not be pushed`);
    const lost = { path: stored.branch, reason: 'earlier-save', message: expect.stringContaining('rejects the save') };
    expect((await agent.work()).notSavable).toMatchObject([lost]);
    for (const isFinal of [false, true]) {
      writeFileSync(join(tree, 'last.txt'), `final: ${isFinal}\n`);
      const { state, result } = await agent.save({ isFinal });
      expect([state, result?.location]).toEqual(['succeeded', 'remote']);
      expect(result).toMatchObject({ isVerified: false, changedMeanwhile: [], notSaved: [lost] });
    }
    // Each later save tries again.
    await change('DELETE', `${rules}/${encodeURIComponent(other)}`);
    await agent.save();
    await expect.poll(agent.output).toContain(`A save on the volume is now in the branch ${other}`);
    expect((await agent.work()).notSavable).toEqual([]);
    expect(await agent.save({ isFinal: true })).toMatchObject({ result: { isVerified: true, notSaved: [] } });
    expect(await autosaves(session)).toContain(other);
  });
});

describe('several saves of one commit', () => {
  it('in the formats of both projects and on the volume: the newest comes back, the others stay and are listed', async () => {
    const session = await makeSessionTree(served, token, 'several');
    // As renku-notebooks 1.18.1 saves; the time of the commit is long ago.
    const source = join(served.scratch, 'several-original');
    await runGit(served.scratch, 'clone', '--quiet', withToken(session.url, token), source);
    await commitFiles(source, { 'a.txt': 'original\n' }, 'autosave');
    const branchOf = (finalCommit: string) =>
      autosaveBranch({ username: 'ada', rootBranch: 'main', rootCommit: session.commit, finalCommit });
    const original = branchOf(session.commit);
    await runGit(source, 'push', '--quiet', 'origin', `HEAD:refs/heads/${original}`);

    await commitFiles(session.tree, { 'first.txt': 'first\n' }, 'first');
    writeFileSync(join(session.tree, 'new.txt'), 'pushed\n');
    const pushed = await saveWork(session);
    expect(pushed.location).toBe('remote');
    await nextSecond();
    await commitFiles(session.tree, { 'second.txt': 'second\n' }, 'second');
    writeFileSync(join(session.tree, 'new.txt'), 'on the volume\n');
    const before = await stateOf(session.tree);
    takeDown(session);
    const stored = await saveWork(session);
    served.intercept = () => false;
    rmSync(session.tree, { recursive: true });

    const { tree, output, report } = await launch(launchOf(session, { mountPath: session.tree }));
    expect(await stateOf(tree)).toEqual(before);
    expect(report.recovered).toMatchObject({ branch: stored.branch, location: 'volume' });
    expect(report.others.map(({ branch }) => branch)).toEqual([pushed.branch, original]);
    for (const name of [pushed.branch, original])
      expect(output).toContain(`WARNING: an older autosave of the same commit stays in the repository: ${name}`);
    expect((await autosaves(session)).toSorted()).toEqual([pushed.branch, original].toSorted());

    // On another volume the newest is that of the agent, although the name of the other may come first.
    const elsewhere = await launch(launchOf(session));
    expect(elsewhere.report.recovered).toMatchObject({ branch: pushed.branch, isDeleted: true });
    expect(readFileSync(join(elsewhere.tree, 'new.txt'), 'utf8')).toBe('pushed\n');
    expect(await autosaves(session)).toEqual([original]);
    const last = await launch(launchOf(session));
    expect(last.report.recovered).toMatchObject({ branch: original, savedAt: null });
    expect(readFileSync(join(last.tree, 'a.txt'), 'utf8')).toBe('original\n');
  });
});

describe('the report of an interrupted run', () => {
  it('is removed if the next run restores nothing: the agent would delete what was not restored', async () => {
    const session = await makeSessionTree(served, token, 'stale');
    await work(session.tree);
    const { branch, commit } = await saveWork(session);
    const variables = launchOf(session, { gitAutosave: '0' });
    const volume = dirname(variables.mountPath ?? '');
    mkdirSync(join(volume, agentFolder), { recursive: true });
    const recovered = { branch, commit, location: 'remote', savedAt: null, isComplete: true, isDeleted: false };
    writeFileSync(join(volume, agentFolder, recoveryFile), JSON.stringify({ recovered, others: [] }));
    expect((await runClone(variables)).exitCode).toBe(0);
    expect(readdirSync(join(volume, agentFolder))).toEqual([]);
  });
});
