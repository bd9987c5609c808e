import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ada, runGit, type ServedForge, serveForge } from '../../../tests/support/local/forge/served-forge.ts';
import {
  agentGit,
  cloneAndRestore,
  filesIn,
  saveTools,
  settingsFor,
  stateOf,
} from '../../../tests/support/saves/work-tree.ts';
import { makeSessionTree, writePrivateFolder } from '../../../tests/support/session-agent/agent-process.ts';
import { save } from './save.ts';

let served: ServedForge;
let token: string;
beforeAll(async () => {
  served = await serveForge();
  token = served.forge.issueToken(ada).token;
});
afterAll(() => served.close());

describe('a save with Git LFS', () => {
  it('has large files as ordinary ones if the git server has no LFS, and the index as it was', async () => {
    const session = await makeSessionTree(served, token, 'no-lfs');
    served.intercept = (request, response) => {
      if (!request.url?.includes('/no-lfs.git/info/lfs')) return false;
      response.writeHead(404).end();
      return true;
    };
    writeFileSync(join(session.tree, 'a.txt'), 'staged\n');
    await runGit(session.tree, 'add', 'a.txt');
    writeFileSync(join(session.tree, 'a.txt'), 'edited\n');
    writeFileSync(join(session.tree, 'large.txt'), 'large\n'.repeat(1000));
    const before = await stateOf(session.tree);
    const privateFolder = join(session.volume, 'private');
    writePrivateFolder(privateFolder, session.url, token);
    const git = agentGit({ GIT_CONFIG_NOSYSTEM: '0', GIT_CONFIG_SYSTEM: join(privateFolder, 'gitconfig') });
    const saved = await save(saveTools(git), settingsFor(session.tree, session.url, { lfsMinimumBytes: 5000 }));
    served.intercept = () => false;
    expect(saved).toMatchObject({ failure: null, result: { location: 'remote', isVerified: true } });
    const copy = join(session.volume, 'restored');
    const branch = { branch: saved.result.branch ?? '', commit: saved.result.commit ?? '' };
    expect(await cloneAndRestore(git, session.url, copy, branch)).toEqual({ log: [], isComplete: true });
    expect(await stateOf(copy)).toEqual(before);
  });

  it('uploads files by their attributes and by their size, and restores their content', async () => {
    const session = await makeSessionTree(served, token, 'lfs', {
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    });
    const inTree = (path: string, content: string) => writeFileSync(join(session.tree, path), content);
    await runGit(session.tree, 'lfs', 'install', '--local');
    await runGit(session.tree, 'config', `lfs.${session.url}/info/lfs.locksverify`, 'false');
    inTree('committed.bin', 'committed\n'.repeat(100));
    // Git compares the contents of files that are as new as the index, and Git LFS then stores them once more.
    utimesSync(join(session.tree, 'committed.bin'), 0, 0);
    await runGit(session.tree, 'add', '.');
    await runGit(session.tree, 'commit', '--quiet', '--message', 'lfs');
    inTree('new.bin', 'new\n'.repeat(100));
    inTree('large [x] "y".txt', 'large\n'.repeat(1000));
    const before = await stateOf(session.tree);
    const privateFolder = join(session.volume, 'private');
    writePrivateFolder(privateFolder, session.url, token);
    const git = agentGit({ GIT_CONFIG_NOSYSTEM: '0', GIT_CONFIG_SYSTEM: join(privateFolder, 'gitconfig') });
    const saved = await save(saveTools(git), settingsFor(session.tree, session.url, { lfsMinimumBytes: 5000 }));
    expect(saved).toMatchObject({ failure: null, result: { location: 'remote', isVerified: true } });
    expect(await stateOf(session.tree)).toEqual(before);
    const copy = join(session.volume, 'restored');
    const branch = { branch: saved.result.branch ?? '', commit: saved.result.commit ?? '' };
    expect(await cloneAndRestore(git, session.url, copy, branch)).toEqual({ log: [], isComplete: true });
    const restored = filesIn(copy);
    expect(restored['new.bin']).toBe(before.files['new.bin']);
    expect(restored['large [x] "y".txt']).toBe(before.files['large [x] "y".txt']);
    expect(restored['.gitattributes']).toBe(before.files['.gitattributes']);
    // Of a commit that was not pushed.
    expect(restored['committed.bin']).toBe(before.files['committed.bin']);
    await runGit(copy, 'lfs', 'install', '--local');
    expect(await runGit(copy, 'status', '--porcelain', 'committed.bin')).toBe('');
  });
});
