import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../src/errors.ts';
import { annotation } from '../../src/jupyter-server/labels.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { loadDocument } from '../../src/pipeline/document.ts';
import { createOperationTable } from '../../src/pipeline/operations.ts';
import { foldSlashes, readTarget } from '../../src/pipeline/request-target.ts';
import { hashAccessToken, writeAccessTokens } from '../../src/session-contract/access-tokens.ts';
import { type FuzzedRequest, operationsOf, requestsFor } from '../support/fuzz/requests.ts';
import { createResponseCheck, type ReceivedResponse } from '../support/fuzz/responses.ts';
import { agentSecret } from '../support/session-agent/agent-session.ts';
import { type FakeAgent, startFakeAgent } from '../support/session-agent/fake-agent.ts';
import { idleKernel } from '../support/session-agent/fake-supervisor.ts';
import { conflict, notes, roundId } from '../support/session-agent/fake-sync.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { testConfig, withAgents } from '../support/sessions/config.ts';
import { type FakeClasses, startFakeClasses } from '../support/sessions/fake-classes.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { headersOfJohn, startWholeService, type WholeService } from '../support/whole-service.ts';

/** Number of requests; FUZZ_REQUESTS overrides it, and FUZZ_SEED repeats a run that failed. */
const requests = Number(process.env['FUZZ_REQUESTS'] ?? (process.env['CI'] ? 10_000 : 1_000));
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

const document = loadDocument('/notebooks');
const operations = operationsOf(document);
/** Operations with more input get more requests. */
const weights: Record<string, number> = {
  launchServer: 10,
  changeServer: 2,
  getLogs: 4,
  checkImage: 3,
  launchPage: 4,
  listAutosaves: 2,
  deleteAutosave: 2,
  putSyncFolder: 4,
  resolveSyncConflict: 3,
};
const weightOf = (id: string): number => weights[id] ?? 1;
const total = operations.reduce((sum, { id }) => sum + weightOf(id), 0);
const runsOf = (id: string): number => Math.ceil((requests * weightOf(id)) / total);

let backends: Backends;
let classes: FakeClasses;
let service: WholeService;
/** The agent of the running session, in which a save runs. */
let sessionAgent: FakeAgent;
/** A session of John with a log. */
let running: JupyterServer;
/** A session of John to be restarted. */
let failed: JupyterServer;
let name: string;
let cookie: string;
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

beforeAll(async () => {
  [backends, classes] = await Promise.all([startBackends(), startFakeClasses()]);
  const { cluster, gitlab, registry } = backends;
  const { cloud_storage, sessions } = testConfig();
  service = await startWholeService({
    kubeconfig: cluster.kubeconfig,
    config: {
      git: { url: gitlab.url, registry: registry.host },
      crc_url: classes.url,
      sessions: { ...sessions, ...withAgents(agentSecret) },
      cloud_storage: {
        ...cloud_storage,
        s3: { ...cloud_storage.s3, enabled: true },
        azure_blob: { ...cloud_storage.azure_blob, enabled: true },
      },
    },
    validateResponses: true,
  });
  // A deleted object disappears a moment later, as with a garbage collector.
  cluster.fault = ({ method, resource, name: deleted }) => {
    if (method === 'DELETE' && resource === 'jupyterservers') setImmediate(() => cluster.finish(deleted ?? ''));
    return undefined;
  };
  registry.fault = (path) => (path.includes('missing') ? 404 : undefined);
  const body = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
  const launched = await service.request('POST', '/servers', body);
  name = String(launched.json()['name']);
  const found = cluster.objects('jupyterservers')[0] as JupyterServer | undefined;
  if (!found) throw new Error(`nothing was launched: ${launched.text}`);
  const containerStatuses = [{ name: 'jupyter-server', restartCount: 0, state: { running: {} } }];
  const expires = new Date(Date.now() + 86_400_000).toISOString();
  const tokens = writeAccessTokens([{ id: tokenId, label: '', hash: hashAccessToken('x'), created: expires, expires }]);
  const annotations = { ...found.metadata.annotations, [annotation.accessTokens]: tokens };
  found.metadata = { ...found.metadata, annotations };
  sessionAgent = await startFakeAgent({ secret: agentSecret, sessionUid: found.metadata.uid ?? '' });
  const podStatus = { phase: 'Running', podIP: sessionAgent.address, containerStatuses };
  const mainPod = { uid: sessionAgent.podUid, name: `${name}-0`, status: podStatus };
  running = { ...found, status: { state: 'running', conditions: [], mainPod } };
  failed = { ...found, status: { state: 'failed', mainPod: { uid: 'pod-1' } } };
  const owner = { apiVersion: '', kind: 'JupyterServer', name, uid: found.metadata.uid ?? '' };
  cluster.putClaim({ metadata: { name, namespace: found.metadata.namespace ?? '', ownerReferences: [owner] } });
  cluster.podLogs.set(`${name}-0/jupyter-server`, '2026-11-20T10:00:03.482000000Z hello\n');
  const anonymous = await service.request('POST', '/servers', body, unidentified);
  cookie = String(anonymous.headers['set-cookie']).split(';')[0] ?? '';
});
afterAll(async () => {
  agent.destroy();
  await service[Symbol.asyncDispose]();
  await sessionAgent.stop();
  await Promise.all([backends.close(), classes.close()]);
});

