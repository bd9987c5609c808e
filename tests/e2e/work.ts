import { expect } from 'vitest';
import type { components } from '../../src/generated/openapi.ts';
import type { Caller } from './caller.ts';
import type { Outage } from './faulty-projects.ts';
import { inSession, platform } from './platform.ts';
import { filtered, workBranch } from './work-project.ts';

/** The work in a session of the project `ada/work`, and its saves. */

type Operation = components['schemas']['Operation'];

const folder = '/home/jovyan/work/work';

/** Launches the branch with slashes in its name. */
export const workProject = () => ({
  ...{ namespace: 'ada', project: 'work', branch: workBranch },
  ...{ commit_sha: platform().backends.commits.work, storage: 1 },
});

/** Runs commands in the repository of the session. Throws an error with their output if one fails. */
export async function inRepository(name: string, commands: string): Promise<string> {
  const output = await inSession(name, `set -e; cd ${folder}; ${commands}\necho complete`);
  if (!output.endsWith('complete\n')) throw new Error(`${commands}\n${output}`);
  return output.slice(0, -'complete\n'.length);
}

/**
 * Changes everything that a save must keep: a tracked file, an untracked one and its mode, commits that are not pushed, staged
 * content that differs from the file, files of Git LFS, a second branch, a stash, a submodule, and a file whose filter must be used.
 */
export const changeEverything = (name: string): Promise<string> =>
  inRepository(
    name,
    `
echo edited >> tracked.txt
mkdir scripts && echo 'echo ran' > 'scripts/untracked file.sh' && chmod 755 scripts/*
echo stashed >> other.txt && git stash push --quiet -m 'for later' other.txt
git config filter.crypt.clean 'tr a-z n-za-m' && git config filter.crypt.smudge 'tr a-z n-za-m'
# Older than the index, so that git knows without the filter that the file is unchanged.
echo '${filtered.plain}' > ${filtered.file} && touch -d '1 hour ago' ${filtered.file}
echo committed > committed.txt && head -c 3000000 /dev/urandom > model.bin
git add committed.txt model.bin ${filtered.file} && git commit --quiet -m 'not pushed'
head -c 2000000 /dev/urandom > staged.bin && echo staged > staged.txt
git add staged.bin staged.txt && echo 'changed after' >> staged.txt
git branch second "$(git commit-tree -p HEAD -m 'on a second branch' 'HEAD^{tree}')"
cd part && echo committed >> README.md && git -c user.name=A -c user.email=a@example.org commit --quiet -a -m 'in the submodule'
echo edited >> README.md && echo new > new.txt`,
  );

/**
 * Returns what the session's repository and its work tree have: branches, the index, what git says about each file, stashes, kind,
 * mode and content of all files, and the same of the submodule. Not the content of the file with a filter, which a new clone shows
 * as it is stored.
 */
export const stateOf = (name: string): Promise<string> =>
  inRepository(
    name,
    `
state() {
  git symbolic-ref --quiet HEAD || echo detached
  git rev-parse HEAD
  git ls-files --stage
  git status --porcelain=v2 --untracked-files=all
  find . -name .git -prune -o -type f -printf '%m %p\\n' | sort
  find . -name .git -prune -o ! -name ${filtered.file} -type f -exec sha256sum {} + | sort
}
state
git for-each-ref --format='%(refname) %(objectname) %(upstream)' refs/heads
git stash list --format='%H %gs'
cd part && state`,
  );

/** Returns the names of the autosaves of the project, as the API lists them. */
export async function autosavesOf(caller: Caller): Promise<string[]> {
  const response = await caller.api('/ada/work/autosave');
  const { autosaves } = (await response.json()) as components['schemas']['AutosavesList'];
  return autosaves.map(({ name }) => name);
}

/** Starts a save and returns its operation. */
export async function startSave(caller: Caller, name: string): Promise<Operation> {
  const response = await caller.api(`/servers/${name}/save`, { method: 'POST' });
  expect(response.status).toBe(202);
  return (await response.json()) as Operation;
}

/** Polls until the operation is as expected. */
export async function untilOperation(
  caller: Caller,
  name: string,
  id: string,
  accepts: (operation: Operation) => boolean,
): Promise<Operation> {
  let last: unknown;
  await expect
    .poll(
      async () => {
        const response = await caller.api(`/servers/${name}/operations/${id}`);
        last = await response.json();
        return response.status === 200 && accepts(last as Operation);
      },
      { timeout: 120_000, interval: 250, message: `the operation ${id}` },
    )
    .toBe(true);
  return last as Operation;
}

/** Saves, and returns the operation when it has ended. */
export async function save(caller: Caller, name: string): Promise<Operation> {
  const { id } = await startSave(caller, name);
  return untilOperation(caller, name, id, ({ finishedAt }) => finishedAt !== null);
}

/** Runs `work` while git meets this outage in the project `ada/work`. */
export async function during<Result>(outage: Outage, work: () => Promise<Result>): Promise<Result> {
  const { origin } = new URL(platform().backends.gitUrl);
  const set = async (method: string) => {
    const response = await fetch(`${origin}/outages/${outage}/ada/work`, { method });
    expect(response.status).toBe(204);
  };
  await set('PUT');
  try {
    return await work();
  } finally {
    await set('DELETE');
  }
}
