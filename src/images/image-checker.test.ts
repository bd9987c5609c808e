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
import { generate } from 'selfsigned';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { Deadline } from '../deadline.ts';
import { ApiError } from '../errors.ts';
import type { Identity } from '../identity/types.ts';
import { createOutboundHttp } from '../platform/outbound-http/outbound-http.ts';
import { mediaType } from '../platform/registry/manifest.ts';
import { createImageChecker, registryAccess } from './image-checker.ts';
import type { ImageCheck } from './types.ts';

let tls: { key: string; cert: string };
const cleanup: (() => unknown)[] = [];
const names = ['registry.test', 'gitlab.test', 'evil.test', 'store.test', 'registry.test.evil.test'];

beforeAll(async () => {
  const made = await generate([{ name: 'commonName', value: 'test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2 as const, value })) }],
  });
  tls = { key: made.private, cert: made.cert };
});
afterEach(async () => {
  for (const end of cleanup.splice(0)) await end();
});

const git = { url: 'https://gitlab.test', token: 'the-gitlab-token', tokenExpiresAt: -1 };
const registered: Identity = {
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
const anonymous: Identity = {
  kind: 'anonymous',
  source: 'cookie',
  id: 'anon-1',
  username: 'anon-1',
  git: { ...git, token: null },
};

async function listening(server: Server & { closeAllConnections(): void }): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Every request that reached a server: `host path authorization`. */
let seen: string[] = [];
function recorded(listener: RequestListener): RequestListener {
  return (req, res) => {
    seen.push(`${req.headers.host?.split(':')[0]} ${req.url} ${req.headers['authorization'] ?? '-'}`);
    listener(req, res);
  };
}
const https = (listener: RequestListener) => listening(createServer(tls, recorded(listener)));

interface Setup {
  registry: string;
  gitUrl: string;
  exempt?: string[];
  allowed?: string[];
}
function checkerFor({
  registry,
  gitUrl,
  exempt = [registry, URL.parse(gitUrl)?.host ?? ''],
  allowed = ['127.0.0.1/32'],
}: Setup) {
  seen = [];
  const http = createOutboundHttp({
    allowedNetworks: allowed,
    exemptHosts: exempt,
    ca: tls.cert,
    lookup: async (host) => [{ address: host.startsWith('10.') ? host : '127.0.0.1', family: 4 }],
  });
  cleanup.push(() => http.close());
  const checker = createImageChecker({ config: { git: { url: gitUrl, registry } }, http });
  return (reference: string, identity: Identity = registered): Promise<ImageCheck> =>
    checker.check(reference, identity, Deadline.after(10_000));
}

const config = Buffer.from(JSON.stringify({ os: 'linux', config: { WorkingDir: '/home/someone' } }));
const sha256 = (content: Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config: { mediaType: mediaType.ociConfig, digest: sha256(config) },
  }),
);
const index = Buffer.from(
  JSON.stringify({
    mediaType: mediaType.ociIndex,
    manifests: [{ digest: sha256(manifest), platform: { os: 'linux', architecture: 'arm64' } }],
  }),
);

/** Serves one image, at `latest` as an index and at `plain` without, to whoever `mayRead` lets. */
function imageServer(mayRead: (req: IncomingMessage) => boolean, challenge: () => string): RequestListener {
  return (req, res) => {
    if (!mayRead(req)) return void res.writeHead(401, { 'WWW-Authenticate': challenge() }).end('{}');
    const item = req.url?.split('/').at(-1);
    const found = { latest: index, plain: manifest, [sha256(manifest)]: manifest, [sha256(config)]: config }[
      item ?? ''
    ];
    if (!found) return void res.writeHead(404).end('{}');
    res.setHeader('Content-Type', found === index ? mediaType.ociIndex : mediaType.ociManifest).end(found);
  };
}
const answerToken = (res: ServerResponse, token: string) =>
  res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ token }));
const basic = `Basic ${Buffer.from('oauth2:the-gitlab-token').toString('base64')}`;

