import { fetchRefs, type Remote } from './remote.ts';
import type { Repository } from './repository.ts';
import { describeObjects } from './run.ts';
import { findUnpushed } from './scan.ts';
import { type Scratch, writeRefs } from './scratch.ts';

const tracking = 'refs/remotes/origin/';
const heading = 'refs/heads/';
/** More branches are not fetched: all commits that they may have are saved. */
const maxFetched = 50;

export interface Compared {
  /** The repository, with the branches of the remote repository as they are now. */
  readonly repository: Repository;
  /** Whether the remote repository has commits that are not here. */
  readonly isBehind: boolean;
}

/**
 * Replaces the remote-tracking branches, which the user's repository has from its last fetch, by the branches of the remote repository: a
 * branch may have been deleted or replaced, and then its commits are not pushed. Fetches new commits only if that decides whether
 * there is something to save. Throws SaveFailure and GitFailure.
 */
export async function compareWithRemote(
  scratch: Scratch,
  repository: Repository,
  remote: Remote,
  heads: ReadonlyMap<string, string>,
): Promise<Compared> {
  const tracked = [...repository.refs].filter(([name]) => name.startsWith(tracking) && name !== `${tracking}HEAD`);
  const current = (name: string) => heads.get(`${heading}${name.slice(tracking.length)}`);
  const changed = tracked.filter(([name, commit]) => current(name) !== commit);
  // The user can replace the remote, and then nothing of the session's repository is tracked.
  const untracked =
    tracked.length === 0 ? [...heads].map(([name]) => [tracking + name.slice(heading.length)] as const) : [];
  if (changed.length + untracked.length === 0) return { repository, isBehind: false };
  const candidates = [...changed, ...untracked].flatMap(([name]) => {
    const commit = current(name);
    return commit === undefined ? [] : [{ name, commit }];
  });
  const known = await describeObjects(
    scratch.git,
    candidates.map(({ commit }) => commit),
  );
  const missing = candidates.filter(({ commit }) => !known.has(commit));
  const before = await findUnpushed(scratch.git, repository);
  const withRefs = async (updates: readonly { name: string; commit: string }[]) => {
    const refs = new Map(repository.refs);
    for (const [name] of changed) refs.delete(name);
    refs.delete(`${tracking}HEAD`);
    for (const { name, commit } of updates) refs.set(name, commit);
    await writeRefs(scratch.directory, refs);
    return { ...repository, refs };
  };
  const updated = await withRefs(candidates.filter(({ commit }) => known.has(commit)));
  if (missing.length === 0) return { repository: updated, isBehind: false };
  const after = await findUnpushed(scratch.git, updated);
  if (after.commits <= before.commits || missing.length > maxFetched) return { repository: updated, isBehind: true };
  const refspecs = missing.map(
    ({ name }) => `+${heading}${name.slice(tracking.length)}:refs/notebook-sessions/${name}`,
  );
  await fetchRefs(scratch, remote, refspecs);
  return { repository: await withRefs(candidates), isBehind: false };
}
