import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  commitFiles,
  gitEnvironment,
  runGit,
  type ServedForge,
  withToken,
} from '../../../tests/support/local/forge/served-forge.ts';
import { filesIn } from '../../../tests/support/saves/work-tree.ts';
import {
  type AgentProcess,
  makeSessionTree,
  type SessionTree,
} from '../../../tests/support/session-agent/agent-process.ts';
import { serveAgents } from '../../../tests/support/session-agent/serve-agents.ts';

/** Clients and programs of renku-notebooks 1.18.1 with the agent: its JSON-RPC, and its git-clone. */

let served: ServedForge;
let token: string;
let session: SessionTree;
let agent: AgentProcess;
let number = 0;

const start = serveAgents((forge, issued) => {
  served = forge;
  token = issued;
});
beforeEach(async () => {
  session = await makeSessionTree(served, token, `project-${number++}`, {
    'a.txt': 'a\n',
    'b.txt': 'b\n',
    '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    '.gitignore': '*.log\n',
  });
  agent = await start(session);
});

const write = (path: string, content: string) => writeFileSync(join(session.tree, path), content);
/** Commits a file at the remote repository, as another person. */
async function pushOther(): Promise<string> {
  const tree = join(served.scratch, `other-${number++}`);
  await runGit(served.scratch, 'clone', '--quiet', withToken(session.url, token), tree);
  const commit = await commitFiles(tree, { [`theirs-${number}.txt`]: 'theirs\n' }, 'theirs');
  await runGit(tree, 'push', '--quiet', 'origin', 'HEAD:main');
  return commit;
}
const failing = (error: { code: number; message?: unknown }) => ({ jsonrpc: '2.0', id: 1, error });

describe('the JSON-RPC', () => {
  it('has the paths of renku-notebooks, and the status 200 also for errors', async () => {
    const get = (path: string, method = 'GET') => fetch(`${agent.rpcUrl}${path}`, { method, redirect: 'manual' });
    expect(await (await get('health/')).json()).toEqual({ status: 'running' });
    for (const [path, method] of [['health'], ['jsonrpc', 'POST']] as const) {
      const response = await get(path, method);
      expect([response.status, response.headers.get('location')]).toEqual([
        308,
        `${new URL(agent.rpcUrl).pathname}${path}/`,
      ]);
    }
    expect(await (await get('jsonrpc/map')).text()).toContain('JSON-RPC map');
    const post = async (body: string) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${agent.rpcUrl}jsonrpc/`, { method: 'POST', headers, body });
      return [response.status, response.status === 204 ? null : await response.json()];
    };
    const call = (method: unknown, params?: unknown) => post(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
    const error = (code: number, id: number | null = 1) => [
      200,
      { jsonrpc: '2.0', id, error: { code, message: expect.any(String) } },
    ];
    expect(await post('{"jsonrpc"')).toEqual(error(-32_700, null));
    expect(await post('{}')).toEqual(error(-32_600, null));
    expect(await call('git/push')).toEqual(error(-32_601));
    expect(await call('git/pull', { branch: 'main' })).toEqual(error(-32_602));
    expect(await call('renku/run')).toEqual(error(-32_602));
    expect(await call('dummy/get_error')).toEqual(error(-32_603));
    expect(await call('renku/run', { command_name: 'rm' })).toEqual([
      200,
      failing({ code: -32_001, message: expect.stringContaining('is not recognized') }),
    ]);
    // A notification has no response.
    expect(await post('{"jsonrpc":"2.0","method":"git/get_status"}')).toEqual([204, null]);
    expect((await post(`"${'x'.repeat(1_000_000)}"`))[0]).toBe(413);
  });

  it('has the status of git with the same members', async () => {
    const status = async () => (await agent.rpc('git/get_status')).result;
    const clean = { clean: true, ahead: 0, behind: 0, branch: 'main', commit: session.commit };
    const header = `# branch.oid ${session.commit}\n# branch.head main\n# branch.upstream origin/main\n# branch.ab +0 -0\n`;
    expect(await status()).toEqual({ ...clean, status: header });
    write('new.txt', 'new\n');
    expect(await status()).toEqual({ ...clean, clean: false, status: `${header}? new.txt\n` });
    await commitFiles(session.tree, {}, 'mine');
    await pushOther();
    expect(await status()).toMatchObject({ clean: true, ahead: 1, behind: 1 });
    await runGit(session.tree, 'checkout', '--quiet', '-b', 'without-upstream');
    expect(await status()).toMatchObject({ ahead: 0, behind: 0, branch: 'without-upstream' });
    await runGit(session.tree, 'checkout', '--quiet', '--detach');
    expect(await status()).toMatchObject({ branch: '(detached)' });
  });

  it('pulls fast-forwards only, and says so in the words of git', async () => {
    const theirs = await pushOther();
    expect(await agent.rpc('git/pull')).toEqual({ jsonrpc: '2.0', id: 1, result: null });
    expect(await runGit(session.tree, 'rev-parse', 'HEAD')).toBe(theirs);
    await commitFiles(session.tree, { 'mine.txt': 'mine\n' }, 'mine');
    const mine = await runGit(session.tree, 'rev-parse', 'HEAD');
    await pushOther();
    expect(await agent.rpc('git/pull')).toEqual(
      failing({ code: -32_000, message: expect.stringContaining('Not possible to fast-forward') }),
    );
    expect(await runGit(session.tree, 'rev-parse', 'HEAD')).toBe(mine);
  });

  it('discards changes and commits, not ignored files, and fails without an upstream', async () => {
    const theirs = await pushOther();
    await commitFiles(session.tree, { 'mine.txt': 'mine\n' }, 'mine');
    write('a.txt', 'edited\n');
    write('new.txt', 'new\n');
    write('ignored.log', 'ignored\n');
    expect(await agent.rpc('git/discard_unsaved_changes')).toEqual({ jsonrpc: '2.0', id: 1, result: null });
    expect(await runGit(session.tree, 'status', '--porcelain', '--branch')).toBe('## main...origin/main');
    expect(await runGit(session.tree, 'rev-parse', 'HEAD')).toBe(theirs);
    expect(existsSync(join(session.tree, 'ignored.log'))).toBe(true);
    write('a.txt', 'edited\n');
    await runGit(session.tree, 'checkout', '--quiet', '-b', 'without-upstream');
    const failed = failing({ code: -32_000, message: expect.stringContaining('no upstream configured') });
    expect(await agent.rpc('git/discard_unsaved_changes')).toEqual(failed);
    expect(await runGit(session.tree, 'status', '--porcelain')).toBe(' M a.txt');
  });

  it.each(['git/get_status', 'git/pull', 'git/discard_unsaved_changes', 'autosave/create'])(
    'fails with the reason of git while the git server is unavailable: %s',
    async (method) => {
      write('a.txt', 'edited\n');
      const path = new URL(session.url).pathname;
      served.intercept = (request, response) => {
        if (!request.url?.startsWith(path)) return false;
        response.writeHead(503).end();
        return true;
      };
      expect(await agent.rpc(method)).toEqual(
        failing({ code: -32_000, message: expect.stringContaining('The requested URL returned error: 503') }),
      );
      expect(await runGit(session.tree, 'status', '--porcelain')).toBe(' M a.txt');
    },
  );

  it('saves changes to the branch with a message, and creates autosaves with the name of the original', async () => {
    expect(await agent.rpc('autosave/create')).toEqual({ jsonrpc: '2.0', id: 1, result: null });
    await commitFiles(session.tree, { 'mine.txt': 'mine\n' }, 'mine');
    const head = await runGit(session.tree, 'rev-parse', 'HEAD');
    expect(await agent.rpc('autosave/create')).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: `renku/autosave/ada/main/${session.commit.slice(0, 7)}/${head.slice(0, 7)}`,
    });
    write('b.txt', 'edited\n');
    const saved = await agent.rpc('renku/run', { command_name: 'save', message: 'my message' });
    expect(saved).toEqual({ jsonrpc: '2.0', id: 1, result: expect.stringContaining('b.txt') });
    expect(await runGit(session.tree, 'log', '-1', '--format=%s')).toBe('my message');
    expect(await runGit(session.tree, 'ls-remote', withToken(session.url, token), 'main')).toContain(
      await runGit(session.tree, 'rev-parse', 'HEAD'),
    );
  });
});