/** A registry of the platform whose GitLab gives tokens: `anon` to anybody, `user` for the right credentials. */
async function platform(mayRead: (authorization: string | undefined) => boolean) {
  const gitlab = await https((req, res) => answerToken(res, req.headers['authorization'] === basic ? 'user' : 'anon'));
  const challenge = () =>
    `Bearer realm="https://gitlab.test:${gitlab}/jwt/auth",service="container_registry",scope="any"`;
  const registry = await https(imageServer((req) => mayRead(req.headers['authorization']), challenge));
  return { registry: `registry.test:${registry}`, gitUrl: `https://gitlab.test:${gitlab}` };
}

test('a public image needs no credentials, and nobody is told them', async () => {
  const setup = await platform((authorization) => authorization === 'Bearer anon');
  const check = checkerFor(setup);
  const found = { exists: true, private: false, workingDir: '/home/someone' };
  expect(await check(`${setup.registry}/group/project`)).toEqual(found);
  expect(await check(`${setup.registry}/group/project:plain`)).toEqual(found);
  expect(seen.filter((line) => line.includes(basic))).toEqual([]);
  expect(seen).toContain(
    'gitlab.test /jwt/auth?service=container_registry&scope=repository%3Agroup%2Fproject%3Apull -',
  );
});

test('a private image is seen with the caller’s token, which goes to the platform’s GitLab alone', async () => {
  const setup = await platform((authorization) => authorization === 'Bearer user');
  const check = checkerFor(setup);
  expect(await check(`${setup.registry}/group/project`)).toEqual({
    exists: true,
    private: true,
    workingDir: '/home/someone',
  });
  expect(seen.filter((line) => line.includes(basic)).every((line) => line.startsWith('gitlab.test /jwt/auth'))).toBe(
    true,
  );
  const denied = await check(`${setup.registry}/group/project`, anonymous);
  expect(denied).toMatchObject({ exists: false, reason: 'needs-login' });
});

test('a missing image, and one that is something else, are not found', async () => {
  const setup = await platform(() => true);
  const check = checkerFor(setup);
  expect(await check(`${setup.registry}/group/project:other`)).toMatchObject({ exists: false, reason: 'not-found' });
  const odd = await https((_req, res) => res.setHeader('Content-Type', 'text/html').end('<html>'));
  expect(await check(`evil.test:${odd}/group/project`)).toMatchObject({ exists: false, reason: 'not-found' });
});

test('a registry whose name only begins like the platform’s gets no token', async () => {
  const evil = await https((req, res) =>
    req.url?.startsWith('/token')
      ? answerToken(res, 'anything')
      : res.writeHead(401, { 'WWW-Authenticate': `Bearer realm="https://evil.test:${evil}/token"` }).end(),
  );
  for (const registry of ['registry.test', `registry.test:${evil + 1}`, 'evil.test']) {
    const check = checkerFor({ registry, gitUrl: 'https://gitlab.test' });
    for (const host of [`registry.test.evil.test:${evil}`, `registry.test:${evil}`]) {
      expect(await check(`${host}/u/p:1`)).toMatchObject({ exists: false, reason: 'needs-login' });
    }
    expect(seen.filter((line) => !line.endsWith(' -') && !line.endsWith('Bearer anything'))).toEqual([]);
  }
});

test('the platform’s own registry cannot send the token to a realm elsewhere', async () => {
  const evil = await https((_req, res) => answerToken(res, 'anon'));
  const registry = await https(
    imageServer(
      () => false,
      () => `Bearer realm="https://evil.test:${evil}/token"`,
    ),
  );
  const setup = { registry: `registry.test:${registry}`, gitUrl: 'https://gitlab.test' };
  expect(await checkerFor(setup)(`${setup.registry}/a/b`)).toMatchObject({ exists: false, reason: 'needs-login' });
  expect(seen.join('\n')).toContain('evil.test /token');
  expect(seen.join('\n')).not.toContain('Basic');
});

