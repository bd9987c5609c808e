import { join } from 'node:path';
import { kindOf } from '../git-clone/files.ts';
import type { Git } from '../git-clone/git.ts';
import { storeContents } from './blobs.ts';
import type { Change } from './changes.ts';
import type { CollectSettings } from './collect-settings.ts';
import { descriptionFile, folder, type SaveDescription, type UnmergedEntry, writeDescription } from './format.ts';
import type { Entry, NewCommit } from './import-commits.ts';
import type { LargeFiles } from './large-files.ts';
import { lfsFile } from './lfs-objects.ts';
import type { NotSaved } from './not-savable.ts';
import { fromText, type RepositoryPath, toText } from './paths.ts';
import { textOf } from './repository.ts';
import { describeObjects, findPresent } from './run.ts';
import type { Scan } from './scan.ts';
import { isPartial, type Scratch } from './scratch.ts';
import { isStateFile, objectsIn } from './state-files.ts';
import { readTagObjects } from './tag-objects.ts';

interface Details {
  readonly index: { readonly tree: string; readonly unmerged: readonly UnmergedEntry[] };
  readonly included: readonly Change[];
  readonly large: LargeFiles | undefined;
  readonly settings: CollectSettings;
  /** Files that the work tree may get as they are, and their contents. */
  readonly raw: ReadonlyMap<RepositoryPath, string>;
}

/** Returns the commit of the description, which is to be created. Throws GitFailure. */
export async function describeSave(
  scratch: Scratch,
  scan: Scan,
  details: Details,
): Promise<{ commit: NewCommit; notSaved: readonly NotSaved[] }> {
  const { git } = scratch;
  const { repository } = scan;
  const { index, settings } = details;
  const state = await readState(repository.gitDirectory, repository.state);
  const tags = await readTagObjects(git, repository.tags);
  const conflicts = index.unmerged.filter(({ mode }) => mode !== '160000');
  const present = await findPresent(
    git,
    conflicts.map(({ object }) => object),
  );
  // A partial clone need not have the common ancestor of a conflict: the remote repository has it.
  const lost = isPartial(repository) ? [] : conflicts.filter(({ object }) => !present.has(object));
  const lfs = settings.isSubmodule ? await findFiles(repository.commonDirectory, scan.lfs.committed) : [];
  const description = writeDescription({
    ...describe(scan, details),
    state: state.map(({ name }) => name),
    tags: tags.tags,
    tagObjects: tags.objects.map(({ id }) => id),
    lfsObjects: lfs.map(({ id }) => id),
  });
  // These may be larger than the memory.
  const files = [
    ...settings.submodules.map(({ bundle }, number) => ({ path: `${folder.submodules}/${number}`, file: bundle })),
    ...lfs.map(({ file }, number) => ({ path: `${folder.lfs}/${number}`, file })),
  ];
  const objects = await storeContents(scratch, files);
  const blob = (path: string, object: string): Entry => ({ path, kind: 'blob', object });
  const entries: Entry[] = [
    { path: descriptionFile, bytes: fromText(description) },
    ...state.map(({ name, content }) => ({ path: `${folder.state}/${name}`, bytes: content })),
    ...tags.objects.map(({ bytes }, number) => ({ path: `${folder.tags}/${number}`, bytes })),
    ...files.map(({ path }, number) => blob(path, objects[number] ?? '')),
    ...[...details.raw.values()].map((object, number) => blob(`${folder.raw}/${number}`, object)),
    ...[...present].map((object, number) => blob(`${folder.unmerged}/${number}`, object)),
    { path: folder.index, kind: 'tree', object: index.tree },
  ];
  const parents = await findParents(git, scan, [...settings.former, ...tags.commits], state);
  const message = `Details of the save: ${settings.message}`;
  const damaged = lost.map(({ path }): NotSaved => ({ path: toText(path), bytes: 0, reason: 'unreadable' }));
  return { commit: { message, parents, entries }, notSaved: [...tags.notSaved, ...damaged] };
}

/** Returns the files of the Git LFS objects that are here. */
async function findFiles(directory: string, ids: readonly string[]): Promise<{ id: string; file: string }[]> {
  const found: { id: string; file: string }[] = [];
  for (const id of ids) {
    const file = lfsFile(directory, id);
    // No links: they could lead to files of the agent.
    if ((await kindOf(file)) === 'file') found.push({ id, file });
  }
  return found;
}

function describe(
  { repository, hidden }: Scan,
  { index, included, large, settings, raw }: Details,
): Omit<SaveDescription, 'state' | 'tags' | 'tagObjects' | 'lfsObjects'> {
  return {
    savedAt: settings.savedAt.toISOString(),
    head: repository.head,
    unmerged: index.unmerged,
    intentToAdd: included.filter(({ state: xy }) => xy === '.A').map(({ path }) => path),
    branches: branchesOf(repository),
    stashes: repository.stashes,
    submodules: settings.submodules.map(({ path, commit }) => ({ path, commit })),
    modes: included.flatMap(({ path, stat }) =>
      stat?.kind === 'file' && stat.mode !== 0o644 && stat.mode !== 0o755 ? [{ path, mode: stat.mode }] : [],
    ),
    raw: [...raw.keys()],
    added: large && !large.isReplaced ? ['.gitattributes'] : [],
    lfs: settings.isSubmodule
      ? []
      : included.flatMap(({ path, stat, attributes }) =>
          stat?.kind === 'file' && (attributes.filter === 'lfs' || large?.paths.has(path)) ? [path] : [],
        ),
    former: settings.former,
    ...hidden,
  };
}

/** Returns the contents as bytes (`latin1`): a patch can have any encoding. */
async function readState(gitDirectory: string, names: readonly string[]): Promise<{ name: string; content: string }[]> {
  const read = names.map(async (name) => ({ name, content: await textOf(join(gitDirectory, name), 'latin1') }));
  return (await Promise.all(read)).flatMap(({ name, content }) =>
    content !== undefined && isStateFile(name, content) ? [{ name, content }] : [],
  );
}

function branchesOf({ refs, config }: Scan['repository']): SaveDescription['branches'] {
  return [...refs].flatMap(([ref, commit]) => {
    const name = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
    if (name === undefined) return [];
    const of = (key: string) => config.get(`branch.${name}.${key}`) ?? null;
    return [{ name, commit, remote: of('remote'), merge: of('merge') }];
  });
}

/** Returns the commits that the save must keep, besides HEAD. */
async function findParents(
  git: Git,
  { repository }: Scan,
  others: readonly string[],
  state: readonly { readonly content: string }[],
): Promise<string[]> {
  const { refs, stashes, head } = repository;
  const named = state.flatMap(({ content }) => objectsIn(content));
  const tips = [...refs].flatMap(([ref, commit]) => (ref.startsWith('refs/heads/') ? [commit] : []));
  // Git may have removed the commits of old stashes, and a state can name any object.
  const uncertain = [...new Set([...stashes.map(({ commit }) => commit), ...named])];
  const kinds = await describeObjects(git, uncertain);
  const known = uncertain.filter((id) => kinds.get(id) === 'commit');
  return [...new Set([...tips, ...known, ...others])].filter((commit) => commit !== head.commit);
}