/**
 * Leaves only this session in the cluster, with one operation that runs: earlier requests have launched and stopped sessions, and
 * saved their work.
 */
function resetSessions(session: JupyterServer): void {
  const { cluster } = backends;
  for (const { metadata } of cluster.objects('jupyterservers')) {
    if (metadata.name !== undefined && metadata.name !== name) cluster.finish(metadata.name);
  }
  cluster.put(session);
  sessionAgent.operations.splice(0, Infinity, {
    ...{ id: operationId, podUid: sessionAgent.podUid, kind: 'save', reason: 'user', isFinal: false },
    ...{
      state: 'running',
      version: 1,
      createdAt: new Date().toISOString(),
      finishedAt: null,
      result: null,
      error: null,
    },
    progress: { step: 'pushing', done: 0, total: null },
  });
}

let changes = 0;
/** Returns a session in a state in which the operation can succeed. Most changes are of hibernated sessions. */
function sessionFor(operation: string): JupyterServer {
  if (operation === 'restartServer') return failed;
  if (operation !== 'changeServer') return running;
  changes += 1;
  const jupyterServer = { ...running.spec?.jupyterServer, hibernated: true };
  const status = { ...running.status, state: 'hibernated' } as const;
  return changes % 4 === 0 ? running : { ...running, spec: { ...running.spec, jupyterServer }, status };
}

const tokenId = '1f0a9c3b5d7e2a46';
const operationId = 'save-1';

/** Headers that replace John's. */
const unidentified = { 'renku-auth-access-token': '', 'renku-auth-id-token': '', 'renku-auth-git-credentials': '' };

function callers(): Record<string, string>[] {
  const john = headersOfJohn(backends.gitlab.url);
  const anonymous = { 'renku-auth-anon-id': 'anon-0123456789abcdef' };
  const rejected = [
    { cookie: 'notebook-sessions-anonymous=nonsense' },
    { ...john, 'renku-auth-git-credentials': 'nonsense' },
    { ...john, 'renku-auth-id-token': 'a.b.c' },
    { 'renku-auth-anon-id': 'unknown' },
  ];
  return [
    ...Array.from({ length: 12 }, () => john),
    ...Array.from({ length: 5 }, () => anonymous),
    { cookie },
    {},
    ...rejected,
  ];
}