describe('an autosave of the agent', () => {
  it('is restored by git-clone of renku-notebooks: files, also in Git LFS, and commits, and is then deleted', async () => {
    await runGit(session.tree, 'lfs', 'install', '--local');
    await commitFiles(session.tree, { 'c.txt': 'not pushed\n' }, 'mine');
    write('b.txt', 'staged\n');
    await runGit(session.tree, 'add', 'b.txt');
    write('b.txt', 'edited\n');
    write('new.txt', 'new\n');
    write('data.bin', 'data\n'.repeat(1000));
    await runGit(session.tree, 'branch', 'other', 'HEAD~1');
    const { result: branch } = await agent.rpc('autosave/create');
    const head = await runGit(session.tree, 'rev-parse', 'HEAD');
    const copy = join(served.scratch, `original-${number++}`);
    const { origin } = new URL(session.url);
    // Its steps, with its commands.
    const script = `set -e
      mkdir -p ${copy}; cd ${copy}; git init --quiet
      git config user.email ada@example.org; git config user.name Ada; git config push.default simple
      echo "${origin.replace('://', `://oauth2:${token}@`)}" > ${copy}.credentials
      git config lfs.${session.url}/info/lfs.access basic
      git config credential.helper "store --file=${copy}.credentials"
      git lfs install --local --skip-smudge; git remote add origin ${session.url}; git fetch --quiet origin
      git checkout --quiet main; git submodule --quiet init; git submodule --quiet update
      name=$(git branch -a | sed 's/^..//' | grep -E '^remotes/origin/renku/autosave/ada/main/${session.commit.slice(0, 7)}/[a-zA-Z0-9]{7}$' | head -1)
      files=$(git diff --name-only HEAD "$name")
      git reset --quiet --hard "$name"
      for file in $files; do git lfs pull --include "$file"; done
      git reset --quiet --soft "$(echo "$name" | cut -d/ -f8)"
      git reset --quiet HEAD . || true
      git push --quiet origin --delete "\${name#remotes/origin/}"
      git config --unset lfs.${session.url}/info/lfs.access; git config --unset credential.helper
      git config http.proxy http://localhost:8080; git config http.sslVerify false`;
    await promisify(execFile)('bash', ['-c', script], { env: gitEnvironment() });
    expect(branch).toMatch(/^renku\/autosave\/ada\/main\//);
    expect(filesIn(copy)).toEqual(filesIn(session.tree));
    expect(await runGit(copy, 'rev-parse', 'HEAD')).toBe(head);
    expect(await runGit(copy, 'status', '--porcelain')).toBe(' M b.txt\n?? data.bin\n?? new.txt');
    expect(await runGit(session.tree, 'ls-remote', withToken(session.url, token), String(branch))).toBe('');
  });
});
