import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { exclusively } from '../../../src/local/python/exclusive.ts';

const run = promisify(execFile);
const lists = join(import.meta.dirname, '../../session-python/environments');
const installMs = 540_000;

/** The minor versions of Python 3 for which a list is, and whether the oldest or the newest one is used. */
const pythonsOf = {
  newest: { from: 11, to: 13, prefer: 'newest' },
  oldest: { from: 8, to: 11, prefer: 'oldest' },
  'enterprise-gateway': { from: 10, to: 11, prefer: 'newest' },
} as const;

export type EnvironmentName = keyof typeof pythonsOf;

export interface Python {
  /** The version: 8 for Python 3.8. */
  readonly minor: number;
  readonly executable: string;
}

export interface Environment {
  readonly folder: string;
  readonly python: string;
  /** The folder of programs such as `jupyter`. */
  readonly bin: string;
}

let found: Promise<readonly Python[]> | undefined;

/** Returns each version of Python 3 on PATH and of pyenv once, the oldest first. */
export async function pythons(): Promise<readonly Python[]> {
  found ??= findPythons();
  return await found;
}

async function findPythons(): Promise<readonly Python[]> {
  const names = ['python3', ...Array.from({ length: 10 }, (_, at) => `python3.${at + 6}`)];
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  const versions = join(process.env['PYENV_ROOT'] ?? join(homedir(), '.pyenv'), 'versions');
  const ofPyenv = existsSync(versions) ? readdirSync(versions).map((name) => join(versions, name, 'bin/python3')) : [];
  const all = await Promise.all([...onPath, ...ofPyenv].filter((file) => existsSync(file)).map(versionOf));
  const byMinor = new Map(all.flatMap((each) => (each ? [[each.minor, each]] : [])));
  return [...byMinor.values()].sort((a, b) => a.minor - b.minor);
}

/** Returns undefined if the program does not run: pyenv has programs for versions that are not selected. */
async function versionOf(executable: string): Promise<Python | undefined> {
  try {
    const { stdout } = await run(executable, ['-c', 'import sys, venv, ensurepip; print(sys.version_info[1])']);
    return { minor: Number(stdout), executable };
  } catch {
    return undefined;
  }
}

/** Returns the Python for an environment, or undefined if the machine has none for it. */
export async function pythonFor(name: EnvironmentName): Promise<Python | undefined> {
  const { from, to, prefer } = pythonsOf[name];
  const usable = (await pythons()).filter(({ minor }) => minor >= from && minor <= to);
  return usable.at(prefer === 'oldest' ? 0 : -1);
}

/** Returns the environment with the packages of the list. It is created once for each list and Python, and kept in the cache. */
export async function environmentOf(name: EnvironmentName): Promise<Environment> {
  const base = await pythonFor(name);
  if (!base) throw new Error(`the machine has no Python for the environment ${name}`);
  const list = join(lists, `${name}.txt`);
  const key = createHash('sha256')
    .update(`${base.executable}\0${readFileSync(list, 'utf8')}`)
    .digest('hex')
    .slice(0, 16);
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'notebook-sessions');
  const folder = join(cache, `session-python-${name}-${key}`);
  const environment = { folder, python: join(folder, 'bin/python'), bin: join(folder, 'bin') };
  const marker = join(folder, 'complete');
  if (existsSync(marker)) return environment;
  await exclusively(
    `${folder}.lock`,
    AbortSignal.timeout(installMs),
    () => process.stderr.write(`  Waiting for another test that creates ${folder}\n`),
    async () => {
      if (existsSync(marker)) return;
      process.stderr.write(`  Creating ${folder}\n`);
      rmSync(folder, { recursive: true, force: true });
      await run(base.executable, ['-m', 'venv', folder]);
      const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', '--prefer-binary'];
      await run(environment.python, [...pip, '--require-hashes', '--requirement', list], { timeout: installMs });
      writeFileSync(marker, '');
    },
  );
  return environment;
}
