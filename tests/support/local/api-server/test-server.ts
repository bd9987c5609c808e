import type { IncomingMessage } from 'node:http';
import { Agent, createServer, request as secureRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { generate } from 'selfsigned';
import { type ApiServer, createApiServer } from '../../../../src/local/api-server/api-server.ts';
import { at } from '../../../../src/local/api-server/json.ts';
import { type ClusterOptions, openCluster } from '../../../../src/local/api-server/open-cluster.ts';
import type { Store } from '../../../../src/local/api-server/store.ts';
import type { NodeAgent } from '../../../../src/local/cluster.ts';

export const log = pino({ level: 'silent' });
export const TOKEN = 'a-test-token';

export interface ApiResponse {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  /** The body as JSON; undefined if it is not JSON. */
  json: unknown;
}

export interface TestServer extends AsyncDisposable {
  cluster: Store;
  api: ApiServer;
  url: string;
  /** PEM of the server's certificate. */
  ca: string;
  call(method: string, path: string, options?: CallOptions): Promise<ApiResponse>;
  /** Starts a GET of a stream, such as a watch. Destroy the message to close the connection. */
  open(path: string, headers?: Record<string, string>): Promise<IncomingMessage>;
}

export interface CallOptions {
  /** Strings and buffers are sent unchanged, other values as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  /** null: no token. */
  token?: string | null;
}

/** Starts an HTTPS server with the REST API on a store in memory. */
export async function startTestServer(
  options: { cluster?: Partial<ClusterOptions>; node?: NodeAgent } = {},
): Promise<TestServer> {
  const cluster = openCluster({ path: ':memory:', log, ...options.cluster });
  const api = createApiServer({ cluster, token: TOKEN, log, ...(options.node ? { node: options.node } : {}) });
  const { private: key, cert } = await certificate();
  const server = createServer({ key, cert }, api.handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ ca: cert, keepAlive: true });
  const send = (method: string, path: string, { body, headers = {}, token = TOKEN }: CallOptions) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
      const bytes = body === undefined ? undefined : Buffer.from(isRaw ? body : JSON.stringify(body));
      const all = {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
        ...headers,
      };
      const req = secureRequest({ host: '127.0.0.1', port, method, path, headers: all, agent }, resolve);
      req.on('error', reject);
      req.end(bytes);
    });
  return {
    cluster,
    api,
    url: `https://127.0.0.1:${port}`,
    ca: cert,
    call: async (method, path, callOptions = {}) => readResponse(await send(method, path, callOptions)),
    open: (path, headers = {}) => send('GET', path, { headers }),
    async [Symbol.asyncDispose]() {
      await api.close();
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      cluster.close();
    },
  };
}

async function readResponse(message: IncomingMessage): Promise<ApiResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const isJson = message.headers['content-type']?.startsWith('application/json') && !text.includes('}\n{');
  const json: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
  return { status: message.statusCode ?? 0, headers: message.headers, text, json };
}

/** Yields the lines of a stream, parsed as JSON. */
export async function* jsonLines(message: IncomingMessage): AsyncGenerator<unknown> {
  let rest = '';
  message.setEncoding('utf8');
  for await (const chunk of message as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line);
  }
}

/** Returns `TYPE name` for a watch event. */
export function described(event: unknown): string {
  return `${at(event, 'type')} ${at(event, 'object', 'metadata', 'name')}`;
}

let made: ReturnType<typeof generate> | undefined;

function certificate(): ReturnType<typeof generate> {
  made ??= generate([{ name: 'commonName', value: 'test' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  return made;
}

export const JUPYTER_SERVERS = '/apis/amalthea.dev/v1alpha1/namespaces/default/jupyterservers';

/** Returns the body of a request that creates a JupyterServer. */
export function jupyterServer(name: string, spec: object = {}, metadata: object = {}): object {
  return { apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer', metadata: { name, ...metadata }, spec };
}
