import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { components } from '../../generated/agent-api.ts';
import { asObject, parseJson } from '../../lib/json.ts';
import { readBody } from '../../lib/request-body.ts';
import { agentSignatureHeader } from '../../session-contract/agent.ts';
import {
  type AgentToken,
  agentTokenMs,
  signAgentResponse,
  verifyAgentToken,
} from '../../session-contract/agent-token.ts';
import { toSaveFailure } from '../saves/failure.ts';
import { type Reply, send } from './http.ts';
import type { Operations, SaveRequest } from './operations.ts';
import type { Route } from './route.ts';
import type { ApiSettings } from './settings.ts';
import { type SnapshotRoutesParts, snapshotRoutes } from './snapshot-routes.ts';
import type { Supervisor } from './supervisor.ts';
import { syncRoutes } from './sync/routes.ts';
import type { Sync } from './sync/sync.ts';

type Schemas = components['schemas'];
type Reason = Schemas['Error']['reason'];

export interface ApiOptions {
  readonly identity: ApiSettings['identity'];
  readonly operations: Operations;
  readonly getWork: () => Promise<Schemas['Work']>;
  /** Cancels all saves, and lets the session end without one. */
  readonly discard: () => void;
  /** Ends the effect of `discard`. */
  readonly keep: () => void;
  /** Hands the tokens to the git proxy. Throws if the git proxy does not take them. */
  readonly putTokens: (body: Buffer) => Promise<void>;
  readonly supervisor: Supervisor;
  readonly snapshots: SnapshotRoutesParts;
  /** undefined: the session has no key. */
  readonly sync: Sync | undefined;
  readonly now: () => number;
  readonly log: (line: string) => void;
}

const maxBytes = 64 * 1024;
const idPattern = /^[a-zA-Z0-9-]{1,64}$/;
const reasons: readonly string[] = ['user', 'stop', 'hibernate', 'cull', 'pre-stop'];
const maxWaitSeconds = 30;

