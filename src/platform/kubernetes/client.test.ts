import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, it } from 'vitest';
import { kubeconfigFor, status } from '../../../tests/support/kubernetes/fault-server.ts';
import { jupyterServers } from '../../jupyter-server/resource.ts';
import { Deadline } from '../../lib/deadline.ts';
import { createKubernetesClient } from './client.ts';
import { parseKubeConfig } from './kubeconfig.ts';
import { resource } from './resources.ts';
import { type KubernetesConnection, KubernetesError, KubernetesUnavailable } from './types.ts';

const log = pino({ level: 'silent' });
const cleanUp: (() => Promise<unknown>)[] = [];

interface Seen {
  method: string;
  url: string;
  contentType: string | undefined;
  authorization: string | undefined;
  body: string;
}

interface Response {
  code?: number;
  body?: string | object;
  headers?: Record<string, string>;
}

/**
 * Starts a server that sends `responses` in order, and the last one to all further requests. 'reset' breaks the
 * connection; 'silence' leaves the request without a response.
 */
async function serve(responses: (Response | 'reset' | 'silence')[], tls?: { key: string; cert: string }) {
  const seen: Seen[] = [];
  let connections = 0;
  const onRequest: RequestListener = (req, res) => {
    let body = '';
    req.on('data', (chunk) => {
      body += chunk;
    });
    req.on('end', () => {
      const { method = '', url = '', headers } = req;
      seen.push({ method, url, body, contentType: headers['content-type'], authorization: headers.authorization });
      const response = responses.length > 1 ? responses.shift() : responses[0];
      if (response === 'reset') req.socket.resetAndDestroy();
      else if (response !== 'silence') {
        const text =
          typeof response?.body === 'string' ? response.body : JSON.stringify(response?.body ?? { metadata: {} });
        res.writeHead(response?.code ?? 200, response?.headers ?? {}).end(text);
      }
    });
  };
  const server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest);
  server.on(tls ? 'secureConnection' : 'connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanUp.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, seen, connections: () => connections };
}

async function connect(kubeconfig: string): Promise<KubernetesConnection> {
  const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfig), log });
  cleanUp.push(() => client.close());
  return client;
}

const soon = () => Deadline.after(10_000);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => new Error('the call did not fail'),
    (error: Error) => error,
  );

afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each();
});

