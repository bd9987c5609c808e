import type { ErrorRequestHandler, Request, Response } from 'express';
import type { Logger } from 'pino';
import type { Config } from '../config/types.ts';
import type { ApiError } from '../errors.ts';
import { loadAssets } from './assets.ts';
import { errorPage, errorTitle } from './error-page.ts';
import { createPageSender, knownContext } from './page-sender.ts';

export interface PageErrorParts {
  config: Pick<Config, 'version' | 'request'>;
  log: Logger;
  /** Returns the ApiError for any thrown value. */
  explain: (error: unknown) => ApiError;
}

/**
 * Returns the error handler for page requests, which sends an error page with the status of the error. The handler is mounted
 * at the prefix, after all other handlers, so that it also handles errors of the sign-in. Errors of API requests and of
 * clients that prefer JSON are passed to the next handler.
 */
export function pageErrors({ config, log, explain }: PageErrorParts): ErrorRequestHandler {
  const sender = createPageSender({
    serviceVersion: config.version,
    assetsVersion: loadAssets().version,
    deadlineMs: config.request.deadline_ms,
    hasVolumes: false,
  });
  return (error: unknown, req, res, next) => {
    if (res.headersSent || res.destroyed || !wantsPage(req, res)) return next(error);
    const { kind, message, detail, headers } = explain(error);
    const context = knownContext(res);
    if (kind.status >= 500) (context?.log ?? log).error({ err: error }, message);
    res.set(headers);
    sender.send(req, res, kind.status, {
      title: `${errorTitle(kind.status)} · Notebook Sessions`,
      script: 'account.js',
      body: (root) => errorPage({ status: kind.status, message, detail, requestId: context?.id ?? '–' }, root),
    });
  };
}

/** Returns whether to send a page: for a page's URL unless the client prefers JSON; for other URLs if it prefers HTML. */
function wantsPage(req: Request, res: Response): boolean {
  if (req.method !== 'GET' && req.method !== 'HEAD') return false;
  const isPage = req.path === '/' || req.path.startsWith('/launch/') || /^\/projects\/[^/]+\/autosaves$/.test(req.path);
  if (isPage) return req.accepts(['html', 'json']) === 'html';
  return res.locals['isUnknown'] === true && req.accepts(['json', 'html']) === 'html';
}
