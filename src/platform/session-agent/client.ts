import { isIP, isIPv6 } from 'node:net';
import { Agent, type Dispatcher, request as undiciRequest } from 'undici';
import { createAddressRanges } from '../../lib/address-ranges.ts';
import { type Deadline, orAborted } from '../../lib/deadline.ts';
import { parseJson } from '../../lib/json.ts';
import { agentPort, agentSignatureHeader } from '../../session-contract/agent.ts';
import { type AgentScope, createAgentToken, isAgentResponse } from '../../session-contract/agent-token.ts';
import type { OutboundCalls } from '../metrics/outbound-calls.ts';
import {
  isErrorBody,
  isKernelList,
  isOperation,
  isOperationList,
  isServerStatus,
  isSnapshotList,
  isSyncFolder,
  isSyncFolderList,
  isSyncOperation,
  isSyncOperationList,
  isSyncReport,
  isWork,
} from './shapes.ts';
import { AgentFailure, type AgentTarget, type ServerChange, type SessionAgents } from './types.ts';

/** Larger than any valid response: a thousand entries with a path each. */
const maxBytes = 1024 * 1024;
const connectTimeoutMs = 5_000;

/**
 * Addresses that no pod has: those of the cloud's metadata service, of networks and of groups. An operator that reports such an
 * address must not make this program connect to it. Other addresses are allowed, because pods have private ones.
 */
const neverPods = createAddressRanges([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  'fe80::/10',
  'ff00::/8',
  '::/128',
]);

export interface SessionAgentsOptions {
  readonly calls?: OutboundCalls;
  readonly now?: () => number;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly scope: AgentScope;
  readonly body?: object;
}

/**
 * Returns the client for the agents of sessions (agent.openapi.yaml). This is the only client that connects to the addresses of
 * pods: OutboundHttp, which also requests addresses that users name, rejects private addresses.
 */
