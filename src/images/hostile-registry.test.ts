import type { RequestListener, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  answerToken,
  basic,
  imageServer,
  part,
  parts,
  registered,
  startTestHosts,
  type TestHosts,
} from '../../tests/support/images/test-hosts.ts';
import { Deadline } from '../lib/deadline.ts';
import { mediaType } from '../platform/registry/manifest.ts';

/**
 * Registries that want the caller's GitLab token, the addresses of the inside, or the service's time and memory. Each is
 * refused with a reason of its own, before the request's time is over, and has seen no credential.
 */
let hosts: TestHosts;
/** What the raw servers were sent. */
let heard = '';
beforeAll(async () => {
  hosts = await startTestHosts();
});
beforeEach(() => {
  hosts.seen.splice(0);
  heard = '';
});
afterAll(() => hosts[Symbol.asyncDispose]());

const secret = registered.git.token as string;
function nothingWasLearnt(): void {
  const everything = hosts.seen.join('\n') + heard;
  expect(everything).not.toContain('Basic');
  expect(everything).not.toContain(secret);
  expect(everything).not.toContain(Buffer.from(secret).toString('base64'));
}

/** The check ends before the request's time is over; afterwards it would be an error and no answer. */
async function refused(reference: string, setup: Parameters<TestHosts['checker']>[0] = {}, ms = 10_000) {
  const started = performance.now();
  const check = await hosts.checker(setup)(reference, registered, Deadline.after(ms));
  expect(performance.now() - started).toBeLessThan(ms + 1000);
  return check;
}
const because = (reason: string, message: RegExp) => ({
  exists: false,
  reason,
  message: expect.stringMatching(message),
  remedy: expect.stringMatching(/\w/),
});
const challenge = (realm: string) => (res: ServerResponse) =>
  void res.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${realm}",service="s"` }).end('{}');

describe('a registry that is after the token', () => {
  test('because it is named like the platform’s with a suffix, or on another port', async () => {
    const port = await hosts.https((req, res) =>
      req.url?.startsWith('/token') ? answerToken(res, 'worthless') : challenge(`https://evil.test:${port}/token`)(res),
    );
    for (const registry of ['registry.test', `registry.test:${port + 1}`, 'evil.test']) {
      for (const host of [`registry.test.evil.test:${port}`, `registry.test:${port}`]) {
        expect(await refused(`${host}/u/p:1`, { registry })).toMatchObject(because('needs-login', /not public/));
      }
    }
    expect(hosts.seen.some((line) => line.endsWith('Bearer worthless'))).toBe(true);
    nothingWasLearnt();
  });

  test('because the platform’s own, once broken into, names a realm elsewhere', async () => {
    const evil = await hosts.https((_req, res) => answerToken(res, 'anon'));
    for (const realm of [`https://evil.test:${evil}/token`, `https://gitlab.test@evil.test:${evil}/token`]) {
      const port = await hosts.https((_req, res) => challenge(realm)(res));
      const own = `registry.test:${port}`;
      const check = await refused(`${own}/a/b`, { registry: own });
      expect(check).toMatchObject({ exists: false, reason: 'invalid-answer' });
    }
    expect(hosts.seen.join('\n')).toContain('evil.test /token');
    nothingWasLearnt();
  });

  test('because the platform’s own sends the request on, with everything in it', async () => {
    const evil = await hosts.https((_req, res) => res.end('thanks'));
    const gitlab = await hosts.https((req, res) =>
      req.headers['authorization'] === basic ? answerToken(res, 'user-token') : res.writeHead(401).end(),
    );
    const port = await hosts.https((req, res) =>
      req.headers['authorization']
        ? res.writeHead(307, { Location: `https://evil.test:${evil}/` }).end()
        : challenge(`https://gitlab.test:${gitlab}/jwt/auth`)(res),
    );
    const own = { registry: `registry.test:${port}`, gitUrl: `https://gitlab.test:${gitlab}` };
    expect(await refused(`${own.registry}/a/b`, own)).toMatchObject(because('invalid-answer', /not a manifest/));
    // The request has neither the user's credentials nor the token that they gave.
    expect(hosts.seen.filter((line) => line.startsWith('evil.test'))).toEqual(['evil.test / -']);
  });

  test('because the realm that is the platform’s answers with a redirect', async () => {
    const evil = await hosts.https((_req, res) => res.end('thanks'));
    const gitlab = await hosts.https((req, res) =>
      req.headers['authorization'] === basic
        ? res.writeHead(307, { Location: `https://evil.test:${evil}/` }).end()
        : res.writeHead(401).end(),
    );
    const port = await hosts.https((_req, res) => challenge(`https://gitlab.test:${gitlab}/jwt/auth`)(res));
    const own = { registry: `registry.test:${port}`, gitUrl: `https://gitlab.test:${gitlab}` };
    expect(await refused(`${own.registry}/a/b`, own)).toMatchObject(
      because('invalid-answer', /evil\.test.*without a valid token/),
    );
    expect(hosts.seen.filter((line) => line.startsWith('evil.test'))).toEqual(['evil.test / -']);
  });

  test('because where it sends its callers says how to sign in', async () => {
    let realm = '';
    const evil = await hosts.https((_req, res) => challenge(realm)(res));
    const gitlab = await hosts.https((_req, res) => answerToken(res, 'user-token'));
    const port = await hosts.https((_req, res) => res.writeHead(307, { Location: `https://evil.test:${evil}/` }).end());
    const own = { registry: `registry.test:${port}`, gitUrl: `https://gitlab.test:${gitlab}` };
    for (realm of [`https://evil.test:${evil}/token`, `https://gitlab.test:${gitlab}/jwt/auth`]) {
      expect(await refused(`${own.registry}/a/b`, own)).toMatchObject({ exists: false, reason: 'needs-login' });
    }
    expect(hosts.seen.every((line) => line.endsWith(' -') && !/token|jwt/.test(line))).toBe(true);
    nothingWasLearnt();
  });
});

