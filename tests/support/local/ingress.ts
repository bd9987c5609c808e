import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import pino from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import type { Cluster, ClusterEvent, SessionEndpoint } from '../../../src/local/cluster.ts';
import { createGateway, type Gateway } from '../../../src/local/gateway/gateway.ts';
import type { GitToken } from '../../../src/local/gateway/tokens.ts';
import { type Listener, listen } from '../../../src/local/http/listen.ts';
import { createIngress } from '../../../src/local/ingress/ingress.ts';
import { createAddresses, type Origins } from '../../../src/local/origins/origins.ts';
import { createRouter } from '../../../src/local/router.ts';
import { freePort } from '../free-ports.ts';
import { TestBrowser } from './gateway.ts';

export const owner = { username: 'ada', name: 'Ada', email: 'ada@localhost.localdomain' };
const log = pino({ level: 'silent' });

type Watcher = (event: ClusterEvent<JupyterServer>) => void;

export interface SessionOptions {
  uid?: string;
  /** E-mail addresses of the users with access; absent for the session of an anonymous visitor. */
  emails?: string[];
  token?: string;
  state?: 'starting' | 'running' | 'failed' | 'stopping' | 'hibernated';
  running?: boolean;
  /** The session has an agent, whose JSON-RPC responds like Jupyter. */
  hasAgent?: boolean;
}

/** Both origins on one real port, with sessions whose Jupyter server responds with the request that it got. */
export class TestSite {
  pages = '';
  sessions = '';
  /** Public addresses of a reverse proxy, set before `start`. PORT is replaced with the port. */
  published: Origins | undefined;
  /** The git token that is issued instead of a new one. */
  gitToken: GitToken | undefined;
  gateway!: Gateway;
  readonly objects = new Map<string, JupyterServer>();
  readonly #watchers = new Set<Watcher>();
  readonly jupyters: { server: Server; upgraded: Duplex[] }[] = [];
  readonly #endpoints = new Map<string, SessionEndpoint>();
  readonly #agents = new Map<string, SessionEndpoint>();
  readonly #directory = mkdtempSync(join(tmpdir(), 'ingress-'));
  #stop: () => Promise<void> = async () => undefined;
  #now = Date.now();

  get passName(): string {
    return `notebook-session-pass-${new URL(this.sessions).port}`;
  }