test('a registry that wants Basic gets it only if it is the platform’s', async () => {
  const registry = await https(
    imageServer(
      (req) => req.headers['authorization'] === basic,
      () => 'Basic realm="r"',
    ),
  );
  const own = { registry: `registry.test:${registry}`, gitUrl: 'https://gitlab.test' };
  expect(await checkerFor(own)(`${own.registry}/a/b`)).toMatchObject({ exists: true, private: true });
  const foreign = checkerFor({ ...own, registry: 'registry.test' });
  expect(await foreign(`registry.test:${registry}/a/b`)).toMatchObject({ exists: false, reason: 'needs-login' });
  expect(seen.join('\n')).not.toContain('Basic');
});

test('addresses of the inside are refused: as registry, as realm, as redirect; it is not "missing"', async () => {
  let answer: (res: ServerResponse) => void = () => undefined;
  const evil = await https((_req, res) => answer(res));
  const inside = await listening(createHttpServer(recorded((_req, res) => res.end('secret'))));
  const check = checkerFor({
    registry: `127.0.0.1:${inside}`,
    gitUrl: 'https://gitlab.test',
    allowed: ['127.0.0.1/32'],
  });
  const refused = { exists: false, reason: 'address-refused' };
  for (const host of ['169.254.169.254', '10.0.0.1:5000', '[::1]:5000', '[::ffff:a9fe:a9fe]']) {
    expect(await check(`${host}/latest/meta-data`), host).toMatchObject(refused);
  }
  answer = (res) =>
    void res.writeHead(401, { 'WWW-Authenticate': 'Bearer realm="https://169.254.169.254/latest"' }).end();
  expect(await check(`evil.test:${evil}/a/b`)).toMatchObject(refused);
  // Exempt for the platform's own references, and for nobody else's realms and redirects.
  answer = (res) =>
    void res.writeHead(401, { 'WWW-Authenticate': `Bearer realm="http://127.0.0.1:${inside}/secret"` }).end();
  expect(await check(`evil.test:${evil}/a/b`)).toMatchObject({ exists: false, reason: 'unreachable' });
  answer = (res) => void res.writeHead(302, { Location: `http://127.0.0.1:${inside}/secret` }).end();
  expect(await check(`evil.test:${evil}/a/b`)).toMatchObject({ exists: false, reason: 'unreachable' });
  expect(seen.filter((line) => line.includes('secret'))).toEqual([]);
});

test('the platform’s registry on this machine is spoken to over plain http, and so is its realm', async () => {
  const gitlab = await listening(createHttpServer(recorded((_req, res) => answerToken(res, 'user'))));
  const challenge = () => `Bearer realm="http://127.0.0.1:${gitlab}/jwt/auth"`;
  const mayRead = (req: IncomingMessage) => req.headers['authorization'] === 'Bearer user';
  const registry = `127.0.0.1:${await listening(createHttpServer(recorded(imageServer(mayRead, challenge))))}`;
  const check = checkerFor({ registry, gitUrl: `http://127.0.0.1:${gitlab}/forge`, allowed: [] });
  expect(await check(`${registry}/images/jupyter`)).toMatchObject({ exists: true, private: false });
  const other = checkerFor({ registry: 'registry.test', gitUrl: 'https://gitlab.test', allowed: [] });
  expect(await other(`${registry}/images/jupyter`)).toMatchObject({ exists: false, reason: 'address-refused' });
});

test('blobs may lie elsewhere: the token does not go there, and what comes from there is checked', async () => {
  let content = config;
  const store = await https((_req, res) => res.end(content));
  const inner = imageServer(
    () => true,
    () => '',
  );
  const registry = await https((req, res) =>
    req.url?.includes('/blobs/')
      ? res.writeHead(307, { Location: `https://store.test:${store}/blob` }).end()
      : inner(req, res),
  );
  const setup = { registry: `registry.test:${registry}`, gitUrl: 'https://gitlab.test' };
  const check = checkerFor(setup);
  expect(await check(`${setup.registry}/a/b`)).toMatchObject({ exists: true, workingDir: '/home/someone' });
  content = Buffer.from(JSON.stringify({ config: { WorkingDir: '/evil' } }));
  expect(await check(`${setup.registry}/a/b`)).toMatchObject({ exists: true, workingDir: null });
});

