import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freeBytes, isDiskFull } from '../machine/disk.ts';
import { readJson, writePrivateFile } from '../machine/private-files.ts';
import { runToEnd } from '../machine/run-to-end.ts';
import { UserError } from '../user-error.ts';
import { asEnvironment, describeInterpreter, type Interpreter } from './describe.ts';
import { changedFiles, recordFiles } from './environment-files.ts';
import { exclusively } from './exclusive.ts';
import type { Progress, PythonEnvironment } from './types.ts';

/** The environment has 249 MB (measured), and pip unpacks the downloaded packages in addition. */
const neededBytes = 600_000_000;
/** The file that is written last. A folder without this file is an interrupted installation. */
export const markerName = 'complete.json';

export interface VirtualEnvironmentRequest {
  /** The base Python. */
  python: string;
  /** The folder of the environment. The folder cannot be moved, because the environment's programs contain the path. */
  directory: string;
  requirements: string;
  progress: Progress;
  signal: AbortSignal;
}

/**
 * Returns the environment in `directory`. Creates it if it is missing or incomplete, or if its files have changed. Throws
 * UserError with the remedy.
 */
export async function virtualEnvironment(request: VirtualEnvironmentRequest): Promise<PythonEnvironment> {
  const { directory, progress, signal } = request;
  const finished = await readIntact(request, () => undefined);
  if (finished) return finished;
  return await exclusively(
    `${directory}.lock`,
    signal,
    () => progress('Waiting for another start of the platform, which creates the Python environment'),
    async () => (await readIntact(request, progress)) ?? (await create(request)),
  );
}

async function readIntact(
  { directory, signal }: VirtualEnvironmentRequest,
  progress: (line: string) => void,
): Promise<PythonEnvironment | undefined> {
  const finished = await readMarker(directory);
  const changed = finished && (await changedFiles(finished.base, directory, signal));
  if (!changed) return finished;
  progress(
    `The Python environment in ${directory} was changed (${changed.count} ${changed.count === 1 ? 'file' : 'files'}, ` +
      `for example ${changed.example}): creating it again`,
  );
  return undefined;
}

async function readMarker(directory: string): Promise<PythonEnvironment | undefined> {
  const interpreter = await readJson<Interpreter>(join(directory, markerName));
  return interpreter && asEnvironment(interpreter, directory);
}

async function create({ python, directory, requirements, progress, signal }: VirtualEnvironmentRequest) {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    await checkSpace(directory);
    progress('Creating a Python environment with JupyterLab (once; about 250 MB on disk)');
    await runStep(python, ['-E', '-m', 'venv', directory], signal);
    const own = join(directory, 'bin', 'python');
    const pip = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off'];
    const install = [...pip, '--prefer-binary', '--requirement', requirements];
    await runStep(own, install, signal, pipProgress(progress));
    progress('Checking the Python environment');
    const interpreter = await describeInterpreter(own, signal);
    const environment = interpreter && asEnvironment(interpreter, directory);
    if (!environment) {
      throw new UserError(
        `The Python environment in ${directory} was installed, but JupyterLab cannot be imported there` +
          `${interpreter?.importError ? ` (${interpreter.importError})` : ''}.\n` +
          'Install JupyterLab yourself so that `jupyter lab` works in this terminal, then start again.',
      );
    }
    await recordFiles(environment.base, directory, signal);
    await writePrivateFile(join(directory, markerName), JSON.stringify(interpreter, null, 2));
    return environment;
  } catch (error) {
    // Frees the disk. Without the marker, the next start creates the environment again in any case.
    await rm(directory, { recursive: true, force: true });
    signal.throwIfAborted();
    throw isDiskFull(error) ? new UserError(remedy('No space left on device', directory)) : error;
  }
}

async function checkSpace(directory: string): Promise<void> {
  const free = await freeBytes(directory);
  if (free < neededBytes) {
    throw new UserError(
      `The Python environment needs ${neededBytes / 1e6} MB in ${directory}, and ${Math.floor(free / 1e6)} MB are free.\n` +
        'Free some space, or set XDG_CACHE_HOME to a folder on another disk, then start again.',
    );
  }
}

/** Runs a program and waits for its end. Throws UserError if it fails. */
async function runStep(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
  onLine?: (line: string) => void,
): Promise<void> {
  const { succeeded, output } = await runToEnd(program, args, { signal, onLine });
  if (!succeeded) throw new UserError(remedy(output.join('\n'), program));
}

/**
 * Returns a function that turns pip's output into progress: a line when a long step begins, and a transient line with the
 * number of packages. The names of packages are not shown.
 */
export function pipProgress(progress: Progress): (line: string) => void {
  let collected = 0;
  return (line) => {
    if (/^Collecting [\w.-]+/.test(line)) {
      if (collected === 0) progress('Downloading JupyterLab and the packages that it needs (about a minute)');
      collected += 1;
      progress(`${collected} packages`, true);
    } else if (line.startsWith('Installing collected packages')) {
      progress('Installing the packages (about half a minute)');
    }
  };
}

const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /ensurepip is not available|No module named '?(venv|ensurepip)/,
    'This Python cannot create virtual environments. Install that part of it, on Debian and Ubuntu with\n' +
      '  sudo apt install python3-venv\nthen start again.',
  ],
  [
    /no space left on device|errno 28/i,
    'The disk is full. Free some space, or set XDG_CACHE_HOME to a folder on another disk, then start again.',
  ],
  [
    /name resolution|Name or service not known|NewConnectionError|Connection (refused|reset|aborted)|timed out|ProxyError|Network is unreachable|SSLError|Could not fetch URL/i,
    'The package index could not be reached. Connect to the network (behind a proxy: set HTTPS_PROXY; with a mirror of\n' +
      'your own: set PIP_INDEX_URL), then start again. Only the first start needs this.',
  ],
  [
    /No matching distribution found|Failed building wheel/,
    'A package has no build for this Python. Use another Python 3.9 or newer, or install JupyterLab yourself so that\n' +
      '`jupyter lab` works in this terminal, then start again.',
  ],
];

/** Returns the message for a failed step: the remedy, and the last output of the program. */
export function remedy(output: string, program: string): string {
  const known = remedies.find(([pattern]) => pattern.test(output))?.[1];
  const last = output
    .trim()
    .split('\n')
    .slice(-5)
    .map((line) => `  ${line.slice(0, 300)}`)
    .join('\n');
  return `The Python environment for the sessions could not be created.\n${known ?? `${program} failed.`}\n\nThe output was:\n${last}`;
}
