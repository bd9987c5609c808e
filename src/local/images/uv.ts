import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { exclusively } from '../python/exclusive.ts';
import type { PythonEnvironment } from '../python/types.ts';
import { BuildFailed } from './explain.ts';

const run = promisify(execFile);
const pinned = fileURLToPath(new URL('../python/requirements.txt', import.meta.url));
/** The oldest version that has all options that are used here. */
const oldest = [0, 5] as const;
const versionMs = 10_000;
const installMs = 120_000;

export interface UvPlace {
  environment: PythonEnvironment;
  cacheDir: string;
  /** The value of PATH in which uv is searched. */
  path: string;
}

/**
 * Returns the path of uv: from the environment (uv is in the pinned list of packages), from the machine, or from `cacheDir`,
 * where the environment's pip installs the pinned version. Throws BuildFailed if the installation fails.
 */
export async function findUv({ environment, cacheDir, path }: UvPlace, signal: AbortSignal): Promise<string> {
  const version = /^uv==(\S+)/m.exec(await readFile(pinned, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${pinned} names no version of uv`);
  const folder = join(cacheDir, `uv-${version}`);
  const installed = join(folder, 'bin', 'uv');
  const folders = [...environment.programs, ...path.split(delimiter).filter((each) => each.startsWith('/'))];
  for (const candidate of [...folders.map((each) => join(each, 'uv')), installed]) {
    if (existsSync(candidate) && (await isRecent(candidate, signal))) return candidate;
  }
  return await exclusively(
    `${folder}.lock`,
    signal,
    () => undefined,
    async () => {
      if (!existsSync(installed)) await install(environment.python, version, folder, signal);
      return installed;
    },
  );
}

async function isRecent(program: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { stdout } = await run(program, ['--version'], { signal, timeout: versionMs });
    const [, major, minor] = /^uv (\d+)\.(\d+)/.exec(stdout) ?? [];
    return Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
  } catch (error) {
    signal.throwIfAborted();
    // The program does not run, or is not uv.
    if (error instanceof Error) return false;
    throw error;
  }
}

async function install(python: string, version: string, folder: string, signal: AbortSignal): Promise<void> {
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const options = [
    '--no-input',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary',
    ':all:',
    '--target',
    unfinished,
  ];
  try {
    await run(python, ['-E', '-m', 'pip', 'install', ...options, `uv==${version}`], { signal, timeout: installMs });
  } catch (error) {
    signal.throwIfAborted();
    throw new BuildFailed(
      'uv, which installs the packages, is not on this machine and could not be installed. Install it (pip install uv), then launch a new session.',
      { cause: error },
    );
  }
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);
}