test('a registry that is down, broken, endless or silent is unreachable, in time', async () => {
  const trouble = { exists: false, reason: 'unreachable' };
  const check = checkerFor({ registry: 'registry.test', gitUrl: 'https://gitlab.test' });
  const broken = await https((req, res) => {
    if (req.url?.includes('reset')) req.socket.destroy();
    else if (req.url?.includes('endless')) res.end(Buffer.alloc(6_000_000));
    else if (req.url?.includes('busy')) res.writeHead(503).end();
    else if (req.url?.includes('lying'))
      res.setHeader('Content-Type', mediaType.ociIndex).end(req.url.includes('sha256') ? '{}' : index);
  });
  for (const name of ['reset', 'endless', 'busy', 'lying'])
    expect(await check(`evil.test:${broken}/${name}/x`), name).toMatchObject(trouble);
  const http = createOutboundHttp({
    allowedNetworks: ['127.0.0.1'],
    exemptHosts: [],
    ca: tls.cert,
    lookup: async () => [{ address: '127.0.0.1', family: 4 }],
  });
  cleanup.push(() => http.close());
  const hasty = createImageChecker({ config: { git: { url: 'https://g', registry: 'r' } }, http });
  const deadline = Deadline.after(600);
  expect(await hasty.check(`evil.test:${broken}/silent/x`, anonymous, deadline)).toMatchObject(trouble);
  expect(deadline.expired).toBe(false);
});

test('a caller that has gone is an abort, not an answer', async () => {
  const silent = await https(() => undefined);
  const http = createOutboundHttp({
    allowedNetworks: ['127.0.0.1'],
    exemptHosts: [],
    ca: tls.cert,
    lookup: async () => [{ address: '127.0.0.1', family: 4 }],
  });
  cleanup.push(() => http.close());
  const gone = new AbortController();
  const checker = createImageChecker({ config: { git: { url: 'https://g', registry: 'r' } }, http });
  const check = expect(
    checker.check(`evil.test:${silent}/a/b`, anonymous, Deadline.after(10_000, gone.signal)),
  ).rejects.toThrow('gone');
  gone.abort(new Error('gone'));
  await check;
});

test('what cannot be parsed is the caller’s error 1002', async () => {
  const check = checkerFor({ registry: 'registry.test', gitUrl: 'https://gitlab.test' });
  const error = await check('not/an image').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect((error as ApiError).kind).toMatchObject({ code: 1002, status: 422 });
});

test.each([
  ['registry.test', 'registry.test', true],
  ['registry.test', 'REGISTRY.test', true],
  ['registry.test:443', 'registry.test', true],
  ['registry.test', 'registry.test:5050', false],
  ['registry.test:5050', 'registry.test', false],
  ['registry.test', 'registry.test.evil.test', false],
  ['registry.test', 'evilregistry.test', false],
])('configured %s, asked %s: credentials %s', (registry, host, expected) => {
  const reference = { domain: host, host, repository: 'a/b', target: 'latest' };
  const access = registryAccess(reference, { url: 'https://gitlab.test', registry }, registered);
  expect(access.credentials !== null).toBe(expected);
  expect(access.scheme).toBe('https');
});

test.each([
  ['https://gitlab.test/jwt/auth', true],
  ['https://registry.test/token', true],
  ['http://gitlab.test/jwt/auth', false],
  ['https://gitlab.test:8443/jwt/auth', false],
  ['https://gitlab.test.evil.test/', false],
  ['https://evil.test/?gitlab.test', false],
  ['https://gitlab.test@evil.test/', false],
])('realm %s may get credentials: %s', (realm, expected) => {
  const reference = { domain: 'registry.test', host: 'registry.test', repository: 'a/b', target: 'latest' };
  const access = registryAccess(reference, { url: 'https://gitlab.test', registry: 'registry.test' }, registered);
  expect(access.mayReceive(new URL(realm))).toBe(expected);
});
