import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { type NodeAgent, StatusError } from '../cluster.ts';
import { bearerToken } from '../http/credentials.ts';
import { targetOf } from '../http/request-target.ts';
import { sendBody, sendText } from '../http/responses.ts';
import { NoSuchPath, notFound, unknownPath } from './failures.ts';
import { ClientDisconnected } from './rest/body.ts';
import { Documents } from './rest/documents.ts';
import { negotiate } from './rest/negotiation.ts';
import { boolean } from './rest/options.ts';
import { type OtherPath, parsePath, type ResourcePath } from './rest/path.ts';
import { servePodLog } from './rest/pod-log.ts';
import { servePodMetrics } from './rest/pod-metrics.ts';
import { serveGet, serveList } from './rest/read.ts';
import { Representation } from './rest/representation.ts';
import { sendFailure } from './rest/responses.ts';
import { serveWatch } from './rest/watch.ts';
import { serveCreate, serveDelete, servePatch, serveReplace } from './rest/write.ts';
import type { Store } from './store.ts';
import { Tables } from './tables/table.ts';

export interface ApiServer {
  /** The request listener of an HTTPS server. HTTPS is required, because kubectl sends tokens only over TLS. */
  readonly handler: (req: IncomingMessage, res: ServerResponse) => void;
  /** Before this call, requests for logs and metrics get 503. */
  setNode(node: NodeAgent): void;
  /** Ends watches and log streams, and waits for all other responses. The store stays open. */
  close(): Promise<void>;
  /** Returns the number of requests for each `verb resource[/subresource]`, such as `get pods/log`. */
  callCount(): Record<string, number>;
}

interface ApiServerOptions {
  cluster: Store;
  token: string;
  log: Logger;
  node?: NodeAgent;
}

/** Returns the REST API of the embedded cluster. Every request needs `Authorization: Bearer <token>`. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  return new RestServer(options);
}

interface Call {
  req: IncomingMessage;
  res: ServerResponse;
  query: URLSearchParams;
}

class RestServer implements ApiServer {
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

  constructor({ cluster, token, log, node }: ApiServerOptions) {
    // With an empty token, requests without a token would be accepted.
    if (token === '') throw new Error('the API server needs a token');
    this.#store = cluster;
    this.#tokenDigest = digest(token);
    this.#log = log;
    this.#node = node;
    this.#tables = new Tables(cluster.kinds, cluster.now);
    this.#documents = new Documents(cluster.kinds);
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
    // A client that never completes its body would delay the end.
    for (const req of this.#running.keys()) if (!req.complete) req.destroy();
    await Promise.all(this.#running.values());
  }

  readonly handler = (req: IncomingMessage, res: ServerResponse): void => {
    // A write after the client has closed the connection is not an error of the server.
    res.on('error', (error) => this.#log.debug({ err: error }, 'a response could not be sent'));
    this.#running.set(
      req,
      this.#respond(req, res).finally(() => this.#running.delete(req)),
    );
  };

  async #respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      await this.#route(req, res);
    } catch (error) {
      if (error instanceof StatusError) {
        if (!req.complete) req.resume();
        sendFailure(res, error);
      } else if (error instanceof NoSuchPath) {
        if (!req.complete) req.resume();
        sendText(res, 404, '404 page not found');
      } else if (error instanceof ClientDisconnected) {
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
    const { path, query } = targetOf(req) ?? { path: '', query: '' };
    const call: Call = { req, res, query: new URLSearchParams(query) };
    const target = parsePath(path);
    if (target.type === 'other') this.#serveDocument(call, target);
    else if (target.group === 'metrics.k8s.io') this.#serveMetrics(call, target);
    else await this.#serveResource(call, target);
  }

  #authenticate(req: IncomingMessage): void {
    const token = bearerToken(req);
    if (token !== undefined && timingSafeEqual(digest(token), this.#tokenDigest)) return;
    throw new StatusError(401, 'Unauthorized', 'Unauthorized');
  }

  #serveDocument({ req, res }: Call, { segments }: OtherPath): void {
    if (req.method !== 'GET' && req.method !== 'HEAD') throw methodNotAllowed(req.method);
    const document = this.#documents.find(segments);
    if (document === undefined) throw this.#unknown(segments[0] === 'api' ? '' : segments[1]);
    sendBody(res, 200, document.body, { 'Content-Type': document.contentType });
  }

  #serveMetrics({ req, res, query }: Call, { version, plural, namespace, name, subresource }: ResourcePath): void {
    if (version !== 'v1beta1' || plural !== 'pods' || subresource !== undefined) throw unknownPath();
    if (req.method !== 'GET' && req.method !== 'HEAD') throw methodNotAllowed(req.method);
    this.#count(name === undefined ? 'list' : 'get', 'pods.metrics.k8s.io');
    servePodMetrics(this.#store, this.#nodeAgent(), res, namespace, name, query);
  }

  async #serveResource(call: Call, target: ResourcePath): Promise<void> {
    const { req, res, query } = call;
    const { namespace, plural, name, subresource } = target;
    const kind = this.#store.kinds.of(target);
    if (kind === undefined) throw this.#unknown(target.group);
    const needsNamespace = kind.namespaced && namespace === '';
    if (!kind.namespaced && namespace !== '') throw unknownPath();
    if (needsNamespace && name !== undefined) throw this.#unknown(target.group);
    const status = subresource === 'status' && kind.statusSubresource ? 'status' : undefined;
    const isLog = subresource === 'log' && kind === this.#store.kinds.pods;
    if (subresource !== undefined && status === undefined && !isLog) {
      throw kind.selfDescribing ? notFound(kind, name ?? '') : unknownPath();
    }

    const verb = verbOf(req.method, name !== undefined, boolean(query, 'watch'));
    this.#count(verb, subresource === undefined ? plural : `${plural}/${subresource}`);
    if (isLog) {
      if (verb !== 'get') throw methodNotAllowed(req.method);
      const pod = { namespace, name: name ?? '' };
      return servePodLog(this.#store, () => this.#nodeAgent(), res, pod, query, this.#closing.signal);
    }
    const form = negotiate(req.headers.accept);
    const as = new Representation(kind, form, this.#tables, query.get('includeObject') ?? 'Metadata');
    const request = { ...call, store: this.#store, kind, namespace, as };
    if (verb === 'list') return serveList(request);
    if (verb === 'watch') {
      const end = serveWatch(request);
      this.#watches.add(end);
      res.on('close', () => this.#watches.delete(end));
      return;
    }
    if (verb === 'create' && !needsNamespace) return serveCreate(request);
    if (name === undefined) throw methodNotAllowed(req.method);
    if (verb === 'get') return serveGet(request, name);
    if (verb === 'update') return serveReplace(request, name, status);
    if (verb === 'patch') return servePatch(request, name, status);
    if (verb === 'delete' && status === undefined) return serveDelete(request, name);
    throw methodNotAllowed(req.method);
  }

  /** Returns the error for an unknown resource. As in Kubernetes, it is a Status only in groups of Kubernetes itself. */
  #unknown(group: string | undefined): Error {
    const isOfKubernetes = this.#store.kinds.all.some((kind) => !kind.selfDescribing && kind.resource.group === group);
    return isOfKubernetes ? unknownPath() : new NoSuchPath();
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

function verbOf(method = '', named: boolean, watching: boolean): string {
  const onObject: Record<string, string> = { GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
  const read = watching ? 'watch' : 'list';
  const onCollection: Record<string, string> = { GET: read, HEAD: read, POST: 'create' };
  return (named ? onObject : onCollection)[method] ?? 'none';
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
