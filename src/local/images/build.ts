import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deadline } from '../../lib/deadline.ts';
import { isDiskFull } from '../machine/disk.ts';
import { runToEnd } from '../machine/run-to-end.ts';
import type { PythonEnvironment } from '../python/types.ts';
import type { EnvironmentFile } from './declaration.ts';
import { BuildFailed, explainUv } from './explain.ts';
import { normalizedName } from './requirement.ts';
import type { EnvironmentStore } from './store.ts';

/** Bytes of the disk that environments must leave free for other programs. */
export const keptFreeBytes = 1_000_000_000;
const checkEveryMs = 500;

export interface Build {
  /** Name of the new folder. */
  folder: string;
  /** The file that lists the requirements, for messages. */
  file: EnvironmentFile;
  requirements: readonly string[];
  environment: PythonEnvironment;
  /** Returns the versions that the environment's kernel is compatible with (pip's format). */
  constraints: (signal: AbortSignal) => Promise<string>;
  uv: string;
  /** The whole environment of uv. */
  variables: Record<string, string>;
  store: EnvironmentStore;
  progress: (line: string) => void;
  deadline: Deadline;
}

/**
 * Installs the requirements into a new folder: a virtual environment that is a layer over the image's. Removes the folder
 * after a failure. Throws BuildFailed, DeadlineExceeded, or the reason of the abort.
 */
export async function build(request: Build): Promise<void> {
  const { folder, store, deadline } = request;
  const directory = store.folder(folder);
  const disk = watchDisk(store);
  const signal = AbortSignal.any([deadline.signal, disk.full]);
  try {
    await mkdir(directory, { mode: 0o700 });
    await install(directory, request, signal);
  } catch (error) {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    if (disk.full.aborted) throw disk.full.reason;
    if (isDiskFull(error)) throw diskFull(0);
    throw error;
  } finally {
    disk.stop();
  }
}

async function install(directory: string, request: Build, signal: AbortSignal): Promise<void> {
  const { file, requirements, environment, constraints, uv, variables, progress } = request;
  const [wanted, limits] = ['requirements.txt', 'kernel.txt'];
  await writeFile(join(directory, wanted), `${requirements.join('\n')}\n`);
  const call = async (...args: string[]) =>
    await runToEnd(uv, args, { cwd: directory, env: variables, onLine: progress, signal });
  const [made, versions] = await Promise.all([
    call('venv', '--quiet', '--no-project', '--allow-existing', '--python', environment.base, '.'),
    constraints(signal),
  ]);
  await writeFile(join(directory, limits), versions);
  if (!made.succeeded) throw new BuildFailed(explainUv(made.output, file));
  const target = ['--python', join('bin', 'python'), '--only-binary', ':all:', '--no-sources'];
  const alone = await call('pip', 'install', ...target, '-r', wanted, '-c', limits);
  if (alone.succeeded) return;
  if (!breaksKernel(alone.output, versions)) throw new BuildFailed(explainUv(alone.output, file));
  progress('The kernel of the image is not compatible with these versions: installing a compatible one (ipykernel)');
  const together = await call('pip', 'install', ...target, '-r', wanted, 'ipykernel');
  if (together.succeeded) return;
  throw new BuildFailed(`A compatible kernel (ipykernel) is required, too. ${explainUv(together.output, file)}`);
}

/** Returns true if uv found no solution because of a package that the image's kernel requires. */
function breaksKernel(output: readonly string[], constraints: string): boolean {
  const text = output.join(' ');
  if (!text.includes('No solution found')) return false;
  const words = new Set(text.split(/[^A-Za-z0-9._-]+/).map(normalizedName));
  return constraints.split('\n').some((line) => line !== '' && words.has(normalizedName(line)));
}

/** Returns the folder of the layer's packages. */
export async function sitePackagesOf(directory: string): Promise<string> {
  const [python] = (await readdir(join(directory, 'lib'))).filter((name) => name.startsWith('python'));
  return join(directory, 'lib', python ?? '', 'site-packages');
}

export const diskFull = (free: number): BuildFailed =>
  new BuildFailed(
    `The disk of this machine is nearly full (${Math.floor(free / 1e6)} MB are free, and the platform keeps ${keptFreeBytes / 1e6} MB free): free some space, then launch a new session.`,
  );

/** Returns a signal that aborts when a build is about to fill the disk. */
function watchDisk(store: EnvironmentStore): { full: AbortSignal; stop: () => void } {
  const full = new AbortController();
  const timer = setInterval(() => {
    store.free().then(
      (free) => {
        if (free < keptFreeBytes / 2) full.abort(diskFull(free));
      },
      (error: unknown) => full.abort(error),
    );
  }, checkEveryMs);
  return { full: full.signal, stop: () => clearInterval(timer) };
}
