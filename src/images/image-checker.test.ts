import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  anonymous,
  answerToken,
  basic,
  imageServer,
  known,
  part,
  parts,
  registered,
  startTestHosts,
  type TestHosts,
} from '../../tests/support/images/test-hosts.ts';
import { loadConfig } from '../config/load.ts';
import { ApiError } from '../errors.ts';
import { Deadline } from '../lib/deadline.ts';
import { mediaType } from '../platform/registry/manifest.ts';
import { registryAccess } from './image-checker.ts';

let hosts: TestHosts;
beforeAll(async () => {
  hosts = await startTestHosts();
});
beforeEach(() => void hosts.seen.splice(0));
afterAll(() => hosts[Symbol.asyncDispose]());

const path = 'group/project';
const asUser = (req: IncomingMessage) => req.headers['authorization'] === 'Bearer user';
const asAnonymous = (req: IncomingMessage) => req.headers['authorization'] === 'Bearer anon';

/** Starts a registry and a GitLab that issues its tokens: `anon` to any caller, `user` for the caller’s credentials. */
async function platform(
  mayRead: (req: IncomingMessage) => boolean,
  realm: RequestListener = (req, res) => answerToken(res, req.headers['authorization'] === basic ? 'user' : 'anon'),
) {
  const gitlab = await hosts.https(realm);
  const challenge = () =>
    `Bearer realm="https://gitlab.test:${gitlab}/jwt/auth",service="container_registry",scope="any"`;
  const registry = await hosts.https(imageServer(mayRead, challenge));
  return { registry: `registry.test:${registry}`, gitUrl: `https://gitlab.test:${gitlab}` };
}
const withToken = () => hosts.seen.filter((line) => line.includes('Basic'));

test('a public image needs no credentials, and none are sent', async () => {
  const setup = await platform(asAnonymous);
  const check = hosts.checker(setup);
  const found = { exists: true, private: false, ...known };
  expect(await check(`${setup.registry}/${path}`)).toEqual({
    ...found,
    platforms: ['windows/amd64', 'linux/arm64/v8'],
  });
  // Without an index, the configuration of the image names the platform.
  expect(await check(`${setup.registry}/${path}:plain`)).toEqual({ ...found, platforms: ['linux/arm64'] });
  expect(withToken()).toEqual([]);
  expect(hosts.seen).toContain(
    'gitlab.test /jwt/auth?service=container_registry&scope=repository%3Agroup%2Fproject%3Apull -',
  );
});

test('a private image is found with the caller’s token, which is sent to the platform’s GitLab only', async () => {
  const setup = await platform(asUser);
  const check = hosts.checker(setup);
  expect(await check(`${setup.registry}/${path}`)).toMatchObject({ exists: true, private: true, ...known });
  expect(withToken().map((line) => line.replace(/\?.*/, ''))).toEqual(['gitlab.test /jwt/auth']);
  expect(await check(`${setup.registry}/${path}`, anonymous)).toMatchObject({
    exists: false,
    reason: 'needs-login',
    remedy: expect.stringContaining('Sign in'),
  });
});

test('passes on what the platform’s GitLab says of the caller’s account, but not what other servers say', async () => {
  const refuse =
    (message: string): RequestListener =>
    (req, res) => {
      if (req.headers['authorization'] !== basic) return answerToken(res, 'anon');
      res.writeHead(403, { 'content-type': 'application/json' });
      return res.end(JSON.stringify({ errors: [{ code: 'DENIED', message }] }));
    };
  const setup = await platform(asUser, refuse('Your account has been <b>blocked</b>.'));
  expect(await hosts.checker(setup)(`${setup.registry}/${path}`)).toMatchObject({
    exists: false,
    reason: 'needs-login',
    message: expect.stringMatching(
      /^You do not have access to the image .*\. gitlab\.test:\d+ says: "Your account has been blocked \."$/,
    ),
    remedy: expect.stringContaining('Sign in to GitLab'),
  });
  const bare = await platform(asUser, refuse('access forbidden'));
  expect(await hosts.checker(bare)(`${bare.registry}/${path}`)).toMatchObject({
    message: expect.stringContaining('does not exist or is not public'),
  });
  // Another registry is called without credentials, and its words are not passed on.
  const elsewhere = { ...setup, registry: bare.registry };
  expect(await hosts.checker(elsewhere)(`${setup.registry}/${path}`)).toMatchObject({
    exists: false,
    message: expect.not.stringContaining('says'),
  });
});

