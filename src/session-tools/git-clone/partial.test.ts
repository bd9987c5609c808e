import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CloneVariables, runClone } from '../../../tests/support/git-clone/run-clone.ts';
import { commitFiles, runGit, type ServedForge, withToken } from '../../../tests/support/local/forge/served-forge.ts';
import { stateOf } from '../../../tests/support/saves/work-tree.ts';
import { makeSessionTree, type SessionTree } from '../../../tests/support/session-agent/agent-process.ts';
import { serveAgents } from '../../../tests/support/session-agent/serve-agents.ts';

/** Clones without the contents of old files, and saves in them. */

let served: ServedForge;
let token: string;
let session: SessionTree;
let number = 0;

const start = serveAgents((forge, issued) => {
  served = forge;
  token = issued;
});
beforeAll(async () => {
  session = await makeSessionTree(served, token, 'project', { 'a.txt': 'old\n', 'b.txt': 'b\n' });
  await commitFiles(session.tree, { 'a.txt': 'new\n' }, 'second');
  await runGit(session.tree, 'push', '--quiet', withToken(session.url, token), 'HEAD:main');
  session = { ...session, commit: await runGit(session.tree, 'rev-parse', 'HEAD') };
});

const launchOf = (more: CloneVariables = {}): CloneVariables & { mountPath: string } => ({
  repositoryUrl: session.url,
  gitUrl: served.url,
  branch: 'main',
  commitSha: session.commit,
  oauthToken: session.token,
  username: 'ada',
  fullName: 'Ada Lovelace',
  email: 'ada@example.org',
  gitAutosave: '1',
  timeoutSeconds: '20',
  partial: '1',
  mountPath: join(served.scratch, `volume-${number++}`, 'project'),
  ...more,
});
/** Returns the number of objects that the repository does not have. */
const missing = async (tree: string) =>
  (await runGit(tree, 'rev-list', '--objects', '--all', '--missing=print')).match(/^\?/gm)?.length ?? 0;

