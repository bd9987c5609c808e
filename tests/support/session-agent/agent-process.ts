import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { components } from '../../../src/generated/agent-api.ts';
import {
  agentKeyFile,
  agentSignatureHeader,
  agentVariable,
  gitProxyFile,
} from '../../../src/session-contract/agent.ts';
import { deriveAgentKey } from '../../../src/session-contract/agent-key.ts';
import { type AgentScope, createAgentToken, isAgentResponse } from '../../../src/session-contract/agent-token.ts';
import { freePorts } from '../free-ports.ts';
import { commitFiles, makeRepository, runGit, type ServedForge, withToken } from '../local/forge/served-forge.ts';

type Schemas = components['schemas'];
export type Operation = Schemas['Operation'];

export const agentProgram = join(import.meta.dirname, '../../../src/session-tools/agent/main.ts');

/** A project on the forge, and a session's work tree of it. */
export interface SessionTree {
  /** The folder of the volume. */
  readonly volume: string;
  readonly tree: string;
  readonly url: string;
  readonly commit: string;
  readonly token: string;
}

/** How often a project of this name was made on a git server: a test that runs again makes another one. */
const made = new WeakMap<ServedForge, Map<string, number>>();

function unusedPath(served: ServedForge, name: string): string {
  const counts = made.get(served) ?? new Map<string, number>();
  made.set(served, counts);
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return count === 1 ? name : `${name}-${count}`;
}

/** Creates a project with a commit, and clones it as a session has it: with an identity, and without credentials. */
export async function makeSessionTree(
  served: ServedForge,
  token: string,
  name: string,
  files: Record<string, string> = { 'a.txt': 'a\n', 'b.txt': 'b\n' },
): Promise<SessionTree> {
  const path = unusedPath(served, name);
  const source = await makeRepository(join(served.scratch, `${path}-source`), files);
  await served.forge.createProject({ namespace: 'team', path, members: [{ username: 'ada', accessLevel: 30 }] });
  const url = `${served.url}/team/${path}.git`;
  await runGit(source, 'push', '--quiet', withToken(url, token), 'HEAD:refs/heads/main');
  return cloneSession(served, token, path, url);
}

/** Clones the project into a new volume. */
export async function cloneSession(
  served: ServedForge,
  token: string,
  path: string,
  url: string,
): Promise<SessionTree> {
  const volume = join(served.scratch, `${path}-volume-${randomUUID().slice(0, 8)}`);
  const tree = join(volume, path);
  mkdirSync(volume, { recursive: true });
  await runGit(volume, 'clone', '--quiet', withToken(url, token), tree);
  await runGit(tree, 'remote', 'set-url', 'origin', url);
  await runGit(tree, 'config', 'user.name', 'Ada Lovelace');
  await runGit(tree, 'config', 'user.email', 'ada@example.org');
  return { volume, tree, url, token, commit: await runGit(tree, 'rev-parse', 'HEAD') };
}

export { commitFiles };

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** The variables of the agent's container. */
  readonly environment: Readonly<Record<string, string>>;
  readonly rpcUrl: string;
  readonly apiUrl: string;
  /** Sends a request with a token, and checks the signature of the response. */
  api<T>(scope: AgentScope, method: string, path: string, body?: unknown): Promise<{ status: number; body: T }>;
  /** Returns a new token. */
  token(scope: AgentScope): string;
  /** Saves, and waits for the end of the operation. */
  save(request?: Partial<Schemas['SaveRequest']>): Promise<Operation>;
  work(): Promise<Schemas['Work']>;
  rpc(method: string, params?: object): Promise<{ result?: unknown; error?: { code: number; message: string } }>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** From which the keys of the agents are derived. */
export const agentSecret = 'a secret of the platform for tests, long enough';

