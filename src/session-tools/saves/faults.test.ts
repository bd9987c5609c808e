import { chmodSync, closeSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ada,
  commitFiles,
  runGit,
  type ServedForge,
  serveForge,
} from '../../../tests/support/local/forge/served-forge.ts';
import { makeSavedTree, type SavedTree } from '../../../tests/support/saves/saved-tree.ts';
import {
  agentGit,
  cloneAndRestore,
  folderGit,
  gitFilesIn,
  saveTools,
  settingsFor,
  stateOf,
} from '../../../tests/support/saves/work-tree.ts';
import { makeSessionTree, writePrivateFolder } from '../../../tests/support/session-agent/agent-process.ts';
import { mountSmallDisk } from '../../../tests/support/small-disk.ts';
import type { Git } from '../git-clone/git.ts';
import { SaveFailure } from './failure.ts';
import { type Saved, save } from './save.ts';

/** Saves while something else fails. */

async function edit(tree: string): Promise<void> {
  await commitFiles(tree, { 'c.txt': 'c\n' }, 'not pushed');
  writeFileSync(join(tree, 'a.txt'), 'edited\n');
  writeFileSync(join(tree, 'new.txt'), 'new\n');
}

describe('a save', () => {
  let work: SavedTree;
  beforeEach(async () => {
    work = await makeSavedTree();
    await edit(work.tree);
  });
  afterEach(() => work.remove());

  it('whose branch is protected is on the volume, with the message of the git server', async () => {
    const hook = '#!/bin/sh\necho "GitLab: You are not allowed to push code to protected branches." >&2\nexit 1\n';
    writeFileSync(join(work.url, 'hooks/pre-receive'), hook);
    chmodSync(join(work.url, 'hooks/pre-receive'), 0o755);
    const { result, failure } = await work.save();
    expect(result).toMatchObject({ location: 'volume', isVerified: false });
    expect(failure).toMatchObject({ reason: 'push-rejected', message: expect.stringContaining('protected branches') });
  });

  it('has the commits of a branch that was replaced at the remote repository', async () => {
    await work.git('push', '--quiet');
    await runGit(work.url, 'update-ref', 'refs/heads/main', `${await work.git('rev-parse', 'HEAD')}~1`);
    const saved = await work.save();
    expect(saved.result).toMatchObject({ location: 'remote', commits: 1, isVerified: true });
    const copy = await work.restore(saved);
    expect(await runGit(copy, 'rev-parse', 'HEAD')).toBe(await work.git('rev-parse', 'HEAD'));
  });

  it('at the same time as another one of the same files leaves one complete save', async () => {
    const before = await stateOf(work.tree);
    const saves = await Promise.all([work.save(), work.save({ folder: join(work.place, 'other-agent') })]);
    for (const { failure } of saves) expect(failure).toBeNull();
    const commit = await runGit(work.url, 'rev-parse', `refs/heads/${saves[0].result.branch}`);
    const last = saves.find(({ result }) => result.commit === commit);
    expect(last).toBeDefined();
    const copy = join(work.place, 'copy');
    const saved = { branch: saves[0].result.branch ?? '', commit };
    expect(await cloneAndRestore(folderGit(), work.url, copy, saved)).toMatchObject({ isComplete: true });
    // The other save is in a branch of the clone.
    const { files, index, status } = await stateOf(copy);
    expect({ files, index, status }).toEqual({ files: before.files, index: before.index, status: before.status });
  });

  it.each([0, -1e12, 4e12])('comes back if the clock says %d', async (time) => {
    const before = await stateOf(work.tree);
    const tools = { ...saveTools(folderGit()), now: () => time };
    const saved = await save(tools, settingsFor(work.tree, work.url));
    expect(saved).toMatchObject({ failure: null, result: { isVerified: true } });
    expect(await stateOf(await work.restore(saved))).toEqual(before);
  });

  it('has files of more than 2 GB', { timeout: 300_000 }, async () => {
    makeLarge('big', 2 ** 31 + 1);
    // A save on the volume: a push would take longer than the test.
    const { result } = await work.save({ mayPush: false });
    const bundle = join(work.folder, `save-${result.commit}.bundle`);
    await runGit(work.url, 'bundle', 'unbundle', bundle);
    expect(await runGit(work.url, 'cat-file', '-s', `${result.commit}:big`)).toBe(String(2 ** 31 + 1));
  });

  it('has large files that git would convert', { timeout: 300_000 }, async () => {
    work.write('.gitattributes', '*.crlf text\n');
    makeLarge('big.crlf', 270_000_000);
    const copy = await work.restore(await work.save());
    expect(statSync(join(copy, 'big.crlf')).size).toBe(270_000_000);
  });

  /** Creates a file without content on the disk. */
  function makeLarge(name: string, size: number): void {
    const file = openSync(join(work.tree, name), 'w');
    ftruncateSync(file, size);
    closeSync(file);
  }
});

