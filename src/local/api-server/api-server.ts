import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { type NodeAgent, StatusError } from '../cluster.ts';
import { NoSuchPath, notFound, unknownPath } from './failures.ts';
import type { Kind } from './kinds/kind.ts';
import { send, sendFailure } from './rest/answers.ts';
import { SenderGone } from './rest/body.ts';
import { Documents } from './rest/documents.ts';
import { negotiate } from './rest/negotiation.ts';
import { readListOptions } from './rest/options.ts';
import { type OtherPath, parsePath, type ResourcePath } from './rest/path.ts';
import { servePodLog } from './rest/pod-log.ts';
import { servePodMetrics } from './rest/pod-metrics.ts';
import { serveGet, serveList } from './rest/read.ts';
import { Representation } from './rest/representation.ts';
import { serveWatch } from './rest/watch.ts';
import {
  serveCreate,
  serveDelete,
  serveDeleteCollection,
  servePatch,
  serveReplace,
  type WriteRequest,
} from './rest/write.ts';
import type { Store } from './store.ts';
import { Tables } from './tables/table.ts';

export interface ApiServer {
  /** For an HTTPS server: kubectl and others send their token over TLS only. */
  handler: (req: IncomingMessage, res: ServerResponse) => void;
  /** Until then, logs and metrics are answered with 503. */
  setNode(node: NodeAgent): void;
  /** Ends watches and log streams and waits until every answer is over. The store stays open. */
  close(): Promise<void>;
  /** Requests since the start by `verb resource[/subresource]`, such as `create jupyterservers` or `get pods/log`. */
  callCount(): Record<string, number>;
}

/** One request on its way through the server. */
interface Call {
  req: IncomingMessage;
  res: ServerResponse;
  query: URLSearchParams;
}

/** The REST API of the embedded cluster. Every request needs `Authorization: Bearer <token>`. */
export function createApiServer(options: { cluster: Store; token: string; log: Logger; node?: NodeAgent }): ApiServer {
  const server = new RestServer(options.cluster, options.token, options.log, options.node);
  return {
    handler: (req, res) => server.handle(req, res),
    setNode: (node) => server.setNode(node),
    close: () => server.close(),
    callCount: () => server.callCount(),
  };
}

class RestServer {
  readonly #store: Store;
  readonly #tokenDigest: Buffer;
  readonly #log: Logger;
  readonly #tables: Tables;
  readonly #documents: Documents;
  readonly #calls = new Map<string, number>();
  readonly #watches = new Set<() => void>();
  readonly #running = new Map<IncomingMessage, Promise<void>>();
  readonly #closing = new AbortController();
  #node: NodeAgent | undefined;

  constructor(store: Store, token: string, log: Logger, node: NodeAgent | undefined) {
    // An empty one would let in every caller that sends none.
    if (token === '') throw new Error('the API server needs a token');
    this.#store = store;
    this.#tokenDigest = digest(token);
    this.#log = log;
    this.#node = node;
    this.#tables = new Tables(store.kinds, store.now);
    this.#documents = new Documents(store.kinds);
  }

  setNode(node: NodeAgent): void {
    this.#node = node;
  }

