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
import { type IngressErrors, ingressErrors } from './errors.ts';
import { givenToken, withoutToken } from './given-token.ts';
import { findSession, type SessionAccess, tokensOf } from './session-access.ts';
import { SessionCookies } from './session-cookies.ts';
import { TokenStreams } from './token-streams.ts';

export interface IngressOptions {
  cluster: Pick<Cluster, 'get' | 'watch'>;
  /** Returns the address of the pod's Jupyter server; undefined while it is not ready. */
  endpoint: (namespace: string, podName: string) => SessionEndpoint | undefined;
  /** Returns the address of the JSON-RPC of the pod's agent; undefined while it does not run. */
  agentRpc: (namespace: string, podName: string) => SessionEndpoint | undefined;
  gateway: Pick<Gateway, 'addresses' | 'sessions'>;
  namespace: string;
  log: Logger;
}

export interface Ingress extends Handlers {
  close(): void;
}

/** The result of the access check: how the ingress handles the request. */
type Decision =
  | {
      kind: 'forward';
      session: SessionAccess;
      endpoint: SessionEndpoint;
      target: string;
      access: Access;
      origins: Origins;
    }
  | { kind: 'error'; error: ErrorResponse }
  | { kind: 'redirect'; location: string; headers?: Record<string, string> };

/** The authentication of the caller. */
interface Access {
  /** The signed-in browser; undefined for a program. */
  readonly visitor: Visitor | undefined;
  /** The access token of the session in the request. */
  readonly token?: AccessToken;
  /** True if the ingress has authenticated the user, as oauth2-proxy does in a cluster; otherwise Jupyter checks its token. */
  readonly isAuthenticated: boolean;
}

/** A request to the origin of the sessions. */
interface SessionRequest {
  readonly req: IncomingMessage;
  readonly origins: Origins;
  readonly errors: IngressErrors;
  readonly passName: string;
}

