import { statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitFiles, runGit } from '../../../tests/support/local/forge/served-forge.ts';
import { makeSavedTree, type SavedTree } from '../../../tests/support/saves/saved-tree.ts';

/** Files that a filter of the repository protects, such as that of git-crypt. */

let work: SavedTree;
let place: string;
let tree: string;
let url: string;
beforeEach(async () => {
  work = await makeSavedTree();
  ({ place, tree, url } = work);
});
afterEach(() => work.remove());

describe('a save', () => {
  it('never pushes a file unfiltered that a filter protects', async () => {
    await work.git('config', 'filter.crypt.clean', "sed 's/secret/ENCRYPTED/'");
    await work.git('config', 'filter.crypt.smudge', "sed 's/ENCRYPTED/secret/'");
    await commitFiles(
      tree,
      { '.gitattributes': '*.key filter=crypt\n', 'one.key': 'secret 1\n', 'two.key': 'secret 2\n' },
      'keys',
    );
    await work.git('push', '--quiet');
    work.write('one.key', 'secret and changed\n');
    work.write('three.key', 'secret and new\n');
    work.write('b.txt', 'edited\n');
    const { result } = await work.save();
    expect(result.isVerified).toBe(false);
    expect(result.notSaved).toEqual(
      expect.arrayContaining(
        ['one.key', 'three.key'].map((path) => expect.objectContaining({ path, reason: 'filtered' })),
      ),
    );
    const objects = await runGit(url, 'cat-file', '--batch-all-objects', '--batch', '--buffer');
    expect(objects).toContain('ENCRYPTED 1');
    expect(objects).not.toContain('secret');
    const bundle = join(place, '.notebook-sessions', 'protected-files.bundle');
    expect(statSync(bundle).mode & 0o777).toBe(0o600);
    await runGit(place, 'init', '--quiet', 'opened');
    await runGit(join(place, 'opened'), 'fetch', '--quiet', bundle, 'protected-files');
    expect(await runGit(join(place, 'opened'), 'show', 'FETCH_HEAD:one.key')).toBe('secret and changed');
  });

  it('saves a file that a filter protects from the index, if the file has not changed since it was staged', async () => {
    await work.git('config', 'filter.crypt.clean', "sed 's/secret/ENCRYPTED/'");
    await commitFiles(tree, { '.gitattributes': '*.key filter=crypt\n' }, 'keys');
    await work.git('push', '--quiet');
    work.write('one.key', 'secret 1\n');
    // Older than the index: git then knows without the filter that the file is unchanged.
    utimesSync(join(tree, 'one.key'), 0, 0);
    await work.git('add', 'one.key');
    const { result } = await work.save();
    expect(result).toMatchObject({ isVerified: true, notSaved: [] });
    const objects = await runGit(url, 'cat-file', '--batch-all-objects', '--batch', '--buffer');
    expect(objects).toContain('ENCRYPTED 1');
    expect(objects).not.toContain('secret');
  });
});
