import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Router } from 'express';
import { type AppParts, createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/types.ts';
import { healthRoutes, versionRoutes } from '../../src/health/routes.ts';
import { createIdentity } from '../../src/identity/identify.ts';
import { loadDocument } from '../../src/pipeline/document.ts';
import { createHttpServer } from '../../src/pipeline/http-server.ts';
import { createLogger } from '../../src/platform/logging/logger.ts';
import { loopbackHttp } from './outbound-http.ts';

export interface TestResponse {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Returns the body as JSON. Throws a SyntaxError if it is not JSON. */
  json(): Record<string, unknown>;
  /** Returns the error of an error response. */
  error(): {
    message: string;
    detail: string | null;
    code: number;
    fields?: { path: string; message: string }[];
    requestId: string;
  };
}

export interface TestRequest {
  method?: string;
  /** The request target, sent as it is. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Closes the connection. */
  signal?: AbortSignal;
}

export interface TestApp extends AsyncDisposable {
  origin: string;
  port: number;
  config: Config;
  /** Returns every line that was logged. */
  log(): string;
  send(request: TestRequest): Promise<TestResponse>;
}

/** Starts the service's pipeline with the routes of the test, on a port of loopback. */
export async function startApp(options: {
  routes: Router[];
  env?: Record<string, string>;
  parts?: Partial<AppParts>;
}): Promise<TestApp> {
  const { config } = loadConfig({
    NB_SESSIONS__INGRESS__HOST: 'sessions.example.org',
    NB_ANONYMOUS_SESSIONS_ENABLED: 'true',
    ...options.env,
  });
  let logged = '';
  const log = createLogger({
    name: 'test',
    level: 'debug',
    destination: {
      write(line) {
        logged += line;
      },
    },
  });
  const app = createApp({
    config,
    log,
    document: loadDocument(config.service_prefix),
    identify: createIdentity({ config, http: loopbackHttp(), log }),
    health: healthRoutes({ prefix: config.service_prefix, dependencies: [], stopping: new AbortController().signal }),
    routes: [...options.routes, versionRoutes(config)],
    validateResponses: true,
    ...options.parts,
  });
  const server = createHttpServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    config,
    log: () => logged,
    send: (request) => send(port, request),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Sends a request with node:http: fetch adds headers, rejects some headers, and normalizes addresses. */
export async function send(
  port: number,
  { method = 'GET', path, headers = {}, body, signal }: TestRequest,
): Promise<TestResponse> {
  const call = request({ host: '127.0.0.1', port, method, path, headers, agent: false, ...(signal ? { signal } : {}) });
  call.end(body);
  const [response] = await once(call, 'response');
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  const json = () => JSON.parse(text) as Record<string, unknown>;
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    json,
    error: () => json()['error'] as ReturnType<TestResponse['error']>,
  };
}
