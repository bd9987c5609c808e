import express, {
  type ErrorRequestHandler,
  type Express,
  type RequestHandler,
  type Response,
  type Router,
} from 'express';
import type { Logger } from 'pino';
import type { Config } from './config/types.ts';
import { timedOut, toApiError } from './error-translation.ts';
import { ApiError, errorBody, errorKind } from './errors.ts';
import type { Identify } from './identity/identify.ts';
import { createAddressRanges, withoutPort } from './lib/address-ranges.ts';
import { Deadline } from './lib/deadline.ts';
import { inThisTrace, readTraceparent, withTraceparent } from './lib/trace-context.ts';
import { accessLog, requestIdOf } from './pipeline/access-log.ts';
import { readBody } from './pipeline/body.ts';
import { contract } from './pipeline/contract.ts';
import { docsRoutes } from './pipeline/docs.ts';
import type { OpenApiDocument } from './pipeline/document.ts';
import { createOperationTable, operationOf, setOperation } from './pipeline/operations.ts';
import { checkHost, checkOrigin } from './pipeline/origin.ts';
import { limitRequests, takeTurns } from './pipeline/request-limit.ts';
import { createRequestMetrics } from './pipeline/request-metrics.ts';
import { foldSlashes, readTarget } from './pipeline/request-target.ts';
import { securityHeaders } from './pipeline/security-headers.ts';
import { type Metrics, noMetrics } from './platform/metrics/types.ts';
import { contextOf, createContext, type RequestContext, setIdentity } from './request-context.ts';

export interface AppParts {
  config: Pick<Config, 'service_prefix' | 'request' | 'limits' | 'server'>;
  log: Logger;
  metrics?: Metrics;
  /** The result of `loadDocument(config.service_prefix)`. */
  document: OpenApiDocument;
  identify: Identify;
  /** `/health` and `/ready`, which are outside of the prefix. */
  health: Router;
  /** Mounted under the prefix; every path is in the document. */
  routes: readonly Router[];
  /** The HTML pages: mounted like `routes`. Their `assets/` are public and not in the document. */
  pages?: Router;
  /** Sends errors of pages as HTML and passes on all other errors. Mounted under the prefix. */
  pageErrors?: ErrorRequestHandler;
  /** curl options that sign in, for the commands on the documentation page; none by default. */
  curlOptions?: string;
  /** For tests: a response that does not match the document becomes an error. */
  validateResponses?: boolean;
}

/** Milliseconds after the deadline of a request until the pipeline sends the error 3004 if the handler ignores the deadline. */
const graceMs = 500;

/** Returns the Express application. A request passes through the steps in the order in which they are added here. */
export function createApp(parts: AppParts): Express {
  const { config, log, document, metrics = noMetrics } = parts;
  const prefix = config.service_prefix;
  const mountPath = prefix || '/';
  const rules = { allowedHosts: config.request.allowed_hosts, allowedOrigins: config.request.allowed_origins };

  const sendError = createErrorSender(log);

  const app = express();
  app.enable('case sensitive routing');
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('trust proxy', trustProxy(config.server.trusted_proxies));

  // Request id, log line, trace and deadline.
  app.use(accessLog(log, createRequestMetrics(metrics, document)));
  app.use(joinTrace);
  app.use(securityHeaders);
  app.use(begin(config.request.deadline_ms, log, sendError));

  // Host and origin. Health probes come first, because they send no host name of this service.
  app.use(readAddress(prefix));
  app.use(parts.health);
  app.use(takeTurns());
  app.use((req, _res, next) => {
    checkHost(req.headers, rules);
    checkOrigin(req.method, req.headers, rules);
    next();
  });

  app.use(mountPath, underPrefix(parts));
  app.use((_req, res, next) => next(unknownAddress(res)));
  if (parts.pageErrors) app.use(mountPath, parts.pageErrors);
  const handleError: ErrorRequestHandler = (error: unknown, _req, res, _next) => sendError(error, res);
  app.use(handleError);
  return app;
}

/** Returns whether X-Forwarded-For of a peer is trusted. A peer of a Unix socket has no address; its user is this program's. */
function trustProxy(ranges: readonly string[]): (address: string | undefined) => boolean {
  const trusted = createAddressRanges(ranges);
  return (address) => address === undefined || trusted.includes(withoutPort(address));
}

/** Returns one router for all paths under the prefix, so that Express matches the prefix once per request. */
function underPrefix(parts: AppParts): Router {
  const { config, document, identify, routes, pages, curlOptions = '', validateResponses = false } = parts;
  const router = express.Router({ caseSensitive: true });

  // Public: needs no identity.
  router.use(docsRoutes(document, curlOptions));
  if (pages) router.use(onlyAssets(pages));

  // Only operations of the document pass.
  router.use(findOperation(document));

  // Identity comes before the body, so that the body of an unauthenticated caller is never read.
  router.use(identifyCaller(identify));
  router.use(limitRequests(config.limits.requests_in_flight));
  router.use(forOperationsWithBody(readBody(config.request.body_limit_bytes)));
  router.use(...contract(document, { validateResponses }));

  for (const each of routes) router.use(each);
  if (pages) router.use(pages);
  return router;
}

