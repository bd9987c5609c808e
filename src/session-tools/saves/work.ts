import type { components } from '../../generated/agent-api.ts';
import { toText } from './paths.ts';
import type { Repository } from './repository.ts';
import { describeFiles, isEmpty, type Scan } from './scan.ts';
import { inProgress } from './state-files.ts';
import type { Memory } from './volume.ts';

type Work = components['schemas']['Work'];

/** Returns the answer of the API about what would be lost. */
export function describeWork(
  scan: Scan,
  { last }: Memory,
  { podUid, mayPush, now }: { readonly podUid: string; readonly mayPush: boolean; readonly now: number },
): Work {
  const { repository, changes, branches, submodules } = scan;
  const isCurrent = last?.fingerprint === scan.fingerprint;
  const remotes = listUnusableRemotes(repository);
  return {
    podUid,
    checkedAt: new Date(now).toISOString(),
    branch: repository.head.branch,
    commit: repository.head.commit,
    isClean: isEmpty(scan) || (isCurrent && last.location === 'remote'),
    canPush: mayPush,
    inProgress: inProgress(repository.state),
    files: describeFiles(changes),
    branches: [...branches],
    stashes: repository.stashes.length,
    lfs: scan.lfs,
    submodules: submodules
      .filter((submodule) => !isEmpty(submodule.scan))
      .map(({ path, scan: inner }) => ({
        path: toText(path),
        files: describeFiles(inner.changes),
        commits: inner.commits,
      })),
    remotes,
    notSavable: [...scan.notSavable],
    savedAs: last && {
      branch: last.branch,
      commit: last.commit,
      location: last.location,
      savedAt: last.savedAt,
      isCurrent,
    },
  };
}

/** Returns the remotes to which a session cannot push: it has credentials for http(s) only. */
function listUnusableRemotes({ config }: Repository): Work['remotes'] {
  return [...config].flatMap(([key, url]) => {
    const name = /^remote\.(.+)\.url$/.exec(key)?.[1];
    if (name === undefined || /^https?:\/\//i.test(url)) return [];
    const isSsh = /^ssh:\/\/|^[^/]+@[^/]+:/i.test(url);
    const reason = isSsh
      ? 'The session has no SSH key. Use the http(s) URL of the repository.'
      : 'Only http(s) URLs can be used in a session.';
    return [{ name, reason }];
  });
}