/** Writes the system-level configuration of git, as `git-clone` writes it, but with the token. */
export function writePrivateFolder(folder: string, url: string, token: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const helper = `!f() { test \\"$1\\" = get && printf 'username=oauth2\\\\npassword=${token}\\\\n'; }; f`;
  writeFileSync(
    join(folder, gitProxyFile.configuration),
    `[credential "${new URL(url).origin}"]\n\thelper = "${helper}"\n`,
    { mode: 0o600 },
  );
}

/** The agent closes a connection that is not used for 5 s, at which moment a busy test may send the next request. */
const newConnection = { connection: 'close' };

/** Starts the agent's program. */
export async function startAgentProcess(
  { volume, tree, url, commit, token }: SessionTree,
  more: Record<string, string> = {},
  sessionUid: string = randomUUID(),
  secret: string = agentSecret,
): Promise<AgentProcess> {
  const key = deriveAgentKey(secret, sessionUid);
  const keyFolder = join(volume, '..', `keys-${sessionUid}`);
  mkdirSync(keyFolder, { recursive: true });
  writeFileSync(join(keyFolder, agentKeyFile.key), key.toString('base64url'));
  writeFileSync(join(keyFolder, agentKeyFile.sessionUid), sessionUid);
  const privateFolder = join(volume, '..', `private-${sessionUid}`);
  writePrivateFolder(privateFolder, url, token);
  const [port = 0, rpcPort = 0] = await freePorts(2);
  const environment: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    GIT_RPC_MOUNT_PATH: tree,
    GIT_RPC_PORT: String(rpcPort),
    GIT_RPC_URL_PREFIX: '/sessions/s/sidecar/',
    CI_COMMIT_SHA: commit,
    RENKU_USERNAME: 'ada',
    [agentVariable.port]: String(port),
    [agentVariable.host]: '127.0.0.1',
    [agentVariable.keyFolder]: keyFolder,
    [agentVariable.podUid]: 'pod-1',
    [agentVariable.branch]: 'main',
    [agentVariable.repositoryUrl]: url,
    [agentVariable.mayPush]: '1',
    [agentVariable.savesFolder]: join(volume, '.notebook-sessions'),
    [agentVariable.privateFolder]: privateFolder,
    ...more,
  };
  const child = spawn(process.execPath, [agentProgram], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const started = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('The agent has started.')) resolve();
      });
    }
    child.on('exit', () => reject(new Error(`the agent ended: ${output}`)));
  });
  await started;
  const apiUrl = `http://${environment[agentVariable.host]}:${environment[agentVariable.port]}`;
  const rpcUrl = `http://127.0.0.1:${rpcPort}/sessions/s/sidecar/`;
  const api: AgentProcess['api'] = async (scope, method, path, body) => {
    const { token: bearer, nonce } = createAgentToken(key, sessionUid, scope, Date.now());
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, ...newConnection },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const signature = response.headers.get(agentSignatureHeader) ?? '';
    if (!isAgentResponse(key, nonce, { status: response.status, body: text, signature }))
      throw new Error(`the response to ${method} ${path} has no valid signature`);
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    child,
    output: () => output,
    environment,
    apiUrl,
    rpcUrl,
    api,
    token: (scope) => createAgentToken(key, sessionUid, scope, Date.now()).token,
    async save(request = {}) {
      const asked = await api<Operation>('save', 'POST', '/v1/saves', { reason: 'user', isFinal: false, ...request });
      let operation = asked.body;
      while (operation.finishedAt === null) {
        const query = `wait=30&version=${operation.version}`;
        operation = (await api<Operation>('read', 'GET', `/v1/operations/${operation.id}?${query}`)).body;
      }
      return operation;
    },
    work: async () => (await api<Schemas['Work']>('read', 'GET', '/v1/work')).body,
    async rpc(method, params = {}) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
      const headers = { 'content-type': 'application/json', ...newConnection };
      const response = await fetch(`${rpcUrl}jsonrpc/`, { method: 'POST', headers, body });
      return (await response.json()) as { result?: unknown };
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}
