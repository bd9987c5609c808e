import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerProblem, redirect, refuseUpgrade } from './listener/answers.ts';
import { targetOf } from './listener/request-target.ts';
import { sameSiteOnly } from './listener/same-site.ts';
import { type Addresses, misdirected, type Origins, type Site, type VirtualHost } from './listener/virtual-hosts.ts';

/** Requests of the pages' site. */
type Handler = (req: IncomingMessage, res: ServerResponse, origins: Origins) => void | Promise<void>;

export interface SiteParts {
  addresses: Addresses;
  gateway: { handle(req: IncomingMessage, res: ServerResponse): Promise<void> };
  /** Absent where a real GitLab is used. Its requests are relative to `/forge`. */
  forge: Handler | undefined;
  registry: Handler;
  ingress: VirtualHost;
}

/**
 * Which part answers a plain HTTP request. Pages, API, forge and registry are one site, sessions another: what a
 * notebook's script may do on `localhost` does not reach `127.0.0.1`. A path of the other site is redirected there, with
 * the port that the browser has come to.
 */
export function siteHandlers({ addresses, gateway, forge, registry, ingress }: SiteParts): VirtualHost {
  // The forge and the registry know nothing of browsers: what other sites may not do is refused before them.
  const programs = sameSiteOnly(addresses, async (req, res, origins) => {
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
      const place = addresses.placeOf(req);
      if (!place) return answerProblem(req, res, misdirected(addresses));
      const target = targetOf(req);
      const site: Site = target && isUnder('/sessions', target.path) ? 'sessions' : 'pages';
      if (place.site === site) return site === 'sessions' ? ingress.handle(req, res) : pages(req, res);
      if (!target) return answerProblem(req, res, misdirected(addresses));
      return redirect(res, place.origins[site] + target.path + target.query, {}, 307);
    },
    upgrade(req, socket, head) {
      if (addresses.placeOf(req)?.site === 'sessions') return ingress.upgrade(req, socket, head);
      // Nothing on the pages' site speaks WebSocket.
      refuseUpgrade(socket, addresses.placeOf(req) ? noWebSocket : misdirected(addresses));
    },
  };
}

const noWebSocket = { status: 400, message: 'There is no WebSocket here.', detail: null };

function isUnder(path: string, url = ''): boolean {
  return url.startsWith(path) && /^(\/|$|\?)/.test(url.slice(path.length));
}
