import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { pod } from '../../tests/support/operator/examples.ts';
import { kubeconfigOf } from '../../tests/support/sessions/kubeconfig.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { applyMergePatch } from '../lib/merge-patch.ts';
import { createKubernetesClient } from '../platform/kubernetes/client.ts';
import { parseKubeConfig } from '../platform/kubernetes/kubeconfig.ts';
import { copyResourceUsage, isNegligible, usageByPod } from './resource-usage.ts';

describe('resource usage', () => {
  it('is the usage of the Jupyter container, in whole millicores and bytes', () => {
    const metrics = [
      {
        metadata: { name: 'a-0' },
        containers: [
          { name: 'oauth2-proxy', usage: { cpu: '9', memory: '9Gi' } },
          { name: 'jupyter-server', usage: { cpu: '12345678n', memory: '131072Ki' } },
        ],
      },
      { metadata: { name: 'b-0' }, containers: [{ name: 'jupyter-server', usage: { cpu: 'nonsense', memory: '1M' } }] },
      { metadata: { name: 'c-0' }, containers: [{ name: 'other' }] },
      { metadata: { name: 'd-0' } },
    ];
    expect([...usageByPod(metrics)]).toEqual([
      ['a-0', { cpuMillicores: 12, memoryBytes: 134217728 }],
      ['b-0', { memoryBytes: 1000000 }],
    ]);
  });

  it('is written unless the change is negligible', () => {
    const before = { cpuMillicores: 100, memoryBytes: 100_000_000 };
    expect(isNegligible(before, { cpuMillicores: 102, memoryBytes: 100_500_000 })).toBe(true);
    expect(isNegligible(before, { cpuMillicores: 110, memoryBytes: 100_000_000 })).toBe(false);
    expect(isNegligible(before, { cpuMillicores: 100, memoryBytes: 120_000_000 })).toBe(false);
    expect(isNegligible(undefined, before)).toBe(false);
    expect(isNegligible(before, { cpuMillicores: 100 })).toBe(false);
  });

  it('is written for eight sessions at a time, and removed when it is no longer measured', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `session-${index}`);
    const sessions = new Map<string, JupyterServer>(
      names.map((name) => [
        name,
        {
          metadata: { name, namespace: 'n', uid: name },
          status: { mainPod: { uid: `pod-of-${name}`, name: `${name}-0` } },
        },
      ]),
    );
    let isMeasured = true;
    let inFlight = 0;
    let most = 0;
    const eight = Promise.withResolvers<void>();
    const server = createServer((req, res) => {
      if (req.method === 'GET') respond(res, { metadata: { resourceVersion: '1' }, items: measured() });
      else void write(req, res);
    }).listen(0, '127.0.0.1');
    const write = async (req: IncomingMessage, res: ServerResponse) => {
      const name = (req.url ?? '').split('/').at(-1)?.split('?')[0] ?? '';
      const object = applyMergePatch(sessions.get(name), JSON.parse(await text(req))) as JupyterServer;
      inFlight += 1;
      most = Math.max(most, inFlight);
      if (inFlight === 8) eight.resolve();
      await opened.promise;
      inFlight -= 1;
      sessions.set(name, object);
      respond(res, object);
    };
    const opened = Promise.withResolvers<void>();
    const respond = (res: ServerResponse, body: object) =>
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const measured = () =>
      (isMeasured ? names : []).map((name) => ({
        metadata: { name: `${name}-0`, namespace: 'n' },
        containers: [{ name: 'jupyter-server', usage: { cpu: '1', memory: '1Gi' } }],
      }));
    const isDone = (name: string) => (sessions.get(name)?.status?.mainPod?.resourceUsage !== undefined) === isMeasured;
    await once(server, 'listening');
    const log = pino({ level: 'silent' });
    const kubeconfig = kubeconfigOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'token');
    const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfig), log });
    const stop = new AbortController();
    const copying = copyResourceUsage({
      client,
      view: {
        servers: () => [...sessions.values()],
        pod: (uid) => pod({}, { uid: `pod-of-${uid}` }),
        observeServer: () => undefined,
      },
      namespaces: ['n'],
      jupyterServers,
      intervalMs: 5,
      mayWrite: () => true,
      log,
      signal: stop.signal,
      expiresMs: 50,
    });
    await eight.promise;
    // A ninth request would have been sent before this one.
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(most).toBe(8);
    opened.resolve();
    await expect.poll(() => names.every(isDone)).toBe(true);
    expect(sessions.get('session-0')?.status?.mainPod?.resourceUsage).toEqual({
      cpuMillicores: 1000,
      memoryBytes: 1024 ** 3,
    });
    isMeasured = false;
    await expect.poll(() => names.every(isDone)).toBe(true);
    stop.abort();
    await copying;
    await client.close();
    server.close();
  });
});
