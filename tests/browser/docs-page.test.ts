import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { headersOfJohn, startWholeService, type WholeService } from '../support/whole-service.ts';
import { describeInChromium, type FreshProfile } from './chromium.ts';

/** Starts a server that passes requests below `/api` on to the service, as a platform's gateway does. */
async function startGateway(port: number): Promise<Server> {
  const gateway = createServer((req, res) => {
    const path = req.url?.replace(/^\/api(?=\/)/, '') ?? '/';
    if (path === req.url) return void res.writeHead(404).end();
    const onward = request({ host: '127.0.0.1', port, path, method: req.method, headers: req.headers }, (response) => {
      res.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(res);
    });
    onward.on('error', () => res.destroy());
    req.pipe(onward);
  });
  gateway.listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  return gateway;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describeInChromium('the documentation page', (browser: FreshProfile) => {
  let backends: Backends;
  let service: WholeService;
  let gateway: Server;
  let scratch: string;
  let name: string;

  beforeAll(async () => {
    backends = await startBackends();
    scratch = mkdtempSync(join(tmpdir(), 'docs-page-'));
    const { cluster, gitlab, registry } = backends;
    const credentials = join(scratch, 'credentials');
    const lines = Object.entries(headersOfJohn(gitlab.url)).map(
      ([header, value]) => `header = "${header}: ${value}"\n`,
    );
    writeFileSync(credentials, lines.join(''), { mode: 0o600 });
    service = await startWholeService({
      kubeconfig: cluster.kubeconfig,
      config: { git: { url: gitlab.url, registry: registry.host }, docs: { curl_options: `-K '${credentials}'` } },
    });
    const body = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
    name = String((await service.request('POST', '/servers', body)).json()['name']);
    gateway = await startGateway(service.port);
  });
  afterAll(async () => {
    gateway?.closeAllConnections();
    gateway?.close();
    await service?.[Symbol.asyncDispose]();
    await backends?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function open(address = `http://127.0.0.1:${service.port}/notebooks/docs/`): Promise<Page> {
    const profile = await browser.profile({ extraHTTPHeaders: headersOfJohn(backends.gitlab.url) });
    const page = await profile.newPage();
    await page.goto(address);
    return page;
  }

  /** Opens the part of the page about one operation. */
  async function operation(page: Page, tag: string, id: string): Promise<Locator> {
    const part = page.locator(`#operations-${tag}-${id}`);
    await part.locator('.opblock-summary-control').click();
    await part.locator('.execute').waitFor();
    return part;
  }

  async function execute(part: Locator): Promise<{ status: string; body: string; curl: string; url: string }> {
    await part.locator('.execute').click();
    const live = part.locator('.live-responses-table .response');
    await live.locator('.response-col_status').waitFor();
    const text = async (selector: string) => (await part.locator(selector).first().textContent()) ?? '';
    return {
      status: (await live.locator('.response-col_status').textContent())?.trim() ?? '',
      body: await text('.live-responses-table .response-col_description .highlight-code code'),
      curl: await text('.curl-command .curl'),
      url: /https?:\S+/.exec(await text('.request-url'))?.[0] ?? '',
    };
  }

  it('sends only parameters that the user has filled in', async () => {
    const page = await open();
    const list = await operation(page, 'sessions', 'listServers');
    for (const filter of ['project', 'namespace', 'branch', 'commit_sha']) {
      expect(await list.locator(`tr[data-param-name="${filter}"] input[type=text]`).inputValue(), filter).toBe('');
    }
    const { status, body, url } = await execute(list);
    expect([status, Object.keys((JSON.parse(body) as { servers: object }).servers)]).toEqual(['200', [name]]);
    expect(url).toBe(`http://127.0.0.1:${service.port}/notebooks/servers`);

    const stop = await operation(page, 'sessions', 'stopServer');
    expect(await stop.locator('tr[data-param-name="forced"] select').inputValue()).not.toBe('true');
    const launch = await operation(page, 'sessions', 'launchServer');
    expect(await launch.locator('tr[data-param-name="dry_run"] select').inputValue()).not.toBe('true');
  });

  it('shows a curl command with credentials', async () => {
    const { curl } = await execute(await operation(await open(), 'sessions', 'listServers'));
    const { stdout } = await promisify(execFile)('sh', ['-c', curl], { timeout: 100_000 });
    expect(Object.keys((JSON.parse(stdout) as { servers: object }).servers)).toEqual([name]);
  });

  it('shows logs, and the beginning of a stream of logs', async () => {
    const found = backends.cluster.objects('jupyterservers')[0];
    const containerStatuses = [{ name: 'jupyter-server', restartCount: 0, state: { running: {} } }];
    const status = { state: 'running', mainPod: { name: `${name}-0`, status: { containerStatuses } } };
    backends.cluster.podLogs.set(`${name}-0/jupyter-server`, '2026-11-20T10:00:03.482000000Z hello from Jupyter\n');
    backends.cluster.put({ ...found, status } as Parameters<typeof backends.cluster.put>[0]);
    const page = await open();
    const logs = await operation(page, 'sessions', 'getLogs');
    await logs.locator('tr[data-param-name="server_name"] input').fill(name);
    await expect.poll(async () => (await service.request('GET', `/logs/${name}`)).text).toContain('hello');
    expect(await execute(logs)).toMatchObject({ status: '200', body: expect.stringContaining('hello from Jupyter') });

    await logs.locator('tr[data-param-name="follow"] select').selectOption('true');
    await logs
      .locator('.response-controls select, .responses-wrapper select')
      .first()
      .selectOption('text/event-stream');
    await logs.locator('.btn-clear').click();
    const stream = await execute(logs);
    expect(stream).toMatchObject({ status: '200', url: expect.stringContaining('follow=true') });
    expect(stream.body).toContain('retry: ');
  });

  it('works behind a gateway with another path', async () => {
    const origin = `http://127.0.0.1:${portOf(gateway)}`;
    const { status, url } = await execute(
      await operation(await open(`${origin}/api/notebooks/docs/`), 'sessions', 'listServers'),
    );
    expect([status, url]).toEqual(['200', `${origin}/api/notebooks/servers`]);
  });
});
