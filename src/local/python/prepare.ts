import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { access, chmod, constants, mkdir, readFile, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../user-error.ts';
import { asEnvironment, describeInterpreter, type Interpreter, isRecentEnough, oldestPython } from './describe.ts';
import { changedFiles } from './environment-files.ts';
import { recall, remember } from './remembered.ts';
import type { Progress, PythonEnvironment } from './types.ts';
import { markerName, virtualEnvironment } from './virtual-environment.ts';

const pinned = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const cacheName = 'python.json';
/** Version of the cached description's format. */
const formatVersion = 2;
/** Programs that are tried in this order if no Python on PATH has JupyterLab. */
const pythonNames = ['python3', 'python', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3.9'];

export interface PreparePythonOptions {
  /** Usually `$XDG_CACHE_HOME/notebook-sessions`; created if it is missing. */
  cacheDir: string;
  /** Called with short lines for the user at the terminal while the start takes time. */
  progress: Progress;
  signal: AbortSignal;
  /** The value of PATH; by default that of this process. */
  path?: string;
  /** By default the pinned list beside this file. */
  requirements?: string;
}

/**
 * Returns the Python environment of the sessions: the machine's own if `python3` or `jupyter` on PATH has JupyterLab >= 4,
 * jupyter_server >= 2 and ipykernel; otherwise a virtual environment in `cacheDir` with the packages of the pinned list, which
 * the first start creates. Later starts read a cached description and check the files of the virtual environment.
 *
 * Throws UserError with the error and the remedy, or the signal's reason.
 */
export async function preparePython(options: PreparePythonOptions): Promise<PythonEnvironment> {
  const { cacheDir, progress, signal, path = process.env['PATH'] ?? '', requirements = pinned } = options;
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  // Node.js may have created it for compiled code, readable by other users.
  await chmod(cacheDir, 0o700);
  const pins = await readFile(requirements);
  const programs = await findOnPath(['python3', 'jupyter', 'jupyter-lab'], path);
  const key = hash(
    JSON.stringify([formatVersion, pins.toString('base64'), [...programs], fileURLToPath(import.meta.url)]),
  );
  const cacheFile = join(cacheDir, cacheName);

  const cached = await recall(cacheFile, key);
  if (cached && (await isIntact(cached, cacheDir, signal))) return cached;

  progress('Looking for a Python with JupyterLab');
  const found = await fromPath(programs, signal);
  if (found) {
    const [environment, interpreter] = found;
    await remember(cacheFile, key, environment, interpreter.evidence);
    return environment;
  }
  const base = await basePython(path, signal);
  const version = base.version.join('.');
  const directory = join(cacheDir, `python-${hash(`${pins.toString('base64')}\0${version}`)}`);
  const environment = await virtualEnvironment({ python: base.executable, directory, requirements, progress, signal });
  // The interpreter is a link to the base Python, so it changes when the base is upgraded or removed.
  await remember(cacheFile, key, environment, [environment.python, join(directory, markerName)]);
  return environment;
}

/** The folders of projects' environments, and of the packages that uv has downloaded (`src/local/images`). */
const ofProjects = ['environments', 'uv-cache'];

/**
 * Removes all Python environments in `cacheDir`: those of `preparePython` with their description, and those of projects. Lock
 * files are kept, because another process may hold a lock.
 */
export function removeEnvironments(cacheDir: string): void {
  for (const name of existsSync(cacheDir) ? readdirSync(cacheDir) : []) {
    const isBase = name === cacheName || (name.startsWith('python-') && !name.includes('.lock'));
    if (isBase || ofProjects.includes(name)) rmSync(join(cacheDir, name), { recursive: true, force: true });
  }
}

/** Returns false if the files of a virtual environment of this program have changed. The machine's own Python may change. */
async function isIntact({ python, base }: PythonEnvironment, cacheDir: string, signal: AbortSignal): Promise<boolean> {
  const directory = dirname(dirname(python));
  return dirname(directory) !== cacheDir || (await changedFiles(base, directory, signal)) === undefined;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Returns the paths of those `names` that are programs on PATH, by name. */
async function findOnPath(names: readonly string[], path: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const folders = path.split(delimiter).filter((folder) => folder.startsWith('/'));
  for (const name of names) {
    for (const folder of folders) {
      const candidate = join(folder, name);
      if (await isProgram(candidate)) {
        found.set(name, candidate);
        break;
      }
    }
  }
  return found;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

/** Returns the machine's own environment: of `python3`, or of the Python that runs `jupyter`, as with pipx and conda. */
async function fromPath(
  programs: Map<string, string>,
  signal: AbortSignal,
): Promise<readonly [PythonEnvironment, Interpreter] | undefined> {
  const candidates = new Set<string>();
  const python = programs.get('python3');
  if (python) candidates.add(python);
  for (const name of ['jupyter-lab', 'jupyter']) {
    const program = programs.get(name);
    const runs = program && (await interpreterOf(program));
    if (runs) candidates.add(runs);
  }
  for (const candidate of candidates) {
    const interpreter = await describeInterpreter(candidate, signal);
    const environment = interpreter && asEnvironment(interpreter, interpreter.executable);
    if (environment) return [environment, interpreter];
  }
  return undefined;
}

/** Returns the Python in a script's first line; undefined if there is none. */
async function interpreterOf(script: string): Promise<string | undefined> {
  const [first = ''] = (await readFile(script, 'latin1')).slice(0, 512).split('\n', 1);
  const named = /^#!\s*(\/\S*python[\d.]*)\s*$/.exec(first)?.[1];
  return named && dirname(named) !== '/' ? named : undefined;
}

async function basePython(path: string, signal: AbortSignal): Promise<Interpreter> {
  const found = await findOnPath(pythonNames, path);
  const versions: string[] = [];
  for (const program of found.values()) {
    const interpreter = await describeInterpreter(program, signal);
    if (!interpreter) continue;
    if (isRecentEnough(interpreter)) return interpreter;
    versions.push(`${program} is ${interpreter.version.join('.')}`);
  }
  throw new UserError(
    `Python ${oldestPython.join('.')} or newer was not found on PATH${versions.length > 0 ? ` (${versions.join(', ')})` : ''}. Install it:\n` +
      '  Debian, Ubuntu   sudo apt install python3 python3-venv\n' +
      '  Fedora           sudo dnf install python3\n' +
      '  macOS            brew install python\n' +
      'then start again.',
  );
}