  callCount(): Record<string, number> {
    return Object.fromEntries(this.#calls);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const end of this.#watches) end();
    // Nobody waits for the rest of a body that is still coming.
    for (const req of this.#running.keys()) if (!req.complete) req.destroy();
    await Promise.all(this.#running.values());
  }

  handle(req: IncomingMessage, res: ServerResponse): void {
    // Whoever went away is noticed by `close`; a write after that is no event of its own.
    res.on('error', (error) => this.#log.debug({ err: error }, 'an answer could not be sent'));
    this.#running.set(
      req,
      this.#answer(req, res).finally(() => this.#running.delete(req)),
    );
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      await this.#route(req, res);
    } catch (error) {
      if (error instanceof StatusError) {
        if (!req.complete) req.resume();
        sendFailure(res, error);
      } else if (error instanceof NoSuchPath) {
        if (!req.complete) req.resume();
        send(res, 404, '404 page not found\n', 'text/plain; charset=utf-8');
      } else if (error instanceof SenderGone) {
        res.destroy();
      } else {
        this.#log.error({ err: error, method: req.method, path: req.url?.split('?', 1)[0] }, 'a request failed');
        sendFailure(res, new StatusError(500, 'InternalError', 'Internal error occurred: see the log'));
      }
    }
  }

  async #route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    this.#authenticate(req);
    if (this.#closing.signal.aborted) throw unavailable('the server is stopping');
    const [path = '', search = ''] = splitOnce(req.url ?? '', '?');
    const call: Call = { req, res, query: new URLSearchParams(search) };
    const target = parsePath(path);
    if (target.type === 'other') {
      this.#serveDocument(call, target);
    } else if (target.group === 'metrics.k8s.io') {
      this.#serveMetrics(call, target);
    } else {
      await this.#serveResource(call, target);
    }
  }

  #authenticate(req: IncomingMessage): void {
    const [scheme = '', token = ''] = splitOnce(req.headers.authorization ?? '', ' ');
    if (scheme.toLowerCase() === 'bearer' && timingSafeEqual(digest(token.trim()), this.#tokenDigest)) return;
    throw new StatusError(401, 'Unauthorized', 'Unauthorized');
  }

  #serveDocument({ req, res }: Call, { segments }: OtherPath): void {
    if (req.method !== 'GET' && req.method !== 'HEAD') throw methodNotAllowed(req.method);
    const document = this.#documents.find(segments, req.headers.accept);
    if (document === undefined) throw this.#nothingThere(segments[0] === 'api' ? '' : segments[1]);
    send(res, 200, document.body, document.contentType);
  }

  #serveMetrics({ req, res, query }: Call, { version, plural, namespace, name, subresource }: ResourcePath): void {
    if (version !== 'v1beta1' || plural !== 'pods' || subresource !== undefined) throw unknownPath();
    if (req.method !== 'GET' && req.method !== 'HEAD') throw methodNotAllowed(req.method);
    this.#count(name === undefined ? 'list' : 'get', 'pods.metrics.k8s.io');
    servePodMetrics(this.#store, this.#nodeAgent(), res, namespace, name, query);
  }

  async #serveResource(call: Call, target: ResourcePath): Promise<void> {
    const { req, query } = call;
    const { namespace, plural, name, subresource } = target;
    const kind = this.#store.kinds.of(target);
    if (kind === undefined) throw this.#nothingThere(target.group);
    if (!kind.namespaced && namespace !== '') throw unknownPath();
    if (kind.namespaced && namespace === '' && name !== undefined) throw this.#nothingThere(target.group);
    const status = subresource === 'status' && kind.statusSubresource ? 'status' : undefined;
    const isLog = subresource === 'log' && kind === this.#store.kinds.pods;
    if (subresource !== undefined && status === undefined && !isLog) {
      throw kind.selfDescribing ? notFound(kind, name ?? '') : unknownPath();
    }

    const watching = name === undefined && query.has('watch') && !['false', '0'].includes(query.get('watch') ?? '');
    const verb = verbOf(req.method ?? '', name !== undefined, watching);
    this.#count(verb, subresource === undefined ? plural : `${plural}/${subresource}`);
    if (isLog) {
      if (verb !== 'get') throw methodNotAllowed(req.method);
      const pod = { namespace, name: name ?? '' };
      return servePodLog(this.#store, () => this.#nodeAgent(), call.res, pod, query, this.#closing.signal);
    }
    const as = new Representation(
      kind,
      negotiate(req.headers.accept),
      this.#tables,
      query.get('includeObject') ?? 'Metadata',
    );
    if (name === undefined) await this.#serveCollection(call, verb, kind, namespace, as);
    else await this.#serveNamed(call, verb, kind, namespace, name, status, as);
  }

  async #serveCollection(call: Call, verb: string, kind: Kind, namespace: string, as: Representation): Promise<void> {
    const { res, query } = call;
    const request: WriteRequest = { ...call, store: this.#store, kind, namespace, as };
    const everywhere = kind.namespaced && namespace === '';
    switch (verb) {
      case 'list':
        return serveList(this.#store, res, kind, namespace, readListOptions(query), as);
      case 'watch':
        return this.#serveWatch(call, kind, namespace, as);
      case 'create':
        if (everywhere) throw methodNotAllowed(call.req.method);
        return serveCreate(request);
      case 'deletecollection':
        if (everywhere || !kind.namespaced) throw methodNotAllowed(call.req.method);
        return serveDeleteCollection(request);
      default:
        throw methodNotAllowed(call.req.method);
    }
  }

  #serveWatch({ res, query }: Call, kind: Kind, namespace: string, as: Representation): void {
    const end = serveWatch(this.#store, res, kind, namespace, readListOptions(query), as);
    this.#watches.add(end);
    res.on('close', () => this.#watches.delete(end));
  }

  async #serveNamed(
    call: Call,
    verb: string,
    kind: Kind,
    namespace: string,
    name: string,
    subresource: 'status' | undefined,
    as: Representation,
  ): Promise<void> {
    const request: WriteRequest = { ...call, store: this.#store, kind, namespace, as };
    switch (verb) {
      case 'get':
        return serveGet(this.#store, call.res, kind, namespace, name, as);
      case 'update':
        return serveReplace(request, name, subresource);
      case 'patch':
        return servePatch(request, name, subresource);
      case 'delete':
        if (subresource !== undefined) throw methodNotAllowed(call.req.method);
        return serveDelete(request, name);
      default:
        throw methodNotAllowed(call.req.method);
    }
  }

  /** In groups of its own a real API server answers with a Status; elsewhere there is just no page. */
  #nothingThere(group: string | undefined): Error {
    const own = this.#store.kinds.all.some((kind) => !kind.selfDescribing && kind.resource.group === group);
    return own ? unknownPath() : new NoSuchPath();
  }

  #nodeAgent(): NodeAgent {
    if (this.#node === undefined) throw unavailable('the node is not ready yet');
    return this.#node;
  }

  #count(verb: string, resource: string): void {
    const key = `${verb} ${resource}`;
    this.#calls.set(key, (this.#calls.get(key) ?? 0) + 1);
  }
}

function verbOf(method: string, named: boolean, watching: boolean): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return named ? 'get' : watching ? 'watch' : 'list';
    case 'POST':
      return named ? 'none' : 'create';
    case 'PUT':
      return named ? 'update' : 'none';
    case 'PATCH':
      return named ? 'patch' : 'none';
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
    default:
      return 'none';
  }
}

function methodNotAllowed(method = ''): StatusError {
  return new StatusError(405, 'MethodNotAllowed', `the server does not allow ${method} on this resource`);
}

function unavailable(why: string): StatusError {
  return new StatusError(503, 'ServiceUnavailable', why, { retryAfterSeconds: 1 });
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + separator.length)];
}
