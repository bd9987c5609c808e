import type { IncomingMessage } from 'node:http';
import type { ErrorResponse } from '../http/errors.ts';
import { hostOf } from '../http/request-target.ts';

/** The two origins of the platform in the form that a browser uses, without a trailing slash. */
export interface Origins {
  /** Pages, API, forge and registry. */
  readonly pages: string;
  /** Another host, so that a script in a notebook gets no cookie of the API. */
  readonly sessions: string;
}

export type OriginName = keyof Origins;

/** The origin that the Host header of a request names. */
export interface ResolvedHost {
  /** undefined for a loopback name that is neither origin. Its requests are redirected to one of the origins. */
  readonly name: OriginName | undefined;
  readonly origins: Origins;
}

export interface Addresses {
  /** The addresses for programs on this machine and for responses of the API. */
  readonly local: Origins;
  /** The addresses for users: the public addresses if there are any, else the same as `local`. */
  readonly external: Origins;
  /** Returns undefined for a host name that is not the platform's. */
  resolve(req: IncomingMessage): ResolvedHost | undefined;
}

const loopbackHost = /^(127(?:\.\d{1,3}){3}|localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.localhost|\[::1\])(?::(\d{1,5}))?$/;

/**
 * Returns the addresses of a platform. Pages are at `127.0.0.1` and sessions at `localhost`, with any port, because a
 * browser on another computer may use a forwarded port (`ssh -L 9999:127.0.0.1:8000`); and at the public addresses, if
 * there are any.
 *
 * Other names are rejected: with DNS rebinding, a page of another site can give its own name the address of this machine.
 * Loopback names always resolve to the browser's own machine, so they are safe with any port.
 */
export function createAddresses(port: number, publicOrigins?: Origins): Addresses {
  const local = loopbackOrigins(String(port));
  const publicHosts = new Map<string, OriginName>(
    publicOrigins && [
      [new URL(publicOrigins.pages).host, 'pages'],
      [new URL(publicOrigins.sessions).host, 'sessions'],
    ],
  );
  return {
    local,
    external: publicOrigins ?? local,
    resolve(req) {
      const host = hostOf(req) ?? '';
      const [, address, browserPort = '80'] = loopbackHost.exec(host) ?? [];
      if (address !== undefined && Number(browserPort) > 0 && Number(browserPort) <= 65_535) {
        const name = address === '127.0.0.1' ? 'pages' : address === 'localhost' ? 'sessions' : undefined;
        return { name, origins: Number(browserPort) === port ? local : loopbackOrigins(browserPort) };
      }
      const name = publicHosts.get(host);
      return publicOrigins && name && { name, origins: publicOrigins };
    },
  };
}

/** The URL class omits the default port of the scheme, as browsers do. */
function loopbackOrigins(port: string): Origins {
  return {
    pages: new URL(`http://127.0.0.1:${port}`).origin,
    sessions: new URL(`http://localhost:${port}`).origin,
  };
}

/** Returns the error 421 for a host name that is not the platform's. */
export function misdirected({ external }: Addresses): ErrorResponse {
  return {
    status: 421,
    message: 'This host name is not an address of the platform.',
    detail:
      `Use ${external.pages}/. From another computer: forward the port with ssh -L and use 127.0.0.1 there, ` +
      'or start with the options --public-url and --public-sessions-url.',
  };
}
