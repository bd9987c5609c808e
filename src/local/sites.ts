import type { IncomingMessage, ServerResponse } from 'node:http';
import { pagesOrigin } from './environment.ts';
import { sameSiteOnly } from './listener/same-site.ts';
import type { VirtualHost } from './listener/virtual-hosts.ts';
import { virtualHosts } from './listener/virtual-hosts.ts';

export interface SiteParts {
  port: number;
  gateway: { handle(req: IncomingMessage, res: ServerResponse): void | Promise<void> };
  /** Absent where a real GitLab is used. Its requests are relative to `/forge`. */
  forge: { handler(req: IncomingMessage, res: ServerResponse): void } | undefined;
  registry: { handle(req: IncomingMessage, res: ServerResponse): void | Promise<void> };
  ingress: VirtualHost;
}

/**
 * Which part answers a plain HTTP request. Pages, API, forge and registry are one site, sessions another: what a
 * notebook's script may do on `localhost` does not reach `127.0.0.1`.
 */
export function siteHandlers({ port, gateway, forge, registry, ingress }: SiteParts): VirtualHost {
  const pages: VirtualHost = {
    // The forge and the registry know nothing of browsers: what other sites may not do is refused before them.
    handle: sameSiteOnly(pagesOrigin(port), async (req, res) => {
      const url = req.url ?? '/';
      if (/^\/v2(\/|$|\?)/.test(url)) return await registry.handle(req, res);
      if (forge && /^\/forge(\/|$|\?)/.test(url)) {
        req.url = url.slice('/forge'.length).replace(/^(?!\/)/, '/');
        return forge.handler(req, res);
      }
      return await gateway.handle(req, res);
    }),
    // Nothing on this site speaks WebSocket.
    upgrade: (_req, socket) =>
      void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
  };
  return virtualHosts(
    new Map([
      [`127.0.0.1:${port}`, pages],
      [`localhost:${port}`, ingress],
    ]),
  );
}
