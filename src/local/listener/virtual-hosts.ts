import type { IncomingMessage } from 'node:http';
import { answerProblem, type Problem, refuseUpgrade } from './answers.ts';
import type { RequestHandler, UpgradeHandler } from './listen.ts';
import { hostOf } from './request-target.ts';

export interface VirtualHost {
  handle: RequestHandler;
  upgrade: UpgradeHandler;
}

/**
 * Which host a request names decides who answers it; a host that is nobody's gets 421. A name of somebody else's that
 * resolves to this machine (DNS rebinding) must not make a page of theirs the same origin as ours. `hosts` is by host
 * with port, `127.0.0.1:8000`.
 */
export function virtualHosts(hosts: ReadonlyMap<string, VirtualHost>): VirtualHost {
  const find = (req: IncomingMessage) => hosts.get(hostOf(req) ?? '');
  return {
    handle: (req, res) => {
      const host = find(req);
      if (host) return host.handle(req, res);
      answerProblem(req, res, misdirected([...hosts.keys()]));
    },
    upgrade: (req, socket, head) => {
      const host = find(req);
      if (host) return host.upgrade(req, socket, head);
      refuseUpgrade(socket, misdirected([...hosts.keys()]));
    },
  };
}

/** `hosts`: what to use instead. */
export function misdirected(hosts: readonly string[]): Problem {
  return {
    status: 421,
    message: 'This server does not answer to that host name.',
    detail: `Use ${hosts.map((host) => `http://${host}/`).join(' or ')}.`,
  };
}
