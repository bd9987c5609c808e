import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { curlAsOther } from '../support/other-os-user.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { describeInChromium } from './chromium.ts';
import { jupyterLab, runCell } from './jupyterlab.ts';

const slow = { timeout: 120_000 };

describeInChromium('a sign-in', (browser) => {
  let platform: Platform;
  const servers: (HttpServer | Server)[] = [];

  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  afterAll(() => platform?.dispose());

  async function listenOn(server: HttpServer | Server): Promise<number> {
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** Starts a server of another user on another port of 127.0.0.1. It records cookies and responds with a page. */
  async function startOtherServer(script = ''): Promise<{ origin: string; cookies: string[] }> {
    const cookies: string[] = [];
    const server = createHttpServer((req, res) => {
      cookies.push(req.headers.cookie ?? '');
      res.setHeader('Content-Type', 'text/html').end(`<title>Other server</title><script>${script}</script>`);
    });
    return { origin: `http://127.0.0.1:${await listenOn(server)}`, cookies };
  }

  async function newLink(): Promise<URL> {
    const { link } = (await (await platform.api('/auth/links', { method: 'POST' })).json()) as { link: string };
    return new URL(link);
  }

  async function signedIn(): Promise<Page> {
    const page = await (await browser.profile()).newPage();
    await page.goto((await newLink()).href);
    return page;
  }

  const currentUser = async (page: Page) => (await page.request.get(`${platform.origin}/auth/me`)).json();

  it('has a link that cannot redirect to another server on the machine', async () => {
    const { origin, cookies } = await startOtherServer();
    const page = await (await browser.profile()).newPage();
    for (const next of [
      `/.//${new URL(origin).host}/x`,
      `//${new URL(origin).host}/x`,
      `/\\${new URL(origin).host}/x`,
    ]) {
      const link = await newLink();
      link.searchParams.set('next', next);
      await page.goto(link.href);
      expect(page.url(), next).toBe(`${platform.origin}/notebooks/`);
    }
    expect(cookies).toEqual([]);
  });

  it('cannot be used by another user of the machine who has received its cookie', async () => {
    const page = await signedIn();
    const { origin, cookies } = await startOtherServer();
    await page.goto(origin);
    // Browsers send the cookie to every port of the host.
    const [cookie = ''] = cookies;
    expect(cookie).toContain(`notebook-sessions-gateway-${platform.port}=`);
    const url = `${platform.origin}/notebooks/servers`;
    expect((await fetch(url, { headers: { cookie } })).status).toBe(200);
    if (process.getuid?.() !== 0) return;
    const stolen = curlAsOther(url, '-H', `Cookie: ${cookie}`);
    expect(stolen.status).toBe(401);
    expect(stolen.body).toContain('This sign-in belongs to another user of this machine.');
    expect(await currentUser(page)).toMatchObject({ kind: 'registered' });
  });

  it('is not lost when a page on another port sets a cookie of the same name', async () => {
    const page = await signedIn();
    const name = `notebook-sessions-gateway-${platform.port}`;
    const paths = ['/notebooks', '/notebooks/', '/auth/me'];
    const { origin, cookies } = await startOtherServer(
      paths.map((path) => `document.cookie = '${name}=planted; path=${path}';`).join(''),
    );
    await page.goto(`${origin}/notebooks/`);
    await page.goto(`${origin}/notebooks/again`);
    // A browser may also request an icon, to which the planted cookies do not belong.
    expect(cookies.join()).toContain(`${name}=planted`);
    expect(await currentUser(page)).toMatchObject({ kind: 'registered' });
    await page.goto(`${platform.origin}/notebooks/`);
    await page.getByRole('heading', { name: 'Your sessions' }).waitFor(slow);
  });

  it('works through a forwarded port, from the link to a running cell', async () => {
    // As `ssh -L PORT:127.0.0.1:8000` does on another computer.
    const port = await listenOn(
      createServer((socket) => {
        const behind = connect(platform.port, '127.0.0.1');
        socket.pipe(behind).pipe(socket);
        socket.on('error', () => behind.destroy());
        behind.on('error', () => socket.destroy());
      }),
    );
    const page = await (await browser.profile()).newPage();
    const otherPorts: string[] = [];
    page.on('request', (request) => {
      const { host } = new URL(request.url());
      if (host !== '' && !host.endsWith(`:${port}`)) otherPorts.push(request.url());
    });
    const link = await newLink();
    link.port = String(port);
    link.searchParams.set('next', '/notebooks/launch/demo/first-light?ref=main');
    await page.goto(link.href.replace('127.0.0.1', 'localhost'));
    await page.waitForURL(`http://localhost:${port}/sessions/**`, slow);
    await jupyterLab(page);
    expect(await runCell(page, 'print(6 * 7)')).toBe('42');
    expect(otherPorts).toEqual([]);
  });
});
