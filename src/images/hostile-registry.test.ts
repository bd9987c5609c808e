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
 * Registries that try to get the caller's GitLab token, to reach internal addresses, or to use up time and memory. Each is
 * rejected with a specific reason before the deadline, and receives no credential.
 */
let hosts: TestHosts;
/** The data that the raw servers received. */
let received = '';
beforeAll(async () => {
  hosts = await startTestHosts();
});
beforeEach(() => {
  hosts.seen.splice(0);
  received = '';
});
afterAll(() => hosts[Symbol.asyncDispose]());

const secret = registered.git.token as string;
function expectNoCredentialSent(): void {
  const everything = hosts.seen.join('\n') + received;
  expect(everything).not.toContain('Basic');
  expect(everything).not.toContain(secret);
  expect(everything).not.toContain(Buffer.from(secret).toString('base64'));
}

/** Checks an image, and that the result arrives before the deadline. */
async function checked(reference: string, setup: Parameters<TestHosts['checker']>[0] = {}, ms = 10_000) {
  const started = performance.now();
  const check = await hosts.checker(setup)(reference, registered, Deadline.after(ms));
  // Without a deadline, a silent registry would hold the check for minutes.
  expect(performance.now() - started).toBeLessThan(ms + 20_000);
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

describe('a registry that tries to get the token', () => {
  test('does not get it with the name of the platform’s registry and a suffix or another port', async () => {
    const port = await hosts.https((req, res) =>
      req.url?.startsWith('/token') ? answerToken(res, 'worthless') : challenge(`https://evil.test:${port}/token`)(res),
    );
    for (const registry of ['registry.test', `registry.test:${port + 1}`, 'evil.test']) {
      for (const host of [`registry.test.evil.test:${port}`, `registry.test:${port}`]) {
        expect(await checked(`${host}/u/p:1`, { registry })).toMatchObject(because('needs-login', /not public/));
      }
    }
    expect(hosts.seen.some((line) => line.endsWith('Bearer worthless'))).toBe(true);
    expectNoCredentialSent();
  });

  test('does not get it as the platform’s own registry with a realm on another host', async () => {
    const evil = await hosts.https((_req, res) => answerToken(res, 'anon'));
    for (const realm of [`https://evil.test:${evil}/token`, `https://gitlab.test@evil.test:${evil}/token`]) {
      const port = await hosts.https((_req, res) => challenge(realm)(res));
      const own = `registry.test:${port}`;
      const check = await checked(`${own}/a/b`, { registry: own });
      expect(check).toMatchObject({ exists: false, reason: 'invalid-answer' });
    }
    expect(hosts.seen.join('\n')).toContain('evil.test /token');
    expectNoCredentialSent();
  });

  test('does not get it by a redirect of the platform’s own registry', async () => {
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
    expect(await checked(`${own.registry}/a/b`, own)).toMatchObject(because('invalid-answer', /not a manifest/));
    // The request has neither the user's credentials nor the token for them.
    expect(hosts.seen.filter((line) => line.startsWith('evil.test'))).toEqual(['evil.test / -']);
  });

  test('does not get it by a redirect of the platform’s realm', async () => {
    const evil = await hosts.https((_req, res) => res.end('thanks'));
    const gitlab = await hosts.https((req, res) =>
      req.headers['authorization'] === basic
        ? res.writeHead(307, { Location: `https://evil.test:${evil}/` }).end()
        : res.writeHead(401).end(),
    );
    const port = await hosts.https((_req, res) => challenge(`https://gitlab.test:${gitlab}/jwt/auth`)(res));
    const own = { registry: `registry.test:${port}`, gitUrl: `https://gitlab.test:${gitlab}` };
    expect(await checked(`${own.registry}/a/b`, own)).toMatchObject(
      because('invalid-answer', /evil\.test.*without a valid token/),
    );
    expect(hosts.seen.filter((line) => line.startsWith('evil.test'))).toEqual(['evil.test / -']);
  });

  test('does not get it by a challenge of the target of a redirect', async () => {
    let realm = '';
    const evil = await hosts.https((_req, res) => challenge(realm)(res));
    const gitlab = await hosts.https((_req, res) => answerToken(res, 'user-token'));
    const port = await hosts.https((_req, res) => res.writeHead(307, { Location: `https://evil.test:${evil}/` }).end());
    const own = { registry: `registry.test:${port}`, gitUrl: `https://gitlab.test:${gitlab}` };
    for (realm of [`https://evil.test:${evil}/token`, `https://gitlab.test:${gitlab}/jwt/auth`]) {
      expect(await checked(`${own.registry}/a/b`, own)).toMatchObject({ exists: false, reason: 'needs-login' });
    }
    expect(hosts.seen.every((line) => line.endsWith(' -') && !/token|jwt/.test(line))).toBe(true);
    expectNoCredentialSent();
  });
});

describe('a registry that tries to reach internal addresses', () => {
  test.each([
    '127.0.0.1',
    '169.254.169.254',
    '10.0.0.1:5000',
    '[::1]:5000',
    '[::ffff:a9fe:a9fe]',
    '0x7f.1:5000',
    '2130706433:80',
  ])('is rejected if it is at one: %s', async (host) => {
    const check = await checked(`${host}/latest/meta-data`, { allowedNetworks: [] });
    expect(check).toMatchObject(because('address-refused', /is not on the public internet/));
  });

  test('is rejected if its realm is the metadata address of a cloud', async () => {
    const port = await hosts.https((_req, res) => challenge('https://169.254.169.254/latest/meta-data')(res));
    expect(await checked(`evil.test:${port}/a/b`)).toMatchObject(
      because('address-refused', /redirects to 169\.254\.169\.254/),
    );
    const plain = await hosts.https((_req, res) => challenge('http://169.254.169.254/latest/meta-data')(res));
    expect(await checked(`evil.test:${plain}/a/b`)).toMatchObject(because('invalid-answer', /called over https only/));
    expectNoCredentialSent();
  });

  test('is rejected if its realm is the platform’s own GitLab or registry', async () => {
    const inside = await hosts.http((_req, res) => answerToken(res, 'secret'));
    const gitlab = await hosts.https((_req, res) => answerToken(res, 'secret'));
    let realm = '';
    const port = await hosts.https((_req, res) => challenge(realm)(res));
    const lookup = async (host: string) => [{ address: host === 'evil.test' ? '127.0.0.1' : '127.0.0.2', family: 4 }];
    const setup = { registry: `127.0.0.1:${inside}`, gitUrl: `https://gitlab.test:${gitlab}`, lookup };
    realm = `http://127.0.0.1:${inside}/secret`;
    expect(await checked(`evil.test:${port}/a/b`, setup)).toMatchObject(because('invalid-answer', /over https only/));
    realm = `https://gitlab.test:${gitlab}/secret`;
    expect(await checked(`evil.test:${port}/a/b`, setup)).toMatchObject(because('address-refused', /gitlab\.test/));
    expect(hosts.seen.filter((line) => line.includes('secret'))).toEqual([]);
    expectNoCredentialSent();
  });

  test('is rejected if it is the platform’s GitLab', async () => {
    const gitlab = await hosts.https((_req, res) => res.end());
    const setup = { gitUrl: `https://gitlab.test:${gitlab}`, allowedNetworks: [] };
    expect(await checked(`gitlab.test:${gitlab}/a/b`, setup)).toMatchObject(because('address-refused', /gitlab\.test/));
    expect(hosts.seen).toEqual([]);
  });

  test.each(['manifests', 'blobs'])(
    'is rejected if it redirects %s to loopback or to the platform’s GitLab',
    async (kind) => {
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
      // The platform's two hosts are exempt from the address check, but not as the target of a redirect. The address of the
      // hostile host counts as public here; all other addresses of this machine are internal.
      const lookup = async (host: string) => [{ address: host === 'evil.test' ? '127.0.0.1' : '127.0.0.2', family: 4 }];
      const setup = { registry: `127.0.0.1:${inside}`, gitUrl: `https://gitlab.test:${gitlab}`, lookup };
      for (away of [
        `http://127.0.0.1:${inside}/secret`,
        `https://gitlab.test:${gitlab}/secret`,
        'https://127.0.0.2/secret',
        'https://169.254.169.254/secret',
        'file:///etc/passwd',
      ]) {
        const check = await checked(`evil.test:${port}/a/b`, setup);
        expect(check, away).toMatchObject({ exists: false });
        expect(['invalid-answer', 'address-refused'], away).toContain((check as { reason: string }).reason);
      }
      expect(hosts.seen.filter((line) => line.includes('secret'))).toEqual([]);
      expectNoCredentialSent();
    },
  );

  test('is rejected if its name resolves to one the second time', async () => {
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
    expect(await checked(`evil.test:${port}/a/b`, { lookup })).toMatchObject(because('address-refused', /evil\.test/));
    expect([lookups, inside]).toEqual([2, 0]);
    expectNoCredentialSent();
  });

  test('is rejected if its name has a public and an internal address', async () => {
    const lookup = async () => [
      { address: '127.0.0.1', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ];
    const port = await hosts.https((_req, res) => res.end());
    expect(await checked(`evil.test:${port}/a/b`, { lookup })).toMatchObject({ reason: 'address-refused' });
    expect(hosts.seen).toEqual([]);
  });
});

describe('a registry that tries to use up time and memory', () => {
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
      received += data;
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
  ])('is rejected with %s', async (_what, message, listener) => {
    const port = await hosts.https(listener);
    expect(await checked(`evil.test:${port}/a/b`)).toMatchObject(because('invalid-answer', message));
    expectNoCredentialSent();
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
  ])('is rejected with %s', async (_what, reason, message, onConnection) => {
    const port = await hosts.raw(onConnection);
    expect(await checked(`evil.test:${port}/a/b`, {}, 1500)).toMatchObject(because(reason, message));
    expect(received).toContain('GET /v2/a/b/manifests/latest');
    expectNoCredentialSent();
  });

  function drip(socket: TLSSocket, what: string): void {
    const timer = setInterval(() => socket.write(what), 20);
    socket.once('close', () => clearInterval(timer));
  }

  test('is rejected with a token that arrives too slowly', async () => {
    const realm = await hosts.raw(
      answering('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n', (socket) => drip(socket, ' ')),
    );
    const port = await hosts.https((_req, res) => challenge(`https://evil.test:${realm}/token`)(res));
    expect(await checked(`evil.test:${port}/a/b`, {}, 1500)).toMatchObject(because('unreachable', /in time/));
    expectNoCredentialSent();
  });

  test('is rejected with a document of a million levels', async () => {
    const deep = `{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`;
    const port = await hosts.https((_req, res) => res.setHeader('Content-Type', mediaType.ociIndex).end(deep));
    expect(await checked(`evil.test:${port}/a/b`)).toMatchObject({ exists: false, reason: 'not-found' });
  });

  test('is rejected with an index of indexes of indexes', async () => {
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
    expect(await checked(`evil.test:${port}/a/b`)).toMatchObject(because('invalid-answer', /too deeply/));
    expect(hosts.seen).toHaveLength(3);
  });
});

describe('a registry that sends wrong data', () => {
  test.each(['what was asked for', 'the manifest in its index', 'the configuration'])(
    'is rejected if the digest does not match: %s',
    async (which) => {
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
      expect(await checked(`evil.test:${port}/a/b${target}`)).toMatchObject(
        because('invalid-answer', /does not match its digest/),
      );
    },
  );

  test('is rejected if it lists an image that does not exist', async () => {
    const port = await hosts.https((req, res) =>
      req.url?.includes('sha256')
        ? res.writeHead(404).end()
        : res.setHeader('Content-Type', mediaType.ociIndex).end(parts.index.content),
    );
    expect(await checked(`evil.test:${port}/a/b`)).toMatchObject(because('invalid-answer', /does not exist/));
  });
});
