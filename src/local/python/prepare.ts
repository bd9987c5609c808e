import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { access, chmod, constants, mkdir, readFile, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../command-line.ts';
import { asEnvironment, describeInterpreter, type Interpreter, isRecentEnough, oldestPython } from './describe.ts';
import { changedFiles } from './environment-files.ts';
import { recall, remember } from './remembered.ts';
import type { Progress, PythonEnvironment } from './types.ts';
import { markerName, virtualEnvironment } from './virtual-environment.ts';

const pinned = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const memoryName = 'python.json';
/** Of what is remembered; raised when its form changes. */
const layout = 2;
/** Tried in this order when no Python on PATH has JupyterLab. */
const pythonNames = ['python3', 'python', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3.9'];

export interface PreparePythonOptions {
  /** Usually `$XDG_CACHE_HOME/notebook-sessions`; made if it is not there. */
  cacheDir: string;
  /** Called with short lines for the person at the terminal, only while there is something to wait for. */
  progress: Progress;
  signal: AbortSignal;
  /** Default: the process's own. */
  path?: string;
  /** Default: the pinned list beside this file. */
  requirements?: string;
}

/**
 * Finds or makes the Python environment of the sessions: the machine's own, if `python3` or `jupyter` on PATH has
 * JupyterLab >= 4, jupyter_server >= 2 and ipykernel; else a virtual environment from the pinned list, kept in
 * `cacheDir`. A start after the first one reads a few files and compares those of the virtual environment with what was
 * noted when it was made.
 *
 * Throws UsageError, whose message says what is missing and how to mend it, and the signal's reason when aborted.
 */
export async function preparePython(options: PreparePythonOptions): Promise<PythonEnvironment> {
  const { cacheDir, progress, signal, path = process.env['PATH'] ?? '', requirements = pinned } = options;
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  // It may be there already, open to others: Node.js makes it for compiled code.
  await chmod(cacheDir, 0o700);
  const pins = await readFile(requirements);
  const programs = await findOnPath(['python3', 'jupyter', 'jupyter-lab'], path);
  const question = hash(
    JSON.stringify([layout, pins.toString('base64'), [...programs], fileURLToPath(import.meta.url)]),
  );
  const memory = join(cacheDir, memoryName);

  const known = await recall(memory, question);
  if (known && (await isIntact(known, cacheDir, signal))) return known;

  progress('Looking for a Python with JupyterLab');
  const found = await fromPath(programs, signal);
  if (found) {
    const [environment, interpreter] = found;
    await remember(memory, question, environment, interpreter.evidence);
    return environment;
  }
  const base = await basePython(path, signal);
  const version = base.version.join('.');
  const directory = join(cacheDir, `python-${hash(`${pins.toString('base64')}\0${version}`)}`);
  const environment = await virtualEnvironment({ python: base.executable, directory, requirements, progress, signal });
  // The interpreter is a link to the base Python: its evidence goes when the base is upgraded or removed.
  await remember(memory, question, environment, [environment.python, join(directory, markerName)]);
  return environment;
}

/** What the environments of projects are kept in, with the packages that uv has downloaded (`src/local/images`). */
const ofProjects = ['environments', 'uv-cache'];

/**
 * Removes all Python environments in `cacheDir`: those that `preparePython` keeps, what it remembers, and those of
 * projects. Locks stay: one may be held.
 */
export function removeEnvironments(cacheDir: string): void {
  for (const name of existsSync(cacheDir) ? readdirSync(cacheDir) : []) {
    const isBase = name === memoryName || (name.startsWith('python-') && !name.includes('.lock'));
    if (isBase || ofProjects.includes(name)) rmSync(join(cacheDir, name), { recursive: true, force: true });
  }
}

/** The machine's own environment is its owner's to change; one that was made here is as it was made, or made again. */
async function isIntact({ python, base }: PythonEnvironment, cacheDir: string, signal: AbortSignal): Promise<boolean> {
  const directory = dirname(dirname(python));
  return dirname(directory) !== cacheDir || (await changedFiles(base, directory, signal)) === undefined;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Name to path, for those of `names` that PATH has. */
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

/** The machine's own: `python3`, or the Python that runs `jupyter` (pipx and conda give it another than `python3`). */
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

/** The Python named in a script's first line, if that names one. */
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
  throw new UsageError(
    `Python ${oldestPython.join('.')} or newer was not found on PATH${versions.length > 0 ? ` (${versions.join(', ')})` : ''}. Install it:\n` +
      '  Debian, Ubuntu   sudo apt install python3 python3-venv\n' +
      '  Fedora           sudo dnf install python3\n' +
      '  macOS            brew install python\n' +
      'then start again.',
  );
}