describe('the Kubernetes client', () => {
  it('sends the paths, content types and bodies of the Kubernetes API', async () => {
    const { url, seen } = await serve([{}]);
    const client = await connect(kubeconfigFor(`${url}/prefix/`));
    await client.get(jupyterServers, 'a', 'odd/na me', soon());
    await client.create(resource.secrets, 'a', { metadata: { name: 's' } }, soon());
    await client.mergePatch(resource.statefulSets, 'a', 's', { spec: { replicas: 0 } }, soon());
    await client.jsonPatch(resource.pods, 'a', 'p', [{ op: 'remove', path: '/x' }], soon());
    await client.delete(
      resource.pods,
      'a',
      'p',
      { propagationPolicy: 'Foreground', preconditions: { uid: 'u' } },
      soon(),
    );
    await client.podLog('a', 'p', { container: 'c', tailLines: 5, timestamps: false, limitBytes: 10 }, soon());
    expect(seen.map(({ method, url, contentType, body }) => [method, url, contentType, body])).toEqual([
      ['GET', '/prefix/apis/amalthea.dev/v1alpha1/namespaces/a/jupyterservers/odd%2Fna%20me', undefined, ''],
      ['POST', '/prefix/api/v1/namespaces/a/secrets', 'application/json', '{"metadata":{"name":"s"}}'],
      [
        'PATCH',
        '/prefix/apis/apps/v1/namespaces/a/statefulsets/s',
        'application/merge-patch+json',
        '{"spec":{"replicas":0}}',
      ],
      ['PATCH', '/prefix/api/v1/namespaces/a/pods/p', 'application/json-patch+json', '[{"op":"remove","path":"/x"}]'],
      [
        'DELETE',
        '/prefix/api/v1/namespaces/a/pods/p',
        'application/json',
        '{"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground","preconditions":{"uid":"u"}}',
      ],
      [
        'GET',
        '/prefix/api/v1/namespaces/a/pods/p/log?container=c&tailLines=5&timestamps=false&limitBytes=10',
        undefined,
        '',
      ],
    ]);
  });

  it('shares connections and sends the token, over TLS that is verified with the kubeconfig’s CA', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    const { url, seen, connections } = await serve([{}], { key, cert });
    const config = (cluster: object) =>
      JSON.stringify({ ...JSON.parse(kubeconfigFor(url, { token: 'T' })), clusters: [{ name: 'test', cluster }] });
    const trusting = await connect(
      config({ server: url, 'certificate-authority-data': Buffer.from(cert).toString('base64') }),
    );
    for (let i = 0; i < 20; i += 1) await trusting.get(resource.pods, 'a', 'p', soon());
    expect(connections()).toBeLessThanOrEqual(2);
    expect(seen[0]?.authorization).toBe('Bearer T');

    const careful = await connect(config({ server: url }));
    const error = await failureOf(careful.get(resource.pods, 'a', 'p', soon()));
    expect(error).toBeInstanceOf(KubernetesUnavailable);
    expect(error.message).toMatch(/certificate that is not trusted/);
  });

  it('reads the token again, once, if the API server rejects the token', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'token-'));
    cleanUp.push(async () => rmSync(folder, { recursive: true }));
    const file = join(folder, 'token');
    writeFileSync(file, 'old\n');
    const refused = { code: 401, body: status(401, 'Unauthorized') };
    const { url, seen } = await serve([{}, refused, {}, refused]);
    const client = await connect(kubeconfigFor(url, { token: 'old' }));
    await client.get(resource.pods, 'a', 'p', soon());
    await client.get(resource.pods, 'a', 'p', soon());
    expect(await failureOf(client.get(resource.pods, 'a', 'p', soon()))).toMatchObject({ status: 401 });
    expect(seen).toHaveLength(5);
    const fromFile = await connect(
      kubeconfigFor(url, { 'auth-provider': { name: 'tokenFile', config: { tokenFile: file } } }),
    );
    await failureOf(fromFile.get(resource.pods, 'a', 'p', soon()));
    expect(seen.at(-1)?.authorization).toBe('Bearer old');
  });

  it('retries after 429 when the time in Retry-After has passed, within the deadline', async () => {
    const busy = { code: 429, body: status(429, 'TooManyRequests'), headers: { 'retry-after': '0' } };
    const { url, seen } = await serve([busy, busy, {}]);
    const client = await connect(kubeconfigFor(url));
    await client.create(resource.pods, 'a', { metadata: { name: 'p' } }, soon());
    expect(seen).toHaveLength(3);
    const later = await serve([{ ...busy, headers: { 'retry-after': '60' } }]);
    const error = await failureOf((await connect(kubeconfigFor(later.url))).get(resource.pods, 'a', 'p', soon()));
    expect(error).toMatchObject({ status: 429, retryAfterSeconds: 60 });
    expect(later.seen).toHaveLength(1);
    // An overloaded API server sends this response before it reads the request.
    const plain = { code: 429, body: 'Too many requests, please try again later.\n', headers: { 'retry-after': '60' } };
    const overloaded = await serve([{ ...plain, headers: { 'retry-after': '0' } }, plain]);
    const rejected = await failureOf(
      (await connect(kubeconfigFor(overloaded.url))).get(resource.pods, 'a', 'p', soon()),
    );
    expect(rejected).toMatchObject({ status: 429, reason: 'TooManyRequests', retryAfterSeconds: 60 });
    expect(overloaded.seen).toHaveLength(2);
  });

  it('retries a GET after a broken connection, but never a write', async () => {
    const { url, seen } = await serve(['reset', {}, 'reset', {}]);
    const client = await connect(kubeconfigFor(url));
    await client.get(resource.pods, 'a', 'p', soon());
    expect(seen).toHaveLength(2);
    const error = await failureOf(client.create(resource.pods, 'a', { metadata: { name: 'p' } }, soon()));
    expect(error).toBeInstanceOf(KubernetesUnavailable);
    expect(error.message).toBe('create pods a/p: the Kubernetes API broke the connection');
    expect(seen).toHaveLength(3);
  });

  it('lists all pages, and lists again from the first page if the list expires', async () => {
    const page = (names: string[], token?: string) => ({
      body: {
        metadata: { resourceVersion: '7', continue: token ?? '' },
        items: names.map((name) => ({ metadata: { name } })),
      },
    });
    const { url, seen } = await serve([
      page(['a'], 'next'),
      { code: 410, body: status(410, 'Expired') },
      page(['a'], 'next'),
      page(['b']),
    ]);
    const pods = await (await connect(kubeconfigFor(url))).list(resource.pods, '', { labelSelector: 'x=y' }, soon());
    expect(pods.map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
    expect(seen[1]?.url).toBe('/api/v1/pods?labelSelector=x%3Dy&limit=200&continue=next');
  });
});

