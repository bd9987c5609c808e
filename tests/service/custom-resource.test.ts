import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterEach, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { Deadline } from '../../src/lib/deadline.ts';
import { createOperator } from '../../src/operator/operator.ts';
import { readSettings } from '../../src/operator/settings.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import { createSessionStore } from '../../src/sessions/read/store.ts';
import { kubeconfigOf } from '../support/sessions/kubeconfig.ts';

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: KubernetesObject;
}

const log = pino({ level: 'silent' });
const collection = '/apis/notebooks.example.org/v2/namespaces/sessions/servers';
const stored: JupyterServer = {
  metadata: { name: 'mine', namespace: 'sessions', uid: 'uid-of-mine', resourceVersion: '1' },
  spec: { routing: { host: 'sessions.example.org' } },
};

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Serves one object in `collection`, empty lists elsewhere, and watches without events; writes are echoed. */
async function startApiServer(onRequest: (request: Request) => void): Promise<string> {
  async function respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname: path, searchParams: query } = new URL(req.url ?? '/', 'http://api');
    const method = req.method ?? '';
    const body: KubernetesObject = await readJson(req);
    onRequest({ method, path, body });
    res.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    if (query.has('watch')) return;
    const object = path.startsWith(`${collection}/`) ? stored : { ...body, metadata: { ...body.metadata, uid: path } };
    const list = { metadata: { resourceVersion: '1' }, items: path === collection ? [stored] : [] };
    res.end(JSON.stringify(method === 'GET' && !path.startsWith(`${collection}/`) ? list : object));
  }
  const server = createServer((req, res) => void respond(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readJson(req: IncomingMessage): Promise<KubernetesObject> {
  let text = '';
  for await (const chunk of req) text += String(chunk);
  return JSON.parse(text || '{"metadata":{}}');
}

it('the service and the operator use the custom resource that the same variables name', async () => {
  const requests: Request[] = [];
  const environment = {
    NB_AMALTHEA__GROUP: 'notebooks.example.org',
    NB_AMALTHEA__VERSION: 'v2',
    NB_AMALTHEA__PLURAL: 'servers',
    NB_K8S__RENKU_NAMESPACE: 'sessions',
    NB_SESSIONS__INGRESS__HOST: 'sessions.example.org',
    NAMESPACES: 'sessions',
  };
  const kubeconfig = await parseKubeConfig(kubeconfigOf(await startApiServer((each) => requests.push(each)), 'token'));
  const client = createKubernetesClient({ kubeconfig, log });
  stops.push(() => client.close());

  const { config } = loadConfig(environment);
  const store = createSessionStore({ client, config, log });
  stops.push(() => store.stop());
  await store.start();
  expect(await store.read('mine', Deadline.after(5_000))).toMatchObject({ uid: 'uid-of-mine' });

  const operator = createOperator({ client, settings: readSettings(environment), log });
  stops.push(() => operator.stop());
  await operator.start();
  await expect
    .poll(() => requests.find(({ method, path }) => method === 'PATCH' && path === `${collection}/mine`))
    .toMatchObject({ body: { status: { state: 'starting' } } });
  const [statefulSet] = requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/statefulsets'));
  expect(statefulSet?.body.metadata.ownerReferences).toMatchObject([
    { apiVersion: 'notebooks.example.org/v2', kind: 'JupyterServer', name: 'mine' },
  ]);
  expect(requests.map(({ path }) => path).filter((path) => path.includes('amalthea'))).toEqual([]);
});
