import type { IncomingMessage, ServerResponse } from 'node:http';
import { rejectUpgrade, sendError } from './http/errors.ts';
import type { Handlers } from './http/listen.ts';
import { targetOf } from './http/request-target.ts';
import { redirect } from './http/responses.ts';
import { type Addresses, misdirected, type OriginName, type Origins } from './origins/origins.ts';
import { sameOriginOnly } from './origins/same-origin.ts';

/** Handles requests to the origin of the pages. */
type Handler = (req: IncomingMessage, res: ServerResponse, origins: Origins) => void | Promise<void>;

export interface RouterParts {
  addresses: Addresses;
  gateway: { handle(req: IncomingMessage, res: ServerResponse): Promise<void> };
  /** Absent with a real GitLab. Its requests are relative to `/forge`. */
  forge: Handler | undefined;
  registry: Handler;
  ingress: Handlers;
}

/**
 * Returns the handlers of the main port, which pass each request to one part of the platform. Pages, API, forge and registry
 * have one origin and sessions another, so that a script in a notebook (`localhost`) has no access to `127.0.0.1`. A path of
 * the other origin is redirected there, with the port that the browser used.
 */
export function createRouter({ addresses, gateway, forge, registry, ingress }: RouterParts): Handlers {
  // Forge and registry do not distinguish browsers from programs, so requests of other origins are rejected here.
  const programs = sameOriginOnly(addresses, async (req, res, origins) => {
    if (forge && isUnder('/forge', req.url)) {
      req.url = req.url?.slice('/forge'.length).replace(/^(?!\/)/, '/');
      return await forge(req, res, origins);
    }
    return await registry(req, res, origins);
  });
  const pages = (req: IncomingMessage, res: ServerResponse): Promise<void> =>
    isUnder('/v2', req.url) || (forge && isUnder('/forge', req.url)) ? programs(req, res) : gateway.handle(req, res);

  return {
    handle(req, res) {
      const host = addresses.resolve(req);
      const target = targetOf(req);
      if (!host) return sendError(req, res, misdirected(addresses));
      const name: OriginName = target && isUnder('/sessions', target.path) ? 'sessions' : 'pages';
      if (host.name === name) return name === 'sessions' ? ingress.handle(req, res) : pages(req, res);
      if (!target) return sendError(req, res, misdirected(addresses));
      return redirect(res, host.origins[name] + target.path + target.query, {}, 307);
    },
    upgrade(req, socket, head) {
      const host = addresses.resolve(req);
      if (host?.name === 'sessions') return ingress.upgrade(req, socket, head);
      rejectUpgrade(socket, host ? noWebSocket : misdirected(addresses));
    },
  };
}

const noWebSocket = { status: 400, message: 'This address does not accept WebSockets.', detail: null };

function isUnder(path: string, url = ''): boolean {
  return url.startsWith(path) && /^(\/|$|\?)/.test(url.slice(path.length));
}
