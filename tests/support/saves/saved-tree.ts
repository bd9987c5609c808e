import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { contextOf, type Saved, type SaveSettings, save } from '../../../src/session-tools/saves/save.ts';
import { type Scan, scanRepository } from '../../../src/session-tools/saves/scan.ts';
import { makeRepository, runGit } from '../local/forge/served-forge.ts';
import { cloneAndRestore, folderGit, saveTools, settingsFor } from './work-tree.ts';

/** A work tree whose remote repository is a folder, with two commits that are pushed. */
export interface SavedTree {
  /** The folder with everything. */
  readonly place: string;
  readonly tree: string;
  /** The remote repository. */
  readonly url: string;
  /** The folder of the agent. */
  readonly folder: string;
  /** Runs git in the work tree. */
  git(...args: string[]): Promise<string>;
  write(path: string, content: string | Buffer): void;
  save(more?: Partial<SaveSettings>): Promise<Saved>;
  scan(): Promise<Scan>;
  /** Restores a save in a new clone, completely. Returns the clone. */
  restore(saved: Saved, submodules?: boolean): Promise<string>;
  remove(): void;
}

export async function makeSavedTree(parent = tmpdir()): Promise<SavedTree> {
  const place = mkdtempSync(join(parent, 'saved-tree-'));
  const [tree, url, folder] = [join(place, 'project'), join(place, 'remote.git'), join(place, '.notebook-sessions')];
  await runGit(place, 'init', '--quiet', '--bare', '--initial-branch=main', url);
  await makeRepository(tree, { 'a.txt': 'a\n', 'b.txt': 'b\n' }, { 'a.txt': 'a\nsecond\n' });
  await runGit(tree, 'remote', 'add', 'origin', url);
  await runGit(tree, 'push', '--quiet', '--set-upstream', 'origin', 'main');
  let number = 0;
  return {
    place,
    tree,
    url,
    folder,
    git: (...args) => runGit(tree, ...args),
    write(path, content) {
      mkdirSync(join(tree, path, '..'), { recursive: true });
      writeFileSync(join(tree, path), content);
    },
    save: (more = {}) => save(saveTools(folderGit()), settingsFor(tree, url, more)),
    scan: async () => scanRepository(folderGit(), folder, tree, await contextOf(settingsFor(tree, url))),
    async restore({ result }, submodules = false) {
      const copy = join(place, `restored-${number++}`);
      const saved = { branch: result.branch ?? '', commit: result.commit ?? '' };
      expect(await cloneAndRestore(folderGit(), url, copy, saved, submodules)).toEqual({ log: [], isComplete: true });
      return copy;
    },
    remove: () => rmSync(place, { recursive: true, force: true }),
  };
}