describe('a partial clone', () => {
  it('has the files of the commit only, and everything without the setting', async () => {
    const partial = launchOf();
    const { exitCode, output } = await runClone(partial);
    expect(exitCode, output).toBe(0);
    expect(output).toContain('Fetched all branches, without the contents of files');
    expect(await missing(partial.mountPath)).toBe(1);
    expect(await runGit(partial.mountPath, 'status', '--porcelain')).toBe('');
    const whole = launchOf({ partial: '0' });
    expect((await runClone(whole)).exitCode).toBe(0);
    expect(await missing(whole.mountPath)).toBe(0);
  });

  it('waits for the git server if it is unavailable when the files are fetched', async () => {
    let fetches = 0;
    served.intercept = ({ method, url = '' }, response) => {
      // The list of branches, twice, and the commits come first.
      if (method !== 'POST' || !url.endsWith('/git-upload-pack') || ++fetches !== 4) return false;
      response.writeHead(503).end();
      return true;
    };
    const launch = launchOf();
    const { exitCode, output } = await runClone(launch);
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/is not available \(.*\); trying again\.\nChecked out/);
    expect(await runGit(launch.mountPath, 'status', '--porcelain')).toBe('');
  });

  it('restores saves, and its own work is seen and saved without fetching the contents of old files', async () => {
    const first = launchOf();
    expect((await runClone(first)).exitCode).toBe(0);
    const tree = first.mountPath;
    await commitFiles(tree, { 'mine.txt': 'mine\n' }, 'mine');
    writeFileSync(join(tree, 'b.txt'), 'edited\n');
    writeFileSync(join(tree, 'new.txt'), 'new\n');
    const before = await stateOf(tree);
    const agent = await start({ ...session, tree, volume: join(tree, '..') });
    expect(await agent.work()).toMatchObject({ isClean: false, files: { count: 2 } });
    expect(await agent.save()).toMatchObject({ state: 'succeeded', result: { location: 'remote', isVerified: true } });
    await agent.stop('SIGKILL');
    expect(await missing(tree)).toBe(1);
    const second = launchOf();
    const { exitCode, output } = await runClone(second);
    expect(exitCode, output).toBe(0);
    expect(output).toContain('The autosave was restored.');
    expect(await stateOf(second.mountPath)).toEqual(before);
  });

  it('with a conflict whose common ancestor is not here is saved while the git server is away, and comes back', async () => {
    const other = withToken(session.url, token);
    await runGit(session.tree, 'checkout', '--quiet', '-B', 'without', 'HEAD~1');
    await runGit(session.tree, 'rm', '--quiet', 'a.txt');
    await runGit(session.tree, 'commit', '--quiet', '--message=without a.txt');
    await runGit(session.tree, 'push', '--quiet', other, 'HEAD:without');
    await runGit(session.tree, 'checkout', '--quiet', session.commit);
    const launch = launchOf();
    expect((await runClone(launch)).exitCode).toBe(0);
    const tree = launch.mountPath;
    await runGit(tree, 'checkout', '--quiet', '-b', 'without', 'origin/without');
    await expect(runGit(tree, 'merge', '--quiet', 'main')).rejects.toThrow();
    expect(await runGit(tree, 'status', '--porcelain')).toContain('DU a.txt');
    expect(await missing(tree)).toBe(1);
    const before = await stateOf(tree);
    const agent = await start({ ...session, tree, volume: join(tree, '..') });
    served.intercept = (_request, response) => response.writeHead(503).end() !== undefined;
    const { result, error } = await agent.save();
    expect({ result, error }).toMatchObject({
      result: { location: 'volume', notSaved: [] },
      error: { reason: 'unreachable' },
    });
    await agent.stop('SIGKILL');
    served.intercept = () => false;
    rmSync(tree, { recursive: true });
    const { exitCode, output } = await runClone(launch);
    expect(exitCode, output).toBe(0);
    expect(output).toContain('The autosave was restored.');
    expect(await stateOf(tree)).toEqual(before);
  });

  it('waits for the git server while it restores a save, and otherwise keeps the save and says why', async () => {
    const first = launchOf();
    expect((await runClone(first)).exitCode).toBe(0);
    const tree = first.mountPath;
    writeFileSync(join(tree, 'b.txt'), 'edited before the failure\n');
    const before = await stateOf(tree);
    const agent = await start({ ...session, tree, volume: join(tree, '..') });
    const { result } = await agent.save();
    await agent.stop('SIGKILL');
    /** Fails requests for objects after those of the clone itself. */
    const failFor = (count: number) => {
      let fetches = 0;
      served.intercept = ({ method, url = '' }, response) => {
        if (method !== 'POST' || !url.endsWith('/git-upload-pack')) return false;
        fetches += 1;
        if (fetches <= 4 || fetches > 4 + count) return false;
        response.writeHead(503).end();
        return true;
      };
    };
    failFor(2);
    const second = launchOf({ keepsVolume: '0' });
    const waited = await runClone(second);
    expect(waited.output).toMatch(/Restoring the autosave .*\n(.*\n)*.*is not available \(.*\); trying again\./);
    expect(waited.output).toContain('The autosave was restored.');
    expect(await stateOf(second.mountPath)).toEqual(before);

    failFor(Number.POSITIVE_INFINITY);
    const third = launchOf({ timeoutSeconds: '3' });
    const failed = await runClone(third);
    expect(failed.exitCode, failed.output).toBe(0);
    expect(failed.output).toContain('WARNING: the autosave could not be restored');
    expect(await runGit(third.mountPath, 'status', '--porcelain')).toBe('');
    served.intercept = () => false;
    const later = await start({ ...session, tree: third.mountPath, volume: join(third.mountPath, '..') });
    const { recovered } = await later.work();
    expect(recovered).toMatchObject({ branch: result?.branch, isComplete: false, isDeleted: false });
    expect(recovered?.error).toMatch(/^Nothing was restored: .*503/);
    // A save of other work keeps the one that was not restored.
    writeFileSync(join(third.mountPath, 'a.txt'), 'other work\n');
    expect(await later.save()).toMatchObject({ state: 'succeeded', result: { location: 'remote' } });
    await later.stop('SIGKILL');
    const kept = await runGit(tree, 'ls-remote', withToken(session.url, session.token), `refs/heads/${result?.branch}`);
    expect(kept).toContain(result?.commit);
  });
});
