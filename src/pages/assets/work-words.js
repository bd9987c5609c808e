// @ts-check
/** Texts about the work in a session: what is not saved, saves and their failures. Pure. */
import { age, count, formatBytes, joined } from './format.js';

/** @typedef {import('./work-api.js').Work} Work */
/** @typedef {{ text: string, items: string[], more: number }} Group A sentence, some names, and the number of further names. */

const maxItems = 10;
const shortItems = 5;

/** @param {string} text @param {readonly string[]} [names] @param {number} [total] @returns {Group} */
const group = (text, names = [], total = names.length) => {
  const items = names.slice(0, maxItems);
  return { text, items, more: total - items.length };
};

/** Returns the groups with fewer names, for a question. @param {readonly Group[]} groups @returns {Group[]} */
export const shortened = (groups) =>
  groups.map(({ text, items, more }) => ({
    text,
    items: items.slice(0, shortItems),
    more: more + Math.max(0, items.length - shortItems),
  }));

/**
 * Returns what the session has and the repository does not.
 * @param {Work} work
 * @returns {Group[]}
 */
export function groupsOf({ files, branches, branchCount, tags, stashes, lfs, submodules, submoduleCount }) {
  return [
    ...(files.count > 0
      ? [group(`${count(files.count, 'file')} changed or new (${formatBytes(files.bytes)})`, files.names, files.count)]
      : []),
    ...branches
      .slice(0, maxItems)
      .map(({ name, commits }) =>
        group(
          `${count(commits, 'commit')} not pushed, ${name === null ? 'on no branch (detached HEAD)' : `branch ${name}`}`,
        ),
      ),
    ...moreOf(branchCount ?? branches.length, 'branch', 'branches'),
    ...(tags && tags.count > 0 ? [group(`${count(tags.count, 'tag')} not pushed`, tags.names, tags.count)] : []),
    ...(stashes > 0 ? [group(count(stashes, 'stash', 'stashes'))] : []),
    ...(lfs.objects > 0
      ? [group(`${count(lfs.objects, 'Git LFS object')} not uploaded (${formatBytes(lfs.bytes)})`)]
      : []),
    ...submodules.slice(0, maxItems).map(submoduleGroup),
    ...moreOf(submoduleCount ?? submodules.length, 'submodule', 'submodules'),
  ];
}

/** @param {number} total @param {string} one @param {string} many @returns {Group[]} */
function moreOf(total, one, many) {
  const more = total - maxItems;
  return more > 0 ? [group(`${more} more ${more === 1 ? one : many}`)] : [];
}

/** @param {Work['submodules'][number]} submodule */
function submoduleGroup({ path, files, commits, tags = 0 }) {
  const parts = [
    ...(files.count > 0 ? [`${count(files.count, 'file')} changed or new`] : []),
    ...(commits > 0 ? [`${count(commits, 'commit')} not pushed`] : []),
    ...(tags > 0 ? [`${count(tags, 'tag')} not pushed`] : []),
  ];
  const what = parts.length > 0 ? joined(parts) : 'a stash, or a merge or rebase in progress';
  return group(`Submodule ${path}: ${what}`, files.names, files.count);
}

/** Returns the sum of what is not in the repository: "3 files, 2 commits and 1 stash". @param {Work} work */
export function summaryOf({ files, branches, commits, tags, stashes, lfs, submodules, submoduleCount }) {
  const allCommits = commits ?? branches.reduce((sum, branch) => sum + branch.commits, 0);
  return joined([
    ...(files.count > 0 ? [count(files.count, 'file')] : []),
    ...(allCommits > 0 ? [count(allCommits, 'commit')] : []),
    ...(tags && tags.count > 0 ? [count(tags.count, 'tag')] : []),
    ...(stashes > 0 ? [count(stashes, 'stash', 'stashes')] : []),
    ...(lfs.objects > 0 ? [count(lfs.objects, 'LFS object')] : []),
    ...(submodules.length > 0 ? [`changes in ${count(submoduleCount ?? submodules.length, 'submodule')}`] : []),
  ]);
}

/** Why a file is not in a save. */
const notSavedReasons = {
  ignored: 'git ignores it, and it is large',
  'nested-repository': 'it is another repository',
  'special-file': 'it is a socket, pipe or device',
  unreadable: 'it cannot be read',
  changing: 'it changed during the whole save',
  'too-large': 'it is too large',
  filtered: 'a filter of the repository protects it, so only the volume has it',
  'earlier-save': 'it is an earlier save that was not restored, and only the volume of the session has it',
};

/**
 * Returns what no save has; null if there is nothing.
 * @param {readonly import('./work-api.js').NotSavedFile[]} files
 * @param {string} [title]
 * @returns {Group | null}
 */
export function notSavedGroup(files, title = 'No save has these:') {
  if (files.length === 0) return null;
  const texts = files.map(({ path, bytes, reason, message }) => {
    const size = bytes > 0 ? ` (${formatBytes(bytes)})` : '';
    const why = notSavedReasons[/** @type {keyof typeof notSavedReasons} */ (reason)] ?? reason;
    return `${path}${size}: ${why}${message === undefined ? '' : `. ${message}`}`;
  });
  return group(title, texts);
}

/**
 * Returns what became of the autosaves when the session started; null if there is nothing to say.
 * @param {import('./work-api.js').Recovered | null | undefined} recovered
 */
