import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { javaRequest } from '../../../tests/support/local/http/java-request.ts';
import { owner, seen, TestSite } from '../../../tests/support/local/ingress.ts';

interface Arrived {
  method: string;
  url: string;
  body: string;
  anonymousId: string | undefined;
}

let site: TestSite;
let service: Server;
let arrived: Arrived[] = [];
/** Cookie headers of a signed-in browser. */
const cookies = { pages: '', sessions: '' };

beforeEach(async () => {
  arrived = [];
  site = new TestSite();
  await site.start();
  service = createServer((req, res) => void record(req, res)).listen(site.serviceSocket);
  await once(service, 'listening');
  await site.session('mine', { emails: [owner.email] });
  site.jupyters[0]?.server.removeAllListeners('request').on('request', (req, res) => void record(req, res));
  const browser = await site.signedIn();
  await browser.go(`${site.sessions}/sessions/mine/lab`);
  for (const [at, host] of Object.entries({ pages: '127.0.0.1', sessions: 'localhost' })) {
    const own = browser.jar.filter((cookie) => cookie.host === host);
    cookies[at as keyof typeof cookies] = own.map(({ name, value }) => `${name}=${value}`).join('; ');
  }
  arrived = [];
});
afterEach(async () => {
  service.closeAllConnections();
  service.close();
  await site.close();
});

async function record(req: import('node:http').IncomingMessage, res: import('node:http').ServerResponse) {
  const { method = '', url = '', headers } = req;
  const body = await text(req);
  const anonymousId = headers['renku-auth-anon-id'];
  arrived.push({ method, url, body, anonymousId: anonymousId === undefined ? undefined : String(anonymousId) });
  res.end(JSON.stringify({ method, url, headers, body }));
}

/** Sends the bytes and returns everything that is received until the connection ends. */
async function say(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(site.pages).port), '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

const doors = { gateway: 'pages', ingress: 'sessions' } as const;
const targets = { gateway: '/notebooks/servers', ingress: '/sessions/mine/api/contents' } as const;

const cases = Object.keys(doors).flatMap((door) =>
  ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST'].map((method) => [door as keyof typeof doors, method] as const),
);

test.each(cases)(
  'the %s never parses the body of a %s request as a request, whatever headers Connection lists',
  async (door, method) => {
    const { host } = new URL(site[doors[door]]);
    const smuggled = `GET ${targets[door]}/smuggled HTTP/1.1\r\nHost: ${host}\r\nRenku-Auth-Anon-Id: anon-evil\r\n\r\n`;
    for (const named of [
      'content-length',
      'Content-Length, Host, Cookie',
      'transfer-encoding',
      'content-length, close',
    ]) {
      arrived = [];
      const head = [
        `${method} ${targets[door]} HTTP/1.1`,
        `Host: ${host}`,
        `Cookie: ${cookies[doors[door]]}`,
        `Connection: ${named}`,
        `Content-Length: ${smuggled.length}`,
      ];
      const last = `GET ${targets[door]}/last HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookies[doors[door]]}\r\nConnection: close\r\n\r\n`;
      await say(`${head.join('\r\n')}\r\n\r\n${smuggled}${named.endsWith('close') ? '' : last}`);
      const expected: Arrived[] = [{ method, url: targets[door], body: smuggled, anonymousId: undefined }];
      if (!named.endsWith('close')) {
        expected.push({ method: 'GET', url: `${targets[door]}/last`, body: '', anonymousId: undefined });
      }
      // Behind the proxy, the requests of one connection may use several connections.
      expect(
        arrived.toSorted((a, b) => a.url.length - b.url.length),
        named,
      ).toEqual(expected);
    }
  },
);

test.each(Object.keys(doors) as (keyof typeof doors)[])(
  'the %s responds with HTTP/1.1 to a request that offers HTTP/2, such as those of Java’s client',
  async (door) => {
    const { host } = new URL(site[doors[door]]);
    for (const [method, body] of [
      ['GET', ''],
      ['POST', '{"a":1}'],
    ] as const) {
      const headers = { Cookie: cookies[doors[door]] };
      const response = await say(javaRequest(method, targets[door], body, { host, headers }));
      expect(response).toMatch(/^HTTP\/1.1 200 /);
      const { headers: received } = seen(response.slice(response.indexOf('{'), response.lastIndexOf('}') + 1));
      expect(received).not.toHaveProperty('upgrade');
      expect(received).not.toHaveProperty('http2-settings');
      expect(arrived.at(-1)).toEqual({ method, url: targets[door], body, anonymousId: undefined });
    }
  },
);
