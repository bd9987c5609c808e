import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { hasCode } from '../../lib/error-code.ts';
import { statOf } from './changes.ts';
import { type RepositoryPath, toFile } from './paths.ts';

/** The content with which the file CACHEDIR.TAG marks a folder as a cache (https://bford.info/cachedir/). */
const tag = 'Signature: 8a477f597d28d172789f06886806bc55';
const names: ReadonlySet<string> = new Set(['__pycache__', '.ipynb_checkpoints']);

/** Returns whether a folder of the work tree is a cache: programs create its content again from files that a save has. */
export type IsCache = (path: RepositoryPath) => Promise<boolean>;

/** Returns a function that also knows paths below a cache. It remembers its results: use it for one scan. */
export function createCaches(directory: string): IsCache {
  const known = new Map<RepositoryPath, Promise<boolean>>();
  const isCache: IsCache = async (path) => {
    const end = path.lastIndexOf('/');
    return (end > 0 && (await find(path.slice(0, end)))) || (await isMarked(directory, path));
  };
  const find: IsCache = (path) => {
    const found = known.get(path) ?? isCache(path);
    known.set(path, found);
    return found;
  };
  return (path) => find(path.replace(/\/$/, ''));
}

async function isMarked(directory: string, path: RepositoryPath): Promise<boolean> {
  const end = path.lastIndexOf('/') + 1;
  const name = path.slice(end);
  const hasFile = (file: RepositoryPath) => statOf(directory, file)?.kind === 'file';
  return (
    names.has(name) ||
    (name === 'node_modules' && hasFile(`${path.slice(0, end)}package.json`)) ||
    hasFile(`${path}/pyvenv.cfg`) ||
    (await beginsWith(toFile(directory, `${path}/CACHEDIR.TAG`), tag))
  );
}

async function beginsWith(file: Buffer, text: string): Promise<boolean> {
  let opened: FileHandle;
  try {
    opened = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EACCES')) return false;
    throw error;
  }
  try {
    if (!(await opened.stat()).isFile()) return false;
    const { buffer, bytesRead } = await opened.read({ buffer: Buffer.alloc(text.length) });
    return buffer.toString('latin1', 0, bytesRead) === text;
  } finally {
    await opened.close();
  }
}
