import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Operation, SaveRequest, Tokens, Work } from '../../../src/generated/agent-api.ts';
import { agentPort, agentSignatureHeader } from '../../../src/session-contract/agent.ts';
import { deriveAgentKey } from '../../../src/session-contract/agent-key.ts';
import { type AgentScope, signAgentResponse, verifyAgentToken } from '../../../src/session-contract/agent-token.ts';
import { supervisorResponse } from './fake-supervisor.ts';
import { syncResponse } from './fake-sync.ts';

/** How the agent fails: without a response, or with a response that the caller must reject. */
export type AgentFault =
  | 'silence'
  | 'disconnect'
  | 'unsigned'
  | 'wrong signature'
  | 'other pod'
  | 'not JSON'
  | 'other shape'
  | 'too large'
  | { readonly status: number; readonly reason: string; readonly message: string };

export interface AgentRequest {
  readonly method: string;
  readonly path: string;
  readonly scope: AgentScope;
  readonly body: unknown;
}

/** What becomes of the next saves. */
export type SaveOutcome =
  | 'waits'
  | { readonly result: Partial<NonNullable<Operation['result']>> }
  | { readonly error: NonNullable<Operation['error']>; readonly result?: Partial<NonNullable<Operation['result']>> };

/**
 * An agent of a session that follows src/session-contract/agent.openapi.yaml, with the work and the results that a test gives
 * it. It is an HTTP server on a loopback address of its own, like the agent of a pod.
 */
export interface FakeAgent extends AsyncDisposable {
  readonly address: string;
  podUid: string;
  work: Work;
  outcome: SaveOutcome;
  fault: AgentFault | undefined;
  /** The failure of requests for the work. */
  failWork: Extract<AgentFault, object> | undefined;
  /** Requests with a valid token. */
  readonly requests: AgentRequest[];
  readonly tokens: Tokens[];
  /** The newest first. */
  readonly operations: Operation[];
  /** Changes an operation, so that requests that wait for a change get it. */
  change(id: string, changes: Partial<Operation>): void;
  finish(id: string, outcome: Exclude<SaveOutcome, 'waits'>): void;
  /** Ends all connections and accepts no more. */
  stop(): Promise<void>;
}

export const cleanWork: Work = {
  podUid: '',
  checkedAt: '2026-11-20T10:00:00.000Z',
  branch: 'main',
  commit: '0123456789abcdef0123456789abcdef01234567',
  isClean: true,
  canPush: true,
  inProgress: null,
  files: { count: 0, bytes: 0, names: [] },
  branches: [],
  stashes: 0,
  lfs: { objects: 0, bytes: 0 },
  submodules: [],
  remotes: [],
  notSavable: [],
  savedAs: null,
};

export const savedResult: NonNullable<Operation['result']> = {
  location: 'remote',
  branch: 'renku/autosave/john.doe/main/0123456/0123456',
  commit: 'fedcba9876543210fedcba9876543210fedcba98',
  isVerified: true,
  files: 3,
  commits: 1,
  changedMeanwhile: [],
  notSaved: [],
};

