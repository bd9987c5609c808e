import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { stringifySetCookie } from 'cookie';
import type { Logger } from 'pino';
import type { Cluster, SessionEndpoint } from '../cluster.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { answerProblem, type Problem, redirect, refuseUpgrade } from '../listener/answers.ts';
import { foreignOrigin, isTopLevelNavigation } from '../listener/browser-checks.ts';
import { cookiePairs, endToEnd, forwardedHeaders, isImpostor, type RawHeaders } from '../listener/headers.ts';
import { hostOf, targetOf } from '../listener/request-target.ts';
import { createReverseProxy, type ForwardOptions } from '../listener/reverse-proxy.ts';
import { refusalOf } from '../listener/same-site.ts';
import { misdirected, type VirtualHost } from '../listener/virtual-hosts.ts';
import { problemsFor } from './problems.ts';
import { findSession, type SessionAccess } from './session-access.ts';
import { SessionCookies } from './session-cookies.ts';
import { basePath, insideSession, parseSessionPath } from './session-path.ts';

export interface IngressOptions {
  cluster: Pick<Cluster, 'get'>;
  /** Where the pod's Jupyter answers; undefined while it does not. */
  endpoint: (namespace: string, podName: string) => SessionEndpoint | undefined;
  gateway: Pick<Gateway, 'publicOrigin' | 'sessionOrigin' | 'sessions'>;
  namespace: string;
  log: Logger;
}

export interface Ingress extends VirtualHost {
  close(): void;
}

/** What a request is found to be: one for a session's server, or one that is answered here. */
type Decision =
  | { to: 'server'; session: SessionAccess; endpoint: SessionEndpoint; target: string; authorized: boolean }
  | { to: 'caller'; problem: Problem }
  | { to: 'place'; location: string; headers?: Record<string, string> };

/**
 * `http://localhost:8000/sessions/<name>/...`: to the session's Jupyter server, WebSockets included, after the check
 * that stands in for oauth2-proxy. Host and Origin stay as they are, for Jupyter's own checks; who the platform says
 * the caller is, and every cookie that is not the session's own, stay behind.
 *
 * Jupyter trusts whoever has its token and then checks no origin, so that is done here. All sessions share one
 * origin: a browser does not keep the pages of one from those of another, as this machine does not their processes.
 */