describe('a save on a disk that becomes full at any step', () => {
  const disk = mountSmallDisk(24);
  afterAll(() => disk?.remove());

  it.skipIf(!disk)('leaves the repository as it is, and the next save succeeds', { timeout: 600_000 }, async () => {
    if (!disk) return;
    const work = await makeSavedTree(disk.directory);
    // The remote repository is on another disk.
    const remote = await makeSavedTree();
    await work.git('push', '--quiet', '--force', remote.url, 'main');
    await edit(work.tree);
    const before = [await stateOf(work.tree), gitFilesIn(work.tree)];
    const run = async (step: number): Promise<{ processes: number; outcome: Saved | SaveFailure }> => {
      let processes = 0;
      const inner = folderGit();
      const git: Git = (args, options) => {
        processes += 1;
        if (processes === step) disk.fill();
        return inner(args, options);
      };
      const settings = settingsFor(work.tree, remote.url, { folder: join(work.place, `agent-${step}`) });
      const outcome = await save(saveTools(git), settings).catch((error: SaveFailure) => error);
      disk.empty();
      return { processes, outcome };
    };
    const { processes } = await run(0);
    const reasons = new Set<string>();
    for (let step = 1; step <= processes; step++) {
      // Another content each time, because the same state is not saved again.
      writeFileSync(join(work.tree, 'new.txt'), `step ${step}\n`);
      const { outcome } = await run(step);
      if (outcome instanceof SaveFailure) reasons.add(outcome.reason);
      else {
        expect(outcome.result.location, `step ${step}`).toBe('remote');
        expect(await runGit(remote.url, 'show', `${outcome.result.commit}:new.txt`)).toBe(`step ${step}`);
      }
      expect(gitFilesIn(work.tree), `step ${step}`).toEqual(before[1]);
    }
    expect([...reasons]).toEqual(['disk-full']);
    writeFileSync(join(work.tree, 'new.txt'), 'new\n');
    expect([await stateOf(work.tree), gitFilesIn(work.tree)]).toEqual(before);
    expect((await run(0)).outcome).toMatchObject({ failure: null, result: { location: 'remote', isVerified: true } });
    remote.remove();
    work.remove();
  });
});

describe('a save with the git server', () => {
  let served: ServedForge;
  let token: string;
  beforeAll(async () => {
    served = await serveForge();
    token = served.forge.issueToken(ada).token;
  });
  afterAll(() => served.close());

  it('whose token expires at any step is on the volume, with the reason', { timeout: 600_000 }, async () => {
    const session = await makeSessionTree(served, token, 'expired');
    const privateFolder = join(session.volume, 'private');
    writePrivateFolder(privateFolder, session.url, token);
    await edit(session.tree);
    writeFileSync(join(session.tree, 'large'), 'large\n'.repeat(1000));
    const git = agentGit({ GIT_CONFIG_NOSYSTEM: '0', GIT_CONFIG_SYSTEM: join(privateFolder, 'gitconfig') });
    const run = async (step: number) => {
      let requests = 0;
      served.intercept = (request, response) => {
        if (!request.url?.includes('/expired.git')) return false;
        requests += 1;
        if (step === 0 || requests < step) return false;
        // As the git proxy responds, because Git LFS repeats a request with a 401 for ever.
        const isLfs = request.url.includes('/info/lfs/');
        const message = JSON.stringify({ message: 'The server rejects the git token of this session. Sign in again.' });
        response.writeHead(isLfs ? 403 : 401, isLfs ? {} : { 'www-authenticate': 'Basic realm="git"' }).end(message);
        return true;
      };
      const more = { folder: join(session.volume, `agent-${step}`), lfsMinimumBytes: 5000 };
      writeFileSync(join(session.tree, 'new.txt'), `step ${step}\n`);
      const saved = await save(saveTools(git), settingsFor(session.tree, session.url, more));
      served.intercept = () => false;
      return { saved, requests };
    };
    const { requests } = await run(0);
    expect(requests).toBeGreaterThan(5);
    const before = gitFilesIn(session.tree);
    for (let step = 1; step <= requests; step++) {
      const { saved } = await run(step);
      expect(saved, `step ${step}`).toMatchObject({
        result: { location: 'volume', isVerified: false },
        failure: {
          reason: expect.stringMatching(/^(?:credentials|push-rejected)$/),
          message: expect.not.stringContaining(token),
        },
      });
      expect(gitFilesIn(session.tree)).toEqual(before);
    }
    expect((await run(0)).saved).toMatchObject({ failure: null, result: { location: 'remote', isVerified: true } });
  });

  it('uploads files in Git LFS to the server of the repository only, whatever .lfsconfig says', async () => {
    const session = await makeSessionTree(served, token, 'foreign', {
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    });
    const privateFolder = join(session.volume, 'private');
    writePrivateFolder(privateFolder, session.url, token);
    const foreign = await serveForge();
    let requests = 0;
    foreign.intercept = (_request, response) => {
      requests += 1;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return true;
    };
    const url = `${foreign.url}/x.git/info/lfs`;
    const config = `[lfs]\n\turl = ${url}\n\tpushurl = ${url}\n[remote "origin"]\n\tlfsurl = ${url}\n`;
    writeFileSync(join(session.tree, '.lfsconfig'), config);
    writeFileSync(join(session.tree, 'new.bin'), 'content of LFS\n'.repeat(100));
    const before = await stateOf(session.tree);
    const git = agentGit({ GIT_CONFIG_NOSYSTEM: '0', GIT_CONFIG_SYSTEM: join(privateFolder, 'gitconfig') });
    const saved = await save(saveTools(git), settingsFor(session.tree, session.url));
    expect(saved).toMatchObject({ failure: null, result: { location: 'remote', isVerified: true } });
    const copy = join(session.volume, 'restored');
    const branch = { branch: saved.result.branch ?? '', commit: saved.result.commit ?? '' };
    expect(await cloneAndRestore(git, session.url, copy, branch)).toEqual({ log: [], isComplete: true });
    expect(await stateOf(copy)).toEqual(before);
    expect(readFileSync(join(copy, 'new.bin'), 'utf8')).toContain('content of LFS');
    expect(requests).toBe(0);
    await foreign.close();
  });
});