export async function startFakeAgent({
  secret,
  sessionUid,
  podUid = randomUUID(),
}: {
  readonly secret: string;
  readonly sessionUid: string;
  readonly podUid?: string;
}): Promise<FakeAgent> {
  const key = deriveAgentKey(secret, sessionUid);
  const operations: Operation[] = [];
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const wake of [...waiting]) wake();
  };

  const agent = {
    podUid,
    work: cleanWork,
    outcome: { result: {} } as SaveOutcome,
    fault: undefined as AgentFault | undefined,
    failWork: undefined as Extract<AgentFault, object> | undefined,
    requests: [] as AgentRequest[],
    tokens: [] as Tokens[],
  };

  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      if (!res.destroyed) res.writeHead(500).end(String(error));
    });
  });
  // All of 127/8 is loopback; another address in each attempt, because tests run at the same time.
  let address = '';
  for (;;) {
    address = `127.${randomInt(100, 250)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
    server.listen(agentPort, address);
    try {
      await once(server, 'listening');
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'http://agent');
    let text = '';
    for await (const chunk of req) text += String(chunk);
    const bearer = (req.headers.authorization ?? '').replace(/^Bearer /, '');
    const token = verifyAgentToken(key, sessionUid, bearer, Date.now());
    if (!token) {
      const error = { reason: 'unauthorized', message: 'The token is not valid.' };
      res.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
      return;
    }
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    agent.requests.push({ method: req.method ?? '', path: url.pathname + url.search, scope: token.scope, body });
    if (agent.fault === 'silence') return;
    if (agent.fault === 'disconnect') return void res.destroy();
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const response = await respond(req.method ?? '', url, body, gone.signal);
    if (gone.signal.aborted) return;
    send(res, token.nonce, response);
  }

  async function respond(
    method: string,
    url: URL,
    body: unknown,
    gone: AbortSignal,
  ): Promise<{ status: number; body?: unknown }> {
    const fault = url.pathname === '/v1/work' ? (agent.failWork ?? agent.fault) : agent.fault;
    if (typeof fault === 'object')
      return { status: fault.status, body: { error: { reason: fault.reason, message: fault.message } } };
    const route = `${method} ${url.pathname}`;
    if (route === 'GET /v1/work') return { status: 200, body: { ...agent.work, podUid: agent.podUid } };
    if (route === 'POST /v1/saves') return { status: 202, body: save(body as SaveRequest) };
    if (route === 'GET /v1/operations') return { status: 200, body: { operations } };
    if (url.pathname === '/v1/discard') return { status: 204 };
    if (route === 'PUT /v1/tokens') {
      agent.tokens.push(body as Tokens);
      return { status: 204 };
    }
    const ofSupervisor = supervisorResponse(method, url.pathname, agent.podUid);
    if (ofSupervisor) return ofSupervisor;
    const ofSync = syncResponse(method, url.pathname, body, agent.podUid);
    if (ofSync) return ofSync;
    const id = /^\/v1\/operations\/([^/]+)$/.exec(url.pathname)?.[1];
    const operation = () => operations.find((each) => each.id === id);
    const found = operation();
    if (!found)
      return { status: 404, body: { error: { reason: 'not-found', message: 'There is no such operation.' } } };
    if (method === 'DELETE' && found.finishedAt === null) {
      change(found.id, {
        state: 'cancelled',
        finishedAt: new Date().toISOString(),
        error: { reason: 'cancelled', message: 'The save was cancelled.' },
      });
    }
    const wait = Number(url.searchParams.get('wait') ?? 0);
    if (method === 'GET' && wait > 0) await whenChanged(found.id, Number(url.searchParams.get('version')), wait, gone);
    return { status: 200, body: operation() };
  }

  function save({ id = randomUUID(), reason, isFinal }: SaveRequest): Operation {
    const known = operations.find((each) => each.id === id && each.podUid === agent.podUid);
    if (known) return known;
    const operation: Operation = {
      ...{ id, podUid: agent.podUid, kind: 'save', reason, isFinal, state: 'running', version: 1 },
      ...{ createdAt: new Date().toISOString(), finishedAt: null, result: null, error: null },
      progress: { step: 'scanning', done: 0, total: null },
    };
    operations.unshift(operation);
    if (agent.outcome !== 'waits') finish(id, agent.outcome);
    return operations[0] ?? operation;
  }

  function change(id: string, changes: Partial<Operation>): void {
    const index = operations.findIndex((each) => each.id === id);
    const known = operations[index];
    if (!known) throw new Error(`the agent has no operation ${id}`);
    operations[index] = { ...known, version: known.version + 1, ...changes };
    changed();
  }

  function finish(id: string, outcome: Exclude<SaveOutcome, 'waits'>): void {
    const finishedAt = new Date().toISOString();
    if ('error' in outcome) {
      const result = outcome.result
        ? { ...savedResult, location: 'volume' as const, isVerified: false, ...outcome.result }
        : null;
      change(id, { state: 'failed', finishedAt, error: outcome.error, result });
    } else {
      const progress = { step: 'done' as const, done: 3, total: 3 };
      change(id, { state: 'succeeded', finishedAt, progress, result: { ...savedResult, ...outcome.result } });
    }
  }

  async function whenChanged(id: string, version: number, seconds: number, gone: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([AbortSignal.timeout(seconds * 1000), gone]);
    for (;;) {
      const operation = operations.find((each) => each.id === id);
      if (ended.aborted || !operation || operation.version !== version || operation.finishedAt !== null) return;
      await new Promise<void>((resolve) => {
        const wake = () => {
          waiting.delete(wake);
          ended.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        ended.addEventListener('abort', wake);
      });
    }
  }

  function send(res: ServerResponse, nonce: string, { status, body }: { status: number; body?: unknown }): void {
    const { fault } = agent;
    let value = body;
    if (fault === 'other pod' && typeof value === 'object') value = { ...value, podUid: 'the-uid-of-another-pod' };
    if (fault === 'other shape') value = { surprise: true };
    let text = value === undefined ? '' : JSON.stringify(value);
    if (fault === 'not JSON') text = '<html>';
    if (fault === 'too large') text = JSON.stringify({ ...(value as object), padding: 'x'.repeat(2 * 1024 * 1024) });
    const signed =
      fault === 'wrong signature'
        ? signAgentResponse(Buffer.from('other'), nonce, status, text)
        : signAgentResponse(key, nonce, status, text);
    const signature = fault === 'unsigned' ? {} : { [agentSignatureHeader]: signed };
    res.writeHead(status, { 'content-type': 'application/json', ...signature }).end(text);
  }

  async function stop(): Promise<void> {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  return Object.assign(agent, { address, operations, change, finish, stop, [Symbol.asyncDispose]: stop });
}