test('an image is private if the realm denies a token, or issues one without access', async () => {
  for (const status of [401, 403]) {
    const setup = await platform(asUser, (req, res) =>
      req.headers['authorization'] === basic ? answerToken(res, 'user') : res.writeHead(status).end('{"errors":[]}'),
    );
    const check = hosts.checker(setup);
    expect(await check(`${setup.registry}/${path}`)).toMatchObject({ exists: true, private: true });
    expect(await check(`${setup.registry}/${path}`, anonymous)).toMatchObject({ reason: 'needs-login' });
  }
});

test('callers share the result of a public image, but not of a private one', async () => {
  const setup = await platform(asUser, (req, res) =>
    req.headers['authorization'] === basic ? answerToken(res, 'user') : res.writeHead(403).end('{}'),
  );
  const check = hosts.checker(setup);
  const image = `${setup.registry}/${path}`;
  const other = { ...registered, git: { ...registered.git, token: 'another-token' } };
  expect(await check(image)).toMatchObject({ exists: true, private: true });
  expect(await check(image, other)).toMatchObject({ exists: false, reason: 'needs-login' });
  expect(await check(image, anonymous)).toMatchObject({ exists: false, reason: 'needs-login' });
  const asked = hosts.seen.length;
  expect(await check(image)).toMatchObject({ exists: true, private: true });
  expect(hosts.seen.length, 'cached for the caller with access').toBe(asked);

  const open = await platform(asAnonymous);
  const checkOpen = hosts.checker(open);
  hosts.seen.splice(0);
  const all = await Promise.all(
    [registered, other, anonymous, ...Array(20).fill(anonymous)].map((who) =>
      checkOpen(`${open.registry}/${path}:plain`, who),
    ),
  );
  expect(all.every((each) => each.exists && !each.private)).toBe(true);
  expect(hosts.seen.map((line) => line.replace(/\?.*| .*\//, ' '))).toHaveLength(4);
});

test('caches the challenges of the platform’s registry until a request fails', async () => {
  let broken = false;
  const setup = await platform(asUser, (req, res) => {
    if (broken) res.writeHead(503).end();
    else if (req.headers['authorization'] === basic) answerToken(res, 'user');
    else res.writeHead(403).end('{}');
  });
  const check = hosts.checker(setup);
  const calls = async (name: string) => {
    hosts.seen.splice(0);
    const { exists } = await check(`${setup.registry}/${name}:plain`);
    return [exists, ...hosts.seen.map((line) => /jwt|manifests|blobs/.exec(line)?.[0])];
  };
  expect(await calls('a/first')).toEqual([true, 'manifests', 'jwt', 'jwt', 'manifests', 'blobs']);
  // A launch waits for four requests, one after the other.
  expect(await calls('a/second')).toEqual([true, 'jwt', 'jwt', 'manifests', 'blobs']);
  broken = true;
  expect(await calls('a/third')).toEqual([false, 'jwt']);
  broken = false;
  expect(await calls('a/fourth')).toEqual([true, 'manifests', 'jwt', 'jwt', 'manifests', 'blobs']);
});

test('ignores a token whose grants do not include a pull of the repository, and uses any other token', async () => {
  const grant = (name: string, actions: string[]) => ({ type: 'repository', name, actions });
  const nothing: unknown[] = [[], [grant('group/other', ['pull'])], [grant(path, ['push'])], [null, 5]];
  const perhaps: unknown[] = [undefined, 'all', [grant(path, ['push', 'pull'])], [grant(path, ['*'])]];
  for (const access of [...nothing, ...perhaps]) {
    const anonymousToken = new UnsecuredJWT(access === undefined ? {} : { access }).encode();
    const setup = await platform(asUser, (req, res) =>
      answerToken(res, req.headers['authorization'] === basic ? 'user' : anonymousToken),
    );
    hosts.seen.splice(0);
    expect(await hosts.checker(setup)(`${setup.registry}/${path}:plain`)).toMatchObject({
      exists: true,
      private: true,
    });
    const tried = hosts.seen.some((line) => line.endsWith(`Bearer ${anonymousToken}`));
    expect(tried, JSON.stringify(access)).toBe(perhaps.includes(access));
  }
});

test('an image that is not found with a granted token does not exist; credentials are not tried', async () => {
  const access = [{ type: 'repository', name: path, actions: ['pull'] }];
  const anonymousToken = new UnsecuredJWT({ access }).encode();
  const setup = await platform(
    (req) => req.headers['authorization'] === `Bearer ${anonymousToken}`,
    (_req, res) => answerToken(res, anonymousToken),
  );
  const missing = await hosts.checker(setup)(`${setup.registry}/${path}:other`);
  expect(missing).toMatchObject({ exists: false, reason: 'not-found' });
  expect(hosts.seen).toHaveLength(3);
  expect(withToken()).toEqual([]);
});

test('a missing image, and an object that is not an image for Linux, are not found', async () => {
  const setup = await platform(asAnonymous);
  const missing = await hosts.checker(setup)(`${setup.registry}/${path}:other`);
  expect(missing).toEqual({
    exists: false,
    reason: 'not-found',
    message: `There is no image group/project (other) at ${setup.registry}.`,
    remedy: 'Check its name and tag.',
  });
  const chart = part(mediaType.ociManifest, {
    mediaType: mediaType.ociManifest,
    config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: `sha256:${'a'.repeat(64)}` },
  });
  const windows = part(mediaType.dockerConfig, { os: 'windows', architecture: 'amd64', config: {} });
  const forWindows = part(mediaType.dockerManifest, {
    config: { mediaType: mediaType.dockerConfig, digest: windows.digest, size: 1 },
  });
  const odd = await hosts.https((req, res) => {
    const sent = req.url?.includes('/blobs/') ? windows : req.url?.includes('chart') ? chart : forWindows;
    res.setHeader('Content-Type', sent.type).end(sent.content);
  });
  for (const name of ['chart', 'windows']) {
    const check = await hosts.checker()(`evil.test:${odd}/a/${name}`);
    expect(check, name).toMatchObject({ reason: 'not-found', message: expect.stringContaining('Linux') });
  }
});

test('accepts every type of manifest', async () => {
  for (const type of [mediaType.ociIndex, mediaType.dockerList, mediaType.ociManifest, mediaType.dockerManifest]) {
    const port = await hosts.https((req, res) => {
      const readable = (req.headers['accept'] ?? '').split(/,\s*/).includes(type);
      res.writeHead(readable ? 401 : 404).end();
    });
    expect(await hosts.checker()(`evil.test:${port}/a/b`), type).toMatchObject({ reason: 'needs-login' });
  }
});

test('follows redirects of a registry and its realm to another host, and sends no credentials there', async () => {
  const mirror = await hosts.https(
    imageServer(
      () => true,
      () => '',
    ),
  );
  const tokens = await hosts.https((_req, res) => answerToken(res, 'anon'));
  const to = (port: number, path = '') => ({ Location: `https://store.test:${port}${path}` });
  const port = await hosts.https((req, res) => {
    if (req.url?.startsWith('/token')) res.writeHead(302, to(tokens, '/there')).end();
    else if (!asAnonymous(req)) res.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${realm()}"` }).end('{}');
    else res.writeHead(307, to(mirror, req.url)).end();
  });
  const realm = () => `https://evil.test:${port}/token`;
  expect(await hosts.checker()(`evil.test:${port}/a/b`)).toMatchObject({ exists: true, private: false, ...known });
  const elsewhere = hosts.seen.filter((line) => line.startsWith('store.test'));
  expect(elsewhere).toHaveLength(4);
  expect(elsewhere.every((line) => line.endsWith(' -'))).toBe(true);
});

test('follows an index of indexes', async () => {
  const outer = part(mediaType.ociIndex, {
    mediaType: mediaType.ociIndex,
    manifests: [{ digest: parts.index.digest }],
  });
  const items = Object.fromEntries(Object.values(parts).map((each) => [each.digest, each]));
  const port = await hosts.https((req, res) => {
    const sent = items[req.url?.split('/').at(-1) ?? ''] ?? outer;
    res.setHeader('Content-Type', sent.type).end(sent.content);
  });
  const platforms = ['windows/amd64', 'linux/arm64/v8'];
  expect(await hosts.checker()(`evil.test:${port}/a/b`)).toEqual({ exists: true, private: false, platforms, ...known });
});

test('uses Basic authentication with the platform’s registry only', async () => {
  const registry = await hosts.https(
    imageServer(
      (req) => req.headers['authorization'] === basic,
      () => 'Basic realm="r"',
    ),
  );
  const own = { registry: `registry.test:${registry}` };
  expect(await hosts.checker(own)(`${own.registry}/a/b`)).toMatchObject({ exists: true, private: true });
  hosts.seen.splice(0);
  const foreign = hosts.checker({ registry: 'registry.test' });
  expect(await foreign(`registry.test:${registry}/a/b`)).toMatchObject({ exists: false, reason: 'needs-login' });
  expect(withToken()).toEqual([]);
});

test('calls the platform’s registry on loopback, and its realm, over plain http', async () => {
  const gitlab = await hosts.http((req, res) =>
    answerToken(res, req.headers['authorization'] === basic ? 'user' : 'anon'),
  );
  const challenge = () => `Bearer realm="http://127.0.0.1:${gitlab}/jwt/auth"`;
  const registry = `127.0.0.1:${await hosts.http(imageServer(asUser, challenge))}`;
  const closed = { allowedNetworks: [] };
  const check = hosts.checker({ registry, gitUrl: `http://127.0.0.1:${gitlab}/forge`, ...closed });
  expect(await check(`${registry}/images/jupyter`)).toMatchObject({ exists: true, private: true });
  expect(await hosts.checker(closed)(`${registry}/images/jupyter`)).toMatchObject({ reason: 'address-refused' });
});

test('reads blobs on other hosts without the token, and ignores an image configuration that it cannot read', async () => {
  let answer = (res: ServerResponse): unknown => res.end(parts.config.content);
  const store = await hosts.https((_req, res) => answer(res));
  let away = `https://store.test:${store}/blob`;
  const serve = imageServer(
    () => true,
    () => '',
  );
  const open = await hosts.https((req, res) =>
    req.url?.includes('/blobs/') ? res.writeHead(307, { Location: away }).end() : serve(req, res),
  );
  expect(await hosts.checker()(`evil.test:${open}/a/b`)).toMatchObject({ exists: true, workingDir: '/home/someone' });
  expect(hosts.seen.filter((line) => line.startsWith('store.test'))).toEqual(['store.test /blob -']);

  // Only the nodes may have access to the store of the platform's own registry.
  const own = { registry: `registry.test:${open}` };
  for (const where of ['https://10.0.0.1/blob', `http://store.test:${store}/blob`]) {
    away = where;
    const check = await hosts.checker(own)(`${own.registry}/a/b`);
    expect(check, where).toMatchObject({ exists: true, workingDir: null, size: known.size });
  }
  away = `https://store.test:${store}/blob`;
  answer = (res) => res.writeHead(503).end();
  expect(await hosts.checker()(`evil.test:${open}/a/b`)).toMatchObject({ exists: true, workingDir: null });
});

test.each([
  ['is down', undefined, /does not accept connections/],
  [
    'ends its response too early',
    (_req: unknown, res: ServerResponse) => res.writeHead(200, { 'Content-Length': 9 }).write('{', () => res.destroy()),
    /closed the connection/,
  ],
  ['closes the connection', (req: IncomingMessage) => req.socket.destroy(), /closed the connection/],
  ['is busy (503)', (_req: unknown, res: ServerResponse) => res.writeHead(503).end(), /status 503/],
  ['limits requests (429)', (_req: unknown, res: ServerResponse) => res.writeHead(429).end(), /too many requests/],
] as const)('reports a registry that %s as unreachable, and names it', async (_what, listener, message) => {
  const port = listener ? await hosts.https(listener as RequestListener) : 1;
  const check = await hosts.checker()(`evil.test:${port}/a/b`);
  expect(check).toMatchObject({ exists: false, reason: 'unreachable', message: expect.stringMatching(message) });
  expect((check as { message: string }).message).toContain(`evil.test:${port}`);
});

test.each([
  ['503', 'unreachable', (res: ServerResponse) => res.writeHead(503).end()],
  ['429', 'unreachable', (res: ServerResponse) => res.writeHead(429).end()],
  ['HTML', 'invalid-answer', (res: ServerResponse) => res.writeHead(200).end('<html>')],
  ['a token with a line break', 'invalid-answer', (res: ServerResponse) => answerToken(res, 'a\r\nX: y')],
  ['a redirect', 'invalid-answer', (res: ServerResponse) => res.writeHead(302, { Location: '/login' }).end()],
] as const)(
  'reports %s as the response to a token request as a failure of GitLab, and not as a missing image',
  async (_what, reason, answer) => {
    const setup = await platform(asUser, (_req, res) => answer(res));
    const check = await hosts.checker(setup)(`${setup.registry}/${path}`);
    expect(check).toMatchObject({ exists: false, reason, message: expect.stringContaining('gitlab.test') });
  },
);

test('reports a silent registry as unreachable before the deadline', async () => {
  const silent = await hosts.https(() => undefined);
  const deadline = Deadline.after(4_000);
  const check = await hosts.checker()(`evil.test:${silent}/a/b`, registered, deadline);
  expect(check).toMatchObject({ reason: 'unreachable', message: expect.stringContaining('in time') });
  expect(deadline.expired).toBe(false);
});

test('reports a silent registry as unreachable if the program is so busy that the deadline expires meanwhile', async () => {
  const deadline = Deadline.after(2_000);
  const silent = await hosts.https(() => {
    while (!deadline.expired);
  });
  const check = await hosts.checker()(`evil.test:${silent}/a/b`, registered, deadline);
  expect(check).toMatchObject({ reason: 'unreachable', message: expect.stringContaining(`evil.test:${silent}`) });
  expect(deadline.expired).toBe(true);
});

test('rejects a check that begins after its deadline, with the name of the registry and without a call', async () => {
  const deadline = Deadline.after(0);
  await expect(hosts.checker()('evil.test/a/b', registered, deadline)).rejects.toThrow(
    'the check of the image at evil.test did not finish',
  );
  expect(hosts.seen).toEqual([]);
});

test('aborts for a caller that is gone, and continues for the others', async () => {
  let answer: (() => void) | undefined;
  const serve = imageServer(
    () => true,
    () => '',
  );
  const slow = await hosts.https((req, res) => {
    if (answer || req.url?.includes('sha256')) return serve(req, res);
    answer = () => serve(req, res);
  });
  const check = hosts.checker();
  const gone = new AbortController();
  const first = check(`evil.test:${slow}/a/b`, anonymous, Deadline.after(10_000, gone.signal));
  const second = check(`evil.test:${slow}/a/b`, registered);
  await expect.poll(() => answer).toBeDefined();
  gone.abort(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  answer?.();
  expect(await second).toMatchObject({ exists: true });
  expect(hosts.seen).toHaveLength(3);
});

test('outbound.allowed_networks allows image checks at these internal addresses only', async () => {
  const port = await hosts.https(
    imageServer(
      () => true,
      () => '',
    ),
  );
  const withNetworks = (...networks: string[]) => {
    const named = networks.map((network, at) => [`NB_OUTBOUND__ALLOWED_NETWORKS_${at}`, network]);
    const env = { NB_SESSIONS__INGRESS__HOST: 'sessions.test', ...Object.fromEntries(named) };
    const { outbound } = loadConfig(env).config;
    return hosts.checker({ allowedNetworks: outbound.allowed_networks })(`evil.test:${port}/a/b`);
  };
  const refused = { exists: false, reason: 'address-refused', remedy: expect.stringContaining('administrator') };
  expect(await withNetworks()).toMatchObject(refused);
  expect(await withNetworks('10.0.0.0/8', '127.0.0.2/31')).toMatchObject(refused);
  expect(await withNetworks('10.0.0.0/8', '127.0.0.0/31')).toMatchObject({ exists: true });
});

test('an invalid reference is error 1002', async () => {
  const error = await hosts
    .checker()('not/an image')
    .catch((thrown: unknown) => thrown);
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
])('with the configured registry %s, a call to %s gets credentials: %s', (registry, host, expected) => {
  const reference = { domain: host, host, repository: 'a/b', target: 'latest' };
  const access = registryAccess(reference, { url: 'https://gitlab.test', registry }, registered);
  expect(access.credentials !== null).toBe(expected);
  expect(access.scheme).toBe('https');
  expect(registryAccess(reference, { url: 'https://gitlab.test', registry }, anonymous).credentials).toBeNull();
});

const gitlabs = ['https://gitlab.test', 'http://gitlab.test'] as const;
test.each([
  ['https://gitlab.test/jwt/auth', true, true],
  ['https://registry.test/token', true, true],
  ['http://gitlab.test/jwt/auth', false, true],
  ['http://registry.test/token', false, false],
  ['https://gitlab.test:8443/jwt/auth', false, false],
  ['https://gitlab.test.evil.test/', false, false],
  ['https://evil.test/?gitlab.test', false, false],
  ['https://gitlab.test@evil.test/', false, false],
])('the realm %s gets credentials: %s; with a GitLab that is configured without TLS: %s', (realm, ...expected) => {
  const reference = { domain: 'registry.test', host: 'registry.test', repository: 'a/b', target: 'latest' };
  const may = gitlabs.map((url) =>
    registryAccess(reference, { url, registry: 'registry.test' }, registered).mayReceive(new URL(realm)),
  );
  expect(may).toEqual(expected);
});
