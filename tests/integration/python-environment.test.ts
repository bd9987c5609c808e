import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { preparePython, removeEnvironments } from '../../src/local/python/prepare.ts';
import { python } from '../support/local/kubelet/python.ts';
import { makeWheel } from '../support/wheels.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'notebook-sessions-python-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const signal = AbortSignal.timeout(200_000);

it('the environment of the sessions is created again, with a message, if its files have changed, and not otherwise', async () => {
  const wheels = join(folder, 'wheels');
  // The part of Jupyter that is checked before a session starts.
  for (const [name, version, modules] of [
    ['jupyterlab', '4.0', ['jupyterlab/__init__.py', 'jupyterlab/labapp.py']],
    ['jupyter_server', '2.0', ['jupyter_server/__init__.py', 'jupyter_server/serverapp.py']],
    ['ipykernel', '6.0', ['ipykernel/__init__.py', 'ipykernel/kernelapp.py']],
  ] as const) {
    makeWheel(wheels, { name, version, files: Object.fromEntries(modules.map((path) => [path, ''])) });
  }
  const requirements = join(folder, 'requirements.txt');
  writeFileSync(requirements, `--no-index\n--find-links ${wheels}\njupyterlab\njupyter_server\nipykernel\n`);
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  symlinkSync(python, join(programs, 'python3'));
  const cacheDir = join(folder, 'cache');
  const said: string[] = [];
  const prepare = () =>
    preparePython({ cacheDir, progress: (line) => said.push(line), signal, path: programs, requirements });

  const environment = await prepare();
  said.length = 0;
  expect(await prepare()).toEqual(environment);
  expect(said).toEqual([]);

  const [packages = ''] = environment.sitePackages;
  const file = join(packages, 'jupyter_server/serverapp.py');
  rmSync(file);
  appendFileSync(join(packages, 'evil.py'), '');
  expect(await prepare()).toEqual(environment);
  expect(existsSync(file)).toBe(true);
  expect(existsSync(join(packages, 'evil.py'))).toBe(false);
  const directory = join(environment.python, '../..');
  expect(said).toContainEqual(
    expect.stringMatching(
      `The Python environment in ${directory} was changed \\(2 files, for example lib/.*\\): creating`,
    ),
  );

  for (const name of ['environments', 'uv-cache']) mkdirSync(join(cacheDir, name, 'kept'), { recursive: true });
  removeEnvironments(cacheDir);
  expect(existsSync(directory)).toBe(false);
  expect(readdirSync(cacheDir).filter((name) => !name.includes('.lock'))).toEqual([]);
});
