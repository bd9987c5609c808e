import type { Git } from '../git-clone/git.ts';
import type { NotSaved } from './not-savable.ts';
import { describeObjects, readObjects } from './run.ts';

/** What a save needs to bring tags back. */
export interface TagObjects {
  readonly tags: readonly { readonly name: string; readonly object: string }[];
  /** Tag objects, of annotated tags; those that others name come first. */
  readonly objects: readonly { readonly id: string; readonly bytes: string }[];
  readonly commits: readonly string[];
  readonly notSaved: readonly NotSaved[];
}

/** Tags of tags. */
const maxDepth = 5;

/** Reads the objects of tags of commits. Tags of files and folders are not saved. Throws GitFailure. */
export async function readTagObjects(git: Git, tags: ReadonlyMap<string, string>): Promise<TagObjects> {
  /** The object that a tag object names. */
  const targets = new Map<string, string>();
  const bytes = new Map<string, string>();
  const kinds = new Map<string, string>();
  let open = [...new Set(tags.values())];
  for (let depth = 0; depth < maxDepth && open.length > 0; depth++) {
    for (const [id, kind] of await describeObjects(git, open)) kinds.set(id, kind);
    const annotated = open.filter((id) => kinds.get(id) === 'tag');
    const contents = await readObjects(git, annotated);
    for (const [index, id] of annotated.entries()) {
      const content = contents[index] ?? '';
      bytes.set(id, content);
      targets.set(id, /^object ([0-9a-f]+)\n/.exec(content)?.[1] ?? '');
    }
    open = annotated.flatMap((id) => targets.get(id) ?? []);
  }
  const saved: TagObjects['tags'][number][] = [];
  const notSaved: NotSaved[] = [];
  const objects = new Map<string, string>();
  const commits = new Set<string>();
  for (const [name, object] of tags) {
    const chain: string[] = [];
    let end = object;
    for (; kinds.get(end) === 'tag' && chain.length < maxDepth; end = targets.get(end) ?? '') chain.push(end);
    if (kinds.get(end) !== 'commit') {
      notSaved.push({ path: `refs/tags/${name}`, bytes: 0, reason: 'special-file' });
      continue;
    }
    saved.push({ name, object });
    commits.add(end);
    for (const id of chain.toReversed()) objects.set(id, bytes.get(id) ?? '');
  }
  return {
    tags: saved,
    objects: [...objects].map(([id, content]) => ({ id, bytes: content })),
    commits: [...commits],
    notSaved,
  };
}
