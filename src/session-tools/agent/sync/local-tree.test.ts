import fs, { closeSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { contentOf } from '../../../../tests/support/sync/two-sides.ts';
import { type FolderHandle, openTrusted } from './folder-handle.ts';
import { moveFile, type Place, putFile } from './local-moves.ts';
import { findEntry, LocalChange, type LocalEntry } from './local-tree.ts';

/** Moves of local files on volumes without hard links. */

const realLink = fs.linkSync;
let top: string;
let root: FolderHandle;
let agent: FolderHandle;

const setLink = (replacement: typeof fs.linkSync) => {
  fs.linkSync = replacement;
  syncBuiltinESMExports();
};
const inTree = (name: string) => join(top, 'tree', name);
const place = (name: string): Place => ({ folder: agent, name });
const entry = (path: string): LocalEntry => {
  const found = findEntry(root, path);
  if (!found) throw new Error(`There is no ${path}.`);
  return found;
};

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'sync-'));
  for (const name of ['tree', 'agent']) mkdirSync(join(top, name));
  root = openTrusted(join(top, 'tree'));
  agent = openTrusted(join(top, 'agent'));
  setLink(() => {
    throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
  });
});
afterEach(() => {
  setLink(realLink);
  closeSync(root);
  closeSync(agent);
  rmSync(top, { recursive: true });
});

it('on a volume without hard links, files are replaced and renamed, and no file of another program is replaced', () => {
  writeFileSync(inTree('a'), 'old');
  writeFileSync(join(top, 'agent/staged'), 'new');
  putFile(root, 'a', place('staged'), { entry: entry('a'), backup: place('backup') });
  expect(readFileSync(join(top, 'agent/backup'), 'utf8')).toBe('old');
  moveFile(root, entry('a'), 'b', place('aside'));
  expect(contentOf(join(top, 'tree'))).toEqual({ b: 'new' });
  writeFileSync(inTree('c'), 'c');
  expect(() => moveFile(root, entry('c'), 'b', place('aside'))).toThrow(LocalChange);
  expect(contentOf(join(top, 'tree'))).toEqual({ b: 'new', c: 'c' });
});

it('on a volume without hard links, a file that a program has changed stays at its path', () => {
  writeFileSync(inTree('a'), 'old');
  const old = entry('a');
  writeFileSync(inTree('a'), 'changed');
  writeFileSync(join(top, 'agent/staged'), 'new');
  expect(() => putFile(root, 'a', place('staged'), { entry: old, backup: place('backup') })).toThrow(LocalChange);
  expect(contentOf(join(top, 'tree'))).toEqual({ a: 'changed' });
});
