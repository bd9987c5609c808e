import type { Request, Response } from 'express';
import type { RequestContext } from '../request-context.ts';
import type { Fragment } from './html.ts';
import { sendPage } from './layout.ts';
import { rootOf } from './navigation.ts';

export interface PageContent {
  title: string;
  /** Name of a module in assets/. */
  script: string;
  /** @param root relative URL of the service's prefix. */
  body: (root: string) => Fragment;
}

export interface PageSender {
  send(req: Pick<Request, 'originalUrl' | 'baseUrl'>, res: Response, status: number, content: PageContent): void;
}

export function createPageSender(options: {
  serviceVersion: string;
  assetsVersion: string;
  deadlineMs: number;
  hasVolumes: boolean;
}): PageSender {
  return {
    send(req, res, status, { title, script, body }) {
      const root = rootOf(req);
      sendPage(res, status, {
        ...options,
        title,
        script,
        root,
        styles: ['base.css', 'pages.css', 'session.css', 'work.css', 'launch.css'],
        identity: knownContext(res)?.identity,
        body: body(root),
      });
    },
  };
}

/** Returns the known fields of the request's context. An error page may be sent before the caller is identified. */
export function knownContext(res: Response): Partial<RequestContext> | undefined {
  const context: Partial<RequestContext> | undefined = res.locals['context'];
  return context;
}
