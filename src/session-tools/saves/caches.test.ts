import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitFiles } from '../../../tests/support/local/forge/served-forge.ts';
import { makeSavedTree, type SavedTree } from '../../../tests/support/saves/saved-tree.ts';
import { hasAllWork } from '../../session-contract/save-result.ts';

let work: SavedTree;
const large = 'x'.repeat(2_000_000);
const tag = 'Signature: 8a477f597d28d172789f06886806bc55\n# a comment\n';
beforeEach(async () => {
  work = await makeSavedTree();
  const ignored = ['.venv/', '*.so', 'node_modules/', '__pycache__/', '.ipynb_checkpoints/', 'target/', 'data/'];
  await commitFiles(work.tree, { '.gitignore': `${ignored.join('\n')}\n`, 'web/package.json': '{}\n' }, 'ignore');
  await work.git('push', '--quiet');
});
afterEach(() => work.remove());

describe('a large ignored folder', () => {
  it('is not named if programs fill it again: a session with nothing else has all of its work saved', async () => {
    const caches = {
      '.venv/pyvenv.cfg': 'home = /usr/bin\n',
      '.venv/lib/python3.13/site-packages/a.so': large,
      // A new environment ignores itself.
      'tools/env/.gitignore': '*\n',
      'tools/env/pyvenv.cfg': 'home = /usr/bin\n',
      'tools/env/lib/a.py': large,
      'web/node_modules/a/index.js': large,
      'package/__pycache__/a.pyc': large,
      '.ipynb_checkpoints/a-checkpoint.ipynb': large,
      'target/CACHEDIR.TAG': tag,
      'target/debug/program': large,
      // Of this folder, only the cache is large.
      'data/small.csv': '1\n',
      'data/cache/CACHEDIR.TAG': tag,
      'data/cache/a.bin': large,
    };
    for (const [path, content] of Object.entries(caches)) work.write(path, content);
    expect((await work.scan()).notSavable).toEqual([]);
    work.write('a.txt', 'edited\n');
    const { result } = await work.save();
    expect([result.location, hasAllWork(result)]).toEqual(['remote', true]);
  });

  it('is named if it only looks like such a folder', async () => {
    work.write('node_modules/a/index.js', large);
    work.write('target/CACHEDIR.TAG', 'another text\n');
    work.write('target/a.bin', large);
    work.write('data/a.bin', large);
    symlinkSync(join(work.tree, 'web/package.json'), join(work.tree, 'data/pyvenv.cfg'));
    work.write('outside', tag);
    symlinkSync(join(work.tree, 'outside'), join(work.tree, 'data/CACHEDIR.TAG'));
    const { notSavable } = await work.scan();
    expect(notSavable.map(({ path, reason }) => `${reason} ${path}`).toSorted()).toEqual([
      'ignored data/',
      'ignored node_modules/',
      'ignored target/',
    ]);
  });
});