  /** Unix socket of the service, on which nothing listens by default. */
  get serviceSocket(): string {
    return join(this.#directory, 'service.sock');
  }

  async start(): Promise<void> {
    // Every origin contains the port, so it is chosen first.
    const port = await freePort();
    this.pages = `http://127.0.0.1:${port}`;
    this.sessions = `http://localhost:${port}`;
    if (this.published) {
      const { pages, sessions } = this.published;
      this.published = { pages: pages.replace('PORT', String(port)), sessions: sessions.replace('PORT', String(port)) };
    }
    await this.#run(port);
  }

  async restart(): Promise<void> {
    await this.#stop();
    await this.#run(Number(new URL(this.pages).port));
  }

  async close(): Promise<void> {
    await this.#stop();
    for (const { server } of this.jupyters) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(this.#directory, { recursive: true });
  }

  later(ms: number): void {
    this.#now += ms;
  }

  /** Starts a server in place of the service. */
  async service(response: RequestListener): Promise<void> {
    const server = createServer(response).listen(join(this.#directory, 'service.sock'));
    await once(server, 'listening');
    this.jupyters.push({ server, upgraded: [] });
  }

  async session(name: string, options: SessionOptions = {}): Promise<void> {
    const { uid = `uid-${name}`, emails, token = '', state = 'running', running = true, hasAgent = false } = options;
    const oidc = emails ? { enabled: true, authorizedEmails: emails } : { enabled: false };
    const auth = emails ? { token: '', oidc } : { token, oidc };
    this.objects.set(`ns/${name}`, { metadata: { name, namespace: 'ns', uid }, spec: { auth }, status: { state } });
    if (!running) return;
    const secret = token || `secret-${name}`;
    this.#endpoints.set(`ns/${name}-0`, { address: '127.0.0.1', port: await this.#jupyter(secret), token: secret });
    if (!hasAgent) return;
    this.#agents.set(`ns/${name}-0`, { address: '127.0.0.1', port: await this.#jupyter(secret), token: secret });
  }

  /** Changes the annotations of a session and notifies the watchers. */
  annotate(name: string, annotations: Record<string, string>): void {
    const before = this.objects.get(`ns/${name}`) as JupyterServer;
    const object = { ...before, metadata: { ...before.metadata, annotations } };
    this.objects.set(`ns/${name}`, object);
    for (const watcher of this.#watchers) watcher({ type: 'MODIFIED', object });
  }

  async signedIn(): Promise<TestBrowser> {
    const browser = new TestBrowser();
    await browser.visit(this.gateway.signInLink());
    return browser;
  }

  /** Returns the open socket, or the status of a rejection. `at`: the origin of the sessions in the browser. */
  webSocket(path: string, headers: Record<string, string>, at = this.sessions): Promise<WebSocket | number> {
    const { host, port } = new URL(at);
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { Host: host, ...headers } });
      ws.once('message', () => resolve(ws));
      ws.once('unexpected-response', (_req, res) => resolve(res.statusCode ?? 0));
      ws.once('error', reject);
    });
  }

  async #run(port: number): Promise<void> {
    const addresses = createAddresses(port, this.published);
    const gateway = await createGateway({
      stateDir: join(this.#directory, 'gateway'),
      cookieFile: join(this.#directory, 'cookies.txt'),
      addresses,
      user: owner,
      userOfGitToken: (token) => /^git-(.+)$/.exec(token)?.[1],
      gitUrl: `${this.pages}/forge`,
      issueGitToken: (user, expiresAt) => this.gitToken ?? { token: `git-${user.username}`, expiresAt },
      serviceSocket: this.serviceSocket,
      log,
      now: () => this.#now,
    });
    const ingress = createIngress({
      cluster: {
        get: ((_type, namespace, name) => this.objects.get(`${namespace}/${name}`)) as Cluster['get'],
        watch: ((_type: unknown, watcher: Watcher) => {
          this.#watchers.add(watcher);
          return () => this.#watchers.delete(watcher);
        }) as Cluster['watch'],
      },
      endpoint: (namespace, pod) => this.#endpoints.get(`${namespace}/${pod}`),
      agentRpc: (namespace, pod) => this.#agents.get(`${namespace}/${pod}`),
      gateway,
      namespace: 'ns',
      log,
    });
    const notHere = (_req: IncomingMessage, res: ServerResponse) => void res.writeHead(404).end();
    const router = createRouter({ addresses, gateway, forge: undefined, registry: notHere, ingress });
    const listener: Listener = await listen({ port, ...router, log });
    this.gateway = gateway;
    this.#stop = async () => {
      await listener.close(0);
      ingress.close();
      gateway.close();
    };
  }

  async #jupyter(token: string): Promise<number> {
    const mayEnter = ({ headers, url }: IncomingMessage) =>
      headers['authorization'] === `token ${token}` || new URLSearchParams(url?.split('?')[1]).get('token') === token;
    const server = createServer((req, res) => {
      if (req.url?.includes('/set-cookies')) {
        res.setHeader('Set-Cookie', [
          '_xsrf=x; Path=/',
          'tool=1; Path=/; Domain=localhost',
          `${this.passName}=evil; Path=/`,
        ]);
        res.setHeader('Service-Worker-Allowed', '/').setHeader('Clear-Site-Data', '"*"').setHeader('X-Kept', 'yes');
      }
      const { url, method, headers } = req;
      res.writeHead(mayEnter(req) ? 200 : 403).end(JSON.stringify({ url, method, headers }));
    });
    const upgraded: Duplex[] = [];
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (req, socket, head) => {
      if (!mayEnter(req)) {
        socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      upgraded.push(socket);
      sockets.handleUpgrade(req, socket, head, (ws) => {
        ws.send(JSON.stringify(req.headers));
        ws.on('message', (data) => ws.send(String(data)));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.jupyters.push({ server, upgraded });
    return (server.address() as AddressInfo).port;
  }
}

/** Returns the request that the session's server got. */
export function seen(body: string): { url: string; method: string; headers: Record<string, string> } {
  return JSON.parse(body) as { url: string; method: string; headers: Record<string, string> };
}
