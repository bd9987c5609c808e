/** Checks all shell scripts with shellcheck. Without shellcheck, fails only in CI. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Returns whether the file begins with a line that names a shell. */
function isShellScript(file: string): boolean {
  const start = Buffer.alloc(32);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, start);
  closeSync(descriptor);
  return /^#!(?:\/usr\/bin\/env |\/bin\/)(?:ba|da)?sh\s/.test(start.toString('latin1'));
}

const scripts = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((name) => name !== '' && existsSync(join(root, name)) && isShellScript(join(root, name)));
const { error, status } = spawnSync('shellcheck', scripts, { cwd: root, stdio: 'inherit' });
if (error) {
  process.stdout.write(
    `ATTENTION: the shell scripts were not checked, because shellcheck is missing: ${error.message}\n`,
  );
  process.exitCode = process.env['CI'] ? 1 : 0;
} else if (status !== 0) {
  process.exitCode = 1;
} else {
  process.stdout.write(`shellcheck accepts ${scripts.length} shell scripts\n`);
}
