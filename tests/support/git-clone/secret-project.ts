import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import {
  ada,
  commitFiles,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../local/forge/served-forge.ts';
import type { CloneVariables } from './run-clone.ts';

/** The private project team/secret of ada, with the branches `main`, `other` and `topic/with/slashes`, and the tag `v1`. */
export interface SecretProject {
  readonly served: ServedForge;
  readonly token: string;
  /** A working tree of the project. */
  readonly tree: string;
  /** A commit on a branch that was deleted after the push. */
  readonly overwritten: string;
  /** The commits of `main`, oldest first. */
  readonly commits: readonly string[];
  /** The git directories of the forge, by the path of the project. */
  readonly gitDirs: ReadonlyMap<string, string>;
  readonly url: string;
  /** The folder of one test. */
  readonly workspace: string;
  /** Where the test clones to, in `workspace`. */
  readonly directory: string;
  /** Returns the variables of a clone of the second commit of `main`, with these changes. */
  variables(more?: CloneVariables): CloneVariables;
  /** Creates another private project of ada. Returns its URL with the token. */
  createProject(path: string): Promise<string>;
}

/** Serves the project for the tests of a file. After each test, there are no other files beside the clone. */
export function useSecretProject(): SecretProject {
  let served: ServedForge;
  let token: string;
  let tree: string;
  let overwritten: string;
  let commits: string[];
  const gitDirs = new Map<string, string>();
  let workspace: string;
  let directory: string;
  let number = 0;
  const secretUrl = () => `${served.url}/team/secret.git`;
  const variables = (more: CloneVariables = {}): CloneVariables => ({
    repositoryUrl: secretUrl(),
    gitUrl: served.url,
    branch: 'main',
    commitSha: commits[1] ?? '',
    username: 'ada',
    oauthToken: token,
    fullName: "Ada O'Neil Lovelace",
    email: 'ada@example.org',
    gitAutosave: '0',
    lfsAutoFetch: '0',
    mountPath: directory,
    timeoutSeconds: '20',
    ...more,
  });

  async function createProject(path: string): Promise<string> {
    const { gitDir } = await served.forge.createProject({
      namespace: 'team',
      path,
      members: [{ username: 'ada', accessLevel: 30 }],
    });
    gitDirs.set(path, gitDir);
    return withToken(`${served.url}/team/${path}.git`, token);
  }

  beforeAll(async () => {
    served = await serveForge();
    token = served.forge.issueToken(ada).token;
    tree = await makeRepository(
      join(served.scratch, 'tree'),
      { 'a.txt': '1\n' },
      { 'a.txt': '2\n' },
      { 'a.txt': '3\n' },
    );
    commits = (await runGit(tree, 'log', '--reverse', '--format=%H')).split('\n');
    await runGit(tree, 'tag', '--annotate', 'v1', '--message', 'one', commits[0] ?? '');
    await runGit(tree, 'branch', 'topic/with/slashes', commits[1] ?? '');
    await runGit(tree, 'checkout', '--quiet', '-b', 'other');
    await commitFiles(tree, { 'b.txt': 'b\n' }, 'only on other');
    await runGit(tree, 'push', '--quiet', '--all', await createProject('secret'));
    await runGit(tree, 'push', '--quiet', '--tags', withToken(secretUrl(), token));
    await runGit(tree, 'checkout', '--quiet', '-b', 'gone');
    overwritten = await commitFiles(tree, { 'c.txt': 'c\n' }, 'pushed over');
    await runGit(tree, 'push', '--quiet', withToken(secretUrl(), token), 'gone');
    await runGit(tree, 'push', '--quiet', withToken(secretUrl(), token), ':gone');
    await runGit(tree, 'checkout', '--quiet', 'other');
  });
  afterAll(() => served.close());
  beforeEach(() => {
    workspace = join(served.scratch, `workspace-${number++}`);
    mkdirSync(workspace);
    directory = join(workspace, 'team', 'secret');
  });
  afterEach(() => {
    served.intercept = () => false;
    if (existsSync(dirname(directory)))
      expect(readdirSync(dirname(directory)).filter((name) => name !== 'secret')).toEqual([]);
  });

  return {
    get served() {
      return served;
    },
    get token() {
      return token;
    },
    get tree() {
      return tree;
    },
    get overwritten() {
      return overwritten;
    },
    get commits() {
      return commits;
    },
    gitDirs,
    get url() {
      return secretUrl();
    },
    get workspace() {
      return workspace;
    },
    get directory() {
      return directory;
    },
    variables,
    createProject,
  };
}