export function createSessionAgents({ calls, now = Date.now }: SessionAgentsOptions = {}): SessionAgents {
  const dispatcher = new Agent({
    connect: { timeout: connectTimeoutMs },
    // A pod ends without notice, and its address may then belong to another pod.
    keepAliveTimeout: 1_000,
    keepAliveMaxTimeout: 1_000,
    maxHeaderSize: 16 * 1024,
    headersTimeout: 120_000,
    bodyTimeout: 120_000,
  });

  /** Returns the body of a successful response that the agent has signed; undefined for an empty body. */
  async function call(target: AgentTarget, { method, path, scope, body }: Call, deadline: Deadline): Promise<unknown> {
    const { address, key, sessionUid } = target;
    if (isIP(address) === 0 || address.includes('%') || neverPods.includes(address))
      throw new AgentFailure('no-response', 'The pod of the session has no usable address.');
    const { token, nonce } = createAgentToken(key, sessionUid, scope, now());
    const end = calls?.begin('session-agent');
    let status: number;
    let text: Buffer;
    let signature: string;
    try {
      const started = undiciRequest(`http://${isIPv6(address) ? `[${address}]` : address}:${agentPort}${path}`, {
        dispatcher,
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        body: body ? JSON.stringify(body) : null,
        signal: deadline.signal,
      });
      // undici ignores the signal until it is connected.
      const response = await orAborted(started, deadline.signal);
      status = response.statusCode;
      signature = String(response.headers[agentSignatureHeader.toLowerCase()] ?? '');
      text = await bodyOf(response);
    } catch (cause) {
      end?.(deadline.signal.aborted ? 'timeout' : 'no_response');
      throw failureOf(cause, deadline);
    }
    end?.(status < 400 ? 'success' : status < 500 ? 'client_error' : 'server_error');
    const json = parseJson(text.toString());
    if (!isAgentResponse(key, nonce, { status, body: text, signature })) throw notSigned(status, json);
    if (status >= 200 && status < 300) return json;
    if (isErrorBody(json)) throw new AgentFailure(json.error.reason, json.error.message);
    throw invalidResponse();
  }

  async function checked<T extends object>(
    target: AgentTarget,
    request: Call,
    isValid: (value: unknown) => value is T,
    deadline: Deadline,
  ): Promise<T> {
    const value = await call(target, request, deadline);
    if (!isValid(value)) throw invalidResponse();
    return value;
  }

  const findOperation: SessionAgents['findOperation'] = (target, id, wait, deadline) => {
    const path = `/v1/operations/${encodeURIComponent(id)}${waitQuery(wait)}`;
    return checked(target, { method: 'GET', path, scope: 'read' }, isOperation, deadline);
  };

  /** Throws AgentFailure if the response is from another pod of the session: the pod was replaced, and the report about it is old. */
  function ofPod<T extends { readonly podUid: string }>(target: AgentTarget, value: T): T {
    if (value.podUid === target.podUid) return value;
    throw new AgentFailure('other-agent', 'The pod of the session has just been replaced.');
  }

  return {
    async work(target, deadline) {
      return ofPod(target, await checked(target, { method: 'GET', path: '/v1/work', scope: 'read' }, isWork, deadline));
    },
    async save(target, body, deadline) {
      const request: Call = { method: 'POST', path: '/v1/saves', scope: 'save', body };
      return ofPod(target, await checked(target, request, isOperation, deadline));
    },
    async operations(target, deadline) {
      const request: Call = { method: 'GET', path: '/v1/operations', scope: 'read' };
      const { operations } = await checked(target, request, isOperationList, deadline);
      return operations;
    },
    async operation(target, id, wait, deadline) {
      return ofPod(target, await findOperation(target, id, wait, deadline));
    },
    findOperation,
    cancel(target, id, deadline) {
      const path = `/v1/operations/${encodeURIComponent(id)}`;
      return checked(target, { method: 'DELETE', path, scope: 'save' }, isOperation, deadline);
    },
    async discard(target, deadline) {
      await call(target, { method: 'POST', path: '/v1/discard', scope: 'discard' }, deadline);
    },
    async keep(target, deadline) {
      await call(target, { method: 'DELETE', path: '/v1/discard', scope: 'discard' }, deadline);
    },
    async putTokens(target, body, deadline) {
      // The address may belong to the pod of another user, who must not get the tokens: the agent signs a response first.
      await call(target, { method: 'GET', path: '/v1/operations', scope: 'read' }, deadline);
      await call(target, { method: 'PUT', path: '/v1/tokens', scope: 'tokens', body }, deadline);
    },
    server: (target, deadline) =>
      checked(target, { method: 'GET', path: '/v1/server', scope: 'kernels' }, isServerStatus, deadline),
    changeServer: (target, change, deadline) => checked(target, serverCall(change), isServerStatus, deadline),
    kernels: (target, deadline) =>
      checked(target, { method: 'GET', path: '/v1/kernels', scope: 'kernels' }, isKernelList, deadline),
    syncKernels: (target, deadline) =>
      checked(target, { method: 'POST', path: '/v1/kernels/sync', scope: 'kernels' }, isSyncReport, deadline),
    async changeKernel(target, id, change, deadline) {
      const path = `/v1/kernels/${encodeURIComponent(id)}`;
      const request: Call =
        change === 'end'
          ? { method: 'DELETE', path, scope: 'kernels' }
          : { method: 'POST', path: `${path}/${change}`, scope: 'kernels' };
      await call(target, request, deadline);
    },
    snapshots: (target, kernelId, deadline) =>
      checked(target, { method: 'GET', path: snapshotsPath({ kernelId }), scope: 'kernels' }, isSnapshotList, deadline),
    setAutomaticSnapshots(target, kernelId, automatic, deadline) {
      const request = {
        method: 'PATCH',
        path: snapshotsPath({ kernelId }),
        scope: 'kernels',
        body: { automatic },
      } as const;
      return checked(target, request, isSnapshotList, deadline);
    },
    async takeSnapshot(target, kernelId, { label, keep, engine }, deadline) {
      const body = { label, ...(keep === undefined ? {} : { keep }), ...(engine === undefined ? {} : { engine }) };
      const request = { method: 'POST', path: snapshotsPath({ kernelId }), scope: 'kernels', body } as const;
      return ofPod(target, await checked(target, request, isOperation, deadline));
    },
    async restoreSnapshot(target, which, force, deadline) {
      const path = `${snapshotsPath(which)}/restore`;
      const request = { method: 'POST', path, scope: 'kernels', body: { force } } as const;
      return ofPod(target, await checked(target, request, isOperation, deadline));
    },
    async deleteSnapshots(target, which, deadline) {
      await call(target, { method: 'DELETE', path: snapshotsPath(which), scope: 'kernels' }, deadline);
    },
    async syncFolders(target, deadline) {
      const request: Call = { method: 'GET', path: syncPath(), scope: 'sync' };
      return await checked(target, request, isSyncFolderList, deadline);
    },
    syncFolder: (target, id, deadline) =>
      checked(target, { method: 'GET', path: syncPath(id), scope: 'sync' }, isSyncFolder, deadline),
    async putSyncFolder(target, id, body, deadline) {
      // The address may belong to the pod of another user, who must not get the credentials: the agent signs a response first.
      await call(target, { method: 'GET', path: syncPath(), scope: 'sync' }, deadline);
      return await checked(target, { method: 'PUT', path: syncPath(id), scope: 'sync', body }, isSyncFolder, deadline);
    },
    async deleteSyncFolder(target, id, deadline) {
      await call(target, { method: 'DELETE', path: syncPath(id), scope: 'sync' }, deadline);
    },
    startSync(target, id, deletions, deadline) {
      const body = deletions === undefined ? {} : { deletions };
      const request: Call = { method: 'POST', path: syncPath(id, 'sync'), scope: 'sync', body };
      return checked(target, request, isSyncOperation, deadline);
    },
    async syncOperations(target, id, deadline) {
      const request: Call = { method: 'GET', path: syncPath(id, 'operations'), scope: 'sync' };
      return (await checked(target, request, isSyncOperationList, deadline)).operations;
    },
    syncOperation(target, id, operation, wait, deadline) {
      const path = `${syncPath(id, 'operations', operation)}${waitQuery(wait)}`;
      const request: Call = { method: 'GET', path, scope: 'sync' };
      return checked(target, request, isSyncOperation, deadline);
    },
    cancelSync(target, id, operation, deadline) {
      const request: Call = { method: 'DELETE', path: syncPath(id, 'operations', operation), scope: 'sync' };
      return checked(target, request, isSyncOperation, deadline);
    },
    resolveSyncConflict(target, id, conflict, resolution, deadline) {
      const path = syncPath(id, 'conflicts', conflict);
      const request: Call = { method: 'POST', path, scope: 'sync', body: { resolution } };
      return checked(target, request, isSyncFolder, deadline);
    },
    close: () => dispatcher.destroy(),
  };
}

