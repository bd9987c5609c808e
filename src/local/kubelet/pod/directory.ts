import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderName } from '../volumes/mounts.ts';

/** Where one pod's things are: `<state>/pods/<uid>/`, for the owner only. */
export class PodDirectory {
  readonly root: string;

  constructor(stateDir: string, uid: string) {
    this.root = join(stateDir, 'pods', folderName('subdomain', uid));
  }

  /** An emptyDir, or the files of a Secret or ConfigMap. */
  volume(name: string): string {
    return join(this.root, 'volumes', folderName('label', name));
  }

  container(name: string): string {
    return join(this.root, 'containers', folderName('label', name));
  }

  /** One run of a container's process: its log, and who it is and how it ended. */
  attempt(container: string, attempt: number): string {
    return join(this.container(container), String(attempt));
  }

  /** What stands for the rest of a container's own file system: paths that no volume holds. */
  scratch(container: string): string {
    return join(this.root, 'scratch', folderName('label', container));
  }

  /** The overlay environment of a session without a volume for it. */
  get environment(): string {
    return join(this.root, 'environment');
  }

  /** Jupyter's own configuration and run-time files. */
  get jupyter(): string {
    return join(this.root, 'jupyter');
  }
}

export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** Written whole or not at all, for the owner only. */
export async function writePrivateFile(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, file);
}

/** The file's JSON; undefined when it is missing or is not JSON (a machine that lost power while writing). */
export async function readJson<T>(file: string): Promise<T | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
