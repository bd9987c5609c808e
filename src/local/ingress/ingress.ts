import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { stringifySetCookie } from 'cookie';
import type { Logger } from 'pino';
import { jupyterServers } from '../../jupyter-server/resource.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { endToEnd, type RawHeaders } from '../../lib/reverse-proxy/headers.ts';
import { createReverseProxy, type ForwardOptions } from '../../lib/reverse-proxy/reverse-proxy.ts';
import type { AccessToken } from '../../session-contract/access-tokens.ts';
import type { Cluster, SessionEndpoint } from '../cluster.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Visitor } from '../gateway/session-sign-in.ts';
import { crossOriginReason, isTopLevelNavigation } from '../http/browser-requests.ts';
import { type ErrorResponse, rejectUpgrade, sendError } from '../http/errors.ts';
import { forwardedHeaders, isGatewayHeader, readCookies } from '../http/headers.ts';
import type { Handlers } from '../http/listen.ts';
import { isOwnListener, osUserOf } from '../http/peer.ts';
import { targetOf } from '../http/request-target.ts';
import { redirect } from '../http/responses.ts';
import { misdirected, type Origins } from '../origins/origins.ts';
import { createOriginRewriter, type OriginRewriter } from '../origins/rewriting.ts';
import { crossOriginError } from '../origins/same-origin.ts';
import { basePath, insideSession, parseSessionPath } from '../session-path.ts';
import { givenToken, withoutToken } from './given-token.ts';
import { type Problems, problemsFor } from './problems.ts';
import { findSession, type SessionAccess, tokensOf } from './session-access.ts';
import { SessionCookies } from './session-cookies.ts';
import { TokenStreams } from './token-streams.ts';

export interface IngressOptions {
  cluster: Pick<Cluster, 'get' | 'watch'>;
  /** Where the pod's Jupyter answers; undefined while it does not. */
  endpoint: (namespace: string, podName: string) => SessionEndpoint | undefined;
  gateway: Pick<Gateway, 'addresses' | 'sessions'>;
  namespace: string;
  log: Logger;
}

export interface Ingress extends Handlers {
  close(): void;
}

/** What a request is found to be: one for a session's server, or one that is answered here. */
type Decision =
  | { to: 'server'; session: SessionAccess; endpoint: SessionEndpoint; target: string; entry: Entry; origins: Origins }
  | { to: 'caller'; problem: ErrorResponse }
  | { to: 'place'; location: string; headers?: Record<string, string> };

/** How a request comes in. */
interface Entry {
  /** The signed-in browser that it comes from; undefined for a program that sends the session's own token. */
  readonly visitor: Visitor | undefined;
  /** The access token of the session that it came with. */
  readonly token?: AccessToken;
  /** The ingress vouches for the user, as oauth2-proxy does in a cluster; else Jupyter asks for its token. */
  readonly vouched: boolean;
}

/** A request to the sessions' site, and the addresses that its browser knows. */
interface Asked {
  readonly req: IncomingMessage;
  readonly origins: Origins;
  readonly problems: Problems;
  readonly passName: string;
}

/**
 * `http://localhost:8000/sessions/<name>/...`: to the session's Jupyter server, WebSockets included, after the check
 * that stands in for oauth2-proxy. Host and Origin are those that Jupyter's own checks expect; who the platform says the
 * caller is, and every cookie that is not the session's own, stay behind.
 *
 * A session of an anonymous visitor is guarded by its token, which Jupyter checks. Besides, the request has to come from
 * a signed-in browser or from a program of the platform's own operating-system user: an address with a token stands in
 * process lists and browser histories, and a session is a shell as this user.
 *
 * Programs come in with an access token of the session (`session-contract/access-tokens.ts`), whatever user they run as:
 * its owner has made it to be given away.
 *
 * Jupyter trusts a caller that has its token and then checks no origin, so that is done here. All sessions share one
 * origin: a browser does not keep the pages of one from those of another, as this machine does not their processes.
 */