function snapshotsPath({ kernelId, snapshotId }: { kernelId: string; snapshotId?: string }): string {
  const all = `/v1/kernels/${encodeURIComponent(kernelId)}/snapshots`;
  return snapshotId === undefined ? all : `${all}/${encodeURIComponent(snapshotId)}`;
}

const waitQuery = (wait: { readonly seconds: number; readonly version: number } | undefined): string =>
  wait ? `?wait=${wait.seconds}&version=${wait.version}` : '';

const syncPath = (...parts: readonly string[]): string =>
  ['/v1/sync-folders', ...parts.map(encodeURIComponent)].join('/');

function serverCall(change: ServerChange): Call {
  switch (change.kind) {
    case 'start': {
      const body = change.gatewayUrl === undefined ? {} : { gateway_url: change.gatewayUrl };
      return { method: 'POST', path: '/v1/server', scope: 'kernels', body };
    }
    case 'stop':
      return { method: 'DELETE', path: `/v1/server${change.force ? '?force=true' : ''}`, scope: 'kernels' };
    case 'restart':
      return { method: 'POST', path: '/v1/server/restart', scope: 'kernels' };
  }
}

async function bodyOf({ body, headers }: Dispatcher.ResponseData): Promise<Buffer> {
  body.on('error', () => body.destroy());
  if (Number(headers['content-length'] ?? 0) > maxBytes) {
    body.destroy();
    throw invalidResponse();
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // Leaving the loop destroys the stream.
    if (size > maxBytes) throw invalidResponse();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function failureOf(cause: unknown, { signal }: Deadline): unknown {
  if (cause instanceof AgentFailure) return cause;
  if (!signal.aborted) return new AgentFailure('no-response', 'The agent of the session does not respond.', { cause });
  const reason: unknown = signal.reason;
  const isTimeout = reason instanceof DOMException && reason.name === 'TimeoutError';
  return isTimeout ? new AgentFailure('timeout', 'The agent of the session did not respond in time.') : reason;
}

/** The agent cannot sign the rejection of a token with a key that it does not have. */
function notSigned(status: number, json: unknown): AgentFailure {
  return status === 401 && isErrorBody(json)
    ? new AgentFailure('other-agent', 'The agent of the session does not accept the key of the platform.')
    : new AgentFailure(
        'other-agent',
        'The response is not from the agent of the session: its address may belong to another pod.',
      );
}

const invalidResponse = (): AgentFailure =>
  new AgentFailure('invalid-response', 'The agent of the session sent a response that is not valid.');