describe('a call that fails', () => {
  async function get(...responses: (Response | 'reset' | 'silence')[]) {
    const { url } = await serve(responses);
    return (await connect(kubeconfigFor(url))).get(resource.pods, 'a', 'p', soon());
  }

  it('returns undefined for a missing object, and throws for an unknown type', async () => {
    expect(await get({ code: 404, body: status(404, 'NotFound') })).toBeUndefined();
    expect(await failureOf(get({ code: 404, body: '404 page not found\n' }))).toMatchObject({
      status: 404,
      reason: 'NoSuchApi',
    });
    expect(await failureOf(get({ code: 404, body: '<html>' }))).toBeInstanceOf(KubernetesUnavailable);
  });

  it('returns false for the deletion of a missing object', async () => {
    const { url } = await serve([{}, { code: 404, body: status(404, 'NotFound') }]);
    const client = await connect(kubeconfigFor(url));
    expect(await client.delete(resource.pods, 'a', 'p', {}, soon())).toBe(true);
    expect(await client.delete(resource.pods, 'a', 'p', {}, soon())).toBe(false);
  });

  it.each([
    ['HTML', { body: '<html>' }],
    ['null', { body: 'null' }],
    ['an object without metadata', { body: '{"kind":"Pod"}' }],
    ['a redirect', { code: 302, headers: { location: 'http://127.0.0.1:1/' } }],
    ['502 from a proxy', { code: 502, body: '<html>' }],
    ['a connection that breaks twice', 'reset' as const],
  ])('throws KubernetesUnavailable for %s', async (_name, response) => {
    expect(await failureOf(get(response))).toBeInstanceOf(KubernetesUnavailable);
  });

  it('says that the connection was refused', async () => {
    const error = await failureOf(
      (await connect(kubeconfigFor('http://127.0.0.1:1'))).get(resource.pods, 'a', 'p', soon()),
    );
    expect(error).toBeInstanceOf(KubernetesUnavailable);
    expect(error.message).toBe('get pods a/p: the Kubernetes API refused the connection');
  });

  it('ends at its deadline, or when its signal aborts, if the server does not respond', async () => {
    const { url } = await serve(['silence']);
    const client = await connect(kubeconfigFor(url));
    const late = await failureOf(client.get(resource.pods, 'a', 'p', Deadline.after(50)));
    expect(late).toBeInstanceOf(KubernetesUnavailable);
    expect(late.message).toBe('get pods a/p: the Kubernetes API did not respond in time');
    const owner = new AbortController();
    const given = failureOf(client.get(resource.pods, 'a', 'p', Deadline.after(60_000, owner.signal)));
    owner.abort();
    expect(await given).toBeInstanceOf(KubernetesUnavailable);
  });

  it('stops reading a response that is too large', async () => {
    const error = await failureOf(get({ body: `"${'x'.repeat(9 * 1024 * 1024)}"` }));
    expect(error).toBeInstanceOf(KubernetesUnavailable);
    expect(error.message).toMatch(/more than/);
  });

  it('has a message without the content of the request and the response, except the reason of a 403', async () => {
    const causes = [{ field: 'spec.rules[0].host', reason: 'FieldValueInvalid', message: 'Invalid value: "SECRET"' }];
    const responses: Response[] = [
      { code: 422, body: status(422, 'Invalid', { message: 'Invalid value: "SECRET"', details: { causes } }) },
      { code: 400, body: status(400, 'BadRequest', { message: 'cannot unmarshal "SECRET"' }) },
      { code: 500, body: 'SECRET' },
      { body: 'SECRET' },
      { code: 409, body: status(409, 'AlreadyExists', { message: 'SECRET' }) },
    ];
    for (const response of responses) {
      const { url } = await serve([response]);
      const client = await connect(kubeconfigFor(url, { token: 'SECRET' }));
      const body = { metadata: { name: 's' }, data: { key: 'SECRET' } };
      const error = await failureOf(client.create(resource.secrets, 'a', body, soon()));
      expect(error.message).not.toContain('SECRET');
      expect(error.message).toContain('create secrets a/s');
    }
    const invalid = await failureOf(get(responses[0] ?? {}));
    expect(invalid.message).toContain('422 Invalid (spec.rules[0].host: FieldValueInvalid)');
    const quota = { code: 403, body: status(403, 'Forbidden', { message: 'exceeded quota: q,\nrequested: pods=1' }) };
    const refused = await failureOf(get(quota));
    expect(refused).toBeInstanceOf(KubernetesError);
    expect(refused.message).toContain('403 Forbidden: exceeded quota: q, requested: pods=1');
  });
});