function known(): Record<string, unknown[]> {
  const { host } = backends.registry;
  return {
    namespace: ['my-group'],
    project: ['my-project'],
    branch: ['master', 'feature/x', 'mian'],
    commit_sha: [commitSha, 'v1.0', commitSha.slice(0, 8)],
    image: [`${host}/a/b:1`, `${host}/missing/image`, null],
    image_url: [`${host}/a/b:1`, `${host}/missing/image`],
    resource_class_id: [1, 2, '3'],
    storage: [1, 10, '50'],
    default_url: ['/lab', '/rstudio'],
    defaultUrl: ['/lab'],
    cpu_request: [0.1, '500m'],
    mem_request: ['1G', 2e9],
    disk_request: ['1G', 2e9],
    gpu_request: [0, '0'],
    access_key: ['key'],
    secret_key: ['c2VjcmV0'],
    endpoint: ['https://s3.example.org', 'https://account.blob.core.windows.net', 'http://[::1]'],
    bucket: ['data', 'my-bucket'],
    server_name: [name],
    state: ['running', 'hibernated'],
    token_id: [tokenId],
    operation_id: [operationId, roundId],
    folder_id: [notes.id],
    conflict_id: [conflict.id],
    resolution: ['mine'],
    kernel_id: [idleKernel.id],
    namespace_project: ['my-group/my-project', '42'],
    autosave_name: ['renku/autosave/john.doe/master/0123456/0123456'],
    container: ['jupyter-server'],
    since: ['2026-11-20T10:00:00Z', '60'],
    'Last-Event-ID': ['jupyter-server:01795168803.482000000.0', '1:', '1:k3f7qaz.81234.b2x4m7tq'],
    ref: ['master'],
  };
}

/** Reads a response; of a stream only the beginning, then closes the connection. */
async function exchange({ method, target, headers, body }: FuzzedRequest): Promise<ReceivedResponse> {
  const framed = { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) };
  const sent = request({ host: '127.0.0.1', port: service.port, method, path: target, headers: framed, agent });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const contentType = response.headers['content-type'];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += String(chunk);
    if (contentType?.startsWith('text/event-stream')) break;
  }
  return { status: response.statusCode ?? 0, contentType, text };
}

const findOperation = createOperationTable(document);

/** Returns whether the response is the page for an unknown path, which a request with an empty path parameter has. */
function isUnknownPath({ target }: FuzzedRequest, { status, contentType }: ReceivedResponse): boolean {
  if (status !== 404 || contentType?.startsWith('text/html') !== true) return false;
  try {
    return findOperation(foldSlashes(readTarget(target).path.replace('/notebooks', ''))) === undefined;
  } catch (error) {
    // No route has a path with an invalid percent sign.
    if (error instanceof ApiError) return true;
    throw error;
  }
}

describe(`random requests (FUZZ_SEED=${seed})`, () => {
  const mistakeIn = createResponseCheck(document);

  it.each(operations)('$id responds as documented and never with 5xx', { timeout: 600_000 }, async (operation) => {
    const { host } = backends.registry;
    const localImage = (text: string) => (text.startsWith(host) || text === '' ? text : `${host}/${text}`);
    const arbitrary = requestsFor(operation, { document, known: known(), localImage }, callers());
    const statuses: Record<number, number> = {};
    let streams = 0;
    await fc.assert(
      fc.asyncProperty(arbitrary, async (sent) => {
        resetSessions(sessionFor(operation.id));
        const response = await exchange(sent);
        if (response.contentType?.startsWith('text/event-stream')) streams += 1;
        statuses[response.status] = (statuses[response.status] ?? 0) + 1;
        expect(response.status, response.text).toBeLessThan(500);
        if (isUnknownPath(sent, response)) return;
        expect(mistakeIn(operation, sent.method === 'HEAD', response), response.text).toBeUndefined();
      }),
      { seed, numRuns: runsOf(operation.id), interruptAfterTimeLimit: 500_000, markInterruptAsFailure: true },
    );
    process.stdout.write(`${operation.id}: ${JSON.stringify({ ...statuses, ...(streams > 0 ? { streams } : {}) })}\n`);
    // Without one success, the requests were too invalid to test the operation.
    expect(Object.keys(statuses)).toContainEqual(expect.stringMatching(/^[23]/));
  });

  it('logs no error', () => {
    expect(service.errors).toEqual([]);
  });
});
