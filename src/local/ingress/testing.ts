import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import pino from 'pino';
import { WebSocket, WebSocketServer } from 'ws';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { Cluster, SessionEndpoint } from '../cluster.ts';
import { createGateway, type Gateway } from '../gateway/gateway.ts';
import { TestBrowser } from '../gateway/testing.ts';
import { type Listener, listen } from '../listener/listen.ts';
import { type VirtualHost, virtualHosts } from '../listener/virtual-hosts.ts';
import { createIngress } from './ingress.ts';

export const owner = { username: 'ada', name: 'Ada', email: 'ada@localhost.localdomain' };
const log = pino({ level: 'silent' });

export interface SessionOptions {
  uid?: string;
  /** Of the users who may come in; absent: whoever has the token. */
  emails?: string[];
  token?: string;
  state?: 'starting' | 'running' | 'failed' | 'stopping' | 'hibernated';
  running?: boolean;
}

/** Both sites on one real port, with sessions whose Jupyter is a small server that says what it got. */
export class TestSite {
  pages = '';
  sessions = '';
  gateway!: Gateway;
  readonly objects = new Map<string, JupyterServer>();
  readonly jupyters: { server: Server; upgraded: Duplex[] }[] = [];
  readonly #endpoints = new Map<string, SessionEndpoint>();
  readonly #directory = mkdtempSync(join(tmpdir(), 'ingress-'));
  #stop: () => Promise<void> = async () => undefined;
  #now = Date.now();

  get passName(): string {
    return `notebook-session-pass-${new URL(this.sessions).port}`;
  }

  /** Where the gateway looks for the service; nothing listens there unless a test does. */
  get serviceSocket(): string {
    return join(this.#directory, 'service.sock');
  }

  async start(): Promise<void> {
    // The port is in every origin, so it is found first.
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    this.pages = `http://127.0.0.1:${port}`;
    this.sessions = `http://localhost:${port}`;
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

  async session(name: string, options: SessionOptions = {}): Promise<void> {
    const { uid = `uid-${name}`, emails, token = '', state = 'running', running = true } = options;
    const oidc = emails ? { enabled: true, authorizedEmails: emails } : { enabled: false };
    const auth = emails ? { token: '', oidc } : { token, oidc };
    this.objects.set(`ns/${name}`, { metadata: { name, namespace: 'ns', uid }, spec: { auth }, status: { state } });
    if (!running) return;
    const secret = token || `secret-${name}`;
    this.#endpoints.set(`ns/${name}-0`, { port: await this.#jupyter(secret), token: secret });
  }

  async signedIn(): Promise<TestBrowser> {
    const browser = new TestBrowser();
    await browser.visit(this.gateway.signInLink());
    return browser;
  }

  /** The socket once Jupyter has greeted, or the status of a refusal. */
  webSocket(path: string, headers: Record<string, string>): Promise<WebSocket | number> {
    const { host, port } = new URL(this.sessions);
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { Host: host, ...headers } });
      ws.once('message', () => resolve(ws));
      ws.once('unexpected-response', (_req, res) => resolve(res.statusCode ?? 0));
      ws.once('error', reject);
    });
  }

  async #run(port: number): Promise<void> {
    const gateway = await createGateway({
      stateDir: join(this.#directory, 'gateway'),
      cookieFile: join(this.#directory, 'cookies.txt'),
      publicOrigin: this.pages,
      sessionOrigin: this.sessions,
      user: owner,
      gitUrl: `${this.pages}/forge`,
      issueGitToken: () => ({ token: 't', expiresAt: null }),
      serviceTarget: { socketPath: this.serviceSocket },
      log,
      now: () => this.#now,
    });
    const ingress = createIngress({
      cluster: { get: ((_type, namespace, name) => this.objects.get(`${namespace}/${name}`)) as Cluster['get'] },
      endpoint: (namespace, pod) => this.#endpoints.get(`${namespace}/${pod}`),
      gateway,
      namespace: 'ns',
      log,
    });
    const hosts = virtualHosts(
      new Map<string, VirtualHost>([
        [new URL(this.pages).host, { handle: gateway.handle, upgrade: (_req, socket) => void socket.destroy() }],
        [new URL(this.sessions).host, ingress],
      ]),
    );
    const listener: Listener = await listen({ port, ...hosts, log });
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

/** What the session's server got. */
export function seen(body: string): { url: string; method: string; headers: Record<string, string> } {
  return JSON.parse(body) as { url: string; method: string; headers: Record<string, string> };
}
