import type { ErrorRequestHandler, Request, Response } from 'express';
import type { Logger } from 'pino';
import type { Config } from '../config/types.ts';
import type { ApiError } from '../errors.ts';
import { loadAssets } from './assets.ts';
import { createPageSender, knownContext } from './page-sender.ts';
import { troublePage, troubleTitle } from './trouble-page.ts';

export interface PageErrorParts {
  config: Pick<Config, 'version'>;
  log: Logger;
  /** Any error as one that the API can answer. */
  explain: (error: unknown) => ApiError;
}

/**
 * Errors where a page was asked for, as pages for people with the error's own status. Mounted at the prefix behind
 * everything that can fail there, so that a missing sign-in is a page, too. Errors of the API's own addresses, and of
 * programs, are passed on as they are.
 */
export function pageErrors({ config, log, explain }: PageErrorParts): ErrorRequestHandler {
  const sender = createPageSender({ serviceVersion: config.version, assetsVersion: loadAssets().version });
  return (error: unknown, req, res, next) => {
    if (res.headersSent || res.destroyed || !wantsPage(req, res)) return next(error);
    const { kind, message, detail, headers } = explain(error);
    const context = knownContext(res);
    if (kind.status >= 500) (context?.log ?? log).error({ err: error }, message);
    res.set(headers);
    sender.send(req, res, kind.status, {
      title: `${troubleTitle(kind.status)} · Notebook Sessions`,
      script: 'account.js',
      body: (root) => troublePage({ status: kind.status, message, detail, requestId: context?.id ?? '–' }, root),
    });
  };
}

/** A page's address answers with pages unless JSON is preferred; one that is nothing's, to who prefers HTML, as browsers do. */
function wantsPage(req: Request, res: Response): boolean {
  if (req.method !== 'GET' && req.method !== 'HEAD') return false;
  if (req.path === '/' || req.path.startsWith('/launch/')) return req.accepts(['html', 'json']) === 'html';
  return res.locals['isUnknown'] === true && req.accepts(['json', 'html']) === 'html';
}
