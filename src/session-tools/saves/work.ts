import type { components } from '../../generated/agent-api.ts';
import type { NotSaved } from './not-savable.ts';
import { toText } from './paths.ts';
import type { Repository } from './repository.ts';
import { isEmpty, type Scan } from './scan.ts';
import { inProgress } from './state-files.ts';
import type { Memory } from './volume.ts';

type Schemas = components['schemas'];
type Work = Schemas['Work'];

/** Entries of a list: a response has at most 1 MiB. */
const maxEntries = 100;
/** Names of files in each submodule. */
const maxInner = 10;
/** Characters of a name. */
const maxText = 500;

const maxAutosaves = 100;

/** Returns the answer of the API about what would be lost. */
export function describeWork(
  scan: Scan,
  { last, owned }: Memory,
  details: Required<Pick<Work, 'podUid' | 'recovered'>> & {
    readonly mayPush: boolean;
    readonly now: number;
    readonly earlierSaves: readonly NotSaved[];
  },
): Work {
  const { podUid, recovered, mayPush, now, earlierSaves } = details;
  const { repository, changes, branches, submodules } = scan;
  const isCurrent = last?.fingerprint === scan.fingerprint;
  const withChanges = submodules.filter((submodule) => !isEmpty(submodule.scan));
  return {
    podUid,
    checkedAt: new Date(now).toISOString(),
    branch: repository.head.branch === null ? null : short(repository.head.branch),
    commit: repository.head.commit,
    isClean: isEmpty(scan) || (isCurrent && last.location === 'remote'),
    canPush: mayPush,
    inProgress: inProgress(repository.state),
    files: describeFiles(changes),
    commits: scan.commits,
    branches: branches
      .toSorted((a, b) => b.commits - a.commits)
      .slice(0, maxEntries)
      .map(({ name, commits }) => ({ name: name === null ? null : short(name), commits })),
    branchCount: branches.length,
    tags: { count: repository.tags.size, names: [...repository.tags.keys()].slice(0, maxEntries).map(short) },
    stashes: repository.stashes.length,
    lfs: { objects: scan.lfs.objects, bytes: scan.lfs.bytes },
    submodules: withChanges.slice(0, maxEntries).map(({ path, scan: inner }) => ({
      path: short(toText(path)),
      files: describeFiles(inner.changes, maxInner),
      commits: inner.commits,
      tags: inner.repository.tags.size,
    })),
    submoduleCount: withChanges.length,
    remotes: listUnusableRemotes(repository).slice(0, maxEntries),
    notSavable: [...earlierSaves, ...scan.notSavable]
      .slice(0, maxEntries)
      .map((each) => ({ ...each, path: short(each.path) })),
    savedAs: last && {
      branch: last.branch,
      commit: last.commit,
      location: last.location,
      savedAt: last.savedAt,
      isCurrent,
    },
    recovered,
    autosaves: owned.slice(-maxAutosaves).map(({ branch }) => branch),
  };
}

/** Returns files with changes for the API. */
function describeFiles(changes: Scan['changes'], maxNames = maxEntries): Schemas['Files'] {
  const bytes = changes.reduce((sum, { stat }) => sum + (stat?.kind === 'file' ? stat.size : 0), 0);
  const names = changes.slice(0, maxNames).map(({ path }) => short(toText(path)));
  return { count: changes.length, bytes, names };
}

/** Returns the text, or its beginning and its end. */
const short = (text: string): string =>
  text.length <= maxText ? text : `${text.slice(0, maxText / 2)}…${text.slice(1 - maxText / 2)}`.toWellFormed();

/** Returns the remotes to which a session cannot push: it has credentials for http(s) only. */
function listUnusableRemotes({ config }: Repository): Work['remotes'] {
  return [...config].flatMap(([key, url]) => {
    const name = /^remote\.(.+)\.url$/.exec(key)?.[1];
    if (name === undefined || /^https?:\/\//i.test(url)) return [];
    const isSsh = /^ssh:\/\/|^[^/]+@[^/]+:/i.test(url);
    const reason = isSsh
      ? 'The session has no SSH key. Use the http(s) URL of the repository.'
      : 'Only http(s) URLs can be used in a session.';
    return [{ name: short(name), reason }];
  });
}
