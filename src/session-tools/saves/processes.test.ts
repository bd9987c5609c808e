import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeSavedTree, type SavedTree } from '../../../tests/support/saves/saved-tree.ts';
import { folderGit, saveTools, settingsFor } from '../../../tests/support/saves/work-tree.ts';
import type { Git } from '../git-clone/git.ts';
import { contextOf, save } from './save.ts';
import { scanRepository } from './scan.ts';

/** The number of git processes: on a busy machine, each costs more than its work. */

let work: SavedTree;
let commands: string[];
const counted: Git = (args, options) => {
  commands.push(args.join(' '));
  return folderGit()(args, options);
};

beforeEach(async () => {
  work = await makeSavedTree();
  work.write('a.txt', 'committed\n');
  await work.git('commit', '--quiet', '--all', '--message', 'not pushed');
  work.write('b.txt', 'edited\n');
  work.write('new.txt', 'new\n');
  commands = [];
});
afterEach(() => work.remove());

it('what would be lost is found with at most 6 processes of git', async () => {
  await scanRepository(counted, work.folder, work.tree, await contextOf(settingsFor(work.tree, work.url)));
  expect(commands.length, commands.join('\n')).toBeLessThanOrEqual(6);
});

it('a save needs at most 15 processes of git, and a save of what is saved already at most 6', async () => {
  const saveAll = () => save(saveTools(counted), settingsFor(work.tree, work.url));
  expect((await saveAll()).result).toMatchObject({ location: 'remote', isVerified: true });
  expect(commands.length, commands.join('\n')).toBeLessThanOrEqual(15);
  commands = [];
  expect((await saveAll()).result).toMatchObject({ location: 'remote', isVerified: true });
  expect(commands.length, commands.join('\n')).toBeLessThanOrEqual(6);
});
