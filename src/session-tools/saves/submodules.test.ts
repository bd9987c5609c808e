import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addSubmodule } from '../../../tests/support/git-clone/projects.ts';
import { commitFiles, makeRepository, runGit } from '../../../tests/support/local/forge/served-forge.ts';
import { makeSavedTree, type SavedTree } from '../../../tests/support/saves/saved-tree.ts';
import { stateOf } from '../../../tests/support/saves/work-tree.ts';
import { isEmpty } from './scan.ts';

/** Saves of submodules. */

let work: SavedTree;
let place: string;
let tree: string;
beforeEach(async () => {
  work = await makeSavedTree();
  ({ place, tree } = work);
});
afterEach(() => work.remove());

describe('a save', () => {
  it('of a submodule with a commit, changes and untracked files comes back from a bundle', async () => {
    const library = await makeRepository(join(place, 'library'), { 'l.txt': 'l\n' });
    await runGit(place, 'clone', '--quiet', '--bare', library, 'library.git');
    await addSubmodule(tree, 'lib', '../library.git', await runGit(library, 'rev-parse', 'HEAD'));
    await work.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init');
    await work.git('push', '--quiet');
    await commitFiles(join(tree, 'lib'), { 'l.txt': 'committed\n' }, 'in the submodule');
    work.write('lib/l.txt', 'edited\n');
    work.write('lib/new.txt', 'new\n');
    const [before, inner] = [await stateOf(tree), await stateOf(join(tree, 'lib'))];
    const saved = await work.save();
    expect(saved.result).toMatchObject({ isVerified: true });
    const copy = await work.restore(saved, true);
    expect(await stateOf(copy)).toEqual(before);
    expect(await stateOf(join(copy, 'lib'))).toEqual(inner);
    expect(await runGit(join(place, 'library.git'), 'rev-list', '--all', '--count')).toBe('1');
  });

  it('has the tags of a submodule that its remote does not have', async () => {
    const library = await makeRepository(join(place, 'library'), { 'l.txt': 'l\n' });
    await runGit(library, 'tag', 'of-the-remote');
    await runGit(place, 'clone', '--quiet', '--bare', library, 'library.git');
    await addSubmodule(tree, 'lib', '../library.git', await runGit(library, 'rev-parse', 'HEAD'));
    await work.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init');
    await work.git('push', '--quiet');
    const inside = (...args: string[]) => runGit(join(tree, 'lib'), ...args);
    const localTags = async () => [...((await work.scan()).submodules[0]?.scan.repository.tags.keys() ?? [])];
    // The first scan is after the first tag.
    await inside('tag', 'plain');
    expect(await localTags()).toEqual(['plain']);
    await inside('commit', '--quiet', '--allow-empty', '--message=not on a branch');
    await inside('tag', '--annotate', '--message=annotated', 'annotated');
    await inside('reset', '--quiet', '--hard', 'HEAD~1');
    await inside('pack-refs', '--all');
    expect(await localTags()).toEqual(['annotated', 'plain']);
    expect(isEmpty(await work.scan())).toBe(false);
    const saved = await work.save();
    expect(saved.result).toMatchObject({ isVerified: true, notSaved: [] });
    const tags = ['for-each-ref', '--format=%(refname) %(objectname) %(*objectname)', 'refs/tags'] as const;
    const copy = await work.restore(saved, true);
    expect(await runGit(join(copy, 'lib'), ...tags)).toBe(await inside(...tags));
    expect(await inside(...tags)).toContain('of-the-remote');
  });

  it('of a repository that is in the index without .gitmodules comes back from a bundle', async () => {
    const nested = await makeRepository(join(tree, 'nested'), { 'n.txt': 'n\n' });
    await work.git('-c', 'advice.addEmbeddedRepo=false', 'add', 'nested');
    work.write('nested/n.txt', 'edited\n');
    const [before, inner] = [await stateOf(tree), await stateOf(nested)];
    const copy = await work.restore(await work.save());
    expect(await stateOf(join(copy, 'nested'))).toEqual(inner);
    expect(await stateOf(copy)).toEqual(before);
  });

  it('of a submodule with a submodule keeps the changes in both', async () => {
    const bare = async (name: string, repository: string) => {
      await runGit(place, 'clone', '--quiet', '--bare', repository, `${name}.git`);
      return runGit(repository, 'rev-parse', 'HEAD');
    };
    const inner = await bare('inner', await makeRepository(join(place, 'inner'), { 'i.txt': 'i\n' }));
    const library = await makeRepository(join(place, 'library'), { 'l.txt': 'l\n' });
    await addSubmodule(library, 'inner', '../inner.git', inner);
    await addSubmodule(tree, 'lib', '../library.git', await bare('library', library));
    await work.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init', '--recursive');
    await work.git('push', '--quiet');
    work.write('lib/l.txt', 'edited\n');
    work.write('lib/inner/i.txt', 'edited\n');
    const copy = await work.restore(await work.save(), true);
    expect(readFileSync(join(copy, 'lib/l.txt'), 'utf8')).toBe('edited\n');
    expect(readFileSync(join(copy, 'lib/inner/i.txt'), 'utf8')).toBe('edited\n');
  });

  it('without a protected file of a submodule is not verified, also not the second time', async () => {
    const library = await makeRepository(join(place, 'library'), { '.gitattributes': '*.key filter=crypt\n' });
    await runGit(place, 'clone', '--quiet', '--bare', library, 'library.git');
    await addSubmodule(tree, 'lib', '../library.git', await runGit(library, 'rev-parse', 'HEAD'));
    await work.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init');
    await work.git('push', '--quiet');
    work.write('lib/one.key', 'secret\n');
    const notSaved = [{ path: 'lib/one.key', reason: 'filtered' }];
    for (let attempt = 0; attempt < 2; attempt++)
      expect((await work.save()).result).toMatchObject({ isVerified: false, notSaved });
  });
});
