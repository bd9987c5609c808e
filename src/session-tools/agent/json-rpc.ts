import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isObject, parseJson } from '../../lib/json.ts';
import { readBody } from '../../lib/request-body.ts';
import type { Git } from '../git-clone/git.ts';
import { toSaveFailure } from '../saves/failure.ts';
import { send } from './http.ts';
import { findJupyter } from './jupyter.ts';
import type { Operations } from './operations.ts';
import { discard, getStatus, pull, saveToBranch } from './repository-methods.ts';
import type { AgentSettings } from './settings.ts';

/**
 * The JSON-RPC 2.0 of renku-notebooks' sidecar, for its clients. The proxy in front of Jupyter checks their sign-in. The status of
 * HTTP is 200 also for errors.
 */

export interface JsonRpcOptions {
  readonly settings: AgentSettings;
  readonly git: Git;
  readonly operations: Operations;
  readonly log: (line: string) => void;
}

const maxBytes = 64 * 1024;
const code = {
  parse: -32_700,
  request: -32_600,
  method: -32_601,
  params: -32_602,
  unexpected: -32_603,
  git: -32_000,
  user: -32_001,
};

class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

type Params = Readonly<Record<string, unknown>>;
type Method = (params: Params) => Promise<unknown>;

export function createJsonRpc(options: JsonRpcOptions): RequestListener {
  const methods = methodsOf(options);
  return (req, res) => {
    answer(req, res, options.settings, methods).catch((error: unknown) => {
      options.log(`The JSON-RPC could not respond: ${String(error)}`);
      res.destroy();
    });
  };
}

async function answer(
  req: IncomingMessage,
  res: ServerResponse,
  settings: AgentSettings,
  methods: ReadonlyMap<string, Method>,
): Promise<void> {
  const { prefix } = settings.rpc;
  const path = (req.url ?? '').split('?')[0] ?? '';
  const name = path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
  if (name === 'health' || name === 'jsonrpc') {
    send(res, { status: 308, headers: { location: `${path}/` } });
  } else if (name === 'health/' && req.method === 'GET') {
    send(res, { status: 200, body: { status: 'running' } });
  } else if (settings.jupyterFile !== undefined && !(await hasToken(req, settings))) {
    send(res, { status: 401, body: { message: 'The request has no valid token for this session.' } });
  } else if (name === 'jsonrpc/map' && req.method === 'GET') {
    const items = [...methods.keys()].map((method) => `<li>${method}</li>`).join('');
    const html = `<!doctype html><title>JSON-RPC map</title><h1>JSON-RPC map</h1><ul>${items}</ul>`;
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'x-content-type-options': 'nosniff' }).end(html);
  } else if (name === 'jsonrpc/' && req.method === 'POST') {
    const body = await readBody(req, maxBytes);
    if (!body) send(res, { status: 413, body: { message: `The body is longer than ${maxBytes} bytes.` } });
    else if (!isJson(req))
      send(res, { status: 200, body: failure(null, code.parse, 'Parse error: not application/json') });
    else await call(res, parseJson(body.toString()), methods);
  } else {
    send(res, { status: 404, body: { message: 'Not found' } });
  }
}

/** Returns whether the request has Jupyter's token, with which a caller can do the same in a terminal. */
async function hasToken({ headers }: IncomingMessage, settings: AgentSettings): Promise<boolean> {
  const { token } = (await findJupyter(settings)) ?? {};
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return token !== undefined && timingSafeEqual(digest(headers.authorization ?? ''), digest(`token ${token}`));
}

/** Pages of other sites can send other types of content with the user's cookies, and this type only after a question (CORS). */
const isJson = ({ headers }: IncomingMessage): boolean =>
  /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(headers['content-type'] ?? '');

async function call(res: ServerResponse, request: unknown, methods: ReadonlyMap<string, Method>): Promise<void> {
  if (!Array.isArray(request)) {
    const response = await respondTo(request, methods);
    return send(res, response ? { status: 200, body: response } : { status: 204 });
  }
  const responses: object[] = [];
  for (const each of request.slice(0, 20)) {
    const response = await respondTo(each, methods);
    if (response) responses.push(response);
  }
  if (request.length === 0) responses.push(failure(null, code.request, 'Invalid Request'));
  send(res, responses.length > 0 ? { status: 200, body: responses } : { status: 204 });
}

/** Returns undefined for a notification. */
async function respondTo(request: unknown, methods: ReadonlyMap<string, Method>): Promise<object | undefined> {
  if (request === undefined) return failure(null, code.parse, 'Parse error');
  if (!isObject(request) || request['jsonrpc'] !== '2.0' || typeof request['method'] !== 'string')
    return failure(null, code.request, 'Invalid Request');
  const { id, method, params = {} } = request;
  const run = methods.get(String(method));
  const respond = (response: object) => (id === undefined ? undefined : response);
  if (!run) return respond(failure(id, code.method, `Method not found: ${String(method)}`));
  const named = Array.isArray(params) && params.length === 0 ? {} : params;
  if (!isObject(named)) return respond(failure(id, code.params, 'Invalid params: they must have names'));
  try {
    return respond({ jsonrpc: '2.0', id, result: (await run(named)) ?? null });
  } catch (error) {
    if (error instanceof RpcError) return respond(failure(id, error.code, error.message));
    const { reason, message } = toSaveFailure(error);
    return respond(failure(id, reason === 'internal' ? code.unexpected : code.git, message));
  }
}

const failure = (id: unknown, number: number, message: string): object => ({
  jsonrpc: '2.0',
  id: id ?? null,
  error: { code: number, message },
});

function methodsOf({ settings, git, operations }: JsonRpcOptions): ReadonlyMap<string, Method> {
  const { save } = settings;
  const withoutParams = (run: () => Promise<unknown>): Method => {
    return async (params) => {
      const [name] = Object.keys(params);
      if (name !== undefined) throw new RpcError(code.params, `Invalid params: ${name} is unknown`);
      return run();
    };
  };
  return new Map<string, Method>([
    ['git/get_status', withoutParams(() => getStatus(git, save))],
    ['git/discard_unsaved_changes', withoutParams(() => discard(git, save))],
    ['git/pull', withoutParams(() => pull(git, save))],
    [
      'autosave/create',
      withoutParams(async () => {
        const { id } = operations.save({ reason: 'user', isFinal: false });
        const operation = await operations.ended(id);
        if (operation?.error) throw new RpcError(code.git, operation.error.message);
        return operation?.result?.branch ?? null;
      }),
    ],
    [
      'renku/run',
      async ({ command_name: name, ...others }) => {
        if (typeof name !== 'string') throw new RpcError(code.params, 'Invalid params: command_name is required');
        if (name !== 'save') throw new RpcError(code.user, `The command "${name}" is not recognized.`);
        const message = others['message'];
        return saveToBranch(git, save, typeof message === 'string' ? message : undefined);
      },
    ],
    [
      'dummy/get_error',
      withoutParams(() => Promise.reject(new RpcError(code.unexpected, 'An error that shows the format of errors.'))),
    ],
  ]);
}
