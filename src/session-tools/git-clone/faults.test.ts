import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addSubmodule } from '../../../tests/support/git-clone/projects.ts';
import { type CloneVariables, runClone } from '../../../tests/support/git-clone/run-clone.ts';
import {
  ada,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../../../tests/support/local/forge/served-forge.ts';
import { agentGit, type State, saveTools, settingsFor, stateOf } from '../../../tests/support/saves/work-tree.ts';
import { makeSessionTree, writePrivateFolder } from '../../../tests/support/session-agent/agent-process.ts';
import { save } from '../saves/save.ts';

/** The git server fails at each request of a clone with an autosave, files in Git LFS and a submodule. */

let served: ServedForge;
let variables: CloneVariables;
let saved: { branch: string; commit: string };
let before: State;
let gitDirectory: string;
let number = 0;

beforeAll(async () => {
  served = await serveForge();
  const { token } = served.forge.issueToken(ada);
  const repositories = join(served.directory, 'repositories');
  const session = await makeSessionTree(served, token, 'project', {
    'a.txt': 'a\n',
    '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
  });
  gitDirectory = join(repositories, readdirSync(repositories).find((name) => /^\d+\.git$/.test(name)) ?? '');
  const library = await makeSessionTree(served, token, 'library');
  const { tree, url, volume } = session;
  await addSubmodule(tree, 'lib', '../library.git', library.commit);
  const header = `http.extraHeader=Authorization: Basic ${btoa(`oauth2:${token}`)}`;
  await runGit(tree, '-c', header, 'submodule', '--quiet', 'update', '--init');
  await runGit(tree, 'push', '--quiet', withToken(url, token), 'HEAD:main');
  await runGit(tree, 'update-ref', 'refs/remotes/origin/main', 'HEAD');
  const commitSha = await runGit(tree, 'rev-parse', 'HEAD');
  writeFileSync(join(tree, 'a.txt'), 'edited\n');
  writeFileSync(join(tree, 'data.bin'), 'data\n'.repeat(1000));
  writeFileSync(join(tree, 'lib/new.txt'), 'new\n');
  before = await stateOf(tree);
  writePrivateFolder(join(volume, 'private'), url, token);
  const git = agentGit({
    GIT_CONFIG_NOSYSTEM: '0',
    GIT_CONFIG_SYSTEM: join(volume, 'private/gitconfig'),
  });
  const { result } = await save(saveTools(git), settingsFor(tree, url, { rootCommit: commitSha }));
  saved = { branch: result.branch ?? '', commit: result.commit ?? '' };
  variables = {
    repositoryUrl: url,
    gitUrl: served.url,
    branch: 'main',
    commitSha,
    oauthToken: token,
    username: 'ada',
    gitAutosave: '1',
    keepsVolume: '1',
    lfsAutoFetch: '1',
  };
});
afterEach(() => {
  served.intercept = () => false;
});
afterAll(() => served.close());

/** Runs a clone whose requests after the first ones fail. Returns the number of requests, too. */
async function run(answered: number, fail: (response: ServerResponse) => void, timeoutSeconds = '60') {
  await runGit(gitDirectory, 'update-ref', `refs/heads/${saved.branch}`, saved.commit);
  const directory = join(served.scratch, `volume-${number++}`, 'project');
  let requests = 0;
  served.intercept = (_request, response) => {
    if (requests++ < answered) return false;
    fail(response);
    return true;
  };
  const ended = await runClone({ ...variables, timeoutSeconds, mountPath: directory });
  return { ...ended, directory, requests };
}

const isThere = async () =>
  (await runGit(gitDirectory, 'for-each-ref', '--format=%(objectname)', `refs/heads/${saved.branch}`)) === saved.commit;

describe('a git server', () => {
  it.each<[string, number[], number, (response: ServerResponse) => void]>([
    ['ends all connections', [201], 1, (response) => response.destroy()],
    [
      'rejects the token, which has expired,',
      [200],
      2,
      (response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
    ],
    ['responds with an error', [201], 2, (response) => response.writeHead(500).end('The disk of the server is full.')],
  ])(
    'that %s at any request of a clone costs no work: the autosave stays until it is restored',
    { timeout: 600_000 },
    async (_what, exitCodes, every, fail) => {
      const complete = await run(Number.POSITIVE_INFINITY, fail);
      expect(complete.exitCode, complete.output).toBe(0);
      expect(await stateOf(complete.directory)).toEqual(before);
      expect(await isThere()).toBe(false);
      expect(complete.requests).toBeGreaterThan(10);
      for (let answered = 0; answered < complete.requests; answered += every) {
        // Errors that may pass are tried again until then.
        const limit = exitCodes.includes(201) ? '1' : '60';
        const { exitCode, output, lastLine, directory } = await run(answered, fail, limit);
        const at = `after ${answered} requests: ${output}`;
        if (existsSync(directory)) {
          expect(exitCode, at).toBe(0);
          await runGit(directory, 'fsck', '--connectivity-only');
          expect(await runGit(directory, 'symbolic-ref', '--short', 'HEAD'), at).toBe('main');
          // What is missing is named, and the autosave has it.
          const isRestored =
            (await stateOf(directory)).status === before.status && existsSync(join(directory, 'lib/new.txt'));
          expect(isRestored || /^WARNING: /m.test(output), at).toBe(true);
          if (!(await isThere())) expect(await stateOf(directory), at).toEqual(before);
        } else {
          expect(exitCodes, at).toContain(exitCode);
          expect(lastLine, at).toMatch(/^The git server .*\.$|^The repository .*\.$/);
          expect(await isThere(), at).toBe(true);
        }
        expect(output).not.toContain(variables.oauthToken);
        if (existsSync(join(directory, 'a.txt')))
          expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toMatch(/^a|edited/);
      }
    },
  );
});