describe('a registry that is after the addresses of the inside', () => {
  test.each([
    '127.0.0.1',
    '169.254.169.254',
    '10.0.0.1:5000',
    '[::1]:5000',
    '[::ffff:a9fe:a9fe]',
    '0x7f.1:5000',
    '2130706433:80',
  ])('because it is one: %s', async (host) => {
    const check = await refused(`${host}/latest/meta-data`, { allowedNetworks: [] });
    expect(check).toMatchObject(because('address-refused', /is not on the public internet/));
  });

  test('because its realm is the address where clouds keep credentials', async () => {
    const port = await hosts.https((_req, res) => challenge('https://169.254.169.254/latest/meta-data')(res));
    expect(await refused(`evil.test:${port}/a/b`)).toMatchObject(
      because('address-refused', /redirects to 169\.254\.169\.254/),
    );
    const plain = await hosts.https((_req, res) => challenge('http://169.254.169.254/latest/meta-data')(res));
    expect(await refused(`evil.test:${plain}/a/b`)).toMatchObject(because('invalid-answer', /called over https only/));
    nothingWasLearnt();
  });

  test('because its realm is the platform’s own GitLab or registry, which others may not be asked through', async () => {
    const inside = await hosts.http((_req, res) => answerToken(res, 'secret'));
    const gitlab = await hosts.https((_req, res) => answerToken(res, 'secret'));
    let realm = '';
    const port = await hosts.https((_req, res) => challenge(realm)(res));
    const lookup = async (host: string) => [{ address: host === 'evil.test' ? '127.0.0.1' : '127.0.0.2', family: 4 }];
    const setup = { registry: `127.0.0.1:${inside}`, gitUrl: `https://gitlab.test:${gitlab}`, lookup };
    realm = `http://127.0.0.1:${inside}/secret`;
    expect(await refused(`evil.test:${port}/a/b`, setup)).toMatchObject(because('invalid-answer', /over https only/));
    realm = `https://gitlab.test:${gitlab}/secret`;
    expect(await refused(`evil.test:${port}/a/b`, setup)).toMatchObject(because('address-refused', /gitlab\.test/));
    expect(hosts.seen.filter((line) => line.includes('secret'))).toEqual([]);
    nothingWasLearnt();
  });

  test('because it is the platform’s GitLab, named as a registry by a user', async () => {
    const gitlab = await hosts.https((_req, res) => res.end());
    const setup = { gitUrl: `https://gitlab.test:${gitlab}`, allowedNetworks: [] };
    expect(await refused(`gitlab.test:${gitlab}/a/b`, setup)).toMatchObject(because('address-refused', /gitlab\.test/));
    expect(hosts.seen).toEqual([]);
  });

  test.each(['manifests', 'blobs'])('because it redirects %s to loopback or to the platform’s GitLab', async (kind) => {
    const inside = await hosts.http((_req, res) => res.end('secret'));
    const gitlab = await hosts.https((_req, res) => res.end('secret'));
    const serve = imageServer(
      () => true,
      () => '',
    );
    let away = '';
    const port = await hosts.https((req, res) =>
      req.url?.includes(kind) ? res.writeHead(302, { Location: away }).end() : serve(req, res),
    );
    // The two hosts that are the platform's own are exempt from the check, but not for others who name them. The
    // hostile one is reached because its address is public here; every other on this machine is of the inside.
    const lookup = async (host: string) => [{ address: host === 'evil.test' ? '127.0.0.1' : '127.0.0.2', family: 4 }];
    const setup = { registry: `127.0.0.1:${inside}`, gitUrl: `https://gitlab.test:${gitlab}`, lookup };
    for (away of [
      `http://127.0.0.1:${inside}/secret`,
      `https://gitlab.test:${gitlab}/secret`,
      'https://127.0.0.2/secret',
      'https://169.254.169.254/secret',
      'file:///etc/passwd',
    ]) {
      const check = await refused(`evil.test:${port}/a/b`, setup);
      expect(check, away).toMatchObject({ exists: false });
      expect(['invalid-answer', 'address-refused'], away).toContain((check as { reason: string }).reason);
    }
    expect(hosts.seen.filter((line) => line.includes('secret'))).toEqual([]);
    nothingWasLearnt();
  });

  test('because its name resolves differently the second time', async () => {
    let inside = 0;
    const port = await hosts.https((req, res) => {
      if (req.url?.includes('secret')) inside += 1;
      challenge(`https://evil.test:${port}/secret`)(res.setHeader('Connection', 'close'));
    });
    let lookups = 0;
    const lookup = async () => {
      lookups += 1;
      return [{ address: lookups === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }];
    };
    expect(await refused(`evil.test:${port}/a/b`, { lookup })).toMatchObject(because('address-refused', /evil\.test/));
    expect([lookups, inside]).toEqual([2, 0]);
    nothingWasLearnt();
  });

  test('because its name is a public address and one of the inside at once', async () => {
    const lookup = async () => [
      { address: '127.0.0.1', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ];
    const port = await hosts.https((_req, res) => res.end());
    expect(await refused(`evil.test:${port}/a/b`, { lookup })).toMatchObject({ reason: 'address-refused' });
    expect(hosts.seen).toEqual([]);
  });
});

describe('a registry that is after time and memory', () => {
  const mebibyte = Buffer.alloc(1024 * 1024, 0x20);
  const endless = (res: ServerResponse | TLSSocket, chunk: string | Buffer): void => {
    const pump = () => {
      while (!res.destroyed && res.write(chunk));
    };
    res.on('drain', pump);
    pump();
  };
  const answering = (status: string, send: (socket: TLSSocket) => void) => (socket: TLSSocket) => {
    socket.once('data', (data) => {
      heard += data;
      socket.write(status);
      send(socket);
    });
  };

  test.each<[string, RegExp, RequestListener]>([
    ['an endless body', /more than/, (_req, res) => endless(res, mebibyte)],
    [
      'a body that announces its size',
      /more than/,
      (_req, res) => void res.writeHead(200, { 'Content-Length': 1e12 }).write('{'),
    ],
    [
      'a gzip bomb',
      /more than/,
      (_req, res) => void res.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(Buffer.alloc(300_000_000))),
    ],
    [
      'one bomb in another',
      /not requested/,
      (_req, res) => void res.writeHead(200, { 'Content-Encoding': 'gzip, gzip' }).end(gzipSync(gzipSync(mebibyte))),
    ],
    [
      'an oversized index',
      /more than/,
      (_req, res) =>
        void res
          .writeHead(200, { 'Content-Type': mediaType.ociIndex })
          .end(JSON.stringify({ manifests: Array(60_000).fill({ digest: parts.manifest.digest, platform: {} }) })),
    ],
    [
      'an endless redirect',
      /more than 10 times/,
      (req, res) => void res.writeHead(302, { Location: `${req.url}x` }).end(),
    ],
  ])('with %s', async (_what, message, listener) => {
    const port = await hosts.https(listener);
    expect(await refused(`evil.test:${port}/a/b`)).toMatchObject(because('invalid-answer', message));
    nothingWasLearnt();
  });

  test.each<[string, string, RegExp, (socket: TLSSocket) => void]>([
    [
      'endless headers',
      'invalid-answer',
      /too many headers/,
      answering('HTTP/1.1 200 OK\r\n', (socket) => endless(socket, `X-More: ${'x'.repeat(1000)}\r\n`)),
    ],
    [
      'one endless header',
      'invalid-answer',
      /too many headers/,
      answering('HTTP/1.1 200 OK\r\nX-More: ', (socket) => endless(socket, 'x'.repeat(1000))),
    ],
    [
      'endless trailers',
      'invalid-answer',
      /too many headers/,
      answering('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n', (socket) =>
        endless(socket, `X-More: ${'x'.repeat(1000)}\r\n`),
      ),
    ],
    ['no HTTP', 'invalid-answer', /not HTTP/, answering('SSH-2.0-OpenSSH_9.2\r\n', () => undefined)],
    [
      'headers that drip',
      'unreachable',
      /in time/,
      answering('HTTP/1.1 200 OK\r\n', (socket) => drip(socket, 'X-A: b\r\n')),
    ],
    [
      'a body that drips',
      'unreachable',
      /in time/,
      answering('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n', (socket) => drip(socket, ' ')),
    ],
    [
      'answers that are none yet',
      'unreachable',
      /in time/,
      answering('', (socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n')),
    ],
  ])('with %s', async (_what, reason, message, onConnection) => {
    const port = await hosts.raw(onConnection);
    expect(await refused(`evil.test:${port}/a/b`, {}, 3000)).toMatchObject(because(reason, message));
    expect(heard).toContain('GET /v2/a/b/manifests/latest');
    nothingWasLearnt();
  });

  function drip(socket: TLSSocket, what: string): void {
    const timer = setInterval(() => socket.write(what), 20);
    socket.once('close', () => clearInterval(timer));
  }

  test('with a token that drips, from the realm', async () => {
    const realm = await hosts.raw(
      answering('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n', (socket) => drip(socket, ' ')),
    );
    const port = await hosts.https((_req, res) => challenge(`https://evil.test:${realm}/token`)(res));
    expect(await refused(`evil.test:${port}/a/b`, {}, 3000)).toMatchObject(because('unreachable', /in time/));
    nothingWasLearnt();
  });

  test('with a document that is nested a million deep', async () => {
    const deep = `{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`;
    const port = await hosts.https((_req, res) => res.setHeader('Content-Type', mediaType.ociIndex).end(deep));
    expect(await refused(`evil.test:${port}/a/b`)).toMatchObject({ exists: false, reason: 'not-found' });
  });

  test('with an index that lists an index that lists an index', async () => {
    const nested = [parts.index];
    for (let depth = 0; depth < 10; depth += 1) {
      const inner = nested.at(-1)?.digest;
      nested.push(part(mediaType.ociIndex, { mediaType: mediaType.ociIndex, manifests: [{ digest: inner }] }));
    }
    const items = Object.fromEntries(nested.map((each) => [each.digest, each]));
    const port = await hosts.https((req, res) => {
      const sent = items[req.url?.split('/').at(-1) ?? ''] ?? nested.at(-1);
      res.setHeader('Content-Type', mediaType.ociIndex).end(sent?.content);
    });
    expect(await refused(`evil.test:${port}/a/b`)).toMatchObject(because('invalid-answer', /too deeply/));
    expect(hosts.seen).toHaveLength(3);
  });
});

describe('a registry that lies about digests', () => {
  test.each(['what was asked for', 'the manifest in its index', 'the configuration'])('of %s', async (which) => {
    const lie = Buffer.from(JSON.stringify({ config: { WorkingDir: '/evil' } }));
    const items = Object.fromEntries(Object.values(parts).map((each) => [each.digest, each]));
    const port = await hosts.https((req, res) => {
      const asked = req.url?.split('/').at(-1) ?? '';
      const honest = items[asked] ?? parts.index;
      const isLie = {
        'what was asked for': asked === parts.index.digest,
        'the manifest in its index': asked === parts.manifest.digest,
        'the configuration': asked === parts.config.digest,
      }[which];
      res.setHeader('Content-Type', honest.type).end(isLie ? lie : honest.content);
    });
    const target = which === 'what was asked for' ? `@${parts.index.digest}` : ':latest';
    expect(await refused(`evil.test:${port}/a/b${target}`)).toMatchObject(
      because('invalid-answer', /does not match its digest/),
    );
  });

  test('or lists what it does not have', async () => {
    const port = await hosts.https((req, res) =>
      req.url?.includes('sha256')
        ? res.writeHead(404).end()
        : res.setHeader('Content-Type', mediaType.ociIndex).end(parts.index.content),
    );
    expect(await refused(`evil.test:${port}/a/b`)).toMatchObject(because('invalid-answer', /does not exist/));
  });
});
