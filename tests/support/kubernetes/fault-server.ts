import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { freePort } from '../free-ports.ts';

/** What to do with a request instead of serving it. */
export type Fault =
  | { status: number; body: string; headers?: Record<string, string> }
  | 'reset'
  /** Reads the request and sends no response: a half-open connection. */
  | 'silence'
  /** Sends the head of a good response and then nothing. */
  | 'silence after the head'
  /** As above, and then an empty line every few milliseconds, as a proxy may send to keep a connection open. */
  | 'blanks without end'
  /** For a watch: sends this text instead of events, and ends the response. */
  | { events: string };

export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
}

export interface FaultServer {
  readonly url: string;
  /** All requests so far. */
  readonly seen: SeenRequest[];
  /** Returns what to do with a request; undefined: serve it. */
  fault: (request: SeenRequest) => Fault | undefined;
  /** Resolves with the next request for which `like` is true. */
  arrival(like: (request: SeenRequest) => boolean): Promise<SeenRequest>;
  /** Resolves when a watch is open. */
  watching(): Promise<void>;
  put(object: KubernetesObject): KubernetesObject;
  /** Removes an object; `quietly` without an event, as if the watch had missed it. */
  remove(name: string, options?: { quietly?: boolean }): void;
  bookmark(): void;
  /** Ends all open watches: the response ends, or the connection is reset. */
  endWatches(how: 'cleanly' | 'reset'): void;
  readonly connections: number;
  /** Deletes the history: a watch from an older version gets 410. */
  compact(): void;
  /** Stops listening and breaks every connection; `up` listens on the same port again, with the same objects. */
  down(): Promise<void>;
  up(): Promise<void>;
}

/**
 * Starts an HTTP server with one namespace (`here`) and one type (pods) of the Kubernetes API, which can be made to fail in
 * all the ways that the client and the cache must handle. Other tests use the embedded API server.
 */
export async function startFaultServer(): Promise<FaultServer> {
  const objects = new Map<string, KubernetesObject>();
  const history: { version: number; line: string }[] = [];
  const watches = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  const waiting = new Set<{ like: (request: SeenRequest) => boolean; resolve: (request: SeenRequest) => void }>();
  const onWatch = new Set<() => void>();
  let version = 100;
  let oldest = 100;
  let connections = 0;

  const server = createServer((req, res) => void serve(req, res));
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  function emit(type: string, object: unknown): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    history.push({ version, line });
    for (const watch of watches) watch.write(line);
  }

  function end(watch: ServerResponse): void {
    watches.delete(watch);
    watch.end();
  }

  function serve(req: IncomingMessage, res: ServerResponse): void {
    const url = new URL(req.url ?? '/', 'http://server');
    const request = { method: req.method ?? '', path: url.pathname, query: url.searchParams, headers: req.headers };
    self.seen.push(request);
    const fault = self.fault(request);
    for (const each of [...waiting]) {
      if (each.like(request)) {
        waiting.delete(each);
        each.resolve(request);
      }
    }
    if (fault === undefined) serveObjects(request, res);
    else applyFault(fault, req, res);
  }

  function applyFault(fault: Fault, req: IncomingMessage, res: ServerResponse): void {
    if (fault === 'reset') req.socket.resetAndDestroy();
    else if (fault === 'silence after the head')
      res.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    else if (fault === 'blanks without end') {
      const timer = setInterval(() => res.write('\n'), 10);
      res.writeHead(200, { 'content-type': 'application/json' }).on('close', () => clearInterval(timer));
    } else if (typeof fault === 'object' && 'events' in fault) res.writeHead(200).end(fault.events);
    else if (fault !== 'silence') {
      res.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers }).end(fault.body);
    }
  }

  function serveObjects({ method, path, query }: SeenRequest, res: ServerResponse): void {
    const name = /^\/api\/v1\/namespaces\/here\/pods\/([^/]+)$/.exec(path)?.[1];
    if (query.get('watch') === 'true')
      watch(Number(query.get('resourceVersion')), Number(query.get('timeoutSeconds')), res);
    else if (name !== undefined && method === 'GET') {
      const object = objects.get(name);
      json(res, object ? 200 : 404, object ?? status(404, 'NotFound'));
    } else if (path === '/api/v1/namespaces/here/pods') list(query, res);
    else json(res, 200, { metadata: { name } });
  }

  function list(query: URLSearchParams, res: ServerResponse): void {
    const from = Number(query.get('continue') ?? 0);
    const all = [...objects.values()];
    const end = from + Number(query.get('limit') ?? all.length);
    const token = end < all.length ? { continue: String(end) } : {};
    json(res, 200, {
      kind: 'PodList',
      metadata: { resourceVersion: String(version), ...token },
      items: all.slice(from, end),
    });
  }

  function watch(from: number, seconds: number, res: ServerResponse): void {
    res.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    if (from < oldest) {
      res.end(`${JSON.stringify({ type: 'ERROR', object: status(410, 'Expired') })}\n`);
      return;
    }
    for (const event of history) if (event.version > from) res.write(event.line);
    watches.add(res);
    for (const resolve of onWatch) resolve();
    onWatch.clear();
    const timer = setTimeout(() => end(res), seconds * 1000);
    res.on('close', () => {
      clearTimeout(timer);
      watches.delete(res);
    });
  }

  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
  const port = await freePort();
  await listen(port);

  const self: FaultServer = {
    url: `http://127.0.0.1:${port}`,
    seen: [],
    fault: () => undefined,
    arrival: (like) => new Promise((resolve) => waiting.add({ like, resolve })),
    watching: () => (watches.size > 0 ? Promise.resolve() : new Promise((resolve) => onWatch.add(resolve))),
    put(object) {
      version += 1;
      const name = object.metadata.name ?? '';
      const uid = object.metadata.uid ?? `uid-of-${name}`;
      const stored = {
        ...object,
        metadata: { ...object.metadata, namespace: 'here', uid, resourceVersion: String(version) },
      };
      const type = objects.has(name) ? 'MODIFIED' : 'ADDED';
      objects.set(name, stored);
      emit(type, stored);
      return stored;
    },
    remove(name, { quietly = false } = {}) {
      version += 1;
      const object = objects.get(name);
      objects.delete(name);
      if (object && !quietly) {
        emit('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } });
      }
    },
    bookmark() {
      emit('BOOKMARK', { kind: 'Pod', metadata: { resourceVersion: String(version) } });
    },
    endWatches(how) {
      for (const each of [...watches]) {
        if (how === 'cleanly') end(each);
        else each.socket?.resetAndDestroy();
        watches.delete(each);
      }
    },
    get connections() {
      return connections;
    },
    compact() {
      oldest = version;
      history.length = 0;
    },
    down() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      return closed;
    },
    up: () => listen(port),
  };
  return self;
}

function json(res: ServerResponse, code: number, body: unknown): void {
  res.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Returns a Status object, the body of an error response of the API server. */
export function status(code: number, reason: string, more: object = {}): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, ...more };
}

/** Returns a kubeconfig with one cluster and one user. */
export function kubeconfigFor(url: string, user: object = {}): string {
  return JSON.stringify({
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: url } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    users: [{ name: 'test', user }],
  });
}
