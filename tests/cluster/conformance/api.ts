import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, type Dispatcher, request } from 'undici';
import { type ApiServerUnderTest, openApiServer, readKubeconfig } from '../../support/api-server-under-test.ts';

export interface ApiResponse {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  /** The body as JSON; undefined if it is not JSON. Not typed, so that tests can read any member. */
  readonly json: Json;
}

// biome-ignore lint/suspicious/noExplicitAny: the tests check the types of responses
export type Json = any;

export interface CallOptions {
  /** A string is sent unchanged, other values as JSON. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string | number | boolean>;
  /** null: no token. */
  readonly token?: string | null;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Json;
}

export interface Watch {
  readonly status: number;
  readonly contentType: string;
  /** Returns the next event, bookmarks included; undefined after the server has ended the watch. */
  next(): Promise<WatchEvent | undefined>;
  /** Returns all further events until the server ends the watch. */
  rest(): Promise<WatchEvent[]>;
  close(): void;
}

/** HTTP requests to an API server, without a Kubernetes client, and a namespace for the tests of one file. */
export interface Api {
  readonly embedded: boolean;
  readonly namespace: string;
  call(method: Dispatcher.HttpMethod, path: string, options?: CallOptions): Promise<ApiResponse>;
  /** As `call`, but returns the body; throws an Error with the response if its status is not 2xx. */
  ok(method: Dispatcher.HttpMethod, path: string, options?: CallOptions): Promise<Json>;
  watch(path: string, query?: CallOptions['query'], headers?: CallOptions['headers']): Promise<Watch>;
  compact(): Promise<void>;
  close(): Promise<void>;
}

export async function openApi(options?: Parameters<typeof openApiServer>[0]): Promise<Api> {
  const server = await openApiServer(options);
  const api = connect(server, `test-${randomBytes(4).toString('hex')}`);
  const body = { metadata: { name: api.namespace } };
  await api.ok('POST', '/api/v1/namespaces', { body });
  return api;
}

function connect(server: ApiServerUnderTest, namespace: string): Api {
  const { cluster, token: admin } = readKubeconfig(server.kubeconfig);
  const ca = cluster['certificate-authority-data'];
  const dispatcher = new Agent(ca ? { connect: { ca: Buffer.from(ca, 'base64') } } : {});

  async function send(
    method: Dispatcher.HttpMethod,
    path: string,
    { body, headers, query = {}, token = admin }: CallOptions = {},
  ): Promise<Dispatcher.ResponseData> {
    const url = new URL(cluster.server + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return await request(url, {
      method,
      dispatcher,
      bodyTimeout: 60_000,
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    });
  }

  const call: Api['call'] = async (method, path, options) => {
    const { statusCode: status, headers, body } = await send(method, path, options);
    const text = await body.text();
    const isJson = String(headers['content-type']).startsWith('application/json');
    return { status, headers, text, json: isJson && text !== '' ? JSON.parse(text) : undefined };
  };

  const ok: Api['ok'] = async (method, path, options) => {
    const { status, json, text } = await call(method, path, options);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return json;
  };

  return {
    embedded: server.embedded,
    namespace,
    call,
    ok,
    async watch(path, query = {}, headers = {}) {
      const {
        statusCode,
        headers: responseHeaders,
        body,
      } = await send('GET', path, { query: { watch: true, ...query }, headers });
      const events = eventsOf(body);
      const next = async () => {
        const { value, done } = await events.next();
        return done ? undefined : value;
      };
      return {
        status: statusCode,
        contentType: String(responseHeaders['content-type']),
        next,
        async rest() {
          const all: WatchEvent[] = [];
          for await (const event of events) all.push(event);
          return all;
        },
        close: () => {
          body.on('error', () => undefined);
          body.destroy();
        },
      };
    },
    compact: () => server.compact(),
    async close() {
      await call('DELETE', `/api/v1/namespaces/${namespace}`);
      await dispatcher.destroy();
      await server.close();
    },
  };
}

async function* eventsOf(body: AsyncIterable<Buffer>): AsyncGenerator<WatchEvent, undefined> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as WatchEvent;
  }
  return undefined;
}

/** Calls `read` until `wanted` accepts the result, and returns that result. Throws after 30 s with `what` it waited for. */
export async function eventually<T>(what: string, read: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  const end = performance.now() + 90_000;
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    if (performance.now() > end)
      throw new Error(`waited 90 s for ${what}; last value: ${JSON.stringify(value, null, 1)}`);
    await delay(20);
  }
}

const root = (group: string) => (group === '' ? '/api/v1' : `/apis/${group}`);

/** Returns the paths of collections in a namespace. */
export function pathsOf(namespace: string) {
  const at = (group: string, plural: string) => `${root(group)}/namespaces/${namespace}/${plural}`;
  return {
    jupyterServers: at('amalthea.dev/v1alpha1', 'jupyterservers'),
    secrets: at('', 'secrets'),
    configMaps: at('', 'configmaps'),
    services: at('', 'services'),
    pods: at('', 'pods'),
    events: at('', 'events'),
    persistentVolumeClaims: at('', 'persistentvolumeclaims'),
    statefulSets: at('apps/v1', 'statefulsets'),
    ingresses: at('networking.k8s.io/v1', 'ingresses'),
    leases: at('coordination.k8s.io/v1', 'leases'),
  };
}

export function jupyterServer(name: string, spec: object = {}, metadata: object = {}): Json {
  return { apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer', metadata: { name, ...metadata }, spec };
}

export const patches = {
  json: { 'content-type': 'application/json-patch+json' },
  merge: { 'content-type': 'application/merge-patch+json' },
  strategic: { 'content-type': 'application/strategic-merge-patch+json' },
} as const;
