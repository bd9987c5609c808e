import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runGit } from '../../../tests/support/local/forge/served-forge.ts';
import { makeSavedTree, type SavedTree } from '../../../tests/support/saves/saved-tree.ts';
import { folderGit } from '../../../tests/support/saves/work-tree.ts';
import { deleteRecovered } from '../git-clone/recovery.ts';

const { PATH } = process.env;
let work: SavedTree;
beforeEach(async () => {
  work = await makeSavedTree();
});
afterEach(() => {
  process.env['PATH'] = PATH;
  work.remove();
});

describe('a recovered autosave', () => {
  it.each([
    ['after the volume was written to its disk', 0, true],
    ['not if that fails', 1, false],
  ])('is deleted in the repository: %s', async (_when, exitCode, isDeleted) => {
    const [branch, calls] = ['renku/autosave/ada/main/0123456/0123456', join(work.place, 'calls')];
    const commit = await work.git('rev-parse', 'HEAD');
    await work.git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
    // Records its arguments, and whether the branch still exists.
    const script = `#!/bin/sh\necho "$@" $(git -C ${work.url} for-each-ref --format='%(refname:strip=2)' refs/heads/renku) > ${calls}\nexit ${exitCode}\n`;
    writeFileSync(join(work.place, 'sync'), script);
    chmodSync(join(work.place, 'sync'), 0o755);
    process.env['PATH'] = `${work.place}${delimiter}${PATH}`;
    const location = 'remote' as const;
    const recovered = { branch, commit, location, savedAt: null, isComplete: true, isDeleted: false, error: null };
    const log: string[] = [];
    const tools = { git: folderGit(), log: (line: string) => void log.push(line) };
    const report = await deleteRecovered(tools, work.tree, { recovered, others: [] });
    expect(readFileSync(calls, 'utf8')).toBe(`-f -- ${work.tree} ${branch}\n`);
    expect(report.recovered.isDeleted).toBe(isDeleted);
    expect((await runGit(work.url, 'for-each-ref', 'refs/heads/renku')) === '').toBe(isDeleted);
    expect(log.join()).toContain(isDeleted ? 'was deleted' : 'the disk was not written');
  });
});
