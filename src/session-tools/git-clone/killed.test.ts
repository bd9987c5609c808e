import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CloneVariables, runClone, startClone } from '../../../tests/support/git-clone/run-clone.ts';
import {
  ada,
  commitFiles,
  runGit,
  type ServedForge,
  serveForge,
} from '../../../tests/support/local/forge/served-forge.ts';
import { agentGit, type State, saveTools, settingsFor, stateOf } from '../../../tests/support/saves/work-tree.ts';
import {
  makeSessionTree,
  type SessionTree,
  writePrivateFolder,
} from '../../../tests/support/session-agent/agent-process.ts';
import { agentFolder, type RecoveryReport, recoveryFile } from '../../session-contract/agent.ts';
import { takeOverRecovered } from '../saves/recovered.ts';
import { save } from '../saves/save.ts';
import { readMemory } from '../saves/volume.ts';

/** git-clone, or its git, is killed at each step of a clone that restores an autosave. */

let served: ServedForge;
let session: SessionTree;
let saved: { branch: string; commit: string };
let before: State;
let variables: CloneVariables;
let place: string;
let number = 0;

/** The branch of the autosave in the repository of the git server; undefined if it was deleted. */
const refs = () => runGit(gitDirectory, 'for-each-ref', '--format=%(objectname)', `refs/heads/${saved.branch}`);
let gitDirectory: string;

beforeAll(async () => {
  served = await serveForge();
  const { token } = served.forge.issueToken(ada);
  session = await makeSessionTree(served, token, 'project');
  const repositories = join(served.directory, 'repositories');
  gitDirectory = join(repositories, readdirSync(repositories).find((name) => /^\d+\.git$/.test(name)) ?? '');
  const { tree, url, commit } = session;
  await commitFiles(tree, { 'c.txt': 'c\n' }, 'not pushed');
  await writeFile(join(tree, 'a.txt'), 'stashed\n');
  await runGit(tree, 'stash', '--quiet');
  await writeFile(join(tree, 'b.txt'), 'staged\n');
  await runGit(tree, 'add', 'b.txt');
  await writeFile(join(tree, 'new.txt'), 'new\n');
  before = await stateOf(tree);
  place = join(served.scratch, 'killed');
  writePrivateFolder(join(place, 'private'), url, token);
  const git = agentGit({
    GIT_CONFIG_NOSYSTEM: '0',
    GIT_CONFIG_SYSTEM: join(place, 'private/gitconfig'),
  });
  const { result } = await save(saveTools(git), settingsFor(tree, url, { rootCommit: commit }));
  saved = { branch: result.branch ?? '', commit: result.commit ?? '' };
  variables = {
    repositoryUrl: url,
    gitUrl: served.url,
    branch: 'main',
    commitSha: commit,
    oauthToken: token,
    username: 'ada',
    gitAutosave: '1',
    keepsVolume: '1',
    timeoutSeconds: '20',
  };
});
afterAll(() => served.close());

/** Runs git-clone, in which the process of git with this number is killed, alone or with the program. */
async function run(directory: string, step: number, victim: 'git' | 'program') {
  const bin = join(place, `bin-${number++}`);
  const steps = join(bin, 'steps');
  mkdirSync(steps, { recursive: true });
  await writeFile(
    join(bin, 'git'),
    `#!/bin/bash
n=1; until mkdir ${steps}/$n 2>/dev/null; do [ -d ${steps} ] || exit 1; n=$((n + 1)); done
[ $n = ${step} ] && kill -9 ${victim === 'program' ? '$PPID $$' : '$$'}
export PATH=${process.env['PATH']}
exec git "$@"
`,
    { mode: 0o755 },
  );
  const path = `${bin}:${process.env['PATH']}`;
  const { ended } = startClone({ ...variables, mountPath: directory }, { PATH: path });
  return { ...(await ended), steps: readdirSync(steps).length };
}

/** Kills the program, or only its git, at each of these steps; each run finds what the one before has left on the volume. */
async function killAt(steps: readonly number[], victim: 'git' | 'program'): Promise<void> {
  const volume = join(place, victim);
  const directory = join(volume, 'project');
  for (const step of steps) {
    const at = `${victim} ${step}`;
    await runGit(gitDirectory, 'update-ref', `refs/heads/${saved.branch}`, saved.commit);
    const { exitCode, output } = await run(directory, step, victim);
    if (victim === 'program') expect(exitCode, at).toBe(null);
    if (!existsSync(directory)) {
      expect(await refs(), at).toBe(saved.commit);
      continue;
    }
    const folder = join(volume, agentFolder);
    const { recovered }: RecoveryReport = JSON.parse(await readFile(join(folder, recoveryFile), 'utf8'));
    if (recovered.isComplete) expect(await stateOf(directory), at).toEqual(before);
    // An autosave that was not restored completely stays, and the log says so.
    else
      expect([victim, await refs(), output], at).toEqual(['git', saved.commit, expect.stringContaining('WARNING: ')]);
    // One that was not deleted is deleted by the agent, after its next save.
    await takeOverRecovered(folder);
    const { owned } = await readMemory(folder);
    expect(owned, at).toEqual(recovered.isComplete && (await refs()) !== '' ? [saved] : []);
    rmSync(volume, { recursive: true });
  }
  await runGit(gitDirectory, 'update-ref', `refs/heads/${saved.branch}`, saved.commit);
  const { exitCode, output } = await runClone({
    ...variables,
    mountPath: directory,
  });
  expect(exitCode, output).toBe(0);
  expect(await stateOf(directory)).toEqual(before);
  expect(readdirSync(volume).toSorted()).toEqual([agentFolder, 'project']);
  expect(await refs()).toBe('');
}

describe('a clone that restores an autosave', () => {
  it('and is killed at any step, or whose git is killed, loses nothing: the next start completes it', {
    timeout: 900_000,
  }, async () => {
    const complete = await run(join(place, 'complete/project'), 0, 'git');
    expect(complete.exitCode, complete.output).toBe(0);
    expect(await refs()).toBe('');
    expect(complete.steps).toBeGreaterThan(20);
    const steps = Array.from({ length: complete.steps }, (_, index) => index + 1);
    await killAt(steps, 'program');
    await killAt(
      steps.filter((step) => step % 3 === 0),
      'git',
    );
  });
});
