import type { IncomingMessage } from 'node:http';
import type { Problem } from './answers.ts';
import type { RequestHandler, UpgradeHandler } from './listen.ts';
import { hostOf } from './request-target.ts';

export interface VirtualHost {
  handle: RequestHandler;
  upgrade: UpgradeHandler;
}

/** The two addresses of the platform as one browser knows them, without a trailing slash. */
export interface Origins {
  /** Pages, API, forge and registry. */
  readonly pages: string;
  /** Another site to the browser: a script in a notebook gets no cookie of the API. */
  readonly sessions: string;
}

export type Site = keyof Origins;

/** What a request's Host stands for. `site` is undefined for a loopback name that only leads to the other two. */
export interface Place {
  readonly site: Site | undefined;
  readonly origins: Origins;
}

export interface Addresses {
  /** On this machine: what its programs and the API's answers are told. */
  readonly local: Origins;
  /** What people are told. */
  readonly told: Origins;
  /** undefined for a name that is not the platform's: see createAddresses. */
  placeOf(req: IncomingMessage): Place | undefined;
}

const loopbackHost = /^(127(?:\.\d{1,3}){3}|localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.localhost|\[::1\])(?::(\d{1,5}))?$/;

/**
 * Pages answer on `127.0.0.1`, sessions on `localhost`, with any port, because a browser on another computer may come
 * through a forwarded one (`ssh -L 9999:127.0.0.1:8000`); and both on the two public addresses, where there are some.
 *
 * A foreign name that resolves to this machine (DNS rebinding) must not make a foreign page the same origin as ours. A
 * loopback name cannot be such a name, whatever its port: it always resolves to the browser's own machine.
 */
export function createAddresses(port: number, published?: Origins): Addresses {
  const local = loopbackOrigins(String(port));
  const publicSites = new Map<string, Site>(
    published && [
      [new URL(published.pages).host, 'pages'],
      [new URL(published.sessions).host, 'sessions'],
    ],
  );
  return {
    local,
    told: published ?? local,
    placeOf(req) {
      const host = hostOf(req) ?? '';
      const [, name, browserPort = '80'] = loopbackHost.exec(host) ?? [];
      if (name !== undefined && Number(browserPort) > 0 && Number(browserPort) <= 65_535) {
        const site = name === '127.0.0.1' ? 'pages' : name === 'localhost' ? 'sessions' : undefined;
        return { site, origins: Number(browserPort) === port ? local : loopbackOrigins(browserPort) };
      }
      const site = publicSites.get(host);
      return published && site && { site, origins: published };
    },
  };
}

/** The URL class leaves out a port that the scheme has anyway, as browsers do. */
function loopbackOrigins(port: string): Origins {
  return {
    pages: new URL(`http://127.0.0.1:${port}`).origin,
    sessions: new URL(`http://localhost:${port}`).origin,
  };
}

/** 421. The remedy names what answers instead. */
export function misdirected({ told }: Addresses): Problem {
  return {
    status: 421,
    message: 'This server does not answer to that host name.',
    detail:
      `Use ${told.pages}/. From another computer: forward the port with ssh -L and use 127.0.0.1 there, ` +
      'or start with the options --public-url and --public-sessions-url.',
  };
}