export function createIngress(options: IngressOptions): Ingress {
  const { gateway, namespace, log } = options;
  const { addresses, sessions } = gateway;
  const localHost = new URL(addresses.local.sessions).host;
  const cookies = new SessionCookies(localHost);
  const proxy = createReverseProxy({ mayConnect: isOwnListener });
  const tokenStreams = new TokenStreams();
  const unwatch = options.cluster.watch<JupyterServer>(jupyterServers, ({ type, object }) => {
    tokenStreams.keepOnly(object.metadata.uid ?? '', type === 'DELETED' ? [] : tokensOf(object));
  });

  function decide(req: IncomingMessage): Decision {
    const refuse = (problem: ErrorResponse): Decision => ({ to: 'caller', problem });
    const place = addresses.resolve(req);
    if (place?.name !== 'sessions') return refuse(misdirected(addresses));
    const { origins } = place;
    const problems = problemsFor(origins.pages);
    const { path, query } = targetOf(req) ?? { path: '', query: '' };
    const parsed = parseSessionPath(path);
    const session = parsed.kind === 'session' ? findSession(options.cluster, namespace, parsed.name) : undefined;
    const token = session && givenToken(session, req, query, Date.now());
    // A token is sent on purpose, and no page knows one that it was not given: the check is about what browsers send by themselves.
    const foreign = token ? undefined : crossOriginReason(req, origins.sessions);
    if (foreign !== undefined) return refuse(crossOriginError(foreign));
    if (parsed.kind === 'ambiguous') return refuse(problems.ambiguous);
    if (parsed.kind === 'other') {
      const isFront = /^\/(sessions\/?)?$/.test(path) && isTopLevelNavigation(req);
      return isFront ? { to: 'place', location: `${origins.pages}/notebooks/` } : refuse(problems.noPage);
    }
    const { name, rest } = parsed;
    if (rest === '' && isRead(req)) return { to: 'place', location: basePath(name) + query };
    if (!session || session.state === 'stopping') {
      return refuse(isTopLevelNavigation(req) ? problems.noSession : problems.serverGone);
    }
    // Out of the address, before a page can send it on as its Referer; the person is recognised as without it.
    if (token && isTopLevelNavigation(req) && withoutToken(query) !== query) {
      return { to: 'place', location: path + withoutToken(query) };
    }
    const asked: Asked = { req, origins, problems, passName: passNameAt(origins) };
    if (rest === '/.signed-in' && req.method === 'GET') return signedIn(session, new URLSearchParams(query), asked);

    const entry = token ? { token, visitor: undefined, vouched: true } : entryOf(session, asked, query);
    if (!entry) return recognise(session, path + query, asked);
    const endpoint = options.endpoint(namespace, `${name}-0`);
    if (!endpoint) return refuse(problems.notRunning(session.state));
    const target = path + (token ? withoutToken(query) : query);
    return { to: 'server', session, endpoint, target, entry, origins };
  }

  /** undefined for a caller who may not come in, or has not been recognised yet. */
  function entryOf({ uid, entry }: SessionAccess, { req, passName }: Asked, query: string): Entry | undefined {
    const passes = readCookies(req.rawHeaders).filter(({ name }) => name === passName);
    const visitors = passes.flatMap(({ value }) => sessions.holder(value, uid, req) ?? []);
    if (entry.kind === 'users') {
      const visitor = visitors.find(({ user }) => user && entry.emails.includes(user.email));
      return visitor && { visitor, vouched: true };
    }
    const [visitor] = visitors;
    if (visitor) return { visitor, vouched: false };
    const isOwnProgram = passes.length === 0 && sendsToken(req, query) && osUserOf(req) === process.getuid?.();
    return isOwnProgram && !isTopLevelNavigation(req) ? { visitor: undefined, vouched: false } : undefined;
  }

  /** The way to be recognised, for a person; a refusal for a program. */
  function recognise({ name }: SessionAccess, next: string, { req, origins, problems }: Asked): Decision {
    if (!isTopLevelNavigation(req)) return { to: 'caller', problem: problems.signInFirst };
    return { to: 'place', location: `${origins.pages}/auth/session?${new URLSearchParams({ name, next })}` };
  }

  /** Back from the gateway with a code. */
  function signedIn(session: SessionAccess, query: URLSearchParams, asked: Asked): Decision {
    const { problems, passName, origins } = asked;
    const next = insideSession(session.name, query.get('next'));
    const visitor = sessions.redeem(query.get('code') ?? '', session.name);
    if (!visitor) return { to: 'caller', problem: problems.codeUsed(next) };
    const { entry } = session;
    if (entry.kind === 'users' && !(visitor.user && entry.emails.includes(visitor.user.email))) {
      return { to: 'caller', problem: problems.notYours(visitor.user?.username) };
    }
    const secure = origins.sessions.startsWith('https:');
    // Lax: the first page is reached from the gateway, which is another site.
    const cookie = { httpOnly: true, sameSite: 'lax', path: basePath(session.name), secure } as const;
    const value = sessions.issuePass(session.uid, visitor);
    return {
      to: 'place',
      location: next,
      headers: { 'Set-Cookie': stringifySetCookie({ name: passName, value, ...cookie }) },
    };
  }

  function toServer(
    req: IncomingMessage,
    { session, endpoint, target, entry, origins }: Decision & { to: 'server' },
    fail: (problem: ErrorResponse) => void,
  ): ForwardOptions {
    const others = createOriginRewriter(addresses.local, origins);
    const kept = endToEnd(
      req.rawHeaders,
      (name) => isGatewayHeader(name) || name === 'cookie' || (entry.vouched && name === 'authorization'),
    );
    const headers: RawHeaders = others ? others.requestHeaders(kept, 'sessions') : kept;
    // A program is known by its token alone.
    const cookie = entry.visitor && cookies.toServer(session.uid, req.rawHeaders);
    if (cookie !== undefined) headers.push('Cookie', cookie);
    if (entry.vouched) headers.push('Authorization', `token ${endpoint.token}`);
    headers.push(...forwardedHeaders(req.socket.remoteAddress, localHost));
    const problems = problemsFor(origins.pages);
    return {
      upstream: { host: endpoint.address, port: endpoint.port },
      target,
      headers,
      responseHeader: (name, value) => serversHeader(session, name, value, origins, others),
      onFailure: (error) => {
        log.debug({ err: error, session: session.name }, 'a session’s server does not answer');
        fail(error.code === 'ECONNREFUSED' ? problems.notRunning(session.state) : problems.brokeOff);
      },
      log,
    };
  }

  /** A stream does not outlive what opened it: a browser's sign-in, or an access token. */
  function endWithItsEntry({ session, entry }: Decision & { to: 'server' }, stream: ServerResponse | Duplex): void {
    if (entry.visitor) sessions.endWith(entry.visitor, stream);
    if (entry.token) tokenStreams.add(session.uid, entry.token, stream);
  }

  function serversHeader(
    { uid, name: session }: SessionAccess,
    name: string,
    value: string,
    origins: Origins,
    others: OriginRewriter | undefined,
  ): string | undefined {
    if (name === 'set-cookie') return cookies.fromServer(uid, value, basePath(session), passNameAt(origins));
    // Either would reach beyond the session, to the pages of all others.
    if (name === 'service-worker-allowed' || name === 'clear-site-data') return undefined;
    return others ? others.responseHeader(name, value) : value;
  }

  return {
    handle(req: IncomingMessage, res: ServerResponse): void {
      const decision = decide(req);
      if (decision.to === 'caller') sendError(req, res, decision.problem);
      else if (decision.to === 'place') redirect(res, decision.location, decision.headers);
      else {
        endWithItsEntry(decision, res);
        proxy.forward(
          req,
          res,
          toServer(req, decision, (problem) => sendError(req, res, problem)),
        );
      }
    },
    upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
      const decision = decide(req);
      if (decision.to === 'server') {
        endWithItsEntry(decision, socket);
        proxy.forwardUpgrade(
          socket,
          head,
          toServer(req, decision, (problem) => rejectUpgrade(socket, problem)),
        );
      } else {
        rejectUpgrade(
          socket,
          decision.to === 'caller' ? decision.problem : problemsFor(addresses.external.pages).noPage,
        );
      }
    },
    close: () => {
      unwatch();
      tokenStreams.close();
      proxy.close();
    },
  };
}

/** Cookies are shared by all ports of a host, and there may be a platform behind each. */
function passNameAt({ sessions }: Origins): string {
  const { port, protocol } = new URL(sessions);
  return `notebook-session-pass-${port || (protocol === 'https:' ? '443' : '80')}`;
}

function sendsToken({ headers }: IncomingMessage, query: string): boolean {
  return headers.authorization !== undefined || new URLSearchParams(query).has('token');
}

function isRead(req: IncomingMessage): boolean {
  return req.method === 'GET' || req.method === 'HEAD';
}