/**
 * Returns the ingress. The ingress passes `http://localhost:8000/sessions/<name>/...`, WebSockets included, to the session's
 * Jupyter server, and `.../sidecar/...` to the JSON-RPC of its agent, after the check that oauth2-proxy does in a cluster. Host and
 * Origin are those that Jupyter expects. Identity headers and cookies of others are removed.
 *
 * Jupyter itself checks the token of an anonymous visitor's session. In addition, the request must come from a signed-in
 * browser or from a program of the platform's operating-system user: URLs with tokens are visible in process lists and browser
 * histories, and a session can run any program as this user.
 *
 * Programs of all users have access with an access token of the session (`session-contract/access-tokens.ts`), because its
 * owner creates the token for such programs.
 *
 * Jupyter does not check the origin of a request with its token, so the ingress checks it. All sessions share one origin:
 * neither browsers nor this machine isolate sessions from each other.
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
    const reject = (error: ErrorResponse): Decision => ({ kind: 'error', error });
    const host = addresses.resolve(req);
    if (host?.name !== 'sessions') return reject(misdirected(addresses));
    const { origins } = host;
    const errors = ingressErrors(origins.pages);
    const { path, query } = targetOf(req) ?? { path: '', query: '' };
    const parsed = parseSessionPath(path);
    const session = parsed.kind === 'session' ? findSession(options.cluster, namespace, parsed.name) : undefined;
    const token = session && givenToken(session, req, query, Date.now());
    // Browsers do not add access tokens, and pages of other sites cannot read them, so every origin is accepted.
    const reason = token ? undefined : crossOriginReason(req, origins.sessions);
    if (reason !== undefined) return reject(crossOriginError(reason));
    if (parsed.kind === 'ambiguous') return reject(errors.ambiguousPath);
    if (parsed.kind === 'other') {
      const isFront = /^\/(sessions\/?)?$/.test(path) && isTopLevelNavigation(req);
      return isFront ? { kind: 'redirect', location: `${origins.pages}/notebooks/` } : reject(errors.noPage);
    }
    const { name, rest } = parsed;
    if (rest === '' && isRead(req)) return { kind: 'redirect', location: basePath(name) + query };
    if (!session || session.state === 'stopping') {
      return reject(isTopLevelNavigation(req) ? errors.noSession : errors.serverGone);
    }
    // Removes the token from the URL, so that the page does not send it in Referer headers. The browser gets a pass instead.
    if (token && isTopLevelNavigation(req) && withoutToken(query) !== query) {
      return { kind: 'redirect', location: path + withoutToken(query) };
    }
    const request: SessionRequest = { req, origins, errors, passName: passNameAt(origins) };
    if (rest === '/.signed-in' && req.method === 'GET') return signedIn(session, new URLSearchParams(query), request);

    const access = token ? { token, visitor: undefined, isAuthenticated: true } : accessOf(session, request, query);
    if (!access) return requireSignIn(session, path + query, request);
    const isForAgent = /^\/sidecar(?:\/|$)/.test(rest);
    // Only requests that the ingress has authenticated get the token of the server.
    if (isForAgent && !access.isAuthenticated) return reject(errors.noAgent);
    const endpoint = options[isForAgent ? 'agentRpc' : 'endpoint'](namespace, `${name}-0`);
    if (!endpoint) return reject(errors.notRunning(session.state));
    const target = path + (token ? withoutToken(query) : query);
    return { kind: 'forward', session, endpoint, target, access, origins };
  }

  /** Returns undefined for a caller that has no access or is not authenticated yet. */
  function accessOf(
    { uid, entry }: SessionAccess,
    { req, passName }: SessionRequest,
    query: string,
  ): Access | undefined {
    const passes = readCookies(req.rawHeaders).filter(({ name }) => name === passName);
    const visitors = passes.flatMap(({ value }) => sessions.visitorOf(value, uid, req) ?? []);
    if (entry.kind === 'users') {
      const visitor = visitors.find(({ user }) => user && entry.emails.includes(user.email));
      return visitor && { visitor, isAuthenticated: true };
    }
    const [visitor] = visitors;
    if (visitor) return { visitor, isAuthenticated: false };
    const isOwnProgram = passes.length === 0 && hasToken(req, query) && osUserOf(req) === process.getuid?.();
    return isOwnProgram && !isTopLevelNavigation(req) ? { visitor: undefined, isAuthenticated: false } : undefined;
  }

  /** Redirects a browser to the gateway, which identifies it; rejects other requests. */
  function requireSignIn({ name }: SessionAccess, next: string, { req, origins, errors }: SessionRequest): Decision {
    if (!isTopLevelNavigation(req)) return { kind: 'error', error: errors.signInFirst };
    return { kind: 'redirect', location: `${origins.pages}/auth/session?${new URLSearchParams({ name, next })}` };
  }

  /** Handles the redirect from the gateway, which has a code: sets the pass. */
  function signedIn(session: SessionAccess, query: URLSearchParams, request: SessionRequest): Decision {
    const { errors, passName, origins } = request;
    const next = insideSession(session.name, query.get('next'));
    const visitor = sessions.redeem(query.get('code') ?? '', session.name);
    if (!visitor) return { kind: 'error', error: errors.codeExpired(next) };
    const { entry } = session;
    if (entry.kind === 'users' && !(visitor.user && entry.emails.includes(visitor.user.email))) {
      return { kind: 'error', error: errors.notYours(visitor.user?.username) };
    }
    const secure = origins.sessions.startsWith('https:');
    // Lax, not Strict: the gateway, which redirects to the first page, is another site.
    const attributes = { httpOnly: true, sameSite: 'lax', path: basePath(session.name), secure } as const;
    const value = sessions.issuePass(session.uid, visitor);
    return {
      kind: 'redirect',
      location: next,
      headers: { 'Set-Cookie': stringifySetCookie({ name: passName, value, ...attributes }) },
    };
  }

  function forwardOptions(
    req: IncomingMessage,
    { session, endpoint, target, access, origins }: Decision & { kind: 'forward' },
    fail: (error: ErrorResponse) => void,
  ): ForwardOptions {
    const rewriter = createOriginRewriter(addresses.local, origins);
    const kept = endToEnd(
      req.rawHeaders,
      (name) => isGatewayHeader(name) || name === 'cookie' || (access.isAuthenticated && name === 'authorization'),
    );
    const headers: RawHeaders = rewriter ? rewriter.requestHeaders(kept, 'sessions') : kept;
    // Programs are authenticated by their token alone, so their cookies are dropped.
    const cookie = access.visitor && cookies.toServer(session.uid, req.rawHeaders);
    if (cookie !== undefined) headers.push('Cookie', cookie);
    if (access.isAuthenticated) headers.push('Authorization', `token ${endpoint.token}`);
    headers.push(...forwardedHeaders(req.socket.remoteAddress, localHost));
    const errors = ingressErrors(origins.pages);
    return {
      upstream: { host: endpoint.address, port: endpoint.port },
      target,
      headers,
      responseHeader: (name, value) => responseHeader(session, name, value, origins, rewriter),
      onFailure: (error) => {
        log.debug({ err: error, session: session.name }, 'the server of a session does not respond');
        fail(error.code === 'ECONNREFUSED' ? errors.notRunning(session.state) : errors.connectionClosed);
      },
      log,
    };
  }

  /** Closes the stream when the browser signs out, or when the access token expires or is deleted. */
  function closeWithAccess({ session, access }: Decision & { kind: 'forward' }, stream: ServerResponse | Duplex): void {
    if (access.visitor) sessions.closeAtSignOut(access.visitor, stream);
    if (access.token) tokenStreams.add(session.uid, access.token, stream);
  }

  function responseHeader(
    { uid, name: session }: SessionAccess,
    name: string,
    value: string,
    origins: Origins,
    rewriter: OriginRewriter | undefined,
  ): string | undefined {
    if (name === 'set-cookie') return cookies.fromServer(uid, value, basePath(session), passNameAt(origins));
    // Both headers would affect the pages of all sessions.
    if (name === 'service-worker-allowed' || name === 'clear-site-data') return undefined;
    return rewriter ? rewriter.responseHeader(name, value) : value;
  }

  return {
    handle(req, res) {
      const decision = decide(req);
      if (decision.kind === 'error') return sendError(req, res, decision.error);
      if (decision.kind === 'redirect') return redirect(res, decision.location, decision.headers);
      closeWithAccess(decision, res);
      proxy.forward(
        req,
        res,
        forwardOptions(req, decision, (error) => sendError(req, res, error)),
      );
    },
    upgrade(req, socket, head) {
      const decision = decide(req);
      if (decision.kind === 'error') return rejectUpgrade(socket, decision.error);
      if (decision.kind === 'redirect') return rejectUpgrade(socket, ingressErrors(addresses.external.pages).noPage);
      closeWithAccess(decision, socket);
      proxy.forwardUpgrade(
        socket,
        head,
        forwardOptions(req, decision, (error) => rejectUpgrade(socket, error)),
      );
    },
    close: () => {
      unwatch();
      tokenStreams.close();
      proxy.close();
    },
  };
}

/** Returns the name of the cookie. It contains the port, because all ports of a host share their cookies. */
function passNameAt({ sessions }: Origins): string {
  const { port, protocol } = new URL(sessions);
  return `notebook-session-pass-${port || (protocol === 'https:' ? '443' : '80')}`;
}

function hasToken({ headers }: IncomingMessage, query: string): boolean {
  return headers.authorization !== undefined || new URLSearchParams(query).has('token');
}

function isRead(req: IncomingMessage): boolean {
  return req.method === 'GET' || req.method === 'HEAD';
}
