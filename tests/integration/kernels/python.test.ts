import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pythons } from '../../support/session-python/environment.ts';
import { sessionPython } from '../../support/session-python/supervisor.ts';

const run = promisify(execFile);
const env = { PATH: process.env['PATH'], PYTHONPATH: sessionPython, PYTHONDONTWRITEBYTECODE: '1' };
const options = { cwd: sessionPython, env, timeout: 120_000 };

it('the supervisor, its records and its API pass their unit tests', async () => {
  const { stderr } = await run('python3', ['-m', 'unittest', 'discover', 'tests'], options);
  expect(stderr).toMatch(/Ran \d\d tests in .*\n\nOK/);
});

const compile = `
import pathlib, sys
files = sorted(pathlib.Path("session_kernels").rglob("*.py"))
for file in files: compile(file.read_text(), str(file), "exec")
print(len(files))`;

const load = `
import session_kernels
class Server:
    class log:
        warning = staticmethod(lambda text, *values: print(text % values))
session_kernels._load_jupyter_server_extension(Server)`;

describe.each((await pythons()).map(({ minor, executable }) => [`3.${minor}`, executable, minor] as const))(
  'Python %s',
  (version, python, minor) => {
    it.runIf(minor >= 8)('compiles the package', async () => {
      const { stdout } = await run(python, ['-c', compile], options);
      expect(Number(stdout)).toBeGreaterThan(10);
    });

    it.runIf(minor < 8)('is too old, and the extension says so', async () => {
      const { stdout } = await run(python, ['-c', load], options);
      expect(stdout).toMatch(
        new RegExp(`^Kernels end with this server: .* with Python ${version} .*: it needs Python 3.8 or newer\\n$`),
      );
    });

    it.runIf(minor < 8)(
      'is too old for the supervisor: the server starts without, and its owner is told why',
      async () => {
        const folder = mkdtempSync(join(tmpdir(), 'old-python-'));
        onTestFinished(() => rmSync(folder, { recursive: true }));
        const bin = join(folder, 'bin');
        mkdirSync(bin);
        for (const name of ['python3', 'python']) symlinkSync(python, join(bin, name));
        const state = join(folder, 'state');
        const { stdout } = await run('/bin/sh', [join(sessionPython, 'start.sh'), state, 'echo', 'the server'], {
          env: { PATH: `${bin}:/usr/bin:/bin` },
          timeout: 120_000,
        });
        expect(stdout).toBe('the server\n');
        const reason = readFileSync(join(state, 'unavailable'), 'utf8');
        expect(reason).toMatch(
          new RegExp(`^Kernels end with .* the image has none: it has only Python ${version}\\.\n$`),
        );
      },
    );
  },
);

it('the supervisor becomes the Jupyter server if its folder cannot be used', async () => {
  const server = ['python3', '-c', 'print("server")'];
  const supervisor = ['-m', 'session_kernels.supervisor', '--state', '/proc/nowhere', '--', ...server];
  const { stdout, stderr } = await run('python3', supervisor, options);
  expect(stdout).toBe('server\n');
  expect(stderr).toMatch(/without the supervisor: the folder of the supervisor cannot be used: .*\/proc\/nowhere/);
});