/** Returns the error for an address that is not in the document, and marks the response: its error may be a page. */
function unknownAddress(res: Response): ApiError {
  res.locals['isUnknown'] = true;
  return new ApiError(errorKind.missing, 'This address does not exist.', {
    detail: 'Check the spelling; the API is described under docs.',
  });
}

/**
 * Creates the request's context, without identity, and sends the error for the deadline if the handler does not respond in
 * time.
 */
function begin(deadlineMs: number, log: Logger, sendError: (error: unknown, res: Response) => void): RequestHandler {
  return (_req, res, next) => {
    const disconnected = new AbortController();
    const timer = setTimeout(() => {
      if (!res.headersSent) sendError(timedOut('answering this request'), res);
    }, deadlineMs + graceMs);
    res.once('close', () => {
      clearTimeout(timer);
      // If the response is incomplete, the client has closed the connection. After a complete response, work is not aborted.
      if (!res.writableFinished) disconnected.abort(new Error('the client closed the connection'));
    });
    res.locals['context'] = createContext(requestIdOf(res), log, Deadline.after(deadlineMs, disconnected.signal));
    next();
  };
}

/** Passes the caller's `traceparent` on to all calls that the request makes. */
const joinTrace: RequestHandler = (req, _res, next) => {
  const traceparent = readTraceparent(req.headers.traceparent);
  if (traceparent === undefined) next();
  else withTraceparent(traceparent, next);
};

function readAddress(prefix: string): RequestHandler {
  return (req, _res, next) => {
    const { path, query } = readTarget(req.url);
    const folded = path.startsWith(`${prefix}/`) ? prefix + foldSlashes(path.slice(prefix.length)) : path;
    req.url = query === undefined ? folded : `${folded}?${query}`;
    next();
  };
}

function onlyAssets(pages: Router): RequestHandler {
  return (req, res, next) => (req.path.startsWith('/assets/') ? pages(req, res, next) : next());
}

/**
 * Finds the operation of the document. Throws ApiError 404, 405 and 406. Answers OPTIONS, and handles HEAD as GET: Node
 * sends no body for HEAD.
 */
function findOperation(document: OpenApiDocument): RequestHandler {
  const find = createOperationTable(document);
  return (req, res, next) => {
    const resource = find(req.path);
    if (!resource) throw unknownAddress(res);
    if (req.method === 'OPTIONS') {
      res.set('Allow', resource.allow).status(204).end();
      return;
    }
    res.locals['isHead'] = req.method === 'HEAD';
    if (req.method === 'HEAD') req.method = 'GET';
    const operation = resource.operations.get(req.method);
    if (!operation) {
      throw new ApiError(errorKind.methodNotAllowed, `This address does not support ${req.method}.`, {
        detail: `Allowed: ${resource.allow}.`,
        headers: { Allow: resource.allow },
      });
    }
    if (operation.produces.length > 0 && req.accepts([...operation.produces]) === false) {
      throw new ApiError(errorKind.notAcceptable, 'The response is not available in a content type that you accept.', {
        detail: `Available: ${operation.produces.join(', ')}.`,
        fields: [{ path: 'header.Accept', message: `must allow ${operation.produces.join(' or ')}` }],
      });
    }
    setOperation(res, operation);
    next();
  };
}

function identifyCaller(identify: Identify): RequestHandler {
  return async (req, res, next) => {
    if (operationOf(res).needsIdentity) {
      const { identity, setCookie, expiresAt } = await identify(req, contextOf(res).deadline);
      setIdentity(res, identity.kind === 'anonymous' ? { ...identity, address: req.ip } : identity, expiresAt);
      if (setCookie !== undefined) res.append('Set-Cookie', setCookie);
    }
    next();
  };
}

function forOperationsWithBody(read: RequestHandler): RequestHandler {
  return (req, res, next) => (operationOf(res).body ? read(req, res, inThisTrace(next)) : next());
}

/** Returns the function that sends every error response of the API. */
function createErrorSender(log: Logger): (error: unknown, res: Response) => void {
  return (error, res) => {
    const known = toApiError(error);
    const context: Partial<RequestContext> | undefined = res.locals['context'];
    const requestLog = context?.log ?? log;
    // The client has closed the connection, or has received the error for the deadline.
    if (res.destroyed || res.writableEnded)
      return requestLog.debug({ err: error }, 'failed after the end of its request');
    if (known.kind.status >= 500) requestLog.error({ err: error }, known.message);
    // The response has started. The connection is closed, so that the client detects the incomplete response.
    if (res.headersSent) return void res.destroy();
    res
      .status(known.kind.status)
      .set(known.headers)
      .json(errorBody(known, context?.id ?? ''));
  };
}