export function recoveryText(recovered) {
  if (!recovered) return null;
  const { branch, savedAt, isComplete, error, isDeleted, others } = recovered;
  const texts = [];
  if (!isComplete)
    texts.push(
      `The autosave ${branch} was not restored completely when the session started, and is kept. ${error ?? ''}`.trim(),
      'To try again, stop the session and launch it again before you change files.',
    );
  else if (!isDeleted)
    texts.push(
      `The work of an autosave${savedAt === null ? '' : ` (${age(savedAt)})`} was restored when the session started. The autosave is deleted when its content is pushed or in a later save.`,
    );
  if (others.length > 0)
    texts.push(
      `${count(others.length, 'older autosave')} of the same commit ${others.length === 1 ? 'is' : 'are'} kept.`,
    );
  return texts.length > 0 ? texts.join(' ') : null;
}

/** Returns whether a deletion of the session would lose nothing. @param {Work} work */
export const hasNothingToLose = ({ isClean, notSavable }) => isClean && notSavable.length === 0;

const stepTexts = {
  waiting: 'Waiting for the session',
  'stopping-kernels': 'Stopping kernels and terminals',
  scanning: 'Looking for changes',
  collecting: 'Collecting changes',
  pushing: 'Pushing to the repository',
  verifying: 'Verifying that the repository has everything',
  done: 'Complete',
};

/** Returns how far a save is. The API counts bytes while it pushes, and files otherwise. @param {import('./work-api.js').Progress} progress */
export function progressText({ step, done, total }) {
  const text = stepTexts[step] ?? step;
  if (done === 0 && total === null) return text;
  const amount = step === 'pushing' ? formatBytes : (/** @type {number} */ value) => count(value, 'file');
  return `${text} (${total === null ? amount(done) : `${step === 'pushing' ? formatBytes(done) : done} of ${amount(total)}`})`;
}

/** Whose fault a failed save is, by the reasons of the API. */
const failureTitles = {
  'push-rejected': 'The git server does not accept the save',
  unreachable: 'The git server does not respond',
  credentials: 'The git server does not accept your sign-in',
  'disk-full': 'The disk of the session is full',
  'no-repository': 'The repository in the session is missing or damaged',
  'not-verified': 'The repository does not have all of the work',
  'not-running': 'The session did not start, so its work could not be saved',
  'no-volume': 'The session has no volume for its files',
  'no-key': 'The platform no longer has the key of this session',
  timeout: 'The save took too long',
  cancelled: 'The save was cancelled',
  interrupted: 'The session ended during the save',
};

/** @param {string} reason */
export const failureTitle = (reason) =>
  failureTitles[/** @type {keyof typeof failureTitles} */ (reason)] ?? 'The platform could not save the work';

/**
 * Returns the result of a save that has ended.
 * @param {import('./work-api.js').Operation} operation
 * @returns {{ title: string, texts: string[], groups: Group[], isFailure: boolean }}
 */
export function resultOf({ state, result, error }) {
  if (state === 'cancelled')
    return {
      title: 'The save was cancelled.',
      texts: ['The files of the session are unchanged.'],
      groups: [],
      isFailure: false,
    };
  const notSaved = notSavedGroup(result?.notSaved ?? []);
  const changed = result?.changedMeanwhile ?? [];
  const groups = [
    ...(changed.length > 0
      ? [group('These files changed during the save. Save again to have their new content:', changed)]
      : []),
    ...(notSaved ? [notSaved] : []),
  ];
  if (state === 'failed') {
    const kept =
      result?.location === 'volume'
        ? ['The work is in a file on the volume of the session, which is pushed when the session starts the next time.']
        : [];
    return {
      title: `${failureTitle(error?.reason ?? '')}.`,
      texts: [error?.message ?? '', ...kept].filter(Boolean),
      groups,
      isFailure: true,
    };
  }
  if (result?.location === 'none' || !result)
    return { title: 'There was nothing to save.', texts: [], groups, isFailure: false };
  const parts = [
    ...(result.files > 0 ? [count(result.files, 'file')] : []),
    ...(result.commits > 0 ? [count(result.commits, 'commit')] : []),
  ];
  const what = parts.length > 0 ? `: ${joined(parts)}` : '';
  return { title: `Saved as an autosave in the repository${what}.`, texts: [], groups, isFailure: false };
}

/**
 * Returns what is in an autosave: "3 files changed, 1 commit".
 * @param {import('./work-api.js').AutosaveContent} content
 */
export function contentSummary({ files, commits, others }) {
  const atLeast = (/** @type {boolean} */ isComplete) => (isComplete ? '' : 'at least ');
  const parts = [
    ...(files.count > 0 ? [`${atLeast(files.isComplete)}${count(files.count, 'file')} changed`] : []),
    ...(commits.count > 0 ? [`${atLeast(commits.isComplete)}${count(commits.count, 'commit')}`] : []),
    ...(others > 0 ? [`${count(others, 'commit')} of other branches and stashes`] : []),
  ];
  return parts.length > 0 ? joined(parts) : 'No files changed';
}

/**
 * Returns the files and commits in an autosave.
 * @param {import('./work-api.js').AutosaveContent} content
 * @returns {Group[]}
 */
export function contentGroups({ files, commits }) {
  return [
    ...(files.count > 0 ? [group('Files that differ from the commit of the launch', files.names, files.count)] : []),
    ...(commits.count > 0
      ? [
          group(
            'Commits',
            commits.newest.map(({ commit_sha: sha, title }) => `${sha.slice(0, 8)} ${title}`),
            commits.count,
          ),
        ]
      : []),
  ];
}
