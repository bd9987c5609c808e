import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type ClusterEntry, kubeconfigOf } from '../api-server-under-test.ts';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly isWatch: boolean;
  /** A list of a collection, not the read of one object. */
  readonly isList: boolean;
  readonly body: string;
}

/** What to do with a request instead of passing on the API server's response. */
export type ApiFault =
  | { readonly status: number; readonly reason: string; readonly retryAfterSeconds?: number }
  /** The connection is reset, and the API server does not get the request. */
  | 'reset'
  /** There is never a response, and the connection stays open. */
  | 'silence'
  /** The API server processes the request, and then the connection is reset. */
  | 'cut after commit';

/** How the line of a watch event is passed on. `send` writes text, `cut` resets the connection. */
export type EventFault = (line: string, to: { send(text: string): void; cut(): void }) => void;

/** A proxy in front of a real API server, which can fail in the ways of a network and of an API server. */
export interface ApiServerProxy extends AsyncDisposable {
  readonly url: string;
  /** Returns the fault of a request; undefined: pass on the response. */
  fault: (request: ApiRequest) => ApiFault | undefined;
  /** undefined: pass on events unchanged. */
  onEvent: EventFault | undefined;
  /** Is called with each request and the status of the API server's response, before the response is passed on. */
  onResponse: (request: ApiRequest, status: number) => void;
  /** The maximum number of objects of a list page, if it is less than the client's limit. */
  pageLimit: number | undefined;
  /** Number of requests and events that a fault was applied to, since `recover`. */
  readonly hits: number;
  /** From now on nothing arrives over the open connections, which stay open, nor over new ones until `recover`. */
  freeze(): void;
  /** Resets all connections, and those that are opened until `recover`. */
  down(): void;
  /** Ends all faults. Connections that were frozen stay so. */
  recover(): void;
  /** Resets all connections. */
  resetConnections(): void;
  /** Returns a kubeconfig for this proxy, with the user of another kubeconfig (its content). */
  kubeconfig(of: string): string;
}

const noFault = () => undefined;

export async function startApiServerProxy({ server: target, ...tls }: ClusterEntry): Promise<ApiServerProxy> {
  const authority = tls['certificate-authority-data'];
  const ca = authority === undefined ? undefined : Buffer.from(authority, 'base64');
  const agent = new Agent({ keepAlive: true, ...(ca && { ca }) });
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const frozen = new WeakSet<Socket>();
  let isFrozen = false;
  let isDown = false;
  let hits = 0;

  function respond(res: ServerResponse, fault: Exclude<ApiFault, string>): void {
    const { status, reason, retryAfterSeconds } = fault;
    const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    res.writeHead(status, { 'content-type': 'application/json', ...headers });
    res.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code: status }));
  }

  function forwardEvents(response: IncomingMessage, req: IncomingMessage, res: ServerResponse): void {
    const to = {
      send: (text: string) => void (frozen.has(req.socket) || res.write(text)),
      cut: () => {
        // The bytes before the reset arrive.
        setImmediate(() => req.socket.resetAndDestroy());
        response.destroy();
      },
    };
    const lines = createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', (line) => {
      if (!self.onEvent) return to.send(`${line}\n`);
      hits += 1;
      self.onEvent(line, to);
    });
    // The handler of the response resets the connection.
    lines.on('error', () => undefined);
    response.on('end', () => frozen.has(req.socket) || res.end());
  }

  function forward(req: IncomingMessage, res: ServerResponse, seen: ApiRequest, isCut: boolean): void {
    const options: RequestOptions = {
      hostname,
      port,
      agent,
      method: seen.method,
      path: `${seen.path}?${seen.query}`,
      headers: { ...req.headers, host: `${hostname}:${port}`, 'content-length': Buffer.byteLength(seen.body) },
    };
    const onward = request(options, (response) => {
      const { statusCode = 502, headers } = response;
      self.onResponse(seen, statusCode);
      response.on('error', () => res.destroy());
      if (isCut && statusCode < 300) {
        response.resume().on('end', () => req.socket.destroy());
        return;
      }
      if (frozen.has(req.socket)) return void response.destroy();
      res.writeHead(statusCode, headers).flushHeaders();
      if (seen.isWatch) forwardEvents(response, req, res);
      else response.pipe(res);
    });
    onward.on('error', () => frozen.has(req.socket) || req.socket.destroy());
    res.on('close', () => onward.destroy());
    onward.end(seen.body);
  }

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (frozen.has(req.socket)) return;
    const { pathname: path, searchParams: query } = new URL(req.url ?? '/', 'http://proxy');
    let body = '';
    for await (const chunk of req.setEncoding('utf8')) body += String(chunk);
    const isWatch = query.get('watch') === 'true' || query.get('watch') === '1';
    const isList = req.method === 'GET' && !isWatch && query.has('limit');
    if (isList && self.pageLimit !== undefined) query.set('limit', String(self.pageLimit));
    const seen: ApiRequest = { method: req.method ?? '', path, query, isWatch, isList, body };
    const fault = self.fault(seen);
    if (fault !== undefined) hits += 1;
    if (fault === 'silence') return;
    if (fault === 'reset') return void req.socket.resetAndDestroy();
    if (typeof fault === 'object') return respond(res, fault);
    forward(req, res, seen, fault === 'cut after commit');
  }

  const server = createServer((req, res) => {
    serve(req, res).catch(() => res.destroy());
  });
  server.on('connection', (socket) => {
    if (isDown) return void socket.resetAndDestroy();
    if (isFrozen) frozen.add(socket);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const resetConnections = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };

  const self: ApiServerProxy = {
    url,
    fault: noFault,
    onEvent: undefined,
    onResponse: () => undefined,
    pageLimit: undefined,
    get hits() {
      return hits;
    },
    freeze() {
      isFrozen = true;
      for (const socket of sockets) frozen.add(socket);
    },
    down() {
      isDown = true;
      resetConnections();
    },
    recover() {
      self.fault = noFault;
      self.onEvent = undefined;
      self.pageLimit = undefined;
      isFrozen = false;
      isDown = false;
      hits = 0;
    },
    resetConnections,
    kubeconfig(of) {
      const { users } = JSON.parse(of) as { users: [{ user: { token: string } }] };
      return kubeconfigOf({ server: url }, users[0].user.token);
    },
    async [Symbol.asyncDispose]() {
      resetConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
