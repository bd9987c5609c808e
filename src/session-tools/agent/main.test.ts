import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runGit, type ServedForge } from '../../../tests/support/local/forge/served-forge.ts';
import { agentGit, cloneAndRestore, stateOf } from '../../../tests/support/saves/work-tree.ts';
import {
  type AgentProcess,
  cloneSession,
  makeSessionTree,
  type Operation,
  type SessionTree,
} from '../../../tests/support/session-agent/agent-process.ts';
import { serveAgents } from '../../../tests/support/session-agent/serve-agents.ts';
import { agentVariable } from '../../session-contract/agent.ts';

/** The agent's program, with real git and a git server. */

let served: ServedForge;
let token: string;

const start = serveAgents((forge, issued) => {
  served = forge;
  token = issued;
});

const remoteHeads = async ({ tree, url }: SessionTree) =>
  (await runGit(tree, 'ls-remote', '--heads', url.replace('://', `://oauth2:${token}@`)))
    .split('\n')
    .map((line) => line.replace(/.*refs\/heads\//, ''));

/** Makes one change of each kind. */
async function edit(tree: string): Promise<void> {
  writeFileSync(join(tree, 'a.txt'), 'a\ncommitted\n');
  await runGit(tree, 'commit', '--quiet', '--all', '--message', 'not pushed');
  writeFileSync(join(tree, 'b.txt'), 'staged\n');
  await runGit(tree, 'add', 'b.txt');
  writeFileSync(join(tree, 'b.txt'), 'staged and edited\n');
  writeFileSync(join(tree, 'new file.txt'), 'untracked\n');
}

describe('the API', () => {
  let session: SessionTree;
  let agent: AgentProcess;
  beforeAll(async () => {
    session = await makeSessionTree(served, token, 'api');
    agent = await start(session);
  });

  it('says what would be lost, and saves it to the branch of an autosave', async () => {
    expect(await agent.work()).toMatchObject({ isClean: true, podUid: 'pod-1', branch: 'main', savedAs: null });
    await edit(session.tree);
    const before = await stateOf(session.tree);
    expect(await agent.work()).toMatchObject({
      isClean: false,
      files: { count: 2, names: ['b.txt', 'new file.txt'] },
      branches: [{ name: 'main', commits: 1 }],
      canPush: true,
    });
    const { state, result } = await agent.save();
    expect(state).toBe('succeeded');
    expect(result).toMatchObject({ location: 'remote', isVerified: true, files: 2, commits: 1, notSaved: [] });
    const head = (await runGit(session.tree, 'rev-parse', 'HEAD')).slice(0, 7);
    expect(result?.branch).toBe(`renku/autosave/ada/main/${session.commit.slice(0, 7)}/${head}`);
    expect(await stateOf(session.tree)).toEqual(before);
    expect(await agent.work()).toMatchObject({ isClean: true, savedAs: { isCurrent: true, location: 'remote' } });

    const clone = await cloneSession(served, token, 'api', session.url);
    const copy = join(clone.volume, 'restored');
    const git = agentGit({ GIT_CONFIG_NOSYSTEM: '0', GIT_CONFIG_SYSTEM: await credentialsFile(clone) });
    const restored = await cloneAndRestore(git, session.url, copy, {
      branch: result?.branch ?? '',
      commit: result?.commit ?? '',
    });
    expect(restored).toEqual({ log: [], isComplete: true });
    expect(await stateOf(copy)).toEqual(before);
  });

  it('returns a save with the same id, and replaces the earlier save of the session', async () => {
    writeFileSync(join(session.tree, 'c.txt'), 'c\n');
    const first = await agent.save({ id: 'same' });
    writeFileSync(join(session.tree, 'c.txt'), 'd\n');
    const again = await agent.api<Operation>('save', 'POST', '/v1/saves', {
      id: 'same',
      reason: 'user',
      isFinal: false,
    });
    expect(again).toEqual({ status: 202, body: first });
    await runGit(session.tree, 'commit', '--quiet', '--all', '--message', 'another commit');
    const later = await agent.save();
    expect(later.result?.branch).not.toBe(first.result?.branch);
    expect(await remoteHeads(session)).toEqual(['main', later.result?.branch]);
  });

  it('rejects requests without a valid token, with another scope, or with an invalid body', async () => {
    expect((await fetch(`${agent.apiUrl}/health`)).status).toBe(200);
    for (const path of ['/v1/work', '/v1/operations', '/other'])
      expect((await fetch(`${agent.apiUrl}${path}`)).status).toBe(401);
    expect(await agent.api('read', 'POST', '/v1/saves', { reason: 'user', isFinal: false })).toMatchObject({
      status: 403,
      body: { error: { reason: 'forbidden' } },
    });
    const bodies = [
      '',
      '[]',
      '{"reason":"user"}',
      '{"reason":"x","isFinal":true}',
      '{"reason":"user","isFinal":true,"x":1}',
    ];
    for (const body of bodies)
      expect(await agent.api('save', 'POST', '/v1/saves', body)).toMatchObject({ status: 422 });
    expect(await agent.api('save', 'POST', '/v1/saves', 'x'.repeat(5_000_000))).toMatchObject({ status: 413 });
    expect(await agent.api('read', 'GET', '/v1/operations/none')).toMatchObject({ status: 404 });
    expect(await agent.api('read', 'GET', '/v1/operations/same?wait=31')).toMatchObject({ status: 422 });
    expect(await agent.api('tokens', 'PUT', '/v1/tokens', { gitToken: '' })).toMatchObject({ status: 422 });
  });
});

describe('a request', () => {
  let agent: AgentProcess;
  beforeAll(async () => {
    agent = await start(await makeSessionTree(served, token, 'request'));
  });

  it('with a copied token is rejected', async () => {
    const headers = { authorization: `Bearer ${agent.token('read')}` };
    const status = async () => (await fetch(`${agent.apiUrl}/v1/operations`, { headers })).status;
    expect([await status(), await status()]).toEqual([200, 401]);
  });

  it('whose body is too long gets a response, also without a length', async () => {
    const body = new ReadableStream({
      start(controller) {
        for (let part = 0; part < 20; part++) controller.enqueue(new Uint8Array(10_000));
        controller.close();
      },
    });
    const headers = { authorization: `Bearer ${agent.token('save')}` };
    const request = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
    expect((await fetch(`${agent.apiUrl}/v1/saves`, request)).status).toBe(413);
  });
});

describe('the work of a large repository', () => {
  it('has limited lists, with the numbers of all entries', async () => {
    const session = await makeSessionTree(served, token, 'large');
    const commit = await runGit(session.tree, 'commit-tree', '-p', 'HEAD', '-m', 'x', 'HEAD^{tree}');
    const long = 'n'.repeat(200);
    const refs = Array.from(
      { length: 3000 },
      (_, index) => `create refs/heads/${long}/${long}/${long}/${index} ${commit}\n`,
    );
    const tags = Array.from({ length: 200 }, (_, index) => `create refs/tags/${index} ${commit}\n`);
    execFileSync('git', ['-C', session.tree, 'update-ref', '--stdin'], { input: [...refs, ...tags].join('') });
    for (let index = 0; index < 300; index++) writeFileSync(join(session.tree, `${index} ${long}`), '');
    const agent = await start(session);
    const work = await agent.work();
    expect(work).toMatchObject({ branchCount: 3000, commits: 1, tags: { count: 0 }, files: { count: 300 } });
    expect([work.branches.length, work.files.names.length]).toEqual([100, 100]);
    expect(JSON.stringify(work).length).toBeLessThan(100_000);
    await runGit(session.tree, 'tag', 'later');
    expect(await agent.work()).toMatchObject({ tags: { count: 1, names: ['later'] } });
  });
});

/** A file with the credentials, for git of the test. */
async function credentialsFile({ volume, url }: SessionTree): Promise<string> {
  const { writePrivateFolder } = await import('../../../tests/support/session-agent/agent-process.ts');
  const folder = join(volume, 'credentials');
  writePrivateFolder(folder, url, token);
  return join(folder, 'gitconfig');
}

describe('a save while the git server does not respond', () => {
  it('is a file on the volume, which the next start of the agent pushes as soon as the git server responds', async () => {
    const session = await makeSessionTree(served, token, 'down');
    await edit(session.tree);
    const before = await stateOf(session.tree);
    const agent = await start(session);
    served.intercept = (request, response) => {
      if (!request.url?.includes('/down.git')) return false;
      response.writeHead(503).end();
      return true;
    };
    const failed = await agent.save();
    expect(failed).toMatchObject({ state: 'failed', error: { reason: 'unreachable' }, result: { location: 'volume' } });
    expect(await stateOf(session.tree)).toEqual(before);
    const folder = join(session.volume, '.notebook-sessions');
    expect(readdirSync(folder).filter((name) => name.endsWith('.bundle'))).toHaveLength(1);
    expect(await agent.work()).toMatchObject({ isClean: false, savedAs: { location: 'volume', isCurrent: true } });
    await agent.stop('SIGKILL');

    const next = await start(session);
    await expect.poll(next.output).toContain('could not be pushed');
    served.intercept = () => false;
    await expect.poll(next.output).toContain('is now in the branch');
    expect(await remoteHeads(session)).toContain(failed.result?.branch);
    expect(await next.work()).toMatchObject({ isClean: true, savedAs: { location: 'remote' } });
    expect(readdirSync(folder).filter((name) => name.endsWith('.bundle'))).toEqual([]);
    expect(await stateOf(session.tree)).toEqual(before);
  });
});

describe('the last save', () => {
  it('ends kernels and terminals first, and SIGTERM makes the agent save', async () => {
    const session = await makeSessionTree(served, token, 'final');
    const ended: string[] = [];
    const jupyter = createServer((req, res) => {
      if (req.method === 'DELETE') ended.push(req.url ?? '');
      const list = req.url?.endsWith('/kernels') ? [{ id: 'k-1' }] : [{ name: '1' }];
      res
        .writeHead(req.method === 'DELETE' ? 204 : 200)
        .end(req.method === 'DELETE' ? undefined : JSON.stringify(list));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => jupyter.once('listening', resolve));
    const url = `http://127.0.0.1:${(jupyter.address() as AddressInfo).port}/sessions/s`;
    await edit(session.tree);
    const agent = await start(session, { [agentVariable.jupyterUrl]: url });
    expect(await agent.stop()).toBe(0);
    jupyter.close();
    expect(ended).toEqual(['/sessions/s/api/kernels/k-1', '/sessions/s/api/terminals/1']);
    expect(await remoteHeads(session)).toHaveLength(2);
    const stored = JSON.parse(readFileSync(join(session.volume, '.notebook-sessions', 'operations.json'), 'utf8'));
    expect(stored.operations[0]).toMatchObject({ isFinal: true, state: 'succeeded', result: { isVerified: true } });
  });
});

describe('the end of the agent', () => {
  it('does not wait for a git server that does not respond to the push of an earlier save', async () => {
    const session = await makeSessionTree(served, token, 'hanging');
    await edit(session.tree);
    const agent = await start(session, { [agentVariable.mayPush]: '0' });
    expect(await agent.save()).toMatchObject({ result: { location: 'volume' } });
    await agent.stop('SIGKILL');
    const isHanging = Promise.withResolvers<void>();
    let requests = 0;
    served.intercept = (request, response) => {
      if (!request.url?.includes('/hanging.git')) return false;
      requests += 1;
      // The first request, of the push, gets no response.
      if (requests > 1) response.writeHead(503).end();
      else isHanging.resolve();
      return true;
    };
    const next = await start(session);
    await isHanging.promise;
    expect(await next.stop()).toBe(0);
    served.intercept = () => false;
    expect(next.output()).toContain('The last save');
  });

  it('during a save is in the operation, which the next agent shows as interrupted', async () => {
    const session = await makeSessionTree(served, token, 'interrupted');
    await edit(session.tree);
    const agent = await start(session);
    const isPushing = Promise.withResolvers<void>();
    served.intercept = (request) => {
      if (!request.url?.includes('/interrupted.git/git-receive-pack')) return false;
      isPushing.resolve();
      return true;
    };
    const ended = agent.save({ id: 'one' }).catch(() => undefined);
    await isPushing.promise;
    await agent.stop('SIGKILL');
    await ended;
    served.intercept = () => false;
    const next = await start(session);
    const { body } = await next.api<Operation>('read', 'GET', '/v1/operations/one');
    expect(body).toMatchObject({ state: 'failed', error: { reason: 'interrupted' } });
    expect(await next.save({ id: 'two' })).toMatchObject({ state: 'succeeded', result: { isVerified: true } });
  });
});

describe('the preStop command', () => {
  it('makes the agent save for the last time, and ends when the work is saved', async () => {
    const session = await makeSessionTree(served, token, 'pre-stop');
    const agent = await start(session);
    await edit(session.tree);
    const ended = spawn(process.execPath, [join(import.meta.dirname, 'pre-stop.ts')], { env: agent.environment });
    await once(ended, 'exit');
    expect(ended.exitCode).toBe(0);
    expect(await remoteHeads(session)).toHaveLength(2);
    expect(await agent.work()).toMatchObject({ isClean: true, savedAs: { isCurrent: true } });
  });

  it('of a pod without a key ends at once, and SIGTERM, which follows, makes the agent save', async () => {
    const session = await makeSessionTree(served, token, 'no-key');
    const agent = await start(session, { [agentVariable.keyFolder]: join(session.volume, 'no-keys') });
    await edit(session.tree);
    const ended = spawn(process.execPath, [join(import.meta.dirname, 'pre-stop.ts')], { env: agent.environment });
    await once(ended, 'exit');
    expect([ended.exitCode, await remoteHeads(session)]).toEqual([0, ['main']]);
    expect(await agent.stop()).toBe(0);
    expect(await remoteHeads(session)).toHaveLength(2);
  });
});

describe('the JSON-RPC', () => {
  let session: SessionTree;
  let agent: AgentProcess;
  beforeAll(async () => {
    session = await makeSessionTree(served, token, 'rpc');
    agent = await start(session);
  });

  it('answers health checks and errors as that of renku-notebooks', async () => {
    expect(await (await fetch(`${agent.rpcUrl}health/`)).json()).toEqual({ status: 'running' });
    expect((await fetch(`${agent.rpcUrl}health`, { redirect: 'manual' })).status).toBe(308);
    expect(await (await fetch(`${agent.rpcUrl}jsonrpc/map`)).text()).toContain('JSON-RPC map');
    expect(await agent.rpc('no/such')).toMatchObject({ id: 1, error: { code: -32_601 } });
    expect(await agent.rpc('git/pull', { x: 1 })).toMatchObject({ error: { code: -32_602 } });
    expect(await agent.rpc('dummy/get_error')).toMatchObject({ error: { code: -32_603 } });
    expect(await agent.rpc('renku/run', { command_name: 'x' })).toMatchObject({
      error: { code: -32_001, message: expect.stringContaining('is not recognized') },
    });
    const send = async (type: string, body: string) => {
      const headers = { 'content-type': type };
      const response = await fetch(`${agent.rpcUrl}jsonrpc/`, { method: 'POST', headers, body });
      return [response.status, await response.json()];
    };
    const parseError = [200, { id: null, error: { code: -32_700 } }];
    expect(await send('application/json', '{')).toMatchObject(parseError);
    const discard = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'git/discard_unsaved_changes' });
    expect(await send('text/plain', discard)).toMatchObject(parseError);
  });

  it('uploads the files in Git LFS that it commits', async () => {
    const lfs = await makeSessionTree(served, token, 'rpc-lfs', {
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    });
    const own = await start(lfs);
    writeFileSync(join(lfs.tree, 'new.bin'), 'new\n'.repeat(100));
    expect(await own.rpc('renku/run', { command_name: 'save' })).toMatchObject({
      result: expect.stringContaining('new.bin'),
    });
    const clone = await cloneSession(served, token, 'rpc-lfs-clone', lfs.url);
    const git = agentGit({ GIT_CONFIG_NOSYSTEM: '0', GIT_CONFIG_SYSTEM: await credentialsFile(clone) });
    await runGit(clone.tree, 'lfs', 'install', '--local');
    const pulled = await git(['-C', clone.tree, 'lfs', 'pull'], { environment: { GIT_LFS_SKIP_SMUDGE: undefined } });
    expect(pulled).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(clone.tree, 'new.bin'), 'utf8')).toBe('new\n'.repeat(100));
  });

  it('reports the status, pulls, saves to the branch, creates autosaves and discards changes', async () => {
    const { tree } = session;
    const clean = { clean: true, ahead: 0, behind: 0, branch: 'main', commit: session.commit };
    expect(await agent.rpc('git/get_status')).toMatchObject({ result: clean });
    const other = await cloneSession(served, token, 'rpc-other', session.url);
    writeFileSync(join(other.tree, 'theirs.txt'), 'x\n');
    await runGit(other.tree, 'add', '.');
    await runGit(other.tree, 'commit', '--quiet', '--message', 'theirs');
    await runGit(other.tree, 'push', '--quiet', session.url.replace('://', `://oauth2:${token}@`), 'main');
    expect(await agent.rpc('git/get_status')).toMatchObject({ result: { clean: true, behind: 1 } });
    writeFileSync(join(tree, 'mine.txt'), 'mine\n');
    expect(await agent.rpc('git/pull')).toMatchObject({ result: null });
    expect(existsSync(join(tree, 'theirs.txt'))).toBe(true);
    expect(await runGit(tree, 'status', '--porcelain', '--branch')).toBe('## main...origin/main\n?? mine.txt');
    expect(await agent.rpc('renku/run', { command_name: 'save' })).toMatchObject({
      result: expect.stringContaining('mine.txt'),
    });
    expect(await runGit(tree, 'status', '--porcelain')).toBe('');
    writeFileSync(join(tree, 'mine.txt'), 'changed\n');
    expect(await agent.rpc('autosave/create')).toMatchObject({
      result: expect.stringMatching(/^renku\/autosave\/ada\/main\//),
    });
    expect(await agent.rpc('git/discard_unsaved_changes')).toMatchObject({ result: null });
    expect(await runGit(tree, 'status', '--porcelain', '--branch')).toBe('## main...origin/main');
    expect(await agent.rpc('autosave/create')).toMatchObject({ result: null });
  });
});
