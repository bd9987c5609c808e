import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { python } from '../../../tests/support/local/kubelet/python.ts';
import { changedFiles, recordFiles } from './environment-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'notebook-sessions-environment-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const signal = AbortSignal.timeout(60_000);

describe('the files of an environment', () => {
  const changed = () => changedFiles(python, folder, signal);
  beforeEach(async () => {
    mkdirSync(join(folder, 'lib/__pycache__'), { recursive: true });
    writeFileSync(join(folder, 'lib/module.py'), 'x = 1\n');
    writeFileSync(join(folder, 'lib/other name.py'), 'x = 2\n', { mode: 0o755 });
    writeFileSync(join(folder, 'lib/__pycache__/module.pyc'), 'compiled');
    symlinkSync('module.py', join(folder, 'lib/link.py'));
    await recordFiles(python, folder, signal);
  });

  it('are read-only, and unchanged at first', async () => {
    expect(statSync(join(folder, 'lib/module.py')).mode & 0o777).toBe(0o444);
    expect(statSync(join(folder, 'lib/other name.py')).mode & 0o777).toBe(0o555);
    expect(await changed()).toBeUndefined();
  });

  it('count as unchanged if Python adds compiled modules', async () => {
    writeFileSync(join(folder, 'lib/__pycache__/more.pyc'), 'compiled');
    mkdirSync(join(folder, 'new/__pycache__'), { recursive: true });
    writeFileSync(join(folder, 'new/__pycache__/more.pyc'), 'compiled');
    expect(await changed()).toBeUndefined();
  });

  it.each<[string, string, (file: (name: string) => string) => void]>([
    ['a changed', 'lib/module.py', (file) => rewrite(file('lib/module.py'), 'x = 3\n')],
    ['a longer', 'lib/other name.py', (file) => rewrite(file('lib/other name.py'), 'x = 2\ny = 3\n')],
    ['a removed', 'lib/module.py', (file) => rmSync(file('lib/module.py'))],
    ['an added', 'lib/added.py', (file) => writeFileSync(file('lib/added.py'), '')],
    ['a truncated compiled', 'lib/__pycache__/module.pyc', (file) => rewrite(file('lib/__pycache__/module.pyc'), '')],
  ])('count as changed if there is %s file: the result names %s', async (_, name, change) => {
    change((path) => join(folder, path));
    expect(await changed()).toEqual({ count: 1, example: name });
  });

  it('count as changed if their list is missing', async () => {
    rmSync(join(folder, 'files.txt'));
    expect(await changed()).toEqual({ count: 1, example: 'files.txt' });
  });
});

/** Replaces a read-only file, as root or a program can. */
function rewrite(file: string, text: string): void {
  rmSync(file);
  writeFileSync(file, text);
}