class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: Reason;
  constructor(status: number, reason: Reason, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** Returns the handler of the API (agent.openapi.yaml). */
export function createApi(options: ApiOptions): RequestListener {
  const routes = routesOf(options);
  const isFirstUse = createNonces(options.now);
  return (req, res) => {
    answer(req, res, routes, isFirstUse, options).catch((error: unknown) => {
      options.log(`The API could not respond: ${String(error)}`);
      res.destroy();
    });
  };
}

/**
 * Returns a function that returns whether a token is used for the first time: a copy of a request has no effect. A token is valid for
 * its lifetime and the leeway before and after.
 */
function createNonces(now: () => number): (nonce: string) => boolean {
  const used = new Map<string, number>();
  return (nonce) => {
    const time = now();
    for (const [each, until] of used) {
      if (until > time) break;
      used.delete(each);
    }
    if (used.has(nonce)) return false;
    used.set(nonce, time + agentTokenMs);
    return true;
  };
}

async function answer(
  req: IncomingMessage,
  res: ServerResponse,
  routes: readonly Route[],
  isFirstUse: (nonce: string) => boolean,
  options: ApiOptions,
) {
  const url = URL.parse(req.url ?? '', 'http://agent');
  if (req.method === 'GET' && url?.pathname === '/health') {
    send(res, { status: 200, body: { status: 'running' } });
    return;
  }
  const { identity } = options;
  const bearer = /^Bearer ([\w.-]+)$/.exec(req.headers.authorization ?? '')?.[1] ?? '';
  const token = identity && verifyAgentToken(identity.key, identity.sessionUid, bearer, options.now());
  if (!identity || !token || !isFirstUse(token.nonce)) {
    send(res, errorReply(new ApiError(401, 'unauthorized', 'The request has no valid token for this session.')));
    return;
  }
  const stop = new AbortController();
  res.on('close', () => stop.abort());
  const reply = await replyTo(req, url, token, routes, stop.signal).catch((error: unknown) => {
    const known = error instanceof ApiError ? error : toApiError(error);
    if (known.status === 500) options.log(`${req.method} ${url?.pathname}: ${known.message}`);
    return errorReply(known);
  });
  const text = reply.body === undefined ? '' : JSON.stringify(reply.body);
  const signature = signAgentResponse(identity.key, token.nonce, reply.status, text);
  send(res, { ...reply, headers: { ...reply.headers, [agentSignatureHeader]: signature } });
}

async function replyTo(
  req: IncomingMessage,
  url: URL | null,
  token: AgentToken,
  routes: readonly Route[],
  stop: AbortSignal,
): Promise<Reply> {
  const path = url?.pathname ?? '';
  const route = routes.find((each) => each.method === req.method && each.path.test(path));
  if (!url || !route) throw new ApiError(404, 'not-found', `The API has no ${req.method} ${path}.`);
  if (route.scope !== token.scope)
    throw new ApiError(403, 'forbidden', `The request needs a token with the scope "${route.scope}".`);
  const body = await readBody(req, maxBytes);
  if (!body) throw new ApiError(413, 'invalid', `The body is longer than ${maxBytes} bytes.`);
  const [, id = '', part = ''] = route.path.exec(path) ?? [];
  return route.handle({ path, id, part, query: url.searchParams, body, stop });
}

/** Requests that the supervisor answers, at the same path without `/v1`. */
const ofSupervisor: readonly (readonly [method: string, path: RegExp])[] = [
  ['GET', /^\/v1\/server$/],
  ['POST', /^\/v1\/server$/],
  ['DELETE', /^\/v1\/server$/],
  ['POST', /^\/v1\/server\/restart$/],
  ['GET', /^\/v1\/kernels$/],
  ['POST', /^\/v1\/kernels\/sync$/],
  ['DELETE', /^\/v1\/kernels\/[A-Za-z0-9_-]{1,64}$/],
  ['POST', /^\/v1\/kernels\/[A-Za-z0-9_-]{1,64}\/(interrupt|restart)$/],
];

function routesOf(options: ApiOptions): Route[] {
  const { operations, getWork, discard, keep, putTokens, supervisor, snapshots, sync } = options;
  const found = <T>(operation: T | undefined): { status: number; body: T } => {
    if (operation === undefined) throw new ApiError(404, 'not-found', 'There is no such operation.');
    return { status: 200, body: operation };
  };
  const one = /^\/v1\/operations\/([a-zA-Z0-9-]{1,64})$/;
  return [
    {
      method: 'GET',
      path: /^\/v1\/work$/,
      scope: 'read',
      handle: async () => ({ status: 200, body: await getWork() }),
    },
    {
      method: 'POST',
      path: /^\/v1\/saves$/,
      scope: 'save',
      handle: ({ body }) => ({ status: 202, body: operations.save(readSaveRequest(body)) }),
    },
    {
      method: 'GET',
      path: /^\/v1\/operations$/,
      scope: 'read',
      handle: () => ({ status: 200, body: { operations: operations.list() } }),
    },
    {
      method: 'GET',
      path: one,
      scope: 'read',
      handle: async ({ id, query, stop }) => {
        const wait = integerIn(query, 'wait', maxWaitSeconds);
        const version = integerIn(query, 'version', Number.MAX_SAFE_INTEGER);
        return found(wait === undefined ? operations.find(id) : await operations.wait(id, version, wait * 1000, stop));
      },
    },
    { method: 'DELETE', path: one, scope: 'save', handle: ({ id }) => found(operations.cancel(id)) },
    {
      method: 'POST',
      path: /^\/v1\/discard$/,
      scope: 'discard',
      handle: () => {
        discard();
        return { status: 204 };
      },
    },
    {
      method: 'DELETE',
      path: /^\/v1\/discard$/,
      scope: 'discard',
      handle: () => {
        keep();
        return { status: 204 };
      },
    },
    {
      method: 'PUT',
      path: /^\/v1\/tokens$/,
      scope: 'tokens',
      handle: async ({ body }) => {
        checkTokens(body);
        await putTokens(body);
        return { status: 204 };
      },
    },
    ...ofSupervisor.map(
      ([method, path]): Route => ({
        method,
        path,
        scope: 'kernels',
        handle: (request) => {
          const query = request.query.get('force') === 'true' ? '?force=true' : '';
          return supervisor(method, `${request.path.slice('/v1'.length)}${query}`, request.body, request.stop);
        },
      }),
    ),
    ...snapshotRoutes(snapshots),
    ...syncRoutes(sync),
  ];
}

const invalid = (message: string): ApiError => new ApiError(422, 'invalid', message);

function readSaveRequest(body: Buffer): SaveRequest {
  const json = asObject(parseJson(body.toString()));
  if (!json) throw invalid('The body is not a JSON object.');
  const { id, reason, isFinal, pushSeconds, ...others } = json;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`${unknown}: unknown member`);
  if (id !== undefined && (typeof id !== 'string' || !idPattern.test(id))) throw invalid(`id: must match ${idPattern}`);
  if (!isReason(reason)) throw invalid(`reason: must be one of ${reasons.join(', ')}`);
  if (typeof isFinal !== 'boolean') throw invalid('isFinal: must be true or false');
  if (pushSeconds === undefined) return { ...(id === undefined ? {} : { id }), reason, isFinal };
  if (typeof pushSeconds !== 'number' || !Number.isInteger(pushSeconds) || pushSeconds < 1 || pushSeconds > 3600)
    throw invalid('pushSeconds: must be a whole number from 1 to 3600');
  return { ...(id === undefined ? {} : { id }), reason, isFinal, pushSeconds };
}

const isReason = (value: unknown): value is SaveRequest['reason'] =>
  typeof value === 'string' && reasons.includes(value);

/** The git proxy checks the rest. */
function checkTokens(body: Buffer): void {
  const { gitToken, gitTokenExpiresAt } = asObject(parseJson(body.toString())) ?? {};
  if (typeof gitToken !== 'string' || gitToken === '') throw invalid('gitToken: must be text');
  if (!Number.isInteger(gitTokenExpiresAt)) throw invalid('gitTokenExpiresAt: must be a whole number of seconds');
}

function integerIn(query: URLSearchParams, name: string, max: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,16}$/.test(text) || Number(text) > max) throw invalid(`${name}: must be a whole number from 0 to ${max}`);
  return Number(text);
}

const statuses: Partial<Record<Reason, number>> = {
  'no-repository': 409,
  conflict: 409,
  invalid: 422,
  'not-found': 404,
  unavailable: 503,
  'no-response': 503,
  'disk-full': 507,
  kernel: 502,
  jupyter: 502,
};

function toApiError(error: unknown): ApiError {
  const { reason, message } = toSaveFailure(error);
  return new ApiError(statuses[reason] ?? 500, reason, message);
}

const errorReply = ({ status, reason, message }: ApiError): Reply => ({ status, body: { error: { reason, message } } });
