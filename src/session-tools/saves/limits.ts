import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { hasCode } from '../../lib/error-code.ts';
import { sleep } from '../../lib/sleep.ts';
import type { Git } from '../git-clone/git.ts';
import { commandOf, GitTimeout } from './run.ts';

/** Milliseconds for a command that uses no network. */
const localMs = 600_000;
/** Milliseconds after which a command may be waiting for a pipe. The pause before the next search is twice as long. */
const firstSearchMs = 2000;
/** Milliseconds between two looks at known pipes. */
const pipeMs = 50;
/** Files that git reads in all folders of a work tree. */
const names = new Set(['.gitignore', '.gitattributes', '.gitmodules', '.lfsconfig', '.mailmap']);
/** Folders in which pipes are searched. */
const maxFolders = 200_000;

/**
 * Returns git whose commands end: with a time limit, and without waiting for pipes. Git opens a pipe with the name `.gitignore` or
 * `.gitattributes` like a file, and then waits for a program that writes. If a command takes long, such pipes in the work tree are
 * opened for writing and closed, and git reads them as empty files.
 */
export function withLimits(git: Git, workTree: string): Git {
  return async (args, options) => {
    const limitMs = options?.limitMs ?? localMs;
    const ended = new AbortController();
    const started = performance.now();
    const watched = releasePipes(Buffer.from(workTree), ended.signal);
    try {
      const result = await git(args, { ...options, limitMs });
      if (result.exitCode === null && performance.now() - started >= limitMs)
        throw new GitTimeout(`git ${commandOf(args)} took longer than ${Math.round(limitMs / 1000)} s`);
      return result;
    } finally {
      ended.abort();
      await watched;
    }
  };
}

async function releasePipes(workTree: Buffer, ended: AbortSignal): Promise<void> {
  let pipes: readonly Buffer[] = [];
  let searchMs = firstSearchMs;
  let searchAt = performance.now() + searchMs;
  while (!ended.aborted) {
    await sleep(pipes.length > 0 ? pipeMs : searchMs, ended);
    if (!ended.aborted && performance.now() >= searchAt) {
      pipes = await findPipes(workTree, ended);
      searchMs *= 2;
      searchAt = performance.now() + searchMs;
    }
    for (const pipe of pipes) await release(pipe);
  }
}

async function findPipes(workTree: Buffer, ended: AbortSignal): Promise<Buffer[]> {
  const pipes: Buffer[] = [];
  const folders = [workTree];
  for (let left = maxFolders; left > 0 && !ended.aborted; left--) {
    const folder = folders.pop();
    if (!folder) break;
    for (const entry of await entriesOf(folder)) {
      const path = Buffer.concat([folder, Buffer.from('/'), entry.name]);
      if (entry.isDirectory() && entry.name.toString() !== '.git') folders.push(path);
      else if (entry.isFIFO() && names.has(entry.name.toString())) pipes.push(path);
    }
  }
  return pipes;
}

/** Opens and closes a pipe. Without a reader, and for a file that is no pipe any more, nothing happens. */
async function release(path: Buffer): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  try {
    const pipe = await open(path, flags);
    await pipe.close();
  } catch (error) {
    if (!hasCode(error, 'ENXIO', 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'EPERM', 'ETXTBSY')) throw error;
  }
}

async function entriesOf(folder: Buffer) {
  try {
    return await readdir(folder, { encoding: 'buffer', withFileTypes: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}
