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
import { Deadline } from './lib/deadline.ts';
import { accessLog, requestIdOf } from './pipeline/access-log.ts';
import { readBody } from './pipeline/body.ts';
import { contract, operationOf } from './pipeline/contract.ts';
import { docsRoutes } from './pipeline/docs.ts';
import type { OpenApiDocument } from './pipeline/document.ts';
import { createOperationTable } from './pipeline/operations.ts';
import { checkHost, checkOrigin } from './pipeline/origin.ts';
import { foldSlashes, readTarget } from './pipeline/request-target.ts';
import { securityHeaders } from './pipeline/security-headers.ts';
import { contextOf, createContext, type RequestContext, setIdentity } from './request-context.ts';

export interface AppParts {
  config: Pick<Config, 'service_prefix' | 'request'>;
  log: Logger;
  /** `loadDocument(config.service_prefix)`. */
  document: OpenApiDocument;
  identify: Identify;
  /** Outside the prefix: `/health` and `/ready`. */
  health: Router;
  /** Under the prefix, each with paths of the document; asked in order. */
  routes: readonly Router[];
  /** The pages for people: asked like `routes`, and for `assets/`, which are public and not in the document. */
  pages?: Router;
  /** Turns errors of pages into pages; the rest is passed on. Mounted under the prefix. */
  pageErrors?: ErrorRequestHandler;
  /** Options of curl that sign in, for the page of documentation; none by default. */
  curlOptions?: string;
  /** For tests: an answer that is not as documented becomes an error. */
  validateResponses?: boolean;
}

/** A handler that works on time is answered for by its own errors; this is for one that does not look at its deadline. */
const graceMs = 500;

/** The way of every request, in the order of reading. */
export function createApp(parts: AppParts): Express {
  const { config, log } = parts;
  const prefix = config.service_prefix;
  const below = prefix || '/';
  const rules = { allowedHosts: config.request.allowed_hosts, allowedOrigins: config.request.allowed_origins };

  const answer = errorAnswer(log);

  const app = express();
  app.enable('case sensitive routing');
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');

  // Which request is this, and how long may it take?
  app.use(accessLog(log));
  app.use(securityHeaders);
  app.use(begin(config.request.deadline_ms, log, answer));

  // May it be asked here, by this site? Probes come before: they know no host name.
  app.use(readAddress(prefix));
  app.use(parts.health);
  app.use((req, _res, next) => {
    checkHost(req.headers, rules);
    checkOrigin(req.method, req.headers, rules);
    next();
  });

  app.use(below, underPrefix(parts));
  app.use((_req, res, next) => next(nothingHere(res)));
  if (parts.pageErrors) app.use(below, parts.pageErrors);
  const lastResort: ErrorRequestHandler = (error: unknown, _req, res, _next) => answer(error, res);
  app.use(lastResort);
  return app;
}

/** One router, so that the prefix is compared and cut off once and not before every step. */
function underPrefix(parts: AppParts): Router {
  const { config, document, identify, routes, pages, curlOptions = '', validateResponses = false } = parts;
  const router = express.Router({ caseSensitive: true });

  // What needs nobody to be known.
  router.use(docsRoutes(document, curlOptions));
  if (pages) router.use(onlyAssets(pages));

  // Which operation is it? Only what the document knows goes on.
  router.use(findOperation(document));

  // Who asks, and is the request right? In this order: nobody's body is read.
  router.use(identifyCaller(identify));
  router.use(forOperationsWithBody(readBody(config.request.body_limit_bytes)));
  router.use(...contract(document, { validateResponses }));

  for (const each of routes) router.use(each);
  if (pages) router.use(pages);
  return router;
}

/** Marks the answer, too: only of an address that the document does not know may the error be a page. */
function nothingHere(res: Response): ApiError {
  res.locals['isUnknown'] = true;
  return new ApiError(errorKind.missing, 'There is nothing at this address.', {
    detail: 'Check the spelling; the API is described under docs.',
  });
}

/** What the routes see with `contextOf`; `identity` follows once it is known. */
function begin(deadlineMs: number, log: Logger, answer: (error: unknown, res: Response) => void): RequestHandler {
  return (_req, res, next) => {
    const gone = new AbortController();
    const late = setTimeout(() => {
      if (!res.headersSent) answer(timedOut('answering this request'), res);
    }, deadlineMs + graceMs);
    res.once('close', () => {
      clearTimeout(late);
      // What was begun for a caller who has gone ends with them; what goes on after an answer does not.
      if (!res.writableFinished) gone.abort(new Error('the caller has gone'));
    });
    res.locals['context'] = createContext(requestIdOf(res), log, Deadline.after(deadlineMs, gone.signal));
    next();
  };
}

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

/** 404, 405 and 406 by the document; OPTIONS is answered, HEAD goes on as GET (Node sends no body for it). */
function findOperation(document: OpenApiDocument): RequestHandler {
  const find = createOperationTable(document);
  return (req, res, next) => {
    const resource = find(req.path);
    if (!resource) throw nothingHere(res);
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
        detail: `It is ${operation.produces.join(' or ')}.`,
        fields: [{ path: 'header.Accept', message: `must allow ${operation.produces.join(' or ')}` }],
      });
    }
    res.locals['operation'] = operation;
    next();
  };
}

function identifyCaller(identify: Identify): RequestHandler {
  return async (req, res, next) => {
    if (operationOf(res).needsIdentity) {
      const { identity, setCookie } = await identify(req, contextOf(res).deadline);
      setIdentity(res, identity);
      if (setCookie !== undefined) res.append('Set-Cookie', setCookie);
    }
    next();
  };
}

function forOperationsWithBody(read: RequestHandler): RequestHandler {
  return (req, res, next) => (operationOf(res).body ? read(req, res, next) : next());
}

/** The only place where an error becomes an answer. */
function errorAnswer(log: Logger): (error: unknown, res: Response) => void {
  return (error, res) => {
    const known = toApiError(error);
    const context = res.locals['context'] as Partial<RequestContext> | undefined;
    const ownLog = context?.log ?? log;
    // What fails because its caller has gone, or after the deadline was answered for it, is nobody's trouble.
    if (res.destroyed || res.writableEnded) return ownLog.debug({ err: error }, 'failed after its request had ended');
    if (known.kind.status >= 500) ownLog.error({ err: error }, known.message);
    // Half an answer must not look like a whole one.
    if (res.headersSent) return void res.destroy();
    res
      .status(known.kind.status)
      .set(known.headers)
      .json(errorBody(known, context?.id ?? ''));
  };
}
