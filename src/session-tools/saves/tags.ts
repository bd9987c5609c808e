import { createHash, randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git-clone/git.ts';
import { readDescription } from './format.ts';
import { readReport, takenFile } from './recovered.ts';
import { listTags, type Remote } from './remote.ts';
import { exists, type Home, type Repository, readRepository, tagKey, textOf } from './repository.ts';
import { writePrivate } from './volume.ts';

/**
 * Tags have no remote-tracking references, so the agent remembers which tags the remote repository has: the file contains a line
 * (`tagKey`) for each.
 */
const file = 'remote-tags';

/** Returns the tags that the remote repository has had; empty if nothing is known. */
export async function readKnownTags(folder: string): Promise<Set<string>> {
  return new Set(((await textOf(join(folder, file))) ?? '').split('\n').filter((line) => line !== ''));
}

/**
 * Remembers the tags of a new clone as those of the remote repository, except for tags that `git-clone` has restored from a save. Throws
 * NoRepository and GitFailure.
 */
export async function rememberTags(git: Git, folder: string, directory: string): Promise<void> {
  if (await exists(join(folder, file))) return;
  const { tags } = await readRepository(git, directory, { url: '', knownTags: new Set() });
  // An earlier start may have taken the recovery over without an answer of git about the tags.
  const { recovered } = (await readReport(folder)) ?? (await readReport(folder, takenFile)) ?? {};
  const inside: Git = (args, options) => git(['-C', directory, ...args], options);
  const saved = recovered && (await readDescription(inside, recovered.commit));
  const restored = new Set(saved?.description?.tags.map(({ name }) => name) ?? []);
  const keys = [...tags].flatMap(([name, object]) => (restored.has(name) ? [] : [tagKey(name, object)]));
  await writeKnownTags(folder, keys);
}

/**
 * Reads a submodule with its local tags. The remotes of submodules are not asked: the user need not have access. A clone stores the tags
 * of the remote in `packed-refs`, and git a new tag in a file of its own: so the tags that are there when the submodule is seen for
 * the first time are those of its remote, except for tags in files. Throws NoRepository and GitFailure.
 */
export async function readSubmodule(
  git: Git,
  folder: string,
  directory: string,
  home: Home | undefined,
): Promise<Repository> {
  const repository = await readRepository(git, directory, { url: '', knownTags: new Set(), home });
  if (repository.tags.size === 0) return repository;
  const known = join(folder, `submodule-tags-${createHash('sha256').update(directory).digest('hex').slice(0, 32)}`);
  let keys = await textOf(known);
  if (keys === undefined) {
    const packed = (await textOf(join(repository.commonDirectory, 'packed-refs'))) ?? '';
    keys = [...packed.matchAll(/^([0-9a-f]+) refs\/tags\/(.+)$/gm)]
      .map(([, object = '', name = '']) => `${tagKey(name, object)}\n`)
      .join('');
    await writeOnce(known, keys);
  }
  const remote = new Set(keys.split('\n'));
  const tags = new Map([...repository.tags].filter(([name, object]) => !remote.has(tagKey(name, object))));
  return { ...repository, tags };
}

/** Writes a file that is complete or does not exist. Two scans at the same time write the same. */
async function writeOnce(file: string, content: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, content, { mode: 0o600 });
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Returns the repository without the tags that the remote repository has. Throws SaveFailure. */
export async function confirmTags(
  git: Git,
  folder: string,
  repository: Repository,
  remote: Remote,
): Promise<Repository> {
  if (repository.tags.size === 0) return repository;
  const found = await listTags(git, remote);
  const tags = new Map([...repository.tags].filter(([name, object]) => found.get(`refs/tags/${name}`) !== object));
  const keys = [...found].map(([ref, object]) => tagKey(ref.slice('refs/tags/'.length), object));
  await writeKnownTags(folder, keys);
  return { ...repository, tags };
}

const writeKnownTags = (folder: string, keys: readonly string[]): Promise<void> =>
  writePrivate(folder, file, keys.map((key) => `${key}\n`).join(''));
