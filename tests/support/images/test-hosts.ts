import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import type { Identity } from '../../../src/identity/types.ts';
import { createImageChecker } from '../../../src/images/image-checker.ts';
import type { ImageCheck } from '../../../src/images/types.ts';
import { Deadline } from '../../../src/lib/deadline.ts';
import { createOutboundHttp, type OutboundHttpOptions } from '../../../src/platform/outbound-http/outbound-http.ts';
import { mediaType } from '../../../src/platform/registry/manifest.ts';
import { trustAuthority } from '../outbound-http.ts';

const names = ['registry.test', 'gitlab.test', 'evil.test', 'store.test', 'registry.test.evil.test'];

const git = { url: 'https://gitlab.test', token: 'the-gitlab-token', tokenExpiresAt: -1 };
export const registered: Identity & { kind: 'registered' } = {
  kind: 'registered',
  id: '1',
  username: 'u',
  email: 'u@example.org',
  fullName: 'U',
  issuer: 'i',
  accessToken: 'a',
  refreshToken: null,
  git,
};
export const anonymous: Identity = {
  kind: 'anonymous',
  source: 'cookie',
  id: 'anon-1',
  username: 'anon-1',
  git: { ...git, token: null },
};
/** The Authorization header with the caller's token, for a registry or a realm. */
export const basic = `Basic ${Buffer.from('oauth2:the-gitlab-token').toString('base64')}`;

export interface Setup extends Partial<Pick<OutboundHttpOptions, 'lookup' | 'allowedNetworks' | 'exemptHosts'>> {
  /** The registry that the platform is configured with. */
  registry?: string;
  gitUrl?: string;
}

export type Check = (reference: string, identity?: Identity, deadline?: Deadline) => Promise<ImageCheck>;

export interface TestHosts extends AsyncDisposable {
  /** Servers on loopback, by port. `https` has a certificate for every name that tests use. */
  https(listener: RequestListener): Promise<number>;
  http(listener: RequestListener): Promise<number>;
  /** Starts a TLS server whose connections the test handles. */
  raw(onConnection: (socket: TLSSocket) => void): Promise<number>;
  /** All requests to `https` and `http`, as `host path authorization`; `-` without an Authorization header. */
  readonly seen: string[];
  /** Returns the image check of the service with an HTTP client for which every name resolves to this machine. */
  checker(setup?: Setup): Check;
}

export async function startTestHosts(): Promise<TestHosts> {
  const made = await generate([{ name: 'commonName', value: 'test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2 as const, value })) }],
  });
  const tls = { key: made.private, cert: made.cert };
  const distrust = trustAuthority(made.cert);
  const seen: string[] = [];
  const parts = new AsyncDisposableStack();
  parts.defer(distrust);

  const recorded =
    (listener: RequestListener): RequestListener =>
    (req, res) => {
      seen.push(`${req.headers.host?.split(':')[0]} ${req.url} ${req.headers['authorization'] ?? '-'}`);
      listener(req, res);
    };

  async function listening(server: Server): Promise<number> {
    const open = new Set<{ destroy(): void }>();
    server.on('connection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    parts.defer(() => {
      server.close();
      for (const socket of open) socket.destroy();
    });
    return (server.address() as AddressInfo).port;
  }

  return {
    seen,
    https: (listener) => listening(createServer(tls, recorded(listener))),
    http: (listener) => listening(createHttpServer(recorded(listener))),
    raw: (onConnection) =>
      listening(
        createTlsServer(tls, (socket) => {
          // The tests make the client close the connection.
          socket.on('error', () => socket.destroy());
          onConnection(socket);
        }),
      ),
    checker(setup = {}) {
      const { registry = 'registry.test', gitUrl = 'https://gitlab.test' } = setup;
      const http = createOutboundHttp({
        allowedNetworks: ['127.0.0.1/32'],
        exemptHosts: [registry, new URL(gitUrl).host],
        lookup: async () => [{ address: '127.0.0.1', family: 4 }],
        ...setup,
      });
      parts.defer(() => http.close());
      const checker = createImageChecker({ config: { git: { url: gitUrl, registry } }, http });
      return (reference, identity = registered, deadline = Deadline.after(10_000)) =>
        checker.check(reference, identity, deadline);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

const sha256 = (content: Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

export interface Part {
  content: Buffer;
  type: string;
  digest: string;
}
export const part = (type: string, document: unknown): Part => {
  const content = json(document);
  return { content, type, digest: sha256(content) };
};

const config = part(mediaType.ociConfig, {
  os: 'linux',
  architecture: 'arm64',
  config: { WorkingDir: '/home/someone' },
});
const manifest = part(mediaType.ociManifest, {
  schemaVersion: 2,
  mediaType: mediaType.ociManifest,
  config: { mediaType: mediaType.ociConfig, digest: config.digest, size: config.content.length },
  layers: [{ size: 1000 }],
});
const index = part(mediaType.ociIndex, {
  mediaType: mediaType.ociIndex,
  manifests: [
    { digest: sha256(json('windows')), platform: { os: 'windows', architecture: 'amd64' } },
    { digest: manifest.digest, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
  ],
});
/** The parts of one image: the tag `latest` is an index, `plain` the manifest in it. */
export const parts = { config, manifest, index };
/** What the check finds out about this image. */
export const known = {
  size: config.content.length + 1000,
  workingDir: '/home/someone',
  jupyter: null,
  runsArguments: true,
};

/** Returns a registry that serves this image to requests that `mayRead` accepts, and challenges all others. */
export function imageServer(mayRead: (req: IncomingMessage) => boolean, challenge: () => string): RequestListener {
  const items: Record<string, Part> = { latest: index, plain: manifest };
  for (const each of [manifest, config]) items[each.digest] = each;
  return (req, res) => {
    if (!mayRead(req)) return void res.writeHead(401, { 'WWW-Authenticate': challenge() }).end('{}');
    const found = items[req.url?.split('/').at(-1) ?? ''];
    if (!found) return void res.writeHead(404).end('{}');
    res.setHeader('Content-Type', found.type).end(found.content);
  };
}

export function answerToken(res: ServerResponse, token: string): void {
  res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ token }));
}
