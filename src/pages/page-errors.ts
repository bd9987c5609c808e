import type { ErrorRequestHandler, Request } from 'express';
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
 * everything that can fail there, so that "nobody is signed in" is a page, too. Errors of the API, and of who asks for
 * JSON, are passed on as they are.
 */
export function pageErrors({ config, log, explain }: PageErrorParts): ErrorRequestHandler {
  const sender = createPageSender({ serviceVersion: config.version, assetsVersion: loadAssets().version });
  return (error: unknown, req, res, next) => {
    if (res.headersSent || res.destroyed || !wantsPage(req)) return next(error);
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

function wantsPage(req: Request): boolean {
  const isPage = req.path === '/' || req.path.startsWith('/launch/');
  return isPage && (req.method === 'GET' || req.method === 'HEAD') && req.accepts(['html', 'json']) === 'html';
}