export function createIngress(options: IngressOptions): Ingress {
  const { gateway, namespace, log } = options;
  const { host: ownHost, port } = new URL(gateway.sessionOrigin);
  const passName = `notebook-session-pass-${port}`;
  const cookies = new SessionCookies(ownHost);
  const problems = problemsFor(gateway.publicOrigin);
  const proxy = createReverseProxy();

  function decide(req: IncomingMessage): Decision {
    const refuse = (problem: Problem): Decision => ({ to: 'caller', problem });
    if (hostOf(req) !== ownHost) return refuse(misdirected([ownHost]));
    const foreign = foreignOrigin(req, gateway.sessionOrigin);
    if (foreign !== undefined) return refuse(refusalOf(foreign));
    const { path, query } = targetOf(req) ?? { path: '', query: '' };
    const asked = parseSessionPath(path);
    if (asked.kind === 'ambiguous') return refuse(problems.ambiguous);
    if (asked.kind === 'other') {
      const isFront = /^\/(sessions\/?)?$/.test(path) && isTopLevelNavigation(req);
      return isFront ? { to: 'place', location: `${gateway.publicOrigin}/notebooks/` } : refuse(problems.noPage);
    }
    const { name, rest } = asked;
    if (rest === '' && isRead(req)) return { to: 'place', location: basePath(name) + query };
    const session = findSession(options.cluster, namespace, name);
    if (!session || session.state === 'stopping') {
      return refuse(isTopLevelNavigation(req) ? problems.noSession : problems.serverGone);
    }
    if (rest === '/.signed-in' && req.method === 'GET') return signedIn(session, new URLSearchParams(query));

    if (session.entry.kind === 'users') {
      const refusal = whoMayNot(session, session.entry.emails, req, path + query);
      if (refusal) return refusal;
    }
    const endpoint = options.endpoint(namespace, `${name}-0`);
    if (!endpoint) return refuse(problems.notRunning(session.state));
    return { to: 'server', session, endpoint, target: path + query, authorized: session.entry.kind === 'users' };
  }

  /** Why the caller may not come in, or the way to be recognised; undefined for a user that the session names. */
  function whoMayNot(
    session: SessionAccess,
    emails: readonly string[],
    req: IncomingMessage,
    next: string,
  ): Decision | undefined {
    const passes = cookiePairs(req.rawHeaders).filter(({ name }) => name === passName);
    const users = passes.flatMap(({ value }) => gateway.sessions.holder(value, session.uid) ?? []);
    if (users.some(({ email }) => emails.includes(email))) return undefined;
    if (!isTopLevelNavigation(req)) return { to: 'caller', problem: problems.signInFirst };
    const query = new URLSearchParams({ name: session.name, next });
    return { to: 'place', location: `${gateway.publicOrigin}/auth/session?${query}` };
  }

  /** Back from the gateway with a code. */
  function signedIn(session: SessionAccess, query: URLSearchParams): Decision {
    const next = insideSession(session.name, query.get('next'));
    const visitor = gateway.sessions.redeem(query.get('code') ?? '', session.name);
    if (session.entry.kind !== 'users') return { to: 'place', location: next };
    if (!visitor) return { to: 'caller', problem: problems.codeUsed(next) };
    if (!session.entry.emails.includes(visitor.user.email)) {
      return { to: 'caller', problem: problems.notYours(visitor.user.username) };
    }
    // Lax: the first page is reached from the gateway, which is another site.
    const cookie = { httpOnly: true, sameSite: 'lax', path: basePath(session.name) } as const;
    const value = gateway.sessions.issuePass(session.uid, visitor);
    return {
      to: 'place',
      location: next,
      headers: { 'Set-Cookie': stringifySetCookie({ name: passName, value, ...cookie }) },
    };
  }

  function toServer(
    req: IncomingMessage,
    { session, endpoint, target, authorized }: Decision & { to: 'server' },
    fail: (problem: Problem) => void,
  ): ForwardOptions {
    const headers: RawHeaders = endToEnd(
      req.rawHeaders,
      (name) => isImpostor(name) || name === 'cookie' || (authorized && name === 'authorization'),
    );
    const cookie = cookies.toServer(session.uid, req.rawHeaders);
    if (cookie !== undefined) headers.push('Cookie', cookie);
    if (authorized) headers.push('Authorization', `token ${endpoint.token}`);
    headers.push(...forwardedHeaders(req.socket.remoteAddress, ownHost));
    return {
      upstream: { port: endpoint.port },
      target,
      headers,
      responseHeader: (name, value) => {
        if (name === 'set-cookie') return cookies.fromServer(session.uid, value, basePath(session.name), passName);
        // Either would reach beyond the session, to the pages of all others.
        return name === 'service-worker-allowed' || name === 'clear-site-data' ? undefined : value;
      },
      onFailure: (error) => {
        log.debug({ err: error, session: session.name }, 'a session’s server does not answer');
        fail(error.code === 'ECONNREFUSED' ? problems.notRunning(session.state) : problems.brokeOff);
      },
      log,
    };
  }

  return {
    handle(req: IncomingMessage, res: ServerResponse): void {
      const decision = decide(req);
      if (decision.to === 'caller') answerProblem(req, res, decision.problem);
      else if (decision.to === 'place') redirect(res, decision.location, decision.headers);
      else
        proxy.forward(
          req,
          res,
          toServer(req, decision, (problem) => answerProblem(req, res, problem)),
        );
    },
    upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
      const decision = decide(req);
      if (decision.to === 'server') {
        proxy.forwardUpgrade(
          req,
          socket,
          head,
          toServer(req, decision, (problem) => refuseUpgrade(socket, problem)),
        );
      } else {
        refuseUpgrade(socket, decision.to === 'caller' ? decision.problem : problems.noPage);
      }
    },
    close: () => proxy.close(),
  };
}

function isRead(req: IncomingMessage): boolean {
  return req.method === 'GET' || req.method === 'HEAD';
}
