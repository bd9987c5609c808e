import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { components } from '../../generated/agent-api.ts';
import { asObject, parseJson } from '../../lib/json.ts';
import { agentSignatureHeader } from '../../session-contract/agent.ts';
import {
  type AgentScope,
  type AgentToken,
  signAgentResponse,
  verifyAgentToken,
} from '../../session-contract/agent-token.ts';
import { toSaveFailure } from '../saves/failure.ts';
import { type Reply, readBody, send } from './http.ts';
import type { Operations, SaveRequest } from './operations.ts';
import type { ApiSettings } from './settings.ts';

type Schemas = components['schemas'];
type Reason = Schemas['Error']['reason'];

export interface ApiOptions {
  readonly identity: ApiSettings['identity'];
  readonly operations: Operations;
  readonly getWork: () => Promise<Schemas['Work']>;
  /** Hands the tokens to the git proxy. Throws if the git proxy does not take them. */
  readonly putTokens: (body: Buffer) => Promise<void>;
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

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly scope: AgentScope;
  readonly handle: (request: ApiRequest) => Promise<Reply> | Reply;
}

interface ApiRequest {
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly stop: AbortSignal;
}

/** Returns the handler of the API (agent.openapi.yaml). */
export function createApi(options: ApiOptions): RequestListener {
  const routes = routesOf(options);
  return (req, res) => {
    answer(req, res, routes, options).catch((error: unknown) => {
      options.log(`The API could not respond: ${String(error)}`);
      res.destroy();
    });
  };
}

async function answer(req: IncomingMessage, res: ServerResponse, routes: readonly Route[], options: ApiOptions) {
  const url = URL.parse(req.url ?? '', 'http://agent');
  if (req.method === 'GET' && url?.pathname === '/health') {
    send(res, { status: 200, body: { status: 'running' } });
    return;
  }
  const { identity } = options;
  const bearer = /^Bearer ([\w.-]+)$/.exec(req.headers.authorization ?? '')?.[1] ?? '';
  const token = identity && verifyAgentToken(identity.key, identity.sessionUid, bearer, options.now());
  if (!identity || !token) {
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
  return route.handle({ id: route.path.exec(path)?.[1] ?? '', query: url.searchParams, body, stop });
}

function routesOf({ operations, getWork, putTokens }: ApiOptions): Route[] {
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
      method: 'PUT',
      path: /^\/v1\/tokens$/,
      scope: 'tokens',
      handle: async ({ body }) => {
        checkTokens(body);
        await putTokens(body);
        return { status: 204 };
      },
    },
  ];
}

const invalid = (message: string): ApiError => new ApiError(422, 'invalid', message);

function readSaveRequest(body: Buffer): SaveRequest {
  const json = asObject(parseJson(body.toString()));
  if (!json) throw invalid('The body is not a JSON object.');
  const { id, reason, isFinal, ...others } = json;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`${unknown}: unknown member`);
  if (id !== undefined && (typeof id !== 'string' || !idPattern.test(id))) throw invalid(`id: must match ${idPattern}`);
  if (!isReason(reason)) throw invalid(`reason: must be one of ${reasons.join(', ')}`);
  if (typeof isFinal !== 'boolean') throw invalid('isFinal: must be true or false');
  return { ...(id === undefined ? {} : { id }), reason, isFinal };
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

function toApiError(error: unknown): ApiError {
  const { reason, message } = toSaveFailure(error);
  return new ApiError(reason === 'no-repository' ? 409 : 500, reason, message);
}

const errorReply = ({ status, reason, message }: ApiError): Reply => ({ status, body: { error: { reason, message } } });
